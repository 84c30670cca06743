/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_detail.c -- which ids are replaced, and that nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_parts.h"
#include "tests/lib/rows.h"

#define HEX64     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER64   "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NOT_HEX64 "F123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CRI       "/run/containerd/io.containerd.grpc.v1.cri/"
#define NOTE(v)   "\"annotations\":{\"io.kubernetes.cri.sandbox-id\":" v "}"

struct row {
    const char *in, *id, *bundle;
    const char *want; /* the detail; NULL: like in */
};

static struct row rows[] = {
    /* cgroupsPath: the last component */
    {"{\"linux\":{\"cgroupsPath\":\"/default/one\"}}", "one", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"/default/\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"one\"}}", "one", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"/one/one\"}}", "one", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"/one/\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"system.slice:ctr:one\"}}", "one", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"system.slice:ctr:\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"::one\"}}", "one", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"::\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"a:b:c\"}}", "a:b:c", NULL,
     "{\"linux\":{\"cgroupsPath\":{\"before\":\"\",\"id\":\"container\"}}}"},
    {"{\"linux\":{\"cgroupsPath\":\"/default/one/\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"/default/xone\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"/default/onex\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"/one/x\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"/a:b:one\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"a:one\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"a:b:c:one\"}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"/default/a/b\"}}", "a/b", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":null}}", "one", NULL, NULL},
    {"{\"linux\":{\"cgroupsPath\":\"\"}}", "one", NULL, NULL},
    /* mounts: containerd's own state directories */
    {"{\"mounts\":[{\"source\":\"" CRI "sandboxes/one/shm\"}]}", "one", NULL,
     "{\"mounts\":[{\"source\":{\"after\":\"/shm\",\"before\":\"" CRI
     "sandboxes/\",\"id\":\"container\"}}]}"},
    {"{\"mounts\":[{\"source\":\"" CRI "containers/one\"}]}", "one", NULL,
     "{\"mounts\":[{\"source\":{\"after\":\"\",\"before\":\"" CRI
     "containers/\",\"id\":\"container\"}}]}"},
    {"{" NOTE("\"" HEX64 "\"") ",\"mounts\":[{\"source\":\"" CRI "sandboxes/" HEX64 "/hosts\"}]}",
     "one", NULL,
     "{" NOTE("{\"id\":\"sandbox\"}") ",\"mounts\":[{\"source\":{\"after\":\"/hosts\",\"before\":"
                                      "\"" CRI "sandboxes/\",\"id\":\"sandbox\"}}]}"},
    {"{" NOTE("\"" HEX64 "\"") ",\"mounts\":[{\"source\":\"" CRI "sandboxes/" HEX64 "/hosts\"}]}",
     HEX64, NULL,
     "{" NOTE("{\"id\":\"container\"}") ",\"mounts\":[{\"source\":{\"after\":\"/hosts\",\"before\":"
                                        "\"" CRI "sandboxes/\",\"id\":\"container\"}}]}"},
    /* another sandbox's files are another configuration */
    {"{" NOTE("\"" HEX64 "\"") ",\"mounts\":[{\"source\":\"" CRI "sandboxes/" OTHER64 "/hosts\"}]}",
     "one", NULL,
     "{" NOTE("{\"id\":\"sandbox\"}") ",\"mounts\":[{\"source\":\"" CRI "sandboxes/" OTHER64
                                      "/hosts\"}]}"},
    {"{" NOTE("\"two\"") ",\"mounts\":[{\"source\":\"" CRI "sandboxes/two/hosts\"}]}", "one", NULL,
     NULL},
    {"{" NOTE("\"g" HEX64 "\"") "}", "one", NULL, NULL},
    {"{" NOTE("\"" NOT_HEX64 "\"") "}", "one", NULL, NULL},
    {"{" NOTE("null") "}", "one", NULL, NULL},
    {"{\"mounts\":[{\"source\":\"" CRI "images/one/shm\"}]}", "one", NULL, NULL},
    {"{\"mounts\":[{\"source\":\"" CRI "sandboxes/x/one\"}]}", "one", NULL, NULL},
    {"{\"mounts\":[{\"source\":\"/xio.containerd.grpc.v1.cri/sandboxes/one\"}]}", "one", NULL,
     NULL},
    {"{\"mounts\":[{\"source\":\"/default/one\"}]}", "one", NULL, NULL},
    {"{\"mounts\":[{\"destination\":\"" CRI "sandboxes/one/shm\"}]}", "one", NULL, NULL},
    {"{\"mounts\":[{\"source\":\"/io.containerd.grpc.v1.cri/x" CRI "sandboxes/one/shm\"}]}", "one",
     NULL, NULL}, /* the first such directory decides */
    /* root.path */
    {"{\"root\":{\"path\":\"/b/one/rootfs\"}}", "one", "/b/one",
     "{\"root\":{\"path\":{\"bundle\":\"rootfs\"}}}"},
    {"{\"root\":{\"path\":\"/b/one//x\"}}", "one", "/b/one//",
     "{\"root\":{\"path\":{\"bundle\":\"/x\"}}}"},
    {"{\"root\":{\"path\":\"/b/one/\"}}", "one", "/b/one",
     "{\"root\":{\"path\":{\"bundle\":\"\"}}}"},
    {"{\"root\":{\"path\":\"/b/one\"}}", "one", "/b/one", NULL},
    {"{\"root\":{\"path\":\"/b/onex/rootfs\"}}", "one", "/b/one", NULL},
    {"{\"root\":{\"path\":\"/b/one/rootfs\"}}", "one", NULL, NULL},
    {"{\"root\":{\"path\":\"/x\"}}", "one", "/", NULL},
    {"{\"root\":{\"path\":\"rootfs\"}}", "rootfs", "/b", NULL},
    /* environment */
    {"{\"process\":{\"env\":[\"A=b=c\",\"=x\",\"N\",\"\",null,\"A=\"]}}", "one", NULL,
     "{\"process\":{\"env\":[{\"name\":\"A\",\"value\":\"b=c\"},{\"name\":\"\",\"value\":\"x\"},"
     "{\"name\":\"N\"},{\"name\":\"\"},null,{\"name\":\"A\",\"value\":\"\"}]}}"},
    {"{\"hooks\":{\"prestart\":[{\"env\":[\"A=b\"]}]},\"process\":{\"env\":null}}", "one", NULL,
     NULL},
    /* left out */
    {"{\"process\":{\"consoleSize\":{\"height\":1,\"width\":2},\"terminal\":true}}", "one", NULL,
     "{\"process\":{}}"},
    {"{\"process\":{\"args\":[],\"terminal\":null,\"user\":{}},\"terminal\":true}", "one", NULL,
     "{\"process\":{\"args\":[],\"user\":{}},\"terminal\":true}"},
    /* maps and unlisted members keep their place */
    {"{\"Z\":[{\"b\":1}],\"linux\":{\"netDevices\":{\"b\":{},\"a\":null},\"resources\":{}},\"zz\":"
     "null}",
     "one", NULL,
     "{\"Z\":[{\"b\":1}],\"linux\":{\"netDevices\":{\"a\":null,\"b\":{}},\"resources\":{}},\"zz\":"
     "null}"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    const struct measure_config_opts opts = {.container_id = t->id, .bundle = t->bundle};
    struct measure_config c = {0};
    struct cmc_err err = {0};

    if (measure_config(t->in, strlen(t->in), &opts, &c, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_put_u8(&c.detail, 0);
    assert_string_equal((const char *)c.detail.data, t->want ? t->want : t->in);
    measure_config_done(&c);
}

/* Where an id may stand, in every way that a config writer or an attacker may use it. */
static const char *const places[] = {
    "{}",
    "{\"linux\":{\"cgroupsPath\":\"%s\"}}",
    "{\"linux\":{\"cgroupsPath\":\"/%s\"}}",
    "{\"linux\":{\"cgroupsPath\":\"/default/%s\"}}",
    "{\"linux\":{\"cgroupsPath\":\"/default/container\"}}",
    "{\"linux\":{\"cgroupsPath\":\"a:b:%s\"}}",
    "{\"linux\":{\"cgroupsPath\":\"{\\\"id\\\":\\\"container\\\"}\"}}",
    "{\"linux\":{\"cgroupsPath\":\"/default/<container-id>\"}}",
    "{\"mounts\":[{\"source\":\"/default/%s\"}]}",
    ("{\"mounts\":[{\"source\":\"" CRI "sandboxes/%s/shm\"}]}"),
    ("{\"mounts\":[{\"source\":\"" CRI "containers/%s/shm\"}]}"),
    ("{\"mounts\":[{\"source\":\"" CRI "sandboxes/x%s/shm\"}]}"),
    ("{\"mounts\":[{\"destination\":\"" CRI "sandboxes/%s/shm\"}]}"),
    ("{\"mounts\":[{\"options\":[\"lowerdir=" CRI "sandboxes/%s/shm\"]}]}"),
    "{\"root\":{\"path\":\"%s\"}}",
    "{\"root\":{\"path\":\"/b/%s\"}}",
    "{\"root\":{\"path\":\"/b/container\"}}",
    "{\"hostname\":\"%s\"}",
    "{\"hostname\":\"container\"}",
    "{\"%s.\":1}",
    "{\"container.\":1}",
    "{\"annotations\":{\"a\":\"%s\"}}",
    "{\"annotations\":{\"a\":\"container\"}}",
    "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"%s\"}}",
    "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"\"}}",
    "{\"annotations\":{\"%s\":\"\"}}",
    "{\"process\":{\"args\":[\"%s\"]}}",
    "{\"process\":{\"args\":[\"container\"]}}",
    "{\"process\":{\"args\":[\"sh\",\"-c\",\"%s\"]}}",
    "{\"process\":{\"env\":[\"%s\"]}}",
    "{\"process\":{\"env\":[\"%s=\"]}}",
    "{\"process\":{\"env\":[\"=%s\"]}}",
    "{\"process\":{\"env\":[\"A=%s\"]}}",
    "{\"process\":{\"env\":[\"A=container\"]}}",
    "{\"process\":{\"cwd\":\"/%s\"}}",
    "{\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/run/%s\"}]}}",
    "{\"hooks\":{\"poststop\":[{\"path\":\"/%s\"}]}}",
};

struct digests {
    uint8_t d[ROWS(places)][CMC_SHA256_LEN];
};

/* Each place, holding text, measured under id. */
static void measure_places(const char *text, const char *id, struct digests *out)
{
    const struct measure_config_opts opts = {.container_id = id, .bundle = "/b"};
    for (size_t i = 0; i < ROWS(places); i++) {
        char json[1024];
        struct measure_config c = {0};
        struct cmc_err err = {0};
        const char *at = strstr(places[i], "%s");
        int head = at ? (int)(at - places[i]) : (int)strlen(places[i]);
        (void)snprintf(json, sizeof(json), "%.*s%s%s", head, places[i], at ? text : "",
                       at ? at + 2 : "");
        if (measure_config(json, strlen(json), &opts, &c, &err) < 0)
            fail_msg("%s: %s", json, err.msg);
        memcpy(out->d[i], c.digest, CMC_SHA256_LEN);
        measure_config_done(&c);
    }
}

static const char *const ids[] = {"args", "env",    "sh",   "HELLO", "a",      "x",
                                  "/",    "a/b",    ":",    "b:c",   "id",     "container",
                                  HEX64,  "rootfs", "path", "linux", "default"};

static void no_id_makes_two_configurations_equal(void **state)
{
    struct digests d;
    (void)state;
    for (size_t n = 0; n < ROWS(ids); n++) {
        measure_places(strcmp(ids[n], "container") == 0 ? "other" : ids[n], ids[n], &d);
        for (size_t i = 0; i < ROWS(places); i++)
            for (size_t j = 0; j < i; j++)
                if (memcmp(d.d[i], d.d[j], CMC_SHA256_LEN) == 0)
                    fail_msg("id %s: %s and %s are equal", ids[n], places[i], places[j]);
    }
}

/* Under one id, two texts that differ make two digests, in every place. */
static void every_character_counts(void **state)
{
    struct digests one, two;
    (void)state;
    for (size_t n = 0; n < ROWS(ids); n++) {
        measure_places("one", ids[n], &one);
        measure_places(ids[n], ids[n], &two);
        for (size_t i = 0; i < ROWS(places); i++)
            assert_int_equal(memcmp(one.d[i], two.d[i], CMC_SHA256_LEN) == 0,
                             strstr(places[i], "%s") == NULL);
    }
}

/* Only the listed places forget which id it was. */
static void listed_places_forget_the_id(void **state)
{
    struct digests one, two;
    (void)state;
    measure_places("one", "one", &one);
    measure_places("two", "two", &two);
    for (size_t i = 0; i < ROWS(places); i++) {
        bool listed = strstr(places[i], "cgroupsPath") || !strstr(places[i], "%s") ||
                      strstr(places[i], "source\":\"" CRI "sandboxes/%s") ||
                      strstr(places[i], "source\":\"" CRI "containers/%s");
        assert_int_equal(memcmp(one.d[i], two.d[i], CMC_SHA256_LEN) == 0, listed);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].in, run_row, NULL, NULL, &rows[i]};
    const struct CMUnitTest more[] = {cmocka_unit_test(no_id_makes_two_configurations_equal),
                                      cmocka_unit_test(every_character_counts),
                                      cmocka_unit_test(listed_places_forget_the_id)};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("measure/config_detail", tests, NULL, NULL);
}
