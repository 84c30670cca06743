/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_verify_paths.c -- which files differ, by listings of our own and of
 * a host that may lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/listing.h"
#include "tests/lib/fake_cmcd.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl_verify.h"

#define V1 "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"
#define V2 "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af96"

static const char reference[] = "cmc-rootfs-listing 1\nd 0755 0 0 /\nd 0755 0 0 /bin\n"
                                "f 0755 0 0 /bin/sh size=1 verity=" V1 "\n"
                                "f 0644 0 0 /gone size=1 verity=" V1 "\n",
                  measured[] = "cmc-rootfs-listing 1\nd 0755 0 0 /\nd 0755 0 0 /bin\n"
                               "f 0700 0 0 /bin/sh size=1 verity=" V2 "\n"
                               "f 0644 0 0 /n\\x1bew size=1 verity=" V1 "\n";

static void digest_of(const char *listing, uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    if (measure_listing_digest(listing, strlen(listing), out, &err) < 0)
        fail_msg("%s", err.msg);
}

static enum fake_cmcd_does honest(uint32_t type, const struct serve_message *asked,
                                  struct serve_message *answer)
{
    uint8_t digest[CMC_SHA256_LEN];
    const char *all[] = {reference, measured};
    answer->data.null = true;
    if (type != SERVE_DETAIL || strcmp(asked->kind, "tree") != 0)
        return FAKE_GARBAGE;
    for (size_t i = 0; i < ROWS(all); i++) {
        digest_of(all[i], digest);
        if (memcmp(asked->digest.data, digest, sizeof(digest)) == 0)
            answer->data = (struct meta_bytes){(const uint8_t *)all[i], strlen(all[i]), false};
    }
    return FAKE_ANSWERS;
}

static enum fake_cmcd_does liar(uint32_t type, const struct serve_message *asked,
                                struct serve_message *answer)
{
    (void)type;
    (void)asked;
    answer->data = (struct meta_bytes){(const uint8_t *)measured, strlen(measured), false};
    return FAKE_ANSWERS;
}

static enum fake_cmcd_does poor(uint32_t type, const struct serve_message *asked,
                                struct serve_message *answer)
{
    (void)type;
    (void)asked;
    answer->data.null = true;
    return FAKE_ANSWERS;
}

static enum fake_cmcd_does refusing(uint32_t type, const struct serve_message *asked,
                                    struct serve_message *answer)
{
    (void)type;
    (void)asked;
    answer->msg = "not\x1b[31m you";
    return FAKE_REFUSES;
}

static struct verify_container differing(void)
{
    struct verify_container c = {.id = "c",
                                 .measured = true,
                                 .status = VERIFY_BAD,
                                 .reference = "r",
                                 .rootfs_differs = true};
    digest_of(reference, c.ref_rootfs);
    digest_of(measured, c.rootfs);
    return c;
}

static void find(const struct verify_result *r, const struct verify_policy *policy,
                 fake_cmcd_fn *fn, struct ctl_paths *out)
{
    struct fake_cmcd f = {0};
    struct cmc_err err = {0};
    struct serve_peer peer = {.timeout_ms = 5000};
    if (fn) {
        fake_cmcd_start(&f, fn);
        peer.addr = f.addr;
    }
    memset(out, 0x5a, sizeof(*out));
    const int rc = cmcctl_paths_find(r, policy, fn ? &peer : NULL, out, &err);
    if (fn)
        fake_cmcd_stop(&f);
    if (rc < 0)
        fail_msg("%s", err.msg);
}

static void has_paths(const struct ctl_paths *p, size_t from)
{
    static const struct verify_difference want[] = {{"/bin/sh", NULL, "content, mode"},
                                                    {"/gone", NULL, "removed"},
                                                    {"/n\\x1bew", NULL, "added"}};
    const struct verify_container *c = &p->result.container[0];
    assert_null(p->no_path[0]);
    assert_int_equal(c->difference_count, from + ROWS(want));
    for (size_t i = 0; i < ROWS(want); i++) {
        assert_string_equal(c->difference[from + i].path, want[i].path);
        assert_string_equal(c->difference[from + i].after, want[i].after);
        assert_null(c->difference[from + i].before);
    }
}

static void test_from_the_host(void **state)
{
    (void)state;
    const struct verify_difference before = {"process.env VAL", "\"a\"", "\"b\""};
    struct verify_container list[] = {differing(), differing()};
    struct ctl_paths p;
    list[0].difference = &before;
    list[0].difference_count = 1;
    const struct verify_result r = {.container = list, .container_count = ROWS(list)};
    find(&r, &(struct verify_policy){0}, honest, &p);
    assert_string_equal(p.result.container[0].difference[0].path, "process.env VAL");
    has_paths(&p, 1);
    assert_int_equal(p.result.container[1].difference_count, 3);
    cmcctl_paths_done(&p);
}

/* What the verifier says by a digest is said by a path; other reasons stay. */
static void test_reason(void **state)
{
    (void)state;
    struct verify_container c = differing();
    char hex[2 * CMC_SHA256_LEN + 1], reason[128];
    struct ctl_paths p;
    cmc_hex(c.rootfs, sizeof(c.rootfs), hex);
    (void)snprintf(reason, sizeof(reason), "root file system %s", hex);
    struct verify_result r = {.container = &c, .container_count = 1, .reason = reason};
    find(&r, &(struct verify_policy){0}, honest, &p);
    assert_string_equal(p.result.reason, "c: /bin/sh: content, mode, and 2 more paths");
    assert_string_equal(r.reason, reason);
    cmcctl_paths_done(&p);
    find(&r, &(struct verify_policy){0}, poor, &p);
    assert_string_equal(p.result.reason, reason);
    cmcctl_paths_done(&p);
    r.reason = "the variable VAL";
    find(&r, &(struct verify_policy){0}, honest, &p);
    assert_string_equal(p.result.reason, "the variable VAL");
    cmcctl_paths_done(&p);
}

static void test_from_the_policy(void **state)
{
    (void)state;
    const struct verify_item items[] = {{(const uint8_t *)"{}", 2},
                                        {(const uint8_t *)measured, strlen(measured)},
                                        {(const uint8_t *)reference, strlen(reference)}};
    const struct verify_policy policy = {.item = items, .item_count = ROWS(items)};
    struct verify_container c = differing();
    const struct verify_result r = {.container = &c, .container_count = 1};
    struct ctl_paths p;
    find(&r, &policy, NULL, &p);
    has_paths(&p, 0);
    cmcctl_paths_done(&p);
}

static void test_nothing_is_believed_or_had(void **state)
{
    (void)state;
    static const struct {
        fake_cmcd_fn *fn;
        const char *profile, *says;
    } rows[] = {
        {liar, NULL,
         "no listing of the reference one: the host gave a listing with another digest"},
        {poor, NULL, "no listing of the reference one: the host has none"},
        {refusing, NULL, "not\\x1b[31m you"},
        {NULL, NULL, "no listing of the reference one: none is here"},
        {honest, "cmc", "hosts of profile cmc keep no listings"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct verify_container c = differing();
        const struct verify_result r = {
            .container = &c, .container_count = 1, .profile = rows[i].profile};
        struct ctl_paths p;
        find(&r, &(struct verify_policy){0}, rows[i].fn, &p);
        assert_int_equal(p.result.container[0].difference_count, 0);
        assert_non_null(p.no_path[0]);
        if (!strstr(p.no_path[0], rows[i].says))
            fail_msg("row %zu: %s", i, p.no_path[0]);
        cmcctl_paths_done(&p);
    }
}

static void test_only_what_differs_is_asked_for(void **state)
{
    (void)state;
    struct verify_container list[] = {differing(), differing(), differing()};
    struct ctl_paths p;
    list[0].status = VERIFY_GOOD;
    list[1].reference = NULL;
    list[2].rootfs_differs = false;
    const struct verify_result r = {.container = list, .container_count = ROWS(list)};
    find(&r, &(struct verify_policy){0}, honest, &p);
    for (size_t i = 0; i < ROWS(list); i++) {
        assert_null(p.no_path[i]);
        assert_int_equal(p.result.container[i].difference_count, 0);
    }
    cmcctl_paths_done(&p);
    find(&(struct verify_result){0}, &(struct verify_policy){0}, NULL, &p);
    assert_int_equal(p.result.container_count, 0);
    cmcctl_paths_done(&p);
}

/* More root file systems than are looked into, and more paths than are named. */
static void test_limits(void **state)
{
    (void)state;
    struct verify_container list[12];
    struct ctl_paths p;
    for (size_t i = 0; i < ROWS(list); i++) {
        list[i] = differing();
        list[i].rootfs[0] ^= (uint8_t)(i + 1);
    }
    const struct verify_result r = {.container = list, .container_count = ROWS(list)};
    find(&r, &(struct verify_policy){0}, honest, &p);
    assert_string_equal(p.no_path[0], "no listing of the measured one: the host has none");
    assert_string_equal(p.no_path[11], "more root file systems differ than are looked into");
    cmcctl_paths_done(&p);

    cmc_autobuf struct cmc_buf big = cmc_buf_of(1 << 20);
    cmc_put_text(&big, "cmc-rootfs-listing 1\nd 0755 0 0 /\n");
    for (int i = 0; i < 1500; i++)
        cmc_put_fmt(&big, "p 0600 0 0 /%04d\n", i);
    struct verify_container c = differing();
    struct cmc_err err = {0};
    assert_int_equal(measure_listing_digest(big.data, big.len, c.rootfs, &err), 0);
    const struct verify_item items[] = {{big.data, big.len},
                                        {(const uint8_t *)reference, strlen(reference)}};
    const struct verify_policy policy = {.item = items, .item_count = ROWS(items)};
    find(&(struct verify_result){.container = &c, .container_count = 1}, &policy, NULL, &p);
    assert_int_equal(p.result.container[0].difference_count, 1000);
    assert_string_equal(p.no_path[0], "503 more paths differ");
    cmcctl_paths_done(&p);
}

/* A host that says nothing is given up, with words. */
static enum fake_cmcd_does silent(uint32_t type, const struct serve_message *asked,
                                  struct serve_message *answer)
{
    (void)type;
    (void)asked;
    (void)answer;
    return FAKE_SILENT;
}

static enum fake_cmcd_does other(uint32_t type, const struct serve_message *asked,
                                 struct serve_message *answer)
{
    (void)type;
    (void)asked;
    (void)answer;
    return FAKE_GARBAGE;
}

static enum fake_cmcd_does echo(uint32_t type, const struct serve_message *asked,
                                struct serve_message *answer)
{
    (void)type;
    answer->report = asked->nonce;
    return FAKE_ANSWERS;
}

static void test_ask(void **state)
{
    (void)state;
    static const struct {
        fake_cmcd_fn *fn;
        int rc;
    } rows[] = {{echo, 0}, {silent, -CMC_E_SYS}, {other, -CMC_E_FORMAT}, {refusing, -CMC_E_VERIFY}};
    uint8_t nonce[ROWS(rows)][CTL_NONCE_LEN];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fake_cmcd f = {0};
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf report = cmc_buf_of(4096);
        fake_cmcd_start(&f, rows[i].fn);
        const struct serve_peer peer = {.addr = f.addr, .timeout_ms = 500};
        const int rc = cmcctl_ask(&peer, nonce[i], &report, &err);
        fake_cmcd_stop(&f);
        if (rc != rows[i].rc)
            fail_msg("row %zu: %d %s", i, rc, err.msg);
        assert_int_equal(report.len, rc == 0 ? CTL_NONCE_LEN : 0);
        assert_true(rc < 0 || memcmp(report.data, nonce[i], CTL_NONCE_LEN) == 0);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(nonce[k], nonce[i], CTL_NONCE_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_host),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_from_the_policy),
        cmocka_unit_test(test_nothing_is_believed_or_had),
        cmocka_unit_test(test_only_what_differs_is_asked_for),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
