/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/exact.h -- reports of profile exact, as bytes (docs/formats/report.md). Nothing here
 * is verified. */
#ifndef ATTEST_META_EXACT_H
#define ATTEST_META_EXACT_H
#include "attest/meta/types.h"

enum {
    META_EXACT_MAX = 64 << 20,
    META_EXACT_PCRS = 64,
    META_EXACT_LIST = 4096, /* details, digests, items */
    META_EXACT_BLOB = 2048, /* bytes of attest, of signature */
    META_EXACT_NAME = 1024, /* bytes of name */
    META_EXACT_BOOT_LOGS = 2
};

struct meta_exact_pcr {
    uint32_t bank, index;
    struct meta_bytes value;
};
struct meta_exact_part { /* a detail, or a boot log */
    const char *kind;
    struct meta_bytes digest; /* of a detail */
    struct meta_bytes data;
};
struct meta_exact {
    const char *name, *kind; /* kind: "tpm", "sw" */
    struct meta_bytes attest, signature;
    const struct meta_bytes *cert;
    size_t cert_count;
    const struct meta_exact_pcr *pcr;
    size_t pcr_count;
    struct meta_bytes log;
    const struct meta_exact_part *detail, *boot_log;
    size_t detail_count, boot_log_count;
    const struct meta_bytes *digest, *item; /* metadata */
    size_t digest_count, item_count;
    struct meta_doc *doc; /* owned; NULL of one to encode */
};
/* Whether data looks like a report of this profile (its type), in either encoding. */
bool meta_exact_is(const void *data, size_t len);
/* Errors: -CMC_E_FORMAT (unknown, repeated or missing members, order, types), -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_exact_decode(const void *data, size_t len, struct meta_exact *out,
                                     struct cmc_err *err);
CMC_MUST_CHECK int meta_exact_encode(const struct meta_exact *r, enum meta_encoding encoding,
                                     struct cmc_buf *out, struct cmc_err *err);
void meta_exact_done(struct meta_exact *r);
/* Q of section 2. */
void meta_exact_qualify(const void *nonce, size_t len, uint8_t out[static CMC_SHA256_LEN]);
#endif
