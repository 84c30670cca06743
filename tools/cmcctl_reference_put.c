/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference_put.c -- references, gathered one by one, as the manifest that is signed.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/cmcctl_reference.h"

enum { PROPERTIES = 3, TIME_LEN = 32, DAY = 86400 };

/* What a component points to. */
struct parts {
    struct meta_hash hash;
    struct meta_property property[PROPERTIES];
    uint8_t digest[CMC_HASH_MAX];
    char text[]; /* name, description, index, program */
};

static const char *hash_name(uint16_t alg)
{
    static const struct {
        uint16_t alg;
        const char *name;
    } names[] = {{CMC_ALG_SHA1, "SHA-1"},
                 {CMC_ALG_SHA256, "SHA-256"},
                 {CMC_ALG_SHA384, "SHA-384"},
                 {CMC_ALG_SHA512, "SHA-512"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].alg == alg)
            return names[i].name;
    return NULL;
}

/* Copies text, which may be NULL, to *at, which is moved behind it. */
static const char *put_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    const size_t len = strlen(text) + 1;
    char *copy = memcpy(*at, text, len);
    *at += len;
    return copy;
}

static size_t text_len(const struct ctl_reference *one)
{
    return strlen(one->name) + 1 + (one->description ? strlen(one->description) + 1 : 0) +
           (one->index ? strlen(one->index) + 1 : 0) +
           (one->program ? strlen(one->program) + 1 : 0);
}

static size_t fill_properties(struct parts *p, char **at, const struct ctl_reference *one)
{
    size_t n = 0;
    p->property[n++] = (struct meta_property){"cmc.ta", "TPM"};
    if (one->index)
        p->property[n++] = (struct meta_property){"cmc.index", put_text(at, one->index)};
    if (one->program)
        p->property[n++] = (struct meta_property){"cmc.program", put_text(at, one->program)};
    return n;
}

static int make_room(struct ctl_references *all, struct cmc_err *err)
{
    if (all->count == CTL_REFERENCES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d references", CTL_REFERENCES_MAX);
    if (all->count < all->cap)
        return 0;
    const size_t cap = all->cap ? 2 * all->cap : 64;
    void *more = reallocarray(all->component, cap, sizeof(*all->component));
    if (!more)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    all->component = more;
    all->cap = cap;
    return 0;
}

int cmcctl_references_add(struct ctl_references *all, const struct ctl_reference *one,
                          struct cmc_err *err)
{
    if (make_room(all, err) < 0)
        return -(int)err->code;
    struct parts *p = calloc(1, sizeof(*p) + text_len(one));
    if (!p)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    char *at = p->text;
    memcpy(p->digest, one->digest, cmc_hash_size(one->alg));
    p->hash.alg = hash_name(one->alg);
    p->hash.content = (struct meta_bytes){.data = p->digest, .len = cmc_hash_size(one->alg)};
    struct meta_component *c = &all->component[all->count++];
    *c = (struct meta_component){
        .type = one->type, .hash = &p->hash, .hash_count = 1, .optional = one->optional};
    c->name = put_text(&at, one->name);
    c->description = put_text(&at, one->description);
    c->property = p->property;
    c->property_count = fill_properties(p, &at, one);
    return 0;
}

void cmcctl_references_done(struct ctl_references *all)
{
    for (size_t i = 0; i < all->count; i++) {
        /* the hash is the first member of what is owned */
        union {
            const struct meta_hash *hash;
            void *parts;
        } owned = {.hash = all->component[i].hash};
        free(owned.parts);
    }
    free(all->component);
    *all = (struct ctl_references){0};
}

static int put_time(int64_t when, char out[static TIME_LEN], struct cmc_err *err)
{
    const time_t t = when;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return cmc_fail(err, CMC_E_USAGE, "%lld s after 1970 is no time", (long long)when);
    return 0;
}

int cmcctl_references_put(const struct ctl_references *all, const struct ctl_reference_options *o,
                          int64_t now, struct cmc_buf *out, struct cmc_err *err)
{
    char begin[TIME_LEN], end[TIME_LEN];
    const char *const base[] = {o->base ? o->base : o->name}; /* a root builds on itself */
    if (put_time(now, begin, err) < 0 || put_time(now + (int64_t)o->days * DAY, end, err) < 0)
        return -(int)err->code;
    const struct meta_item item = {
        .kind = META_MANIFEST,
        .info = {.type = "Manifest",
                 .name = o->name,
                 .version = begin,
                 .description = o->description,
                 .not_before = begin,
                 .not_after = end},
        .manifest = {.component = all->component,
                     .component_count = all->count,
                     .spec_version = "1.7",
                     .developer = o->developer,
                     .base_layers = {.at = base, .count = 1},
                     .cert_level = (int64_t)o->level},
    };
    return meta_item_encode(&item, strcmp(o->format, "cbor") == 0 ? META_CBOR : META_JSON, out,
                            err);
}
