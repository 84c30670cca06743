/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_diff.c -- which members differ, and that variables stay apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config.h"
#include "tests/lib/rows.h"

#define ENV(e)  "{\"process\":{\"env\":[" e "]}}"
#define V(n, v) "{\"name\":\"" n "\",\"value\":\"" v "\"}"
#define N(n)    "{\"name\":\"" n "\"}"
#define C1      "67df8a3e99da45acc73789a208f83703b66d400cf69dcafbec866b551aaf370d"
#define C2      "07df8a3e99da45acc73789a208f83703b66d400cf69dcafbec866b551aaf370d"
#define X10     "XXXXXXXXXX"
#define X100    X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define W(n, c) "{\"commitment\":\"" c "\",\"name\":\"" n "\"}"

struct row {
    const char *a, *b, *want; /* lines PATH: BEFORE -> AFTER; "-" for absent */
};

static struct row rows[] = {
    {"{\"a\":{\"b\":[1,\"x\",null]}}", " {\"a\": {\"b\":[1,\"x\",null]}}", ""},
    {"{\"hostname\":\"a\"}", "{\"hostname\":\"b\"}", "hostname: \"a\" -> \"b\"\n"},
    {"{\"process\":{\"args\":[\"sh\",\"-c\",\"x\"]}}", "{\"process\":{\"args\":[\"sh\",\"-c\"]}}",
     "process.args[2]: \"x\" -> -\n"},
    {"{\"mounts\":[{\"source\":\"a\"},{\"source\":\"b\"}]}",
     "{\"mounts\":[{\"source\":\"a\"},{\"source\":\"c\",\"type\":\"x\"},{}]}",
     "mounts[1].source: \"b\" -> \"c\"\nmounts[1].type: - -> \"x\"\nmounts[2]: - -> {}\n"},
    {"{\"linux\":{\"seccomp\":{\"defaultAction\":\"A\"}}}", "{\"linux\":{}}",
     "linux.seccomp: {\"defaultAction\":\"A\"} -> -\n"},
    {"{\"root\":{\"path\":\"/x\"}}", "{\"root\":{\"path\":{\"bundle\":\"rootfs\"}}}",
     "root.path: \"/x\" -> {\"bundle\":\"rootfs\"}\n"},
    {"{\"annotations\":{\"a.b\":\"1\",\"\\u001b\":\"\"}}", "{\"annotations\":{\"a.b\":\"2\"}}",
     "annotations[\"\\x1b\"]: \"\" -> -\nannotations[\"a.b\"]: \"1\" -> \"2\"\n"},
    {"{\"a.b\":1}", "{\"a.b\":-1}", "[\"a.b\"]: 1 -> -1\n"},
    {"{\"n\":9007199254740992}", "{\"n\":9007199254740993}",
     "n: 9007199254740992 -> 9007199254740993\n"},
    {"{\"n\":null,\"t\":true,\"z\":[]}", "{\"t\":false,\"z\":{}}",
     "n: null -> -\nt: true -> false\nz: [] -> {}\n"},
    /* variables, by name */
    {ENV(V("A", "1") "," V("VAL", "HELLO")), ENV(V("A", "1") "," V("VAL", "EVIL")),
     "process.env VAL: \"HELLO\" -> \"EVIL\"\n"},
    {ENV(V("A", "1") "," V("B", "2")), ENV(V("N", "0") "," V("A", "1")),
     "process.env B: \"2\" -> -\nprocess.env N: - -> \"0\"\n"},
    {ENV(V("A", "1") "," V("A", "2")), ENV(V("A", "1") "," V("A", "3") "," V("A", "4")),
     "process.env A #2: \"2\" -> \"3\"\nprocess.env A #3: - -> \"4\"\n"},
    {ENV(V("A", "1") "," V("B", "2")), ENV(V("B", "2") "," V("A", "1")),
     "process.env: A before B -> B before A\n"},
    {ENV(V("A", "1") "," V("A", "2")), ENV(V("A", "2") "," V("A", "1")),
     "process.env A: \"1\" -> \"2\"\nprocess.env A #2: \"2\" -> \"1\"\n"},
    {ENV(V("B", "") "," V("X", "") "," V("C", "")), ENV(V("C", "") "," V("B", "")),
     "process.env X: \"\" -> -\nprocess.env: B before C -> C before B\n"},
    {ENV(N("A") "," V("B", "")), ENV(V("A", "") "," N("B") ",null"),
     "process.env null: - -> no value\nprocess.env A: no value -> \"\"\n"
     "process.env B: \"\" -> no value\n"},
    {ENV(W("A", C1)), ENV(W("A", C1)), ""},
    {ENV(W("A", C1)), ENV(W("A", C2)),
     "process.env A: withheld (67df8a3e99da45ac) -> withheld (07df8a3e99da45ac)\n"},
    {ENV(W("A", C1)), ENV(V("A", "x")), "process.env A: withheld (67df8a3e99da45ac) -> \"x\"\n"},
    {ENV("{\"name\":\"\\u001b[2J\\u202e\",\"value\":\"\"}"), ENV(""),
     "process.env \\x1b[2J\\xe2\\x80\\xae: \"\" -> -\n"},
    /* a name that is cut could be that of a secret */
    {ENV("{\"name\":\"" X100 X100 "\",\"value\":\"a\"}"), ENV(""),
     "process.env " X100 X100 ": \"a\" -> -\n"},
    {ENV("{\"name\":\"" X100 X100 "_TOKEN\",\"value\":\"secret\"}"),
     ENV("{\"name\":\"" X100 X100 "_TOKEN\",\"value\":\"SECRET\"}"),
     "process.env " X100 X100 "...: not shown -> not shown\n"},
    {ENV(N(X100 X100 "_TOKEN") "," W(X100 X100 "_TOKEN", C1)), ENV(""),
     "process.env " X100 X100 "...: no value -> -\n"
     "process.env " X100 X100 "... #2: withheld (67df8a3e99da45ac) -> -\n"},
    /* no other difference shows a variable */
    {ENV(V("S", "secret")), "{\"process\":{}}",
     "process.env: [...] -> -\nprocess.env S: \"secret\" -> -\n"},
    {"{\"process\":{\"env\":null}}", ENV(V("S", "secret")),
     "process.env: null -> [...]\nprocess.env S: - -> \"secret\"\n"},
    {"{\"process\":{\"args\":[],\"env\":[" V("S", "secret") "]}}", "{}",
     "process: {\"args\":[],\"env\":[...]} -> -\nprocess.env S: \"secret\" -> -\n"},
    {"{}", ENV(""), "process: - -> {\"env\":[...]}\n"},
    {"{\"env\":[\"A=1\"],\"x\":{\"process\":{\"env\":[1]}}}",
     "{\"env\":[\"A=2\"],\"x\":{\"process\":{\"env\":[2]}}}",
     "env[0]: \"A=1\" -> \"A=2\"\nx.process.env[0]: 1 -> 2\n"},
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
    struct cmc_buf b = {.data = malloc(strlen(text)), .len = strlen(text)};
    assert_non_null(b.data);
    memcpy(b.data, text, b.len);
    return b;
}

static int compare(const char *a, const char *b, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf x = copy(a);
    cmc_autobuf struct cmc_buf y = copy(b);
    int rc = measure_config_diff(&x, &y, note, out, err);
    cmc_put_u8(out, 0);
    return rc;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(10000);
    struct cmc_err err = {0};
    if (compare(t->a, t->b, &out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal((const char *)out.data, t->want);
}

/* A difference is reported exactly when the digests differ. */
static void differences_are_those_of_the_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t j = 0; j < ROWS(rows); j++) {
            cmc_autobuf struct cmc_buf out = cmc_buf_of(100000);
            struct cmc_err err = {0};
            uint8_t a[CMC_SHA256_LEN], b[CMC_SHA256_LEN];
            const char *x = rows[i].a, *y = rows[j].b;
            assert_int_equal(measure_config_detail_digest(x, strlen(x), NULL, a, &err), 0);
            assert_int_equal(measure_config_detail_digest(y, strlen(y), NULL, b, &err), 0);
            assert_int_equal(compare(x, y, &out, &err), 0);
            assert_int_equal(out.len == 1, memcmp(a, b, sizeof(a)) == 0);
        }
}

static void what_is_no_detail_is_named(void **state)
{
    static const struct {
        const char *a, *b, *text;
    } bad[] = {{"[", "{}",
                "first configuration detail: line 1, column 2, $[0]: the text ends where a value "
                "belongs"},
               {"{}", "[]", "second configuration detail: $: a detail is an object"},
               {"{}", ENV("\"A=B\""),
                "compare configuration details: $.process.env[0]: expected {name, value}, "
                "{commitment, name}, {name} or null"}};
    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1000);
        struct cmc_err err = {0};
        assert_int_equal(compare(bad[i].a, bad[i].b, &out, &err), -CMC_E_FORMAT);
        assert_string_equal(err.msg, bad[i].text);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].a, run_row, NULL, NULL, &rows[i]};
    const struct CMUnitTest more[] = {cmocka_unit_test(differences_are_those_of_the_digests),
                                      cmocka_unit_test(what_is_no_detail_is_named)};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("measure/config_diff", tests, NULL, NULL);
}
