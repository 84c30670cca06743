/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_job.h -- one job of the helper, from request to result. */
#ifndef TOOLS_CMC_MEASURE_JOB_H
#define TOOLS_CMC_MEASURE_JOB_H
#include "base/site.h"
#include "base/task.h"
#include "measure/config.h"
#include "tools/cmc_measure_key.h"
#include "tools/cmc_measure_link.h"
#include "tools/cmc_measure_programs.h"
#include "tools/cmc_measure_state.h"

/* What main() found out, borrowed. */
struct cmc_measure_env {
    const struct cmc_site *site;
    const char *tcti;
    const char *path; /* where programs are looked up, as the real shim will */
    int bundle;       /* O_PATH; other than a directory when there is none */
    int log;
    const char *refs;              /* CMC_MEASURE_REFS_TOP */
    struct cmc_measure_link *link; /* NULL: no progress is told */
};

struct cmc_measure_job {
    const struct cmc_measure_env *env;
    const struct cmc_helper_request *request;
    struct cmc_buf config_json;
    struct cmc_measure_spec spec;
    struct cmc_task_create create;
    bool dry_run;
    struct cmc_measure_how how;
    uint8_t key[CMC_MEASURE_KEY_LEN]; /* how.redaction_key points here, or nowhere */
    struct measure_config config;
    struct cmc_measure_programs programs;
    struct cmc_buf checkpoint, parent_checkpoint; /* NUL-terminated */
    struct cmc_buf options;                       /* the Any that replaces the request's */
    struct measure_event event;
    const char *rootfs_from; /* words behind its digest: "" measured now, or where it came from */
    struct cmc_buf text;     /* result.text and event.reason, NUL-terminated */
    struct cmc_helper_result result; /* borrows from the above */
};

/* Does what the request asks for: measures, records, and says so in (*out)->result; a failure of
 * any kind is a result, too. Free with cmc_measure_job_free(). Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int cmc_measure_job_run(const struct cmc_measure_env *env,
                                       const struct cmc_helper_request *request,
                                       struct cmc_measure_job **out, struct cmc_err *err);
void cmc_measure_job_free(struct cmc_measure_job *j);

/* cmc_measure_create.c: the steps of CMC_HELPER_CREATE. Each fills j; an error is the reason. */
CMC_MUST_CHECK int cmc_measure_create_parse(struct cmc_measure_job *j, struct cmc_err *err);
CMC_MUST_CHECK int cmc_measure_create_options(struct cmc_measure_job *j, struct cmc_err *err);
CMC_MUST_CHECK int cmc_measure_create_measure(struct cmc_measure_job *j, struct cmc_err *err);

enum { CMC_MEASURE_DETAILS_DIR = CMC_SITE_TEXT_MAX + sizeof("/details") };
/* The directory of details. */
void cmc_measure_create_details_dir(const struct cmc_measure_job *j,
                                    char out[static CMC_MEASURE_DETAILS_DIR]);
/* A detail that cannot be stored costs explanations, not the measurement: it is said, no more. */
void cmc_measure_create_not_stored(const struct cmc_measure_job *j, const char *kind,
                                   const struct cmc_err *why);

/* cmc_measure_dry_run.c: measures as for a Create, and leaves a reference in j->env->refs. */
CMC_MUST_CHECK int cmc_measure_dry_run(struct cmc_measure_job *j, struct cmc_err *err);

/* Microseconds since start_us, both of CLOCK_MONOTONIC; with 0 the clock itself. */
uint64_t cmc_measure_job_us(uint64_t start_us);
#endif
