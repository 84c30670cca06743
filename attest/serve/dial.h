/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/dial.h -- stream sockets with one deadline for all that is done with them. */
#ifndef ATTEST_SERVE_DIAL_H
#define ATTEST_SERVE_DIAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { SERVE_PATH_MAX = 107, SERVE_HOST_MAX = 255 };

struct serve_addr {
    bool tcp;
    char path[SERVE_PATH_MAX + 1];              /* unix */
    char host[SERVE_HOST_MAX + 1], port[5 + 1]; /* tcp; host "": all addresses (to listen) */
};

/* "unix:///path", "/path", "tcp://host:port", "host:port", "[::1]:port".
 * Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int serve_addr_parse(const char *text, struct serve_addr *out, struct cmc_err *err);

/* CLOCK_MONOTONIC. */
int64_t serve_now_ms(void);
/* Connects; end_ms: when to give up. A name is looked up first, in the resolver's own time.
 * Returns a non-blocking fd that the caller owns. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int serve_dial(const struct serve_addr *addr, int64_t end_ms, struct cmc_err *err);
/* Sends everything. Errors: -CMC_E_SYS (also: timed out; the peer closed: sys_errno EPIPE). */
CMC_MUST_CHECK int serve_send(int fd, const void *data, size_t len, int64_t end_ms,
                              struct cmc_err *err);
/* Receives exactly len bytes. Errors: -CMC_E_SYS (timed out, closed). */
CMC_MUST_CHECK int serve_receive(int fd, void *data, size_t len, int64_t end_ms,
                                 struct cmc_err *err);
#endif
