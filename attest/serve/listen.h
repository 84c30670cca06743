/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/listen.h -- the sockets that cmcd serves. */
#ifndef ATTEST_SERVE_LISTEN_H
#define ATTEST_SERVE_LISTEN_H
#include "attest/serve/config.h"
#include "attest/serve/server.h"

/* Serves the passed sockets (count of them from CMC_SERVICE_FIRST_FD on); of what the configuration
 * names, it makes the kind that was not passed: the Unix socket always, TCP only where it is named.
 * Errors: -CMC_E_SYS, -CMC_E_USAGE, -CMC_E_LIMIT. */
CMC_MUST_CHECK int serve_listen(struct serve_server *s, const struct serve_config *cfg, int count,
                                gid_t gid, struct cmc_err *err);
/* The gid of a group's name, or (gid_t)-1. */
gid_t serve_listen_group(const char *name);
#endif
