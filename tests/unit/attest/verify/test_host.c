/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_host.c -- the third claim: boot chain and programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

static const char config[] = "{\"ociVersion\":\"1.0.2\"}";

struct host {
    struct report_bed b;
    struct cmc_buf refs;
};

static int setup(void **state)
{
    struct host *h = calloc(1, sizeof(*h));
    *state = h;
    h->refs = cmc_buf_of(1 << 20);
    report_bed_open(&h->b, "SLB9670");
    logs_put(&h->b.log, MEASURE_RECORDER_START, MEASURE_MARK_DONE); /* programs 80.. and a0.. */
    const struct measure_config *c = report_bed_config(&h->b, config, NULL);
    report_bed_create(&h->b, "web-1", c, 0x11);
    report_bed_reference(&h->refs, "web", c, 0x11, "");
    return 0;
}

static int teardown(void **state)
{
    struct host *h = *state;
    report_bed_done(&h->b);
    cmc_buf_done(&h->refs);
    free(h);
    return 0;
}

/* A component with a SHA-256 hash of bytes from first on (step 0: the same byte). */
static void add(struct host *h, const char *name, const char *properties, uint8_t first,
                uint8_t step)
{
    cmc_put_fmt(&h->refs,
                ",{\"type\":\"firmware\",\"name\":\"%s\",\"hashes\":[{\"alg\":\"SHA-256\","
                "\"content\":\"",
                name);
    for (unsigned i = 0; i < CMC_SHA256_LEN; i++)
        cmc_put_fmt(&h->refs, "%02x", (uint8_t)(first + step * i));
    cmc_put_fmt(&h->refs, "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"}%s]}",
                properties);
    cmc_put_u8(&h->refs, 0);
    h->refs.len--;
}

static const char *index_of(uint32_t pcr)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), ",{\"name\":\"cmc.index\",\"value\":\"%u\"}", pcr);
    return text;
}

/* The bed quotes PCR i as 32 bytes of 0x40 + i. */
static void add_summaries(struct host *h, uint32_t left_out)
{
    for (uint32_t i = 0; i < 8; i++)
        if (i != left_out)
            add(h, "PCR Summary", index_of(i), (uint8_t)(0x40 + i), 0);
}

#define PROGRAM(role) ",{\"name\":\"cmc.program\",\"value\":\"" role "\"}"
static void add_programs(struct host *h)
{
    add(h, "runc 1.1", PROGRAM("runc"), 0x80, 1);
    add(h, "shim 1.6", PROGRAM("inner-shim"), 0xa0, 1);
}

static struct verify_result *judge(struct host *h)
{
    cmc_put_u8(&h->refs, 0);
    h->refs.len--;
    if (!h->b.item_count)
        report_bed_metadata(&h->b, (const char *)h->refs.data, NULL);
    return report_bed_run(&h->b);
}

static void expect(struct host *h, enum verify_verdict verdict, const char *words)
{
    struct verify_result *r = judge(h);
    if (r->verdict != verdict)
        fail_msg("%s: %s", r->words, r->reason ? r->reason : "");
    if (words && !strstr(r->reason, words))
        fail_msg("%s", r->reason);
    if (!words)
        assert_null(r->reason);
    verify_result_free(r);
}

static void appraised(void **state)
{
    add_summaries(*state, 99);
    add_programs(*state);
    struct verify_result *r = judge(*state);
    assert_int_equal(r->verdict, VERIFY_TRUSTED);
    assert_string_equal(r->words, "TRUSTED");
    assert_null(r->reason);
    assert_int_equal(report_bed_claim(r, "host")->status, VERIFY_GOOD);
    assert_string_equal(report_bed_claim(r, "host.program")->text,
                        "runc /usr/sbin/runc is reference \"runc 1.1\"");
    verify_result_free(r);
}

static void each_pcr_is_needed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        struct host *h = NULL;
        char words[32];
        assert_int_equal(setup((void **)&h), 0);
        add_summaries(h, i);
        add_programs(h);
        (void)snprintf(words, sizeof(words), "PCR %u has no reference", i);
        expect(h, VERIFY_TRUSTED_IF_ROOT, words);
        h->b.policy.require_host = true;
        expect(h, VERIFY_NOT_TRUSTED, words);
        (void)teardown((void **)&h);
    }
}

static void another_value(void **state)
{
    struct host *h = *state;
    add_summaries(h, 4);
    add(h, "PCR Summary", index_of(4), 0x99, 0);
    add_programs(h);
    expect(h, VERIFY_NOT_TRUSTED, "PCR 4 is 4444444444");
}

static void one_of_two_values(void **state)
{
    struct host *h = *state;
    add_summaries(h, 4);
    add(h, "PCR Summary", index_of(4), 0x99, 0);
    add(h, "PCR Summary", index_of(4), 0x44, 0);
    add_programs(h);
    expect(h, VERIFY_TRUSTED, NULL);
}

/* Other PCRs are asked for where there is a reference. */
static void more_pcrs(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    add(h, "PCR Summary", index_of(9), 0x49, 0);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "PCR 9 is not quoted");
    h->b.mask |= 1 << 9;
    expect(h, VERIFY_TRUSTED, NULL);
}

/* What is extended one after the other is for a value that is quoted. */
static void events_of_a_pcr_that_is_not_quoted(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    add(h, "EV_SEPARATOR", index_of(9), 0x21, 0);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "PCR 9 is not quoted");
}

static void another_value_of_more_pcrs(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    add(h, "PCR Summary", index_of(9), 0x40, 0);
    h->b.mask |= 1 << 9;
    expect(h, VERIFY_NOT_TRUSTED, "PCR 9 is 4949");
}

/* Events instead of a value: each extends, in the order of the manifest. */
static void by_events(void **state)
{
    static struct measure_banks boot[8];
    struct host *h = *state;
    struct cmc_err err = {0};
    struct measure_banks d = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    for (size_t i = 0; i < 8; i++) {
        boot[i] = d;
        memset(boot[i].bank[0].value, (int)(0x40 + i), CMC_SHA256_LEN);
    }
    boot[5] = d; /* from 3 (a locality), then 0x21.., then 0x22.. */
    memset(boot[5].bank[0].value, 0x03, CMC_SHA256_LEN);
    for (int byte = 0x21; byte <= 0x22; byte++) {
        memset(d.bank[0].value, byte, CMC_SHA256_LEN);
        assert_int_equal(measure_replay_extend(&boot[5], &d, &err), 0);
    }
    add_summaries(h, 5);
    add_programs(h);
    add(h, "TPM_PCR_INIT_VALUE", index_of(5), 0x03, 0);
    add(h, "EV_SEPARATOR", index_of(5), 0x21, 0);
    add(h, "EV_ACTION", index_of(5), 0x22, 0);
    h->b.boot = boot;
    expect(h, VERIFY_TRUSTED, NULL);
    boot[5].bank[0].value[31] ^= 1;
    expect(h, VERIFY_NOT_TRUSTED, "PCR 5 is");
    boot[5] = measure_banks_zero(&d);
    expect(h, VERIFY_NOT_TRUSTED, "PCR 5 is 0000");
}

/* Zeros are no reference: a PCR without any has none, and does not pass as an empty sequence. */
static void zeros_without_reference(void **state)
{
    static struct measure_banks boot[8];
    struct host *h = *state;
    for (size_t i = 0; i < 8; i++)
        boot[i] = (struct measure_banks){.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    h->b.boot = boot;
    add_programs(h);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "PCR 0 has no reference");
}

/* Components for something else do not speak for PCR 4. */
static void components_of_others(void **state)
{
    static const char *const more[] = {
        ",{\"name\":\"cmc.program\",\"value\":\"runc\"}",
        ",{\"name\":\"cmc.profile\",\"value\":\"exact\"}",
        "],\"ctrData\":{\"configSha256\":null,\"rootfsSha256\":null,\"ociSpec\":null},\"more\":[{}",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(more); i++) {
        struct host *h = NULL;
        char properties[200];
        assert_int_equal(setup((void **)&h), 0);
        add_summaries(h, 4);
        add_programs(h);
        (void)snprintf(properties, sizeof(properties), "%s%s", index_of(4), more[i]);
        add(h, "PCR Summary", properties, 0x44, 0);
        expect(h, VERIFY_TRUSTED_IF_ROOT, "PCR 4 has no reference");
        (void)teardown((void **)&h);
    }
}

static void program_without_reference(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add(h, "runc 1.1", PROGRAM("runc"), 0x80, 1);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "inner-shim /usr/bin/containerd-shim-runc-v2, SHA-256 a0a1");
}

static void another_program(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    memcpy(ev.config, h->b.config[0].digest, sizeof(ev.config));
    memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
    memset(ev.key_id, 0, sizeof(ev.key_id));
    ev.checkpoint = NULL;
    logs_intent(&h->b.log, &ev);
    logs_mark(&h->b.log, MEASURE_MARK_DONE);
    expect(h, VERIFY_TRUSTED, NULL); /* the same programs */
    ev.programs[0].sha256[31] ^= 1;
    logs_intent(&h->b.log, &ev);
    logs_mark(&h->b.log, MEASURE_MARK_DONE);
    expect(h, VERIFY_NOT_TRUSTED, "runc /usr/sbin/runc, SHA-256 8081");
}

/* The right bytes in another role are not what was signed. */
static void program_of_another_role(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add(h, "shim 1.6", PROGRAM("inner-shim"), 0xa0, 1);
    add(h, "not runc", PROGRAM("shim"), 0x80, 1);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "runc /usr/sbin/runc");
}

/* The bytes of a program that is known, in a role that they are not known in. */
static void program_in_two_roles(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    memcpy(ev.config, h->b.config[0].digest, sizeof(ev.config));
    memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
    memset(ev.key_id, 0, sizeof(ev.key_id));
    ev.checkpoint = NULL;
    memcpy(ev.programs[1].sha256, ev.programs[0].sha256, sizeof(ev.programs[1].sha256));
    logs_intent(&h->b.log, &ev);
    logs_mark(&h->b.log, MEASURE_MARK_DONE);
    expect(h, VERIFY_NOT_TRUSTED, "inner-shim /usr/bin/containerd-shim-runc-v2, SHA-256 8081");
}

static void recorder_that_names_no_programs(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    h->b.log.bytes.len = 0;
    h->b.log.seq = 0;
    h->b.log.pcr = h->b.log.start;
    struct measure_event ev = logs_least_event(MEASURE_RECORDER_START);
    ev.found = h->b.log.pcr;
    logs_intent(&h->b.log, &ev);
    logs_mark(&h->b.log, MEASURE_MARK_DONE);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "the recorder does not name its programs");
}

/* What ran a container is appraised for each of them. */
static void container_without_programs(void **state)
{
    (void)state;
    for (size_t left = 0; left < 2; left++) {
        struct host *h = NULL;
        assert_int_equal(setup((void **)&h), 0);
        add_summaries(h, 99);
        add_programs(h);
        struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
        memcpy(ev.config, h->b.config[0].digest, sizeof(ev.config));
        memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
        memset(ev.key_id, 0, sizeof(ev.key_id));
        ev.checkpoint = NULL;
        ev.program_count = left;
        logs_intent(&h->b.log, &ev);
        logs_mark(&h->b.log, MEASURE_MARK_DONE);
        expect(h, VERIFY_TRUSTED_IF_ROOT, "event 2 does not name the programs");
        (void)teardown((void **)&h);
    }
}

static void many_programs(void **state)
{
    struct host *h = *state;
    add_summaries(h, 99);
    add_programs(h);
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    memcpy(ev.config, h->b.config[0].digest, sizeof(ev.config));
    memset(ev.rootfs, 0x11, sizeof(ev.rootfs));
    memset(ev.key_id, 0, sizeof(ev.key_id));
    ev.checkpoint = NULL;
    for (unsigned i = 0; i < 200; i++) {
        ev.programs[0].sha256[0] = (uint8_t)i;
        ev.programs[0].sha256[1] = 0x99;
        ev.programs[1].sha256[0] = (uint8_t)i;
        ev.programs[1].sha256[1] = 0x99;
        logs_intent(&h->b.log, &ev);
        logs_mark(&h->b.log, MEASURE_MARK_DONE);
    }
    struct verify_result *r = judge(h);
    const struct verify_claim *last = report_bed_claim(r, "host.program");
    while (last->next)
        last = last->next;
    assert_string_equal(last->text, "more than 256 different programs");
    assert_int_equal(last->status, VERIFY_UNCHECKED);
    verify_result_free(r);
}

/* Only the SHA-256 bank has references: another bank alone shows nothing of the host. */
static void another_bank(void **state)
{
    struct host *h = *state;
    logs_done(&h->b.log);
    logs_init(&h->b.log, 4);
    struct measure_event ev = logs_event(MEASURE_RECORDER_START);
    ev.found = h->b.log.pcr;
    logs_intent(&h->b.log, &ev);
    logs_mark(&h->b.log, MEASURE_MARK_DONE);
    report_bed_create(&h->b, "web-1", &h->b.config[0], 0x11);
    h->b.banks[0] = TPM2_ALG_SHA384;
    add_summaries(h, 99);
    add_programs(h);
    expect(h, VERIFY_TRUSTED_IF_ROOT, "PCR 0 is not quoted in bank sha256");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(appraised),
        TEST(each_pcr_is_needed),
        TEST(another_value),
        TEST(one_of_two_values),
        TEST(more_pcrs),
        TEST(events_of_a_pcr_that_is_not_quoted),
        TEST(another_value_of_more_pcrs),
        TEST(by_events),
        TEST(zeros_without_reference),
        TEST(components_of_others),
        TEST(program_without_reference),
        TEST(another_program),
        TEST(program_of_another_role),
        TEST(program_in_two_roles),
        TEST(recorder_that_names_no_programs),
        TEST(container_without_programs),
        TEST(many_programs),
        TEST(another_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
