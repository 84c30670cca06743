/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_rules.c -- ociRules on details: entries of process.env become
 * "NAME=VALUE", as the rules have them, or "NAME=(commitment)" where either side withholds the
 * value. */
#include <string.h>

#include "attest/verify/exact_parts.h"
#include "attest/verify/rules.h"
#include "base/json.h"
#include "measure/config.h"

struct side { /* one of two details */
    const struct meta_bytes *detail;
    struct cmc_buf withheld, plain; /* owned: with commitments only; as rules have it */
    struct cmc_json_doc *doc, *withheld_doc, *plain_doc;
    const struct cmc_json *root, *withheld_root, *plain_root;
};

static void side_done(struct side *s)
{
    cmc_buf_done(&s->withheld);
    cmc_buf_done(&s->plain);
    cmc_json_free(s->doc);
    cmc_json_free(s->withheld_doc);
    cmc_json_free(s->plain_doc);
}

static const struct cmc_json *env_of(const struct cmc_json *root)
{
    return cmc_json_member(cmc_json_member(root, "process"), "env");
}

static int side_open(struct side *s, const struct verify_exact *x, struct cmc_err *err)
{
    int rc = measure_config_detail_withhold(s->detail->data, s->detail->len,
                                            x->policy->redaction_key, &s->withheld, err);
    if (rc == 0)
        rc = cmc_json_parse((const char *)s->detail->data, s->detail->len, &s->doc, &s->root, err);
    if (rc == 0)
        rc = cmc_json_parse((const char *)s->withheld.data, s->withheld.len, &s->withheld_doc,
                            &s->withheld_root, err);
    const struct cmc_json *env = env_of(s->root);
    if (rc == 0 && env && env->count > VERIFY_RULES_ENTRIES_MAX)
        rc = cmc_fail(err, CMC_E_LIMIT, "process.env has %zu entries, rules take at most %d",
                      env->count, VERIFY_RULES_ENTRIES_MAX);
    return rc;
}

/* An entry of that name has no value in this detail, only a commitment. */
static bool withholds(const struct side *s, const char *name)
{
    const struct cmc_json *env = env_of(s->root);
    for (const struct cmc_json *e = env ? env->child : NULL; e; e = e->next) {
        const char *other = cmc_json_text(e, "name");
        if (other && strcmp(other, name) == 0 && cmc_json_text(e, "commitment"))
            return true;
    }
    return false;
}

/* entry, and the same in the form with commitments only */
static void put_entry(struct cmc_buf *out, const struct cmc_json *entry,
                      const struct cmc_json *committed, bool hide)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(out->max);
    const char *name = cmc_json_text(entry, "name");
    const char *value = cmc_json_text(entry, "value");
    const char *commitment = cmc_json_text(committed, "commitment");
    if (!name) {
        cmc_put_text(out, "null");
        return;
    }
    cmc_put_text(&b, name);
    if (commitment && (hide || !value)) {
        cmc_put_fmt(&b, "=(%s)", commitment);
    } else if (value) {
        cmc_put_u8(&b, '=');
        cmc_put_text(&b, value);
    }
    out->bad |= b.bad;
    cmc_put_json_text(out, (const char *)b.data, b.len);
}

static void put_env(const struct side *s, const struct side *other, struct cmc_buf *out)
{
    const struct cmc_json *w = env_of(s->withheld_root)->child;
    cmc_put_u8(out, '[');
    for (const struct cmc_json *e = env_of(s->root)->child; e && w; e = e->next, w = w->next) {
        const char *name = cmc_json_text(e, "name");
        put_entry(out, e, w, name && (withholds(s, name) || withholds(other, name)));
        if (e->next)
            cmc_put_u8(out, ',');
    }
    cmc_put_u8(out, ']');
}

/* obj, with one member written by put instead */
static void put_object(const struct side *s, const struct side *other, const struct cmc_json *obj,
                       struct cmc_buf *out)
{
    const struct cmc_json *process = cmc_json_member(s->root, "process");
    const struct cmc_json *env = env_of(s->root);
    cmc_put_u8(out, '{');
    for (size_t i = 0; i < obj->count; i++) {
        const struct cmc_json *m = obj->sorted[i];
        if (i)
            cmc_put_u8(out, ',');
        cmc_put_json_text(out, m->key, m->key_len);
        cmc_put_u8(out, ':');
        if (m == env)
            put_env(s, other, out);
        else if (m == process) /* once: a process is no member of itself */
            put_object(s, other, m, out);
        else
            cmc_put_json(out, m);
    }
    cmc_put_u8(out, '}');
}

static int make_plain(struct side *s, const struct side *other, struct cmc_err *err)
{
    const struct cmc_json *env = env_of(s->root);
    if (env && env->type == CMC_JSON_ARRAY)
        put_object(s, other, s->root, &s->plain);
    else
        cmc_put_json(&s->plain, s->root);
    const int rc = cmc_buf_check(&s->plain, "configuration", err);
    return rc < 0 ? rc
                  : cmc_json_parse((const char *)s->plain.data, s->plain.len, &s->plain_doc,
                                   &s->plain_root, err);
}

int verify_allowed(const struct verify_exact *x, const struct verify_wanted *w,
                   const struct meta_bytes *measured, char *path, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf spec = cmc_buf_of(CMC_JSON_BYTES_MAX);
    *path = 0;
    int rc = verify_detail_of_reference(x, w, &spec, err);
    if (rc < 0)
        return rc;
    const struct meta_bytes reference = {.data = spec.data, .len = spec.len};
    CMC_CLEANUP(side_done)
    struct side a = {.detail = &reference,
                     .withheld = cmc_buf_of(CMC_JSON_BYTES_MAX),
                     .plain = cmc_buf_of(CMC_JSON_BYTES_MAX)};
    CMC_CLEANUP(side_done)
    struct side b = {.detail = measured,
                     .withheld = cmc_buf_of(CMC_JSON_BYTES_MAX),
                     .plain = cmc_buf_of(CMC_JSON_BYTES_MAX)};
    rc = side_open(&a, x, err);
    if (rc == 0)
        rc = side_open(&b, x, err);
    if (rc == 0)
        rc = make_plain(&a, &b, err);
    if (rc == 0)
        rc = make_plain(&b, &a, err);
    return rc < 0 ? rc
                  : verify_rules_check(a.plain_root, b.plain_root, w->reference->rules, path, err);
}
