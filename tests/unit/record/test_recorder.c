/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_recorder.c -- the table of docs/recorder.md with 1, 2 and 4 banks on the
 * model TPM, then what the table does not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/fake_tpm.h"
#include "tests/lib/recorder_bed.h"
#include "tests/lib/recorder_fwlog.h"
#include "tests/lib/recorder_table.h"
#include "tests/lib/rows.h"

static const struct variant {
    const char *name;
    enum measure_profile profile;
    bool quiet;
    uint8_t firmware;
} variants[] = {{"exact", MEASURE_PROFILE_EXACT, false, 0},
                {"exact, firmware", MEASURE_PROFILE_EXACT, false, 0x55},
                {"cmc", MEASURE_PROFILE_CMC, false, 0},
                {"cmc, not extended", MEASURE_PROFILE_CMC, true, 0},
                {"cmc, firmware", MEASURE_PROFILE_CMC, false, 0x55},
                {"cmc, not extended, firmware", MEASURE_PROFILE_CMC, true, 0x55}};

static void init_variant(struct bed *b, size_t banks, const struct variant *v)
{
    bed_init(b, banks);
    b->table.cfg.profile = v->profile;
    b->table.quiet = v->quiet;
    if (v->firmware)
        bed_firmware(b, v->firmware);
}

static void run_variant(size_t cell, const struct variant *v)
{
    static const size_t counts[] = {1, 2, 4};
    for (size_t i = 0; i < 3; i++) {
        struct bed bed;
        struct cmc_err err = {0};
        init_variant(&bed, counts[i], v);
        const int rc = recorder_table_run(cell, &bed.table, &err);
        bed_done(&bed);
        if (rc == 0)
            fail_msg("%s, %zu banks: %s", v->name, counts[i], err.msg);
        assert_true(rc == 1 || counts[i] == 1 || v->quiet); /* one bank cannot disagree */
    }
}

static void run_cell(void **state)
{
    for (size_t i = 0; i < ROWS(variants); i++)
        run_variant((size_t)(uintptr_t)*state, &variants[i]);
}

static void test_events(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt = {.seq = 77};
    bed_init(&b, 2);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    assert_true(receipt.started && !receipt.discontinuity && !receipt.recovered);
    assert_int_equal(receipt.seq, 1);
    assert_int_equal(bed_record(&b, 1, 20, &receipt, &err), 0);
    assert_true(!receipt.started && !receipt.discontinuity && !receipt.recovered);
    assert_int_equal(receipt.seq, 21);
    bed_check(&b, &l);
    assert_true(measure_banks_equal(&receipt.pcr, &l.replay.last));
    assert_int_equal(l.starts, 1);
    assert_int_equal(l.events, 21);
    assert_int_equal(b.tpm.extends, 22);
    bed_done(&b);
}

static void test_registers(void **state)
{
    (void)state;
    static const struct {
        unsigned pcr;
        bool insecure;
        int want;
    } rows[] = {{24, true, -CMC_E_USAGE},
                {17, true, -CMC_E_USAGE},
                {22, true, -CMC_E_USAGE},
                {16, false, -CMC_E_USAGE},
                {23, false, -CMC_E_USAGE},
                {16, true, 0},
                {23, true, 0},
                {13, false, 0},
                {11, false, 0}};
    struct bed b;
    struct cmc_err err = {0};
    bed_init(&b, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record *r = NULL;
        b.table.cfg.pcr = rows[i].pcr;
        b.table.cfg.insecure_pcr = rows[i].insecure;
        assert_int_equal(record_open(&b.table.cfg, &r, &err), rows[i].want);
        assert_int_equal(r != NULL, rows[i].want == 0);
        record_close(r);
    }
    bed_done(&b);
}

static void test_usage(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record *r = NULL;
    struct record_receipt receipt = {.seq = 77};
    struct measure_event ev = {.type = MEASURE_RECORDER_START, .pcr = 13};
    bed_init(&b, 1);
    b.table.cfg.profile = (enum measure_profile)(MEASURE_PROFILE_CMC + 1);
    assert_int_equal(record_open(&b.table.cfg, &r, &err), -CMC_E_USAGE);
    b.table.cfg.profile = MEASURE_PROFILE_EXACT;
    assert_int_equal(record_open(&b.table.cfg, &r, &err), 0);
    assert_int_equal(record_event(r, &ev, &receipt, &err), -CMC_E_USAGE);
    ev.type = MEASURE_DISCONTINUITY;
    assert_int_equal(record_event(r, &ev, &receipt, &err), -CMC_E_USAGE);
    ev = bed_event("e1");
    ev.ns = NULL; /* required */
    assert_int_equal(record_event(r, &ev, &receipt, &err), -CMC_E_USAGE);
    assert_int_equal(receipt.seq, 77);
    assert_int_equal(b.tpm.commands, 0);
    record_close(r);
    bed_done(&b);
}

static void refuses_change(struct bed *b, const char *says)
{
    struct cmc_err err = {0};
    struct record_receipt receipt;
    const unsigned extends = b->tpm.extends;
    assert_int_equal(bed_record(b, 1, 1, &receipt, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, says));
    assert_int_equal(b->tpm.extends, extends);
}

/* What a boot began with stays until the TPM is reset; a log that is still there goes on then. */
static void test_same_register(void **state)
{
    (void)state;
    for (int remove = 0; remove < 2; remove++) {
        struct bed b;
        struct cmc_err err = {0};
        struct recorder_log l = {0};
        struct record_receipt receipt;
        bed_init(&b, 1);
        assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
        b.table.cfg.pcr = 12;
        refuses_change(&b, "this boot records in PCR 13, PCR 12 is asked for: reboot to change it");
        b.table.cfg.pcr = 13;
        b.table.cfg.profile = MEASURE_PROFILE_CMC;
        refuses_change(&b, "this boot records in profile exact, cmc is asked for: reboot");
        b.table.cfg.pcr = 12;
        if (remove)
            b.table.boot(&b.table);
        else
            fake_tpm_reset(&b.tpm);
        assert_int_equal(bed_record(&b, 2, 2, &receipt, &err), 0);
        bed_check(&b, &l);
        assert_int_equal(l.discontinuities, 0);
        assert_int_equal(l.replay.pcr, 12);
        assert_int_equal(l.replay.profile, MEASURE_PROFILE_CMC);
        b.table.cfg.profile = MEASURE_PROFILE_EXACT;
        refuses_change(&b, "this boot records in profile cmc, exact is asked for: reboot");
        bed_done(&b);
    }
}

/* What nobody explains is a discontinuity, which says what is wrong with the firmware's log. */
static void unexplained(void (*spoil)(struct bed *b), const char *says)
{
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    bed_init(&b, 2);
    bed_firmware(&b, 0x55);
    spoil(&b);
    assert_int_equal(bed_record(&b, 0, 2, &receipt, &err), 0);
    bed_check(&b, &l);
    assert_int_equal(l.discontinuities, 1);
    assert_int_equal(l.starts, 1);
    assert_non_null(strstr(l.reason, "the PCR does not have its start value"));
    if (!strstr(l.reason, says))
        fail_msg("\"%s\" does not say \"%s\"", l.reason, says);
    bed_done(&b);
}

static void spoil_missing(struct bed *b)
{
    assert_int_equal(unlink(b->firmware_log), 0);
}
static void spoil_torn(struct bed *b)
{
    assert_int_equal(truncate(b->firmware_log, 100), 0);
}
static void spoil_mode(struct bed *b)
{
    assert_int_equal(chmod(b->firmware_log, 0666), 0);
}
static void spoil_more(struct bed *b) /* somebody else, before the recorder */
{
    fake_tpm_foreign(&b->tpm, 13, 1);
}
static void spoil_other(struct bed *b)
{
    const struct measure_banks like = {.count = 2,
                                       .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    recorder_fwlog_write(b->firmware_log, 13, &like, 0x56);
}
static void spoil_path(struct bed *b)
{
    b->table.cfg.firmware_log = NULL;
}

static void test_unexplained(void **state)
{
    (void)state;
    unexplained(spoil_missing, "the firmware log does not help: open /");
    unexplained(spoil_torn, "the firmware log does not help: ");
    unexplained(spoil_mode, "need a file that only root can write");
    unexplained(spoil_more, "the firmware log has 1 event(s) for PCR 13");
    unexplained(spoil_other, "the firmware log has 1 event(s) for PCR 13");
    unexplained(spoil_path, "or the log was lost");
}

/* A log whose first value only the firmware's log explains is replayed with that log alone: else
 * recording stops, and says why. */
static void test_firmware_log_goes_away(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    char hint[96];
    bed_init(&b, 2);
    bed_firmware(&b, 0x55);
    (void)snprintf(hint, sizeof(hint), "%s/hint", b.runtime);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    assert_true(receipt.started && !receipt.discontinuity);
    assert_int_equal(unlink(hint), 0);
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
    bed_check(&b, &l);
    assert_int_equal(l.discontinuities, 0);
    assert_int_equal(rename(b.firmware_log, hint), 0); /* away, and no hint either */
    const unsigned extends = b.tpm.extends;
    assert_int_equal(bed_record(&b, 2, 1, &receipt, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "the firmware log does not help: open "));
    assert_non_null(strstr(err.msg, "log is damaged"));
    assert_int_equal(b.tpm.extends, extends);
    bed_done(&b);
}

static void test_banks(void **state)
{
    (void)state;
    static const uint16_t algs[] = {CMC_ALG_SHA256, 0x0012};
    static const uint16_t ignore[] = {0x0012, CMC_ALG_SHA256};
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    bed_init(&b, 1);
    fake_tpm_start(&b.tpm, algs, 2);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), -CMC_E_USAGE);
    assert_non_null(strstr(err.msg, "0x0012"));
    assert_int_equal(b.tpm.extends, 0);
    b.table.cfg.ignore_banks = ignore; /* SHA-256 stays: it can be computed */
    b.table.cfg.ignore_count = 2;
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    bed_check(&b, &l);
    assert_string_equal(l.ignored, "0x0012");
    assert_int_equal(receipt.pcr.count, 1);
    fake_tpm_start(&b.tpm, algs + 1, 1);
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), -CMC_E_USAGE);
    bed_done(&b);
}

static unsigned foreign_at;

static void extend_once(struct fake_tpm *t, unsigned n)
{
    if (n == foreign_at)
        fake_tpm_foreign(t, 13, 0x66);
}

/* Somebody extends while an event is recorded: at each command, the event ends up in log and PCR,
 * in a segment of its own. */
static void foreign(const struct variant *v)
{
    struct bed b;
    init_variant(&b, 2, v);
    for (foreign_at = 1; foreign_at < 12; foreign_at++) {
        struct cmc_err err = {0};
        struct recorder_log l = {0};
        struct record_receipt receipt;
        b.table.boot(&b.table);
        assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
        b.tpm.commands = 0;
        b.tpm.meanwhile = extend_once;
        assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
        b.tpm.meanwhile = NULL;
        const bool late = foreign_at > b.tpm.commands;
        assert_int_equal(bed_record(&b, 2, 1, &receipt, &err), 0);
        bed_check(&b, &l);
        assert_int_equal(l.discontinuities, !late);
        assert_int_equal(l.events, 3);
    }
    bed_done(&b);
}

static void test_foreign(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(variants); i++)
        foreign(&variants[i]);
}

/* Reset while recording: at each command. A new segment, and the event is in it. */
static void reset_once(struct fake_tpm *t, unsigned n)
{
    if (n == foreign_at)
        fake_tpm_reset(t);
}

static void reset(const struct variant *v)
{
    struct bed b;
    init_variant(&b, 2, v);
    for (foreign_at = 1; foreign_at < 12; foreign_at++) {
        struct cmc_err err = {0};
        struct recorder_log l = {0};
        struct record_receipt receipt;
        b.table.boot(&b.table);
        assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
        b.tpm.commands = 0;
        b.tpm.meanwhile = reset_once;
        assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
        b.tpm.meanwhile = NULL;
        const bool late = foreign_at > b.tpm.commands;
        bed_check(&b, &l); /* what was acknowledged belongs to the register as it is now */
        assert_int_equal(l.replay.reset_count, b.tpm.reset_count);
        assert_int_equal(l.replay.next_seq, receipt.seq + 1);
        l = (struct recorder_log){0};
        assert_int_equal(bed_record(&b, 2, 1, &receipt, &err), 0);
        bed_check(&b, &l);
        assert_int_equal(l.starts, late ? 1 : 2);
        assert_true(l.events >= 3 - l.how[MEASURE_MARK_LOST]);
        assert_int_equal(l.replay.reset_count, b.tpm.reset_count);
    }
    bed_done(&b);
}

/* The same under the very first event: what the log implies may be the start value. */
static void reset_at_once(const struct variant *v)
{
    struct bed b;
    init_variant(&b, 2, v);
    for (foreign_at = 1; foreign_at < 20; foreign_at++) {
        struct cmc_err err = {0};
        uint64_t seen = 0;
        struct recorder_log l = {.seen = &seen, .seen_max = 1};
        struct record_receipt receipt;
        b.table.boot(&b.table);
        b.tpm.meanwhile = reset_once;
        assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
        b.tpm.meanwhile = NULL;
        bed_check(&b, &l);
        assert_int_equal(l.replay.reset_count, b.tpm.reset_count);
        assert_int_equal(seen, receipt.seq + 1);
    }
    bed_done(&b);
}

static void test_reset(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(variants); i++) {
        reset(&variants[i]);
        reset_at_once(&variants[i]);
    }
}

/* The TPM is away: nothing can be logged, and the next recording says so. */
static void test_missing(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    bed_init(&b, 1);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    b.tpm.gone = true;
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(bed_record(&b, i, 1, &receipt, &err), -CMC_E_TPM);
    b.tpm.gone = false;
    assert_int_equal(bed_record(&b, 4, 2, &receipt, &err), 0);
    bed_check(&b, &l);
    assert_int_equal(l.failed, 3);
    assert_non_null(strstr(l.reason, "missing event 3 of 3: container-delete"));
    assert_int_equal(l.events, 3);
    assert_int_equal(l.discontinuities, 0);
    bed_done(&b);
}

static void spoil_log(const struct bed *b, off_t at)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/log", b->runtime);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void remove_file(const struct bed *b, const char *name)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/%s", b->runtime, name);
    assert_int_equal(unlink(path), 0);
}

/* A log that was changed is refused by name; moved away, recording goes on with a discontinuity. */
static void test_damaged(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    bed_init(&b, 1);
    assert_int_equal(bed_record(&b, 0, 2, &receipt, &err), 0);
    remove_file(&b, "hint");
    spoil_log(&b, 0); /* the first frame's magic */
    const unsigned extends = b.tpm.extends;
    assert_true(bed_record(&b, 2, 1, &receipt, &err) < 0);
    assert_non_null(strstr(err.msg, "damaged"));
    assert_int_equal(b.tpm.extends, extends);
    remove_file(&b, "log");
    assert_int_equal(bed_record(&b, 3, 1, &receipt, &err), 0);
    bed_check(&b, &l);
    assert_int_equal(l.discontinuities, 1);
    assert_int_equal(l.starts, 1);
    assert_int_equal(l.failed, 1); /* event 2 is missing */
    bed_done(&b);
}

enum hostile { LINK, HARD_LINK, FIFO, WRITABLE, FOREIGN, HOSTILE };

/* Puts something in the place of path. */
static void plant(enum hostile kind, const char *path, const char *other)
{
    int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (kind == LINK)
        assert_int_equal(symlink(other, path), 0);
    else if (kind == HARD_LINK)
        assert_int_equal(link(other, path), 0);
    else if (kind == FIFO)
        assert_int_equal(mkfifo(path, 0600), 0);
    else
        assert_int_equal(rename(other, path), 0);
    if (kind == WRITABLE)
        assert_int_equal(fchmod(fd, 0666), 0);
    if (kind == FOREIGN)
        assert_int_equal(fchown(fd, 12345, 12345), 0);
    close(fd);
}

/* Whoever may have put it there: PCR and log stay as they are, and the file is named. */
static void try_hostile(enum hostile kind, const char *name)
{
    struct bed b;
    struct cmc_err err = {0};
    struct record_receipt receipt;
    char path[96], other[96];
    bed_init(&b, 1);
    (void)snprintf(path, sizeof(path), "%s/%s", b.runtime, name);
    (void)snprintf(other, sizeof(other), "%s/other", b.dir);
    assert_int_equal(mkdir(b.runtime, 0750), 0);
    plant(kind, path, other);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, name));
    assert_int_equal(b.tpm.extends, 0);
    bed_done(&b);
}

static void test_hostile_files(void **state)
{
    (void)state;
    const enum hostile end = geteuid() == 0 ? HOSTILE : FOREIGN; /* only root can give away */
    for (enum hostile kind = LINK; kind < end; kind++) {
        try_hostile(kind, "log");
        try_hostile(kind, "lock");
    }
}

/* The hint may be anything: what it says is only used when the PCR agrees. */
static void test_hints(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct recorder_log l = {0};
    struct record_receipt receipt;
    char path[96];
    bed_init(&b, 2);
    (void)snprintf(path, sizeof(path), "%s/hint", b.runtime);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    for (unsigned i = 0; i < 300; i++) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        uint8_t byte = 0;
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(pread(fd, &byte, 1, i % st.st_size) == 1);
        byte = (uint8_t)(byte + 1);
        assert_true(pwrite(fd, &byte, 1, i % st.st_size) == 1);
        if (i % 7 == 0)
            assert_int_equal(ftruncate(fd, i), 0);
        close(fd);
        assert_int_equal(bed_record(&b, i + 1, 1, &receipt, &err), 0);
    }
    bed_check(&b, &l);
    assert_int_equal(l.events, 301);
    assert_int_equal(l.discontinuities, 0);
    bed_done(&b);
}

int main(void)
{
    static const struct CMUnitTest others[] = {cmocka_unit_test(test_events),
                                               cmocka_unit_test(test_usage),
                                               cmocka_unit_test(test_registers),
                                               cmocka_unit_test(test_same_register),
                                               cmocka_unit_test(test_banks),
                                               cmocka_unit_test(test_foreign),
                                               cmocka_unit_test(test_reset),
                                               cmocka_unit_test(test_missing),
                                               cmocka_unit_test(test_damaged),
                                               cmocka_unit_test(test_hostile_files),
                                               cmocka_unit_test(test_hints),
                                               cmocka_unit_test(test_unexplained),
                                               cmocka_unit_test(test_firmware_log_goes_away)};
    enum { OTHERS = sizeof(others) / sizeof(others[0]) };
    struct CMUnitTest tests[OTHERS + 64];
    const size_t cells = recorder_table_cells();
    memcpy(tests, others, sizeof(others));
    for (size_t i = 0; i < cells; i++)
        tests[OTHERS + i] =
            (struct CMUnitTest){recorder_table_name(i), run_cell, NULL, NULL, (void *)(uintptr_t)i};
    return _cmocka_run_group_tests("record/recorder", tests, OTHERS + cells, NULL, NULL);
}
