/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_many.c -- spreads messages over the lanes of an engine of SHA-256. */
#include "base/sha256_many.h"

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "base/sha256.h"
#include "base/sha256_engine.h"

enum { BLOCK = 64, LANES = CMC_SHA256_LANES_MAX };

static const char names[CMC_SHA256_ENGINES][9] = {"portable", "shani", "avx2", "avx512", "armv8"};

/* Fastest first. */
static const struct cmc_sha256_code *const codes[] = {
#if defined(__x86_64__)
    &cmc_sha256_avx512,
    &cmc_sha256_shani,
    &cmc_sha256_avx2,
#elif defined(__aarch64__)
    &cmc_sha256_armv8,
#endif
    &cmc_sha256_portable,
};

static _Atomic(const struct cmc_sha256_code *) chosen;

const char *cmc_sha256_engine_name(enum cmc_sha256_engine engine)
{
    return names[engine];
}

static bool runs(const struct cmc_sha256_code *code)
{
    return cmc_sha256_cpu_engines() >> code->engine & 1;
}

/* The best for few messages; the last, plain C, runs everywhere. */
static const struct cmc_sha256_code *first_of(unsigned lanes_max)
{
    const struct cmc_sha256_code *const *c = codes;
    while ((*c)->lanes > lanes_max || !runs(*c))
        c++;
    return *c;
}

static const struct cmc_sha256_code *current(void)
{
    const struct cmc_sha256_code *code = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!code) {
        code = first_of(LANES); /* two threads at once find the same */
        atomic_store_explicit(&chosen, code, memory_order_relaxed);
    }
    return code;
}

bool cmc_sha256_use(enum cmc_sha256_engine engine)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i]->engine == engine && runs(codes[i])) {
            atomic_store_explicit(&chosen, codes[i], memory_order_relaxed);
            return true;
        }
    return false;
}

enum cmc_sha256_engine cmc_sha256_used(void)
{
    return current()->engine;
}

unsigned cmc_sha256_lanes(void)
{
    return current()->lanes;
}

/* Fewer messages than lanes: all lanes cost the same, so a narrow engine may be done earlier. */
static const struct cmc_sha256_code *suited(size_t n)
{
    const struct cmc_sha256_code *wide = current();
    if (n >= wide->lanes)
        return wide;
    const struct cmc_sha256_code *narrow = first_of(2);
    size_t passes = (n + narrow->lanes - 1) / narrow->lanes;
    return passes * narrow->cost < wide->cost ? narrow : wide;
}

static void start(uint32_t h[static 8])
{
    static const uint32_t h0[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(h, h0, sizeof(h0)); /* FIPS 180-4 section 5.3.3 */
}

/* By words: of bytes and shifts gcc 12 makes some 200 instructions. */
static void store(const uint32_t h[static 8], uint8_t out[static 32])
{
    for (unsigned i = 0; i < 8; i++, out += 4) {
        const uint32_t word = htobe32(h[i]);
        memcpy(out, &word, sizeof(word));
    }
}

/* FIPS 180-4 section 5.1.1. tail: room for two blocks, in it the last bytes % 64 of a message of so
 * many bytes. Gives the number of blocks. */
static size_t pad(uint8_t tail[static 2 * BLOCK], uint64_t bytes)
{
    size_t len = bytes % BLOCK;
    size_t end = len < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    tail[len] = 0x80;
    memset(tail + len + 1, 0, end - len - 1);
    for (unsigned i = 0; i < 8; i++)
        tail[end - 1 - i] = (uint8_t)(bytes * 8 >> (8 * i));
    return end / BLOCK;
}

static uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* W[t] + K[t] of the padding of a message of whole blocks: the same for all of one length, so that
 * no lane has to work it out. */
static void schedule_padding(uint64_t len, uint32_t wk[static 64])
{
    uint8_t block[2 * BLOCK], *p = block;
    uint32_t w[64];
    (void)pad(block, len);
    for (unsigned t = 0; t < 16; t++, p += 4)
        w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
    for (unsigned t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        w[t] = w[t - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[t - 7] +
               (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
    }
    for (unsigned t = 0; t < 64; t++)
        wk[t] = w[t] + cmc_sha256_k[t];
}

/* The last, padded blocks of n messages that do not end with a block. */
static void add_tails(const struct cmc_sha256_code *code, uint32_t *const h[],
                      const uint8_t *const data[], size_t len, size_t n)
{
    uint8_t tail[LANES][2 * BLOCK];
    const uint8_t *p[LANES];
    size_t rest = len % BLOCK, blocks = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(tail[i], data[i] + (len - rest), rest);
        blocks = pad(tail[i], len);
    }
    for (size_t i = 0; i < code->lanes; i++)
        p[i] = tail[i < n ? i : 0];
    code->run(h, p, blocks, 0, NULL);
}

struct shape { /* of messages: len bytes, and so many blocks of zeros after them */
    size_t len, zeros;
    const uint32_t *wk; /* of their padding, if they end with a block and do not hold it */
};

/* One pass: n messages, at most the lanes. */
static void hash_group(const struct cmc_sha256_code *code, const uint8_t *const msg[],
                       const struct shape *of, size_t n, uint8_t out[][32])
{
    uint32_t h[LANES][8], *state[LANES];
    const uint8_t *data[LANES];
    for (size_t i = 0; i < code->lanes; i++) {
        start(h[i]);
        state[i] = h[i];
        data[i] = msg[i < n ? i : 0]; /* lanes left over do again what another does */
    }
    code->run(state, data, of->len / BLOCK, of->zeros, of->wk);
    if (of->len % BLOCK)
        add_tails(code, state, data, of->len, n);
    for (size_t i = 0; i < n; i++)
        store(h[i], out[i]);
}

static void hash_all(const uint8_t *const msg[], const struct shape *of, size_t n,
                     uint8_t out[][32])
{
    for (size_t now; n; n -= now, msg += now, out += now) {
        const struct cmc_sha256_code *code = suited(n);
        now = n < code->lanes ? n : code->lanes;
        hash_group(code, msg, of, now, out);
    }
}

void cmc_sha256_many(const uint8_t *const msg[], size_t len, size_t n, uint8_t out[][32])
{
    uint32_t wk[64];
    const struct shape all = {len, 0, len % BLOCK ? NULL : wk};
    if (all.wk)
        schedule_padding(len, wk);
    hash_all(msg, &all, n, out);
}

size_t cmc_sha256_pad(uint8_t *msg, size_t len)
{
    const size_t whole = len / BLOCK;
    return whole + pad(msg + whole * BLOCK, len);
}

void cmc_sha256_many_padded(const uint8_t *const msg[], size_t blocks, size_t n, uint8_t out[][32])
{
    const struct shape all = {blocks * BLOCK, 0, NULL};
    hash_all(msg, &all, n, out);
}

/* What the longest of them uses, in blocks. */
static size_t blocks_used(const uint16_t used[], size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = used[i] > most ? used[i] : most;
    return (most + BLOCK - 1) / BLOCK;
}

void cmc_sha256_many_used(const uint8_t *const msg[], const uint16_t used[], size_t len, size_t n,
                          uint8_t out[][32])
{
    uint32_t wk[64];
    schedule_padding(len, wk);
    for (size_t now; n; n -= now, msg += now, used += now, out += now) {
        const struct cmc_sha256_code *code = suited(n);
        now = n < code->lanes ? n : code->lanes;
        const size_t blocks = blocks_used(used, now);
        const struct shape these = {blocks * BLOCK, len / BLOCK - blocks, wk};
        hash_group(code, msg, &these, now, out);
    }
}

void cmc_sha256_stream_init(struct cmc_sha256_stream *s)
{
    start(s->h);
    s->bytes = 0;
}

void cmc_sha256_streams_add(struct cmc_sha256_stream *const s[], const uint8_t *const data[],
                            size_t blocks, size_t n)
{
    while (n) {
        const struct cmc_sha256_code *code = suited(n);
        size_t now = n < code->lanes ? n : code->lanes;
        uint32_t nobody[8] = {0}, *h[LANES];
        const uint8_t *p[LANES];
        for (size_t i = 0; i < code->lanes; i++) {
            h[i] = i < now ? s[i]->h : nobody;
            p[i] = data[i < now ? i : 0];
        }
        code->run(h, p, blocks, 0, NULL);
        for (size_t i = 0; i < now; i++)
            s[i]->bytes += (uint64_t)blocks * BLOCK;
        s += now;
        data += now;
        n -= now;
    }
}

void cmc_sha256_stream_end(struct cmc_sha256_stream *s, const void *tail, size_t len,
                           uint8_t out[static 32])
{
    uint8_t last[2 * BLOCK];
    if (len)
        memcpy(last, tail, len);
    size_t blocks = pad(last, s->bytes + len);
    cmc_sha256_streams_add(&s, (const uint8_t *[]){last}, blocks, 1);
    store(s->h, out);
}
