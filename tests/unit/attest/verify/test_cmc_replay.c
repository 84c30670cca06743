/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_replay.c -- artifacts that replay to a quoted value, spoilt in
 * one place: the refusal is the last thing that is said, and nothing is given out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/cmc_parts.h"
#include "attest/verify/quote_parts.h"
#include "tests/lib/rows.h"

enum { PCR = 4, BEGIN = 0, NEXT = 1, EVENTS = 2 };

/* One register, which began with what no TPM gives it and a reference signs, and one event. */
struct world {
    struct verify_quote quote;
    struct verify_metadata metadata;
    struct verify_reference reference;
    struct meta_component wanted;
    struct meta_hash signed_begin, hash[EVENTS];
    struct meta_component event[EVENTS];
    struct meta_artifact artifact[2];
    struct meta_collateral collateral;
    uint8_t digest[EVENTS][CMC_SHA256_LEN], other[CMC_SHA256_LEN], value[CMC_SHA256_LEN];
};

static int hash_result; /* of the code under test */
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-function-size): the linker's --wrap chooses
 * the names, and cmc_hash2() has seven parameters */
int __real_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err);
int __wrap_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err);
int __wrap_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err)
{
    return hash_result < 0 ? cmc_fail(err, (enum cmc_code) - hash_result, "no hash today")
                           : __real_cmc_hash2(alg, a, a_len, b, b_len, out, err);
}
/* NOLINTEND(bugprone-reserved-identifier,readability-function-size) */

static void open_world(struct world *w)
{
    struct cmc_err err = {0};
    *w = (struct world){0};
    for (size_t i = 0; i < EVENTS; i++) {
        memset(w->digest[i], 0x77 + (int)i, CMC_SHA256_LEN);
        w->hash[i] = (struct meta_hash){"SHA-256", {.data = w->digest[i], .len = CMC_SHA256_LEN}};
        w->event[i] =
            (struct meta_component){.name = "EV_SEPARATOR", .hash = &w->hash[i], .hash_count = 1};
    }
    memset(w->other, 0x22, sizeof(w->other));
    w->event[BEGIN].name = "TPM_PCR_INIT_VALUE";
    w->artifact[0] = (struct meta_artifact){"PCR Eventlog", PCR, w->event, EVENTS};
    w->artifact[1] = w->artifact[0];
    w->collateral = (struct meta_collateral){.artifact = w->artifact, .artifact_count = 1};
    w->signed_begin = w->hash[BEGIN];
    w->wanted = w->event[BEGIN];
    w->wanted.hash = &w->signed_begin;
    w->reference = (struct verify_reference){.component = &w->wanted, .tpm = true, .index = PCR};
    w->metadata = (struct verify_metadata){.reference = &w->reference, .reference_count = 1};
    assert_int_equal(cmc_hash2(CMC_ALG_SHA256, w->digest[BEGIN], CMC_SHA256_LEN, w->digest[NEXT],
                               CMC_SHA256_LEN, w->value, &err),
                     0);
    w->quote = (struct verify_quote){.hash = CMC_ALG_SHA256, .count = 1};
    w->quote.bank[0] = (struct verify_selected){CMC_ALG_SHA256, 1U << PCR};
    w->quote.digest_len = CMC_SHA256_LEN;
    cmc_sha256(w->value, sizeof(w->value), w->quote.digest);
}

static void nothing(struct world *w)
{
    (void)w;
}
static void nameless_event(struct world *w)
{
    w->event[NEXT].name = NULL;
}

/* the quote */
static void no_bank(struct world *w)
{
    w->quote.count = 0;
}
static void two_banks(struct world *w)
{
    w->quote.bank[w->quote.count++] = (struct verify_selected){CMC_ALG_SHA384, 1U << PCR};
}
static void weak_bank(struct world *w)
{
    w->quote.bank[0].alg = CMC_ALG_SHA1;
}
static void other_digest(struct world *w)
{
    w->quote.digest[CMC_SHA256_LEN - 1] ^= 1;
}
static void not_quoted(struct world *w)
{
    w->quote.bank[0].mask = 1U << (PCR + 1);
}

/* artifacts */
static void negative(struct world *w)
{
    w->artifact[0].index = -1;
}
static void too_high(struct world *w)
{
    w->artifact[0].index = VERIFY_CMC_PCRS;
}
static void twice(struct world *w)
{
    w->collateral.artifact_count = 2;
}
static void no_type(struct world *w)
{
    w->artifact[0].type = NULL;
}
static void other_type(struct world *w)
{
    w->artifact[0].type = "PCR Eventlogs";
}
static void summary(struct world *w)
{
    w->artifact[0] = (struct meta_artifact){"PCR Summary", PCR, &w->event[NEXT], 1};
    memcpy(w->digest[NEXT], w->value, sizeof(w->value));
}
static void empty_summary(struct world *w)
{
    summary(w);
    w->event[NEXT].hash_count = 0;
}
static void short_summary(struct world *w)
{
    summary(w);
    w->hash[NEXT].content.len--;
}

/* events */
static void begin_without_digest(struct world *w)
{
    w->event[BEGIN].hash_count = 0;
}
static void event_without_digest(struct world *w)
{
    w->event[NEXT].hash_count = 0;
}
static void begin_later(struct world *w)
{
    w->event[NEXT].name = w->event[BEGIN].name;
}
static void no_hash(struct world *w)
{
    (void)w;
    hash_result = -CMC_E_USAGE;
}

/* what is signed of the begin */
static void of_software(struct world *w)
{
    w->reference.tpm = false;
}
static void of_another_register(struct world *w)
{
    w->reference.index = PCR + 1;
}
static void of_an_event(struct world *w)
{
    w->wanted.name = "EV_SEPARATOR";
}
static void of_nothing(struct world *w)
{
    w->wanted.name = NULL;
}
static void without_digest(struct world *w)
{
    w->wanted.hash_count = 0;
}
static void of_its_front(struct world *w)
{
    w->signed_begin.content.len--;
}
static void of_another_value(struct world *w)
{
    w->signed_begin.content.data = w->other;
}

static struct row {
    const char *name;
    void (*spoil)(struct world *w);
    const char *id, *words; /* NULL: it replays */
} rows[] = {
    {"as it should be", nothing, NULL, NULL},
    {"an event without name", nameless_event, NULL, NULL},
    {"a summary", summary, NULL, NULL},

    {"no bank", no_bank, "quote.banks", "exactly one bank"},
    {"two banks", two_banks, "quote.banks", "exactly one bank"},
    {"a weak bank", weak_bank, "quote.banks", "exactly one bank"},
    {"other values than quoted", other_digest, "quote.values", "not those"},
    {"a register that is not quoted", not_quoted, "quote.selection", "PCR 5"},

    {"a negative register", negative, "log.artifacts", "PCR -1, which does not exist"},
    {"a register too high", too_high, "log.artifacts", "PCR 24, which does not exist"},
    {"two of a register", twice, "log.artifacts", "two artifacts for PCR 4"},
    {"no type", no_type, "log.replay", "neither a PCR Eventlog"},
    {"another type", other_type, "log.replay", "neither a PCR Eventlog"},
    {"a summary without digest", empty_summary, "log.replay", "no digest for the quoted bank"},
    {"a summary that is short", short_summary, "log.replay", "no digest for the quoted bank"},

    {"a start without digest", begin_without_digest, "log.replay", "event 0: it has no digest"},
    {"an event without digest", event_without_digest, "log.replay", "event 1: it has no digest"},
    {"a second start", begin_later, "log.replay", "event 1: a start value inside"},
    {"no hash", no_hash, "log.replay", "event 1: no hash today"},

    {"a start of software", of_software, "log.replay", "never has"},
    {"a start of another register", of_another_register, "log.replay", "never has"},
    {"an event instead of a start", of_an_event, "log.replay", "never has"},
    {"a reference without name", of_nothing, "log.replay", "never has"},
    {"a reference without digest", without_digest, "log.replay", "never has"},
    {"the front of a start", of_its_front, "log.replay", "never has"},
    {"another start", of_another_value, "log.replay", "never has"},
};

/* All that is said holds, but the last. */
static void refused_last(const struct verify_claim *up, const struct row *row)
{
    const struct verify_claim *c = up->child;
    assert_non_null(c);
    for (; c->next; c = c->next)
        assert_int_equal(c->status, VERIFY_GOOD);
    assert_int_equal(c->status, VERIFY_BAD);
    assert_string_equal(c->id, row->id);
    assert_non_null(strstr(c->text, row->words));
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct world w;
    struct verify_cmc_pcrs pcrs, untouched;
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct verify_claim *up = verify_claim_add(t, NULL, VERIFY_BAD, "log", "the log");
    const struct verify_cmc v = {.t = t, .metadata = &w.metadata};
    open_world(&w);
    row->spoil(&w);
    memset(&pcrs, 0xa5, sizeof(pcrs));
    memcpy(&untouched, &pcrs, sizeof(pcrs));
    const bool good = verify_cmc_replay(&v, &w.quote, &w.collateral, up, &pcrs);
    hash_result = 0;
    if (row->id) {
        assert_false(good);
        assert_memory_equal(&pcrs, &untouched, sizeof(pcrs));
        refused_last(up, row);
        return;
    }
    assert_true(good);
    assert_int_equal(verify_claim_worst(up), VERIFY_GOOD);
    assert_int_equal(pcrs.bank, CMC_ALG_SHA256);
    assert_ptr_equal(pcrs.artifact[PCR], &w.artifact[0]);
    assert_memory_equal(pcrs.value[PCR], w.value, sizeof(w.value));
}

/* The first byte, one in the middle, the last byte: what a TPM's register can begin with. */
static void beginnings(void **state)
{
    static const struct {
        unsigned index;
        uint8_t first, middle, last;
        bool may;
    } of[] = {
        {0, 0, 0, 0, true},           {0, 0, 0, 3, true},           {0, 0, 0, 4, true},
        {0, 0, 0, 1, false},          {0, 0, 1, 0, false},          {0, 3, 3, 3, false},
        {0, 3, 3, 0, false},          {4, 0, 0, 0, true},           {4, 0, 0, 3, false},
        {4, 0, 0, 4, false},          {16, 0, 0, 0, true},          {16, 0xff, 0xff, 0xff, false},
        {17, 0xff, 0xff, 0xff, true}, {22, 0xff, 0xff, 0xff, true}, {22, 0, 0, 0, true},
        {17, 0xff, 0xff, 0, false},   {17, 0xff, 0, 0xff, false},   {23, 0xff, 0xff, 0xff, false},
        {17, 1, 1, 1, false},         {17, 1, 1, 0, false}};
    (void)state;
    for (size_t i = 0; i < ROWS(of); i++) {
        uint8_t value[CMC_SHA256_LEN];
        memset(value, of[i].first, sizeof(value));
        value[sizeof(value) / 2] = of[i].middle;
        value[sizeof(value) - 1] = of[i].last;
        if (verify_cmc_may_start(of[i].index, value, sizeof(value)) != of[i].may)
            fail_msg("PCR %u: %02x..%02x..%02x", of[i].index, of[i].first, of[i].middle,
                     of[i].last);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(beginnings);
    return cmocka_run_group_tests_name("attest/verify/cmc_replay", tests, NULL, NULL);
}
