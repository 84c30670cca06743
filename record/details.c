/* SPDX-License-Identifier: Apache-2.0 */
/* record/details.c -- what digests stand for: one file each, whole or absent. */
#include "record/details.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "record/dir.h"

enum {
    DETAIL_MAX = 256 << 20, /* bytes of one */
    FILES_MAX = 1 << 20,    /* in the directory */
    MODE = 0640,
    NAME_CAP = RECORD_DETAILS_NAME,
    TEMP_AGE_S = 3600 /* what a dead writer left */
};
static const char temp_prefix[] = ".new-";

static int make_name(const char *kind, const uint8_t digest[static CMC_SHA256_LEN],
                     char out[static NAME_CAP], struct cmc_err *err)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    const size_t n = strspn(kind, "abcdefghijklmnopqrstuvwxyz");
    if (n == 0 || n > 16 || kind[n])
        return cmc_fail(err, CMC_E_USAGE, "detail: kind %.20s", kind);
    cmc_hex(digest, CMC_SHA256_LEN, hex);
    (void)snprintf(out, NAME_CAP, "%s-%s", kind, hex);
    return 0;
}

struct stored {
    char name[NAME_CAP];
    uint64_t size;
    struct timespec mtime;
};
struct stored_list {
    struct stored *file;
    size_t count, cap;
    uint64_t bytes;
};

static void stored_done(struct stored_list *l)
{
    free(l->file);
}

static int add(struct stored_list *l, const char *name, const struct stat *st, struct cmc_err *err)
{
    if (l->count == l->cap) {
        const size_t cap = l->cap ? l->cap * 2 : 64;
        struct stored *more = cap > FILES_MAX ? NULL : reallocarray(l->file, cap, sizeof(*more));
        if (!more)
            return cmc_fail(err, CMC_E_LIMIT, "details: %zu files", l->count);
        l->file = more;
        l->cap = cap;
    }
    struct stored *s = &l->file[l->count++];
    *s = (struct stored){.size = (uint64_t)st->st_size, .mtime = st->st_mtim};
    memcpy(s->name, name, strlen(name) + 1);
    l->bytes += s->size;
    return 0;
}

static void closedir_p(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static int list(int dirfd, struct stored_list *l, struct cmc_err *err)
{
    struct stat st;
    const time_t now = time(NULL);
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CMC_CLEANUP(closedir_p) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        cmc_closep(&fd);
        return cmc_fail(err, CMC_E_SYS, "list details");
    }
    for (struct dirent *e; (e = readdir(d));) { /* NOLINT(concurrency-mt-unsafe): our own DIR */
        if (strlen(e->d_name) >= NAME_CAP ||
            fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (strncmp(e->d_name, temp_prefix, strlen(temp_prefix)) == 0 &&
            now - st.st_mtime > TEMP_AGE_S) {
            (void)unlinkat(dirfd, e->d_name, 0);
            continue;
        }
        if (add(l, e->d_name, &st, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;
    if (x->mtime.tv_sec != y->mtime.tv_sec)
        return x->mtime.tv_sec < y->mtime.tv_sec ? -1 : 1;
    if (x->mtime.tv_nsec != y->mtime.tv_nsec)
        return x->mtime.tv_nsec < y->mtime.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int make_room(int dirfd, uint64_t len, uint64_t quota, struct cmc_err *err)
{
    CMC_CLEANUP(stored_done) struct stored_list l = {0};
    if (len > quota)
        return cmc_fail(err, CMC_E_LIMIT, "detail: %llu bytes, details_quota is %llu",
                        (unsigned long long)len, (unsigned long long)quota);
    if (list(dirfd, &l, err) < 0)
        return -(int)err->code;
    if (l.bytes <= quota - len)
        return 0;
    qsort(l.file, l.count, sizeof(l.file[0]), by_age);
    for (size_t i = 0; i < l.count && l.bytes > quota - len; i++) {
        if (unlinkat(dirfd, l.file[i].name, 0) < 0 && errno != ENOENT)
            return cmc_fail(err, CMC_E_SYS, "remove old detail %s", l.file[i].name);
        l.bytes -= l.file[i].size;
    }
    return 0;
}

static int open_new(struct record_details_writer *w, struct cmc_err *err)
{
    uint8_t random[8];
    char hex[2 * sizeof(random) + 1];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return cmc_fail(err, CMC_E_SYS, "getrandom");
    cmc_hex(random, sizeof(random), hex);
    (void)snprintf(w->temp, sizeof(w->temp), "%s%s", temp_prefix, hex);
    w->fd = record_dir_file(w->dir, w->temp, O_WRONLY | O_CREAT | O_EXCL, MODE, err);
    return w->fd < 0 ? -(int)err->code : 0;
}

/* 1: there, whole, and now the youngest; 0: to be written */
static int is_stored(int dirfd, const char *name, uint64_t len, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = record_dir_file(dirfd, name, O_RDONLY, MODE, err);
    if (fd < 0)
        return err->code == CMC_E_SYS && err->sys_errno == ENOENT ? 0 : -(int)err->code;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %s", name);
    if ((uint64_t)st.st_size != len)
        return 0;
    (void)futimens(fd, NULL);
    return 1;
}

static int start(struct record_details_writer *w, uint64_t quota, struct cmc_err *err)
{
    struct cmc_err why = {0}; /* that it is not there is no error */
    const int rc = is_stored(w->dir, w->name, w->left, &why);
    if (rc < 0)
        *err = why;
    if (rc != 0)
        return rc;
    if (make_room(w->dir, w->left, quota, err) < 0 || open_new(w, err) < 0)
        return -(int)err->code;
    return 0;
}

int record_details_start(const char *dir, const struct record_detail *d, uint64_t quota,
                         struct record_details_writer *w, struct cmc_err *err)
{
    *w = (struct record_details_writer){.dir = -1, .fd = -1, .left = d->len};
    if (make_name(d->kind, d->digest, w->name, err) < 0)
        return -(int)err->code;
    if (d->len > DETAIL_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "detail %s: %llu bytes, at most %d", w->name,
                        (unsigned long long)d->len, DETAIL_MAX);
    w->dir = record_dir_open(dir, true, err);
    if (w->dir < 0)
        return -(int)err->code;
    const int rc = start(w, quota, err);
    if (rc != 0)
        record_details_drop(w);
    return rc < 0 ? cmc_wrap(err, "%s", dir) : rc;
}

int record_details_add(struct record_details_writer *w, const void *data, size_t len,
                       struct cmc_err *err)
{
    const uint8_t *p = data;
    if (len > w->left)
        return cmc_fail(err, CMC_E_LIMIT, "detail: longer than was said");
    w->left -= len;
    while (len > 0) {
        const ssize_t n = write(w->fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "write detail");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int record_details_end(struct record_details_writer *w, struct cmc_err *err)
{
    if (w->left)
        return cmc_fail(err, CMC_E_LIMIT, "detail: shorter than was said");
    if (fdatasync(w->fd) < 0)
        return cmc_fail(err, CMC_E_SYS, "sync detail");
    if (renameat(w->dir, w->temp, w->dir, w->name) < 0)
        return cmc_fail(err, CMC_E_SYS, "rename detail %s", w->name);
    cmc_closep(&w->fd); /* it has its name */
    return fsync(w->dir) < 0 ? cmc_fail(err, CMC_E_SYS, "sync details") : 0;
}

void record_details_drop(struct record_details_writer *w)
{
    if (w->fd >= 0)
        (void)unlinkat(w->dir, w->temp, 0);
    cmc_closep(&w->fd);
    cmc_closep(&w->dir);
}

/* NOLINTNEXTLINE(readability-function-size): seven things that have nothing else in common */
int record_details_put(const char *dir, const char *kind,
                       const uint8_t digest[static CMC_SHA256_LEN], const void *data, size_t len,
                       uint64_t quota, struct cmc_err *err)
{
    CMC_CLEANUP(record_details_drop) struct record_details_writer w;
    const int rc =
        record_details_start(dir, &(struct record_detail){kind, digest, len}, quota, &w, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (record_details_add(&w, data, len, err) < 0 || record_details_end(&w, err) < 0)
        return cmc_wrap(err, "%s", dir);
    return 0;
}

int record_details_get(const char *dir, const char *kind,
                       const uint8_t digest[static CMC_SHA256_LEN], struct cmc_buf *out,
                       struct cmc_err *err)
{
    char name[NAME_CAP];
    struct cmc_err why = {0};
    if (make_name(kind, digest, name, err) < 0)
        return -(int)err->code;
    cmc_autofd int dirfd = record_dir_open(dir, false, &why);
    cmc_autofd int fd = dirfd < 0 ? -1 : record_dir_file(dirfd, name, O_RDONLY, MODE, &why);
    if (fd < 0 && why.code == CMC_E_SYS && why.sys_errno == ENOENT)
        return 0;
    if (fd < 0) {
        *err = why;
        return cmc_wrap(err, "%s", dir);
    }
    return record_dir_read(fd, DETAIL_MAX, name, out, err) < 0 ? cmc_wrap(err, "%s", dir) : 1;
}

bool record_details_has(const char *dir, const char *kind,
                        const uint8_t digest[static CMC_SHA256_LEN])
{
    char name[NAME_CAP];
    struct cmc_err ignored;
    if (make_name(kind, digest, name, &ignored) < 0)
        return false;
    cmc_autofd int dirfd = record_dir_open(dir, false, &ignored);
    cmc_autofd int fd = dirfd < 0 ? -1 : record_dir_file(dirfd, name, O_RDONLY, MODE, &ignored);
    return fd >= 0;
}
