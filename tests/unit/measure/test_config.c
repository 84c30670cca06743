/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config.c -- whole configurations: known digests, runs that must agree,
 * limits, and failures that leave the output alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config.h"
#include "tests/lib/rows.h"

enum { FILE_MAX = 1 << 20, HEX_CAP = 2 * CMC_SHA256_LEN + 1 };

static struct cmc_buf read_file(const char *name)
{
    struct cmc_buf b = cmc_buf_of(FILE_MAX);
    char path[512], chunk[4096];
    (void)snprintf(path, sizeof(path), "%s/config/%s", TEST_VECTORS, name);
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s: not there", path);
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        cmc_put(&b, chunk, n);
    (void)fclose(f);
    assert_false(b.bad);
    return b;
}

static void measure(const void *json, size_t len, const char *id, struct measure_config *out)
{
    const struct measure_config_opts opts = {.container_id = id};
    struct cmc_err err = {0};
    if (measure_config(json, len, &opts, out, &err) < 0)
        fail_msg("%s", err.msg);
}

/* What ctr, runc and umoci write is accepted, and has the digest that the oracle says. */
static void real_configurations_have_their_digest(void **state)
{
    cmc_autobuf struct cmc_buf list = read_file("golden.txt");
    size_t seen = 0;
    (void)state;
    cmc_put_u8(&list, 0);
    for (char *save, *line = strtok_r((char *)list.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char want[HEX_CAP], have[HEX_CAP], id[80], name[80];
        struct measure_config c;
        if (*line == '#')
            continue;
        assert_int_equal(sscanf(line, "%64s %79s %79s", want, id, name), 3);
        cmc_autobuf struct cmc_buf json = read_file(name);
        measure(json.data, json.len, id, &c);
        cmc_hex(c.digest, CMC_SHA256_LEN, have);
        if (strcmp(have, want) != 0)
            fail_msg("%s: %s, expected %s", name, have, want);
        cmc_sha256(json.data, json.len, c.digest);
        assert_memory_equal(c.raw_digest, c.digest, CMC_SHA256_LEN);
        measure_config_done(&c);
        seen++;
    }
    assert_in_range(seen, 13, 100);
}

/* ctr writes the id into cgroupsPath: another run of one container, with the same id or another. */
static void two_runs_agree(void **state)
{
    cmc_autobuf struct cmc_buf json = read_file("real/ctr-plain.json");
    cmc_autobuf struct cmc_buf other = cmc_buf_of(FILE_MAX);
    struct measure_config one, again, two, wrong;
    (void)state;
    char *at = memmem(json.data, json.len, "/default/one", 12);
    assert_non_null(at);
    size_t head = (size_t)(at - (char *)json.data);
    cmc_put(&other, json.data, head);
    cmc_put_text(&other, "/default/another.one");
    cmc_put(&other, at + 12, json.len - head - 12);

    measure(json.data, json.len, "one", &one);
    measure(json.data, json.len, "one", &again);
    measure(other.data, other.len, "another.one", &two);
    measure(json.data, json.len, "another.one", &wrong);
    assert_memory_equal(one.digest, again.digest, CMC_SHA256_LEN);
    assert_memory_equal(one.digest, two.digest, CMC_SHA256_LEN);
    assert_memory_not_equal(one.raw_digest, two.raw_digest, CMC_SHA256_LEN);
    assert_memory_not_equal(one.digest, wrong.digest, CMC_SHA256_LEN);
    assert_int_equal(one.detail.len, two.detail.len);
    assert_memory_equal(one.detail.data, two.detail.data, one.detail.len);
    measure_config_done(&one);
    measure_config_done(&again);
    measure_config_done(&two);
    measure_config_done(&wrong);
}

static void terminal_is_told_but_not_measured(void **state)
{
    static const struct {
        const char *json;
        bool terminal;
    } rows[] = {{"{\"process\":{\"terminal\":true}}", true},
                {"{\"process\":{\"terminal\":false}}", false},
                {"{\"process\":{\"terminal\":null}}", false},
                {"{\"process\":{}}", false}};
    struct measure_config c, first;
    (void)state;
    measure(rows[0].json, strlen(rows[0].json), "id", &first);
    for (size_t i = 0; i < ROWS(rows); i++) {
        measure(rows[i].json, strlen(rows[i].json), "id", &c);
        assert_int_equal(c.terminal, rows[i].terminal);
        assert_memory_equal(c.digest, first.digest, CMC_SHA256_LEN);
        measure_config_done(&c);
    }
    measure_config_done(&first);
}

static void failures_leave_the_output_alone(void **state)
{
    static const struct {
        const char *json, *id, *bundle;
        int code;
        const char *text;
    } rows[] = {
        {"{}", "", NULL, CMC_E_USAGE, "configuration: the container id is empty"},
        {"{}", NULL, NULL, CMC_E_USAGE, "configuration: the container id is empty"},
        {"{}", ".", NULL, CMC_E_USAGE, "configuration: no container can have the id ."},
        {"{\"linux\":{\"cgroupsPath\":\"/default/..\"}}", "..", NULL, CMC_E_USAGE,
         "configuration: no container can have the id .."},
        {"{}", "id", "b", CMC_E_USAGE, "configuration: bundle path b is not absolute"},
        {"{}", "id", "", CMC_E_USAGE, "configuration: bundle path  is not absolute"},
        {"", "id", NULL, CMC_E_FORMAT,
         "config.json: line 1, column 1, $: empty: expected a JSON value"},
        {"{} {}", "id", NULL, CMC_E_FORMAT,
         "config.json: line 1, column 4, $: more follows behind the end of the document"},
        {"{\"root\":{\"path\":1}}", "id", NULL, CMC_E_VERIFY,
         "config.json: $.root.path: expected a string, found an integer"},
        {"{\"Root\":{}}", "id", NULL, CMC_E_VERIFY,
         "config.json: $.Root: only the case of letters differs from the member that runtimes "
         "would take it for: write root"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct measure_config_opts opts = {.container_id = rows[i].id,
                                                 .bundle = rows[i].bundle};
        struct measure_config c, poison;
        struct cmc_err err = {0};
        memset(&c, 0x5a, sizeof(c));
        poison = c;
        assert_int_equal(measure_config(rows[i].json, strlen(rows[i].json), &opts, &c, &err),
                         -rows[i].code);
        assert_string_equal(err.msg, rows[i].text);
        assert_memory_equal(&c, &poison, sizeof(c));
    }
}

static int measure_many(const char *first, const char *each, size_t n, const char *last,
                        struct cmc_err *err)
{
    const struct measure_config_opts opts = {.container_id = "id"};
    cmc_autobuf struct cmc_buf json = cmc_buf_of(200 << 20);
    struct measure_config c = {0};
    cmc_put_text(&json, first);
    for (size_t i = 0; i < n; i++)
        cmc_put_text(&json, each);
    cmc_put_text(&json, last);
    assert_false(json.bad);
    int rc = measure_config(json.data, json.len, &opts, &c, err);
    measure_config_done(&c);
    return rc;
}

/* What is legal as a configuration, but whose detail our own reader would refuse, is refused. */
static void limits_hold_for_the_detail_too(void **state)
{
    static const char env[] = "{\"process\":{\"env\":[\"\"";
    struct cmc_err err = {0};
    (void)state;
    /* an entry with a value is three values in a detail */
    assert_int_equal(measure_many(env, ",\"=\"", 80000, "]}}", &err), 0);
    assert_int_equal(measure_many(env, ",\"=\"", 140000, "]}}", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "config.json: configuration detail: JSON text of 420005 values, "
                                 "at most 262144");
    assert_int_equal(measure_many(env, ",\"=\"", 200000, "]}}", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg,
                        "config.json: configuration detail: more than 4194304 bytes, or out of "
                        "memory");
    assert_int_equal(measure_many("{\"a\":\"", "0123456789", 10 << 20, "\"}", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "config.json: JSON text of 104857608 bytes, at most 4194304");
    assert_int_equal(measure_many("{\"a\":", "[", 100000, "", &err), -CMC_E_LIMIT);
    assert_non_null(strstr(err.msg, "nested deeper than 64 levels"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_configurations_have_their_digest),
                                       cmocka_unit_test(two_runs_agree),
                                       cmocka_unit_test(terminal_is_told_but_not_measured),
                                       cmocka_unit_test(failures_leave_the_output_alone),
                                       cmocka_unit_test(limits_hold_for_the_detail_too)};
    return cmocka_run_group_tests_name("measure/config", tests, NULL, NULL);
}
