/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight_dir.c -- which files are believed, held, cleared away.
 */
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

#include "tools/cmc_measure_flight_dir.h"

static struct {
    char dir[32], layer[64];
    struct cmc_measure_mounts mounts;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
    struct cmc_measure_flight_place place;
} w;

static int setup(void **state)
{
    struct cmc_err err;
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.layer, sizeof(w.layer), "%s/layer", w.dir);
    assert_int_equal(mkdir(w.layer, 0755), 0);
    w.mounts.kind = CMC_MEASURE_BIND;
    w.mounts.source = (struct cmc_span){(const uint8_t *)w.layer, strlen(w.layer)};
    w.flight = (struct cmc_measure_flight){
        .runtime_dir = w.dir, .form = "exact 1", .mounts = &w.mounts, .opts = &w.opts};
    assert_true(cmc_measure_flight_find(&w.flight, false, &w.place, &err) < 0); /* none yet */
    assert_int_equal(cmc_measure_flight_find(&w.flight, true, &w.place, &err), 0);
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
    cmc_closep(&w.place.dir);
    return nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct cmc_measure_flight_file file_now(void)
{
    struct cmc_measure_flight_file f = {.written_ms = cmc_measure_flight_now_ms()};
    memcpy(f.boot, w.place.boot, sizeof(f.boot));
    memcpy(f.key, w.place.key, sizeof(f.key));
    return f;
}

static int claim(const struct cmc_measure_flight_place *p, const struct cmc_measure_flight_file *f,
                 enum cmc_measure_flight_claimed want)
{
    struct cmc_measure_flight_file other;
    int fd = -1;
    assert_int_equal(cmc_measure_flight_claim(p, f, &other, &fd), want);
    assert_int_equal(fd >= 0, want == CMC_MEASURE_FLIGHT_OURS);
    return fd;
}

static bool believed(const struct cmc_measure_flight_file *f)
{
    struct cmc_measure_flight_file got;
    cmc_autofd int mine = claim(&w.place, f, CMC_MEASURE_FLIGHT_OURS);
    cmc_autofd int fd = cmc_measure_flight_open(&w.place);
    assert_true(mine >= 0 && fd >= 0);
    return cmc_measure_flight_read(fd, &w.place, &got);
}

static void test_what_is_believed(void **state)
{
    (void)state;
    struct cmc_measure_flight_file f = file_now();
    assert_true(believed(&f));
    f.boot[15] ^= 1;
    assert_false(believed(&f));
    f = file_now();
    f.key[31] ^= 1;
    assert_false(believed(&f));
    f = file_now();
    f.written_ms += 60000; /* of a time to come */
    assert_false(believed(&f));
    f = file_now();
    f.written_ms -= CMC_MEASURE_FLIGHT_AGE_MS + 1;
    if (cmc_measure_flight_now_ms() > CMC_MEASURE_FLIGHT_AGE_MS + 1)
        assert_false(believed(&f));
}

static void test_held(void **state)
{
    (void)state;
    struct cmc_measure_flight_file f = file_now();
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    cmc_autofd int reader = cmc_measure_flight_open(&w.place);
    assert_true(reader >= 0 && cmc_measure_flight_is_held(reader));
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_OTHERS);
    assert_int_equal(ftruncate(mine, 0), 0); /* of whose tree we cannot tell */
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_NONE);
    f.measured = true;
    assert_true(cmc_measure_flight_write(mine, &f));
    cmc_closep(&mine);
    assert_false(cmc_measure_flight_is_held(reader));
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_OTHERS); /* measured already */
    f.stamp[0] ^= 1;
    mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS); /* but another tree */
}

/* Others' modes, links and kinds of file: as if nothing were there. */
static void test_foreign_files(void **state)
{
    (void)state;
    const struct cmc_measure_flight_file f = file_now();
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    assert_int_equal(fchmod(mine, 0620), 0);
    assert_int_equal(cmc_measure_flight_open(&w.place), -1);
    assert_int_equal(fchmod(mine, 0600), 0);
    assert_int_equal(linkat(w.place.dir, w.place.name, w.place.dir, "second", 0), 0);
    assert_int_equal(cmc_measure_flight_open(&w.place), -1);
    assert_int_equal(unlinkat(w.place.dir, "second", 0), 0);
    cmc_autofd int again = cmc_measure_flight_open(&w.place);
    assert_true(again >= 0);
    cmc_measure_flight_remove(&w.place);
    assert_int_equal(symlinkat("/etc/passwd", w.place.dir, w.place.name), 0);
    assert_int_equal(cmc_measure_flight_open(&w.place), -1);
    cmc_closep(&mine);
    cmc_measure_flight_remove(&w.place);
}

static size_t count_files(void)
{
    size_t n = 0;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/flights", w.dir);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    assert_int_equal(closedir(d), 0);
    return n;
}

static void put_other(size_t number, const struct cmc_measure_flight_file *f)
{
    struct cmc_measure_flight_place other = w.place;
    (void)snprintf(other.name, sizeof(other.name), "%064zx", number);
    cmc_autofd int fd = claim(&other, f, CMC_MEASURE_FLIGHT_OURS);
    assert_true(fd >= 0);
}

static void test_clearing(void **state)
{
    (void)state;
    struct cmc_measure_flight_file f = file_now();
    cmc_measure_flight_remove(&w.place);
    for (size_t i = 0; i < CMC_MEASURE_FLIGHTS_MAX; i++)
        put_other(i, &f);
    assert_int_equal(count_files(), CMC_MEASURE_FLIGHTS_MAX);
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_NONE); /* full */
    assert_int_equal(count_files(), CMC_MEASURE_FLIGHTS_MAX);
    struct cmc_measure_flight_place first = w.place;
    (void)snprintf(first.name, sizeof(first.name), "%064x", 0U);
    cmc_autofd int fd = openat(w.place.dir, first.name, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0); /* torn */
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    assert_true(mine >= 0);
    assert_int_equal(count_files(), CMC_MEASURE_FLIGHTS_MAX);
    assert_int_equal(faccessat(w.place.dir, first.name, F_OK, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_believed),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_clearing),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight_dir", tests, setup, teardown);
}
