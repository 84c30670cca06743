/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256.h -- a small SHA-256 for the shim, which must not carry libcrypto: it names sockets,
 * it never judges anything. Everyone else uses base/hash.h. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H
#include <stddef.h>
#include <stdint.h>

/* The round constants (FIPS 180-4 section 4.2.2), also for the engines of base/sha256_many.h. */
extern const uint32_t cmc_sha256_k[64];

/* SHA-256 (FIPS 180-4) of len bytes, in portable C. */
void cmc_small_sha256(const void *data, size_t len, uint8_t out[static 32]);
#endif
