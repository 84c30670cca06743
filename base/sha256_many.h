/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_many.h -- SHA-256 of many messages at once, by the fastest code that this CPU runs.
 * One stream cannot go faster than its chain of rounds; independent ones can share the lanes of
 * vector registers. Part of cmc_hash. Single messages: cmc_sha256() of base/hash.h. */
#ifndef BASE_SHA256_MANY_H
#define BASE_SHA256_MANY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which code does it. All give the same digests. */
enum cmc_sha256_engine {
    CMC_SHA256_PORTABLE, /* plain C, 1 lane */
    CMC_SHA256_SHANI,    /* x86 SHA extensions, 2 lanes (one alone waits for itself) */
    CMC_SHA256_AVX2,     /* 8 lanes */
    CMC_SHA256_AVX512,   /* 16 lanes; needs AVX-512 F and BW */
    CMC_SHA256_ARMV8,    /* ARMv8 SHA2 extension, 1 lane */
    CMC_SHA256_ENGINES
};
enum { CMC_SHA256_LANES_MAX = 16 };

/* "portable", "shani", "avx2", "avx512", "armv8". */
const char *cmc_sha256_engine_name(enum cmc_sha256_engine engine);
/* Makes all later calls use this engine: for tests and benchmarks. False, and nothing changes, when
 * this build, CPU or operating system (which must save the wide registers) cannot run it. */
bool cmc_sha256_use(enum cmc_sha256_engine engine);
/* The engine in use; the first call of anything here chooses the fastest. Any thread, any time. */
enum cmc_sha256_engine cmc_sha256_used(void);
/* How many messages one pass of the engine in use takes: multiples of it waste nothing. */
unsigned cmc_sha256_lanes(void);

/* SHA-256 of n messages of len bytes each: out[i] is the digest of msg[i].
 * Any n, len and alignment; reads no byte outside the messages. Messages may overlap each other,
 * digests may not overlap messages. */
void cmc_sha256_many(const uint8_t *const msg[], size_t len, size_t n, uint8_t out[][32]);

/* The same for messages of which all bytes from used[i] (0..len) on are zeros; len is a multiple of
 * 64, and below 64 KiB. Blocks of nothing but zeros cost two thirds, where all in one pass have
 * them: put messages side by side that use about as much. */
void cmc_sha256_many_used(const uint8_t *const msg[], const uint16_t used[], size_t len, size_t n,
                          uint8_t out[][32]);

/* Ends a message of len bytes with its padding (FIPS 180-4 section 5.1.1): up to 72 bytes after it.
 * Gives how many blocks of 64 bytes it has then. */
size_t cmc_sha256_pad(uint8_t *msg, size_t len);
/* SHA-256 of n messages of any lengths that hold their padding: so many blocks each with it. */
void cmc_sha256_many_padded(const uint8_t *const msg[], size_t blocks, size_t n, uint8_t out[][32]);

/* A stream that shares lanes with others. All that has been added is a multiple of 64 bytes. */
struct cmc_sha256_stream {
    uint32_t h[8];
    uint64_t bytes;
};
void cmc_sha256_stream_init(struct cmc_sha256_stream *s);
/* Adds the same number of 64-byte blocks to each of n streams: data[i] to s[i]. Any n; the streams
 * must be different ones. Many blocks a call, and n near a multiple of the lanes, are fastest. */
void cmc_sha256_streams_add(struct cmc_sha256_stream *const s[], const uint8_t *const data[],
                            size_t blocks, size_t n);
/* The digest of all that was added plus the last len bytes (0..63) of the stream, which is
 * finished then. tail may be NULL when len is 0. */
void cmc_sha256_stream_end(struct cmc_sha256_stream *s, const void *tail, size_t len,
                           uint8_t out[static 32]);
#endif
