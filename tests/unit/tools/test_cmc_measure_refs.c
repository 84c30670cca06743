/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_refs.c -- one row, one named test: hostile places. Owners of
 * others: tests/e2e/topic_dryrun.py. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_refs.h"

static char top[64];
static int dir = -1;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(top, sizeof(top), "/tmp/cmc-test-refs-XXXXXX");
    dir = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return dir >= 0 && mkdirat(dir, "victim", 0700) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(dir);
    return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int put(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    cmc_put_text(&b, "references");
    return cmc_measure_refs_write(top, &b, err);
}

static void old_file(const char *text)
{
    assert_int_equal(mkdirat(dir, "measure", 0700), 0);
    cmc_autofd int fd = openat(dir, "measure/container-refs", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void none(void)
{
}

static void old(void)
{
    old_file("a longer text than the new one, which must go as a whole");
}

static void symlink_dir(void)
{
    assert_int_equal(symlinkat("victim", dir, "measure"), 0);
}

static void symlink_to_nothing(void)
{
    assert_int_equal(symlinkat("nothing", dir, "measure"), 0);
}

static void symlink_loop(void)
{
    assert_int_equal(symlinkat("measure", dir, "measure"), 0);
}

static void with_mode(mode_t mode)
{
    assert_int_equal(mkdirat(dir, "measure", 0700), 0);
    assert_int_equal(fchmodat(dir, "measure", mode, 0), 0);
}

static void mode_0777(void)
{
    with_mode(0777);
}

static void mode_0750(void)
{
    with_mode(0750);
}

static void mode_0500(void)
{
    with_mode(0500);
}

static void mode_2700(void)
{
    with_mode(02700);
}

static void a_file(void)
{
    cmc_autofd int fd = openat(dir, "measure", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
}

static void a_fifo(void)
{
    assert_int_equal(mkfifoat(dir, "measure", 0700), 0);
}

static void fifo_inside(void)
{
    with_mode(0700);
    assert_int_equal(mkfifoat(dir, "measure/container-refs", 0600), 0);
}

static void link_inside(void)
{
    with_mode(0700);
    assert_int_equal(symlinkat("../victim/f", dir, "measure/container-refs"), 0);
}

static void directory_inside(void)
{
    with_mode(0700);
    assert_int_equal(mkdirat(dir, "measure/container-refs", 0700), 0);
}

static void hard_link_inside(void)
{
    old_file("old");
    assert_int_equal(linkat(dir, "measure/container-refs", dir, "other", 0), 0);
}

static void top_that_others_write(void)
{
    assert_int_equal(fchmod(dir, 0777), 0);
}

static void sticky_top(void)
{
    assert_int_equal(fchmod(dir, 01777), 0);
}

static struct row {
    const char *name;
    void (*make)(void);
    const char *why; /* NULL: written */
} rows[] = {
    {"nothing is there", none, NULL},
    {"an old file", old, NULL},
    {"below a directory such as /tmp", sticky_top, NULL},
    {"a link to a directory", symlink_dir, "measure: a symbolic link"},
    {"a link to nothing", symlink_to_nothing, "measure: a symbolic link"},
    {"a link to itself", symlink_loop, "measure: a symbolic link"},
    {"mode 0777", mode_0777, "mode 0777"},
    {"mode 0750", mode_0750, "mode 0750"},
    {"mode 0500", mode_0500, "mode 0500"},
    {"mode 2700", mode_2700, "mode 2700"},
    {"a file", a_file, "measure: not a directory"},
    {"a fifo", a_fifo, "measure: not a directory"},
    {"a fifo inside", fifo_inside, "container-refs: not a regular file"},
    {"a link inside", link_inside, "container-refs: not a regular file"},
    {"a directory inside", directory_inside, "container-refs: not a regular file"},
    {"a hard link inside", hard_link_inside, "links 2"},
    {"others may rename it", top_that_others_write, "mode 0777: others may rename"},
};

static void victim_is_empty(void)
{
    assert_int_equal(unlinkat(dir, "victim", AT_REMOVEDIR), 0); /* ENOTEMPTY else */
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    t->make();
    const int rc = put(&err);
    if (t->why) {
        assert_int_equal(rc, -CMC_E_VERIFY);
        if (!strstr(err.msg, t->why) || strncmp(err.msg, top, strlen(top)) != 0)
            fail_msg("\"%s\" does not say \"%s\"", err.msg, t->why);
    } else {
        char got[64] = {0};
        struct stat st;
        assert_int_equal(rc, 0);
        cmc_autofd int fd = openat(dir, "measure/container-refs", O_RDONLY | O_NOFOLLOW);
        assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen("references"));
        assert_string_equal(got, "references");
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(fstatat(dir, "measure", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
    }
    victim_is_empty();
}

/* Somebody exchanges the directory for a link to the victim, all the time. */
static atomic_bool stop;

static void *exchange(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
        (void)renameat2(dir, "measure", dir, "other", RENAME_EXCHANGE);
    return NULL;
}

static void never_through_a_link_that_comes_and_goes(void **state)
{
    pthread_t thread;
    int tries = 0, written = 0, refused = 0;
    (void)state;
    with_mode(0700);
    assert_int_equal(symlinkat("victim", dir, "other"), 0);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, exchange, NULL), 0);
    const time_t end = time(NULL) + 30; /* on a busy machine one of them may sleep for long */
    for (; tries < 2000 || ((!written || !refused) && time(NULL) < end); tries++) {
        struct cmc_err err = {0};
        const int rc = put(&err);
        written += rc == 0;
        refused += rc == -CMC_E_VERIFY;
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(written + refused, tries);
    assert_true(written > 0 && refused > 0);
    victim_is_empty();
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, set_up, tear_down, &rows[i]};
    tests[ROWS(rows)] =
        (struct CMUnitTest){"never through a link that comes and goes",
                            never_through_a_link_that_comes_and_goes, set_up, tear_down, NULL};
    return cmocka_run_group_tests_name("tools/cmc_measure_refs", tests, NULL, NULL);
}
