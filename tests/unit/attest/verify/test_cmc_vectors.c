/* SPDX-License-Identifier: Apache-2.0 */
/* A quote and software evidence that others made: read through CMC_EXTRA_VECTORS, verified as they
 * say, and refused when a byte of them changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "attest/verify/cmc_parts.h"
#include "base/hex.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/vectors.h"

enum { BYTES_MAX = 4096, ARTIFACTS_MAX = 4, WHEN = 1700000000 };

struct vector {
    struct cmc_json_doc *doc;
    const struct cmc_json *root;
    struct meta_components references;
    struct meta_artifact artifact[ARTIFACTS_MAX];
    struct meta_doc *artifact_doc[ARTIFACTS_MAX];
    size_t artifacts;
    uint8_t bytes[3][BYTES_MAX];
    struct verify_reference *reference;
    struct verify_manifest manifest;
    struct verify_metadata metadata;
    struct meta_trust *trust;
    struct verify_policy policy;
    struct verify_cmc v;
    struct verify_tree *t;
};

static const struct cmc_json *member(const struct vector *x, const char *name)
{
    const struct cmc_json *m = cmc_json_member(x->root, name);
    assert_non_null(m);
    return m;
}

static struct meta_bytes unhex(struct vector *x, int slot, const char *name)
{
    const struct cmc_json *m = member(x, name);
    struct cmc_err err = {0};
    const size_t len = m->text_len / 2;
    assert_true(len <= BYTES_MAX);
    assert_int_equal(cmc_unhex(m->text, m->text_len, x->bytes[slot], len, &err), 0);
    return (struct meta_bytes){.data = x->bytes[slot], .len = len};
}

static void take_references(struct vector *x)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    cmc_put_json(&text, member(x, "reference_components"));
    assert_int_equal(meta_components_decode(text.data, text.len, &x->references, &err), 0);
    x->reference = calloc(x->references.count, sizeof(*x->reference));
    x->manifest.name = "vector";
    for (size_t i = 0; i < x->references.count; i++) {
        const struct meta_component *c = &x->references.at[i];
        const char *index = meta_component_property(c, "cmc.index");
        x->reference[i] = (struct verify_reference){
            .component = c,
            .manifest = &x->manifest,
            .tpm = strcmp(meta_component_property(c, "cmc.ta"), "TPM") == 0,
            .sw = strcmp(meta_component_property(c, "cmc.ta"), "SW") == 0,
            .index = index ? (int)strtol(index, NULL, 10) : -1,
            .must_run = !c->optional};
    }
    x->metadata.reference = x->reference;
    x->metadata.reference_count = x->references.count;
}

static void take_artifacts(struct vector *x, const char *name)
{
    struct cmc_err err = {0};
    for (const struct cmc_json *a = member(x, name)->child; a; a = a->next) {
        cmc_autobuf struct cmc_buf text = cmc_buf_of(1 << 20);
        cmc_put_json(&text, a);
        assert_true(x->artifacts < ARTIFACTS_MAX);
        assert_int_equal(meta_artifact_decode(text.data, text.len, &x->artifact[x->artifacts],
                                              &x->artifact_doc[x->artifacts], &err),
                         0);
        x->artifacts++;
    }
}

static struct vector *open_vector(const char *file, const char *artifacts)
{
    cmc_autobuf struct cmc_buf text = vector_extra(file);
    struct vector *x = calloc(1, sizeof(*x));
    struct cmc_err err = {0};
    assert_non_null(x);
    assert_int_equal(cmc_json_parse((const char *)text.data, text.len, &x->doc, &x->root, &err), 0);
    take_references(x);
    take_artifacts(x, artifacts);
    assert_int_equal(meta_trust_new(WHEN, &x->trust, &err), 0);
    x->policy = (struct verify_policy){.trust = x->trust, .software = true};
    x->t = verify_tree_new();
    x->v = (struct verify_cmc){.policy = &x->policy, .metadata = &x->metadata, .t = x->t};
    x->v.log = verify_claim_add(x->t, NULL, VERIFY_GOOD, "log", "log");
    x->v.containers = verify_claim_add(x->t, NULL, VERIFY_GOOD, "containers", "containers");
    x->v.host = verify_claim_add(x->t, NULL, VERIFY_GOOD, "host", "host");
    return x;
}

static void close_vector(struct vector *x)
{
    for (size_t i = 0; i < x->artifacts; i++)
        meta_doc_free(x->artifact_doc[i]);
    meta_components_done(&x->references);
    free(x->reference);
    meta_trust_free(x->trust);
    verify_tree_free(x->t);
    cmc_json_free(x->doc);
    free(x);
}

/* The certificate names no TPM and carries no usage: it is a vector, not a host. */
static bool run_quote(struct vector *x)
{
    struct cmc_err err = {0};
    const struct cmc_json *ca = member(x, "ca_cert_pem"), *ak = member(x, "ak_cert_pem");
    BIO *bio = BIO_new_mem_buf(ak->text, (int)ak->text_len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    uint8_t *der = NULL;
    const int der_len = i2d_X509(cert, &der);
    const struct meta_bytes leaf = {.data = der, .len = (size_t)der_len};
    struct verify_quote *q = NULL;
    struct verify_cmc_pcrs pcrs;
    assert_int_equal(meta_trust_add_roots(x->trust, META_ROLE_ANY, ca->text, ca->text_len, &err),
                     0);
    const struct meta_bytes nonce = unhex(x, 2, "nonce_extraData");
    const struct verify_evidence e = {
        .attest = {x->bytes[0], member(x, "quote_TPMS_ATTEST")->text_len / 2, false},
        .signature = {x->bytes[1], member(x, "signature_TPMT_SIGNATURE")->text_len / 2, false},
        .cert = &leaf,
        .cert_count = 1,
        .role = META_ROLE_ANY,
        .extra = nonce.data,
        .extra_len = nonce.len};
    const struct meta_collateral c = {.artifact = x->artifact, .artifact_count = x->artifacts};
    const enum verify_status status = verify_quote_check(&e, &x->policy, x->t, x->v.log, &q);
    const bool good = status == VERIFY_GOOD && verify_cmc_replay(&x->v, q, &c, x->v.log, &pcrs);
    if (good) {
        verify_cmc_index(&x->v, pcrs.bank, false);
        verify_cmc_appraise(&x->v, &pcrs);
    }
    verify_quote_free(q);
    OPENSSL_free(der);
    X509_free(cert);
    BIO_free(bio);
    return good;
}

static void quote(void **state)
{
    struct vector *x = open_vector("cmc-upstream/tpm/quote-vector.json", *state);
    (void)unhex(x, 0, "quote_TPMS_ATTEST");
    (void)unhex(x, 1, "signature_TPMT_SIGNATURE");
    assert_true(run_quote(x));
    bed_expect(verify_claim_top(x->t), NULL, NULL);
    assert_int_equal(x->v.count, 0);
    close_vector(x);
}

/* A bit of every byte of the quote: of the signed structure, or of its signature. */
static void quote_spoilt(void **state)
{
    const int slot = *(const int *)*state;
    size_t len = 1;
    for (size_t i = 0; i < len; i += slot ? 7 : 1) {
        struct vector *x = open_vector("cmc-upstream/tpm/quote-vector.json", "artifacts_eventlog");
        (void)unhex(x, 0, "quote_TPMS_ATTEST");
        (void)unhex(x, 1, "signature_TPMT_SIGNATURE");
        len = member(x, slot ? "signature_TPMT_SIGNATURE" : "quote_TPMS_ATTEST")->text_len / 2;
        x->bytes[slot][i] ^= 0x10;
        assert_false(run_quote(x));
        close_vector(x);
    }
}

static bool run_software(struct vector *x, struct verify_result *out)
{
    const struct cmc_json *key = member(x, "collateral_key_pem"), *jws = member(x, "evidence_jws");
    const struct meta_bytes nonce = unhex(x, 0, "evidence_nonce_hex");
    const struct meta_evidence e = {
        .evidence = {.data = (const uint8_t *)jws->text, .len = jws->text_len}};
    const struct meta_collateral c = {
        .key = {.data = (const uint8_t *)key->text, .len = key->text_len},
        .artifact = x->artifact,
        .artifact_count = x->artifacts};
    if (!verify_cmc_software(&x->v, &e, &c, &nonce, out))
        return false;
    verify_cmc_software_events(&x->v, &c);
    return true;
}

static void pin(struct vector *x, uint8_t out[static CMC_SHA256_LEN])
{
    const struct cmc_json *key = member(x, "collateral_key_pem");
    struct meta_key *k = NULL;
    struct cmc_err err = {0};
    assert_int_equal(meta_key_bare(key->text, key->text_len, &k, &err), 0);
    memcpy(out, meta_key_spki(k), CMC_SHA256_LEN);
    meta_key_free(k);
    x->policy.ak = out;
}

static void software(void **state)
{
    struct vector *x = open_vector("cmc-upstream/sw/sw-vector.json", "artifacts");
    struct verify_result out = {0};
    uint8_t ak[CMC_SHA256_LEN];
    (void)state;
    pin(x, ak);
    assert_true(run_software(x, &out));
    bed_expect(verify_claim_top(x->t), NULL, NULL);
    assert_int_equal(x->v.count, 1);
    assert_int_equal(x->v.container[0].status, VERIFY_GOOD);
    assert_string_equal(out.key_kind, "software key");
    close_vector(x);
}

static void software_of_a_stranger(void **state)
{
    struct vector *x = open_vector("cmc-upstream/sw/sw-vector.json", "artifacts");
    struct verify_result out = {0};
    (void)state;
    assert_true(run_software(x, &out));
    bed_expect(verify_claim_top(x->t), "key.chain", "not pinned");
    close_vector(x);
}

int main(void)
{
    static char log[] = "artifacts_eventlog", summary[] = "artifacts_summary";
    static int attest = 0, signature = 1;
    const struct CMUnitTest tests[] = {
        {"a quote with event logs", quote, NULL, NULL, log},
        {"a quote with summaries", quote, NULL, NULL, summary},
        {"a quote with another byte", quote_spoilt, NULL, NULL, &attest},
        {"a signature with another byte", quote_spoilt, NULL, NULL, &signature},
        cmocka_unit_test(software),
        cmocka_unit_test(software_of_a_stranger),
    };
    return cmocka_run_group_tests_name("attest/verify/cmc_vectors", tests, NULL, NULL);
}
