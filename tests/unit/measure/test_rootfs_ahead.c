/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_ahead.c -- a crew runs ahead of whoever waits for a disk, opens
 * nothing that it should not, and changes no result. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <time.h>

#include "measure/rootfs_ahead_parts.h"
#include "measure/rootfs_cmc.h"

enum { DIRS = 40, FILES = 30, ALL = DIRS * FILES, WALK = 66 };

/* ---- a disk that is waited for, or not --------------------------------------------------------
 */

static atomic_bool cold; /* each look at the waits so far finds more of them */
static atomic_long looks;
static atomic_long each, apart; /* or that many more of them, once in so many looks */
static atomic_int asked, threads_started;
static bool refuse;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_getrusage(int who, struct rusage *use);
int __wrap_posix_fadvise(int fd, off_t at, off_t len, int advice);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    atomic_fetch_add(&threads_started, 1);
    return refuse ? EAGAIN : __real_pthread_create(t, a, f, arg);
}

int __wrap_getrusage(int who, struct rusage *use)
{
    assert_int_equal(who, RUSAGE_THREAD);
    memset(use, 0, sizeof(*use));
    use->ru_inblock = atomic_load(&cold) ? atomic_fetch_add(&looks, 1) : 0;
    use->ru_nvcsw = use->ru_inblock * 1000;
    const long every = apart; /* it may become 0 meanwhile */
    if (every)
        use->ru_nvcsw = use->ru_inblock = atomic_fetch_add(&looks, 1) / every * each;
    return 0;
}

int __wrap_posix_fadvise(int fd, off_t at, off_t len, int advice)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(advice, POSIX_FADV_WILLNEED);
    assert_true(at < st.st_size && len > 0);
    atomic_fetch_add(&asked, 1);
    return 0;
}

static void reset(bool is_cold)
{
    atomic_store(&cold, is_cold);
    atomic_store(&asked, 0);
    atomic_store(&threads_started, 0);
    atomic_store(&looks, 0);
    refuse = false;
    apart = 0;
}

static struct measure_ahead *new_crew(const int *root, unsigned threads)
{
    const struct measure_ahead_opts opts = {root, 1, WALK, threads, .busy = 2};
    return measure_ahead_new(&opts);
}

static void at(struct measure_ahead *a, const char *path)
{
    measure_ahead_at(a, (struct measure_bytes){(const uint8_t *)path, strlen(path)}, 0);
}

/* The reader waits at the root until the crew is called. */
static void call(struct measure_ahead *a)
{
    for (int i = 0; i < 64; i++)
        at(a, "");
}

static bool becomes(const atomic_int *what, int want)
{
    for (int i = 0; i < 2000 && atomic_load(what) < want; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return atomic_load(what) == want;
}

/* ---- a tree of many small files ---------------------------------------------------------------
 */

static struct tree tree;

static void path_of(int i, char path[static 32])
{
    (void)snprintf(path, 32, "/dir%02d/file%02d", i / FILES, i % FILES);
}

static int make_tree(void **state)
{
    char path[32];
    (void)state;
    begin(&tree);
    for (int i = 0; i < ALL; i++) {
        path_of(i, path);
        path[6] = '\0';
        assert_true(mkdirat(tree.fd, path + 1, 0755) == 0 || errno == EEXIST);
        path[6] = '/';
        assert_int_equal(put(tree.fd, path + 1, path), 0);
    }
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    end(&tree);
    return 0;
}

static void a_crew_asks_for_all(void **state)
{
    (void)state;
    reset(true);
    struct measure_ahead *a = new_crew(&tree.fd, 0);
    call(a);
    assert_true(becomes(&asked, ALL));
    assert_int_equal(threads_started, MEASURE_AHEAD_THREADS);
    measure_ahead_free(a);
    assert_int_equal(asked, ALL);
}

static void nobody_waits_nobody_works(void **state)
{
    char path[32];
    (void)state;
    reset(false);
    struct measure_ahead *a = new_crew(&tree.fd, 0);
    for (int i = 0; i < ALL; i++) {
        path_of(i, path);
        at(a, path);
    }
    measure_ahead_free(a);
    assert_int_equal(threads_started, 0);
    assert_int_equal(asked, 0);
}

/* A page here and there that is not in memory is no reason to look at all files twice. */
static void waits_far_apart(void **state)
{
    static const struct {
        long each, apart;
        bool called;
    } rows[] = {{1, 2, false}, {2, 4, false}, {1, 1, true}, {2, 2, true}, {3, 32, true}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        reset(false);
        each = rows[i].each;
        apart = rows[i].apart;
        struct measure_ahead *a = new_crew(&tree.fd, 3);
        for (int k = 0; k < 64 * 16; k++) /* where nothing is left to be asked for */
            at(a, "/z");
        measure_ahead_free(a);
        assert_int_equal(threads_started > 0, rows[i].called);
    }
}

static bool is_awake(struct measure_ahead *a)
{
    (void)pthread_mutex_lock(&a->lock);
    const bool awake = a->awake;
    (void)pthread_mutex_unlock(&a->lock);
    return awake;
}

static void what_woke_a_crew_does_not_wake_it_twice(void **state)
{
    (void)state;
    reset(false);
    each = 1000;
    apart = 2;
    struct measure_ahead *a = new_crew(&tree.fd, 3);
    call(a);
    assert_int_equal(threads_started, 1);
    apart = 0;
    while (is_awake(a))
        (void)sched_yield();
    call(a);
    assert_false(is_awake(a));
    measure_ahead_free(a);
}

/* Awake, but all that it asks for is in memory already. */
static void a_crew_of_no_use_sleeps(void **state)
{
    (void)state;
    reset(false);
    struct measure_ahead *a = new_crew(&tree.fd, 3); /* a crew of one */
    measure_ahead_wake(a);
    const int enough = MEASURE_AHEAD_USEFUL * MEASURE_AHEAD_HANDFUL;
    while (is_awake(a))
        (void)sched_yield();
    assert_in_range(asked, MEASURE_AHEAD_USEFUL, enough);
    assert_int_equal(threads_started, 1);
    atomic_store(&cold, true);
    call(a);
    assert_true(becomes(&asked, ALL));
    measure_ahead_free(a);
}

static void what_the_reader_has_left_is_left(void **state)
{
    (void)state;
    reset(true);
    struct measure_ahead *a = new_crew(&tree.fd, 0);
    (void)measure_ahead_ring_move(&a->ring, "dir30/file15", 12);
    measure_ahead_wake(a);
    assert_true(becomes(&asked, ALL - 30 * FILES - 16));
    measure_ahead_free(a);
    assert_int_equal(asked, ALL - 30 * FILES - 16);
}

static void a_crew_ends_when_it_is_told(void **state)
{
    char path[32];
    (void)state;
    for (int stop = 1; stop < ALL; stop += 97) {
        reset(true);
        struct measure_ahead *a = new_crew(&tree.fd, 0);
        for (int i = 0; i < stop; i++) {
            path_of(i, path);
            at(a, path);
        }
        measure_ahead_free(a);
    }
    measure_ahead_free(NULL);
}

static void no_crew(void **state)
{
    struct rlimit files, few;
    (void)state;
    reset(true);
    assert_null(new_crew(&tree.fd, 1));
    assert_null(new_crew(&tree.fd, 2));
    at(NULL, "/dir00");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    few = (struct rlimit){100, files.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_null(new_crew(&tree.fd, 0));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    refuse = true;
    struct measure_ahead *a = new_crew(&tree.fd, 0);
    call(a);
    assert_int_equal(threads_started, 1);
    measure_ahead_free(a);
    assert_int_equal(asked, 0);
}

typedef int measure_fn(int rootfd, const struct measure_rootfs_opts *opts,
                       struct measure_rootfs *out, struct cmc_err *err);

static void digests_are_the_same_of(measure_fn *measure_it)
{
    static const struct measure_rootfs_opts alone = {.threads = 1}, any = {.threads = 0};
    struct cmc_err err = {0};
    struct measure_rootfs one, many;
    reset(true);
    assert_int_equal(measure_it(tree.fd, &alone, &one, &err), 0);
    assert_int_equal(threads_started, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(measure_it(tree.fd, &any, &many, &err), 0);
        assert_memory_equal(many.digest, one.digest, sizeof(one.digest));
    }
    assert_true(threads_started >= 5 * MEASURE_AHEAD_THREADS);
}

static void digests_are_the_same(void **state)
{
    (void)state;
    digests_are_the_same_of(measure_rootfs_cmc);
    digests_are_the_same_of(measure_rootfs);
}

/* Whoever says how many threads there may be has them all for reading. */
static void no_more_threads_than_allowed(void **state)
{
    static const struct measure_rootfs_opts four = {.threads = 4};
    struct cmc_err err = {0};
    struct measure_rootfs got;
    (void)state;
    reset(true);
    assert_int_equal(measure_rootfs(tree.fd, &four, &got, &err), 0);
    assert_int_equal(threads_started, 3);
    reset(true);
    assert_int_equal(measure_rootfs_cmc(tree.fd, &four, &got, &err), 0);
    assert_in_range(threads_started, 2, 3); /* the hasher comes when it is worth it */
}

/* ---- what is not opened -----------------------------------------------------------------------
 */

static void watch(int watcher, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", tree.path, name);
    assert_true(inotify_add_watch(watcher, path, IN_OPEN) >= 0);
}

static void only_files_of_the_tree_are_opened(void **state)
{
    (void)state;
    reset(true);
    begin(&tree);
    cmc_autofd int top = openat(tree.fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cmc_autofd int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    fill(&tree); /* with "file", "linked" and its "twin", which have content, and a FIFO */
    assert_int_equal(mkdirat(top, "outside", 0755), 0);
    assert_int_equal(put(top, "outside/file", "x"), 0);
    assert_int_equal(symlinkat("../outside", tree.fd, "away"), 0);
    assert_int_equal(symlinkat("../outside/file", tree.fd, "secret"), 0);
    cmc_autofd int hole = openat(tree.fd, "hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(hole, 1 << 20), 0);
    watch(watcher, "outside");
    watch(watcher, "outside/file");
    watch(watcher, "root/fifo");
    watch(watcher, "root/empty");
    watch(watcher, "root/hole");
    struct measure_ahead *a = new_crew(&tree.fd, 0);
    call(a);
    assert_true(becomes(&asked, 3));
    measure_ahead_free(a);
    assert_int_equal(asked, 3);
    char events[512];
    assert_true(read(watcher, events, sizeof(events)) < 0 && errno == EAGAIN);
    cmc_autofd int see = openat(tree.fd, "empty", O_RDONLY | O_CLOEXEC); /* it would be seen */
    assert_true(see >= 0 && read(watcher, events, sizeof(events)) > 0);
    end(&tree);
}

/* A file that is a FIFO when it is asked for was a file when it was listed. */
static void what_has_become_another_thing(void **state)
{
    (void)state;
    reset(true);
    begin(&tree);
    cmc_autofd int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_int_equal(mkfifoat(tree.fd, "fifo", 0600), 0);
    assert_int_equal(symlinkat("fifo", tree.fd, "sym"), 0);
    watch(watcher, "root/fifo");
    struct measure_ahead *a = new_crew(&tree.fd, 3);
    const struct measure_ahead_file f = {.ino = 1, .size = 1};
    measure_ahead_ring_add(&a->ring, "", "fifo", &f);
    measure_ahead_ring_add(&a->ring, "", "sym", &f);
    measure_ahead_ring_add(&a->ring, "", "gone", &f);
    measure_ahead_ring_close(&a->ring);
    measure_ahead_wake(a);
    for (bool left = true; left; (void)sched_yield()) {
        (void)pthread_mutex_lock(&a->lock);
        left = a->ring.turn < a->ring.full || a->ring.window[0].users > 0;
        (void)pthread_mutex_unlock(&a->lock);
    }
    measure_ahead_free(a);
    char events[512];
    assert_true(read(watcher, events, sizeof(events)) < 0 && errno == EAGAIN);
    assert_int_equal(asked, 0);
    end(&tree);
}

static void waits(void **state)
{
    static const struct {
        struct measure_waits now;
        long disk;
        bool elsewhere; /* of 4 files */
    } rows[] = {
        {{10, 100}, 0, false}, {{10, 101}, 0, false}, /* the kernel read ahead */
        {{11, 101}, 1, false}, {{14, 101}, 4, true},
        {{12, 100}, 0, false}, {{13, 100}, 0, true}, /* FUSE */
        {{8, 101}, 0, false}, /* it did not have to wait for another thread */
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct measure_waits before = {10, 100};
        assert_int_equal(measure_waits_disk(&before, &rows[i].now), rows[i].disk);
        assert_int_equal(measure_waits_elsewhere(&before, &rows[i].now, 4), rows[i].elsewhere);
    }
}

int main(void)
{
    const struct CMUnitTest many[] = {
        cmocka_unit_test(a_crew_asks_for_all),
        cmocka_unit_test(nobody_waits_nobody_works),
        cmocka_unit_test(waits_far_apart),
        cmocka_unit_test(what_woke_a_crew_does_not_wake_it_twice),
        cmocka_unit_test(a_crew_of_no_use_sleeps),
        cmocka_unit_test(what_the_reader_has_left_is_left),
        cmocka_unit_test(a_crew_ends_when_it_is_told),
        cmocka_unit_test(no_crew),
        cmocka_unit_test(digests_are_the_same),
        cmocka_unit_test(no_more_threads_than_allowed),
    };
    const struct CMUnitTest few[] = {
        cmocka_unit_test(only_files_of_the_tree_are_opened),
        cmocka_unit_test(what_has_become_another_thing),
        cmocka_unit_test(waits),
    };
    const int failed = cmocka_run_group_tests(many, make_tree, remove_tree);
    return failed + cmocka_run_group_tests(few, NULL, NULL);
}
