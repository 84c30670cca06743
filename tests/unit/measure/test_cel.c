/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_cel.c -- exports: read back by our JSON reader and by libcbor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cbor.h>

#include "base/json.h"
#include "measure/cel.h"
#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static struct cmc_buf export(const struct logs *l, enum measure_cel_format format)
{
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(1 << 20);
    if (measure_cel_export(l->bytes.data, l->bytes.len, &l->starts, format, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

static void make(struct logs *l)
{
    logs_init(l, 2);
    logs_usual(l);
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    ev.image = "caf\xc3\xa9 \x1b[31m \xf0\x9f\x90\xb3 \"q\" \\";
    logs_intent(l, &ev);
}

static void json_is_one_ascii_document(void **state)
{
    (void)state;
    struct logs l;
    struct cmc_err err = {0};
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root, *r;
    make(&l);
    cmc_autobuf struct cmc_buf b = export(&l, MEASURE_CEL_JSON);
    for (size_t i = 0; i < b.len; i++)
        assert_true(b.data[i] == '\n' || (b.data[i] >= 0x20 && b.data[i] < 0x7f));
    if (cmc_json_parse((const char *)b.data, b.len, &doc, &root, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(root->count, 6);
    uint64_t n = 0;
    for (r = root->child; r; r = r->next, n++) {
        const struct cmc_json *content = cmc_json_member(r, "content");
        assert_int_equal(cmc_json_member(r, "recnum")->magnitude, n);
        assert_int_equal(cmc_json_member(r, "pcr")->magnitude, 13);
        assert_int_equal(cmc_json_member(r, "digests")->count, 2);
        assert_string_equal(cmc_json_text(r, "content_type"), "cmc");
        assert_string_equal(cmc_json_text(content, "how"), n == 5 ? "open" : "done");
        assert_int_equal(cmc_json_member(cmc_json_member(content, "event"), "seq")->magnitude, n);
        if (n == 5)
            assert_string_equal(cmc_json_text(cmc_json_member(content, "event"), "image"),
                                "caf\xc3\xa9 \x1b[31m \xf0\x9f\x90\xb3 \"q\" \\");
    }
    logs_done(&l);
}

static void cbor_is_deterministic(void **state)
{
    (void)state;
    struct logs l;
    struct cbor_load_result result;
    make(&l);
    cmc_autobuf struct cmc_buf b = export(&l, MEASURE_CEL_CBOR);
    cbor_item_t *item = cbor_load(b.data, b.len, &result);
    assert_non_null(item);
    assert_int_equal(result.read, b.len);
    assert_int_equal(cbor_array_size(item), 6);
    unsigned char *again = NULL;
    size_t cap = 0;
    assert_int_equal(cbor_serialize_alloc(item, &again, &cap), b.len);
    assert_memory_equal(again, b.data, b.len);
    free(again);
    cbor_decref(&item);
    logs_done(&l);
}

static void empty_log(void **state)
{
    (void)state;
    struct logs l;
    logs_init(&l, 1);
    cmc_autobuf struct cmc_buf json = export(&l, MEASURE_CEL_JSON);
    cmc_autobuf struct cmc_buf cbor = export(&l, MEASURE_CEL_CBOR);
    assert_int_equal(json.len, 4);
    assert_memory_equal(json.data, "[\n]\n", 4);
    assert_int_equal(cbor.len, 1);
    assert_int_equal(cbor.data[0], 0x80);
    logs_done(&l);
}

/* A log that does not replay is not exported, not even in part; nor into a buffer too small. */
static void nothing_in_part(void **state)
{
    (void)state;
    struct logs l;
    make(&l);
    for (int format = MEASURE_CEL_JSON; format <= MEASURE_CEL_CBOR; format++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf small = cmc_buf_of(1000);
        cmc_put_u8(&small, 77);
        assert_int_equal(measure_cel_export(l.bytes.data, l.bytes.len, &l.starts,
                                            (enum measure_cel_format)format, &small, &err),
                         -CMC_E_LIMIT);
        assert_int_equal(small.len, 1);
    }
    l.starts.value[0].bank[0].value[0] = 1;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
    assert_int_equal(
        measure_cel_export(l.bytes.data, l.bytes.len, &l.starts, MEASURE_CEL_JSON, &b, &err),
        -CMC_E_VERIFY);
    assert_int_equal(b.len, 0);
    logs_done(&l);
}

static const struct {
    const char *in, *out;
} texts[] = {
    {"", "\"\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
    {"\xc2\x9b", "\"\\u009b\""},
    {"\xe2\x80\xae", "\"\\u202e\""},
    {"\xf0\x9f\x90\xb3", "\"\\ud83d\\udc33\""},
    {"\xff", "\"\\ufffd\""},
};

static void text_is_ascii(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(100);
        measure_cel_put_text(&b, texts[i].in);
        cmc_put_u8(&b, '\0');
        assert_string_equal((const char *)b.data, texts[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_ascii_document),
        cmocka_unit_test(cbor_is_deterministic),
        cmocka_unit_test(empty_log),
        cmocka_unit_test(nothing_in_part),
        cmocka_unit_test(text_is_ascii),
    };
    return cmocka_run_group_tests_name("measure/cel", tests, NULL, NULL);
}
