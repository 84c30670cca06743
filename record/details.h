/* SPDX-License-Identifier: Apache-2.0 */
/* record/details.h -- details of events, stored once by digest, below the state directory. */
#ifndef RECORD_DETAILS_H
#define RECORD_DETAILS_H
#include "base/buf.h"
#include "base/hash.h"

/* Stores data as KIND-HEX (0640 root:cmc) in dir (made 0750 root:cmc when absent), written to a
 * temporary name, synced and renamed; present already: nothing is written.
 * kind: "config", "listing". digest: what the event names. quota: bytes of the whole directory;
 * with it used up the oldest details go first. Errors: -CMC_E_SYS, -CMC_E_VERIFY, -CMC_E_LIMIT. */
CMC_MUST_CHECK int record_details_put(const char *dir, const char *kind,
                                      const uint8_t digest[static CMC_SHA256_LEN], const void *data,
                                      size_t len, uint64_t quota, struct cmc_err *err);
/* Reads one back; *out is freed by the caller with cmc_buf_done(). The caller recomputes the
 * digest: for "config" by measure_config_detail_digest(), for "listing" by SHA-256.
 * Returns 1 found, 0 not stored, < 0 -CMC_E_SYS, -CMC_E_VERIFY, -CMC_E_LIMIT. */
CMC_MUST_CHECK int record_details_get(const char *dir, const char *kind,
                                      const uint8_t digest[static CMC_SHA256_LEN],
                                      struct cmc_buf *out, struct cmc_err *err);
/* Is it stored, as far as can be seen without reading it? */
bool record_details_has(const char *dir, const char *kind,
                        const uint8_t digest[static CMC_SHA256_LEN]);
#endif
