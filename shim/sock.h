/* SPDX-License-Identifier: Apache-2.0 */
/* shim/sock.h -- the shim's unix sockets: one owner per name, whatever runs at the same time. */
#ifndef SHIM_SOCK_H
#define SHIM_SOCK_H
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Makes dir (and its parent) where missing, judges it (of root, only root writes) and takes its
 * exclusive flock. Closing the fd unlocks. Returns the fd, -CMC_E_SYS or -CMC_E_VERIFY. */
CMC_MUST_CHECK int shim_sock_lock_dir(const char *dir, struct cmc_err *err);
/* Connects to path. Returns a blocking fd, or -CMC_E_SYS with sys_errno. */
CMC_MUST_CHECK int shim_sock_connect(const char *path, struct cmc_err *err);
/* Binds path (0600) and listens. A stale socket is replaced: call it with the directory locked,
 * and only after connecting was refused. Returns a fd, or -CMC_E_SYS. */
CMC_MUST_CHECK int shim_sock_listen(const char *path, struct cmc_err *err);
/* A listener without a name in the file system: *listener for the real shim's fd 3, *inode an
 * O_PATH fd by which only this process can connect. No abstract name: containers that share the
 * host's network could reach one. Errors: -CMC_E_SYS; outputs untouched. */
CMC_MUST_CHECK int shim_sock_private(const char *dir, int *listener, int *inode,
                                     struct cmc_err *err);
/* A non-blocking connection to the listener behind inode. Returns a fd, or -CMC_E_SYS. */
CMC_MUST_CHECK int shim_sock_connect_private(int inode, struct cmc_err *err);
/* True when the peer of a connected socket runs as our own user. */
bool shim_sock_peer_is_ours(int fd);
/* Removes path if it still is the socket with that inode number; takes dir's lock meanwhile. */
void shim_sock_remove(const char *dir, const char *path, uint64_t ino);
/* The inode number of path, 0 when there is none. */
uint64_t shim_sock_inode(const char *path);
#endif
