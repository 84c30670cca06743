/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_detail.c -- writes the detail: the configuration with ids made comparable. */
#include <string.h>

#include "measure/config_parts.h"

#define SANDBOX_KEY "io.kubernetes.cri.sandbox-id"
#define STATE_DIR   "/io.containerd.grpc.v1.cri/"

enum { SANDBOX_LEN = 64 };

struct writer {
    struct cmc_buf *out;
    const char *id, *sandbox; /* sandbox: 64 hexadecimal digits, or NULL */
    const char *bundle;       /* or NULL */
    size_t bundle_len;        /* without trailing slashes */
};

static void put_member(const struct writer *w, const struct cmc_json *node,
                       const struct spec_member *m);

/* {"after":...,"before":...,"id":...}; after NULL: without it. */
static void put_token(const struct writer *w, const char *before, size_t before_len,
                      const char *after, const char *who)
{
    cmc_put_u8(w->out, '{');
    if (after) {
        cmc_put_text(w->out, "\"after\":");
        cmc_put_json_text(w->out, after, strlen(after));
        cmc_put_u8(w->out, ',');
    }
    cmc_put_text(w->out, "\"before\":");
    cmc_put_json_text(w->out, before, before_len);
    cmc_put_fmt(w->out, ",\"id\":\"%s\"}", who);
}

static bool two_colons(const char *v)
{
    const char *first = strchr(v, ':');
    const char *second = first ? strchr(first + 1, ':') : NULL;
    return second && !strchr(second + 1, ':');
}

/* "/a/b/ID" and systemd's "SLICE:PREFIX:ID". */
static void put_cgroups_path(const struct writer *w, const struct cmc_json *node)
{
    const char *slash = strrchr(node->text, '/'), *last = slash ? slash + 1 : node->text;
    if (strcmp(last, w->id) != 0 && !slash && two_colons(node->text))
        last = strrchr(node->text, ':') + 1;
    if (strcmp(last, w->id) == 0)
        put_token(w, node->text, (size_t)(last - node->text), NULL, "container");
    else
        cmc_put_json(w->out, node);
}

static bool names(const char *text, const char *name, size_t len)
{
    return text && strlen(text) == len && memcmp(text, name, len) == 0;
}

static void put_mount_source(const struct writer *w, const struct cmc_json *node)
{
    static const char *const folders[] = {"sandboxes/", "containers/"};
    const char *found = strstr(node->text, STATE_DIR);
    const char *who = NULL, *name = found ? found + strlen(STATE_DIR) : "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !who; i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(name, folders[i], n) != 0)
            continue;
        name += n;
        len = strcspn(name, "/");
        who = names(w->id, name, len) ? "container" : names(w->sandbox, name, len) ? "sandbox" : "";
    }
    if (who && *who)
        put_token(w, node->text, (size_t)(name - node->text), name + len, who);
    else
        cmc_put_json(w->out, node);
}

static void put_root_path(const struct writer *w, const struct cmc_json *node)
{
    if (!w->bundle || strncmp(node->text, w->bundle, w->bundle_len) != 0 ||
        node->text[w->bundle_len] != '/') {
        cmc_put_json(w->out, node);
        return;
    }
    const char *rest = node->text + w->bundle_len + 1;
    cmc_put_text(w->out, "{\"bundle\":");
    cmc_put_json_text(w->out, rest, strlen(rest));
    cmc_put_u8(w->out, '}');
}

static void put_entry(const struct writer *w, const struct cmc_json *node)
{
    const char *equal = strchr(node->text, '=');
    cmc_put_text(w->out, "{\"name\":");
    cmc_put_json_text(w->out, node->text, equal ? (size_t)(equal - node->text) : node->text_len);
    if (equal) {
        cmc_put_text(w->out, ",\"value\":");
        cmc_put_json_text(w->out, equal + 1, strlen(equal + 1));
    }
    cmc_put_u8(w->out, '}');
}

static void put_struct(const struct writer *w, const struct cmc_json *node,
                       const struct spec_type *type)
{
    bool first = true;
    cmc_put_u8(w->out, '{');
    for (size_t i = 0; i < node->count; i++) {
        const struct cmc_json *c = node->sorted[i];
        const struct spec_member *m = measure_config_listed(type, c->key);
        if (m && m->rule == SPEC_LEFT_OUT)
            continue;
        if (!first)
            cmc_put_u8(w->out, ',');
        first = false;
        cmc_put_json_text(w->out, c->key, c->key_len);
        cmc_put_u8(w->out, ':');
        put_member(w, c, m);
    }
    cmc_put_u8(w->out, '}');
}

static void put_annotation(const struct writer *w, const struct cmc_json *node)
{
    if (w->sandbox && strcmp(node->key, SANDBOX_KEY) == 0)
        cmc_put_fmt(w->out, "{\"id\":\"%s\"}",
                    strcmp(w->sandbox, w->id) == 0 ? "container" : "sandbox");
    else
        cmc_put_json(w->out, node);
}

/* One value of a listed member, whatever array or map it stands in. */
static void put_value(const struct writer *w, const struct cmc_json *node,
                      const struct spec_member *m)
{
    if (node->type == CMC_JSON_NULL) {
        cmc_put_json(w->out, node);
        return;
    }
    switch (m->rule) {
    case SPEC_ENV:
        put_entry(w, node);
        return;
    case SPEC_CGROUPS_PATH:
        put_cgroups_path(w, node);
        return;
    case SPEC_MOUNT_SOURCE:
        put_mount_source(w, node);
        return;
    case SPEC_ROOT_PATH:
        put_root_path(w, node);
        return;
    case SPEC_ANNOTATIONS:
        put_annotation(w, node);
        return;
    case SPEC_MEASURED:
    case SPEC_LEFT_OUT:
        break;
    }
    if (m->base == SPEC_STRUCT)
        put_struct(w, node, m->type);
    else
        cmc_put_json(w->out, node);
}

/* An array or a map of a listed member. */
static void put_children(const struct writer *w, const struct cmc_json *node,
                         const struct spec_member *m)
{
    bool array = node->type == CMC_JSON_ARRAY;
    const struct cmc_json *at = node->child;
    cmc_put_u8(w->out, array ? '[' : '{');
    for (size_t i = 0; i < node->count; i++, at = at->next) {
        const struct cmc_json *c = array ? at : node->sorted[i];
        if (i)
            cmc_put_u8(w->out, ',');
        if (!array) {
            cmc_put_json_text(w->out, c->key, c->key_len);
            cmc_put_u8(w->out, ':');
        }
        put_value(w, c, m);
    }
    cmc_put_u8(w->out, array ? ']' : '}');
}

static void put_member(const struct writer *w, const struct cmc_json *node,
                       const struct spec_member *m)
{
    if (!m)
        cmc_put_json(w->out, node);
    else if (m->shape == SPEC_ONE || node->type == CMC_JSON_NULL)
        put_value(w, node, m);
    else
        put_children(w, node, m);
}

static const char *sandbox_of(const struct cmc_json *config)
{
    const char *id = cmc_json_text(cmc_json_member(config, "annotations"), SANDBOX_KEY);
    return id && strlen(id) == SANDBOX_LEN && strspn(id, "0123456789abcdef") == SANDBOX_LEN ? id
                                                                                            : NULL;
}

void measure_config_detail_put(struct cmc_buf *out, const struct cmc_json *config,
                               const struct measure_config_opts *opts)
{
    struct writer w = {.out = out, .id = opts->container_id, .sandbox = sandbox_of(config)};
    w.bundle_len = opts->bundle ? strlen(opts->bundle) : 0;
    while (w.bundle_len && opts->bundle[w.bundle_len - 1] == '/')
        w.bundle_len--;
    w.bundle = w.bundle_len ? opts->bundle : NULL;
    put_struct(&w, config, &measure_spec);
}
