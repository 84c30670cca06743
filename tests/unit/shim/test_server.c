/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_server.c -- which task API a real shim speaks, by every kind of answer. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shim/loop.h"
#include "shim/server.h"
#include "shim/sock.h"
#include "tests/unit/shim/vectors.h"

struct row {
    const char *name;
    const uint8_t *answer; /* len 0: nothing is said */
    size_t len;
    bool close;
    int want;
};

static struct row rows[] = {
    {"OK is version 3", BYTES("\0\0\0\2\0\0\0\1\2\0\x12\0"), false, 3},
    {"OK without data is version 3", BYTES("\0\0\0\0\0\0\0\1\2\0"), false, 3},
    {"unimplemented is version 2", BYTES("\0\0\0\4\0\0\0\1\2\0\x0a\2\x08\x0c"), false, 2},
    {"another error is version 3", BYTES("\0\0\0\4\0\0\0\1\2\0\x0a\2\x08\5"), false, 3},
    {"no response", BYTES("\0\0\0\0\0\0\0\1\3\0"), false, -CMC_E_FORMAT},
    {"no protobuf", BYTES("\0\0\0\1\0\0\0\1\2\0\xff"), false, -CMC_E_FORMAT},
    {"over 4 MiB", BYTES("\x7f\0\0\1\0\0\0\1\2\0"), false, -CMC_E_LIMIT},
    {"closed", BYTES(""), true, -CMC_E_FORMAT},
    {"closed in a frame", BYTES("\0\0\0\2\0"), true, -CMC_E_FORMAT},
    {"silent", BYTES(""), false, -CMC_E_FORMAT},
    {"silent in a frame", BYTES("\0\0\0\2\0"), false, -CMC_E_FORMAT},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    int pair[2];
    struct cmc_err err;
    uint8_t asked[256];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[1], t->answer, t->len), (ssize_t)t->len);
    if (t->close)
        assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    assert_int_equal(shim_server_probe(pair[0], -1, "c1", 200, &err), t->want);
    assert_true(read(pair[1], asked, sizeof(asked)) > 40);
    assert_memory_equal(asked + 12, "containerd.task.v3.Task", 23);
    assert_int_equal(close(pair[0]), 0);
    assert_int_equal(close(pair[1]), 0);
}

static void test_long_id(void **state)
{
    (void)state;
    static char id[1 << 16];
    struct cmc_err err;
    memset(id, 'x', sizeof(id) - 1);
    assert_int_equal(shim_server_probe(-1, -1, id, 10, &err), -CMC_E_LIMIT);
}

static int start(const char *program, const char *id, pid_t *pid, int *pidfd, int *inode)
{
    int listener = -1;
    char dir[] = "/tmp/cmc-server-XXXXXX";
    struct cmc_err err;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(shim_sock_private(dir, &listener, inode, &err), 0);
    assert_int_equal(rmdir(dir), 0);
    const struct shim_server_args a = {
        .program = program, .ns = "n", .id = id, .address = "", .listener = listener, .log = -1};
    int rc = shim_server_start(&a, pid, pidfd, &err);
    assert_int_equal(close(listener), 0);
    return rc;
}

static void test_dies_at_once(void **state)
{
    (void)state;
    pid_t pid = -1;
    int pidfd = -1, inode = -1;
    struct cmc_err err;
    for (size_t i = 0; i < 2; i++) { /* ends, and does not exist */
        assert_int_equal(start(i ? "/nowhere" : "/bin/false", "c1", &pid, &pidfd, &inode), 0);
        cmc_autofd int fd = shim_sock_connect_private(inode, &err);
        uint64_t begin = shim_loop_now_ms();
        if (fd >= 0) /* else it is dead already */
            assert_true(shim_server_probe(fd, pidfd, "c1", 10000, &err) < 0);
        assert_true(shim_loop_now_ms() - begin < 5000);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(close(pidfd), 0);
        assert_int_equal(close(inode), 0);
    }
}

static const char *fake_inner;

static void test_versions(void **state)
{
    (void)state;
    struct cmc_err err;
    for (int version = 2; version <= 3; version++) {
        const char *id = version == 3 ? "v3-c1" : "c1";
        pid_t pid = -1;
        int pidfd = -1, inode = -1;
        assert_int_equal(start(fake_inner, id, &pid, &pidfd, &inode), 0);
        cmc_autofd int fd = shim_sock_connect_private(inode, &err);
        assert_int_equal(shim_server_probe(fd, pidfd, id, 10000, &err), version);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(close(pidfd), 0);
        assert_int_equal(close(inode), 0);
    }
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[3 + ROWS(rows)] = {
        cmocka_unit_test(test_long_id),
        cmocka_unit_test(test_dies_at_once),
        cmocka_unit_test(test_versions),
    };
    if (argc < 2)
        return 2;
    fake_inner = argv[1];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[3 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/server", tests, NULL, NULL);
}
