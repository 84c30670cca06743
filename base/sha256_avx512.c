/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_avx512.c -- SHA-256 of 16 messages at once: a vector holds one word of each.
 *
 * Of the two ports for such vectors one does all rotations, the other all shuffles: both are busy
 * only when the two are mixed. So the message is extended from the first round on, 16 words ahead,
 * and the next block is loaded and transposed in the last 16 rounds, which extend nothing. */
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

/* W[t] becomes W[t + 16], in its place. */
INLINE void extend(__m512i w[static 16], unsigned t)
{
    __m512i x = w[(t + 1) & 15], y = w[(t + 14) & 15];
    __m512i s0 = xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
    __m512i s1 = xor3(_mm512_ror_epi32(y, 17), _mm512_ror_epi32(y, 19), _mm512_srli_epi32(y, 10));
    w[t & 15] = add(add(w[t & 15], w[(t + 9) & 15]), add(s0, s1));
}

struct working {  /* FIPS 180-4 section 6.2.2 */
    __m512i v[8]; /* a to h, at CMC_SHA256_AT() */
    __m512i late; /* what a still lacks, so that a round need not wait for the one before it */
};

INLINE void begin(struct working *s, const __m512i h[static 8])
{
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        s->v[i] = h[i];
    s->late = _mm512_setzero_si512();
}

INLINE void round_of(struct working *s, unsigned t, __m512i w, uint32_t k)
{
    __m512i *v = s->v;
    __m512i e = v[CMC_SHA256_AT(4, t)], f = v[CMC_SHA256_AT(5, t)], g = v[CMC_SHA256_AT(6, t)];
    __m512i s1 = xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
    __m512i a = v[CMC_SHA256_AT(0, t)] = add(v[CMC_SHA256_AT(0, t)], s->late);
    __m512i b = v[CMC_SHA256_AT(1, t)], c = v[CMC_SHA256_AT(2, t)];
    __m512i wk = add(w, _mm512_set1_epi32((int)k));
    __m512i t1 = add(add(v[CMC_SHA256_AT(7, t)], wk), _mm512_ternarylogic_epi32(e, f, g, CHOOSE));
    s->late = xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
    t1 = add(t1, s1);
    v[CMC_SHA256_AT(3, t)] = add(v[CMC_SHA256_AT(3, t)], t1);
    v[CMC_SHA256_AT(7, t)] = add(t1, _mm512_ternarylogic_epi32(a, b, c, MAJORITY));
}

/* After 64 rounds. */
INLINE void end(struct working *s, __m512i h[static 8])
{
    s->v[0] = add(s->v[0], s->late);
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        h[i] = add(h[i], s->v[i]);
}

/* Rows to columns, from 16 words of each message to one word of 16 messages: first each four rows,
 * then each four columns. */
INLINE void turn_rows(__m512i r[static 4])
{
    __m512i t0 = _mm512_unpacklo_epi32(r[0], r[1]), t1 = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i t2 = _mm512_unpacklo_epi32(r[2], r[3]), t3 = _mm512_unpackhi_epi32(r[2], r[3]);
    r[0] = _mm512_unpacklo_epi64(t0, t2);
    r[1] = _mm512_unpackhi_epi64(t0, t2);
    r[2] = _mm512_unpacklo_epi64(t1, t3);
    r[3] = _mm512_unpackhi_epi64(t1, t3);
}

INLINE void turn_columns(__m512i r[static 16], size_t c)
{
    enum { EVEN = 0x88, ODD = 0xdd }; /* quarters of both */
    __m512i t0 = _mm512_shuffle_i32x4(r[c], r[c + 4], EVEN);
    __m512i t1 = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], EVEN);
    __m512i t2 = _mm512_shuffle_i32x4(r[c], r[c + 4], ODD);
    __m512i t3 = _mm512_shuffle_i32x4(r[c + 8], r[c + 12], ODD);
    r[c] = _mm512_shuffle_i32x4(t0, t1, EVEN);
    r[c + 4] = _mm512_shuffle_i32x4(t2, t3, EVEN);
    r[c + 8] = _mm512_shuffle_i32x4(t0, t1, ODD);
    r[c + 12] = _mm512_shuffle_i32x4(t2, t3, ODD);
}

INLINE void transpose(__m512i r[static 16])
{
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i += 4)
        turn_rows(r + i);
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; i++)
        turn_columns(r, i);
}

/* One of LOAD_STEPS of loading a block of each message. */
enum { LOAD_STEPS = 8 };
INLINE void load(const uint8_t *const data[static LANES], size_t at, size_t step,
                 __m512i w[static 16])
{
    const __m512i big_endian =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    if (step >= 4) {
        turn_columns(w, step - 4);
        return;
    }
#pragma GCC unroll 16
    for (size_t i = 4 * step; i < 4 * step + 4; i++)
        w[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(data[i] + at), big_endian);
    turn_rows(w + 4 * step);
}

INLINE void rounds_48(struct working *s, __m512i w[static 16])
{
    for (const uint32_t *k = cmc_sha256_k; k < cmc_sha256_k + 48; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++) {
            round_of(s, t, w[t], k[t]);
            extend(w, t);
        }
    }
}

/* blocks: at least one. */
AVX512 static void add_blocks(__m512i h[static 8], const uint8_t *const data[static LANES],
                              size_t blocks)
{
    const uint32_t *k = cmc_sha256_k + 48;
    struct working s;
    __m512i w[16], next[16];
#pragma GCC unroll 16
    for (unsigned i = 0; i < LOAD_STEPS; i++)
        load(data, 0, i, w);
    for (size_t at = 64; at < 64 * blocks; at += 64) {
        begin(&s, h);
        rounds_48(&s, w);
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++) {
            round_of(&s, t, w[t], k[t]);
            if (t % 2 == 0)
                load(data, at, t / 2, next);
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            w[i] = next[i];
        end(&s, h);
    }
    begin(&s, h);
    rounds_48(&s, w);
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; t++)
        round_of(&s, t, w[t], k[t]);
    end(&s, h);
}

AVX512 static void add_known(__m512i h[static 8], const uint32_t wk[static 64])
{
    struct working s;
    begin(&s, h);
    for (const uint32_t *k = wk; k < wk + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < 16; t++)
            round_of(&s, t, _mm512_setzero_si512(), k[t]);
    }
    end(&s, h);
}

/* States to vectors and back: as blocks, of which the second half is left out. */
INLINE void open_lanes(uint32_t *const h[static LANES], __m512i v[static 8])
{
    __m512i r[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        r[i] = _mm512_maskz_loadu_epi32(0xff, h[i]);
    transpose(r);
#pragma GCC unroll 16
    for (int i = 0; i < 8; i++)
        v[i] = r[i];
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
    if (blocks)
        add_blocks(v, data, blocks);
    for (size_t i = 0; i < zeros; i++)
        add_known(v, cmc_sha256_k);
    if (wk)
        add_known(v, wk);
    close_lanes(v, h);
}

const struct cmc_sha256_code cmc_sha256_avx512 = {CMC_SHA256_AVX512, LANES, 460, run};
#endif
