/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_armv8.c -- SHA-256 of one message by the SHA2 instructions of ARMv8. The one
 * engine that needs flags for its file: clang 14 knows no such target by function. */
#include "base/sha256_engine.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "base/sha256.h"

#define INLINE static inline __attribute__((always_inline))

struct state {
    uint32x4_t abcd, efgh;
};

INLINE struct state four_rounds(struct state s, uint32x4_t wk)
{
    return (struct state){vsha256hq_u32(s.abcd, s.efgh, wk), vsha256h2q_u32(s.efgh, s.abcd, wk)};
}

INLINE struct state sum(struct state a, struct state b)
{
    return (struct state){vaddq_u32(a.abcd, b.abcd), vaddq_u32(a.efgh, b.efgh)};
}

/* Four words of the schedule; i counts fours. */
INLINE uint32x4_t extend(uint32x4_t w[static 4], unsigned i)
{
    uint32x4_t *w0 = &w[i & 3];
    *w0 = vsha256su1q_u32(vsha256su0q_u32(*w0, w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
    return *w0;
}

static struct state add_block(struct state h, const uint8_t *block)
{
    const uint32_t *k = cmc_sha256_k;
    struct state v = h;
    uint32x4_t w[4];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 4; i++) {
        w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + (size_t)16 * i)));
        v = four_rounds(v, vaddq_u32(w[i], vld1q_u32(k + (size_t)4 * i)));
    }
    for (k += 16; k < cmc_sha256_k + 64; k += 16) {
#pragma GCC unroll 16
        for (unsigned i = 0; i < 4; i++)
            v = four_rounds(v, vaddq_u32(extend(w, i), vld1q_u32(k + (size_t)4 * i)));
    }
    return sum(h, v);
}

static struct state add_known(struct state h, const uint32_t wk[static 64])
{
    struct state v = h;
#pragma GCC unroll 16
    for (unsigned t = 0; t < 64; t += 4)
        v = four_rounds(v, vld1q_u32(wk + t));
    return sum(h, v);
}

static void run(uint32_t *const h[], const uint8_t *const data[], size_t blocks, size_t zeros,
                const uint32_t *wk)
{
    struct state s = {vld1q_u32(h[0]), vld1q_u32(h[0] + 4)};
    for (size_t i = 0; i < blocks; i++)
        s = add_block(s, data[0] + 64 * i);
    for (size_t i = 0; i < zeros; i++)
        s = add_known(s, cmc_sha256_k);
    if (wk)
        s = add_known(s, wk);
    vst1q_u32(h[0], s.abcd);
    vst1q_u32(h[0] + 4, s.efgh);
}

const struct cmc_sha256_code cmc_sha256_armv8 = {CMC_SHA256_ARMV8, 1, 40, run};
#endif
