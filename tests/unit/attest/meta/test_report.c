/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_report.c -- reports of CMC 3.3.0: vectors both ways, and reports that
 * say two things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/types.h"
#include "base/hash.h"
#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

static struct meta_report decode(const struct cmc_buf *in)
{
    struct meta_report r;
    struct cmc_err err = {0};
    if (meta_report_decode(in->data, in->len, &r, &err) < 0)
        fail_msg("%s", err.msg);
    return r;
}

static const struct {
    const char *file, *context, *nonce;
    enum meta_encoding encoding;
} vectors[] = {
    {"events/report.json", "events/context.json",
     "187198e4dc96e699e7a7a8dbfe7dcda09c0075211fbf0e70d4ee74b887442f60", META_JSON},
    {"events/report.cbor", "events/context.cbor",
     "c9527fc37528adb7e6c114e5aca31252c81b41524e2a3b91418b901ddc466cc9", META_CBOR},
};

static void vectors_are_read_and_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(vectors); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(vectors[i].file);
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        cmc_autobuf struct cmc_buf context = cmc_buf_of(1 << 20);
        struct meta_report r = decode(&in);
        struct cmc_err err = {0};
        assert_int_equal(meta_context_encode(&r.context, vectors[i].encoding, &context, &err), 0);
        vector_equal("context", &context, r.context_bytes.data, r.context_bytes.len);
        assert_int_equal(
            meta_report_encode(&r, vectors[i].encoding, context.data, context.len, &out, &err), 0);
        vector_equal(vectors[i].file, &out, in.data, in.len);
        assert_null(meta_doc_unknown(r.doc, 0));
        meta_report_done(&r);
    }
}

static void the_context_is_what_the_evidence_nonce_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(vectors); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(vectors[i].file);
        cmc_autobuf struct cmc_buf context = vector_read(vectors[i].context);
        cmc_autobuf struct cmc_buf text = cmc_buf_of(1 << 20);
        struct meta_report r = decode(&in);
        uint8_t digest[CMC_SHA256_LEN];
        char hex[2 * CMC_SHA256_LEN + 1];
        cmc_sha256(r.context_bytes.data, r.context_bytes.len, digest);
        cmc_hex(digest, sizeof(digest), hex);
        assert_string_equal(hex, vectors[i].nonce);
        if (vectors[i].encoding == META_JSON)
            cmc_put_base64url(&text, context.data, context.len);
        else
            cmc_put(&text, context.data, context.len);
        vector_equal("context", &text, r.context_bytes.data, r.context_bytes.len);
        meta_report_done(&r);
    }
}

static void members_are_where_they_belong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(vectors); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(vectors[i].file);
        struct meta_report r = decode(&in);
        const struct meta_context *c = &r.context;
        assert_string_equal(r.name, "host.example");
        assert_string_equal(r.version, "3.3.0");
        assert_int_equal(r.evidence_count, 1);
        assert_string_equal(r.evidence[0].type, "SW Evidence");
        assert_memory_equal(r.evidence[0].evidence.data, "evidence-bytes", 14);
        assert_string_equal(c->alg, "SHA-256");
        assert_int_equal(c->nonce.len, 16);
        assert_int_equal(c->nonce.data[15], 15);
        assert_int_equal(c->digests.count, 2);
        assert_string_equal(c->digests.at[0], "bb");
        assert_int_equal(c->item_count, 2);
        assert_string_equal(c->item[1].digest, "bb");
        assert_memory_equal(c->item[1].data.data, "{}", 2);
        assert_int_equal(c->collateral_count, 1);
        assert_int_equal(c->collateral[0].artifact_count, 1);
        const struct meta_artifact *a = c->collateral[0].artifact;
        assert_int_equal(a->index, 11);
        assert_string_equal(meta_component_property(a->event, "cmc.index"), "11");
        assert_int_equal(meta_component_hash(a->event, "sha-256")->len, 32);
        assert_string_equal(cmc_json_text(a->event->ctr->oci_spec, "ociVersion"), "1.2.0");
        meta_report_done(&r);
    }
}

/* Replaces the first old (of its length) in a vector. */
static struct cmc_buf altered(const char *file, const char *old, size_t old_len, const char *new)
{
    cmc_autobuf struct cmc_buf in = vector_read(file);
    struct cmc_buf out = cmc_buf_of(1 << 20);
    const uint8_t *at = memmem(in.data, in.len, old, old_len);
    assert_non_null(at);
    cmc_put(&out, in.data, (size_t)(at - in.data));
    cmc_put_text(&out, new);
    cmc_put(&out, at + old_len, in.len - (size_t)(at - in.data) - old_len);
    return out;
}

static const struct {
    const char *file, *old, *new;
    const char *want; /* in the message */
} refused[] = {
    {"report.json", "3.3.0", "3.4.0", "$.version: \"3.4.0\", expected \"3.3.0\""},
    {"report.cbor", "3.3.0", "3.4.0", "$.version: \"3.4.0\", expected \"3.3.0\""},
    {"report.json", "Attestation", "attestation", "$.type: \"attestation Report\""},
    {"report.json", "b64", "cbor", "$.encoding: \"cbor\" in a report in JSON"},
    {"report.json", "b64", "xml", "$.encoding: \"xml\", expected \"b64|cbor\""},
    {"report.json", "\"name\"", "\"Name\"", "$.Name: write it as \"name\""},
    {"report.json", "eyJ0eXBl", "eyJ0eXB=", "$.context: character 8 is not base64url"},
    {"report.json", "\"eyJ0eXBl", "1,\"x\":\"", "$.context: expected a string"},
    {"report.json", "\"eyJ0eXBl", "10,\"x\":\"", "$.context: expected a string"},
    {"report.json", "eyJ0eXBl", "eyJ0eXB", "$.context"},
    {"report.json", "eyJ0eXBlIjoiQ29udGV4dCIs", "eyJ0eXBlIjoiQ29udGV4VCIs", "$.context.type"},
    {"report.json", "\"evidences\"", "\"type\"", "twice"},
    {"report.json", "ZXZpZGVuY2UtYnl0ZXM=", "ZXZpZGVuY2UtYnl0ZXM", "$.evidences[0].evidence"},
    {"report.json", "[{", "{\"x\":[{", "a report"},
    {"report.cbor", "SW Evidence", "SW\nEvidenc\xff", "UTF-8"},
    {"report.cbor", "cmc.ta", "cmc.t\x01", NULL}, /* any text may be there */
};

static void reports_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        char file[64];
        struct meta_report r;
        struct cmc_err err = {0};
        (void)snprintf(file, sizeof(file), "events/%s", refused[i].file);
        cmc_autobuf struct cmc_buf in =
            altered(file, refused[i].old, strlen(refused[i].old), refused[i].new);
        memset(&r, 0x77, sizeof(r));
        const int rc = meta_report_decode(in.data, in.len, &r, &err);
        if (!refused[i].want) {
            assert_int_equal(rc, 0);
            meta_report_done(&r);
            continue;
        }
        assert_int_equal(rc, -CMC_E_FORMAT);
        if (!strstr(err.msg, refused[i].want))
            fail_msg("row %zu: %s", i, err.msg);
        assert_int_equal(((uint8_t *)&r)[0], 0x77); /* untouched */
    }
}

static void the_context_has_the_encoding_of_the_report(void **state)
{
    cmc_autobuf struct cmc_buf context = vector_read("events/context.cbor");
    cmc_autobuf struct cmc_buf in = cmc_buf_of(8192);
    struct meta_report r;
    struct cmc_err err = {0};
    (void)state;
    cmc_put_text(&in, "{\"version\":\"3.3.0\",\"type\":\"Attestation Report\",\"encoding\":\"b64\","
                      "\"evidences\":[],\"context\":\"");
    cmc_put_base64url(&in, context.data, context.len);
    cmc_put_text(&in, "\"}");
    assert_int_equal(meta_report_decode(in.data, in.len, &r, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "$.context: not in the encoding of the report"));
}

static void a_report_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(vectors); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(vectors[i].file);
        for (size_t n = 0; n < in.len; n++) {
            struct meta_report r;
            struct cmc_err err = {0};
            assert_int_equal(meta_report_decode(in.data, n, &r, &err), -CMC_E_FORMAT);
            assert_true(err.msg[0]);
        }
        cmc_put_u8(&in, ' ');
        if (vectors[i].encoding == META_CBOR) {
            struct meta_report r;
            struct cmc_err err = {0};
            assert_int_equal(meta_report_decode(in.data, in.len, &r, &err), -CMC_E_FORMAT);
            assert_non_null(strstr(err.msg, "1 bytes follow"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_read_and_written_again),
        cmocka_unit_test(the_context_is_what_the_evidence_nonce_hashes),
        cmocka_unit_test(members_are_where_they_belong),
        cmocka_unit_test(reports_that_are_none),
        cmocka_unit_test(the_context_has_the_encoding_of_the_report),
        cmocka_unit_test(a_report_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests_name("attest/meta/report", tests, NULL, NULL);
}
