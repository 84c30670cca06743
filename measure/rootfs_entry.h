/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_entry.h -- one entry of a root file system and the digests of the exact form.
 * Pure: docs/formats/rootfs-tree.md, "Digests". */
#ifndef MEASURE_ROOTFS_ENTRY_H
#define MEASURE_ROOTFS_ENTRY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/sha256_many.h"

/* Of a whole tree: entries, and bytes of all names, targets and attributes. */
enum { MEASURE_ENTRIES_MAX = 4 << 20, MEASURE_TREE_TEXT_MAX = 512 << 20 };
enum { MEASURE_NAME_MAX = 4095, MEASURE_XATTR_NAME_MAX = 255, MEASURE_XATTR_VALUE_MAX = 65536 };

struct measure_bytes { /* borrowed */
    const uint8_t *p;
    size_t len;
};

struct measure_entry {           /* pointers are borrowed */
    char type;                   /* one of "fdlcbps", 0 for none */
    uint16_t mode;               /* 07777 */
    uint32_t uid, gid;           /* as the container sees them */
    uint64_t size;               /* f */
    uint32_t major, minor;       /* c, b */
    struct measure_bytes name;   /* last component; empty for the root */
    struct measure_bytes target; /* l */
    struct measure_bytes xattrs; /* encoded: u32 count, then each; never empty */
    const uint8_t *digest;       /* f: content, d: directory; CMC_SHA256_LEN */
    const uint8_t *group;        /* path digest, CMC_SHA256_LEN, or NULL */
};

/* The letter of a file type (mode & S_IFMT), or 0. */
char measure_entry_type(uint32_t mode);
/* Is an extended attribute of that name part of the form? */
bool measure_entry_covers(const char *xattr, size_t len);
void measure_entry_digest(const struct measure_entry *e, uint8_t out[static CMC_SHA256_LEN]);

/* Entries whose digests are due, by their length in blocks of SHA-256: many cost less together. */
enum { MEASURE_ENTRY_BLOCKS = 3 }; /* of most; longer ones never wait */
struct measure_entries_due {       /* zeroed at first */
    struct measure_entries_alike {
        size_t count;
        uint8_t text[CMC_SHA256_LANES_MAX][64 * MEASURE_ENTRY_BLOCKS];
        uint8_t *out[CMC_SHA256_LANES_MAX];
    } of[MEASURE_ENTRY_BLOCKS];
};
/* The digest is in out after measure_entries_end() at the latest; e is not needed any more. */
void measure_entries_add(struct measure_entries_due *due, const struct measure_entry *e,
                         uint8_t out[static CMC_SHA256_LEN]);
void measure_entries_end(struct measure_entries_due *due);

/* P(dir/name) from P(dir); the root's is zeros. */
void measure_path_digest(const uint8_t dir[static CMC_SHA256_LEN], struct measure_bytes name,
                         uint8_t out[static CMC_SHA256_LEN]);

/* A directory digest: start, add the digests of its entries by name, end. */
void measure_dir_start(struct cmc_sha256_ctx *dir);
void measure_root_digest(const uint8_t dir[static CMC_SHA256_LEN], struct measure_bytes xattrs,
                         uint8_t out[static CMC_SHA256_LEN]);

/* The encoding of no extended attributes. */
extern const struct measure_bytes measure_no_xattrs;
#endif
