/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_job.c -- one helper at a time: what it says, and how it can fail. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/job.h"

static struct shim_proxy proxy;
static char config[64], calls[96];
static const char *helper;

struct heard {
    unsigned times;
    int outcome; /* 0: no result */
    char text[256];
};

static void done(void *owner, const struct cmc_helper_result *r, const char *why)
{
    struct heard *h = owner;
    h->times++;
    h->outcome = r ? (int)r->outcome : 0;
    (void)snprintf(h->text, sizeof(h->text), "%s", r ? r->text : why);
}

static int setup(void **state)
{
    (void)state;
    struct cmc_err err;
    (void)snprintf(config, sizeof(config), "/tmp/cmc-job-XXXXXX");
    int fd = mkstemp(config);
    (void)snprintf(calls, sizeof(calls), "%s.calls", config);
    proxy = (struct shim_proxy){.setup = {.config = config}};
    proxy.setup.log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    proxy.setup.helper = open(helper, O_PATH | O_CLOEXEC);
    return fd < 0 || close(fd) || shim_loop_init(&proxy.loop, &err);
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(calls);
    return unlink(config) || close(proxy.loop.epfd);
}

static struct heard run(enum cmc_helper_job job, const char *id)
{
    struct cmc_helper_request q = {.job = job, .ns = "n", .id = id, .group = "g"};
    struct heard h = {.outcome = -1};
    struct cmc_err err;
    assert_int_equal(shim_job_start(&proxy, &q, -1, done, &h, &err), 0);
    for (int i = 0; i < 1000 && proxy.jobs; i++) {
        assert_int_equal(shim_loop_wait(&proxy.loop, 100, &err), 0);
        shim_job_sweep(&proxy);
    }
    assert_null(proxy.jobs);
    assert_int_equal(h.times, 1);
    return h;
}

struct row {
    const char *id;
    int outcome;
    const char *text;
};

static struct row rows[] = {
    {"plain", CMC_HELPER_RECORDED, ""},
    {"slow-700", CMC_HELPER_RECORDED, ""},
    {"refuse", CMC_HELPER_REFUSED, "cmc: not this one"},
    {"notrecorded", CMC_HELPER_NOT_RECORDED, "no TPM"},
    {"crash", 0, "without a result"},
    {"leave", 0, "exit status 9"},
    {"lie-version", 0, "version 2"},
    {"lie-type", 0, "unknown type 0x5a"},
    {"lie-huge", 0, "4294967295"},
    {"lie-cut", 0, "without a result"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    const struct heard h = run(CMC_HELPER_CREATE, t->id);
    assert_int_equal(h.outcome, t->outcome);
    assert_non_null(strstr(h.text, t->text));
}

static void test_other_jobs(void **state)
{
    (void)state;
    assert_int_equal(run(CMC_HELPER_DELETE, "plain").outcome, CMC_HELPER_RECORDED);
    assert_int_equal(run(CMC_HELPER_FAILED, "crash").outcome, CMC_HELPER_MEASURE_FAILED);
}

/* The clock is ours: a helper that is silent for 30 s by it is killed and its job has failed. */
static void test_silence(void **state)
{
    (void)state;
    const struct cmc_helper_request q = {.job = CMC_HELPER_CREATE, .ns = "n", .id = "hang"};
    struct heard h = {.outcome = -1};
    struct cmc_err err;
    assert_int_equal(shim_job_start(&proxy, &q, -1, done, &h, &err), 0);
    uint64_t begin = shim_loop_now_ms();
    uint64_t next = shim_job_tick(&proxy, begin);
    assert_true(next > begin + 29000 && next <= begin + CMC_HELPER_SILENCE_MS);
    assert_int_equal(h.times, 0);
    (void)shim_job_tick(&proxy, next);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.outcome, 0);
    assert_non_null(strstr(h.text, "30 s"));
    while (proxy.jobs) /* until it is reaped */
        assert_int_equal(shim_loop_wait(&proxy.loop, 5000, &err), 0);
    shim_job_sweep(&proxy);
    assert_int_equal(h.times, 1);
    assert_true(shim_job_tick(&proxy, next) == UINT64_MAX);
}

static void test_request_that_does_not_fit(void **state)
{
    (void)state;
    static char id[CMC_HELPER_TEXT_MAX + 2];
    const struct cmc_helper_request q = {.job = CMC_HELPER_DELETE, .ns = "n", .id = id};
    struct heard h = {.outcome = -1};
    struct cmc_err err;
    memset(id, 'x', sizeof(id) - 1);
    assert_int_equal(shim_job_start(&proxy, &q, -1, done, &h, &err), -CMC_E_LIMIT);
    shim_job_sweep(&proxy);
    assert_int_equal(h.times, 0);
}

static void test_program_that_cannot_run(void **state)
{
    (void)state;
    int good = proxy.setup.helper;
    proxy.setup.helper = open("/etc/hostname", O_PATH | O_CLOEXEC);
    const struct heard h = run(CMC_HELPER_CREATE, "plain");
    assert_int_equal(h.outcome, 0);
    assert_non_null(strstr(h.text, "exit status 127"));
    assert_int_equal(close(proxy.setup.helper), 0);
    proxy.setup.helper = good;
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof(rows) / sizeof(rows[0]), PLAIN = 4 };
    struct CMUnitTest tests[PLAIN + COUNT] = {
        cmocka_unit_test(test_other_jobs),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_request_that_does_not_fit),
        cmocka_unit_test(test_program_that_cannot_run),
    };
    if (argc < 3)
        return 2;
    helper = argv[2];
    for (size_t i = 0; i < COUNT; i++)
        tests[PLAIN + i] = (struct CMUnitTest){rows[i].id, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/job", tests, setup, teardown);
}
