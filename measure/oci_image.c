/* SPDX-License-Identifier: Apache-2.0 */
/* measure/oci_image.c -- reads what an image says about itself, strictly where it counts. */
#include "measure/oci_image.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"

enum { WHERE_MAX = 160 };

static int fail_at(const struct cmc_json *at, const char *want, struct cmc_err *err)
{
    char where[WHERE_MAX];
    cmc_json_path(at, where, sizeof(where));
    return cmc_fail(err, CMC_E_FORMAT, "%s: %s", where, want);
}

/* The member called name, of the type; NULL when it is absent or null. */
static int member(const struct cmc_json *obj, const char *name, enum cmc_json_type type,
                  const struct cmc_json **out, struct cmc_err *err)
{
    static const char *const names[] = {"null",     "false",    "true",     "a number",
                                        "a string", "an array", "an object"};
    const struct cmc_json *m = cmc_json_member(obj, name);
    char want[40];
    *out = m && m->type != CMC_JSON_NULL ? m : NULL;
    if (!*out || m->type == type)
        return 0;
    (void)snprintf(want, sizeof(want), "not %s", names[type]);
    return fail_at(m, want, err);
}

static int text_member(const struct cmc_json *obj, const char *name, const char **out,
                       struct cmc_err *err)
{
    const struct cmc_json *m = NULL;
    if (member(obj, name, CMC_JSON_STRING, &m, err) < 0)
        return -(int)err->code;
    *out = m ? m->text : NULL;
    return 0;
}

static int digest_of(const struct cmc_json *at, uint8_t out[static CMC_SHA256_LEN],
                     struct cmc_err *err)
{
    static const char prefix[] = "sha256:";
    const size_t skip = sizeof(prefix) - 1;
    if (!at)
        return cmc_fail(err, CMC_E_FORMAT, "a descriptor without digest");
    if (at->type != CMC_JSON_STRING || strncmp(at->text, prefix, skip) != 0 ||
        strpbrk(at->text + skip, "ABCDEF") ||
        cmc_unhex(at->text + skip, at->text_len - skip, out, CMC_SHA256_LEN, err) < 0)
        return fail_at(at, "not sha256: and 64 digits, which is all that is understood here", err);
    return 0;
}

static enum measure_oci_kind kind_of(const char *media_type)
{
    static const struct {
        const char *type;
        enum measure_oci_kind kind;
    } kinds[] = {
        {"application/vnd.oci.image.index.v1+json", MEASURE_OCI_INDEX},
        {"application/vnd.docker.distribution.manifest.list.v2+json", MEASURE_OCI_INDEX},
        {"application/vnd.oci.image.manifest.v1+json", MEASURE_OCI_MANIFEST},
        {"application/vnd.docker.distribution.manifest.v2+json", MEASURE_OCI_MANIFEST},
    };
    for (size_t i = 0; media_type && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(media_type, kinds[i].type) == 0)
            return kinds[i].kind;
    return MEASURE_OCI_OTHER;
}

static int descriptor_of(const struct cmc_json *d, struct measure_oci_descriptor *out,
                         struct cmc_err *err)
{
    struct measure_oci_descriptor got;
    const struct cmc_json *size = NULL;
    const char *media_type = NULL;
    if (d->type != CMC_JSON_OBJECT)
        return fail_at(d, "not a descriptor", err);
    if (digest_of(cmc_json_member(d, "digest"), got.digest, err) < 0 ||
        member(d, "size", CMC_JSON_INT, &size, err) < 0 ||
        text_member(d, "mediaType", &media_type, err) < 0)
        return -(int)err->code;
    if (!size || size->negative)
        return fail_at(d, "no size", err);
    cmc_hex(got.digest, CMC_SHA256_LEN, got.hex);
    got.size = size->magnitude;
    got.kind = kind_of(media_type);
    *out = got;
    return 0;
}

static bool has_name(const struct cmc_json *d, const char *tag)
{
    const struct cmc_json *notes = cmc_json_member(d, "annotations");
    const char *ref = cmc_json_text(notes, "org.opencontainers.image.ref.name");
    const char *name = cmc_json_text(notes, "io.containerd.image.name");
    return (ref && strcmp(ref, tag) == 0) || (name && strcmp(name, tag) == 0);
}

static bool fits(const struct cmc_json *d, const struct measure_oci_choice *c)
{
    const struct cmc_json *platform = cmc_json_member(d, "platform");
    const char *os = cmc_json_text(platform, "os");
    const char *arch = cmc_json_text(platform, "architecture");
    const char *variant = cmc_json_text(platform, "variant");
    if (!c->nested && c->tag && !has_name(d, c->tag))
        return false;
    if (os && strcmp(os, c->os) != 0)
        return false;
    if (arch && strcmp(arch, c->arch) != 0)
        return false;
    return !variant || !c->variant || strcmp(variant, c->variant) == 0;
}

/* What to say when there is not exactly one. */
static int fail_choice(const struct cmc_json *list, const struct measure_oci_choice *c,
                       size_t found, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf names = cmc_buf_of(160);
    for (const struct cmc_json *d = list->child; d; d = d->next) {
        const char *ref =
            cmc_json_text(cmc_json_member(d, "annotations"), "org.opencontainers.image.ref.name");
        if (ref && names.len)
            cmc_put_text(&names, ", ");
        if (ref)
            cmc_put_safe(&names, ref, strlen(ref), 60);
    }
    return cmc_fail(err, CMC_E_USAGE, "%s image%s%.60s for %.20s/%.20s; tags here: %.*s",
                    found ? "more than one" : "no", c->tag ? " " : "", c->tag ? c->tag : "", c->os,
                    c->arch, names.len ? (int)names.len : 4,
                    names.len ? (const char *)names.data : "none");
}

static int choose(const struct cmc_json *top, const struct measure_oci_choice *c,
                  struct measure_oci_descriptor *out, struct cmc_err *err)
{
    const struct cmc_json *list = NULL;
    struct measure_oci_descriptor d = {.size = 0}, chosen = {.size = 0};
    size_t found = 0;
    if (top->type != CMC_JSON_OBJECT)
        return fail_at(top, "not an index", err);
    if (member(top, "manifests", CMC_JSON_ARRAY, &list, err) < 0)
        return -(int)err->code;
    if (!list)
        return fail_at(top, "an index without manifests", err);
    if (list->count > MEASURE_OCI_MANIFESTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "an index of %zu manifests, at most %d", list->count,
                        MEASURE_OCI_MANIFESTS_MAX);
    for (const struct cmc_json *at = list->child; at; at = at->next) {
        if (descriptor_of(at, &d, err) < 0)
            return -(int)err->code;
        if (d.kind == MEASURE_OCI_OTHER || !fits(at, c))
            continue;
        if (found && memcmp(d.digest, chosen.digest, CMC_SHA256_LEN) == 0)
            continue; /* the same once more */
        chosen = d;
        found++;
    }
    if (found != 1)
        return fail_choice(list, c, found, err);
    *out = chosen;
    return 0;
}

int measure_oci_choose(const char *index, size_t len, const struct measure_oci_choice *choice,
                       struct measure_oci_descriptor *out, struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *top;
    if (cmc_json_parse(index, len, &doc, &top, err) < 0)
        return -(int)err->code;
    return choose(top, choice, out, err);
}

int measure_oci_manifest(const char *json, size_t len, struct measure_oci_manifest *out,
                         struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *top = NULL, *config = NULL, *layers = NULL;
    if (cmc_json_parse(json, len, &doc, &top, err) < 0)
        return -(int)err->code;
    if (top->type != CMC_JSON_OBJECT)
        return fail_at(top, "not a manifest", err);
    if (member(top, "config", CMC_JSON_OBJECT, &config, err) < 0 ||
        member(top, "layers", CMC_JSON_ARRAY, &layers, err) < 0)
        return -(int)err->code;
    if (!config || !layers)
        return fail_at(top, "a manifest without config and layers", err);
    if (layers->count > MEASURE_IMAGE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%zu layers, at most %d", layers->count,
                        MEASURE_IMAGE_LAYERS_MAX);
    out->layers = 0;
    for (const struct cmc_json *at = layers->child; at; at = at->next)
        if (descriptor_of(at, &out->layer[out->layers++], err) < 0)
            return -(int)err->code;
    return descriptor_of(config, &out->config, err);
}

const struct cmc_json *measure_oci_next(const struct measure_oci_texts *t,
                                        const struct cmc_json *before)
{
    if (before)
        return before->next;
    return t->array ? t->array->child : NULL;
}

static int texts_member(const struct cmc_json *obj, const char *name, struct measure_oci_texts *out,
                        struct cmc_err *err)
{
    if (member(obj, name, CMC_JSON_ARRAY, &out->array, err) < 0)
        return -(int)err->code;
    for (const struct cmc_json *at = measure_oci_next(out, NULL); at; at = at->next)
        if (at->type != CMC_JSON_STRING)
            return fail_at(at, "not a string", err);
    return 0;
}

/* Go reads names without regard to case, and the last of two alike counts. */
static int check_names(const struct cmc_json *obj, const char *const *names, struct cmc_err *err)
{
    for (const struct cmc_json *at = obj ? obj->child : NULL; at; at = at->next)
        for (size_t i = 0; names[i]; i++)
            if (strcasecmp(at->key, names[i]) == 0 && strcmp(at->key, names[i]) != 0)
                return cmc_fail(err, CMC_E_VERIFY, "a member \"%.40s\", which Go takes for \"%s\"",
                                at->key, names[i]);
    return 0;
}

static int read_diff_ids(const struct cmc_json *top, struct measure_oci_config *out,
                         struct cmc_err *err)
{
    static const char *const counts[] = {"diff_ids", NULL};
    const struct cmc_json *rootfs = NULL, *list = NULL;
    if (member(top, "rootfs", CMC_JSON_OBJECT, &rootfs, err) < 0 ||
        check_names(rootfs, counts, err) < 0 ||
        member(rootfs, "diff_ids", CMC_JSON_ARRAY, &list, err) < 0)
        return -(int)err->code;
    if (!list)
        return fail_at(top, "an image without rootfs.diff_ids", err);
    if (list->count > MEASURE_IMAGE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%zu layers, at most %d", list->count,
                        MEASURE_IMAGE_LAYERS_MAX);
    for (const struct cmc_json *at = list->child; at; at = at->next)
        if (digest_of(at, out->diff_id[out->layers++], err) < 0)
            return -(int)err->code;
    return 0;
}

int measure_oci_config(const char *json, size_t len, struct measure_oci_config *out,
                       struct cmc_err *err)
{
    static const char *const outer[] = {"config", "rootfs", "os", "architecture", NULL};
    static const char *const inner[] = {"Env", "Entrypoint", "Cmd", "WorkingDir", "User", NULL};
    const struct cmc_json *top = NULL, *config = NULL;
    *out = (struct measure_oci_config){.layers = 0};
    if (cmc_json_parse(json, len, &out->doc, &top, err) < 0)
        return -(int)err->code;
    if (top->type != CMC_JSON_OBJECT)
        return fail_at(top, "not an image's configuration", err);
    if (check_names(top, outer, err) < 0 ||
        member(top, "config", CMC_JSON_OBJECT, &config, err) < 0 ||
        check_names(config, inner, err) < 0 || texts_member(config, "Env", &out->env, err) < 0 ||
        texts_member(config, "Entrypoint", &out->entrypoint, err) < 0 ||
        texts_member(config, "Cmd", &out->cmd, err) < 0 ||
        text_member(config, "WorkingDir", &out->cwd, err) < 0 ||
        text_member(config, "User", &out->user, err) < 0 ||
        text_member(top, "os", &out->os, err) < 0 ||
        text_member(top, "architecture", &out->arch, err) < 0)
        return -(int)err->code;
    out->cwd = out->cwd ? out->cwd : "";
    out->user = out->user ? out->user : "";
    return read_diff_ids(top, out, err);
}

void measure_oci_config_done(struct measure_oci_config *c)
{
    cmc_json_free(c->doc);
    c->doc = NULL;
}
