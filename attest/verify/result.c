/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/result.c -- a result as JSON (docs/formats/result.md). */
#include <string.h>

#include "attest/verify/result_parts.h"
#include "base/hex.h"
#include "base/json.h"

void verify_put_name(struct cmc_buf *b, const char *name)
{
    const uint8_t last = b->len ? b->data[b->len - 1] : '{';
    if (last != '{' && last != '[')
        cmc_put_u8(b, ',');
    if (name) {
        cmc_put_json_text(b, name, strlen(name));
        cmc_put_u8(b, ':');
    }
}

void verify_put_text(struct cmc_buf *b, const char *name, const char *text)
{
    if (!text)
        return;
    verify_put_name(b, name);
    cmc_put_json_text(b, text, strlen(text));
}

void verify_put_digest(struct cmc_buf *b, const char *name, const uint8_t *sha256)
{
    verify_put_name(b, name);
    cmc_put_u8(b, '"');
    cmc_put_hex(b, sha256, CMC_SHA256_LEN);
    cmc_put_u8(b, '"');
}

static void put_bool(struct cmc_buf *b, const char *name, bool value)
{
    verify_put_name(b, name);
    cmc_put_text(b, value ? "true" : "false");
}

static const char *status_name(enum verify_status s)
{
    static const char *const names[] = {[VERIFY_GOOD] = "good",
                                        [VERIFY_BAD] = "bad",
                                        [VERIFY_UNCHECKED] = "unchecked",
                                        [VERIFY_NOTE] = "note"};
    return names[s];
}

static const char *verdict_name(enum verify_verdict v)
{
    static const char *const names[] = {[VERIFY_TRUSTED] = "trusted",
                                        [VERIFY_TRUSTED_IF_ROOT] = "trusted-if-root",
                                        [VERIFY_NOT_TRUSTED] = "not-trusted",
                                        [VERIFY_COULD_NOT] = "could-not-check"};
    return names[v];
}

/* The tree is ours and no deeper than our own calls. */
static void put_claims(struct cmc_buf *b, const struct verify_claim *c, const char *name)
{
    verify_put_name(b, name);
    cmc_put_u8(b, '[');
    for (; c; c = c->next) {
        verify_put_name(b, NULL);
        cmc_put_u8(b, '{');
        verify_put_text(b, "id", c->id);
        verify_put_text(b, "status", status_name(c->status));
        verify_put_text(b, "text", c->text);
        if (c->child)
            put_claims(b, c->child, "children");
        cmc_put_u8(b, '}');
    }
    cmc_put_u8(b, ']');
}

static void put_reference(struct cmc_buf *b, const struct verify_container *c)
{
    verify_put_name(b, "reference");
    cmc_put_u8(b, '{');
    verify_put_text(b, "name", c->reference);
    verify_put_text(b, "manifest", c->manifest);
    verify_put_digest(b, "config", c->ref_config);
    verify_put_digest(b, "rootfs", c->ref_rootfs);
    put_bool(b, "configDiffers", c->config_differs);
    put_bool(b, "rootfsDiffers", c->rootfs_differs);
    cmc_put_u8(b, '}');
}

static void put_differences(struct cmc_buf *b, const struct verify_container *c)
{
    verify_put_name(b, "differences");
    cmc_put_u8(b, '[');
    for (size_t i = 0; i < c->difference_count; i++) {
        const struct verify_difference *d = &c->difference[i];
        verify_put_name(b, NULL);
        cmc_put_u8(b, '{');
        verify_put_text(b, "path", d->path);
        verify_put_text(b, "reference", d->before);
        verify_put_text(b, "measured", d->after);
        cmc_put_u8(b, '}');
    }
    cmc_put_u8(b, ']');
}

static void put_container(struct cmc_buf *b, const struct verify_container *c)
{
    verify_put_name(b, NULL);
    cmc_put_u8(b, '{');
    verify_put_name(b, "seq");
    cmc_put_fmt(b, "%llu", (unsigned long long)c->seq);
    verify_put_text(b, "event", c->event);
    verify_put_text(b, "container", c->id);
    verify_put_text(b, "sandbox", c->sandbox);
    verify_put_text(b, "ns", c->ns);
    verify_put_text(b, "name", c->name);
    verify_put_text(b, "image", c->image);
    verify_put_text(b, "reason", c->reason);
    verify_put_text(b, "status", status_name(c->status));
    if (c->measured) {
        verify_put_digest(b, "config", c->config);
        verify_put_digest(b, "rootfs", c->rootfs);
    }
    if (c->reference)
        put_reference(b, c);
    put_differences(b, c);
    cmc_put_u8(b, '}');
}

static void put_key(struct cmc_buf *b, const struct verify_result *r)
{
    verify_put_name(b, "key");
    cmc_put_u8(b, '{');
    verify_put_text(b, "kind", r->key_kind);
    if (r->has_ak)
        verify_put_digest(b, "sha256", r->ak);
    cmc_put_u8(b, '}');
}

static void put_ours(struct cmc_buf *b, const struct verify_result *r)
{
    verify_put_text(b, "verdict", verdict_name(r->verdict));
    verify_put_text(b, "words", r->words);
    verify_put_text(b, "reason", r->reason);
    verify_put_text(b, "profile", r->profile);
    verify_put_text(b, "host", r->host);
    put_key(b, r);
    put_claims(b, r->claim, "claims");
    verify_put_name(b, "containers");
    cmc_put_u8(b, '[');
    for (size_t i = 0; i < r->container_count; i++)
        put_container(b, &r->container[i]);
    cmc_put_u8(b, ']');
}

static int put(const struct verify_result *r, bool ours, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_put_u8(out, '{');
    verify_put_attestation(r, out);
    if (ours)
        put_ours(out, r);
    cmc_put_u8(out, '}');
    return cmc_buf_check(out, "result", err);
}

int verify_result_put_json(const struct verify_result *r, struct cmc_buf *out, struct cmc_err *err)
{
    return put(r, true, out, err);
}

int verify_result_put_attestation(const struct verify_result *r, struct cmc_buf *out,
                                  struct cmc_err *err)
{
    return put(r, false, out, err);
}
