/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a certified key signed (first byte even), or as its signature (odd): nothing is
 * a quote that is not encoded in the one way, selects strange banks, or has other values. */
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/verify/quote.h"
#include "tests/lib/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t extra[32] = {0xab};
static struct pki_cert ca, ak;
static struct meta_trust *trust;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void begin(void)
{
    const struct pki_spec root = {.name = "CA", .key = "P-256#ca", .ext = PKI_CA};
    const struct pki_spec leaf = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_TPM_AK("h.example", "m")};
    struct cmc_err err = {0};
    if (trust)
        return;
    pki_make(&ca, &root, NULL);
    pki_make(&ak, &leaf, &ca);
    char *pem = pki_pem(&ca);
    must(meta_trust_new(PKI_NOW, &trust, &err) == 0);
    must(meta_trust_add_roots(trust, META_ROLE_AK, pem, strlen(pem), &err) == 0);
    free(pem);
}

/* TPMT_SIGNATURE, ECDSA with SHA-256. */
static size_t sign(const uint8_t *data, size_t len, uint8_t out[static 72])
{
    static const uint8_t head[] = {0x00, 0x18, 0x00, 0x0b, 0x00, 0x20}, middle[] = {0x00, 0x20};
    size_t n;
    uint8_t *raw = pki_sign(ak.key, "SHA256", PKI_NO_PSS, data, len, &n);
    must(n == 64);
    memcpy(out, head, 6);
    memcpy(out + 6, raw, 32);
    memcpy(out + 38, middle, 2);
    memcpy(out + 40, raw + 32, 32);
    free(raw);
    return 72;
}

static void check_encoding(const struct meta_bytes *attest)
{
    uint8_t again[4096];
    size_t from = 0, to = 0;
    TPMS_ATTEST a;
    must(Tss2_MU_TPMS_ATTEST_Unmarshal(attest->data, attest->len, &from, &a) == 0);
    must(Tss2_MU_TPMS_ATTEST_Marshal(&a, again, sizeof(again), &to) == 0);
    must(a.magic == TPM2_GENERATED_VALUE && a.type == TPM2_ST_ATTEST_QUOTE);
    must(a.extraData.size == sizeof(extra) && memcmp(a.extraData.buffer, extra, 32) == 0);
    must(to == attest->len && memcmp(again, attest->data, to) == 0);
}

static size_t check_banks(const struct verify_quote *q, struct meta_exact_pcr *pcr)
{
    static const uint8_t zeros[CMC_HASH_MAX];
    const struct verify_selected *b;
    size_t n = 0;
    for (size_t i = 0; (b = verify_quote_bank(q, i)); i++) {
        must(cmc_hash_size(b->alg) > 0 && b->mask && b->mask < 1 << 24);
        for (size_t k = 0; k < i; k++)
            must(verify_quote_bank(q, k)->alg != b->alg);
        for (uint32_t index = 0; index < 24; index++)
            if (b->mask >> index & 1)
                pcr[n++] = (struct meta_exact_pcr){
                    .bank = b->alg, .index = index, .value = {zeros, cmc_hash_size(b->alg), false}};
    }
    must(n > 0);
    return n;
}

static void check_values(const struct verify_quote *q, struct verify_tree *t)
{
    struct meta_exact_pcr pcr[4 * 24 + 1];
    const struct verify_pcrs *out;
    const size_t n = check_banks(q, pcr);
    must((verify_quote_values(q, pcr, n, t, NULL, &out) == VERIFY_GOOD) == (out != NULL));
    must(!out || verify_pcrs_value(out, (uint16_t)pcr[0].bank, pcr[0].index));
    must(verify_quote_values(q, pcr, n - 1, t, NULL, &out) == VERIFY_BAD && !out);
    pcr[n] = pcr[0];
    must(verify_quote_values(q, pcr, n + 1, t, NULL, &out) == VERIFY_BAD && !out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t other[] = "what is signed";
    uint8_t signature[72];
    if (size < 1 || size > 4096)
        return 0;
    begin();
    struct verify_tree *t = verify_tree_new();
    struct verify_quote *q = NULL;
    const struct meta_bytes cert = {.data = ak.der, .len = ak.len};
    struct verify_evidence e = {.attest = {data + 1, size - 1, false},
                                .signature = {signature, sizeof(signature), false},
                                .cert = &cert,
                                .cert_count = 1,
                                .role = META_ROLE_AK,
                                .extra = extra,
                                .extra_len = sizeof(extra)};
    if (data[0] % 2) {
        e.attest = (struct meta_bytes){.data = other, .len = sizeof(other)};
        e.signature = (struct meta_bytes){.data = data + 1, .len = size - 1};
    } else {
        (void)sign(data + 1, size - 1, signature);
    }
    const struct verify_policy policy = {.trust = trust};
    const enum verify_status status = verify_quote_check(&e, &policy, t, NULL, &q);
    must((status == VERIFY_GOOD) == (q != NULL));
    if (q) {
        check_encoding(&e.attest);
        check_values(q, t);
    }
    verify_quote_free(q);
    verify_tree_free(t);
    return 0;
}
