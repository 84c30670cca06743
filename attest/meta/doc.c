/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/doc.c -- blocks of memory that are freed together. */
#include "attest/meta/doc.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) uint8_t data[];
};
struct owned {
    struct owned *next;
    struct cmc_json_doc *json;
};
struct meta_doc {
    struct block *block;
    size_t total; /* bytes of all blocks */
    struct owned *owned;
    const char *unknown[META_UNKNOWN_MAX + 1];
    size_t unknown_count;
};

struct meta_doc *meta_doc_new(void)
{
    return calloc(1, sizeof(struct meta_doc));
}

void meta_doc_free(struct meta_doc *d)
{
    if (!d)
        return;
    for (struct owned *o = d->owned; o; o = o->next) /* they lie in the blocks */
        cmc_json_free(o->json);
    for (struct block *b = d->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(d);
}

static struct block *add_block(struct meta_doc *d, size_t size)
{
    if (size < BLOCK)
        size = BLOCK;
    if (size > META_MEMORY_MAX - d->total)
        return NULL;
    struct block *b = calloc(1, sizeof(*b) + size);
    if (!b)
        return NULL;
    b->size = size;
    b->next = d->block;
    d->block = b;
    d->total += size;
    return b;
}

int meta_doc_alloc(struct meta_doc *d, size_t count, size_t size, void **out, struct cmc_err *err)
{
    const size_t align = alignof(max_align_t);
    size_t n;
    if (__builtin_mul_overflow(count, size, &n) || n > META_MEMORY_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d MiB of memory are needed",
                        META_MEMORY_MAX >> 20);
    n = n ? (n + align - 1) / align * align : align;
    struct block *b = d->block;
    if (!b || n > b->size - b->used)
        b = add_block(d, n);
    if (!b)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory, or more than %d MiB are needed",
                        META_MEMORY_MAX >> 20);
    *out = b->data + b->used;
    b->used += n;
    return 0;
}

int meta_doc_copy(struct meta_doc *d, const void *data, size_t len, char **out, struct cmc_err *err)
{
    void *copy = NULL;
    int rc = meta_doc_alloc(d, len + 1, 1, &copy, err);
    if (!copy)
        return rc;
    if (len)
        memcpy(copy, data, len);
    *out = copy;
    return 0;
}

int meta_doc_own(struct meta_doc *d, struct cmc_json_doc ***out, struct cmc_err *err)
{
    void *room = NULL;
    int rc = meta_doc_alloc(d, 1, sizeof(struct owned), &room, err);
    if (!room)
        return rc;
    struct owned *o = room;
    o->next = d->owned;
    d->owned = o;
    *out = &o->json;
    return 0;
}

int meta_doc_list(struct meta_doc *d, const char *path, struct cmc_err *err)
{
    char *copy = NULL;
    if (d->unknown_count > META_UNKNOWN_MAX)
        return 0;
    if (d->unknown_count == META_UNKNOWN_MAX)
        path = "and more";
    int rc = meta_doc_copy(d, path, strlen(path), &copy, err);
    if (rc == 0)
        d->unknown[d->unknown_count++] = copy;
    return rc;
}

const char *meta_doc_unknown(const struct meta_doc *d, size_t i)
{
    return d && i < d->unknown_count ? d->unknown[i] : NULL;
}
