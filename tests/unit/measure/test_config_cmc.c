/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_cmc.c -- whole configurations in profile cmc: known digests and
 * normal forms, the replacement of ids, limits, failures that leave the output alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config_cmc.h"
#include "tests/lib/rows.h"

enum { FILE_MAX = 1 << 20, HEX_CAP = 2 * CMC_SHA256_LEN + 1, SECONDS_MAX = 15 };

#define ID64 "8d6f55b059bca4d130b60e29807c5a5f63014b8673ad7cee69b7fb84b03b6443"
#define ID12 "8d6f55b059bc"
#define HERE "<container-id>"

static struct cmc_buf read_file(const char *name)
{
    struct cmc_buf b = cmc_buf_of(FILE_MAX);
    char path[512], chunk[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", TEST_VECTORS, name);
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s: not there", path);
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        cmc_put(&b, chunk, n);
    (void)fclose(f);
    assert_false(b.bad);
    return b;
}

static int try_measure(const void *json, size_t len, const char *id, struct measure_config *out,
                       struct cmc_err *err)
{
    const struct measure_config_cmc_opts opts = {.container_id = id};
    *err = (struct cmc_err){0};
    return measure_config_cmc(json, len, &opts, out, err);
}

static struct measure_config measure(const void *json, size_t len, const char *id)
{
    struct measure_config c = {0};
    struct cmc_err err;
    if (try_measure(json, len, id, &c, &err) < 0)
        fail_msg("%s", err.msg);
    return c;
}

/* Go's digests of the first two; those of real clients are the oracle's. */
static void configurations_have_their_digest(void **state)
{
    cmc_autobuf struct cmc_buf list = read_file("cmc-config/golden.txt");
    size_t seen = 0;
    (void)state;
    cmc_put_u8(&list, 0);
    for (char *save, *line = strtok_r((char *)list.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char want[HEX_CAP], have[HEX_CAP], id[80], name[80];
        if (*line == '#')
            continue;
        assert_int_equal(sscanf(line, "%64s %79s %79s", want, id, name), 3);
        cmc_autobuf struct cmc_buf json = read_file(name);
        struct measure_config c = measure(json.data, json.len, id);
        cmc_hex(c.digest, CMC_SHA256_LEN, have);
        if (strcmp(have, want) != 0)
            fail_msg("%s: %s, expected %s", name, have, want);
        cmc_sha256(json.data, json.len, c.digest);
        assert_memory_equal(c.raw_digest, c.digest, CMC_SHA256_LEN);
        measure_config_done(&c);
        seen++;
    }
    assert_in_range(seen, 12, 100);
}

static void normal_forms_are_those_of_go(void **state)
{
    static const char *const rows[][3] = {
        {"someid", "cmc-config/v5-empties.input.json", "cmc-config/v5-empties.normalized.json"},
        {"args", "cmc-config/v6-id-clobbers-key.input.json",
         "cmc-config/v6-id-clobbers-key.normalized.json"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf json = read_file(rows[i][1]);
        cmc_autobuf struct cmc_buf form = read_file(rows[i][2]);
        struct measure_config c = measure(json.data, json.len, rows[i][0]);
        assert_int_equal(c.detail.len, form.len);
        assert_memory_equal(c.detail.data, form.data, form.len);
        measure_config_done(&c);
    }
}

/* The id "args" takes process.args out of CMC's form, and not out of ours. */
static void an_id_that_is_a_key_hides_nothing_in_profile_exact(void **state)
{
    cmc_autobuf struct cmc_buf json = read_file("cmc-config/v6-id-clobbers-key.input.json");
    cmc_autobuf struct cmc_buf twin = cmc_buf_of(FILE_MAX);
    const struct measure_config_opts opts = {.container_id = "args"};
    struct measure_config exact, exact_twin;
    struct cmc_err err = {0};
    char *at = memmem(json.data, json.len, "evil args", 9);
    (void)state;
    assert_non_null(at);
    cmc_put(&twin, json.data, json.len);
    twin.data[at - (char *)json.data] = 'E';

    struct measure_config weak = measure(json.data, json.len, "args");
    struct measure_config weak_twin = measure(twin.data, twin.len, "args");
    assert_memory_equal(weak.digest, weak_twin.digest, CMC_SHA256_LEN);
    assert_memory_not_equal(weak.raw_digest, weak_twin.raw_digest, CMC_SHA256_LEN);
    assert_int_equal(measure_config(json.data, json.len, &opts, &exact, &err), 0);
    assert_int_equal(measure_config(twin.data, twin.len, &opts, &exact_twin, &err), 0);
    assert_memory_not_equal(exact.digest, exact_twin.digest, CMC_SHA256_LEN);
    measure_config_done(&weak);
    measure_config_done(&weak_twin);
    measure_config_done(&exact);
    measure_config_done(&exact_twin);
}

/* What becomes of the text of process.cwd. */
static const struct {
    const char *id, *cwd, *want;
} ids[] = {
    {"web1", "/web1/web1web1", "/" HERE "/" HERE HERE},
    {"web1", "web web11", "web " HERE "1"},
    {ID64, "/x/" ID64 "/" ID12 "/" ID12 "8", "/x/" HERE "/" HERE "/" HERE "8"},
    {ID12 "x", ID12 "x" ID12 "y", HERE HERE "y"},
    {ID12, ID12 ID12 "x", HERE HERE "x"},
    {"aa", "aaaaa", HERE HERE "a"},
    /* the second pass searches what the first one wrote */
    {"ab<", "ab<ab<", HERE HERE},
    {"iner-", "xiner-", "x<conta" HERE "id>"},
    {"a>", "a>", HERE},
    /* also where it meets the rest */
    {"1<", "11<<", HERE "container-id><"},
    {"z<", "zz<", HERE "container-id>"},
    {"-id>x", "-id>xx", "<container" HERE},
    /* the text is replaced before it is decoded */
    {"u0041", "\\\\u0041", "\\\\" HERE},
    {"/z", "\\/z/z", "\\\\" HERE HERE},
    {"\xc3", "\xc3\xa9", HERE "\ufffd"},
    {"0123456789a\xc3\xa9", "0123456789a\xc3", HERE},
};

static void ids_are_replaced_as_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(ids); i++) {
        char json[512], want[512];
        (void)snprintf(json, sizeof(json), "{\"process\":{\"cwd\":\"%s\"}}", ids[i].cwd);
        struct cmc_err err;
        struct measure_config c = {0};
        int rc = try_measure(json, strlen(json), ids[i].id, &c, &err);
        if (strcmp(ids[i].id, "/z") == 0) { /* "\<": an unknown escape */
            assert_int_equal(rc, -CMC_E_FORMAT);
            continue;
        }
        if (rc < 0)
            fail_msg("%s: %s", ids[i].id, err.msg);
        (void)snprintf(want, sizeof(want),
                       "{\"ociVersion\":\"\",\"process\":{\"cwd\":\"%s\",\"user\":{\"gid\":0,"
                       "\"uid\":0}}}",
                       ids[i].want);
        cmc_put_u8(&c.detail, 0);
        assert_string_equal((const char *)c.detail.data, want);
        measure_config_done(&c);
    }
}

static void terminal_is_told_but_not_measured(void **state)
{
    static const struct {
        const char *json;
        bool terminal;
    } rows[] = {{"{\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":5}}}", true},
                {"{\"process\":{\"Terminal\":true}}", true},
                {"{\"process\":{\"terminal\":true,\"terminal\":null}}", true},
                {"{\"process\":{\"terminal\":true,\"TERMINAL\":false}}", false},
                {"{\"process\":{}}", false}};
    (void)state;
    struct measure_config first = measure(rows[0].json, strlen(rows[0].json), "id-");
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct measure_config c = measure(rows[i].json, strlen(rows[i].json), "id-");
        assert_int_equal(c.terminal, rows[i].terminal);
        assert_memory_equal(c.digest, first.digest, CMC_SHA256_LEN);
        measure_config_done(&c);
    }
    measure_config_done(&first);
}

/* "{"x":" deep arrays "," process "}" */
static struct cmc_buf nested(size_t depth)
{
    struct cmc_buf b = cmc_buf_of(FILE_MAX);
    cmc_put_text(&b, "{\"x\":");
    for (size_t i = 0; i < depth; i++)
        cmc_put_u8(&b, '[');
    cmc_put_u8(&b, '1');
    for (size_t i = 0; i < depth; i++)
        cmc_put_u8(&b, ']');
    cmc_put_text(&b, ",\"process\":{}}");
    return b;
}

/* process.args of as many empty strings, padded with white space to len bytes. */
static struct cmc_buf many(size_t count, size_t len, char fill)
{
    struct cmc_buf b = cmc_buf_of((size_t)2 * CMC_JSON_BYTES_MAX);
    cmc_put_text(&b, "{\"process\":{\"args\":[1");
    b.len--;
    for (size_t i = 0; i < count; i++)
        cmc_put_text(&b, i ? ",\"\"" : "\"\"");
    cmc_put_text(&b, "]}}");
    while (b.len < len)
        cmc_put_u8(&b, (uint8_t)fill);
    return b;
}

static void check_limit(struct cmc_buf json, const char *id, int code, const char *text)
{
    struct measure_config c, poison;
    struct cmc_err err;
    memset(&poison, 0xaa, sizeof(poison));
    memcpy(&c, &poison, sizeof(c));
    int rc = try_measure(json.data, json.len, id, &c, &err);
    if (rc != -code || (rc < 0 && !strstr(err.msg, text)))
        fail_msg("%d, expected %s: %s", rc, text, err.msg);
    if (rc == 0)
        measure_config_done(&c);
    else
        assert_memory_equal(&c, &poison, sizeof(c));
    cmc_buf_done(&json);
}

static void limits_are_where_the_page_says(void **state)
{
    (void)state;
    check_limit(nested(63), "id-", 0, "");
    check_limit(nested(64), "id-", CMC_E_LIMIT, "nested deeper than 64 levels");
    /* 1, and the opening brackets of the object, process and args, and commas */
    check_limit(many(CMC_JSON_VALUES_MAX - 3, 0, ' '), "id-", 0, "");
    check_limit(many(CMC_JSON_VALUES_MAX - 2, 0, ' '), "id-", CMC_E_LIMIT,
                "262145 values, at most 262144");
    check_limit(many(1, CMC_JSON_BYTES_MAX, ' '), "id-", 0, "");
    check_limit(many(1, CMC_JSON_BYTES_MAX + 1, ' '), "id-", CMC_E_LIMIT,
                "config.json: 4194305 bytes, at most 4194304");
    /* the text grows: refused by the first replacement, and by the second */
    check_limit(many(1, CMC_JSON_BYTES_MAX / 4, 'q'), "q", CMC_E_LIMIT,
                "text with the container id replaced");
    check_limit(many(1, CMC_JSON_BYTES_MAX / 16, 'c'), "c", CMC_E_LIMIT,
                "text with the container id replaced");
    check_limit(many(1, CMC_JSON_BYTES_MAX / 16, 'q'), "q", CMC_E_FORMAT, "more follows");
}

static void failures_leave_the_output_alone(void **state)
{
    static const struct {
        const char *json, *id;
        int code;
        const char *text;
    } rows[] = {
        {"{}", "", CMC_E_USAGE, "configuration: the container id is empty"},
        {"{}", NULL, CMC_E_USAGE, "configuration: the container id is empty"},
        {"{", "id-", CMC_E_FORMAT, "config.json as CMC reads it: $: line 1: expected a member"},
        {"{}", "id-", CMC_E_FORMAT, "config.json as CMC reads it: no process"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct measure_config c, poison;
        struct cmc_err err;
        memset(&poison, 0xaa, sizeof(poison));
        memcpy(&c, &poison, sizeof(c));
        assert_int_equal(try_measure(rows[i].json, strlen(rows[i].json), rows[i].id, &c, &err),
                         -rows[i].code);
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.msg, rows[i].text));
        assert_memory_equal(&c, &poison, sizeof(c));
    }
}

/* Configurations that would take minutes if any step were quadratic. */
static void large_inputs_take_no_time(void **state)
{
    static const char *const rows[][2] = {
        {"{\"process\":{\"env\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"", ",\"a\""},
        {"{\"process\":{},\"linux\":{\"seccomp\":{\"syscalls\":[{}", ",{\"names\":[\"b\",\"a\"]}"},
        {"{\"process\":{},\"linux\":{\"sysctl\":{\"a\":\"\"", ",\"a\":\"b\""},
        {"{\"process\":{},\"mounts\":[{}", ",{\"SOURCE\":\"a\",\"source\":\"b\"}"}};
    static const char *const ends[] = {"]}}", "]}}}", "}}}", "]}"};
    struct timespec start, end;
    (void)state;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_JSON_BYTES_MAX);
        cmc_put_text(&b, rows[i][0]);
        size_t commas = i < 2 ? i + 1 : i - 1; /* of one more element */
        for (size_t n = 16; n < CMC_JSON_VALUES_MAX / 4; n += commas + 2)
            cmc_put_text(&b, rows[i][1]);
        cmc_put_text(&b, ends[i]);
        struct measure_config c = measure(b.data, b.len, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac");
        measure_config_done(&c);
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    assert_in_range(end.tv_sec - start.tv_sec, 0, SECONDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_have_their_digest),
        cmocka_unit_test(normal_forms_are_those_of_go),
        cmocka_unit_test(an_id_that_is_a_key_hides_nothing_in_profile_exact),
        cmocka_unit_test(ids_are_replaced_as_text),
        cmocka_unit_test(terminal_is_told_but_not_measured),
        cmocka_unit_test(limits_are_where_the_page_says),
        cmocka_unit_test(failures_leave_the_output_alone),
        cmocka_unit_test(large_inputs_take_no_time)};
    return cmocka_run_group_tests_name("measure/config_cmc", tests, NULL, NULL);
}
