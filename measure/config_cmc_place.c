/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_place.c -- places, as Go's variables are: what they hold before and after. */
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config_cmc_parts.h"

enum { NAME_SHOWN_MAX = 60, KEPT_MAX = CMC_JSON_BYTES_MAX };

struct measure_kept {
    struct measure_kept *next;
    char text[];
};

void measure_config_cmc_forget(struct measure_place *in)
{
    if (!in)
        return;
    in->nil = in->nilable;
    in->flag = in->negative = false;
    in->magnitude = 0;
    if (in->kind == PLACE_TEXT)
        in->text = "";
    in->text_len = 0;
    in->child = in->last = NULL;
}

static enum measure_place_kind kind_of(const struct spec_member *m, bool element)
{
    if (!element && m->shape != SPEC_ONE)
        return m->shape == SPEC_ARRAY ? PLACE_ARRAY : PLACE_MAP;
    switch (m->base) {
    case SPEC_STRING:
        return PLACE_TEXT;
    case SPEC_STRUCT:
        return PLACE_STRUCT;
    case SPEC_BOOL:
    case SPEC_ANY: /* until it has a value */
        return PLACE_BOOL;
    case SPEC_UINT16:
    case SPEC_UINT32:
    case SPEC_UINT64:
    case SPEC_INT32:
    case SPEC_INT64:
        break;
    }
    return PLACE_INT;
}

void measure_config_cmc_make(struct measure_place *v, const struct spec_member *m, bool element)
{
    *v = (struct measure_place){.kind = kind_of(m, element), .member = m};
    v->any = (element || m->shape == SPEC_ONE) && m->base == SPEC_ANY;
    v->nilable = v->any || v->kind == PLACE_ARRAY || v->kind == PLACE_MAP ||
                 (!element && (m->go & SPEC_POINTER));
    measure_config_cmc_forget(v);
}

int measure_config_cmc_new(size_t count, size_t text_bytes, const struct spec_member *top,
                           struct measure_places **out, struct cmc_err *err)
{
    struct measure_places *p =
        malloc(sizeof(*p) + count * (sizeof(struct measure_place) + sizeof(void *)) + text_bytes);
    if (!p)
        return cmc_fail(err, CMC_E_LIMIT, "%zu values: out of memory", count);
    p->kept = NULL;
    p->kept_bytes = 0;
    p->order = (void **)(p->rest + count);
    p->text = (char *)(p->order + count);
    measure_config_cmc_make(&p->root, top, false);
    *out = p;
    return 0;
}

void measure_config_cmc_free(struct measure_places *p)
{
    while (p && p->kept) {
        struct measure_kept *next = p->kept->next;
        free(p->kept);
        p->kept = next;
    }
    free(p);
}

int measure_config_cmc_keep(struct measure_places *p, const char *text, size_t len,
                            const char **out, struct cmc_err *err)
{
    if (len > KEPT_MAX - p->kept_bytes)
        return cmc_fail(err, CMC_E_LIMIT, "resolved paths and sources of more than %d bytes",
                        KEPT_MAX);
    struct measure_kept *k = malloc(sizeof(*k) + len + 1);
    if (!k)
        return cmc_fail(err, CMC_E_LIMIT, "text of %zu bytes: out of memory", len);
    memcpy(k->text, text, len);
    k->text[len] = '\0';
    k->next = p->kept;
    p->kept = k;
    p->kept_bytes += len;
    *out = k->text;
    return 0;
}

void measure_config_cmc_put_path(struct cmc_buf *b, const struct measure_place *v)
{
    if (!v->parent) {
        cmc_put_u8(b, '$');
        return;
    }
    measure_config_cmc_put_path(b, v->parent);
    if (v->name) {
        cmc_put_u8(b, '.');
        cmc_put_safe(b, v->name, v->name_len, NAME_SHOWN_MAX);
        return;
    }
    size_t i = 0;
    for (const struct measure_place *e = v->parent->child; e && e != v; e = e->next)
        i++;
    cmc_put_fmt(b, "[%zu]", i);
}
