/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight.c -- how often a tree is read, by processes that ask for
 * it one after another, at once, or after one of them died; what is kept, and what never is. */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmc_measure_flight.h"

enum { LONG_MS = 400, STEP_MS = 20, REST_MS = 130 };

static struct {
    char dir[40], layer[64], runtime[64];
    int layer_fd;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
    bool fails, mounted, lost; /* the walk; it is no layer's; its listing is not stored any more */
    int walk_ms;
    int *walks; /* shared between processes: begun, done */
} w;

/* Takes its time before it reads. */
static int walk(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct cmc_measure_walked *out, struct cmc_err *err)
{
    struct measure_rootfs got;
    struct measure_rootfs_opts opts = w.opts;
    assert_true(ctx == &w);
    __atomic_add_fetch(&w.walks[0], 1, __ATOMIC_SEQ_CST);
    opts.lease = true;
    opts.stamp = &out->stamp;
    if (measure_rootfs(w.layer_fd, &opts, &got, err) < 0)
        return -(int)err->code;
    for (int ms = 0; ms < w.walk_ms; ms += STEP_MS) {
        if (progress(progress_ctx, (uint64_t)ms, 0) < 0)
            return cmc_fail(err, CMC_E_SYS, "cancelled");
        (void)poll(NULL, 0, STEP_MS);
    }
    if (w.fails)
        return cmc_fail(err, CMC_E_VERIFY, "cannot be measured");
    memcpy(out->tree.rootfs, got.digest, CMC_SHA256_LEN);
    out->leased = got.leased && !w.mounted;
    out->tree.has_listing = w.flight.keep_listing;
    memset(out->tree.listing, out->tree.has_listing ? 7 : 0, sizeof(out->tree.listing));
    __atomic_add_fetch(&w.walks[1], 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int look(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    (void)progress;
    (void)progress_ctx;
    assert_true(ctx == &w);
    return measure_rootfs_stamp(w.layer_fd, &w.opts, out, err);
}

static bool has_listing(void *ctx, const uint8_t digest[static CMC_SHA256_LEN])
{
    assert_true(ctx == &w && digest[0] == 7);
    return !w.lost;
}

static int put(const char *name, const char *text)
{
    cmc_autofd int fd = openat(w.layer_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static void rest(void)
{
    (void)poll(NULL, 0, REST_MS); /* until all times are old enough */
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/var/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.runtime, sizeof(w.runtime), "%s/run", w.dir);
    (void)snprintf(w.layer, sizeof(w.layer), "%s/layer", w.dir);
    w.walks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(w.walks, MAP_FAILED);
    w.flight = (struct cmc_measure_flight){
        .runtime_dir = w.runtime,
        .form = "exact 1",
        .task = "t",
        .log = open("/dev/null", O_WRONLY | O_CLOEXEC),
        .opts = &w.opts,
        .kind = CMC_MEASURE_BIND,
        .options = "",
        .layers = &w.layer_fd,
        .layer_count = 1,
        .walk = walk,
        .look = look,
        .has_listing = has_listing,
        .ctx = &w,
    };
    assert_ptr_not_equal(signal(SIGIO, SIG_IGN), SIG_ERR);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_all(const char *path)
{
    if (access(path, F_OK) == 0)
        assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int teardown(void **state)
{
    (void)state;
    (void)close(w.flight.log);
    remove_all(w.dir);
    return 0;
}

/* Each case begins with nothing kept, and a tree at rest. */
static int begin(void **state)
{
    (void)state;
    remove_all(w.runtime);
    remove_all(w.layer);
    assert_int_equal(mkdir(w.layer, 0755) | mkdir(w.runtime, 0700), 0);
    w.layer_fd = open(w.layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(w.layer_fd >= 0);
    assert_int_equal(put("file", "hello") | put("other", "world"), 0);
    assert_int_equal(mkdirat(w.layer_fd, "dir", 0755), 0);
    assert_int_equal(put("dir/inner", "x") | symlinkat("file", w.layer_fd, "sym"), 0);
    rest();
    w.walks[0] = w.walks[1] = w.walk_ms = 0;
    w.fails = w.mounted = w.lost = w.flight.keep_listing = false;
    w.flight.runtime_dir = w.runtime;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    cmc_closep(&w.layer_fd);
    return 0;
}

static int run(struct cmc_measure_tree *out, enum cmc_measure_source *source)
{
    struct cmc_err err;
    return cmc_measure_flight_run(&w.flight, out, source, &err);
}

static void fresh(uint8_t digest[static CMC_SHA256_LEN])
{
    struct measure_rootfs got;
    struct cmc_err err;
    assert_int_equal(measure_rootfs(w.layer_fd, &w.opts, &got, &err), 0);
    memcpy(digest, got.digest, CMC_SHA256_LEN);
}

/* The digest is the one of the tree as it is, wherever it came from. */
static enum cmc_measure_source says_the_truth(void)
{
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    uint8_t want[CMC_SHA256_LEN];
    memset(&tree, 0x5a, sizeof(tree));
    assert_int_equal(run(&tree, &source), 0);
    fresh(want);
    assert_memory_equal(tree.rootfs, want, sizeof(want));
    assert_int_equal(tree.has_listing, w.flight.keep_listing);
    return source;
}

static void from(enum cmc_measure_source want)
{
    assert_int_equal(says_the_truth(), want);
}

static void on_a_disk(void)
{
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    assert_int_equal(run(&tree, &source), 0);
    if (run(&tree, &source) == 0 && source == CMC_MEASURE_OWN)
        skip();
    remove_all(w.runtime);
    assert_int_equal(mkdir(w.runtime, 0700), 0);
    w.walks[0] = w.walks[1] = 0;
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

/* Once changed, for whatever reason, read again; then at rest, kept again. */
static int put_a_byte(void)
{
    return put("file", "jello");
}
static int put_a_byte_and_the_time_back(void)
{
    struct stat was;
    if (fstatat(w.layer_fd, "file", &was, 0) < 0 || put("file", "jello") < 0)
        return -1;
    const struct timespec times[2] = {was.st_atim, was.st_mtim};
    return utimensat(w.layer_fd, "file", times, 0);
}
static int store_through_a_mapping(void)
{
    cmc_autofd int fd = openat(w.layer_fd, "file", O_RDWR | O_CLOEXEC);
    char *at = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -1;
    at[0] = at[1];
    return munmap(at, 5);
}
static int exchange_names(void)
{
    return renameat2(w.layer_fd, "file", w.layer_fd, "other", RENAME_EXCHANGE);
}
static int rename_a_directory(void)
{
    return renameat(w.layer_fd, "dir", w.layer_fd, "dor");
}
static int set_an_attribute(void)
{
    cmc_autofd int fd = openat(w.layer_fd, "file", O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, "user.a", "1", 1, 0);
}
static int set_an_attribute_of_the_root(void)
{
    return fsetxattr(w.layer_fd, "user.a", "1", 1, 0);
}
static int change_the_mode(void)
{
    return fchmodat(w.layer_fd, "dir", 0711, 0);
}
static int change_the_mode_of_the_root(void)
{
    return fchmod(w.layer_fd, 0700);
}
static int change_the_owner(void)
{
    return geteuid() == 0 ? fchownat(w.layer_fd, "sym", 7, 7, AT_SYMLINK_NOFOLLOW) : 1;
}
static int add_a_link(void)
{
    return linkat(w.layer_fd, "file", w.layer_fd, "again", 0);
}
static int add_a_file(void)
{
    return put("dir/new", "");
}
static int remove_a_file(void)
{
    return unlinkat(w.layer_fd, "dir/inner", 0);
}
static int point_elsewhere(void)
{
    return unlinkat(w.layer_fd, "sym", 0) | symlinkat("othe", w.layer_fd, "sym");
}
static int replace_by_the_like(void)
{
    return put("new", "hallo") | renameat(w.layer_fd, "new", w.layer_fd, "file");
}

static struct row {
    const char *name;
    int (*act)(void); /* 1: not here */
} rows[] = {
    {"a byte", put_a_byte},
    {"a byte, and the time put back", put_a_byte_and_the_time_back},
    {"a store through a mapping", store_through_a_mapping},
    {"names exchanged", exchange_names},
    {"a directory renamed", rename_a_directory},
    {"an attribute", set_an_attribute},
    {"an attribute of the root", set_an_attribute_of_the_root},
    {"a mode", change_the_mode},
    {"the mode of the root", change_the_mode_of_the_root},
    {"an owner", change_the_owner},
    {"a link more", add_a_link},
    {"a file more", add_a_file},
    {"a file less", remove_a_file},
    {"a link to elsewhere", point_elsewhere},
    {"another file of that size", replace_by_the_like},
};

static void test_change(void **state)
{
    const struct row *row = *state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    const int done = row->act();
    if (done == 1)
        skip();
    assert_int_equal(done, 0);
    from(CMC_MEASURE_OWN);
    rest();
    (void)says_the_truth(); /* it may have been at rest in time */
    from(CMC_MEASURE_KEPT);
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

/* Anything but what was written is as if there were nothing. */
static void test_damaged(void **state)
{
    (void)state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    char command[256];
    (void)snprintf(command, sizeof(command),
                   "for f in %s/cache/*; do printf x | dd of=\"$f\" bs=1 seek=140 conv=notrunc "
                   "2>/dev/null; done",
                   w.runtime);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test */
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
    static struct CMUnitTest tests[ROWS(rows) + 20];
    const struct CMUnitTest others[] = {
        CASE(test_measured_once),         CASE(test_changed_just_now),
        CASE(test_times_to_come),         CASE(test_open_for_writing),
        CASE(test_mapped_for_writing),    CASE(test_through_a_mount),
        CASE(test_no_directory),          CASE(test_damaged),
        CASE(test_clock_set_back),        CASE(test_change_within),
        CASE(test_several_at_once),       CASE(test_retry_joins),
        CASE(test_holder_dies),           CASE(test_holder_cannot_keep_it),
        CASE(test_failure_is_not_shared),
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, test_change, begin, finish, &rows[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("tools/cmc_measure_flight", tests, n, setup, teardown);
}
