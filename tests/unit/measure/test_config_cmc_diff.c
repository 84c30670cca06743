/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_cmc_diff.c -- which members of two normal forms differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_cmc.h"
#include "tests/lib/rows.h"

#define ENV(e) "{\"process\":{\"env\":[" e "]}}"

struct row {
    const char *a, *b, *want; /* lines PATH: BEFORE -> AFTER; "-" for absent */
};

static struct row rows[] = {
    {"{\"process\":{\"cwd\":\"/\"}}", "{\"process\":{\"cwd\":\"/\"}}", ""},
    {"{\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"}}", "{\"process\":{\"args\":[\"id\"]}}",
     "process.args[0]: \"sh\" -> \"id\"\nprocess.cwd: \"/\" -> -\n"},
    {ENV("\"A=1\",\"B=2\",\"S=secret\""), ENV("\"A=1\",\"N\",\"S=secreT\""),
     "process.env B: \"2\" -> -\nprocess.env N: - -> no value\n"
     "process.env S: \"secret\" -> \"secreT\"\n"},
    {ENV("\"=x\",\"A==\""), ENV("\"=y\",\"A=\""),
     "process.env : \"x\" -> \"y\"\nprocess.env A: \"=\" -> \"\"\n"},
    /* numbers that the strict reader refuses */
    {"{\"a\":18446744073709552000}", "{\"a\":18446744073709550000}",
     "a: \"18446744073709552000\" -> 18446744073709550000\n"},
    {"{\"a\":-9223372036854776000}", "{\"a\":-9223372036854775000}",
     "a: \"-9223372036854776000\" -> -9223372036854775000\n"},
    {"{\"a\":[0,1.5,-7,1e+21,9007199254740992]}", "{\"a\":[1,1.25,-8,1e-7,9007199254740994]}",
     "a[0]: 0 -> 1\na[1]: \"1.5\" -> \"1.25\"\na[2]: -7 -> -8\na[3]: \"1e+21\" -> \"1e-7\"\n"
     "a[4]: 9007199254740992 -> 9007199254740994\n"},
    {"{\"\":null,\"b\":true}", "{\"\":{},\"b\":false}", "[\"\"]: null -> {}\nb: true -> false\n"},
    {"{\"process\":null}", "{\"process\":{\"env\":null}}", "process: null -> {\"env\":null}\n"},
    /* no normal form */
    {"{\"a\": 1}", "{}", "first normal form: not written in the one canonical way (RFC 8785)"},
    {"{}", "{\"b\":1,\"a\":1}",
     "second normal form: not written in the one canonical way (RFC 8785)"},
    {"{\"a\":1,\"a\":1}", "{}",
     "first normal form: not written in the one canonical way (RFC 8785)"},
    {"{\"a\":18446744073709551615}", "{}",
     "first normal form: not written in the one canonical way (RFC 8785)"},
    {"{\"a\":\"\\u0041\"}", "{}",
     "first normal form: not written in the one canonical way (RFC 8785)"},
    {"", "{}", "first normal form: $: line 1: the text ends where a value belongs"},
    {"{}", "{\"a\":1", "second normal form: $: line 1: expected ',' or '}'"},
    /* what our details cannot show is an error, not silence */
    {"{\"a\":\"1.5\"}", "{\"a\":1.5}", "two normal forms differ, but in nothing that can be shown"},
    {"{\"a\":\"\\u0000\"}", "{}",
     "first configuration detail: line 1, column 7, $.a: \\u0000 in a "
     "string: no text may hold NUL"},
    {ENV("1"), ENV("1"), "compare configuration details: $.process.env[0]: expected {name"},
};

static void note(void *ctx, const char *path, const char *before, const char *after)
{
    struct cmc_buf *b = ctx;
    assert_true(before || after);
    cmc_put_fmt(b, "%s: %s -> %s\n", path, before ? before : "-", after ? after : "-");
}

/* An own copy of exact size, so that one byte read too far is seen. */
static struct cmc_buf copy(const char *text)
{
    struct cmc_buf b = {.data = malloc(strlen(text) + !*text), .len = strlen(text)};
    assert_non_null(b.data);
    memcpy(b.data, text, b.len);
    return b;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    cmc_autobuf struct cmc_buf a = copy(t->a);
    cmc_autobuf struct cmc_buf b = copy(t->b);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(10000);
    struct cmc_err err = {0};
    if (measure_config_cmc_diff(&a, &b, note, &out, &err) < 0) {
        assert_int_equal(err.code, CMC_E_FORMAT);
        if (strncmp(err.msg, t->want, strlen(t->want)) != 0 || !*t->want)
            fail_msg("%s", err.msg);
        assert_int_equal(out.len, 0);
        return;
    }
    cmc_put_u8(&out, 0);
    assert_string_equal((const char *)out.data, t->want);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].b, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("measure/config_cmc_diff", tests, NULL, NULL);
}
