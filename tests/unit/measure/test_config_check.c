/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_check.c -- names and types that decoders could read in two ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config_parts.h"
#include "tests/lib/rows.h"

#define WRITE                                                                                      \
    "only the case of letters differs from the member that runtimes would take it for: write "
#define PAIR "another member's name differs only by case: give one of them another name"

struct row {
    const char *in;
    const char *text; /* the message; NULL: accepted */
};

static struct row rows[] = {
    {"{}", NULL},
    {"{\"unlisted\":{\"Args\":1,\"deep\":[{\"x\":null}]}}", NULL},
    {"{\"process\":null,\"mounts\":[null],\"annotations\":{\"a\":null},\"linux\":{\"netDevices\":"
     "null}}",
     NULL},
    {"{\"process\":{\"args\":[\"a\",null]}}", NULL},
    /* names */
    {"{\"Process\":{}}", "$.Process: " WRITE "process"},
    {"{\"process\":{\"ARGS\":[]}}", "$.process.ARGS: " WRITE "args"},
    {"{\"proce\\u017f\\u017f\":{}}", "$[\"proce\\xc5\\xbf\\xc5\\xbf\"]: " WRITE "process"},
    {"{\"process\":{},\"proces\\u017f\":{}}", "$[\"proces\\xc5\\xbf\"]: " WRITE "process"},
    {"{\"hoo\\u212As\":{}}", "$[\"hoo\\xe2\\x84\\xaas\"]: " WRITE "hooks"},
    {"{\"linux\":{\"resources\":{\"memory\":{\"disableOomKiller\":true}}}}",
     "$.linux.resources.memory.disableOomKiller: " WRITE "disableOOMKiller"},
    {"{\"mounts\":[{},{\"Source\":\"x\"}]}", "$.mounts[1].Source: " WRITE "source"},
    {"{\"linux\":{\"timeOffsets\":{\"boottime\":{\"Secs\":1}}}}",
     "$.linux.timeOffsets.boottime.Secs: " WRITE "secs"},
    {"{\"windows\":{\"dnsSearchList\":1}}", NULL}, /* listed elsewhere, not here */
    {"{\"x\":1,\"X\":2}", "$.x: " PAIR},
    {"{\"u\":{\"list\":[{\"K\":1,\"\\u212a\":2}]}}", "$.u.list[0][\"\\xe2\\x84\\xaa\"]: " PAIR},
    {"{\"linux\":{\"intelRdt\":{\"enableCMT\":true,\"EnableCMT\":false}}}",
     "$.linux.intelRdt.enableCMT: " PAIR},
    {"{\"windows\":{\"credentialSpec\":{\"a\":1,\"A\":2}}}", "$.windows.credentialSpec.a: " PAIR},
    /* Go folds these letters, but not to ASCII */
    {"{\"\\u00c9\":1,\"\\u00e9\":2,\"\\u0131d\":3,\"id\":4}", NULL},
    /* free names */
    {"{\"annotations\":{\"a\":\"1\",\"A\":\"2\",\"\\u212a\":\"\",\"k\":\"\"}}", NULL},
    {"{\"linux\":{\"sysctl\":{\"X\":\"1\",\"x\":\"2\"},\"netDevices\":{\"a\":{},\"A\":{}}}}", NULL},
    {"{\"linux\":{\"resources\":{\"unified\":{\"Cpu.max\":\"1\",\"cpu.max\":\"2\"}}}}", NULL},
    /* types */
    {"[]", "$: expected an object, found an array"},
    {"null", "$: expected an object, found null"},
    {"\"x\"", "$: expected an object, found a string"},
    {"{\"ociVersion\":1}", "$.ociVersion: expected a string, found an integer"},
    {"{\"process\":[]}", "$.process: expected an object, found an array"},
    {"{\"process\":{\"args\":\"sh\"}}", "$.process.args: expected an array, found a string"},
    {"{\"process\":{\"args\":[\"sh\",{}]}}",
     "$.process.args[1]: expected a string, found an object"},
    {"{\"process\":{\"terminal\":\"true\"}}",
     "$.process.terminal: expected true or false, found a string"},
    {"{\"process\":{\"terminal\":1}}",
     "$.process.terminal: expected true or false, found an integer"},
    {"{\"process\":{\"consoleSize\":{\"height\":-1}}}",
     "$.process.consoleSize.height: outside the range of uint64"},
    {"{\"process\":{\"env\":[{\"name\":\"A\"}]}}",
     "$.process.env[0]: expected a string, found an object"},
    {"{\"process\":{\"user\":{\"uid\":4294967295}}}", NULL},
    {"{\"process\":{\"user\":{\"uid\":4294967296}}}",
     "$.process.user.uid: outside the range of uint32"},
    {"{\"process\":{\"user\":{\"uid\":-1}}}", "$.process.user.uid: outside the range of uint32"},
    {"{\"process\":{\"oomScoreAdj\":-9223372036854775808}}", NULL},
    {"{\"process\":{\"oomScoreAdj\":9223372036854775808}}",
     "$.process.oomScoreAdj: outside the range of int64"},
    {"{\"process\":{\"scheduler\":{\"nice\":-2147483648}}}", NULL},
    {"{\"process\":{\"scheduler\":{\"nice\":-2147483649}}}",
     "$.process.scheduler.nice: outside the range of int32"},
    {"{\"process\":{\"scheduler\":{\"nice\":2147483648}}}",
     "$.process.scheduler.nice: outside the range of int32"},
    {"{\"linux\":{\"resources\":{\"blockIO\":{\"weight\":65536}}}}",
     "$.linux.resources.blockIO.weight: outside the range of uint16"},
    {"{\"linux\":{\"resources\":{\"memory\":{\"limit\":\"1\"}}}}",
     "$.linux.resources.memory.limit: expected an integer, found a string"},
    {"{\"linux\":{\"cgroupsPath\":{\"before\":\"/\",\"id\":\"container\"}}}",
     "$.linux.cgroupsPath: expected a string, found an object"},
    {"{\"mounts\":[{\"source\":{\"after\":\"\",\"before\":\"\",\"id\":\"sandbox\"}}]}",
     "$.mounts[0].source: expected a string, found an object"},
    {"{\"root\":{\"path\":{\"bundle\":\"rootfs\"}}}",
     "$.root.path: expected a string, found an object"},
    {"{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":{\"id\":\"sandbox\"}}}",
     "$.annotations[\"io.kubernetes.cri.sandbox-id\"]: expected a string, found an object"},
    {"{\"annotations\":[]}", "$.annotations: expected an object, found an array"},
    {"{\"annotations\":{\"a\":true}}", "$.annotations.a: expected a string, found true"},
    {"{\"linux\":{\"resources\":{\"rdma\":{\"mlx\":{\"hcaHandles\":\"1\"}}}}}",
     "$.linux.resources.rdma.mlx.hcaHandles: expected an integer, found a string"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};

    assert_int_equal(cmc_json_parse(t->in, strlen(t->in), &doc, &root, &err), 0);
    assert_int_equal(measure_config_check(root, &err), t->text ? -CMC_E_VERIFY : 0);
    assert_string_equal(err.msg, t->text ? t->text : "");
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].in, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("measure/config_check", tests, NULL, NULL);
}
