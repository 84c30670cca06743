/* SPDX-License-Identifier: Apache-2.0 */
/* shim/server.h -- the real shim's server process: started, asked which task API it speaks. */
#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H
#include <stdbool.h>
#include <sys/types.h>

#include "base/pb.h"

struct shim_server_args {
    const char *program; /* absolute */
    const char *ns, *id, *address;
    bool debug;
    int listener; /* becomes its fd 3 */
    int log;      /* becomes its fd 2; -1: /dev/null */
};

/* Starts the real shim's server in the current directory (the bundle), as its own `start` would:
 * the same arguments, the same environment with GOMAXPROCS=4. It is killed when we die.
 * *pidfd: owned by the caller. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int shim_server_start(const struct shim_server_args *a, pid_t *pid, int *pidfd,
                                     struct cmc_err *err);
/* Asks on a connected socket, within timeout_ms, whether containerd.task.v3.Task is served.
 * pidfd: of the real shim, whose end ends the wait; -1: none. Returns 2 or 3, -CMC_E_SYS, or
 * -CMC_E_FORMAT. */
CMC_MUST_CHECK int shim_server_probe(int fd, int pidfd, const char *id, int timeout_ms,
                                     struct cmc_err *err);

/* What a shim does to itself before it forks its server, as containerd's own do: one above
 * containerd's OOM score, the cgroup of the options (cgroup.len 0: none), and a core-scheduling
 * cookie when SCHED_CORE is set. Errors: -CMC_E_SYS, -CMC_E_VERIFY (a cgroup path with "..").
 * A refused OOM score is not an error: in a user namespace nobody may change it. */
CMC_MUST_CHECK int shim_server_place(const struct cmc_span *cgroup, const char *sched_core,
                                     struct cmc_err *err);
#endif
