/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_hash.c -- published vectors (FIPS 180-4 examples, RFC 4231). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/hex.h"
#include "tests/lib/rows.h"

static const struct alg {
    uint16_t id;
    const char *name;
    size_t size;
    const char *abc; /* the digest of "abc" */
} algs[] = {
    {CMC_ALG_SHA1, "sha1", 20, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CMC_ALG_SHA256, "sha256", 32,
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CMC_ALG_SHA384, "sha384", 48,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {CMC_ALG_SHA512, "sha512", 64,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

static void every_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(algs); i++) {
        uint8_t out[CMC_HASH_MAX + 1];
        char hex[2 * CMC_HASH_MAX + 1];
        struct cmc_err err = {0};
        assert_int_equal(cmc_hash_size(algs[i].id), algs[i].size);
        assert_string_equal(cmc_hash_name(algs[i].id), algs[i].name);
        assert_int_equal(cmc_hash_by_name(algs[i].name, strlen(algs[i].name)), algs[i].id);
        for (size_t cut = 0; cut <= 3; cut++) { /* wherever the parts meet */
            memset(out, 0x77, sizeof(out));
            assert_int_equal(cmc_hash2(algs[i].id, "abc", cut, &"abc"[cut], 3 - cut, out, &err), 0);
            cmc_hex(out, algs[i].size, hex);
            assert_string_equal(hex, algs[i].abc);
            assert_int_equal(out[algs[i].size], 0x77);
        }
        assert_int_equal(cmc_hash2(algs[i].id, "abc", 3, NULL, 0, out, &err), 0);
        cmc_hex(out, algs[i].size, hex);
        assert_string_equal(hex, algs[i].abc);
    }
}

static void an_unknown_algorithm(void **state)
{
    uint8_t out[CMC_HASH_MAX];
    struct cmc_err err = {0};
    (void)state;
    memset(out, 0x77, sizeof(out));
    assert_int_equal(cmc_hash2(0x0012, "abc", 3, NULL, 0, out, &err), -CMC_E_USAGE);
    assert_string_equal(err.msg, "digest algorithm 0x0012 is not known");
    assert_int_equal(out[0], 0x77);
    assert_int_equal(cmc_hash_size(0x0012), 0);
    assert_null(cmc_hash_name(0));
    assert_int_equal(cmc_hash_by_name("sha2567", 7), 0);
    assert_int_equal(cmc_hash_by_name("sha2", 4), 0);
    assert_int_equal(cmc_hash_by_name("", 0), 0);
}

static void streaming_equals_one_call(void **state)
{
    uint8_t data[300], one[CMC_SHA256_LEN], many[CMC_SHA256_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof(data); n++) {
        struct cmc_sha256_ctx c;
        cmc_sha256(data, n, one);
        cmc_sha256_init(&c);
        for (size_t at = 0; at < n; at += 13)
            cmc_sha256_add(&c, data + at, n - at < 13 ? n - at : 13);
        cmc_sha256_end(&c, many);
        assert_memory_equal(one, many, sizeof(one));
    }
}

static void hmac(void **state)
{
    /* RFC 4231 has no case with a key of 32 bytes; this one was computed by Python's hmac. */
    static const char want[] = "a28cf43130ee696a98f14a37678b56bcfcbdd9e5cf69717fecf5480f0ebdf790";
    uint8_t key[32], out[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    cmc_hmac_sha256(key, "Sample message for keylen<blocklen", 34, out);
    cmc_hex(out, sizeof(out), hex);
    assert_string_equal(hex, want);
    /* RFC 4231 test case 2: a shorter key is the same as one filled with zeros (RFC 2104) */
    static const uint8_t jefe[32] = {'J', 'e', 'f', 'e'};
    cmc_hmac_sha256(jefe, "what do ya want for nothing?", 28, out);
    cmc_hex(out, sizeof(out), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm),
        cmocka_unit_test(an_unknown_algorithm),
        cmocka_unit_test(streaming_equals_one_call),
        cmocka_unit_test(hmac),
    };
    return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
