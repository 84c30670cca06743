/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/jws_put.c -- writes a JWS in its JSON serialisation (RFC 7515 section 7.2). */
#include "attest/meta/signed.h"
#include "base/hex.h"

enum { HEAD_MAX = META_CERTS_MAX * (META_CERT_BYTES_MAX / 3 * 4 + 8) + 64 };

void meta_jws_put_head(const struct meta_signed_by *by, struct cmc_buf *out)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(HEAD_MAX);
    cmc_put_fmt(&json, "{\"alg\":\"%s\"", by->alg->name);
    for (size_t i = 0; i < by->chain_count; i++) {
        cmc_put_text(&json, i ? ",\"" : ",\"x5c\":[\"");
        cmc_put_base64(&json, by->chain[i].data, by->chain[i].len);
        cmc_put_text(&json, "\"");
    }
    cmc_put_text(&json, by->chain_count ? "]}" : "}");
    out->bad |= json.bad;
    cmc_put_base64url(out, json.data, json.len);
}

/* RFC 7515 section 5.1, step 8 */
void meta_jws_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out)
{
    cmc_put(out, s->by[i].head.data, s->by[i].head.len);
    cmc_put_u8(out, '.');
    cmc_put_base64url(out, s->payload.data, s->payload.len);
}

static void put_signature(const struct meta_signed_by *by, struct cmc_buf *out)
{
    cmc_put_text(out, "\"protected\":\"");
    cmc_put(out, by->head.data, by->head.len);
    cmc_put_text(out, "\",\"signature\":\"");
    cmc_put_base64url(out, by->sig.data, by->sig.len);
    cmc_put_text(out, "\"");
}

void meta_jws_put(const struct meta_signed *s, struct cmc_buf *out)
{
    cmc_put_text(out, "{\"payload\":\"");
    cmc_put_base64url(out, s->payload.data, s->payload.len);
    cmc_put_text(out, s->count == 1 ? "\"," : "\",\"signatures\":[{");
    for (size_t i = 0; i < s->count; i++) {
        if (i)
            cmc_put_text(out, "},{");
        put_signature(&s->by[i], out);
    }
    cmc_put_text(out, s->count == 1 ? "}" : "}]}");
}
