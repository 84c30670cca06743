/* SPDX-License-Identifier: Apache-2.0 */
/* shim/daemon.h -- the fork between `start`, which answers containerd, and the proxy. */
#ifndef SHIM_DAEMON_H
#define SHIM_DAEMON_H
#include "base/pb.h"
#include "shim/actions.h"

struct shim_daemon_args {
    const struct shim_args *args;
    const struct cmc_site *site;
    const char *inner, *group, *socket_dir, *socket_path;
    struct cmc_span cgroup;
    int listener, helper; /* borrowed */
};

/* Forks the proxy, which starts the real shim, and waits until that answers. Returns the version
 * of the task API that it speaks (2, 3), or -code with the proxy's own words; nothing is left
 * running then. */
CMC_MUST_CHECK int shim_daemon_start(const struct shim_daemon_args *a, struct cmc_err *err);
#endif
