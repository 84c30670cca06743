/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256.h -- a small SHA-256 for the shim, which must not carry libcrypto: it names sockets,
 * it never judges anything. Everyone else uses base/hash.h. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H
#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4) of len bytes, in portable C. */
void cmc_small_sha256(const void *data, size_t len, uint8_t out[static 32]);
#endif
