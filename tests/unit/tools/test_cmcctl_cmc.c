/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_cmc.c -- cmcctl log in profile cmc: the export that verifiers of CMC
 * replay, and what is said of events that are not extended; and registers that firmware began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config_cmc.h"
#include "tests/lib/recorder_ctl.h"
#include "tests/lib/recorder_fwlog.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl.h"

static int setup(void **state)
{
    const int rc = ctl_setup(state);
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_CMC;
    return rc;
}

/* A container-create whose configuration, with this argument, is stored. */
static struct measure_event create(const char *container, const char *argument)
{
    char json[512];
    const struct measure_config_cmc_opts how = {.container_id = container};
    struct measure_config config;
    struct cmc_err err = {0};
    struct measure_event ev = ctl_event(container);
    (void)snprintf(json, sizeof(json),
                   "{\"ociVersion\":\"1.2.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},"
                   "\"args\":[\"sh\",\"%s\"],\"cwd\":\"/\"},\"root\":{\"path\":\"rootfs\"}}",
                   argument);
    if (measure_config_cmc(json, strlen(json), &how, &config, &err) < 0)
        fail_msg("%s", err.msg);
    memcpy(ev.config, config.digest, sizeof(ev.config));
    memset(ev.rootfs, 0x42, sizeof(ev.rootfs));
    ctl_put_details("config", ev.config, &config.detail);
    measure_config_done(&config);
    return ev;
}

static struct measure_event failed(const char *container)
{
    return (struct measure_event){.type = MEASURE_FAILED,
                                  .container = container,
                                  .ns = "default",
                                  .decision = MEASURE_DECISION_AUDIT,
                                  .reason = "rootfs: \"bin/sh\" changed"};
}

static void usual(void)
{
    struct measure_event ev = create("web-1", "one");
    ev.name = "nginx";
    ctl_record(ev);
    ctl_record(bed_event("web-1"));
    ctl_record(failed("db-1"));
    ctl_record(create("web-2", "two"));
    ctl_record(create("web-2", "two"));
}

/* As a verifier of CMC: from zeros, or a first event that says otherwise. */
static void fold(const struct cmc_json *events, uint8_t value[static 32])
{
    uint8_t pair[64], hash[32];
    struct cmc_err err;
    memset(value, 0, 32);
    for (const struct cmc_json *e = events->child; e; e = e->next) {
        const char *hex = cmc_json_text(cmc_json_member(e, "hashes")->child, "content");
        assert_int_equal(cmc_unhex(hex, strlen(hex), hash, sizeof(hash), &err), 0);
        if (strcmp(cmc_json_text(e, "name"), "TPM_PCR_INIT_VALUE") == 0) {
            assert_ptr_equal(e, events->child);
            memcpy(value, hash, 32);
            continue;
        }
        memcpy(pair, value, 32);
        memcpy(pair + 32, hash, 32);
        cmc_sha256(pair, sizeof(pair), value);
    }
}

/* Parses the last output and replays it to the TPM. */
static const struct cmc_json *check_export(struct cmc_json_doc **doc)
{
    struct cmc_err err = {0};
    const struct cmc_json *root;
    uint8_t value[32];
    if (cmc_json_parse(ctl_out, strlen(ctl_out), doc, &root, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(cmc_json_text(root, "type"), "PCR Eventlog");
    const struct cmc_json *events = cmc_json_member(root, "events");
    fold(events, value);
    assert_memory_equal(value, ctl_bed.tpm.value[13][1], 32); /* SHA-256 is the second bank */
    return events;
}

static void export_replays_to_the_pcr(void **state)
{
    (void)state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    usual();
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_AGREE);
    const struct cmc_json *events = check_export(&doc);
    assert_int_equal(events->count, 4); /* neither recorder-start nor delete; repetitions stay */
    const struct cmc_json *first = events->child, *failure = first->next;
    assert_string_equal(cmc_json_text(first, "name"), "nginx");
    assert_string_equal(cmc_json_text(failure, "name"), "db-1");
    assert_string_equal(cmc_json_text(failure, "description"), "rootfs: \"bin/sh\" changed");
    assert_null(cmc_json_member(failure, "ctrData"));
    const struct cmc_json *spec = cmc_json_member(cmc_json_member(first, "ctrData"), "ociSpec");
    assert_non_null(spec);
    assert_string_equal(cmc_json_text(spec, "ociVersion"), "1.2.0");
}

/* Somebody replays the extend of a record whose writer died before its mark. */
static void extend_again(const struct measure_event *ev)
{
    const struct measure_banks like = {.count = 2,
                                       .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    const struct measure_frame f = {0}; /* its content is not looked at */
    struct tpm_banks b = {.count = 2};
    struct measure_banks d;
    struct tpm_pcr_ctx *tpm = NULL;
    struct cmc_err err = {0};
    assert_int_equal(measure_replay_digests(MEASURE_PROFILE_CMC, ev, &f, &like, &d, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        b.bank[i].alg = d.bank[i].alg;
        b.bank[i].len = (uint8_t)cmc_hash_size(d.bank[i].alg);
        memcpy(b.bank[i].value, d.bank[i].value, b.bank[i].len);
    }
    assert_int_equal(tpm_pcr_open("fake", &tpm, &err), 0);
    assert_int_equal(tpm_pcr_extend(tpm, 13, &b, &err), 0);
    tpm_pcr_close(tpm);
}

static void what_was_extended_twice_is_there_twice(void **state)
{
    (void)state;
    enum { MARK = 16 + 10 + 2 + 20 + 2 + 32 };
    cmc_autojson struct cmc_json_doc *doc = NULL;
    struct stat st;
    const struct measure_event ev = create("web-1", "one");
    ctl_record(ev);
    assert_int_equal(stat(ctl_log_path, &st), 0);
    assert_int_equal(truncate(ctl_log_path, st.st_size - MARK), 0);
    extend_again(&ev);
    ctl_record(create("web-2", "two"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("#1 container-create  default/web-1  (twice)");
    ctl_does_not_say("discontinuity");
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_AGREE);
    assert_int_equal(check_export(&doc)->count, 3);
}

static void details_that_are_missing(void **state)
{
    (void)state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_AGREE);
    ctl_says("cmcctl log: event 1: ociSpec is left out: its stored details are missing");
    memmove(ctl_out, strchr(ctl_out, '{'), strlen(strchr(ctl_out, '{')) + 1);
    const struct cmc_json *ctr = cmc_json_member(check_export(&doc)->child, "ctrData");
    assert_non_null(cmc_json_member(ctr, "configSha256"));
    assert_null(cmc_json_member(ctr, "ociSpec"));
}

static void details_that_are_wrong(void **state)
{
    (void)state;
    char hex[65], path[256];
    const struct measure_event ev = create("web-1", "HELLO");
    ctl_record(ev);
    cmc_hex(ev.config, 32, hex);
    (void)snprintf(path, sizeof(path), "%s/config-%s", ctl_details, hex);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    (void)fputs("{\"process\":\"EVIL\"}", f);
    (void)fclose(f);
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_DISAGREE);
    ctl_says("its stored details are not what was measured");
    ctl_does_not_say("EVIL");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    ctl_says("TAMPERED");
}

static void exact_is_not_exported(void **state)
{
    (void)state;
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_EXACT;
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_USAGE);
    ctl_says("this log is of profile exact, which verifiers of CMC cannot read");
    ctl_does_not_say("PCR Eventlog");
}

static void discontinuity_is_not_exported(void **state)
{
    (void)state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    usual();
    fake_tpm_foreign(&ctl_bed.tpm, 13, 1);
    ctl_record(ctl_event("web-3"));
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_UNCHECKED);
    ctl_says("event 6 is a discontinuity");
    ctl_does_not_say("PCR Eventlog");
    fake_tpm_reset(&ctl_bed.tpm); /* what was before is gone, the discontinuity too */
    ctl_record(create("web-4", "three"));
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_AGREE);
    assert_int_equal(check_export(&doc)->count, 1);
}

/* The log says its profile itself: a host of profile exact is no safer. */
static void claimed_value_on_an_exact_host(void **state)
{
    (void)state;
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_EXACT;
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    (void)unlink(ctl_log_path);
    uint8_t before[32];
    memcpy(before, ctl_bed.tpm.value[13][1], sizeof(before));
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_CMC;
    ctl_record(bed_event("web-1"));
    assert_memory_equal(before, ctl_bed.tpm.value[13][1], 32); /* it took a file, and no TPM */
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
}

/* RFC 8785 writes 2^64 - 1 as a number that readers of 64-bit integers refuse. */
static void export_is_for_typed_readers(void **state)
{
    (void)state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    ctl_record(create("web-1", "18446744073709552000\"],\"rlimits\":[{\"type\":\"RLIMIT_CORE\","
                               "\"hard\":18446744073709551615,\"soft\":0}],\"env\":[\"A=1"));
    assert_int_equal(ctl_run("--export", "cmc-json", NULL), CMCCTL_AGREE);
    ctl_says("\"hard\":18446744073709551615");
    ctl_says("\"18446744073709552000\""); /* a text stays */
    assert_int_equal(check_export(&doc)->count, 1);
}

/* A discontinuity that is not extended can be written into any log, in the place of events that
 * are in the PCR: no agreement may come from it. */
static void claimed_value_is_no_agreement(void **state)
{
    (void)state;
    usual();
    (void)unlink(ctl_log_path); /* as whoever hides what usual() recorded */
    ctl_record(bed_event("web-1"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    ctl_says("#0 discontinuity  (unverified: not extended)");
    ctl_says("COULD NOT CHECK: PCR 13 in the TPM holds what the log gives, but only from the value "
             "on that a discontinuity found, which profile cmc does not extend");
    ctl_does_not_say("\nAGREE");
    ctl_record(create("web-3", "one"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    assert_int_equal(ctl_run("--verify", "--json", NULL), CMCCTL_UNCHECKED);
    ctl_says("\"verdict\":\"unchecked\"");
    fake_tpm_foreign(&ctl_bed.tpm, 13, 1);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    fake_tpm_reset(&ctl_bed.tpm);
    ctl_record(create("web-4", "one"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
}

static void what_is_not_extended_is_said(void **state)
{
    (void)state;
    usual();
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("#0 recorder-start  (unverified: not extended)");
    ctl_says("PCR 13, profile cmc, ");
    ctl_says("#1 container-create  default/web-1\n");
    ctl_says("#2 container-delete  default/web-1  (unverified: not extended)");
    ctl_says("#3 measurement-failed  default/db-1\n");
    ctl_says(
        "profile cmc: 2 of 6 events are not extended and unverified; of a container-create the "
        "PCR vouches for config and rootfs, not for names");
    ctl_says("its stored details give this digest");
    assert_int_equal(ctl_run("--json", NULL), CMCCTL_AGREE);
    ctl_says("\"profile\":\"cmc\",\"extended\":4");
    ctl_says("\"extended\":false,\"digests\":[]");
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_EXACT;
    fake_tpm_reset(&ctl_bed.tpm);
    (void)unlink(ctl_log_path);
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_does_not_say("unverified");
}

static void differences_by_member(void **state)
{
    (void)state;
    usual();
    ctl_record(create("web-2", "three"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("since #5 config process.args[1]: \"two\" -> \"three\"");
    ctl_says("since #4 same configuration, same root file system");
    struct measure_event ev = create("web-2", "three");
    ev.rootfs[0] = 1;
    ctl_record(ev);
    assert_int_equal(ctl_run(NULL), CMCCTL_AGREE);
    ctl_says("profile cmc has no listings");
}

/* Digests of two profiles say nothing about each other. */
static void profiles_are_not_compared(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    ctl_bed.table.cfg.profile = MEASURE_PROFILE_EXACT;
    fake_tpm_reset(&ctl_bed.tpm);
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_does_not_say("since #");
}

static void firmware_begins_the_register(void **state)
{
    (void)state;
    cmc_autojson struct cmc_json_doc *doc = NULL;
    bed_firmware(&ctl_bed, 0x55);
    assert_int_equal(ctl_run("--verify", "--firmware-log", ctl_bed.firmware_log, NULL),
                     CMCCTL_UNCHECKED);
    ctl_says("nothing was recorded in this boot");
    usual();
    assert_int_equal(ctl_run("--verify", "--firmware-log", ctl_bed.firmware_log, NULL),
                     CMCCTL_AGREE);
    ctl_does_not_say("discontinuity");
    assert_int_equal(ctl_run("--export", "cmc-json", "--firmware-log", ctl_bed.firmware_log, NULL),
                     CMCCTL_AGREE);
    const struct cmc_json *events = check_export(&doc);
    assert_int_equal(events->count, 5);
    assert_string_equal(cmc_json_text(events->child, "type"), "firmware");
}

/* Without the firmware's log there is no verdict, with another one a wrong start value. */
static void firmware_log_cannot_be_asked(void **state)
{
    (void)state;
    const struct measure_banks like = {.count = 2,
                                       .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    bed_firmware(&ctl_bed, 0x55);
    usual();
    assert_int_equal(ctl_run("--verify", "--firmware-log", "/none", NULL), CMCCTL_UNCHECKED);
    ctl_says("COULD NOT CHECK: record 0: recorder-start found another PCR value than the start "
             "value; the firmware log does not help: open /none: No such file or directory");
    recorder_fwlog_write(ctl_bed.firmware_log, 13, &like, 0x56);
    assert_int_equal(ctl_run("--verify", "--firmware-log", ctl_bed.firmware_log, NULL),
                     CMCCTL_DISAGREE);
    ctl_says("DISAGREE: record 0: recorder-start found another PCR value than the start value");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(export_replays_to_the_pcr),    TEST(what_was_extended_twice_is_there_twice),
        TEST(details_that_are_missing),     TEST(details_that_are_wrong),
        TEST(exact_is_not_exported),        TEST(discontinuity_is_not_exported),
        TEST(what_is_not_extended_is_said), TEST(differences_by_member),
        TEST(profiles_are_not_compared),    TEST(firmware_begins_the_register),
        TEST(firmware_log_cannot_be_asked), TEST(claimed_value_is_no_agreement),
        TEST(export_is_for_typed_readers),  TEST(claimed_value_on_an_exact_host),
    };
    return cmocka_run_group_tests_name("tools/cmcctl_cmc", tests, NULL, NULL);
}
