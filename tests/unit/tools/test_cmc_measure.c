/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure.c -- jobs on a host without a TPM: everything is measured,
 * nothing can be recorded, and both are told. With one: tests/integration/measure. */
#include <fcntl.h>
#include <ftw.h>
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

#include "base/cleanup.h"
#include "tools/cmc_measure_job.h"

static char top[] = "/tmp/cmc-test-job-XXXXXX";
static char runtime[64], state_dir[64];
static struct cmc_site site;
static struct cmc_measure_env env = {.site = &site,
                                     .tcti = "swtpm:path=/nowhere",
                                     .path = "/usr/sbin:/usr/bin:/sbin:/bin",
                                     .bundle = -1,
                                     .log = -1};

static int set_up(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("config.json must be root's: run as root\n");
        exit(77);
    }
    (void)setenv("TSS2_LOG", "all+none", 1);
    env.refs = top;
    env.bundle = mkdtemp(top) ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    (void)snprintf(runtime, sizeof(runtime), "%s/run", top);
    (void)snprintf(state_dir, sizeof(state_dir), "%s/state", top);
    site = (struct cmc_site){
        .pcr = 13, .runtime_dir = runtime, .state_dir = state_dir, .details_quota = 1 << 20};
    return env.bundle >= 0 && mkdirat(env.bundle, "rootfs", 0755) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(env.bundle);
    return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_config(const char *text)
{
    cmc_autofd int fd =
        openat(env.bundle, "config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Runs one job for container id, with options (an Any) in its CreateTaskRequest. */
static struct cmc_measure_job *run(enum cmc_helper_job kind, const char *id, const char *reason,
                                   const struct cmc_span *options)
{
    static struct cmc_buf create;
    struct cmc_measure_job *j = NULL;
    struct cmc_err err = {0};
    cmc_buf_done(&create);
    create = cmc_buf_of(4096);
    cmc_pb_put_bytes(&create, 1, id, strlen(id));
    if (options)
        cmc_pb_put_bytes(&create, 10, options->p, options->len);
    static struct cmc_helper_request r;
    r = (struct cmc_helper_request){.job = kind,
                                    .ns = "n",
                                    .id = id,
                                    .group = id,
                                    .bundle = top,
                                    .inner_shim = "/proc/self/exe",
                                    .reason = reason,
                                    .create = create.data,
                                    .create_len = create.len};
    assert_int_equal(cmc_measure_job_run(&env, &r, &j, &err), 0);
    return j;
}

static void answers(struct cmc_measure_job *j, enum cmc_helper_outcome outcome, const char *text)
{
    if (!strstr(j->result.text, text))
        fail_msg("\"%s\" does not say \"%s\"", j->result.text, text);
    assert_int_equal(j->result.outcome, outcome);
    cmc_measure_job_free(j);
}

static void what_fails_before_the_tpm(void **state)
{
    static const struct {
        const char *config, *why;
    } rows[] = {
        {"{", "config.json: "},
        {"{\"root\":{\"path\":1}}", "config.json: $.root.path must be a text"},
        {"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"no\"}}", "root file system: open no"},
        {"{\"ociVersion\":\"1.0.2\"}", "root file system: no mounts, and no root.path"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_config(rows[i].config);
        struct cmc_measure_job *j = run(CMC_HELPER_CREATE, "c", "", NULL);
        assert_int_equal(j->event.type, MEASURE_FAILED);
        if (!strstr(j->result.text, rows[i].why))
            fail_msg("\"%s\" does not say \"%s\"", j->result.text, rows[i].why);
        answers(j, CMC_HELPER_NOT_RECORDED, "not recorded");
    }
}

/* The references that the last dry run left, or "". */
static const char *references(void)
{
    static char text[8192];
    cmc_autofd int fd =
        openat(env.bundle, "measure/container-refs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    (void)unlinkat(env.bundle, "measure/container-refs", 0);
    return text;
}

static void leaves(const char *part)
{
    const char *text = references();
    if (!strstr(text, part))
        fail_msg("references \"%s\" without \"%s\"", text, part);
}

#define DRY_RUN "CMC_GENERATE_APP_MANIFEST"
#define WRITTEN "/measure/container-refs; nothing was started"
#define NAMED                                                                                      \
    "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},\"annotations\":{"                   \
    "\"io.kubernetes.cri.container-name\":\"" DRY_RUN "\""

static void a_dry_run_leaves_references(void **state)
{
    (void)state;
    put_config("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"}}");
    answers(run(CMC_HELPER_CREATE, DRY_RUN, "", NULL), CMC_HELPER_REFUSED, WRITTEN);
    leaves("\"name\":\"" DRY_RUN "\"");
    put_config(NAMED "}}");
    answers(run(CMC_HELPER_CREATE, "c", "", NULL), CMC_HELPER_REFUSED, WRITTEN);
    leaves("\"cmc.profile\",\"value\":\"exact\"");
    put_config(NAMED ",\"io.kubernetes.cri.image-name\":\"busybox\"}}");
    answers(run(CMC_HELPER_CREATE, "c", "", NULL), CMC_HELPER_REFUSED, WRITTEN);
    leaves("\"name\":\"busybox\"");
}

static void a_dry_run_that_fails_starts_nothing(void **state)
{
    static const struct {
        enum cmc_helper_job job;
        const char *id, *config, *why;
    } rows[] = {
        {CMC_HELPER_CREATE, DRY_RUN, "{", "config.json: "},
        {CMC_HELPER_CREATE, DRY_RUN, "{}", "no mounts, and no root.path"},
        {CMC_HELPER_CREATE, "c", NAMED "},\"x\":1.5}", "config.json: "},
        {CMC_HELPER_CREATE, "c", NAMED "},\"Root\":1}", "config.json: "},
        {CMC_HELPER_FAILED, DRY_RUN, "{}", "it died"},
        {CMC_HELPER_FAILED, DRY_RUN, "{", "it died"},
        {CMC_HELPER_FAILED, "c", NAMED "}}", "it died"},
        {CMC_HELPER_FAILED, "c", NAMED "},\"x\":1.5}", "it died"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_config(rows[i].config);
        struct cmc_measure_job *j = run(rows[i].job, rows[i].id, "it died", NULL);
        assert_non_null(strstr(j->result.text, "dry run failed: "));
        assert_non_null(strstr(j->result.text, "; nothing was started"));
        answers(j, CMC_HELPER_REFUSED, rows[i].why);
        assert_string_equal(references(), "");
    }
    assert_int_equal(mkdirat(env.bundle, "measure", 0755), -1); /* it is there since the first */
    assert_int_equal(fchmodat(env.bundle, "measure", 0755, 0), 0);
    put_config(NAMED "}}");
    answers(run(CMC_HELPER_CREATE, "c", "", NULL), CMC_HELPER_REFUSED, "mode 0755");
    assert_int_equal(fchmodat(env.bundle, "measure", 0700, 0), 0);
}

/* What only looks like one is measured, and recorded where that is possible. */
static void names_like_that_of_dry_runs(void **state)
{
    (void)state;
    put_config("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
               "\"annotations\":{\"x\":\"" DRY_RUN "\"}}");
    answers(run(CMC_HELPER_CREATE, DRY_RUN "2", "", NULL), CMC_HELPER_NOT_RECORDED, "");
    answers(run(CMC_HELPER_CREATE, "c", "", NULL), CMC_HELPER_NOT_RECORDED, "");
    put_config("{\"process\":{\"env\":[\"A=" DRY_RUN "\"]},\"x\":1.5}");
    answers(run(CMC_HELPER_CREATE, "c", "", NULL), CMC_HELPER_NOT_RECORDED, "");
    assert_string_equal(references(), "");
}

static void options_are_settled_whatever_else_fails(void **state)
{
    static const char any[] = "\x0a\x19runtimeoptions.v1.Options\x12\x16\x1a\x14"
                              "SystemdCgroup = true";
    const struct cmc_span good = {(const uint8_t *)any, sizeof(any) - 1};
    const struct cmc_span bad = {(const uint8_t *)any, 5};
    (void)state;
    put_config("{");
    for (enum cmc_helper_job kind = CMC_HELPER_CREATE; kind <= CMC_HELPER_FAILED; kind += 2) {
        struct cmc_measure_job *j = run(kind, "c", "it died", &good);
        assert_int_equal(j->result.options, CMC_HELPER_OPTIONS_REPLACE);
        assert_memory_equal(j->result.options_any + 2, "containerd.runc.v1.Options", 26);
        answers(j, CMC_HELPER_NOT_RECORDED, "not recorded");
        answers(run(kind, "c", "it died", &bad), CMC_HELPER_REFUSED, "runtime options: ");
    }
}

static void reasons_are_one_line_of_text(void **state)
{
    static char reason[2000];
    (void)state;
    put_config("{}");
    memset(reason, '\xff', sizeof(reason) - 1);
    reason[3] = '\n';
    struct cmc_measure_job *j = run(CMC_HELPER_FAILED, "c", reason, NULL);
    assert_true(strlen(j->result.text) <= MEASURE_TEXT_MAX);
    assert_null(strchr(j->result.text, '\n'));
    assert_non_null(strstr(j->result.text, "\\xff"));
    answers(j, CMC_HELPER_NOT_RECORDED, "");
}

static void deleting_says_so_too(void **state)
{
    (void)state;
    struct cmc_measure_job *j = run(CMC_HELPER_DELETE, "c", "", NULL);
    assert_int_equal(j->event.type, MEASURE_CONTAINER_DELETE);
    answers(j, CMC_HELPER_NOT_RECORDED, "not recorded: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_before_the_tpm),
        cmocka_unit_test(a_dry_run_leaves_references),
        cmocka_unit_test(a_dry_run_that_fails_starts_nothing),
        cmocka_unit_test(names_like_that_of_dry_runs),
        cmocka_unit_test(options_are_settled_whatever_else_fails),
        cmocka_unit_test(reasons_are_one_line_of_text),
        cmocka_unit_test(deleting_says_so_too),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure", tests, set_up, tear_down);
}
