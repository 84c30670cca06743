/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_read.c -- reads a configuration as Go's encoding/json reads it into the types
 * of the specification (section 4 of docs/formats/cmc-config.md). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config_cmc_parts.h"
#include "measure/config_parts.h"
#include "measure/go_scan.h"

enum { PATH_BYTES_MAX = 200 };

struct reader {
    struct measure_go_scan scan;
    const struct measure_place *now; /* being read, for messages */
    struct measure_place *free;      /* the next free one */
    char *text;                      /* the next free byte */
    unsigned depth;
};

static int read_value(struct reader *r, struct measure_place *v);

static struct measure_place *append(struct reader *r, struct measure_place *in,
                                    const struct spec_member *m, bool element)
{
    struct measure_place *v = r->free++;
    measure_config_cmc_make(v, m, element);
    v->parent = in;
    *(in->last ? &in->last->next : &in->child) = v;
    in->last = v;
    return v;
}

/* Makes v ready for a value of kind, or refuses it; dropped values (NULL) take all. */
static int expect(const struct reader *r, struct measure_place *v, enum measure_place_kind kind)
{
    static const char *const names[] = {"a boolean", "an integer", "a number", "a string",
                                        "an array",  "an object",  "an object"};
    if (!v)
        return 0;
    if (v->any) {
        v->kind = kind;
        measure_config_cmc_forget(v);
    }
    if (v->kind != kind && !(v->kind == PLACE_STRUCT && kind == PLACE_MAP) &&
        !(v->kind == PLACE_INT && kind == PLACE_REAL))
        return measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "%s stands where %s belongs",
                                    names[kind], names[v->kind]);
    v->nil = false;
    return 0;
}

/* ---- scalars ---- */

/* Decodes a string to r->text, and leaves it to the caller to keep it there. */
static int read_text(struct reader *r, size_t *len)
{
    return measure_go_scan_string(&r->scan, r->text, len);
}

static const char *keep_text(struct reader *r, size_t len)
{
    const char *at = r->text;
    r->text += len + 1;
    return at;
}

static int read_string(struct reader *r, struct measure_place *v)
{
    size_t len = 0;
    int rc = expect(r, v, PLACE_TEXT);
    if (rc == 0)
        rc = read_text(r, &len);
    if (rc < 0 || !v)
        return rc;
    v->text = keep_text(r, len);
    v->text_len = len;
    return 0;
}

static uint64_t largest(enum spec_base base, bool minus)
{
    switch (base) {
    case SPEC_UINT16:
        return UINT16_MAX;
    case SPEC_UINT32:
        return UINT32_MAX;
    case SPEC_INT32:
        return (uint64_t)INT32_MAX + minus;
    case SPEC_INT64:
        return (uint64_t)INT64_MAX + minus;
    case SPEC_UINT64:
    case SPEC_STRING:
    case SPEC_BOOL:
    case SPEC_STRUCT:
    case SPEC_ANY:
        break;
    }
    return UINT64_MAX;
}

static int store_int(const struct reader *r, struct measure_place *v, size_t start)
{
    enum spec_base base = v->member->base;
    const struct measure_go_scan *s = &r->scan;
    bool minus = s->text[start] == '-', is_signed = base == SPEC_INT32 || base == SPEC_INT64;
    bool bad = minus && !is_signed; /* also -0 */
    uint64_t n = 0;
    for (size_t i = start + minus; i < s->at && !bad; i++)
        bad = s->text[i] < '0' || s->text[i] > '9' || __builtin_mul_overflow(n, (uint64_t)10, &n) ||
              __builtin_add_overflow(n, (uint64_t)(s->text[i] - '0'), &n);
    if (bad || n > largest(base, minus))
        return measure_go_scan_fail(s, CMC_E_FORMAT,
                                    "no integer, or one outside the range of the member's type");
    v->magnitude = n;
    v->negative = minus;
    return 0;
}

static int read_number(struct reader *r, struct measure_place *v)
{
    size_t start = r->scan.at;
    int rc = expect(r, v, PLACE_REAL);
    if (rc == 0)
        rc = measure_go_scan_number(&r->scan);
    if (rc < 0 || !v)
        return rc;
    if (!v->any)
        return store_int(r, v, start);
    v->real = strtod((const char *)r->scan.text + start, NULL); /* a NUL follows the text */
    if (isinf(v->real))
        return measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "number beyond the range of a double");
    return 0;
}

static int read_word(struct reader *r, struct measure_place *v)
{
    char first = 0;
    int rc = measure_go_scan_word(&r->scan, &first);
    if (rc < 0)
        return rc;
    if (first == 'n') {
        if (v && v->nilable)
            measure_config_cmc_forget(v);
        return 0;
    }
    rc = expect(r, v, PLACE_BOOL);
    if (rc == 0 && v)
        v->flag = first == 't';
    return rc;
}

/* ---- arrays and objects ---- */

/* The n-th element as an earlier reading left it, or a fresh one. before: the one in front. */
static struct measure_place *element_at(struct reader *r, struct measure_place *array,
                                        const struct measure_place *before)
{
    struct measure_place *v = before ? before->next : array->child;
    return v ? v : append(r, array, array->member, true);
}

static struct measure_place *set_member(struct reader *r, struct measure_place *in,
                                        const struct spec_member *m)
{
    for (struct measure_place *c = in->child; c; c = c->next)
        if (c->member == m)
            return c;
    struct measure_place *v = append(r, in, m, false);
    v->name = m->name;
    v->name_len = strlen(m->name);
    return v;
}

/* The place that a name in an object stands for; NULL: its value is dropped. The name is at
 * r->text. */
static struct measure_place *place_named(struct reader *r, struct measure_place *in, size_t len)
{
    if (!in)
        return NULL;
    if (in->kind == PLACE_MAP) {
        struct measure_place *v = append(r, in, in->member, true);
        v->name = keep_text(r, len);
        v->name_len = len;
        return v;
    }
    if (strlen(r->text) != len) /* holds a NUL, as no listed name does */
        return NULL;
    const struct spec_type *type = in->member->type;
    const struct spec_member *m = measure_config_listed(type, r->text);
    for (size_t i = 0; i < type->count && !m; i++)
        if (measure_config_compare_folded(type->members[i].name, r->text) == 0)
            m = &type->members[i];
    return m ? set_member(r, in, m) : NULL;
}

static int read_member(struct reader *r, struct measure_place *in)
{
    size_t len = 0;
    if (measure_go_scan_peek(&r->scan) != '"')
        return measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "expected a member name in quotes");
    int rc = read_text(r, &len);
    if (rc < 0)
        return rc;
    struct measure_place *v = place_named(r, in, len);
    if (measure_go_scan_peek(&r->scan) != ':')
        return measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "expected ':' behind a member name");
    r->scan.at++;
    return read_value(r, v);
}

/* The values up to the closing bracket, scan.at behind the opening one. */
static int read_children(struct reader *r, struct measure_place *v, int close, size_t *count)
{
    struct measure_place *element = NULL;
    if (measure_go_scan_peek(&r->scan) == close) {
        r->scan.at++;
        return 0;
    }
    for (;;) {
        if (v && close == ']')
            element = element_at(r, v, element);
        int rc = close == '}' ? read_member(r, v) : read_value(r, element);
        if (rc < 0)
            return rc;
        ++*count;
        int c = measure_go_scan_peek(&r->scan);
        if (c != ',' && c != close)
            return measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "expected ',' or '%c'", close);
        r->scan.at++;
        if (c == close)
            return 0;
    }
}

static int read_nested(struct reader *r, struct measure_place *v, int close)
{
    size_t count = 0;
    int rc = expect(r, v, close == ']' ? PLACE_ARRAY : PLACE_MAP);
    if (rc < 0)
        return rc;
    if (r->depth == CMC_JSON_DEPTH_MAX)
        return measure_go_scan_fail(&r->scan, CMC_E_LIMIT, "nested deeper than %d levels",
                                    CMC_JSON_DEPTH_MAX);
    r->depth++;
    r->scan.at++;
    rc = read_children(r, v, close, &count);
    r->depth--;
    if (rc < 0 || !v || close == '}')
        return rc;
    v->count = count;
    if (count == 0)
        v->child = v->last = NULL;
    return 0;
}

static int read_value(struct reader *r, struct measure_place *v)
{
    const struct measure_place *outside = r->now;
    int c = measure_go_scan_peek(&r->scan), rc;
    if (v)
        r->now = v;
    if (c < 0)
        rc = measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "the text ends where a value belongs");
    else if (c == '{' || c == '[')
        rc = read_nested(r, v, c == '{' ? '}' : ']');
    else if (c == '"')
        rc = read_string(r, v);
    else if (c == '-' || (c >= '0' && c <= '9'))
        rc = read_number(r, v);
    else
        rc = read_word(r, v);
    if (rc == 0)
        r->now = outside;
    return rc;
}

static int wrap_with_path(const struct reader *r)
{
    cmc_autobuf struct cmc_buf path = cmc_buf_of(PATH_BYTES_MAX);
    measure_config_cmc_put_path(&path, r->now);
    return cmc_wrap(r->scan.err, "%.*s", (int)path.len, (const char *)path.data);
}

static int read_document(struct reader *r, struct measure_place *root)
{
    int rc = read_value(r, root);
    if (rc == 0 && measure_go_scan_peek(&r->scan) >= 0)
        rc = measure_go_scan_fail(&r->scan, CMC_E_FORMAT, "more follows behind the document");
    return rc < 0 ? wrap_with_path(r) : 0;
}

int measure_config_cmc_read(const struct cmc_buf *text, const struct spec_member *top,
                            struct measure_places **out, struct cmc_err *err)
{
    struct measure_places *p = NULL;
    size_t n = cmc_json_count(text->data, text->len);
    if (n > CMC_JSON_VALUES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%zu values, at most %d", n, CMC_JSON_VALUES_MAX);
    int rc = measure_config_cmc_new(n, MEASURE_GO_STRING_GROWTH * text->len + 1, top, &p, err);
    if (rc < 0)
        return rc;
    struct reader r = {.scan = {.text = text->data, .len = text->len, .err = err},
                       .now = &p->root,
                       .free = p->rest,
                       .text = p->text};
    rc = read_document(&r, &p->root);
    if (rc < 0) {
        measure_config_cmc_free(p);
        return rc;
    }
    *out = p;
    return 0;
}
