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
#include <sys/stat.h>
#include <time.h>

#include "base/hex.h"
#include "record/boot.h"
#include "record/dir.h"

enum {
    MODE = 0600,
    READ_TRIES = 3,
    LOCK_TRIES = 10,
    PAUSE_MS = 20,
    CLOCK_TRIES = 8,
    CLOCK_NEAR_NS = 100000,
    /* What two readings of the clock may differ by. A stamp is settled when all times are 100 ms
     * old: later changes are later still when the clock was set back by less. */
    BEHIND_NS = 20000000
};

static int64_t clock_of(clockid_t id)
{
    struct timespec ts = {0};
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t cmc_measure_flight_now_ms(void)
{
    return (uint64_t)clock_of(CLOCK_BOOTTIME) / 1000000;
}

/* We may be stopped between two clocks: the reading that took the shortest time counts. */
int64_t cmc_measure_flight_lead_ns(void)
{
    int64_t best = INT64_MAX, lead = 0;
    for (int i = 0; i < CLOCK_TRIES && best > CLOCK_NEAR_NS; i++) {
        const int64_t before = clock_of(CLOCK_BOOTTIME), now = clock_of(CLOCK_REALTIME);
        const int64_t took = clock_of(CLOCK_BOOTTIME) - before;
        if (took < best) {
            best = took;
            lead = now - before;
        }
    }
    return lead;
}

bool cmc_measure_flight_is_behind(int64_t lead_ns)
{
    return cmc_measure_flight_lead_ns() < lead_ns - BEHIND_NS;
}

int cmc_measure_flight_find(const struct cmc_measure_flight *f,
                            struct cmc_measure_flight_place *out, struct cmc_err *err)
{
    struct cmc_measure_flight_place p;
    char path[PATH_MAX];
    if (cmc_measure_flight_key(f, p.key, err) < 0)
        return -(int)err->code;
    (void)snprintf(path, sizeof(path), "%s/cache", f->runtime_dir);
    cmc_autofd int dir = record_dir_open(path, true, err);
    if (dir < 0 || record_boot_id(p.boot, err) < 0)
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
    const ssize_t n = pread(fd, data, sizeof(data), 0);
    if (n < 0 || cmc_measure_flight_file_parse(data, (size_t)n, &f, &ignored) < 0 ||
        memcmp(f.boot, p->boot, sizeof(f.boot)) != 0 || memcmp(f.key, p->key, sizeof(f.key)) != 0 ||
        f.written_ms > cmc_measure_flight_now_ms())
        return false;
    *out = f;
    return true;
}

/* Another file system's, a temporary one, or of a kind that is yet to come: none of ours. */
static bool is_entry(const char *name)
{
    return strlen(name) == 2 * (size_t)CMC_SHA256_LEN &&
           strspn(name, "0123456789abcdef") == 2 * (size_t)CMC_SHA256_LEN;
}

/* Calls each() with the name of every entry; how many there are. */
static size_t list(int dir, void (*each)(int dir, const char *name, void *ctx), void *ctx)
{
    size_t count = 0;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        cmc_closep(&fd);
        return SIZE_MAX;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (!is_entry(e->d_name))
            continue;
        each(dir, e->d_name, ctx);
        count++;
    }
    (void)closedir(d);
    return count;
}

/* Locked while it is removed: who holds it must not lose it. What cannot be opened is no one's. */
static bool drop(int dir, const char *name)
{
    struct cmc_err ignored;
    cmc_autofd int fd = record_dir_file(dir, name, O_RDONLY, MODE, &ignored);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    return unlinkat(dir, name, 0) == 0;
}

static void drop_each(int dir, const char *name, void *ctx)
{
    (void)ctx;
    (void)drop(dir, name);
}

/* Its holder may be writing: what is torn is read again. */
bool cmc_measure_flight_read(int fd, const struct cmc_measure_flight_place *p,
                             struct cmc_measure_flight_file *out)
{
    struct cmc_measure_flight_file f;
    bool sound = read_once(fd, p, &f);
    for (int i = 1; !sound && i < READ_TRIES && cmc_measure_flight_is_held(fd); i++) {
        pause_shortly();
        sound = read_once(fd, p, &f);
    }
    if (sound && cmc_measure_flight_is_behind(f.lead_ns)) {
        (void)list(p->dir, drop_each, NULL);
        return false;
    }
    if (sound)
        *out = f;
    return sound;
}

bool cmc_measure_flight_is_held(int fd)
{
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return true;
    (void)flock(fd, LOCK_UN);
    return false;
}

void cmc_measure_flight_touch(int fd)
{
    (void)futimens(fd, NULL);
}

struct oldest {
    struct timespec used;
    char name[2 * CMC_SHA256_LEN + 1]; /* "" none */
    const char * not ;                 /* it is about to be used */
    struct timespec after;             /* those before were held */
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void find_oldest(int dir, const char *name, void *ctx)
{
    struct oldest *o = ctx;
    struct stat st;
    if (strcmp(name, o->not ) == 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        is_before(&st.st_mtim, &o->after) || (*o->name && !is_before(&st.st_mtim, &o->used)))
        return;
    o->used = st.st_mtim;
    (void)snprintf(o->name, sizeof(o->name), "%s", name);
}

static void ignore(int dir, const char *name, void *ctx)
{
    (void)dir;
    (void)name;
    (void)ctx;
}

/* Room for one more; false when all are held. */
static bool make_room(const struct cmc_measure_flight_place *p)
{
    struct oldest o = {.not = p->name};
    if (list(p->dir, ignore, NULL) < CMC_MEASURE_FLIGHTS_MAX)
        return true;
    for (int i = 0; i < CMC_MEASURE_FLIGHTS_MAX; i++) {
        *o.name = '\0';
        const size_t count = list(p->dir, find_oldest, &o);
        if (count < CMC_MEASURE_FLIGHTS_MAX)
            return true;
        if (!*o.name)
            return false;
        if (!drop(p->dir, o.name)) {
            o.after = o.used;
            o.after.tv_nsec++;
        }
    }
    return false;
}

bool cmc_measure_flight_lock(int dir)
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
                                             const uint8_t *stale, int *out)
{
    struct cmc_measure_flight_file other;
    struct cmc_err ignored;
    if (faccessat(p->dir, p->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && !make_room(p))
        return CMC_MEASURE_FLIGHT_NONE;
    cmc_autofd int fd = record_dir_file(p->dir, p->name, O_RDWR | O_CREAT, MODE, &ignored);
    if (fd < 0)
        return CMC_MEASURE_FLIGHT_NONE;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return CMC_MEASURE_FLIGHT_OTHERS;
    if (read_once(fd, p, &other) && other.measured &&
        !(stale && memcmp(other.stamp, stale, sizeof(other.stamp)) == 0))
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
                                                         const uint8_t *stale, int *fd)
{
    if (!cmc_measure_flight_lock(p->dir))
        return CMC_MEASURE_FLIGHT_NONE;
    const enum cmc_measure_flight_claimed got = claim(p, mine, stale, fd);
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
