/* SPDX-License-Identifier: Apache-2.0 */
/* shim/group.h -- which containers share a shim, and where that shim listens. */
#ifndef SHIM_GROUP_H
#define SHIM_GROUP_H
#include "base/err.h"
#include "shim/bootstrap.h"

enum { SHIM_GROUP_MAX = 4096 }; /* bytes with NUL */

#define SHIM_SOCKET_DIR "/run/containerd/s"

/* The group of the container whose config.json text is given, as the runc shim decides it: the
 * annotation io.containerd.runc.v2.group, else io.kubernetes.cri.sandbox-id, else its own id.
 * A text that we cannot read, or a group that does not fit, means the own id: `start` must not
 * fail on what Create will judge. */
void shim_group_of(const char *config, size_t len, const char *id, char out[static SHIM_GROUP_MAX]);
/* The same for <dirfd>/config.json. */
void shim_group_read(int dirfd, const char *id, char out[static SHIM_GROUP_MAX]);

/* DIR/cmc-HASH, HASH over containerd's address, namespace and group. A scheme of our own: the
 * runc shim unlinks the path that its own scheme gives when it ends.
 * Errors: -CMC_E_LIMIT (longer than a socket's name may be); out untouched. */
CMC_MUST_CHECK int shim_group_socket(const char *dir, const char *address, const char *ns,
                                     const char *group, char out[static SHIM_SOCKET_PATH_MAX + 1],
                                     struct cmc_err *err);
#endif
