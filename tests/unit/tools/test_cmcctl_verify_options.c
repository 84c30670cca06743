/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_verify_options.c -- what verify and explain accept, and whose
 * report they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl_verify.h"

enum { WORDS = 12 };

/* Parses words: a line cut at its blanks. */
static int parse(const char *line, struct ctl_verify_options *out, struct cmc_err *err)
{
    static char text[1024];
    char *argv[WORDS + 1] = {0}, *save = NULL;
    int argc = 0;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *p = strtok_r(text, " ", &save); p && argc < WORDS; p = strtok_r(NULL, " ", &save))
        argv[argc++] = p;
    memset(out, 0x5a, sizeof(*out));
    return cmcctl_verify_options(argc, argv, out, err);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"verify", "which host?"},
        {"verify --ca c", "which host?"},
        {"verify --addr h:1", "whom to believe?"},
        {"verify --addr h:1 --ak-ca c", "whom to believe?"},
        {"verify --addr h:1 --metadata-ca c", "whom to believe?"},
        {"verify --addr h:1 --report r --ca c", "give one"},
        {"verify --report r --ca c", "needs the nonce"},
        {"verify --addr h:1 --nonce n --ca c", "--nonce goes with --report"},
        {"verify --addr h:1 --ca c --color red", "--color takes"},
        {"verify --addr h:1 --ca c --timeout 0", "--timeout takes"},
        {"verify --addr h:1 --ca c --timeout 3601", "--timeout takes"},
        {"verify --addr h:1 --ca c --json --attestation-result", "does not go with"},
        {"verify --addr h:1 --ca c --any-host --expect h", "--any-host does not go"},
        {"verify --addr h:1 --ca c --any-host --ak 00", "--any-host does not go"},
        {"verify --addr h:1 --ca c more", "more: not expected here"},
        {"verify --addr h:1 --ca c --no-such", "no-such"},
        {"explain --ca c", "which host?"},
        {"explain --nonce n --ca c r more", "more: not expected here"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ctl_verify_options o, before;
        struct cmc_err err = {0};
        memset(&before, 0x5a, sizeof(before));
        const int rc = parse(rows[i].line, &o, &err);
        if (rc != -CMC_E_USAGE || !strstr(err.msg, rows[i].says))
            fail_msg("%s: %d: %s", rows[i].line, rc, err.msg);
        assert_memory_equal(&o, &before, sizeof(o));
    }
}

static void test_accepted(void **state)
{
    (void)state;
    struct ctl_verify_options o;
    struct cmc_err err = {0};
    assert_int_equal(parse("verify --addr h:1 --ca c", &o, &err), CMC_OPTIONS_RUN);
    assert_string_equal(o.addr, "h:1");
    assert_string_equal(o.color, "auto");
    assert_int_equal(o.timeout_s, 30);
    assert_false(o.explain || o.json || o.software || o.require_host || o.any_host);
    assert_int_equal(parse("verify --report r --nonce n --ak-ca a --metadata-ca m", &o, &err),
                     CMC_OPTIONS_RUN);
    assert_false(o.explain);
    assert_int_equal(parse("explain --nonce n --ca c r", &o, &err), CMC_OPTIONS_RUN);
    assert_true(o.explain);
    assert_string_equal(o.report, "r");
}

static void check_identity(const struct ctl_verify_options *o, const char *host, const char *words)
{
    struct ctl_identity id;
    struct cmc_err err = {0};
    const int rc = cmcctl_verify_identity(o, &id, &err);
    if (!host) {
        assert_int_equal(rc, -CMC_E_USAGE);
        if (!strstr(err.msg, words))
            fail_msg("\"%s\" not in: %s", words, err.msg);
        return;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(id.host, host);
    assert_string_equal(id.words, words);
    assert_int_equal(id.has_ak, o->ak != NULL);
    assert_true(!id.has_ak || (id.ak[1] == 0x11 && id.ak[31] == 0xff));
}

static void test_identity(void **state)
{
    (void)state;
    static const char digest[] = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
    static const struct {
        struct ctl_verify_options o;
        const char *host, *words; /* host NULL: refused, and words says how */
    } rows[] = {
        {{.addr = "h.example:9955"}, "h.example", "h.example"},
        {{.addr = "tcp://h.example:9955"}, "h.example", "h.example"},
        {{.addr = "unix:///run/cmcd/cmcd.sock"}, "", ""},
        {{.addr = "/run/cmcd/a:b.sock"}, "", ""},
        {{.addr = "10.0.0.1:9955"}, NULL, "\"10.0.0.1\" names no host"},
        {{.addr = "tcp://[fe80::1]:9955"}, NULL, "\"fe80::1\" names no host"},
        {{.addr = "localhost:9955"}, NULL, "\"localhost\" names no host"},
        {{.addr = "10.0.0.1:9955", .any_host = true}, "", ""},
        {{.addr = "h.example:9955", .any_host = true}, "", ""},
        {{.addr = "10.0.0.1:9955", .expect = "a.example"}, "a.example", "a.example"},
        {{.addr = "h.example:9955", .expect = "a.example"}, "a.example", "a.example"},
        {{.addr = "10.0.0.1:9955", .ak = digest}, "", "key 0011223344556677.."},
        {{.addr = "h:1", .ak = digest, .expect = "a"}, "a", "a, key 0011223344556677.."},
        {{.addr = "h:1", .ak = "00"}, NULL, "--ak takes the 64"},
        {{.addr = "h:1", .expect = ""}, NULL, "--expect takes"},
        {{.report = "r"}, "", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check_identity(&rows[i].o, rows[i].host, rows[i].words);
}

static void test_names_that_are_too_long(void **state)
{
    (void)state;
    char name[CTL_HOST_MAX + 2], addr[CTL_HOST_MAX + 8];
    struct ctl_identity id;
    struct cmc_err err = {0};
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(addr, sizeof(addr), "%s:1", name);
    assert_int_equal(cmcctl_verify_identity(
                         &(struct ctl_verify_options){.expect = name, .addr = "h:1"}, &id, &err),
                     -CMC_E_USAGE);
    assert_int_equal(cmcctl_verify_identity(&(struct ctl_verify_options){.addr = addr}, &id, &err),
                     -CMC_E_USAGE);
    name[CTL_HOST_MAX] = '\0';
    assert_int_equal(cmcctl_verify_identity(
                         &(struct ctl_verify_options){.expect = name, .addr = "h:1"}, &id, &err),
                     0);
    assert_string_equal(id.host, name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_names_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
