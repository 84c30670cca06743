/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_sha256_many.c -- every engine that this CPU has against libcrypto. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/hex.h"
#include "base/sha256_engine.h"
#include "base/sha256_many.h"
#include "tests/lib/rows.h"

enum { COUNT_MAX = 33, LEN_MAX = 10000, BLOCK = 64, PAGE = 4096 };

/* xorshift64: the same bytes in each run */
static uint64_t random_state = 88172645463325252;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fill(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(next_random() >> 24);
}

static void check(const uint8_t *const msg[], size_t len, size_t n)
{
    uint8_t got[COUNT_MAX + 1][32], want[32];
    memset(got, 0x77, sizeof(got));
    cmc_sha256_many(msg, len, n, got);
    for (size_t i = 0; i < n; i++) {
        cmc_sha256(msg[i], len, want);
        if (memcmp(got[i], want, sizeof(want)) != 0)
            fail_msg("%s: message %zu of %zu, %zu bytes", cmc_sha256_engine_name(cmc_sha256_used()),
                     i, n, len);
    }
    memset(want, 0x77, sizeof(want));
    assert_memory_equal(got[n], want, sizeof(want)); /* no digest too many */
}

/* Each message is an allocation of its own, so that the address sanitizer guards its end. */
static void check_length(size_t len, size_t n)
{
    uint8_t *msg[COUNT_MAX];
    for (size_t i = 0; i < n; i++) {
        msg[i] = malloc(len ? len : 1);
        assert_non_null(msg[i]);
        fill(msg[i], len);
    }
    check((const uint8_t *const *)msg, len, n);
    for (size_t i = 0; i < n; i++)
        free(msg[i]);
}

static void lengths(void)
{
    for (size_t len = 0; len <= 200; len++)
        check_length(len, 17);
    for (size_t n = 1; n <= COUNT_MAX; n++) {
        check_length(next_random() % (LEN_MAX + 1), n);
        check_length(256, n);
    }
    check_length(4096, COUNT_MAX);
    check_length(4095, COUNT_MAX);
    check_length(4097, COUNT_MAX);
    check_length(LEN_MAX, COUNT_MAX);
}

static void no_message(void)
{
    uint8_t out[1][32] = {{0x77}};
    const uint8_t *nothing = NULL;
    cmc_sha256_many(NULL, 4096, 0, out);
    assert_int_equal(out[0][0], 0x77);
    cmc_sha256_many(&nothing, 0, 1, out); /* nothing to read: no pointer needed */
    assert_int_equal(out[0][0], 0xe3);
}

static void alignments(void)
{
    static uint8_t room[COUNT_MAX][1024 + BLOCK];
    const uint8_t *msg[COUNT_MAX];
    fill(room[0], sizeof(room));
    for (size_t a = 0; a < BLOCK; a++) {
        for (size_t i = 0; i < COUNT_MAX; i++)
            msg[i] = room[i] + (a + i * 5) % BLOCK;
        check(msg, 1024, COUNT_MAX);
        check(msg, 1000 - a, COUNT_MAX);
    }
}

/* A wrong bit in one lane changes the digest of that lane, and no other. */
static void lanes_are_apart(size_t len, size_t n)
{
    static uint8_t room[COUNT_MAX][300];
    uint8_t before[COUNT_MAX][32], after[COUNT_MAX][32];
    const uint8_t *msg[COUNT_MAX];
    fill(room[0], sizeof(room));
    for (size_t i = 0; i < n; i++)
        msg[i] = room[i];
    cmc_sha256_many(msg, len, n, before);
    for (size_t wrong = 0; wrong < n; wrong++) {
        uint8_t *byte = &room[wrong][next_random() % len];
        *byte ^= (uint8_t)(1U << next_random() % 8);
        cmc_sha256_many(msg, len, n, after);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(memcmp(before[i], after[i], 32) != 0, i == wrong);
        check(msg, len, n);
        memcpy(before, after, sizeof(before));
    }
}

static void lanes(void)
{
    for (size_t n = 1; n <= COUNT_MAX; n++) {
        lanes_are_apart(256, n);
        lanes_are_apart(300, n);
    }
}

/* Messages that end where memory ends, and that begin where it begins. */
static void page_ends(void)
{
    enum { N = 17 };
    const uint8_t *end[N], *begin[N];
    uint8_t *map[N];
    for (size_t i = 0; i < N; i++) {
        map[i] = mmap(NULL, (size_t)3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(map[i], MAP_FAILED);
        assert_int_equal(mprotect(map[i] + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
        begin[i] = map[i] + PAGE;
        fill(map[i] + PAGE, PAGE);
    }
    for (size_t len = 0; len <= PAGE; len += len == 200 ? PAGE - 200 - 70 : 1) {
        for (size_t i = 0; i < N; i++)
            end[i] = map[i] + (size_t)2 * PAGE - len;
        check(end, len, N);
        check(end, len, 1);
        check(begin, len, N);
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(munmap(map[i], (size_t)3 * PAGE), 0);
}

/* FIPS 180-4, examples of SHA-256; the last is a million times "a" */
static void fips(void)
{
    static uint8_t million[1000000];
    memset(million, 'a', sizeof(million));
    const struct {
        const void *msg;
        size_t len;
        const char *want;
    } rows[] = {
        {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {million, sizeof(million),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t r = 0; r < ROWS(rows); r++) {
        const uint8_t *msg[CMC_SHA256_LANES_MAX];
        uint8_t out[CMC_SHA256_LANES_MAX][32];
        char hex[65];
        size_t n = rows[r].len > 1000 ? 1 : cmc_sha256_lanes();
        for (size_t i = 0; i < n; i++)
            msg[i] = rows[r].msg;
        cmc_sha256_many(msg, rows[r].len, n, out);
        for (size_t i = 0; i < n; i++) {
            cmc_hex(out[i], 32, hex);
            assert_string_equal(hex, rows[r].want);
        }
    }
}

/* What is said to be unused is zeros, and is hashed as zeros. */
static void check_used(size_t len, size_t n, uint64_t most)
{
    uint8_t *room[COUNT_MAX] = {NULL}, got[COUNT_MAX + 1][32], want[32];
    uint16_t used[COUNT_MAX] = {0};
    memset(got, 0x77, sizeof(got));
    for (size_t i = 0; i < n; i++) {
        room[i] = calloc(1, len);
        assert_non_null(room[i]);
        used[i] = (uint16_t)(next_random() % (most + 1));
        fill(room[i], used[i]);
    }
    cmc_sha256_many_used((const uint8_t *const *)room, used, len, n, got);
    for (size_t i = 0; i < n; i++) {
        cmc_sha256(room[i], len, want);
        assert_memory_equal(got[i], want, sizeof(want));
        free(room[i]);
    }
    memset(want, 0x77, sizeof(want));
    assert_memory_equal(got[n], want, sizeof(want));
}

static void ends_of_zeros(void)
{
    for (size_t n = 0; n <= COUNT_MAX; n++) {
        check_used(4096, n, 4096);
        check_used(4096, n, 100);
        check_used(256, n, 0);
        check_used(64, n, 64);
    }
    check_used(65472, COUNT_MAX, 65472);
}

/* n messages of all lengths that have so many blocks with their padding */
static void check_padded(size_t blocks, size_t n)
{
    const size_t least = blocks > 1 ? (blocks - 1) * BLOCK - 8 : 0;
    uint8_t *room[COUNT_MAX] = {NULL}, got[COUNT_MAX + 1][32], want[COUNT_MAX + 1][32];
    memset(got, 0x77, sizeof(got));
    memset(want, 0x77, sizeof(want));
    for (size_t i = 0; i < n; i++) {
        const size_t len = least + i % (blocks * BLOCK - 8 - least);
        room[i] = malloc(blocks * BLOCK); /* no byte more: the address sanitizer looks */
        assert_non_null(room[i]);
        fill(room[i], blocks * BLOCK);
        cmc_sha256(room[i], len, want[i]);
        assert_int_equal(cmc_sha256_pad(room[i], len), blocks);
    }
    cmc_sha256_many_padded((const uint8_t *const *)room, blocks, n, got);
    assert_memory_equal(got, want, sizeof(got));
    for (size_t i = 0; i < n; i++)
        free(room[i]);
}

static void padded(void)
{
    for (size_t n = 0; n <= COUNT_MAX; n++)
        for (size_t blocks = 1; blocks <= 4; blocks++)
            check_padded(blocks, n);
}

static void end_streams(struct cmc_sha256_stream s[], const uint8_t room[][12 * BLOCK], size_t len,
                        size_t n)
{
    uint8_t got[32], want[32];
    for (size_t i = 0; i < n; i++) {
        size_t tail = (n + i) % BLOCK;
        assert_int_equal(s[i].bytes, len);
        cmc_sha256_stream_end(&s[i], tail ? room[i] + len : NULL, tail, got);
        cmc_sha256(room[i], len + tail, want);
        assert_memory_equal(got, want, sizeof(want));
    }
}

/* n streams that get 0, 1, 2 ... 4 blocks a call */
static void streams_of(size_t n)
{
    static uint8_t room[COUNT_MAX][12 * BLOCK];
    struct cmc_sha256_stream s[COUNT_MAX], *at[COUNT_MAX];
    const uint8_t *data[COUNT_MAX];
    size_t len = 0;
    fill(room[0], sizeof(room));
    for (size_t i = 0; i < n; i++) {
        cmc_sha256_stream_init(&s[i]);
        at[i] = &s[i];
    }
    for (size_t blocks = 0; blocks < 5; blocks++) {
        for (size_t i = 0; i < n; i++)
            data[i] = room[i] + len;
        cmc_sha256_streams_add(at, data, blocks, n);
        len += blocks * BLOCK;
    }
    end_streams(s, (const uint8_t(*)[12 * BLOCK]) room, len, n);
}

static void streams(void)
{
    for (size_t n = 1; n <= COUNT_MAX; n++)
        streams_of(n);
}

/* The count of bits needs all of its 8 bytes. */
static void a_long_stream(void)
{
    struct cmc_sha256_stream a = {{1, 2, 3, 4, 5, 6, 7, 8}, UINT64_C(0x0123456789abcdc0)}, b = a;
    struct cmc_sha256_stream *at = &b;
    uint8_t padding[BLOCK] = {0x80}, got[32];
    const uint8_t *data = padding;
    static const uint8_t bits[8] = {0x09, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6e, 0x00};
    memcpy(padding + 56, bits, sizeof(bits));
    cmc_sha256_stream_end(&a, NULL, 0, got);
    cmc_sha256_streams_add(&at, &data, 1, 1);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(got[i], (uint8_t)(b.h[i / 4] >> (24 - 8 * (i % 4))));
}

static const struct part {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"FIPS vectors", fips},
    {"lengths and counts", lengths},
    {"no message, empty message", no_message},
    {"alignments", alignments},
    {"a wrong bit stays in its lane", lanes},
    {"not a byte outside", page_ends},
    {"ends of zeros", ends_of_zeros},
    {"padded messages", padded},
    {"streams", streams},
    {"a long stream", a_long_stream},
};

struct row {
    char name[64];
    enum cmc_sha256_engine engine;
    const struct part *part;
};

static void run_row(void **state)
{
    const struct row *r = *state;
    if (!cmc_sha256_use(r->engine)) {
        print_message("%s: not on this CPU\n", cmc_sha256_engine_name(r->engine));
        skip();
    }
    assert_int_equal(cmc_sha256_used(), r->engine);
    r->part->run();
}

static void *hash_on_a_thread(void *failed)
{
    uint8_t data[40][100], got[40][32], want[32];
    const uint8_t *msg[40];
    for (size_t i = 0; i < 40; i++) {
        memset(data[i], (int)i, sizeof(data[i]));
        msg[i] = data[i];
    }
    cmc_sha256_many(msg, 100, 40, got);
    for (size_t i = 0; i < 40; i++) {
        cmc_sha256(msg[i], 100, want);
        if (memcmp(got[i], want, 32) != 0)
            *(int *)failed = 1;
    }
    return NULL;
}

/* Must be the first test: nothing is chosen yet. */
static void threads_choose(void **state)
{
    pthread_t thread[4];
    int failed[4] = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hash_on_a_thread, &failed[i]), 0);
    for (size_t i = 0; i < ROWS(thread); i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(failed[i], 0);
    }
}

static void the_fastest_is_chosen(void **state)
{
    static const enum cmc_sha256_engine order[] = {CMC_SHA256_AVX512, CMC_SHA256_SHANI,
                                                   CMC_SHA256_AVX2, CMC_SHA256_ARMV8,
                                                   CMC_SHA256_PORTABLE};
    size_t i = 0;
    (void)state;
    while (!(cmc_sha256_cpu_engines() >> order[i] & 1))
        i++;
    assert_int_equal(cmc_sha256_used(), order[i]);
}

static void names_and_lanes(void **state)
{
    static const struct {
        const char *name;
        unsigned lanes;
    } want[] = {{"portable", 1}, {"shani", 2}, {"avx2", 8}, {"avx512", 16}, {"armv8", 1}};
    (void)state;
    assert_int_equal(ROWS(want), CMC_SHA256_ENGINES);
    assert_true(cmc_sha256_use(CMC_SHA256_PORTABLE));
    for (unsigned e = 0; e < CMC_SHA256_ENGINES; e++) {
        enum cmc_sha256_engine before = cmc_sha256_used();
        assert_string_equal(cmc_sha256_engine_name(e), want[e].name);
        bool there = cmc_sha256_use(e);
        assert_int_equal(there, cmc_sha256_cpu_engines() >> e & 1);
        assert_int_equal(cmc_sha256_used(), there ? e : before);
        assert_int_equal(cmc_sha256_lanes(), want[there ? e : before].lanes);
    }
    assert_false(cmc_sha256_use(CMC_SHA256_ENGINES));
}

/* Bits by their numbers in Intel's manual, not by our names. */
static void what_a_cpu_runs(void **state)
{
    enum { P = 1 << CMC_SHA256_PORTABLE, S = 1 << CMC_SHA256_SHANI };
    enum { A = 1 << CMC_SHA256_AVX2, Z = 1 << CMC_SHA256_AVX512 };
    static const struct {
        const char *name;
        struct cmc_sha256_x86 cpu;
        unsigned want;
    } rows[] = {
        {"nothing", {0, 0, 0}, P},
        {"everything", {0x08080200, 0x60010020, 0xe7}, P | S | A | Z},
        {"all bits", {UINT32_MAX, UINT32_MAX, UINT64_MAX}, P | S | A | Z},
        {"the system saves no ZMM", {0x08080200, 0x60010020, 0x07}, P | S | A},
        {"the system saves no upper ZMM", {0x08080200, 0x60010020, 0x67}, P | S | A},
        {"the system saves no mask registers", {0x08080200, 0x60010020, 0xc7}, P | S | A},
        {"the system saves no YMM", {0x08080200, 0x60010020, 0x03}, P | S},
        {"the system saves no XMM", {0x08080200, 0x60010020, 0xe5}, P | S},
        {"XSAVE not in use", {0x00080200, 0x60010020, 0xe7}, P | S},
        {"no AVX512BW", {0x08080200, 0x20010020, 0xe7}, P | S | A},
        {"no AVX512F", {0x08080200, 0x60000020, 0xe7}, P | S | A},
        {"no SHA", {0x08080200, 0x40010020, 0xe7}, P | A | Z},
        {"no SSSE3", {0x08080000, 0x60010020, 0xe7}, P | A | Z},
        {"no SSE4.1", {0x08000200, 0x60010020, 0xe7}, P | A | Z},
        {"no AVX2", {0x08080200, 0x60010000, 0xe7}, P | S | Z},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (cmc_sha256_x86_engines(&rows[i].cpu) != rows[i].want)
            fail_msg("%s: engines 0x%x, not 0x%x", rows[i].name,
                     cmc_sha256_x86_engines(&rows[i].cpu), rows[i].want);
}

int main(void)
{
    enum { FIXED = 4 };
    static struct row rows[CMC_SHA256_ENGINES][ROWS(parts)];
    struct CMUnitTest tests[FIXED + ROWS(rows) * ROWS(parts)] = {
        cmocka_unit_test(threads_choose),
        cmocka_unit_test(the_fastest_is_chosen),
        cmocka_unit_test(names_and_lanes),
        cmocka_unit_test(what_a_cpu_runs),
    };
    for (size_t i = 0; i < ROWS(rows) * ROWS(parts); i++) {
        struct row *r = &rows[i / ROWS(parts)][i % ROWS(parts)];
        r->engine = (enum cmc_sha256_engine)(i / ROWS(parts));
        r->part = &parts[i % ROWS(parts)];
        (void)snprintf(r->name, sizeof(r->name), "%s: %s", cmc_sha256_engine_name(r->engine),
                       r->part->name);
        tests[FIXED + i] = (struct CMUnitTest){r->name, run_row, NULL, NULL, r};
    }
    return cmocka_run_group_tests_name("base/sha256_many", tests, NULL, NULL);
}
