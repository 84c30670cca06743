/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_logfile.c -- appending, reading, limits. Faults are in test_txn.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/dir.h"
#include "record/logfile.h"
#include "tests/lib/recorder_bed.h"

static void test_append(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_log log = {.fd = -1};
    struct stat st;
    cmc_autobuf struct cmc_buf got = cmc_buf_of(0);
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    assert_int_equal(record_log_open(dirfd, &log, &err), 0);
    assert_int_equal(log.size, 0);
    assert_int_equal(record_log_room(&log, 1000, RECORD_LOG_KEEP, &err), 0);
    assert_int_equal(fstat(log.fd, &st), 0);
    assert_int_equal(st.st_size, 0); /* room is not size */
    assert_true(st.st_blocks * 512 >= 1000 + RECORD_LOG_RESERVE);
    assert_int_equal(record_log_append(&log, "one", 3, &err), 0);
    assert_int_equal(record_log_append(&log, "two", 3, &err), 0);
    assert_int_equal(log.size, 6);
    record_log_close(&log);
    assert_int_equal(record_log_open(dirfd, &log, &err), 0);
    assert_int_equal(log.size, 6);
    assert_int_equal(record_log_read(&log, &got, &err), 0);
    assert_int_equal(got.len, 6);
    assert_memory_equal(got.data, "onetwo", 6);
    record_log_close(&log);
    close(dirfd);
    bed_done(&b);
}

static void test_limits(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_log log = {.fd = -1};
    cmc_autobuf struct cmc_buf got = cmc_buf_of(0);
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    assert_int_equal(record_log_open(dirfd, &log, &err), 0);
    log.size = RECORD_LOG_MAX - RECORD_LOG_RESERVE - 100;
    assert_int_equal(record_log_room(&log, 101, RECORD_LOG_KEEP, &err), -CMC_E_LIMIT);
    assert_int_equal(record_log_room(&log, 101, RECORD_LOG_USE_RESERVE, &err), 0);
    log.size = 10; /* somebody cut it off while we held the lock */
    assert_int_equal(record_log_read(&log, &got, &err), -CMC_E_VERIFY);
    assert_int_equal(ftruncate(log.fd, RECORD_LOG_MAX), 0);
    record_log_close(&log);
    assert_int_equal(record_log_open(dirfd, &log, &err), 0);
    assert_int_equal(ftruncate(log.fd, RECORD_LOG_MAX + 1), 0);
    record_log_close(&log);
    assert_int_equal(record_log_open(dirfd, &log, &err), -CMC_E_LIMIT);
    close(dirfd);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_append),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests_name("record/logfile", tests, NULL, NULL);
}
