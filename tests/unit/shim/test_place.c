/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_place.c -- OOM score and cgroup of a shim, tried in children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/server.h"

static long score(void)
{
    char text[24] = "";
    FILE *f = fopen("/proc/self/oom_score_adj", "r");
    if (!f || !fgets(text, sizeof(text), f))
        return -9999;
    (void)fclose(f);
    return strtol(text, NULL, 10);
}

/* What shim_server_place() returns in a child; 50 when the score is not one higher then. */
static int placed(const char *cgroup, const char *sched_core)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct cmc_span path = {(const uint8_t *)cgroup, strlen(cgroup)};
        struct cmc_err err;
        long before = score();
        int rc = shim_server_place(&path, sched_core, &err);
        long want = before == 1000 ? 1000 : before + 1;
        _exit(score() == want ? -rc : 50);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_place(void **state)
{
    (void)state;
    assert_int_equal(placed("", NULL), 0);
    assert_int_equal(placed("", ""), 0);
    assert_int_equal(placed("/cmc-no-such-cgroup", NULL), CMC_E_VERIFY);
    assert_int_equal(placed("/../../tmp", NULL), CMC_E_VERIFY);
    assert_int_equal(placed("/x\xff", NULL), CMC_E_LIMIT);
}

static void test_limits(void **state)
{
    (void)state;
    static char path[2048];
    memset(path, 'x', sizeof(path) - 1);
    assert_int_equal(placed(path, NULL), CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("shim/place", tests, NULL, NULL);
}
