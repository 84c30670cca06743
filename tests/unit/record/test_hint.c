/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_hint.c -- what was put comes back; anything else is no hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/dir.h"
#include "record/hint.h"
#include "tests/lib/recorder_bed.h"

static const struct record_state sample = {
    .has_start = true,
    .log = {.next_seq = 0x0102030405060708,
            .pcr = 13,
            .profile = MEASURE_PROFILE_EXACT,
            .reset_count = 0xfffffffe,
            .boot_id = {1, 2, 3},
            .last = {.count = 2,
                     .bank = {{.alg = CMC_ALG_SHA1, .value = {7}},
                              {.alg = CMC_ALG_SHA256, .value = {8, 9}}}}}};

static void test_round_trip(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_state got = {0}, twin = sample;
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    assert_false(record_hint_get(dirfd, 100, &got));
    twin.log.last.count = 4; /* a longer one before: what it leaves behind does not matter */
    twin.log.last.bank[2].alg = CMC_ALG_SHA384;
    twin.log.last.bank[3].alg = CMC_ALG_SHA512;
    record_hint_put(dirfd, 99, &twin);
    record_hint_put(dirfd, 100, &sample);
    assert_false(record_hint_get(dirfd, 99, &got)); /* the log is longer or shorter */
    assert_false(record_hint_get(dirfd, 101, &got));
    assert_int_equal(got.log.next_seq, 0);
    assert_true(record_hint_get(dirfd, 100, &got));
    assert_int_equal(got.log.next_seq, sample.log.next_seq);
    assert_int_equal(got.log.pcr, 13);
    assert_int_equal(got.log.profile, MEASURE_PROFILE_EXACT);
    assert_int_equal(got.log.reset_count, 0xfffffffe);
    assert_memory_equal(got.log.boot_id, sample.log.boot_id, 16);
    assert_true(measure_banks_equal(&got.log.last, &sample.log.last));
    assert_true(got.has_start && !got.log.open && !got.log.empty);
    close(dirfd);
    bed_done(&b);
}

/* Every bit of it is covered by its checksum, and so is its length. */
static void test_spoilt(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_state got = {0};
    struct stat st;
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    record_hint_put(dirfd, 100, &sample);
    int fd = openat(dirfd, "hint", O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t bit = 0; bit < st.st_size * 8; bit++) {
        uint8_t byte = 0;
        assert_int_equal(pread(fd, &byte, 1, bit / 8), 1);
        byte ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
        assert_false(record_hint_get(dirfd, 100, &got));
        byte ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
    }
    assert_true(record_hint_get(dirfd, 100, &got));
    for (off_t size = st.st_size - 1; size >= 0; size--) {
        assert_int_equal(ftruncate(fd, size), 0);
        assert_false(record_hint_get(dirfd, 100, &got));
    }
    assert_int_equal(fchmod(fd, 0660), 0); /* no hint that others could have written */
    record_hint_put(dirfd, 100, &sample);
    assert_false(record_hint_get(dirfd, 100, &got));
    close(fd);
    close(dirfd);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_spoilt)};
    return cmocka_run_group_tests_name("record/hint", tests, NULL, NULL);
}
