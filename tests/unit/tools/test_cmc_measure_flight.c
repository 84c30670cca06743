/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight.c -- how often a tree is walked, by processes that ask
 * for it one after another, at once, or after one of them died. */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "tools/cmc_measure_flight.h"

enum { TAKE_OFF_MS = 200, LONG_MS = 400, SHORT_MS = 40, STEP_MS = 20 };

static struct {
    char dir[32], layer[64], file[80], second[64], runtime[64], log[64];
    struct cmc_measure_mounts mounts;
    struct measure_rootfs_opts opts;
    struct cmc_measure_rootfs from;
    struct cmc_measure_flight flight;
    int *walks; /* shared between processes: begun, done */
} w;

static int walk_ms;
static bool refuses_layers;

/* Takes its time, then says what is in the file. */
static int walk(void *ctx, const struct cmc_measure_rootfs *from, cmc_measure_progress *progress,
                void *progress_ctx, struct cmc_measure_tree *out, struct cmc_err *err)
{
    char text[CMC_SHA256_LEN] = "";
    assert_true(ctx == &w && from == &w.from);
    __atomic_add_fetch(&w.walks[0], 1, __ATOMIC_SEQ_CST);
    if (from->root < 0 && refuses_layers)
        return cmc_fail(err, CMC_E_FORMAT, "layers that tell nothing");
    cmc_autofd int fd = open(w.file, O_RDONLY);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) >= 0);
    for (int ms = 0; ms < walk_ms; ms += STEP_MS) {
        if (progress(progress_ctx, (uint64_t)ms, 0) < 0)
            return cmc_fail(err, CMC_E_SYS, "cancelled");
        (void)poll(NULL, 0, STEP_MS);
    }
    if (strcmp(text, "fails") == 0)
        return cmc_fail(err, CMC_E_VERIFY, "cannot be measured");
    memcpy(out->rootfs, text, sizeof(text));
    out->has_listing = w.flight.keep_listing;
    memset(out->listing, out->has_listing ? 7 : 0, sizeof(out->listing));
    __atomic_add_fetch(&w.walks[1], 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void write_file(const char *text)
{
    int fd = open(w.file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void rest(void)
{
    (void)poll(NULL, 0, 60); /* until the file's ctime is settled */
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.layer, sizeof(w.layer), "%s/layer", w.dir);
    (void)snprintf(w.file, sizeof(w.file), "%s/file", w.layer);
    (void)snprintf(w.second, sizeof(w.second), "%s/second", w.dir);
    (void)snprintf(w.runtime, sizeof(w.runtime), "%s/run", w.dir);
    (void)snprintf(w.log, sizeof(w.log), "%s/log", w.dir);
    assert_int_equal(mkdir(w.layer, 0755) | mkdir(w.runtime, 0700), 0);
    w.walks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(w.walks, MAP_FAILED);
    w.mounts.kind = CMC_MEASURE_BIND;
    w.mounts.source = (struct cmc_span){(const uint8_t *)w.layer, strlen(w.layer)};
    w.from.root = open(w.layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
    w.flight = (struct cmc_measure_flight){
        .runtime_dir = w.runtime,
        .form = "exact 1",
        .task = "t",
        .log = open(w.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
        .mounts = &w.mounts,
        .from = &w.from,
        .opts = &w.opts,
        .take_off_ms = TAKE_OFF_MS,
        .walk = walk,
        .ctx = &w,
    };
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int remove_all(void)
{
    char flights[128];
    (void)snprintf(flights, sizeof(flights), "%s/run/flights", w.dir);
    return access(flights, F_OK) < 0 ? 0 : nftw(flights, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int teardown(void **state)
{
    (void)state;
    (void)close(w.from.root);
    (void)close(w.flight.log);
    return nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Each case begins with nothing measured, and a file at rest that says text. */
static void begin(const char *text, int ms)
{
    assert_int_equal(remove_all(), 0);
    write_file(text);
    rest();
    w.walks[0] = w.walks[1] = 0;
    w.flight.keep_listing = false;
    walk_ms = ms;
}

static int run(struct cmc_measure_tree *out)
{
    struct cmc_err err;
    return cmc_measure_flight_run(&w.flight, out, &err);
}

static void says(const char *text)
{
    struct cmc_measure_tree tree;
    memset(&tree, 0x5a, sizeof(tree));
    assert_int_equal(run(&tree), 0);
    assert_string_equal((const char *)tree.rootfs, text);
    assert_int_equal(tree.has_listing, w.flight.keep_listing);
}

static pid_t start(const char *text)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct cmc_measure_tree tree;
        _exit(run(&tree) == 0 && strcmp((const char *)tree.rootfs, text) == 0 ? 0 : 1);
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

static bool is_flying(void)
{
    char path[96];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/flights", w.runtime);
    return stat(path, &st) == 0;
}

static void wait_for_flight(void)
{
    for (int i = 0; i < 200 && !is_flying(); i++)
        (void)poll(NULL, 0, 20);
    (void)poll(NULL, 0, 100);
}

static void test_short_leaves_no_trace(void **state)
{
    (void)state;
    begin("a", SHORT_MS);
    says("a");
    says("a");
    walked(2, 2);
    assert_false(is_flying());
}

static void test_retry_after_the_end(void **state)
{
    (void)state;
    begin("b", LONG_MS);
    says("b");
    says("b");
    walked(1, 1);
    w.flight.keep_listing = true; /* a result without a listing is none then */
    says("b");
    walked(2, 2);
    says("b");
    walked(2, 2);
}

/* A byte, a mode, a name: measured again, and what is new is what counts. */
static void test_change_is_measured_again(void **state)
{
    (void)state;
    begin("c", LONG_MS);
    says("c");
    write_file("d");
    rest();
    says("d");
    walked(2, 2);
    assert_int_equal(chmod(w.file, 0644), 0); /* no change, but for the ctime */
    rest();
    says("d");
    walked(3, 3);
    says("d");
    walked(3, 3);
}

/* A change while it is measured must not be in a later result. */
static void test_change_within(void **state)
{
    (void)state;
    begin("old", LONG_MS);
    pid_t pid = start("old");
    (void)poll(NULL, 0, 60);
    write_file("new");
    ends(pid, 0);
    says("new");
    begin("old", LONG_MS);
    pid = start("old");
    wait_for_flight();
    write_file("new");
    ends(pid, 0);
    says("new");
}

static void test_two_at_once(void **state)
{
    (void)state;
    begin("e", 3 * LONG_MS);
    pid_t first = start("e"), second = start("e"), third = start("e");
    ends(first, 0);
    ends(second, 0);
    ends(third, 0);
    walked(3, 1); /* those who stopped after a second had begun */
}

static void test_retry_joins(void **state)
{
    (void)state;
    begin("f", 3 * LONG_MS);
    pid_t first = start("f");
    wait_for_flight();
    says("f");
    walked(1, 1);
    ends(first, 0);
}

static void test_holder_dies(void **state)
{
    (void)state;
    begin("g", 3 * LONG_MS);
    pid_t first = start("g");
    wait_for_flight();
    pid_t second = start("g");
    (void)poll(NULL, 0, 200);
    assert_int_equal(w.walks[0], 1);
    assert_int_equal(kill(first, SIGKILL), 0);
    ends(first, SIGKILL);
    ends(second, 0);
    walked(2, 1);
}

static void test_failure_is_not_shared(void **state)
{
    (void)state;
    struct cmc_measure_tree tree, poison;
    begin("fails", LONG_MS);
    memset(&tree, 0x5a, sizeof(tree));
    memset(&poison, 0x5a, sizeof(poison));
    assert_int_equal(run(&tree), -CMC_E_VERIFY);
    assert_int_equal(run(&tree), -CMC_E_VERIFY);
    assert_memory_equal(&tree, &poison, sizeof(tree));
    walked(2, 0);
}

/* Changed right before: another change could have left the same ctime. */
static void test_unsettled_is_not_shared(void **state)
{
    (void)state;
    begin("h", LONG_MS);
    write_file("i");
    says("i");
    says("i");
    walked(2, 2);
}

/* As an overlay whose layers are open; the second has nothing. */
static int on_layers(void (*test)(void))
{
    const struct cmc_measure_mounts was = w.mounts;
    const int root = w.from.root;
    const char *const layers[] = {w.second, w.layer};
    struct cmc_err err = {0};
    (void)mkdir(w.second, 0755);
    w.mounts = (struct cmc_measure_mounts){.kind = CMC_MEASURE_OVERLAY, .layer_count = 2};
    for (size_t i = 0; i < 2; i++)
        w.mounts.layers[i] = (struct cmc_span){(const uint8_t *)layers[i], strlen(layers[i])};
    const int rc = cmc_measure_rootfs_open(&w.mounts, -1, NULL, true, &w.from, &err);
    if (rc == 0)
        test();
    cmc_measure_rootfs_close(&w.from);
    w.from = (struct cmc_measure_rootfs){.root = root};
    w.mounts = was;
    return rc;
}

static void layers_are_shared(void)
{
    says("k");
    says("k");
    walked(1, 1);
    assert_int_equal(w.from.root, -1);
    write_file("l");
    rest();
    says("l");
    walked(2, 2);
    assert_int_equal(w.from.root, -1);
}

static void test_layers(void **state)
{
    (void)state;
    begin("k", LONG_MS);
    assert_int_equal(on_layers(layers_are_shared), 0);
}

/* The mount is what is measured then, and is shared, too. */
static void layers_are_mounted(void)
{
    char log[4096] = "";
    says("m");
    walked(2, 1);
    assert_true(w.from.root >= 0);
    says("m");
    walked(2, 1);
    cmc_autofd int fd = open(w.log, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, log, sizeof(log) - 1) > 0);
    assert_non_null(strstr(log, "mounted, as its layers cannot be read one by one"));
    assert_non_null(strstr(log, "layers that tell nothing"));
}

static void test_layers_that_tell_nothing(void **state)
{
    (void)state;
    begin("m", LONG_MS);
    refuses_layers = true;
    const int rc = on_layers(layers_are_mounted);
    refuses_layers = false;
    assert_int_equal(rc, 0);
}

static void test_no_directory(void **state)
{
    (void)state;
    begin("j", LONG_MS);
    w.flight.runtime_dir = "/proc/cmc";
    says("j");
    says("j");
    w.flight.runtime_dir = w.runtime;
    walked(2, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_leaves_no_trace),
        cmocka_unit_test(test_retry_after_the_end),
        cmocka_unit_test(test_change_is_measured_again),
        cmocka_unit_test(test_change_within),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_retry_joins),
        cmocka_unit_test(test_holder_dies),
        cmocka_unit_test(test_failure_is_not_shared),
        cmocka_unit_test(test_unsettled_is_not_shared),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_layers_that_tell_nothing),
        cmocka_unit_test(test_no_directory),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight", tests, setup, teardown);
}
