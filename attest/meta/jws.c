/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/jws.c -- reads a JWS in its JSON serialisation (RFC 7515 section 7.2), strictly. */
#include <string.h>

#include "attest/meta/signed.h"
#include "base/hex.h"
#include "base/json.h"

enum { ITEM_VALUES_MAX = 64, HEAD_BYTES_MAX = 128 << 10, HEAD_VALUES_MAX = 64 };

struct refusal { /* a member that is known, and has a reason not to be read */
    const char *name, *why;
};
static const struct refusal item_refusals[] = {
    {"header", "an unprotected header: nothing is read that is not signed"},
};
static const struct refusal head_refusals[] = {
    {"crit", "extensions that a verifier must know (crit): none are known here"},
    {"jwk", "its own key (jwk): only a certificate says whose key it is"},
    {"jku", "a place to fetch keys from (jku): nothing is fetched"},
    {"x5u", "a place to fetch certificates from (x5u): nothing is fetched"},
    {"kid", "the name of a key (kid): only certificates (x5c) are read"},
    {"b64", "an unencoded payload (b64)"},
};

/* An object of exactly these members (ended by NULL); what must be there is asked later. */
static int check_members(const struct cmc_json *object, const char *const *allowed,
                         const struct refusal *refusal, size_t refusals, struct cmc_err *err)
{
    char path[128];
    for (const struct cmc_json *m = object->child; m; m = m->next) {
        size_t i = 0;
        while (allowed[i] && strcmp(allowed[i], m->key) != 0)
            i++;
        if (allowed[i])
            continue;
        for (i = 0; i < refusals; i++)
            if (strcmp(refusal[i].name, m->key) == 0)
                return cmc_fail(err, CMC_E_VERIFY, "has %s", refusal[i].why);
        cmc_json_path(m, path, sizeof(path));
        return cmc_fail(err, CMC_E_VERIFY, "has a member that no item has: %s", path);
    }
    return 0;
}

/* The member of the type, or NULL with err set. */
static const struct cmc_json *get(const struct cmc_json *object, const char *name,
                                  enum cmc_json_type type, struct cmc_err *err)
{
    const struct cmc_json *m = cmc_json_member(object, name);
    if (m && m->type == type)
        return m;
    (void)cmc_fail(err, CMC_E_FORMAT, "%s: %s", name, m ? "of another type" : "missing");
    return NULL;
}

static int unbase64(const struct cmc_json *text, enum cmc_base64 form, uint8_t *out, size_t *len,
                    struct cmc_err *err)
{
    if (cmc_unbase64(text->text, text->text_len, form, out, len, err) < 0)
        return cmc_wrap(err, "%s", text->key ? text->key : "x5c");
    return 0;
}

/* RFC 7515 section 4.1.6: standard base64 of DER. at: where the decoded bytes go. */
static int read_chain(const struct cmc_json *x5c, struct meta_signed_by *by, uint8_t **at,
                      struct cmc_err *err)
{
    if (x5c->count == 0 || x5c->count > META_CERTS_MAX)
        return cmc_fail(err, x5c->count ? CMC_E_LIMIT : CMC_E_VERIFY,
                        "x5c: %zu certificates, need 1 to %d", x5c->count, META_CERTS_MAX);
    for (const struct cmc_json *c = x5c->child; c; c = c->next) {
        size_t len;
        if (c->type != CMC_JSON_STRING)
            return cmc_fail(err, CMC_E_FORMAT, "x5c: an element that is no string");
        if (unbase64(c, CMC_BASE64, *at, &len, err) < 0)
            return -(int)err->code;
        by->chain[by->chain_count++] = (struct meta_der){*at, len};
        *at += len;
    }
    return 0;
}

static int read_head_json(const struct cmc_json *head, struct meta_signed_by *by, uint8_t **at,
                          struct cmc_err *err)
{
    static const char *const allowed[] = {"alg", "x5c", NULL};
    const struct cmc_json *alg, *x5c = NULL;
    if (head->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "is no object");
    if (check_members(head, allowed, head_refusals,
                      sizeof(head_refusals) / sizeof(head_refusals[0]), err) < 0 ||
        !(alg = get(head, "alg", CMC_JSON_STRING, err)) ||
        meta_alg_by_name(alg->text, &by->alg, err) < 0)
        return -(int)err->code;
    if (!cmc_json_member(head, "x5c"))
        return 0;
    if (!(x5c = get(head, "x5c", CMC_JSON_ARRAY, err)))
        return -(int)err->code;
    return read_chain(x5c, by, at, err);
}

/* text: the header in base64url. at: behind the bytes that were taken so far. */
static int read_head(const struct cmc_json *text, struct meta_signed_by *by, uint8_t **at,
                     struct cmc_err *err)
{
    const struct cmc_json_limits limits = {HEAD_BYTES_MAX, HEAD_VALUES_MAX};
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *head;
    cmc_autofree uint8_t *json = malloc(cmc_unbase64_max(text->text_len));
    size_t len;
    if (!json)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (unbase64(text, CMC_BASE64URL, json, &len, err) < 0)
        return -(int)err->code;
    if (cmc_json_parse_within((const char *)json, len, &limits, &doc, &head, err) < 0 ||
        read_head_json(head, by, at, err) < 0)
        return cmc_wrap(err, "protected header");
    return 0;
}

/* object: the item (flattened) or an element of its signatures (general). */
static int read_signature(const struct cmc_json *object, struct meta_signed_by *by,
                          struct cmc_err *err)
{
    const struct cmc_json *head = get(object, "protected", CMC_JSON_STRING, err);
    const struct cmc_json *sig = head ? get(object, "signature", CMC_JSON_STRING, err) : NULL;
    if (!sig)
        return -(int)err->code;
    /* Decoded, all of it is shorter than the two texts: room for certificates and signature. */
    by->bytes = malloc(head->text_len + cmc_unbase64_max(sig->text_len) + cmc_unbase64_max(0));
    uint8_t *at = by->bytes;
    size_t len;
    if (!at)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (read_head(head, by, &at, err) < 0 || unbase64(sig, CMC_BASE64URL, at, &len, err) < 0)
        return -(int)err->code;
    by->head = (struct meta_der){(const uint8_t *)head->text, head->text_len};
    by->sig = (struct meta_der){at, len};
    return 0;
}

static int read_general(const struct cmc_json *item, struct meta_signed *s, struct cmc_err *err)
{
    static const char *const allowed[] = {"protected", "signature", NULL};
    const struct cmc_json *all = get(item, "signatures", CMC_JSON_ARRAY, err);
    if (!all)
        return -(int)err->code;
    if (all->count == 0 || all->count > META_SIGNATURES_MAX)
        return cmc_fail(err, all->count ? CMC_E_LIMIT : CMC_E_VERIFY,
                        "%zu signatures, need 1 to %d", all->count, META_SIGNATURES_MAX);
    for (const struct cmc_json *one = all->child; one; one = one->next) {
        if (one->type != CMC_JSON_OBJECT)
            return cmc_fail(err, CMC_E_FORMAT, "signature %zu is no object", s->count + 1);
        struct meta_signed_by *by = &s->by[s->count++];
        if (check_members(one, allowed, item_refusals,
                          sizeof(item_refusals) / sizeof(item_refusals[0]), err) < 0 ||
            read_signature(one, by, err) < 0)
            return cmc_wrap(err, "signature %zu", s->count);
    }
    return 0;
}

static int read_payload(const struct cmc_json *item, struct meta_signed *s, struct cmc_err *err)
{
    const struct cmc_json *text = get(item, "payload", CMC_JSON_STRING, err);
    if (!text)
        return -(int)err->code;
    s->payload = cmc_buf_of(META_ITEM_MAX);
    s->payload.data = malloc(cmc_unbase64_max(text->text_len));
    if (!s->payload.data)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    s->payload.cap = cmc_unbase64_max(text->text_len);
    return unbase64(text, CMC_BASE64URL, s->payload.data, &s->payload.len, err);
}

static int read_item(const struct cmc_json *item, struct meta_signed *s, struct cmc_err *err)
{
    static const char *const flattened[] = {"payload", "protected", "signature", NULL};
    static const char *const general[] = {"payload", "signatures", NULL};
    if (item->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "is no object");
    const bool many = cmc_json_member(item, "signatures") != NULL;
    if (check_members(item, many ? general : flattened, item_refusals,
                      sizeof(item_refusals) / sizeof(item_refusals[0]), err) < 0 ||
        read_payload(item, s, err) < 0)
        return -(int)err->code;
    if (many)
        return read_general(item, s, err);
    s->count = 1;
    return read_signature(item, &s->by[0], err);
}

int meta_jws_parse(const void *item, size_t len, struct meta_signed *s, struct cmc_err *err)
{
    const struct cmc_json_limits limits = {META_JWS_MAX, ITEM_VALUES_MAX};
    const struct cmc_json *root;
    s->encoding = META_JSON;
    if (cmc_json_parse_within(item, len, &limits, &s->doc, &root, err) < 0 ||
        read_item(root, s, err) < 0)
        return cmc_wrap(err, "JWS");
    return 0;
}
