/* SPDX-License-Identifier: Apache-2.0 */
/* measure/reference.c -- writes reference components, members in one order. */
#include "measure/reference.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"

enum { PCRS = 24 }; /* PC Client PTP: PCR 0..23 */

static int check(const struct measure_reference *r, struct cmc_err *err)
{
    const size_t len = strlen(r->name);
    if (r->profile != MEASURE_PROFILE_EXACT && r->profile != MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_USAGE, "profile %d does not exist", (int)r->profile);
    if (r->profile == MEASURE_PROFILE_CMC && r->redaction_key)
        return cmc_fail(err, CMC_E_USAGE, "profile cmc cannot redact");
    if (r->pcr >= PCRS)
        return cmc_fail(err, CMC_E_USAGE, "PCR %" PRIu32 ", at most %d", r->pcr, PCRS - 1);
    if (len == 0 || len > MEASURE_TEXT_MAX)
        return cmc_fail(err, CMC_E_USAGE, "a name of %zu bytes, need 1 to %d", len,
                        MEASURE_TEXT_MAX);
    return 0;
}

/* The template: what profile cmc extends, and in profile exact a name for the pair. */
static int put_hash(struct cmc_buf *out, const struct measure_reference *r, uint16_t alg,
                    const char *name, struct cmc_err *err)
{
    uint8_t digest[CMC_HASH_MAX];
    if (cmc_hash2(alg, r->config->digest, CMC_SHA256_LEN, r->rootfs, CMC_SHA256_LEN, digest, err) <
        0)
        return -(int)err->code;
    cmc_put_fmt(out, "{\"alg\":\"%s\",\"content\":\"", name);
    cmc_put_hex(out, digest, cmc_hash_size(alg));
    cmc_put_text(out, "\"}");
    return 0;
}

static int put_hashes(struct cmc_buf *out, const struct measure_reference *r, struct cmc_err *err)
{
    cmc_put_text(out, ",\"hashes\":[");
    if (put_hash(out, r, CMC_ALG_SHA256, "SHA-256", err) < 0)
        return -(int)err->code;
    if (r->profile == MEASURE_PROFILE_CMC) {
        cmc_put_u8(out, ',');
        if (put_hash(out, r, CMC_ALG_SHA384, "SHA-384", err) < 0)
            return -(int)err->code;
    }
    cmc_put_u8(out, ']');
    return 0;
}

static void put_properties(struct cmc_buf *out, const struct measure_reference *r)
{
    const bool exact = r->profile == MEASURE_PROFILE_EXACT;
    cmc_put_fmt(out,
                ",\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                "{\"name\":\"cmc.index\",\"value\":\"%" PRIu32 "\"},"
                "{\"name\":\"cmc.profile\",\"value\":\"%s\"}",
                r->pcr, exact ? "exact" : "cmc");
    if (exact) {
        uint8_t id[MEASURE_KEY_ID_LEN];
        measure_config_key_id(r->redaction_key, id);
        cmc_put_text(out, ",{\"name\":\"cmc.keyId\",\"value\":\"");
        cmc_put_hex(out, id, sizeof(id));
        cmc_put_text(out, "\"}");
    }
    cmc_put_u8(out, ']');
}

/* Integers that RFC 8785 writes beyond 64 bits, and others that it writes the same. */
static const struct {
    const char *from, *to;
} wide[] = {
    {"18446744073709552000", "18446744073709551615"},
    {"9223372036854776000", "9223372036854775807"},
    {"-9223372036854776000", "-9223372036854775808"},
};

/* A number token of len bytes. */
static void put_number(struct cmc_buf *out, const char *p, size_t len)
{
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (strlen(wide[i].from) == len && memcmp(wide[i].from, p, len) == 0) {
            cmc_put_text(out, wide[i].to);
            return;
        }
    cmc_put(out, p, len);
}

/* Bytes of the string literal at p, quotes included. */
static size_t literal(const char *p, const char *end)
{
    const char *at = p + 1;
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return (size_t)(at - p) + (at < end);
}

static bool in_number(char c)
{
    return c == '-' || (c >= '0' && c <= '9'); /* 64-bit integers: RFC 8785 needs no exponent */
}

void measure_reference_put_form(struct cmc_buf *out, const void *form, size_t len)
{
    const char *p = form, *const end = p + len;
    while (p < end) {
        size_t n = 0;
        while (p + n < end && in_number(p[n]))
            n++;
        if (n > 0) {
            put_number(out, p, n);
        } else {
            n = *p == '"' ? literal(p, end) : 1;
            cmc_put(out, p, n);
        }
        p += n;
    }
}

static int put_spec(struct cmc_buf *out, const struct measure_reference *r, struct cmc_err *err)
{
    const struct cmc_buf *detail = &r->config->detail;
    if (r->profile == MEASURE_PROFILE_CMC)
        measure_reference_put_form(out, detail->data, detail->len);
    else if (!r->redaction_key)
        cmc_put(out, detail->data, detail->len);
    else
        return measure_config_detail_withhold(detail->data, detail->len, r->redaction_key, out,
                                              err);
    return 0;
}

static int put_one(struct cmc_buf *out, const struct measure_reference *r, struct cmc_err *err)
{
    if (check(r, err) < 0)
        return -(int)err->code;
    cmc_put_text(out, "{\"type\":\"application\",\"name\":");
    cmc_put_json_text(out, r->name, strlen(r->name));
    if (put_hashes(out, r, err) < 0)
        return -(int)err->code;
    put_properties(out, r);
    cmc_put_text(out, ",\"ctrData\":{\"configSha256\":\"");
    cmc_put_hex(out, r->config->digest, CMC_SHA256_LEN);
    cmc_put_text(out, "\",\"rootfsSha256\":\"");
    cmc_put_hex(out, r->rootfs, CMC_SHA256_LEN);
    cmc_put_text(out, "\",\"ociSpec\":");
    if (put_spec(out, r, err) < 0)
        return -(int)err->code;
    cmc_put_text(out, "}}");
    return 0;
}

int measure_references_put(struct cmc_buf *out, const struct measure_reference *list, size_t count,
                           struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_REFERENCES_BYTES_MAX);
    if (count > MEASURE_REFERENCES_MAX)
        return cmc_fail(err, CMC_E_USAGE, "%zu references, at most %d", count,
                        MEASURE_REFERENCES_MAX);
    cmc_put_text(&b, "[\n");
    for (size_t i = 0; i < count; i++) {
        if (put_one(&b, &list[i], err) < 0)
            return cmc_wrap(err, "reference");
        cmc_put_text(&b, i + 1 < count ? ",\n" : "\n");
    }
    cmc_put_text(&b, "]\n");
    if (cmc_buf_check(&b, "references", err) < 0)
        return -(int)err->code;
    const size_t before = out->len;
    cmc_put(out, b.data, b.len);
    if (cmc_buf_check(out, "references", err) < 0) {
        out->len = before;
        return -(int)err->code;
    }
    return 0;
}
