/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_bootstrap.c -- every captured stdin and stdout of `start`, and
 * BootstrapParams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shim/bootstrap.h"
#include "tests/unit/shim/vectors.h"

struct stdin_row {
    const char *path, *type_url;
    size_t options_len;
};

static struct stdin_row stdins[] = {
    {"containerd-1.6.20/invocations/start-rc1-stdin-1.stdin.bin", "runtimeoptions.v1.Options", 0},
    {"containerd-1.7.24/invocations/start-ok-stdin-1.stdin.bin", "runtimeoptions.v1.Options", 68},
    {"containerd-2.1.9/invocations/start-ok-stdin-1.stdin.bin", "runtimeoptions.v1.Options", 68},
};

static void run_stdin(void **state)
{
    const struct stdin_row *t = *state;
    const struct cmc_span in = vector(t->path);
    struct shim_bootstrap b = {.params = true};
    struct cmc_err err;
    assert_int_equal(shim_bootstrap_parse(in.p, in.len, "c1", "default", &b, &err), 0);
    assert_false(b.params);
    assert_true(equals(&b.type_url, t->type_url));
    assert_int_equal(b.options.len, t->options_len);
    assert_null(b.socket_dir.p);
    assert_false(shim_bootstrap_options_known(&b.type_url));
    assert_int_equal(shim_bootstrap_cgroup(&b).len, 0);
}

struct row {
    const char *name;
    const uint8_t *in;
    size_t len;
    int want;
    bool params;
    const char *type_url, *socket_dir, *cgroup; /* NULL: absent */
};

#define IDS                                                                                        \
    "\x0a\x02"                                                                                     \
    "c1"                                                                                           \
    "\x12\x07"                                                                                     \
    "default"
#define RUNC_ANY                                                                                   \
    "\x0a\x1a"                                                                                     \
    "containerd.runc.v1.Options"                                                                   \
    "\x12\x06"                                                                                     \
    "\x1a\x04"                                                                                     \
    "/pod"
#define DIR42 "/23456789012345678901234567890123456789012"

static struct row rows[] = {
    {"nothing", BYTES(""), 0, false, NULL, NULL, NULL},
    {"params without anything", BYTES(IDS), 0, true, NULL, NULL, NULL},
    {"params with version and level",
     BYTES(IDS "\x18\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x01"
               "\x22\x05"
               "2.3.4"),
     0, true, NULL, NULL, NULL},
    {"params with a socket directory",
     BYTES(IDS "\x4a\x11"
               "/run/containerd/s"),
     0, true, NULL, "/run/containerd/s", NULL},
    {"params with options", BYTES(IDS "\x42\x26\x0a\x24" RUNC_ANY), 0, true,
     "containerd.runc.v1.Options", NULL, "/pod"},
    {"socket directory of 42 bytes", BYTES(IDS "\x4a\x2a" DIR42), 0, true, NULL, DIR42, NULL},
    {"socket directory of 43 bytes", BYTES(IDS "\x4a\x2b" DIR42 "x"), -CMC_E_LIMIT, false, NULL,
     NULL, NULL},
    {"relative socket directory",
     BYTES(IDS "\x4a\x03"
               "run"),
     -CMC_E_FORMAT, false, NULL, NULL, NULL},
    {"another id is an Any",
     BYTES("\x0a\x02"
           "c2"
           "\x12\x07"
           "default"),
     0, false, "c2", NULL, NULL},
    {"another namespace is an Any",
     BYTES("\x0a\x02"
           "c1"
           "\x12\x06"
           "k8s.io"),
     0, false, "c1", NULL, NULL},
    {"Any of runc with a cgroup", BYTES(RUNC_ANY), 0, false, "containerd.runc.v1.Options", NULL,
     "/pod"},
    {"Any of CreateOptions with a cgroup",
     BYTES("\x0a\x23"
           "containerd.linux.runc.CreateOptions"
           "\x12\x06"
           "\x4a\x04"
           "/pod"),
     0, false, "containerd.linux.runc.CreateOptions", NULL, "/pod"},
    {"Any of another type",
     BYTES("\x0a\x01x"
           "\x12\x06"
           "\x1a\x04"
           "/pod"),
     0, false, "x", NULL, NULL},
    {"Any without a type", BYTES("\x12\x01x"), 0, false, NULL, NULL, NULL},
    {"no protobuf at all", BYTES("\xff\xff"), 0, false, NULL, NULL, NULL},
    {"params cut short", BYTES(IDS "\x4a\x11"), 0, false, NULL, NULL, NULL},
};

static void same_or_absent(const struct cmc_span *s, const char *want)
{
    if (want)
        assert_true(equals(s, want));
    else
        assert_int_equal(s->len, 0);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct shim_bootstrap b = {.params = !t->params};
    struct cmc_err err;
    assert_int_equal(shim_bootstrap_parse(t->in, t->len, "c1", "default", &b, &err), t->want);
    if (t->want < 0) {
        assert_true(b.params); /* untouched */
        return;
    }
    const struct cmc_span cgroup = shim_bootstrap_cgroup(&b);
    assert_int_equal(b.params, t->params);
    same_or_absent(&b.type_url, t->type_url);
    same_or_absent(&b.socket_dir, t->socket_dir);
    same_or_absent(&cgroup, t->cgroup);
}

/* Without an id nothing is BootstrapParams: -info has none. */
static void test_no_id(void **state)
{
    (void)state;
    struct shim_bootstrap b;
    struct cmc_err err;
    assert_int_equal(shim_bootstrap_parse(BYTES("\x0a\x00\x12\x00"), "", "", &b, &err), 0);
    assert_false(b.params);
}

/* The address in a captured answer, answered again, gives the captured bytes. */
static void same_answer(const char *path, size_t skip, size_t len, unsigned version)
{
    const struct cmc_span want = vector(path);
    char address[256] = "";
    cmc_autobuf struct cmc_buf out = cmc_buf_of(512);
    memcpy(address, want.p + skip, len ? len : want.len);
    shim_bootstrap_answer(false, version, address, &out);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.p, want.len);
}

static void test_captured_answers(void **state)
{
    (void)state;
    same_answer("containerd-1.6.20/invocations/start-ok-nostdin-1.stdout.bin", 0, 0, 2);
    same_answer("containerd-1.7.24/invocations/start-ok-nostdin-1.stdout.bin", 0, 0, 2);
    same_answer("containerd-2.1.9/invocations/start-ok-nostdin-1.stdout.bin", 24, 89, 3);
    same_answer("containerd-2.1.9/invocations/start-ok-stdin-1.stdout.bin", 24, 89, 3);
}

static void test_answer_to_params(void **state)
{
    (void)state;
    static const char want[] = "\x08\x03\x12\x09unix:///s\x1a\x05ttrpc";
    cmc_autobuf struct cmc_buf out = cmc_buf_of(512);
    shim_bootstrap_answer(true, 3, "unix:///s", &out);
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.len);
}

int main(void)
{
    enum { PLAIN = 3 };
    struct CMUnitTest tests[PLAIN + ROWS(stdins) + ROWS(rows)] = {
        cmocka_unit_test(test_no_id),
        cmocka_unit_test(test_captured_answers),
        cmocka_unit_test(test_answer_to_params),
    };
    for (size_t i = 0; i < ROWS(stdins); i++)
        tests[PLAIN + i] = (struct CMUnitTest){stdins[i].path, run_stdin, NULL, NULL, &stdins[i]};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[PLAIN + ROWS(stdins) + i] =
            (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/bootstrap", tests, NULL, NULL);
}
