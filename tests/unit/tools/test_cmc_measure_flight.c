/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight.c -- how often a tree is read, by processes that ask for
 * it one after another, at once, or after one of them died; and what is never kept. */
#include "tests/unit/tools/test_cmc_measure_flight.h"

#include <dirent.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

enum { LONG_MS = 400 };

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static time_t set_by_s; /* while the tree is measured, as who sets the clock would */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    const int r = __real_clock_gettime(id, out);
    if (id == CLOCK_REALTIME && w.walks && w.walks[1] > 0)
        out->tv_sec += set_by_s;
    return r;
}

static pid_t start(enum cmc_measure_source want)
{
    const pid_t pid = fork();
    if (pid == 0) {
        struct cmc_measure_tree tree;
        enum cmc_measure_source source;
        uint8_t digest[CMC_SHA256_LEN];
        const int rc = run(&tree, &source);
        fresh(digest);
        _exit(rc == 0 && source == want && memcmp(tree.rootfs, digest, sizeof(digest)) == 0 ? 0
                                                                                            : 1);
    }
    assert_true(pid > 0);
    return pid;
}

static void ends(pid_t pid, int want)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, want);
}

static void walked(int begun, int done)
{
    assert_int_equal(w.walks[0], begun);
    assert_int_equal(w.walks[1], done);
}

static void wait_for_walk(void)
{
    for (int i = 0; i < 400 && __atomic_load_n(&w.walks[0], __ATOMIC_SEQ_CST) == 0; i++)
        (void)poll(NULL, 0, 10);
    (void)poll(NULL, 0, 50);
}

/* --- what is kept --- */

static void test_measured_once(void **state)
{
    (void)state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    from(CMC_MEASURE_KEPT);
    walked(1, 1);
    w.flight.keep_listing = true; /* a result without a listing is none then */
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    walked(2, 2);
    w.lost = true;
    from(CMC_MEASURE_OWN);
    walked(3, 3);
}

/* --- what is not kept --- */

static void test_changed_just_now(void **state)
{
    (void)state;
    on_a_disk();
    assert_int_equal(put("file", "later"), 0);
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    from(CMC_MEASURE_OWN);
    struct timespec then;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &then), 0);
    if (then.tv_sec - now.tv_sec == 0 && then.tv_nsec - now.tv_nsec < 80000000)
        from(CMC_MEASURE_OWN); /* unless this machine was busy */
}

static void test_times_to_come(void **state)
{
    (void)state;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = 1}};
    on_a_disk();
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &times[1]), 0);
    times[1].tv_sec += 3600;
    assert_int_equal(utimensat(w.layer_fd, "other", times, 0), 0);
    rest();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_OWN);
    walked(2, 2);
}

static void test_open_for_writing(void **state)
{
    (void)state;
    on_a_disk();
    cmc_autofd int fd = openat(w.layer_fd, "other", O_WRONLY | O_CLOEXEC);
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_OWN);
    cmc_closep(&fd);
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
}

/* The page is dirty: what is stored there changes no ctime any more. */
static void test_mapped_for_writing(void **state)
{
    (void)state;
    on_a_disk();
    cmc_autofd int fd = openat(w.layer_fd, "other", O_RDWR | O_CLOEXEC);
    char *at = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    cmc_closep(&fd);
    at[0] = 'a';
    rest();
    from(CMC_MEASURE_OWN);
    at[0] = 'b';
    from(CMC_MEASURE_OWN);
    at[0] = 'c';
    from(CMC_MEASURE_OWN);
    assert_int_equal(munmap(at, 5), 0);
    rest();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
}

static void test_through_a_mount(void **state)
{
    (void)state;
    on_a_disk();
    w.mounted = true;
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_OWN);
    walked(2, 2);
}

static void test_no_directory(void **state)
{
    (void)state;
    w.flight.runtime_dir = "/proc/cmc";
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_OWN);
    walked(2, 2);
}

/* Another byte in each entry; how many there are. */
static int damage(void)
{
    char path[80];
    int count = 0;
    (void)snprintf(path, sizeof(path), "%s/cache", w.runtime);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)); count += e->d_type == DT_REG) {
        cmc_autofd int fd = openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC);
        if (e->d_type == DT_REG)
            assert_int_equal(pwrite(fd, "", 1, 140), 1);
    }
    assert_int_equal(closedir(d), 0);
    return count;
}

/* Anything but what was written is as if there were nothing. */
static void test_damaged(void **state)
{
    (void)state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    assert_int_equal(damage(), 1);
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    walked(2, 2);
}

/* Where CLOCK_BOOTTIME is ahead, the lead is smaller: as if the clock had been set back. */
static int in_another_time(const char *offset)
{
    enum { SKIPPED = 77 };
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    cmc_autofd int fd = -1;
    if (unshare(CLONE_NEWTIME) < 0)
        return SKIPPED;
    fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, offset, strlen(offset)) < 0)
        return SKIPPED;
    const pid_t pid = fork(); /* it is there that the time is another */
    if (pid == 0)
        _exit(run(&tree, &source) == 0 ? (int)source : SKIPPED);
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int source_at(const char *offset)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(in_another_time(offset));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    return WEXITSTATUS(status);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    assert_int_equal(source_at("boottime 0 1000000\n"), CMC_MEASURE_KEPT);
    assert_int_equal(source_at("boottime 3600 0\n"), CMC_MEASURE_OWN);
    assert_int_equal(source_at("boottime 3600 0\n"), CMC_MEASURE_KEPT);
    assert_int_equal(source_at("boottime 7200 0\n"), CMC_MEASURE_OWN);
    walked(3, 3);
}

/* Who changes something after that may give it the ctime that it had. */
static void test_clock_set_back_meanwhile(void **state)
{
    (void)state;
    on_a_disk();
    set_by_s = -60;
    from(CMC_MEASURE_OWN);
    set_by_s = 0;
    from(CMC_MEASURE_OWN);
    set_by_s = 60; /* set forward: later changes are later still */
    w.walks[1] = 0;
    assert_int_equal(put("other", "again"), 0);
    rest();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    set_by_s = 0; /* and right again: it was measured before it was set */
    from(CMC_MEASURE_KEPT);
}

/* --- several --- */

static void test_change_within(void **state)
{
    (void)state;
    on_a_disk();
    w.walk_ms = LONG_MS;
    const pid_t pid = fork();
    if (pid == 0) {
        struct cmc_measure_tree tree;
        enum cmc_measure_source source;
        _exit(run(&tree, &source) == 0 && source == CMC_MEASURE_OWN ? 0 : 1);
    }
    wait_for_walk(); /* which has read the file */
    assert_int_equal(put("file", "after"), 0);
    ends(pid, 0);
    from(CMC_MEASURE_OWN);
}

static void test_several_at_once(void **state)
{
    (void)state;
    enum { ALL = 4 };
    pid_t pid[ALL];
    int joined = 0;
    on_a_disk();
    w.walk_ms = LONG_MS;
    for (int i = 0; i < ALL; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            struct cmc_measure_tree tree;
            enum cmc_measure_source source;
            _exit(run(&tree, &source) == 0 ? (int)source : 77);
        }
    }
    for (int i = 0; i < ALL; i++) {
        int status = -1;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 77);
        joined += WEXITSTATUS(status) == CMC_MEASURE_JOINED;
    }
    walked(1, 1);
    assert_true(joined > 0);
    from(CMC_MEASURE_KEPT);
}

static void test_retry_joins(void **state)
{
    (void)state;
    on_a_disk();
    w.walk_ms = LONG_MS;
    const pid_t first = start(CMC_MEASURE_OWN);
    wait_for_walk();
    from(CMC_MEASURE_JOINED);
    walked(1, 1);
    ends(first, 0);
}

static void test_holder_dies(void **state)
{
    (void)state;
    on_a_disk();
    w.walk_ms = 3 * LONG_MS;
    const pid_t first = start(CMC_MEASURE_OWN);
    wait_for_walk();
    const pid_t second = start(CMC_MEASURE_OWN);
    (void)poll(NULL, 0, 200);
    assert_int_equal(w.walks[0], 1);
    assert_int_equal(kill(first, SIGKILL), 0);
    ends(first, SIGKILL);
    ends(second, 0);
    walked(2, 1);
}

/* Who waited for what cannot be kept measures, and so does the next. */
static void test_holder_cannot_keep_it(void **state)
{
    (void)state;
    on_a_disk();
    cmc_autofd int fd = openat(w.layer_fd, "other", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    w.walk_ms = LONG_MS;
    const pid_t first = start(CMC_MEASURE_OWN);
    wait_for_walk();
    from(CMC_MEASURE_OWN);
    ends(first, 0);
    walked(2, 2);
}

static void test_failure_is_not_shared(void **state)
{
    (void)state;
    struct cmc_measure_tree tree, poison;
    enum cmc_measure_source source;
    on_a_disk();
    w.fails = true;
    memset(&tree, 0x5a, sizeof(tree));
    memset(&poison, 0x5a, sizeof(poison));
    assert_int_equal(run(&tree, &source), -CMC_E_VERIFY);
    assert_int_equal(run(&tree, &source), -CMC_E_VERIFY);
    assert_memory_equal(&tree, &poison, sizeof(tree));
    walked(2, 0);
}

#define CASE(test)                                                                                 \
    {                                                                                              \
#test, test, begin, finish, NULL                                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_measured_once),         CASE(test_changed_just_now),
        CASE(test_times_to_come),         CASE(test_open_for_writing),
        CASE(test_mapped_for_writing),    CASE(test_through_a_mount),
        CASE(test_no_directory),          CASE(test_damaged),
        CASE(test_clock_set_back),        CASE(test_clock_set_back_meanwhile),
        CASE(test_change_within),         CASE(test_several_at_once),
        CASE(test_retry_joins),           CASE(test_holder_dies),
        CASE(test_holder_cannot_keep_it), CASE(test_failure_is_not_shared),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight", tests, setup, teardown);
}
