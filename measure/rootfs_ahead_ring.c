/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead_ring.c -- which files are asked for next: a few windows ahead of the reader,
 * each in the order of the disk. */
#include <stdlib.h>
#include <string.h>

#include "measure/rootfs_ahead_parts.h"

enum { SOON = 2 }; /* windows ahead of the reader; later ones are filled */

static struct measure_ahead_window *window_of(struct measure_ahead_ring *r, uint64_t number)
{
    return &r->window[number % MEASURE_AHEAD_WINDOWS];
}

static const char *path_of(const struct measure_ahead_window *w, uint32_t place)
{
    return (const char *)w->text.data + place;
}

void measure_ahead_ring_init(struct measure_ahead_ring *r)
{
    for (size_t i = 0; i < MEASURE_AHEAD_WINDOWS; i++)
        r->window[i].text = cmc_buf_of(MEASURE_AHEAD_TEXT);
}

void measure_ahead_ring_done(struct measure_ahead_ring *r)
{
    for (size_t i = 0; i < MEASURE_AHEAD_WINDOWS; i++)
        cmc_buf_done(&r->window[i].text);
}

bool measure_ahead_ring_has_room(const struct measure_ahead_ring *r)
{
    return r->full < r->entered + MEASURE_AHEAD_WINDOWS - 1 &&
           r->window[r->full % MEASURE_AHEAD_WINDOWS].users == 0;
}

static void empty(struct measure_ahead_window *w)
{
    w->text.len = 0;
    w->text.bad = false;
    w->count = w->next = 0;
    w->bytes = 0;
}

void measure_ahead_ring_add(struct measure_ahead_ring *r, const char *dir, const char *name,
                            const struct measure_ahead_file *file)
{
    struct measure_ahead_window *w = window_of(r, r->full);
    if (!r->filling)
        empty(w);
    r->filling = true;
    const size_t place = w->text.len;
    if (*dir) {
        cmc_put(&w->text, dir, strlen(dir));
        cmc_put_u8(&w->text, '/');
    }
    cmc_put(&w->text, name, strlen(name) + 1);
    if (w->text.bad || w->text.len - place > PATH_MAX) {
        w->text.len = place;
        w->text.bad = false;
        return;
    }
    if (w->count == 0 || measure_ahead_order(path_of(w, (uint32_t)place), path_of(w, w->first)) < 0)
        w->first = (uint32_t)place;
    w->file[w->count] = *file;
    w->file[w->count++].path = (uint32_t)place;
    w->bytes += file->size < MEASURE_AHEAD_BYTES ? file->size : MEASURE_AHEAD_BYTES;
    if (w->count == MEASURE_AHEAD_FILES || w->bytes >= MEASURE_AHEAD_BYTES ||
        w->text.len > MEASURE_AHEAD_TEXT - PATH_MAX)
        measure_ahead_ring_close(r);
}

static int by_root_and_inode(const void *a, const void *b)
{
    const struct measure_ahead_file *x = a, *y = b;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

/* What the reader has entered, and what he has left. */
static void settle(struct measure_ahead_ring *r)
{
    for (; r->entered < r->full; r->entered++) {
        const struct measure_ahead_window *w = window_of(r, r->entered);
        if (measure_ahead_order(path_of(w, w->first), r->pos) > 0)
            break;
    }
    if (r->entered > 0 && r->turn < r->entered - 1)
        r->turn = r->entered - 1;
}

void measure_ahead_ring_close(struct measure_ahead_ring *r)
{
    struct measure_ahead_window *w = window_of(r, r->full);
    qsort(w->file, w->count, sizeof(w->file[0]), by_root_and_inode);
    r->full++;
    r->filling = false;
    settle(r);
}

bool measure_ahead_ring_move(struct measure_ahead_ring *r, const char *pos, size_t len)
{
    const uint64_t was = r->entered;
    if (len >= sizeof(r->pos))
        return false;
    memcpy(r->pos, pos, len);
    r->pos[len] = '\0';
    settle(r);
    return r->entered != was;
}

/* Ends a window that is not full, but will be needed before it is. */
static void close_early(struct measure_ahead_ring *r, bool last)
{
    const unsigned filled = r->filling ? window_of(r, r->full)->count : 0;
    const bool soon = last || (filled >= MEASURE_AHEAD_FEW && r->full < r->entered + SOON);
    if (filled > 0 && soon)
        measure_ahead_ring_close(r);
}

static size_t take_of(const struct measure_ahead_ring *r, struct measure_ahead_window *w,
                      const struct measure_ahead_file *file[static MEASURE_AHEAD_HANDFUL])
{
    size_t n = 0;
    while (w->next < w->count && n < MEASURE_AHEAD_HANDFUL) {
        const struct measure_ahead_file *f = &w->file[w->next++];
        if (measure_ahead_order(path_of(w, f->path), r->pos) > 0)
            file[n++] = f;
    }
    return n;
}

bool measure_ahead_ring_take(struct measure_ahead_ring *r, bool last,
                             struct measure_ahead_taken *out)
{
    for (;; r->turn++) {
        if (r->turn == r->full)
            close_early(r, last);
        if (r->turn == r->full)
            return false;
        out->window = window_of(r, r->turn);
        out->n = take_of(r, out->window, out->file);
        if (out->n > 0) {
            out->window->users++;
            return true;
        }
    }
}
