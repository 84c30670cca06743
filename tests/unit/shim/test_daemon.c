/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_daemon.c -- the proxy's own start: its answer, its words, its traces. */
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
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shim/daemon.h"
#include "shim/sock.h"
#include "tests/unit/shim/vectors.h"

static const char *fake_inner, *fake_helper;
static char dir[] = "/tmp/cmc-daemon-XXXXXX", path[64], before[4096];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir) || !getcwd(before, sizeof(before)))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/cmc-x", dir);
    return chdir(dir);
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink("cmc-shim.pid");
    (void)unlink("shim.log");
    return chdir(before) || rmdir(dir);
}

static int start(const char *inner, const char *id, const char *cgroup, struct cmc_err *err)
{
    const struct shim_args args = {.ns = "default", .id = id, .address = "", .config = "/none"};
    struct cmc_site site = {.runtime_dir = dir};
    cmc_autofd int listener = shim_sock_listen(path, err);
    cmc_autofd int helper = open(fake_helper, O_PATH | O_CLOEXEC);
    const struct shim_daemon_args d = {
        .args = &args,
        .site = &site,
        .inner = inner,
        .group = id,
        .socket_dir = dir,
        .socket_path = path,
        .cgroup = {(const uint8_t *)cgroup, strlen(cgroup)},
        .listener = listener,
        .helper = helper,
    };
    assert_true(listener >= 0 && helper >= 0);
    return shim_daemon_start(&d, err);
}

/* Nobody has the socket any more: connecting is refused. */
static void nothing_runs(void)
{
    struct cmc_err err;
    assert_int_equal(shim_sock_connect(path, &err), -CMC_E_SYS);
    assert_int_equal(unlink(path), 0);
}

static void test_failures(void **state)
{
    (void)state;
    struct cmc_err err;
    assert_int_equal(start("/bin/false", "c1", "", &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "/bin/false: the real shim ended at once"));
    nothing_runs();
    assert_int_equal(start("/nowhere", "c1", "", &err), -CMC_E_FORMAT);
    nothing_runs();
    assert_int_equal(start(fake_inner, "c1", "/cmc-no-such-cgroup", &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "cmc-no-such-cgroup"));
    nothing_runs();
}

static pid_t noted(void)
{
    char text[64] = "";
    cmc_autofd int fd = open("cmc-shim.pid", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    return (pid_t)strtol(text, NULL, 10);
}

static void versions(const char *id, int want)
{
    struct cmc_err err;
    assert_int_equal(start(fake_inner, id, "", &err), want);
    cmc_autofd int fd = shim_sock_connect(path, &err); /* the proxy listens */
    assert_true(fd >= 0);
    assert_int_equal(kill(noted(), SIGKILL), 0); /* the real shim: the proxy follows it */
    for (int i = 0; i < 500 && shim_sock_inode(path); i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(shim_sock_inode(path), 0);
}

static void test_versions(void **state)
{
    (void)state;
    versions("c1", 2);
    versions("v3-c1", 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_versions),
    };
    if (argc < 3)
        return 2;
    fake_inner = argv[1];
    fake_helper = argv[2];
    return cmocka_run_group_tests_name("shim/daemon", tests, setup, teardown);
}
