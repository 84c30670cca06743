/* SPDX-License-Identifier: Apache-2.0 */
/* shim/job.h -- one run of cmc-measure: a process, a socket, a clock. */
#ifndef SHIM_JOB_H
#define SHIM_JOB_H
#include "base/helper_msg.h"
#include "shim/proxy.h"

/* Called once, with the helper's result (borrowed for the call), or with NULL and why. */
typedef void shim_job_done(void *owner, const struct cmc_helper_result *result, const char *why);

struct shim_job {
    struct shim_job *next;
    struct shim_proxy *proxy;
    struct shim_watch process; /* pidfd */
    struct shim_watch sock;
    pid_t pid;
    struct cmc_buf in, out;
    size_t sent;
    uint64_t heard_ms;   /* last frame */
    shim_job_done *done; /* NULL once called */
    void *owner;
};

/* Starts a helper on r. bundle: fd for the helper's fd 4, borrowed, -1 for none. Errors:
 * -CMC_E_SYS, -CMC_E_LIMIT; done is not called then. */
CMC_MUST_CHECK int shim_job_start(struct shim_proxy *p, const struct cmc_helper_request *r,
                                  int bundle, shim_job_done *done, void *owner,
                                  struct cmc_err *err);
/* Kills helpers that have been silent for too long. Returns when to look again, in ms of
 * shim_loop_now_ms(), or UINT64_MAX. */
uint64_t shim_job_tick(struct shim_proxy *p, uint64_t now_ms);
void shim_job_sweep(struct shim_proxy *p);
#endif
