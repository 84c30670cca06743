/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_shani.c -- SHA-256 by the x86 SHA extensions: two messages in turns, because each
 * instruction waits for the one before it of the same message. */
#include "base/sha256_engine.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "base/sha256.h"

/* By function, not by file or build: the rest must run on any x86-64. */
#define SHANI  __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE SHANI static inline __attribute__((always_inline))

struct lane {
    __m128i abef, cdgh; /* the working variables, as the instructions want them */
    __m128i w[4];       /* the last 16 words of the schedule */
};

INLINE __m128i load_from(const void *p)
{
    return _mm_loadu_si128(p);
}

INLINE void open_lane(struct lane *l, const uint32_t h[static 8])
{
    __m128i cdab = _mm_shuffle_epi32(load_from(h), 0xb1);     /* from the top: c d a b */
    __m128i efgh = _mm_shuffle_epi32(load_from(h + 4), 0x1b); /* from the top: e f g h */
    l->abef = _mm_alignr_epi8(cdab, efgh, 8);
    l->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

INLINE void close_lane(const struct lane *l, uint32_t h[static 8])
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
    _mm_storeu_si128((void *)h, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((void *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

INLINE void load(struct lane *l, const uint8_t *block)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; i++)
        l->w[i] = _mm_shuffle_epi8(load_from(block + (size_t)16 * i), big_endian);
}

/* Four words of the schedule; i counts fours. */
INLINE __m128i extend(struct lane *l, unsigned i)
{
    __m128i *w0 = &l->w[i & 3], w2 = l->w[(i + 2) & 3], w3 = l->w[(i + 3) & 3];
    __m128i sum =
        _mm_add_epi32(_mm_sha256msg1_epu32(*w0, l->w[(i + 1) & 3]), _mm_alignr_epi8(w3, w2, 4));
    *w0 = _mm_sha256msg2_epu32(sum, w3);
    return *w0;
}

INLINE void four_rounds(struct lane *l, __m128i wk)
{
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, wk);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

INLINE void add_to(struct lane *l, __m128i abef, __m128i cdgh)
{
    l->abef = _mm_add_epi32(l->abef, abef);
    l->cdgh = _mm_add_epi32(l->cdgh, cdgh);
}

INLINE void first(struct lane *a, struct lane *b, const uint32_t *k, unsigned i)
{
    __m128i four = load_from(k + (size_t)4 * i);
    four_rounds(a, _mm_add_epi32(a->w[i], four));
    four_rounds(b, _mm_add_epi32(b->w[i], four));
}

INLINE void later(struct lane *a, struct lane *b, const uint32_t *k, unsigned i)
{
    __m128i four = load_from(k + (size_t)4 * i);
    four_rounds(a, _mm_add_epi32(extend(a, i), four));
    four_rounds(b, _mm_add_epi32(extend(b, i), four));
}

INLINE void add_block(struct lane *a, struct lane *b)
{
    const __m128i a0 = a->abef, a1 = a->cdgh, b0 = b->abef, b1 = b->cdgh;
    const uint32_t *k = cmc_sha256_k;
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; i++)
        first(a, b, k, i);
    for (k += 16; k < cmc_sha256_k + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < 4; i++)
            later(a, b, k, i);
    }
    add_to(a, a0, a1);
    add_to(b, b0, b1);
}

INLINE void add_known(struct lane *a, struct lane *b, const uint32_t wk[static 64])
{
    const __m128i a0 = a->abef, a1 = a->cdgh, b0 = b->abef, b1 = b->cdgh;
#pragma GCC unroll 16
    for (unsigned t = 0; t < 64; t += 4) {
        four_rounds(a, load_from(wk + t));
        four_rounds(b, load_from(wk + t));
    }
    add_to(a, a0, a1);
    add_to(b, b0, b1);
}

SHANI static void run(uint32_t *const h[], const uint8_t *const data[], size_t blocks, size_t zeros,
                      const uint32_t *wk)
{
    struct lane a, b;
    open_lane(&a, h[0]);
    open_lane(&b, h[1]);
    for (size_t i = 0; i < blocks; i++) {
        load(&a, data[0] + 64 * i);
        load(&b, data[1] + 64 * i);
        add_block(&a, &b);
    }
    for (size_t i = 0; i < zeros; i++)
        add_known(&a, &b, cmc_sha256_k);
    if (wk)
        add_known(&a, &b, wk);
    close_lane(&a, h[0]);
    close_lane(&b, h[1]);
}

const struct cmc_sha256_code cmc_sha256_shani = {CMC_SHA256_SHANI, 2, 110, run};
#endif
