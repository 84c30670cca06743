/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_spec.h -- the few members of config.json that the helper itself acts on. */
#ifndef TOOLS_CMC_MEASURE_SPEC_H
#define TOOLS_CMC_MEASURE_SPEC_H
#include "base/json.h"
#include "measure/rootfs.h"

enum { CMC_MEASURE_IDMAPS_MAX = 340 }; /* user_namespaces(7): lines of a uid_map */

struct cmc_measure_spec { /* texts live in doc; NULL: absent */
    struct cmc_json_doc *doc;
    const char *root_path, *cgroups_path;
    /* annotations of a CRI pod; containerd wrote them, nobody checked them */
    const char *sandbox, *pod, *pod_ns, *pod_uid, *name, *image;
    /* of a user namespace of the container's own */
    size_t uid_maps, gid_maps;
    struct measure_idmap uids[CMC_MEASURE_IDMAPS_MAX], gids[CMC_MEASURE_IDMAPS_MAX];
};

/* Free with cmc_measure_spec_done(), also after an error. Errors: -CMC_E_FORMAT (with the path of
 * the member), -CMC_E_VERIFY (one that only runtimes would take for another), -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmc_measure_spec_parse(const char *json, size_t len,
                                          struct cmc_measure_spec *out, struct cmc_err *err);
void cmc_measure_spec_done(struct cmc_measure_spec *s);
/* What people call the container: its image, else its name in a pod, else its id. */
const char *cmc_measure_spec_title(const struct cmc_measure_spec *s, const char *id);
/* True when the mounts of a Create request, which go to BUNDLE/rootfs, are what runc will run. */
bool cmc_measure_spec_uses_mounts(const struct cmc_measure_spec *s, const char *bundle);
#endif
