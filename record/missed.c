/* SPDX-License-Identifier: Apache-2.0 */
/* record/missed.c -- one line per event that was not recorded. */
#include "record/missed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/missed.h"
#include "record/dir.h"

/* Writers that could not wait for the lock may pass the limit by a line each: what is too long to
 * be read would be as if nothing were missing. */
enum { READ_MAX = 2 * CMC_MISSED_BYTES_MAX, MODE = 0600 };

/* The recorder's lock may be what could not be had, so this file has its own, held for two calls.
 */
static int open_locked(int dirfd, int flags)
{
    struct cmc_err ignored;
    cmc_autofd int fd = record_dir_file(dirfd, "missed", flags, MODE, &ignored);
    return fd >= 0 && flock(fd, LOCK_EX) == 0 ? cmc_take_fd(&fd) : -1;
}

/* Whoever wrote the file: what is no UTF-8 can be no event. */
static char plain(char c)
{
    return (char)(c >= ' ' && c <= '~' ? c : '?');
}

void record_missed_note(int dirfd, const struct measure_event *ev, const struct cmc_err *why)
{
    cmc_autofd int fd = open_locked(dirfd, O_RDWR | O_APPEND | O_CREAT);
    cmc_missed_append(fd, ev->ns, ev->container, measure_event_name(ev->type), why->msg);
}

/* Copies the text up to the byte stop or the end of the line, and steps behind it. */
static void take(struct cmc_reader *r, char stop, char *out, size_t cap)
{
    size_t n = 0;
    while (r->left && *r->p != '\n') {
        const char c = (char)cmc_read_u8(r);
        if (c == stop)
            break;
        if (n + 1 < cap)
            out[n++] = plain(c);
    }
    out[n] = 0;
}

void record_missed_read(int dirfd, struct record_missed *out)
{
    struct cmc_err ignored;
    cmc_autofd int fd = open_locked(dirfd, O_RDONLY);
    *out = (struct record_missed){0};
    if (fd < 0 || record_dir_read(fd, READ_MAX, "missed", &out->text, &ignored) < 0)
        return;
    const struct cmc_buf *b = &out->text;
    for (size_t i = 0; i < b->len; i++)
        out->count += b->data[i] == '\n' || i + 1 == b->len; /* the last may be torn */
}

bool record_missed_next(struct record_missed *m)
{
    if (m->at == m->text.len)
        return false;
    struct cmc_reader r = cmc_reader_of(m->text.data + m->at, m->text.len - m->at);
    take(&r, '\t', m->ns, sizeof(m->ns));
    take(&r, '\t', m->container, sizeof(m->container));
    take(&r, '\n', m->what, sizeof(m->what));
    (void)cmc_read_u8(&r); /* the end of the line, unless it is torn */
    m->at = m->text.len - r.left;
    return true;
}

void record_missed_clear(int dirfd, const struct record_missed *m)
{
    struct stat st;
    cmc_autofd int fd = open_locked(dirfd, O_RDWR);
    if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size == m->text.len)
        (void)!ftruncate(fd, 0);
}

void record_missed_done(struct record_missed *m)
{
    cmc_buf_done(&m->text);
}
