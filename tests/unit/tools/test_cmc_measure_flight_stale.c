/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight_stale.c -- a tree that was touched is read again. */
#include "tests/unit/tools/test_cmc_measure_flight.h"

#include <sys/xattr.h>

/* Once changed, for whatever reason, read again; then at rest, kept again. */
static int put_a_byte(void)
{
    return put("file", "jello");
}
static int put_a_byte_and_the_time_back(void)
{
    struct stat was;
    if (fstatat(w.layer_fd, "file", &was, 0) < 0 || put("file", "jello") < 0)
        return -1;
    const struct timespec times[2] = {was.st_atim, was.st_mtim};
    return utimensat(w.layer_fd, "file", times, 0);
}
static int store_through_a_mapping(void)
{
    cmc_autofd int fd = openat(w.layer_fd, "file", O_RDWR | O_CLOEXEC);
    char *at = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -1;
    at[0] = at[1];
    return munmap(at, 5);
}
static int exchange_names(void)
{
    return renameat2(w.layer_fd, "file", w.layer_fd, "other", RENAME_EXCHANGE);
}
static int rename_a_directory(void)
{
    return renameat(w.layer_fd, "dir", w.layer_fd, "dor");
}
static int set_an_attribute(void)
{
    cmc_autofd int fd = openat(w.layer_fd, "file", O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, "user.a", "1", 1, 0);
}
static int set_an_attribute_of_the_root(void)
{
    return fsetxattr(w.layer_fd, "user.a", "1", 1, 0);
}
static int change_the_mode(void)
{
    return fchmodat(w.layer_fd, "dir", 0711, 0);
}
static int change_the_mode_of_the_root(void)
{
    return fchmod(w.layer_fd, 0700);
}
static int change_the_owner(void)
{
    return geteuid() == 0 ? fchownat(w.layer_fd, "sym", 7, 7, AT_SYMLINK_NOFOLLOW) : 1;
}
static int add_a_link(void)
{
    return linkat(w.layer_fd, "file", w.layer_fd, "again", 0);
}
static int add_a_file(void)
{
    return put("dir/new", "");
}
static int remove_a_file(void)
{
    return unlinkat(w.layer_fd, "dir/inner", 0);
}
static int point_elsewhere(void)
{
    return unlinkat(w.layer_fd, "sym", 0) | symlinkat("dir", w.layer_fd, "sym");
}
static int replace_by_the_like(void)
{
    return put("new", "hallo") | renameat(w.layer_fd, "new", w.layer_fd, "file");
}

static struct row {
    const char *name;
    int (*act)(void); /* 1: not here */
} rows[] = {
    {"a byte", put_a_byte},
    {"a byte, and the time put back", put_a_byte_and_the_time_back},
    {"a store through a mapping", store_through_a_mapping},
    {"names exchanged", exchange_names},
    {"a directory renamed", rename_a_directory},
    {"an attribute", set_an_attribute},
    {"an attribute of the root", set_an_attribute_of_the_root},
    {"a mode", change_the_mode},
    {"the mode of the root", change_the_mode_of_the_root},
    {"an owner", change_the_owner},
    {"a link more", add_a_link},
    {"a file more", add_a_file},
    {"a file less", remove_a_file},
    {"a link to elsewhere", point_elsewhere},
    {"another file of that size", replace_by_the_like},
};

static void test_change(void **state)
{
    const struct row *row = *state;
    on_a_disk();
    from(CMC_MEASURE_OWN);
    from(CMC_MEASURE_KEPT);
    const int done = row->act();
    if (done == 1)
        skip();
    assert_int_equal(done, 0);
    from(CMC_MEASURE_OWN);
    rest();
    (void)says_the_truth(); /* it may have been at rest in time */
    from(CMC_MEASURE_KEPT);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, test_change, begin, finish, &rows[i]};
    return _cmocka_run_group_tests("tools/cmc_measure_flight_stale", tests, ROWS(rows), setup,
                                   teardown);
}
