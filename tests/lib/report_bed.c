/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/report_bed.c -- reports of profile exact, made by a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/hex.h"
#include "tests/lib/report_bed.h"

#define STAMP                                                                                      \
    "\"version\":\"2026-01-01T00:00:00Z\",\"validity\":{\"notBefore\":\"2026-01-01T00:00:00Z\","   \
    "\"notAfter\":\"2028-01-01T00:00:00Z\"}"

static void must(int rc, const struct cmc_err *err)
{
    if (rc < 0)
        fail_msg("%s", err->msg);
}

static void add_root(struct report_bed *b, int role, const struct pki_cert *ca)
{
    struct cmc_err err = {0};
    char *pem = pki_pem(ca);
    must(meta_trust_add_roots(b->trust, role, pem, strlen(pem), &err), &err);
    free(pem);
}

void report_bed_open(struct report_bed *b, const char *model)
{
    struct cmc_err err = {0};
    *b = (struct report_bed){.banks = {TPM2_ALG_SHA256},
                             .mask = 0xff | 1 << 13,
                             .alg = TPM2_ALG_ECDSA,
                             .hash = TPM2_ALG_SHA256};
    logs_init(&b->log, 2);
    const struct pki_spec ak_ca = {.name = "AK CA", .key = "P-256#akca", .ext = PKI_CA};
    const struct pki_spec meta_ca = {.name = "Meta CA", .key = "P-256#metaca", .ext = PKI_CA};
    const struct pki_spec tpm = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_TPM_AK("h.example", "SLB9670")};
    const struct pki_spec swtpm = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_TPM_AK("h.example", "swtpm")};
    const struct pki_spec soft = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_AK "subjectAltName=DNS:h.example\n"};
    const struct pki_spec signer = {.name = "signer", .key = "P-256#s", .ext = PKI_METADATA};
    pki_make(&b->ak_ca, &ak_ca, NULL);
    pki_make(&b->meta_ca, &meta_ca, NULL);
    pki_make(&b->ak, !model ? &soft : strcmp(model, "swtpm") == 0 ? &swtpm : &tpm, &b->ak_ca);
    pki_make(&b->signer, &signer, &b->meta_ca);
    must(meta_trust_new(PKI_NOW, &b->trust, &err), &err);
    add_root(b, META_ROLE_AK, &b->ak_ca);
    add_root(b, META_ROLE_METADATA, &b->meta_ca);
    b->policy = (struct verify_policy){.trust = b->trust, .host = "h.example"};
    memset(b->nonce, 0x5a, sizeof(b->nonce));
    b->report.kind = model ? "tpm" : "sw";
    b->attest_bytes = cmc_buf_of(4096);
    b->signature = cmc_buf_of(4096);
}

void report_bed_done(struct report_bed *b)
{
    struct pki_cert *certs[] = {&b->ak_ca, &b->ak, &b->meta_ca, &b->signer};
    for (size_t i = 0; i < 4; i++)
        pki_done(certs[i]);
    for (size_t i = 0; i < b->item_count; i++)
        cmc_buf_done(&b->item[i]);
    for (size_t i = 0; i < b->config_count; i++)
        measure_config_done(&b->config[i]);
    cmc_buf_done(&b->attest_bytes);
    cmc_buf_done(&b->signature);
    meta_trust_free(b->trust);
    logs_done(&b->log);
}

const struct measure_config *report_bed_config(struct report_bed *b, const char *json,
                                               const uint8_t *redaction_key)
{
    struct cmc_err err = {0};
    const struct measure_config_opts opts = {.container_id = "the-id",
                                             .redaction_key = redaction_key};
    assert_true(b->config_count < BED_DETAILS);
    struct measure_config *c = &b->config[b->config_count];
    must(measure_config(json, strlen(json), &opts, c, &err), &err);
    b->detail[b->config_count++] =
        (struct meta_exact_part){.kind = "config",
                                 .digest = {.data = c->digest, .len = sizeof(c->digest)},
                                 .data = {.data = c->detail.data, .len = c->detail.len}};
    return c;
}

void report_bed_create(struct report_bed *b, const char *id, const struct measure_config *c,
                       uint8_t rootfs)
{
    const struct measure_event full = logs_event(MEASURE_CONTAINER_CREATE);
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    ev.program_count = full.program_count;
    memcpy(ev.programs, full.programs, sizeof(ev.programs));
    ev.container = id;
    ev.image = "example/web:1";
    memcpy(ev.config, c->digest, sizeof(ev.config));
    memset(ev.rootfs, rootfs, sizeof(ev.rootfs));
    logs_intent(&b->log, &ev);
    logs_mark(&b->log, MEASURE_MARK_DONE);
}

void report_bed_reference(struct cmc_buf *out, const char *name, const struct measure_config *c,
                          uint8_t rootfs, const char *extra)
{
    uint8_t both[2 * CMC_SHA256_LEN], hash[CMC_SHA256_LEN];
    memcpy(both, c->digest, CMC_SHA256_LEN);
    memset(both + CMC_SHA256_LEN, rootfs, CMC_SHA256_LEN);
    cmc_sha256(both, sizeof(both), hash);
    cmc_put_fmt(out,
                "%s{\"type\":\"application\",\"name\":\"%s\",\"hashes\":[{\"alg\":\"SHA-256\","
                "\"content\":\"",
                out->len ? "," : "", name);
    cmc_put_hex(out, hash, sizeof(hash));
    cmc_put_text(out, "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                      "{\"name\":\"cmc.index\",\"value\":\"13\"},"
                      "{\"name\":\"cmc.profile\",\"value\":\"exact\"}");
    if (!strstr(extra, "cmc.keyId"))
        cmc_put_text(out, ",{\"name\":\"cmc.keyId\",\"value\":\"0000000000000000\"}");
    cmc_put_fmt(out, "%s],\"ctrData\":{\"configSha256\":\"", extra);
    cmc_put_hex(out, both, CMC_SHA256_LEN);
    cmc_put_text(out, "\",\"rootfsSha256\":\"");
    cmc_put_hex(out, both + CMC_SHA256_LEN, CMC_SHA256_LEN);
    cmc_put_fmt(out, "\",\"ociSpec\":%.*s}}", (int)c->detail.len, (const char *)c->detail.data);
    cmc_put_u8(out, 0);
    out->len--;
}

static void put_base64url(struct cmc_buf *out, const void *data, size_t len)
{
    const size_t from = out->len;
    cmc_put_base64(out, data, len);
    size_t to = from;
    for (size_t i = from; i < out->len; i++)
        if (out->data[i] != '=')
            out->data[to++] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
    out->len = to;
}

/* A flattened JWS (RFC 7515, 7.2.2), ES256. */
void report_bed_item(struct report_bed *b, const char *payload)
{
    cmc_autobuf struct cmc_buf head = cmc_buf_of(1 << 16), signed_text = cmc_buf_of(4 << 20);
    assert_true(b->item_count < BED_ITEMS);
    struct cmc_buf *out = &b->item[b->item_count];
    *out = cmc_buf_of(8 << 20);
    cmc_put_text(&head, "{\"alg\":\"ES256\",\"x5c\":[\"");
    cmc_put_base64(&head, b->signer.der, b->signer.len);
    cmc_put_text(&head, "\"]}");
    put_base64url(&signed_text, head.data, head.len);
    const size_t dot = signed_text.len;
    cmc_put_u8(&signed_text, '.');
    put_base64url(&signed_text, payload, strlen(payload));
    size_t len;
    uint8_t *sig =
        pki_sign(b->signer.key, "SHA256", PKI_NO_PSS, signed_text.data, signed_text.len, &len);
    cmc_put_text(out, "{\"payload\":\"");
    cmc_put(out, signed_text.data + dot + 1, signed_text.len - dot - 1);
    cmc_put_text(out, "\",\"protected\":\"");
    cmc_put(out, signed_text.data, dot);
    cmc_put_text(out, "\",\"signature\":\"");
    put_base64url(out, sig, len);
    cmc_put_text(out, "\"}");
    free(sig);
    b->item_count++;
}

void report_bed_metadata(struct report_bed *b, const char *components, const char *rules)
{
    cmc_autobuf struct cmc_buf p = cmc_buf_of(1 << 20);
    cmc_put_fmt(&p,
                "{\"type\":\"Manifest\",\"name\":\"app\"," STAMP ",\"sbom\":{\"bomFormat\":"
                "\"CycloneDX\",\"specVersion\":\"1.7\",\"components\":[%s]},"
                "\"developerCommonName\":\"signer\",\"baseLayers\":[\"app\"],\"certLevel\":1}",
                components);
    cmc_put_u8(&p, 0);
    report_bed_item(b, (const char *)p.data);
    p.len = 0;
    cmc_put_fmt(&p,
                "{\"type\":\"Image Description\",\"name\":\"image\"," STAMP
                ",\"location\":\"here\",\"descriptions\":[{\"type\":\"Manifest Description\","
                "\"name\":\"app\",\"manifest\":\"app\"%s%s}]}",
                rules ? ",\"ociRules\":" : "", rules ? rules : "");
    cmc_put_u8(&p, 0);
    report_bed_item(b, (const char *)p.data);
}

static void copy_bank(uint8_t *out, const struct measure_banks *from, uint16_t bank)
{
    for (size_t k = 0; k < from->count; k++)
        if (from->bank[k].alg == bank)
            memcpy(out, from->bank[k].value, cmc_hash_size(bank));
}

static void set_value(struct report_bed *b, size_t i, uint16_t bank, uint32_t index)
{
    const size_t size = cmc_hash_size(bank);
    memset(b->value[i], index == 13 ? 0 : (int)(0x40 + index), size);
    if (index == 13)
        copy_bank(b->value[i], &b->log.pcr, bank);
    else if (b->boot && index < 8)
        copy_bank(b->value[i], &b->boot[index], bank);
    b->pcr[i] = (struct meta_exact_pcr){
        .bank = bank, .index = index, .value = {.data = b->value[i], .len = size}};
}

static void set_digest(struct report_bed *b)
{
    cmc_autobuf struct cmc_buf all = cmc_buf_of(1 << 16);
    TPM2B_DIGEST *d = &b->attest.attested.quote.pcrDigest;
    struct cmc_err err = {0};
    for (size_t i = 0; i < b->report.pcr_count; i++)
        cmc_put(&all, b->pcr[i].value.data, b->pcr[i].value.len);
    d->size = (UINT16)cmc_hash_size(b->hash);
    must(cmc_hash2(b->hash, all.data, all.len, NULL, 0, d->buffer, &err), &err);
}

void report_bed_quote(struct report_bed *b)
{
    TPML_PCR_SELECTION *sel = &b->attest.attested.quote.pcrSelect;
    b->attest = (TPMS_ATTEST){.magic = TPM2_GENERATED_VALUE,
                              .type = TPM2_ST_ATTEST_QUOTE,
                              .qualifiedSigner = {.size = 34, .name = {0, 0x0b}},
                              .extraData = {.size = CMC_SHA256_LEN},
                              .clockInfo = {.clock = 123456,
                                            .resetCount = b->log.reset_count,
                                            .restartCount = 1,
                                            .safe = TPM2_YES},
                              .firmwareVersion = 42};
    meta_exact_qualify(b->nonce, sizeof(b->nonce), b->attest.extraData.buffer);
    b->report.pcr_count = 0;
    for (size_t k = 0; k < 3 && b->banks[k]; k++) {
        TPMS_PCR_SELECTION *s = &sel->pcrSelections[sel->count++];
        *s = (TPMS_PCR_SELECTION){.hash = b->banks[k], .sizeofSelect = 3};
        for (uint32_t i = 0; i < 24; i++)
            if (b->mask >> i & 1) {
                s->pcrSelect[i / 8] = (BYTE)(s->pcrSelect[i / 8] | 1 << i % 8);
                set_value(b, b->report.pcr_count++, b->banks[k], i);
            }
    }
    set_digest(b);
}

void report_bed_marshal(struct report_bed *b)
{
    uint8_t bytes[4096];
    size_t at = 0;
    assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(&b->attest, bytes, sizeof(bytes), &at), 0);
    b->attest_bytes.len = 0;
    cmc_put(&b->attest_bytes, bytes, at);
}

static void copy(UINT16 *size, BYTE *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, len);
    *size = (UINT16)len;
}

void report_bed_sign(struct report_bed *b)
{
    TPMT_SIGNATURE s = {.sigAlg = b->alg};
    TPMS_SIGNATURE_ECDSA *e = &s.signature.ecdsa;
    TPMS_SIGNATURE_RSA *r = &s.signature.rsassa;
    uint8_t bytes[2048];
    size_t len, at = 0;
    const char *name = b->hash == TPM2_ALG_SHA1     ? "SHA1"
                       : b->hash == TPM2_ALG_SHA384 ? "SHA384"
                       : b->hash == TPM2_ALG_SHA512 ? "SHA512"
                                                    : "SHA256";
    uint8_t *sig = pki_sign(b->ak.key, name, b->alg == TPM2_ALG_RSAPSS ? -2 : PKI_NO_PSS,
                            b->attest_bytes.data, b->attest_bytes.len, &len);
    if (b->alg == TPM2_ALG_ECDSA) {
        e->hash = b->hash;
        copy(&e->signatureR.size, e->signatureR.buffer, sig, len / 2);
        copy(&e->signatureS.size, e->signatureS.buffer, sig + len / 2, len / 2);
    } else {
        r->hash = b->hash;
        copy(&r->sig.size, r->sig.buffer, sig, len);
    }
    free(sig);
    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&s, bytes, sizeof(bytes), &at), 0);
    b->signature.len = 0;
    cmc_put(&b->signature, bytes, at);
}

static struct meta_bytes bytes_of(const struct cmc_buf *b)
{
    return (struct meta_bytes){.data = b->data, .len = b->len};
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, CMC_SHA256_LEN);
}

void report_bed_report(struct report_bed *b)
{
    struct meta_exact *r = &b->report;
    b->cert[0] = (struct meta_bytes){.data = b->ak.der, .len = b->ak.len};
    b->cert[1] = (struct meta_bytes){.data = b->ak_ca.der, .len = b->ak_ca.len};
    for (size_t i = 0; i < b->item_count; i++) {
        b->items[i] = bytes_of(&b->item[i]);
        cmc_sha256(b->item[i].data, b->item[i].len, b->digest[i]);
    }
    qsort(b->digest, b->item_count, CMC_SHA256_LEN, by_digest);
    for (size_t i = 0; i < b->item_count; i++)
        b->digests[i] = (struct meta_bytes){.data = b->digest[i], .len = CMC_SHA256_LEN};
    r->name = "what it calls itself";
    r->attest = bytes_of(&b->attest_bytes);
    r->signature = bytes_of(&b->signature);
    r->cert = b->cert;
    r->cert_count = 2;
    r->pcr = b->pcr;
    r->log = bytes_of(&b->log.bytes);
    r->detail = b->detail;
    r->detail_count = b->config_count;
    r->boot_log = b->boot_log;
    r->digest = b->digests;
    r->item = b->items;
    r->digest_count = r->item_count = b->item_count;
}

struct verify_result *report_bed_verify(struct report_bed *b)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(META_EXACT_MAX);
    struct verify_result *result = NULL;
    struct cmc_err err = {0};
    must(meta_exact_encode(&b->report, META_CBOR, &out, &err), &err);
    must(verify_report(out.data, out.len, b->nonce, sizeof(b->nonce), &b->policy, &result, &err),
         &err);
    return result;
}

struct verify_result *report_bed_run(struct report_bed *b)
{
    report_bed_quote(b);
    report_bed_marshal(b);
    report_bed_sign(b);
    report_bed_report(b);
    return report_bed_verify(b);
}

static const struct verify_claim *find(const struct verify_claim *c, const char *id)
{
    for (; c; c = c->next) {
        if (strcmp(c->id, id) == 0)
            return c;
        const struct verify_claim *below = find(c->child, id);
        if (below)
            return below;
    }
    return NULL;
}

const struct verify_claim *report_bed_claim(const struct verify_result *r, const char *id)
{
    return find(r->claim, id);
}

static const struct verify_claim *by_text(const struct verify_claim *c, const char *text)
{
    for (; c; c = c->next) {
        const struct verify_claim *below = by_text(c->child, text);
        if (below || c->text == text)
            return below ? below : c;
    }
    return NULL;
}

void report_bed_refused(const struct verify_result *r, const char *id, const char *words)
{
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_string_equal(r->words, "NOT TRUSTED");
    assert_non_null(r->reason);
    const struct verify_claim *c = by_text(r->claim, r->reason);
    assert_non_null(c);
    if (strcmp(c->id, id) != 0 || !strstr(c->text, words))
        fail_msg("refused by %s: %s", c->id, c->text);
    assert_int_equal(c->status, VERIFY_BAD);
}

/* The first claim that was looked at behind the one with this text, or NULL. At the top each claim
 * is always there, and rests on nothing when it was not looked at. */
static const struct verify_claim *behind(const struct verify_claim *c, const char *text, bool top)
{
    while (c && c->text != text && !by_text(c->child, text))
        c = c->next;
    const struct verify_claim *below = c && c->text != text ? behind(c->child, text, false) : NULL;
    for (c = c && !below ? c->next : NULL; c; c = c->next)
        if (!top || c->child)
            return c;
    return below;
}

void report_bed_refused_at_once(const struct verify_result *r, const char *id, const char *words)
{
    report_bed_refused(r, id, words);
    const struct verify_claim *more = behind(r->claim, r->reason, true);
    if (more)
        fail_msg("went on behind %s, to %s: %s", id, more->id, more->text);
}

void report_bed_no_canary(const struct verify_result *r)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(64 << 20);
    struct cmc_err err = {0};
    must(verify_result_put_json(r, &out, &err), &err);
    assert_null(memmem(out.data, out.len, "canary", 6));
    assert_true(out.len > 200);
}

void report_bed_bare(struct report_bed *b)
{
    report_bed_open(b, "SLB9670");
    logs_put(&b->log, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
}

struct verify_result *report_bed_judge(struct report_bed *b, const char *reference,
                                       const char *rules, const char *measured, uint8_t rootfs)
{
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    const struct measure_config *want = report_bed_config(b, reference, NULL);
    const struct measure_config *have = report_bed_config(b, measured, NULL);
    report_bed_reference(&refs, "web", want, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, rules);
    report_bed_create(b, "web-1", have, rootfs);
    return report_bed_run(b);
}

void report_bed_usual(struct report_bed *b)
{
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    report_bed_bare(b);
    const struct measure_config *c = report_bed_config(b, BED_HELLO, NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", c, 0x11);
}
