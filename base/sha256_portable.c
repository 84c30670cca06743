/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_portable.c -- SHA-256 of one message in plain C, for CPUs without anything better. */
#include <string.h>

#include "base/sha256.h"
#include "base/sha256_engine.h"

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

INLINE uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

INLINE uint32_t extend(uint32_t w[static 16], unsigned t)
{
    uint32_t x = w[(t + 1) & 15], y = w[(t + 14) & 15];
    w[t & 15] +=
        (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[(t + 9) & 15] + (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
    return w[t & 15];
}

INLINE void round_of(uint32_t v[static 8], unsigned t, uint32_t wk)
{
    uint32_t a = v[CMC_SHA256_AT(0, t)], b = v[CMC_SHA256_AT(1, t)], c = v[CMC_SHA256_AT(2, t)];
    uint32_t e = v[CMC_SHA256_AT(4, t)], f = v[CMC_SHA256_AT(5, t)], g = v[CMC_SHA256_AT(6, t)];
    uint32_t t1 =
        v[CMC_SHA256_AT(7, t)] + wk + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (g ^ (e & (f ^ g)));
    v[CMC_SHA256_AT(3, t)] += t1;
    v[CMC_SHA256_AT(7, t)] = t1 + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) | (c & (a | b)));
}

static void add_block(uint32_t h[static 8], const uint8_t *block)
{
    const uint32_t *k = cmc_sha256_k;
    uint32_t v[8], w[16];
    memcpy(v, h, sizeof(v));
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; t++)
        w[t] = word(block + (size_t)4 * t);
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; t++)
        round_of(v, t, w[t] + k[t]);
    for (k += 16; k < cmc_sha256_k + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(v, t, extend(w, t) + k[t]);
    }
#pragma GCC unroll 16
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

static void add_known(uint32_t h[static 8], const uint32_t wk[static 64])
{
    uint32_t v[8];
    memcpy(v, h, sizeof(v));
    for (const uint32_t *k = wk; k < wk + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(v, t, k[t]);
    }
#pragma GCC unroll 16
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

static void run(uint32_t *const h[], const uint8_t *const data[], size_t blocks, size_t zeros,
                const uint32_t *wk)
{
    for (size_t i = 0; i < blocks; i++)
        add_block(h[0], data[0] + 64 * i);
    for (size_t i = 0; i < zeros; i++)
        add_known(h[0], cmc_sha256_k);
    if (wk)
        add_known(h[0], wk);
}

const struct cmc_sha256_code cmc_sha256_portable = {CMC_SHA256_PORTABLE, 1, 310, run};
