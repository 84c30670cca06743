/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_item.c -- payloads of signed items: every type with every member, in
 * both encodings, and payloads that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/types.h"
#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

#define MANIFEST                                                                                   \
    "{\"type\":\"Manifest\",\"name\":\"app\",\"version\":\"2026-01-31T12:00:00Z\",\"validity\":"   \
    "{\"notBefore\":\"2026-01-01T00:00:00Z\",\"notAfter\":\"2027-01-01T00:00:00Z\"},"              \
    "\"description\":\"d\",\"sbom\":{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.7\","         \
    "\"version\":3,\"components\":[{\"type\":\"application\",\"name\":\"c\",\"hashes\":[]}]},"     \
    "\"developerCommonName\":\"dev\",\"baseLayers\":[\"os\",\"rtm\"],\"certLevel\":2,"             \
    "\"caFingerprints\":[\"00ff\"],\"snpPolicy\":{\"a\":1},\"tdxPolicy\":{},\"sgxPolicy\":[],"     \
    "\"details\":{\"x\":[1,null]},\"omspServer\":\"https://omsp.example\"}"
#define IMAGE                                                                                      \
    "{\"type\":\"Image Description\",\"name\":\"host\",\"location\":\"rack 1\",\"descriptions\":"  \
    "[{\"type\":\"Manifest Description\",\"name\":\"n\",\"description\":\"d\",\"manifest\":"       \
    "\"app\",\"ociRules\":{\"process\":{\"env\":\"additional:*=*\"}}}]}"

static const char *const whole[] = {
    MANIFEST,
    IMAGE,
    "{\"type\":\"Company Description\",\"name\":\"ACME\",\"description\":\"R\\u0026D\"}",
    "{\"type\":\"OMSP Response\"}",
    "{\"type\":\"Manifest\",\"baseLayers\":null,\"certLevel\":0,\"caFingerprints\":null}",
    "{\"type\":\"Image Description\",\"location\":\"\",\"descriptions\":null}",
};

static struct meta_item decode(const void *data, size_t len)
{
    struct meta_item item;
    struct cmc_err err = {0};
    if (meta_item_decode(data, len, &item, &err) < 0)
        fail_msg("%s", err.msg);
    return item;
}

static void items_are_read_and_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(whole); i++) {
        cmc_autobuf struct cmc_buf json = cmc_buf_of(8192);
        cmc_autobuf struct cmc_buf cbor = cmc_buf_of(8192);
        cmc_autobuf struct cmc_buf back = cmc_buf_of(8192);
        struct cmc_err err = {0};
        struct meta_item item = decode(whole[i], strlen(whole[i]));
        assert_int_equal(meta_item_encode(&item, META_JSON, &json, &err), 0);
        vector_equal("JSON", &json, whole[i], strlen(whole[i]));
        assert_int_equal(meta_item_encode(&item, META_CBOR, &cbor, &err), 0);
        assert_null(meta_doc_unknown(item.doc, 0));
        meta_item_done(&item);
        assert_null(item.doc);

        item = decode(cbor.data, cbor.len);
        assert_int_equal(meta_item_encode(&item, META_JSON, &back, &err), 0);
        vector_equal("JSON by way of CBOR", &back, whole[i], strlen(whole[i]));
        back.len = 0;
        assert_int_equal(meta_item_encode(&item, META_CBOR, &back, &err), 0);
        vector_equal("CBOR", &back, cbor.data, cbor.len);
        meta_item_done(&item);
    }
}

/* docs/formats/metadata.md, 5 */
static void the_worked_example(void **state)
{
    static const char json[] =
        "{\"type\":\"Manifest\",\"name\":\"app\",\"version\":\"2026-01-31T12:00:00Z\",\"sbom\":"
        "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.7\"},\"baseLayers\":null,"
        "\"certLevel\":1,\"caFingerprints\":[]}";
    static const char cbor[] = "\xa7\x00\x68Manifest\x01\x63"
                               "app\x02\x74"
                               "2026-01-31T12:00:00Z"
                               "\x0a\xa2\x00\x69"
                               "CycloneDX\x01\x63"
                               "1.7\x0c\xf6\x0d\x01\x0e\x80";
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(256);
    struct meta_item item = decode(json, sizeof(json) - 1);
    (void)state;
    assert_int_equal(meta_item_encode(&item, META_CBOR, &out, &err), 0);
    vector_equal("CBOR", &out, cbor, sizeof(cbor) - 1);
    meta_item_done(&item);
}

static void members_of_a_manifest(void **state)
{
    struct meta_item item = decode(MANIFEST, strlen(MANIFEST));
    const struct meta_manifest *m = &item.manifest;
    (void)state;
    assert_int_equal(item.kind, META_MANIFEST);
    assert_string_equal(item.info.name, "app");
    assert_string_equal(item.info.version, "2026-01-31T12:00:00Z");
    assert_string_equal(item.info.not_before, "2026-01-01T00:00:00Z");
    assert_string_equal(item.info.not_after, "2027-01-01T00:00:00Z");
    assert_int_equal(m->component_count, 1);
    assert_string_equal(m->component[0].name, "c");
    assert_string_equal(m->spec_version, "1.7");
    assert_string_equal(m->developer, "dev");
    assert_int_equal(m->base_layers.count, 2);
    assert_string_equal(m->base_layers.at[1], "rtm");
    assert_string_equal(m->ca_fingerprints.at[0], "00ff");
    assert_int_equal(m->cert_level, 2);
    assert_string_equal(m->omsp_server, "https://omsp.example");
    assert_non_null(cmc_json_member(m->details, "x"));
    assert_null(item.location);
    meta_item_done(&item);
}

static void members_of_an_image_description(void **state)
{
    struct meta_item item = decode(IMAGE, strlen(IMAGE));
    (void)state;
    assert_int_equal(item.kind, META_IMAGE_DESCRIPTION);
    assert_string_equal(item.location, "rack 1");
    assert_int_equal(item.description_count, 1);
    assert_string_equal(item.description[0].manifest, "app");
    const struct cmc_json *process = cmc_json_member(item.description[0].oci_rules, "process");
    assert_string_equal(cmc_json_text(process, "env"), "additional:*=*");
    assert_null(item.info.not_before);
    assert_null(item.manifest.omsp_server);
    meta_item_done(&item);
}

/* Key 20 is omspServer in a manifest and location in an image description. */
static void the_type_decides_what_key_20_is(void **state)
{
    static const uint8_t manifest[] = "\xa2\x00\x68Manifest\x14\x61s";
    static const uint8_t image[] = "\xa2\x00\x71Image Description\x14\x61s";
    (void)state;
    struct meta_item item = decode(manifest, sizeof(manifest) - 1);
    assert_string_equal(item.manifest.omsp_server, "s");
    assert_null(item.location);
    meta_item_done(&item);
    item = decode(image, sizeof(image) - 1);
    assert_string_equal(item.location, "s");
    assert_null(item.manifest.omsp_server);
    meta_item_done(&item);
}

static void members_of_another_type_are_unknown(void **state)
{
    static const char text[] = "{\"type\":\"Company Description\",\"certLevel\":9,\"new\":{}}";
    struct meta_item item = decode(text, sizeof(text) - 1);
    (void)state;
    assert_string_equal(meta_doc_unknown(item.doc, 0), "$.certLevel");
    assert_string_equal(meta_doc_unknown(item.doc, 1), "$.new");
    assert_null(meta_doc_unknown(item.doc, 2));
    assert_int_equal(item.manifest.cert_level, 0);
    meta_item_done(&item);
}

static const char *const refused[][2] = {
    {"", "neither JSON"},
    {"manifest", "neither JSON"},
    {"{}", "without the member \"type\""},
    {"{\"type\":\"manifest\"}", "$.type: \"manifest\", expected \"Manifest|Image Description"},
    {"{\"type\":\"Manifest|Image Description\"}", "$.type"},
    {"{\"type\":\"Manifest\",\"type\":\"Manifest\"}", "twice"},
    {"{\"type\":\"Manifest\",\"Sbom\":{}}", "$.Sbom: write it as \"sbom\""},
    {"{\"type\":\"Manifest\",\"sbom\":null}", "$.sbom: null"},
    {"{\"type\":\"Manifest\",\"sbom\":{}}", "$.sbom: an SBOM without the member \"bomFormat\""},
    {"{\"type\":\"Manifest\",\"sbom\":{\"bomFormat\":\"SPDX\"}}", "expected \"CycloneDX\""},
    {"{\"type\":\"Manifest\",\"certLevel\":\"3\"}", "$.certLevel: expected a number"},
    {"{\"type\":\"Manifest\",\"validity\":\"2026\"}", "$.validity: expected an object"},
    {"{\"type\":\"Manifest\",\"validity\":{\"notafter\":\"\"}}", "write it as \"notAfter\""},
    {"{\"type\":\"Manifest\",\"details\":{\"load\":0.5}}", "$.details.load"},
    {"{\"type\":\"Manifest\",\"baseLayers\":\"os\"}", "$.baseLayers: expected an array"},
    {"{\"type\":\"Image Description\",\"descriptions\":[{\"type\":\"Manifest\"}]}",
     "$.descriptions[0].type"},
    {"{\"type\":\"Manifest\"} {}", "more follows"},
};

static void payloads_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        struct meta_item item;
        struct cmc_err err = {0};
        memset(&item, 0x77, sizeof(item));
        assert_int_equal(meta_item_decode(refused[i][0], strlen(refused[i][0]), &item, &err),
                         -CMC_E_FORMAT);
        if (!strstr(err.msg, refused[i][1]))
            fail_msg("%s: %s", refused[i][0], err.msg);
        assert_int_equal(((uint8_t *)&item)[0], 0x77);
    }
}

static void the_kind_is_what_is_written(void **state)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(8192);
    struct meta_item item = {.kind = META_OMSP_RESPONSE, .info.type = "Manifest"};
    (void)state;
    assert_int_equal(meta_item_encode(&item, META_JSON, &out, &err), 0);
    vector_equal("OMSP", &out, "{\"type\":\"OMSP Response\"}", 24);
    item.kind = (enum meta_kind)0;
    assert_int_equal(meta_item_encode(&item, META_JSON, &out, &err), -CMC_E_USAGE);
    item.kind = (enum meta_kind)(META_OMSP_RESPONSE + 1);
    assert_int_equal(meta_item_encode(&item, META_JSON, &out, &err), -CMC_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_read_and_written_again),
        cmocka_unit_test(the_worked_example),
        cmocka_unit_test(members_of_a_manifest),
        cmocka_unit_test(members_of_an_image_description),
        cmocka_unit_test(the_type_decides_what_key_20_is),
        cmocka_unit_test(members_of_another_type_are_unknown),
        cmocka_unit_test(payloads_that_are_none),
        cmocka_unit_test(the_kind_is_what_is_written),
    };
    return cmocka_run_group_tests_name("attest/meta/item", tests, NULL, NULL);
}
