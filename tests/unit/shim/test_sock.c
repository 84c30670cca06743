/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_sock.c -- one owner per socket, and a socket without a name. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shim/sock.h"

static char dir[] = "/tmp/cmc-sock-XXXXXX";
static char sub[64], path[96];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(sub, sizeof(sub), "%s/s", dir);
    (void)snprintf(path, sizeof(path), "%s/cmc-x", sub);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)rmdir(sub);
    return rmdir(dir);
}

static void test_directory(void **state)
{
    (void)state;
    struct cmc_err err;
    struct stat st;
    cmc_autofd int lock = shim_sock_lock_dir(sub, &err);
    assert_true(lock >= 0);
    assert_int_equal(stat(sub, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    int other = open(sub, O_RDONLY);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1); /* it is locked */
    cmc_closep(&lock);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(close(other), 0);
    assert_int_equal(chmod(sub, 0770), 0);
    assert_int_equal(shim_sock_lock_dir(sub, &err), -CMC_E_VERIFY);
    assert_int_equal(chmod(sub, 0711), 0);
    lock = shim_sock_lock_dir(sub, &err);
    assert_true(lock >= 0);
    assert_int_equal(shim_sock_lock_dir("/nowhere/at/all", &err), -CMC_E_SYS);
}

static void test_listen_connect_remove(void **state)
{
    (void)state;
    struct cmc_err err;
    struct stat st;
    assert_int_equal(shim_sock_connect(path, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ENOENT);
    cmc_autofd int listener = shim_sock_listen(path, &err);
    assert_true(listener >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    cmc_autofd int peer = shim_sock_connect(path, &err);
    assert_true(peer >= 0);
    assert_true(shim_sock_peer_is_ours(peer));
    cmc_closep(&listener);
    assert_int_equal(shim_sock_connect(path, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ECONNREFUSED);
    assert_int_not_equal(shim_sock_inode(path), 0);
    listener = shim_sock_listen(path, &err); /* replaces the stale one */
    assert_true(listener >= 0);
    shim_sock_remove(sub, path, shim_sock_inode(path) + 1); /* somebody else's by now */
    assert_int_not_equal(shim_sock_inode(path), 0);
    shim_sock_remove(sub, path, 0);
    assert_int_not_equal(shim_sock_inode(path), 0);
    shim_sock_remove(sub, path, shim_sock_inode(path));
    assert_int_equal(shim_sock_inode(path), 0);
}

static void test_private(void **state)
{
    (void)state;
    struct cmc_err err;
    int listener = -1, inode = -1;
    assert_int_equal(shim_sock_private(sub, &listener, &inode, &err), 0);
    assert_int_equal(rmdir(sub), 0); /* nothing is in it: the socket has no name */
    assert_int_equal(mkdir(sub, 0700), 0);
    cmc_autofd int peer = shim_sock_connect_private(inode, &err);
    assert_true(peer >= 0);
    cmc_autofd int got = accept(listener, NULL, NULL);
    assert_true(got >= 0);
    assert_int_equal(write(peer, "x", 1), 1);
    char c = 0;
    assert_int_equal(read(got, &c, 1), 1);
    assert_int_equal(c, 'x');
    assert_int_equal(close(listener), 0);
    assert_int_equal(shim_sock_connect_private(inode, &err), -CMC_E_SYS);
    assert_int_equal(close(inode), 0);
    assert_int_equal(shim_sock_private("/nowhere", &listener, &inode, &err), -CMC_E_SYS);
}

static void test_long_paths(void **state)
{
    (void)state;
    char text[120];
    struct cmc_err err;
    memset(text, 'x', sizeof(text));
    text[108] = '\0';
    assert_int_equal(shim_sock_connect(text, &err), -CMC_E_LIMIT);
    assert_int_equal(shim_sock_listen(text, &err), -CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_listen_connect_remove),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_long_paths),
    };
    return cmocka_run_group_tests_name("shim/sock", tests, setup, teardown);
}
