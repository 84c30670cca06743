/* SPDX-License-Identifier: Apache-2.0 */
/* The worked example of docs/formats/attestation-result.md, and what is said of signed items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/attestation_result.h"
#include "base/json.h"
#include "tests/lib/cmc_bed.h"
#include "tests/lib/rows.h"

static const char example_json[] =
    "{\"version\":\"3.4.0\",\"type\":\"Attestation Result\",\"summary\":{\"details\":\"no\","
    "\"status\":\"fail\"},\"prover\":{},\"created\":\"2027-01-15T08:00:00Z\",\"freshness\":{"
    "\"status\":\"fail\"},\"certLevel\":0,\"measurements\":[{\"type\":\"SW Result\",\"summary\":{"
    "\"status\":\"fail\"},\"freshness\":{\"status\":\"fail\"},\"signature\":{"
    "\"signatureVerification\":{\"status\":\"fail\"},\"certChainValidation\":{\"status\":\"fail\"}"
    "},\"artifacts\":[]}],\"metadata\":{\"compatibilityResult\":{\"result\":{\"status\":\"fail\"}}"
    "}}";
#define FAIL                                                                                       \
    "\xa1\x66status\x64"                                                                           \
    "fail"
static const char example_cbor[] =
    "\xa9\x00\x65"
    "3.4.0\x01\x72"
    "Attestation Result\x02\xa2\x05\x62no\x66status\x64"
    "fail"
    "\x03\xa0\x05\x74"
    "2027-01-15T08:00:00Z\x06" FAIL "\x07\x00\x08\x81\xa5\x00\x69SW Result\x01" FAIL "\x02" FAIL
    "\x03\xa2\x00" FAIL "\x01" FAIL "\x04\x80\x09\xa1\x04\xa1\x00" FAIL;

static void worked_example(void **state)
{
    const struct verify_result r = {
        .verdict = VERIFY_NOT_TRUSTED, .reason = "no", .created = PKI_NOW};
    cmc_autobuf struct cmc_buf json = cmc_buf_of(1 << 16), cbor = cmc_buf_of(1 << 16);
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_attestation_result_put(&r, META_JSON, &json, &err), 0);
    assert_int_equal(json.len, sizeof(example_json) - 1);
    assert_memory_equal(json.data, example_json, json.len);
    assert_int_equal(verify_attestation_result_put(&r, META_CBOR, &cbor, &err), 0);
    assert_int_equal(cbor.len, sizeof(example_cbor) - 1);
    assert_memory_equal(cbor.data, example_cbor, cbor.len);
}

/* Only what a TPM quoted has a TPM's result. */
static void kinds_of_keys(void **state)
{
    static const struct {
        const char *kind, *type;
    } rows[] = {{"software key", "SW Result"},
                {"software TPM (swtpm)", "TPM Result"},
                {"TPM (IFX SLB9670)", "TPM Result"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct verify_result r = {.key_kind = rows[i].kind, .created = PKI_NOW};
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
        cmc_autojson struct cmc_json_doc *doc = NULL;
        const struct cmc_json *root = NULL;
        struct cmc_err err = {0};
        assert_int_equal(verify_attestation_result_put(&r, META_JSON, &out, &err), 0);
        assert_int_equal(cmc_json_parse((const char *)out.data, out.len, &doc, &root, &err), 0);
        const struct cmc_json *m = cmc_json_member(root, "measurements")->child;
        assert_string_equal(cmc_json_text(m, "type"), rows[i].type);
        assert_int_equal(cmc_json_member(m, "tpmResult") != NULL, i > 0);
    }
}

static void too_large(void **state)
{
    const struct verify_result r = {.created = PKI_NOW};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(100);
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_attestation_result_put(&r, META_JSON, &out, &err), -CMC_E_LIMIT);
}

static const char *at(const struct cmc_json *item, const char *name)
{
    return cmc_json_text(cmc_json_member(item, name), "status");
}

/* An item that does not hold is there, and nothing in it is believed. */
static void items(void **state)
{
    static const enum bed_cert stranger[] = {BED_STRANGER, BED_CERTS};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    struct cmc_bed *b = cmc_bed_open();
    struct cmc_err err = {0};
    (void)state;
    b->item[1] = bed_sign(&b->pki, b->manifest[1], stranger);
    struct verify_result *r = cmc_bed_run(b);
    assert_int_equal(verify_attestation_result_put(r, META_JSON, &out, &err), 0);
    assert_int_equal(cmc_json_parse((const char *)out.data, out.len, &doc, &root, &err), 0);
    const struct cmc_json *m = cmc_json_member(root, "metadata");
    const struct cmc_json *image = cmc_json_member(m, "imageDescriptionResult");
    const struct cmc_json *manifests = cmc_json_member(m, "manifestResults");
    const struct cmc_json *unknown = cmc_json_member(m, "unknownResults");
    assert_string_equal(cmc_json_text(image, "name"), "host");
    assert_string_equal(at(image, "summary"), "success");
    assert_int_equal(manifests->count, 1);
    assert_string_equal(cmc_json_text(manifests->child, "name"), "rtm");
    assert_string_equal(at(manifests->child, "validityCheck"), "success");
    assert_int_equal(unknown->count, 1);
    assert_string_equal(cmc_json_text(unknown->child, "type"), "");
    assert_null(cmc_json_member(unknown->child, "name"));
    assert_string_equal(at(unknown->child, "summary"), "fail");
    assert_string_equal(
        at(cmc_json_member(unknown->child, "signatureValidation")->child, "signatureVerification"),
        "fail");
    assert_int_equal(strlen(cmc_json_text(unknown->child, "manifestHash")), 2 * CMC_SHA256_LEN);
    assert_string_equal(at(cmc_json_member(m, "compatibilityResult"), "result"), "fail");
    verify_result_free(r);
    cmc_bed_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(kinds_of_keys),
        cmocka_unit_test(too_large),
        cmocka_unit_test(items),
    };
    return cmocka_run_group_tests_name("attest/verify/attestation_result", tests, NULL, NULL);
}
