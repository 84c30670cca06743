/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_oci_image.c -- which image of an index, what a manifest and a
 * configuration say, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/oci_image.h"
#include "tests/lib/rows.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DESC(type, hex, more)                                                                      \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex "\",\"size\":7" more "}"
#define OCI_M         "application/vnd.oci.image.manifest.v1+json"
#define OCI_I         "application/vnd.oci.image.index.v1+json"
#define LIST          "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCK          "application/vnd.docker.distribution.manifest.v2+json"
#define TAG(t)        ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" t "\"}"
#define FOR(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define INDEX(list)   "{\"manifests\":[" list "]}"

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order that reads best */
struct choice_row {
    const char *name, *json;
    struct measure_oci_choice choice;
    int want;        /* 0 or -code */
    const char *hex; /* of what was chosen, or part of the error */
    enum measure_oci_kind kind;
};

#define ANY                                                                                        \
    {                                                                                              \
        .os = "linux", .arch = "amd64"                                                             \
    }
#define TAGGED(t)                                                                                  \
    {                                                                                              \
        .os = "linux", .arch = "amd64", .tag = (t)                                                 \
    }

static struct choice_row choices[] = {
    {"the only one", INDEX(DESC(OCI_M, A64, "")), ANY, 0, A64, MEASURE_OCI_MANIFEST},
    {"an index", INDEX(DESC(OCI_I, A64, "")), ANY, 0, A64, MEASURE_OCI_INDEX},
    {"docker's list", INDEX(DESC(LIST, A64, "")), ANY, 0, A64, MEASURE_OCI_INDEX},
    {"docker's manifest", INDEX(DESC(DOCK, A64, "")), ANY, 0, A64, MEASURE_OCI_MANIFEST},
    {"something else does not count", INDEX(DESC("text/plain", B64, "") "," DESC(OCI_M, A64, "")),
     ANY, 0, A64, MEASURE_OCI_MANIFEST},
    {"by tag", INDEX(DESC(OCI_M, B64, TAG("1")) "," DESC(OCI_M, A64, TAG("2"))), TAGGED("2"), 0,
     A64, MEASURE_OCI_MANIFEST},
    {"by containerd's name",
     INDEX(DESC(OCI_M, A64, ",\"annotations\":{\"io.containerd.image.name\":\"x/y:1\"}")),
     TAGGED("x/y:1"), 0, A64, MEASURE_OCI_MANIFEST},
    {"by platform",
     INDEX(DESC(OCI_M, B64, FOR("linux", "arm64")) "," DESC(OCI_M, A64, FOR("linux", "amd64"))),
     ANY, 0, A64, MEASURE_OCI_MANIFEST},
    {"the same twice", INDEX(DESC(OCI_M, A64, TAG("1")) "," DESC(OCI_M, A64, TAG("2"))), ANY, 0,
     A64, MEASURE_OCI_MANIFEST},
    {"inner ones have no tags",
     INDEX(DESC(OCI_M, A64, "")),
     {.os = "linux", .arch = "amd64", .tag = "2", .nested = true},
     0,
     A64,
     MEASURE_OCI_MANIFEST},
    {"several", INDEX(DESC(OCI_M, B64, TAG("1")) "," DESC(OCI_M, A64, TAG("2"))), ANY, -CMC_E_USAGE,
     "more than one image for linux/amd64; tags here: 1, 2", 0},
    {"no such tag", INDEX(DESC(OCI_M, B64, TAG("1"))), TAGGED("2"), -CMC_E_USAGE,
     "no image 2 for linux/amd64; tags here: 1", 0},
    {"no such platform", INDEX(DESC(OCI_M, B64, FOR("linux", "arm64"))), ANY, -CMC_E_USAGE,
     "no image for linux/amd64; tags here: none", 0},
    {"another variant",
     INDEX(DESC(OCI_M, A64, ",\"platform\":{\"variant\":\"v7\"}")),
     {.os = "linux", .arch = "arm", .variant = "v8"},
     -CMC_E_USAGE,
     "no image for linux/arm",
     0},
    {"no list", "{}", ANY, -CMC_E_FORMAT, "an index without manifests", 0},
    {"no object", "[]", ANY, -CMC_E_FORMAT, "not an index", 0},
    {"no array", "{\"manifests\":{}}", ANY, -CMC_E_FORMAT, "$.manifests: not an array", 0},
    {"no descriptor", INDEX("1"), ANY, -CMC_E_FORMAT, "not a descriptor", 0},
    {"no digest", INDEX("{\"size\":1}"), ANY, -CMC_E_FORMAT, "a descriptor without digest", 0},
    {"another algorithm", INDEX("{\"size\":1,\"digest\":\"sha512:" A64 "\"}"), ANY, -CMC_E_FORMAT,
     "not sha256:", 0},
    {"capital digits", INDEX("{\"size\":1,\"digest\":\"sha256:A" A64 "\"}"), ANY, -CMC_E_FORMAT,
     "not sha256:", 0},
    {"a digit too few", INDEX("{\"size\":1,\"digest\":\"sha256:aa\"}"), ANY, -CMC_E_FORMAT,
     "not sha256:", 0},
    {"no size", INDEX("{\"digest\":\"sha256:" A64 "\"}"), ANY, -CMC_E_FORMAT, "no size", 0},
    {"a negative size", INDEX("{\"size\":-1,\"digest\":\"sha256:" A64 "\"}"), ANY, -CMC_E_FORMAT,
     "no size", 0},
    {"no JSON", "{", ANY, -CMC_E_FORMAT, "", 0},
};

static void run_choice(void **state)
{
    const struct choice_row *r = *state;
    struct measure_oci_descriptor d = {.size = 77};
    struct cmc_err err = {0};
    assert_int_equal(measure_oci_choose(r->json, strlen(r->json), &r->choice, &d, &err), r->want);
    if (r->want) {
        if (!strstr(err.msg, r->hex))
            fail_msg("\"%s\" is not in \"%s\"", r->hex, err.msg);
        assert_int_equal(d.size, 77);
        return;
    }
    assert_string_equal(d.hex, r->hex);
    assert_int_equal(d.kind, r->kind);
    assert_int_equal(d.size, 7);
    assert_int_equal(d.digest[31], 0xaa);
}

struct text_row {
    const char *name, *json, *error; /* error NULL: good */
    int want;
};

#define LAYERED(layers) "{\"config\":" DESC("x", A64, "") ",\"layers\":[" layers "]}"

static struct text_row manifests[] = {
    {"no layers", LAYERED(""), NULL, 0},
    {"two layers", LAYERED(DESC("x", A64, "") "," DESC("y", B64, "")), NULL, 0},
    {"unknown members", "{\"x\":1,\"config\":" DESC("x", A64, "") ",\"layers\":[]}", NULL, 0},
    {"no config", "{\"layers\":[]}", "without config", -CMC_E_FORMAT},
    {"no list of layers", "{\"config\":" DESC("x", A64, "") "}", "without config", -CMC_E_FORMAT},
    {"a layer that is none", LAYERED("null"), "$.layers[0]: not a descriptor", -CMC_E_FORMAT},
    {"not an object", "7", "not a manifest", -CMC_E_FORMAT},
};

static void run_manifest(void **state)
{
    const struct text_row *r = *state;
    static struct measure_oci_manifest m;
    struct cmc_err err = {0};
    assert_int_equal(measure_oci_manifest(r->json, strlen(r->json), &m, &err), r->want);
    if (r->error && !strstr(err.msg, r->error))
        fail_msg("\"%s\" is not in \"%s\"", r->error, err.msg);
    if (!r->error)
        assert_string_equal(m.config.hex, A64);
}

#define IDS(list) "\"rootfs\":{\"diff_ids\":[" list "]}"
#define ID        "\"sha256:" A64 "\""

static struct text_row configs[] = {
    {"all of it",
     "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"A=1\"],\"Entrypoint\":["
     "\"e\"],"
     "\"Cmd\":[\"c\",\"d\"],\"WorkingDir\":\"/w\",\"User\":\"u\"}," IDS(ID) "}",
     NULL, 0},
    {"nothing but layers", "{" IDS("") "}", NULL, 0},
    {"nulls", "{\"config\":null,\"os\":null," IDS("") "}", NULL, 0},
    {"no layers", "{}", "without rootfs.diff_ids", -CMC_E_FORMAT},
    {"a layer that is no digest", "{" IDS("\"x\"") "}", "$.rootfs.diff_ids[0]", -CMC_E_FORMAT},
    {"variables that are none", "{\"config\":{\"Env\":[1]}," IDS("") "}",
     "$.config.Env[0]: not a str", -CMC_E_FORMAT},
    {"a text that is none", "{\"config\":{\"User\":1}," IDS("") "}", "$.config.User: not a string",
     -CMC_E_FORMAT},
    {"a name in another case", "{\"config\":{\"env\":[]}," IDS("") "}",
     "which Go takes for \"Env\"", -CMC_E_VERIFY},
    {"a name outside in another case", "{\"Config\":{}," IDS("") "}", "Go takes for \"config\"",
     -CMC_E_VERIFY},
    {"a name of rootfs in another case", "{\"rootfs\":{\"Diff_IDs\":[]}}", "for \"diff_ids\"",
     -CMC_E_VERIFY},
    {"twice", "{\"os\":\"a\",\"os\":\"b\"," IDS("") "}", "", -CMC_E_FORMAT},
    {"a configuration that is none", "{\"config\":[]," IDS("") "}", "$.config: not an object",
     -CMC_E_FORMAT},
    {"not an object", "[]", "not an image's configuration", -CMC_E_FORMAT},
};

static void run_config(void **state)
{
    const struct text_row *r = *state;
    struct measure_oci_config *c = calloc(1, sizeof(*c));
    struct cmc_err err = {0};
    assert_non_null(c);
    assert_int_equal(measure_oci_config(r->json, strlen(r->json), c, &err), r->want);
    if (r->error && !strstr(err.msg, r->error))
        fail_msg("\"%s\" is not in \"%s\"", r->error, err.msg);
    if (r == configs) {
        assert_string_equal(c->cwd, "/w");
        assert_string_equal(c->user, "u");
        assert_string_equal(c->arch, "amd64");
        assert_int_equal(c->layers, 1);
        const struct cmc_json *at = measure_oci_next(&c->cmd, measure_oci_next(&c->cmd, NULL));
        assert_string_equal(at->text, "d");
        assert_null(measure_oci_next(&c->cmd, at));
    } else if (!r->error) {
        assert_string_equal(c->user, "");
        assert_null(measure_oci_next(&c->env, NULL));
    }
    measure_oci_config_done(c);
    free(c);
}

static size_t add(struct CMUnitTest *tests, size_t n, struct text_row *r, size_t count,
                  CMUnitTestFunction run)
{
    for (size_t i = 0; i < count; i++)
        tests[n++] =
            (struct CMUnitTest){.name = r[i].name, .test_func = run, .initial_state = &r[i]};
    return n;
}

int main(void)
{
    struct CMUnitTest tests[ROWS(choices) + ROWS(manifests) + ROWS(configs)];
    size_t n = 0;
    for (; n < ROWS(choices); n++)
        tests[n] = (struct CMUnitTest){
            .name = choices[n].name, .test_func = run_choice, .initial_state = &choices[n]};
    n = add(tests, n, manifests, ROWS(manifests), run_manifest);
    (void)add(tests, n, configs, ROWS(configs), run_config);
    return cmocka_run_group_tests_name("measure/oci_image", tests, NULL, NULL);
}
