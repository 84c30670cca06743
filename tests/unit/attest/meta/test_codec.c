/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_codec.c -- the codec by a table that has one field of each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/meta/codec.h"
#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

struct part {
    const char *name;
};
struct all {
    const char *text, *word;
    bool yes;
    int64_t number;
    uint32_t small;
    struct meta_bytes bytes, hex, raw;
    struct meta_texts texts;
    const struct meta_bytes *list;
    const struct part *part, *one;
    const struct meta_named_item *map;
    size_t list_count, part_count, map_count;
    struct part inside;
    const struct cmc_json *tree;
};
#define AT(member) .at = offsetof(struct all, member)
static const struct meta_field part_fields[] = {
    {"name", 0, META_TEXT, META_MUST, .at = offsetof(struct part, name), .max = 4},
};
static const struct meta_record part_record = {
    .name = "a part", .size = sizeof(struct part), META_FIELDS(part_fields)};
static const struct meta_field all_fields[] = {
    {"type", 0, META_CONST, META_MUST, .only = "all"},
    {"text", 1, META_TEXT, META_MAY, AT(text)},
    {"word", 2, META_TEXT, META_MAY, AT(word), .only = "this|or that"},
    {"yes", 3, META_BOOL, META_MAY, AT(yes)},
    {"number", 4, META_INT, META_MAY, AT(number)},
    {"small", 5, META_U32, META_MAY, AT(small)},
    {"bytes", 6, META_BYTES, META_ALWAYS, AT(bytes), .max = 8},
    {"hex", 7, META_HEX, META_MAY, AT(hex)},
    {"texts", 8, META_TEXTS, META_ALWAYS, AT(texts), .max = 2},
    {"list", 9, META_BYTES_LIST, META_MAY, AT(list), offsetof(struct all, list_count)},
    {"parts", 10, META_LIST, META_ALWAYS, AT(part), offsetof(struct all, part_count),
     .of = &part_record, .max = 3},
    {"map", 11, META_BYTES_MAP, META_MAY, AT(map), offsetof(struct all, map_count)},
    {"one", 12, META_RECORD, META_MAY, AT(one), .of = &part_record},
    {"inside", 13, META_INSIDE, META_MAY, AT(inside), .of = &part_record},
    {"raw", 14, META_RAW, META_MAY, AT(raw)},
    {"tree", META_TEXT_KEY, META_TREE, META_MAY, AT(tree)},
};
static const struct meta_record all_record = {
    .name = "all", .size = sizeof(struct all), META_FIELDS(all_fields), .max = 4096};

/* A row is the JSON, and the same in CBOR as hexadecimal; both are what the encoder writes. */
static const struct {
    const char *json, *cbor;
} same[] = {
    {"{\"type\":\"all\",\"bytes\":\"\",\"texts\":[],\"parts\":[]}",
     "a4 00 63616c6c 06 40 08 80 0a 80"},
    {"{\"type\":\"all\",\"bytes\":null,\"texts\":null,\"parts\":null}",
     "a4 00 63616c6c 06 f6 08 f6 0a f6"},
    {"{\"type\":\"all\",\"text\":\"\\u003c\\u0026\\u003e\\u2028\\u2029\xc3\xa9\\n\\\"\",\"word\":"
     "\"or "
     "that\","
     "\"yes\":true,\"number\":-256,\"small\":4294967295,\"bytes\":\"AP8=\",\"hex\":\"00ff\","
     "\"texts\":[\"a\",\"\"],\"list\":[\"\",\"AQ==\"],\"parts\":[{\"name\":\"p\"}],"
     "\"map\":{\"a\":\"Ag==\",\"bb\":\"\"},\"one\":{\"name\":\"o\"},\"inside\":{\"name\":\"i\"},"
     "\"raw\":[1],\"tree\":{\"b\":[null,true,-1],\"aa\":{}}}",
     "b0 00 63616c6c 01 6d3c263ee280a8e280a9c3a90a22 02 676f722074686174 03 f5 04 38ff 05 "
     "1affffffff"
     "06 4200ff 07 4200ff 08 82616160 09 82404101 0a 81a1006170 0b a261614102 62626240"
     "0c a100616f 0d a1006169 0e 8101 6474726565 a2616283f6f520626161a0"},
    {"{\"type\":\"all\",\"number\":9223372036854775807,\"bytes\":\"\",\"texts\":[],\"parts\":[],"
     "\"tree\":18446744073709551615}",
     "a6 00 63616c6c 04 1b7fffffffffffffff 06 40 08 80 0a 80 6474726565 1bffffffffffffffff"},
    {"{\"type\":\"all\",\"number\":-9223372036854775808,\"bytes\":\"\",\"texts\":[],\"parts\":[],"
     "\"tree\":-9223372036854775808}",
     "a6 00 63616c6c 04 3b7fffffffffffffff 06 40 08 80 0a 80 6474726565 3b7fffffffffffffff"},
};

/* Only U+2028 and U+2029 are escaped, none that shares bytes with them. */
static const char neighbours[] =
    "{\"type\":\"all\",\"text\":\"\xe2\x90\xa8\xe2\x80\x93\xe3\x80\xa8\",\"bytes\":\"\",\"texts\":["
    "],"
    "\"parts\":[]}";

static struct cmc_buf unhex(const char *text)
{
    struct cmc_buf b = cmc_buf_of(8192);
    struct cmc_err err;
    for (; *text; text++) {
        uint8_t byte;
        if (*text == ' ')
            continue;
        if (cmc_unhex(text, 2, &byte, 1, &err) < 0)
            fail_msg("%s", text);
        cmc_put_u8(&b, byte);
        text++;
    }
    return b;
}

/* Decodes in one encoding; what is encoded must be in both as the row says. */
static void check_same(const void *data, size_t len, const char *json, const struct cmc_buf *cbor)
{
    struct all v = {0};
    struct meta_doc *doc;
    struct cmc_err err = {0};
    const bool is_json = *(const char *)data == '{';
    cmc_autobuf struct cmc_buf out = cmc_buf_of(8192);
    if (meta_codec_decode(&all_record, data, len, &v, &doc, &err) < 0)
        fail_msg("%s: %s", json, err.msg);
    assert_int_equal(
        meta_codec_encode(&all_record, &v, is_json ? META_JSON : META_CBOR, &out, &err), 0);
    vector_equal(json, &out, data, len);
    if (!v.raw.len) { /* which is not translated */
        out.len = 0;
        assert_int_equal(
            meta_codec_encode(&all_record, &v, is_json ? META_CBOR : META_JSON, &out, &err), 0);
        if (is_json)
            vector_equal(json, &out, cbor->data, cbor->len);
        else
            vector_equal(json, &out, json, strlen(json));
    }
    assert_null(meta_doc_unknown(doc, 0));
    meta_doc_free(doc);
}

static void both_encodings_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(same); i++) {
        cmc_autobuf struct cmc_buf cbor = unhex(same[i].cbor);
        check_same(same[i].json, strlen(same[i].json), same[i].json, &cbor);
        check_same(cbor.data, cbor.len, same[i].json, &cbor);
    }
    cmc_autobuf struct cmc_buf cbor =
        unhex("a5 00 63616c6c 01 69 e290a8 e28093 e380a8 06 40 08 80 0a 80");
    check_same(neighbours, strlen(neighbours), neighbours, &cbor);
}

static void fields_hold_what_was_said(void **state)
{
    cmc_autobuf struct cmc_buf cbor = unhex(same[2].cbor);
    const void *data[] = {same[2].json, cbor.data};
    const size_t len[] = {strlen(same[2].json), cbor.len};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct all v = {0};
        struct meta_doc *doc;
        struct cmc_err err = {0};
        assert_int_equal(meta_codec_decode(&all_record, data[i], len[i], &v, &doc, &err), 0);
        assert_string_equal(v.text, "<&>\u2028\u2029\u00e9\n\"");
        assert_true(v.yes);
        assert_int_equal(v.number, -256);
        assert_int_equal(v.small, UINT32_MAX);
        assert_memory_equal(v.hex.data, "\x00\xff", 2);
        assert_int_equal(v.texts.count, 2);
        assert_string_equal(v.texts.at[0], "a");
        assert_int_equal(v.list_count, 2);
        assert_int_equal(v.list[1].data[0], 1);
        assert_string_equal(v.part[0].name, "p");
        assert_string_equal(v.map[1].digest, "bb");
        assert_string_equal(v.one->name, "o");
        assert_string_equal(v.inside.name, "i");
        assert_int_equal(v.tree->count, 2);
        assert_int_equal(cmc_json_member(v.tree, "b")->count, 3);
        meta_doc_free(doc);
    }
}

#define J(members) "{\"type\":\"all\"," members "}"
static const struct {
    const char *in; /* JSON, or CBOR in hexadecimal */
    int want;
    const char *msg;
} refused[] = {
    {"{}", -CMC_E_FORMAT, "$: all without the member \"type\""},
    {"{\"type\":\"other\"}", -CMC_E_FORMAT, "$.type: \"other\", expected \"all\""},
    {"{\"type\":\"al\"}", -CMC_E_FORMAT, "expected \"all\""},
    {"{\"type\":\"\"}", -CMC_E_FORMAT, "expected \"all\""},
    {"{\"type\":null}", -CMC_E_FORMAT, "$.type: null is not allowed"},
    {"[]", -CMC_E_FORMAT, "$: expected an object, found an array"},
    {"{\"type\":1}", -CMC_E_FORMAT, "$.type: expected a string, found a number"},
    {J("\"type\":\"all\""), -CMC_E_FORMAT, "twice"},
    {J("\"Yes\":true"), -CMC_E_FORMAT, "$.Yes: write it as \"yes\""},
    {J("\"TYPE\":\"all\""), -CMC_E_FORMAT, "$.TYPE: write it as \"type\""},
    {J("\"word\":\"this|or that\""), -CMC_E_FORMAT, "$.word"},
    {J("\"word\":\"or\""), -CMC_E_FORMAT, "$.word"},
    {J("\"text\":null"), -CMC_E_FORMAT, "$.text: null is not allowed"},
    {J("\"yes\":1"), -CMC_E_FORMAT, "$.yes: expected true or false, found a number"},
    {J("\"yes\":null"), -CMC_E_FORMAT, "$.yes: null"},
    {J("\"number\":9223372036854775808"), -CMC_E_FORMAT, "$.number: a number that is too large"},
    {J("\"number\":1.5"), -CMC_E_FORMAT, "$.number"},
    {J("\"number\":\"1\""), -CMC_E_FORMAT, "$.number: expected a number, found a string"},
    {J("\"small\":4294967296"), -CMC_E_FORMAT, "$.small: a number that is too large"},
    {J("\"small\":-1"), -CMC_E_FORMAT, "$.small: a number that is too large or negative"},
    {J("\"bytes\":\"A\""), -CMC_E_FORMAT, "$.bytes"},
    {J("\"bytes\":\"AAAAAAAAAAAA\""), -CMC_E_LIMIT, "$.bytes: 9 bytes, at most 8"},
    {J("\"hex\":\"0\""), -CMC_E_FORMAT, "$.hex"},
    {J("\"hex\":\"zz\""), -CMC_E_FORMAT, "$.hex"},
    {J("\"texts\":[\"\",\"\",\"\"]"), -CMC_E_LIMIT, "$.texts: 3 elements, at most 2"},
    {J("\"texts\":[null]"), -CMC_E_FORMAT, "$.texts[0]: expected a string, found null"},
    {J("\"texts\":{}"), -CMC_E_FORMAT, "$.texts: expected an array, found an object"},
    {J("\"parts\":[{\"name\":\"a\"},{\"name\":\"abcde\"}]"), -CMC_E_LIMIT,
     "$.parts[1].name: 5 bytes, at most 4"},
    {J("\"parts\":[{}]"), -CMC_E_FORMAT, "$.parts[0]: a part without the member \"name\""},
    {J("\"map\":[]"), -CMC_E_FORMAT, "$.map: expected an object"},
    {J("\"map\":{\"a\":1}"), -CMC_E_FORMAT, "$.map[0]: expected a string"},
    {J("\"one\":null"), -CMC_E_FORMAT, "$.one: null"},
    {J("\"one\":[]"), -CMC_E_FORMAT, "$.one: expected an object"},
    {J("\"tree\":null"), -CMC_E_FORMAT, "$.tree: null"},
    {J("\"tree\":1e3"), -CMC_E_FORMAT, "$.tree"},
    /* CBOR */
    {"a1 00 63616c6d", -CMC_E_FORMAT, "$.type: \"alm\""},
    {"a1 00 43616c6c", -CMC_E_FORMAT, "$.type: expected a text string, found a byte string"},
    {"a1 00 63616c6c 00", -CMC_E_FORMAT, "$: 1 bytes follow"},
    {"a2 00 63616c6c 00 63616c6c", -CMC_E_FORMAT, "keys do not ascend"},
    {"a2 03 f5 00 63616c6c", -CMC_E_FORMAT, "keys do not ascend"},
    {"bf 00 63616c6c ff", -CMC_E_FORMAT, "indefinite"},
    {"a1 00 7f 63616c6c ff", -CMC_E_FORMAT, "indefinite"},
    {"a1 00 78 03 616c6c", -CMC_E_FORMAT, "shortest"},
    {"a1 00 c0 63616c6c", -CMC_E_FORMAT, "tag"},
    {"a1 00 63616cff", -CMC_E_FORMAT, "UTF-8"},
    {"a2 00 63616c6c 01 626100", -CMC_E_FORMAT, "$.text: U+0000"},
    {"a2 00 63616c6c 06 61 61", -CMC_E_FORMAT, "$.bytes: expected a byte string, found a text"},
    {"a2 00 63616c6c 04 fb3ff0000000000000", -CMC_E_FORMAT, "float"},
    {"a2 00 63616c6c 04 1b8000000000000000", -CMC_E_FORMAT, "$.number"},
    {"a2 00 63616c6c 04 3b8000000000000000", -CMC_E_FORMAT, "$.number"},
    {"a2 00 63616c6c 0b a2 6161 40 6161 40", -CMC_E_FORMAT, "$.map[1]: CBOR: map keys do not"},
    {"a2 00 63616c6c 0b a2 626161 40 6162 40", -CMC_E_FORMAT, "$.map[1]: CBOR: map keys do not"},
    {"a2 00 63616c6c 0b a1 01 40", -CMC_E_FORMAT, "$.map[0]: expected a text string"},
    {"a2 00 63616c6c 40 00", -CMC_E_FORMAT, "a key that is no text"},
    {"a2 00 63616c6c 6474726565 a2 6161 01 6161 02", -CMC_E_FORMAT, "$.tree"},
    {"a2 00 63616c6c 6474726565 a2 01 01 6131 02", -CMC_E_FORMAT, "$.tree: the member 1 is there"},
    {"a2 00 63616c6c 6474726565 a1 626100 02", -CMC_E_FORMAT, "$.tree: U+0000"},
    {"a2 00 63616c6c 6474726565 3bffffffffffffffff", -CMC_E_FORMAT, "$.tree: an integer below"},
    {"a2 00 63616c6c 6474726565 81 626100", -CMC_E_FORMAT, "$.tree: U+0000"},
    {"a2 00 63616c6c 6474726565 a1 6161", -CMC_E_FORMAT, "is cut"},
    {"a2 00 63616c6c 6474726565 a1 ff 00", -CMC_E_FORMAT, "$.tree: CBOR: indefinite"},
    {"a2 00 63616c6c 6474726565 82 f4", -CMC_E_FORMAT, "is cut"},
    {"a2 00 63616c6c 1863 82 f4", -CMC_E_FORMAT, "$.99: CBOR: array or map is cut"},
    {"a2 00 63616c6c 0e a2 01 00 01 00", -CMC_E_FORMAT, "$.raw: CBOR: map keys do not"},
    {"a2 00 63616c6c 6474726565 a1 40 02", -CMC_E_FORMAT, "$.tree: a key that is no text"},
    {"a2 00 63616c6c 65 5465787420 02", 0, NULL}, /* unknown: "Text " */
    {"a2 00 63616c6c 64 54657874 02", -CMC_E_FORMAT, "$.Text: write it as \"text\""},
    {"a2 00 63616c6c 09 9b0000000100000000", -CMC_E_FORMAT, "$.list"},
    {"", -CMC_E_FORMAT, "neither JSON"},
};

static void documents_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        const bool json = refused[i].in[0] == '{' || refused[i].in[0] == '[';
        cmc_autobuf struct cmc_buf cbor = unhex(json ? "" : refused[i].in);
        struct all v;
        struct meta_doc *doc = (void *)&v;
        struct cmc_err err = {0};
        memset(&v, 0x77, sizeof(v));
        const int rc = json ? meta_codec_decode(&all_record, refused[i].in, strlen(refused[i].in),
                                                &v, &doc, &err)
                            : meta_codec_decode(&all_record, cbor.data, cbor.len, &v, &doc, &err);
        if (rc != refused[i].want || (rc < 0 && !strstr(err.msg, refused[i].msg)))
            fail_msg("row %zu: %d, %s", i, rc, err.msg);
        if (rc == 0) {
            meta_doc_free(doc);
            continue;
        }
        assert_ptr_equal(doc, &v);
        assert_int_equal(((uint8_t *)&v)[0], 0x77);
    }
}

static void what_is_absent_is_null(void **state)
{
    static const char in[] = "{\"type\":\"all\"}";
    static const char want[] = "{\"type\":\"all\",\"bytes\":null,\"texts\":null,\"parts\":null}";
    struct all v;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(256);
    (void)state;
    assert_int_equal(meta_codec_decode(&all_record, in, sizeof(in) - 1, &v, &doc, &err), 0);
    assert_int_equal(meta_codec_encode(&all_record, &v, META_JSON, &out, &err), 0);
    vector_equal(in, &out, want, sizeof(want) - 1);
    meta_doc_free(doc);
}

static void trees_may_hold_what_only_cbor_has(void **state)
{
    cmc_autobuf struct cmc_buf cbor = unhex("a2 00 63616c6c 6474726565 a3 01 4200ff 20 f4 6162 f5");
    struct all v = {0};
    struct meta_doc *doc;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(256);
    (void)state;
    assert_int_equal(meta_codec_decode(&all_record, cbor.data, cbor.len, &v, &doc, &err), 0);
    cmc_put_json(&out, v.tree);
    static const char want[] = "{\"-1\":false,\"1\":\"AP8=\",\"b\":true}";
    vector_equal("tree", &out, want, sizeof(want) - 1);
    meta_doc_free(doc);
}

static void trees_have_a_depth(void **state)
{
    (void)state;
    for (size_t levels = META_DEPTH_MAX; levels <= META_DEPTH_MAX + 1; levels++) {
        struct all v = {0};
        struct meta_doc *doc = NULL;
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf cbor = unhex("a2 00 63616c6c 6474726565");
        cmc_autobuf struct cmc_buf json = cmc_buf_of(4096);
        const int want = levels > META_DEPTH_MAX ? -CMC_E_LIMIT : 0;
        cmc_put_text(&json, "{\"type\":\"all\",\"tree\":");
        for (size_t i = 0; i < levels; i++) {
            cmc_put_u8(&cbor, i + 1 < levels ? 0x81 : 0x80);
            cmc_put_u8(&json, '[');
        }
        for (size_t i = 0; i < levels; i++)
            cmc_put_u8(&json, ']');
        cmc_put_u8(&json, '}');
        assert_int_equal(meta_codec_decode(&all_record, cbor.data, cbor.len, &v, &doc, &err), want);
        meta_doc_free(doc);
        doc = NULL;
        assert_int_equal(meta_codec_decode(&all_record, json.data, json.len, &v, &doc, &err), want);
        meta_doc_free(doc);
    }
}

static void unknown_members_are_listed(void **state)
{
    static const char *const rows[][4] = {
        {J("\"x\":{\"y\":1},\"one\":{\"name\":\"\",\"z\\u001b\":[]}"), "$.x", "$.one.z\\x1b"},
        {"a4 00 63616c6c 0c a2 00 60 05 80 18 63 a1 01 02 61 78 00", "$.one.5", "$.99", "$.x"},
        {"a3 00 63616c6c 21 60 3bffffffffffffffff 00", "$.-2", "$.-18446744073709551616"},
        {J("\"ye\":1,\"yess\":2,\"\":3"), "$.ye", "$.yess", "$."},
        {"a4 00 63616c6c 60 00 627472 01 657472656578 01", "$.", "$.tr", "$.treex"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const bool json = rows[i][0][0] == '{';
        cmc_autobuf struct cmc_buf in = json ? cmc_buf_of(4096) : unhex(rows[i][0]);
        struct all v;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        if (json)
            cmc_put_text(&in, rows[i][0]);
        if (meta_codec_decode(&all_record, in.data, in.len, &v, &doc, &err) < 0)
            fail_msg("%s", err.msg);
        for (size_t j = 1; j < 4 && rows[i][j]; j++)
            assert_string_equal(meta_doc_unknown(doc, j - 1), rows[i][j]);
        meta_doc_free(doc);
    }
    assert_null(meta_doc_unknown(NULL, 0));
}

static void closed_records_have_no_unknown_members(void **state)
{
    struct meta_record closed = all_record;
    struct all v;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    (void)state;
    closed.closed = true;
    assert_int_equal(meta_codec_decode(&closed, J("\"x\":1"), 20, &v, &doc, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "$.x: all has no such member"));
}

static void many_unknown_members_are_said_to_be_more(void **state)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(4096);
    struct all v;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    (void)state;
    cmc_put_text(&in, "{\"type\":\"all\"");
    for (unsigned i = 0; i < META_UNKNOWN_MAX + 9; i++)
        cmc_put_fmt(&in, ",\"x%u\":0", i);
    cmc_put_text(&in, "}");
    assert_int_equal(meta_codec_decode(&all_record, in.data, in.len, &v, &doc, &err), 0);
    assert_string_equal(meta_doc_unknown(doc, META_UNKNOWN_MAX - 1), "$.x63");
    assert_string_equal(meta_doc_unknown(doc, META_UNKNOWN_MAX), "and more");
    assert_null(meta_doc_unknown(doc, META_UNKNOWN_MAX + 1));
    meta_doc_free(doc);
}

static void documents_have_a_size(void **state)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(8192);
    struct all v;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    (void)state;
    cmc_put_text(&in, "{\"type\":\"all\"}");
    while (in.len < 4096)
        cmc_put_u8(&in, '\n');
    assert_int_equal(meta_codec_decode(&all_record, in.data, in.len, &v, &doc, &err), 0);
    meta_doc_free(doc);
    cmc_put_u8(&in, '\n');
    assert_int_equal(meta_codec_decode(&all_record, in.data, in.len, &v, &doc, &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "all of 4097 bytes, at most 4096");
}

static void encoders_refuse_what_decoders_would(void **state)
{
    static const struct meta_named_item twice[] = {{.digest = "a"}, {.digest = "a"}};
    static const struct part parts[4];
    const struct {
        struct all v;
        int want;
        const char *msg;
    } rows[] = {
        {{.text = "\xff"}, -CMC_E_FORMAT, "text: a text that is not UTF-8"},
        {{.word = "neither"}, -CMC_E_FORMAT, "word: \"neither\""},
        {{.map = twice, .map_count = 2}, -CMC_E_FORMAT, "map: a is there twice"},
        {{.part = parts, .part_count = 4}, -CMC_E_LIMIT, "parts: 4 elements, at most 3"},
        {{.inside.name = "abcde"}, -CMC_E_LIMIT, "inside: name: 5 bytes, at most 4"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int encoding = META_JSON; encoding <= META_CBOR; encoding++) {
            cmc_autobuf struct cmc_buf out = cmc_buf_of(8192);
            struct cmc_err err = {0};
            assert_int_equal(meta_codec_encode(&all_record, &rows[i].v,
                                               (enum meta_encoding)encoding, &out, &err),
                             rows[i].want);
            if (!strstr(err.msg, rows[i].msg))
                fail_msg("%s", err.msg);
        }
}

/* Null is for what can be told from an empty one; what must be there is never null. */
static void null_has_its_places(void **state)
{
    static const struct meta_field fields[] = {
        {"text", 0, META_TEXT, META_ALWAYS, AT(text)},
        {"one", 1, META_RECORD, META_MUST, AT(one), .of = &part_record},
    };
    static const struct meta_record record = {
        .name = "two", .size = sizeof(struct all), META_FIELDS(fields)};
    static const char in[] = "{\"text\":null,\"one\":{\"name\":\"\"}}";
    const struct all empty = {.text = ""};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(256);
    struct all v;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(meta_codec_decode(&record, in, sizeof(in) - 1, &v, &doc, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "two: $.text: null is not allowed here");
    assert_int_equal(meta_codec_encode(&record, &empty, META_JSON, &out, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "two: one: missing");
}

/* A byte behind the end would be one of a page that is not there. */
static void nothing_behind_the_end_is_read(void **state)
{
    cmc_autobuf struct cmc_buf cbor = unhex(same[2].cbor);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t n = 0; n < cbor.len; n++) {
        struct all v;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        uint8_t *at = memcpy(pages + page - n, cbor.data, n);
        assert_int_equal(meta_codec_decode(&all_record, at, n, &v, &doc, &err), -CMC_E_FORMAT);
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

static void an_output_that_is_full_is_said_to_be(void **state)
{
    const struct all v = {.text = "long enough"};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(8);
    (void)state;
    assert_int_equal(meta_codec_encode(&all_record, &v, META_CBOR, &out, &err), -CMC_E_LIMIT);
}

/* Keys that do not ascend would make documents that no decoder takes. */
static void check_table(const struct meta_record *r)
{
    assert_in_range(r->count, 1, 64);
    for (size_t i = 0; i < r->count; i++) {
        const struct meta_field *f = &r->field[i];
        if (i && f->key != META_TEXT_KEY)
            assert_true(f[-1].key != META_TEXT_KEY && f[-1].key < f->key);
        assert_true(f->at < r->size && f->count_at < r->size);
        if (f->of)
            check_table(f->of);
    }
}

static void tables_are_in_order(void **state)
{
    (void)state;
    check_table(&all_record);
    check_table(&meta_component_record);
    check_table(&meta_artifact_record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_encodings_say_the_same),
        cmocka_unit_test(fields_hold_what_was_said),
        cmocka_unit_test(documents_that_are_none),
        cmocka_unit_test(what_is_absent_is_null),
        cmocka_unit_test(trees_may_hold_what_only_cbor_has),
        cmocka_unit_test(trees_have_a_depth),
        cmocka_unit_test(unknown_members_are_listed),
        cmocka_unit_test(closed_records_have_no_unknown_members),
        cmocka_unit_test(many_unknown_members_are_said_to_be_more),
        cmocka_unit_test(documents_have_a_size),
        cmocka_unit_test(encoders_refuse_what_decoders_would),
        cmocka_unit_test(null_has_its_places),
        cmocka_unit_test(nothing_behind_the_end_is_read),
        cmocka_unit_test(an_output_that_is_full_is_said_to_be),
        cmocka_unit_test(tables_are_in_order),
    };
    return cmocka_run_group_tests_name("attest/meta/codec", tests, NULL, NULL);
}
