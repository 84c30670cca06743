/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_dial.c -- addresses, and peers that let us wait. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/dial.h"
#include "base/service.h"
#include "tests/lib/rows.h"

static struct row {
    const char *in;
    int want;
    const char *path, *host, *port;
} rows[] = {
    {"unix:///run/s", 0, "/run/s", "", ""},
    {"/run/s", 0, "/run/s", "", ""},
    {"/a:1", 0, "/a:1", "", ""},
    {"tcp://h:1", 0, "", "h", "1"},
    {"h.example:9955", 0, "", "h.example", "9955"},
    {"[::1]:65535", 0, "", "::1", "65535"},
    {"tcp://[fe80::1]:1", 0, "", "fe80::1", "1"},
    {":9955", 0, "", "", "9955"},
    {"", -CMC_E_USAGE, NULL, NULL, NULL},
    {"h", -CMC_E_USAGE, NULL, NULL, NULL},
    {"h:", -CMC_E_USAGE, NULL, NULL, NULL},
    {"h:x", -CMC_E_USAGE, NULL, NULL, NULL},
    {"h:123456", -CMC_E_USAGE, NULL, NULL, NULL},
    {"unix://run/s", -CMC_E_USAGE, NULL, NULL, NULL},
    {"http://h/", -CMC_E_USAGE, NULL, NULL, NULL},
    {"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxx"
     "xxxxxxxxxxx",
     0, NULL, "", ""},
    {"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxx"
     "xxxxxxxxxxxx",
     -CMC_E_USAGE, NULL, NULL, NULL},
};

static void addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct serve_addr a = {.port = "77"};
        struct cmc_err err = {0};
        assert_int_equal(serve_addr_parse(rows[i].in, &a, &err), rows[i].want);
        if (rows[i].want < 0) {
            assert_string_equal(a.port, "77");
            continue;
        }
        assert_string_equal(a.path, rows[i].path ? rows[i].path : rows[i].in);
        assert_string_equal(a.host, rows[i].host);
        assert_string_equal(a.port, rows[i].port);
        assert_int_equal(a.tcp, a.path[0] == '\0');
    }
}

static void deadlines(void **state)
{
    (void)state;
    static char large[1 << 22];
    char byte;
    int fd[2];
    struct cmc_err err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    int64_t begin = serve_now_ms();
    assert_int_equal(serve_receive(fd[0], &byte, 1, begin + 100, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ETIMEDOUT);
    assert_true(serve_now_ms() - begin >= 100 && serve_now_ms() - begin < 3000);
    begin = serve_now_ms();
    assert_int_equal(serve_send(fd[0], large, sizeof(large), begin + 100, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ETIMEDOUT);
    (void)close(fd[1]);
    assert_int_equal(serve_send(fd[0], large, sizeof(large), begin + 10000, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, EPIPE);
    assert_int_equal(serve_receive(fd[0], &byte, 1, begin + 10000, &err), -CMC_E_SYS);
    (void)close(fd[0]);
}

static void nobody_there(void **state)
{
    (void)state;
    struct serve_addr a;
    struct cmc_err err = {0};
    assert_int_equal(serve_addr_parse("/nowhere/s", &a, &err), 0);
    assert_int_equal(serve_dial(&a, serve_now_ms() + 1000, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "connect to /nowhere/s"));
    assert_int_equal(serve_addr_parse("127.0.0.1:1", &a, &err), 0);
    assert_int_equal(serve_dial(&a, serve_now_ms() + 1000, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "connect to 127.0.0.1:1"));
}

/* A backlog that is full: we wait, and not for ever. */
static void full(void **state)
{
    (void)state;
    char dir[] = "/tmp/cmc-dial-XXXXXX", path[64];
    struct serve_addr a;
    struct cmc_err err = {0};
    int fd[4], count = 0;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    const struct cmc_service_socket own = {
        .path = path, .type = SOCK_STREAM, .mode = 0600, .gid = (gid_t)-1};
    const int listener = cmc_service_listen(&own, &err);
    assert_true(listener >= 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(serve_addr_parse(path, &a, &err), 0);
    const int64_t begin = serve_now_ms();
    while (count < 4 && (fd[count] = serve_dial(&a, begin + 200, &err)) >= 0)
        count++;
    assert_true(count > 0 && count < 4);
    assert_true(serve_now_ms() - begin >= 190 && serve_now_ms() - begin < 3000);
    while (count)
        (void)close(fd[--count]);
    (void)close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(deadlines),
                                       cmocka_unit_test(nobody_there), cmocka_unit_test(full)};
    return cmocka_run_group_tests_name("attest/serve/dial", tests, NULL, NULL);
}
