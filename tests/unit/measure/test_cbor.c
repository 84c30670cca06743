/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_cbor.c -- strictness row by row, and libcbor as a second opinion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cbor.h>

#include "measure/cbor.h"
#include "tests/lib/rows.h"

struct row {
    const char *name;
    const char *in; /* bytes; len counts them */
    size_t len;
    int want; /* of measure_cbor_skip() */
};
#define BYTES(s) s, sizeof(s) - 1

static struct row rows[] = {
    {"unsigned 0", BYTES("\x00"), 0},
    {"unsigned 23", BYTES("\x17"), 0},
    {"unsigned 24", BYTES("\x18\x18"), 0},
    {"unsigned 255", BYTES("\x18\xff"), 0},
    {"unsigned 256", BYTES("\x19\x01\x00"), 0},
    {"unsigned 65536", BYTES("\x1a\x00\x01\x00\x00"), 0},
    {"unsigned 2^32", BYTES("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"), 0},
    {"unsigned 2^64-1", BYTES("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), 0},
    {"negative -1", BYTES("\x20"), 0},
    {"empty bytes", BYTES("\x40"), 0},
    {"text", BYTES("\x63\xe2\x82\xac"), 0},
    {"array", BYTES("\x82\x01\x80"), 0},
    {"map in order", BYTES("\xa2\x01\x02\x61\x61\x03"), 0},
    {"false, true, null", BYTES("\x83\xf4\xf5\xf6"), 0},
    {"23 in two bytes", BYTES("\x18\x17"), -CMC_E_FORMAT},
    {"255 in three bytes", BYTES("\x19\x00\xff"), -CMC_E_FORMAT},
    {"65535 in five bytes", BYTES("\x1a\x00\x00\xff\xff"), -CMC_E_FORMAT},
    {"2^32-1 in nine bytes", BYTES("\x1b\x00\x00\x00\x00\xff\xff\xff\xff"), -CMC_E_FORMAT},
    {"length of a text not shortest", BYTES("\x78\x01\x61"), -CMC_E_FORMAT},
    {"count of a map not shortest", BYTES("\xb8\x01\x01\x01"), -CMC_E_FORMAT},
    {"reserved 28", BYTES("\x1c"), -CMC_E_FORMAT},
    {"indefinite bytes", BYTES("\x5f\x40\xff"), -CMC_E_FORMAT},
    {"indefinite text", BYTES("\x7f\xff"), -CMC_E_FORMAT},
    {"indefinite array", BYTES("\x9f\xff"), -CMC_E_FORMAT},
    {"indefinite map", BYTES("\xbf\xff"), -CMC_E_FORMAT},
    {"break alone", BYTES("\xff"), -CMC_E_FORMAT},
    {"tag", BYTES("\xc0\x01"), -CMC_E_FORMAT},
    {"half float", BYTES("\xf9\x00\x00"), -CMC_E_FORMAT},
    {"float", BYTES("\xfa\x00\x00\x00\x00"), -CMC_E_FORMAT},
    {"double", BYTES("\xfb\x00\x00\x00\x00\x00\x00\x00\x00"), -CMC_E_FORMAT},
    {"undefined", BYTES("\xf7"), -CMC_E_FORMAT},
    {"simple 0", BYTES("\xe0"), -CMC_E_FORMAT},
    {"simple 32", BYTES("\xf8\x20"), -CMC_E_FORMAT},
    {"false in two bytes", BYTES("\xf8\x14"), -CMC_E_FORMAT},
    {"keys in wrong order", BYTES("\xa2\x02\x01\x01\x01"), -CMC_E_FORMAT},
    {"longer key first", BYTES("\xa2\x62\x61\x61\x01\x61\x62\x01"), -CMC_E_FORMAT},
    {"key twice", BYTES("\xa2\x01\x01\x01\x02"), -CMC_E_FORMAT},
    {"nothing", BYTES(""), -CMC_E_FORMAT},
    {"integer cut", BYTES("\x19\x01"), -CMC_E_FORMAT},
    {"bytes cut", BYTES("\x42\x01"), -CMC_E_FORMAT},
    {"array cut", BYTES("\x82\x01"), -CMC_E_FORMAT},
    {"map without a value", BYTES("\xa1\x01"), -CMC_E_FORMAT},
    {"array of 2^64-1", BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), -CMC_E_FORMAT},
    {"bytes of 2^64-1", BYTES("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), -CMC_E_FORMAT},
    {"overlong UTF-8", BYTES("\x62\xc0\x80"), -CMC_E_FORMAT},
    {"surrogate in UTF-8", BYTES("\x63\xed\xa0\x80"), -CMC_E_FORMAT},
    {"UTF-8 cut", BYTES("\x61\xc3"), -CMC_E_FORMAT},
    {"depth 16", BYTES("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01"), 0},
    {"depth 17", BYTES("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01"),
     -CMC_E_LIMIT},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    uint8_t *exact = malloc(t->len + !t->len); /* so that ASan sees a read behind the end */
    assert_non_null(exact);
    memcpy(exact, t->in, t->len);
    struct cmc_reader r = cmc_reader_of(exact, t->len);
    assert_int_equal(measure_cbor_skip(&r, &err), t->want);
    assert_int_equal(err.code, -t->want);
    if (t->want == 0) {
        struct cbor_load_result result;
        cbor_item_t *item = cbor_load(exact, t->len, &result);
        assert_non_null(item);
        assert_int_equal(r.left, 0);
        assert_int_equal(result.read, t->len);
        cbor_decref(&item);
    }
    free(exact);
}

static void trailing_bytes_stay(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct cmc_reader r = cmc_reader_of("\x01\x02", 2);
    assert_int_equal(measure_cbor_skip(&r, &err), 0);
    assert_int_equal(r.left, 1);
}

static void expect_names_both(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct cmc_reader r = cmc_reader_of("\x01", 1);
    struct measure_cbor out = {.value = 77};
    assert_int_equal(measure_cbor_expect(&r, MEASURE_CBOR_TEXT, "image", &out, &err),
                     -CMC_E_FORMAT);
    assert_string_equal(err.msg, "image: expected a text string, found an unsigned integer");
    assert_int_equal(out.value, 77);
}

/* What is written reads back, and libcbor's own writer gives the same bytes. */
static void written_as_libcbor_does(void **state)
{
    (void)state;
    static const uint64_t values[] = {
        0, 1, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + 1ULL, UINT64_MAX};
    for (size_t i = 0; i < ROWS(values); i++) {
        const uint64_t v = values[i];
        uint8_t theirs[16];
        cmc_autobuf struct cmc_buf ours = cmc_buf_of(16);
        measure_cbor_put_uint(&ours, v);
        assert_int_equal(cbor_encode_uint(v, theirs, sizeof(theirs)), ours.len);
        assert_memory_equal(ours.data, theirs, ours.len);
        struct cmc_reader r = cmc_reader_of(ours.data, ours.len);
        struct measure_cbor back;
        struct cmc_err err = {0};
        assert_int_equal(measure_cbor_next(&r, &back, &err), 0);
        assert_int_equal(back.value, v);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3] = {
        cmocka_unit_test(trailing_bytes_stay),
        cmocka_unit_test(expect_names_both),
        cmocka_unit_test(written_as_libcbor_does),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 3] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("measure/cbor", tests, NULL, NULL);
}
