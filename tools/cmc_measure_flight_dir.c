/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight_dir.c -- the lock is the file's own: the kernel frees it when its holder
 * dies. */
#include "tools/cmc_measure_flight_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/hex.h"
#include "record/boot.h"
#include "record/dir.h"

enum { MODE = 0600, READ_TRIES = 3, LOCK_TRIES = 10, PAUSE_MS = 20 };

uint64_t cmc_measure_flight_now_ms(void)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int cmc_measure_flight_find(const struct cmc_measure_flight *f, bool make,
                            struct cmc_measure_flight_place *out, struct cmc_err *err)
{
    struct cmc_measure_flight_place p;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/flights", f->runtime_dir);
    cmc_autofd int dir = record_dir_open(path, make, err);
    if (dir < 0 || cmc_measure_flight_key(f, p.key, err) < 0 || record_boot_id(p.boot, err) < 0)
        return -(int)err->code;
    cmc_hex(p.key, sizeof(p.key), p.name);
    p.dir = cmc_take_fd(&dir);
    *out = p;
    return 0;
}

int cmc_measure_flight_open(const struct cmc_measure_flight_place *p)
{
    struct cmc_err ignored;
    int fd = record_dir_file(p->dir, p->name, O_RDONLY, MODE, &ignored);
    return fd < 0 ? -1 : fd;
}

static bool is_current(const struct cmc_measure_flight_file *f,
                       const struct cmc_measure_flight_place *p)
{
    const uint64_t now = cmc_measure_flight_now_ms();
    return memcmp(f->boot, p->boot, sizeof(f->boot)) == 0 && f->written_ms <= now &&
           now - f->written_ms <= CMC_MEASURE_FLIGHT_AGE_MS;
}

static void pause_shortly(void)
{
    const struct timespec t = {.tv_nsec = PAUSE_MS * 1000000L};
    (void)nanosleep(&t, NULL);
}

static bool read_once(int fd, const struct cmc_measure_flight_place *p,
                      struct cmc_measure_flight_file *out)
{
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES + 1];
    struct cmc_measure_flight_file f;
    struct cmc_err ignored;
    ssize_t n = pread(fd, data, sizeof(data), 0);
    if (n < 0 || cmc_measure_flight_file_parse(data, (size_t)n, &f, &ignored) < 0 ||
        !is_current(&f, p))
        return false;
    *out = f;
    return true;
}

/* Its holder may be writing: what is torn is read again. */
bool cmc_measure_flight_read(int fd, const struct cmc_measure_flight_place *p,
                             struct cmc_measure_flight_file *out)
{
    struct cmc_measure_flight_file f;
    for (int i = 0; i < READ_TRIES; i++) {
        if (read_once(fd, p, &f)) {
            if (memcmp(f.key, p->key, sizeof(f.key)) != 0)
                return false;
            *out = f;
            return true;
        }
        if (!cmc_measure_flight_is_held(fd))
            return false;
        pause_shortly();
    }
    return false;
}

bool cmc_measure_flight_is_held(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return true;
    (void)flock(fd, LOCK_UN);
    return false;
}

/* Returns 1 when the file stays. Locked while it is judged: who holds it must not lose it. */
static size_t clear_one(const struct cmc_measure_flight_place *p, const char *name)
{
    struct cmc_measure_flight_file f;
    struct cmc_err ignored;
    cmc_autofd int fd = record_dir_file(p->dir, name, O_RDONLY, MODE, &ignored);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        return 1;
    if (fd >= 0 && read_once(fd, p, &f))
        return 1;
    (void)unlinkat(p->dir, name, 0);
    return 0;
}

/* Returns how many files are left. */
static size_t clear(const struct cmc_measure_flight_place *p)
{
    size_t left = 0;
    int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d)
        cmc_closep(&fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            left += clear_one(p, e->d_name);
    if (d)
        (void)closedir(d);
    return d ? left : SIZE_MAX;
}

/* One at a time clears and claims; a process that was stopped meanwhile must not stop others. */
static bool lock_dir(int dir)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(dir, LOCK_EX | LOCK_NB) == 0)
            return true;
        pause_shortly();
    }
    return false;
}

static enum cmc_measure_flight_claimed claim(const struct cmc_measure_flight_place *p,
                                             const struct cmc_measure_flight_file *mine,
                                             struct cmc_measure_flight_file *other, int *out)
{
    struct cmc_err ignored;
    if (clear(p) >= CMC_MEASURE_FLIGHTS_MAX)
        return CMC_MEASURE_FLIGHT_NONE;
    cmc_autofd int fd = record_dir_file(p->dir, p->name, O_RDWR | O_CREAT, MODE, &ignored);
    if (fd < 0)
        return CMC_MEASURE_FLIGHT_NONE;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return cmc_measure_flight_read(fd, p, other) ? CMC_MEASURE_FLIGHT_OTHERS
                                                     : CMC_MEASURE_FLIGHT_NONE;
    if (read_once(fd, p, other) && other->measured &&
        memcmp(other->stamp, mine->stamp, sizeof(mine->stamp)) == 0)
        return CMC_MEASURE_FLIGHT_OTHERS;
    if (!cmc_measure_flight_write(fd, mine)) {
        cmc_measure_flight_remove(p);
        return CMC_MEASURE_FLIGHT_NONE;
    }
    *out = cmc_take_fd(&fd);
    return CMC_MEASURE_FLIGHT_OURS;
}

enum cmc_measure_flight_claimed cmc_measure_flight_claim(const struct cmc_measure_flight_place *p,
                                                         const struct cmc_measure_flight_file *mine,
                                                         struct cmc_measure_flight_file *other,
                                                         int *fd)
{
    if (!lock_dir(p->dir))
        return CMC_MEASURE_FLIGHT_NONE;
    const enum cmc_measure_flight_claimed got = claim(p, mine, other, fd);
    (void)flock(p->dir, LOCK_UN);
    return got;
}

bool cmc_measure_flight_write(int fd, const struct cmc_measure_flight_file *file)
{
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
    cmc_measure_flight_file_put(file, data);
    return pwrite(fd, data, sizeof(data), 0) == (ssize_t)sizeof(data);
}

void cmc_measure_flight_remove(const struct cmc_measure_flight_place *p)
{
    (void)unlinkat(p->dir, p->name, 0);
}
