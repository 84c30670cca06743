/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight_dir.c -- which entries are believed, held, evicted, and
 * dropped when the clock was set back. */
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
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/cmc_measure_flight_dir.h"

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static int64_t set_by_ns;   /* as who sets the clock would */
static unsigned slow_every; /* this many readings of the clock: one that is stopped for 50 ms */

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    static unsigned readings;
    if (slow_every && ++readings % slow_every == 0) {
        const struct timespec pause = {.tv_nsec = 50000000};
        (void)nanosleep(&pause, NULL);
    }
    const int r = __real_clock_gettime(id, out);
    if (id == CLOCK_REALTIME) {
        const int64_t ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + set_by_ns;
        *out = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    }
    return r;
}

static struct {
    char dir[40], cache[64];
    int layer;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
    struct cmc_measure_flight_place place;
} w;

/* Other trees have other names. */
static struct cmc_measure_flight_place place_of(size_t number)
{
    struct cmc_measure_flight_place p = w.place;
    memset(p.key, 0, sizeof(p.key));
    p.key[CMC_SHA256_LEN - 1] = (uint8_t)number;
    p.key[CMC_SHA256_LEN - 2] = (uint8_t)(number >> 8);
    (void)snprintf(p.name, sizeof(p.name), "%064zx", number);
    return p;
}

static int setup(void **state)
{
    char layer[64];
    struct cmc_err err;
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/var/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.cache, sizeof(w.cache), "%s/cache", w.dir);
    (void)snprintf(layer, sizeof(layer), "%s/layer", w.dir);
    assert_int_equal(mkdir(layer, 0755), 0);
    w.layer = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
    w.flight = (struct cmc_measure_flight){.runtime_dir = w.dir,
                                           .form = "exact 1",
                                           .options = "",
                                           .kind = CMC_MEASURE_BIND,
                                           .opts = &w.opts,
                                           .layers = &w.layer,
                                           .layer_count = 1};
    w.place.dir = -1;
    if (cmc_measure_flight_find(&w.flight, &w.place, &err) < 0) { /* /var/tmp is no disk */
        assert_non_null(strstr(err.msg, "file system of type"));
        assert_int_equal(mkdir(w.cache, 0700), 0);
        w.place.dir = open(w.cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        w.place = place_of(7000);
    }
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
    cmc_closep(&w.layer);
    return nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct cmc_measure_flight_file file_of(const struct cmc_measure_flight_place *p)
{
    struct cmc_measure_flight_file f = {.written_ms = cmc_measure_flight_now_ms(),
                                        .lead_ns = cmc_measure_flight_lead_ns()};
    memcpy(f.boot, p->boot, sizeof(f.boot));
    memcpy(f.key, p->key, sizeof(f.key));
    return f;
}

static int claim(const struct cmc_measure_flight_place *p, const struct cmc_measure_flight_file *f,
                 enum cmc_measure_flight_claimed want)
{
    int fd = -1;
    assert_int_equal(cmc_measure_flight_claim(p, f, NULL, &fd), want);
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
    struct cmc_measure_flight_file f = file_of(&w.place);
    assert_true(believed(&f));
    f.boot[15] ^= 1;
    assert_false(believed(&f));
    f = file_of(&w.place);
    f.key[31] ^= 1;
    assert_false(believed(&f));
    f = file_of(&w.place);
    f.written_ms += 60000; /* of a time to come */
    assert_false(believed(&f));
    f = file_of(&w.place);
    f.written_ms = 0; /* however old */
    assert_true(believed(&f));
}

static void test_held(void **state)
{
    (void)state;
    struct cmc_measure_flight_file f = file_of(&w.place);
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    cmc_autofd int reader = cmc_measure_flight_open(&w.place);
    assert_true(reader >= 0 && cmc_measure_flight_is_held(reader));
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_OTHERS);
    assert_int_equal(ftruncate(mine, 0), 0); /* torn, and held still */
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_OTHERS);
    f.measured = true;
    f.stamp[0] = 1;
    assert_true(cmc_measure_flight_write(mine, &f));
    cmc_closep(&mine);
    assert_false(cmc_measure_flight_is_held(reader));
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_OTHERS); /* measured already */
    int fd = -1;
    uint8_t stale[CMC_SHA256_LEN] = {2};
    assert_int_equal(cmc_measure_flight_claim(&w.place, &f, stale, &fd), CMC_MEASURE_FLIGHT_OTHERS);
    stale[0] = 1; /* but of no use */
    assert_int_equal(cmc_measure_flight_claim(&w.place, &f, stale, &fd), CMC_MEASURE_FLIGHT_OURS);
    cmc_closep(&fd);
    cmc_measure_flight_remove(&w.place);
}

/* Others' modes, links and kinds of file: as if nothing were there. */
static void test_foreign_files(void **state)
{
    (void)state;
    const struct cmc_measure_flight_file f = file_of(&w.place);
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

static bool exists(const char *name)
{
    return faccessat(w.place.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *d = opendir(w.cache);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strlen(e->d_name) == 64;
    assert_int_equal(closedir(d), 0);
    return n;
}

/* As measured number seconds ago. */
static void put_other(size_t number)
{
    const struct cmc_measure_flight_place p = place_of(number);
    struct cmc_measure_flight_file f = file_of(&p);
    cmc_autofd int fd = claim(&p, &f, CMC_MEASURE_FLIGHT_OURS);
    struct timespec used[2];
    assert_int_equal(__real_clock_gettime(CLOCK_REALTIME, &used[0]), 0);
    used[0].tv_sec -= (time_t)number;
    used[1] = used[0];
    assert_int_equal(futimens(fd, used), 0);
}

static bool is_there(size_t number)
{
    const struct cmc_measure_flight_place p = place_of(number);
    return exists(p.name);
}

/* The one that was used last longest ago goes, unless it is held; other names are none of ours. */
static void test_eviction(void **state)
{
    (void)state;
    enum { OLDEST = CMC_MEASURE_FLIGHTS_MAX };
    cmc_measure_flight_remove(&w.place);
    assert_int_equal(mkdirat(w.place.dir, "layer-0", 0700), 0);
    for (size_t i = 1; i <= OLDEST; i++)
        put_other(i);
    assert_int_equal(count_files(), OLDEST);
    const struct cmc_measure_flight_place held = place_of(OLDEST), used = place_of(OLDEST - 1);
    cmc_autofd int holder = cmc_measure_flight_open(&held), user = cmc_measure_flight_open(&used);
    assert_true(holder >= 0 && user >= 0 && flock(holder, LOCK_EX) == 0);
    cmc_measure_flight_touch(user);
    const struct cmc_measure_flight_file f = file_of(&w.place);
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    assert_true(mine >= 0);
    assert_int_equal(count_files(), OLDEST);
    assert_true(is_there(OLDEST) && is_there(OLDEST - 1) && is_there(1) && is_there(OLDEST - 3));
    assert_false(is_there(OLDEST - 2));
    cmc_closep(&mine);
    mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS); /* there already: nothing goes for it */
    assert_int_equal(count_files(), OLDEST);
    assert_true(is_there(OLDEST - 3) && exists("layer-0"));
    assert_int_equal(unlinkat(w.place.dir, "layer-0", AT_REMOVEDIR), 0);
}

static void test_all_are_held(void **state)
{
    (void)state;
    int fds[CMC_MEASURE_FLIGHTS_MAX];
    cmc_measure_flight_remove(&w.place);
    put_other(CMC_MEASURE_FLIGHTS_MAX - 2);
    for (size_t i = 0; i < CMC_MEASURE_FLIGHTS_MAX; i++) {
        const struct cmc_measure_flight_place p = place_of(i + 1);
        fds[i] = cmc_measure_flight_open(&p);
        assert_true(fds[i] >= 0 && flock(fds[i], LOCK_EX) == 0);
    }
    const struct cmc_measure_flight_file f = file_of(&w.place);
    (void)claim(&w.place, &f, CMC_MEASURE_FLIGHT_NONE);
    for (size_t i = 0; i < CMC_MEASURE_FLIGHTS_MAX; i++)
        cmc_closep(&fds[i]);
}

/* Reads what was measured at that lead, while the clock is set by so much. */
static bool is_believed_at(int64_t by_ns)
{
    struct cmc_measure_flight_file got;
    cmc_autofd int fd = cmc_measure_flight_open(&w.place);
    set_by_ns = by_ns;
    const bool ok = fd >= 0 && cmc_measure_flight_read(fd, &w.place, &got);
    set_by_ns = 0;
    return ok;
}

static void test_clock(void **state)
{
    (void)state;
    const int64_t hour_ns = INT64_C(3600) * 1000000000;
    const struct cmc_measure_flight_place first = place_of(1);
    struct cmc_measure_flight_file f = file_of(&w.place);
    cmc_autofd int holder = cmc_measure_flight_open(&first);
    assert_true(holder >= 0 && flock(holder, LOCK_EX) == 0);
    f.measured = true;
    cmc_autofd int mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    assert_true(cmc_measure_flight_write(mine, &f));
    cmc_closep(&mine);
    assert_true(is_believed_at(0) && is_believed_at(hour_ns) && is_believed_at(-10000000));
    assert_true(count_files() > 100);
    assert_false(is_believed_at(-hour_ns));
    assert_int_equal(count_files(), 1); /* all that nobody holds */
    assert_true(exists(first.name));
    mine = claim(&w.place, &f, CMC_MEASURE_FLIGHT_OURS);
    cmc_closep(&mine);
    assert_false(is_believed_at(-40000000));
    assert_false(exists(w.place.name));
}

/* Being stopped between two clocks is not a clock that was set. */
static void test_slow_readings(void **state)
{
    (void)state;
    const int64_t lead = cmc_measure_flight_lead_ns();
    for (slow_every = 4; slow_every < 9; slow_every++) {
        const int64_t now = cmc_measure_flight_lead_ns();
        assert_true(llabs(now - lead) < 10000000);
        assert_false(cmc_measure_flight_is_behind(lead));
    }
    slow_every = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_believed), cmocka_unit_test(test_held),
        cmocka_unit_test(test_foreign_files),    cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_all_are_held),     cmocka_unit_test(test_clock),
        cmocka_unit_test(test_slow_readings),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight_dir", tests, setup, teardown);
}
