/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_diff.c -- what differs between two details, by member. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "measure/config_parts.h"

enum { PATH_MAX_BYTES = 1 << 16, STEP_CAP = 256, TEXT_MAX = CMC_JSON_BYTES_MAX + 64 };

struct walk {
    struct measure_config_change change;
    const struct cmc_json *env[2]; /* of either detail, or NULL */
};

static void walk_done(struct walk *w)
{
    cmc_buf_done(&w->change.path);
    cmc_buf_done(&w->change.before);
    cmc_buf_done(&w->change.after);
}

static const char *text_of(struct cmc_buf *b)
{
    cmc_put_u8(b, 0);
    return b->bad ? "(too long to show)" : (const char *)b->data;
}

void measure_config_report(struct measure_config_change *c)
{
    size_t len = c->path.len;
    const char *path = text_of(&c->path);
    if (c->path.bad) /* the comparison fails; a value without its name may be a secret */
        return;
    c->diff(c->ctx, *path == '.' ? path + 1 : path, c->before.len ? text_of(&c->before) : NULL,
            c->after.len ? text_of(&c->after) : NULL);
    c->path.len = len;
    c->before.len = c->after.len = 0;
}

/* Variables are secrets with rules of their own: no other difference shows them. */
static void put_value(const struct walk *w, struct cmc_buf *b, const struct cmc_json *node)
{
    bool first = true;
    if (node == w->env[0] || node == w->env[1]) {
        cmc_put_text(b, "[...]");
        return;
    }
    if (!(w->env[0] && node == w->env[0]->parent) && !(w->env[1] && node == w->env[1]->parent)) {
        cmc_put_json(b, node);
        return;
    }
    for (size_t i = 0; i < node->count; i++, first = false) {
        cmc_put_u8(b, first ? '{' : ',');
        cmc_put_json_text(b, node->sorted[i]->key, node->sorted[i]->key_len);
        cmc_put_u8(b, ':');
        put_value(w, b, node->sorted[i]);
    }
    cmc_put_u8(b, '}');
}

static void report_values(struct walk *w, const struct cmc_json *a, const struct cmc_json *b)
{
    if (a)
        put_value(w, &w->change.before, a);
    if (b)
        put_value(w, &w->change.after, b);
    measure_config_report(&w->change);
}

/* Of one type; arrays and objects are equal as far as this goes. */
static bool equal_scalars(const struct cmc_json *a, const struct cmc_json *b)
{
    if (a->type == CMC_JSON_STRING)
        return strcmp(a->text, b->text) == 0; /* texts hold no NUL */
    return a->negative == b->negative && a->magnitude == b->magnitude;
}

static void push_member(struct walk *w, const char *name)
{
    /* a document of one member writes its path as the real one does */
    const struct cmc_json top = {.type = CMC_JSON_OBJECT}, step = {.key = name, .parent = &top};
    char text[STEP_CAP];
    cmc_json_path(&step, text, sizeof(text));
    cmc_put_text(&w->change.path, text + 1);
}

static void compare_members(struct walk *w, const struct cmc_json *a, const struct cmc_json *b);
static void compare_elements(struct walk *w, const struct cmc_json *a, const struct cmc_json *b);

/* a or b may be NULL, not both. */
static void compare(struct walk *w, const struct cmc_json *a, const struct cmc_json *b)
{
    if (!a || !b || a->type != b->type || !equal_scalars(a, b))
        report_values(w, a, b);
    else if (a->type == CMC_JSON_OBJECT)
        compare_members(w, a, b);
    else if (a->type == CMC_JSON_ARRAY && a != w->env[0])
        compare_elements(w, a, b);
}

static const struct cmc_json *member_at(const struct cmc_json *object, size_t i)
{
    return i < object->count ? object->sorted[i] : NULL;
}

/* Which of two members comes first: below 0 a, above 0 b, 0 both. NULL comes last. */
static int order(const struct cmc_json *a, const struct cmc_json *b)
{
    return !a ? 1 : !b ? -1 : strcmp(a->key, b->key);
}

static void compare_members(struct walk *w, const struct cmc_json *a, const struct cmc_json *b)
{
    size_t len = w->change.path.len;
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        const struct cmc_json *x = member_at(a, i), *y = member_at(b, j);
        int way = order(x, y);
        x = way <= 0 ? x : NULL;
        y = way >= 0 ? y : NULL;
        const struct cmc_json *named = x ? x : y;
        assert(named);
        push_member(w, named->key);
        compare(w, x, y);
        w->change.path.len = len;
        i += x != NULL;
        j += y != NULL;
    }
}

static void compare_elements(struct walk *w, const struct cmc_json *a, const struct cmc_json *b)
{
    const struct cmc_json *x = a->child, *y = b->child;
    size_t len = w->change.path.len;
    for (size_t i = 0; x || y; i++) {
        cmc_put_fmt(&w->change.path, "[%zu]", i);
        compare(w, x, y);
        w->change.path.len = len;
        x = x ? x->next : NULL;
        y = y ? y->next : NULL;
    }
}

static int read_detail(const struct cmc_buf *text, struct cmc_json_doc **doc,
                       const struct cmc_json **root, const struct cmc_json **env,
                       struct cmc_err *err)
{
    int rc = cmc_json_parse((const char *)text->data, text->len, doc, root, err);
    return rc < 0 ? rc : measure_config_env(*root, env, err);
}

int measure_config_diff(const struct cmc_buf *a, const struct cmc_buf *b,
                        measure_config_diff_fn *diff, void *ctx, struct cmc_err *err)
{
    CMC_CLEANUP(walk_done)
    struct walk w = {.change = {.path = cmc_buf_of(PATH_MAX_BYTES),
                                .before = cmc_buf_of(TEXT_MAX),
                                .after = cmc_buf_of(TEXT_MAX),
                                .diff = diff,
                                .ctx = ctx}};
    cmc_autojson struct cmc_json_doc *a_doc = NULL;
    cmc_autojson struct cmc_json_doc *b_doc = NULL;
    const struct cmc_json *x, *y;

    if (read_detail(a, &a_doc, &x, &w.env[0], err) < 0)
        return cmc_wrap(err, "first configuration detail");
    if (read_detail(b, &b_doc, &y, &w.env[1], err) < 0)
        return cmc_wrap(err, "second configuration detail");
    compare(&w, x, y);
    cmc_put_text(&w.change.path, "process.env");
    if (measure_config_env_diff(&w.change, w.env[0], w.env[1], err) < 0)
        return cmc_wrap(err, "compare configuration details");
    if (w.change.path.bad || w.change.before.bad || w.change.after.bad)
        return cmc_fail(err, CMC_E_LIMIT, "a difference of two details is too long to show");
    return 0;
}
