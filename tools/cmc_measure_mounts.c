/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_mounts.c -- mounts of a Create request, judged option by option: one that we
 * do not know could change what the container sees. */
#include "tools/cmc_measure_mounts.h"

#include <string.h>

enum { SHOWN_MAX = 100 };

/* For messages: at most SHOWN_MAX bytes of a span. */
#define SHOW(s) (int)((s)->len < SHOWN_MAX ? (s)->len : SHOWN_MAX), (const char *)(s)->p

static bool is(const struct cmc_span *s, const char *text)
{
    return s->len == strlen(text) && (s->len == 0 || memcmp(s->p, text, s->len) == 0);
}

/* "key=value" with this key: *value is what stands behind the equals sign. */
static bool has_key(const struct cmc_span *s, const char *key, struct cmc_span *value)
{
    const size_t n = strlen(key);
    if (s->len <= n || memcmp(s->p, key, n) != 0 || s->p[n] != '=')
        return false;
    *value = (struct cmc_span){s->p + n + 1, s->len - n - 1};
    return true;
}

/* Flags of a mount that do not change which files there are, nor what they hold. */
static bool is_flag(const struct cmc_span *s)
{
    static const char *const flags[] = {"ro",         "rw",          "suid",          "nosuid",
                                        "dev",        "nodev",       "exec",          "noexec",
                                        "sync",       "async",       "dirsync",       "atime",
                                        "noatime",    "diratime",    "nodiratime",    "relatime",
                                        "norelatime", "strictatime", "nostrictatime", "mand",
                                        "nomand"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (is(s, flags[i]))
            return true;
    return false;
}

static bool holds(const struct cmc_span *s, char c)
{
    return s->len && memchr(s->p, c, s->len);
}

/* The real shim joins all options by commas and the kernel parts them again: one that holds a
 * comma is several there, and a backslash swallows the comma behind it. */
static bool is_whole(const struct cmc_span *s)
{
    return !holds(s, ',') && !holds(s, '\\');
}

/* Text in quotes, which only a kernel that takes labels lets hold a comma; others refuse it. */
static bool is_quoted(const struct cmc_span *s)
{
    const struct cmc_span inside = {s->p + 1, s->len - 2};
    return s->len >= 2 && s->p[0] == '"' && s->p[s->len - 1] == '"' && !holds(&inside, '"') &&
           !holds(&inside, '\\');
}

static bool has_key_of(const struct cmc_span *s, const char *const *keys, size_t count,
                       struct cmc_span *value)
{
    for (size_t i = 0; i < count; i++)
        if (has_key(s, keys[i], value))
            return true;
    return false;
}

/* Overlay options for writing and for labels, neither of which we do or cover. index is for upper
 * directories, and ours is read-only. */
static bool is_unrelated(const struct cmc_span *s)
{
    static const char *const writing[] = {"workdir", "index", "xino"};
    static const char *const labels[] = {"context", "fscontext", "defcontext", "rootcontext"};
    struct cmc_span value;
    if (has_key_of(s, labels, sizeof(labels) / sizeof(labels[0]), &value))
        return is_whole(&value) || is_quoted(&value);
    if (has_key_of(s, writing, sizeof(writing) / sizeof(writing[0]), &value))
        return is_whole(&value);
    return is(s, "volatile");
}

/* Overlay options that say how layers are read. */
static bool is_meaningful(const struct cmc_span *s)
{
    static const char *const known[] = {
        "userxattr",           "redirect_dir=on",       "redirect_dir=off",
        "redirect_dir=follow", "redirect_dir=nofollow", "metacopy=on",
        "metacopy=off"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (is(s, known[i]))
            return true;
    return false;
}

static int add_layer(struct cmc_measure_mounts *m, const uint8_t *p, size_t len,
                     struct cmc_err *err)
{
    const struct cmc_span layer = {p, len};
    if (len == 0 || p[0] != '/')
        return cmc_fail(err, CMC_E_FORMAT, "overlay: layer \"%.*s\" is not an absolute path",
                        SHOW(&layer));
    if (!is_whole(&layer))
        return cmc_fail(err, CMC_E_FORMAT, "overlay: layer \"%.*s\" holds a comma or a backslash",
                        SHOW(&layer));
    if (m->layer_count == CMC_MEASURE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT,
                        "overlay: more than %d layers, which is as many as the kernel mounts",
                        CMC_MEASURE_LAYERS_MAX);
    m->layers[m->layer_count++] = layer;
    return 0;
}

static int add_lowers(struct cmc_measure_mounts *m, const struct cmc_span *value,
                      struct cmc_err *err)
{
    const uint8_t *at = value->p, *end = value->p + value->len;
    for (;;) {
        const uint8_t *colon = at < end ? memchr(at, ':', (size_t)(end - at)) : NULL;
        const uint8_t *stop = colon ? colon : end;
        if (add_layer(m, at, (size_t)(stop - at), err) < 0)
            return -(int)err->code;
        if (!colon)
            return 0;
        at = colon + 1;
    }
}

static int pass_on(struct cmc_measure_mounts *m, const struct cmc_span *option, struct cmc_err *err)
{
    const size_t used = strlen(m->options);
    if (option->len + 2 > sizeof(m->options) - used)
        return cmc_fail(err, CMC_E_LIMIT, "overlay: more than %zu bytes of options",
                        sizeof(m->options));
    m->options[used] = ',';
    memcpy(m->options + used + 1, option->p, option->len);
    m->options[used + 1 + option->len] = '\0';
    return 0;
}

static int unknown_option(const struct cmc_task_mount *mount, const struct cmc_span *option,
                          struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "%.*s mount with the option \"%.*s\" cannot be measured",
                    SHOW(&mount->type), SHOW(option));
}

static int given_twice(const char *option, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "overlay: %s is given twice", option);
}

static bool read_number(const uint8_t **p, const uint8_t *end, uint32_t *out)
{
    uint64_t v = 0;
    const uint8_t *from = *p;
    for (; *p < end && **p >= '0' && **p <= '9' && v <= UINT32_MAX; ++*p)
        v = v * 10 + (**p - (uint64_t)'0');
    *out = (uint32_t)v;
    return *p > from && v <= UINT32_MAX;
}

/* "uidmap=0:100000:65536", as containerd 2 asks for layers with changed ids: one range. */
static int read_map(const struct cmc_task_mount *mount, const struct cmc_span *option,
                    const struct cmc_span *value, struct measure_idmap *out, struct cmc_err *err)
{
    const uint8_t *p = value->p, *end = value->p + value->len;
    struct measure_idmap map = {0};
    uint32_t *const numbers[] = {&map.inside, &map.outside, &map.count};
    for (size_t i = 0; i < 3; i++)
        if ((i > 0 && (p == end || *p++ != ':')) || !read_number(&p, end, numbers[i]))
            return unknown_option(mount, option, err);
    if (p != end || map.count == 0 || map.count - 1 > UINT32_MAX - map.inside ||
        map.count - 1 > UINT32_MAX - map.outside)
        return unknown_option(mount, option, err);
    if (out->count)
        return given_twice("uidmap or gidmap", err);
    *out = map;
    return 0;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t last_of(const struct measure_idmap *m)
{
    return m->outside + (m->count - 1);
}

int cmc_measure_mounts_compose(const struct measure_idmap *disk, struct measure_idmap *maps,
                               size_t *count, struct cmc_err *err)
{
    size_t n = 0;
    if (disk->count && *count == 0) /* no user namespace: the container sees the host's ids */
        maps[n++] = (struct measure_idmap){disk->outside, disk->inside, disk->count};
    for (size_t i = 0; disk->count && i < *count; i++) {
        const struct measure_idmap m = maps[i];
        if (m.count == 0 || last_of(&m) < disk->outside || last_of(disk) < m.outside)
            continue;
        const uint32_t from = larger(m.outside, disk->outside);
        const uint32_t last = last_of(&m) < last_of(disk) ? last_of(&m) : last_of(disk);
        maps[n++] = (struct measure_idmap){m.inside + (from - m.outside),
                                           disk->inside + (from - disk->outside), last - from + 1};
    }
    if (disk->count && n == 0)
        return cmc_fail(err, CMC_E_FORMAT,
                        "overlay: ids of the layers become %u to %u on the host, none of which the "
                        "container maps",
                        disk->outside, last_of(disk));
    *count = disk->count ? n : *count;
    return 0;
}

struct overlay { /* what has been seen, as upper must go first wherever it stands */
    struct cmc_span upper, lower;
};

static int overlay_option(const struct cmc_task_mount *mount, const struct cmc_span *option,
                          struct overlay *o, struct cmc_measure_mounts *m, struct cmc_err *err)
{
    struct cmc_span value;
    if (has_key(option, "upperdir", &value)) {
        if (o->upper.p)
            return given_twice("upperdir", err);
        o->upper = value;
        return 0;
    }
    if (has_key(option, "lowerdir", &value)) {
        if (o->lower.p)
            return given_twice("lowerdir", err);
        o->lower = value;
        return 0;
    }
    if (has_key(option, "uidmap", &value))
        return read_map(mount, option, &value, &m->uids, err);
    if (has_key(option, "gidmap", &value))
        return read_map(mount, option, &value, &m->gids, err);
    if (is_meaningful(option))
        return pass_on(m, option, err);
    return is_flag(option) || is_unrelated(option) ? 0 : unknown_option(mount, option, err);
}

static int plan_overlay(const struct cmc_task_create *c, const struct cmc_task_mount *mount,
                        struct cmc_measure_mounts *m, struct cmc_err *err)
{
    struct overlay o = {.upper = {NULL, 0}};
    for (size_t i = 0; i < mount->option_count; i++)
        if (overlay_option(mount, &c->options_text[mount->option_first + i], &o, m, err) < 0)
            return -(int)err->code;
    if (!o.lower.p)
        return cmc_fail(err, CMC_E_FORMAT, "overlay: no lowerdir");
    if (!m->uids.count != !m->gids.count)
        return cmc_fail(err, CMC_E_FORMAT, "overlay: uidmap or gidmap without the other");
    if (o.upper.p && add_layer(m, o.upper.p, o.upper.len, err) < 0)
        return -(int)err->code;
    m->kind = CMC_MEASURE_OVERLAY;
    m->has_upper = o.upper.p != NULL;
    return add_lowers(m, &o.lower, err);
}

static int plan_bind(const struct cmc_task_create *c, const struct cmc_task_mount *mount,
                     struct cmc_measure_mounts *m, struct cmc_err *err)
{
    for (size_t i = 0; i < mount->option_count; i++) {
        const struct cmc_span *option = &c->options_text[mount->option_first + i];
        if (is(option, "rbind"))
            m->kind = CMC_MEASURE_BIND_TREE;
        else if (!is(option, "bind") && !is_flag(option))
            return unknown_option(mount, option, err);
    }
    if (mount->source.len == 0 || mount->source.p[0] != '/')
        return cmc_fail(err, CMC_E_FORMAT, "bind: source \"%.*s\" is not an absolute path",
                        SHOW(&mount->source));
    m->source = mount->source;
    return 0;
}

/* The real shim mounts no type "fuse." or "fuse3." itself: it runs a program for it. */
static bool is_fuse(const struct cmc_span *type)
{
    static const char name[] = "fuse";
    return type->len >= strlen(name) && memcmp(type->p, name, strlen(name)) == 0;
}

/* mount(2) binds when it is told to, whatever type stands beside it. */
static bool binds(const struct cmc_task_create *c, const struct cmc_task_mount *mount)
{
    for (size_t i = 0; i < mount->option_count; i++) {
        const struct cmc_span *option = &c->options_text[mount->option_first + i];
        if (is(option, "bind") || is(option, "rbind"))
            return true;
    }
    return false;
}

int cmc_measure_mounts_plan(const struct cmc_task_create *create, struct cmc_measure_mounts *out,
                            struct cmc_err *err)
{
    const struct cmc_task_mount *mount = &create->mounts[0];
    out->kind = CMC_MEASURE_ROOT_PATH;
    out->layer_count = 0;
    out->has_upper = false;
    out->uids = out->gids = (struct measure_idmap){0};
    out->options[0] = '\0';
    if (create->mount_count == 0)
        return 0;
    if (create->mount_count > 1)
        return cmc_fail(err, CMC_E_FORMAT, "%zu mounts cannot be measured, only one",
                        create->mount_count);
    if (mount->target.len)
        return cmc_fail(err, CMC_E_FORMAT, "mount on \"%.*s\" below the root cannot be measured",
                        SHOW(&mount->target));
    if (!is_fuse(&mount->type) && binds(create, mount)) {
        out->kind = CMC_MEASURE_BIND;
        return plan_bind(create, mount, out, err);
    }
    if (is(&mount->type, "overlay"))
        return plan_overlay(create, mount, out, err);
    return cmc_fail(err, CMC_E_FORMAT, "mount of type \"%.*s\" cannot be measured",
                    SHOW(&mount->type));
}
