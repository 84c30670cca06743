/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_listen.c -- which sockets are made, and which cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/dial.h"
#include "attest/serve/listen.h"
#include "base/service.h"

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

static int reached(const char *text)
{
    struct serve_addr a;
    struct cmc_err err = {0};
    assert_int_equal(serve_addr_parse(text, &a, &err), 0);
    const int fd = serve_dial(&a, serve_now_ms() + 1000, &err);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static void made_here(void **state)
{
    (void)state;
    char dir[] = "/tmp/cmc-listen-XXXXXX", path[64], tcp[32];
    struct stat st;
    struct cmc_err err = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    (void)snprintf(tcp, sizeof(tcp), "127.0.0.1:%d", 20000 + getpid() % 20000);
    struct serve_config cfg = {.addr = path, .mode = 0666};
    struct serve_server *s = new_server();
    assert_int_equal(serve_listen(s, &cfg, 0, (gid_t)-1, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    assert_true(reached(path));
    assert_false(reached(tcp)); /* not unless it is named */
    serve_server_free(s);
    cfg.tcp = tcp;
    s = new_server();
    if (serve_listen(s, &cfg, 0, (gid_t)-1, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(reached(path) && reached(tcp));
    struct serve_server *second = new_server();
    assert_int_equal(serve_listen(second, &cfg, 0, (gid_t)-1, &err), -CMC_E_USAGE);
    serve_server_free(second);
    serve_server_free(s);
    cfg.tcp = (char[]){"no.such.host.invalid:1"};
    s = new_server();
    assert_int_equal(serve_listen(s, &cfg, 0, (gid_t)-1, &err), -CMC_E_USAGE);
    serve_server_free(s);
}

static void groups(void **state)
{
    (void)state;
    assert_int_equal(serve_listen_group("root"), 0);
    assert_int_equal(serve_listen_group("no-such-group-at-all"), (gid_t)-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_here), cmocka_unit_test(groups)};
    return cmocka_run_group_tests_name("attest/serve/listen", tests, NULL, NULL);
}
