/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_pool.c -- several threads measure what one measures; each fault is
 * named by whoever meets it; nothing is left behind. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <time.h>

#include "measure/rootfs_pool_parts.h"

enum { ARENA = 512 << 10, DIRS = 90, FILES = 8, BIG = 3 * ARENA + 5 };

/* ---- what is made to fail ---------------------------------------------------------------------
 */

static atomic_long victim; /* the inode whose reading sets off act, once */
static int (*act)(void);
static struct tree tree;

static atomic_int threads_started;
static int threads_refused_from, callocs_refused_from; /* 0: none */
static atomic_int callocs, closed_twice;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
ssize_t __real_pread(int fd, void *buf, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __wrap_getrusage(int who, struct rusage *use);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
    struct stat st;
    long is;
    if (atomic_load(&victim) && fstat(fd, &st) == 0 && (is = (long)st.st_ino) != 0 &&
        atomic_compare_exchange_strong(&victim, &is, 0) && act() < 0)
        return -1;
    return __real_pread(fd, buf, len, at);
}

int __wrap_close(int fd)
{
    const int r = __real_close(fd);
    if (r < 0 && errno == EBADF)
        (void)atomic_fetch_add(&closed_twice, 1);
    return r;
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    const int n = 1 + atomic_fetch_add(&threads_started, 1);
    return threads_refused_from && n >= threads_refused_from ? EAGAIN
                                                             : __real_pthread_create(t, a, f, arg);
}

void *__wrap_calloc(size_t count, size_t size)
{
    if (size < ARENA) /* only what a thread needs is that large */
        return __real_calloc(count, size);
    const int n = 1 + atomic_fetch_add(&callocs, 1);
    return callocs_refused_from && n >= callocs_refused_from ? NULL : __real_calloc(count, size);
}

/* Nobody has waited for a disk: threads that read ahead would be counted with the others. */
int __wrap_getrusage(int who, struct rusage *use)
{
    (void)who;
    memset(use, 0, sizeof(*use));
    return 0;
}

/* ---- a tree of every size, 90 directories of it -----------------------------------------------
 */

static const int sizes[FILES] = {0, 1, 4095, 4096, 4097, 20000, 3, 70000};
static const int large[] = {ARENA - 1, ARENA, ARENA + 1, 2 * ARENA, BIG, 17 * ARENA + 4096};

static void put_bytes(int dir, const char *name, int size, uint32_t seed)
{
    uint32_t *data = malloc((size_t)size + 4);
    cmc_autofd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_non_null(data);
    for (int i = 0; i <= size / 4; i++)
        data[i] = seed = seed * 1664525 + 1013904223;
    assert_int_equal(write(fd, data, (size_t)size), size);
    free(data);
}

static void fill_dir(int dir, int d)
{
    char name[32], other[64];
    for (int f = 0; f < FILES; f++) {
        (void)snprintf(name, sizeof(name), "f%d", f);
        put_bytes(dir, name, sizes[f] + (sizes[f] ? d : 0), (uint32_t)(d * FILES + f));
    }
    assert_int_equal(symlinkat("f1", dir, "link"), 0);
    (void)snprintf(other, sizeof(other), "../d%d/f2", d > 1 ? d - 2 : 0);
    assert_true(d == 0 || linkat(dir, other, dir, "f2-of-another", 0) == 0);
    cmc_autofd int fd = openat(dir, "f5", O_RDONLY | O_CLOEXEC);
    (void)fsetxattr(fd, "user.cmc", &d, sizeof(d), 0);
}

static void put_hole(void)
{
    cmc_autofd int hole = openat(tree.fd, "d7/hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(hole, 50 << 20), 0);
    assert_int_equal(pwrite(hole, "x", 1, 20 << 20), 1);
}

static void fill_tree(void)
{
    char name[32];
    begin(&tree);
    for (int d = 0; d < DIRS; d++) {
        (void)snprintf(name, sizeof(name), "d%d", d);
        assert_int_equal(mkdirat(tree.fd, name, 0755), 0);
        cmc_autofd int dir = openat(tree.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fill_dir(dir, d);
    }
    for (size_t i = 0; i < ROWS(large); i++) {
        (void)snprintf(name, sizeof(name), "d%zu/large", 10 * i);
        put_bytes(tree.fd, name, large[i], (uint32_t)i);
    }
    put_hole();
}

static int run_with(unsigned threads)
{
    const struct measure_rootfs_opts opts = {.threads = threads};
    const int fds = entries_of("/proc/self/fd"), tasks = entries_of("/proc/self/task");
    atomic_store(&threads_started, 0);
    atomic_store(&callocs, 0);
    const int r = run(&tree, &opts);
    assert_int_equal(entries_of("/proc/self/fd"), fds);
    /* who was joined has ended, but /proc may show it a moment longer */
    for (int i = 0; i < 5000 && entries_of("/proc/self/task") > tasks; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(entries_of("/proc/self/task"), tasks);
    return r;
}

static void the_same_by_any_number_of_threads(void **state)
{
    (void)state;
    assert_int_equal(run_with(1), 0);
    assert_int_equal(atomic_load(&threads_started), 0);
    const struct measure_rootfs alone = tree.got;
    struct cmc_buf listing = tree.listing;
    tree.listing = (struct cmc_buf){0};
    /* every file has a digest, also one that was read by another name */
    assert_null(memmem(listing.data, listing.len, "verity=00000000", 15));
    static const unsigned rows[] = {0, 2, 3, 8, 16, 1000};
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(run_with(rows[i]), 0);
        assert_same(&tree.got, &alone);
        assert_int_equal(tree.listing.len, listing.len);
        assert_memory_equal(tree.listing.data, listing.data, listing.len);
        if (rows[i])
            assert_int_equal(atomic_load(&threads_started), rows[i] < 16 ? rows[i] - 1 : 15);
    }
    measure(&tree); /* and the listing has that digest */
    cmc_buf_done(&listing);
}

/* ---- faults of a file -------------------------------------------------------------------------
 */

static const char *victim_name;

static int open_victim(int flags)
{
    return openat(tree.fd, victim_name, flags | O_CLOEXEC);
}
static int read_error(void)
{
    errno = EIO;
    return -1;
}
static int shrinks(void)
{
    cmc_autofd int fd = open_victim(O_WRONLY);
    return ftruncate(fd, 1);
}
static int grows(void)
{
    cmc_autofd int fd = open_victim(O_WRONLY | O_APPEND);
    return write(fd, "more", 4) == 4 ? 0 : -1;
}
static int vanishes(void)
{
    return unlinkat(tree.fd, victim_name, 0);
}
static int changes(void)
{
    cmc_autofd int fd = open_victim(O_WRONLY);
    return pwrite(fd, "?", 1, 0) == 1 ? 0 : -1;
}
static int is_chmodded(void)
{
    return fchmodat(tree.fd, victim_name, 0600, 0);
}
static int is_replaced(void)
{
    return put(tree.fd, "new", "x") | renameat(tree.fd, "new", tree.fd, victim_name);
}
static int gets_a_neighbour(void)
{
    return put(tree.fd, "d10/neighbour", "x");
}

static struct fault {
    const char *name;
    int (*act)(void);
    enum cmc_code code;
    const char *says; /* after the path; NULL: of its directory */
} faults[] = {
    {"an error of reading", read_error, CMC_E_SYS, ": read: Input/output error"},
    {"a file that shrinks", shrinks, CMC_E_VERIFY, ": changed"},
    {"a file that grows", grows, CMC_E_VERIFY, ": changed"},
    {"a file that vanishes", vanishes, CMC_E_VERIFY, ": changed"},
    {"a file that changes", changes, CMC_E_VERIFY, ": changed while"},
    {"a mode that changes", is_chmodded, CMC_E_VERIFY, ": changed while"},
    {"a file that is replaced", is_replaced, CMC_E_VERIFY, ": changed while"},
    {"a file beside it", gets_a_neighbour, CMC_E_VERIFY, NULL},
};

static void repair(const char *name, int size)
{
    (void)unlinkat(tree.fd, name, 0);
    (void)unlinkat(tree.fd, "d10/neighbour", 0);
    if (strstr(name, "hole"))
        put_hole();
    else
        put_bytes(tree.fd, name, size, 1);
}

static void expect_fault(const struct fault *f, const char *name, unsigned threads)
{
    struct stat st;
    char begins[128];
    uint8_t poison[sizeof(tree.got)];
    memset(&tree.got, 0xa5, sizeof(tree.got));
    memset(poison, 0xa5, sizeof(poison));
    victim_name = name;
    act = f->act;
    assert_int_equal(fstatat(tree.fd, name, &st, 0), 0);
    atomic_store(&victim, (long)st.st_ino);
    const int r = run_with(threads);
    assert_int_equal(atomic_load(&victim), 0); /* it was read */
    (void)snprintf(begins, sizeof(begins), "/%s%s", f->says ? name : "d10: changed while",
                   f->says ? f->says : "");
    if (r != -(int)f->code || strncmp(tree.err.msg, begins, strlen(begins)) != 0)
        fail_msg("%u threads, %d: %s, not %s", threads, r, tree.err.msg, begins);
    assert_memory_equal(&tree.got, poison, sizeof(poison));
    repair(name, (int)st.st_size);
}

static void run_fault(void **state)
{
    static const char *const names[] = {"d10/f1", "d10/f7", "d10/large", "d40/large", "d7/hole"};
    const struct fault *f = *state;
    for (size_t i = 0; i < (f->says ? ROWS(names) : 3); i++) {
        expect_fault(f, names[i], 1);
        expect_fault(f, names[i], 4);
    }
}

/* ---- progress ----------------------------------------------------------------------------------
 */

static atomic_int inside;
static bool overlaps;
static uint64_t last_bytes;
static int calls, cancel_at;

static int progress(void *ctx, uint64_t entries, uint64_t bytes)
{
    (void)ctx;
    (void)entries;
    overlaps |= atomic_fetch_add(&inside, 1) != 0 || bytes < last_bytes;
    (void)sched_yield(); /* a thread of the pool may be here: no assertions */
    last_bytes = bytes;
    calls++;
    atomic_fetch_sub(&inside, 1);
    return calls == cancel_at ? -1 : 0;
}

static void progress_by_one_at_a_time(void **state)
{
    (void)state;
    for (cancel_at = 0; cancel_at <= 2; cancel_at++) {
        const struct measure_rootfs_opts opts = {.threads = 4, .progress = progress};
        calls = 0;
        last_bytes = 0;
        const int r = run(&tree, &opts);
        assert_false(overlaps);
        assert_int_equal(r, cancel_at ? -CMC_E_SYS : 0);
        assert_in_range(calls, cancel_at ? cancel_at : 2, cancel_at ? cancel_at + 4 : 100);
        if (cancel_at)
            assert_non_null(strstr(tree.err.msg, ": cancelled: Operation canceled"));
    }
}

/* ---- scarce resources --------------------------------------------------------------------------
 */

static void threads_that_cannot_be_started(void **state)
{
    (void)state;
    assert_int_equal(run_with(1), 0);
    const struct measure_rootfs alone = tree.got;
    for (int n = 1; n <= 4; n++) {
        threads_refused_from = n;
        assert_int_equal(run_with(4), 0);
        assert_same(&tree.got, &alone);
        threads_refused_from = 0;
        callocs_refused_from = n + 1; /* the first is the walking thread's, and needed */
        assert_int_equal(run_with(4), 0);
        assert_same(&tree.got, &alone);
        assert_int_equal(atomic_load(&threads_started), n < 4 ? n - 1 : 3);
        callocs_refused_from = 0;
    }
    callocs_refused_from = 1;
    assert_int_equal(run_with(4), -CMC_E_LIMIT);
    callocs_refused_from = 0;
}

static void few_descriptors(void **state)
{
    (void)state;
    struct rlimit was;
    assert_int_equal(run_with(1), 0);
    const struct measure_rootfs alone = tree.got;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    for (rlim_t n = 12; n < 400; n += n < 130 ? 17 : 90) {
        const struct rlimit few = {.rlim_cur = n, .rlim_max = was.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        const int r = run_with(8);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
        if (r < 0)
            fail_msg("%lu descriptors: %s", (unsigned long)n, tree.err.msg);
        assert_same(&tree.got, &alone);
    }
}

/* A walk that needs more of them than measure_walk() gets them. */
static void spared_descriptors(void **state)
{
    (void)state;
    enum { FEW = 400, MANY = 2 * FEW };
    static const struct measure_rootfs_opts opts = {0};
    struct measure_meter meter = {.opts = &opts};
    struct measure_pool *p;
    struct cmc_err err;
    struct rlimit was;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    const struct rlimit few = {.rlim_cur = FEW, .rlim_max = was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (size_t spared = 0; spared <= MANY; spared += FEW / 8) {
        assert_int_equal(measure_pool_new(&opts, &meter, NULL, NULL, &p, &err), 0);
        measure_pool_spare(p, spared);
        const uint64_t most = p->job_max + p->dir_max;
        assert_true(most == 2 || most + spared < FEW);
        if (spared <= FEW / 2 || spared >= FEW)
            assert_int_equal(most > 2, spared < FEW);
        measure_pool_free(p);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void a_small_tree_starts_no_thread(void **state)
{
    (void)state;
    char name[32];
    const struct tree large_one = tree;
    begin(&tree);
    for (int i = 0; i < 255; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        put_bytes(tree.fd, name, 10000, (uint32_t)i);
    }
    assert_int_equal(run_with(0), 0);
    assert_int_equal(atomic_load(&threads_started), 0);
    assert_int_equal(run_with(2), 0);
    assert_int_equal(atomic_load(&threads_started), 1);
    end(&tree);
    tree = large_one;
}

/* The number may be somebody else's by then. Of all tests before this one. */
static void nothing_was_closed_twice(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&closed_twice), 0);
}

static void *nothing(void *arg)
{
    return arg;
}

/* ThreadSanitizer adds a thread of its own when the first one is started. */
static int set_up(void **state)
{
    pthread_t t;
    (void)state;
    fill_tree();
    return pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    end(&tree);
    return 0;
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(faults) + 10];
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(the_same_by_any_number_of_threads),
        cmocka_unit_test(progress_by_one_at_a_time),
        cmocka_unit_test(threads_that_cannot_be_started),
        cmocka_unit_test(few_descriptors),
        cmocka_unit_test(spared_descriptors),
        cmocka_unit_test(a_small_tree_starts_no_thread),
        cmocka_unit_test(nothing_was_closed_twice),
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(faults); i++)
        tests[n++] = (struct CMUnitTest){faults[i].name, run_fault, NULL, NULL, &faults[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs_pool", tests, n, set_up, tear_down);
}
