/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight_file.c -- bytes of a flight; which trees share a key. */
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
    struct cmc_measure_flight_file f = {
        .written_ms = 5000, .entries = 3, .bytes = 4096, .measured = true};
    memset(f.boot, 0x11, sizeof(f.boot));
    memset(f.key, 0x22, sizeof(f.key));
    memset(f.stamp, 0x33, sizeof(f.stamp));
    memset(f.tree.rootfs, 0x44, sizeof(f.tree.rootfs));
    return f;
}

/* The example of docs/formats/flights.md. */
static void test_golden(void **state)
{
    (void)state;
    static const char head[] = "636d632d666c696768742d310a000000"
                               "11111111111111111111111111111111";
    static const char sum[] = "298407fe77e71226e03a11225a4ef1b40790835a967a71ae9537c433a7f837de";
    uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
    char text[2 * sizeof(data) + 1];
    const struct cmc_measure_flight_file f = example();
    cmc_measure_flight_file_put(&f, data);
    cmc_hex(data, sizeof(data), text);
    assert_memory_equal(text, head, sizeof(head) - 1);
    assert_string_equal(text + sizeof(text) - 65, sum);
    assert_memory_equal(text + 192, "0000000000001388000000000000000300000000000010000100", 52);
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
    } rows[] = {{120, 0}, {120, 2}, {121, 2}, {122, 1}, {127, 1}, {160, 1}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint8_t data[CMC_MEASURE_FLIGHT_BYTES];
        const struct cmc_measure_flight_file f = example();
        cmc_measure_flight_file_put(&f, data);
        data[rows[i].at] = rows[i].value;
        cmc_sha256(data, 192, data + 192);
        refused(data, sizeof(data));
    }
}

/* Two layers of our own; the upper directory beside them. */
static struct {
    char dir[32], path[3][64];
    struct cmc_measure_mounts mounts;
    struct measure_idmap map;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
} w;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(w.path[i], sizeof(w.path[i]), "%s/%zu", w.dir, i);
        assert_int_equal(mkdir(w.path[i], 0755), 0);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        (void)rmdir(w.path[i]);
    return rmdir(w.dir);
}

static void set_layer(size_t at, const char *path)
{
    w.mounts.layers[at] = (struct cmc_span){(const uint8_t *)path, strlen(path)};
}

static void fresh(void)
{
    w.map = (struct measure_idmap){0, 100000, 65536};
    w.mounts.kind = CMC_MEASURE_OVERLAY;
    w.mounts.has_upper = true;
    w.mounts.layer_count = 3;
    w.mounts.options[0] = '\0';
    for (size_t i = 0; i < 3; i++)
        set_layer(i, w.path[i]);
    w.opts = (struct measure_rootfs_opts){.uids = &w.map, .uid_maps = 1, .file_max = 7};
    w.flight = (struct cmc_measure_flight){.form = "exact 1", .mounts = &w.mounts, .opts = &w.opts};
}

static void key_of(uint8_t key[static CMC_SHA256_LEN])
{
    struct cmc_err err;
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
    fresh();
    same_as_at_first(true);
    set_layer(0, "/nowhere"); /* the upper directory is each container's own */
    same_as_at_first(true);
    set_layer(1, w.path[2]);
    same_as_at_first(false);
    w.mounts.layer_count = 2;
    same_as_at_first(false);
    w.mounts.has_upper = false;
    same_as_at_first(false);
    (void)snprintf(w.mounts.options, sizeof(w.mounts.options), ",userxattr");
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

static void not_shared(const char *why)
{
    uint8_t key[CMC_SHA256_LEN];
    struct cmc_err err;
    assert_true(cmc_measure_flight_key(&w.flight, key, &err) < 0);
    assert_non_null(strstr(err.msg, why));
    fresh();
}

static void test_what_cannot_be_shared(void **state)
{
    (void)state;
    fresh();
    w.mounts.kind = CMC_MEASURE_ROOT_PATH;
    not_shared("no layers");
    (void)snprintf(w.mounts.options, sizeof(w.mounts.options), ",metacopy=on,metacopy=off");
    not_shared("metacopy");
    set_layer(2, "/nowhere");
    not_shared("layer /nowhere");
    set_layer(2, "/proc/1"); /* its ctimes are what procfs makes up */
    not_shared("file system of type 9fa0");
    assert_int_equal(chmod(w.dir, 0770), 0);
    not_shared("others than root could write");
    assert_int_equal(chmod(w.dir, 0700), 0);
    same_as_at_first(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_what_cannot_be_shared),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_flight_file", tests, setup, teardown);
}
