/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_cmc_read.c -- what Go's decoder and encoder make of a text: names,
 * repeated members, null, numbers, what is left out; each row was checked against Go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_cmc.h"
#include "tests/lib/rows.h"

#define REST    "\"ociVersion\":\"\",\"process\":{\"cwd\":\"\",\"user\":{\"gid\":0,\"uid\":0}}"
#define DOC(m)  "{\"process\":{}," m "}"
#define FORM(m) "{" m "," REST "}"
#define P(m)    "{\"ociVersion\":\"\",\"process\":{" m "}}"
#define L(m)    "{\"process\":{},\"linux\":{" m "}}"
#define LF(m)   "{\"linux\":{" m "}," REST "}"
#define W(m)    "{\"process\":{},\"windows\":{\"credentialSpec\":" m "}}"
#define WF(m)   "{" REST ",\"windows\":{\"credentialSpec\":" m ",\"layerFolders\":null}}"
#define U(m)    "\"user\":{" m "}"
#define U0      U("\"gid\":0,\"uid\":0")

struct row {
    const char *json, *form;
};

static struct row rows[] = {
    {"{\"process\":{}}", "{" REST "}"},
    {" \t\r\n{ \"process\" : { } } \n", "{" REST "}"},
    /* names: exactly, else by fold; unlisted ones are dropped, whatever they hold */
    {"{\"PROCESS\":{\"CWD\":\"/\"}}", P("\"cwd\":\"/\"," U0)},
    {"{\"proce\u017fs\":{\"u\\u017fer\":{\"UID\":5}}}",
     P("\"cwd\":\"\"," U("\"gid\":0,\"uid\":5"))},
    {"{\"process\":{\"a\":[{}],\"cwd \":1,\"c\":null,\"cw\\u0064\":\"/\"}}",
     P("\"cwd\":\"/\"," U0)},
    {"{\"process\":{\"cwd\\u0000\":1,\"\":2,\"\xff\":3}}", P("\"cwd\":\"\"," U0)},
    {DOC("\"x\":{\"process\":{\"cwd\":5},\"x\":1e999,\"y\":[\"\\ud800\",-0.5,{}]}"), "{" REST "}"},
    {L("\"Resources\":{\"RDMA\":{\"K\":{\"HCAhandles\":1},\"k\":{}}}"),
     LF("\"resources\":{\"rdma\":{\"K\":{\"hcaHandles\":1},\"k\":{}}}")},
    {L("\"mas\u212aedPaths\":[\"x\"]"), LF("\"maskedPaths\":[\"x\"]")},
    /* again: scalars are replaced, structs merge, also in another spelling and order */
    {"{\"process\":{\"cwd\":\"/a\",\"CWD\":\"/b\"}}", P("\"cwd\":\"/b\"," U0)},
    {"{\"process\":{\"CWD\":\"/b\",\"cwd\":\"/a\"}}", P("\"cwd\":\"/a\"," U0)},
    {"{\"process\":{\"cwd\":\"/"
     "\"},\"process\":{\"user\":{\"uid\":1}},\"process\":{\"user\":{\"gid\":"
     "2}}}",
     P("\"cwd\":\"/\"," U("\"gid\":2,\"uid\":1"))},
    {"{\"process\":{\"cwd\":\"/\"},\"process\":null,\"process\":{}}", "{" REST "}"},
    {"{\"process\":{\"oomScoreAdj\":5,\"oomScoreAdj\":null,\"user\":{\"uid\":5},\"user\":null}}",
     P("\"cwd\":\"\"," U("\"gid\":0,\"uid\":5"))},
    {"{\"process\":{\"user\":{\"uid\":5,\"uid\":null,\"umask\":1,\"umask\":null}}}",
     P("\"cwd\":\"\"," U("\"gid\":0,\"uid\":5"))},
    {"{\"process\":{\"noNewPrivileges\":true,\"noNewPrivileges\":null,\"cwd\":\"/\",\"cwd\":null}}",
     P("\"cwd\":\"/\",\"noNewPrivileges\":true," U0)},
    /* arrays reuse their elements, also hidden ones */
    {"{\"process\":{\"args\":[\"a\",\"b\"],\"args\":[null]}}",
     P("\"args\":[\"a\"],\"cwd\":\"\"," U0)},
    {"{\"process\":{\"args\":[\"a\",\"b\",\"c\"],\"args\":[\"x\"],\"args\":[null,null,null,null]}}",
     P("\"args\":[\"x\",\"b\",\"c\",\"\"],\"cwd\":\"\"," U0)},
    {"{\"process\":{\"args\":[\"a\"],\"args\":[],\"args\":[null]}}",
     P("\"args\":[\"\"],\"cwd\":\"\"," U0)},
    {"{\"process\":{\"args\":[\"a\"],\"args\":null,\"args\":[null]}}",
     P("\"args\":[\"\"],\"cwd\":\"\"," U0)},
    {DOC("\"mounts\":[{\"type\":\"a\",\"options\":[\"o\"]},{\"type\":\"b\"}],\"mounts\":[{}],"
         "\"Mounts\":[null,{\"source\":\"s\"}]"),
     "{\"mounts\":[{\"destination\":\"\",\"options\":[\"o\"],\"type\":\"a\"},{\"destination\":\"\","
     "\"source\":\"s\",\"type\":\"b\"}]," REST "}"},
    {L("\"devices\":[{\"uid\":1,\"minor\":5},{\"uid\":2}],\"devices\":[{\"gid\":3,\"uid\":null}]"),
     LF("\"devices\":[{\"gid\":3,\"major\":0,\"minor\":5,\"path\":\"\",\"type\":\"\"}]")},
    /* hidden elements are neither sorted nor written */
    {"{\"process\":{\"env\":[\"z\",\"a\",\"b\"],\"env\":[null,\"c\"]}}",
     P("\"cwd\":\"\",\"env\":[\"c\",\"z\"]," U0)},
    /* maps keep names, and replace values */
    {L("\"sysctl\":{\"a\":\"1\",\"b\":\"2\"},\"sysctl\":{\"b\":null,\"c\":\"3\",\"c\":\"4\"}"),
     LF("\"sysctl\":{\"a\":\"1\",\"b\":\"\",\"c\":\"4\"}")},
    {L("\"sysctl\":{\"a\":\"1\"},\"sysctl\":null,\"sysctl\":{\"b\":\"\"}"),
     LF("\"sysctl\":{\"b\":\"\"}")},
    {L("\"timeOffsets\":{\"x\":{\"secs\":5}},\"timeOffsets\":{\"x\":{\"nanosecs\":1},\"y\":null}"),
     LF("\"timeOffsets\":{\"x\":{\"nanosecs\":1},\"y\":{}}")},
    {L("\"sysctl\":{\"\\uffff\":\"1\",\"\\ud800\\udc00\":\"2\",\"\xff\":\"3\",\"\\udddd\":\"4\","
       "\"A\":\"5\",\"\":\"6\"}"),
     LF("\"sysctl\":{\"\":\"6\",\"A\":\"5\",\"\U00010000\":\"2\",\"\ufffd\":\"4\",\"\uffff\":"
        "\"1\"}")},
    /* integers: ranges, as doubles, -0 */
    {"{\"process\":{\"rlimits\":[{\"hard\":18446744073709551615,\"soft\":9007199254740993}]}}",
     P("\"cwd\":\"\",\"rlimits\":[{\"hard\":18446744073709552000,\"soft\":9007199254740992,"
       "\"type\":"
       "\"\"}]," U0)},
    {L("\"resources\":{\"memory\":{\"limit\":9223372036854775807,\"swap\":-9223372036854775808,"
       "\"kernel\":-0,\"reservation\":-1}}"),
     LF("\"resources\":{\"memory\":{\"kernel\":0,\"limit\":9223372036854776000,\"reservation\":-1,"
        "\"swap\":-9223372036854776000}}")},
    {"{\"process\":{\"user\":{\"uid\":4294967295},\"scheduler\":{\"nice\":-2147483648,\"priority\":"
     "-0}}}",
     P("\"cwd\":\"\",\"scheduler\":{\"nice\":-2147483648,\"policy\":\"\"}," U(
         "\"gid\":0,\"uid\":4294967295"))},
    {L("\"resources\":{\"blockIO\":{\"weight\":65535}}"),
     LF("\"resources\":{\"blockIO\":{\"weight\":65535}}")},
    /* what is left out, and what never is */
    {"{\"process\":{\"terminal\":true,\"args\":[],\"env\":[],\"rlimits\":[],\"capabilities\":{},"
     "\"oomScoreAdj\":0,\"noNewPrivileges\":false,\"commandLine\":\"\",\"scheduler\":{}}}",
     P("\"capabilities\":{},\"cwd\":\"\",\"oomScoreAdj\":0,\"scheduler\":{\"policy\":\"\"}," U0)},
    {L(""), LF("")},
    {L("\"sysctl\":{},\"devices\":[],\"namespaces\":null,\"resources\":{\"pids\":{},\"devices\":[{}"
       "],"
       "\"unified\":{},\"memory\":{\"disableOOMKiller\":false}}"),
     LF("\"resources\":{\"devices\":[{\"allow\":false}],\"memory\":{\"disableOOMKiller\":false},"
        "\"pids\":{}}")},
    {L("\"seccomp\":{\"syscalls\":[{},{\"names\":[]},{\"names\":null,\"errnoRet\":0,\"args\":[{}]}]"
       "}"),
     LF("\"seccomp\":{\"defaultAction\":\"\",\"syscalls\":[{\"action\":\"\",\"names\":null},{"
        "\"action\":\"\",\"names\":[]},{\"action\":\"\",\"args\":[{\"index\":0,\"op\":\"\","
        "\"value\":0}"
        "],\"errnoRet\":0,\"names\":null}]}")},
    {DOC("\"vm\":{\"hwconfig\":{\"iomems\":[{}]}}"),
     "{" REST
     ",\"vm\":{\"hwconfig\":{\"iomems\":[{\"firstMFN\":null,\"nrMFNs\":null}]},\"hypervisor\":"
     "{\"path\":\"\"},\"image\":{\"format\":\"\",\"path\":\"\"},\"kernel\":{\"path\":\"\"}}}"},
    {DOC("\"hooks\":{},\"zos\":{},\"freebsd\":{\"jail\":{\"enforceStatfs\":0}},\"solaris\":{}"),
     "{\"freebsd\":{\"jail\":{\"enforceStatfs\":0}},\"hooks\":{}," REST
     ",\"solaris\":{},\"zos\":{}}"},
    /* any */
    {W("null"), "{" REST ",\"windows\":{\"layerFolders\":null}}"},
    {W("{}"), WF("{}")},
    {W("[]"), WF("[]")},
    {W("\"\""), WF("\"\"")},
    {W("false"), WF("false")},
    {W("-0"), WF("0")},
    {W("{\"b\":1.50,\"a\":[null,true,1e2,-1E-7],\"b\":{\"\\u00e9\":1e-400},\"\":9007199254740993}"),
     WF("{\"\":9007199254740992,\"a\":[null,true,100,-1e-7],\"b\":{\"\u00e9\":0}}")},
    {"{\"process\":{},\"windows\":{\"credentialSpec\":{\"a\":1,\"x\":[1]},\"credentialSpec\":{"
     "\"b\":2}"
     ",\"layerFolders\":[]}}",
     "{" REST ",\"windows\":{\"credentialSpec\":{\"b\":2},\"layerFolders\":[]}}"},
    {"{\"process\":{},\"windows\":{\"credentialSpec\":{\"a\":1},\"credentialSpec\":null}}",
     "{" REST ",\"windows\":{\"layerFolders\":null}}"},
    /* texts */
    {"{\"process\":{\"cwd\":\"<>&'\u2028\x7f\\u0000\\u001f\\\"\\\\\\/"
     "\\b\\f\\n\\r\\t\\u00e9\xc3\"}}",
     P("\"cwd\":\"<>&'\u2028\x7f\\u0000\\u001f\\\"\\\\/\\b\\f\\n\\r\\t\u00e9\ufffd\"," U0)},
};

static int measure(const char *json, struct measure_config *out, struct cmc_err *err)
{
    const struct measure_config_cmc_opts opts = {.container_id = "no-such-id"};
    *err = (struct cmc_err){0};
    return measure_config_cmc(json, strlen(json), &opts, out, err); /* copies the text */
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct measure_config c = {0};
    struct cmc_err err;
    uint8_t digest[CMC_SHA256_LEN];
    if (measure(t->json, &c, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_put_u8(&c.detail, 0);
    assert_string_equal((const char *)c.detail.data, t->form);
    cmc_sha256(t->form, strlen(t->form), digest);
    assert_memory_equal(c.digest, digest, sizeof(digest));
    measure_config_done(&c);
}

static struct row refused[] = {
    {"", "config.json: empty"},
    {" ", "line 1: the text ends where a value belongs"},
    {"\xef\xbb\xbf{}", "line 1: no JSON value begins here"},
    {"{}", "no process: nothing that CMC could measure"},
    {"null", "no process: nothing that CMC could measure"},
    {"{\"process\":null}", "no process: nothing that CMC could measure"},
    {"{\"process\":{},\"process\":null}", "no process: nothing that CMC could measure"},
    {"[]", "$: line 1: an array stands where an object belongs"},
    {"5", "$: line 1: a number stands where an object belongs"},
    {"{\"process\":{}}x", "$: line 1: more follows behind the document"},
    {"{\"process\":{}\n\"x\":1}", "$: line 2: expected ',' or '}'"},
    {"{\"process\":{},}", "$: line 1: expected a member name in quotes"},
    {"{\"process\" {}}", "$: line 1: expected ':' behind a member name"},
    {"{\"process\":{\"args\":[\"a\" \"b\"]}}", "$.process.args: line 1: expected ',' or ']'"},
    {"{\"process\":{\"args\":[\"a\",]}}", "$.process.args[1]: line 1: no JSON value begins here"},
    /* types */
    {"{\"process\":[]}", "$.process: line 1: an array stands where an object belongs"},
    {"{\"process\":{\"cwd\":{}}}",
     "$.process.cwd: line 1: an object stands where a string belongs"},
    {"{\"process\":{\"cwd\":1}}", "$.process.cwd: line 1: a number stands where a string belongs"},
    {"{\"process\":{\"terminal\":\"true\"}}",
     "$.process.terminal: line 1: a string stands where a boolean belongs"},
    {"{\"process\":{\"args\":[\"a\",1]}}",
     "$.process.args[1]: line 1: a number stands where a string belongs"},
    {"{\"process\":{\"args\":\"a\"}}",
     "$.process.args: line 1: a string stands where an array belongs"},
    {"{\"process\":{\"args\":{}}}",
     "$.process.args: line 1: an object stands where an array belongs"},
    {"{\"process\":{\"user\":{\"uid\":\"0\"}}}",
     "$.process.user.uid: line 1: a string stands where an integer belongs"},
    {"{\"process\":{\"user\":{\"uid\":true}}}",
     "$.process.user.uid: line 1: a boolean stands where an integer belongs"},
    {"{\"process\":{},\"annotations\":{\"a\\u001b\":1}}",
     "$.annotations.a\\x1b: line 1: a number stands where a string belongs"},
    {L("\"timeOffsets\":{\"x\":[]}"),
     "$.linux.timeOffsets.x: line 1: an array stands where an object belongs"},
    /* also in a member that is forgotten later */
    {DOC("\"root\":{\"readonly\":1}"),
     "$.root.readonly: line 1: a number stands where a boolean belongs"},
    /* numbers */
    {"{\"process\":{\"user\":{\"uid\":-1}}}",
     "$.process.user.uid: line 1: no integer, or one outside"},
    {"{\"process\":{\"user\":{\"uid\":-0}}}",
     "$.process.user.uid: line 1: no integer, or one outside"},
    {"{\"process\":{\"user\":{\"uid\":4294967296}}}",
     "$.process.user.uid: line 1: no integer, or one"},
    {"{\"process\":{\"user\":{\"uid\":1.0}}}",
     "$.process.user.uid: line 1: no integer, or one outside"},
    {"{\"process\":{\"user\":{\"uid\":1e3}}}",
     "$.process.user.uid: line 1: no integer, or one outside"},
    {"{\"process\":{\"oomScoreAdj\":9223372036854775808}}",
     "$.process.oomScoreAdj: line 1: no integer, or one outside"},
    {"{\"process\":{\"oomScoreAdj\":-9223372036854775809}}",
     "$.process.oomScoreAdj: line 1: no integer, or one outside"},
    {"{\"process\":{\"scheduler\":{\"nice\":2147483648}}}",
     "$.process.scheduler.nice: line 1: no integer, or one outside"},
    {"{\"process\":{\"rlimits\":[{\"hard\":18446744073709551616}]}}",
     "$.process.rlimits[0].hard: line 1: no integer, or one outside"},
    {L("\"resources\":{\"blockIO\":{\"weight\":65536}}"),
     "$.linux.resources.blockIO.weight: line 1: no integer, or one outside"},
    {"{\"process\":{\"user\":{\"uid\":01}}}", "$.process.user: line 1: expected ',' or '}'"},
    {W("1e999"), "$.windows.credentialSpec: line 1: number beyond the range of a double"},
    {W("[1,-1e309]"), "$.windows.credentialSpec[1]: line 1: number beyond the range of a double"},
    /* syntax counts in dropped members, too */
    {DOC("\"x\":[1,01]"), "$: line 1: expected ',' or ']'"},
    {DOC("\"x\":\"\\x\""), "$: line 1: unknown escape in a string"},
    {DOC("\"x\":NaN"), "$: line 1: no JSON value begins here"},
    {DOC("\"x\":0x10"), "$: line 1: expected ',' or '}'"},
    {W("0x10"), "$.windows: line 1: expected ',' or '}'"},
    {DOC("\"x\":{\"y\":{1:2}}"), "$: line 1: expected a member name in quotes"},
};

static void run_refused(void **state)
{
    const struct row *t = *state;
    struct measure_config c, poison;
    struct cmc_err err;
    memset(&poison, 0xaa, sizeof(poison));
    memcpy(&c, &poison, sizeof(c));
    assert_int_equal(measure(t->json, &c, &err), -CMC_E_FORMAT);
    assert_int_equal(err.code, CMC_E_FORMAT);
    if (!strstr(err.msg, t->form) || strncmp(err.msg, "config.json", 11) != 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(&c, &poison, sizeof(c));
}

static const char *name_of(const struct row *t)
{
    return strchr(t->json, '\n') ? "line feeds" : t->json;
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + ROWS(refused)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){name_of(&rows[i]), run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(refused); i++)
        tests[ROWS(rows) + i] =
            (struct CMUnitTest){name_of(&refused[i]), run_refused, NULL, NULL, &refused[i]};
    return cmocka_run_group_tests_name("measure/config_cmc_read", tests, NULL, NULL);
}
