/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_appraise.c -- what a register must hold, given its references:
 * summaries that they give or do not, containers where nobody may reset them, templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/cmc_parts.h"
#include "tests/lib/cmc_bed.h"
#include "tests/lib/rows.h"

enum { REFERENCES = 3, EVENTS = 3, HASH_LEN = CMC_SHA256_LEN };

#define START "TPM_PCR_INIT_VALUE"
#define WHOLE "PCR Summary"

struct given { /* a component: its hash is len bytes of this seed */
    const char *name, *alg;
    uint8_t seed;
    size_t len;
    int index;
    bool software, ctr;
};
#define TPM(index, name, seed)                                                                     \
    {                                                                                              \
        name, "SHA-256", seed, HASH_LEN, index, false, false                                       \
    }

struct component { /* with what it points to */
    struct meta_component c;
    struct meta_hash hash;
    struct meta_ctr ctr;
    uint8_t bytes[CMC_HASH_MAX], pair[2][HASH_LEN];
};

struct world {
    struct verify_tree *t;
    struct verify_policy policy;
    struct verify_manifest manifest;
    struct component of[REFERENCES], in[EVENTS];
    struct verify_reference reference[REFERENCES];
    struct meta_component event[EVENTS];
    struct meta_artifact artifact;
    struct verify_metadata metadata;
    struct verify_cmc_pcrs pcrs;
    struct verify_cmc v;
};

/* H(C || R) of a container of this seed. */
static void template_of(uint8_t seed, uint8_t out[static HASH_LEN])
{
    uint8_t both[2 * HASH_LEN];
    memset(both, seed, sizeof(both));
    cmc_sha256(both, sizeof(both), out);
}

static void fill(const struct given *g, struct component *out)
{
    memset(out->bytes, g->seed, sizeof(out->bytes));
    memset(out->pair, g->seed, sizeof(out->pair));
    if (g->ctr)
        template_of(g->seed, out->bytes);
    out->hash = (struct meta_hash){g->alg, {.data = out->bytes, .len = g->len}};
    out->ctr = (struct meta_ctr){.config = {.data = out->pair[0], .len = HASH_LEN},
                                 .rootfs = {.data = out->pair[1], .len = HASH_LEN}};
    out->c = (struct meta_component){
        .type = "", .name = g->name, .hash = &out->hash, .hash_count = 1, .optional = true};
    if (g->ctr)
        out->c.ctr = &out->ctr;
}

static void refer(struct world *w, const struct given *g)
{
    struct component *c = &w->of[w->metadata.reference_count];
    fill(g, c);
    w->reference[w->metadata.reference_count++] =
        (struct verify_reference){.component = &c->c,
                                  .manifest = &w->manifest,
                                  .tpm = !g->software,
                                  .sw = g->software,
                                  .index = g->index};
}

static void measure(struct world *w, const struct given *g)
{
    struct component *c = &w->in[w->artifact.event_count];
    fill(g, c);
    w->event[w->artifact.event_count++] = c->c;
    w->artifact.index = g->index;
    w->pcrs.artifact[g->index] = &w->artifact;
}

static void open_world(struct world *w)
{
    *w = (struct world){.t = verify_tree_new(),
                        .manifest = {.name = "app"},
                        .artifact = {.type = "PCR Eventlog", .event = w->event},
                        .metadata = {.reference = w->reference},
                        .pcrs = {.bank = CMC_ALG_SHA256}};
    assert_non_null(w->t);
    w->v = (struct verify_cmc){.policy = &w->policy, .metadata = &w->metadata, .t = w->t};
    w->v.log = verify_claim_add(w->t, NULL, VERIFY_NOTE, "log", "log");
    w->v.containers = verify_claim_add(w->t, NULL, VERIFY_NOTE, "containers", "containers");
    w->v.host = verify_claim_add(w->t, NULL, VERIFY_NOTE, "host", "host");
}

/* Ends it too. */
static void expect(struct world *w, const char *id, const char *words)
{
    struct cmc_err err = {0};
    bed_expect(verify_claim_top(w->t), id, words);
    assert_int_equal(verify_tree_check(w->t, &err), 0);
    verify_tree_free(w->t);
}

static const struct verify_claim *find(const struct verify_claim *c, const char *words)
{
    for (; c; c = c->next) {
        const struct verify_claim *below = find(c->child, words);
        if (strstr(c->text, words) || below)
            return below ? below : c;
    }
    return NULL;
}

/* PCR 4 is a summary: a start value and these digests, one after the other. */
static struct summary {
    const char *name;
    struct given reference[REFERENCES];
    uint8_t start, extended[2];
    const char *id; /* of the claim that refuses it; NULL: none */
} summaries[] = {
    {"what references give", {TPM(4, "a", 1), TPM(4, "b", 2)}, 0, {1, 2}, NULL},
    {"from a start value", {TPM(4, START, 0), TPM(4, "a", 1)}, 0, {1}, NULL},
    {"the whole value", {TPM(4, "a", 1), TPM(4, WHOLE, 9)}, 9, {0}, NULL},

    {"in another order", {TPM(4, "a", 1), TPM(4, "b", 2)}, 0, {2, 1}, "host.pcr"},
    {"one less", {TPM(4, "a", 1), TPM(4, "b", 2)}, 0, {1}, "host.pcr"},
    {"a start value behind another",
     {TPM(4, "a", 1), TPM(4, START, 0), TPM(4, "b", 2)},
     0,
     {2},
     "host.pcr"},
    {"a start value that no register has", {TPM(4, START, 7), TPM(4, "a", 1)}, 7, {1}, "host.pcr"},
    {"a reference without a hash of the bank",
     {{"a", "SHA-384", 1, HASH_LEN, 4, false, false}, TPM(4, "b", 2)},
     0,
     {2},
     "host.pcr"},
    {"a reference with a longer hash",
     {{"a", "SHA-256", 1, HASH_LEN + 1, 4, false, false}, TPM(4, "b", 2)},
     0,
     {1, 2},
     "host.pcr"},
    {"no reference to fold", {TPM(4, WHOLE, 9)}, 0, {0}, "host.pcr"},

    {"the whole value of software",
     {TPM(4, "a", 1), {WHOLE, "SHA-256", 9, HASH_LEN, 4, true, false}},
     9,
     {0},
     "host.pcr"},
    {"the whole value of another register", {TPM(4, "a", 1), TPM(5, WHOLE, 9)}, 9, {0}, "host.pcr"},
    {"the whole value under another name", {TPM(4, "a", 1), TPM(4, "b", 9)}, 9, {0}, "host.pcr"},
    {"the whole value under no name", {TPM(4, "a", 1), TPM(4, NULL, 9)}, 9, {0}, "host.pcr"},
    {"the whole value in another bank",
     {TPM(4, "a", 1), {WHOLE, "SHA-384", 9, HASH_LEN, 4, false, false}},
     9,
     {0},
     "host.pcr"},
    {"the whole value and a byte more",
     {TPM(4, "a", 1), {WHOLE, "SHA-256", 9, HASH_LEN + 1, 4, false, false}},
     9,
     {0},
     "host.pcr"},
    {"a container as the whole value",
     {{WHOLE, "SHA-256", 9, HASH_LEN, 4, false, true}},
     0,
     {0},
     "container.event"},
};

static void run_summary(void **state)
{
    const struct summary *s = *state;
    struct world w;
    struct cmc_err err = {0};
    open_world(&w);
    uint8_t *value = w.pcrs.value[4], digest[HASH_LEN];
    for (size_t i = 0; i < REFERENCES && s->reference[i].alg; i++)
        refer(&w, &s->reference[i]);
    memset(value, s->start, HASH_LEN);
    for (size_t i = 0; i < ROWS(s->extended) && s->extended[i]; i++) {
        memset(digest, s->extended[i], HASH_LEN);
        assert_int_equal(cmc_hash2(CMC_ALG_SHA256, value, HASH_LEN, digest, HASH_LEN, value, &err),
                         0);
    }
    measure(&w, &(const struct given)TPM(4, "", 0));
    if (s->reference[0].ctr)
        template_of(s->reference[0].seed, value);
    memcpy(w.in[0].bytes, value, HASH_LEN);
    w.artifact.type = WHOLE;
    verify_cmc_index(&w.v, CMC_ALG_SHA256, false);
    verify_cmc_appraise(&w.v, &w.pcrs);
    assert_true(s->id || find(w.v.host, "PCR 4 is as its references say"));
    expect(&w, s->id, "which its references do not give");
}

/* Containers in registers that others can reset, although references say so. */
static void resettable(void **state)
{
    struct world w;
    const int index = *(const int *)*state;
    const struct given web = {"web", "SHA-256", 3, HASH_LEN, index, false, true};
    open_world(&w);
    refer(&w, &web);
    measure(&w, &web);
    verify_cmc_index(&w.v, CMC_ALG_SHA256, false);
    verify_cmc_appraise(&w.v, &w.pcrs);
    assert_int_equal(w.v.pcr, index);
    assert_int_equal(w.v.count, 1);
    expect(&w, index < 16 ? NULL : "container.register", "which others can reset");
}

/* What was extended and nobody refers to leaves the host unknown, and is said. */
static void without_reference(void **state)
{
    struct cmc_bed *b = cmc_bed_open();
    (void)state;
    b->artifact[b->artifacts] = (struct cmc_bed_artifact){
        .type = WHOLE, .index = 9, .event = {{.name = "", .seed = 5}}, .count = 1};
    cmc_bed_event(&b->artifact[b->artifacts++].event[0]);
    b->artifact[b->artifacts++] = (struct cmc_bed_artifact){.type = "PCR Eventlog", .index = 8};
    struct verify_result *r = cmc_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_non_null(find(r->claim, "PCR 9 has no reference"));
    assert_null(find(r->claim, "PCR 8"));
    verify_result_free(r);
    cmc_bed_close(b);
}

/* What is for software says nothing about a register of that number. */
static void of_software(void **state)
{
    struct world w;
    const struct given software = {"a", "SHA-256", 1, HASH_LEN, 9, true, false};
    (void)state;
    open_world(&w);
    refer(&w, &software);
    measure(&w, &(const struct given)TPM(9, "a", 1));
    w.pcrs.value[9][0] = 1;
    verify_cmc_index(&w.v, CMC_ALG_SHA256, false);
    verify_cmc_appraise(&w.v, &w.pcrs);
    const struct verify_claim *c = find(w.v.host, "PCR 9");
    assert_string_equal(c->text, "PCR 9 has no reference");
    assert_int_equal(c->status, VERIFY_UNCHECKED);
    expect(&w, NULL, NULL);
}

/* A reference of profile exact, or to a program, is none for an event of this profile. */
static void of_exact(void **state)
{
    struct world w;
    const struct meta_property *property = *state;
    const struct given web = {"web", "SHA-256", 3, HASH_LEN, 13, false, true};
    open_world(&w);
    refer(&w, &web);
    w.of[0].c.property = property;
    w.of[0].c.property_count = 1;
    measure(&w, &web);
    verify_cmc_index(&w.v, CMC_ALG_SHA256, false);
    verify_cmc_appraise(&w.v, &w.pcrs);
    expect(&w, "container.reference", "there is no reference");
}

/* An event of a container whose digests are not whole, or do not give its hash. */
static struct template
{
    const char *name;
    size_t hash, config, rootfs;
    const char *words; /* NULL: measured */
}
templates[] = {
    {"as they should be", HASH_LEN, HASH_LEN, HASH_LEN, NULL},
    {"no hash", 0, HASH_LEN, HASH_LEN, "not whole"},
    {"a longer configuration", HASH_LEN, HASH_LEN + 1, HASH_LEN, "not whole"},
    {"a longer root file system", HASH_LEN, HASH_LEN, HASH_LEN + 1, "not whole"},
    {"a shorter hash", HASH_LEN - 1, HASH_LEN, HASH_LEN, "not that of its two digests"},
};

static void run_template(void **state)
{
    struct world w;
    const struct template *row = *state;
    const struct given web = {"web", "SHA-256", 3, HASH_LEN, 13, false, true};
    open_world(&w);
    refer(&w, &web);
    measure(&w, &web);
    w.event[0].hash_count = row->hash > 0;
    w.in[0].hash.content.len = row->hash;
    w.in[0].ctr.config.len = row->config;
    w.in[0].ctr.rootfs.len = row->rootfs;
    verify_cmc_index(&w.v, CMC_ALG_SHA256, false);
    verify_cmc_container(&w.v, &w.event[0], 13, CMC_ALG_SHA256);
    assert_int_equal(w.v.count, 1);
    assert_int_equal(w.v.container[0].measured, !row->words);
    expect(&w, row->words ? "container.event" : NULL, row->words);
}

static int pcr_13 = 13, pcr_16 = 16, pcr_23 = 23;
static struct meta_property exact = {"cmc.profile", "exact"}, program = {"cmc.program", "/bin/sh"};

int main(void)
{
    struct CMUnitTest tests[ROWS(summaries) + ROWS(templates) + 7] = {
        {"containers in PCR 13", resettable, NULL, NULL, &pcr_13},
        {"containers in PCR 16", resettable, NULL, NULL, &pcr_16},
        {"containers in PCR 23", resettable, NULL, NULL, &pcr_23},
        {"a reference of profile exact", of_exact, NULL, NULL, &exact},
        {"a reference to a program", of_exact, NULL, NULL, &program},
        cmocka_unit_test(of_software),
        cmocka_unit_test(without_reference),
    };
    size_t n = 7;
    for (size_t i = 0; i < ROWS(summaries); i++)
        tests[n++] = (struct CMUnitTest){summaries[i].name, run_summary, NULL, NULL, &summaries[i]};
    for (size_t i = 0; i < ROWS(templates); i++)
        tests[n++] =
            (struct CMUnitTest){templates[i].name, run_template, NULL, NULL, &templates[i]};
    return cmocka_run_group_tests_name("attest/verify/cmc_appraise", tests, NULL, NULL);
}
