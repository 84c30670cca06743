/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_report.c -- the line of each verdict, to log and FIFO alike. */
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

#include "shim/report.h"

static char dir[] = "/tmp/cmc-report-XXXXXX";
static int bundle, fifo, log_read, log_write;

static int setup(void **state)
{
    (void)state;
    int fds[2];
    if (!mkdtemp(dir) || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    log_read = fds[0];
    log_write = fds[1];
    bundle = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (mkfifoat(bundle, "log", 0700) < 0)
        return -1;
    fifo = openat(bundle, "log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fifo < 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlinkat(bundle, "log", 0) || rmdir(dir);
}

static void both_say(const char *want)
{
    char a[1024] = "", b[1024] = "";
    assert_true(read(log_read, a, sizeof(a) - 1) > 0);
    assert_true(read(fifo, b, sizeof(b) - 1) > 0);
    assert_string_equal(a, want);
    assert_string_equal(b, want);
}

static void test_recorded(void **state)
{
    (void)state;
    const struct cmc_helper_result r = {.outcome = CMC_HELPER_RECORDED,
                                        .seq = 7,
                                        .mount_us = 1,
                                        .digest_us = 2,
                                        .tpm_us = 3,
                                        .total_us = 6};
    shim_report_create(log_write, bundle, "c1", 12345, &r, "config 1a2b");
    both_say(
        "info msg=\"container measured\" task=\"c1\" event=\"7\" verdict=\"recorded\" "
        "digests=\"config 1a2b\" ms=\"12\" us=\"mount 1, digest 2, tpm 3, all 6, held 12345\"\n");
}

static void test_others(void **state)
{
    (void)state;
    static const struct {
        enum cmc_helper_outcome outcome; /* 0: no result */
        const char *begin;
    } rows[] = {
        {0, "error msg=\"NOT RECORDED"},
        {CMC_HELPER_NOT_RECORDED, "error msg=\"NOT RECORDED"},
        {CMC_HELPER_MEASURE_FAILED, "error msg=\"measuring failed\""},
        {CMC_HELPER_REFUSED, "warning msg=\"container refused\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cmc_helper_result r = {.outcome = rows[i].outcome};
        char text[1024] = "", again[1024] = "";
        shim_report_create(log_write, bundle, "c\n1", 0, rows[i].outcome ? &r : NULL, "so");
        assert_true(read(log_read, text, sizeof(text) - 1) > 0);
        assert_true(read(fifo, again, sizeof(again) - 1) > 0);
        assert_memory_equal(text, rows[i].begin, strlen(rows[i].begin));
        assert_non_null(strstr(text, "task=\"c\\x0a1\""));
        assert_non_null(strstr(text, "why=\"so\""));
    }
}

static void test_line(void **state)
{
    (void)state;
    char text[64];
    shim_report_line(log_write, bundle, CMC_LOG_WARNING, "given up", "c1", "gone");
    both_say("warning msg=\"given up\" task=\"c1\" why=\"gone\"\n");
    shim_report_line(log_write, -1, CMC_LOG_WARNING, "given up", "c1", "gone");
    assert_true(read(log_read, text, sizeof(text)) > 0);
    assert_int_equal(read(fifo, text, sizeof(text)), 0); /* nobody writes it now */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests_name("shim/report", tests, setup, teardown);
}
