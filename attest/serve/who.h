/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/who.h -- who asks, as the kernel says, and what they may. */
#ifndef ATTEST_SERVE_WHO_H
#define ATTEST_SERVE_WHO_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct serve_who {
    bool tcp; /* nobody knows */
    bool root;
    bool trusted; /* root, or of the configured group: may see details */
    uid_t uid;
    pid_t pid;
};

/* The peer of a connected socket. gid: the configured group, or (gid_t)-1.
 * Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int serve_who_of(int fd, bool tcp, gid_t gid, struct serve_who *out,
                                struct cmc_err *err);
/* Whether they may ask for a type at all. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int serve_who_may(const struct serve_who *who, uint32_t type, struct cmc_err *err);
/* "uid 0 pid 17", "tcp". */
void serve_who_name(const struct serve_who *who, char *out, size_t cap);
#endif
