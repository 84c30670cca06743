/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_contents.c -- each reason not to use what is known of a layer,
 * beside a control in which it is used; and what is left for the next measuring. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_contents.h"
#include "tools/cmc_measure_contents_dir.h"
#include "tools/cmc_measure_contents_file.h"

#define MS INT64_C(1000000)

static int64_t realtime_ahead; /* nanoseconds, as if it had been set */
static long magic;             /* not 0: of each file system */
static bool no_birth;
static int64_t born_later; /* seconds */

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __real_fstatfs(int fd, struct statfs *out);
int __wrap_fstatfs(int fd, struct statfs *out);
int __real_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
int __wrap_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    (void)__real_clock_gettime(id, out);
    if (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME)
        return 0;
    const int64_t ns = (int64_t)out->tv_sec * 1000 * MS + out->tv_nsec +
                       (id == CLOCK_REALTIME ? realtime_ahead : 0);
    *out = (struct timespec){ns / (1000 * MS), ns % (1000 * MS)};
    return 0;
}

int __wrap_fstatfs(int fd, struct statfs *out)
{
    const int r = __real_fstatfs(fd, out);
    out->f_type = magic ? magic : out->f_type;
    return r;
}

int __wrap_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
    const int r = __real_statx(dir, path, flags, mask, out);
    if (no_birth)
        out->stx_mask &= ~(unsigned)STATX_BTIME;
    out->stx_btime.tv_sec += born_later;
    return r;
}

/* ---- two layers in a directory ----------------------------------------------------------------
 */

static struct {
    char dir[32];
    int top, fds[2];
    uint64_t dev;
    struct measure_layers layers;
} w;

static int setup(void **state)
{
    struct stat st;
    (void)state;
    realtime_ahead = magic = 0;
    no_birth = false;
    born_later = 0;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/cmc-contents-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    w.top = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkdirat(w.top, i ? "1" : "0", 0755), 0);
        w.fds[i] = openat(w.top, i ? "1" : "0", O_PATH | O_CLOEXEC);
    }
    assert_int_equal(fstat(w.top, &st), 0);
    w.dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
    w.layers = (struct measure_layers){.fds = w.fds, .count = 2};
    magic = EXT4_SUPER_MAGIC; /* wherever this runs */
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    magic = 0;
    cmc_closep(&w.fds[0]);
    cmc_closep(&w.fds[1]);
    cmc_closep(&w.top);
    return nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct measure_known_file file_of(uint32_t layer, uint64_t ino)
{
    return (struct measure_known_file){layer, w.dev, ino, 100 + ino, 5000 + ino};
}

static struct cmc_measure_contents *begun(size_t own)
{
    struct cmc_measure_contents *c = cmc_measure_contents_begin(w.dir, &w.layers, own);
    assert_non_null(c);
    return c;
}

static bool learn(struct cmc_measure_contents *c, const struct measure_known_file *f, int content)
{
    const struct measure_known *k = cmc_measure_contents_known(c);
    uint8_t digest[CMC_SHA256_LEN];
    memset(digest, content, sizeof(digest));
    return k->learn(k->ctx, f, digest);
}

/* A measuring that learns the files of inode numbers first to last, step apart, of one layer. */
static void learn_some(uint32_t layer, uint64_t first, uint64_t last, uint64_t step, int content)
{
    struct cmc_measure_contents *c = begun(0);
    for (uint64_t i = first; i <= last; i += step) {
        const struct measure_known_file f = file_of(layer, i);
        assert_true(learn(c, &f, content));
    }
    assert_true(cmc_measure_contents_end(c));
}

/* The content (a byte) that is known of the file, or -1. */
static int asked(struct cmc_measure_contents *c, const struct measure_known_file *f)
{
    const struct measure_known *k = cmc_measure_contents_known(c);
    uint8_t digest[CMC_SHA256_LEN], poison[CMC_SHA256_LEN];
    memset(digest, 0x5a, sizeof(digest));
    memset(poison, 0x5a, sizeof(poison));
    if (!k->find(k->ctx, f, digest)) {
        assert_memory_equal(digest, poison, sizeof(digest));
        return -1;
    }
    return digest[31];
}

static int known(const struct measure_known_file *f)
{
    struct cmc_measure_contents *c = begun(0);
    const int content = asked(c, f);
    assert_true(cmc_measure_contents_end(c));
    return content;
}

static int known_at(uint32_t layer, uint64_t ino)
{
    const struct measure_known_file f = file_of(layer, ino);
    return known(&f);
}

/* The only file in the cache; "" when there is none. */
static const char *cached(void)
{
    static char name[300];
    char path[64];
    name[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/cache/layers", w.dir);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            assert_string_equal(name, "");
            (void)snprintf(name, sizeof(name), "%s", e->d_name);
        }
    if (d)
        (void)closedir(d);
    return name;
}

static int open_cached(int flags)
{
    char path[400];
    (void)snprintf(path, sizeof(path), "cache/layers/%s", cached());
    const int fd = openat(w.top, path, flags | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* ---- what is known ----------------------------------------------------------------------------
 */

static void what_was_learned_is_known(void **state)
{
    (void)state;
    assert_int_equal(known_at(1, 7), -1);
    assert_int_equal(faccessat(w.top, "cache", F_OK, 0), -1); /* looking makes nothing */
    learn_some(1, 7, 300, 1, 0x33);
    assert_int_equal(known_at(1, 7), 0x33);
    assert_int_equal(known_at(1, 300), 0x33);
    assert_int_equal(known_at(1, 6), -1);
    assert_int_equal(known_at(1, 301), -1);
    assert_int_equal(known_at(0, 7), -1);
    assert_int_equal(known_at(2, 7), -1); /* no such layer */
    assert_int_equal(known_at(UINT32_MAX, 7), -1);
    assert_int_equal(strlen(cached()), 32);
}

static void not_as_it_was(void **state)
{
    (void)state;
    learn_some(1, 7, 9, 1, 0x33);
    struct measure_known_file f = file_of(1, 8);
    f.size++;
    assert_int_equal(known(&f), -1);
    f = file_of(1, 8);
    f.changed++;
    assert_int_equal(known(&f), -1);
    f = file_of(1, 8);
    f.dev++;
    assert_int_equal(known(&f), -1);
    f = file_of(1, 8);
    assert_int_equal(known(&f), 0x33);
}

static void old_and_new_are_merged(void **state)
{
    (void)state;
    learn_some(1, 100, 300, 2, 1);
    learn_some(1, 99, 303, 3, 2); /* some of them, between them, before and behind */
    for (uint64_t i = 90; i < 310; i++) {
        const bool second = i >= 99 && i <= 303 && i % 3 == 0;
        const bool first = i >= 100 && i <= 300 && i % 2 == 0;
        assert_int_equal(known_at(1, i), second ? 2 : first ? 1 : -1);
    }
    learn_some(0, 7, 7, 1, 3);
    assert_int_equal(known_at(0, 7), 3);
    assert_int_equal(known_at(1, 99), 2);
}

static void several_layers_at_once(void **state)
{
    (void)state;
    struct cmc_measure_contents *c = begun(0);
    for (uint32_t layer = 0; layer < 2; layer++)
        for (uint64_t i = 1; i < 100; i++) {
            const struct measure_known_file f = file_of(layer, i);
            assert_true(learn(c, &f, 1 + (int)layer));
        }
    const struct measure_known_file none = file_of(2, 1);
    assert_false(learn(c, &none, 9));
    assert_true(cmc_measure_contents_end(c));
    assert_int_equal(known_at(0, 99), 1);
    assert_int_equal(known_at(1, 99), 2);
    struct measure_known_file f = file_of(1, 200);
    f.dev++; /* of a file system within the layer */
    c = begun(0);
    assert_true(learn(c, &f, 9));
    assert_true(cmc_measure_contents_end(c));
    assert_int_equal(known(&f), -1);
    assert_int_equal(known_at(1, 200), -1);
}

static void the_containers_own(void **state)
{
    (void)state;
    learn_some(0, 7, 7, 1, 3);
    struct cmc_measure_contents *c = begun(1);
    struct measure_known_file f = file_of(0, 7);
    assert_int_equal(asked(c, &f), -1);
    f = file_of(0, 8);
    assert_true(learn(c, &f, 4)); /* go on */
    f = file_of(1, 8);
    assert_true(learn(c, &f, 5));
    assert_true(cmc_measure_contents_end(c));
    assert_int_equal(known_at(0, 7), 3);
    assert_int_equal(known_at(0, 8), -1);
    assert_int_equal(known_at(1, 8), 5);
}

/* ---- layers that do not take part -------------------------------------------------------------
 */

static void file_systems(void **state)
{
    (void)state;
    static const struct {
        long magic;
        bool good;
    } rows[] = {
        {EXT4_SUPER_MAGIC, true},       {XFS_SUPER_MAGIC, true},  {BTRFS_SUPER_MAGIC, true},
        {TMPFS_MAGIC, false},           {NFS_SUPER_MAGIC, false}, {0x65735546 /* FUSE */, false},
        {OVERLAYFS_SUPER_MAGIC, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        magic = rows[i].magic;
        assert_int_equal(known_at(1, 7), -1); /* nor what others have learned */
        learn_some(1, 7, 7, 1, 1);
        assert_int_equal(known_at(1, 7), rows[i].good ? 1 : -1);
    }
}

static void others_around_it(void **state)
{
    (void)state;
    static const mode_t modes[] = {0770, 0707, 01777};
    learn_some(1, 7, 7, 1, 1);
    for (size_t i = 0; i < ROWS(modes); i++) {
        /* not the cache's own directory: others may not write around that either */
        assert_int_equal(mkdirat(w.top, "around", 0755), 0);
        assert_int_equal(renameat(w.top, "1", w.top, "around/1"), 0);
        assert_int_equal(known_at(1, 7), 1);
        assert_int_equal(fchmodat(w.top, "around", modes[i], 0), 0);
        assert_int_equal(known_at(1, 7), -1);
        learn_some(1, 8, 8, 1, 1);
        assert_int_equal(fchmodat(w.top, "around", 0755, 0), 0);
        assert_int_equal(known_at(1, 8), -1);
        assert_int_equal(known_at(1, 7), 1);
        assert_int_equal(renameat(w.top, "around/1", w.top, "1"), 0);
        assert_int_equal(unlinkat(w.top, "around", AT_REMOVEDIR), 0);
    }
}

static void another_identity(void **state)
{
    (void)state;
    learn_some(1, 7, 7, 1, 1);
    no_birth = true;
    assert_int_equal(known_at(1, 7), -1);
    no_birth = false;
    assert_int_equal(known_at(1, 7), 1);
    born_later = 1; /* another directory with its number */
    assert_int_equal(known_at(1, 7), -1);
    no_birth = true;
    learn_some(1, 7, 7, 1, 2);
    born_later = 2; /* what does not tell is not asked */
    assert_int_equal(known_at(1, 7), 2);
}

/* ---- files that are not believed --------------------------------------------------------------
 */

static void flip(int fd, off_t at, bool sum)
{
    uint8_t data[4096];
    const ssize_t n = pread(fd, data, sizeof(data), 0);
    assert_true(n > CMC_SHA256_LEN && n < (ssize_t)sizeof(data));
    data[at] ^= 1;
    if (sum)
        cmc_sha256(data, (size_t)n - CMC_SHA256_LEN, data + n - CMC_SHA256_LEN);
    assert_int_equal(pwrite(fd, data, (size_t)n, 0), n);
}

/* Under a good checksum: of another boot, of another layer. */
static void another_boot_or_layer(void **state)
{
    (void)state;
    static const off_t at[] = {16, 31, 32, 63};
    for (size_t i = 0; i < ROWS(at); i++) {
        learn_some(1, 7, 8, 1, 1);
        cmc_autofd int fd = open_cached(O_RDWR);
        flip(fd, at[i], true);
        assert_int_equal(known_at(1, 7), -1);
        flip(fd, at[i], true);
        assert_int_equal(known_at(1, 7), 1);
        flip(fd, at[i], true);
        learn_some(1, 8, 8, 1, 2); /* replaces it */
        assert_int_equal(known_at(1, 7), -1);
        assert_int_equal(known_at(1, 8), 2);
    }
}

static void damaged(void **state)
{
    (void)state;
    learn_some(1, 7, 8, 1, 1);
    cmc_autofd int fd = open_cached(O_RDWR);
    flip(fd, 100, false);
    assert_int_equal(known_at(1, 7), -1);
    flip(fd, 100, false);
    assert_int_equal(known_at(1, 7), 1);
}

static void foreign_files(void **state)
{
    (void)state;
    char path[64];
    learn_some(1, 7, 8, 1, 1);
    cmc_autofd int fd = open_cached(O_RDWR);
    assert_int_equal(fchmod(fd, 0620), 0);
    assert_int_equal(known_at(1, 7), -1);
    assert_int_equal(fchmod(fd, 0600), 0);
    assert_int_equal(known_at(1, 7), 1);
    (void)snprintf(path, sizeof(path), "cache/layers/%s", cached());
    assert_int_equal(linkat(w.top, path, w.top, "second", 0), 0);
    assert_int_equal(known_at(1, 7), -1);
    assert_int_equal(renameat(w.top, "second", w.top, path), 0); /* does nothing: one file */
    assert_int_equal(unlinkat(w.top, path, 0), 0);
    assert_int_equal(symlinkat("../../second", w.top, path), 0);
    assert_int_equal(known_at(1, 7), -1);
    learn_some(1, 8, 8, 1, 2); /* replaces the link */
    assert_int_equal(known_at(1, 7), -1);
    assert_int_equal(known_at(1, 8), 2);
    assert_int_equal(fchmodat(w.top, "cache", 0777, 0), 0);
    assert_int_equal(known_at(1, 8), -1);
    assert_int_equal(fchmodat(w.top, "cache", 0750, 0), 0);
    assert_int_equal(known_at(1, 8), 2);
}

/* ---- the clock --------------------------------------------------------------------------------
 */

static void the_clock_set_between(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        bool known;
    } rows[] = {{0, true},         {-10, true},     {-30, false},
                {-3600000, false}, {3600000, true}, {20, true}};
    learn_some(1, 7, 7, 1, 1);
    for (size_t i = 0; i < ROWS(rows); i++) {
        realtime_ahead = rows[i].ms * MS;
        assert_int_equal(known_at(1, 7), rows[i].known ? 1 : -1);
    }
    realtime_ahead = 3600000 * MS; /* set forward: what is learned now ... */
    learn_some(1, 8, 8, 1, 2);
    assert_int_equal(known_at(1, 7), 1);
    realtime_ahead = 0; /* ... goes when it is set right, with all of its file */
    assert_int_equal(known_at(1, 8), -1);
    assert_int_equal(known_at(1, 7), -1);
}

static void small_steps_add_up(void **state)
{
    (void)state;
    learn_some(1, 7, 7, 1, 1);
    realtime_ahead = -15 * MS;
    assert_int_equal(known_at(1, 7), 1);
    learn_some(1, 8, 8, 1, 1); /* a file of now, with records of before */
    realtime_ahead = -30 * MS;
    assert_int_equal(known_at(1, 8), -1);
    assert_int_equal(known_at(1, 7), -1);
}

static void the_clock_set_back_meanwhile(void **state)
{
    (void)state;
    struct cmc_measure_contents *c = begun(0);
    struct measure_known_file f = file_of(1, 7);
    realtime_ahead = -30 * MS;
    assert_false(learn(c, &f, 1));
    assert_true(cmc_measure_contents_end(c)); /* nothing was known */
    assert_string_equal(cached(), "");
    realtime_ahead = 0;
    learn_some(1, 7, 7, 1, 1);
    c = begun(0);
    assert_int_equal(asked(c, &f), 1);
    realtime_ahead = -30 * MS;
    assert_false(cmc_measure_contents_end(c));
    realtime_ahead = 0;
    c = begun(0);
    f = file_of(1, 8);
    assert_int_equal(asked(c, &f), -1); /* not known: nothing to regret */
    realtime_ahead = -30 * MS;
    assert_true(cmc_measure_contents_end(c));
}

/* No memory, no cache. */
static void without_one(void **state)
{
    (void)state;
    assert_null(cmc_measure_contents_known(NULL));
    assert_true(cmc_measure_contents_end(NULL));
}

/* ---- writers ----------------------------------------------------------------------------------
 */

static void another_writer(void **state)
{
    (void)state;
    learn_some(1, 7, 7, 1, 1);
    struct cmc_measure_contents *c = begun(0);
    learn_some(1, 9, 9, 1, 2); /* after c has looked */
    struct measure_known_file f = file_of(1, 9);
    assert_int_equal(asked(c, &f), -1);
    f = file_of(1, 8);
    assert_true(learn(c, &f, 3));
    assert_true(cmc_measure_contents_end(c));
    assert_int_equal(known_at(1, 7), 1);
    assert_int_equal(known_at(1, 8), 3);
    assert_int_equal(known_at(1, 9), 2);
}

static void a_lock_that_is_held(void **state)
{
    (void)state;
    learn_some(1, 7, 7, 1, 1);
    cmc_autofd int held = openat(w.top, "cache/layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_EX), 0);
    struct cmc_measure_contents *c = begun(0);
    struct measure_known_file f = file_of(1, 8);
    assert_false(learn(c, &f, 1));
    assert_true(cmc_measure_contents_end(c));
    cmc_closep(&held);
    assert_int_equal(known_at(1, 8), -1);
    assert_int_equal(known_at(1, 7), 1); /* reading waits for nobody */
}

static void a_writer_that_died(void **state)
{
    (void)state;
    learn_some(1, 7, 7, 1, 1);
    cmc_autofd int fd = openat(w.top, "cache/layers/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(write(fd, "cmc-layer-1", 11), 11);
    learn_some(1, 8, 8, 1, 1);
    assert_int_equal(known_at(1, 8), 1);
    assert_int_equal(strlen(cached()), 32);
}

/* What was there stays when there is no room. */
static void no_room(void **state)
{
    (void)state;
    const struct rlimit little = {200, RLIM_INFINITY};
    struct rlimit was;
    learn_some(1, 7, 8, 1, 1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    learn_some(1, 9, 300, 1, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(known_at(1, 7), 1);
    assert_int_equal(known_at(1, 9), -1);
    assert_int_equal(strlen(cached()), 32);
}

static void a_place_that_is_not_ours(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(w.top, "cache", 0777), 0);
    assert_int_equal(fchmodat(w.top, "cache", 0777, 0), 0);
    struct cmc_measure_contents *c = begun(0);
    struct measure_known_file f = file_of(1, 8);
    assert_false(learn(c, &f, 1));
    assert_true(cmc_measure_contents_end(c));
    assert_int_equal(faccessat(w.top, "cache/layers", F_OK, 0), -1);
}

int main(void)
{
#define WITH_LAYERS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_LAYERS(what_was_learned_is_known),
        WITH_LAYERS(not_as_it_was),
        WITH_LAYERS(old_and_new_are_merged),
        WITH_LAYERS(several_layers_at_once),
        WITH_LAYERS(the_containers_own),
        WITH_LAYERS(file_systems),
        WITH_LAYERS(others_around_it),
        WITH_LAYERS(another_identity),
        WITH_LAYERS(another_boot_or_layer),
        WITH_LAYERS(damaged),
        WITH_LAYERS(foreign_files),
        WITH_LAYERS(the_clock_set_between),
        WITH_LAYERS(small_steps_add_up),
        WITH_LAYERS(the_clock_set_back_meanwhile),
        cmocka_unit_test(without_one),
        WITH_LAYERS(another_writer),
        WITH_LAYERS(a_lock_that_is_held),
        WITH_LAYERS(a_writer_that_died),
        WITH_LAYERS(no_room),
        WITH_LAYERS(a_place_that_is_not_ours),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_contents", tests, NULL, NULL);
}
