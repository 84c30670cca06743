/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_secret.c -- variables with the names of secrets are withheld, and
 * only they are; what cannot be withheld is not shown at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_secret.h"
#include "tests/lib/rows.h"

static const struct measure_names defaults;

static void names_match(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool want;
    } rows[] = {{NULL, "DB_PASSWORD", true},
                {NULL, "passwordless", true},
                {NULL, "ApiToken", true},
                {NULL, "SECRETS", true},
                {NULL, "MONKEY", true},
                {NULL, "PATH", false},
                {NULL, "", false},
                {NULL, "PASSWOR", false},
                {"A*", "A", true},
                {"A*", "xA", false},
                {"*A", "xA", true},
                {"*A", "Ax", false},
                {"A*B", "AB", true},
                {"A*B", "AxxB", true},
                {"A*B", "AxBx", false},
                {"A*B*C", "AxBxBxC", true},
                {"A*B*C", "AxCxB", false},
                {"**", "", true},
                {"", "", true},
                {"", "A", false},
                {"*AAB", "AAAB", true},
                {"*[A]*", "[a]", true},
                {"*.*", "A", false},
                {"?", "A", false},
                {"*\xc3\xa4", "\xc3\xa4", true},
                {"*\xc3\xa4", "\xc3\x84", false}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct measure_names one = {.pattern = &rows[i].pattern, .count = 1};
        const struct measure_names *n = rows[i].pattern ? &one : &defaults;
        if (measure_names_match(n, rows[i].name, strlen(rows[i].name)) != rows[i].want)
            fail_msg("pattern %s, name %s", rows[i].pattern, rows[i].name);
    }
}

static void a_list_may_be_empty(void **state)
{
    static const char *const none[1];
    const struct measure_names n = {.pattern = none, .count = 0};
    (void)state;
    assert_false(measure_names_match(&n, "PASSWORD", 8));
}

/* The name counts, not the bytes behind it. */
static void a_name_has_a_length(void **state)
{
    static const char *const exact[] = {"KEY"};
    const struct measure_names n = {.pattern = exact, .count = 1};
    (void)state;
    assert_true(measure_names_match(&n, "KEYS", 3));
    assert_false(measure_names_match(&n, "KEYS", 4));
}

#define DETAIL                                                                                     \
    "{\"process\":{\"env\":[{\"name\":\"VAL\",\"value\":\"HELLO\"},"                               \
    "{\"name\":\"DB_PASSWORD\",\"value\":\"canary\"},{\"name\":\"FLAG\"},null,"                    \
    "{\"name\":\"KEY\"}]}}"

static void digest(const void *detail, size_t len, const uint8_t *key, uint8_t *out)
{
    struct cmc_err err = {0};
    if (measure_config_detail_digest(detail, len, key, out, &err) < 0)
        fail_msg("%s", err.msg);
}

static void assert_withheld(const uint8_t *key, bool shown)
{
    struct cmc_err err = {0};
    uint8_t before[CMC_SHA256_LEN], after[CMC_SHA256_LEN];
    cmc_autobuf struct cmc_buf out = cmc_buf_of(4096);
    digest(DETAIL, strlen(DETAIL), key, before);
    assert_int_equal(
        measure_config_detail_withhold_names(DETAIL, strlen(DETAIL), key, &defaults, &out, &err),
        1);
    digest(out.data, out.len, key, after);
    assert_memory_equal(before, after, sizeof(before));
    assert_null(memmem(out.data, out.len, "canary", 6));
    assert_non_null(memmem(out.data, out.len, "DB_PASSWORD", 11));
    assert_true((memmem(out.data, out.len, "HELLO", 5) != NULL) == shown);
}

static void listed_values_are_withheld(void **state)
{
    static const uint8_t key[32] = {1};
    (void)state;
    assert_withheld(NULL, true);
    assert_withheld(key, false); /* with a redaction key all are */
}

static const struct {
    const char *json;
    int want;
} texts[] = {
    {"{}", 0},
    {"{\"process\":{\"env\":[\"A=B\",\"KEYS\"]}}", 0},
    {"{\"process\":{\"env\":[\"KEYS=\"]}}", 1},
    {"{\"process\":{\"env\":[\"A=KEY\"]}}", 0},
    {"{\"process\":{\"args\":[\"KEY=1\"]}}", 0},
    {"{\"process\":{\"env\":{\"a\":\"KEY=1\"}}}", 0},
    {"{\"hooks\":{\"prestart\":[{\"path\":\"/x\"},{\"env\":[\"A=B\",\"A_TOKEN=x\"]}]}}", 1},
    {"{\"hooks\":{\"poststop\":[{\"env\":[\"A_TOKEN=x\"]}]}}", 1},
    {"{\"hooks\":{\"prestart\":[{\"env\":[\"A=B\"]}],\"x\":null}}", 0},
    {"{\"hooks\":[{\"env\":[\"KEY=1\"]}]}", 0},
    {"{\"hooks\":null,\"process\":null}", 0},
    {"[]", -CMC_E_FORMAT},
    {"{", -CMC_E_FORMAT},
};

static void secrets_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        struct cmc_err err = {0};
        if (measure_config_has_secret(texts[i].json, strlen(texts[i].json), &defaults, &err) !=
            texts[i].want)
            fail_msg("%s", texts[i].json);
    }
}

/* The variables of hooks are measured as they are: there is nothing to show in their place. */
static void a_hooks_secret_hides_the_detail(void **state)
{
    static const char hook[] = "{\"hooks\":{\"prestart\":[{\"env\":[\"A_TOKEN=canary\"]}]}}";
    static const char plain[] = "{\"hooks\":{\"prestart\":[{\"env\":[\"A=canary\"]}]}}";
    static const uint8_t key[32] = {1};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(4096);
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(
        measure_config_detail_withhold_names(hook, strlen(hook), NULL, &defaults, &out, &err), 0);
    assert_int_equal(
        measure_config_detail_withhold_names(hook, strlen(hook), key, &defaults, &out, &err), 0);
    /* with a key all is secret */
    assert_int_equal(
        measure_config_detail_withhold_names(plain, strlen(plain), key, &defaults, &out, &err), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(measure_config_detail_withhold_names("{\"process\":{\"env\":[\"A=B\"]}}", 28,
                                                          NULL, &defaults, &out, &err),
                     -CMC_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match),         cmocka_unit_test(a_list_may_be_empty),
        cmocka_unit_test(a_name_has_a_length), cmocka_unit_test(listed_values_are_withheld),
        cmocka_unit_test(secrets_are_found),   cmocka_unit_test(a_hooks_secret_hides_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
