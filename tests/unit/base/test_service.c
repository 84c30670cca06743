/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_service.c -- sockets that are passed, states that are told, sockets made. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

#include "base/service.h"
#include "tests/lib/rows.h"

static struct row {
    const char *name, *pid, *count; /* pid "me": ours */
    int want;
} rows[] = {
    {"nothing", NULL, NULL, 0},
    {"no count", "me", NULL, 0},
    {"no pid", NULL, "1", 0},
    {"for another process", "1", "1", 0},
    {"none", "me", "0", 0},
    {"one", "me", "1", 1},
    {"no number", "me", "x", -CMC_E_USAGE},
    {"an empty count", "me", "", -CMC_E_USAGE},
    {"a number and more", "me", "1x", -CMC_E_USAGE},
    {"negative", "me", "-1", -CMC_E_USAGE},
    {"too many", "me", "17", -CMC_E_USAGE},
};

/* In a child, whose descriptor 3 is a socket and 4 is nothing. */
static void check_row(void **state)
{
    const struct row *t = *state;
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        char me[16];
        struct cmc_err err = {0};
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (dup2(fd, CMC_SERVICE_FIRST_FD) < 0)
            _exit(2);
        (void)snprintf(me, sizeof(me), "%d", (int)getpid());
        const char *own = t->pid && strcmp(t->pid, "me") == 0 ? me : t->pid;
        const int got = cmc_service_sockets(own, t->count, &err);
        const int flags = fcntl(CMC_SERVICE_FIRST_FD, F_GETFD);
        _exit(got != t->want || (got == 1 && !(flags & FD_CLOEXEC)));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void tell(const char *path, bool abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char got[64] = "";
    const struct timeval wait = {.tv_sec = 5};
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (abstract)
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                     0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    cmc_service_notify(path, "READY=1");
    assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), 7);
    assert_string_equal(got, "READY=1");
    (void)close(fd);
}

static void notify(void **state)
{
    (void)state;
    char dir[] = "/tmp/cmc-service-XXXXXX", path[64], name[64], longest[200];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/n", dir);
    (void)snprintf(name, sizeof(name), "@cmc-test-%d", (int)getpid());
    tell(path, false);
    tell(name, true);
    cmc_service_notify(NULL, "READY=1"); /* nobody is there, and nothing happens */
    cmc_service_notify("", "READY=1");
    cmc_service_notify("relative", "READY=1");
    cmc_service_notify("/nowhere/at/all", "READY=1");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    cmc_service_notify(longest, "READY=1");
}

static void listen_on(void **state)
{
    (void)state;
    char dir[] = "/tmp/cmc-service-XXXXXX", path[64];
    struct stat st;
    struct cmc_err err = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    struct cmc_service_socket s = {
        .path = path, .type = SOCK_SEQPACKET, .mode = 0660, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&s, &err);
    assert_true(fd >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(accept(fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(cmc_service_listen(&s, &err), -CMC_E_USAGE);
    assert_non_null(strstr(err.msg, "another process serves it"));
    (void)close(fd); /* killed: the name is left */
    const int again = cmc_service_listen(&s, &err);
    assert_true(again >= 0);
    (void)close(again);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(cmc_service_listen(&s, &err), -CMC_E_USAGE);
    assert_non_null(strstr(err.msg, "something else is there"));
    assert_int_equal(unlink(path), 0);
    s.path = "relative";
    assert_int_equal(cmc_service_listen(&s, &err), -CMC_E_USAGE);
    s.path = "/nowhere/at/all";
    assert_int_equal(cmc_service_listen(&s, &err), -CMC_E_SYS);
    s.path =
        "/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxx";
    assert_int_equal(cmc_service_listen(&s, &err), -CMC_E_USAGE);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(notify);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(listen_on);
    return cmocka_run_group_tests_name("base/service", tests, NULL, NULL);
}
