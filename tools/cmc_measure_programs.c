/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_programs.c -- program files are hashed once, then known by their metadata. */
#include "tools/cmc_measure_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "record/dir.h"

enum { STEP = 1 << 17, STALE_S = 10, SETTLED_NS = 100000000 };

static const char cache_name[] = "programs", new_name[] = "programs.new";
static const uint64_t program_max = 1ULL << 30;

static ssize_t read_retry(int fd, void *to, size_t len)
{
    ssize_t n;
    do
        n = read(fd, to, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static void load(struct cmc_measure_programs *p)
{
    uint8_t raw[CMC_MEASURE_CACHE_BYTES_MAX + 1];
    struct cmc_err why = {0}; /* the cache saves time and decides nothing: no fault is told */
    cmc_autofd int fd = record_dir_file(p->dir, cache_name, O_RDONLY, 0600, &why);
    ssize_t n = fd < 0 ? -1 : read_retry(fd, raw, sizeof(raw));
    if (n < 0 || cmc_measure_cache_parse(raw, (size_t)n, &p->cache, &why) < 0)
        p->cache.count = 0;
}

void cmc_measure_programs_open(const char *runtime_dir, struct cmc_measure_programs *out)
{
    struct cmc_err why = {0};
    memset(out, 0, sizeof(*out));
    out->dir = record_dir_open(runtime_dir, true, &why);
    if (out->dir >= 0)
        load(out);
}

/* A writer that died leaves its file: after a while the next one takes its place. */
static int create_new(int dir)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;
    int fd = openat(dir, new_name, flags, 0600);
    if (fd < 0 && errno == EEXIST && fstatat(dir, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        time(NULL) - st.st_mtim.tv_sec > STALE_S && unlinkat(dir, new_name, 0) == 0)
        fd = openat(dir, new_name, flags, 0600);
    return fd;
}

void cmc_measure_programs_close(struct cmc_measure_programs *p)
{
    cmc_autobuf struct cmc_buf raw = cmc_buf_of(CMC_MEASURE_CACHE_BYTES_MAX);
    cmc_autofd int dir = p->dir;
    p->dir = -1;
    cmc_autofd int fd = dir >= 0 && p->changed ? create_new(dir) : -1;
    if (fd < 0)
        return; /* nothing new, or another writer is at it: its cache is as good */
    cmc_measure_cache_put(&p->cache, &raw);
    if (raw.bad || write(fd, raw.data, raw.len) != (ssize_t)raw.len ||
        renameat(dir, new_name, dir, cache_name) < 0)
        (void)unlinkat(dir, new_name, 0);
}

static int64_t nanoseconds(int64_t s, int64_t ns)
{
    return s * 1000000000 + ns;
}

static int identify(int fd, const char *path, struct cmc_measure_file *out, struct cmc_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %.300s", path);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: not a regular file", path);
    if ((uint64_t)st.st_size > program_max)
        return cmc_fail(err, CMC_E_LIMIT, "%.300s: more than %llu bytes", path,
                        (unsigned long long)program_max);
    *out = (struct cmc_measure_file){
        .device = st.st_dev,
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .mtime_ns = nanoseconds(st.st_mtim.tv_sec, st.st_mtim.tv_nsec),
        .ctime_ns = nanoseconds(st.st_ctim.tv_sec, st.st_ctim.tv_nsec),
    };
    return 0;
}

/* A file that changed this very moment can change again and keep its times. */
static bool is_settled(const struct cmc_measure_file *f)
{
    struct timespec ts;
    if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
        return false;
    const int64_t limit = nanoseconds(ts.tv_sec, ts.tv_nsec) - SETTLED_NS;
    return f->mtime_ns < limit && f->ctime_ns < limit;
}

static int hash(int fd, const char *path, uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    cmc_autofree uint8_t *step = malloc(STEP);
    struct cmc_sha256_ctx c;
    ssize_t n;
    if (!step)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    cmc_sha256_init(&c);
    while ((n = read_retry(fd, step, STEP)) > 0)
        cmc_sha256_add(&c, step, (size_t)n);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read %.300s", path);
    cmc_sha256_end(&c, out);
    return 0;
}

static int digest(struct cmc_measure_programs *p, int fd, const char *path,
                  uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    struct cmc_measure_file before = {0}, after = {0};
    if (identify(fd, path, &before, err) < 0)
        return -(int)err->code;
    const uint8_t *known = cmc_measure_cache_find(&p->cache, &before);
    if (known) {
        memcpy(out, known, CMC_SHA256_LEN);
        return 0;
    }
    if (hash(fd, path, out, err) < 0 || identify(fd, path, &after, err) < 0)
        return -(int)err->code;
    if (memcmp(&before, &after, sizeof(before)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "%.300s: changed while it was read", path);
    if (is_settled(&before)) {
        cmc_measure_cache_add(&p->cache, &before, out);
        p->changed = true;
    }
    return 0;
}

/* Where a program is: its path, or for a link in /proc what it points to. */
static int name_program(const char *path, char out[static MEASURE_TEXT_MAX + 1],
                        struct cmc_err *err)
{
    ssize_t n = -1;
    if (strncmp(path, "/proc/", 6) == 0)
        n = readlink(path, out, MEASURE_TEXT_MAX + 1);
    else
        n = snprintf(out, MEASURE_TEXT_MAX + 1, "%s", path);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "readlink %.300s", path);
    if (n > MEASURE_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "path of %.100s: more than %d bytes", path,
                        MEASURE_TEXT_MAX);
    out[n] = '\0';
    return 0;
}

int cmc_measure_programs_add(struct cmc_measure_programs *p, const char *role, const char *path,
                             struct cmc_err *err)
{
    if (p->count == CMC_MEASURE_ROLES)
        return cmc_fail(err, CMC_E_USAGE, "more than %d programs", CMC_MEASURE_ROLES);
    struct measure_program *to = &p->list[p->count];
    /* O_NONBLOCK: a FIFO in the wrong place must not hang us */
    cmc_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "%s: open %.300s", role, path);
    if (name_program(path, p->path[p->count], err) < 0 || digest(p, fd, path, to->sha256, err) < 0)
        return cmc_wrap(err, "%s", role);
    to->role = role;
    to->path = p->path[p->count++];
    return 0;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

int cmc_measure_programs_find(const char *name, const char *path,
                              char out[static MEASURE_TEXT_MAX + 1], struct cmc_err *err)
{
    char full[MEASURE_TEXT_MAX + 1];
    if (name[0] == '/') {
        if (strlen(name) > MEASURE_TEXT_MAX)
            return cmc_fail(err, CMC_E_LIMIT, "%.100s...: more than %d bytes", name,
                            MEASURE_TEXT_MAX);
        memcpy(out, name, strlen(name) + 1);
        return 0;
    }
    if (strchr(name, '/'))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: give an absolute path, or a name to look up",
                        name);
    for (const char *at = path; *at; at += *at == ':') {
        const char *dir = at;
        at += strcspn(at, ":");
        int n = snprintf(full, sizeof(full), "%.*s/%s", (int)(at - dir), dir, name);
        if (*dir == '/' && n > 0 && (size_t)n < sizeof(full) && is_program(full)) {
            memcpy(out, full, (size_t)n + 1);
            return 0;
        }
    }
    errno = ENOENT;
    return cmc_fail(err, CMC_E_SYS, "%.100s: not found in %.300s", name, path);
}
