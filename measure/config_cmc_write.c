/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_write.c -- writes places as Go's encoder and RFC 8785 together write them
 * (sections 7 and 8 of docs/formats/cmc-config.md). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "measure/config_cmc_parts.h"
#include "measure/jcs.h"

enum { MEMBERS_MAX = 32 };

static const uint64_t exact_max = (uint64_t)1 << 53; /* all integers up to here are doubles */

struct writer {
    struct cmc_buf *b;
    void **order;                    /* free pointers */
    bool detail;                     /* for the strict reader: no number that it refuses */
    const struct measure_place *env; /* then written as entries of a detail; or NULL */
};

struct entry {
    const struct spec_member *member;
    const struct measure_place *place; /* NULL: never set */
};

static void put_place(struct writer *w, const struct measure_place *v);
static void put_struct(struct writer *w, const struct spec_type *type,
                       const struct measure_place *v);

static bool left_out(const struct spec_member *m, const struct measure_place *v)
{
    if (m->go & SPEC_ALWAYS)
        return false;
    if (!v || v->nil)
        return true;
    if ((m->go & SPEC_POINTER) || v->any)
        return false;
    switch (v->kind) {
    case PLACE_BOOL:
        return !v->flag;
    case PLACE_INT:
        return v->magnitude == 0;
    case PLACE_TEXT:
        return v->text_len == 0;
    case PLACE_ARRAY:
        return v->count == 0;
    case PLACE_MAP:
        return !v->child;
    case PLACE_REAL:
    case PLACE_STRUCT:
        break;
    }
    return false;
}

/* A member that is always written and was never set. */
static void put_zero(struct writer *w, const struct spec_member *m)
{
    if (m->shape != SPEC_ONE || (m->go & SPEC_POINTER))
        cmc_put_text(w->b, "null");
    else if (m->base == SPEC_STRUCT)
        put_struct(w, m->type, NULL);
    else
        cmc_put_text(w->b, m->base == SPEC_STRING ? "\"\"" : m->base == SPEC_BOOL ? "false" : "0");
}

static const struct measure_place *set_place(const struct measure_place *in,
                                             const struct spec_member *m)
{
    const struct measure_place *c = in ? in->child : NULL;
    while (c && c->member != m)
        c = c->next;
    return c;
}

/* Keeps entries in the order of their names, which are ASCII. */
static void insert(struct entry *entries, size_t n, const struct entry *new)
{
    for (; n > 0 && strcmp(entries[n - 1].member->name, new->member->name) > 0; n--)
        entries[n] = entries[n - 1];
    entries[n] = *new;
}

/* v may be NULL: a struct that was never set. */
static void put_struct(struct writer *w, const struct spec_type *type,
                       const struct measure_place *v)
{
    struct entry entries[MEMBERS_MAX];
    size_t n = 0;
    assert(type->count <= MEMBERS_MAX);
    for (size_t i = 0; i < type->count; i++) {
        const struct entry e = {&type->members[i], set_place(v, &type->members[i])};
        if (!left_out(e.member, e.place))
            insert(entries, n++, &e);
    }
    cmc_put_u8(w->b, '{');
    for (size_t i = 0; i < n; i++) {
        cmc_put_fmt(w->b, "%s\"%s\":", i ? "," : "", entries[i].member->name);
        if (entries[i].place)
            put_place(w, entries[i].place);
        else
            put_zero(w, entries[i].member);
    }
    cmc_put_u8(w->b, '}');
}

static int order_of(const struct measure_place *x, const struct measure_place *y)
{
    return measure_jcs_order(x->name, x->name_len, y->name, y->name_len);
}

/* Of equal names the one that was read last comes last: places lie in the order of the text. */
static int by_name(const void *a, const void *b)
{
    const struct measure_place *x = *(void *const *)a, *y = *(void *const *)b;
    int way = order_of(x, y);
    return way ? way : (x > y) - (x < y);
}

static void put_map(struct writer *w, const struct measure_place *v)
{
    void **sorted = w->order;
    bool first = true;
    size_t n = 0;
    for (struct measure_place *c = v->child; c; c = c->next)
        sorted[n++] = c;
    qsort(sorted, n, sizeof(*sorted), by_name);
    w->order += n;
    cmc_put_u8(w->b, '{');
    for (size_t i = 0; i < n; i++) {
        const struct measure_place *c = sorted[i];
        if (i + 1 < n && order_of(c, sorted[i + 1]) == 0)
            continue; /* the last one counts */
        if (!first)
            cmc_put_u8(w->b, ',');
        first = false;
        cmc_put_json_text(w->b, c->name, c->name_len);
        cmc_put_u8(w->b, ':');
        put_place(w, c);
    }
    cmc_put_u8(w->b, '}');
    w->order -= n;
}

/* As measure/config_detail.c writes a variable. */
static void put_entry(struct writer *w, const struct measure_place *v)
{
    const char *equal = memchr(v->text, '=', v->text_len);
    size_t name_len = equal ? (size_t)(equal - v->text) : v->text_len;
    cmc_put_text(w->b, "{\"name\":");
    cmc_put_json_text(w->b, v->text, name_len);
    if (equal) {
        cmc_put_text(w->b, ",\"value\":");
        cmc_put_json_text(w->b, equal + 1, v->text_len - name_len - 1);
    }
    cmc_put_u8(w->b, '}');
}

static void put_array(struct writer *w, const struct measure_place *v)
{
    const struct measure_place *c = v->child;
    cmc_put_u8(w->b, '[');
    for (size_t i = 0; i < v->count; i++, c = c->next) {
        if (i)
            cmc_put_u8(w->b, ',');
        if (v == w->env && c->kind == PLACE_TEXT && !c->nil)
            put_entry(w, c);
        else
            put_place(w, c);
    }
    cmc_put_u8(w->b, ']');
}

static void put_int(struct cmc_buf *b, const struct measure_place *v)
{
    if (v->magnitude > exact_max)
        measure_jcs_put_number(b, v->negative ? -(double)v->magnitude : (double)v->magnitude);
    else
        cmc_put_fmt(b, "%s%" PRIu64, v->negative && v->magnitude ? "-" : "", v->magnitude);
}

/* Whether the strict reader takes what is written for v: -2^63 is written as what lies below it. */
static bool strict_number(double v)
{
    static const double two53 = 9007199254740992.0, two63 = 9223372036854775808.0;
    double size = v < 0 ? -v : v;
    if (size >= (v < 0 ? two63 : 2 * two63))
        return false;
    return size >= two53 || (double)(int64_t)v == v;
}

static void put_real(const struct writer *w, double v)
{
    const char *quote = w->detail && !strict_number(v) ? "\"" : "";
    cmc_put_text(w->b, quote);
    measure_jcs_put_number(w->b, v);
    cmc_put_text(w->b, quote);
}

static void put_place(struct writer *w, const struct measure_place *v)
{
    if (v->nil) {
        cmc_put_text(w->b, "null");
        return;
    }
    switch (v->kind) {
    case PLACE_BOOL:
        cmc_put_text(w->b, v->flag ? "true" : "false");
        return;
    case PLACE_INT:
        put_int(w->b, v);
        return;
    case PLACE_REAL:
        put_real(w, v->real);
        return;
    case PLACE_TEXT:
        cmc_put_json_text(w->b, v->text, v->text_len);
        return;
    case PLACE_ARRAY:
        put_array(w, v);
        return;
    case PLACE_MAP:
        put_map(w, v);
        return;
    case PLACE_STRUCT:
        put_struct(w, v->member->type, v);
        return;
    }
}

void measure_config_cmc_put(struct cmc_buf *b, const struct measure_places *p)
{
    struct writer w = {.b = b, .order = p->order};
    put_place(&w, &p->root);
}

void measure_config_cmc_put_detail(struct cmc_buf *b, const struct measure_places *p)
{
    const struct measure_place *env =
        measure_config_cmc_member(measure_config_cmc_member(&p->root, "process"), "env");
    struct writer w = {.b = b,
                       .order = p->order,
                       .detail = true,
                       .env = env && env->kind == PLACE_ARRAY ? env : NULL};
    put_place(&w, &p->root);
}
