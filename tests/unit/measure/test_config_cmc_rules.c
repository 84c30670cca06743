/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_cmc_rules.c -- hooks, mounts and forgotten members, and which
 * arrays are sorted, and by what. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_cmc.h"
#include "tests/lib/rows.h"

#define REST     "\"ociVersion\":\"\",\"process\":{\"cwd\":\"\",\"user\":{\"gid\":0,\"uid\":0}}"
#define HOOKS(m) "{\"process\":{},\"hooks\":{\"prestart\":[" m "]}}"
#define HF(m)    "{\"hooks\":{\"prestart\":[" m "]}," REST "}"
#define ARGS(m)  HOOKS("{\"path\":\"/x\",\"args\":[" m "]}")
#define AF(m)    HF("{\"args\":[" m "],\"path\":\"/x\"}")
#define MOUNT(s) "{\"process\":{},\"mounts\":[{\"source\":\"" s "\"}]}"
#define MF(s)    "{\"mounts\":[{\"destination\":\"\",\"source\":\"" s "\"}]," REST "}"
#define KATA     "/run/kata-containers/shared/containers/"
#define L(m)     "{\"process\":{},\"linux\":{" m "}}"
#define LF(m)    "{\"linux\":{" m "}," REST "}"
#define CALLS(m) L("\"seccomp\":{\"syscalls\":[" m "]}")
#define CF(m)    LF("\"seccomp\":{\"defaultAction\":\"\",\"syscalls\":[" m "]}")
#define C(a, n)  "{\"action\":\"" a "\",\"names\":[" n "]}"
#define DEVS(m)  L("\"resources\":{\"devices\":[" m "]}")
#define DF(m)    LF("\"resources\":{\"devices\":[" m "]}")
#define D(n)     "{\"access\":\"" n "\",\"allow\":false"

struct row {
    const char *json, *form; /* the id is web1 */
};

static struct row rows[] = {
    /* hooks */
    {HOOKS("{\"path\":\"/proc/7/exe\"},{\"path\":\"/bin/web1\"}"),
     HF("{\"path\":\"/usr/bin/dockerd\"},{\"path\":\"/bin/<container-id>\"}")},
    {HOOKS("{\"path\":\"/odd\"}"), HF("{\"path\":\"/\ufffd\"}")},
    {"{\"process\":{},\"hooks\":{\"poststop\":[{\"path\":\"missing\",\"args\":[\"libnetwork-"
     "setkey\","
     "\"\",\"\",\"0123456789ab\"]}],\"createRuntime\":[{}]}}",
     "{\"hooks\":{\"createRuntime\":[{\"path\":\"\"}],\"poststop\":[{\"args\":[\"libnetwork-"
     "setkey\","
     "\"\",\"\",\"0123456789ab\"],\"path\":\"missing\"}]}," REST "}"},
    {ARGS("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789aB\",\"0123456789ab\""),
     AF("\"libnetwork-setkey\",\"a\",\"b\",\"<docker-network-controller-id>\",\"0123456789ab\"")},
    {ARGS("\"libnetwork-setkex\",\"a\",\"b\",\"0123456789ab\""),
     AF("\"libnetwork-setkex\",\"a\",\"b\",\"0123456789ab\"")},
    {ARGS("\"libnetwork-setkey\\u0000\",\"a\",\"b\",\"0123456789ab\""),
     AF("\"libnetwork-setkey\\u0000\",\"a\",\"b\",\"0123456789ab\"")},
    {ARGS("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789ag\""),
     AF("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789ag\"")},
    {ARGS("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789a\""),
     AF("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789a\"")},
    {ARGS("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789a\\u0000\""),
     AF("\"libnetwork-setkey\",\"a\",\"b\",\"0123456789a\\u0000\"")},
    {ARGS("\"libnetwork-setkey\",\"a\",\"0123456789ab\""),
     AF("\"libnetwork-setkey\",\"a\",\"0123456789ab\"")},
    /* a hidden element is no fourth argument */
    {HOOKS("{\"path\":\"/x\",\"args\":[\"libnetwork-setkey\",\"a\",\"b\",\"0123456789ab\"],"
           "\"args\":[null,null,null],\"env\":[\"b\",\"a\"],\"timeout\":0}"),
     HF("{\"args\":[\"libnetwork-setkey\",\"a\",\"b\"],\"env\":[\"b\",\"a\"],\"path\":\"/x\","
        "\"timeout\":0}")},
    /* hidden hooks are not resolved */
    {"{\"process\":{},\"hooks\":{\"prestart\":[{\"path\":\"/"
     "x\"},{\"path\":\"missing\"}],\"prestart\":"
     "[{}]}}",
     HF("{\"path\":\"/x\"}")},
    /* forgotten */
    {"{\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":1,\"width\":2}},\"hostname\":"
     "\"h\","
     "\"annotations\":{\"a\":\"b\"},\"root\":{\"path\":\"r\",\"readonly\":true}}",
     "{" REST "}"},
    {"{\"process\":{},\"domainname\":\"d\"}", "{\"domainname\":\"d\"," REST "}"},
    /* mounts */
    {MOUNT("/var/lib/docker/volumes/x/_data"), MF("<docker-volume>")},
    {MOUNT("/var/lib/docker/volumes/"), MF("<docker-volume>")},
    {MOUNT("/var/lib/docker/volumes"), MF("/var/lib/docker/volumes")},
    {MOUNT("x/var/lib/docker/volumes/"), MF("x/var/lib/docker/volumes/")},
    {MOUNT(KATA "web1-0123456789abcdef-resolv.conf"),
     MF(KATA "<container-id>-0123456789abcdef-resolv.conf")},
    {MOUNT(KATA "web1-0123456789abcdef-h"), MF(KATA "<container-id>-<kata-mount-hash>-h")},
    {MOUNT(KATA "web1-0123456789abcdef-hosts-2"),
     MF(KATA "<container-id>-<kata-mount-hash>-hosts-2")},
    {MOUNT(KATA "web1-0123456789abcdef-2hosts"), MF(KATA "<container-id>-0123456789abcdef-2hosts")},
    {MOUNT(KATA "web1-0123456789abcdef-"), MF(KATA "<container-id>-0123456789abcdef-")},
    {MOUNT(KATA "web1-0123456789abcdef"), MF(KATA "<container-id>-0123456789abcdef")},
    {MOUNT(KATA "web1-0123456789abcdeF-h"), MF(KATA "<container-id>-0123456789abcdeF-h")},
    {MOUNT(KATA "web1-0123456789abcde-h"), MF(KATA "<container-id>-0123456789abcde-h")},
    {MOUNT(KATA "web1-0123456789abcdef0-h"), MF(KATA "<container-id>-0123456789abcdef0-h")},
    {MOUNT(KATA "web1-0123456789abcdef-h\\n"), MF(KATA "<container-id>-0123456789abcdef-h\\n")},
    {MOUNT(KATA "web1-0123456789abcdef-h\\u0000"),
     MF(KATA "<container-id>-0123456789abcdef-h\\u0000")},
    {MOUNT(KATA "web2-0123456789abcdef-h"), MF(KATA "web2-0123456789abcdef-h")},
    /* sorted, after the sources were replaced */
    {"{\"process\":{},\"mounts\":[{\"source\":\"/var/lib/docker/volumes/"
     "z\",\"type\":\"1\"},{\"source\":"
     "\"b\",\"destination\":\"2\"},{\"source\":\"b\",\"destination\":\"1\"},{\"destination\":\"z\"}"
     ",{"
     "\"source\":\"/var/lib/docker/volumes/a\",\"type\":\"2\"}]}",
     "{\"mounts\":[{\"destination\":\"z\"},{\"destination\":\"\",\"source\":\"<docker-volume>\","
     "\"type\":"
     "\"1\"},{\"destination\":\"\",\"source\":\"<docker-volume>\",\"type\":\"2\"},{\"destination\":"
     "\"1\","
     "\"source\":\"b\"},{\"destination\":\"2\",\"source\":\"b\"}]," REST "}"},
    {"{\"process\":{\"env\":[\"b\",\"\u00e9\",\"a\\u0000\",\"a\",\"B\",\"\"],\"args\":[\"b\",\"a\"]"
     ","
     "\"capabilities\":{\"bounding\":[\"b\",\"a\"],\"effective\":[\"b\",\"a\"],\"inheritable\":["
     "\"b\","
     "\"a\"],\"permitted\":[\"b\",\"a\"],\"ambient\":[\"b\",\"a\"]},\"rlimits\":[{\"type\":\"b\"},{"
     "\"type\":\"a\"}]}}",
     "{\"ociVersion\":\"\",\"process\":{\"args\":[\"b\",\"a\"],\"capabilities\":{\"ambient\":["
     "\"a\",\"b\"]"
     ",\"bounding\":[\"a\",\"b\"],\"effective\":[\"a\",\"b\"],\"inheritable\":[\"a\",\"b\"],"
     "\"permitted\":[\"a\",\"b\"]},\"cwd\":\"\",\"env\":[\"\",\"B\",\"a\",\"a\\u0000\",\"b\","
     "\"\u00e9\"],"
     "\"rlimits\":[{\"hard\":0,\"soft\":0,\"type\":\"b\"},{\"hard\":0,\"soft\":0,\"type\":\"a\"}],"
     "\"user\":{\"gid\":0,\"uid\":0}}}"},
    {L("\"maskedPaths\":[\"b\",\"a\"],\"readonlyPaths\":[\"d\",\"c\"],\"devices\":[{\"path\":\"b\"}"
       ",{"
       "\"path\":\"a\"}],\"namespaces\":[{\"type\":\"b\",\"path\":\"1\"},{\"path\":\"9\"},{"
       "\"type\":\"b\","
       "\"path\":\"0\"},{\"type\":\"a\"}]"),
     LF("\"devices\":[{\"major\":0,\"minor\":0,\"path\":\"b\",\"type\":\"\"},{\"major\":0,"
        "\"minor\":0,"
        "\"path\":\"a\",\"type\":\"\"}],\"maskedPaths\":[\"a\",\"b\"],\"namespaces\":[{\"path\":"
        "\"9\","
        "\"type\":\"\"},{\"type\":\"a\"},{\"path\":\"1\",\"type\":\"b\"},{\"path\":\"0\",\"type\":"
        "\"b\"}],"
        "\"readonlyPaths\":[\"c\",\"d\"]")},
    /* a missing number is -1: equal to a given one, before 0, behind -2 */
    {DEVS(D("1") ",\"type\":\"c\",\"major\":0}," D("2") ",\"type\":\"c\"}," D(
         "3") ",\"type\":\"c\",\"major\":-1}," D("4") ",\"type\":\"c\",\"major\":-2}," D("5") "}"),
     DF(D("5") "}," D("4") ",\"major\":-2,\"type\":\"c\"}," D("2") ",\"type\":\"c\"}," D(
         "3") ",\"major\":-1,\"type\":\"c\"}," D("1") ",\"major\":0,\"type\":\"c\"}")},
    {DEVS(D("1") ",\"major\":1,\"minor\":5}," D("2") ",\"major\":1}," D(
         "3") ",\"major\":1,\"minor\":3}"),
     DF(D("2") ",\"major\":1}," D("3") ",\"major\":1,\"minor\":3}," D(
         "1") ",\"major\":1,\"minor\":5}")},
    {DEVS(D("1") ",\"major\":9223372036854775807}," D("2") ",\"major\":-9223372036854775808}"),
     DF(D("2") ",\"major\":-9223372036854776000}," D("1") ",\"major\":9223372036854776000}")},
    {L("\"seccomp\":{\"architectures\":[\"b\",\"a\"],\"flags\":[\"d\",\"c\"]}"),
     LF("\"seccomp\":{\"architectures\":[\"a\",\"b\"],\"defaultAction\":\"\",\"flags\":[\"c\","
        "\"d\"]}")},
    /* by sorted names joined with commas, then by action */
    {CALLS(C("z", "\"b\",\"a\"") "," C("y", "\"a,b\"") "," C("x", "\"a\"") "," C("w", "")),
     CF(C("w", "") "," C("x", "\"a\"") "," C("y", "\"a,b\"") "," C("z", "\"a\",\"b\""))},
    {CALLS(C("2", "\"a\",\"\"") "," C("1", "\",a\"") "," C("1", "\"+\"")),
     CF(C("1", "\"+\"") "," C("1", "\",a\"") "," C("2", "\"\",\"a\""))},
    /* five equal keys of thirteen: as Go's unstable sort leaves them */
    {CALLS("{\"names\":[\"p\"],\"errnoRet\":0},{\"names\":[\"p\"],\"errnoRet\":1},"
           "{\"names\":[\"p\"],\"errnoRet\":2},{\"names\":[\"p\"],\"errnoRet\":3},"
           "{\"names\":[\"p\"],\"errnoRet\":4},{\"names\":[\"a\"]},{\"names\":[\"z\"]},"
           "{\"names\":[\"b\"]},{\"names\":[\"y\"]},{\"names\":[\"c\"]},{\"names\":[\"x\"]},"
           "{\"names\":[\"d\"]},{\"names\":[\"w\"]}"),
     CF("{\"action\":\"\",\"names\":[\"a\"]},{\"action\":\"\",\"names\":[\"b\"]},{\"action\":\"\","
        "\"names\":"
        "[\"c\"]},{\"action\":\"\",\"names\":[\"d\"]},"
        "{\"action\":\"\",\"errnoRet\":3,\"names\":[\"p\"]},{\"action\":\"\",\"errnoRet\":4,"
        "\"names\":[\"p\"]},"
        "{\"action\":\"\",\"errnoRet\":0,\"names\":[\"p\"]},{\"action\":\"\",\"errnoRet\":2,"
        "\"names\":[\"p\"]},"
        "{\"action\":\"\",\"errnoRet\":1,\"names\":[\"p\"]},"
        "{\"action\":\"\",\"names\":[\"w\"]},{\"action\":\"\",\"names\":[\"x\"]},{\"action\":\"\","
        "\"names\":"
        "[\"y\"]},{\"action\":\"\",\"names\":[\"z\"]}")},
};

static int resolve(void *ctx, const char *path, char *out, struct cmc_err *err)
{
    (void)ctx;
    if (strcmp(path, "/missing") == 0)
        return cmc_fail(err, CMC_E_SYS, "resolve");
    if (strcmp(path, "/long") == 0) {
        memset(out, 'x', PATH_MAX - 1);
        out[PATH_MAX - 1] = '\0';
        return 0;
    }
    if (strncmp(path, "/proc/", 6) == 0)
        path = "/usr/bin/dockerd";
    (void)snprintf(out, PATH_MAX, "%s", strcmp(path, "/odd") == 0 ? "/\xff" : path);
    return 0;
}

static int measure(const char *json, measure_resolve_fn *how, struct measure_config *out,
                   struct cmc_err *err)
{
    const struct measure_config_cmc_opts opts = {.container_id = "web1", .resolve = how};
    *err = (struct cmc_err){0};
    return measure_config_cmc(json, strlen(json), &opts, out, err);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct measure_config c = {0};
    struct cmc_err err;
    if (measure(t->json, resolve, &c, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_put_u8(&c.detail, 0);
    assert_string_equal((const char *)c.detail.data, t->form);
    measure_config_done(&c);
}

static void hooks_that_lead_nowhere_are_errors(void **state)
{
    static const struct {
        const char *json;
        measure_resolve_fn *how;
        int code;
        const char *text;
    } refused[] = {
        {HOOKS("{}"), resolve, CMC_E_FORMAT, "a prestart hook without an absolute path"},
        {HOOKS("null"), resolve, CMC_E_FORMAT, "a prestart hook without an absolute path"},
        {HOOKS("{\"path\":\"\"}"), resolve, CMC_E_FORMAT, "without an absolute path"},
        {HOOKS("{\"path\":\"bin/x\"}"), resolve, CMC_E_FORMAT, "without an absolute path"},
        {HOOKS("{\"path\":\"/x\\u0000\"}"), resolve, CMC_E_FORMAT, "without an absolute path"},
        {HOOKS("{\"path\":\"/x\"},{\"path\":\"/missing\"}"), resolve, CMC_E_SYS,
         "config.json as CMC reads it: prestart hook /missing: resolve"},
        {HOOKS("{\"path\":\"/x\\u001b[2J\"}"), NULL, CMC_E_USAGE,
         "prestart hook /x\\x1b[2J: its path is resolved on"}};
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        struct measure_config c, poison;
        struct cmc_err err;
        memset(&poison, 0xaa, sizeof(poison));
        memcpy(&c, &poison, sizeof(c));
        assert_int_equal(measure(refused[i].json, refused[i].how, &c, &err), -refused[i].code);
        if (!strstr(err.msg, refused[i].text))
            fail_msg("%s", err.msg);
        assert_memory_equal(&c, &poison, sizeof(c));
    }
}

/* Short paths that lead to long ones: memory has a limit, too. */
static void resolved_paths_have_a_limit(void **state)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(1 << 20);
    struct measure_config c;
    struct cmc_err err;
    (void)state;
    cmc_put_text(&json, "{\"process\":{},\"hooks\":{\"prestart\":[{\"path\":\"/long\"}");
    for (size_t i = 0; i < 1024; i++)
        cmc_put_text(&json, ",{\"path\":\"/long\"}");
    cmc_put_text(&json, "]}}");
    cmc_put_u8(&json, 0);
    assert_int_equal(measure((const char *)json.data, resolve, &c, &err), -CMC_E_LIMIT);
    assert_non_null(strstr(err.msg, "resolved paths"));
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2] = {cmocka_unit_test(hooks_that_lead_nowhere_are_errors),
                                               cmocka_unit_test(resolved_paths_have_a_limit)};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 2] = (struct CMUnitTest){rows[i].json, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("measure/config_cmc_rules", tests, NULL, NULL);
}
