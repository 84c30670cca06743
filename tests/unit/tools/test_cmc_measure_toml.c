/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_toml.c -- one row, one document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmc_measure_toml.h"

struct row {
    const char *name, *in;
    const char *want;  /* pairs, one a line, as show() writes them */
    const char *error; /* the whole text; NULL: none */
};

static struct row rows[] = {
    {"nothing", "", "", NULL},
    {"blank lines and comments", "\n \t\r\n# one = 1\n  # \xc3\xa9 # \n#", "", NULL},
    {"basic text", "BinaryName = \"/usr/sbin/runc\"\n", "BinaryName t:/usr/sbin/runc\n", NULL},
    {"literal text", "BinaryName = '/usr/sbin/runc'\n", "BinaryName t:/usr/sbin/runc\n", NULL},
    {"no blanks", "a='b'", "a t:b\n", NULL},
    {"many blanks", "\t a \t= \t'b' \t", "a t:b\n", NULL},
    {"empty texts", "a = ''\nb = \"\"\n", "a t:\nb t:\n", NULL},
    {"carriage returns", "a = 'b'\r\nc = true\r\n", "a t:b\nc b:1\n", NULL},
    {"comment behind a value", "a = 'b' # 'c'\nd = 1#x\n", "a t:b\nd i:1\n", NULL},
    {"escapes", "a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "a t:\b\t\n\f\r\"\\\n", NULL},
    {"unicode escapes", "a = \"\\u00e9\\U0001F600\\u0041\"",
     "a t:\xc3\xa9\xf0\x9f\x98\x80"
     "A\n",
     NULL},
    {"a literal text has no escapes", "a = 'C:\\u00zz\\'", "a t:C:\\u00zz\\\n", NULL},
    {"a text may hold the other quote", "a = \"it's\"\nb = 'say \"x\"'",
     "a t:it's\nb t:say \"x\"\n", NULL},
    {"a text may hold a hash and a tab", "a = 'x#\ty'", "a t:x#\ty\n", NULL},
    {"booleans", "a = true\nb = false\n", "a b:1\nb b:0\n", NULL},
    {"integers", "a = 0\nb = +17\nc = -5\n", "a i:0\nb i:17\nc i:-5\n", NULL},
    {"the largest integers", "a = 9223372036854775807\nb = -9223372036854775808",
     "a i:9223372036854775807\nb i:-9223372036854775808\n", NULL},
    {"a key of digits and dashes", "1-2_3 = 'x'", "1-2_3 t:x\n", NULL},
    {"a pair is given before a later fault", "a = 1\nb = [1]\n", "a i:1\n",
     "line 2: a value that is no text, true, false or decimal integer"},
    {"a table", "[plugins]\n", "", "line 1: expected KEY = VALUE"},
    {"an array", "\na = []", "", "line 2: a value that is no text, true, false or decimal integer"},
    {"an inline table", "a = {}", "",
     "line 1: a value that is no text, true, false or decimal integer"},
    {"a fraction", "a = 1.5", "", "line 1: expected the end of the line"},
    {"an exponent", "a = 1e5", "", "line 1: expected the end of the line"},
    {"a date", "a = 1979-05-27", "", "line 1: expected the end of the line"},
    {"a hexadecimal integer", "a = 0x10", "", "line 1: expected the end of the line"},
    {"an underscore in an integer", "a = 1_0", "", "line 1: expected the end of the line"},
    {"a leading zero", "a = 010", "",
     "line 1: a value that is no text, true, false or decimal integer"},
    {"an integer too large", "a = 9223372036854775808", "", "line 1: an integer beyond 64 bits"},
    {"an integer too small", "a = -9223372036854775809", "", "line 1: an integer beyond 64 bits"},
    {"a sign alone", "a = -", "",
     "line 1: a value that is no text, true, false or decimal integer"},
    {"two signs", "a = +-1", "", "line 1: a value that is no text, true, false or decimal integer"},
    {"no value", "a =\n", "", "line 1: a value that is no text, true, false or decimal integer"},
    {"another word", "a = yes", "",
     "line 1: a value that is no text, true, false or decimal integer"},
    {"true in another case", "a = True", "",
     "line 1: a value that is no text, true, false or decimal integer"},
    {"a word behind true", "a = trues", "", "line 1: expected the end of the line"},
    {"no equals sign", "a 'b'", "", "line 1: expected '=' behind the key"},
    {"a key alone", "a", "", "line 1: expected '=' behind the key"},
    {"a dotted key", "a.b = 1", "", "line 1: expected '=' behind the key"},
    {"a quoted key", "\"a\" = 1", "", "line 1: expected KEY = VALUE"},
    {"no key", "= 1", "", "line 1: expected KEY = VALUE"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a = 1",
     "", "line 1: expected KEY = VALUE"},
    {"two pairs on a line", "a = 1 b = 2", "", "line 1: expected the end of the line"},
    {"a lone carriage return", "a = 1\rb = 2", "", "line 1: expected the end of the line"},
    {"a text that goes on", "a = 'b\nc'", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"a text that never ends", "a = \"b", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"a text that ends in an escape", "a = \"b\\", "",
     "line 1: an escape that TOML does not have, or \\u0000"},
    {"invalid UTF-8", "a = '\xff'", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"an overlong form", "a = '\xc0\xaf'", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"a control character", "a = '\x01'", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"the delete character", "a = '\x7f'", "",
     "line 1: a text that is not closed on its line, or not UTF-8"},
    {"invalid UTF-8 in a comment", "# \xff\n", "", "line 1: expected the end of the line"},
    {"an unknown escape", "a = \"\\x41\"", "",
     "line 1: an escape that TOML does not have, or \\u0000"},
    {"a short unicode escape", "a = \"\\u004\"", "",
     "line 1: an escape that TOML does not have, or \\u0000"},
    {"a surrogate", "a = \"\\ud800\"", "", "line 1: an escape that TOML does not have, or \\u0000"},
    {"beyond Unicode", "a = \"\\U00110000\"", "",
     "line 1: an escape that TOML does not have, or \\u0000"},
    {"NUL", "a = \"\\u0000\"", "", "line 1: an escape that TOML does not have, or \\u0000"},
    {"a basic text over several lines", "a = \"\"\"b\"\"\"", "",
     "line 1: texts over several lines are not read here"},
    {"a literal text over several lines", "a = '''b'''", "",
     "line 1: texts over several lines are not read here"},
};

static int show(const char *in, size_t len, char *out, size_t cap, struct cmc_err *err)
{
    struct cmc_measure_toml t;
    size_t n = 0;
    int more;
    out[0] = '\0';
    cmc_measure_toml_init(&t, in, len);
    while ((more = cmc_measure_toml_next(&t, err)) > 0 && n < cap) {
        if (t.kind == CMC_MEASURE_TOML_TEXT)
            n += (size_t)snprintf(out + n, cap - n, "%s t:%s\n", t.key, t.text);
        else if (t.kind == CMC_MEASURE_TOML_BOOL)
            n += (size_t)snprintf(out + n, cap - n, "%s b:%d\n", t.key, t.flag);
        else
            n += (size_t)snprintf(out + n, cap - n, "%s i:%lld\n", t.key, (long long)t.number);
    }
    return more;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    char out[512];
    struct cmc_err err = {0};
    assert_int_equal(show(t->in, strlen(t->in), out, sizeof(out), &err),
                     t->error ? -CMC_E_FORMAT : 0);
    assert_string_equal(err.msg, t->error ? t->error : "");
    assert_string_equal(out, t->want);
}

/* A document of prefix, n times fill, and suffix. */
static int sized(const char *prefix, size_t n, const char *suffix, struct cmc_err *err)
{
    const size_t cap = strlen(prefix) + n + strlen(suffix);
    char *text = malloc(cap + 1), *out = malloc(8192);
    assert_non_null(text);
    assert_non_null(out);
    (void)snprintf(text, cap + 1, "%s%*s%s", prefix, (int)n, "", suffix);
    memset(text + strlen(prefix), 'k', n);
    int rc = show(text, cap, out, 8192, err);
    free(text);
    free(out);
    return rc;
}

static void limits(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(sized("", CMC_MEASURE_TOML_KEY_MAX, " = 1", &err), 0);
    assert_int_equal(sized("", CMC_MEASURE_TOML_KEY_MAX + 1, " = 1", &err), -CMC_E_FORMAT);
    assert_int_equal(sized("a = '", CMC_MEASURE_TOML_TEXT_MAX, "'", &err), 0);
    assert_int_equal(sized("a = '", CMC_MEASURE_TOML_TEXT_MAX + 1, "'", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "line 1: a text of more than 4095 bytes");
    assert_int_equal(sized("a = \"", CMC_MEASURE_TOML_TEXT_MAX, "\\t\"", &err), -CMC_E_LIMIT);
    assert_int_equal(sized("#", CMC_MEASURE_TOML_BYTES_MAX - 1, "", &err), 0);
    assert_int_equal(sized("#", CMC_MEASURE_TOML_BYTES_MAX, "", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "more than 65536 bytes");
}

static void a_nul_byte_ends_nothing(void **state)
{
    static const char in[] = "a = 1\n\0b = 2\n", text[] = "a = 'x\0y'";
    char out[64];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(show(in, sizeof(in) - 1, out, sizeof(out), &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "line 2: expected KEY = VALUE");
    assert_int_equal(show(text, sizeof(text) - 1, out, sizeof(out), &err), -CMC_E_FORMAT);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(a_nul_byte_ends_nothing),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[2 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_toml", tests, NULL, NULL);
}
