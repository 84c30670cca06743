/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_state.c -- picks the profile's digests. */
#include "tools/cmc_measure_state.h"

#include <stdlib.h>
#include <string.h>

#include "measure/config_cmc.h"
#include "measure/rootfs_cmc.h"

int cmc_measure_state_profile(const char *name, enum measure_profile *out, struct cmc_err *err)
{
    if (!name || strcmp(name, "exact") == 0)
        *out = MEASURE_PROFILE_EXACT;
    else if (strcmp(name, "cmc") == 0)
        *out = MEASURE_PROFILE_CMC;
    else
        return cmc_fail(err, CMC_E_USAGE, "profile \"%.40s\" does not exist; use exact or cmc",
                        name);
    return 0;
}

/* Profile cmc measures where a hook's program really is, on this host. */
static int resolve(void *ctx, const char *path, char *out, struct cmc_err *err)
{
    (void)ctx;
    return realpath(path, out) ? 0 : cmc_fail(err, CMC_E_SYS, "hook %.300s", path);
}

int cmc_measure_state_config(const struct cmc_measure_how *how, const struct cmc_buf *json,
                             struct measure_config *out, struct cmc_err *err)
{
    const void *text = json->len ? (const void *)json->data : "";
    const struct measure_config_opts exact = {
        .container_id = how->id, .bundle = how->bundle, .redaction_key = how->redaction_key};
    const struct measure_config_cmc_opts cmc = {.container_id = how->id, .resolve = resolve};
    if (how->profile == MEASURE_PROFILE_CMC && how->redaction_key)
        return cmc_fail(err, CMC_E_USAGE, "profile cmc cannot redact: use no redaction key");
    if (how->profile == MEASURE_PROFILE_CMC)
        return measure_config_cmc(text, json->len, &cmc, out, err);
    if (measure_config(text, json->len, &exact, out, err) < 0)
        return cmc_wrap(err, "config.json");
    return 0;
}

int cmc_measure_state_rootfs(const struct cmc_measure_how *how, const struct cmc_measure_spec *spec,
                             const struct cmc_measure_rootfs *from, struct cmc_buf *listing,
                             struct measure_rootfs *out, struct cmc_err *err)
{
    const bool exact = how->profile == MEASURE_PROFILE_EXACT;
    const struct measure_rootfs_opts opts = {
        .uids = spec->uids,
        .gids = spec->gids,
        .uid_maps = spec->uid_maps,
        .gid_maps = spec->gid_maps,
        .rootless = how->rootless,
        .file_max = how->file_max,
        .listing = listing,
        .list = how->list,
        .list_ctx = how->list_ctx,
        .lease = how->stamp || how->known,
        .stamp = how->stamp,
        .known = how->known,
        .progress = how->progress,
        .ctx = how->ctx,
    };
    struct measure_rootfs tree = {.entries = 0}, listed;
    int rc = 0;
    if (!exact)
        rc = from->root >= 0 ? measure_rootfs_cmc(from->root, &opts, &tree, err)
                             : measure_rootfs_cmc_layers(&from->layers, &opts, &tree, err);
    if (rc == 0 && (exact || listing))
        rc = cmc_measure_rootfs_walk(from, &opts, exact ? &tree : &listed, err);
    if (rc < 0)
        return cmc_wrap(err, "root file system");
    *out = tree;
    return 0;
}
