/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_component.c -- events and references: vectors, files of references,
 * what of others is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/codec.h"
#include "measure/reference.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

static const struct {
    const char *file;
    enum meta_encoding encoding;
} logs[] = {{"events/eventlog.json", META_JSON}, {"events/eventlog.cbor", META_CBOR}};

static void logs_are_read_and_written_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(logs); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(logs[i].file);
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        struct meta_artifact a;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        assert_int_equal(meta_artifact_decode(in.data, in.len, &a, &doc, &err), 0);
        assert_string_equal(a.type, "SW Eventlog");
        assert_int_equal(a.event_count, 1);
        assert_int_equal(meta_artifact_encode(&a, logs[i].encoding, &out, &err), 0);
        vector_equal(logs[i].file, &out, in.data, in.len);
        meta_doc_free(doc);
    }
}

/* CBOR has no order of members but its own: only this way the result is the vector. */
static void a_log_in_json_becomes_the_one_in_cbor(void **state)
{
    cmc_autobuf struct cmc_buf json = vector_read("events/eventlog.json");
    cmc_autobuf struct cmc_buf cbor = vector_read("events/eventlog.cbor");
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    struct meta_artifact a;
    struct meta_doc *doc;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(meta_artifact_decode(json.data, json.len, &a, &doc, &err), 0);
    assert_int_equal(meta_artifact_encode(&a, META_CBOR, &out, &err), 0);
    vector_equal("events/eventlog.cbor", &out, cbor.data, cbor.len);
    meta_doc_free(doc);
}

/* A message that has a component in it, described where it is used. */
struct request {
    const char *version;
    struct meta_component event;
};
static const struct meta_field request_fields[] = {
    {"version", 0, META_TEXT, META_MUST, .at = offsetof(struct request, version)},
    {"event", 1, META_INSIDE, META_MUST, .at = offsetof(struct request, event),
     .of = &meta_component_record},
};
static const struct meta_record request_record = {
    .name = "a request", .size = sizeof(struct request), META_FIELDS(request_fields)};

static void requests_are_read_and_written_again(void **state)
{
    static const struct {
        const char *file;
        enum meta_encoding encoding;
    } rows[] = {{"events/measure-request.json", META_JSON},
                {"events/measure-request.cbor", META_CBOR}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf in = vector_read(rows[i].file);
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        struct request r;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        assert_int_equal(meta_codec_decode(&request_record, in.data, in.len, &r, &doc, &err), 0);
        assert_string_equal(r.event.name, "my_container");
        assert_int_equal(meta_codec_encode(&request_record, &r, rows[i].encoding, &out, &err), 0);
        vector_equal(rows[i].file, &out, in.data, in.len);
        meta_doc_free(doc);
    }
}

static void a_file_of_references_is_an_array_of_components(void **state)
{
    static const uint8_t config_digest[CMC_SHA256_LEN] = {1}, rootfs[CMC_SHA256_LEN] = {2};
    cmc_autobuf struct cmc_buf file = cmc_buf_of(1 << 16);
    struct measure_config config = {.detail = cmc_buf_of(256)};
    struct meta_components c;
    struct cmc_err err = {0};
    (void)state;
    cmc_put_text(&config.detail, "{\"ociVersion\":\"1.0.2\"}");
    memcpy(config.digest, config_digest, sizeof(config_digest));
    const struct measure_reference r = {.name = "web<1>",
                                        .config = &config,
                                        .rootfs = rootfs,
                                        .profile = MEASURE_PROFILE_EXACT,
                                        .pcr = 13};
    if (measure_references_put(&file, &r, 1, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_buf_done(&config.detail);
    if (meta_components_decode(file.data, file.len, &c, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(c.count, 1);
    assert_string_equal(c.at->type, "application");
    assert_string_equal(c.at->name, "web<1>");
    assert_string_equal(meta_component_property(c.at, "cmc.profile"), "exact");
    assert_null(meta_component_property(c.at, "cmc.prof"));
    assert_int_equal(c.at->ctr->config.len, CMC_SHA256_LEN);
    assert_memory_equal(c.at->ctr->config.data, config_digest, CMC_SHA256_LEN);
    assert_memory_equal(c.at->ctr->rootfs.data, rootfs, CMC_SHA256_LEN);
    assert_string_equal(cmc_json_text(c.at->ctr->oci_spec, "ociVersion"), "1.0.2");
    assert_null(meta_component_hash(c.at, "SHA-384"));
    assert_null(meta_doc_unknown(c.doc, 0));
    meta_components_done(&c);
    assert_null(c.doc);
}

/* Values of others that are left out, null or empty; the JSON behind is what we write. */
static const struct {
    const char *in, *out; /* NULL: the same */
} others[] = {
    {"[]", NULL},
    {"[{\"type\":\"\",\"name\":\"\",\"hashes\":null}]", NULL},
    {"[{\"type\":\"\",\"name\":\"\",\"hashes\":[]}]", NULL},
    {"[{}]", "[{\"type\":\"\",\"name\":\"\",\"hashes\":null}]"},
    {"[{\"name\":\"a\",\"hashes\":[{\"alg\":\"SHA-1\",\"content\":\"\"}]}]",
     "[{\"type\":\"\",\"name\":\"a\",\"hashes\":[{\"alg\":\"SHA-1\",\"content\":\"\"}]}]"},
    {"[{\"type\":\"firmware\",\"name\":\"n\",\"hashes\":[],\"version\":\"1\",\"optional\":true,"
     "\"description\":\"d\",\"properties\":[{\"name\":\"a\",\"value\":\"\"}],\"eventdata\":{\"b\":"
     "1,"
     "\"a\":[]},\"ctrData\":{\"configSha256\":null,\"rootfsSha256\":\"\",\"ociSpec\":null},"
     "\"intelCollateral\":{},\"purl\":\"p\"}]",
     NULL},
    {"[{\"type\":\"\",\"name\":\"\",\"hashes\":[],\"version\":\"\",\"optional\":false,"
     "\"properties\":[]}]",
     "[{\"type\":\"\",\"name\":\"\",\"hashes\":[]}]"},
};

static void components_of_others_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(others); i++) {
        const char *want = others[i].out ? others[i].out : others[i].in;
        struct meta_components c, again;
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf json = cmc_buf_of(4096);
        cmc_autobuf struct cmc_buf cbor = cmc_buf_of(4096);
        if (meta_components_decode(others[i].in, strlen(others[i].in), &c, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(meta_components_encode(&c, META_JSON, &json, &err), 0);
        vector_equal(others[i].in, &json, want, strlen(want));
        /* what null was stays null on the way through CBOR */
        assert_int_equal(meta_components_encode(&c, META_CBOR, &cbor, &err), 0);
        assert_int_equal(meta_components_decode(cbor.data, cbor.len, &again, &err), 0);
        json.len = 0;
        assert_int_equal(meta_components_encode(&again, META_CBOR, &json, &err), 0);
        vector_equal(others[i].in, &json, cbor.data, cbor.len);
        meta_components_done(&c);
        meta_components_done(&again);
    }
}

static void components_that_are_none(void **state)
{
    static const char *const rows[][2] = {
        {"{}", "$: expected an array, found an object"},
        {"[1]", "$[0]: expected an object, found a number"},
        {"[{\"hashes\":[{\"alg\":\"SHA-256\"}]}]", "$[0].hashes[0]: a hash without the member"},
        {"[{\"hashes\":[{\"alg\":\"SHA-256\",\"content\":null}]}]", "$[0].hashes[0].content: null"},
        {"[{\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"0\"}]}]", "$[0].hashes[0].content"},
        {"[{\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"AQ==\"}]}]", "$[0].hashes[0].content"},
        {"[{\"properties\":[{\"value\":\"x\"}]}]", "$[0].properties[0]"},
        {"[{\"eventdata\":{\"x\":0.5}}]", "$[0].eventdata"},
        {"[{\"optional\":\"true\"}]", "$[0].optional: expected true or false, found a string"},
        {"[{\"ctrData\":{\"configSha256\":"
         "\"0000000000000000000000000000000000000000000000000000000000000000ff\"}}]",
         "$[0].ctrData.configSha256: 33 bytes, at most 32"},
        {"[{}] ]", "more follows"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct meta_components c;
        struct cmc_err err = {0};
        assert_true(meta_components_decode(rows[i][0], strlen(rows[i][0]), &c, &err) < 0);
        if (!strstr(err.msg, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], err.msg);
    }
}

/* Data from the Go CMC's own tests: an object that holds arrays of artifacts and components. */
struct of_go {
    const struct cmc_json *tree;
};
static const struct meta_field of_go_fields[] = {{"", 0, META_TREE, META_MUST, .at = 0}};
static const struct meta_record of_go_record = {
    .name = "a vector", .size = sizeof(struct of_go), META_FIELDS(of_go_fields), .bare = true};

/* A part of a vector without white space, its members in their order. */
static struct cmc_buf compact(const struct cmc_json *tree)
{
    const struct of_go v = {.tree = tree};
    struct cmc_buf out = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    assert_int_equal(meta_codec_encode(&of_go_record, &v, META_JSON, &out, &err), 0);
    return out;
}

static size_t check_artifacts(const struct cmc_json *list)
{
    size_t seen = 0;
    for (const struct cmc_json *a = list ? list->child : NULL; a; a = a->next, seen++) {
        cmc_autobuf struct cmc_buf in = compact(a);
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        struct meta_artifact artifact;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        if (meta_artifact_decode(in.data, in.len, &artifact, &doc, &err) < 0)
            fail_msg("%s", err.msg);
        assert_null(meta_doc_unknown(doc, 0));
        assert_int_equal(meta_artifact_encode(&artifact, META_JSON, &out, &err), 0);
        vector_equal("vector", &out, in.data, in.len);
        meta_doc_free(doc);
    }
    return seen;
}

static size_t check_components(const struct cmc_json *list)
{
    cmc_autobuf struct cmc_buf in = compact(list);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    struct meta_components c;
    struct cmc_err err = {0};
    if (meta_components_decode(in.data, in.len, &c, &err) < 0)
        fail_msg("%s", err.msg);
    const size_t count = c.count;
    assert_null(meta_doc_unknown(c.doc, 0));
    assert_int_equal(meta_components_encode(&c, META_JSON, &out, &err), 0);
    vector_equal("vector", &out, in.data, in.len);
    meta_components_done(&c);
    return count;
}

static void vectors_of_go_are_read(void **state)
{
    static const struct {
        const char *file, *member;
        size_t (*check)(const struct cmc_json *list);
        size_t count;
    } rows[] = {
        {"cmc-upstream/tpm/quote-vector.json", "artifacts_eventlog", check_artifacts, 2},
        {"cmc-upstream/tpm/quote-vector.json", "artifacts_summary", check_artifacts, 2},
        {"cmc-upstream/tpm/quote-vector.json", "reference_components", check_components, 14},
        {"cmc-upstream/sw/sw-vector.json", "artifacts", check_artifacts, 1},
        {"cmc-upstream/sw/sw-vector.json", "reference_components", check_components, 1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf in = vector_extra(rows[i].file);
        struct of_go v;
        struct meta_doc *doc;
        struct cmc_err err = {0};
        assert_int_equal(meta_codec_decode(&of_go_record, in.data, in.len, &v, &doc, &err), 0);
        assert_int_equal(rows[i].check(cmc_json_member(v.tree, rows[i].member)), rows[i].count);
        meta_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_are_read_and_written_again),
        cmocka_unit_test(a_log_in_json_becomes_the_one_in_cbor),
        cmocka_unit_test(requests_are_read_and_written_again),
        cmocka_unit_test(a_file_of_references_is_an_array_of_components),
        cmocka_unit_test(components_of_others_are_read),
        cmocka_unit_test(components_that_are_none),
        cmocka_unit_test(vectors_of_go_are_read),
    };
    return cmocka_run_group_tests_name("attest/meta/component", tests, NULL, NULL);
}
