/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_out_of_memory.c -- each allocation of base/ fails once: an error, no crash,
 * no leak, outputs as before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/helper_msg.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/site.h"
#include "base/task.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"

static const char site[] = "{\"pcr\":14,\"tcti\":\"swtpm\",\"inner_shim\":\"/i\",\"helper\":\"/h\","
                           "\"redaction_key\":\"/k\",\"ignore_banks\":[\"sm3_256\"]}";

static char long_text[2000]; /* more than a buffer begins with */

static int parse_json(struct cmc_err *err)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e4\"}],\"c\":null}";
    static const struct cmc_json poison;
    struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = &poison;
    const int rc = cmc_json_parse(text, sizeof(text) - 1, &doc, &root, err);
    assert_true(rc == 0 ? doc && root != &poison : !doc && root == &poison);
    cmc_json_free(doc);
    return rc;
}

static int write_json(struct cmc_err *err)
{
    char text[2100];
    const struct cmc_json *root;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8192);
    const int len = snprintf(text, sizeof(text), "{\"b\":[\"%s\"],\"a\":-1}", long_text);
    const int rc = cmc_json_parse(text, (size_t)len, &doc, &root, err);
    if (rc < 0)
        return rc;
    cmc_put_json(&b, root);
    return cmc_buf_check(&b, "JSON", err);
}

static int write_texts(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    const uint8_t *bytes = (const uint8_t *)long_text;
    cmc_put_hex(&b, bytes, 300);
    cmc_put_base64(&b, bytes, sizeof(long_text));
    cmc_put_safe(&b, long_text, sizeof(long_text), sizeof(long_text));
    cmc_put_fmt(&b, "%s %d", long_text, 7);
    cmc_put_be64(&b, 7);
    cmc_pb_put_bytes(&b, 1, bytes, sizeof(long_text));
    return cmc_buf_check(&b, "texts", err);
}

static int parse_site(struct cmc_err *err)
{
    struct cmc_site s, poison;
    memset(&poison, 0xaa, sizeof(poison));
    s = poison;
    const int rc = cmc_site_parse(site, sizeof(site) - 1, &s, err);
    if (rc < 0) {
        assert_memory_equal(&s, &poison, sizeof(s));
        return rc;
    }
    assert_int_equal(s.pcr, 14);
    cmc_site_done(&s);
    return 0;
}

static int load_site(struct cmc_err *err)
{
    char path[] = "/tmp/cmc-memory-XXXXXX";
    struct cmc_site s, poison;
    memset(&poison, 0xaa, sizeof(poison));
    s = poison;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, site, sizeof(site) - 1), sizeof(site) - 1);
    (void)close(fd);
    const int rc = cmc_site_load(path, &s, err);
    assert_int_equal(unlink(path), 0);
    if (rc < 0)
        assert_memory_equal(&s, &poison, sizeof(s));
    else
        cmc_site_done(&s);
    return rc;
}

static int write_request(struct cmc_err *err)
{
    static const struct cmc_helper_request r = {.job = CMC_HELPER_CREATE,
                                                .ns = long_text,
                                                .id = "c",
                                                .bundle = "/b",
                                                .inner_shim = "/i",
                                                .create = (const uint8_t *)long_text,
                                                .create_len = sizeof(long_text)};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    return cmc_helper_request_put(&b, &r, err);
}

static int write_result(struct cmc_err *err)
{
    static const struct cmc_helper_result r = {.outcome = CMC_HELPER_RECORDED, .text = long_text};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    return cmc_helper_result_put(&b, &r, err);
}

static int write_progress(struct cmc_err *err)
{
    static const struct cmc_helper_progress p = {1, 2};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    return cmc_helper_progress_put(&b, &p, err);
}

static int set_options(struct cmc_err *err)
{
    static const uint8_t create[] = {0x0a, 1, 'a', 0x12, 1, 'b', 0x52, 1, 'o'};
    const struct cmc_span any = {(const uint8_t *)long_text, sizeof(long_text)};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    return cmc_task_create_set_options(create, sizeof(create), &any, &b, err);
}

static struct row {
    const char *name;
    fail_alloc_call *call;
} rows[] = {
    {"JSON is parsed", parse_json},
    {"JSON is written", write_json},
    {"texts are written", write_texts},
    {"a site is parsed", parse_site},
    {"a site is loaded", load_site},
    {"a helper's request is written", write_request},
    {"a helper's result is written", write_result},
    {"a helper's progress is written", write_progress},
    {"a Create's options are set", set_options},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    fail_alloc_each(t->call);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("base/out of memory", tests, NULL, NULL);
}
