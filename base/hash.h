/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash.h -- the digests that TPM banks use, without OpenSSL's run-time machinery.
 * A library of its own (cmc_hash): only who hashes links libcrypto.a. */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CMC_HASH_MAX = 64, CMC_SHA256_LEN = 32 };

/* TCG Algorithm Registry, TPM_ALG_ID: the digests that we can compute. */
enum cmc_hash_alg {
    CMC_ALG_SHA1 = 0x0004,
    CMC_ALG_SHA256 = 0x000b,
    CMC_ALG_SHA384 = 0x000c,
    CMC_ALG_SHA512 = 0x000d
};

/* Bytes of a digest, 0 for an algorithm that we cannot compute. */
size_t cmc_hash_size(uint16_t alg);
/* "sha256", or NULL for an algorithm that we cannot compute. */
const char *cmc_hash_name(uint16_t alg);
/* The TPM_ALG_ID of a name such as "sha256", 0 when unknown. */
uint16_t cmc_hash_by_name(const char *name, size_t len);
/* Hashes the concatenation of a and b (b may be NULL with b_len 0). out: cmc_hash_size(alg)
 * bytes. Errors: -CMC_E_USAGE (alg unknown); out untouched. */
CMC_MUST_CHECK int cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                             uint8_t *out, struct cmc_err *err);
void cmc_sha256(const void *data, size_t len, uint8_t out[static CMC_SHA256_LEN]);

/* Streaming SHA-256. Sized for libcrypto's SHA256_CTX; checked where it is used. */
struct cmc_sha256_ctx {
    uint64_t opaque[14];
};
void cmc_sha256_init(struct cmc_sha256_ctx *c);
void cmc_sha256_add(struct cmc_sha256_ctx *c, const void *data, size_t len);
void cmc_sha256_end(struct cmc_sha256_ctx *c, uint8_t out[static CMC_SHA256_LEN]);

/* HMAC-SHA-256 (RFC 2104) with a 32-byte key. */
void cmc_hmac_sha256(const uint8_t key[static 32], const void *data, size_t len,
                     uint8_t out[static CMC_SHA256_LEN]);
#endif
