/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/cmc_bed.c -- reports of CMC 3.3.0 that a test makes, and may spoil at each step. */
#include "tests/lib/cmc_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/config_cmc.h"

#define VALID                                                                                      \
    "\"version\":\"2026-06-01T00:00:00Z\",\"validity\":{\"notBefore\":\"2026-01-01T00:00:00Z\","   \
    "\"notAfter\":\"2028-01-01T00:00:00Z\"}"

static void put_hash(struct cmc_buf *b, const char *name, const uint8_t *hash)
{
    cmc_put_fmt(b, "\"%s\":\"", name);
    cmc_put_hex(b, hash, CMC_SHA256_LEN);
    cmc_put_text(b, "\"");
}

void cmc_bed_event(struct cmc_bed_event *e)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf form = cmc_buf_of(1 << 16);
    memset(e->rootfs, e->seed, sizeof(e->rootfs));
    cmc_sha256(&e->seed, 1, e->hash);
    if (!e->spec)
        return;
    assert_int_equal(measure_config_cmc_form(e->spec, strlen(e->spec), &form, &err), 0);
    cmc_sha256(form.data, form.len, e->config);
    assert_int_equal(cmc_hash2(CMC_ALG_SHA256, e->config, sizeof(e->config), e->rootfs,
                               sizeof(e->rootfs), e->hash, &err),
                     0);
}

/* A component that refers to the event. */
static void put_reference(struct cmc_buf *b, const struct cmc_bed_event *e, int64_t index)
{
    cmc_put_fmt(b, "{\"type\":\"%s\",\"name\":\"%s\",%s\"hashes\":[{\"alg\":\"SHA-256\",",
                e->spec ? "application" : "firmware", e->name, e->spec ? "\"optional\":true," : "");
    put_hash(b, "content", e->hash);
    cmc_put_fmt(b,
                "}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                "{\"name\":\"cmc.index\",\"value\":\"%d\"}]",
                (int)index);
    if (e->spec) {
        cmc_put_text(b, ",\"ctrData\":{");
        put_hash(b, "configSha256", e->config);
        cmc_put_text(b, ",");
        put_hash(b, "rootfsSha256", e->rootfs);
        cmc_put_fmt(b, ",\"ociSpec\":%s}", e->spec);
    }
    cmc_put_text(b, "}");
}

static char *manifest_of(const char *name, const char *base, struct cmc_buf *components)
{
    char *out = NULL;
    cmc_put_u8(components, 0);
    assert_false(components->bad);
    assert_true(asprintf(&out,
                         "{\"type\":\"Manifest\",\"name\":\"%s\"," VALID
                         ",\"baseLayers\":[\"%s\"],\"certLevel\":1,\"sbom\":{\"bomFormat\":"
                         "\"CycloneDX\",\"specVersion\":\"1.7\",\"components\":[%s]}}",
                         name, base, (const char *)components->data) > 0);
    return out;
}

static void add_events(struct cmc_bed *b, int64_t index, const struct cmc_bed_event *list, size_t n)
{
    struct cmc_bed_artifact *a = &b->artifact[b->artifacts++];
    *a = (struct cmc_bed_artifact){.type = "PCR Eventlog", .index = index, .count = n};
    for (size_t i = 0; i < n; i++) {
        a->event[i] = list[i];
        cmc_bed_event(&a->event[i]);
    }
}

static char *references(const struct cmc_bed *b, const char *name, const char *base, bool boot)
{
    cmc_autobuf struct cmc_buf c = cmc_buf_of(1 << 16);
    for (size_t i = 0; i < b->artifacts; i++)
        for (size_t k = 0; k < b->artifact[i].count; k++) {
            if ((b->artifact[i].index < 13) != boot)
                continue;
            if (c.len)
                cmc_put_text(&c, ",");
            put_reference(&c, &b->artifact[i].event[k], b->artifact[i].index);
        }
    return manifest_of(name, base, &c);
}

static const struct cmc_bed_event boot0[] = {{.name = "EV_S_CRTM_VERSION", .seed = 1}};
static const struct cmc_bed_event boot4[] = {{.name = "EV_EFI_ACTION", .seed = 2},
                                             {.name = "EV_SEPARATOR", .seed = 3}};
static const struct cmc_bed_event containers[] = {
    {.name = "web", .spec = CMC_BED_SPEC("HELLO", ""), .seed = 7},
    {.name = "db", .spec = CMC_BED_SPEC("DB", ",\"X=1\""), .seed = 8}};

struct cmc_bed *cmc_bed_open(void)
{
    struct cmc_bed *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    b->ak = BED_AK;
    b->encoding = META_JSON;
    bed_open(&b->pki, false);
    b->policy = (struct verify_policy){.trust = b->pki.trust, .host = "host.example"};
    memset(b->nonce, 0x42, sizeof(b->nonce));
    memcpy(b->asked, b->nonce, sizeof(b->asked));
    b->nonce_len = b->asked_len = sizeof(b->nonce);
    add_events(b, 0, boot0, 1);
    add_events(b, 4, boot4, 2);
    add_events(b, 13, containers, 2);
    b->manifest[0] = references(b, "rtm", "rtm", true);
    b->manifest[1] = references(b, "app", "rtm", false);
    b->manifest[2] =
        strdup("{\"type\":\"Image Description\",\"name\":\"host\",\"location\":\"\"," VALID
               ",\"descriptions\":[{\"type\":\"Manifest Description\",\"name\":\"a\","
               "\"manifest\":\"rtm\"},{\"type\":\"Manifest Description\",\"name\":"
               "\"b\",\"manifest\":\"app\",\"ociRules\":{\"process\":{\"env\":"
               "\"additional:EXTRA=*\"}}}]}");
    b->items = 3;
    return b;
}

void cmc_bed_close(struct cmc_bed *b)
{
    bed_close(&b->pki);
    for (size_t i = 0; i < CMC_BED_ITEMS; i++) {
        char *text = NULL;
        memcpy(&text, &b->manifest[i], sizeof(text));
        free(text);
        free(b->item[i]);
    }
    free(b);
}

struct cmc_bed_artifact *cmc_bed_artifact(struct cmc_bed *b, int64_t index)
{
    for (size_t i = 0; i < b->artifacts; i++)
        if (b->artifact[i].index == index)
            return &b->artifact[i];
    fail_msg("no artifact of PCR %d", (int)index);
    return NULL;
}

/* The same in the types of reports. */
struct shadow {
    struct meta_artifact artifact[CMC_BED_ARTIFACTS];
    struct meta_component event[CMC_BED_ARTIFACTS][CMC_BED_EVENTS];
    struct meta_hash hash[CMC_BED_ARTIFACTS][CMC_BED_EVENTS];
    struct meta_ctr ctr[CMC_BED_ARTIFACTS][CMC_BED_EVENTS];
    struct cmc_json_doc *doc[CMC_BED_ARTIFACTS][CMC_BED_EVENTS];
    struct meta_named_item item[CMC_BED_ITEMS];
    const char *digest[CMC_BED_DIGESTS];
    struct meta_bytes cert;
    char *key;
};

static void shadow_event(struct shadow *s, const struct cmc_bed_event *e, size_t i, size_t k)
{
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    s->hash[i][k] = (struct meta_hash){"SHA-256", {.data = e->hash, .len = CMC_SHA256_LEN}};
    s->event[i][k] = (struct meta_component){
        .type = "", .name = e->name, .hash = &s->hash[i][k], .hash_count = 1};
    if (!e->spec)
        return;
    assert_int_equal(cmc_json_parse(e->spec, strlen(e->spec), &s->doc[i][k], &root, &err), 0);
    s->ctr[i][k] = (struct meta_ctr){{.data = e->config, .len = CMC_SHA256_LEN},
                                     {.data = e->rootfs, .len = CMC_SHA256_LEN},
                                     e->no_spec ? NULL : root};
    s->event[i][k].ctr = &s->ctr[i][k];
}

static const char no_item[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void shadow_items(struct shadow *s, struct cmc_bed *b)
{
    static const enum bed_cert by[] = {BED_SIGNER, BED_CERTS};
    uint8_t digest[CMC_SHA256_LEN];
    for (size_t i = 0; i < b->items; i++) {
        if (!b->item[i])
            b->item[i] = bed_sign(&b->pki, b->manifest[i], by);
        cmc_sha256(b->item[i], strlen(b->item[i]), digest);
        if (!b->digest[i][0])
            cmc_hex(digest, sizeof(digest), b->digest[i]);
        s->digest[i] = b->digest[i];
        s->item[i] = (struct meta_named_item){
            b->digest[i], {.data = (const uint8_t *)b->item[i], .len = strlen(b->item[i])}};
    }
    for (size_t i = 0; i < b->more_digests; i++)
        s->digest[b->items + i] = no_item;
}

static void replay(const struct cmc_bed_artifact *a, uint8_t value[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    memset(value, 0, CMC_SHA256_LEN);
    for (size_t i = 0; i < a->count; i++) {
        const uint8_t *h = a->event[i].hash;
        if (strcmp(a->type, "PCR Summary") == 0 ||
            strcmp(a->event[i].name, "TPM_PCR_INIT_VALUE") == 0)
            memcpy(value, h, CMC_SHA256_LEN);
        else
            assert_int_equal(
                cmc_hash2(CMC_ALG_SHA256, value, CMC_SHA256_LEN, h, CMC_SHA256_LEN, value, &err),
                0);
    }
}

static uint32_t values(const struct cmc_bed *b, uint8_t digest[static CMC_SHA256_LEN])
{
    uint8_t value[24][CMC_SHA256_LEN] = {{0}};
    struct cmc_sha256_ctx c;
    uint32_t mask = 0;
    for (size_t i = 0; i < b->artifacts; i++) {
        const int64_t index = b->artifact[i].index;
        if (index < 0 || index > 23)
            continue;
        replay(&b->artifact[i], value[index]);
        mask |= 1U << index;
    }
    if (b->mask)
        mask = b->mask;
    cmc_sha256_init(&c);
    for (size_t i = 0; i < 24; i++)
        if (mask >> i & 1)
            cmc_sha256_add(&c, value[i], CMC_SHA256_LEN);
    cmc_sha256_end(&c, digest);
    return mask;
}

/* TPMS_ATTEST (TPM 2.0 Part 2, 10.12.12) */
static struct cmc_buf attest(const struct cmc_bed *b, const uint8_t extra[static CMC_SHA256_LEN])
{
    struct cmc_buf out = cmc_buf_of(1024);
    uint8_t digest[CMC_SHA256_LEN];
    const uint32_t mask = values(b, digest);
    cmc_put_be32(&out, b->magic ? b->magic : 0xff544347);
    cmc_put_be16(&out, b->attest_type ? b->attest_type : 0x8018);
    cmc_put_be16(&out, 0);
    cmc_put_be16(&out, CMC_SHA256_LEN);
    cmc_put(&out, extra, CMC_SHA256_LEN);
    if (b->other_extra)
        out.data[out.len - 1] ^= 1;
    cmc_put_be64(&out, 1000);
    cmc_put_be32(&out, 3);
    cmc_put_be32(&out, 1);
    cmc_put_u8(&out, 1);
    cmc_put_be64(&out, 7);
    cmc_put_be32(&out, 1);
    cmc_put_be16(&out, b->bank ? b->bank : CMC_ALG_SHA256);
    cmc_put_u8(&out, 3);
    for (int i = 0; i < 3; i++)
        cmc_put_u8(&out, (uint8_t)(mask >> (8 * i)));
    cmc_put_be16(&out, CMC_SHA256_LEN);
    cmc_put(&out, digest, CMC_SHA256_LEN);
    assert_false(out.bad);
    return out;
}

/* TPMT_SIGNATURE (11.3.4) with ECDSA and SHA-256 */
static struct cmc_buf sign(const struct cmc_bed *b, const struct cmc_buf *data)
{
    struct cmc_buf out = cmc_buf_of(1024);
    size_t len = 0;
    uint8_t *sig = pki_sign(b->other_key ? pki_key("P-256#9") : b->pki.cert[b->ak].key, "SHA256",
                            PKI_NO_PSS, data->data, data->len, &len);
    cmc_put_be16(&out, 0x0018);
    cmc_put_be16(&out, CMC_ALG_SHA256);
    for (size_t i = 0; i < 2; i++) {
        cmc_put_be16(&out, (uint16_t)(len / 2));
        cmc_put(&out, sig + i * len / 2, len / 2);
    }
    free(sig);
    assert_false(out.bad);
    return out;
}

/* {"nonce":...,"sha256":...}, signed */
static struct cmc_buf software(const struct cmc_bed *b, const uint8_t extra[static CMC_SHA256_LEN])
{
    struct cmc_buf out = cmc_buf_of(1 << 16);
    uint8_t agg[CMC_SHA256_LEN] = {0};
    struct cmc_err err = {0};
    char *text = NULL;
    for (size_t i = 0; i < b->artifacts; i++)
        for (size_t k = 0; k < b->artifact[i].count; k++)
            assert_int_equal(cmc_hash2(CMC_ALG_SHA256, agg, sizeof(agg),
                                       b->artifact[i].event[k].hash, CMC_SHA256_LEN, agg, &err),
                             0);
    uint8_t nonce[CMC_SHA256_LEN];
    memcpy(nonce, extra, sizeof(nonce));
    nonce[0] ^= b->other_extra;
    agg[0] ^= b->other_fold;
    char *n = bed_base64(nonce, sizeof(nonce), false), *a = bed_base64(agg, sizeof(agg), false);
    assert_true(asprintf(&text, "{\"nonce\":\"%s\",\"sha256\":\"%s\"}", n, a) > 0);
    char *jws = bed_sign_bare(b->other_key ? pki_key("P-256#9") : b->pki.cert[BED_SW_AK].key, text);
    cmc_put_text(&out, jws);
    free(jws);
    free(text);
    free(n);
    free(a);
    return out;
}

static void encode(struct cmc_bed *b, struct shadow *s, struct cmc_buf *out)
{
    const struct pki_cert *ak = &b->pki.cert[b->software ? BED_SW_AK : b->ak];
    struct cmc_err err = {0};
    const char *type = b->type ? b->type : b->software ? "SW Evidence" : "TPM Evidence";
    s->cert = (struct meta_bytes){.data = ak->der, .len = ak->len};
    s->key = b->software ? pki_public_pem(ak->key) : NULL;
    const struct meta_collateral collateral = {
        .type = type,
        .cert = &s->cert,
        .cert_count = b->no_certs ? 0 : 1,
        .key = {.data = (const uint8_t *)s->key, .len = s->key ? strlen(s->key) : 0},
        .artifact = s->artifact,
        .artifact_count = b->artifacts};
    const struct meta_collateral both[] = {collateral, collateral};
    const struct meta_context context = {
        .type = "Context",
        .alg = b->alg ? b->alg : "SHA-256",
        .nonce = {.data = b->nonce, .len = b->nonce_len},
        .collateral = both,
        .collateral_count = b->twice ? 2 : 1,
        .digests = {.at = s->digest, .count = b->items + b->more_digests},
        .item = s->item,
        .item_count = b->items - b->no_item};
    cmc_autobuf struct cmc_buf bytes = cmc_buf_of(1 << 20);
    uint8_t extra[CMC_SHA256_LEN];
    assert_int_equal(meta_context_encode(&context, b->encoding, &bytes, &err), 0);
    cmc_sha256(bytes.data, bytes.len, extra);
    cmc_autobuf struct cmc_buf evidence = b->software ? software(b, extra) : attest(b, extra);
    cmc_autobuf struct cmc_buf signature = sign(b, &evidence);
    const struct meta_evidence e = {
        .type = type,
        .evidence = {.data = evidence.data, .len = evidence.len},
        .signature = {.data = signature.data, .len = b->software ? 0 : signature.len}};
    const struct meta_evidence all[] = {e, e};
    const struct meta_report r = {.version = "3.3.0",
                                  .type = "Attestation Report",
                                  .name = "host",
                                  .encoding = b->encoding == META_JSON ? "b64" : "cbor",
                                  .evidence = all,
                                  .evidence_count = (size_t)(1 + b->more_evidence),
                                  .context = context};
    if (meta_report_encode(&r, b->encoding, bytes.data, bytes.len, out, &err) < 0)
        fail_msg("%s", err.msg);
}

struct cmc_buf cmc_bed_report(struct cmc_bed *b)
{
    struct cmc_buf out = cmc_buf_of(1 << 20);
    struct shadow *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    for (size_t i = 0; i < b->artifacts; i++) {
        for (size_t k = 0; k < b->artifact[i].count; k++)
            shadow_event(s, &b->artifact[i].event[k], i, k);
        s->artifact[i] = (struct meta_artifact){b->artifact[i].type, b->artifact[i].index,
                                                s->event[i], b->artifact[i].count};
    }
    shadow_items(s, b);
    encode(b, s, &out);
    for (size_t i = 0; i < CMC_BED_ARTIFACTS; i++)
        for (size_t k = 0; k < CMC_BED_EVENTS; k++)
            cmc_json_free(s->doc[i][k]);
    free(s->key);
    free(s);
    char *at =
        b->spoil_from ? memmem(out.data, out.len, b->spoil_from, strlen(b->spoil_from)) : NULL;
    assert_true(at || !b->spoil_from);
    if (at)
        memcpy(at, b->spoil_to, strlen(b->spoil_to));
    return out;
}

struct verify_result *cmc_bed_run(struct cmc_bed *b)
{
    cmc_autobuf struct cmc_buf report = cmc_bed_report(b);
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    assert_int_equal(
        verify_report(report.data, report.len, b->asked, b->asked_len, &b->policy, &r, &err), 0);
    return r;
}
