/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure.c -- the shim's helper: one request on descriptor 3, one result, the end. */
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/no_core.h"
#include "base/options.h"
#include "measure/descriptors.h"
#include "tools/cmc_measure_job.h"
#include "tools/cmc_measure_refs.h"

enum { LOG_FD = STDERR_FILENO, EXIT_USAGE = 2, EXIT_NO_REQUEST = 3 };

#define DEFAULT_TCTI "device:/dev/tpmrm0"
/* Where a shim without PATH looks, too (execvpe(3), with Debian's sbin). */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CMC_DEFINE_CLEANUP(job_freep, struct cmc_measure_job *, cmc_measure_job_free)

struct settings {
    const char *config, *tcti; /* tcti NULL: as configured */
};

static int parse(int argc, char **argv, struct settings *out, struct cmc_err *err)
{
    struct settings s = {.config = CMC_SITE_PATH, .tcti = NULL};
    int first = argc;
    const struct cmc_opt opts[] = {
        {"config", CMC_OPT_TEXT, "FILE", "configuration (default " CMC_SITE_PATH ")", &s.config},
        {"tcti", CMC_OPT_TEXT, "TCTI", "how to reach the TPM, instead of the configured way",
         &s.tcti},
    };
    const struct cmc_options o = {
        .program = "cmc-measure",
        .synopsis = "[OPTION]...",
        .about = "Measures a container and records it, for containerd-shim-cmc-v1, which starts\n"
                 "this program with a socket as descriptor 3 and the bundle as descriptor 4.\n"
                 "It is of no use on its own.",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "Exit status: 0 a result was sent or nobody waits for it, 2 usage, 3 no request.",
    };
    int rc = cmc_options_parse(&o, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (first != argc)
        return cmc_fail(err, CMC_E_USAGE, "%.64s: no arguments are taken; see --help", argv[first]);
    *out = s;
    return CMC_OPTIONS_RUN;
}

/* What is left: reading what is to be measured, asking who writes it, mounting it privately,
 * handing files to group cmc, reaching the TPM, and looking at the shim's program. */
static int drop_capabilities(struct cmc_err *err)
{
    static const int kept[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                               CAP_LEASE, CAP_SYS_ADMIN,    CAP_SYS_CHROOT,      CAP_SYS_PTRACE};
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2], mask[2] = {{0}, {0}};
    if (syscall(SYS_capget, &head, data) < 0)
        return cmc_fail(err, CMC_E_SYS, "capget");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        mask[kept[i] / 32].permitted |= 1U << (kept[i] % 32);
    for (size_t i = 0; i < 2; i++) {
        data[i].permitted &= mask[i].permitted;
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &head, data) < 0)
        return cmc_fail(err, CMC_E_SYS, "capset");
    return 0;
}

static int harden(struct cmc_err *err)
{
    cmc_no_core();
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN); /* somebody wanted to write a file while we asked for a lease */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return cmc_fail(err, CMC_E_SYS, "give up privileges");
    /* the libraries below read the environment: it says what we say */
    if (clearenv() != 0 || setenv("TSS2_LOG", "all+none", 1) != 0)
        return cmc_fail(err, CMC_E_SYS, "clear the environment");
    return drop_capabilities(err);
}

/* A site that cannot be read: nothing can be recorded, and the shim must hear it. */
static struct cmc_helper_result without_site(struct cmc_err *why)
{
    (void)cmc_wrap(why, "not recorded");
    return (struct cmc_helper_result){.outcome = CMC_HELPER_NOT_RECORDED, .text = why->msg};
}

static int serve(const struct settings *s, const char *path, struct cmc_err *err)
{
    const uint64_t start_us = cmc_measure_job_us(0);
    cmc_autobuf struct cmc_buf frame = cmc_buf_of(CMC_HELPER_MSG_MAX + 64);
    CMC_CLEANUP(cmc_site_done) struct cmc_site site = {0};
    CMC_CLEANUP(job_freep) struct cmc_measure_job *job = NULL;
    struct cmc_measure_env env = {.site = &site,
                                  .tcti = s->tcti,
                                  .path = path,
                                  .bundle = CMC_HELPER_BUNDLE_FD,
                                  .log = LOG_FD,
                                  .refs = CMC_MEASURE_REFS_TOP};
    struct cmc_helper_request request;
    struct cmc_helper_result result;
    measure_descriptors_reserve(); /* before the link has a thread */
    if (cmc_measure_link_read(CMC_HELPER_FD, &frame, &request, err) < 0 ||
        cmc_measure_link_start(CMC_HELPER_FD, &env.link, err) < 0)
        return -(int)err->code;
    if (cmc_site_load(s->config, &site, err) < 0) {
        result = without_site(err);
    } else {
        if (!env.tcti)
            env.tcti = site.tcti ? site.tcti : DEFAULT_TCTI;
        if (cmc_measure_job_run(&env, &request, &job, err) < 0)
            return -(int)err->code;
        result = job->result;
    }
    result.total_us = (uint32_t)cmc_measure_job_us(start_us);
    if (cmc_measure_link_finish(env.link, &result, err) < 0) /* the caller gave up: not a fault */
        cmc_log(LOG_FD, CMC_LOG_INFO, "nobody waits for the result", "task", request.id, "error",
                err->msg, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct settings s = {.config = NULL};
    int rc = parse(argc, argv, &s, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return EXIT_SUCCESS;
    if (rc < 0) {
        cmc_log(LOG_FD, CMC_LOG_ERROR, "cmc-measure", "error", err.msg, NULL);
        return EXIT_USAGE;
    }
    const char *inherited = getenv("PATH");
    char path[PATH_MAX]; /* a copy: harden() clears the environment */
    (void)snprintf(path, sizeof(path), "%s", inherited && *inherited ? inherited : DEFAULT_PATH);
    if (harden(&err) < 0 || serve(&s, path, &err) < 0) {
        cmc_log(LOG_FD, CMC_LOG_ERROR, "cmc-measure", "error", err.msg, NULL);
        return EXIT_NO_REQUEST;
    }
    return EXIT_SUCCESS;
}
