/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_known.c -- which files are asked for, read, and learned; and what
 * is known is not read. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>

#include "measure/rootfs_known.h"
#include "measure/rootfs_layers.h"
#include "measure/rootfs_look.h"
#include "measure/rootfs_nodes.h"

#define NS_PER_S UINT64_C(1000000000)
#define MS       UINT64_C(1000000)

static time_t later_s; /* what the clock of ctimes shows to the code under test */
static atomic_size_t bytes_read;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    const int r = __real_clock_gettime(id, out);
    out->tv_sec += id == CLOCK_REALTIME_COARSE ? later_s : 0;
    return r;
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
    const ssize_t n = __real_pread(fd, buf, len, at);
    atomic_fetch_add(&bytes_read, n > 0 ? (size_t)n : 0);
    return n;
}

/* ---- at rest ---------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    uint64_t s, ns;
    bool rests;
} times[] = {
    /* the measuring starts at 1000.5 s */
    {"long ago", 1, 1, true},
    {"100 ms", 1000, 400 * MS, true},
    {"a nanosecond less", 1000, 400 * MS + 1, false},
    {"now", 1000, 500 * MS, false},
    {"in a moment", 1000, 500 * MS + 1, false},
    {"later", 1001, 1, false},
    {"whole seconds, 2 s and more", 998, 0, true},
    {"whole seconds, 1.5 s", 999, 0, false},
    {"whole seconds, 0.5 s", 1000, 0, false},
    {"before 1970", (uint64_t)-1, 1, false},
    {"long before 1970", (uint64_t)INT64_MIN, 1, false},
    {"in the far future", INT64_MAX, 1, false},
    /* times 10^9, that is 0.3 s, and little more, in 64 bits */
    {"in a future that wraps", UINT64_C(18446744073) + 1, 1, false},
};

static void what_rests(void **state)
{
    (void)state;
    const uint64_t start = 1000 * NS_PER_S + 500 * MS;
    for (size_t i = 0; i < ROWS(times); i++) {
        struct measure_facts f = {.ctime_s = times[i].s, .ctime_ns = (uint32_t)times[i].ns};
        f.mtime_ns = 1;
        if (measure_known_rests(&f, start) != times[i].rests)
            fail_msg("ctime %s", times[i].name);
        const struct measure_facts m = {
            .ctime_ns = 1, .mtime_s = f.ctime_s, .mtime_ns = f.ctime_ns};
        if (measure_known_rests(&m, start) != times[i].rests)
            fail_msg("mtime %s", times[i].name);
    }
}

/* ---- who remembers ---------------------------------------------------------------------------
 */

enum { REMEMBERED = 64 };

struct memory {
    struct measure_known known;
    size_t asked, found, count, most;
    struct measure_known_file file[REMEMBERED];
    uint8_t digest[REMEMBERED][CMC_SHA256_LEN];
};

static bool is_same(const struct measure_known_file *a, const struct measure_known_file *b)
{
    return a->layer == b->layer && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed == b->changed;
}

static bool find(void *ctx, const struct measure_known_file *f,
                 uint8_t digest[static CMC_SHA256_LEN])
{
    struct memory *m = ctx;
    m->asked++;
    for (size_t i = 0; i < m->count; i++)
        if (is_same(&m->file[i], f)) {
            memcpy(digest, m->digest[i], CMC_SHA256_LEN);
            m->found++;
            return true;
        }
    return false;
}

static bool learn(void *ctx, const struct measure_known_file *f,
                  const uint8_t digest[static CMC_SHA256_LEN])
{
    struct memory *m = ctx;
    if (m->count == m->most)
        return false;
    m->file[m->count] = *f;
    memcpy(m->digest[m->count++], digest, CMC_SHA256_LEN);
    return true;
}

static struct memory memory_of(void)
{
    return (struct memory){.known = {find, learn, NULL}, .most = REMEMBERED};
}

/* ---- two layers ------------------------------------------------------------------------------
 */

static const char big[] = "0123456789abcdef";

struct bed {
    struct tree t; /* its root holds the layers */
    int fds[2];
    struct measure_layers layers;
    struct measure_rootfs fresh; /* without a memory */
};

static void put_big(int dir, const char *name)
{
    cmc_autofd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(fd, 3 << 20), 0);
    for (off_t at = 0; at < 3 << 20; at += 4096)
        assert_int_equal(pwrite(fd, big, sizeof(big), at), sizeof(big));
}

/* Upper: a. Lower: a (hidden), b with a second name, dir/c, an empty one, a large one. */
static void begin_bed(struct bed *b)
{
    begin(&b->t);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkdirat(b->t.fd, i ? "1" : "0", 0755), 0);
        b->fds[i] = openat(b->t.fd, i ? "1" : "0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(put(b->fds[i], "a", i ? "hidden" : "upper"), 0);
    }
    b->layers = (struct measure_layers){.fds = b->fds, .count = 2, .userxattr = true};
    assert_int_equal(put(b->fds[1], "b", "two names"), 0);
    assert_int_equal(linkat(b->fds[1], "b", b->fds[1], "b2", 0), 0);
    assert_int_equal(mkdirat(b->fds[1], "dir", 0755), 0);
    assert_int_equal(put(b->fds[1], "dir/c", "below"), 0);
    assert_int_equal(put(b->fds[1], "empty", ""), 0);
    put_big(b->fds[1], "large");
    later_s = 10;
}

static void end_bed(struct bed *b)
{
    later_s = 0;
    cmc_closep(&b->fds[0]);
    cmc_closep(&b->fds[1]);
    end(&b->t);
}

static struct measure_rootfs measure_bed(struct bed *b, struct memory *m, bool lease)
{
    struct measure_rootfs got;
    if (m)
        m->known.ctx = m;
    const struct measure_rootfs_opts opts = {.known = m ? &m->known : NULL, .lease = lease};
    atomic_store(&bytes_read, 0);
    if (measure_rootfs_layers(&b->layers, &opts, &got, &b->t.err) < 0)
        fail_msg("%s", b->t.err.msg);
    return got;
}

/* What the memory knows after m has measured, with the digest that it must be. */
static void learns(struct bed *b, struct memory *m, size_t files)
{
    const struct measure_rootfs fresh = measure_bed(b, NULL, true);
    const struct measure_rootfs got = measure_bed(b, m, true);
    assert_memory_equal(got.digest, fresh.digest, sizeof(got.digest));
    assert_int_equal(m->count, files);
}

enum { ALL = 4, LARGE_BYTES = 3 << 20 };

static void a_second_time_nothing_is_read(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    learns(&b, &m, ALL);
    assert_int_equal(m.asked, ALL);
    assert_int_equal(m.found, 0);
    assert_true(atomic_load(&bytes_read) > LARGE_BYTES);
    for (size_t i = 1; i < m.count; i++) /* of layer 0 one, then by inode number */
        assert_true(m.file[i].layer == 1 && (i == 1 || m.file[i].ino > m.file[i - 1].ino));
    assert_int_equal(m.file[0].layer, 0);
    const struct measure_rootfs fresh = measure_bed(&b, NULL, true);
    const struct measure_rootfs got = measure_bed(&b, &m, true);
    assert_int_equal(atomic_load(&bytes_read), 0);
    assert_int_equal(m.found, ALL);
    assert_int_equal(m.count, ALL); /* nothing new */
    assert_memory_equal(got.digest, fresh.digest, sizeof(got.digest));
    assert_int_equal(got.bytes, fresh.bytes);
    assert_int_equal(got.known_files, ALL);
    assert_int_equal(got.known_bytes, got.bytes);
    assert_int_equal(fresh.known_files + fresh.known_bytes, 0);
    end_bed(&b);
}

static void what_is_known_is_believed(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    learns(&b, &m, ALL);
    const struct measure_rootfs before = measure_bed(&b, &m, true);
    m.digest[0][0] ^= 1;
    const struct measure_rootfs after = measure_bed(&b, &m, true);
    assert_memory_not_equal(before.digest, after.digest, sizeof(before.digest));
    end_bed(&b);
}

static int content(struct bed *b)
{
    struct stat was;
    if (fstatat(b->fds[1], "b", &was, 0) < 0 || put(b->fds[1], "b", "two NAMES") < 0)
        return -1;
    const struct timespec old[2] = {was.st_atim, was.st_mtim};
    return utimensat(b->fds[1], "b", old, 0);
}
static int mode(struct bed *b)
{
    return fchmodat(b->fds[1], "b", 0600, 0);
}
static int replaced(struct bed *b)
{
    return put(b->fds[1], "n", "two NAMES") < 0
               ? -1
               : renameat(b->fds[1], "n", b->fds[1], "b") | unlinkat(b->fds[1], "b2", 0);
}
static int larger(struct bed *b)
{
    return put(b->fds[1], "b", "two names, and more");
}

static void a_change_is_read(void **state)
{
    (void)state;
    static int (*const change[])(struct bed *) = {content, mode, replaced, larger};
    for (size_t i = 0; i < ROWS(change); i++) {
        struct bed b;
        struct memory m = memory_of();
        begin_bed(&b);
        learns(&b, &m, ALL);
        const struct measure_rootfs before = measure_bed(&b, &m, true);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* a tick */
        assert_int_equal(change[i](&b), 0);
        later_s = 20;
        const struct measure_rootfs fresh = measure_bed(&b, NULL, true);
        const struct measure_rootfs after = measure_bed(&b, &m, true);
        assert_memory_equal(after.digest, fresh.digest, sizeof(after.digest));
        assert_memory_not_equal(after.digest, before.digest, sizeof(after.digest));
        assert_in_range(atomic_load(&bytes_read), 1, 100); /* only this one */
        assert_int_equal(m.count, ALL + 1);
        end_bed(&b);
    }
}

/* ---- what is not learned ---------------------------------------------------------------------
 */

static void fresh_files_are_not_learned(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    later_s = -10; /* they were changed after the measuring began */
    learns(&b, &m, 0);
    assert_int_equal(m.asked, 0);
    later_s = 10;
    const struct timespec future[2] = {{.tv_nsec = UTIME_OMIT},
                                       {.tv_sec = 1LL << 33, .tv_nsec = 5}};
    assert_int_equal(utimensat(b.fds[1], "b", future, 0), 0);
    learns(&b, &m, ALL - 1);
    end_bed(&b);
}

static void no_lease_nothing_learned(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    const struct measure_rootfs got = measure_bed(&b, &m, false);
    assert_int_equal(m.count, 0);
    assert_int_equal(m.asked, ALL);
    assert_int_equal(got.known_files, 0);
    end_bed(&b);
}

/* Open for writing, or mapped by who has closed it: all others are learned. */
static void a_writer_about(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    cmc_autofd int writer = openat(b.fds[1], "dir/c", O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0);
    learns(&b, &m, ALL - 1);
    m = memory_of();
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
    assert_true(page != MAP_FAILED);
    cmc_closep(&writer);
    learns(&b, &m, ALL - 1);
    assert_int_equal(munmap(page, 4096), 0);
    m = memory_of();
    learns(&b, &m, ALL);
    cmc_autofd int reader = openat(b.fds[1], "dir/c", O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    m = memory_of();
    learns(&b, &m, ALL);
    end_bed(&b);
}

/* A memory that has enough, or that says nothing of what it knows. */
static void no_more(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    begin_bed(&b);
    m.most = 2;
    learns(&b, &m, 2);
    learns(&b, &m, 2);
    end_bed(&b);
}

static void a_failure_teaches_nothing(void **state)
{
    (void)state;
    struct bed b;
    struct memory m = memory_of();
    struct measure_rootfs got;
    begin_bed(&b);
    m.known.ctx = &m;
    const struct measure_rootfs_opts opts = {.known = &m.known, .lease = true, .file_max = 1 << 20};
    assert_int_equal(measure_rootfs_layers(&b.layers, &opts, &got, &b.t.err), -CMC_E_LIMIT);
    assert_int_equal(m.count, 0);
    end_bed(&b);
}

/* Takes come in the order of the walk; what was not to be learned comes in between. */
static void lessons_in_order(void **state)
{
    (void)state;
    struct memory m = memory_of();
    struct measure_lessons l;
    uint8_t digest[CMC_SHA256_LEN] = {0x5a};
    m.known.ctx = &m;
    later_s = 10;
    measure_lessons_init(&l, &m.known);
    later_s = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const struct measure_facts f = {
            .ino = 1000 - i, .size = i % 3, .ctime_ns = 1, .mtime_ns = 1};
        assert_false(measure_lessons_find(&l, 0, i, &f, digest));
        assert_int_equal(digest[0], 0x5a);
    }
    assert_int_equal(l.count, 666);
    for (uint32_t i = 0; i < 1000; i++)
        measure_lessons_take(&l, i, i % 2);
    assert_int_equal(l.taken, 666);
    assert_int_equal(l.kept, 333);
    for (size_t i = 0; i < l.kept; i++)
        assert_true(l.v[i].node % 2 == 1 && l.v[i].ino == 1000 - l.v[i].node);
    static struct measure_node v[1000];
    const struct measure_nodes n = {.v = v, .count = ROWS(v)};
    for (uint32_t i = 0; i < ROWS(v); i++)
        v[i] = (struct measure_node){.ino = 1000 - i, .u = {.size = i}, .digest = {(uint8_t)i}};
    l.v[7] = l.v[8]; /* a number twice */
    measure_lessons_tell(&l, &n);
    assert_int_equal(m.count, REMEMBERED);
    for (size_t i = 1; i < m.count; i++)
        assert_true(m.file[i].ino > m.file[i - 1].ino);
    assert_true(m.file[0].ino == 3 && m.file[0].size == 997 && m.digest[0][0] == (997 & 0xff));
    measure_lessons_done(&l);
}

static int setup(void **state)
{
    struct statfs fs;
    (void)state;
    assert_int_equal(statfs("/tmp", &fs), 0);
    if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC && fs.f_type != TMPFS_MAGIC)
        exit(77); /* no layers here */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rests),
        cmocka_unit_test(lessons_in_order),
        cmocka_unit_test(a_second_time_nothing_is_read),
        cmocka_unit_test(what_is_known_is_believed),
        cmocka_unit_test(a_change_is_read),
        cmocka_unit_test(fresh_files_are_not_learned),
        cmocka_unit_test(no_lease_nothing_learned),
        cmocka_unit_test(a_writer_about),
        cmocka_unit_test(no_more),
        cmocka_unit_test(a_failure_teaches_nothing),
    };
    return cmocka_run_group_tests_name("measure/rootfs_known", tests, setup, NULL);
}
