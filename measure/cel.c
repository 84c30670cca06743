/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cel.c -- a log that replays, exported as CEL-JSON or CEL-CBOR. */
#include "measure/cel.h"

#include "base/hex.h"
#include "measure/cbor.h"

const char *measure_mark_name(const struct measure_frame *mark)
{
    static const char *const names[] = {
        [MEASURE_MARK_DONE] = "done",   [MEASURE_MARK_RECOVERED] = "recovered",
        [MEASURE_MARK_FOUND] = "found", [MEASURE_MARK_TWICE] = "twice",
        [MEASURE_MARK_LOST] = "lost",
    };
    return mark ? names[mark->how] : "open";
}

static int json_record(void *ctx, const struct measure_frame *intent,
                       const struct measure_event *ev, const struct measure_frame *mark,
                       struct cmc_err *err)
{
    struct cmc_buf *b = ctx;
    cmc_put_fmt(b, "%s\n{\"recnum\":%llu,\"pcr\":%u,\"digests\":", intent->recnum ? "," : "",
                (unsigned long long)intent->recnum, intent->pcr);
    measure_cel_put_banks(b, &intent->digests);
    cmc_put_fmt(b, ",\"content_type\":\"cmc\",\"content\":{\"how\":\"%s\",\"cbor\":\"",
                measure_mark_name(mark));
    cmc_put_base64(b, intent->content, intent->content_len);
    cmc_put_text(b, "\",\"event\":{");
    measure_cel_put_event(b, ev);
    cmc_put_text(b, "}}}");
    return cmc_buf_check(b, "CEL-JSON", err);
}

/* Maps in the order of RFC 8949 section 4.2.1: shorter names first, as their length is the head. */
static int cbor_record(void *ctx, const struct measure_frame *intent,
                       const struct measure_event *ev, const struct measure_frame *mark,
                       struct cmc_err *err)
{
    struct cmc_buf *b = ctx;
    (void)ev;
    measure_cbor_put_map(b, 5);
    measure_cbor_put_text(b, "pcr");
    measure_cbor_put_uint(b, intent->pcr);
    measure_cbor_put_text(b, "recnum");
    measure_cbor_put_uint(b, intent->recnum);
    measure_cbor_put_text(b, "content");
    measure_cbor_put_map(b, 2);
    measure_cbor_put_text(b, "how");
    measure_cbor_put_text(b, measure_mark_name(mark));
    measure_cbor_put_text(b, "cbor");
    measure_cbor_put_bytes(b, intent->content, intent->content_len);
    measure_cbor_put_text(b, "digests");
    measure_cbor_put_array(b, intent->digests.count);
    for (size_t i = 0; i < intent->digests.count; i++) {
        const struct measure_bank *bank = &intent->digests.bank[i];
        measure_cbor_put_map(b, 2);
        measure_cbor_put_text(b, "digest");
        measure_cbor_put_bytes(b, bank->value, cmc_hash_size(bank->alg));
        measure_cbor_put_text(b, "hashAlg");
        measure_cbor_put_text(b, cmc_hash_name(bank->alg));
    }
    measure_cbor_put_text(b, "content_type");
    measure_cbor_put_text(b, "cmc");
    return cmc_buf_check(b, "CEL-CBOR", err);
}

static int export(const uint8_t *log, size_t len, const struct measure_starts *starts,
                  enum measure_cel_format format, struct cmc_buf *out, struct cmc_err *err)
{
    struct measure_replay r;
    int rc = measure_replay(log, len, starts, NULL, NULL, &r, err);
    if (rc < 0)
        return rc;
    if (format == MEASURE_CEL_CBOR) {
        measure_cbor_put_array(out, r.events);
        return measure_replay(log, len, starts, cbor_record, out, &r, err);
    }
    cmc_put_text(out, "[");
    rc = measure_replay(log, len, starts, json_record, out, &r, err);
    cmc_put_text(out, "\n]\n");
    return rc < 0 ? rc : cmc_buf_check(out, "CEL-JSON", err);
}

int measure_cel_export(const uint8_t *log, size_t len, const struct measure_starts *starts,
                       enum measure_cel_format format, struct cmc_buf *out, struct cmc_err *err)
{
    const size_t before = out->len;
    const int rc = export(log, len, starts, format, out, err);
    if (rc < 0)
        out->len = before;
    return rc;
}
