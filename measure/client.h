/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client.h -- the config.json that a client of containerd makes from an image and options
 * (docs/formats/image-references.md, "Clients"). Pure. */
#ifndef MEASURE_CLIENT_H
#define MEASURE_CLIENT_H
#include "base/options.h"
#include "measure/oci_image.h"

struct measure_client_opts { /* all borrowed; NULL, 0 and empty: not given */
    const char *id;
    struct cmc_opt_list env, mounts, annotations, labels, cap_add, cap_drop, with_ns;
    const char *ns; /* containerd's namespace */
    const char *cwd, *apparmor, *rootfs_propagation, *oci_version;
    const char *cgroup;    /* "" is given as well: none */
    const char *host_name; /* of the host, where the client writes it down */
    const char *cpus, *cpu_quota;
    const char *user;
    /* of CRI alone */
    struct cmc_opt_list args_more; /* behind the command */
    const char *pod, *pod_ns, *pod_uid, *container, *image_name, *sandbox, *sandbox_pid;
    const char *cgroup_parent, *root, *state, *oom_score_adj;
    uint64_t cgroup_version;
    bool no_new_privs, kubelet_paths, no_swap_accounting,
        resources; /* resources: any of them is given */
    bool tty, read_only, net_host, allow_new_privs;
    uint64_t memory_limit, cpu_shares, cpu_period;
    char *const *args; /* of the command; none: the image's */
    size_t arg_count;
};

struct measure_client_image {
    const struct measure_oci_config *config;
    struct measure_bytes passwd, group; /* /etc/passwd and /etc/group; p NULL: absent */
};

/* Appends the config.json that "ctr run" of containerd 1.6 makes. Errors: -CMC_E_USAGE (options
 * that ctr refuses, or whose effect only a host knows), -CMC_E_VERIFY (a user that the image
 * lacks), -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_client_ctr(const struct measure_client_opts *o,
                                      const struct measure_client_image *image, struct cmc_buf *out,
                                      struct cmc_err *err);
/* The same of containerd 1.6's CRI plugin, for a container of a simple pod. */
CMC_MUST_CHECK int measure_client_cri(const struct measure_client_opts *o,
                                      const struct measure_client_image *image, struct cmc_buf *out,
                                      struct cmc_err *err);
#endif
