/* SPDX-License-Identifier: Apache-2.0 */
/* base/service.h -- what a service and its manager tell each other (sd_listen_fds(3),
 * sd_notify(3)), and sockets for where there is no manager. */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H
#include <sys/types.h>

#include "base/err.h"

enum { CMC_SERVICE_FIRST_FD = 3, CMC_SERVICE_SOCKETS_MAX = 16 };

/* How many sockets were passed to this process, from CMC_SERVICE_FIRST_FD on; they become
 * close-on-exec. pid, count: the values of LISTEN_PID and LISTEN_FDS, or NULL.
 * Errors: -CMC_E_USAGE (a count that is none), -CMC_E_SYS. */
CMC_MUST_CHECK int cmc_service_sockets(const char *pid, const char *count, struct cmc_err *err);
/* Tells the manager; socket: the value of NOTIFY_SOCKET, or NULL. Never fails: nobody would know
 * what to do. */
void cmc_service_notify(const char *socket, const char *state);

struct cmc_service_socket {
    const char *path; /* absolute */
    int type;         /* SOCK_STREAM, SOCK_SEQPACKET */
    mode_t mode;
    gid_t gid; /* (gid_t)-1: as it comes */
};
/* Makes a listening, non-blocking Unix socket; takes the place of one that nobody serves any more.
 * Returns a fd that the caller owns. Errors: -CMC_E_SYS, -CMC_E_USAGE (path, or it is served). */
CMC_MUST_CHECK int cmc_service_listen(const struct cmc_service_socket *s, struct cmc_err *err);
#endif
