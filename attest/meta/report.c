/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/report.c -- reports of CMC 3.3.0 and the context that their evidence binds. */
#include <string.h>

#include "attest/meta/doc.h"
#include "base/hex.h"

#define AT(type, member)       .at = offsetof(struct type, member)
#define COUNT_AT(type, member) .count_at = offsetof(struct type, member)

static const struct meta_field evidence_fields[] = {
    {"type", 0, META_TEXT, META_ALWAYS, AT(meta_evidence, type)},
    {"evidence", 1, META_BYTES, META_ALWAYS, AT(meta_evidence, evidence)},
    {"addData", 2, META_BYTES, META_MAY, AT(meta_evidence, add_data)},
    {"signature", 3, META_BYTES, META_MAY, AT(meta_evidence, signature)},
};
static const struct meta_record evidence_record = {
    .name = "evidence", .size = sizeof(struct meta_evidence), META_FIELDS(evidence_fields)};

static const struct meta_field collateral_fields[] = {
    {"type", 0, META_TEXT, META_ALWAYS, AT(meta_collateral, type)},
    {"certs", 1, META_BYTES_LIST, META_MAY, AT(meta_collateral, cert),
     COUNT_AT(meta_collateral, cert_count), .max = 16},
    {"key", 2, META_BYTES, META_MAY, AT(meta_collateral, key)},
    {"artifacts", 3, META_LIST, META_MAY, AT(meta_collateral, artifact),
     COUNT_AT(meta_collateral, artifact_count), .of = &meta_artifact_record, .max = 256},
};
static const struct meta_record collateral_record = {
    .name = "collateral", .size = sizeof(struct meta_collateral), META_FIELDS(collateral_fields)};

static const struct meta_field context_fields[] = {
    {"type", 0, META_TEXT, META_MUST, AT(meta_context, type), .only = "Context"},
    {"alg", 1, META_TEXT, META_MUST, AT(meta_context, alg)},
    {"nonce", 2, META_BYTES, META_ALWAYS, AT(meta_context, nonce)},
    {"collateral", 3, META_LIST, META_ALWAYS, AT(meta_context, collateral),
     COUNT_AT(meta_context, collateral_count), .of = &collateral_record, .max = 16},
    {"digests", 4, META_TEXTS, META_ALWAYS, AT(meta_context, digests), .max = 4096},
    {"metadata", 5, META_BYTES_MAP, META_MAY, AT(meta_context, item),
     COUNT_AT(meta_context, item_count), .max = 4096},
    {"certs", 6, META_BYTES_LIST, META_MAY, AT(meta_context, cert),
     COUNT_AT(meta_context, cert_count), .max = 64},
};
static const struct meta_record context_record = {.name = "the context",
                                                  .size = sizeof(struct meta_context),
                                                  META_FIELDS(context_fields),
                                                  .max = META_DOCUMENT_MAX};

/* The context as it is in the report: in CBOR a map, in JSON a text. */
static const struct meta_field report_fields[] = {
    {"version", 0, META_TEXT, META_MUST, AT(meta_report, version), .only = "3.3.0"},
    {"type", 1, META_TEXT, META_MUST, AT(meta_report, type), .only = "Attestation Report"},
    {"name", 2, META_TEXT, META_MAY, AT(meta_report, name)},
    {"encoding", 3, META_TEXT, META_MUST, AT(meta_report, encoding), .only = "b64|cbor"},
    {"evidences", 4, META_LIST, META_ALWAYS, AT(meta_report, evidence),
     COUNT_AT(meta_report, evidence_count), .of = &evidence_record, .max = 16},
    {"context", 5, META_RAW, META_MUST, AT(meta_report, context_bytes)},
};
static const struct meta_record report_record = {.name = "a report",
                                                 .size = sizeof(struct meta_report),
                                                 META_FIELDS(report_fields),
                                                 .max = META_DOCUMENT_MAX};

/* context_bytes of JSON: without the quotes. *out: what the text stands for, in doc. */
static int unpack(struct meta_bytes *text, struct meta_doc *doc, struct meta_bytes *out,
                  struct cmc_err *err)
{
    void *room;
    size_t len;
    if (text->len < 2 || text->data[0] != '"')
        return cmc_fail(err, CMC_E_FORMAT, "expected a string");
    text->data++;
    text->len -= 2;
    int rc = meta_doc_alloc(doc, cmc_unbase64_max(text->len), 1, &room, err);
    if (rc == 0)
        rc = cmc_unbase64((const char *)text->data, text->len, CMC_BASE64URL, room, &len, err);
    if (rc == 0)
        *out = (struct meta_bytes){.data = room, .len = len};
    return rc;
}

/* The context has the encoding that the report has, and says so. */
static int decode_context(struct meta_report *r, enum meta_encoding encoding, struct cmc_err *err)
{
    struct meta_bytes part = r->context_bytes;
    enum meta_encoding inner = encoding;
    const bool json = encoding == META_JSON;
    if (strcmp(r->encoding, json ? "b64" : "cbor") != 0)
        return cmc_fail(err, CMC_E_FORMAT, "$.encoding: \"%s\" in a report in %s", r->encoding,
                        json ? "JSON" : "CBOR");
    int rc = json ? unpack(&r->context_bytes, r->doc, &part, err) : 0;
    if (rc == 0)
        rc = meta_encoding_of(part.data, part.len, &inner, err);
    if (rc < 0)
        return cmc_wrap(err, "$.context");
    if (inner != encoding)
        return cmc_fail(err, CMC_E_FORMAT, "$.context: not in the encoding of the report");
    return meta_codec_decode_part(&context_record, "$.context", &part, &r->context, r->doc, err);
}

int meta_report_decode(const void *data, size_t len, struct meta_report *out, struct cmc_err *err)
{
    struct meta_report r = {.encoding = ""};
    enum meta_encoding encoding;
    meta_autodoc struct meta_doc *doc = NULL;
    int rc = meta_encoding_of(data, len, &encoding, err);
    if (rc == 0)
        rc = meta_codec_decode(&report_record, data, len, &r, &doc, err);
    if (rc < 0)
        return rc;
    r.doc = doc;
    rc = decode_context(&r, encoding, err);
    if (rc < 0)
        return cmc_wrap(err, "a report");
    *out = r;
    doc = NULL; /* r owns it */
    return 0;
}

int meta_context_encode(const struct meta_context *c, enum meta_encoding encoding,
                        struct cmc_buf *out, struct cmc_err *err)
{
    if (encoding != META_JSON)
        return meta_codec_encode(&context_record, c, encoding, out, err);
    cmc_autobuf struct cmc_buf json = cmc_buf_of(META_DOCUMENT_MAX);
    int rc = meta_codec_encode(&context_record, c, encoding, &json, err);
    if (rc < 0)
        return rc;
    cmc_put_base64url(out, json.data, json.len);
    return cmc_buf_check(out, "the context", err);
}

int meta_report_encode(const struct meta_report *r, enum meta_encoding encoding,
                       const void *context, size_t context_len, struct cmc_buf *out,
                       struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf raw = cmc_buf_of(META_DOCUMENT_MAX);
    const char *quote = encoding == META_JSON ? "\"" : "";
    struct meta_report copy = *r;
    copy.encoding = encoding == META_JSON ? "b64" : "cbor";
    cmc_put_text(&raw, quote);
    cmc_put(&raw, context, context_len);
    cmc_put_text(&raw, quote);
    int rc = cmc_buf_check(&raw, "the context", err);
    if (rc < 0)
        return rc;
    copy.context_bytes = (struct meta_bytes){.data = raw.data, .len = raw.len};
    return meta_codec_encode(&report_record, &copy, encoding, out, err);
}

void meta_report_done(struct meta_report *r)
{
    meta_doc_free(r->doc);
    *r = (struct meta_report){0};
}
