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

enum { RECORD_DETAILS_NAME = 96 };

struct record_detail { /* borrowed */
    const char *kind;
    const uint8_t *digest; /* CMC_SHA256_LEN bytes */
    uint64_t len;
};
struct record_details_writer {
    int dir, fd; /* owned; fd -1: nothing to remove */
    char name[RECORD_DETAILS_NAME], temp[RECORD_DETAILS_NAME];
    uint64_t left; /* bytes that are still to be added */
};

/* The same, piece by piece: start, add all d->len bytes, end, and in any case drop, which removes
 * what has not ended. Returns 1 when it is stored already: then nothing is added; 0: begun.
 * Errors: as record_details_put(); w is dropped then. */
CMC_MUST_CHECK int record_details_start(const char *dir, const struct record_detail *d,
                                        uint64_t quota, struct record_details_writer *w,
                                        struct cmc_err *err);
/* Errors, of both: -CMC_E_SYS, -CMC_E_LIMIT (more or less than was said). */
CMC_MUST_CHECK int record_details_add(struct record_details_writer *w, const void *data, size_t len,
                                      struct cmc_err *err);
CMC_MUST_CHECK int record_details_end(struct record_details_writer *w, struct cmc_err *err);
void record_details_drop(struct record_details_writer *w);

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
