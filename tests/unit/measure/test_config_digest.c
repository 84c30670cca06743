/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_digest.c -- details give back the digest, also with values
 * withheld; other texts are no details. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/config.h"
#include "tests/lib/rows.h"

#define C_VAL "67df8a3e99da45acc73789a208f83703b66d400cf69dcafbec866b551aaf370d"
#define HEAD                                                                                       \
    "{\"linux\":{\"cgroupsPath\":{\"before\":\"/default/\",\"id\":\"container\"}},\"ociVersion\":" \
    "\"1.0.2\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"env\":["
#define TAIL   ",{\"name\":\"FLAG\"}]},\"root\":{\"path\":\"rootfs\"}}"
#define DIGEST "810ab676b0e8cfb5a9bd32ad67d5bd764b760688c0fc87e47c21fd378ef2e8ae"

static int digest_of(const char *detail, const uint8_t *key, char *hex, struct cmc_err *err)
{
    uint8_t digest[CMC_SHA256_LEN];
    memset(digest, 0x5a, sizeof(digest));
    int rc = measure_config_detail_digest(detail, strlen(detail), key, digest, err);
    cmc_hex(digest, sizeof(digest), hex);
    return rc;
}

static void assert_digest(const char *detail, const uint8_t *key, const char *want)
{
    struct cmc_err err = {0};
    char hex[2 * CMC_SHA256_LEN + 1];
    if (digest_of(detail, key, hex, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(hex, want);
}

static void shown_and_withheld_agree(void **state)
{
    (void)state;
    assert_digest(HEAD "{\"name\":\"VAL\",\"value\":\"HELLO\"}" TAIL, NULL, DIGEST);
    assert_digest(HEAD "{\"commitment\":\"" C_VAL "\",\"name\":\"VAL\"}" TAIL, NULL, DIGEST);
    /* spacing and order of members say nothing */
    assert_digest(HEAD "  {\"value\" : \"HELLO\", \"name\":\"\\u0056AL\"}\n" TAIL, NULL, DIGEST);
}

static void the_key_decides(void **state)
{
    static const uint8_t zero[32], key[32] = {[31] = 1};
    char hex[2 * CMC_SHA256_LEN + 1];
    struct cmc_err err = {0};
    (void)state;
    assert_digest(HEAD "{\"name\":\"VAL\",\"value\":\"HELLO\"}" TAIL, zero, DIGEST);
    assert_int_equal(digest_of(HEAD "{\"name\":\"VAL\",\"value\":\"HELLO\"}" TAIL, key, hex, &err),
                     0);
    assert_string_not_equal(hex, DIGEST);
    /* what is withheld needs no key */
    assert_digest(HEAD "{\"commitment\":\"" C_VAL "\",\"name\":\"VAL\"}" TAIL, key, DIGEST);
}

/* The length in front keeps AB=C and A=BC apart, and the entries of one environment. */
static void names_and_values_do_not_run_together(void **state)
{
    static const char *const rows[] = {
        "{\"process\":{\"env\":[{\"name\":\"AB\",\"value\":\"C\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"A\",\"value\":\"BC\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"\",\"value\":\"ABC\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"ABC\",\"value\":\"\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"ABC\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"ABC\"},null]}}",
        "{\"process\":{\"env\":[null,{\"name\":\"ABC\"}]}}",
        "{\"process\":{\"env\":[{\"name\":\"ABC\"},{\"name\":\"ABC\"}]}}",
        "{\"process\":{\"env\":[]}}",
        "{\"process\":{\"env\":null}}",
        "{\"process\":{}}",
        "{\"process\":null}",
        "{}",
        "{\"env\":[{\"name\":\"A\",\"value\":\"BC\"}]}",
        "{\"process\":{\"x\":{\"env\":[{\"name\":\"A\",\"value\":\"BC\"}]}}}"};
    char hex[ROWS(rows)][2 * CMC_SHA256_LEN + 1];
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(digest_of(rows[i], NULL, hex[i], &err), 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(hex[i], hex[j]);
    }
}

static void other_texts_are_refused(void **state)
{
    static const char want[] = "configuration detail: $.process.env[0]: expected {name, value}, "
                               "{commitment, name}, {name} or null";
    static const char hexed[] =
        "configuration detail: $.process.env[0]: a commitment is 64 digits 0-9 a-f";
    static const struct {
        const char *in, *text;
    } rows[] = {
        {"", "configuration detail: line 1, column 1, $: empty: expected a JSON value"},
        {"[]", "configuration detail: $: a detail is an object"},
        {"{\"process\":[]}", "configuration detail: $.process: expected an object"},
        {"{\"process\":{\"env\":{}}}", "configuration detail: $.process.env: expected an array"},
        {"{\"process\":{\"env\":[\"A=B\"]}}", want},
        {"{\"process\":{\"env\":[{}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":null}]}}", want},
        {"{\"process\":{\"env\":[{\"value\":\"x\"}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":\"x\",\"value\":1}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":\"x\",\"commitment\":1}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":\"x\",\"other\":\"\"}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":\"x\",\"value\":\"\",\"other\":\"\"}]}}", want},
        {"{\"process\":{\"env\":[{\"name\":\"VAL\",\"value\":\"x\",\"commitment\":\"" C_VAL
         "\"}]}}",
         want},
        {"{\"process\":{\"env\":[{\"name\":\"VAL\",\"commitment\":\"\"}]}}", hexed},
        {"{\"process\":{\"env\":[{\"name\":\"VAL\",\"commitment\":\"" C_VAL "0\"}]}}", hexed},
        {"{\"process\":{\"env\":[{\"name\":\"VAL\",\"commitment\":\"G7df8a3e99da45acc73789a208f8370"
         "3b66d400cf69dcafbec866b551aaf370d\"}]}}",
         hexed},
        {"{\"process\":{\"env\":[{\"name\":\"VAL\",\"commitment\":\"67DF8a3e99da45acc73789a208f8370"
         "3b66d400cf69dcafbec866b551aaf370d\"}]}}",
         hexed}};
    char hex[2 * CMC_SHA256_LEN + 1];
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        assert_int_equal(digest_of(rows[i].in, NULL, hex, &err), -CMC_E_FORMAT);
        assert_string_equal(err.msg, rows[i].text);
        assert_int_equal(strspn(hex, "5a"), strlen(hex)); /* untouched */
    }
}

static void key_ids(void **state)
{
    static const uint8_t zero[32], key[32] = {1}, none[MEASURE_KEY_ID_LEN];
    uint8_t id[MEASURE_KEY_ID_LEN], other[MEASURE_KEY_ID_LEN];
    char hex[2 * MEASURE_KEY_ID_LEN + 1];
    (void)state;
    measure_config_key_id(NULL, id);
    assert_memory_equal(id, none, sizeof(id));
    measure_config_key_id(zero, id); /* a key of zeros is a key, if a bad one */
    cmc_hex(id, sizeof(id), hex);
    assert_string_equal(hex, "7a7335714be0d959");
    measure_config_key_id(key, other);
    assert_memory_not_equal(id, other, sizeof(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_and_withheld_agree), cmocka_unit_test(the_key_decides),
        cmocka_unit_test(names_and_values_do_not_run_together),
        cmocka_unit_test(other_texts_are_refused), cmocka_unit_test(key_ids)};
    return cmocka_run_group_tests_name("measure/config_digest", tests, NULL, NULL);
}
