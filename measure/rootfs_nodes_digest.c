/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_nodes_digest.c -- the digest of all entries, by several threads where there are
 * many: in each share what is no directory, then directories from the innermost on; at the end
 * those that reach from one share into another. */
#include <stdlib.h>
#include <string.h>

#include "measure/cpus.h"
#include "measure/rootfs_nodes.h"
#include "measure/thread.h"

enum {
    SHARE = 8192, /* entries: for fewer a thread costs more than it brings */
    SHARES_MAX = 16,
    STACK = 256 << 10
};

struct share { /* of the entries: [from, to) */
    const struct measure_nodes *n;
    size_t from, to;
    pthread_t thread;
};

/* Marks the directories on the way to each group's first entry. */
static void mark_ways(struct measure_nodes *n)
{
    for (size_t g = 1; g <= n->group_count; g++)
        for (uint32_t i = n->v[n->groups[g]].parent; i && !n->v[i].way; i = n->v[i].parent)
            n->v[i].way = true;
}

static void digest_path(const struct measure_nodes *n, uint32_t i, uint8_t out[CMC_SHA256_LEN])
{
    measure_path_digest(n->v[n->v[i].parent].digest, measure_nodes_entry(n, i).name, out);
}

/* Names each group by its first path. The digests of directories, not needed yet, hold P(dir). */
static int name_groups(struct measure_nodes *n, struct cmc_err *err)
{
    n->group_names = calloc(n->group_count + 1, sizeof(*n->group_names));
    if (!n->group_names)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu hard-link groups", n->group_count);
    mark_ways(n);
    for (uint32_t i = 1; i < n->count; i++) /* a directory is before its entries */
        if (n->v[i].way)
            digest_path(n, i, n->v[i].digest);
    for (size_t g = 1; g <= n->group_count; g++)
        digest_path(n, n->groups[g], n->group_names[g]);
    return 0;
}

static void digest_files(const struct share *s)
{
    const struct measure_nodes *n = s->n;
    struct measure_entries_due due = {0};
    for (size_t i = s->from; i < s->to; i++) {
        struct measure_node *e = &n->v[i];
        if (e->type == 'd')
            continue;
        struct measure_entry entry = measure_nodes_entry(n, (uint32_t)i);
        entry.group = e->group ? n->group_names[e->group] : NULL;
        measure_entries_add(&due, &entry, e->digest);
    }
    measure_entries_end(&due);
}

/* Has all that is in the directory its digest, and is it before to? */
static bool is_full(const struct measure_nodes *n, const struct measure_node *dir, size_t to)
{
    const size_t first = dir->u.in.first, end = first + dir->u.in.count;
    if (end > to)
        return false;
    for (size_t i = first; i < end; i++)
        if (n->v[i].type == 'd' && !n->v[i].digested)
            return false;
    return true;
}

static void digest_dir(const struct measure_nodes *n, struct measure_node *dir)
{
    enum { PIECE = 128 };
    uint8_t piece[PIECE][CMC_SHA256_LEN];
    struct cmc_sha256_ctx c;
    size_t used = 0;
    measure_dir_start(&c);
    for (uint32_t k = 0; k < dir->u.in.count; k++) {
        memcpy(piece[used++], n->v[dir->u.in.first + k].digest, CMC_SHA256_LEN);
        if (used == PIECE || k + 1 == dir->u.in.count) {
            cmc_sha256_add(&c, piece, used * CMC_SHA256_LEN);
            used = 0;
        }
    }
    cmc_sha256_end(&c, dir->digest);
    dir->digested = true;
}

/* Directories of the share, but those that hold something of a later one. */
static void digest_dirs(const struct share *s)
{
    const struct measure_nodes *n = s->n;
    for (size_t i = s->to; i-- > s->from;) { /* entries are after their directory */
        struct measure_node *e = &n->v[i];
        if (e->type != 'd' || e->digested || !is_full(n, e, s->to))
            continue;
        digest_dir(n, e);
        const struct measure_entry entry = measure_nodes_entry(n, (uint32_t)i);
        if (i > 0)
            measure_entry_digest(&entry, e->digest);
    }
}

static void *digest_share(void *arg)
{
    const struct share *s = arg;
    digest_files(s);
    digest_dirs(s);
    return NULL;
}

static size_t shares_of(size_t entries, unsigned threads)
{
    const size_t worth = entries / SHARE;
    if (worth < 2)
        return 1;
    size_t shares = threads ? threads : measure_cpus();
    shares = shares < SHARES_MAX ? shares : SHARES_MAX;
    return shares < worth ? shares : worth;
}

static void digest_shares(const struct measure_nodes *n, unsigned threads)
{
    struct share share[SHARES_MAX];
    bool started[SHARES_MAX] = {false};
    const size_t shares = shares_of(n->count, threads), each = n->count / shares;
    for (size_t k = shares; k-- > 0;) {
        share[k] = (struct share){n, k * each, k + 1 < shares ? (k + 1) * each : n->count, 0};
        started[k] =
            k > 0 && measure_thread_start(&share[k].thread, STACK, digest_share, &share[k]);
        if (!started[k])
            (void)digest_share(&share[k]);
    }
    for (size_t k = 0; k < shares; k++)
        if (started[k])
            (void)pthread_join(share[k].thread, NULL);
}

int measure_nodes_digest(struct measure_nodes *n, unsigned threads,
                         uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    if (n->group_count && name_groups(n, err) < 0)
        return -(int)err->code;
    digest_shares(n, threads);
    digest_dirs(&(struct share){.n = n, .to = n->count});
    if (!n->v[0].digested) /* never a digest of less than all */
        return cmc_fail(err, CMC_E_FORMAT, "a directory comes after what is in it");
    measure_root_digest(n->v[0].digest, measure_nodes_entry(n, 0).xattrs, out);
    return 0;
}
