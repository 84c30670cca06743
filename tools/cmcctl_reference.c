/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference.c -- cmcctl reference: a manifest of this host as it is now. */
#include "tools/cmcctl_reference.h"

#include <stdio.h>
#include <time.h>

#include "base/options.h"
#include "base/site.h"
#include "tools/cmc_measure_replace.h"
#include "tools/cmcctl_file.h"

#define IMA_LOG "/sys/kernel/security/ima/binary_runtime_measurements"

enum { OUT_MAX = 64 << 20, IMA_MAX = 64 << 20 };

static int add_pcrs(const struct ctl_reference_options *o, const struct cmc_site *site,
                    struct ctl_references *all, struct cmc_err *err)
{
    const char *env = getenv("CMC_TCTI");
    const char *usual = env && *env ? env : "device:/dev/tpmrm0";
    if (!o->selected)
        return 0;
    if (o->from_log)
        return cmcctl_reference_firmware(o, o->firmware_log ? o->firmware_log : site->firmware_log,
                                         all, err);
    return cmcctl_reference_values(o,
                                   o->tcti      ? o->tcti
                                   : site->tcti ? site->tcti
                                                : usual,
                                   all, err);
}

static int add_programs(const struct ctl_reference_options *o, const struct cmc_site *site,
                        struct ctl_references *all, struct cmc_err *err)
{
    char path[4096];
    if (cmcctl_reference_files(&o->program, all, err) < 0)
        return -(int)err->code;
    if (!o->programs)
        return 0;
    const int n = o->log ? snprintf(path, sizeof(path), "%s", o->log)
                         : snprintf(path, sizeof(path), "%s/log", site->runtime_dir);
    if ((size_t)n >= sizeof(path))
        return cmc_fail(err, CMC_E_LIMIT, "a path is longer than %zu bytes", sizeof(path));
    return cmcctl_reference_programs(path, o->firmware_log ? o->firmware_log : site->firmware_log,
                                     all, err);
}

static int add_ima(const struct ctl_reference_options *o, struct ctl_references *all,
                   struct cmc_err *err)
{
    const char *path = o->ima_log ? o->ima_log : IMA_LOG;
    cmc_autobuf struct cmc_buf log = cmc_buf_of(IMA_MAX);
    if (!o->ima)
        return 0;
    if (cmcctl_file_read(path, &log, err) < 0)
        return -(int)err->code;
    if (cmcctl_reference_ima(log.data, log.len, all, err) < 0)
        return cmc_wrap(err, "%.200s", path);
    return 0;
}

static int write_manifest(const struct ctl_reference_options *o, const struct ctl_references *all,
                          struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    if (cmcctl_references_put(all, o, (int64_t)time(NULL), &out, err) < 0)
        return -(int)err->code;
    if (o->out)
        return cmc_measure_replace_at(o->out, 0644, &out, err);
    return cmcctl_file_print(&out, err);
}

static int run(const struct ctl_reference_options *o, struct cmc_err *err)
{
    struct cmc_site site = {0};
    struct ctl_references all = {0};
    if (cmc_site_load(o->config ? o->config : CMC_SITE_PATH, &site, err) < 0)
        return -(int)err->code;
    int rc = add_pcrs(o, &site, &all, err);
    if (rc == 0)
        rc = add_programs(o, &site, &all, err);
    if (rc == 0)
        rc = add_ima(o, &all, err);
    if (rc == 0)
        rc = write_manifest(o, &all, err);
    cmcctl_references_done(&all);
    cmc_site_done(&site);
    return rc;
}

int cmcctl_reference(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct ctl_reference_options o;
    int rc = cmcctl_reference_options(argc, argv, &o, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return CMCCTL_AGREE;
    if (rc == CMC_OPTIONS_RUN)
        rc = run(&o, &err);
    if (rc == 0)
        return CMCCTL_AGREE;
    (void)fprintf(stderr, "cmcctl reference: %s\n", err.msg);
    return err.code == CMC_E_USAGE ? CMCCTL_USAGE : CMCCTL_UNCHECKED;
}
