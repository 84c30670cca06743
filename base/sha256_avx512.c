/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_avx512.c -- SHA-256 of 16 messages at once: a vector holds one word of each. */
#include "base/sha256_engine.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "base/sha256.h"

/* By function, not by file or build: the rest must run on any x86-64. */
#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define INLINE AVX512 static inline __attribute__((always_inline))
enum { LANES = 16 };

/* Truth tables of vpternlog: bit (4a + 2b + c) is the result. */
enum { XOR3 = 0x96, CHOOSE = 0xca, MAJORITY = 0xe8 };

INLINE __m512i add(__m512i a, __m512i b)
{
    return _mm512_add_epi32(a, b);
}

INLINE __m512i xor3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi32(a, b, c, XOR3);
}

INLINE __m512i extend(__m512i w[static 16], unsigned t)
{
    __m512i x = w[(t + 1) & 15], y = w[(t + 14) & 15];
    __m512i s0 = xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
    __m512i s1 = xor3(_mm512_ror_epi32(y, 17), _mm512_ror_epi32(y, 19), _mm512_srli_epi32(y, 10));
    w[t & 15] = add(add(w[t & 15], w[(t + 9) & 15]), add(s0, s1));
    return w[t & 15];
}

INLINE void round_of(__m512i v[static 8], unsigned t, __m512i w, uint32_t k)
{
    __m512i a = v[CMC_SHA256_AT(0, t)], b = v[CMC_SHA256_AT(1, t)], c = v[CMC_SHA256_AT(2, t)];
    __m512i e = v[CMC_SHA256_AT(4, t)], f = v[CMC_SHA256_AT(5, t)], g = v[CMC_SHA256_AT(6, t)];
    __m512i s1 = xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
    __m512i s0 = xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
    __m512i wk = add(w, _mm512_set1_epi32((int)k));
    __m512i t1 =
        add(add(v[CMC_SHA256_AT(7, t)], wk), add(s1, _mm512_ternarylogic_epi32(e, f, g, CHOOSE)));
    v[CMC_SHA256_AT(3, t)] = add(v[CMC_SHA256_AT(3, t)], t1);
    v[CMC_SHA256_AT(7, t)] = add(t1, add(s0, _mm512_ternarylogic_epi32(a, b, c, MAJORITY)));
}

/* Rows to columns: from 16 words of each message to one word of 16 messages. */
INLINE void transpose(__m512i r[static 16])
{
    __m512i t[16], u[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 4) {
        u[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) { /* 0x88: even quarters of both, 0xdd: odd ones */
        t[i] = _mm512_shuffle_i32x4(u[i], u[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0x88);
        t[i + 8] = _mm512_shuffle_i32x4(u[i], u[i + 4], 0xdd);
        t[i + 12] = _mm512_shuffle_i32x4(u[i + 8], u[i + 12], 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd);
    }
}

INLINE void load(const uint8_t *const data[static LANES], size_t at, __m512i w[static 16])
{
    const __m512i big_endian =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        w[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[i] + at), big_endian);
    transpose(w);
}

INLINE void copy(__m512i to[static 8], const __m512i from[static 8])
{
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        to[i] = from[i];
}

INLINE void add_to(__m512i h[static 8], const __m512i v[static 8])
{
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        h[i] = add(h[i], v[i]);
}

AVX512 static void add_block(__m512i h[static 8], const uint8_t *const data[static LANES],
                             size_t at)
{
    const uint32_t *k = cmc_sha256_k;
    __m512i v[8], w[16];
    load(data, at, w);
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

AVX512 static void add_known(__m512i h[static 8], const uint32_t wk[static 64])
{
    __m512i v[8];
    copy(v, h);
    for (const uint32_t *k = wk; k < wk + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(v, t, _mm512_setzero_si512(), k[t]);
    }
    add_to(h, v);
}

/* States to vectors and back: as blocks, of which the second half is left out. */
INLINE void open_lanes(uint32_t *const h[static LANES], __m512i v[static 8])
{
    __m512i r[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        r[i] = _mm512_maskz_loadu_epi32(0xff, h[i]);
    transpose(r);
    copy(v, r);
}

INLINE void close_lanes(const __m512i v[static 8], uint32_t *const h[static LANES])
{
    __m512i r[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        r[i] = v[i & 7];
    transpose(r);
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        _mm512_mask_storeu_epi32(h[i], 0xff, r[i]);
}

AVX512 static void run(uint32_t *const h[], const uint8_t *const data[], size_t blocks,
                       size_t zeros, const uint32_t *wk)
{
    __m512i v[8];
    open_lanes(h, v);
    for (size_t i = 0; i < blocks; i++)
        add_block(v, data, 64 * i);
    for (size_t i = 0; i < zeros; i++)
        add_known(v, cmc_sha256_k);
    if (wk)
        add_known(v, wk);
    close_lanes(v, h);
}

const struct cmc_sha256_code cmc_sha256_avx512 = {CMC_SHA256_AVX512, LANES, 460, run};
#endif
