/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_read.c -- reads a file once, skipping holes, into its fs-verity digest. */
#include "measure/rootfs_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TELL_ENTRIES = 1024, TELL_BYTES = 8 << 20, BLOCK = MEASURE_FSVERITY_BLOCK };

static int fail_cancelled(struct cmc_err *err)
{
    errno = ECANCELED;
    return cmc_fail(err, CMC_E_SYS, "cancelled");
}

static int tell(struct measure_meter *m, struct cmc_err *err)
{
    m->told_entries = m->entries;
    m->told_work = m->work;
    if (!m->opts->progress || m->opts->progress(m->opts->ctx, m->entries, m->work) >= 0)
        return 0;
    return fail_cancelled(err);
}

static void lock(const struct measure_meter *m)
{
    if (m->shared)
        (void)pthread_mutex_lock(&m->shared->lock);
}

static void unlock(const struct measure_meter *m)
{
    if (m->shared)
        (void)pthread_mutex_unlock(&m->shared->lock);
}

int measure_meter_entry(struct measure_meter *m, struct cmc_err *err)
{
    lock(m);
    m->entries++;
    const int r = m->entries - m->told_entries >= TELL_ENTRIES ? tell(m, err) : 0;
    unlock(m);
    return r;
}

int measure_meter_read(struct measure_meter *m, size_t bytes, struct cmc_err *err)
{
    if (m->shared && atomic_load_explicit(&m->shared->stop, memory_order_relaxed))
        return fail_cancelled(err);
    lock(m);
    m->work += bytes;
    const int r = m->work - m->told_work >= TELL_BYTES ? tell(m, err) : 0;
    unlock(m);
    return r;
}

void measure_meter_file(struct measure_meter *m, uint64_t size)
{
    m->files++;
    m->bytes += size;
}

bool measure_content_sparse(const struct statx *sx)
{
    return sx->stx_size > BLOCK && sx->stx_blocks < sx->stx_size / 512;
}

int measure_content_open(int fd, struct cmc_err *err)
{
    char magic[32]; /* opens the very object that fd stands for, whose type is known */
    (void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
    const int file = open(magic, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return file < 0 ? cmc_fail(err, CMC_E_SYS, "open by /proc/self/fd") : file;
}

/* The lease itself is of no use: all that counts is whether it is given. A writer who comes later
 * sets a ctime that is later than the stamp of the tree allows. */
bool measure_content_lease(struct measure_meter *m, int file)
{
    if (!m->opts->lease)
        return false;
    if (fcntl(file, F_SETLEASE, F_RDLCK) < 0) {
        atomic_store_explicit(&m->unleased, true, memory_order_relaxed);
        return false;
    }
    (void)fcntl(file, F_SETLEASE, F_UNLCK); /* a close would do it, too */
    return true;
}

int measure_content_target(int fd, char target[static PATH_MAX], size_t *len, struct cmc_err *err)
{
    const ssize_t n = readlinkat(fd, "", target, PATH_MAX);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read the link");
    if (n == 0 || n == PATH_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a target of %zd bytes", n);
    *len = (size_t)n;
    return 0;
}

/* Fills buf with want bytes from at, fewer only at the end of the file; with enough of them it does
 * not ask for more once a read(2) was short, which says that the end is there. */
static ssize_t read_full(int fd, uint8_t *buf, size_t want, size_t enough, uint64_t at)
{
    size_t have = 0;
    while (have < want && (have == 0 || have != enough)) {
        ssize_t n = pread(fd, buf + have, want - have, (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

int measure_content_range(int fd, uint64_t at, size_t len, uint8_t *buf, struct cmc_err *err)
{
    const ssize_t n = read_full(fd, buf, len, len, at);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read");
    if ((size_t)n < len)
        return cmc_fail(err, CMC_E_VERIFY, "changed: it shrank while it was read");
    return 0;
}

int measure_content_whole(int fd, size_t size, uint8_t *buf, struct cmc_err *err)
{
    /* Asks for a byte more: it shows what a size of 0 in a pseudo file system hides. */
    const ssize_t n = read_full(fd, buf, size + 1, size, 0);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read");
    if ((size_t)n != size)
        return cmc_fail(err, CMC_E_VERIFY, "changed: its size is not what was read");
    return 0;
}

static int read_range(struct measure_content *c, const struct measure_sink *sink, int fd,
                      uint64_t at, uint64_t to, struct cmc_err *err)
{
    while (at < to) {
        const size_t want = to - at < MEASURE_READ_SIZE ? (size_t)(to - at) : MEASURE_READ_SIZE;
        if (measure_content_range(fd, at, want, c->buf, err) < 0)
            return -(int)err->code;
        sink->add(sink->to, c->buf, want);
        if (measure_meter_read(c->meter, want, err) < 0)
            return -(int)err->code;
        at += want;
    }
    return 0;
}

/* The next data at or after at, widened to whole blocks; from = to = size when there is none. */
static int next_data(int fd, uint64_t at, uint64_t size, uint64_t *from, uint64_t *to,
                     struct cmc_err *err)
{
    const off_t data = lseek(fd, (off_t)at, SEEK_DATA);
    *from = *to = size;
    if (data < 0 && errno == ENXIO)
        return 0;
    if (data < 0 && errno == EINVAL) { /* a file system that does not know */
        *from = at;
        return 0;
    }
    const off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return cmc_fail(err, CMC_E_SYS, "look for holes");
    const uint64_t end = ((uint64_t)hole + BLOCK - 1) / BLOCK * BLOCK;
    *from = (uint64_t)data < size ? (uint64_t)data / BLOCK * BLOCK : size;
    *to = end < size ? end : size;
    return 0;
}

static int read_sparse(struct measure_content *c, const struct measure_sink *sink, int fd,
                       uint64_t size, struct cmc_err *err)
{
    for (uint64_t at = 0, from, to; at < size; at = to) {
        if (next_data(fd, at, size, &from, &to, err) < 0)
            return -(int)err->code;
        if (sink->zeros(sink->to, from - at, err) < 0 || read_range(c, sink, fd, from, to, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static int read_all(struct measure_content *c, const struct measure_sink *sink, int fd,
                    uint64_t size, struct cmc_err *err)
{
    if (size > MEASURE_READ_SIZE)
        return read_range(c, sink, fd, 0, size, err);
    if (measure_content_whole(fd, (size_t)size, c->buf, err) < 0)
        return -(int)err->code;
    sink->add(sink->to, c->buf, (size_t)size);
    return measure_meter_read(c->meter, (size_t)size, err);
}

int measure_content_read(struct measure_content *c, const struct measure_sink *sink, int fd,
                         uint64_t size, bool sparse, struct cmc_err *err)
{
    return (sparse ? read_sparse : read_all)(c, sink, fd, size, err);
}

static void add_blocks(void *to, const void *data, size_t len)
{
    measure_fsverity_add(to, data, len);
}

static int add_zero_blocks(void *to, uint64_t bytes, struct cmc_err *err)
{
    (void)err;
    measure_fsverity_add_zeros(to, (bytes + BLOCK - 1) / BLOCK);
    return 0;
}

int measure_content_digest(struct measure_content *c, int fd, uint64_t size, bool sparse,
                           uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    const struct measure_sink sink = {&c->tree, add_blocks, add_zero_blocks};
    measure_fsverity_start(&c->tree);
    if (measure_content_read(c, &sink, fd, size, sparse, err) < 0)
        return -(int)err->code;
    measure_fsverity_end(&c->tree, size, out);
    return 0;
}
