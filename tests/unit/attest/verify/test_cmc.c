/* SPDX-License-Identifier: Apache-2.0 */
/* A report that verifies, spoilt in one place: one row, and the first claim that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/cmc_bed.h"
#include "tests/lib/rows.h"

struct row {
    const char *name;
    void (*spoil)(struct cmc_bed *b);
    const char *id, *words; /* of the refused claim; NULL: none */
};

static struct cmc_bed_event *web(struct cmc_bed *b)
{
    return &cmc_bed_artifact(b, 13)->event[0];
}

static void nothing(struct cmc_bed *b)
{
    (void)b;
}
static void other_order(struct cmc_bed *b)
{
    const struct cmc_bed_artifact first = b->artifact[0];
    b->artifact[0] = b->artifact[2];
    b->artifact[2] = first;
}
static void only_one_container(struct cmc_bed *b)
{
    cmc_bed_artifact(b, 13)->count = 1;
}
static void twice_the_same(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 13);
    a->event[a->count++] = a->event[0];
}
static void allowed_by_rules(struct cmc_bed *b)
{
    web(b)->spec = CMC_BED_SPEC("HELLO", ",\"EXTRA=1\"");
    cmc_bed_event(web(b));
}
static void digest_alone(struct cmc_bed *b)
{
    web(b)->spec = NULL; /* its hash is still that of a reference */
}
static void locality(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 0);
    a->event[1] = a->event[0];
    a->event[0] = (struct cmc_bed_event){.name = "TPM_PCR_INIT_VALUE"};
    a->event[0].hash[31] = 3;
    a->count = 2;
}
static void zero_start(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 4);
    memmove(&a->event[1], &a->event[0], 2 * sizeof(a->event[0]));
    a->event[0] = (struct cmc_bed_event){.name = "TPM_PCR_INIT_VALUE"};
    a->count = 3;
}
static void summary(struct cmc_bed *b)
{
    static const uint8_t zeros[CMC_SHA256_LEN];
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 4);
    struct cmc_err err = {0};
    uint8_t value[CMC_SHA256_LEN];
    memcpy(value, zeros, sizeof(value));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(cmc_hash2(CMC_ALG_SHA256, value, sizeof(value), a->event[i].hash,
                                   CMC_SHA256_LEN, value, &err),
                         0);
    *a = (struct cmc_bed_artifact){
        .type = "PCR Summary", .index = 4, .event = {{.name = ""}}, .count = 1};
    memcpy(a->event[0].hash, value, sizeof(value));
}
static void in_cbor(struct cmc_bed *b)
{
    b->encoding = META_CBOR;
}
static void software(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = &b->artifact[b->artifacts - 1];
    b->software = b->policy.software = true;
    b->artifact[0] = *a;
    b->artifact[0].type = "SW Eventlog";
    b->artifacts = 1;
    char *text = NULL;
    memcpy(&text, &b->manifest[1], sizeof(text));
    for (char *p; (p = strstr(text, "\"TPM\"")) != NULL;)
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): in the middle of a text */
        memcpy(p, "\"SW\" ", 5);
}

/* nonces, versions, kinds */
static void other_nonce(struct cmc_bed *b)
{
    b->asked[0] ^= 1;
}
static void longer_nonce(struct cmc_bed *b)
{
    b->asked_len = 8; /* and is what the report's begins with */
}
static void shorter_nonce(struct cmc_bed *b)
{
    b->nonce_len = 8;
}
static void other_version(struct cmc_bed *b)
{
    b->spoil_from = "3.3.0";
    b->spoil_to = "3.2.0";
}
static void other_hash(struct cmc_bed *b)
{
    b->alg = "SHA-1";
}
static void other_evidence(struct cmc_bed *b)
{
    b->type = "SNP Evidence";
}
static void no_evidence(struct cmc_bed *b)
{
    b->more_evidence = -1;
}
static void two_pieces(struct cmc_bed *b)
{
    b->more_evidence = 1;
}
static void two_collaterals(struct cmc_bed *b)
{
    b->twice = true;
}
static void context_changed(struct cmc_bed *b)
{
    b->encoding = META_CBOR;
    b->spoil_from = "VAL=HELLO";
    b->spoil_to = "VAL=EVIL!";
}
static void garbage(struct cmc_bed *b)
{
    b->spoil_from = "\"context\"";
    b->spoil_to = "\"context\\";
}

/* key and quote */
static void other_key(struct cmc_bed *b)
{
    b->other_key = true;
}
static void metadata_ca(struct cmc_bed *b)
{
    b->ak = BED_AK_META;
}
static void signer_as_ak(struct cmc_bed *b)
{
    b->ak = BED_SIGNER;
}
static void software_as_tpm(struct cmc_bed *b)
{
    b->ak = BED_SW_AK;
}
static void no_certs(struct cmc_bed *b)
{
    b->no_certs = true;
}
static void other_host(struct cmc_bed *b)
{
    b->policy.host = "other.example";
}
static void other_pin(struct cmc_bed *b)
{
    static const uint8_t pin[CMC_SHA256_LEN];
    b->policy.ak = pin;
}
static void magic(struct cmc_bed *b)
{
    b->magic = 0xff544348;
}
static void attest_type(struct cmc_bed *b)
{
    b->attest_type = 0x8017;
}
static void extra(struct cmc_bed *b)
{
    b->other_extra = true;
}
static void sha1_bank(struct cmc_bed *b)
{
    b->bank = CMC_ALG_SHA1;
}
static void other_bank(struct cmc_bed *b)
{
    b->bank = CMC_ALG_SHA384;
}

/* selection and artifacts */
static void subset(struct cmc_bed *b)
{
    b->mask = 1U << 0 | 1U << 4;
}
static void superset(struct cmc_bed *b)
{
    b->mask = 1U << 0 | 1U << 4 | 1U << 7 | 1U << 13;
}
static void no_pcrs(struct cmc_bed *b)
{
    b->mask = 1U << 20; /* the quote of another register */
}
static void two_artifacts(struct cmc_bed *b)
{
    b->artifact[b->artifacts] = b->artifact[0];
    b->artifacts++;
}
static void artifact_24(struct cmc_bed *b)
{
    b->artifact[b->artifacts] = b->artifact[0];
    b->artifact[b->artifacts++].index = 24;
}
static void artifact_type(struct cmc_bed *b)
{
    cmc_bed_artifact(b, 4)->type = "SW Eventlog";
}
static void register_not_quoted(struct cmc_bed *b)
{
    b->artifacts--;
}

/* events; the quote is of what is sent */
static void dropped(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 4);
    a->event[0] = a->event[1];
    a->count = 1;
}
static void start_inside(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 13);
    a->event[a->count] = (struct cmc_bed_event){.name = "TPM_PCR_INIT_VALUE"};
    a->count++;
}
static void start_forged(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 13);
    memset(a->event[0].hash, 0x77, CMC_SHA256_LEN);
    a->event[0].name = "TPM_PCR_INIT_VALUE";
    a->event[0].spec = NULL;
}
static void locality_elsewhere(struct cmc_bed *b)
{
    zero_start(b);
    cmc_bed_artifact(b, 4)->event[0].hash[31] = 3;
}
static void unknown_event(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 4);
    a->event[a->count] = (struct cmc_bed_event){.name = "EV_SEPARATOR", .seed = 99};
    cmc_bed_event(&a->event[a->count++]);
}
static void failed_to_measure(struct cmc_bed *b)
{
    struct cmc_bed_artifact *a = cmc_bed_artifact(b, 13);
    a->event[a->count] = (struct cmc_bed_event){.name = "web", .seed = 99};
    cmc_bed_event(&a->event[a->count++]);
}
static void other_variable(struct cmc_bed *b)
{
    web(b)->spec = CMC_BED_SPEC("EVIL", "");
    cmc_bed_event(web(b));
}
static void other_files(struct cmc_bed *b)
{
    web(b)->seed = 9;
    cmc_bed_event(web(b));
}
static void detail_swapped(struct cmc_bed *b)
{
    web(b)->spec = CMC_BED_SPEC("EVIL", ""); /* the digests stay */
}
static void template_forged(struct cmc_bed *b)
{
    web(b)->rootfs[0] ^= 1; /* the hash stays */
}
static void resettable(struct cmc_bed *b)
{
    cmc_bed_artifact(b, 13)->index = 16;
}
static void boot_then_other_register(struct cmc_bed *b)
{
    cmc_bed_artifact(b, 13)->index = 12;
}
static void nothing_recorded(struct cmc_bed *b)
{
    cmc_bed_artifact(b, 13)->count = 0;
}
static void wrong_summary(struct cmc_bed *b)
{
    summary(b);
    cmc_bed_artifact(b, 4)->event[0].hash[0] ^= 1;
}
static void empty_summary(struct cmc_bed *b)
{
    summary(b);
    cmc_bed_artifact(b, 4)->count = 0;
}

/* metadata */
static void no_metadata(struct cmc_bed *b)
{
    b->items = 0;
}
static void item_withheld(struct cmc_bed *b)
{
    b->no_item = true;
}
static void item_misnamed(struct cmc_bed *b)
{
    memset(b->digest[1], 'a', (size_t)2 * CMC_SHA256_LEN);
}
static void item_named_so(struct cmc_bed *b)
{
    memcpy(b->digest[1], "aa", sizeof("aa"));
}
static void must_run(struct cmc_bed *b)
{
    char *text = NULL;
    memcpy(&text, &b->manifest[1], sizeof(text));
    for (char *p; (p = strstr(text, "\"optional\":true,")) != NULL;)
        memset(p, ' ', strlen("\"optional\":true,"));
    only_one_container(b);
}
static void level(struct cmc_bed *b, char to)
{
    for (size_t i = 0; i < 2; i++) {
        char *text = NULL;
        memcpy(&text, &b->manifest[i], sizeof(text));
        strstr(text, "certLevel\":")[strlen("certLevel\":")] = to;
    }
}
static void level_3(struct cmc_bed *b)
{
    level(b, '3');
}

/* software */
static void software_not_accepted(struct cmc_bed *b)
{
    software(b);
    b->policy.software = false;
}
static void software_level(struct cmc_bed *b)
{
    software(b);
    level(b, '2');
}
static void software_bare(struct cmc_bed *b)
{
    software(b);
    b->no_certs = true;
    b->policy.host = NULL;
}
static void software_bare_for_host(struct cmc_bed *b)
{
    static uint8_t pin[CMC_SHA256_LEN];
    struct meta_key *k = NULL;
    struct cmc_err err = {0};
    software(b);
    b->no_certs = true;
    char *pem = pki_public_pem(b->pki.cert[BED_SW_AK].key);
    assert_int_equal(meta_key_bare(pem, strlen(pem), &k, &err), 0);
    memcpy(pin, meta_key_spki(k), sizeof(pin));
    meta_key_free(k);
    free(pem);
    b->policy.ak = pin;
}
static void software_pinned(struct cmc_bed *b)
{
    software_bare_for_host(b);
    b->policy.host = NULL;
}
static void software_nonce(struct cmc_bed *b)
{
    software(b);
    b->other_extra = true;
}
static void software_fold(struct cmc_bed *b)
{
    software(b);
    b->other_fold = true;
}
static void software_key(struct cmc_bed *b)
{
    software(b);
    b->other_key = true;
}
static void software_type(struct cmc_bed *b)
{
    software(b);
    b->artifact[0].type = "PCR Eventlog";
}
static void software_other(struct cmc_bed *b)
{
    software(b);
    other_variable(b);
}
static void software_strange(struct cmc_bed *b)
{
    software(b);
    failed_to_measure(b);
}
static void software_empty(struct cmc_bed *b)
{
    software(b);
    b->artifacts = 0;
}

static const struct row rows[] = {
    {"as it should be", nothing, NULL, NULL},
    {"in CBOR", in_cbor, NULL, NULL},
    {"artifacts in any order", other_order, NULL, NULL},
    {"references only allow", only_one_container, NULL, NULL},
    {"one container twice", twice_the_same, NULL, NULL},
    {"a digest alone", digest_alone, NULL, NULL},
    {"what rules allow", allowed_by_rules, NULL, NULL},
    {"the locality of the start in PCR 0", locality, NULL, NULL},
    {"a start value of zeros", zero_start, NULL, NULL},
    {"a summary", summary, NULL, NULL},
    {"certification level of hardware", level_3, NULL, NULL},
    {"software, accepted", software, NULL, NULL},
    {"software, a pinned key", software_pinned, NULL, NULL},

    {"the nonce of another request", other_nonce, "report.nonce", "another nonce"},
    {"a nonce that begins like this one", longer_nonce, "report.nonce", "another nonce"},
    {"the beginning of the nonce", shorter_nonce, "report.nonce", "another nonce"},
    {"another version", other_version, "report.format", "3.2.0"},
    {"a weak context hash", other_hash, "report.hash", "SHA-1"},
    {"evidence of another kind", other_evidence, "report.evidence", "SNP Evidence"},
    {"no evidence", no_evidence, "report.evidence", "no evidence"},
    {"evidence twice", two_pieces, "report.evidence", "more than one"},
    {"collateral twice", two_collaterals, "report.collateral", "exactly one"},
    {"no report", garbage, "report.format", ""},
    {"a context that was changed", context_changed, "quote.nonce", "nonce"},

    {"another key", other_key, "quote.signature", ""},
    {"a certificate of the metadata CA", metadata_ca, "key.chain", "issuer"},
    {"a signer of metadata", signer_as_ak, "key.chain", ""},
    {"a key in a file as a TPM's", software_as_tpm, "key.chain", "TPM"},
    {"no certificates", no_certs, "key.chain", "0 certificates"},
    {"another host", other_host, "key.host", "genuine report of another host"},
    {"another pinned key", other_pin, "key.pinned", "another key"},
    {"magic", magic, "quote.magic", "magic"},
    {"another structure", attest_type, "quote.type", "TPM_ST_ATTEST_CERTIFY"},
    {"a quote for another nonce", extra, "quote.nonce", "nonce"},
    {"bank SHA-1", sha1_bank, "quote.banks", "SHA-1"},
    {"another bank", other_bank, "log.replay", "quoted bank"},

    {"a quote of fewer registers", subset, "quote.selection", "PCR 13"},
    {"a quote of more registers", superset, "quote.selection", "PCR 7"},
    {"a quote of another register", no_pcrs, "quote.selection", "PCR 20"},
    {"two artifacts of one register", two_artifacts, "log.artifacts", "two artifacts"},
    {"an artifact of PCR 24", artifact_24, "log.artifacts", "PCR 24"},
    {"an artifact of another type", artifact_type, "log.replay", "neither"},
    {"a register that is not quoted", register_not_quoted, "reference.absent", "not quoted"},

    {"a boot event less", dropped, "reference.absent", "must occur"},
    {"a start value inside of the log", start_inside, "log.replay", "inside of the log"},
    {"a start value that is forged", start_forged, "log.replay", "never has"},
    {"a locality in another register", locality_elsewhere, "log.replay", "never has"},
    {"an unknown boot event", unknown_event, "host.event", "PCR 4, event 2"},
    {"a failure to measure", failed_to_measure, "container.event", "PCR 13, event 2"},
    {"another variable", other_variable, "container.config",
     "process.env VAL: reference \"HELLO\", measured \"EVIL\""},
    {"another file", other_files, "container.rootfs", "root file system"},
    {"a detail that was swapped", detail_swapped, "container.event",
     "not the one that was measured"},
    {"digests that were swapped", template_forged, "container.event", "two digests"},
    {"a resettable register", resettable, "container.reference", "no reference"},
    {"another register", boot_then_other_register, "container.reference", "no reference"},
    {"nothing recorded", nothing_recorded, "container.none", "not recorded"},
    {"a wrong summary", wrong_summary, "host.pcr", "PCR 4"},
    {"a summary without value", empty_summary, "log.replay", "exactly one event"},

    {"no metadata", no_metadata, "metadata.manifests", "no manifest"},
    {"an item is missing", item_withheld, "metadata.missing", "nobody has"},
    {"an item under another digest", item_misnamed, "metadata.digest", "another digest"},
    {"an item under no digest", item_named_so, "metadata.digest", "another digest"},
    {"one that must run", must_run, "reference.absent", "must run"},

    {"software, not accepted", software_not_accepted, "key.kind", "not accepted"},
    {"software, level above 1", software_level, "metadata.level", "hardware"},
    {"software, a bare key", software_bare, "key.chain", "not pinned"},
    {"software, a bare key for a host", software_bare_for_host, "key.host", "another host"},
    {"software, another nonce", software_nonce, "quote.nonce", "nonce"},
    {"software, other events than signed", software_fold, "log.replay", "the fold"},
    {"software, another key", software_key, "quote.signature", ""},
    {"software, another artifact", software_type, "log.replay", "no SW Eventlog"},
    {"software, another variable", software_other, "container.config", "process.env VAL"},
    {"software, an event that is no container", software_strange, "container.event", "event 3"},
    {"software, nothing recorded", software_empty, "container.none", "not recorded"},
};

static bool is_of(const struct row *row, const char *kind)
{
    return strncmp(row->id, kind, strlen(kind)) == 0;
}

static size_t count_claims(const struct verify_claim *c, const char *words)
{
    size_t n = 0;
    for (; c; c = c->next)
        n += (strstr(c->text, words) != NULL) + count_claims(c->child, words);
    return n;
}

/* Nobody vouches for an event: none is looked at, and that is said. */
static void nothing_known(const struct verify_result *r)
{
    assert_int_equal(r->container_count, 0);
    assert_int_equal(count_claims(r->claim, "nothing is known of containers"), 1);
    assert_int_equal(count_claims(r->claim, "nothing is known of the host"), 1);
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct cmc_bed *b = cmc_bed_open();
    row->spoil(b);
    struct verify_result *r = cmc_bed_run(b);
    bed_expect(r->claim, row->id, row->words);
    /* only PCR 0 and 4 are quoted: the host is not appraised */
    assert_int_equal(r->verdict, row->id ? VERIFY_NOT_TRUSTED : VERIFY_TRUSTED_IF_ROOT);
    if (r->profile)
        assert_string_equal(r->profile, "cmc");
    else
        assert_string_equal(row->id, "report.format"); /* what is no report has none */
    if (row->id && (is_of(row, "report.") || is_of(row, "quote.") || is_of(row, "log.")))
        nothing_known(r);
    if (!row->id)
        assert_true(r->container_count > 0 && r->has_ak && r->key_kind);
    assert_int_equal(row->id ? 13 : r->pcr, b->software && !row->id ? 0 : 13);
    for (size_t i = 0; i < r->container_count && !row->id; i++)
        assert_int_equal(r->container[i].status, VERIFY_GOOD);
    verify_result_free(r);
    cmc_bed_close(b);
}

/* Without a digest that counts nothing of the metadata is looked at. */
static void weak_hash(void **state)
{
    struct cmc_bed *b = cmc_bed_open();
    (void)state;
    other_hash(b);
    struct verify_result *r = cmc_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_int_equal(count_claims(r->claim, "the metadata could not be read"), 1);
    assert_int_equal(count_claims(r->claim, "item"), 0);
    assert_int_equal(r->metadata_count, 0);
    verify_result_free(r);
    cmc_bed_close(b);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    size_t n = 0;
    for (; n < ROWS(rows); n++) {
        struct row *r = NULL;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer is what is copied */
        memcpy(&r, &(const struct row *){&rows[n]}, sizeof(r));
        tests[n] = (struct CMUnitTest){rows[n].name, run_row, NULL, NULL, r};
    }
    tests[n] = (struct CMUnitTest)cmocka_unit_test(weak_hash);
    return cmocka_run_group_tests_name("attest/verify/cmc", tests, NULL, NULL);
}
