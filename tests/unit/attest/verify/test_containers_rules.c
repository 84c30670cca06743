/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_containers_rules.c -- what rules allow, of details that are
 * shown, withheld, swapped or not there, and with redaction keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

static const uint8_t key[32] = {7}, other_key[32] = {8};

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

static const char rules[] = "{\"process\":{\"env\":\"replace:VAL=*\"}}";

static void allowed_by_rules(void **state)
{
    struct verify_result *r = report_bed_judge(*state, BED_HELLO, rules, BED_EVIL, 0x11);
    if (r->verdict != VERIFY_TRUSTED_IF_ROOT)
        fail_msg("%s", r->reason);
    assert_int_equal(report_bed_claim(r, "container.rules")->status, VERIFY_GOOD);
    assert_null(report_bed_claim(r, "container.config"));
    assert_string_equal(r->container[0].reference, "web");
    assert_true(r->container[0].config_differs);
    verify_result_free(r);
}

/* The detail with the value of DB_PASSWORD withheld, and no other. */
static void withhold_one(const struct cmc_buf *detail, struct cmc_buf *out)
{
    static const char shown[] = "{\"name\":\"DB_PASSWORD\"";
    static const char end[] = "\",\"name\":\"DB_PASSWORD\"}";
    cmc_autobuf struct cmc_buf all = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    assert_int_equal(measure_config_detail_withhold(detail->data, detail->len, NULL, &all, &err),
                     0);
    const uint8_t *entry = memmem(detail->data, detail->len, shown, strlen(shown));
    const uint8_t *behind = memmem(all.data, all.len, end, strlen(end));
    assert_true(entry && behind);
    const uint8_t *rest = memchr(entry, '}', (size_t)(detail->data + detail->len - entry));
    cmc_put(out, detail->data, (size_t)(entry - detail->data));
    cmc_put_fmt(out, "{\"commitment\":\"%.64s%s", (const char *)behind - 64, end);
    cmc_put(out, rest + 1, (size_t)(detail->data + detail->len - rest - 1));
}

/* What is withheld on one side is on both: that entry alone, the values of others are compared. */
static void one_withheld(void **state)
{
#define WITH(more) BED_CONFIG("\"VAL=HELLO\",\"DB_PASSWORD=canary-one\"," more, "")
    static const struct {
        const char *measured;
        bool withheld;
        enum verify_verdict verdict;
    } rows[] = {
        {WITH("\"EXTRA=1\""), false, VERIFY_TRUSTED_IF_ROOT},
        {WITH("\"EXTRA=1\""), true, VERIFY_TRUSTED_IF_ROOT},
        {WITH("\"EXTRA=2\""), true, VERIFY_NOT_TRUSTED},
        {WITH("null,\"EXTRA=1\""), true, VERIFY_NOT_TRUSTED},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        cmc_autobuf struct cmc_buf one = cmc_buf_of(1 << 20);
        assert_int_equal(setup((void **)&b), 0);
        verify_result_free(report_bed_judge(b, BED_HELLO,
                                            "{\"process\":{\"env\":\"additional:EXTRA=1\"}}",
                                            rows[i].measured, 0x11));
        withhold_one(&b->config[1].detail, &one);
        if (rows[i].withheld)
            b->detail[1].data = (struct meta_bytes){.data = one.data, .len = one.len};
        struct verify_result *r = report_bed_verify(b);
        assert_null(report_bed_claim(r, "container.detail"));
        if (r->verdict != rows[i].verdict)
            fail_msg("%zu: %s: %s", i, r->words, r->reason ? r->reason : "");
        report_bed_no_canary(r);
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
#undef WITH
}

/* Each entry is looked for among the others: there is a limit, whatever the rules are about. */
static void many_variables(void **state)
{
    static const char hostname[] = "{\"hostname\":\"modifiable\"}";
    (void)state;
    for (int n = 1024; n <= 1025; n++) {
        struct report_bed *b = NULL;
        cmc_autobuf struct cmc_buf env = cmc_buf_of(1 << 20), had = cmc_buf_of(1 << 20),
                                   has = cmc_buf_of(1 << 20);
        for (int i = 0; i < n; i++)
            cmc_put_fmt(&env, "%s\"V%d=1\"", i ? "," : "", i);
        cmc_put_fmt(&had, BED_CONFIG("%.*s", ",\"hostname\":\"g\""), (int)env.len,
                    (const char *)env.data);
        cmc_put_fmt(&has, BED_CONFIG("%.*s", ",\"hostname\":\"h\""), (int)env.len,
                    (const char *)env.data);
        cmc_put_u8(&had, 0);
        cmc_put_u8(&has, 0);
        assert_int_equal(setup((void **)&b), 0);
        struct verify_result *r =
            report_bed_judge(b, (const char *)had.data, hostname, (const char *)has.data, 0x11);
        if (r->verdict != (n == 1024 ? VERIFY_TRUSTED_IF_ROOT : VERIFY_NOT_TRUSTED))
            fail_msg("%d: %s: %s", n, r->words, r->reason ? r->reason : "");
        if (n > 1024)
            assert_non_null(strstr(report_bed_claim(r, "container.rules")->text,
                                   "process.env has 1025 entries, rules take at most 1024"));
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

/* The rules are about the configuration: files stay files. */
static void rules_and_other_files(void **state)
{
    struct verify_result *r = report_bed_judge(*state, BED_HELLO, rules, BED_EVIL, 0x12);
    report_bed_refused(r, "container.config", "VAL");
    assert_int_equal(report_bed_claim(r, "container.rootfs")->status, VERIFY_BAD);
    verify_result_free(r);
}

static void not_allowed_by_rules(void **state)
{
    struct verify_result *r = report_bed_judge(
        *state, BED_HELLO, rules, BED_CONFIG("\"VAL=EVIL\",\"DB_PASSWORD=canary-two\"", ""), 0x11);
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_int_equal(report_bed_claim(r, "container.rules")->status, VERIFY_BAD);
    assert_non_null(strstr(report_bed_claim(r, "container.rules")->text, "rules of \"app\""));
    assert_int_equal(r->container[0].difference_count, 2);
    report_bed_no_canary(r);
    verify_result_free(r);
}

/* Hosts withhold secrets: what is withheld is compared by its commitment. */
static void withheld_and_rules(void **state)
{
    static const struct {
        const char *measured;
        enum verify_verdict verdict;
    } rows[] = {{BED_EVIL, VERIFY_TRUSTED_IF_ROOT},
                {BED_CONFIG("\"VAL=EVIL\",\"DB_PASSWORD=canary-two\"", ""), VERIFY_NOT_TRUSTED},
                {BED_CONFIG("\"VAL=EVIL\",\"DB_PASSWORD\"", ""), VERIFY_NOT_TRUSTED}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct report_bed *b = NULL;
        cmc_autobuf struct cmc_buf withheld = cmc_buf_of(1 << 20);
        struct cmc_err err = {0};
        assert_int_equal(setup((void **)&b), 0);
        verify_result_free(report_bed_judge(b, BED_HELLO, rules, rows[i].measured, 0x11));
        const struct cmc_buf *detail = &b->config[1].detail;
        assert_int_equal(
            measure_config_detail_withhold(detail->data, detail->len, NULL, &withheld, &err), 0);
        b->detail[1].data = (struct meta_bytes){.data = withheld.data, .len = withheld.len};
        struct verify_result *r = report_bed_verify(b);
        assert_int_equal(r->verdict, rows[i].verdict);
        report_bed_no_canary(r);
        verify_result_free(r);
        (void)teardown((void **)&b);
    }
}

/* Who may not see details gets none: then rules cannot be applied, and nothing is claimed. */
static void without_details(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, rules, BED_EVIL, 0x11));
    b->report.detail_count = 0;
    struct verify_result *r = report_bed_verify(b);
    assert_int_equal(r->verdict, VERIFY_COULD_NOT);
    assert_int_equal(report_bed_claim(r, "container.rules")->status, VERIFY_UNCHECKED);
    assert_int_equal(report_bed_claim(r, "container.detail")->status, VERIFY_NOTE);
    assert_int_equal(r->container[0].status, VERIFY_UNCHECKED);
    assert_null(report_bed_claim(r, "container.config"));
    verify_result_free(r);
}

static void without_details_or_rules(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_EVIL, 0x11));
    b->report.detail_count = 0;
    struct verify_result *r = report_bed_verify(b);
    report_bed_refused(r, "container.config", "the reference has");
    assert_int_equal(r->container[0].difference_count, 0);
    assert_true(r->container[0].config_differs);
    verify_result_free(r);
}

/* A detail is found by a digest that the event has; what gives another one is never shown. */
static void details_swapped(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, NULL, BED_EVIL, 0x11));
    const struct meta_exact_part right = b->detail[1];
    b->detail[1].data = b->detail[0].data;
    struct verify_result *r = report_bed_verify(b);
    report_bed_refused(r, "container.detail", "it gives another digest");
    assert_int_equal(r->container[0].difference_count, 0);
    verify_result_free(r);
    b->detail[1].data = (struct meta_bytes){.data = (const uint8_t *)"x", .len = 1};
    r = report_bed_verify(b);
    report_bed_refused(r, "container.detail", "it is no configuration");
    verify_result_free(r);
    uint8_t bytes[1024];
    assert_true(right.data.len <= sizeof(bytes));
    for (size_t i = 0; i < right.data.len; i++) { /* any byte of it */
        memcpy(bytes, right.data.data, right.data.len);
        bytes[i] ^= 1;
        b->detail[1].data.data = bytes;
        b->detail[1].data.len = right.data.len;
        r = report_bed_verify(b);
        report_bed_refused(r, "container.detail", "is not shown");
        assert_int_equal(r->container[0].difference_count, 0);
        verify_result_free(r);
    }
}

/* What is not the configuration is not what rules are applied to. */
static void wrong_detail_and_rules(void **state)
{
    struct report_bed *b = *state;
    verify_result_free(report_bed_judge(b, BED_HELLO, rules, BED_EVIL, 0x11));
    b->detail[1].data = b->detail[0].data;
    struct verify_result *r = report_bed_verify(b);
    report_bed_refused(r, "container.detail", "it gives another digest");
    assert_null(report_bed_claim(r, "container.rules"));
    verify_result_free(r);
}

static void reference_without_its_configuration(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, NULL);
    report_bed_reference(&refs, "web", want, 0x11, "");
    char *spec = strstr((char *)refs.data, "HELLO"); /* signed, but not what the digest says */
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): in the middle of a text */
    memcpy(spec, "HELLU", 5);
    report_bed_metadata(b, (const char *)refs.data, rules);
    report_bed_create(b, "web-1", have, 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.config", "the reference has");
    assert_int_equal(r->container[0].difference_count, 0);
    assert_non_null(strstr(report_bed_claim(r, "container.rules")->text,
                           "the reference's configuration: it gives another digest"));
    verify_result_free(r);
}

static void reference_without_any_configuration(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, NULL);
    report_bed_reference(&refs, "web", want, 0x11, "");
    char *spec = strstr((char *)refs.data, ",\"ociSpec\"");
    memcpy(spec, "}}", 3);
    report_bed_metadata(b, (const char *)refs.data, rules);
    report_bed_create(b, "web-1", have, 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.config", "the reference has");
    assert_non_null(strstr(report_bed_claim(r, "container.rules")->text,
                           "the reference holds no configuration"));
    verify_result_free(r);
}

#define KEY_ID(text) ",{\"name\":\"cmc.keyId\",\"value\":\"" text "\"}"

static void key_property(const uint8_t *k, char *out, size_t cap)
{
    uint8_t id[MEASURE_KEY_ID_LEN];
    measure_config_key_id(k, id);
    (void)snprintf(out, cap, KEY_ID("%02x%02x%02x%02x%02x%02x%02x%02x"), id[0], id[1], id[2], id[3],
                   id[4], id[5], id[6], id[7]);
}

static void create_keyed(struct report_bed *b, const struct measure_config *c, const uint8_t *k)
{
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    memcpy(ev.config, c->digest, sizeof(ev.config));
    memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
    measure_config_key_id(k, ev.key_id);
    logs_intent(&b->log, &ev);
    logs_mark(&b->log, MEASURE_MARK_DONE);
}

static void redaction_keys(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    char property[100];
    const struct measure_config *want = report_bed_config(b, BED_HELLO, key);
    key_property(key, property, sizeof(property));
    report_bed_reference(&refs, "web", want, 0x11, property);
    report_bed_metadata(b, (const char *)refs.data, NULL);
    create_keyed(b, want, key);
    struct verify_result *r = report_bed_run(b); /* needs no key to compare */
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    verify_result_free(r);

    const struct measure_config *other = report_bed_config(b, BED_HELLO, other_key);
    create_keyed(b, other, other_key);
    r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_COULD_NOT); /* never a mismatch */
    assert_int_equal(r->container[1].status, VERIFY_UNCHECKED);
    assert_int_equal(report_bed_claim(r, "container.key")->status, VERIFY_UNCHECKED);
    assert_false(r->container[1].config_differs);
    assert_null(report_bed_claim(r, "container.config")->next->next);
    verify_result_free(r);
}

/* The same digests under another key id are not what the reference was made for. */
static void key_id_alone(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x11, KEY_ID("0000000000000001"));
    report_bed_metadata(b, (const char *)refs.data, rules);
    report_bed_create(b, "web-1", c, 0x11);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_COULD_NOT);
    assert_non_null(strstr(r->reason, "redaction key 0000000000000000"));
    verify_result_free(r);
}

static void key_and_other_files(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x12, KEY_ID("0000000000000001"));
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", c, 0x11);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.rootfs", "root file system"); /* whatever the key */
    assert_null(report_bed_claim(r, "container.config"));
    assert_false(r->container[0].config_differs);
    verify_result_free(r);
}

/* A detail that a key which we do not have made cannot be recomputed: no accusation. */
static void keyed_detail(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    char property[100];
    const struct measure_config *want = report_bed_config(b, BED_HELLO, key);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, key);
    key_property(key, property, sizeof(property));
    report_bed_reference(&refs, "web", want, 0x11, property);
    report_bed_metadata(b, (const char *)refs.data, NULL);
    create_keyed(b, have, key);
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "container.config", "the reference has");
    assert_int_equal(report_bed_claim(r, "container.detail")->status, VERIFY_NOTE);
    assert_int_equal(r->container[0].difference_count, 0);
    verify_result_free(r);
    b->policy.redaction_key = key;
    r = report_bed_run(b);
    report_bed_refused(r, "container.config", "reference \"HELLO\", measured \"EVIL\"");
    assert_null(report_bed_claim(r, "container.detail"));
    verify_result_free(r);
}

static void must_run_by_rules(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, BED_EVIL, NULL);
    report_bed_reference(&refs, "web", want, 0x11,
                         ",{\"name\":\"cmc.mustRun\",\"value\":\"true\"}");
    report_bed_metadata(b, (const char *)refs.data, rules);
    report_bed_create(b, "web-1", have, 0x11);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    verify_result_free(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(allowed_by_rules),
        TEST(one_withheld),
        TEST(many_variables),
        TEST(rules_and_other_files),
        TEST(not_allowed_by_rules),
        TEST(withheld_and_rules),
        TEST(without_details),
        TEST(without_details_or_rules),
        TEST(details_swapped),
        TEST(wrong_detail_and_rules),
        TEST(reference_without_its_configuration),
        TEST(reference_without_any_configuration),
        TEST(redaction_keys),
        TEST(key_id_alone),
        TEST(key_and_other_files),
        TEST(keyed_detail),
        TEST(must_run_by_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
