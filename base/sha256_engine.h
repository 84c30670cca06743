/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_engine.h -- what base/sha256_many.c and its engines share; nobody else's business. */
#ifndef BASE_SHA256_ENGINE_H
#define BASE_SHA256_ENGINE_H
#include <stddef.h>
#include <stdint.h>

#include "base/sha256_many.h"

/* One engine. run() needs exactly .lanes states and data pointers (states of unused lanes may be
 * one and the same) and adds to each state h[8] its own `blocks` blocks of 64 bytes, then `zeros`
 * blocks of zeros, whose W[t] is 0 throughout, then, unless wk is NULL, one more block that all
 * have in common: wk[t] is its W[t] + K[t] (FIPS 180-4, 6.2.2), as the padding of messages of one
 * length is. */
struct cmc_sha256_code {
    enum cmc_sha256_engine engine;
    unsigned lanes;
    unsigned cost; /* nanoseconds for one block in all lanes; only the ratios matter */
    void (*run)(uint32_t *const h[], const uint8_t *const data[], size_t blocks, size_t zeros,
                const uint32_t *wk);
};
extern const struct cmc_sha256_code cmc_sha256_portable;
#if defined(__x86_64__)
extern const struct cmc_sha256_code cmc_sha256_shani, cmc_sha256_avx2, cmc_sha256_avx512;
#elif defined(__aarch64__)
extern const struct cmc_sha256_code cmc_sha256_armv8;
#endif

/* What decides about the x86 engines: CPUID leaf 1 ECX, leaf 7.0 EBX, and XCR0 (0 where the
 * operating system does not use XSAVE). */
struct cmc_sha256_x86 {
    uint32_t leaf1_ecx, leaf7_ebx;
    uint64_t xcr0;
};
/* Bit (1 << engine) for each engine that such an x86 CPU runs. */
unsigned cmc_sha256_x86_engines(const struct cmc_sha256_x86 *cpu);
/* The same for this CPU; asks it once. */
unsigned cmc_sha256_cpu_engines(void);

/* Where working variable i (0 = a ... 7 = h) is in step t: the names move, the values stay. */
#define CMC_SHA256_AT(i, t) (((i) + 16U - (t)) & 7U)
#endif
