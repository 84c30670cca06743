/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_child.c -- what a child inherits, and when it dies. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/child.h"

static int exit_of(pid_t pid, int pidfd)
{
    int status = 0;
    struct pollfd p = {pidfd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 5000), 1); /* the pidfd says it first */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(close(pidfd), 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* In the child: the numbers that are open, as a bit mask of the lowest 7; 99 when others are. */
static int open_numbers(void)
{
    int mask = 0;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0) {
            if (fd > 6)
                return 99;
            mask |= 1 << fd;
        }
    return mask;
}

static void test_descriptors(void **state)
{
    (void)state;
    int pidfd = -1;
    int extra = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a careless library does */
    pid_t pid = shim_child_fork(&pidfd);
    assert_true(pid >= 0);
    if (pid == 0) { /* numbers that overlap: 1 becomes 0, extra 1, 0 becomes 2 */
        const int fds[] = {1, extra, 0, shim_child_null()};
        shim_child_begin(fds, 4);
        _exit(open_numbers());
    }
    assert_int_equal(exit_of(pid, pidfd), 15);
    assert_int_equal(close(extra), 0);
}

static void test_signals_and_group(void **state)
{
    (void)state;
    int pidfd = -1;
    shim_child_ignore_signals();
    pid_t pid = shim_child_fork(&pidfd);
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sigaction sa;
        int bad = 0;
        for (int i = 0; i < 4; i++) {
            (void)sigaction(((const int[]){SIGPIPE, SIGTERM, SIGINT, SIGHUP})[i], NULL, &sa);
            bad |= sa.sa_handler != SIG_DFL;
        }
        _exit(bad | (getpgid(0) == getpid() ? 0 : 2));
    }
    assert_int_equal(exit_of(pid, pidfd), 0);
    assert_int_equal(raise(SIGTERM), 0); /* we ignore it */
}

/* Our child's child must not survive it. */
static void test_dies_with_its_parent(void **state)
{
    (void)state;
    int alive[2], pidfd = -1;
    char c;
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        pid_t inner = shim_child_fork(&pidfd);
        if (inner == 0) {
            if (write(alive[1], "x", 1) == 1)
                (void)pause();
            _exit(1);
        }
        (void)pause();
    }
    assert_int_equal(close(alive[1]), 0);
    assert_int_equal(read(alive[0], &c, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(alive[0], &c, 1), 0); /* the pipe's last writer is gone */
    assert_int_equal(close(alive[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_signals_and_group),
        cmocka_unit_test(test_dies_with_its_parent),
    };
    return cmocka_run_group_tests_name("shim/child", tests, NULL, NULL);
}
