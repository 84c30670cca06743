/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_result.c -- results as JSON: stable, complete, without secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "attest/verify/claims.h"
#include "base/json.h"
#include "tests/lib/rows.h"

static const struct verify_claim nonce = {VERIFY_GOOD, "quote.nonce", "it \"is\"", NULL, NULL};
static const struct verify_claim chain = {VERIFY_BAD, "key.chain", "no", NULL, &nonce};
static const struct verify_claim host = {VERIFY_UNCHECKED, "host", "?", NULL, NULL};
static const struct verify_claim top = {VERIFY_GOOD, "log", "the log", &chain, &host};
static const struct verify_difference differences[] = {{"process.env A", "\"x\"", NULL},
                                                       {"root.path", NULL, "\"y\""}};

static struct verify_result example(struct verify_container *c)
{
    c[0] = (struct verify_container){.seq = 7,
                                     .event = "container-create",
                                     .id = "web-1",
                                     .sandbox = "pod-1",
                                     .ns = "k8s.io",
                                     .name = "web",
                                     .image = "i:1",
                                     .measured = true,
                                     .status = VERIFY_BAD,
                                     .reference = "ref",
                                     .manifest = "app",
                                     .config_differs = true,
                                     .difference = differences,
                                     .difference_count = 2};
    memset(c[0].config, 0x11, 32);
    memset(c[0].rootfs, 0x22, 32);
    memset(c[0].ref_config, 0x33, 32);
    memset(c[0].ref_rootfs, 0x22, 32);
    c[1] = (struct verify_container){
        .seq = 8, .event = "measurement-failed", .reason = "why", .status = VERIFY_UNCHECKED};
    struct verify_result r = {.verdict = VERIFY_NOT_TRUSTED,
                              .words = "NOT TRUSTED",
                              .reason = "no",
                              .claim = &top,
                              .container = c,
                              .container_count = 2,
                              .host = "h.example",
                              .key_kind = "TPM (X Y)",
                              .has_ak = true,
                              .profile = "exact",
                              .cert_level = 2,
                              .pcr = 13,
                              .created = 1800000000};
    memset(r.ak, 0x44, sizeof(r.ak));
    return r;
}

#define H(digit)                                                                                   \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit      \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
            digit digit
#define ATTESTATION                                                                                \
    "\"version\":\"3.4.0\",\"type\":\"Attestation "                                                \
    "Result\",\"summary\":{\"details\":\"no\",\"status\":"                                         \
    "\"fail\"},\"prover\":{\"hostname\":\"h.example\"},\"created\":\"2027-01-15T08:00:00Z\","      \
    "\"freshness\":{\"status\":\"success\"},\"certLevel\":2,\"measurements\":[{\"type\":"          \
    "\"TPM Result\",\"summary\":{\"status\":\"success\"},\"freshness\":{\"status\":\"success\"},"  \
    "\"signature\":{\"signatureVerification\":{\"status\":\"fail\"},\"certChainValidation\":"      \
    "{\"status\":\"fail\"}},\"artifacts\":[{\"success\":false,\"launched\":true,\"type\":"         \
    "\"Measurement\",\"name\":\"web\",\"index\":13,\"digest\":"                                    \
    "\"5189c77d29fe5d546a045ec46986852785fea5c13ac7da9c115ff5fb6edf817c\","                        \
    "\"hashAlg\":\"SHA-256\",\"ctrDetails\":{\"configSha256\":\"" H(                               \
        "11") "\",\"rootfsSha256\":\"" H("22") "\"}},{\"success\":false,\"launched\":true,"        \
                                               "\"type\":"                                         \
                                               "\"Measurement\",\"name\":\"\",\"index\":13,"       \
                                               "\"description\":\"why\"}],\"tpmResult\":"          \
                                               "{\"aggPcrQuoteMatch\":{\"status\":\"fail\"}}}],"   \
                                               "\"metadata\":{\"compatibilityResult\":"            \
                                               "{\"result\":{\"status\":\"fail\"}}}"
#define OURS                                                                                       \
    ",\"verdict\":\"not-trusted\",\"words\":\"NOT TRUSTED\",\"reason\":\"no\",\"profile\":"        \
    "\"exact\",\"host\":\"h.example\",\"key\":{\"kind\":\"TPM (X Y)\",\"sha256\":\"" H(            \
        "44") "\"},\"claims\":[{\"id\":\"log\",\"status\":\"good\",\"text\":\"the "                \
              "log\",\"children\":["                                                               \
              "{\"id\":\"key.chain\",\"status\":\"bad\",\"text\":\"no\"},{\"id\":\"quote.nonce\"," \
              "\"status\":\"good\",\"text\":\"it "                                                 \
              "\\\"is\\\"\"}]},{\"id\":\"host\",\"status\":\"unchecked\","                         \
              "\"text\":\"?\"}],\"containers\":[{\"seq\":7,\"event\":\"container-create\","        \
              "\"container\":"                                                                     \
              "\"web-1\",\"sandbox\":\"pod-1\",\"ns\":\"k8s.io\",\"name\":\"web\",\"image\":\"i:"  \
              "1\","                                                                               \
              "\"status\":\"bad\",\"config\":\"" H("11") "\",\"rootfs\":\"" H(                     \
                  "22") "\",\"reference\":{"                                                       \
                        "\"name\":\"ref\",\"manifest\":\"app\",\"config\":\"" H(                   \
                            "33") "\",\"rootfs\":\"" H("22") "\",\"configDiffers\":true,"          \
                                                             "\"rootfsDiffers\":false},"           \
                                                             "\"differences\":[{\"path\":"         \
                                                             "\"process.env "                      \
                                                             "A\",\"reference\":\"\\\"x\\\"\"},{"  \
                                                             "\"path\":\"root.path\","             \
                                                             "\"measured\":"                       \
                                                             "\"\\\"y\\\"\"}]},{\"seq\":8,"        \
                                                             "\"event\":\"measurement-failed\","   \
                                                             "\"reason\":\"why\",\"status\":"      \
                                                             "\"unchecked\",\"differences\":[]}]"

static void expect(const struct cmc_buf *out, const char *want)
{
    assert_int_equal(out->len, strlen(want));
    assert_memory_equal(out->data, want, out->len);
}

static void whole_document(void **state)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
    struct verify_container c[2];
    const struct verify_result r = example(c);
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_result_put_json(&r, &out, &err), 0);
    expect(&out, "{" ATTESTATION OURS "}");
}

static void attestation_result_alone(void **state)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
    struct verify_container c[2];
    const struct verify_result r = example(c);
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_result_put_attestation(&r, &out, &err), 0);
    expect(&out, "{" ATTESTATION "}");
}

/* The least that there is: a report that was none. */
static void least(void **state)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
    const struct verify_result r = {.verdict = VERIFY_COULD_NOT, .words = "w"};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_result_put_json(&r, &out, &err), 0);
    expect(&out,
           "{\"version\":\"3.4.0\",\"type\":\"Attestation Result\",\"summary\":{\"status\":"
           "\"fail\"},\"prover\":{},\"created\":\"1970-01-01T00:00:00Z\",\"freshness\":{\"status\":"
           "\"fail\"},\"certLevel\":0,\"measurements\":[{\"type\":\"SW Result\",\"summary\":"
           "{\"status\":\"fail\"},\"freshness\":{\"status\":\"fail\"},\"signature\":"
           "{\"signatureVerification\":{\"status\":\"fail\"},\"certChainValidation\":{\"status\":"
           "\"fail\"}},\"artifacts\":[]}],\"metadata\":{\"compatibilityResult\":{\"result\":"
           "{\"status\":\"fail\"}}},\"verdict\":\"could-not-check\",\"words\":\"w\",\"key\":{},"
           "\"claims\":[],\"containers\":[]}");
}

static void verdicts(void **state)
{
    static const struct {
        enum verify_verdict verdict;
        const char *name, *summary;
    } rows[] = {{VERIFY_TRUSTED, "trusted", "success"},
                {VERIFY_TRUSTED_IF_ROOT, "trusted-if-root", "warn"},
                {VERIFY_NOT_TRUSTED, "not-trusted", "fail"},
                {VERIFY_COULD_NOT, "could-not-check", "fail"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
        cmc_autojson struct cmc_json_doc *doc = NULL;
        const struct cmc_json *root;
        struct cmc_err err = {0};
        const struct verify_result r = {
            .verdict = rows[i].verdict, .words = "w", .key_kind = "software key"};
        assert_int_equal(verify_result_put_json(&r, &out, &err), 0);
        assert_int_equal(cmc_json_parse((const char *)out.data, out.len, &doc, &root, &err), 0);
        assert_string_equal(cmc_json_text(root, "verdict"), rows[i].name);
        assert_string_equal(cmc_json_text(cmc_json_member(root, "summary"), "status"),
                            rows[i].summary);
        assert_string_equal(cmc_json_text(cmc_json_member(root, "measurements")->child, "type"),
                            "SW Result");
    }
}

static void container_that_matches(void **state)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
    const struct verify_container c = {.id = "id", .status = VERIFY_GOOD};
    const struct verify_result r = {.words = "w", .container = &c, .container_count = 1};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(verify_result_put_attestation(&r, &out, &err), 0);
    static const char want[] = "{\"success\":true,\"launched\":true,\"type\":\"Verified\",\"name\":"
                               "\"id\",\"index\":0}";
    assert_non_null(memmem(out.data, out.len, want, strlen(want)));
}

static void too_little_room(void **state)
{
    struct verify_container c[2];
    const struct verify_result r = example(c);
    (void)state;
    for (size_t max = 0; max < 400; max += 7) {
        cmc_autobuf struct cmc_buf out = cmc_buf_of(max);
        struct cmc_err err = {0};
        assert_int_equal(verify_result_put_json(&r, &out, &err), -CMC_E_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_document),
        cmocka_unit_test(attestation_result_alone),
        cmocka_unit_test(least),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(container_that_matches),
        cmocka_unit_test(too_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
