/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_applog.c -- one line per fault, whatever is in it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/applog.h"
#include "base/cleanup.h"

static int pipe_of(int fds[static 2])
{
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK);
}

static void read_all(int fd, char *out, size_t cap)
{
    ssize_t n = read(fd, out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
}

static void levels_and_pairs(void **state)
{
    int fds[2];
    char out[512];
    (void)state;
    assert_int_equal(pipe_of(fds), 0);
    cmc_autofd int in = fds[0], to = fds[1];
    cmc_log(to, CMC_LOG_ERROR, "a", NULL);
    cmc_log(to, CMC_LOG_WARNING, "b", "task", "x", NULL);
    cmc_log(to, CMC_LOG_INFO, "c", "k", "", "l", NULL, NULL);
    cmc_log(to, CMC_LOG_DEBUG, "", NULL);
    read_all(in, out, sizeof(out));
    /* a NULL value is an empty one, and the list goes on behind it */
    assert_string_equal(out, "error msg=\"a\"\n"
                             "warning msg=\"b\" task=\"x\"\n"
                             "info msg=\"c\" k=\"\" l=\"\"\n"
                             "debug msg=\"\"\n");
}

static void text_cannot_leave_its_quotes(void **state)
{
    int fds[2];
    char out[512];
    (void)state;
    assert_int_equal(pipe_of(fds), 0);
    cmc_autofd int in = fds[0], to = fds[1];
    cmc_log(to, CMC_LOG_INFO, "a\"b", "k", "x\" level=\"error\"\nerror msg=\\", NULL);
    read_all(in, out, sizeof(out));
    assert_string_equal(out, "info msg=\"a\\x22b\" k=\"x\\x22 level=\\x22error\\x22"
                             "\\x0aerror msg=\\x5c\"\n");
}

static void long_values_are_cut_and_the_line_ends(void **state)
{
    int fds[2];
    static char out[16384], value[8192];
    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    assert_int_equal(pipe_of(fds), 0);
    cmc_autofd int in = fds[0], to = fds[1];
    cmc_log(to, CMC_LOG_INFO, "m", "k", value, NULL);
    read_all(in, out, sizeof(out));
    assert_int_equal(strlen(out), strlen("info msg=\"m\" k=\"\"\n") + 256 + 3);
    memset(value, '"', sizeof(value) - 1); /* quotes are four bytes each */
    cmc_log(to, CMC_LOG_INFO, value, NULL);
    read_all(in, out, sizeof(out));
    assert_true(strlen(out) <= 4096);
    assert_int_equal(out[strlen(out) - 1], '\n');
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void a_log_that_is_gone_changes_nothing(void **state)
{
    (void)state;
    cmc_log(-1, CMC_LOG_ERROR, "a", NULL);
    cmc_autofd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cmc_log(full, CMC_LOG_ERROR, "a", NULL);
    assert_true(full >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_and_pairs),
        cmocka_unit_test(text_cannot_leave_its_quotes),
        cmocka_unit_test(long_values_are_cut_and_the_line_ends),
        cmocka_unit_test(a_log_that_is_gone_changes_nothing),
    };
    return cmocka_run_group_tests_name("base/applog", tests, NULL, NULL);
}
