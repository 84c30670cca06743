/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents_dir.c -- who is used longest ago goes first. */
#include "tools/cmc_measure_contents_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "record/dir.h"

enum { MODE = 0600 };

static const char in_work[] = "new";

int cmc_measure_contents_dir_open(const char *runtime_dir, bool make)
{
    char path[PATH_MAX];
    struct cmc_err ignored;
    (void)snprintf(path, sizeof(path), "%s/cache/layers", runtime_dir);
    const int dir = record_dir_open(path, make, &ignored);
    return dir < 0 ? -1 : dir;
}

int cmc_measure_contents_dir_read(int dir, const char *name)
{
    struct cmc_err ignored;
    const int fd = record_dir_file(dir, name, O_RDONLY, MODE, &ignored);
    return fd < 0 ? -1 : fd;
}

void cmc_measure_contents_dir_drop(int dir)
{
    (void)unlinkat(dir, in_work, 0);
}

int cmc_measure_contents_dir_new(int dir)
{
    cmc_measure_contents_dir_drop(dir); /* of a writer that died */
    return openat(dir, in_work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
}

static bool is_name(const char *name)
{
    return strlen(name) == CMC_MEASURE_CONTENTS_NAME - 1 &&
           strspn(name, "0123456789abcdef") == CMC_MEASURE_CONTENTS_NAME - 1;
}

struct files {
    size_t count;
    int64_t bytes;
    struct timespec used; /* when oldest was */
    char oldest[CMC_MEASURE_CONTENTS_NAME];
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* What is not ours goes at once. */
static void count_one(int dir, const char *name, struct files *f)
{
    struct stat st;
    if (!is_name(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        (void)unlinkat(dir, name, 0);
        return;
    }
    if (f->count++ == 0 || is_before(&st.st_mtim, &f->used)) {
        f->used = st.st_mtim;
        memcpy(f->oldest, name, sizeof(f->oldest));
    }
    f->bytes += st.st_size;
}

static void close_dir(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

/* All files but the one at hand, and the one that it replaces. */
static bool count(int dir, const char *replaced, struct files *out)
{
    *out = (struct files){.count = 0};
    cmc_autofd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CMC_CLEANUP(close_dir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d)
        return false;
    (void)cmc_take_fd(&fd);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strcmp(e->d_name, in_work) != 0 && strcmp(e->d_name, replaced) != 0)
            count_one(dir, e->d_name, out);
    return true;
}

static bool make_room(int dir, const char *name, int64_t bytes)
{
    struct files f;
    while (count(dir, name, &f)) {
        if (f.count < CMC_MEASURE_CONTENTS_FILES && f.bytes + bytes <= CMC_MEASURE_CONTENTS_QUOTA)
            return true;
        if (f.count == 0 || unlinkat(dir, f.oldest, 0) < 0)
            return false;
    }
    return false;
}

bool cmc_measure_contents_dir_keep(int dir, int fd, const char *name)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && make_room(dir, name, st.st_size) &&
        renameat(dir, in_work, dir, name) == 0)
        return true;
    cmc_measure_contents_dir_drop(dir);
    return false;
}
