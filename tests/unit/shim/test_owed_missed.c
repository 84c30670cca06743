/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_owed_missed.c -- what a proxy leaves word of is what the recorder reads; and
 * where it leaves none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/dir.h"
#include "record/missed.h"
#include "shim/owed.h"
#include "tests/lib/rows.h"

enum { MISSED_MAX = 65536 };

static char top[64], dir[96], file[128];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(top, sizeof(top), "/tmp/cmc-test-missed-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(dir, sizeof(dir), "%s/cmc", top);
    (void)snprintf(file, sizeof(file), "%s/missed", dir);
    return 0;
}

static int tear_down(void **state)
{
    char other[128];
    (void)state;
    (void)snprintf(other, sizeof(other), "%s/other", top);
    (void)unlink(file);
    (void)unlink(dir); /* a symbolic link */
    (void)rmdir(dir);
    (void)unlink(other);
    (void)rmdir(other);
    return rmdir(top);
}

static void leave_word(const char *runtime_dir, const char *id, const char *why)
{
    struct shim_proxy p = {.setup = {.ns = "k8s.io", .runtime_dir = runtime_dir}};
    shim_owed_missed(&p, id, why);
}

static size_t size_read; /* bytes of the file */

/* What the recorder makes of it, its own checks of the file included: how many lines, and the
 * first. */
static struct record_missed read_back(void)
{
    struct record_missed m = {.count = 0};
    struct cmc_err err;
    int fd = record_dir_open(dir, false, &err);
    if (fd < 0)
        return m;
    record_missed_read(fd, &m);
    size_read = m.text.len;
    (void)record_missed_next(&m);
    record_missed_done(&m);
    assert_int_equal(close(fd), 0);
    return m;
}

static void put_file(off_t size)
{
    assert_int_equal(mkdir(dir, 0750), 0);
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

static void the_recorder_reads_it(void **state)
{
    struct stat st;
    (void)state;
    leave_word(dir, "first", "no memory"); /* nothing of the directory was there */
    leave_word(dir, "second", "no memory");
    const struct record_missed m = read_back();
    assert_int_equal(m.count, 2);
    assert_string_equal(m.ns, "k8s.io");
    assert_string_equal(m.container, "first");
    assert_string_equal(m.what, "container-create: no memory");
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0027, 0); /* no more than 0750 */
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_line_stays_a_line(void **state)
{
    static char id[5000];
    (void)state;
    memset(id, 'i', sizeof(id) - 1);
    leave_word(dir, "a\tb\nc\xff", "d\ne");
    leave_word(dir, id, id);
    const struct record_missed m = read_back();
    assert_int_equal(m.count, 2);
    assert_string_equal(m.container, "a?b?c?");
    assert_string_equal(m.what, "container-create: d?e");
    assert_true(size_read < 4096);
}

static void who_holds_the_lock_loses_no_line(void **state)
{
    (void)state;
    put_file(0);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    leave_word(dir, "c", "x");
    assert_int_equal(close(fd), 0);
    assert_int_equal(read_back().count, 1);
}

static void it_does_not_grow_without_end(void **state)
{
    struct stat st;
    (void)state;
    put_file(MISSED_MAX - 3000);
    for (int i = 0; i < 200; i++)
        leave_word(dir, "c", "x");
    assert_int_equal(stat(file, &st), 0);
    assert_true(st.st_size > MISSED_MAX - 100 && st.st_size <= MISSED_MAX);
}

static void nothing(void)
{
    (void)snprintf(dir, sizeof(dir), "%s/no/cmc",
                   top); /* the directory above is not ours to make */
}

static void another_link(void)
{
    char other[128];
    (void)snprintf(other, sizeof(other), "%s/other", top);
    assert_int_equal(mkdir(other, 0750), 0);
    assert_int_equal(symlink(other, dir), 0);
}

static void open_to_all(void)
{
    assert_int_equal(mkdir(dir, 0750), 0);
    assert_int_equal(chmod(dir, 0777), 0);
}

static void of_another_user(void)
{
    assert_int_equal(mkdir(dir, 0750), 0);
    assert_int_equal(chown(dir, 1, (gid_t)-1), 0);
}

static void file_is_a_link(void)
{
    char other[128];
    (void)snprintf(other, sizeof(other), "%s/other", top);
    int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(mkdir(dir, 0750), 0);
    assert_int_equal(symlink(other, file), 0);
}

static void file_is_a_fifo(void)
{
    assert_int_equal(mkdir(dir, 0750), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
}

static struct nowhere {
    const char *name;
    void (*prepare)(void);
} nowheres[] = {
    {"no word: nowhere", nothing},
    {"no word: over a link", another_link},
    {"no word: where all may write", open_to_all},
    {"no word: in another's directory", of_another_user},
    {"no word: into what a link names", file_is_a_link},
    {"no word: into a FIFO", file_is_a_fifo},
};

static void no_word(void **state)
{
    const struct nowhere *n = *state;
    char other[128];
    struct stat st;
    n->prepare();
    leave_word(dir, "c", "x");
    leave_word(NULL, "c", "x");
    (void)snprintf(other, sizeof(other), "%s/other/missed", top);
    assert_int_equal(access(other, F_OK), -1);
    (void)snprintf(other, sizeof(other), "%s/other", top);
    if (stat(other, &st) == 0 && S_ISREG(st.st_mode))
        assert_int_equal(st.st_size, 0);
    if (lstat(file, &st) == 0)
        assert_false(S_ISREG(st.st_mode) && st.st_size > 0);
}

int main(void)
{
    struct CMUnitTest tests[4 + ROWS(nowheres)] = {
        cmocka_unit_test_setup_teardown(the_recorder_reads_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_stays_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_holds_the_lock_loses_no_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_does_not_grow_without_end, set_up, tear_down),
    };
    if (getuid() != 0) {
        print_message("a directory of another user's: run as root\n");
        return 77;
    }
    for (size_t i = 0; i < ROWS(nowheres); i++)
        tests[4 + i] =
            (struct CMUnitTest){nowheres[i].name, no_word, set_up, tear_down, &nowheres[i]};
    return cmocka_run_group_tests_name("shim/owed_missed", tests, NULL, NULL);
}
