/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight_file.c -- bytes of an entry; which trees share a key. */
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

#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_flight_file.h"

static struct cmc_measure_flight_file example(void)
{
    struct cmc_measure_flight_file f = {.lead_ns = INT64_C(1700000000) * 1000000000,
                                        .written_ms = 5000,
                                        .entries = 3,
                                        .bytes = 4096,
                                        .measured = true};
    memset(f.boot, 0x11, sizeof(f.boot));
    memset(f.key, 0x22, sizeof(f.key));
    memset(f.stamp, 0x33, sizeof(f.stamp));
    memset(f.tree.rootfs, 0x44, sizeof(f.tree.rootfs));
    return f;
}

/* The example of docs/formats/cache.md. */
static void test_golden(void **state)
{
    (void)state;
    static const char head[] = "636d632d63616368652d310a00000000"
                               "11111111111111111111111111111111";
    static const char sum[] = "8e5cb437c1bfcc75601c7a12e64a25844967b067d7caef6577ac6b30ffcfafb0";
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
    char text[2 * sizeof(data) + 1];
    const struct cmc_measure_flight_file f = example();
    cmc_measure_flight_file_put(&f, data);
    cmc_hex(data, sizeof(data), text);
    assert_memory_equal(text, head, sizeof(head) - 1);
    assert_string_equal(text + sizeof(text) - 65, sum);
    assert_memory_equal(text + 192,
                        "17979cfe362a0000"
                        "0000000000001388000000000000000300000000000010000100",
                        68);
}

static void refused(const uint8_t *data, size_t len)
{
    struct cmc_measure_flight_file f, poison;
    struct cmc_err err;
    memset(&f, 0x5a, sizeof(f));
    memset(&poison, 0x5a, sizeof(poison));
    assert_int_equal(cmc_measure_flight_file_parse(data, len, &f, &err), -CMC_E_FORMAT);
    assert_memory_equal(&f, &poison, sizeof(f));
}

/* One bit anywhere, one byte less or more: not accepted. */
static void test_damage(void **state)
{
    (void)state;
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES + 1] = {0};
    struct cmc_measure_flight_file f = example(), back;
    struct cmc_err err;
    cmc_measure_flight_file_put(&f, data);
    assert_int_equal(cmc_measure_flight_file_parse(data, sizeof(data) - 1, &back, &err), 0);
    assert_memory_equal(back.tree.rootfs, f.tree.rootfs, sizeof(f.tree.rootfs));
    assert_true(back.measured && back.written_ms == 5000 && !back.tree.has_listing);
    assert_true(back.lead_ns == f.lead_ns);
    refused(data, sizeof(data));
    refused(data, sizeof(data) - 2);
    refused(data, 0);
    for (size_t i = 0; i < sizeof(data) - 1; i++) {
        data[i] ^= 0x10;
        refused(data, sizeof(data) - 1);
        data[i] ^= 0x10;
    }
}

/* Members that contradict each other, under a checksum that fits. */
static void test_contradictions(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {{128, 0}, {128, 2}, {129, 2}, {130, 1}, {135, 1}, {168, 1}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
        const struct cmc_measure_flight_file f = example();
        cmc_measure_flight_file_put(&f, data);
        data[rows[i].at] = rows[i].value;
        cmc_sha256(data, 200, data + 200);
        refused(data, sizeof(data));
    }
}

/* A measuring that goes on has neither digest nor stamp. */
static void test_measuring(void **state)
{
    (void)state;
    static const size_t places[] = {64, 95, 136, 167, 168};
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
    struct cmc_measure_flight_file f = {.written_ms = 1, .lead_ns = -1}, back;
    struct cmc_err err;
    cmc_measure_flight_file_put(&f, data);
    assert_int_equal(cmc_measure_flight_file_parse(data, sizeof(data), &back, &err), 0);
    assert_true(!back.measured && back.lead_ns == -1);
    for (size_t i = 0; i < ROWS(places); i++) {
        data[places[i]] = 1;
        cmc_sha256(data, 200, data + 200);
        refused(data, sizeof(data));
        data[places[i]] = 0;
    }
}

/* Three layers of our own, on a disk. */
static struct {
    char dir[40], path[3][64];
    int fds[3];
    struct measure_idmap map;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
} w;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/var/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(w.path[i], sizeof(w.path[i]), "%s/%zu", w.dir, i);
        assert_int_equal(mkdir(w.path[i], 0755), 0);
        w.fds[i] = open(w.path[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        cmc_closep(&w.fds[i]);
        (void)rmdir(w.path[i]);
    }
    return rmdir(w.dir);
}

static void fresh(void)
{
    w.map = (struct measure_idmap){0, 100000, 65536};
    w.opts = (struct measure_rootfs_opts){.uids = &w.map, .uid_maps = 1, .file_max = 7};
    w.flight = (struct cmc_measure_flight){.form = "exact 1",
                                           .opts = &w.opts,
                                           .kind = CMC_MEASURE_OVERLAY,
                                           .options = "",
                                           .layers = w.fds,
                                           .layer_count = 3};
}

static void key_of(uint8_t key[static CMC_SHA256_LEN])
{
    struct cmc_err err;
    if (cmc_measure_flight_key(&w.flight, key, &err) < 0 && strstr(err.msg, "file system of type"))
        skip(); /* where /var/tmp is no disk */
    assert_int_equal(cmc_measure_flight_key(&w.flight, key, &err), 0);
}

static void same_as_at_first(bool want)
{
    uint8_t first[CMC_SHA256_LEN], now[CMC_SHA256_LEN];
    key_of(now);
    fresh();
    key_of(first);
    assert_int_equal(memcmp(first, now, sizeof(now)) == 0, want);
}

static void test_key(void **state)
{
    (void)state;
    const int other[] = {w.fds[0], w.fds[2], w.fds[1]};
    fresh();
    same_as_at_first(true);
    w.flight.layers = other;
    same_as_at_first(false);
    w.flight.layer_count = 2;
    same_as_at_first(false);
    w.flight.kind = CMC_MEASURE_BIND;
    same_as_at_first(false);
    w.flight.options = ",userxattr";
    same_as_at_first(false);
    w.flight.form = "cmc 1";
    same_as_at_first(false);
    w.flight.keep_listing = true;
    same_as_at_first(false);
    w.opts.file_max = 8;
    same_as_at_first(false);
    w.map.count = 65535;
    same_as_at_first(false);
    w.opts.gids = &w.map;
    w.opts.gid_maps = 1;
    w.opts.uid_maps = 0;
    same_as_at_first(false);
}

static void not_kept(const char *why)
{
    uint8_t key[CMC_SHA256_LEN];
    struct cmc_err err;
    assert_true(cmc_measure_flight_key(&w.flight, key, &err) < 0);
    assert_non_null(strstr(err.msg, why));
    fresh();
}

static void other_layer(const char *path, const char *why)
{
    cmc_autofd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int layers[] = {w.fds[0], fd};
    assert_true(fd >= 0);
    w.flight.layers = layers;
    w.flight.layer_count = 2;
    not_kept(why);
}

static void test_what_is_not_kept(void **state)
{
    (void)state;
    fresh();
    same_as_at_first(true);
    w.flight.layer_count = 0;
    not_kept("no layers");
    other_layer("/proc/1", "layer 1: on a file system of type 9fa0"); /* makes up its ctimes */
    if (access("/dev/shm", F_OK) == 0)
        other_layer("/dev/shm", "layer 1: on a file system of type 1021994");
    assert_int_equal(chmod(w.dir, 0770), 0);
    not_kept("others than root could write");
    assert_int_equal(chmod(w.dir, 0700), 0);
    same_as_at_first(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_measuring),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_what_is_not_kept),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight_file", tests, setup, teardown);
}
