/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_software.c -- software evidence that holds, spoilt in one
 * place: the refusal is the last thing that is said, and nothing behind it is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/cmc_parts.h"
#include "base/hex.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/rows.h"

enum { EVENTS = 2, LONG = 200 };

struct world {
    struct meta_bytes cert[META_CERTS_MAX + 1];
    struct meta_hash hash[EVENTS];
    struct meta_component event[EVENTS];
    struct meta_artifact artifact;
    struct meta_collateral collateral;
    struct meta_bytes nonce;
    uint8_t digest[EVENTS][CMC_SHA256_LEN], nonce_bytes[LONG];
    char signed_nonce[400], signed_fold[100]; /* base64 */
    const char *before, *between, *after;     /* them, in the payload */
    EVP_PKEY *key;                            /* that signs */
};

static struct bed pki;
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

static void certify(struct world *w, enum bed_cert by)
{
    for (size_t i = 0; i < ROWS(w->cert); i++)
        w->cert[i] = (struct meta_bytes){.data = pki.cert[by].der, .len = pki.cert[by].len};
}

static void put_base64(char *out, const void *data, size_t len)
{
    char *text = bed_base64(data, len, false);
    memcpy(out, text, strlen(text) + 1);
    free(text);
}

static void open_world(struct world *w)
{
    uint8_t fold[CMC_SHA256_LEN] = {0};
    struct cmc_err err = {0};
    *w = (struct world){.before = "{\"nonce\":\"", .between = "\",\"sha256\":\"", .after = "\"}"};
    for (size_t i = 0; i < EVENTS; i++) {
        memset(w->digest[i], 0x10 + (int)i, CMC_SHA256_LEN);
        w->hash[i] = (struct meta_hash){"SHA-256", {.data = w->digest[i], .len = CMC_SHA256_LEN}};
        w->event[i] = (struct meta_component){.hash = &w->hash[i], .hash_count = 1};
        assert_int_equal(
            cmc_hash2(CMC_ALG_SHA256, fold, sizeof(fold), w->digest[i], CMC_SHA256_LEN, fold, &err),
            0);
    }
    certify(w, BED_SW_AK);
    w->key = pki.cert[BED_SW_AK].key;
    w->artifact = (struct meta_artifact){"SW Eventlog", 0, w->event, EVENTS};
    w->collateral = (struct meta_collateral){
        .cert = w->cert, .cert_count = 1, .artifact = &w->artifact, .artifact_count = 1};
    memset(w->nonce_bytes, 0x42, sizeof(w->nonce_bytes));
    w->nonce = (struct meta_bytes){.data = w->nonce_bytes, .len = CMC_SHA256_LEN};
    put_base64(w->signed_nonce, w->nonce.data, w->nonce.len);
    put_base64(w->signed_fold, fold, sizeof(fold));
}

static void nothing(struct world *w)
{
    (void)w;
}

/* the key */
static void long_chain(struct world *w)
{
    w->collateral.cert_count = META_CERTS_MAX + 1;
}
static void stranger(struct world *w)
{
    certify(w, BED_STRANGER);
}
static void no_key(struct world *w)
{
    w->collateral.cert_count = 0;
    w->collateral.key = (struct meta_bytes){.data = (const uint8_t *)"none", .len = 4};
}
static void other_key(struct world *w)
{
    w->key = pki_key("P-256#9");
}

/* what it signed */
static void no_json(struct world *w)
{
    w->before = "";
}
static void no_nonce(struct world *w)
{
    w->before = "{\"none\":\"";
}
static void nonce_and_more(struct world *w)
{
    w->between = "AAAA\",\"sha256\":\"";
}
static void front_of_nonce(struct world *w)
{
    w->signed_nonce[4] = 0;
}
static void other_nonce(struct world *w)
{
    w->signed_nonce[0] ^= 1;
}
static void nonce_too_long(struct world *w)
{
    cmc_autobuf struct cmc_buf fits = cmc_buf_of((size_t)2 * CMC_HASH_MAX);
    w->nonce.len = LONG;
    cmc_put_base64(&fits, w->nonce.data, w->nonce.len);
    assert_true(fits.bad && fits.len < sizeof(w->signed_nonce));
    memcpy(w->signed_nonce, fits.data, fits.len);
    w->signed_nonce[fits.len] = 0;
}
static void no_fold(struct world *w)
{
    w->between = "\",\"sha384\":\"";
}
static void other_fold(struct world *w)
{
    w->signed_fold[0] ^= 1;
}
static void fold_and_more(struct world *w)
{
    w->after = "AAAA\"}";
}

/* the events */
static void no_type(struct world *w)
{
    w->artifact.type = NULL;
}
static void other_type(struct world *w)
{
    w->artifact.type = "PCR Eventlog";
}
static void no_digest(struct world *w)
{
    w->event[1].hash_count = 0;
}
static void short_digest(struct world *w)
{
    w->hash[1].content.len--;
}
static void no_hash(struct world *w)
{
    (void)w;
    hash_result = -CMC_E_USAGE;
}

static struct row {
    const char *name;
    void (*spoil)(struct world *w);
    const char *id, *words; /* NULL: it holds */
} rows[] = {
    {"as it should be", nothing, NULL, NULL},

    {"a chain too long", long_chain, "key.chain", "more certificates than a chain has"},
    {"a stranger's certificate", stranger, "key.chain", "the key: "},
    {"no key", no_key, "key.chain", "the key: not a public key"},
    {"another key", other_key, "quote.signature", "the signature by this key"},

    {"no JSON", no_json, "quote.format", "the signed payload"},
    {"no nonce", no_nonce, "quote.nonce", "is not that of this request"},
    {"the nonce and more", nonce_and_more, "quote.nonce", "is not that of this request"},
    {"the front of the nonce", front_of_nonce, "quote.nonce", "is not that of this request"},
    {"another nonce", other_nonce, "quote.nonce", "is not that of this request"},
    {"what fits of a nonce", nonce_too_long, "quote.nonce", "is not that of this request"},
    {"no fold", no_fold, "log.replay", "the fold of the events is not"},
    {"another fold", other_fold, "log.replay", "the fold of the events is not"},
    {"the fold and more", fold_and_more, "log.replay", "the fold of the events is not"},

    {"an artifact without type", no_type, "log.replay", "no SW Eventlog"},
    {"another artifact", other_type, "log.replay", "no SW Eventlog"},
    {"an event without digest", no_digest, "log.replay", "without a SHA-256 digest"},
    {"an event with a short digest", short_digest, "log.replay", "without a SHA-256 digest"},
    {"no hash", no_hash, "log.replay", "no hash today"},
};

/* The last claim is refused, and none before it. */
static void refused_last(const struct verify_claim *c, const struct row *row)
{
    for (; c->next || c->child; c = c->next ? c->next : c->child)
        assert_int_equal(c->status, c->next ? VERIFY_GOOD : VERIFY_BAD);
    assert_int_equal(c->status, VERIFY_BAD);
    assert_string_equal(c->id, row->id);
    assert_non_null(strstr(c->text, row->words));
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct world w;
    const struct verify_policy policy = {
        .trust = pki.trust, .host = "host.example", .software = true};
    struct verify_result out = {0};
    char payload[1000];
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct verify_cmc v = {.t = t, .policy = &policy};
    v.log = verify_claim_add(t, NULL, VERIFY_BAD, "log", "the log");
    open_world(&w);
    row->spoil(&w);
    (void)snprintf(payload, sizeof(payload), "%s%s%s%s%s", w.before, w.signed_nonce, w.between,
                   w.signed_fold, w.after);
    cmc_autofree char *jws = bed_sign_bare(w.key, payload);
    const struct meta_evidence e = {.evidence = {.data = (const uint8_t *)jws, .len = strlen(jws)}};
    const bool good = verify_cmc_software(&v, &e, &w.collateral, &w.nonce, &out);
    hash_result = 0;
    assert_int_equal(good, !row->id);
    if (row->id)
        refused_last(v.log->child, row);
    else
        assert_int_equal(verify_claim_worst(v.log), VERIFY_GOOD);
    /* who it is, is known once the key is certified */
    const bool certified = !row->id || strncmp(row->id, "key.", 4) != 0;
    assert_int_equal(out.has_ak, certified);
    assert_int_equal(out.key_kind != NULL, certified);
    assert_int_equal(out.host != NULL, certified);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    bed_open(&pki, false);
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    const int failed = cmocka_run_group_tests_name("attest/verify/cmc_software", tests, NULL, NULL);
    bed_close(&pki);
    return failed;
}
