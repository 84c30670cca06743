/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_exact.c -- reports of profile exact: both encodings, golden bytes,
 * every rule of docs/formats/report.md 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/exact.h"
#include "base/hex.h"
#include "measure/cbor.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

#define BYTES(s) ((struct meta_bytes){.data = (const uint8_t *)(s), .len = sizeof(s) - 1})
#define D32(c)   c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static const struct meta_bytes certs[] = {BYTES("leaf"), BYTES("ca")};
static const struct meta_exact_pcr pcrs[] = {{11, 0, BYTES(D32("0"))}, {11, 13, BYTES(D32("d"))}};
static const struct meta_exact_part details[] = {
    {"config", BYTES(D32("c")), BYTES("{\"ociVersion\":\"1.0.2\"}")}};
static const struct meta_exact_part boot_logs[] = {{.kind = "tcg", .data = BYTES("log")},
                                                   {.kind = "ima", .data = BYTES("")}};
static const struct meta_bytes digests[] = {BYTES(D32("a")), BYTES(D32("b"))};
static const struct meta_bytes items[] = {BYTES("item"), BYTES("")};

static struct meta_exact sample(void)
{
    return (struct meta_exact){.name = "host.example",
                               .kind = "tpm",
                               .attest = BYTES("attest"),
                               .signature = BYTES("signature"),
                               .cert = certs,
                               .cert_count = ROWS(certs),
                               .pcr = pcrs,
                               .pcr_count = ROWS(pcrs),
                               .log = BYTES("\x00\x01log"),
                               .detail = details,
                               .detail_count = ROWS(details),
                               .boot_log = boot_logs,
                               .boot_log_count = ROWS(boot_logs),
                               .digest = digests,
                               .digest_count = ROWS(digests),
                               .item = items,
                               .item_count = ROWS(items)};
}

static struct cmc_buf encode(const struct meta_exact *r, enum meta_encoding encoding)
{
    struct cmc_buf b = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    if (meta_exact_encode(r, encoding, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

static const struct {
    const char *file;
    enum meta_encoding encoding;
} golden[] = {{"report/exact.json", META_JSON}, {"report/exact.cbor", META_CBOR}};

static void reports_are_the_golden_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(golden); i++) {
        const struct meta_exact r = sample();
        cmc_autobuf struct cmc_buf have = encode(&r, golden[i].encoding);
        cmc_autobuf struct cmc_buf want = vector_read(golden[i].file);
        vector_equal(golden[i].file, &have, want.data, want.len);
    }
}

static void reports_are_read_and_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(golden); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(golden[i].file);
        struct meta_exact r;
        struct cmc_err err = {0};
        assert_true(meta_exact_is(in.data, in.len));
        if (meta_exact_decode(in.data, in.len, &r, &err) < 0)
            fail_msg("%s", err.msg);
        for (size_t j = 0; j < ROWS(golden); j++) {
            cmc_autobuf struct cmc_buf out = encode(&r, golden[j].encoding);
            cmc_autobuf struct cmc_buf want = vector_read(golden[j].file);
            vector_equal(golden[j].file, &out, want.data, want.len);
        }
        assert_string_equal(r.kind, "tpm");
        assert_int_equal(r.pcr[1].index, 13);
        assert_int_equal(r.log.len, 5);
        assert_string_equal(r.boot_log[1].kind, "ima");
        meta_exact_done(&r);
        assert_null(r.doc);
    }
}

static const uint8_t large[META_CERT_BYTES_MAX + 1];
static const struct meta_bytes many_certs[META_CERTS_MAX + 1];
static const struct meta_bytes large_cert[] = {{.data = large, .len = META_CERT_BYTES_MAX + 1}};
static const struct meta_bytes short_digest[] = {BYTES("a")};
static const struct meta_bytes twice[] = {BYTES(D32("a")), BYTES(D32("a"))};
static const struct meta_bytes falling[] = {BYTES(D32("b")), BYTES(D32("a"))};
static const struct meta_exact_pcr many_pcrs[META_EXACT_PCRS + 1];
static const struct meta_exact_part tree[] = {{"tree", BYTES(D32("c")), BYTES("")}};
static char name[META_EXACT_NAME + 2];

static void kind(struct meta_exact *r)
{
    r->kind = "snp";
}
static void digest_length(struct meta_exact *r)
{
    r->digest = short_digest;
    r->digest_count = 1;
}
static void digest_twice(struct meta_exact *r)
{
    r->digest = twice;
}
static void digests_fall(struct meta_exact *r)
{
    r->digest = falling;
}
static void detail_kind(struct meta_exact *r)
{
    r->detail = tree;
}
static void no_certs(struct meta_exact *r)
{
    r->cert_count = 0;
}
static void certs_many(struct meta_exact *r)
{
    r->cert = many_certs;
    r->cert_count = ROWS(many_certs);
}
static void cert_large(struct meta_exact *r)
{
    r->cert = large_cert;
    r->cert_count = 1;
}
static void pcrs_many(struct meta_exact *r)
{
    r->pcr = many_pcrs;
    r->pcr_count = ROWS(many_pcrs);
}
static void name_long(struct meta_exact *r)
{
    memset(name, 'n', sizeof(name) - 1);
    r->name = name;
}
static void attest_large(struct meta_exact *r)
{
    r->attest = (struct meta_bytes){.data = large, .len = META_EXACT_BLOB + 1};
}

/* What a decoder would refuse is not written. */
static void limits_of_members(void **state)
{
    static const struct {
        void (*alter)(struct meta_exact *r);
        int want;
        const char *msg;
    } rows[] = {
        {kind, -CMC_E_FORMAT, "evidence: kind: \"snp\""},
        {digest_length, -CMC_E_FORMAT, "$.digests[0]: 1 bytes, expected 32"},
        {digest_twice, -CMC_E_FORMAT, "$.digests[1]: not above"},
        {digests_fall, -CMC_E_FORMAT, "$.digests[1]: not above"},
        {detail_kind, -CMC_E_FORMAT, "details: kind: \"tree\""},
        {no_certs, -CMC_E_FORMAT, "certificates: 0 elements, at least 1"},
        {certs_many, -CMC_E_LIMIT, "certificates: 9 elements, at most 8"},
        {cert_large, -CMC_E_LIMIT, "$.evidence.certificates[0]: 8193 bytes"},
        {pcrs_many, -CMC_E_LIMIT, "pcrs: 65 elements, at most 64"},
        {name_long, -CMC_E_LIMIT, "name: 1025 bytes, at most 1024"},
        {attest_large, -CMC_E_LIMIT, "attest: 2049 bytes, at most 2048"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct meta_exact r = sample();
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        struct cmc_err err = {0};
        rows[i].alter(&r);
        const int rc = meta_exact_encode(&r, META_CBOR, &out, &err);
        if (rc != rows[i].want || !strstr(err.msg, rows[i].msg))
            fail_msg("row %zu: %d %s", i, rc, err.msg);
    }
}

/* Replaces the first old in the golden JSON. */
static const struct {
    const char *old, *new;
    int want;
    const char *msg;
} refused[] = {
    {"\"1.0\"", "\"1.1\"", -CMC_E_FORMAT, "$.version: \"1.1\", expected \"1.0\""},
    {"cmc-exact", "cmc-exacT", -CMC_E_FORMAT, "$.type"},
    {"\"name\"", "\"NAME\"", -CMC_E_FORMAT, "$.NAME: a report of profile exact has no such member"},
    {"\"name\":\"host.example\",", "", -CMC_E_FORMAT, "without the member \"name\""},
    {"\"host.example\"", "null", -CMC_E_FORMAT, "$.name: null"},
    {"\"kind\":\"tpm\"", "\"kind\":\"snp\"", -CMC_E_FORMAT, "$.evidence.kind"},
    {"\"kind\":\"tpm\"", "\"kind\":\"tpm\",\"x\":1", -CMC_E_FORMAT, "$.evidence.x"},
    {"\"tcg\"", "\"uefi\"", -CMC_E_FORMAT, "$.bootLogs[0].kind"},
    {"\"config\"", "\"tree\"", -CMC_E_FORMAT, "$.details[0].kind"},
    {"\"bank\":11", "\"bank\":-11", -CMC_E_FORMAT, "$.evidence.pcrs[0].bank"},
    {"\"certificates\":[\"bGVhZg==\",\"Y2E=\"]", "\"certificates\":[]", -CMC_E_FORMAT,
     "$.evidence.certificates: 0 elements, at least 1"},
    {"\"digests\":[", "\"digests\":[\"Yg==\",", -CMC_E_FORMAT, "$.digests[0]: 1 bytes"},
    {"\"metadata\":[", "\"metadata\":[null,", -CMC_E_FORMAT, "$.metadata[0]"},
    {"\"bootLogs\":[", "\"bootLogs\":[{\"kind\":\"tcg\",\"data\":\"\"},", -CMC_E_LIMIT,
     "$.bootLogs: 3 elements, at most 2"},
    {"YXR0ZXN0", "YXR0ZXN", -CMC_E_FORMAT, "$.evidence.attest"},
};

static void reports_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        cmc_autobuf struct cmc_buf in = vector_read("report/exact.json");
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
        const size_t old = strlen(refused[i].old);
        const uint8_t *at = memmem(in.data, in.len, refused[i].old, old);
        struct meta_exact r = {.name = "untouched"};
        struct cmc_err err = {0};
        assert_non_null(at);
        cmc_put(&out, in.data, (size_t)(at - in.data));
        cmc_put_text(&out, refused[i].new);
        cmc_put(&out, at + old, in.len - (size_t)(at - in.data) - old);
        const int rc = meta_exact_decode(out.data, out.len, &r, &err);
        if (rc != refused[i].want || !strstr(err.msg, refused[i].msg))
            fail_msg("row %zu: %d %s", i, rc, err.msg);
        assert_string_equal(r.name, "untouched");
    }
}

static void a_report_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(golden); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(golden[i].file);
        for (size_t n = 0; n < in.len; n++) {
            struct meta_exact r;
            struct cmc_err err = {0};
            assert_int_equal(meta_exact_decode(in.data, n, &r, &err), -CMC_E_FORMAT);
        }
    }
}

static void only_the_type_tells_the_profile(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        bool want;
    } rows[] = {
        {"\xa9\x00\x69"
         "cmc-exact",
         12, true},
        {"\xa9\x00\x69"
         "cmc-exacx",
         12, false},
        {"\xa9\x00\x69"
         "cmc-exact",
         11, false},
        {"\xa9\x01\x69"
         "cmc-exact",
         12, false},
        {"\x89\x00\x69"
         "cmc-exact",
         12, false},
        {"{\"name\":\"type\", \"type\" :\n\"cmc-exact\"}", 36, true},
        {"{\"name\":\"\\\"type\\\":\\\"cmc-exact\\\"\"}", 33, false},
        {"{\"type\":\"cmc-exact\"", 18, false},
        {"\"type\":\"cmc-exact\"", 18, false},
        {"{\"type\"", 7, false},
        {"{\"type\":", 8, false},
        {"", 0, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (meta_exact_is(rows[i].in, rows[i].len) != rows[i].want)
            fail_msg("row %zu", i);
    for (size_t i = 0; i < 2; i++) {
        cmc_autobuf struct cmc_buf in =
            vector_read(i ? "events/report.json" : "events/report.cbor");
        assert_false(meta_exact_is(in.data, in.len));
    }
}

/* printf 'cmc-exact 1.0\0nonce' | sha256sum */
static void a_nonce_is_hashed_with_the_format_in_front(void **state)
{
    uint8_t q[CMC_SHA256_LEN], want[CMC_SHA256_LEN];
    (void)state;
    meta_exact_qualify("nonce", 5, q);
    cmc_sha256("cmc-exact 1.0\0nonce", 19, want);
    assert_memory_equal(q, want, sizeof(want));
}

/* A list that is not there is empty, never null: null would be refused. */
static void a_report_may_have_nothing_but_a_quote(void **state)
{
    const struct meta_exact r = {
        .kind = "sw", .cert = certs, .cert_count = 1, .log = {.null = true}};
    (void)state;
    for (int encoding = META_JSON; encoding <= META_CBOR; encoding++) {
        cmc_autobuf struct cmc_buf out = encode(&r, (enum meta_encoding)encoding);
        struct meta_exact back;
        struct cmc_err err = {0};
        if (meta_exact_decode(out.data, out.len, &back, &err) < 0)
            fail_msg("%s", err.msg);
        assert_string_equal(back.name, "");
        assert_int_equal(back.log.len + back.pcr_count + back.detail_count + back.item_count, 0);
        meta_exact_done(&back);
    }
}

/* In JSON a large log is text that base/json.h would refuse by itself. */
static void logs_may_be_large(void **state)
{
    struct meta_exact r = sample(), back;
    struct cmc_err err = {0};
    const size_t len = 8 << 20;
    uint8_t *log = calloc(1, len);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(META_EXACT_MAX);
    (void)state;
    assert_non_null(log);
    r.log = (struct meta_bytes){.data = log, .len = len};
    assert_int_equal(meta_exact_encode(&r, META_JSON, &out, &err), 0);
    assert_int_equal(meta_exact_decode(out.data, out.len, &back, &err), 0);
    assert_int_equal(back.log.len, len);
    assert_memory_equal(back.log.data, log, len);
    meta_exact_done(&back);
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_the_golden_bytes),
        cmocka_unit_test(reports_are_read_and_written_again),
        cmocka_unit_test(limits_of_members),
        cmocka_unit_test(reports_that_are_none),
        cmocka_unit_test(a_report_cut_anywhere_is_refused),
        cmocka_unit_test(only_the_type_tells_the_profile),
        cmocka_unit_test(a_nonce_is_hashed_with_the_format_in_front),
        cmocka_unit_test(a_report_may_have_nothing_but_a_quote),
        cmocka_unit_test(logs_may_be_large),
    };
    return cmocka_run_group_tests_name("attest/meta/exact", tests, NULL, NULL);
}
