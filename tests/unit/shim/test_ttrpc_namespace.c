/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_ttrpc_namespace.c -- which metadata a Create may carry: one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/ttrpc.h"
#include "tests/unit/shim/vectors.h"

/* Protobuf by hand: a field of a request or of an entry is a tag, a length, and bytes. */
#define KEY          "\012\032containerd-namespace-ttrpc"
#define K1           "\022\002k1"
#define OTHER        "\022\002k2"
#define OWN_ENTRY    "\052\040" KEY K1
#define BAD_ENTRY    "\052\040" KEY OTHER
#define TRACE        "\052\020\012\013traceparent\022\001x"
#define SERVICE      "\012\001s"
#define NAMES(shown) "ttrpc metadata: the request names namespace " shown ", this shim has k1"
#define X16          "xxxxxxxxxxxxxxxx"

struct row {
    const char *name;
    const uint8_t *in;
    size_t len;
    int code;
    const char *text;
};

static struct row rows[] = {
    {"an empty request", BYTES(""), 0, NULL},
    {"no metadata", BYTES(SERVICE), 0, NULL},
    {"its own namespace", BYTES(SERVICE OWN_ENTRY), 0, NULL},
    {"another one", BYTES(SERVICE BAD_ENTRY), CMC_E_VERIFY, NAMES("k2")},
    {"other metadata before and behind", BYTES(TRACE OWN_ENTRY TRACE), 0, NULL},
    {"another one behind other metadata", BYTES(TRACE BAD_ENTRY TRACE), CMC_E_VERIFY, NAMES("k2")},
    {"its own twice", BYTES(OWN_ENTRY OWN_ENTRY), 0, NULL},
    {"its own, then another", BYTES(OWN_ENTRY BAD_ENTRY), CMC_E_VERIFY, NAMES("k2")},
    {"another, then its own", BYTES(BAD_ENTRY OWN_ENTRY), CMC_E_VERIFY, NAMES("k2")},
    {"the value before the key", BYTES("\052\040" K1 KEY), 0, NULL},
    {"another value before the key", BYTES("\052\040" OTHER KEY), CMC_E_VERIFY, NAMES("k2")},
    {"of two values the last counts", BYTES("\052\044" KEY OTHER K1), 0, NULL},
    {"also when it is another", BYTES("\052\044" KEY K1 OTHER), CMC_E_VERIFY, NAMES("k2")},
    {"of two keys the last counts", BYTES("\052\043" KEY "\012\001k" OTHER), 0, NULL},
    {"also when it is the namespace", BYTES("\052\043\012\001k" KEY OTHER), CMC_E_VERIFY,
     NAMES("k2")},
    {"a key in capitals is the same key", BYTES("\052\040\012\032Containerd-Namespace-TTRPC" OTHER),
     CMC_E_VERIFY, NAMES("k2")},
    {"a longer key is another", BYTES("\052\041\012\033containerd-namespace-ttrpcx" OTHER), 0,
     NULL},
    {"a shorter key is another", BYTES("\052\037\012\031containerd-namespace-ttrp" OTHER), 0, NULL},
    {"no key", BYTES("\052\004" OTHER), 0, NULL},
    {"an empty entry", BYTES("\052\000"), 0, NULL},
    {"no value", BYTES("\052\034" KEY), CMC_E_VERIFY, NAMES("")},
    {"an empty value", BYTES("\052\036" KEY "\022\000"), CMC_E_VERIFY, NAMES("")},
    {"a part of its namespace", BYTES("\052\037" KEY "\022\001k"), CMC_E_VERIFY, NAMES("k")},
    {"its namespace and a NUL", BYTES("\052\041" KEY "\022\003k1\0"), CMC_E_VERIFY,
     NAMES("k1\\x00")},
    {"its namespace in capitals", BYTES("\052\040" KEY "\022\002K1"), CMC_E_VERIFY, NAMES("K1")},
    {"a namespace that would colour a terminal", BYTES("\052\041" KEY "\022\003\033[m"),
     CMC_E_VERIFY, NAMES("\\x1b[m")},
    {"a long namespace is cut", BYTES("\052\157" KEY "\022\121" X16 X16 X16 X16 X16 "y"),
     CMC_E_VERIFY, NAMES(X16 X16 X16 X16 X16 "...")},
    {"an unknown field in an entry", BYTES("\052\042\030\001" KEY K1), 0, NULL},

    {"metadata that is a number", BYTES("\050\001"), CMC_E_FORMAT,
     "ttrpc metadata: field 5 has wire type 0"},
    {"a key that is a number", BYTES("\052\002\010\001"), CMC_E_FORMAT,
     "ttrpc metadata: field 1 has wire type 0"},
    {"a value that is a number", BYTES("\052\036" KEY "\020\001"), CMC_E_FORMAT,
     "ttrpc metadata: field 2 has wire type 0"},
    {"a value of 32 bits", BYTES("\052\041" KEY "\025k1\0\0"), CMC_E_FORMAT,
     "ttrpc metadata: field 2 has wire type 5"},
    {"an entry cut in its value", BYTES("\052\037" KEY "\022\002k"), CMC_E_FORMAT, NULL},
    {"an entry cut in its key", BYTES("\052\004\012\032co"), CMC_E_FORMAT, NULL},
    {"an entry cut in a tag", BYTES("\052\035" KEY "\222"), CMC_E_FORMAT, NULL},
    {"an entry longer than the request", BYTES("\052\041" KEY K1), CMC_E_FORMAT, NULL},
    {"an entry of 2^64 bytes less one", BYTES("\052\377\377\377\377\377\377\377\377\377\001" KEY),
     CMC_E_FORMAT, NULL},
    {"a group in an entry", BYTES("\052\002\013\014"), CMC_E_FORMAT, NULL},
    {"a field 0 in an entry", BYTES("\052\002\000\000"), CMC_E_FORMAT, NULL},
    {"a request cut behind its metadata", BYTES(OWN_ENTRY "\012\005s"), CMC_E_FORMAT, NULL},
    {"an unreadable entry behind its own", BYTES(OWN_ENTRY "\052\001\012"), CMC_E_FORMAT, NULL},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    uint8_t *exact = malloc(t->len + !t->len); /* so that ASan sees a read behind the end */
    assert_non_null(exact);
    memcpy(exact, t->in, t->len);
    const struct shim_frame f = {.data = exact, .data_len = t->len, .type = 1, .stream = 1};
    const int rc = shim_ttrpc_check_namespace(&f, "k1", &err);
    free(exact);
    assert_int_equal(rc, -t->code);
    assert_int_equal(err.code, t->code);
    if (t->text)
        assert_string_equal(err.msg, t->text);
    else if (rc < 0)
        assert_memory_equal(err.msg, "ttrpc ", 6);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/ttrpc namespace", tests, NULL, NULL);
}
