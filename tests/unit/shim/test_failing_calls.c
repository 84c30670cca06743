/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_failing_calls.c -- each system call of a shim's start fails once: an error
 * or a good result, outputs as before, no descriptor left open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shim/bundle.h"
#include "shim/leftover.h"
#include "shim/log.h"
#include "shim/server.h"
#include "shim/sock.h"
#include "tests/lib/fail_sys.h"
#include "tests/lib/rows.h"

static char dir[] = "/tmp/cmc-calls-XXXXXX", path[64], log_path[64];
static int dir_fd = -1;

static int closed(int fd)
{
    fail_sys_end();
    if (fd >= 0)
        (void)close(fd);
    return fd < 0 ? fd : 0;
}

/* A log that cannot be opened is none, and no error. */
static int open_log(struct cmc_err *err)
{
    const struct cmc_site site = {.log = log_path};
    (void)err;
    fail_sys_begin();
    const int fd = shim_log_open(&site);
    assert_true(fd >= -1);
    (void)closed(fd);
    return 0;
}

/* With one that is too long, whatever fails: the shim has this file or a new one. */
static int open_long_log(struct cmc_err *err)
{
    const int fd = open(log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, SHIM_LOG_BYTES_MAX + 1), 0);
    (void)close(fd);
    return open_log(err);
}

static int lock_dir(struct cmc_err *err)
{
    fail_sys_begin();
    return closed(shim_sock_lock_dir(dir, err));
}

static int listen_at(struct cmc_err *err)
{
    fail_sys_begin();
    return closed(shim_sock_listen(path, err));
}

static int listen_privately(struct cmc_err *err)
{
    int listener = -7, inode = -7;
    fail_sys_begin();
    const int rc = shim_sock_private(dir, &listener, &inode, err);
    fail_sys_end();
    if (rc < 0) {
        assert_int_equal(listener, -7);
        assert_int_equal(inode, -7);
        return rc;
    }
    (void)close(listener);
    (void)close(inode);
    return 0;
}

static int connect_to(struct cmc_err *err)
{
    cmc_autofd int listener = shim_sock_listen(path, err);
    assert_true(listener >= 0);
    fail_sys_begin();
    return closed(shim_sock_connect(path, err));
}

static int connect_privately(struct cmc_err *err)
{
    cmc_autofd int listener = -1, inode = -1;
    assert_int_equal(shim_sock_private(dir, &listener, &inode, err), 0);
    fail_sys_begin();
    return closed(shim_sock_connect_private(inode, err));
}

/* Who cannot be asked is not one of ours. */
static int ask_peer(struct cmc_err *err)
{
    int pair[2];
    (void)err;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fail_sys_begin();
    const bool ours = shim_sock_peer_is_ours(pair[0]);
    fail_sys_end();
    (void)close(pair[0]);
    (void)close(pair[1]);
    return ours ? 0 : cmc_fail(err, CMC_E_VERIFY, "not ours");
}

/* A socket that cannot be looked at stays; without the lock it is removed all the same. */
static int remove_socket(struct cmc_err *err)
{
    cmc_autofd int listener = shim_sock_listen(path, err);
    assert_true(listener >= 0);
    const uint64_t ino = shim_sock_inode(path);
    assert_true(ino != 0);
    fail_sys_begin();
    shim_sock_remove(dir, path, ino);
    fail_sys_end();
    return 0;
}

static int open_bundle(struct cmc_err *err)
{
    fail_sys_begin();
    return closed(shim_bundle_open(dir, err));
}

static int open_bundle_log(struct cmc_err *err)
{
    fail_sys_begin();
    (void)closed(shim_bundle_log(dir_fd));
    (void)err;
    return 0;
}

/* The file is whole, or as it was; nothing else is left. */
static int write_bundle(struct cmc_err *err)
{
    fail_sys_begin();
    const int rc = shim_bundle_write(dir_fd, "address", "unix:///", err);
    fail_sys_end();
    return rc;
}

static int note(struct cmc_err *err)
{
    fail_sys_begin();
    const int rc = shim_leftover_note(dir_fd, getpid(), err);
    fail_sys_end();
    return rc;
}

/* A socket that nobody listens at; the process that is noted has another start. */
static int clean(struct cmc_err *err)
{
    char address[80];
    (void)snprintf(address, sizeof(address), "unix://%s", path);
    assert_int_equal(shim_bundle_write(dir_fd, "address", address, err), 0);
    assert_int_equal(shim_bundle_write(dir_fd, "cmc-shim.pid", "1 7\n", err), 0);
    const int stale = shim_sock_listen(path, err);
    assert_true(stale >= 0);
    (void)close(stale);
    fail_sys_begin();
    shim_leftover_clean(dir_fd);
    fail_sys_end();
    return 0;
}

static int place(struct cmc_err *err)
{
    const struct cmc_span none = {NULL, 0};
    fail_sys_begin();
    const int rc = shim_server_place(&none, NULL, err);
    fail_sys_end();
    return rc;
}

static struct row {
    const char *name;
    fail_sys_call *call;
} rows[] = {
    {"the log is opened", open_log},
    {"a long log is set aside", open_long_log},
    {"the sockets' directory is locked", lock_dir},
    {"a socket listens", listen_at},
    {"a private socket listens", listen_privately},
    {"a connection", connect_to},
    {"a private connection", connect_privately},
    {"a peer is asked for", ask_peer},
    {"a socket is removed", remove_socket},
    {"a bundle is opened", open_bundle},
    {"a bundle's log is opened", open_bundle_log},
    {"a bundle's file is written", write_bundle},
    {"the real shim is noted", note},
    {"what is left is cleaned", clean},
    {"the shim is placed", place},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    fail_sys_each(t->call);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/cmc-socket", dir);
    (void)snprintf(log_path, sizeof(log_path), "%s/shim.log", dir);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd < 0 ? -1 : mkfifoat(dir_fd, "log", 0600);
}

static int teardown(void **state)
{
    static const char *const names[] = {"shim.log",   "shim.log.1", "log",
                                        "cmc-socket", "address",    "cmc-shim.pid"};
    char temp[64];
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++)
        (void)unlinkat(dir_fd, names[i], 0);
    (void)snprintf(temp, sizeof(temp), "cmc-inner-%d", getpid());
    (void)unlinkat(dir_fd, temp, 0);
    (void)close(dir_fd);
    return rmdir(dir); /* fails when anything else was left */
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/failing calls", tests, setup, teardown);
}
