/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_json_write.c -- one text for each value, and where a value is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/lib/rows.h"

static const struct cmc_json *parse(const char *text, struct cmc_json_doc **doc)
{
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    if (cmc_json_parse(text, strlen(text), doc, &root, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return root;
}

static void assert_buf(struct cmc_buf *b, const char *want)
{
    assert_false(b->bad);
    cmc_put_u8(b, 0);
    assert_string_equal((const char *)b->data, want);
}

static void values_have_one_text(void **state)
{
    static const char *const rows[][2] = {
        {" null ", "null"},
        {"[ true , false ]", "[true,false]"},
        {"[0,-1,18446744073709551615,-9223372036854775808]",
         "[0,-1,18446744073709551615,-9223372036854775808]"},
        {"{\"b\":{},\"a\":[],\"\":[{\"y\":1,\"x\":2}]}",
         "{\"\":[{\"x\":2,\"y\":1}],\"a\":[],\"b\":{}}"},
        {"\"\\/\\u0041\\u007f\\u2028\\u00e9\"", "\"/A\x7f\xe2\x80\xa8\xc3\xa9\""},
        {"\"\\u0008\\u000c\\u000A\\u000d\\u0009\\u001F\\u000b\\\\\\\"\"",
         "\"\\b\\f\\n\\r\\t\\u001f\\u000b\\\\\\\"\""},
        /* by bytes: U+FFFF before U+10000, as UTF-16 would not have it */
        {"{\"\\ud800\\udc00\":1,\"\\uffff\":2}", "{\"\xef\xbf\xbf\":2,\"\xf0\x90\x80\x80\":1}"},
        {"{\"a\":1,\"aa\":2,\"a\\u0001\":3}", "{\"a\":1,\"a\\u0001\":3,\"aa\":2}"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autojson struct cmc_json_doc *doc = NULL;
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1000);
        cmc_put_json(&b, parse(rows[i][0], &doc));
        assert_buf(&b, rows[i][1]);
    }
}

static void foreign_bytes_become_replacements(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(100);
    (void)state;
    cmc_put_json_text(&b, "a\xff\xc3\xa9\xe2\x82\"\0b", 9);
    assert_buf(&b, "\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\\\"\\u0000b\"");
}

static void a_full_buffer_says_so(void **state)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = parse("[\"abc\",{\"d\":1}]", &doc);
    (void)state;
    for (size_t max = 0; max <= 15; max++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(max);
        cmc_put_json(&b, root);
        assert_int_equal(b.bad, max < 15);
    }
}

static void paths_name_every_step(void **state)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root =
        parse("{\"a\":[0,{\"b.c\":[[5]],\"\\u001b\\\"\\\\\\u00e9\":1}],\"\":2}", &doc);
    const struct cmc_json *second = cmc_json_member(root, "a")->child->next;
    char path[64];
    (void)state;
    cmc_json_path(root, path, sizeof(path));
    assert_string_equal(path, "$");
    cmc_json_path(cmc_json_member(second, "b.c")->child->child, path, sizeof(path));
    assert_string_equal(path, "$.a[1][\"b.c\"][0][0]");
    cmc_json_path(second->child->next, path, sizeof(path));
    assert_string_equal(path, "$.a[1][\"\\x1b\\x22\\x5c\\xc3\\xa9\"]");
    cmc_json_path(cmc_json_member(root, ""), path, sizeof(path));
    assert_string_equal(path, "$[\"\"]");
    for (size_t cap = 1; cap < 12; cap++) {
        memset(path, '#', sizeof(path));
        cmc_json_path(second, path, cap);
        assert_memory_equal(path, "$.a[1]", cap - 1 < 6 ? cap - 1 : 6);
        assert_int_equal(strlen(path), cap - 1 < 6 ? cap - 1 : 6);
        assert_int_equal(path[cap], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_one_text), cmocka_unit_test(foreign_bytes_become_replacements),
        cmocka_unit_test(a_full_buffer_says_so), cmocka_unit_test(paths_name_every_step)};
    return cmocka_run_group_tests_name("base/json_write", tests, NULL, NULL);
}
