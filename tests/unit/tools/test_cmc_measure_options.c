/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_options.c -- what clients send, what the real shim gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_options.h"

#define RUNC    "containerd.runc.v1.Options"
#define RUNTIME "runtimeoptions.v1.Options"
#define CREATE  "containerd.linux.runc.CreateOptions"
#define SLICE   "kubepods.slice:cri-containerd:abc"

enum { KEEP = CMC_HELPER_OPTIONS_KEEP, DROP = CMC_HELPER_OPTIONS_DROP, POISON = 77 };

struct row {
    const char *name;
    const char *type;    /* NULL: no options at all */
    const char *value;   /* hexadecimal; NULL: field absent */
    const char *toml;    /* RUNTIME: the body, or the file when value holds a path */
    const char *cgroups; /* linux.cgroupsPath */
    int want;            /* KEEP, DROP, CMC_HELPER_OPTIONS_REPLACE or -code */
    const char *hex;     /* REPLACE: the new containerd.runc.v1.Options; else the error */
};

#define REPLACE CMC_HELPER_OPTIONS_REPLACE
#define BAD     -CMC_E_FORMAT

static struct row rows[] = {
    /* without options */
    {"no options", NULL, NULL, NULL, NULL, KEEP, NULL},
    {"no options, cgroupfs path", NULL, NULL, NULL, "/default/x", KEEP, NULL},
    {"no options, systemd path", NULL, NULL, NULL, SLICE, REPLACE, "4801"},
    {"two colons are not enough", NULL, NULL, NULL, "a:b:c", KEEP, NULL},
    {"a slash in the slice", NULL, NULL, NULL, "/x.slice:b:c", KEEP, NULL},
    {"a slash in the name", NULL, NULL, NULL, "x.slice:b:c/d", KEEP, NULL},
    {"no prefix", NULL, NULL, NULL, "x.slice::c", KEEP, NULL},
    {"no name", NULL, NULL, NULL, "x.slice:b:", KEEP, NULL},
    {"a fourth part", NULL, NULL, NULL, "x.slice:b:c:d", KEEP, NULL},
    {"no slice name", NULL, NULL, NULL, ".slice:b:c", KEEP, NULL},
    {"one colon", NULL, NULL, NULL, "x.slice:b", KEEP, NULL},
    /* what the real shim reads itself */
    {"runc options stay", RUNC, "320e2f7573722f7362696e2f72756e63", NULL, NULL, KEEP, NULL},
    {"empty runc options stay", RUNC, NULL, NULL, SLICE, KEEP, NULL},
    {"unknown options stay", "x.y.Options", "0801", NULL, SLICE, KEEP, NULL},
    {"no type stays", "", "0801", NULL, NULL, KEEP, NULL},
    /* runtimeoptions.v1.Options */
    {"1.6 lost the inline options", RUNTIME, NULL, NULL, NULL, DROP, NULL},
    {"1.6 lost them, systemd path", RUNTIME, NULL, NULL, SLICE, REPLACE, "4801"},
    {"1.7 inline", RUNTIME, "body", "BinaryName = \"/usr/sbin/runc\"\n", NULL, REPLACE,
     "320e2f7573722f7362696e2f72756e63"},
    {"2.x inline", RUNTIME, "body", "BinaryName = '/usr/sbin/runc'\nSystemdCgroup = true\n", NULL,
     REPLACE, "320e2f7573722f7362696e2f72756e634801"},
    {"a file", RUNTIME, "path", "Root = '/r'\n", NULL, REPLACE, "3a022f72"},
    {"every key, sorted by field", RUNTIME, "body",
     "SystemdCgroup=true\nCriuWorkPath='k'\nCriuImagePath='j'\nCriuPath='h'\nRoot='g'\n"
     "BinaryName='f'\nIoGid=4294967295\nIoUid=4\nShimCgroup='c'\nNoNewKeyring=true\n"
     "NoPivotRoot=true\n",
     NULL, REPLACE,
     "080110011a0163200428ffffffff0f3201663a01674201684801"
     "52016a5a016b"},
    {"false and zero are the default", RUNTIME, "body", "SystemdCgroup = false\nIoUid = 0\n", NULL,
     DROP, NULL},
    {"unknown keys are passed over", RUNTIME, "body", "Foo = 'x'\nbar = 1\nBaz = false\n", NULL,
     DROP, NULL},
    {"options win over the path", RUNTIME, "body", "Root = '/r'\n", SLICE, REPLACE, "3a022f72"},
    {"another case is refused", RUNTIME, "body", "systemdcgroup = true\n", NULL, BAD,
     "line 1: systemdcgroup is spelt SystemdCgroup"},
    {"twice is refused", RUNTIME, "body", "Root='a'\nRoot='b'\n", NULL, BAD,
     "line 2: Root is given twice"},
    {"a text for a flag", RUNTIME, "body", "SystemdCgroup = 'true'\n", NULL, BAD,
     "line 1: SystemdCgroup must be true or false"},
    {"a number for a text", RUNTIME, "body", "Root = 1\n", NULL, BAD,
     "line 1: Root must be a text"},
    {"a negative number", RUNTIME, "body", "IoUid = -1\n", NULL, BAD,
     "line 1: IoUid must be a number from 0 to 4294967295"},
    {"a large number", RUNTIME, "body", "IoUid = 4294967296\n", NULL, BAD,
     "line 1: IoUid must be a number from 0 to 4294967295"},
    {"no TOML", RUNTIME, "body", "{}", NULL, BAD, "line 1: expected KEY = VALUE"},
    {"a truncated value", RUNTIME, "1a05", NULL, NULL, BAD, NULL},
    {"a body that is a number", RUNTIME, "1801", NULL, NULL, BAD,
     RUNTIME ": field 3 has wire type 0"},
    /* containerd.linux.runc.CreateOptions */
    {"user namespace", CREATE, "50904e58904e", NULL, NULL, REPLACE, "20904e28904e"},
    {"every member", CREATE,
     "080140014a016350045805620177"
     "6a0169",
     NULL, NULL, REPLACE,
     "080110011a016320042805520169"
     "5a0177"},
    {"members for checkpoints are passed over", CREATE, "100118012001280130013a0141", NULL, NULL,
     DROP, NULL},
    {"an empty message", CREATE, NULL, NULL, NULL, DROP, NULL},
    {"a flag of two", CREATE, "0802", NULL, NULL, REPLACE, "0801"},
    {"a number of 64 bits", CREATE, "50ffffffffffffffffff01", NULL, NULL, REPLACE, "20ffffffff0f"},
    {"a text for a number", CREATE, "520161", NULL, NULL, BAD, CREATE ": field 10 has wire type 2"},
    {"a path that is no UTF-8", CREATE, "4a01ff", NULL, NULL, BAD, CREATE ": field 9 is not UTF-8"},
};

static void put_hex(struct cmc_buf *b, const char *hex)
{
    uint8_t raw[512];
    struct cmc_err err = {0};
    const size_t n = strlen(hex) / 2;
    assert_int_equal(cmc_unhex(hex, 2 * n, raw, n, &err), 0);
    cmc_put(b, raw, n);
}

/* The Any of a row; a value of "body" or "path" is a runtimeoptions.v1.Options with such a one. */
static void put_any(struct cmc_buf *any, const struct row *t)
{
    static const char path[] = "/etc/options.toml";
    cmc_autobuf struct cmc_buf value = cmc_buf_of(4096);
    if (!t->type)
        return;
    cmc_pb_put_bytes(any, 1, t->type, strlen(t->type));
    if (!t->value)
        return;
    if (strcmp(t->value, "body") == 0 && t->toml)
        cmc_pb_put_bytes(&value, 3, t->toml, strlen(t->toml));
    else if (strcmp(t->value, "path") == 0)
        cmc_pb_put_bytes(&value, 2, path, sizeof(path) - 1);
    else
        put_hex(&value, t->value);
    cmc_pb_put_bytes(any, 2, value.data, value.len);
}

static int translate(const struct row *t, const struct cmc_span *any, enum cmc_helper_options *what,
                     struct cmc_buf *out, struct cmc_err *err)
{
    struct cmc_measure_options o;
    int rc = cmc_measure_options_parse(any, &o, err);
    if (rc < 0)
        return rc;
    const bool file = t->value && strcmp(t->value, "path") == 0;
    assert_int_equal(o.path.p != NULL, file);
    struct cmc_span toml = o.body;
    if (file)
        toml = (struct cmc_span){(const uint8_t *)t->toml, strlen(t->toml)};
    return cmc_measure_options_translate(&o, &toml, t->cgroups, what, out, err);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    cmc_autobuf struct cmc_buf in = cmc_buf_of(4096);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(4096);
    cmc_autobuf struct cmc_buf want = cmc_buf_of(4096);
    enum cmc_helper_options what = (enum cmc_helper_options)POISON;
    struct cmc_err err = {0};
    put_any(&in, t);
    const struct cmc_span any = {in.data, in.len};

    int rc = translate(t, &any, &what, &out, &err);
    assert_int_equal(rc, t->want < 0 ? t->want : 0);
    assert_int_equal(what, t->want < 0 ? POISON : t->want);
    if (t->want < 0 && t->hex)
        assert_string_equal(err.msg, t->hex);
    if (t->want == REPLACE) {
        cmc_autobuf struct cmc_buf value = cmc_buf_of(4096);
        put_hex(&value, t->hex);
        cmc_pb_put_bytes(&want, 1, RUNC, strlen(RUNC));
        cmc_pb_put_bytes(&want, 2, value.data, value.len);
    }
    assert_int_equal(out.len, want.len);
    if (want.len)
        assert_memory_equal(out.data, want.data, want.len);
}

static void an_empty_any_is_none(void **state)
{
    const struct cmc_span any = {(const uint8_t *)"", 0};
    struct cmc_measure_options o = {.kind = (enum cmc_measure_options_kind)POISON};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_measure_options_parse(&any, &o, &err), 0);
    assert_int_equal(o.kind, CMC_MEASURE_OPTIONS_NONE);
}

static void a_broken_any_is_refused(void **state)
{
    static const uint8_t bad[] = {0x0a, 0x05, 'x'};
    const struct cmc_span any = {bad, sizeof(bad)};
    struct cmc_measure_options o = {.kind = (enum cmc_measure_options_kind)POISON};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_measure_options_parse(&any, &o, &err), -CMC_E_FORMAT);
    assert_int_equal(o.kind, POISON);
}

static const struct binary {
    const char *type, *value;
    int rc;
    const char *want;
} binaries[] = {
    {NULL, NULL, 0, "runc"},
    {RUNC, NULL, 0, "runc"},
    {RUNC, "320e2f7573722f7362696e2f72756e63", 0, "/usr/sbin/runc"},
    {RUNC, "3201613201624801", 0, "b"}, /* the last one counts */
    {RUNC, "32016132004801", 0, "runc"},
    {"x.y.Options", "320161", 0, "runc"},
    {"/" RUNC, "320161", 0, "a"}, /* containerd 1.7 and later read the name behind the last slash */
    {"x.io/y/" RUNC, "320161", 0, "a"},
    {RUNC "/", "320161", 0, "runc"},
    {RUNC, "3001", -CMC_E_FORMAT, "poison"},
    {RUNC, "3201ff", -CMC_E_FORMAT, "poison"},
    {RUNC, "32026100", -CMC_E_FORMAT, "poison"},
    {RUNC, "3205", -CMC_E_FORMAT, "poison"},
};

static void the_runc_that_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(binaries); i++) {
        const struct row t = {.type = binaries[i].type, .value = binaries[i].value};
        cmc_autobuf struct cmc_buf in = cmc_buf_of(4096);
        char out[CMC_MEASURE_BINARY_MAX + 1] = "poison";
        struct cmc_err err = {0};
        put_any(&in, &t);
        const struct cmc_span any = {in.data, in.len};
        assert_int_equal(cmc_measure_options_binary(&any, out, &err), binaries[i].rc);
        assert_string_equal(out, binaries[i].want);
    }
}

static void a_long_path_is_refused(void **state)
{
    static uint8_t path[CMC_MEASURE_BINARY_MAX + 1];
    char out[CMC_MEASURE_BINARY_MAX + 1] = "poison";
    struct cmc_err err = {0};
    (void)state;
    memset(path, 'p', sizeof(path));
    for (size_t n = CMC_MEASURE_BINARY_MAX; n <= sizeof(path); n++) {
        cmc_autobuf struct cmc_buf in = cmc_buf_of(8192), value = cmc_buf_of(8192);
        cmc_pb_put_bytes(&value, 6, path, n);
        cmc_pb_put_bytes(&in, 1, RUNC, strlen(RUNC));
        cmc_pb_put_bytes(&in, 2, value.data, value.len);
        const struct cmc_span any = {in.data, in.len};
        assert_int_equal(cmc_measure_options_binary(&any, out, &err),
                         n > CMC_MEASURE_BINARY_MAX ? -CMC_E_FORMAT : 0);
        assert_int_equal(strlen(out), CMC_MEASURE_BINARY_MAX);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4] = {
        cmocka_unit_test(an_empty_any_is_none),
        cmocka_unit_test(a_broken_any_is_refused),
        cmocka_unit_test(the_runc_that_runs),
        cmocka_unit_test(a_long_path_is_refused),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[4 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_options", tests, NULL, NULL);
}
