/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_env_diff.c -- what differs between two environments: the n-th variable of a name
 * against the n-th of the same name. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "measure/config_parts.h"

enum { NAME_SHOWN = 200, DIGITS_SHOWN = 16 };

struct variable {
    struct measure_config_entry e;
    size_t at;    /* in the array */
    size_t nth;   /* among those of its name, from 1 */
    size_t other; /* the place of its partner */
    bool paired;
};

struct variables {
    struct variable *v; /* owned, by name and nth */
    size_t count;
};

static void variables_done(struct variables *l)
{
    free(l->v);
}

static int compare_names(const struct variable *a, const struct variable *b)
{
    if (a->e.name && b->e.name)
        return strcmp(a->e.name, b->e.name);
    return (a->e.name != NULL) - (b->e.name != NULL);
}

static int by_name(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;
    int way = compare_names(x, y);
    return way ? way : (x->nth > y->nth) - (x->nth < y->nth);
}

static int by_place(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static int list_variables(const struct cmc_json *env, struct variables *out, struct cmc_err *err)
{
    size_t n = 0, count = env ? env->count : 0;
    struct variable *v = out->v = calloc(count + 1, sizeof(*v));
    if (!v)
        return cmc_fail(err, CMC_E_LIMIT, "%zu variables: out of memory", count);
    for (const struct cmc_json *c = count ? env->child : NULL; c; c = c->next, n++) {
        v[n].at = v[n].nth = n; /* until they are counted, the order of places will do */
        int rc = measure_config_entry(c, &v[n].e, err);
        if (rc < 0)
            return rc;
    }
    qsort(v, n, sizeof(*v), by_name);
    for (size_t i = 0; i < n; i++)
        v[i].nth = i && compare_names(&v[i - 1], &v[i]) == 0 ? v[i - 1].nth + 1 : 1;
    out->count = n;
    return 0;
}

static void put_name(struct cmc_buf *b, const struct variable *v)
{
    if (v->e.name)
        cmc_put_safe(b, v->e.name, v->e.name_len, NAME_SHOWN);
    else
        cmc_put_text(b, "null");
}

/* Callers judge by the name whether a value is a secret: none goes with a name that is cut. */
static void put_value(struct cmc_buf *b, const struct variable *v)
{
    if (v->e.value && v->e.name_len > NAME_SHOWN)
        cmc_put_text(b, "not shown");
    else if (v->e.value)
        cmc_put_json_text(b, v->e.value, v->e.value_len);
    else if (v->e.commitment)
        cmc_put_fmt(b, "withheld (%.*s)", DIGITS_SHOWN, v->e.commitment);
    else
        cmc_put_text(b, "no value");
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* a or b may be NULL, not both. */
static void compare_variable(struct measure_config_change *c, const struct variable *a,
                             const struct variable *b)
{
    const struct variable *v = a ? a : b;
    size_t len = c->path.len;
    assert(v);
    if (a && b && same(a->e.value, b->e.value) && same(a->e.commitment, b->e.commitment))
        return;
    cmc_put_u8(&c->path, ' ');
    put_name(&c->path, v);
    if (v->nth > 1)
        cmc_put_fmt(&c->path, " #%zu", v->nth);
    if (a)
        put_value(&c->before, a);
    if (b)
        put_value(&c->after, b);
    measure_config_report(c);
    c->path.len = len;
}

/* Which of two variables comes first: below 0 a, above 0 b, 0 both. NULL comes last. */
static int order(const struct variable *a, const struct variable *b)
{
    return !a ? 1 : !b ? -1 : by_name(a, b);
}

static void compare_variables(struct measure_config_change *c, struct variables *a,
                              const struct variables *b)
{
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        struct variable *x = i < a->count ? &a->v[i] : NULL;
        const struct variable *y = j < b->count ? &b->v[j] : NULL;
        int way = order(x, y);
        x = way <= 0 ? x : NULL;
        y = way >= 0 ? y : NULL;
        if (x && y) {
            x->paired = true;
            x->other = y->at;
        }
        compare_variable(c, x, y);
        i += x != NULL;
        j += y != NULL;
    }
}

static void put_order(struct cmc_buf *b, const struct variable *first, const struct variable *then)
{
    put_name(b, first);
    cmc_put_text(b, " before ");
    put_name(b, then);
}

/* Of two equal names the last one counts, and programs see the order: name one pair that turned. */
static void compare_order(struct measure_config_change *c, struct variables *a)
{
    const struct variable *last = NULL;
    qsort(a->v, a->count, sizeof(a->v[0]), by_place);
    for (size_t i = 0; i < a->count; i++) {
        const struct variable *v = &a->v[i];
        if (!v->paired)
            continue;
        if (last && v->other < last->other) {
            put_order(&c->before, last, v);
            put_order(&c->after, v, last);
            measure_config_report(c);
            return;
        }
        last = v;
    }
}

int measure_config_env_diff(struct measure_config_change *c, const struct cmc_json *a,
                            const struct cmc_json *b, struct cmc_err *err)
{
    CMC_CLEANUP(variables_done) struct variables x = {0};
    CMC_CLEANUP(variables_done) struct variables y = {0};
    int rc = list_variables(a, &x, err);
    if (rc == 0)
        rc = list_variables(b, &y, err);
    if (rc < 0)
        return rc;
    compare_variables(c, &x, &y);
    compare_order(c, &x);
    return 0;
}
