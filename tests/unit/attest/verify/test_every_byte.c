/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_every_byte.c -- every byte of a report, of its log, events and
 * details, changed: what is shown then is what was shown before, or less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/verify/log.h"
#include "measure/eventlog.h"
#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"
#include "tests/lib/shown.h"

enum { FRAME_HEAD = 16, FRAME_CRC = 12, FRAMES = 16, PARTS = 16, SAMPLE = 64, ITEM_STEP = 23 };

/* Reports. */

struct sweep {
    struct report_bed b;
    struct verify_tree *tree; /* of quote and pcrs, which are the report's */
    struct verify_quote *quote;
    const struct verify_pcrs *pcrs;
    struct verify_result *was;
    struct cmc_buf bytes;
    size_t tried, trusted, replayed; /* replayed: refused by the register alone */
};

#define VALUE(v) BED_CONFIG("\"VAL=" v "\",\"DB_PASSWORD=canary-one\"", "")

static void finish(struct sweep *s, enum verify_verdict verdict)
{
    struct cmc_err err = {0};
    s->was = report_bed_run(&s->b);
    assert_int_equal(s->was->verdict, verdict);
    s->bytes = cmc_buf_of(META_EXACT_MAX);
    assert_int_equal(meta_exact_encode(&s->b.report, META_CBOR, &s->bytes, &err), 0);
}

/* Trusted: one container is the reference's, one is what rules allow of its configuration. */
static int good_report(void **state)
{
    struct sweep *s = *state = calloc(1, sizeof(*s));
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    report_bed_bare(&s->b);
    const struct measure_config *c = report_bed_config(&s->b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_metadata(&s->b, (const char *)refs.data,
                        "{\"process\":{\"env\":\"replace:VAL=*\"}}");
    report_bed_create(&s->b, "web-1", c, 0x11);
    report_bed_create(&s->b, "web-2", report_bed_config(&s->b, VALUE("OTHER"), NULL), 0x11);
    logs_put(&s->b.log, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    finish(s, VERIFY_TRUSTED_IF_ROOT);
    return 0;
}

/* Not trusted, and much to show: a difference, other files, what could not be measured. */
static int bad_report(void **state)
{
    struct sweep *s = *state = calloc(1, sizeof(*s));
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    report_bed_bare(&s->b);
    const struct measure_config *c = report_bed_config(&s->b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_metadata(&s->b, (const char *)refs.data, NULL);
    report_bed_create(&s->b, "web-1", c, 0x11);
    report_bed_create(&s->b, "web-2", report_bed_config(&s->b, BED_EVIL, NULL), 0x11);
    report_bed_create(&s->b, "web-3", c, 0x22);
    logs_put(&s->b.log, MEASURE_FAILED, MEASURE_MARK_DONE);
    logs_put(&s->b.log, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    finish(s, VERIFY_NOT_TRUSTED);
    return 0;
}

static int teardown(void **state)
{
    struct sweep *s = *state;
    verify_quote_free(s->quote);
    verify_tree_free(s->tree);
    verify_result_free(s->was);
    cmc_buf_done(&s->bytes);
    report_bed_done(&s->b);
    free(s);
    return 0;
}

enum how { LOW_BIT, HIGH_BIT, LEFT_OUT, DOUBLED, HOWS };

static const char *words_of(enum how how)
{
    static const char *const words[] = {"xor 0x01", "xor 0x80", "left out", "doubled"};
    return words[how];
}

static void change(const uint8_t *data, size_t len, size_t at, enum how how, struct cmc_buf *out)
{
    out->len = 0;
    cmc_put(out, data, at);
    if (how == DOUBLED)
        cmc_put_u8(out, data[at]);
    if (how != LEFT_OUT)
        cmc_put_u8(out, (uint8_t)(data[at] ^ (how == LOW_BIT ? 1 : how == HIGH_BIT ? 0x80 : 0)));
    cmc_put(out, data + at + 1, len - at - 1);
    assert_false(out->bad);
}

static bool by_the_register(const struct verify_result *r)
{
    const struct verify_claim *c = report_bed_claim(r, "log.prefix");
    return c && c->status == VERIFY_BAD;
}

struct place { /* what was changed, for people */
    const char *part;
    size_t at;
    const char *how;
};

static void check(struct sweep *s, const struct cmc_buf *report, const struct place *p)
{
    struct verify_result *is = NULL;
    struct cmc_err err = {0};
    const int rc = verify_report(report->data, report->len, s->b.nonce, sizeof(s->b.nonce),
                                 &s->b.policy, &is, &err);
    if (rc < 0)
        fail_msg("%s, byte %zu, %s: %s", p->part, p->at, p->how, err.msg);
    if (!shown_fits(s->was, is))
        fail_msg("%s, byte %zu, %s: %s", p->part, p->at, p->how, shown_objection());
    s->tried++;
    s->trusted += shown_trust(is);
    s->replayed += by_the_register(is);
    verify_result_free(is);
}

/* The report as it is at the moment. */
static void check_report(struct sweep *s, const struct place *p)
{
    cmc_autobuf struct cmc_buf bytes = cmc_buf_of(META_EXACT_MAX);
    struct cmc_err err = {0};
    assert_int_equal(meta_exact_encode(&s->b.report, META_CBOR, &bytes, &err), 0);
    check(s, &bytes, p);
}

/* Quote and values as the unchanged report has them: they need no second look for each log. */
static void load_quote(struct sweep *s)
{
    const struct meta_exact *r = &s->b.report;
    uint8_t extra[CMC_SHA256_LEN];
    meta_exact_qualify(s->b.nonce, sizeof(s->b.nonce), extra);
    const struct verify_evidence e = {.attest = r->attest,
                                      .signature = r->signature,
                                      .cert = r->cert,
                                      .cert_count = r->cert_count,
                                      .role = META_ROLE_AK,
                                      .extra = extra,
                                      .extra_len = sizeof(extra)};
    s->tree = verify_tree_new();
    assert_int_equal(verify_quote_check(&e, &s->b.policy, s->tree, NULL, &s->quote), VERIFY_GOOD);
    assert_int_equal(verify_quote_values(s->quote, r->pcr, r->pcr_count, s->tree, NULL, &s->pcrs),
                     VERIFY_GOOD);
}

/* A log that is refused leaves all behind it unread (test_exact.c, test_log.c); every SAMPLE-th of
 * them, and each that is not refused, is verified in its report. */
static void check_log(struct sweep *s, const struct cmc_buf *log, const struct place *p)
{
    const struct verify_log_input in = {.log = {.data = log->data, .len = log->len}};
    const struct meta_bytes was = s->b.report.log;
    struct verify_tree *t = verify_tree_new();
    struct verify_log *l = NULL;
    (void)!verify_log_check(&in, s->quote, s->pcrs, t, NULL, &l);
    if (!shown_claims_fit(s->was->claim, verify_claim_top(t)))
        fail_msg("%s, byte %zu, %s: %s", p->part, p->at, p->how, shown_objection());
    s->b.report.log = in.log;
    if (l || s->tried % SAMPLE == 0) {
        check_report(s, p);
    } else {
        const struct verify_claim *why = verify_claim_first(verify_claim_top(t), VERIFY_BAD);
        assert_non_null(why);
        s->replayed += strcmp(why->id, "log.prefix") == 0;
        s->tried++;
    }
    s->b.report.log = was;
    verify_log_free(l);
    verify_tree_free(t);
}

struct part {
    const char *name;
    struct meta_bytes *bytes;
    size_t step;  /* every byte, or each step-th; 0: none, the log has tests of its own */
    enum how end; /* which changes: those before it */
};

/* What only a signature covers is sampled: it is the same check for each byte. */
static size_t parts_of(struct report_bed *b, struct part *out)
{
    const struct part parts[] = {{"log", &b->report.log, 0, HOWS},
                                 {"attest", &b->report.attest, 1, LEFT_OUT},
                                 {"signature", &b->report.signature, 1, LEFT_OUT},
                                 {"certificate 0", &b->cert[0], 1, HIGH_BIT},
                                 {"certificate 1", &b->cert[1], 1, HIGH_BIT},
                                 {"item 0", &b->items[0], ITEM_STEP, HIGH_BIT},
                                 {"item 1", &b->items[1], ITEM_STEP, HIGH_BIT},
                                 {"detail 0", &b->detail[0].data, 1, LEFT_OUT},
                                 {"detail 1", &b->detail[1].data, 1, LEFT_OUT}};
    assert_true(b->config_count == 2 && b->item_count == 2);
    memcpy(out, parts, sizeof(parts));
    return ROWS(parts);
}

static void sweep_part(struct sweep *s, const struct part *part)
{
    const struct meta_bytes was = *part->bytes;
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(1 << 20);
    for (size_t at = 0; part->step && at < was.len; at += part->step)
        for (enum how how = LOW_BIT; how < part->end; how++) {
            change(was.data, was.len, at, how, &changed);
            *part->bytes = (struct meta_bytes){.data = changed.data, .len = changed.len};
            check_report(s, &(struct place){part->name, at, words_of(how)});
        }
    *part->bytes = was;
}

static bool is_item(const struct part *p)
{
    return p->step == ITEM_STEP;
}

static bool is_detail(const struct part *p)
{
    return strncmp(p->name, "detail", 6) == 0;
}

/* Each byte of what the envelope holds, in an envelope that is right. */
static void every_byte_of_the_parts(void **state)
{
    struct sweep *s = *state;
    struct part part[PARTS];
    const size_t count = parts_of(&s->b, part);
    for (size_t i = 0; i < count; i++)
        if (shown_trust(s->was) != is_item(&part[i]) || is_detail(&part[i]))
            sweep_part(s, &part[i]);
    assert_true(s->tried > 500);
}

static void spoil_item(struct sweep *s, size_t item, size_t at)
{
    const struct meta_bytes was = s->b.items[item];
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(1 << 20);
    change(was.data, was.len, at, LOW_BIT, &changed);
    s->b.items[item] = (struct meta_bytes){.data = changed.data, .len = changed.len};
    struct verify_result *r = report_bed_verify(&s->b);
    if (shown_trust(r))
        fail_msg("item %zu, byte %zu", item, at);
    verify_result_free(r);
    s->b.items[item] = was;
}

/* Rules that are not believed show what they allowed; so here nothing but the verdict counts. */
static void no_trust_without_items(void **state)
{
    struct sweep *s = *state;
    for (size_t i = 0; i < s->b.item_count; i++)
        for (size_t at = 0; at < s->b.items[i].len; at += ITEM_STEP)
            spoil_item(s, i, at);
}

static bool inside(const struct sweep *s, const struct part *part, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p =
            memmem(s->bytes.data, s->bytes.len, part[i].bytes->data, part[i].bytes->len);
        assert_non_null(p);
        const size_t from = (size_t)(p - s->bytes.data);
        if (at >= from && at < from + part[i].bytes->len)
            return true;
    }
    return false;
}

/* Each byte around them: heads, keys, kinds, digests, values of PCRs, the host's name. */
static void every_byte_of_the_envelope(void **state)
{
    struct sweep *s = *state;
    struct part part[PARTS];
    const size_t count = parts_of(&s->b, part);
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(1 << 20);
    for (size_t at = 0; at < s->bytes.len; at++)
        for (enum how how = LOW_BIT; how < HOWS && !inside(s, part, count, at); how++) {
            change(s->bytes.data, s->bytes.len, at, how, &changed);
            check(s, &changed, &(struct place){"envelope", at, words_of(how)});
        }
    assert_true(s->tried > 1000);
    assert_true(s->trusted > 0); /* the name, which is shown nowhere */
}

/* Each byte of the file. */
static void every_byte_of_the_log(void **state)
{
    struct sweep *s = *state;
    const struct meta_bytes was = s->b.report.log;
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(1 << 20);
    load_quote(s);
    for (size_t at = 0; at < was.len; at++)
        for (enum how how = LOW_BIT; how < HOWS; how += LEFT_OUT) {
            change(was.data, was.len, at, how, &changed);
            check_log(s, &changed, &(struct place){"log", at, words_of(how)});
        }
    assert_true(s->tried > 4000);
}

/* CRC-32C, bit by bit: a changed frame that the reader takes. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return crc;
}

static void put_crc(uint8_t *frame, size_t len)
{
    const uint32_t crc =
        ~crc32c(crc32c(~0u, frame, FRAME_CRC), frame + FRAME_HEAD, len - FRAME_HEAD);
    for (int i = 0; i < 4; i++)
        frame[FRAME_CRC + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* Each byte of each frame, with the checksum that fits. */
static void every_byte_with_its_checksum(void **state)
{
    struct sweep *s = *state;
    const struct meta_bytes was = s->b.report.log;
    const enum how last = shown_trust(s->was) ? HIGH_BIT : LOW_BIT;
    struct measure_frame f;
    struct cmc_err err = {0};
    size_t from = 0, to = 0, torn = 0;
    load_quote(s);
    for (; measure_frame_next(was.data, was.len, &to, &f, &torn, &err) == 1; from = to)
        for (size_t at = from; at < to; at++)
            for (enum how how = LOW_BIT; how <= last; how++) {
                cmc_autobuf struct cmc_buf log = cmc_buf_of(1 << 20);
                change(was.data, was.len, at, how, &log);
                if (at < from + FRAME_CRC || at >= from + FRAME_HEAD)
                    put_crc(log.data + from, to - from);
                check_log(s, &log, &(struct place){"log, new checksum", at, words_of(how)});
            }
    assert_int_equal(from, was.len);
}

/* A log whose digests, marks and checksums are made to fit its events: all that who can write the
 * file can do. */
static void forge(struct sweep *s, struct logs_record *records, size_t count, const struct place *p)
{
    cmc_autobuf struct cmc_buf log = cmc_buf_of(1 << 20);
    logs_forge(records, count, &s->b.log.start);
    logs_join(records, count, &log);
    check_log(s, &log, p);
}

static void forge_record(struct sweep *s, struct logs_record *records, size_t count, size_t record)
{
    struct logs_record *r = &records[record];
    cmc_autobuf struct cmc_buf was = cmc_buf_of(MEASURE_EVENT_MAX);
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(MEASURE_EVENT_MAX);
    cmc_put(&was, r->content, r->frame.content_len);
    for (size_t at = 0; at < was.len; at++)
        for (enum how how = LOW_BIT; how < HOWS; how += LEFT_OUT) {
            change(was.data, was.len, at, how, &changed);
            memcpy(r->content, changed.data, changed.len);
            r->frame.content_len = changed.len;
            forge(s, records, count, &(struct place){"event", at, words_of(how)});
        }
    memcpy(r->content, was.data, was.len);
    r->frame.content_len = was.len;
}

/* Nothing but the register's value stands against these. */
static void every_byte_of_events_forged(void **state)
{
    struct sweep *s = *state;
    struct logs_record *records = calloc(FRAMES, sizeof(*records));
    const size_t count = logs_split(&s->b.log, records, FRAMES);
    assert_true(count < FRAMES);
    load_quote(s);
    for (size_t i = 0; i < count; i++)
        if (records[i].frame.type == MEASURE_FRAME_INTENT)
            forge_record(s, records, count, i);
    assert_true(s->tried > 3000 && s->replayed > 2000);
    assert_int_equal(s->trusted, 0);
    free(records);
}

/* The comparison objects to each thing that could be shown. */

struct copy { /* of a result, with a claim of each kind more */
    struct verify_result r;
    struct verify_container row[8];
    struct verify_metadata_result item[8];
    struct verify_difference difference; /* of row[1] */
    struct verify_claim good, event;
};

static void copy_of(const struct verify_result *r, struct copy *out)
{
    *out = (struct copy){.r = *r};
    assert_true(r->container_count < ROWS(out->row) && r->metadata_count <= ROWS(out->item));
    memcpy(out->row, r->container, r->container_count * sizeof(*out->row));
    memcpy(out->item, r->metadata, r->metadata_count * sizeof(*out->item));
    out->r.container = out->row;
    out->r.metadata = out->item;
    assert_int_equal(out->row[1].difference_count, 1);
    if (out->row[1].difference)
        out->difference = *out->row[1].difference;
    out->row[1].difference = &out->difference;
    out->good = *report_bed_claim(r, "quote.signature");
    out->good.next = &out->event;
    out->event = *report_bed_claim(r, "container.event");
    out->event.next = r->claim;
    out->r.claim = &out->good;
}

#define TEXT(member)                                                                               \
    {                                                                                              \
#member, offsetof(struct copy, member), 0                                                  \
    }
#define BITS(member, bits)                                                                         \
    {                                                                                              \
#member, offsetof(struct copy, member), bits                                               \
    }
static const struct lie { /* another text, or other bits of the first byte */
    const char *what;
    size_t at;
    uint8_t bits;
} lies[] = {
    TEXT(row[0].event),
    TEXT(row[0].id),
    TEXT(row[1].image),
    TEXT(row[3].reason),
    TEXT(row[3].sandbox),
    TEXT(row[1].reference),
    TEXT(row[1].manifest),
    TEXT(difference.path),
    TEXT(difference.before),
    TEXT(difference.after),
    TEXT(item[0].name),
    TEXT(item[1].not_after),
    TEXT(good.text),
    TEXT(event.text),
    TEXT(r.host),
    TEXT(r.key_kind),
    TEXT(r.profile),
    BITS(row[0].seq, 1),
    BITS(row[1].config, 1),
    BITS(row[2].rootfs[31], 0x80),
    BITS(row[1].ref_config[7], 1),
    BITS(row[1].status, VERIFY_BAD ^ VERIFY_GOOD),
    BITS(row[1].measured, 1),
    BITS(item[1].digest, 1),
    BITS(r.container_count, 4 ^ 3),
    BITS(r.container_count, 4 ^ 5),
    BITS(r.verdict, VERIFY_NOT_TRUSTED ^ VERIFY_TRUSTED),
    BITS(r.verdict, VERIFY_NOT_TRUSTED ^ VERIFY_TRUSTED_IF_ROOT),
    BITS(r.ak, 1),
    BITS(r.cert_level, 2),
    BITS(r.pcr, 1),
};

static void lies_are_seen(void **state)
{
    struct sweep *s = *state;
    struct copy c;
    for (size_t i = 0; i < ROWS(lies); i++) {
        static const struct {
            const char *text;
        } other = {"another"};
        char *at = (char *)&c + lies[i].at;
        copy_of(s->was, &c);
        if (!shown_fits(s->was, &c.r))
            fail_msg("what is the same: %s", shown_objection());
        if (lies[i].bits)
            *at = (char)(*at ^ lies[i].bits);
        else
            memcpy(at, &other, sizeof(other));
        if (shown_fits(s->was, &c.r))
            fail_msg("%s may be anything", lies[i].what);
    }
}

/* Nothing at all may be shown; but not as trust. */
static void less_is_less(void **state)
{
    struct sweep *s = *state;
    struct verify_result r = *s->was;
    r.container_count = r.metadata_count = 0;
    r.host = r.key_kind = NULL;
    r.claim = NULL;
    assert_int_equal(shown_fits(s->was, &r), !shown_trust(s->was));
}

#define GOOD(f)                                                                                    \
    {                                                                                              \
#f " of a trusted one", f, good_report, teardown, NULL                                     \
    }
#define BAD(f)                                                                                     \
    {                                                                                              \
#f " of a refused one", f, bad_report, teardown, NULL                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BAD(lies_are_seen),
        BAD(less_is_less),
        GOOD(less_is_less),
        GOOD(every_byte_of_the_parts),
        BAD(every_byte_of_the_parts),
        GOOD(no_trust_without_items),
        GOOD(every_byte_of_the_envelope),
        BAD(every_byte_of_the_log),
        GOOD(every_byte_with_its_checksum),
        BAD(every_byte_with_its_checksum),
        BAD(every_byte_of_events_forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
