/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_owner.h -- owners in a tree that an unprivileged user unpacked
 * (docs/formats/rootfs-tree.md, "Unprivileged unpackings"). */
#ifndef MEASURE_ROOTFS_OWNER_H
#define MEASURE_ROOTFS_OWNER_H
#include "measure/rootfs_walk.h"

struct measure_owner {
    uint32_t uid, gid;
};

/* The value of user.rootlesscontainers: a protobuf message of uid (1) and gid (2).
 * Errors: -CMC_E_FORMAT (no such message, another field, one twice, an id above 32 bits); *out
 * untouched. Source: rootlesscontainers.proto of the rootless-containers project. */
CMC_MUST_CHECK int measure_owner_parse(const uint8_t *value, size_t len, struct measure_owner *out,
                                       struct cmc_err *err);

struct measure_owners { /* of one walk; zeroed at its start */
    bool rootless;
    uint32_t host;    /* who unpacked: the owner of the root directory */
    uint64_t guessed; /* what cannot hold the attribute, links and what is read-only: 0:0 */
};

/* The owner of what the walk meets, the root first: as the host has it or, in a rootless tree, as
 * the attribute says. Errors in a rootless tree: -CMC_E_VERIFY (what such a tree cannot hold
 * truthfully), -CMC_E_FORMAT (the attribute), -CMC_E_SYS (reading it). */
CMC_MUST_CHECK int measure_owners_of(struct measure_owners *o, const struct measure_walk_entry *at,
                                     struct measure_owner *out, struct cmc_err *err);
#endif
