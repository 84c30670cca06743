/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/claims.c -- grows the tree of claims that a result is made of. */
#include "attest/verify/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum { BLOCK_BYTES = 16 << 10, ALIGN = 16 };

struct block { /* of the arena */
    struct block *before;
    _Alignas(ALIGN) unsigned char data[];
};
struct node { /* a claim that knows where the next child goes */
    struct verify_claim claim;
    struct node *last; /* child */
};
struct verify_tree {
    struct block *block;
    size_t used, size; /* of the present block */
    size_t total;
    bool bad;
    struct node root;  /* its children are the claims at the top */
    struct node spill; /* takes what does not fit */
};

struct verify_tree *verify_tree_new(void)
{
    return calloc(1, sizeof(struct verify_tree));
}

void verify_tree_free(struct verify_tree *t)
{
    while (t && t->block) {
        struct block *b = t->block;
        t->block = b->before;
        free(b);
    }
    free(t);
}

int verify_tree_check(const struct verify_tree *t, struct cmc_err *err)
{
    return t->bad ? cmc_fail(err, CMC_E_LIMIT, "result: out of memory, or above %d bytes",
                             VERIFY_TREE_BYTES_MAX)
                  : 0;
}

static bool grow(struct verify_tree *t, size_t need)
{
    const size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    if (size > VERIFY_TREE_BYTES_MAX - t->total)
        return false;
    struct block *b = calloc(1, sizeof(*b) + size);
    if (!b)
        return false;
    b->before = t->block;
    t->block = b;
    t->used = 0;
    t->size = size;
    t->total += size;
    return true;
}

void *verify_tree_alloc(struct verify_tree *t, size_t count, size_t size)
{
    size_t need = 0;
    if (t->bad || __builtin_mul_overflow(count, size, &need) || need > VERIFY_TREE_BYTES_MAX) {
        t->bad = true;
        return NULL;
    }
    need = (need + ALIGN - 1) / ALIGN * ALIGN;
    if ((!t->block || need > t->size - t->used) && !grow(t, need)) {
        t->bad = true;
        return NULL;
    }
    void *p = t->block->data + t->used;
    t->used += need;
    return p;
}

/* cmc_put_safe() would double the backslash of what it made before: an error's text may quote. */
static void put_clean(struct cmc_buf *b, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        const char *slash = memchr(text + at, '\\', len - at);
        const size_t run = slash ? (size_t)(slash - (text + at)) : len - at;
        cmc_put_safe(b, text + at, run, VERIFY_TEXT_MAX);
        if (slash)
            cmc_put_u8(b, '\\');
        at += run + (slash ? 1 : 0);
    }
}

static const char *keep(struct verify_tree *t, const char *text, size_t len)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of((size_t)4 * VERIFY_TEXT_MAX + 16);
    struct cmc_err err = {0};
    put_clean(&b, text, len < VERIFY_TEXT_MAX ? len : VERIFY_TEXT_MAX);
    if (len > VERIFY_TEXT_MAX)
        cmc_put_text(&b, "...");
    char *p = cmc_buf_check(&b, "text", &err) < 0 ? NULL : verify_tree_alloc(t, b.len + 1, 1);
    if (!p) {
        t->bad = true;
        return "";
    }
    if (b.len)
        memcpy(p, b.data, b.len);
    return p;
}

const char *verify_tree_text(struct verify_tree *t, const char *text)
{
    return text ? keep(t, text, strlen(text)) : NULL;
}

static const char *CMC_PRINTF(2, 0) format(struct verify_tree *t, const char *fmt, va_list ap)
{
    char text[VERIFY_TEXT_MAX + 2]; /* one byte more than the limit shows that it was cut */
    const int n = vsnprintf(text, sizeof(text), fmt, ap);
    return n < 0 ? "" : keep(t, text, strlen(text));
}

const char *verify_tree_fmt(struct verify_tree *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(t, fmt, ap);
    va_end(ap);
    return text;
}

const char *verify_tree_hex(struct verify_tree *t, const void *data, size_t len)
{
    char *p = verify_tree_alloc(t, 2 * len + 1, 1);
    if (!p)
        return "";
    cmc_hex(data, len, p);
    return p;
}

static struct verify_claim *add(struct verify_tree *t, struct verify_claim *parent,
                                enum verify_status status, const char *id, const char *text)
{
    struct node *up = parent ? (struct node *)parent : &t->root;
    struct node *n = verify_tree_alloc(t, 1, sizeof(*n));
    if (!n) {
        t->spill = (struct node){0};
        return &t->spill.claim;
    }
    n->claim = (struct verify_claim){.status = status, .id = id, .text = text};
    if (up->last)
        up->last->claim.next = &n->claim;
    else
        up->claim.child = &n->claim;
    up->last = n;
    return &n->claim;
}

struct verify_claim *verify_claim_add(struct verify_tree *t, struct verify_claim *parent,
                                      enum verify_status status, const char *id, const char *fmt,
                                      ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(t, fmt, ap);
    va_end(ap);
    return add(t, parent, status, id, text);
}

static enum verify_status status_of(int result)
{
    switch (-result) {
    case 0:
        return VERIFY_GOOD;
    case CMC_E_VERIFY:
    case CMC_E_FORMAT:
    case CMC_E_LIMIT:
        return VERIFY_BAD;
    default:
        return VERIFY_UNCHECKED;
    }
}

enum verify_status verify_claim_result(struct verify_tree *t, struct verify_claim *parent,
                                       const char *id, int result, const struct cmc_err *err,
                                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(t, fmt, ap);
    va_end(ap);
    if (result < 0)
        text = verify_tree_fmt(t, "%s: %s", text, err->msg);
    (void)add(t, parent, status_of(result), id, text);
    return status_of(result);
}

const struct verify_claim *verify_claim_top(const struct verify_tree *t)
{
    return t->root.claim.child;
}

enum verify_status verify_claim_worst(const struct verify_claim *c)
{
    enum verify_status worst = VERIFY_NOTE; /* nothing yet */
    for (const struct verify_claim *k = c->child; k; k = k->next) {
        if (k->status == VERIFY_BAD)
            return VERIFY_BAD;
        if (k->status == VERIFY_UNCHECKED || (k->status == VERIFY_GOOD && worst == VERIFY_NOTE))
            worst = k->status;
    }
    return worst == VERIFY_NOTE ? VERIFY_UNCHECKED : worst;
}

const struct verify_claim *verify_claim_first(const struct verify_claim *c,
                                              enum verify_status status)
{
    for (; c; c = c->next) {
        const struct verify_claim *below = verify_claim_first(c->child, status);
        if (below)
            return below;
        if (c->status == status)
            return c;
    }
    return NULL;
}
