/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_listen_failing_calls.c -- sockets that are made, that are passed,
 * and who is at their other end: each system call fails once. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/listen.h"
#include "attest/serve/who.h"
#include "base/service.h"
#include "tests/lib/fail_sys.h"

static char dir[] = "/tmp/cmc-listen-XXXXXX", path[64], tcp[32];

static void no_log(void *ctx, enum cmc_level level, const char *msg, const char *who)
{
    (void)ctx;
    (void)level;
    (void)msg;
    (void)who;
}

static struct serve_server *new_server(void)
{
    const struct serve_hooks hooks = {.log = no_log};
    struct serve_server *s = NULL;
    struct cmc_err err = {0};
    assert_int_equal(serve_server_new(&hooks, NULL, -1, (gid_t)-1, &s, &err), 0);
    return s;
}

static int make(struct cmc_err *err)
{
    const struct serve_config cfg = {.addr = path, .tcp = tcp, .mode = 0660};
    struct serve_server *s = new_server();
    fail_sys_begin();
    const int rc = serve_listen(s, &cfg, 0, getegid(), err);
    fail_sys_end();
    serve_server_free(s);
    return rc;
}

static int ask_who(struct cmc_err *err)
{
    int fd[2];
    struct serve_who who = {.uid = 77};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    fail_sys_begin();
    const int rc = serve_who_of(fd[0], false, getegid() + 1, &who, err);
    fail_sys_end();
    assert_int_equal(who.uid, rc < 0 ? 77 : geteuid());
    (void)close(fd[0]);
    (void)close(fd[1]);
    return rc;
}

static void each_call(void **state)
{
    (void)state;
    fail_sys_each(make);
    fail_sys_each(ask_who);
}

static int open_socket(int family)
{
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_un none = {.sun_family = AF_UNIX}; /* an abstract name of its own */
    if (family == AF_UNIX)
        assert_int_equal(
            bind(fd, (const struct sockaddr *)(const void *)&none, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* In a process of its own, whose first descriptors are these. */
static int with_passed(int first, int second, const struct serve_config *cfg)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        struct cmc_err err = {0};
        const int a = first >= 0 ? fcntl(first, F_DUPFD, 100) : -1;
        const int b = second >= 0 ? fcntl(second, F_DUPFD, 100) : -1;
        struct serve_server *s = new_server();
        const int count = 1 + (second >= 0);
        if (a >= 0)
            (void)dup2(a, CMC_SERVICE_FIRST_FD);
        else
            (void)close(CMC_SERVICE_FIRST_FD);
        if (b >= 0)
            (void)dup2(b, CMC_SERVICE_FIRST_FD + 1);
        _exit(-serve_listen(s, cfg, count, (gid_t)-1, &err));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What was passed is not made once more; what is no socket is refused. */
static void passed(void **state)
{
    const struct serve_config cfg = {.addr = path, .tcp = tcp, .mode = 0660};
    (void)state;
    cmc_autofd int local = open_socket(AF_UNIX), inet = open_socket(AF_INET),
                   file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)unlink(path);
    assert_int_equal(with_passed(local, inet, &cfg), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(with_passed(local, -1, &cfg), 0); /* TCP is made */
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(with_passed(inet, -1, &cfg), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(with_passed(file, -1, &cfg), CMC_E_SYS);
    assert_int_equal(with_passed(local, file, &cfg), CMC_E_SYS);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    (void)snprintf(tcp, sizeof(tcp), "127.0.0.1:%d", 20000 + getpid() % 20000);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call), cmocka_unit_test(passed)};
    return cmocka_run_group_tests_name("attest/serve/listen failing calls", tests, set_up, NULL);
}
