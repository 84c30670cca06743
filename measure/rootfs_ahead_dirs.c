/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead_dirs.c -- a heap of directories, by the order in which a reader meets them.
 */
#include <stdlib.h>
#include <string.h>

#include "measure/rootfs_ahead_parts.h"

static unsigned rank(char c)
{
    const unsigned char byte = (unsigned char)c;
    return byte == '/' ? 0 : byte; /* no name has a byte of 0: it ends the path */
}

int measure_ahead_order(const char *a, const char *b)
{
    for (; *a && *a == *b; b++)
        a++;
    if (!*a || !*b)
        return (*a != 0) - (*b != 0);
    return (int)rank(*a) - (int)rank(*b);
}

bool measure_ahead_is_past(const char *dir, const char *pos)
{
    const size_t len = strlen(dir);
    const bool beneath =
        len == 0 || (strncmp(dir, pos, len) == 0 && (pos[len] == '/' || pos[len] == '\0'));
    return !beneath && measure_ahead_order(dir, pos) < 0;
}

static bool is_before(const struct measure_ahead_dir *a, const struct measure_ahead_dir *b)
{
    const int order = measure_ahead_order(a->path, b->path);
    return order < 0 || (order == 0 && a->root < b->root);
}

static void swap(struct measure_ahead_dir *a, struct measure_ahead_dir *b)
{
    const struct measure_ahead_dir was = *a;
    *a = *b;
    *b = was;
}

static bool make_room(struct measure_ahead_dirs *d)
{
    if (d->count < d->cap)
        return true;
    if (d->cap == MEASURE_AHEAD_DIRS)
        return false;
    const size_t cap = d->cap ? d->cap * 2 : 64;
    struct measure_ahead_dir *heap = reallocarray(d->heap, cap, sizeof(*heap));
    if (!heap)
        return false;
    d->heap = heap;
    d->cap = cap;
    return true;
}

bool measure_ahead_dirs_add(struct measure_ahead_dirs *d, uint32_t root, const char *path)
{
    const size_t size = strlen(path) + 1;
    if (size > PATH_MAX || d->text + size > MEASURE_AHEAD_DIRS_TEXT || !make_room(d))
        return false;
    char *copy = strdup(path);
    if (!copy)
        return false;
    size_t i = d->count++;
    d->heap[i] = (struct measure_ahead_dir){copy, root};
    d->text += size;
    for (size_t up; i > 0 && is_before(&d->heap[i], &d->heap[up = (i - 1) / 2]); i = up)
        swap(&d->heap[i], &d->heap[up]);
    return true;
}

/* The least of i and its two children. */
static size_t least(const struct measure_ahead_dirs *d, size_t i)
{
    size_t found = i;
    for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < d->count; k++)
        if (is_before(&d->heap[k], &d->heap[found]))
            found = k;
    return found;
}

bool measure_ahead_dirs_take(struct measure_ahead_dirs *d, struct measure_ahead_dir *out)
{
    if (d->count == 0)
        return false;
    *out = d->heap[0];
    d->text -= strlen(out->path) + 1;
    d->heap[0] = d->heap[--d->count];
    for (size_t i = 0, next; (next = least(d, i)) != i; i = next)
        swap(&d->heap[i], &d->heap[next]);
    return true;
}

void measure_ahead_dirs_done(struct measure_ahead_dirs *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->heap[i].path);
    free(d->heap);
    *d = (struct measure_ahead_dirs){.heap = NULL};
}
