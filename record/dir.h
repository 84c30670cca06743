/* SPDX-License-Identifier: Apache-2.0 */
/* record/dir.h -- directories and files that only root may change: made, opened and judged by
 * descriptor. */
#ifndef RECORD_DIR_H
#define RECORD_DIR_H
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Opens the absolute path without following a symbolic link anywhere. Every directory on the way
 * must belong to root or to us, and be writable by its owner only (or sticky, on the way).
 * Missing ones are made 0750 with group cmc, where /etc/group has it. make false: not made.
 * Returns a fd that the caller owns. Errors: -CMC_E_SYS, -CMC_E_VERIFY, -CMC_E_USAGE (path). */
CMC_MUST_CHECK int record_dir_open(const char *path, bool make, struct cmc_err *err);
/* The whole content of a file of at most max bytes; *out is freed by the caller with
 * cmc_buf_done(). what: for messages. Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int record_dir_read(int fd, size_t max, const char *what, struct cmc_buf *out,
                                   struct cmc_err *err);
/* The gid of group cmc as /etc/group says (no name service: this runs in a small root helper),
 * or (gid_t)-1 when there is none. */
gid_t record_dir_group(void);

/* Opens the regular file name in dirfd with flags; with O_CREAT an absent or empty one gets mode
 * and the directory's group. It must belong to root or to us, have one link, and no permission
 * beyond mode. Returns a fd that the caller owns. Errors: -CMC_E_SYS, -CMC_E_VERIFY. */
CMC_MUST_CHECK int record_dir_file(int dirfd, const char *name, int flags, mode_t mode,
                                   struct cmc_err *err);
#endif
