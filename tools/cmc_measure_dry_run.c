/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_dry_run.c -- measures what would start, and leaves reference values instead. */
#include "measure/reference.h"
#include "tools/cmc_measure_job.h"
#include "tools/cmc_measure_refs.h"

int cmc_measure_dry_run(struct cmc_measure_job *j, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(MEASURE_REFERENCES_BYTES_MAX);
    if (cmc_measure_create_measure(j, err) < 0)
        return -(int)err->code;
    const struct measure_reference r = {
        .profile = j->how.profile,
        .name = cmc_measure_spec_title(&j->spec, j->request->id),
        .pcr = j->env->site->pcr,
        .config = &j->config,
        .rootfs = j->event.rootfs,
        .redaction_key = j->how.redaction_key,
    };
    if (measure_references_put(&out, &r, 1, err) < 0 ||
        cmc_measure_refs_write(j->env->refs, &out, err) < 0)
        return -(int)err->code;
    return 0;
}
