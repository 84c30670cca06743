/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/meta_bed.c -- a small PKI, and what it signs: metadata, evidence. */
#include "tests/lib/meta_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 86400, REVOKED_SERIAL = 77, SIGNERS_MAX = 8 };

static const struct {
    struct pki_spec spec;
    int issuer; /* -1: itself */
} plan[BED_CERTS] = {
    [BED_META_CA] = {{.name = "metadata CA", .ext = PKI_CA}, -1},
    [BED_AK_CA] = {{.name = "AK CA", .key = "P-256#1", .ext = PKI_CA}, -1},
    [BED_OTHER_CA] = {{.name = "other CA", .key = "P-256#2", .ext = PKI_CA}, -1},
    [BED_SIGNER] = {{.name = "metadata signer", .key = "P-256#3", .ext = PKI_METADATA},
                    BED_META_CA},
    [BED_SECOND] = {{.name = "second signer", .key = "P-256#4", .ext = PKI_METADATA}, BED_META_CA},
    [BED_OLD] = {{.name = "old signer",
                  .key = "P-256#3",
                  .ext = PKI_METADATA,
                  .from = (int64_t)-20 * DAY,
                  .to = (int64_t)-10 * DAY},
                 BED_META_CA},
    [BED_REVOKED] = {{.name = "revoked signer",
                      .key = "P-256#3",
                      .ext = PKI_METADATA,
                      .serial = REVOKED_SERIAL},
                     BED_META_CA},
    [BED_STRANGER] = {{.name = "stranger", .key = "P-256#3", .ext = PKI_METADATA}, BED_OTHER_CA},
    [BED_AK] = {{.name = "AK", .key = "P-256#5", .ext = PKI_TPM_AK("host.example", "SLB9670")},
                BED_AK_CA},
    [BED_AK_META] = {{.name = "AK", .key = "P-256#5", .ext = PKI_TPM_AK("host.example", "SLB9670")},
                     BED_META_CA},
    [BED_SW_AK] = {{.name = "software AK",
                    .key = "P-256#6",
                    .ext = PKI_AK "subjectAltName=DNS:host.example\n"},
                   BED_AK_CA},
};

static void add_roots(struct bed *b, enum meta_role role, enum bed_cert ca)
{
    struct cmc_err err = {0};
    char *pem = pki_pem(&b->cert[ca]);
    assert_int_equal(meta_trust_add_roots(b->trust, (int)role, pem, strlen(pem), &err), 0);
    free(pem);
}

void bed_open(struct bed *b, bool with_crl)
{
    struct cmc_err err = {0};
    for (size_t i = 0; i < BED_CERTS; i++)
        pki_make(&b->cert[i], &plan[i].spec, plan[i].issuer < 0 ? NULL : &b->cert[plan[i].issuer]);
    assert_int_equal(meta_trust_new(PKI_NOW, &b->trust, &err), 0);
    add_roots(b, META_ROLE_METADATA, BED_META_CA);
    add_roots(b, META_ROLE_AK, BED_AK_CA);
    if (!with_crl)
        return;
    char *crl = pki_crl_pem(&(struct pki_crl){
        .issuer = &b->cert[BED_META_CA], .revoked = REVOKED_SERIAL, .from = -DAY, .to = DAY});
    assert_int_equal(meta_trust_add_crl(b->trust, crl, strlen(crl), &err), 0);
    free(crl);
}

void bed_close(struct bed *b)
{
    for (size_t i = 0; i < BED_CERTS; i++)
        pki_done(&b->cert[i]);
    meta_trust_free(b->trust);
}

char *bed_base64(const void *data, size_t len, bool url)
{
    char *out = calloc(1, (len + 2) / 3 * 4 + 1);
    assert_non_null(out);
    const int n = EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    for (int i = 0; url && i < n; i++)
        out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i] == '=' ? 0 : out[i]);
    return out;
}

static char *protect(const struct pki_cert *leaf)
{
    char *text = NULL;
    if (!leaf)
        return bed_base64("{\"alg\":\"ES256\"}", strlen("{\"alg\":\"ES256\"}"), true);
    char *x5c = bed_base64(leaf->der, leaf->len, false);
    assert_true(asprintf(&text, "{\"alg\":\"ES256\",\"x5c\":[\"%s\"]}", x5c) > 0);
    char *out = bed_base64(text, strlen(text), true);
    free(text);
    free(x5c);
    return out;
}

/* "protected":...,"signature":... */
static char *sign_one(EVP_PKEY *key, const struct pki_cert *leaf, const char *payload)
{
    char *head = protect(leaf), *input = NULL, *out = NULL;
    size_t len = 0;
    assert_true(asprintf(&input, "%s.%s", head, payload) > 0);
    uint8_t *sig = pki_sign(key, "SHA256", PKI_NO_PSS, input, strlen(input), &len);
    char *text = bed_base64(sig, len, true);
    assert_true(asprintf(&out, "\"protected\":\"%s\",\"signature\":\"%s\"", head, text) > 0);
    free(head);
    free(input);
    free(sig);
    free(text);
    return out;
}

char *bed_sign_bare(EVP_PKEY *key, const char *payload)
{
    char *body = bed_base64(payload, strlen(payload), true), *out = NULL;
    char *one = sign_one(key, NULL, body);
    assert_true(asprintf(&out, "{\"payload\":\"%s\",%s}", body, one) > 0);
    free(body);
    free(one);
    return out;
}

char *bed_sign(const struct bed *b, const char *payload, const enum bed_cert *by)
{
    char *body = bed_base64(payload, strlen(payload), true), *out = NULL, *all = NULL;
    size_t n = 0;
    for (; by[n] != BED_CERTS; n++) {
        const struct pki_cert *leaf = &b->cert[by[n]];
        char *one = sign_one(leaf->key, leaf, body), *more = NULL;
        assert_true(asprintf(&more, "%s%s{%s}", all ? all : "", all ? "," : "", one) > 0);
        free(one);
        free(all);
        all = more;
    }
    if (n == 1) {
        all[strlen(all) - 1] = 0; /* without its braces */
        assert_true(asprintf(&out, "{\"payload\":\"%s\",%s}", body, all + 1) > 0);
    } else {
        assert_true(
            asprintf(&out, "{\"payload\":\"%s\",\"signatures\":[%s]}", body, all ? all : "") > 0);
    }
    free(body);
    free(all);
    return out;
}

static void print_claims(const struct verify_claim *c, int depth)
{
    for (; c; c = c->next) {
        print_message("%*s%d %s: %s\n", 2 * depth, "", (int)c->status, c->id, c->text);
        print_claims(c->child, depth + 1);
    }
}

void bed_expect(const struct verify_claim *top, const char *id, const char *words)
{
    const struct verify_claim *c = verify_claim_first(top, VERIFY_BAD);
    const bool same = id ? c && strcmp(c->id, id) == 0 && strstr(c->text, words) : !c;
    if (!same)
        print_claims(top, 0);
    if (id && c) {
        assert_string_equal(c->id, id);
        assert_non_null(strstr(c->text, words));
    }
    assert_true(same);
}
