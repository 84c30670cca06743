/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_path.c -- finding members, and saying where a node is. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

const struct cmc_json *cmc_json_member(const struct cmc_json *obj, const char *name)
{
    size_t low = 0, high = obj && obj->type == CMC_JSON_OBJECT ? obj->count : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int way = strcmp(obj->sorted[mid]->key, name); /* keys hold no NUL */
        if (way == 0)
            return obj->sorted[mid];
        if (way < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const char *cmc_json_text(const struct cmc_json *obj, const char *name)
{
    const struct cmc_json *m = cmc_json_member(obj, name);
    return m && m->type == CMC_JSON_STRING ? m->text : NULL;
}

/* Appends to a text of at most cap bytes; what does not fit is cut. */
struct line {
    char *at;
    size_t left;
};

static void CMC_PRINTF(2, 3) add(struct line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(l->at, l->left, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n < l->left ? (size_t)n : l->left - 1;
    l->at += used;
    l->left -= used;
}

static bool plain(const char *key)
{
    static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return *key && key[strspn(key, set)] == '\0';
}

/* Names come from whoever wrote the document: nothing of them may steer a terminal. */
static void add_key(struct line *l, const char *key)
{
    if (plain(key)) {
        add(l, ".%s", key);
        return;
    }
    add(l, "[\"");
    for (; *key && l->left > 1; key++) {
        unsigned c = (unsigned char)*key;
        if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"')
            add(l, "%c", (int)c);
        else
            add(l, "\\x%02x", c);
    }
    add(l, "\"]");
}

static void add_index(struct line *l, const struct cmc_json *node)
{
    size_t i = 0;
    for (const struct cmc_json *c = node->parent->child; c && c != node; c = c->next)
        i++;
    add(l, "[%zu]", i);
}

void cmc_json_path(const struct cmc_json *node, char *out, size_t cap)
{
    const struct cmc_json *chain[CMC_JSON_DEPTH_MAX + 1];
    struct line l;
    size_t n = 0;

    if (cap == 0)
        return;
    l.at = out;
    l.left = cap;
    for (; node && node->parent && n < CMC_JSON_DEPTH_MAX + 1; node = node->parent)
        chain[n++] = node;
    add(&l, "$");
    while (n-- > 0)
        if (chain[n]->key)
            add_key(&l, chain[n]->key);
        else
            add_index(&l, chain[n]);
}
