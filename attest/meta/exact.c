/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/exact.c -- reports of profile exact (docs/formats/report.md). */
#include "attest/meta/exact.h"

#include <string.h>

#include "attest/meta/doc.h"

#define AT(type, member)       .at = offsetof(struct type, member)
#define COUNT_AT(type, member) .count_at = offsetof(struct type, member)

static const struct meta_field pcr_fields[] = {
    {"bank", 0, META_U32, META_MUST, AT(meta_exact_pcr, bank)},
    {"index", 1, META_U32, META_MUST, AT(meta_exact_pcr, index)},
    {"value", 2, META_BYTES, META_MUST, AT(meta_exact_pcr, value), .min = 1, .max = CMC_HASH_MAX},
};
static const struct meta_record pcr_record = {.name = "a PCR",
                                              .size = sizeof(struct meta_exact_pcr),
                                              META_FIELDS(pcr_fields),
                                              .closed = true};

static const struct meta_field evidence_fields[] = {
    {"kind", 0, META_TEXT, META_MUST, AT(meta_exact, kind), .only = "tpm|sw"},
    {"attest", 1, META_BYTES, META_MUST, AT(meta_exact, attest), .max = META_EXACT_BLOB},
    {"signature", 2, META_BYTES, META_MUST, AT(meta_exact, signature), .max = META_EXACT_BLOB},
    {"certificates", 3, META_BYTES_LIST, META_MUST, AT(meta_exact, cert),
     COUNT_AT(meta_exact, cert_count), .min = 1, .max = META_CERTS_MAX},
    {"pcrs", 4, META_LIST, META_MUST, AT(meta_exact, pcr), COUNT_AT(meta_exact, pcr_count),
     .of = &pcr_record, .max = META_EXACT_PCRS},
};
static const struct meta_record evidence_record = {.name = "evidence",
                                                   .size = sizeof(struct meta_exact),
                                                   META_FIELDS(evidence_fields),
                                                   .closed = true};

static const struct meta_field detail_fields[] = {
    {"kind", 0, META_TEXT, META_MUST, AT(meta_exact_part, kind), .only = "config"},
    {"digest", 1, META_BYTES, META_MUST, AT(meta_exact_part, digest), .min = CMC_SHA256_LEN,
     .max = CMC_SHA256_LEN},
    {"data", 2, META_BYTES, META_MUST, AT(meta_exact_part, data)},
};
static const struct meta_record detail_record = {.name = "a detail",
                                                 .size = sizeof(struct meta_exact_part),
                                                 META_FIELDS(detail_fields),
                                                 .closed = true};

static const struct meta_field boot_log_fields[] = {
    {"kind", 0, META_TEXT, META_MUST, AT(meta_exact_part, kind), .only = "tcg|ima"},
    {"data", 1, META_BYTES, META_MUST, AT(meta_exact_part, data)},
};
static const struct meta_record boot_log_record = {.name = "a boot log",
                                                   .size = sizeof(struct meta_exact_part),
                                                   META_FIELDS(boot_log_fields),
                                                   .closed = true};

static const struct meta_field exact_fields[] = {
    {"type", 0, META_CONST, META_MUST, .only = "cmc-exact"},
    {"version", 1, META_CONST, META_MUST, .only = "1.0"},
    {"name", 2, META_TEXT, META_MUST, AT(meta_exact, name), .max = META_EXACT_NAME},
    {"evidence", 3, META_INSIDE, META_MUST, .of = &evidence_record},
    {"log", 4, META_BYTES, META_MUST, AT(meta_exact, log)},
    {"details", 5, META_LIST, META_MUST, AT(meta_exact, detail), COUNT_AT(meta_exact, detail_count),
     .of = &detail_record, .max = META_EXACT_LIST},
    {"digests", 6, META_BYTES_LIST, META_MUST, AT(meta_exact, digest),
     COUNT_AT(meta_exact, digest_count), .max = META_EXACT_LIST},
    {"metadata", 7, META_BYTES_LIST, META_MUST, AT(meta_exact, item),
     COUNT_AT(meta_exact, item_count), .max = META_EXACT_LIST},
    {"bootLogs", 8, META_LIST, META_MUST, AT(meta_exact, boot_log),
     COUNT_AT(meta_exact, boot_log_count), .of = &boot_log_record, .max = META_EXACT_BOOT_LOGS},
};
static const struct meta_record exact_record = {.name = "a report of profile exact",
                                                .size = sizeof(struct meta_exact),
                                                META_FIELDS(exact_fields),
                                                .max = META_EXACT_MAX,
                                                .closed = true};

static bool is_cbor(const uint8_t *data, size_t len)
{
    /* the map's head, key 0, and the text */
    static const char type[] = "\x00\x69"
                               "cmc-exact";
    return len >= sizeof(type) && data[0] >> 5 == 5 &&
           memcmp(data + 1, type, sizeof(type) - 1) == 0;
}

static size_t skip_space(const uint8_t *data, size_t len, size_t i)
{
    while (i < len && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r'))
        i++;
    return i;
}

/* Quotes within JSON strings are escaped, so that what is found is a member. */
static bool is_json(const uint8_t *data, size_t len)
{
    static const char name[] = "\"type\"", type[] = "\"cmc-exact\"";
    for (size_t i = 0; i < len;) {
        const uint8_t *hit = memmem(data + i, len - i, name, sizeof(name) - 1);
        if (!hit)
            return false;
        i = skip_space(data, len, (size_t)(hit - data) + sizeof(name) - 1);
        if (i == len || data[i] != ':')
            continue;
        i = skip_space(data, len, i + 1);
        if (len - i >= sizeof(type) - 1 && memcmp(data + i, type, sizeof(type) - 1) == 0)
            return true;
    }
    return false;
}

bool meta_exact_is(const void *data, size_t len)
{
    struct cmc_err err;
    enum meta_encoding encoding = META_JSON;
    if (meta_encoding_of(data, len, &encoding, &err) < 0)
        return false;
    return encoding == META_JSON ? is_json(data, len) : is_cbor(data, len);
}

/* What no table says. */
static int check(const struct meta_exact *r, struct cmc_err *err)
{
    for (size_t i = 0; i < r->cert_count; i++)
        if (r->cert[i].len > META_CERT_BYTES_MAX)
            return cmc_fail(err, CMC_E_LIMIT, "$.evidence.certificates[%zu]: %zu bytes, at most %d",
                            i, r->cert[i].len, META_CERT_BYTES_MAX);
    for (size_t i = 0; i < r->digest_count; i++) {
        if (r->digest[i].len != CMC_SHA256_LEN)
            return cmc_fail(err, CMC_E_FORMAT, "$.digests[%zu]: %zu bytes, expected %d", i,
                            r->digest[i].len, CMC_SHA256_LEN);
        if (i && memcmp(r->digest[i - 1].data, r->digest[i].data, CMC_SHA256_LEN) >= 0)
            return cmc_fail(err, CMC_E_FORMAT, "$.digests[%zu]: not above the one before", i);
    }
    return 0;
}

int meta_exact_decode(const void *data, size_t len, struct meta_exact *out, struct cmc_err *err)
{
    struct meta_exact r = {0};
    meta_autodoc struct meta_doc *doc = NULL;
    int rc = meta_codec_decode(&exact_record, data, len, &r, &doc, err);
    if (rc < 0)
        return rc;
    rc = check(&r, err);
    if (rc < 0)
        return cmc_wrap(err, "%s", exact_record.name);
    r.doc = CMC_TAKE_PTR(doc);
    *out = r;
    return 0;
}

int meta_exact_encode(const struct meta_exact *r, enum meta_encoding encoding, struct cmc_buf *out,
                      struct cmc_err *err)
{
    int rc = check(r, err);
    if (rc < 0)
        return cmc_wrap(err, "%s", exact_record.name);
    return meta_codec_encode(&exact_record, r, encoding, out, err);
}

void meta_exact_done(struct meta_exact *r)
{
    meta_doc_free(r->doc);
    *r = (struct meta_exact){0};
}

void meta_exact_qualify(const void *nonce, size_t len, uint8_t out[static CMC_SHA256_LEN])
{
    static const char domain[] = "cmc-exact 1.0"; /* its NUL too */
    struct cmc_sha256_ctx c;
    cmc_sha256_init(&c);
    cmc_sha256_add(&c, domain, sizeof(domain));
    cmc_sha256_add(&c, nonce, len);
    cmc_sha256_end(&c, out);
}
