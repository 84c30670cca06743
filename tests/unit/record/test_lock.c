/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_lock.c -- one at a time, free when the holder is gone, and a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record/dir.h"
#include "record/lock.h"
#include "tests/lib/recorder_bed.h"

static void test_lock(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    char pid_text[32], byte = 0;
    int ready[2];
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    int fd = record_lock_take(dirfd, 100, &err);
    assert_true(fd >= 0);
    assert_int_equal(record_lock_take(dirfd, 20, &err), -CMC_E_LIMIT); /* ours, by another open */
    close(fd);
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) { /* holds it until it is killed */
        fd = record_lock_take(dirfd, 1000, &err);
        if (fd < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const time_t begin = time(NULL);
    assert_int_equal(record_lock_take(dirfd, 50, &err), -CMC_E_LIMIT);
    assert_true(time(NULL) - begin < 5);
    (void)snprintf(pid_text, sizeof(pid_text), "process %d ", (int)pid);
    assert_non_null(strstr(err.msg, pid_text));
    assert_non_null(strstr(err.msg, "50 ms"));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    fd = record_lock_take(dirfd, 1000, &err);
    assert_true(fd >= 0);
    close(fd);
    close(dirfd);
    close(ready[0]);
    close(ready[1]);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lock)};
    return cmocka_run_group_tests_name("record/lock", tests, NULL, NULL);
}
