/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict_claims.c -- the tree of claims: what holds and is long is folded. */
#include <string.h>

#include "tools/cmcctl_verdict_parts.h"

enum {
    SHOWN_WHOLE = 16, /* a claim that rests on no more than so many is shown with all of them */
    SIBLINGS = 6,     /* of a longer one, so many at most that hold are shown side by side */
    DEPTH_MAX = 24,
    MEANINGS = 64,
    TEXT_MAX = 2048,
    WORDS_WIDTH = 92
};

struct tree {
    const struct ctl_pen *pen;
    bool explain, more[DEPTH_MAX]; /* a sibling follows, for each level */
    size_t folded;
    const char *told[MEANINGS]; /* meanings that were said: each is said once */
};

static size_t count(const struct verify_claim *first)
{
    size_t n = 0;
    for (const struct verify_claim *c = first; c; c = c->next)
        n += 1 + count(c->child);
    return n;
}

/* Neither it nor anything below it asks for attention. */
static bool holds(const struct verify_claim *c)
{
    if (c->status == VERIFY_BAD || c->status == VERIFY_UNCHECKED)
        return false;
    for (const struct verify_claim *child = c->child; child; child = child->next)
        if (!holds(child))
            return false;
    return true;
}

/* The lines left of a claim at this depth; title: of its first line, else of those below. */
static void put_branch(const struct tree *t, size_t depth, bool title)
{
    static const char *const utf8[] = {"   ", "│  ", "└─ ", "├─ "}, *const ascii[] = {"   ", "|  ",
                                                                                      "`- ", "|- "};
    for (size_t i = 1; i <= depth && i < DEPTH_MAX; i++) {
        const size_t which = (title && i == depth ? 2U : 0U) + (t->more[i] ? 1U : 0U);
        cmcctl_pen_text(t->pen, CTL_FAINT, t->pen->utf8 ? utf8[which] : ascii[which]);
    }
}

/* What the claim means, or NULL when that was said before. */
static const char *tell(struct tree *t, const struct verify_claim *c)
{
    const char *words = cmcctl_verdict_meaning(c->id);
    for (size_t i = 0; words && i < MEANINGS; i++) {
        if (t->told[i] == words)
            return NULL;
        if (!t->told[i]) {
            t->told[i] = words;
            break;
        }
    }
    return words;
}

/* In lines of their own. */
static void put_meaning(struct tree *t, const struct verify_claim *c, size_t depth)
{
    const char *words = tell(t, c);
    struct tree below = *t;
    below.more[depth + 1 < DEPTH_MAX ? depth + 1 : depth] = c->child != NULL;
    while (words && *words) {
        size_t len = strlen(words);
        if (len > WORDS_WIDTH) {
            const char *cut = memrchr(words, ' ', WORDS_WIDTH);
            len = cut ? (size_t)(cut - words) : len;
        }
        put_branch(&below, depth + 1, false);
        cmc_put(t->pen->out, words, len);
        cmc_put_u8(t->pen->out, '\n');
        words += len;
        words += *words == ' ';
    }
}

/* hidden: how many claims below it are not shown. */
static void put_line(struct tree *t, const struct verify_claim *c, size_t depth, size_t hidden)
{
    put_branch(t, depth, true);
    cmcctl_pen_mark(t->pen, c->status);
    cmc_put_u8(t->pen->out, ' ');
    (void)cmcctl_pen_safe(t->pen, c->text, TEXT_MAX);
    if (hidden)
        cmc_put_fmt(t->pen->out, " (+%zu)", hidden);
    cmc_put_u8(t->pen->out, '\n');
    t->folded += hidden;
    if (t->explain)
        put_meaning(t, c, depth);
}

static void put_folded(struct tree *t, size_t depth, size_t hidden)
{
    t->more[depth] = false;
    put_branch(t, depth, true);
    cmcctl_pen_mark(t->pen, VERIFY_GOOD);
    cmc_put_fmt(t->pen->out, " %zu more hold\n", hidden);
    t->folded += hidden;
}

static size_t count_quiet(const struct verify_claim *first)
{
    size_t n = 0;
    for (const struct verify_claim *c = first; c; c = c->next)
        n += holds(c);
    return n;
}

static const struct verify_claim *next_shown(const struct verify_claim *c, bool fold)
{
    while (c && fold && holds(c))
        c = c->next;
    return c;
}

/* Those that hold, and all below them. */
static size_t count_folded(const struct verify_claim *first)
{
    size_t n = 0;
    for (const struct verify_claim *c = first; c; c = c->next)
        n += holds(c) ? 1 + count(c->child) : 0;
    return n;
}

/* What is below the claim is not shown. */
static bool is_closed(const struct verify_claim *c, size_t depth)
{
    return holds(c) && (depth > 0 || count_quiet(c->child) > SIBLINGS);
}

/* The claims from first on, at this depth below their parent; all: nothing is folded. */
static void put_level(struct tree *t, const struct verify_claim *first, size_t depth, bool all)
{
    const bool fold = !all && depth > 0 && count_quiet(first) > SIBLINGS;
    const size_t hidden = fold ? count_folded(first) : 0;
    if (depth >= DEPTH_MAX)
        return;
    for (const struct verify_claim *c = next_shown(first, fold), *next; c; c = next) {
        const bool whole = all || (depth == 0 && count(c->child) <= SHOWN_WHOLE);
        const bool closed = !whole && is_closed(c, depth);
        next = next_shown(c->next, fold);
        t->more[depth] = next || hidden;
        put_line(t, c, depth, closed ? count(c->child) : 0);
        if (!closed)
            put_level(t, c->child, depth + 1, whole);
    }
    if (hidden)
        put_folded(t, depth, hidden);
}

size_t cmcctl_verdict_claims(const struct ctl_pen *p, const struct verify_claim *first,
                             bool explain)
{
    struct tree t = {.pen = p, .explain = explain};
    put_level(&t, first, 0, explain);
    return t.folded;
}
