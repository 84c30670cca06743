/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_json_parse.c -- what is read, what is refused, and with which words. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/lib/rows.h"

#define FF "\xff"

/* A poisoned pointer: a failed call must leave it. */
static struct cmc_json_doc *const untouched = (struct cmc_json_doc *)(uintptr_t)0x5a5a5a50;

struct refused {
    const char *name, *in;
    int code;
    const char *text; /* the whole message */
};

static struct refused refused[] = {
    {"nothing", "", CMC_E_FORMAT, "line 1, column 1, $: empty: expected a JSON value"},
    {"only space", " \n\t", CMC_E_FORMAT, "line 2, column 2, $: empty: expected a JSON value"},
    {"byte order mark", "\xef\xbb\xbf{}", CMC_E_FORMAT,
     "line 1, column 1, $: begins with a byte order mark: remove it"},
    {"two values", "{}\n{}", CMC_E_FORMAT,
     "line 2, column 1, $: more follows behind the end of the document"},
    {"garbage behind", "1x", CMC_E_FORMAT,
     "line 1, column 2, $: more follows behind the end of the document"},
    {"duplicate member", "{\"p\":\n {\"a\":1,\"b\":2,\"a\":3}}", CMC_E_FORMAT,
     "line 2, column 2, $.p.a: the object that begins here has this member twice"},
    {"duplicate by escape", "{\"a\":1,\"\\u0061\":1}", CMC_E_FORMAT,
     "line 1, column 1, $.a: the object that begins here has this member twice"},
    {"duplicate empty name", "{\"\":1,\"\":1}", CMC_E_FORMAT,
     "line 1, column 1, $[\"\"]: the object that begins here has this member twice"},
    {"bad UTF-8", "{\"a\":[\"x\",\"" FF "\"]}", CMC_E_FORMAT,
     "line 1, column 12, $.a[1]: byte 0xff begins no UTF-8 character"},
    {"bad UTF-8 in a name", "{\"\xc0\x80\":1}", CMC_E_FORMAT,
     "line 1, column 3, $: byte 0xc0 begins no UTF-8 character"},
    {"encoded surrogate", "\"\xed\xa0\x80\"", CMC_E_FORMAT,
     "line 1, column 2, $: byte 0xed begins no UTF-8 character"},
    {"lone high surrogate", "\"a\\ud800\"", CMC_E_FORMAT,
     "line 1, column 3, $: lone surrogate \\ud800"},
    {"high surrogate and a letter", "\"\\uD83Dx\"", CMC_E_FORMAT,
     "line 1, column 2, $: lone surrogate \\ud83d"},
    {"two high surrogates", "\"\\ud83d\\ud83d\"", CMC_E_FORMAT,
     "line 1, column 2, $: lone surrogate \\ud83d"},
    {"high surrogate and U+E000", "\"\\ud83d\\ue000\"", CMC_E_FORMAT,
     "line 1, column 2, $: lone surrogate \\ud83d"},
    {"lone low surrogate", "\"\\udc00\"", CMC_E_FORMAT,
     "line 1, column 2, $: lone surrogate \\udc00"},
    {"escaped NUL", "\"\\u0000\"", CMC_E_FORMAT,
     "line 1, column 2, $: \\u0000 in a string: no text may hold NUL"},
    {"control character", "\"\x1f\"", CMC_E_FORMAT,
     "line 1, column 2, $: control character 0x1f in a string: write \\u001f"},
    {"unknown escape", "\"\\a\"", CMC_E_FORMAT, "line 1, column 2, $: unknown escape in a string"},
    {"short \\u", "\"\\u12\"", CMC_E_FORMAT,
     "line 1, column 2, $: \\u needs four hexadecimal digits"},
    {"open string", "{\"a\":\"b", CMC_E_FORMAT,
     "line 1, column 8, $.a: the text ends inside a string"},
    {"open string behind a backslash", "\"\\", CMC_E_FORMAT,
     "line 1, column 2, $: unknown escape in a string"},
    {"fraction", "[1.0]", CMC_E_FORMAT,
     "line 1, column 2, $[0]: fraction or exponent: only integers are accepted"},
    {"exponent", "[0,1E3]", CMC_E_FORMAT,
     "line 1, column 4, $[1]: fraction or exponent: only integers are accepted"},
    {"minus zero", "-0", CMC_E_FORMAT,
     "line 1, column 1, $: -0, or an integer with a leading zero"},
    {"leading zero", "00", CMC_E_FORMAT,
     "line 1, column 1, $: -0, or an integer with a leading zero"},
    {"minus alone", "-", CMC_E_FORMAT, "line 1, column 1, $: no JSON value begins here"},
    {"plus", "+1", CMC_E_FORMAT, "line 1, column 1, $: no JSON value begins here"},
    {"2^64", "18446744073709551616", CMC_E_FORMAT,
     "line 1, column 1, $: integer outside -9223372036854775808..18446744073709551615"},
    {"below -2^63", "-9223372036854775809", CMC_E_FORMAT,
     "line 1, column 1, $: integer outside -9223372036854775808..18446744073709551615"},
    {"30 digits", "100000000000000000000000000000", CMC_E_FORMAT,
     "line 1, column 1, $: integer outside -9223372036854775808..18446744073709551615"},
    {"comma before a bracket", "[1,]", CMC_E_FORMAT,
     "line 1, column 4, $[1]: no JSON value begins here"},
    {"comma before a brace", "{\"a\":1,}", CMC_E_FORMAT,
     "line 1, column 8, $: expected a member name in quotes"},
    {"missing comma", "[1 2]", CMC_E_FORMAT, "line 1, column 4, $: expected ',' or ']'"},
    {"open array", "[1", CMC_E_FORMAT,
     "line 1, column 3, $: the text ends here; expected ',' or ']'"},
    {"open object", "{\"a\":1", CMC_E_FORMAT,
     "line 1, column 7, $: the text ends here; expected ',' or '}'"},
    {"wrong bracket", "{\"a\":1]", CMC_E_FORMAT, "line 1, column 7, $: expected ',' or '}'"},
    {"missing colon", "{\"a\" 1}", CMC_E_FORMAT,
     "line 1, column 6, $.a: expected ':' behind the member name"},
    {"missing value", "{\"a\":", CMC_E_FORMAT,
     "line 1, column 6, $.a: the text ends where a value belongs"},
    {"word in capitals", "True", CMC_E_FORMAT, "line 1, column 1, $: no JSON value begins here"},
    {"cut word", "nul", CMC_E_FORMAT, "line 1, column 1, $: no JSON value begins here"},
    {"NaN", "[NaN]", CMC_E_FORMAT, "line 1, column 2, $[0]: no JSON value begins here"},
    {"single quotes", "{'a':1}", CMC_E_FORMAT,
     "line 1, column 2, $: expected a member name in quotes"},
    {"comment", "// x\n{}", CMC_E_FORMAT, "line 1, column 1, $: no JSON value begins here"},
    {"hostile name in the message", "{\"a\\u001b[2J\":x}", CMC_E_FORMAT,
     "line 1, column 15, $[\"a\\x1b[2J\"]: no JSON value begins here"},
};

static void is_refused(void **state)
{
    const struct refused *t = *state;
    struct cmc_json_doc *doc = untouched;
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    size_t len = strlen(t->in);
    char *copy = malloc(len ? len : 1); /* exact size: one byte read too far is seen */

    assert_non_null(copy);
    memcpy(copy, t->in, len);
    assert_int_equal(cmc_json_parse(copy, len, &doc, &root, &err), -t->code);
    assert_int_equal(err.code, t->code);
    assert_string_equal(err.msg, t->text);
    assert_ptr_equal(doc, untouched);
    assert_null(root);
    free(copy);
}

static const struct cmc_json *parse(const char *text, struct cmc_json_doc **doc)
{
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    if (cmc_json_parse(text, strlen(text), doc, &root, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return root;
}

static void nul_byte_is_no_space(void **state)
{
    struct cmc_json_doc *doc = untouched;
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_json_parse("{}\0", 3, &doc, &root, &err), -CMC_E_FORMAT);
    assert_int_equal(cmc_json_parse("\"\0\"", 3, &doc, &root, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg,
                        "line 1, column 2, $: control character 0x00 in a string: write \\u0000");
    assert_ptr_equal(doc, untouched);
}

static void integers_are_exact(void **state)
{
    static const struct {
        const char *text;
        bool negative;
        uint64_t magnitude;
    } rows[] = {{"0", false, 0},
                {"9007199254740992", false, UINT64_C(1) << 53},
                {"9007199254740993", false, (UINT64_C(1) << 53) + 1},
                {"9223372036854775807", false, INT64_MAX},
                {"9223372036854775808", false, UINT64_C(1) << 63},
                {"18446744073709551614", false, UINT64_MAX - 1},
                {"18446744073709551615", false, UINT64_MAX},
                {"-1", true, 1},
                {"-9223372036854775808", true, UINT64_C(1) << 63}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autojson struct cmc_json_doc *doc = NULL;
        const struct cmc_json *n = parse(rows[i].text, &doc);
        assert_int_equal(n->type, CMC_JSON_INT);
        assert_int_equal(n->negative, rows[i].negative);
        assert_true(n->magnitude == rows[i].magnitude);
    }
}

static void texts_are_decoded(void **state)
{
    static const char *const rows[][2] = {
        {"\"\"", ""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u00e9\\u20AC\\ud83d\\uDE00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\u0001\\u007f\\uffff\\udbff\\udfff\"", "\x01\x7f\xef\xbf\xbf\xf4\x8f\xbf\xbf"},
        {"\"\xc3\xa9\xf0\x9f\x98\x80\x7f\"", "\xc3\xa9\xf0\x9f\x98\x80\x7f"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autojson struct cmc_json_doc *doc = NULL;
        const struct cmc_json *n = parse(rows[i][0], &doc);
        assert_int_equal(n->type, CMC_JSON_STRING);
        assert_string_equal(n->text, rows[i][1]);
        assert_int_equal(n->text_len, strlen(rows[i][1]));
    }
}

static void trees_are_linked(void **state)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = parse(
        " { \"b\" : [ 1 , null , { } ] , \"a\" : \"x\" , \"\xc3\xa9\":true,\"Z\":false}\r\n", &doc);
    (void)state;
    assert_int_equal(root->count, 4);
    assert_null(root->parent);
    assert_string_equal(root->child->key, "b");
    assert_string_equal(root->child->next->next->key, "\xc3\xa9");
    assert_int_equal(root->child->next->next->key_len, 2);
    static const char *const order[] = {"Z", "a", "b", "\xc3\xa9"};
    for (size_t i = 0; i < ROWS(order); i++)
        assert_string_equal(root->sorted[i]->key, order[i]);
    const struct cmc_json *array = cmc_json_member(root, "b");
    assert_int_equal(array->type, CMC_JSON_ARRAY);
    assert_int_equal(array->count, 3);
    assert_ptr_equal(array->parent, root);
    assert_ptr_equal(array->child->parent, array);
    assert_int_equal(array->child->next->type, CMC_JSON_NULL);
    assert_int_equal(array->child->next->next->type, CMC_JSON_OBJECT);
    assert_int_equal(array->child->next->next->count, 0);
    assert_null(array->child->next->next->next);
    assert_null(array->child->key);
    assert_int_equal(cmc_json_member(root, "\xc3\xa9")->type, CMC_JSON_TRUE);
    assert_int_equal(cmc_json_member(root, "Z")->type, CMC_JSON_FALSE);
    assert_string_equal(cmc_json_text(root, "a"), "x");
    assert_null(cmc_json_text(root, "b"));
    assert_null(cmc_json_member(root, "c"));
    assert_null(cmc_json_member(array, "b"));
    assert_null(cmc_json_member(NULL, "b"));
}

/* pattern repeated n times, behind first and before last */
static char *repeated(const char *first, const char *pattern, size_t n, const char *last)
{
    struct cmc_buf b = cmc_buf_of(200 << 20);
    cmc_put_text(&b, first);
    for (size_t i = 0; i < n; i++)
        cmc_put_text(&b, pattern);
    cmc_put(&b, last, strlen(last) + 1);
    assert_false(b.bad);
    return (char *)b.data;
}

static int parse_code(char *text, char *msg, size_t cap)
{
    struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    struct cmc_err err = {0};
    int rc = cmc_json_parse(text, strlen(text), &doc, &root, &err);
    (void)snprintf(msg, cap, "%s", err.msg);
    cmc_json_free(doc);
    free(text);
    return rc;
}

static void limits_are_exact(void **state)
{
    char msg[512], *deep;
    (void)state;
    deep = repeated("", "[", CMC_JSON_DEPTH_MAX, "");
    assert_int_equal(parse_code(repeated(deep, "]", CMC_JSON_DEPTH_MAX, ""), msg, sizeof(msg)), 0);
    free(deep);
    deep = repeated("", "[", CMC_JSON_DEPTH_MAX, "7");
    assert_int_equal(parse_code(repeated(deep, "]", CMC_JSON_DEPTH_MAX, ""), msg, sizeof(msg)), 0);
    free(deep);
    assert_int_equal(parse_code(repeated("", "[", CMC_JSON_DEPTH_MAX + 1, ""), msg, sizeof(msg)),
                     -CMC_E_LIMIT);
    assert_non_null(strstr(msg, "line 1, column 65, "));
    assert_non_null(strstr(msg, "nested deeper than 64 levels"));
    assert_int_equal(parse_code(repeated("", "{\"a\":", 100000, ""), msg, sizeof(msg)),
                     -CMC_E_LIMIT);
    assert_non_null(strstr(msg, "nested deeper than 64 levels"));

    /* the array itself is a value */
    assert_int_equal(
        parse_code(repeated("[0", ",0", CMC_JSON_VALUES_MAX - 2, "]"), msg, sizeof(msg)), 0);
    assert_int_equal(
        parse_code(repeated("[0", ",0", CMC_JSON_VALUES_MAX - 1, "]"), msg, sizeof(msg)),
        -CMC_E_LIMIT);
    assert_string_equal(msg, "JSON text of 262145 values, at most 262144");
    /* inside strings nothing counts, and quotes are seen as the reader sees them */
    assert_int_equal(
        parse_code(repeated("[\"", "\\\",[{", CMC_JSON_VALUES_MAX, "\"]"), msg, sizeof(msg)), 0);

    assert_int_equal(
        parse_code(repeated("\"", "a", CMC_JSON_BYTES_MAX - 2, "\""), msg, sizeof(msg)), 0);
    assert_int_equal(
        parse_code(repeated("\"", "a", CMC_JSON_BYTES_MAX - 1, "\""), msg, sizeof(msg)),
        -CMC_E_LIMIT);
    assert_string_equal(msg, "JSON text of 4194305 bytes, at most 4194304");
    assert_int_equal(
        parse_code(repeated("\"", "0123456789abcdef", 100 << 16, "\""), msg, sizeof(msg)),
        -CMC_E_LIMIT);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(refused) + 5];
    for (size_t i = 0; i < ROWS(refused); i++)
        tests[i] = (struct CMUnitTest){refused[i].name, is_refused, NULL, NULL, &refused[i]};
    const struct CMUnitTest more[] = {
        cmocka_unit_test(nul_byte_is_no_space), cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(texts_are_decoded), cmocka_unit_test(trees_are_linked),
        cmocka_unit_test(limits_are_exact)};
    memcpy(tests + ROWS(refused), more, sizeof(more));
    return cmocka_run_group_tests_name("base/json_parse", tests, NULL, NULL);
}
