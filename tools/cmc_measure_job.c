/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_job.c -- decides what is recorded, and what the shim is told. */
#include "tools/cmc_measure_job.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/dry_run.h"
#include "base/hex.h"
#include "record/recorder.h"
#include "tools/cmc_measure_refs.h"

enum { SHOWN_BYTES = 6, TEXT_CAP = 64 };

CMC_DEFINE_CLEANUP(record_closep, struct record *, record_close)

uint64_t cmc_measure_job_us(uint64_t start_us)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 - start_us;
}

/* One line that an event may hold, too: file names in it need not be text. */
static const char *say(struct cmc_measure_job *j, const char *text)
{
    cmc_buf_done(&j->text);
    j->text = cmc_buf_of(MEASURE_TEXT_MAX);
    cmc_put_safe(&j->text, text, strlen(text), MEASURE_TEXT_MAX / 4 - 2); /* \xNN is four bytes */
    cmc_put_u8(&j->text, '\0');
    return j->text.bad ? "out of memory" : (const char *)j->text.data;
}

static void answer(struct cmc_measure_job *j, enum cmc_helper_outcome outcome, const char *text)
{
    j->result.outcome = outcome;
    j->result.text = say(j, text);
}

static void note_receipt(const struct cmc_measure_job *j, const struct record_receipt *got)
{
    if (got->discontinuity)
        cmc_log(j->env->log, CMC_LOG_ERROR,
                "the PCR did not agree with the log: a discontinuity is recorded", "task",
                j->request->id, NULL);
    if (got->recovered)
        cmc_log(j->env->log, CMC_LOG_WARNING, "completed the event of a writer that died", "task",
                j->request->id, NULL);
}

static int record(struct cmc_measure_job *j, struct cmc_err *err)
{
    const struct cmc_site *site = j->env->site;
    CMC_CLEANUP(record_closep) struct record *r = NULL;
    struct record_receipt got;
    enum measure_profile profile;
    if (cmc_measure_state_profile(site->profile, &profile, err) < 0)
        return -(int)err->code;
    const struct record_config cfg = {
        .runtime_dir = site->runtime_dir,
        .tcti = j->env->tcti,
        .pcr = site->pcr,
        .insecure_pcr = site->insecure_pcr,
        .profile = profile,
        .firmware_log = site->firmware_log,
        .ignore_banks = site->ignore_banks,
        .ignore_count = site->ignore_count,
        .programs = j->programs.list,
        .program_count = j->programs.count,
    };
    cmc_measure_link_work(j->env->link, 0, 0);
    if (record_open(&cfg, &r, err) < 0 || record_event(r, &j->event, &got, err) < 0)
        return -(int)err->code;
    j->result.seq = got.seq;
    j->result.tpm_us = got.tpm_us;
    note_receipt(j, &got);
    return 0;
}

/* Records j->event and answers with outcome. */
static void record_and_answer(struct cmc_measure_job *j, enum cmc_helper_outcome outcome,
                              const char *text)
{
    struct cmc_err why = {0};
    if (record(j, &why) < 0) {
        if (outcome == CMC_HELPER_MEASURE_FAILED)
            (void)cmc_wrap(&why, "%s; and that was not recorded", text);
        else
            (void)cmc_wrap(&why, "not recorded");
        answer(j, CMC_HELPER_NOT_RECORDED, why.msg);
    } else {
        answer(j, outcome, text);
    }
}

static void fail(struct cmc_measure_job *j, const char *reason)
{
    char keep[sizeof(((struct cmc_err *)NULL)->msg)];
    (void)snprintf(keep, sizeof(keep), "%s", reason);
    j->event.type = MEASURE_FAILED;
    j->event.reason = say(j, keep);
    record_and_answer(j, CMC_HELPER_MEASURE_FAILED, keep);
}

/* A name must never be a way to run something unmeasured: what may be a dry run is one. */
static bool is_dry_run(const struct cmc_measure_job *j, bool parsed)
{
    return cmc_dry_run_is_named(j->request->id, j->spec.name) ||
           (!parsed && cmc_dry_run_is_written(j->config_json.data, j->config_json.len));
}

/* What would not fit into a container-create becomes the reason of a measurement-failed. */
static int check_encoding(const struct measure_event *ev, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf scratch = cmc_buf_of(MEASURE_EVENT_MAX);
    return measure_event_encode(ev, &scratch, err);
}

static void fail_bare(struct cmc_measure_job *j, const char *reason)
{
    const struct measure_event ev = {
        .container = j->event.container,
        .ns = j->event.ns,
        .decision = j->event.decision,
        .terminal = j->event.terminal,
    };
    j->event = ev;
    fail(j, reason);
}

/* Reads the request and settles its options. Returns 0 (go on; *parsed says whether *why is a
 * reason not to be able to measure), or 1: refused, and answered. */
static int prepare(struct cmc_measure_job *j, bool *parsed, struct cmc_err *why)
{
    struct cmc_err bad = {0};
    *parsed = cmc_measure_create_parse(j, why) == 0;
    j->dry_run = is_dry_run(j, *parsed);
    if (j->dry_run)
        return 0;
    /* The real shim would refuse options that it does not know in words nobody understands, and
     * without them the container would run in another way than asked for. */
    if (cmc_measure_create_options(j, &bad) < 0) {
        answer(j, CMC_HELPER_REFUSED, bad.msg);
        return 1;
    }
    return 0;
}

/* Whatever becomes of it, nothing is recorded and nothing starts. wrong: what is so already, or
 * NULL. */
static void dry_run(struct cmc_measure_job *j, const char *wrong)
{
    struct cmc_err why = {0};
    char text[sizeof(why.msg) + 64];
    if (!wrong && cmc_measure_dry_run(j, &why) < 0)
        wrong = why.msg;
    if (wrong)
        (void)snprintf(text, sizeof(text), "dry run failed: %.500s; nothing was started", wrong);
    else
        (void)snprintf(text, sizeof(text),
                       "dry run: reference values written to %s/" CMC_MEASURE_REFS_PATH
                       "; nothing was started",
                       j->env->refs);
    answer(j, CMC_HELPER_REFUSED, text);
}

/* Enough of both digests to find them in the log. */
static void show_digests(const struct cmc_measure_job *j, char out[static TEXT_CAP])
{
    const struct measure_event *ev = &j->event;
    char config[2 * SHOWN_BYTES + 1], rootfs[2 * SHOWN_BYTES + 1];
    cmc_hex(ev->config, SHOWN_BYTES, config);
    cmc_hex(ev->rootfs, SHOWN_BYTES, rootfs);
    (void)snprintf(out, TEXT_CAP, "config %s rootfs %s%s", config, rootfs,
                   j->rootfs_from ? j->rootfs_from : "");
}

static void create(struct cmc_measure_job *j)
{
    struct cmc_err why = {0};
    char text[TEXT_CAP];
    bool parsed;
    if (prepare(j, &parsed, &why))
        return;
    if (j->dry_run) {
        dry_run(j, parsed ? NULL : why.msg);
        return;
    }
    if (!parsed || cmc_measure_create_measure(j, &why) < 0) {
        fail(j, why.msg);
        return;
    }
    j->event.type = MEASURE_CONTAINER_CREATE;
    j->event.program_count = j->programs.count;
    memcpy(j->event.programs, j->programs.list, sizeof(j->programs.list));
    if (check_encoding(&j->event, &why) < 0) {
        fail_bare(j, why.msg);
        return;
    }
    show_digests(j, text);
    record_and_answer(j, CMC_HELPER_RECORDED, text);
}

/* An earlier helper died over this request: record first, then look at what it may have died of,
 * as far as the real shim needs it. A dry run that died is not recorded: it never starts. */
static void failed(struct cmc_measure_job *j)
{
    struct cmc_err why = {0};
    const char *reason = *j->request->reason ? j->request->reason : "the helper died";
    const bool named = cmc_dry_run_is_named(j->request->id, NULL);
    bool parsed;
    if (!named)
        fail(j, reason);
    if ((j->request->create_len > 0 || named) && prepare(j, &parsed, &why) == 0 && j->dry_run)
        dry_run(j, reason);
}

static void deleted(struct cmc_measure_job *j)
{
    j->event = (struct measure_event){
        .type = MEASURE_CONTAINER_DELETE,
        .container = j->request->id,
        .ns = j->request->ns,
        .has_exit = true,
        .exit_status = j->request->exit_status,
    };
    record_and_answer(j, CMC_HELPER_RECORDED, "");
}

static void run(struct cmc_measure_job *j)
{
    struct cmc_err why = {0};
    cmc_measure_programs_open(j->env->site->runtime_dir, &j->programs);
    if (cmc_measure_programs_add(&j->programs, "measure", "/proc/self/exe", &why) < 0)
        cmc_log(j->env->log, CMC_LOG_WARNING, "own program not hashed", "error", why.msg, NULL);
    switch (j->request->job) {
    case CMC_HELPER_CREATE:
        create(j);
        break;
    case CMC_HELPER_DELETE:
        deleted(j);
        break;
    case CMC_HELPER_FAILED:
        failed(j);
        break;
    }
    cmc_measure_programs_close(&j->programs);
}

int cmc_measure_job_run(const struct cmc_measure_env *env, const struct cmc_helper_request *request,
                        struct cmc_measure_job **out, struct cmc_err *err)
{
    struct cmc_measure_job *j = calloc(1, sizeof(*j));
    if (!j)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    j->env = env;
    j->request = request;
    j->programs.dir = -1;
    j->event = (struct measure_event){
        .container = request->id,
        .ns = request->ns,
        .decision = MEASURE_DECISION_AUDIT,
    };
    run(j);
    *out = j;
    return 0;
}

void cmc_measure_job_free(struct cmc_measure_job *j)
{
    if (!j)
        return;
    cmc_buf_done(&j->config_json);
    cmc_measure_spec_done(&j->spec);
    measure_config_done(&j->config);
    cmc_buf_done(&j->checkpoint);
    cmc_buf_done(&j->parent_checkpoint);
    cmc_buf_done(&j->options);
    cmc_buf_done(&j->text);
    explicit_bzero(j->key, sizeof(j->key));
    free(j);
}
