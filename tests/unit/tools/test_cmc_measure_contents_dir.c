/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_contents_dir.c -- one writer at a time; a file is there whole
 * or not; and who goes when there is no room. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "base/cleanup.h"
#include "tools/cmc_measure_contents_dir.h"
#include "tools/cmc_measure_flight_dir.h"

#define MIB ((off_t)1 << 20)

static struct {
    char path[32];
    int dir;
} w;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(w.path, sizeof(w.path), "/tmp/cmc-contents-XXXXXX");
    assert_non_null(mkdtemp(w.path));
    assert_int_equal(cmc_measure_contents_dir_open(w.path, false), -1);
    w.dir = cmc_measure_contents_dir_open(w.path, true);
    assert_true(w.dir >= 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    cmc_closep(&w.dir);
    return nftw(w.path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *name_of(unsigned number)
{
    static char name[CMC_MEASURE_CONTENTS_NAME];
    (void)snprintf(name, sizeof(name), "%032x", number);
    return name;
}

/* Keeps a file of that many bytes (a hole), last used in that second. */
static bool keep(unsigned number, off_t bytes, time_t used)
{
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
    cmc_autofd int fd = cmc_measure_contents_dir_new(w.dir);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    assert_int_equal(futimens(fd, times), 0);
    const bool kept = cmc_measure_contents_dir_keep(w.dir, fd, name_of(number));
    assert_int_equal(faccessat(w.dir, "new", F_OK, 0), -1);
    return kept;
}

static bool is_there(unsigned number)
{
    return faccessat(w.dir, name_of(number), F_OK, 0) == 0;
}

static size_t files(void)
{
    size_t n = 0;
    int fd = openat(w.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static void test_modes(void **state)
{
    (void)state;
    struct stat st;
    const mode_t was = umask(0);
    assert_true(keep(1, 5, 1));
    (void)umask(was);
    assert_int_equal(fstat(w.dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(fstatat(w.dir, name_of(1), &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    cmc_autofd int fd = cmc_measure_contents_dir_read(w.dir, name_of(1));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(cmc_measure_contents_dir_read(w.dir, name_of(2)), -1);
}

static void test_lock(void **state)
{
    (void)state;
    cmc_autofd int other = cmc_measure_contents_dir_open(w.path, false);
    assert_true(cmc_measure_flight_lock(w.dir));
    assert_false(cmc_measure_flight_lock(other));
    cmc_closep(&w.dir);
    assert_true(cmc_measure_flight_lock(other));
    w.dir = cmc_take_fd(&other);
}

/* Who has the old one open goes on reading it. */
static void test_replacing(void **state)
{
    (void)state;
    struct stat st;
    assert_true(keep(1, 5, 1));
    cmc_autofd int old = cmc_measure_contents_dir_read(w.dir, name_of(1));
    assert_true(keep(1, 7, 2));
    assert_int_equal(fstat(old, &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(fstatat(w.dir, name_of(1), &st, 0), 0);
    assert_int_equal(st.st_size, 7);
    assert_int_equal(files(), 1);
}

static void test_quota(void **state)
{
    (void)state;
    assert_true(keep(1, 20 * MIB, 40));
    assert_true(keep(2, 20 * MIB, 20)); /* the oldest */
    assert_true(keep(3, 24 * MIB, 30));
    assert_int_equal(files(), 3); /* exactly full */
    assert_true(keep(3, 24 * MIB, 30));
    assert_int_equal(files(), 3); /* what is replaced does not count */
    assert_true(keep(4, 1, 10));  /* the new one is not asked how old it is */
    assert_false(is_there(2));
    assert_true(is_there(1) && is_there(3) && is_there(4));
    assert_true(keep(5, 30 * MIB, 50)); /* two must go */
    assert_false(is_there(4) || is_there(3));
    assert_true(is_there(1) && is_there(5));
    assert_true(keep(6, 64 * MIB, 60));
    assert_int_equal(files(), 1);
    assert_false(keep(7, 64 * MIB + 1, 70)); /* never */
    assert_false(is_there(7));
}

static void test_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CMC_MEASURE_CONTENTS_FILES; i++) {
        cmc_autofd int fd = openat(w.dir, name_of(i), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 2000 - i}};
        assert_int_equal(futimens(fd, times), 0);
    }
    assert_true(keep(3, 1, 1));
    assert_int_equal(files(), CMC_MEASURE_CONTENTS_FILES);
    assert_true(keep(5000, 1, 2000));
    assert_int_equal(files(), CMC_MEASURE_CONTENTS_FILES);
    assert_false(is_there(3));
    assert_true(keep(5001, 1, 2000));
    assert_false(is_there(CMC_MEASURE_CONTENTS_FILES - 1));
}

/* What has no business here goes, too. */
static void test_others(void **state)
{
    (void)state;
    static const char *const names[] = {"x", "0000000000000000000000000000000",
                                        "000000000000000000000000000000000",
                                        "0000000000000000000000000000000A"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cmc_autofd int fd = openat(w.dir, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
    }
    assert_int_equal(symlinkat("/", w.dir, "link"), 0);
    assert_int_equal(mkdirat(w.dir, "directory", 0700), 0); /* in nobody's way */
    assert_true(keep(1, 1, 1));
    assert_int_equal(files(), 2);
    assert_true(is_there(1));
}

static void test_a_leftover(void **state)
{
    (void)state;
    assert_int_equal(symlinkat(name_of(9), w.dir, "new"), 0);
    assert_true(keep(1, 1, 1));
    assert_false(is_there(9));
    assert_int_equal(mkdirat(w.dir, "new", 0700), 0); /* nobody does that */
    assert_int_equal(cmc_measure_contents_dir_new(w.dir), -1);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_modes),      WITH_DIR(test_lock),   WITH_DIR(test_replacing),
        WITH_DIR(test_quota),      WITH_DIR(test_number), WITH_DIR(test_others),
        WITH_DIR(test_a_leftover),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_contents_dir", tests, NULL, NULL);
}
