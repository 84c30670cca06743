/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_leftover.c -- what delete may kill and remove, and what it must leave. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/bundle.h"
#include "shim/leftover.h"
#include "shim/sock.h"

static char dir[64], path[96], address[128];
static int bundle;
static pid_t sleeper;

static int setup(void **state)
{
    (void)state;
    struct cmc_err err;
    (void)snprintf(dir, sizeof(dir), "/tmp/cmc-leftover-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/cmc-x", dir);
    (void)snprintf(address, sizeof(address), "unix://%s", path);
    bundle = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    sleeper = fork();
    if (sleeper == 0)
        for (;;)
            (void)pause();
    return shim_bundle_write(bundle, "address", address, &err) ||
           shim_leftover_note(bundle, sleeper, &err);
}

static int teardown(void **state)
{
    (void)state;
    (void)kill(sleeper, SIGKILL);
    (void)waitpid(sleeper, NULL, 0);
    (void)unlinkat(bundle, "address", 0);
    (void)unlinkat(bundle, "cmc-shim.pid", 0);
    (void)unlink(path);
    (void)close(bundle);
    return rmdir(dir);
}

static bool runs(void)
{
    return waitpid(sleeper, NULL, WNOHANG) == 0;
}

static void test_stale(void **state)
{
    (void)state;
    struct cmc_err err;
    int fd = shim_sock_listen(path, &err);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    shim_leftover_clean(bundle);
    assert_int_equal(shim_sock_inode(path), 0);
    assert_false(runs());
}

/* Its socket still takes connections when delete begins. */
static void test_dying_proxy(void **state)
{
    (void)state;
    struct cmc_err err;
    int fd = shim_sock_listen(path, &err);
    assert_true(fd >= 0);
    pid_t proxy = fork();
    if (proxy == 0) {
        (void)poll(NULL, 0, 200);
        _exit(0);
    }
    assert_int_equal(close(fd), 0);
    shim_leftover_clean(bundle);
    assert_int_equal(shim_sock_inode(path), 0);
    assert_false(runs());
    assert_int_equal(waitpid(proxy, NULL, 0), proxy);
}

static void test_socket_gone_already(void **state)
{
    (void)state;
    shim_leftover_clean(bundle);
    assert_false(runs());
}

static void test_living_proxy(void **state)
{
    (void)state;
    struct cmc_err err;
    int fd = shim_sock_listen(path, &err);
    assert_true(fd >= 0);
    shim_leftover_clean(bundle);
    assert_int_not_equal(shim_sock_inode(path), 0);
    assert_true(runs());
    assert_int_equal(close(fd), 0);
}

/* The number was given to another process since. */
static void test_another_process(void **state)
{
    (void)state;
    char text[64];
    struct cmc_err err;
    (void)snprintf(text, sizeof(text), "%d 1\n", sleeper);
    assert_int_equal(shim_bundle_write(bundle, "cmc-shim.pid", text, &err), 0);
    shim_leftover_clean(bundle);
    assert_true(runs());
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const notes[] = {"", "x", "1 1", "-1 5", "0 0", "99999999999 1", "1"};
    static const char *const addresses[] = {
        "", "x", "unix://", "unix:///tmp", "unix://cmc-x", "unix:///cmc-x", "unix:///etc/hostname"};
    struct cmc_err err;
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        assert_int_equal(shim_bundle_write(bundle, "cmc-shim.pid", notes[i], &err), 0);
        shim_leftover_clean(bundle);
    }
    assert_int_equal(shim_leftover_note(bundle, sleeper, &err), 0);
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        assert_int_equal(shim_bundle_write(bundle, "address", addresses[i], &err), 0);
        shim_leftover_clean(bundle);
    }
    assert_true(runs()); /* no address of ours, so nothing is ours to kill */
    assert_int_equal(access("/etc/hostname", F_OK), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_stale),        CASE(test_dying_proxy),     CASE(test_socket_gone_already),
        CASE(test_living_proxy), CASE(test_another_process), CASE(test_nonsense),
    };
    return cmocka_run_group_tests_name("shim/leftover", tests, NULL, NULL);
}
