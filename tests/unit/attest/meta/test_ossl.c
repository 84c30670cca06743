/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_ossl.c -- libcrypto's reasons and names as safe text; no reason is
 * left for a later call to find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "attest/meta/ossl.h"
#include "tests/lib/rows.h"

static void the_reason_is_said_and_forgotten(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    ERR_clear_error();
    assert_int_equal(meta_ossl_fail(&err, CMC_E_LIMIT, "item %d", 7), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "item 7");
    ERR_raise(ERR_LIB_USER, ERR_R_PASSED_NULL_PARAMETER);
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    assert_int_equal(meta_ossl_fail(&err, CMC_E_FORMAT, "item %s", "a"), -CMC_E_FORMAT);
    assert_int_equal(err.code, CMC_E_FORMAT);
    assert_string_equal(err.msg, "item a: passed a null parameter"); /* the first is the cause */
    assert_int_equal(ERR_peek_error(), 0);
}

static void nobody_is_asked_for_a_pass_phrase(void **state)
{
    char buf[8] = "";
    (void)state;
    assert_int_equal(meta_ossl_no_pass(buf, sizeof(buf), 0, NULL), -1);
    assert_string_equal(buf, "");
}

/* One name for each text: "CN", "O" and so on before it. */
static struct row {
    const char *title;
    struct {
        const char *type;
        int encoding;
        const char *text;
        int len; /* -1: its strlen */
    } part[3];
    const char *want;
} rows[] = {
    {"a common name", {{"CN", MBSTRING_UTF8, "host", -1}}, "host"},
    {"a common name among others",
     {{"O", MBSTRING_UTF8, "us", -1},
      {"CN", MBSTRING_UTF8, "host", -1},
      {"OU", MBSTRING_UTF8, "x", -1}},
     "host"},
    {"none: the last part",
     {{"O", MBSTRING_UTF8, "us", -1}, {"OU", MBSTRING_UTF8, "lab", -1}},
     "lab"},
    {"no part at all", {{0}}, "no name"},
    {"what terminals obey", {{"CN", MBSTRING_UTF8, "a\x1b[2Jb\nc", -1}}, "a\\x1b[2Jb\\x0ac"},
    {"UTF-8", {{"CN", MBSTRING_UTF8, "h\xc3\xb4te", -1}}, "h\xc3\xb4te"},
    {"of 16 bits", {{"CN", MBSTRING_BMP, "\0h\0\xf4\0t\0e", 8}}, "h\xc3\xb4te"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    char out[META_OSSL_NAME_CAP];
    X509_NAME *name = X509_NAME_new();
    assert_non_null(name);
    memset(out, 'p', sizeof(out));
    for (size_t i = 0; i < ROWS(t->part) && t->part[i].type; i++)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, t->part[i].type, t->part[i].encoding,
                                                    (const unsigned char *)t->part[i].text,
                                                    t->part[i].len, -1, 0),
                         1);
    meta_ossl_name(name, out);
    X509_NAME_free(name);
    assert_string_equal(out, t->want);
}

/* Each byte may take four: the longest just fits, and what is longer is cut. */
static void long_texts_are_cut(void **state)
{
    unsigned char bytes[300];
    char out[META_OSSL_NAME_CAP];
    ASN1_STRING *s = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    (void)state;
    memset(bytes, 1, sizeof(bytes));
    assert_int_equal(ASN1_STRING_set(s, bytes, sizeof(bytes)), 1);
    memset(out, 'p', sizeof(out));
    meta_ossl_text(s, out);
    assert_non_null(memchr(out, '\0', sizeof(out)));
    assert_true(strlen(out) >= (size_t)4 * 128);
    assert_memory_equal(out, "\\x01\\x01", 8);
    assert_null(strchr(out, 1));
    ASN1_STRING_free(s);
}

/* A string of a type that has no text is an empty one. */
static void no_text(void **state)
{
    char out[META_OSSL_NAME_CAP] = "poison";
    ASN1_STRING *s = ASN1_STRING_type_new(V_ASN1_BMPSTRING);
    (void)state;
    assert_int_equal(ASN1_STRING_set(s, "\0a\0", 3), 1); /* half a character at its end */
    meta_ossl_text(s, out);
    assert_string_equal(out, "");
    ASN1_STRING_free(s);
    ERR_clear_error();
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){rows[n].title, run_row, NULL, NULL, &rows[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_reason_is_said_and_forgotten);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(nobody_is_asked_for_a_pass_phrase);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(long_texts_are_cut);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_text);
    return cmocka_run_group_tests_name("attest/meta/ossl", tests, NULL, NULL);
}
