/* SPDX-License-Identifier: Apache-2.0 */
/* base/sha256_cpu.c -- which engines of SHA-256 this CPU and its operating system run. */
#include <stdatomic.h>

#include "base/sha256_engine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* Intel SDM volume 1, 13.3 and 14.3: a CPU that has the instructions does not suffice; the
 * operating system must save the registers, or another process's switch garbles them. */
enum { SSSE3 = 1U << 9, SSE4_1 = 1U << 19, OSXSAVE = 1U << 27 };                  /* leaf 1 ECX */
enum { AVX2 = 1U << 5, AVX512F = 1U << 16, SHA = 1U << 29, AVX512BW = 1U << 30 }; /* 7.0 EBX */
enum { YMM_STATE = 0x06, ZMM_STATE = 0xe6 };                                      /* XCR0 */

static int all(uint64_t of, uint64_t bits)
{
    return (of & bits) == bits;
}

unsigned cmc_sha256_x86_engines(const struct cmc_sha256_x86 *cpu)
{
    uint64_t xcr0 = all(cpu->leaf1_ecx, OSXSAVE) ? cpu->xcr0 : 0;
    unsigned engines = 1U << CMC_SHA256_PORTABLE;
    if (all(cpu->leaf1_ecx, SSSE3 | SSE4_1) && all(cpu->leaf7_ebx, SHA))
        engines |= 1U << CMC_SHA256_SHANI;
    if (all(xcr0, YMM_STATE) && all(cpu->leaf7_ebx, AVX2))
        engines |= 1U << CMC_SHA256_AVX2;
    if (all(xcr0, ZMM_STATE) && all(cpu->leaf7_ebx, AVX512F | AVX512BW))
        engines |= 1U << CMC_SHA256_AVX512;
    return engines;
}

#if defined(__x86_64__)
static uint64_t xcr0_of(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static unsigned ask(void)
{
    struct cmc_sha256_x86 cpu = {0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d))
        cpu.leaf1_ecx = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        cpu.leaf7_ebx = b;
    if (all(cpu.leaf1_ecx, OSXSAVE)) /* else xgetbv is no instruction */
        cpu.xcr0 = xcr0_of();
    return cmc_sha256_x86_engines(&cpu);
}
#elif defined(__aarch64__)
static unsigned ask(void)
{
    const unsigned long sha2 = 1UL << 6; /* HWCAP_SHA2, arch/arm64/include/uapi/asm/hwcap.h */
    unsigned engines = 1U << CMC_SHA256_PORTABLE;
    return getauxval(AT_HWCAP) & sha2 ? engines | 1U << CMC_SHA256_ARMV8 : engines;
}
#else
static unsigned ask(void)
{
    return 1U << CMC_SHA256_PORTABLE;
}
#endif

unsigned cmc_sha256_cpu_engines(void)
{
    static _Atomic unsigned known; /* never 0 once asked: CPUID in a virtual machine is slow */
    unsigned engines = atomic_load_explicit(&known, memory_order_relaxed);
    if (!engines) {
        engines = ask(); /* two threads at once find the same */
        atomic_store_explicit(&known, engines, memory_order_relaxed);
    }
    return engines;
}
