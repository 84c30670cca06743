/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_log.c -- logs beside a genuine quote: what they may be, and every
 * way in which they are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

enum { RECORDS = 16 };

static int setup(void **state)
{
    struct report_bed *b = calloc(1, sizeof(*b));
    *state = b;
    report_bed_usual(b); /* record 0, recorder-start, and 1, container-create */
    report_bed_create(b, "web-2", &b->config[0], 0x11);
    report_bed_create(b, "web-3", &b->config[0], 0x11);
    return 0;
}

static int teardown(void **state)
{
    report_bed_done(*state);
    free(*state);
    return 0;
}

static void expect_trusted(struct verify_result *r, size_t containers)
{
    if (r->verdict != VERIFY_TRUSTED_IF_ROOT)
        fail_msg("%s: %s", r->words, r->reason);
    assert_int_equal(r->container_count, containers);
    verify_result_free(r);
}

static void expect_refused(struct verify_result *r, const char *id, const char *words)
{
    report_bed_refused_at_once(r, id, words);
    assert_int_equal(r->container_count, 0); /* nothing of such a log is shown */
    assert_null(report_bed_claim(r, "container"));
    verify_result_free(r);
}

/* The log in another state than the register: what a forger with the file alone can do. */
struct forgery {
    const char *name;
    size_t (*fn)(struct logs_record *r, size_t n); /* returns how many frames are left */
    bool forge;                                    /* digests and marks are made right again */
    const char *id, *words;
};

/* Frames: the record of event e is 2 * e, its mark the next one. */
static size_t cut_out(struct logs_record *r, size_t n, size_t at, size_t count)
{
    memmove(&r[at], &r[at + count], (n - at - count) * sizeof(*r));
    return n - count;
}
static size_t dropped(struct logs_record *r, size_t n)
{
    return cut_out(r, n, 4, 2);
}
static size_t dropped_first(struct logs_record *r, size_t n)
{
    return cut_out(r, n, 0, 2);
}
static size_t dropped_last(struct logs_record *r, size_t n)
{
    (void)r;
    return n - 2;
}
static size_t dropped_mark(struct logs_record *r, size_t n)
{
    return cut_out(r, n, 5, 1);
}
static size_t doubled(struct logs_record *r, size_t n)
{
    memmove(&r[6], &r[4], (n - 4) * sizeof(*r));
    return n + 2;
}
static size_t swapped(struct logs_record *r, size_t n)
{
    struct logs_record *first = malloc(2 * sizeof(*r));
    assert_non_null(first);
    memcpy(first, &r[4], 2 * sizeof(*r));
    memcpy(&r[4], &r[6], 2 * sizeof(*r));
    memcpy(&r[6], first, 2 * sizeof(*r));
    free(first);
    return n;
}
static void rename_in(struct logs_record *r, const char *from, const char *to)
{
    uint8_t *p = memmem(r->content, r->frame.content_len, from, strlen(from));
    assert_non_null(p);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): in the middle of a text */
    memcpy(p, to, strlen(to));
}
static size_t relabelled(struct logs_record *r, size_t n)
{
    rename_in(&r[4], "web-2", "web-9");
    return n;
}
static size_t another_type(struct logs_record *r, size_t n)
{
    rename_in(&r[4], "container-create", "container-creaty");
    return n;
}
static size_t swapped_contents(struct logs_record *r, size_t n)
{
    rename_in(&r[4], "web-2", "web-3");
    rename_in(&r[6], "web-3", "web-2");
    return n;
}
static size_t start_value(struct logs_record *r, size_t n)
{
    static const uint8_t zeros[20];
    uint8_t *found = memmem(r[0].content, r[0].frame.content_len, zeros, sizeof(zeros));
    assert_non_null(found);
    memset(found, 0x77, sizeof(zeros));
    return n;
}
static size_t other_register(struct logs_record *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r[i].frame.pcr = 14;
    return n;
}
static size_t digest_changed(struct logs_record *r, size_t n)
{
    r[4].frame.digests.bank[1].value[0] ^= 1;
    return n;
}
static size_t mark_changed(struct logs_record *r, size_t n)
{
    r[5].frame.values.bank[1].value[0] ^= 1;
    return n;
}
static size_t marked_twice(struct logs_record *r, size_t n)
{
    r[7].frame.how = MEASURE_MARK_TWICE;
    return n;
}
static size_t all(struct logs_record *r, size_t n)
{
    (void)r;
    (void)n;
    return 0;
}

static struct forgery forgeries[] = {
    {"an event dropped", dropped, false, "log.prefix", "one is missing"},
    {"an event dropped, the rest forged", dropped, true, "log.prefix", "one is missing"},
    {"the first event dropped", dropped_first, false, "log.prefix", "expected record 0"},
    {"the last event dropped", dropped_last, false, "log.prefix", "quoted value of PCR 13"},
    {"a mark dropped", dropped_mark, false, "log.prefix", "while record 2 has no mark"},
    {"an event doubled", doubled, false, "log.prefix", "repeated or moved"},
    {"an event doubled, the rest forged", doubled, true, "log.prefix", "repeated or moved"},
    {"events swapped", swapped, false, "log.prefix", "expected record 2"},
    {"an event relabelled", relabelled, false, "log.prefix", "not those of its content"},
    {"an event relabelled, the rest forged", relabelled, true, "log.prefix",
     "no beginning of the log gives"},
    {"another type, the rest forged", another_type, true, "log.prefix",
     "no beginning of the log gives"},
    {"contents swapped, the rest forged", swapped_contents, true, "log.prefix",
     "no beginning of the log gives"},
    {"start value forged", start_value, false, "log.prefix", "not those of its content"},
    {"start value and the rest forged", start_value, true, "log.prefix",
     "another PCR value than the start value"},
    {"another register", other_register, false, "log.register", "does not cover PCR 14"},
    {"a digest changed", digest_changed, false, "log.prefix", "not those of its content"},
    {"a mark changed", mark_changed, false, "log.prefix", "its mark holds another PCR value"},
    {"a mark of two extends", marked_twice, false, "log.prefix",
     "its mark holds another PCR value"},
    {"an empty log", all, false, "log.recorded", "the log is empty"},
};

static void forged(void **state)
{
    const struct forgery *row = *state;
    struct logs_record *r = calloc(RECORDS, sizeof(*r));
    struct report_bed *b = NULL;
    assert_int_equal(setup((void **)&b), 0);
    size_t n = logs_split(&b->log, r, RECORDS);
    assert_int_equal(n, 8);
    n = row->fn(r, n);
    if (row->forge)
        logs_forge(r, n, &b->log.start);
    b->log.bytes.len = 0;
    logs_join(r, n, &b->log.bytes);
    free(r);
    expect_refused(report_bed_run(b), row->id, row->words);
    (void)teardown((void **)&b);
}

static void holds(void **state)
{
    struct report_bed *b = *state;
    struct verify_result *r = report_bed_run(b);
    const struct verify_claim *c = report_bed_claim(r, "log.prefix");
    assert_string_equal(c->text, "4 events since the TPM's reset give the quoted value of PCR 13");
    assert_int_equal(report_bed_claim(r, "log.register")->status, VERIFY_GOOD);
    assert_int_equal(report_bed_claim(r, "log.start")->status, VERIFY_GOOD);
    assert_int_equal(report_bed_claim(r, "log.events")->status, VERIFY_GOOD);
    assert_string_equal(r->container[1].id, "web-2");
    assert_int_equal(r->container[1].seq, 2);
    expect_trusted(r, 3);
}

/* The log is read after the quote was made, and may have grown: the rest is nobody's word. */
static void what_is_behind_the_prefix(void **state)
{
    struct report_bed *b = *state;
    const struct measure_banks then = b->log.pcr;
    report_bed_create(b, "later-1", &b->config[0], 0x99);
    report_bed_create(b, "later-2", &b->config[0], 0x99);
    b->log.pcr = then;
    struct verify_result *r = report_bed_run(b);
    assert_string_equal(r->container[2].id, "web-3");
    expect_trusted(r, 3);
    logs_break(&b->log);
    b->log.pcr = then;
    expect_trusted(report_bed_run(b), 3);
    cmc_put_text(&b->log.bytes, "no frame at all");
    expect_trusted(report_bed_run(b), 3);
}

/* Every state of the register has its prefix; each is a report of its own. */
static void every_prefix(void **state)
{
    struct report_bed *b = *state;
    struct logs_record *r = calloc(RECORDS, sizeof(*r));
    assert_int_equal(logs_split(&b->log, r, RECORDS), 8);
    for (size_t i = 0; i < 4; i++) {
        b->log.pcr = r[2 * i + 1].frame.values;
        expect_trusted(report_bed_run(b), i);
    }
    free(r);
}

static void quote_before_the_first_event(void **state)
{
    struct report_bed *b = *state;
    b->log.pcr = b->log.start;
    expect_refused(report_bed_run(b), "log.recorded", "PCR 13 has its start value");
}

static void host_that_never_recorded(void **state)
{
    struct report_bed *b = *state;
    b->log.bytes.len = 0;
    b->log.pcr = b->log.start;
    expect_refused(report_bed_run(b), "log.recorded", "this boot was not recorded");
    cmc_put(&b->log.bytes, "\xc3", 1); /* a torn frame, and nothing else */
    expect_refused(report_bed_run(b), "log.recorded", "this boot was not recorded");
    cmc_put_text(&b->log.bytes, "garbage");
    b->log.bytes.data[0] = 'g';
    expect_refused(report_bed_run(b), "log.format", "the log");
}

static void old_log_after_a_reset(void **state)
{
    struct report_bed *b = *state;
    b->log.reset_count++; /* and somebody extended the register as before */
    expect_refused(report_bed_run(b), "log.start",
                   "begins with TPM reset 7, the quote was made after reset 8");
    b->log.pcr = b->log.start;
    expect_refused(report_bed_run(b), "log.recorded", "PCR 13 has its start value");
}

static void recorded_again_after_a_reset(void **state)
{
    struct report_bed *b = *state;
    logs_reset(&b->log);
    report_bed_create(b, "new-1", &b->config[0], 0x11);
    struct verify_result *r = report_bed_run(b);
    assert_string_equal(r->container[0].id, "new-1"); /* what was before is not vouched for */
    assert_null(report_bed_claim(r, "log.discontinuity"));
    expect_trusted(r, 1);
    b->log.reset_count--;
    expect_refused(report_bed_run(b), "log.start", "begins with TPM reset 8");
}

static void discontinuities(void **state)
{
    struct report_bed *b = *state;
    logs_break(&b->log);
    expect_refused(report_bed_run(b), "log.discontinuity", "nothing before that is known");
    report_bed_create(b, "new-1", &b->config[0], 0x11);
    expect_refused(report_bed_run(b), "log.discontinuity", "nothing before that is known");
    logs_put(&b->log, MEASURE_RECORDER_START, MEASURE_MARK_DONE); /* it mends nothing */
    report_bed_create(b, "new-2", &b->config[0], 0x11);
    expect_refused(report_bed_run(b), "log.discontinuity", "nothing before that is known");
    logs_reset(&b->log);
    report_bed_create(b, "new-3", &b->config[0], 0x11);
    struct verify_result *r = report_bed_run(b); /* the present record does not rest on it */
    assert_int_equal(report_bed_claim(r, "log.discontinuity")->status, VERIFY_NOTE);
    assert_string_equal(r->container[0].id, "new-3");
    expect_trusted(r, 1);
}

/* Found with the right value, and without anything before: whoever writes the file can say so. */
static void discontinuity_that_claims_the_value(void **state)
{
    struct report_bed *b = *state;
    struct logs forged;
    logs_init(&forged, 2);
    forged.profile = MEASURE_PROFILE_CMC; /* which does not extend it */
    logs_found(&forged, &b->log.pcr);
    b->log.bytes.len = 0;
    cmc_put(&b->log.bytes, forged.bytes.data, forged.bytes.len);
    logs_done(&forged);
    expect_refused(report_bed_run(b), "log.profile", "events of profile cmc");
}

static void log_of_profile_cmc(void **state)
{
    struct report_bed *b = *state;
    b->log.bytes.len = 0;
    b->log.pcr = b->log.start;
    b->log.seq = 0;
    b->log.profile = MEASURE_PROFILE_CMC;
    struct measure_event ev = logs_event(MEASURE_RECORDER_START);
    ev.profile = MEASURE_PROFILE_CMC;
    ev.found = b->log.pcr;
    logs_intent(&b->log, &ev);
    logs_mark(&b->log, MEASURE_MARK_DONE);
    report_bed_create(b, "web-1", &b->config[0], 0x11);
    expect_refused(report_bed_run(b), "log.profile", "events of profile cmc");
}

/* Between record and mark the register may be here or there; a crash leaves it so. */
static void open_records(void **state)
{
    static const size_t containers[] = {3, 4, 4};
    struct report_bed *b = *state;
    struct cmc_err err = {0};
    struct measure_banks value[3] = {b->log.pcr, b->log.pcr, b->log.pcr};
    report_bed_create(b, "last", &b->config[0], 0x11);
    value[1] = b->log.pcr;
    struct logs_record *r = calloc(RECORDS, sizeof(*r));
    const size_t n = logs_split(&b->log, r, RECORDS);
    value[2] = value[1];
    assert_int_equal(measure_replay_extend(&value[2], &r[n - 2].frame.digests, &err), 0);
    for (size_t i = 0; i < 3; i++) { /* with its mark: done, so never twice */
        b->log.pcr = value[i];
        if (i < 2)
            expect_trusted(report_bed_run(b), containers[i]);
        else
            expect_refused(report_bed_run(b), "log.prefix", "no beginning of the log");
    }
    b->log.bytes.len = 0;
    logs_join(r, n - 1, &b->log.bytes);
    for (size_t i = 0; i < 3; i++) { /* open */
        b->log.pcr = value[i];
        expect_trusted(report_bed_run(b), containers[i]);
    }
    r[n - 1].frame.how = MEASURE_MARK_TWICE;
    r[n - 1].frame.values = value[2];
    b->log.bytes.len = 0;
    logs_join(r, n, &b->log.bytes);
    for (size_t i = 0; i < 3; i++) { /* extended twice, as the mark says */
        b->log.pcr = value[i];
        expect_trusted(report_bed_run(b), containers[i]);
    }
    b->log.seq = 5;
    b->log.pcr = value[2];
    report_bed_create(b, "after", &b->config[0], 0x11);
    expect_trusted(report_bed_run(b), 5);
    free(r);
}

static void torn_tail(void **state)
{
    struct report_bed *b = *state;
    const size_t whole = b->log.bytes.len;
    const struct measure_banks then = b->log.pcr;
    report_bed_create(b, "torn", &b->config[0], 0x11);
    const size_t longer = b->log.bytes.len;
    b->log.pcr = then;
    for (size_t len = whole; len < longer; len += 9) {
        b->log.bytes.len = len;
        expect_trusted(report_bed_run(b), 3);
    }
}

static void registers_that_can_be_reset(void **state)
{
    static const uint32_t rows[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 255};
    struct report_bed *b = *state;
    struct logs_record *r = calloc(RECORDS, sizeof(*r));
    const size_t n = logs_split(&b->log, r, RECORDS);
    b->mask = 0xffffff;
    for (size_t i = 0; i < ROWS(rows); i++) {
        for (size_t k = 0; k < n; k++)
            r[k].frame.pcr = rows[i];
        b->log.bytes.len = 0;
        logs_join(r, n, &b->log.bytes);
        expect_refused(report_bed_run(b), "log.register", "can be reset while the host runs");
    }
    free(r);
}

static void selections(void **state)
{
    static const struct {
        uint32_t mask;
        const char *id, *words;
    } rows[] = {
        {0x20ff, NULL, NULL},
        {0xffffff, NULL, NULL},
        {0xfbff, NULL, NULL}, /* what hosts quote */
        {0x00ff, "log.register", "does not cover PCR 13 of bank sha256"},
        {0xdfff, "log.register", "does not cover PCR 13 of bank sha256"},
        {0x2000, "log.boot", "does not cover PCR 0 to 7 of bank sha256"},
        {0x20fe, "log.boot", "does not cover PCR 0 to 7 of bank sha256"},
        {0x207f, "log.boot", "does not cover PCR 0 to 7 of bank sha256"},
    };
    struct report_bed *b = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        b->mask = rows[i].mask;
        if (rows[i].id)
            expect_refused(report_bed_run(b), rows[i].id, rows[i].words);
        else
            expect_trusted(report_bed_run(b), 3);
    }
}

static void two_banks(void **state)
{
    struct report_bed *b = *state;
    b->banks[0] = TPM2_ALG_SHA1;
    b->banks[1] = TPM2_ALG_SHA256;
    expect_trusted(report_bed_run(b), 3);
    b->log.pcr.bank[0].value[0] ^= 1; /* the quote agrees with the log in one bank only */
    expect_refused(report_bed_run(b), "log.prefix", "no beginning of the log");
    b->log.pcr.bank[0].value[0] ^= 1;
    b->log.pcr.bank[1].value[0] ^= 1;
    expect_refused(report_bed_run(b), "log.prefix", "no beginning of the log");
}

/* A crypto-agile firmware log, little-endian: PCR 0 to 7 and 13 once each. */
static void put_le(struct cmc_buf *b, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cmc_put_u8(b, (uint8_t)(v >> 8 * i));
}
static void put_event(struct cmc_buf *out, uint32_t pcr, uint8_t byte, struct measure_banks *value)
{
    struct measure_banks d = *value;
    struct cmc_err err = {0};
    put_le(out, pcr, 4);
    put_le(out, 13, 4);
    put_le(out, (uint32_t)d.count, 4);
    for (size_t i = 0; i < d.count; i++) {
        memset(d.bank[i].value, byte, cmc_hash_size(d.bank[i].alg));
        put_le(out, d.bank[i].alg, 2);
        cmc_put(out, d.bank[i].value, cmc_hash_size(d.bank[i].alg));
    }
    put_le(out, 0, 4);
    assert_int_equal(measure_replay_extend(value, &d, &err), 0);
}
static void put_firmware_log(struct cmc_buf *out, const struct measure_banks *like,
                             struct measure_banks value[9])
{
    put_le(out, 0, 4);
    put_le(out, 3, 4);
    for (size_t i = 0; i < 20; i++)
        cmc_put_u8(out, 0);
    put_le(out, 29 + 4 * (uint32_t)like->count, 4);
    cmc_put(out, "Spec ID Event03", 16);
    put_le(out, 0, 4);
    put_le(out, 0x02000200, 4);
    put_le(out, (uint32_t)like->count, 4);
    for (size_t i = 0; i < like->count; i++) {
        put_le(out, like->bank[i].alg, 2);
        put_le(out, (uint32_t)cmc_hash_size(like->bank[i].alg), 2);
    }
    cmc_put_u8(out, 0);
    for (uint32_t i = 0; i < 9; i++) {
        value[i] = measure_banks_zero(like);
        put_event(out, i < 8 ? i : 13, (uint8_t)(0x60 + i), &value[i]);
    }
}

/* References for "web" and for one event of the firmware in the register. */
static void sign_again(struct report_bed *b, uint8_t byte)
{
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    while (b->item_count)
        cmc_buf_done(&b->item[--b->item_count]);
    report_bed_reference(&refs, "web", &b->config[0], 0x11, "");
    cmc_put_text(&refs, ",{\"type\":\"firmware\",\"name\":\"EV_IPL\",\"hashes\":[{\"alg\":"
                        "\"SHA-256\",\"content\":\"");
    for (size_t i = 0; i < CMC_SHA256_LEN; i++)
        cmc_put_fmt(&refs, "%02x", byte);
    cmc_put_text(&refs, "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                        "{\"name\":\"cmc.index\",\"value\":\"13\"}]}");
    cmc_put_u8(&refs, 0);
    report_bed_metadata(b, (const char *)refs.data, NULL);
}

/* PCR 0 to 7 do not vouch for what the firmware's log says of the register: whoever can write it
 * can move what was recorded there, and begin a log behind it. */
static void firmware_log_alone(struct report_bed *b)
{
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_COULD_NOT);
    assert_int_equal(report_bed_claim(r, "log.boot-log")->status, VERIFY_GOOD);
    assert_int_equal(report_bed_claim(r, "log.begin")->status, VERIFY_UNCHECKED);
    assert_int_equal(report_bed_claim(r, "log")->status, VERIFY_UNCHECKED);
    verify_result_free(r);

    sign_again(b, 0x67);
    r = report_bed_run(b);
    report_bed_refused(r, "log.begin", "PCR 13 began with a value that is none of its references");
    verify_result_free(r);
    sign_again(b, 0x68);
}

/* The firmware extended the register: only its own log, which PCR 0 to 7 vouch for, can say so. */
static void firmware_logs(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf fw = cmc_buf_of(1 << 16);
    struct measure_banks value[9];
    put_firmware_log(&fw, &b->log.start, value);
    b->log.start = b->log.pcr = value[8];
    b->log.bytes.len = 0;
    b->log.seq = 0;
    logs_put(&b->log, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    report_bed_create(b, "web-1", &b->config[0], 0x11);
    b->boot = value;
    expect_refused(report_bed_run(b), "log.prefix", "another PCR value than the start value");

    b->boot_log[0] =
        (struct meta_exact_part){.kind = "tcg", .data = {.data = fw.data, .len = fw.len}};
    b->report.boot_log_count = 1;
    firmware_log_alone(b);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(report_bed_claim(r, "log.begin")->status, VERIFY_GOOD);
    assert_int_equal(report_bed_claim(r, "log.boot-log")->status, VERIFY_GOOD);
    expect_trusted(r, 1);

    const struct measure_banks then = b->log.pcr;
    b->log.pcr = value[8];
    expect_refused(report_bed_run(b), "log.recorded", "PCR 13 has its start value");
    b->log.pcr = then;

    for (size_t i = 0; i < 8; i++) { /* each of them is needed, in each bank that is quoted */
        value[i].bank[1].value[0] ^= 1;
        r = report_bed_run(b);
        assert_int_equal(report_bed_claim(r, "log.boot-log")->status, VERIFY_NOTE);
        expect_refused(r, "log.prefix", "another PCR value than the start value");
        value[i].bank[1].value[0] ^= 1;
    }
    b->boot_log[1] = b->boot_log[0];
    b->report.boot_log_count = 2;
    expect_refused(report_bed_run(b), "log.prefix", "another PCR value than the start value");
    b->boot_log[1].kind = "ima";
    expect_trusted(report_bed_run(b), 1);
    b->report.boot_log_count = 1;
    b->boot_log[0].data.len -= 1;
    expect_refused(report_bed_run(b), "log.prefix", "another PCR value than the start value");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    struct CMUnitTest table[ROWS(forgeries)];
    const struct CMUnitTest tests[] = {
        TEST(holds),
        TEST(what_is_behind_the_prefix),
        TEST(every_prefix),
        TEST(quote_before_the_first_event),
        TEST(host_that_never_recorded),
        TEST(old_log_after_a_reset),
        TEST(recorded_again_after_a_reset),
        TEST(discontinuities),
        TEST(discontinuity_that_claims_the_value),
        TEST(log_of_profile_cmc),
        TEST(open_records),
        TEST(torn_tail),
        TEST(registers_that_can_be_reset),
        TEST(selections),
        TEST(two_banks),
        TEST(firmware_logs),
    };
    for (size_t i = 0; i < ROWS(forgeries); i++)
        table[i] = (struct CMUnitTest){forgeries[i].name, forged, NULL, NULL, &forgeries[i]};
    return cmocka_run_group_tests(table, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}
