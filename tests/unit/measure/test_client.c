/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_client.c -- members of the configurations that clients make, one by one;
 * whole ones are held against containerd by tests/integration/image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/client.h"
#include "tests/lib/rows.h"

enum { WORDS = 6, OUT_MAX = 1 << 20 };

static const char passwd[] = "root:x:0:0::/:/bin/sh\n app:x:1001:1002::/:\nodd:x:z:-1::/\n"
                             "twin:x:1001:7::/\n\nnear:x:99999999999999999999:5\n";
static const char group[] = "root:x:0:\napp:x:1002:app\nwheel:x:10:root,app\naudio:x:29:app\n";

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order that reads best */
struct row {
    const char *name;
    bool cri;
    const char *config;       /* of the image, inside "config" */
    const char *words[WORDS]; /* option, value, ... */
    const char *want;         /* part of the result, or of the error */
    int code;
};

#define ENV(list) "\"Env\":[" list "]"

static struct row rows[] = {
    {"default path",
     false,
     "",
     {NULL},
     "\"env\":[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"]",
     0},
    {"variables over the image's",
     false,
     ENV("\"A=1\",\"B=2\",\"A=3\""),
     {"env", "A=b", "env", "C=c"},
     "\"env\":[\"A=1\",\"B=2\",\"A=b\",\"C=c\"]",
     0},
    {"a name alone does nothing first",
     false,
     ENV("\"A=1\""),
     {"env", "A"},
     "\"env\":[\"A=1\"]",
     0},
    {"appended twice",
     false,
     ENV("\"A=1\""),
     {"env", "B=1", "env", "B=2"},
     "\"env\":[\"A=1\",\"B=1\",\"B=2\"]",
     0},
    {"empty ones go", false, ENV("\"A=1\",\"\""), {NULL}, "\"env\":[\"A=1\"]", 0},
    {"a terminal", false, ENV("\"A=1\""), {"tty", ""}, "\"env\":[\"A=1\",\"TERM=xterm\"]", 0},
    {"entrypoint and command",
     false,
     "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"]",
     {NULL},
     "\"args\":[\"/e\",\"c\"]",
     0},
    {"a command of one's own",
     false,
     "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"]",
     {"command", "/x"},
     "\"args\":[\"/x\"]",
     0},
    {"no arguments at all", false, "", {NULL}, "\"additionalGids\":[0,10]},\"env\"", 0},
    {"root's groups",
     false,
     "",
     {NULL},
     "\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[0,10]}",
     0},
    {"a user",
     false,
     "\"User\":\"app\"",
     {NULL},
     "\"user\":{\"uid\":1001,\"gid\":1002,\"additionalGids\":[1002,10,29]}",
     0},
    {"a uid of two names",
     false,
     "\"User\":\"twin\"",
     {NULL},
     "\"user\":{\"uid\":1001,\"gid\":7,\"additionalGids\":[7,10,29]}",
     0},
    {"a uid that nobody has",
     false,
     "\"User\":\"5\"",
     {NULL},
     "\"user\":{\"uid\":5,\"gid\":0,\"additionalGids\":[0]}",
     0},
    {"ids that are no numbers",
     false,
     "\"User\":\"odd\"",
     {NULL},
     "\"user\":{\"uid\":0,\"gid\":4294967295,\"additionalGids\":[4294967295,10]}",
     0},
    {"a number beyond 64 bits",
     false,
     "\"User\":\"near\"",
     {NULL},
     "\"user\":{\"uid\":4294967295,\"gid\":5",
     0},
    {"user and group",
     false,
     "\"User\":\"app:wheel\"",
     {NULL},
     "\"user\":{\"uid\":1001,\"gid\":10,\"additionalGids\":[10,29]}",
     0},
    {"numbers as they are",
     false,
     "\"User\":\"7:8\"",
     {NULL},
     "\"user\":{\"uid\":7,\"gid\":8,\"additionalGids\":[8]}",
     0},
    {"no such user", false, "\"User\":\"x\"", {NULL}, "no user \"x\"", -CMC_E_VERIFY},
    {"no such group", false, "\"User\":\"0:x\"", {NULL}, "no group \"x\"", -CMC_E_VERIFY},
    {"three parts", false, "\"User\":\"0:0:0\"", {NULL}, "more than two parts", -CMC_E_VERIFY},
    {"too large for a uid", false, "\"User\":\"2147483648\"", {NULL}, "no user", -CMC_E_VERIFY},
    {"shares", false, "", {"cpu-shares", "7"}, "\"cpu\":{\"shares\":7}", 0},
    {"processors", false, "", {"cpus", "0.5"}, "\"cpu\":{\"quota\":50000,\"period\":100000}", 0},
    {"processors that are none",
     false,
     "",
     {"cpus", "x"},
     "--cpus \"x\" is no number",
     -CMC_E_USAGE},
    {"a quota of 0", false, "", {"cpu-quota", "0"}, "\"cpu\":{\"quota\":0,\"period\":0}", 0},
    {"a quota that is none", false, "", {"cpu-quota", "1x"}, "--cpu-quota \"1x\"", -CMC_E_USAGE},
    {"both", false, "", {"cpus", "1", "cpu-quota", "1"}, "--cpus goes neither", -CMC_E_USAGE},
    {"memory", false, "", {"memory-limit", "5"}, "\"memory\":{\"limit\":5}", 0},
    {"a mount",
     false,
     "",
     {"mount", "type=t,src=/s,dst=/d,options=a:b"},
     ",{\"destination\":\"/d\",\"type\":\"t\",\"source\":\"/s\",\"options\":[\"a\",\"b\"]}]",
     0},
    {"a mount of little",
     false,
     "",
     {"mount", "dst=/d,options="},
     ",{\"destination\":\"/d\",\"options\":[\"\"]}]",
     0},
    {"a mount that is none",
     false,
     "",
     {"mount", "type=bind,ro"},
     "\"ro\" is not type=",
     -CMC_E_USAGE},
    {"a mount with quotes", false, "", {"mount", "src=\"a\""}, "quotes", -CMC_E_USAGE},
    {"the host's network",
     false,
     ENV("\"HOSTNAME=i\""),
     {"net-host", "", "host-name", "h"},
     "\"env\":[\"HOSTNAME=h\"]",
     0},
    {"the host's network, its name unknown",
     false,
     "",
     {"net-host", ""},
     "needs --host-name",
     -CMC_E_USAGE},
    {"capabilities",
     false,
     "",
     {"cap-add", "CAP_X", "cap-drop", "CAP_KILL", "cap-drop", "CAP_CHOWN"},
     "\"bounding\":[\"CAP_DAC_OVERRIDE\",\"CAP_FSETID\",\"CAP_FOWNER\",\"CAP_MKNOD\",\"CAP_NET_"
     "RAW\","
     "\"CAP_SETGID\",\"CAP_SETUID\",\"CAP_SETFCAP\",\"CAP_SETPCAP\",\"CAP_NET_BIND_SERVICE\","
     "\"CAP_SYS_CHROOT\",\"CAP_AUDIT_WRITE\",\"CAP_X\"]",
     0},
    {"ALL is for pods", false, "", {"cap-drop", "ALL"}, "does not begin with CAP_", -CMC_E_USAGE},
    {"annotations",
     false,
     "",
     {"annotation", "a=b", "label", "a=c", "label", "d"},
     "\"annotations\":{\"a\":\"c\",\"d\":\"true\"}",
     0},
    {"an annotation without value",
     false,
     "",
     {"annotation", "a"},
     "is not NAME=VALUE",
     -CMC_E_USAGE},
    {"a namespace",
     false,
     "",
     {"with-ns", "ipc:/a", "with-ns", "cgroup:/b"},
     "{\"type\":\"ipc\",\"path\":\"/"
     "a\"},{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"network\"},"
     "{\"type\":\"cgroup\",\"path\":\"/b\"}]",
     0},
    {"a namespace that is none",
     false,
     "",
     {"with-ns", "net:/a"},
     "is not TYPE:PATH",
     -CMC_E_USAGE},
    {"a control group", false, "", {NULL}, "\"cgroupsPath\":\"/ns/id\"", 0},
    {"a user is for pods", false, "", {"user", "0"}, "has no --user", -CMC_E_USAGE},
    {"pod: variables",
     true,
     "\"Cmd\":[\"c\"]," ENV("\"A=1\",\"HOSTNAME=i\""),
     {"env", "A=2", "tty", ""},
     "bin\",\"TERM=xterm\",\"HOSTNAME=i\",\"A=1\",\"A=2\"]",
     0},
    {"pod: a command and an argument",
     true,
     "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"]",
     {"command", "/x", "arg", "-y"},
     "\"args\":[\"/x\",\"-y\"]",
     0},
    {"pod: an argument",
     true,
     "\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"]",
     {"arg", "-y"},
     "\"args\":[\"/e\",\"-y\"]",
     0},
    {"pod: no command", true, "\"Entrypoint\":[\"\"]", {NULL}, "no command", -CMC_E_VERIFY},
    {"pod: root's groups for everyone",
     true,
     "\"Cmd\":[\"c\"],\"User\":\"app\"",
     {NULL},
     "\"user\":{\"uid\":1001,\"gid\":1002,\"additionalGids\":[10,1002]}",
     0},
    {"pod: a user",
     true,
     "\"Cmd\":[\"c\"]",
     {"user", "app:29"},
     "\"user\":{\"uid\":1001,\"gid\":29,\"additionalGids\":[10,29]}",
     0},
    {"pod: all capabilities but one",
     true,
     "\"Cmd\":[\"c\"]",
     {"cap-drop", "ALL", "cap-add", "CAP_X"},
     "\"capabilities\":{\"bounding\":[\"CAP_X\"],\"effective\":[\"CAP_X\"],\"permitted\":[\"CAP_"
     "X\"]}",
     0},
    {"pod: resources",
     true,
     "\"Cmd\":[\"c\"]",
     {"memory-limit", "5"},
     "\"cpu\":{},\"memory\":{\"limit\":5,\"swap\":5}}",
     0},
    {"pod: score", true, "\"Cmd\":[\"c\"]", {"oom-score-adj", "-998"}, "\"oomScoreAdj\":-998", 0},
    {"pod: a score beyond",
     true,
     "\"Cmd\":[\"c\"]",
     {"oom-score-adj", "1001"},
     "takes -1000 to 1000",
     -CMC_E_USAGE},
    {"pod: mounts by depth",
     true,
     "\"Cmd\":[\"c\"]",
     {"mount", "src=/s,dst=/a/b/c,options=ro:rslave", "mount", "src=/t,dst=/z"},
     "{\"destination\":\"/z\",\"type\":\"bind\",\"source\":\"/"
     "t\",\"options\":[\"rbind\",\"rprivate\",\"rw\"]},"
     "{\"destination\":\"/etc/hostname\"",
     0},
    {"pod: the deepest last",
     true,
     "\"Cmd\":[\"c\"]",
     {"mount", "src=/s,dst=/a/b/c,options=ro:rslave", "mount", "src=/t,dst=/z"},
     "\"source\":\"/s\",\"options\":[\"rbind\",\"rslave\",\"ro\"]}]",
     0},
    {"pod: propagation",
     true,
     "\"Cmd\":[\"c\"]",
     {"mount", "src=/s,dst=/a,options=rshared"},
     "\"rootfsPropagation\":\"rshared\"",
     0},
    {"pod: a mount that is no bind",
     true,
     "\"Cmd\":[\"c\"]",
     {"mount", "type=tmpfs,src=a,dst=/a"},
     "are binds",
     -CMC_E_USAGE},
    {"pod: an option of a mount",
     true,
     "\"Cmd\":[\"c\"]",
     {"mount", "src=/s,dst=/a,options=noexec"},
     "option \"noexec\" is not",
     -CMC_E_USAGE},
    {"pod: its control group",
     true,
     "\"Cmd\":[\"c\"]",
     {"cgroup-parent", "/a/b.slice"},
     "\"cgroupsPath\":\"b.slice:cri-containerd:id\"",
     0},
    {"pod: its own annotations",
     true,
     "\"Cmd\":[\"c\"]",
     {"annotation", "io.kubernetes.cri.x=y"},
     "of a client's own",
     -CMC_E_USAGE},
    {"pod: what is ctr's", true, "\"Cmd\":[\"c\"]", {"label", "a"}, "are ctr's", -CMC_E_USAGE},
    {"pod: no name",
     true,
     "\"Cmd\":[\"c\"]",
     {"image-name", NULL},
     "needs --image-name",
     -CMC_E_USAGE},
};

static void push(struct cmc_opt_list *list, const char *value)
{
    list->at[list->count++] = value;
}

static void set_text(struct measure_client_opts *o, const char *name, const char *value)
{
    const struct {
        const char *name, **to;
    } texts[] = {{"host-name", &o->host_name},         {"cpus", &o->cpus},
                 {"cpu-quota", &o->cpu_quota},         {"user", &o->user},
                 {"oom-score-adj", &o->oom_score_adj}, {"cgroup-parent", &o->cgroup_parent},
                 {"image-name", &o->image_name}};
    const struct {
        const char *name;
        struct cmc_opt_list *to;
    } lists[] = {
        {"env", &o->env},         {"mount", &o->mounts},    {"annotation", &o->annotations},
        {"label", &o->labels},    {"cap-add", &o->cap_add}, {"cap-drop", &o->cap_drop},
        {"with-ns", &o->with_ns}, {"arg", &o->args_more}};
    for (size_t i = 0; i < ROWS(texts); i++)
        if (strcmp(texts[i].name, name) == 0)
            *texts[i].to = value;
    for (size_t i = 0; i < ROWS(lists); i++)
        if (strcmp(lists[i].name, name) == 0)
            push(lists[i].to, value);
}

static void set(struct measure_client_opts *o, const char *name, const char *value)
{
    static char *command[1];
    set_text(o, name, value);
    if (strcmp(name, "tty") == 0)
        o->tty = true;
    if (strcmp(name, "net-host") == 0)
        o->net_host = true;
    if (strcmp(name, "cpu-shares") == 0)
        o->cpu_shares = strtoull(value, NULL, 10);
    if (strcmp(name, "memory-limit") == 0)
        o->memory_limit = strtoull(value, NULL, 10);
    if (strcmp(name, "command") == 0) {
        free(command[0]);
        command[0] = strdup(value);
        o->args = command;
        o->arg_count = 1;
    }
    o->resources = o->cpu_shares || o->memory_limit || o->oom_score_adj;
}

static void run_row(void **state)
{
    const struct row *r = *state;
    struct measure_client_opts *o = calloc(1, sizeof(*o));
    struct measure_oci_config *config = calloc(1, sizeof(*config));
    cmc_autobuf struct cmc_buf text = cmc_buf_of(OUT_MAX), out = cmc_buf_of(OUT_MAX);
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *top;
    struct cmc_err err = {0};
    assert_true(o && config);
    cmc_put_fmt(&text, "{\"config\":{%s},\"rootfs\":{\"diff_ids\":[]}}", r->config);
    assert_int_equal(measure_oci_config((const char *)text.data, text.len, config, &err), 0);
    const struct measure_client_image image = {
        .config = config,
        .passwd = {(const uint8_t *)passwd, sizeof(passwd) - 1},
        .group = {(const uint8_t *)group, sizeof(group) - 1},
    };
    *o = (struct measure_client_opts){.id = "id",
                                      .ns = "ns",
                                      .oci_version = "1",
                                      .pod = "p",
                                      .pod_ns = "n",
                                      .pod_uid = "u",
                                      .container = "c",
                                      .sandbox = "s",
                                      .sandbox_pid = "9",
                                      .root = "/r",
                                      .state = "/s",
                                      .image_name = "i",
                                      .cgroup_version = 2};
    for (size_t i = 0; i + 1 < WORDS && r->words[i]; i += 2)
        set(o, r->words[i], r->words[i + 1]);
    const int rc = (r->cri ? measure_client_cri : measure_client_ctr)(o, &image, &out, &err);
    cmc_put_u8(&out, 0);
    const char *got = rc < 0 ? err.msg : (const char *)out.data;
    if (rc != r->code || !strstr(got, r->want))
        fail_msg("%d: \"%s\" is not in \"%s\"", rc, r->want, got);
    if (rc == 0)
        assert_int_equal(cmc_json_parse((const char *)out.data, out.len - 1, &doc, &top, &err), 0);
    measure_oci_config_done(config);
    free(config);
    free(o);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t n = 0; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){
            .name = rows[n].name, .test_func = run_row, .initial_state = &rows[n]};
    return cmocka_run_group_tests_name("measure/client", tests, NULL, NULL);
}
