/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_texts.c -- lists of texts, variables, and how they are written. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "measure/client_parts.h"

enum { TEXTS_MAX = 1 << 17 };

void client_texts_done(struct client_texts *t)
{
    free(t->at);
    *t = (struct client_texts){.at = NULL};
}

int client_texts_add(struct client_texts *t, const char *text, struct cmc_err *err)
{
    if (t->count == TEXTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d texts", TEXTS_MAX);
    if (t->count == t->cap) {
        const size_t cap = t->cap ? t->cap * 2 : 16;
        const char **more = reallocarray(t->at, cap, sizeof(*more));
        if (!more)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu texts", cap);
        t->at = more;
        t->cap = cap;
    }
    assert(t->at);
    t->at[t->count++] = text;
    return 0;
}

int client_texts_add_oci(struct client_texts *t, const struct measure_oci_texts *from,
                         struct cmc_err *err)
{
    for (const struct cmc_json *at = measure_oci_next(from, NULL); at;
         at = measure_oci_next(from, at))
        if (client_texts_add(t, at->text, err) < 0)
            return -(int)err->code;
    return 0;
}

int client_texts_add_list(struct client_texts *t, const struct cmc_opt_list *from,
                          struct cmc_err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (client_texts_add(t, from->at[i], err) < 0)
            return -(int)err->code;
    return 0;
}

bool client_texts_has(const struct client_texts *t, const char *text)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->at[i], text) == 0)
            return true;
    return false;
}

void client_texts_remove(struct client_texts *t, const char *text)
{
    size_t kept = 0;
    for (size_t i = 0; t->at && i < t->count; i++)
        if (strcmp(t->at[i], text) != 0)
            t->at[kept++] = t->at[i];
    t->count = kept;
}

/* The last of the first count variables of env that is called as the one in text; count: none. */
static size_t variable_at(const struct client_texts *env, size_t count, const char *text)
{
    const size_t len = strcspn(text, "=");
    for (size_t i = env->at ? count : 0; i-- > 0;)
        if (strcspn(env->at[i], "=") == len && strncmp(env->at[i], text, len) == 0)
            return i;
    return count;
}

int client_env_set(struct client_texts *env, const struct client_texts *with, struct cmc_err *err)
{
    const size_t before = env->count;
    struct client_texts names = {.at =
                                     NULL}; /* as they were, since a removed one keeps its place */
    int r = 0;
    for (size_t i = 0; r == 0 && i < before; i++)
        r = client_texts_add(&names, env->at[i], err);
    for (size_t i = 0; r == 0 && i < with->count; i++) {
        const char *text = with->at[i];
        const size_t at = variable_at(&names, before, text);
        if (at < before)
            env->at[at] = strchr(text, '=') ? text : "";
        else if (strchr(text, '='))
            r = client_texts_add(env, text, err);
    }
    client_texts_done(&names);
    client_texts_remove(env, "");
    return r;
}

void client_put_key(struct cmc_buf *b, const char *key)
{
    if (b->len && b->data[b->len - 1] != '{')
        cmc_put_u8(b, ',');
    cmc_put_json_text(b, key, strlen(key));
    cmc_put_u8(b, ':');
}

void client_put_text(struct cmc_buf *b, const char *key, const char *text)
{
    client_put_key(b, key);
    cmc_put_json_text(b, text, strlen(text));
}

void client_put_texts(struct cmc_buf *b, const char *key, const struct client_texts *texts)
{
    if (texts->count == 0)
        return;
    client_put_key(b, key);
    for (size_t i = 0; i < texts->count; i++) {
        cmc_put_u8(b, i ? ',' : '[');
        cmc_put_json_text(b, texts->at[i], strlen(texts->at[i]));
    }
    cmc_put_u8(b, ']');
}

void client_put_user(struct cmc_buf *b, const struct client_user *u)
{
    client_put_key(b, "user");
    cmc_put_fmt(b, "{\"uid\":%u,\"gid\":%u", u->uid, u->gid);
    for (size_t i = 0; i < u->gid_count; i++)
        cmc_put_fmt(b, "%s%u", i ? "," : ",\"additionalGids\":[", u->gids[i]);
    cmc_put_text(b, u->gid_count ? "]}" : "}");
}

void client_put_map(struct cmc_buf *b, const char *key, const struct client_texts *pairs)
{
    if (pairs->count == 0)
        return;
    client_put_key(b, key);
    cmc_put_u8(b, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        const char *pair = pairs->at[i];
        const size_t len = strcspn(pair, "=");
        bool again = false;
        for (size_t k = i + 1; k < pairs->count; k++)
            again |= strcspn(pairs->at[k], "=") == len && strncmp(pairs->at[k], pair, len) == 0;
        if (again)
            continue;
        if (b->len && b->data[b->len - 1] != '{')
            cmc_put_u8(b, ',');
        cmc_put_json_text(b, pair, len);
        cmc_put_u8(b, ':');
        const char *value = pair[len] ? pair + len + 1 : "true"; /* a label without value */
        cmc_put_json_text(b, value, strlen(value));
    }
    cmc_put_u8(b, '}');
}

static int take_field(struct client_mount *m, struct measure_bytes field, struct cmc_err *err)
{
    static const char *const names[] = {"type", "source", "src", "destination", "dst", "options"};
    struct measure_bytes *const to[] = {&m->type,        &m->source,      &m->source,
                                        &m->destination, &m->destination, &m->options};
    const uint8_t *equals = field.len ? memchr(field.p, '=', field.len) : NULL;
    const size_t len = equals ? (size_t)(equals - field.p) : 0;
    for (size_t i = 0; equals && i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && memcmp(names[i], field.p, len) == 0) {
            *to[i] = (struct measure_bytes){equals + 1, field.len - len - 1};
            return 0;
        }
    return cmc_fail(err, CMC_E_USAGE, "--mount: \"%.*s\" is not type=, src=, dst= or options=",
                    field.len < 60 ? (int)field.len : 60, (const char *)field.p);
}

int client_mount_read(const char *spec, struct client_mount *out, struct cmc_err *err)
{
    struct client_mount m = {.type = {NULL, 0}};
    if (strpbrk(spec, "\"\r\n"))
        return cmc_fail(err, CMC_E_USAGE, "--mount: quotes and line breaks are not understood");
    for (const char *p = spec;; p++) {
        const size_t len = strcspn(p, ",");
        if (take_field(&m, (struct measure_bytes){(const uint8_t *)p, len}, err) < 0)
            return -(int)err->code;
        p += len;
        if (!*p)
            break;
    }
    *out = m;
    return 0;
}

bool client_mount_option(struct measure_bytes *options, struct measure_bytes *out)
{
    if (!options->p)
        return false;
    const uint8_t *colon = options->len ? memchr(options->p, ':', options->len) : NULL;
    const size_t len = colon ? (size_t)(colon - options->p) : options->len;
    *out = (struct measure_bytes){options->p, len};
    *options = colon ? (struct measure_bytes){colon + 1, options->len - len - 1}
                     : (struct measure_bytes){NULL, 0};
    return true;
}

static bool has(const struct cmc_opt_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], text) == 0)
            return true;
    return false;
}

static int check_caps(const struct cmc_opt_list *caps, bool all, struct cmc_err *err)
{
    for (size_t i = 0; i < caps->count; i++)
        if (strncmp(caps->at[i], "CAP_", 4) != 0 && !(all && strcmp(caps->at[i], "ALL") == 0))
            return cmc_fail(err, CMC_E_USAGE, "capability \"%.40s\" does not begin with CAP_",
                            caps->at[i]);
    return 0;
}

int client_caps(const struct measure_client_opts *o, bool all, struct client_texts *out,
                struct cmc_err *err)
{
    static const char *const usual[] = {
        "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
        "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL",    "CAP_AUDIT_WRITE"};
    const bool none = all && has(&o->cap_drop, "ALL");
    if (check_caps(&o->cap_add, false, err) < 0 || check_caps(&o->cap_drop, all, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; !none && i < sizeof(usual) / sizeof(usual[0]); i++)
        if (client_texts_add(out, usual[i], err) < 0)
            return -(int)err->code;
    for (size_t i = 0; i < o->cap_add.count; i++)
        if (!client_texts_has(out, o->cap_add.at[i]) &&
            client_texts_add(out, o->cap_add.at[i], err) < 0)
            return -(int)err->code;
    for (size_t i = 0; i < o->cap_drop.count; i++)
        client_texts_remove(out, o->cap_drop.at[i]);
    return 0;
}

void client_put_caps(struct cmc_buf *b, const struct client_texts *caps)
{
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    client_put_key(b, "capabilities");
    cmc_put_u8(b, '{');
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        client_put_texts(b, sets[i], caps);
    cmc_put_u8(b, '}');
}
