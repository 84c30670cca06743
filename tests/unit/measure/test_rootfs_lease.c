/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_lease.c -- a measuring says whether somebody could have written
 * unseen by ctimes, and gives the stamp that a look would give. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "measure/rootfs_cmc.h"
#include "measure/rootfs_stamp.h"

enum { PIECES = 3 << 20 };

static void *map(int fd, int prot, int flags)
{
    void *at = mmap(NULL, 6, prot, flags, fd, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    return at;
}

/* What somebody else has of the file while the tree is measured. */
static int nothing(int fd)
{
    (void)fd;
    return -1;
}
static int open_to_read(int fd)
{
    return openat(fd, "file", O_RDONLY | O_CLOEXEC);
}
static int open_to_write(int fd)
{
    return openat(fd, "file", O_WRONLY | O_CLOEXEC);
}
static int open_to_append(int fd)
{
    return openat(fd, "twin", O_WRONLY | O_APPEND | O_CLOEXEC);
}
static int a_large_one_open(int fd)
{
    return openat(fd, "large", O_RDWR | O_CLOEXEC);
}
static int one_with_holes_open(int fd)
{
    return openat(fd, "sparse", O_RDWR | O_CLOEXEC);
}
static int mapped_to_read(int fd)
{
    cmc_autofd int file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
    (void)map(file, PROT_READ, MAP_SHARED);
    return -1;
}
static int mapped_for_itself(int fd)
{
    cmc_autofd int file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
    (void)map(file, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    return -1;
}
static int mapped_to_write(int fd) /* and closed */
{
    cmc_autofd int file = openat(fd, "file", O_RDWR | O_CLOEXEC);
    *(char *)map(file, PROT_READ | PROT_WRITE, MAP_SHARED) = 'H';
    return -1;
}

static struct row {
    const char *name;
    int (*act)(int fd);
    bool leased;
} rows[] = {
    {"nobody", nothing, true},
    {"open to read", open_to_read, true},
    {"open to write", open_to_write, false},
    {"another name of it open to append", open_to_append, false},
    {"a large one open", a_large_one_open, false},
    {"one with holes open", one_with_holes_open, false},
    {"mapped to read", mapped_to_read, true},
    {"a copy of its own mapped", mapped_for_itself, true},
    {"mapped to write, and closed", mapped_to_write, false},
};

typedef int form(int fd, const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                 struct cmc_err *err);

static bool leases(const struct tree *t, form *how, unsigned threads)
{
    const struct measure_rootfs_opts opts = {.lease = true, .threads = threads},
                                     none = {.lease = 0};
    struct measure_rootfs got;
    struct cmc_err err;
    assert_int_equal(how(t->fd, &none, &got, &err), 0);
    assert_false(got.leased);
    assert_int_equal(how(t->fd, &opts, &got, &err), 0);
    return got.leased;
}

static void make(struct tree *t)
{
    begin(t);
    fill(t);
    cmc_autofd int large = openat(t->fd, "large", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cmc_autofd int sparse = openat(t->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    static char text[PIECES];
    memset(text, 'x', PIECES);
    assert_int_equal(write(large, text, PIECES), PIECES);
    assert_int_equal(pwrite(sparse, "x", 1, PIECES), 1);
}

/* In a child, so that mappings end. */
static void run_row(void **state)
{
    const struct row *row = *state;
    struct tree t;
    int status = -1;
    make(&t);
    const pid_t pid = fork();
    if (pid == 0) {
        const int kept = row->act(t.fd);
        const bool ok = leases(&t, measure_rootfs, 1) == row->leased &&
                        leases(&t, measure_rootfs, 3) == row->leased &&
                        leases(&t, measure_rootfs_cmc, 1) == row->leased;
        (void)close(kept);
        _exit(ok && leases(&t, measure_rootfs, 0) == (row->leased || kept >= 0) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(leases(&t, measure_rootfs, 0));
    end(&t);
}

/* The stamp that comes with a digest is that of a look at the same tree. */
static void test_stamp(void **state)
{
    (void)state;
    struct tree t;
    struct measure_rootfs got;
    struct measure_rootfs_stamp with, cmc, look;
    const struct measure_rootfs_opts none = {.lease = false}, opts = {.stamp = &with},
                                     other = {.stamp = &cmc};
    make(&t);
    assert_int_equal(measure_rootfs(t.fd, &opts, &got, &t.err), 0);
    assert_int_equal(measure_rootfs_cmc(t.fd, &other, &got, &t.err), 0);
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &look, &t.err), 0);
    assert_memory_equal(with.digest, look.digest, sizeof(look.digest));
    assert_memory_equal(cmc.digest, look.digest, sizeof(look.digest));
    assert_int_equal(with.entries, look.entries);
    end(&t);
}

/* A time to come, of data or of the inode: not at rest until then. */
static void test_times_to_come(void **state)
{
    (void)state;
    struct tree t;
    struct measure_rootfs got;
    struct measure_rootfs_stamp stamp = {.wait_ms = 0};
    const struct measure_rootfs_opts opts = {.stamp = &stamp};
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = 1}};
    begin(&t);
    fill(&t);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &times[1]), 0);
    times[1].tv_sec += 3600;
    assert_int_equal(utimensat(t.fd, "file", times, 0), 0);
    (void)poll(NULL, 0, 150);
    assert_int_equal(measure_rootfs(t.fd, &opts, &got, &t.err), 0);
    assert_true(stamp.wait_ms > 3590 * 1000 && stamp.wait_ms < 3610 * 1000);
    times[1].tv_sec -= 7200;
    assert_int_equal(utimensat(t.fd, "file", times, 0), 0);
    (void)poll(NULL, 0, 150);
    assert_int_equal(measure_rootfs(t.fd, &opts, &got, &t.err), 0);
    assert_int_equal(stamp.wait_ms, 0);
    end(&t);
}

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Opens the file for writing again and again; 0 when it never waited for long, or was turned away.
 */
static int write_for(const struct tree *t, uint64_t ms)
{
    for (const uint64_t end_ms = now_ms() + ms; now_ms() < end_ms;) {
        const uint64_t start = now_ms();
        cmc_autofd int fd = openat(t->fd, "file", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || now_ms() - start > 5000)
            return 1;
    }
    return 0;
}

/* An opener in the very moment: we get a signal, which must not end us, and it goes on at once. */
static void test_openers(void **state)
{
    (void)state;
    enum { MS = 400 };
    const struct measure_rootfs_opts opts = {.lease = true};
    struct tree t;
    int status = -1;
    unsigned given = 0;
    begin(&t);
    fill(&t);
    assert_ptr_not_equal(signal(SIGIO, SIG_IGN), SIG_ERR);
    cmc_autofd int file = openat(t.fd, "file", O_RDONLY | O_CLOEXEC);
    const pid_t pid = fork();
    if (pid == 0)
        _exit(write_for(&t, MS));
    for (const uint64_t end_ms = now_ms() + MS; now_ms() < end_ms;) {
        struct measure_meter m = {.opts = &opts};
        const bool one = measure_content_lease(&m, file);
        assert_int_equal(one, !m.unleased);
        given += one;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(given > 0);
    assert_true(fcntl(file, F_GETLEASE) == F_UNLCK);
    (void)signal(SIGIO, SIG_DFL);
    end(&t);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows) + 8];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_times_to_come),
        cmocka_unit_test(test_openers),
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs_lease", tests, n, NULL, NULL);
}
