/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_group.c -- annotations to groups, groups to socket names. */
#include <fcntl.h>
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

#include "shim/group.h"
#include "tests/lib/rows.h"

struct row {
    const char *name, *config, *want;
};

static struct row rows[] = {
    {"nothing", "", "own"},
    {"no JSON", "{ annotations", "own"},
    {"no annotations", "{}", "own"},
    {"annotations of another type", "{\"annotations\":[1]}", "own"},
    {"value of another type", "{\"annotations\":{\"io.containerd.runc.v2.group\":1}}", "own"},
    {"runc group", "{\"annotations\":{\"io.containerd.runc.v2.group\":\"g\"}}", "g"},
    {"sandbox", "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\"}}", "pod"},
    {"runc group wins",
     "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\",\"io.containerd.runc.v2.group\":"
     "\"g\"}}",
     "g"},
    {"empty value is a value", "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"\"}}", ""},
    {"duplicate member", "{\"annotations\":{},\"annotations\":{}}", "own"},
    {"another case", "{\"Annotations\":{\"io.containerd.runc.v2.group\":\"g\"}}", "own"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    char got[SHIM_GROUP_MAX] = "poison";
    shim_group_of(t->config, strlen(t->config), "own", got);
    assert_string_equal(got, t->want);
}

static void write_config(const char *dir, const char *text, off_t size)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/config.json", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    if (size)
        assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

static const char *group_in(const char *dir)
{
    static char got[SHIM_GROUP_MAX];
    int fd = open(dir, O_PATH | O_DIRECTORY);
    assert_true(fd >= 0);
    shim_group_read(fd, "own", got);
    assert_int_equal(close(fd), 0);
    return got;
}

static void test_files(void **state)
{
    (void)state;
    char dir[] = "/tmp/cmc-group-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/config.json", dir);
    assert_string_equal(group_in(dir), "own"); /* missing */
    write_config(dir, rows[5].config, 0);
    assert_string_equal(group_in(dir), "g");
    write_config(dir, rows[5].config, 100 << 20); /* 100 MB, with NUL behind the document */
    assert_string_equal(group_in(dir), "own");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not hang */
    assert_string_equal(group_in(dir), "own");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_string_equal(group_in(dir), "own");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_long_group(void **state)
{
    (void)state;
    static char text[SHIM_GROUP_MAX + 128], got[SHIM_GROUP_MAX];
    int n = snprintf(text, sizeof(text), "{\"annotations\":{\"io.containerd.runc.v2.group\":\"");
    memset(text + n, 'x', SHIM_GROUP_MAX);
    memcpy(text + n + SHIM_GROUP_MAX, "\"}}", 4);
    shim_group_of(text, strlen(text), "own", got);
    assert_string_equal(got, "own");
}

static void test_socket_names(void **state)
{
    (void)state;
    char a[SHIM_SOCKET_PATH_MAX + 1], b[SHIM_SOCKET_PATH_MAX + 1], long_dir[128];
    struct cmc_err err;
    /* printf 'cmc-shim-v1\0/c.sock\0default\0c1' | sha256sum | cut -c -40 */
    assert_int_equal(shim_group_socket("/s", "/c.sock", "default", "c1", a, &err), 0);
    assert_string_equal(a, "/s/cmc-cacab64a503e6ea5dfe5aec38dd4b6c674e9da98");
    assert_int_equal(shim_group_socket("/s", "/c.sock", "defaultc", "1", b, &err), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(shim_group_socket("/s", "/c.sock", "default", "c2", b, &err), 0);
    assert_string_not_equal(a, b);
    memset(long_dir, 'd', sizeof(long_dir));
    long_dir[62] = '\0'; /* 62 + "/cmc-" + 40 = 107 */
    assert_int_equal(shim_group_socket(long_dir, "", "", "", b, &err), 0);
    assert_int_equal(strlen(b), SHIM_SOCKET_PATH_MAX);
    long_dir[62] = 'd';
    long_dir[63] = '\0';
    memcpy(b, "poison", 7);
    assert_int_equal(shim_group_socket(long_dir, "", "", "", b, &err), -CMC_E_LIMIT);
    assert_string_equal(b, "poison");
}

int main(void)
{
    struct CMUnitTest tests[3 + ROWS(rows)] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_long_group),
        cmocka_unit_test(test_socket_names),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[3 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/group", tests, NULL, NULL);
}
