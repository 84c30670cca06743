/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_spec.c -- one row, one config.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmc_measure_spec.h"

#define MAP    "{\"containerID\":0,\"hostID\":100000,\"size\":65536}"
#define USERNS "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"user\"}]"

struct row {
    const char *name, *in;
    const char *error; /* part of it; NULL: none */
    const char *root;
    size_t uid_maps;
};

static struct row rows[] = {
    {"nothing in it", "{}", NULL, NULL, 0},
    {"no object", "[]", NULL, NULL, 0},
    {"a root", "{\"root\":{\"path\":\"rootfs\"}}", NULL, "rootfs", 0},
    {"a root that is a text", "{\"root\":\"rootfs\"}", NULL, NULL, 0},
    {"a path that is a number", "{\"root\":{\"path\":1}}", "$.root.path must be a text", NULL, 0},
    {"a cgroup that is null", "{\"linux\":{\"cgroupsPath\":null}}", "must be a text", NULL, 0},
    {"an annotation that is a list", "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":[]}}",
     "must be a text", NULL, 0},
    {"a user namespace",
     "{\"linux\":{" USERNS ",\"uidMappings\":[" MAP "," MAP "],\"gidMappings\":[" MAP "]}}", NULL,
     NULL, 2},
    {"maps without one are not used",
     "{\"linux\":{\"uidMappings\":[" MAP "],\"gidMappings\":[" MAP "]}}", NULL, NULL, 0},
    {"a user namespace without maps", "{\"linux\":{" USERNS "}}", "cannot be measured", NULL, 0},
    {"a user namespace with half of them", "{\"linux\":{" USERNS ",\"uidMappings\":[" MAP "]}}",
     "cannot be measured", NULL, 0},
    {"a map without a size",
     "{\"linux\":{" USERNS ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1}]}}",
     "$.linux.uidMappings[0] lacks a number", NULL, 0},
    {"a map with a large id",
     "{\"linux\":{" USERNS ",\"uidMappings\":[{\"containerID\":4294967296,\"hostID\":1}]}}",
     "containerID must be a number from 0 to 4294967295", NULL, 0},
    {"a map with a negative id",
     "{\"linux\":{" USERNS ",\"uidMappings\":[{\"containerID\":-1,\"hostID\":1}]}}",
     "must be a number from 0", NULL, 0},
    {"a second root, that runs", "{\"root\":{\"path\":\"a\"},\"Root\":{\"path\":\"b\"}}",
     "$.Root differs only in the case of letters", NULL, 0},
    {"a second path, that runs", "{\"root\":{\"path\":\"a\",\"PATH\":\"b\"}}",
     "$.root.PATH differs only in the case of letters", NULL, 0},
    {"a second path in Unicode", "{\"linux\":{},\"lin\\u0075x\":{}}", "twice", NULL, 0},
    {"a folded letter", "{\"linux\":{\"name\u017fpaces\":[]}}", "differs only in the case", NULL,
     0},
    {"other names may be near", "{\"root\":{\"path\":\"a\"},\"Roots\":1,\"Process\":{}}", NULL, "a",
     0},
    {"broken", "{", "config.json: ", NULL, 0},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    static struct cmc_measure_spec s;
    struct cmc_err err = {0};
    int rc = cmc_measure_spec_parse(t->in, strlen(t->in), &s, &err);
    const bool refused = t->error && strstr(t->error, "differs only");
    assert_int_equal(rc, refused ? -CMC_E_VERIFY : t->error ? -CMC_E_FORMAT : 0);
    if (t->error) {
        assert_non_null(strstr(err.msg, t->error));
    } else {
        assert_int_equal(s.uid_maps, t->uid_maps);
        assert_int_equal(s.root_path != NULL, t->root != NULL);
        if (t->root)
            assert_string_equal(s.root_path, t->root);
    }
    cmc_measure_spec_done(&s);
}

static void names_of_a_pod(void **state)
{
    static struct cmc_measure_spec s;
    static const char in[] = "{\"linux\":{\"cgroupsPath\":\"c\"},\"annotations\":{"
                             "\"io.kubernetes.cri.sandbox-id\":\"1\","
                             "\"io.kubernetes.cri.sandbox-name\":\"2\","
                             "\"io.kubernetes.cri.sandbox-namespace\":\"3\","
                             "\"io.kubernetes.cri.sandbox-uid\":\"4\","
                             "\"io.kubernetes.cri.container-name\":\"5\","
                             "\"io.kubernetes.cri.image-name\":\"\"}}";
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_measure_spec_parse(in, sizeof(in) - 1, &s, &err), 0);
    assert_string_equal(s.cgroups_path, "c");
    assert_string_equal(s.sandbox, "1");
    assert_string_equal(s.pod, "2");
    assert_string_equal(s.pod_ns, "3");
    assert_string_equal(s.pod_uid, "4");
    assert_string_equal(s.name, "5");
    assert_null(s.image); /* empty: unknown */
    cmc_measure_spec_done(&s);
}

static void the_maps_arrive(void **state)
{
    static struct cmc_measure_spec s;
    static const char in[] =
        "{\"linux\":{" USERNS ",\"uidMappings\":[{\"containerID\":1,\"hostID\":2,\"size\":3}],"
        "\"gidMappings\":[{\"containerID\":4,\"hostID\":5,\"size\":4294967295}]}}";
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_measure_spec_parse(in, sizeof(in) - 1, &s, &err), 0);
    assert_int_equal(s.uids[0].inside, 1);
    assert_int_equal(s.uids[0].outside, 2);
    assert_int_equal(s.uids[0].count, 3);
    assert_int_equal(s.gid_maps, 1);
    assert_int_equal(s.gids[0].inside, 4);
    assert_int_equal(s.gids[0].outside, 5);
    assert_int_equal(s.gids[0].count, UINT32_MAX);
    cmc_measure_spec_done(&s);
}

static void limits(void **state)
{
    static struct cmc_measure_spec s;
    (void)state;
    for (size_t n = CMC_MEASURE_IDMAPS_MAX; n <= CMC_MEASURE_IDMAPS_MAX + 1; n++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(65536);
        struct cmc_err err = {0};
        cmc_put_text(&b, "{\"linux\":{" USERNS ",\"gidMappings\":[" MAP "],\"uidMappings\":[" MAP);
        for (size_t i = 1; i < n; i++)
            cmc_put_text(&b, "," MAP);
        cmc_put_text(&b, "]}}");
        assert_int_equal(cmc_measure_spec_parse((char *)b.data, b.len, &s, &err),
                         n > CMC_MEASURE_IDMAPS_MAX ? -CMC_E_LIMIT : 0);
        cmc_measure_spec_done(&s);
    }
    for (size_t n = 1024; n <= 1025; n++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(65536);
        struct cmc_err err = {0};
        cmc_put_fmt(&b, "{\"annotations\":{\"io.kubernetes.cri.image-name\":\"%0*d\"}}", (int)n, 1);
        assert_int_equal(cmc_measure_spec_parse((char *)b.data, b.len, &s, &err),
                         n > 1024 ? -CMC_E_LIMIT : 0);
        cmc_measure_spec_done(&s);
    }
}

static void where_mounts_go(void **state)
{
    static const struct {
        const char *root, *bundle;
        bool want;
    } places[] = {
        {"rootfs", "/b", true},      {"/b/rootfs", "/b", true}, {NULL, "/b", false},
        {"/", "/b", false},          {"/rootfs", "/b", false},  {"/b/rootfs/x", "/b", false},
        {"/rootfs", "", false},      {"rootfs2", "/b", false},  {"./rootfs", "/b", false},
        {"/bb/rootfs", "/b", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(places); i++) {
        const struct cmc_measure_spec s = {.root_path = places[i].root};
        assert_int_equal(cmc_measure_spec_uses_mounts(&s, places[i].bundle), places[i].want);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4] = {
        cmocka_unit_test(names_of_a_pod),
        cmocka_unit_test(the_maps_arrive),
        cmocka_unit_test(limits),
        cmocka_unit_test(where_mounts_go),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[4 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_spec", tests, NULL, NULL);
}
