/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_containers.c -- containers against signed references: equal, or
 * not, and then what differs; events of other types; and that no secret shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/verify/claims.h"
#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

static int setup(void **state)
{
    struct report_bed *b = calloc(1, sizeof(*b));
    *state = b;
    report_bed_bare(b);
    return 0;
}

static int teardown(void **state)
{
    report_bed_done(*state);
    free(*state);
    return 0;
}

static void equal(void **state)
{
    struct verify_result *r = report_bed_judge(*state, BED_HELLO, NULL, BED_HELLO, 0x11);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_int_equal(r->container_count, 1);
    const struct verify_container *c = &r->container[0];
    assert_int_equal(c->status, VERIFY_GOOD);
    assert_string_equal(c->event, "container-create");
    assert_string_equal(c->id, "web-1");
    assert_string_equal(c->image, "example/web:1");
    assert_string_equal(c->reference, "web");
    assert_string_equal(c->manifest, "app");
    assert_int_equal(c->difference_count, 0);
    assert_false(c->config_differs);
    assert_false(c->rootfs_differs);
    assert_string_equal(report_bed_claim(r, "container")->text,
                        "web-1 (example/web:1) is reference \"web\" of \"app\"");
    assert_string_equal(report_bed_claim(r, "container.event")->text,
                        "event 1, whose bytes are in PCR 13");
    assert_int_equal(r->cert_level, 1);
    report_bed_no_canary(r);
    verify_result_free(r);
}

static void one_variable(void **state)
{
    struct verify_result *r = report_bed_judge(*state, BED_HELLO, NULL, BED_EVIL, 0x11);
    report_bed_refused(r, "container.config",
                       "process.env VAL: reference \"HELLO\", measured \"EVIL\"");
    const struct verify_container *c = &r->container[0];
    assert_int_equal(c->status, VERIFY_BAD);
    assert_string_equal(c->reference, "web");
    assert_true(c->config_differs);
    assert_false(c->rootfs_differs);
    assert_int_equal(c->difference_count, 1);
    assert_string_equal(c->difference[0].path, "process.env VAL");
    assert_string_equal(c->difference[0].before, "\"HELLO\"");
    assert_string_equal(c->difference[0].after, "\"EVIL\"");
    assert_memory_equal(c->ref_config, ((struct report_bed *)*state)->config[0].digest, 32);
    report_bed_no_canary(r);
    verify_result_free(r);
}

static void one_file(void **state)
{
    struct verify_result *r = report_bed_judge(*state, BED_HELLO, NULL, BED_HELLO, 0x12);
    report_bed_refused(r, "container.rootfs", "root file system 1212");
    const struct verify_container *c = &r->container[0];
    assert_false(c->config_differs);
    assert_true(c->rootfs_differs);
    assert_int_equal(c->rootfs[0], 0x12);
    assert_int_equal(c->ref_rootfs[0], 0x11);
    assert_int_equal(c->difference_count, 0);
    verify_result_free(r);
}

/* Names on the list, in any case, as second of their name, and wherever else variables are. */
static void secrets(void **state)
{
    static const struct {
        const char *reference, *measured, *path;
    } rows[] = {
        {BED_HELLO, BED_CONFIG("\"VAL=HELLO\",\"DB_PASSWORD=canary-two\"", ""),
         "process.env DB_PASSWORD"},
        {BED_HELLO, BED_CONFIG("\"VAL=HELLO\"", ""), "process.env DB_PASSWORD"},
        {BED_CONFIG("\"A=1\"", ""), BED_CONFIG("\"A=1\",\"api_token=canary\"", ""),
         "process.env api_token"},
        {BED_CONFIG("\"MyKey=a\",\"MyKey=canary-1\"", ""),
         BED_CONFIG("\"MyKey=a\",\"MyKey=canary-2\"", ""), "process.env MyKey #2"},
        {BED_CONFIG("\"S=1\"",
                    ",\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"env\":[\"K=canary\"]}]}"),
         BED_CONFIG("\"S=1\"",
                    ",\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"env\":[\"K=canary2\"]}]}"),
         "hooks.prestart[0].env[0]"},
        {BED_CONFIG("\"S=1\"", ""),
         BED_CONFIG("\"S=1\"",
                    ",\"hooks\":{\"prestart\":[{\"path\":\"/x\",\"env\":[\"K=canary\"]}]}"),
         "hooks"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        assert_int_equal(setup((void **)&b), 0);
        struct verify_result *r =
            report_bed_judge(b, rows[i].reference, NULL, rows[i].measured, 0x11);
        report_bed_refused(r, "container.config", rows[i].path);
        assert_int_equal(r->container[0].difference_count, 1);
        assert_string_equal(r->container[0].difference[0].path, rows[i].path);
        report_bed_no_canary(r);
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

static void own_list_of_secrets(void **state)
{
    static const char *const mine[] = {"VA*"};
    struct report_bed *b = *state;
    b->policy.secrets = mine;
    b->policy.secret_count = 1;
    struct verify_result *r =
        report_bed_judge(b, BED_CONFIG("\"VAL=canary\",\"X_KEY=a\"", ""), NULL,
                         BED_CONFIG("\"VAL=canary2\",\"X_KEY=b\"", ""), 0x11);
    assert_int_equal(r->container[0].difference_count, 2);
    report_bed_no_canary(r);
    assert_string_equal(r->container[0].difference[1].after, "\"b\"");
    verify_result_free(r);
}

/* Of several references the one that differs least is shown. */
static void nearest(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *far =
        report_bed_config(b, BED_CONFIG("\"A=1\",\"B=2\",\"VAL=EVIL\"", ""), NULL);
    const struct measure_config *near = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, NULL);
    report_bed_reference(&refs, "other files", near, 0x33, "");
    report_bed_reference(&refs, "far", far, 0x11, "");
    report_bed_reference(&refs, "near", near, 0x11, "");
    report_bed_reference(&refs, "far too", far, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", have, 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.config", "VAL");
    assert_string_equal(r->container[0].reference, "near");
    verify_result_free(r);
    b->report.detail_count = 0;
    r = report_bed_verify(b);
    assert_string_equal(r->container[0].reference, "far"); /* the first with the same files */
    verify_result_free(r);
}

static void nearest_by_name(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, NULL);
    report_bed_reference(&refs, "something", want, 0x33, "");
    report_bed_reference(&refs, "example/web:1", want, 0x44, "");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", have, 0x11);
    struct verify_result *r = report_bed_run(b);
    assert_string_equal(r->container[0].reference, "example/web:1");
    assert_true(r->container[0].config_differs);
    assert_true(r->container[0].rootfs_differs);
    verify_result_free(r);
}

static void many_differences(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf env = cmc_buf_of(1 << 20), config = cmc_buf_of(1 << 20);
    for (int i = 0; i < 300; i++)
        cmc_put_fmt(&env, "%s\"V%d=1\"", i ? "," : "", i);
    cmc_put_fmt(&config, BED_CONFIG("%.*s", ""), (int)env.len, (const char *)env.data);
    cmc_put_u8(&config, 0);
    struct verify_result *r =
        report_bed_judge(b, BED_CONFIG("\"X=1\"", ""), NULL, (const char *)config.data, 0x11);
    const struct verify_container *c = &r->container[0];
    assert_int_equal(c->difference_count, 257);
    assert_string_equal(c->difference[256].path, "45 more");
    assert_null(c->difference[256].before);
    const struct verify_claim *last = report_bed_claim(r, "container.config")->child;
    while (last->next)
        last = last->next;
    assert_string_equal(last->text, "and 249 more differences");
    verify_result_free(r);
}

/* What a reference must have to count, each left out in turn. */
static void references_that_do_not_count(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"exact\"", "\"cmc\"  "},
        {"\"cmc.index\",\"value\":\"13\"", "\"cmc.index\",\"value\":\"12\""},
        {"\"cmc.keyId\"", "\"cmc.keyIx\""},
        {"\"ctrData\"", "\"ctrDatx\""},
        {"\"configSha256\"", "\"configShax56\""},
        {"\"rootfsSha256\"", "\"rootfsShax56\""},
        {"\"0000000000000000\"", "\"000000000000000x\""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        assert_int_equal(setup((void **)&b), 0);
        cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
        const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
        report_bed_reference(&refs, "web", c, 0x11, "");
        char *at = strstr((char *)refs.data, rows[i].from);
        assert_non_null(at);
        memcpy(at, rows[i].to, strlen(rows[i].to));
        report_bed_metadata(b, (const char *)refs.data, NULL);
        report_bed_create(b, "web-1", c, 0x11);
        struct verify_result *r = report_bed_run(b);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        assert_int_equal(report_bed_claim(r, "container.reference")->status, VERIFY_BAD);
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

static void without_metadata(void **state)
{
    struct report_bed *b = *state;
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    report_bed_create(b, "web-1", c, 0x11);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_int_equal(r->container[0].status, VERIFY_BAD);
    assert_null(r->container[0].reference);
    verify_result_free(r);
}

/* No container and no metadata: nothing is not enough. */
static void nothing_at_all(void **state)
{
    struct verify_result *r = report_bed_run(*state);
    assert_int_not_equal(r->verdict, VERIFY_TRUSTED);
    assert_int_not_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    verify_result_free(r);
}

static void must_run(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *guard = report_bed_config(b, BED_CONFIG("\"A=1\"", ""), NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_reference(&refs, "guard", guard, 0x22,
                         ",{\"name\":\"cmc.mustRun\",\"value\":\"true\"}");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", c, 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "reference.absent", "reference \"guard\" must run");
    verify_result_free(r);
    report_bed_create(b, "guard-1", guard, 0x22);
    r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    verify_result_free(r);
}

/* Events that are no container-create, or one that no reference can speak for. */
static void other_events(void **state)
{
    static const struct {
        enum measure_event_type type;
        const char *words; /* NULL: allowed */
    } rows[] = {
        {MEASURE_CONTAINER_DELETE, NULL},
        {MEASURE_FAILED, "could not be measured: rootfs: bin/sh changed"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        assert_int_equal(setup((void **)&b), 0);
        verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_HELLO, 0x11));
        logs_put(&b->log, rows[i].type, MEASURE_MARK_DONE);
        struct verify_result *r = report_bed_run(b);
        if (rows[i].words)
            report_bed_refused(r, "container.event", rows[i].words);
        else
            assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
        assert_int_equal(r->container_count, rows[i].words ? 2 : 1);
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

/* Restored from a checkpoint: configuration and files say nothing of what is in its memory. */
static void from_a_checkpoint(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_HELLO, 0x11));
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    memcpy(ev.config, b->config[0].digest, sizeof(ev.config));
    memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
    ev.checkpoint = "/var/lib/checkpoint";
    logs_intent(&b->log, &ev);
    logs_mark(&b->log, MEASURE_MARK_DONE);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.event", "restored from a checkpoint");
    verify_result_free(r);
}

/* Events that our recorder does not write yet: their content is made by hand. */
static void put_raw_event(struct logs *l, const char *type, const void *more, size_t members)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf c = cmc_buf_of(4096);
    cmc_put_u8(&c, (uint8_t)(0xa3 + members));
    cmc_put_u8(&c, 0x00);
    cmc_put_u8(&c, 0x6b);
    cmc_put_text(&c, "cmc-event/1");
    cmc_put_u8(&c, 0x01);
    cmc_put_u8(&c, (uint8_t)(0x60 + strlen(type)));
    cmc_put_text(&c, type);
    cmc_put_u8(&c, 0x02);
    cmc_put_u8(&c, (uint8_t)l->seq);
    if (more)
        cmc_put(&c, more, strlen(more));
    struct measure_frame f = {.type = MEASURE_FRAME_INTENT,
                              .recnum = l->seq,
                              .pcr = 13,
                              .content = c.data,
                              .content_len = c.len};
    assert_int_equal(
        measure_replay_digests(MEASURE_PROFILE_EXACT, NULL, &f, &l->start, &f.digests, &err), 0);
    assert_int_equal(measure_frame_encode(&f, &l->bytes, &err), 0);
    logs_mark(l, MEASURE_MARK_DONE);
}

static void events_of_a_newer_recorder(void **state)
{
    static const struct {
        const char *type;
        enum verify_verdict verdict;
        const char *words;
    } rows[] = {
        {"exec", VERIFY_COULD_NOT, "exec, of something: no reference covers"},
        {"update", VERIFY_COULD_NOT, "update, of something: no reference covers"},
        {"brand-new", VERIFY_COULD_NOT, "brand-new, of something: no reference covers"},
        {"restore", VERIFY_NOT_TRUSTED, "restored from a checkpoint"},
        {"layer-changed", VERIFY_NOT_TRUSTED, "had a layer changed below it"},
        {"policy-change", VERIFY_TRUSTED_IF_ROOT, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        assert_int_equal(setup((void **)&b), 0);
        verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_HELLO, 0x11));
        put_raw_event(&b->log, rows[i].type, NULL, 0);
        struct verify_result *r = report_bed_run(b);
        if (r->verdict != rows[i].verdict)
            fail_msg("%s: %s: %s", rows[i].type, r->words, r->reason ? r->reason : "");
        if (rows[i].words)
            assert_non_null(strstr(r->reason, rows[i].words));
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

static void unmeasured_container(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_HELLO, 0x11));
    logs_put(&b->log, MEASURE_UNMEASURED, MEASURE_MARK_DONE);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.event", "runs without having been measured");
    verify_result_free(r);
}

/* Changing any byte of any event breaks verification: it is never shown otherwise. */
static void any_byte_of_the_log(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_HELLO, 0x11));
    struct verify_result *r = NULL;
    for (size_t i = 0; i < b->log.bytes.len; i++) {
        b->log.bytes.data[i] ^= 1;
        r = report_bed_verify(b);
        if (r->verdict == VERIFY_TRUSTED_IF_ROOT) /* the last mark is not needed */
            assert_string_equal(r->container[0].id, "web-1");
        else
            assert_int_equal(r->container_count, 0);
        verify_result_free(r);
        b->log.bytes.data[i] ^= 1;
    }
}

/* A register that no reference names is easily kept without containers. */
static void another_register(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    verify_result_free(r);

    char *pcr = memmem(refs.data, refs.len, "\"13\"", 4);
    assert_non_null(pcr);
    pcr[2] = '4';
    while (b->item_count)
        cmc_buf_done(&b->item[--b->item_count]);
    report_bed_metadata(b, (const char *)refs.data, NULL);
    r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_COULD_NOT);
    assert_int_equal(report_bed_claim(r, "container.none")->status, VERIFY_UNCHECKED);
    verify_result_free(r);
}

/* What differs is looked for in the first of them only: a host can start many. */
static void many_containers(void **state)
{
    struct report_bed *b = *state;
    enum { STARTED = 300, EXPLAINED = 256 };
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_EVIL, 0x11));
    for (size_t i = 1; i < STARTED; i++)
        report_bed_create(b, "web-1", &b->config[1], 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.config",
                       "process.env VAL: reference \"HELLO\", measured \"EVIL\"");
    assert_int_equal(r->container_count, STARTED);
    for (size_t i = 0; i < STARTED; i++) {
        assert_int_equal(r->container[i].status, VERIFY_BAD);
        assert_int_equal(r->container[i].difference_count, i < EXPLAINED ? 1 : 0);
        assert_true(r->container[i].config_differs);
    }
    verify_result_free(r);
}

/* So many containers that rules do not allow, and a last one that they do. */
enum { REFERENCES = 64, MANY = 257 };
static void put_many(struct report_bed *b)
{
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want =
        report_bed_config(b, BED_CONFIG("\"A=1\"", ",\"hostname\":\"g\""), NULL);
    const struct measure_config *have =
        report_bed_config(b, BED_CONFIG("\"A=2\"", ",\"hostname\":\"g\""), NULL);
    const struct measure_config *other =
        report_bed_config(b, BED_CONFIG("\"A=1\"", ",\"hostname\":\"h\""), NULL);
    for (size_t i = 0; i < REFERENCES; i++)
        report_bed_reference(&refs, "web", want, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, "{\"hostname\":\"modifiable\"}");
    for (size_t i = 0; i < MANY; i++)
        report_bed_create(b, "web-1", i < MANY - 1 ? have : other, 0x11);
}

static void expect_many(const struct verify_result *r, enum verify_status each,
                        enum verify_status last)
{
    assert_int_equal(r->container_count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(r->container[i].status, i < MANY - 1 ? each : last);
}

/* Rules are applied so often, and no more: what is left is neither allowed nor refused, be it what
 * they allow. */
static void many_rules(void **state)
{
    put_many(*state);
    struct verify_result *r = report_bed_run(*state);
    expect_many(r, VERIFY_BAD, VERIFY_UNCHECKED);
    const struct verify_claim *last = report_bed_claim(r, "container");
    while (last->next)
        last = last->next;
    last = verify_claim_first(last->child, VERIFY_UNCHECKED);
    assert_string_equal(last->id, "container.rules");
    assert_non_null(strstr(last->text, "are not applied after 16384 comparisons"));
    verify_result_free(r);
}

/* Where nothing is compared, nothing counts. */
static void many_without_details(void **state)
{
    struct report_bed *b = *state;
    put_many(b);
    report_bed_quote(b);
    report_bed_marshal(b);
    report_bed_sign(b);
    report_bed_report(b);
    b->detail[1] = b->detail[2];
    b->report.detail_count = 2;
    struct verify_result *r = report_bed_verify(b);
    expect_many(r, VERIFY_UNCHECKED, VERIFY_GOOD);
    verify_result_free(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal),
        TEST(one_variable),
        TEST(one_file),
        TEST(secrets),
        TEST(own_list_of_secrets),
        TEST(nearest),
        TEST(nearest_by_name),
        TEST(many_differences),
        TEST(references_that_do_not_count),
        TEST(without_metadata),
        TEST(nothing_at_all),
        TEST(must_run),
        TEST(another_register),
        TEST(many_containers),
        TEST(many_rules),
        TEST(many_without_details),
        TEST(other_events),
        TEST(from_a_checkpoint),
        TEST(events_of_a_newer_recorder),
        TEST(unmeasured_container),
        TEST(any_byte_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
