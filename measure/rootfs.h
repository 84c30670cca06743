/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs.h -- the exact root file system digest (docs/formats/rootfs-tree.md). */
#ifndef MEASURE_ROOTFS_H
#define MEASURE_ROOTFS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

/* One line of /proc/PID/uid_map: container ids [inside, inside + count) are host ids
 * [outside, outside + count). */
struct measure_idmap {
    uint32_t inside, outside, count;
};

struct measure_known;        /* measure/rootfs_known.h */
struct measure_nodes;        /* measure/rootfs_nodes.h */
struct measure_rootfs_stamp; /* measure/rootfs_stamp.h */

struct measure_rootfs_opts {
    const struct measure_idmap *uids, *gids; /* borrowed; NULL with count 0: ids as they are */
    size_t uid_maps, gid_maps;
    /* An unprivileged unpacking (umoci unpack --rootless): owners are what user.rootlesscontainers
     * says, else 0:0, and no maps apply; what such a tree cannot hold truthfully is an error. */
    bool rootless;
    unsigned threads; /* 1: none is started; 0: as many as tree, CPUs and disks are worth */
    /* NULL, or what names of overlayfs's own attributes begin with: a file with one that only
     * overlayfs resolves is an error (measure_rootfs_layers() sets it). */
    const char *overlay;
    uint64_t file_max;       /* a larger file is an error that names it; 0: no limit */
    struct cmc_buf *listing; /* when not NULL: receives the listing of every entry */
    /* When not NULL, exact form: called with list_ctx when all entries are known, to list them by
     * measure_nodes_write(), piece by piece. A result below 0 is that of the measuring. */
    int (*list)(void *ctx, const struct measure_nodes *n, struct cmc_err *err);
    void *list_ctx;
    /* Ask of each file, before its first byte is read, that nobody has it open for writing or
     * mapped writable: see measure_rootfs.leased. The caller ignores SIGIO, which tells of an
     * opener in that moment, and needs CAP_LEASE for files of others. */
    bool lease;
    /* NULL, or who remembers contents of files: exact form, of layers. With lease, else nothing is
     * learned. */
    const struct measure_known *known;
    struct measure_rootfs_stamp *stamp; /* when not NULL: receives that of what was measured */
    /* Called at least once per 64 MiB and per 4096 entries, by one thread at a time, which may be
     * one of ours with all signals blocked; may be NULL. A result below 0 ends the walk with
     * -CMC_E_SYS "cancelled". */
    int (*progress)(void *ctx, uint64_t entries, uint64_t bytes);
    void *ctx;
};

struct measure_rootfs {
    uint8_t digest[CMC_SHA256_LEN];
    uint64_t entries; /* below the root, of any type */
    uint64_t files, bytes;
    uint64_t known_files, known_bytes; /* of these: not read, since opts->known had them */
    uint64_t guessed; /* rootless: links and read-only entries, of which no owner is kept: 0:0 */
    bool leased;      /* opts->lease: nobody could write a file unseen by its ctime (on a file
                       * system of the layer itself: an overlay's files say nothing) */
};

/* Measures the tree below rootfd (a directory, O_PATH is enough; borrowed).
 * /proc must be mounted; about 130 bytes of memory per entry and 16 MiB, 66 descriptors at any
 * depth and up to 700 where RLIMIT_NOFILE leaves them. Any number of threads gives the same result;
 * of several errors any may be met first. Errors name the path: -CMC_E_SYS (unreadable),
 * -CMC_E_VERIFY (a file changed while it was read, a mount point below the root, what rootless
 * refuses), -CMC_E_FORMAT (an ACL or a capability that is none), -CMC_E_LIMIT (entries, memory,
 * listing); *out untouched. */
CMC_MUST_CHECK int measure_rootfs(int rootfd, const struct measure_rootfs_opts *opts,
                                  struct measure_rootfs *out, struct cmc_err *err);

struct measure_layers; /* measure/rootfs_layers.h */
/* Measures what an overlay of these layers shows, by reading the layers: the digest and listing
 * that measure_rootfs() gives of the mounted overlay. Errors: as there, and -CMC_E_FORMAT with
 * MEASURE_LAYERS_NOT where only a mount tells; whatever the error but "cancelled", mount and
 * measure that. */
CMC_MUST_CHECK int measure_rootfs_layers(const struct measure_layers *layers,
                                         const struct measure_rootfs_opts *opts,
                                         struct measure_rootfs *out, struct cmc_err *err);
#endif
