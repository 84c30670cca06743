/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_leftover_sweep.c -- one row, one name in the directory of sockets: does it
 * outlive a sweep? */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/leftover.h"
#include "shim/sock.h"
#include "tests/lib/rows.h"

enum kind { DEAD, BOUND, LIVE, FAR, A_FILE, A_LINK, A_DIR };

static struct row {
    const char *name, *file; /* %d in file: see pid */
    enum kind kind;
    bool gone_pid; /* %d is the number of a process that ended, else our own */
    bool stays;
} rows[] = {
    {"nobody listens", "cmc-0123", DEAD, false, false},
    {"somebody listens", "cmc-0123", LIVE, false, true},
    {"bound, and soon listening", "cmc-0123", BOUND, false, true},
    {"in another network namespace", "cmc-0123", FAR, false, true},
    {"a socket of others", "0123", DEAD, false, true},
    {"a name like ours", "xcmc-0123", DEAD, false, true},
    {"a file", "cmc-0123", A_FILE, false, true},
    {"a link to a dead socket", "cmc-0123", A_LINK, false, true},
    {"a directory", "cmc-0123", A_DIR, false, true},
    {"the private one of a dead process", "cmc-inner-%d", DEAD, true, false},
    {"the private one of a living process", "cmc-inner-%d", BOUND, false, true},
    {"the same, not yet bound again", "cmc-inner-%d", DEAD, false, true},
    {"a private one without a number", "cmc-inner-x", DEAD, false, true},
    {"a private one of all processes", "cmc-inner--1", DEAD, false, true},
};

static int bind_to(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && strlen(path) < sizeof(sa.sun_path));
    memcpy(sa.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

/* A child whose listeners our /proc/net/unix does not show. */
static pid_t listen_far(const char *path)
{
    int ready[2];
    char c;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct cmc_err err;
        if (unshare(CLONE_NEWNET) < 0 || shim_sock_listen(path, &err) < 0 ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static pid_t number_of(bool gone)
{
    if (!gone)
        return getpid();
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

/* Makes what kind says; what it holds open or runs goes to *fd and *far. */
static void make(enum kind kind, const char *path, const char *elsewhere, int *fd, pid_t *far)
{
    struct cmc_err err;
    switch (kind) {
    case DEAD:
        assert_int_equal(close(bind_to(path)), 0);
        break;
    case BOUND:
        *fd = bind_to(path);
        break;
    case LIVE:
        *fd = shim_sock_listen(path, &err);
        break;
    case FAR:
        *far = listen_far(path);
        break;
    case A_FILE:
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        break;
    case A_LINK:
        assert_int_equal(close(bind_to(elsewhere)), 0);
        assert_int_equal(symlink(elsewhere, path), 0);
        break;
    case A_DIR:
        assert_int_equal(mkdir(path, 0700), 0);
        break;
    }
}

static void run_row(void **state)
{
    const struct row *t = *state;
    char dir[] = "/tmp/cmc-sweep-XXXXXX", file[64], path[128], elsewhere[64];
    struct stat st;
    int fd = -1;
    pid_t far = -1;
    assert_non_null(mkdtemp(dir));
    if (strstr(t->file, "%d"))
        (void)snprintf(file, sizeof(file), "cmc-inner-%d", number_of(t->gone_pid));
    else
        (void)snprintf(file, sizeof(file), "%s", t->file);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/dead", dir);
    make(t->kind, path, elsewhere, &fd, &far);
    shim_leftover_sweep(dir);
    const bool stays = lstat(path, &st) == 0;
    const bool kept = t->kind != A_LINK || lstat(elsewhere, &st) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (far > 0) {
        (void)kill(far, SIGKILL);
        (void)waitpid(far, NULL, 0);
    }
    (void)remove(path);
    (void)unlink(elsewhere);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(stays, t->stays);
    assert_true(kept);
}

static void no_directory(void **state)
{
    (void)state;
    shim_leftover_sweep("/nonexistent/s");
    shim_leftover_sweep("/proc/self/exe");
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1] = {cmocka_unit_test(no_directory)};
    if (getuid() != 0) {
        print_message("a network namespace of its own: run as root\n");
        return 77;
    }
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 1] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/leftover_sweep", tests, NULL, NULL);
}
