/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_digest.c -- from a detail to its digest, environment values as commitments. */
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "measure/config_parts.h"
#include "measure/config_secret.h"

/* "cmc-oci-config-1" and its NUL: no other thing that we hash begins so. */
static const char domain[] = "cmc-oci-config-1";

enum {
    HEX_LEN = 2 * CMC_SHA256_LEN,
    PATH_CAP = 200,
    /* a third of the values can be entries, each of which grows by a commitment */
    CANONICAL_MAX = CMC_JSON_BYTES_MAX + CMC_JSON_VALUES_MAX / 3 * (HEX_LEN + 16)
};

static int fail_at(const struct cmc_json *node, const char *what, struct cmc_err *err)
{
    char path[PATH_CAP];
    cmc_json_path(node, path, sizeof(path));
    return cmc_fail(err, CMC_E_FORMAT, "%s: %s", path, what);
}

int measure_config_entry(const struct cmc_json *node, struct measure_config_entry *out,
                         struct cmc_err *err)
{
    static const char want[] = "expected {name, value}, {commitment, name}, {name} or null";
    const struct cmc_json *name = cmc_json_member(node, "name");
    const struct cmc_json *value = cmc_json_member(node, "value");
    const char *hex = cmc_json_text(node, "commitment");

    *out = (struct measure_config_entry){0};
    if (node->type == CMC_JSON_NULL)
        return 0;
    if (!name || name->type != CMC_JSON_STRING || (value && value->type != CMC_JSON_STRING) ||
        node->count != 1U + (value != NULL) + (hex != NULL) || (value && hex))
        return fail_at(node, want, err);
    if (hex && (strlen(hex) != HEX_LEN || strspn(hex, "0123456789abcdef") != HEX_LEN))
        return fail_at(node, "a commitment is 64 digits 0-9 a-f", err);
    out->name = name->text;
    out->name_len = name->text_len;
    out->value = value ? value->text : NULL;
    out->value_len = value ? value->text_len : 0;
    out->commitment = hex;
    return 0;
}

int measure_config_env(const struct cmc_json *detail, const struct cmc_json **env,
                       struct cmc_err *err)
{
    if (detail->type != CMC_JSON_OBJECT)
        return fail_at(detail, "a detail is an object", err);
    const struct cmc_json *process = cmc_json_member(detail, "process");
    if (process && process->type != CMC_JSON_OBJECT && process->type != CMC_JSON_NULL)
        return fail_at(process, "expected an object", err);
    const struct cmc_json *list = cmc_json_member(process, "env");
    if (list && list->type != CMC_JSON_ARRAY && list->type != CMC_JSON_NULL)
        return fail_at(list, "expected an array", err);
    *env = list && list->type == CMC_JSON_ARRAY ? list : NULL;
    return 0;
}

struct canon {
    struct cmc_buf out, message; /* message: what the HMAC covers; kept for its memory */
    const struct cmc_json *env;  /* the array of entries, or NULL */
    const uint8_t *key;
    const struct measure_names *only; /* other values are shown; NULL: none is */
};

static void canon_done(struct canon *c)
{
    cmc_buf_done(&c->out);
    cmc_buf_done(&c->message);
}

static void put_commitment(struct canon *c, const struct measure_config_entry *e)
{
    uint8_t mac[CMC_SHA256_LEN];
    if (e->commitment) {
        cmc_put_text(&c->out, e->commitment);
        return;
    }
    c->message.len = 0;
    cmc_put_be32(&c->message, (uint32_t)e->name_len); /* at most CMC_JSON_BYTES_MAX */
    cmc_put(&c->message, e->name, e->name_len);
    cmc_put(&c->message, e->value, e->value_len);
    cmc_hmac_sha256(c->key, c->message.data, c->message.len, mac);
    cmc_put_hex(&c->out, mac, sizeof(mac));
}

static int put_entry(struct canon *c, const struct cmc_json *node, struct cmc_err *err)
{
    struct measure_config_entry e;
    int rc = measure_config_entry(node, &e, err);
    if (rc < 0)
        return rc;
    const bool shown = e.value && c->only && !measure_names_match(c->only, e.name, e.name_len);
    if (!e.name || (!e.value && !e.commitment) || shown) {
        cmc_put_json(&c->out, node);
        return 0;
    }
    cmc_put_text(&c->out, "{\"commitment\":\"");
    put_commitment(c, &e);
    cmc_put_text(&c->out, "\",\"name\":");
    cmc_put_json_text(&c->out, e.name, e.name_len);
    cmc_put_u8(&c->out, '}');
    return 0;
}

static int put_env(struct canon *c, struct cmc_err *err)
{
    cmc_put_u8(&c->out, '[');
    for (const struct cmc_json *n = c->env->child; n; n = n->next) {
        int rc = put_entry(c, n, err);
        if (rc < 0)
            return rc;
        if (n->next)
            cmc_put_u8(&c->out, ',');
    }
    cmc_put_u8(&c->out, ']');
    return 0;
}

/* Writes what is on the way to the entries member by member, all else as it is. */
static int put_toward(struct canon *c, const struct cmc_json *node, struct cmc_err *err)
{
    if (node == c->env)
        return put_env(c, err);
    if (!c->env || (node != c->env->parent && node != c->env->parent->parent)) {
        cmc_put_json(&c->out, node);
        return 0;
    }
    cmc_put_u8(&c->out, '{');
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            cmc_put_u8(&c->out, ',');
        cmc_put_json_text(&c->out, node->sorted[i]->key, node->sorted[i]->key_len);
        cmc_put_u8(&c->out, ':');
        int rc = put_toward(c, node->sorted[i], err);
        if (rc < 0)
            return rc;
    }
    cmc_put_u8(&c->out, '}');
    return 0;
}

static const uint8_t no_key[32];

/* Appends the canonical form of a detail to c->out. */
static int put_canonical(struct canon *c, const void *detail, size_t len, struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;

    int rc = cmc_json_parse(detail, len, &doc, &root, err);
    if (rc == 0)
        rc = measure_config_env(root, &c->env, err);
    if (rc == 0)
        rc = put_toward(c, root, err);
    if (rc == 0)
        rc = cmc_buf_check(&c->out, "canonical configuration", err);
    if (rc == 0)
        rc = cmc_buf_check(&c->message, "environment variable", err);
    return rc < 0 ? cmc_wrap(err, "configuration detail") : 0;
}

int measure_config_detail_digest(const void *detail, size_t len, const uint8_t *redaction_key,
                                 uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    CMC_CLEANUP(canon_done)
    struct canon c = {.out = cmc_buf_of(CANONICAL_MAX),
                      .message = cmc_buf_of(CMC_JSON_BYTES_MAX),
                      .key = redaction_key ? redaction_key : no_key};
    cmc_put(&c.out, domain, sizeof(domain));
    if (put_canonical(&c, detail, len, err) < 0)
        return -(int)err->code;
    cmc_sha256(c.out.data, c.out.len, out);
    return 0;
}

int measure_config_detail_withhold(const void *detail, size_t len, const uint8_t *redaction_key,
                                   struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(canon_done)
    struct canon c = {.out = cmc_buf_of(CANONICAL_MAX),
                      .message = cmc_buf_of(CMC_JSON_BYTES_MAX),
                      .key = redaction_key ? redaction_key : no_key};
    if (put_canonical(&c, detail, len, err) < 0)
        return -(int)err->code;
    cmc_put(out, c.out.data, c.out.len);
    return cmc_buf_check(out, "configuration detail", err);
}

int measure_config_detail_withhold_names(const void *detail, size_t len,
                                         const uint8_t *redaction_key,
                                         const struct measure_names *names, struct cmc_buf *out,
                                         struct cmc_err *err)
{
    static const char *const any = "*";
    const struct measure_names all = {.pattern = &any, .count = 1};
    CMC_CLEANUP(canon_done)
    struct canon c = {.out = cmc_buf_of(CANONICAL_MAX),
                      .message = cmc_buf_of(CMC_JSON_BYTES_MAX),
                      .key = redaction_key ? redaction_key : no_key,
                      .only = redaction_key ? NULL : names};
    /* Of a hook: with a key each value is one. */
    const int secret = measure_config_has_secret(detail, len, redaction_key ? &all : names, err);
    if (secret != 0)
        return secret < 0 ? secret : 0;
    if (put_canonical(&c, detail, len, err) < 0)
        return -(int)err->code;
    cmc_put(out, c.out.data, c.out.len);
    return cmc_buf_check(out, "configuration detail", err) < 0 ? -(int)err->code : 1;
}

void measure_config_key_id(const uint8_t *key, uint8_t out[static MEASURE_KEY_ID_LEN])
{
    static const char label[] = "cmc-redaction-key-1";
    uint8_t text[sizeof(label) + 32], hash[CMC_SHA256_LEN];

    memset(out, 0, MEASURE_KEY_ID_LEN);
    if (!key)
        return;
    memcpy(text, label, sizeof(label));
    memcpy(text + sizeof(label), key, 32);
    cmc_sha256(text, sizeof(text), hash);
    memcpy(out, hash, MEASURE_KEY_ID_LEN);
    explicit_bzero(text, sizeof(text));
}
