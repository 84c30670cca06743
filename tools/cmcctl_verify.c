/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify.c -- cmcctl verify, cmcctl explain: a report, asked for or read, and its
 * verdict. */
#include "tools/cmcctl_verify.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "tools/cmcctl_file.h"
#include "tools/cmcctl_verdict.h"

enum { OUT_MAX = 256 << 20 };

struct question {
    struct ctl_verify_options opt;
    struct ctl_policy policy;
    struct serve_peer peer; /* with opt.addr */
    struct cmc_buf report, nonce;
};

static int get_report(struct question *q, struct cmc_err *err)
{
    uint8_t nonce[CTL_NONCE_LEN] = {0};
    if (q->opt.report) {
        if (cmcctl_file_read(q->opt.report, &q->report, err) < 0)
            return -(int)err->code;
        return cmcctl_file_read(q->opt.nonce, &q->nonce, err);
    }
    q->peer =
        (struct serve_peer){.addr = q->opt.addr, .timeout_ms = (unsigned)q->opt.timeout_s * 1000};
    if (cmcctl_ask(&q->peer, nonce, &q->report, err) < 0)
        return -(int)err->code;
    cmc_put(&q->nonce, nonce, sizeof(nonce));
    return cmc_buf_check(&q->nonce, "nonce", err);
}

static struct ctl_look look_of(const struct question *q, const struct ctl_paths *paths)
{
    const char *color = q->opt.color;
    (void)setlocale(LC_CTYPE, "");
    return (struct ctl_look){
        .color = strcmp(color, "always") == 0 ||
                 (strcmp(color, "auto") == 0 && isatty(STDOUT_FILENO) && !getenv("NO_COLOR")),
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .explain = q->opt.explain,
        .asked = *q->policy.identity.words ? q->policy.identity.words : NULL,
        .no_path = paths->no_path,
    };
}

static int put_result(const struct question *q, const struct ctl_paths *paths, struct cmc_buf *out,
                      struct cmc_err *err)
{
    const struct ctl_look look = look_of(q, paths);
    if (!q->opt.json && !q->opt.attestation_result) {
        cmcctl_verdict_put(&paths->result, &look, out);
        return 0;
    }
    const int rc = q->opt.json ? verify_result_put_json(&paths->result, out, err)
                               : verify_result_put_attestation(&paths->result, out, err);
    cmc_put_u8(out, '\n');
    return rc;
}

static int show(const struct question *q, const struct ctl_paths *paths, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    if (put_result(q, paths, &out, err) < 0)
        return -(int)err->code;
    return cmcctl_file_print(&out, err);
}

static int judge(struct question *q, struct cmc_err *err)
{
    struct verify_result *result = NULL;
    struct ctl_paths paths = {0};
    if (get_report(q, err) < 0 || verify_report(q->report.data, q->report.len, q->nonce.data,
                                                q->nonce.len, &q->policy.policy, &result, err) < 0)
        return -(int)err->code;
    int rc =
        cmcctl_paths_find(result, &q->policy.policy, q->opt.addr ? &q->peer : NULL, &paths, err);
    if (rc == 0)
        rc = show(q, &paths, err);
    if (rc == 0)
        rc = cmcctl_verdict_status(result);
    cmcctl_paths_done(&paths);
    verify_result_free(result);
    return rc;
}

int cmcctl_verify(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct question q = {.report = cmc_buf_of(VERIFY_REPORT_MAX),
                         .nonce = cmc_buf_of(VERIFY_NONCE_MAX)};
    int rc = cmcctl_verify_options(argc, argv, &q.opt, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return CMCCTL_AGREE;
    if (rc == CMC_OPTIONS_RUN)
        rc = cmcctl_policy_load(&q.opt, &q.policy, &err);
    if (rc == 0)
        rc = judge(&q, &err);
    cmcctl_policy_done(&q.policy);
    cmc_buf_done(&q.report);
    cmc_buf_done(&q.nonce);
    if (rc >= 0)
        return rc;
    if (err.code == CMC_E_USAGE) {
        (void)fprintf(stderr, "cmcctl %s: %s\n", argv[0], err.msg);
        return CMCCTL_USAGE;
    }
    (void)fprintf(stderr, "COULD NOT BE CHECKED: %s\n", err.msg);
    return CMCCTL_UNCHECKED;
}
