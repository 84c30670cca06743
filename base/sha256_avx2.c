/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_avx2.c -- SHA-256 of 8 messages at once: a vector holds one word of each. */
#include "base/sha256_engine.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "base/sha256.h"

/* By function, not by file or build: the rest must run on any x86-64. */
#define AVX2   __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))
enum { LANES = 8 };

INLINE __m256i add(__m256i a, __m256i b)
{
    return _mm256_add_epi32(a, b);
}

INLINE __m256i xor3(__m256i a, __m256i b, __m256i c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

INLINE __m256i ror(__m256i x, int n)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}

INLINE __m256i extend(__m256i w[static 16], unsigned t)
{
    __m256i x = w[(t + 1) & 15], y = w[(t + 14) & 15];
    __m256i s0 = xor3(ror(x, 7), ror(x, 18), _mm256_srli_epi32(x, 3));
    __m256i s1 = xor3(ror(y, 17), ror(y, 19), _mm256_srli_epi32(y, 10));
    w[t & 15] = add(add(w[t & 15], w[(t + 9) & 15]), add(s0, s1));
    return w[t & 15];
}

INLINE void round_of(__m256i v[static 8], unsigned t, __m256i w, uint32_t k)
{
    __m256i a = v[CMC_SHA256_AT(0, t)], b = v[CMC_SHA256_AT(1, t)], c = v[CMC_SHA256_AT(2, t)];
    __m256i e = v[CMC_SHA256_AT(4, t)], f = v[CMC_SHA256_AT(5, t)], g = v[CMC_SHA256_AT(6, t)];
    __m256i choose = _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
    __m256i majority =
        _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
    __m256i wk = add(w, _mm256_set1_epi32((int)k));
    __m256i t1 =
        add(add(v[CMC_SHA256_AT(7, t)], wk), add(xor3(ror(e, 6), ror(e, 11), ror(e, 25)), choose));
    v[CMC_SHA256_AT(3, t)] = add(v[CMC_SHA256_AT(3, t)], t1);
    v[CMC_SHA256_AT(7, t)] = add(t1, add(xor3(ror(a, 2), ror(a, 13), ror(a, 22)), majority));
}

/* Rows to columns: from 8 words of each message to one word of 8 messages. */
INLINE void transpose(__m256i r[static 8])
{
    __m256i t[8], u[8];
#pragma GCC unroll 16
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) { /* 0x20: low halves of both, 0x31: high ones */
        r[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

INLINE __m256i load_from(const void *p)
{
    return _mm256_loadu_si256(p);
}

INLINE void load(const uint8_t *const data[static LANES], size_t at, __m256i w[static 8])
{
    const __m256i big_endian = _mm256_broadcastsi128_si256(
        _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        w[i] = _mm256_shuffle_epi8(load_from(data[i] + at), big_endian);
    transpose(w);
}

INLINE void copy(__m256i to[static 8], const __m256i from[static 8])
{
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        to[i] = from[i];
}

INLINE void add_to(__m256i h[static 8], const __m256i v[static 8])
{
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        h[i] = add(h[i], v[i]);
}

AVX2 static void add_block(__m256i h[static 8], const uint8_t *const data[static LANES], size_t at)
{
    const uint32_t *k = cmc_sha256_k;
    __m256i v[8], w[16];
    load(data, at, w);
    load(data, at + 32, w + 8);
    copy(v, h);
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; t++)
        round_of(v, t, w[t], k[t]);
    for (k += 16; k < cmc_sha256_k + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(v, t, extend(w, t), k[t]);
    }
    add_to(h, v);
}

AVX2 static void add_known(__m256i h[static 8], const uint32_t wk[static 64])
{
    __m256i v[8];
    copy(v, h);
    for (const uint32_t *k = wk; k < wk + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(v, t, _mm256_setzero_si256(), k[t]);
    }
    add_to(h, v);
}

AVX2 static void run(uint32_t *const h[], const uint8_t *const data[], size_t blocks, size_t zeros,
                     const uint32_t *wk)
{
    __m256i v[8];
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        v[i] = load_from(h[i]);
    transpose(v);
    for (size_t i = 0; i < blocks; i++)
        add_block(v, data, 64 * i);
    for (size_t i = 0; i < zeros; i++)
        add_known(v, cmc_sha256_k);
    if (wk)
        add_known(v, wk);
    transpose(v);
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        _mm256_storeu_si256((void *)h[i], v[i]);
}

const struct cmc_sha256_code cmc_sha256_avx2 = {CMC_SHA256_AVX2, LANES, 640, run};
#endif
