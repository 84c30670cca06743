/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_nodes.h -- all entries of a tree, compact, until hard-link groups are known. */
#ifndef MEASURE_ROOTFS_NODES_H
#define MEASURE_ROOTFS_NODES_H
#include <stdbool.h>

#include "measure/rootfs_entry.h"

struct measure_node {               /* 96 bytes each; names and offsets are places in text */
    uint8_t digest[CMC_SHA256_LEN]; /* f: content; at the end: of the entry */
    uint64_t dev, ino;
    uint64_t changed; /* f: ctime in nanoseconds, which no program can set */
    union {
        uint64_t size; /* f */
        struct {
            uint32_t major, minor;
        } rdev; /* c, b */
        struct {
            uint32_t at, len;
        } target; /* l */
        struct {
            uint32_t first, count;
        } in; /* d: its entries, by name */
    } u;
    uint32_t name, parent; /* NUL-terminated; the root is its own parent */
    uint32_t uid, gid;
    uint32_t xattrs; /* u32 length, then the encoding; 0 for none */
    uint32_t group;  /* 0 for none, else a place in groups */
    uint16_t mode;
    char type;         /* 0 until it is known */
    bool twin : 1;     /* f: its content is that of its group's first node */
    bool way : 1;      /* d: leads to a group's first node; at the end */
    bool digested : 1; /* d: digest is the entry's; at the end */
};

struct measure_slot {
    uint32_t node; /* 0: free */
    uint32_t hash; /* some of it: another one need not be fetched to be told apart */
};

struct measure_nodes {
    struct measure_node *v; /* owned; v[0] is the root; moves when nodes are added */
    size_t count, cap;
    struct cmc_buf text;
    struct measure_slot *slots; /* owned: open addressing by (dev, ino) of nodes seen */
    size_t slot_count, slots_used;
    uint32_t *groups; /* owned: from 1 on, the group's first node */
    size_t group_count, group_cap;
    uint8_t (*group_names)[CMC_SHA256_LEN]; /* owned: path digests, at the end */
};

/* Takes a piece of text; an error ends it. */
typedef int measure_nodes_put(void *ctx, const void *text, size_t len, struct cmc_err *err);

/* Holds the root. Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_nodes_init(struct measure_nodes *n, struct cmc_err *err);
void measure_nodes_done(struct measure_nodes *n);

/* Appends a node; entries of one directory are added one after the other, by name.
 * Errors: -CMC_E_LIMIT (MEASURE_ENTRIES_MAX, memory). */
CMC_MUST_CHECK int measure_nodes_add(struct measure_nodes *n, uint32_t parent, uint32_t name,
                                     char type, struct cmc_err *err);
/* Says that i, no directory, was met now, in walk order, with its dev and ino set.
 * Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_nodes_seen(struct measure_nodes *n, uint32_t i, struct cmc_err *err);

/* A file that was seen before i and is i by another name, unchanged since it was read: same device,
 * inode, size and ctime. i was seen, too. 0: there is none. */
uint32_t measure_nodes_twin(const struct measure_nodes *n, uint32_t i);

/* Gives twins the content digests that their firsts have by now. */
void measure_nodes_match_twins(struct measure_nodes *n);

/* The node after i in walk order, or 0 after the last. */
uint32_t measure_nodes_next(const struct measure_nodes *n, uint32_t i);

/* The path of i, from "/", appended to out. */
void measure_nodes_path(const struct measure_nodes *n, uint32_t i, struct cmc_buf *out);
/* Gives the listing to put, some 64 KiB at a time. Errors: those of put, -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_nodes_write(const struct measure_nodes *n, measure_nodes_put *put,
                                       void *ctx, struct cmc_err *err);
/* The same, whole. Errors: -CMC_E_LIMIT (out's maximum). */
CMC_MUST_CHECK int measure_nodes_list(const struct measure_nodes *n, struct cmc_buf *out,
                                      struct cmc_err *err);
/* Entry i, but for its group; borrows n's text and the node's digest. */
struct measure_entry measure_nodes_entry(const struct measure_nodes *n, uint32_t i);
/* The root digest, by as many threads at most; 0: as many as we may keep busy. Once: content
 * digests are gone afterwards. Errors: -CMC_E_LIMIT (memory), -CMC_E_FORMAT (no tree: a directory
 * comes after what is in it). */
CMC_MUST_CHECK int measure_nodes_digest(struct measure_nodes *n, unsigned threads,
                                        uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err);
#endif
