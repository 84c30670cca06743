/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_tree.c -- the root file system of a Create: from what is kept, from its layers,
 * or from a mount, in this order. */
#include "tools/cmc_measure_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "record/details.h"
#include "tools/cmc_measure_contents.h"
#include "tools/cmc_measure_flight.h"
#include "tools/cmc_measure_listing.h"

/* An event of profile cmc has no place for one. */
static bool keeps_listing(const struct cmc_measure_job *j)
{
    return j->env->site->keep_listing && !j->dry_run && j->how.profile == MEASURE_PROFILE_EXACT;
}

struct shared { /* what a flight measures */
    struct cmc_measure_job *job;
    const struct measure_rootfs_opts *opts;
    struct cmc_measure_rootfs *from; /* the tree, freshly opened; mounted when it must be */
};

/* An overlay's files are not those of the layers: others may write them unseen. */
static bool is_mounted(const struct cmc_measure_rootfs *from)
{
    return from->mounts->kind == CMC_MEASURE_OVERLAY && from->mounts->layer_count > 1 &&
           from->root >= 0;
}

static void say_known(const struct cmc_measure_job *j, const struct measure_rootfs *tree)
{
    char files[24], read[24];
    if (tree->known_files == 0)
        return;
    (void)snprintf(files, sizeof(files), "%llu", (unsigned long long)tree->known_files);
    (void)snprintf(read, sizeof(read), "%llu",
                   (unsigned long long)(tree->bytes - tree->known_bytes));
    cmc_log(j->env->log, CMC_LOG_INFO, "knew files of layers, and read the rest", "task",
            j->request->id, "known", files, "bytes", read, NULL);
}

/* What is known of its layers is not read again. */
static int read_layers(struct cmc_measure_job *j, const struct cmc_measure_rootfs *from,
                       struct measure_rootfs *tree, struct cmc_err *err)
{
    struct cmc_measure_contents *c = NULL;
    if (j->how.profile == MEASURE_PROFILE_EXACT)
        c = cmc_measure_contents_begin(j->env->site->runtime_dir, &from->layers,
                                       from->mounts->has_upper ? 1 : 0);
    j->how.known = cmc_measure_contents_known(c);
    const int rc = cmc_measure_state_rootfs(&j->how, &j->spec, from, NULL, tree, err);
    j->how.known = NULL;
    const bool sound = cmc_measure_contents_end(c);
    if (rc < 0)
        return rc;
    if (sound) {
        say_known(j, tree);
        return 0;
    }
    return cmc_measure_state_rootfs(&j->how, &j->spec, from, NULL, tree, err);
}

/* Where the layers do not tell, the mounted overlay does; and any error is that of the overlay. */
static int read_tree(struct shared *s, struct measure_rootfs *tree, struct cmc_err *err)
{
    struct cmc_measure_job *j = s->job;
    if (s->from->root >= 0)
        return cmc_measure_state_rootfs(&j->how, &j->spec, s->from, NULL, tree, err);
    if (read_layers(j, s->from, tree, err) == 0)
        return 0;
    cmc_log(j->env->log, CMC_LOG_INFO, "mounted, as its layers cannot be read one by one", "task",
            j->request->id, "why", err->msg, NULL);
    if (cmc_measure_rootfs_mount(s->from, err) < 0)
        return cmc_wrap(err, "root file system");
    return cmc_measure_state_rootfs(&j->how, &j->spec, s->from, NULL, tree, err);
}

static int walk(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct cmc_measure_walked *out, struct cmc_err *err)
{
    struct shared *s = ctx;
    struct cmc_measure_job *j = s->job;
    struct cmc_measure_listing listing = {.job = j};
    struct measure_rootfs tree;
    j->how.progress = progress;
    j->how.ctx = progress_ctx;
    j->how.stamp = &out->stamp;
    j->how.list = keeps_listing(j) ? cmc_measure_listing_keep : NULL;
    j->how.list_ctx = &listing;
    const int rc = read_tree(s, &tree, err);
    j->how.list = NULL; /* listing ends with this call */
    j->how.list_ctx = NULL;
    if (rc < 0)
        return -(int)err->code;
    out->leased = tree.leased && !is_mounted(s->from);
    out->tree = (struct cmc_measure_tree){.has_listing = keeps_listing(j)};
    memcpy(out->tree.rootfs, tree.digest, CMC_SHA256_LEN);
    if (out->tree.has_listing)
        memcpy(out->tree.listing, listing.digest, sizeof(out->tree.listing));
    return 0;
}

static int look(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    struct shared *s = ctx;
    struct measure_rootfs_opts opts = *s->opts;
    opts.progress = progress;
    opts.ctx = progress_ctx;
    return cmc_measure_rootfs_look(s->from, &opts, out, err);
}

static bool has_listing(void *ctx, const uint8_t digest[static CMC_SHA256_LEN])
{
    const struct shared *s = ctx;
    char dir[CMC_MEASURE_DETAILS_DIR];
    cmc_measure_create_details_dir(s->job, dir);
    return record_details_has(dir, "listing", digest);
}

static bool is_same(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The directories that the tree is read from, as far as they make it: an upper directory of our own
 * does not. bound: what a bind mount shows, for it has lost its place in the tree of directories.
 */
static void choose_layers(const struct cmc_measure_rootfs *from, int *bound,
                          struct cmc_measure_flight *f)
{
    const struct cmc_measure_mounts *m = from->mounts;
    struct cmc_err ignored;
    if (from->root < 0) {
        const size_t own = from->open.own ? 1 : 0;
        f->layers = from->open.fd + own;
        f->layer_count = from->open.count - own;
    } else if (m->kind == CMC_MEASURE_OVERLAY && !is_mounted(from)) {
        f->layers = &from->root;
        f->layer_count = 1;
    } else if (m->kind == CMC_MEASURE_BIND || m->kind == CMC_MEASURE_BIND_TREE) {
        *bound = cmc_measure_layers_open_dir(AT_FDCWD, &m->source, 0, &ignored);
        f->layers = bound;
        f->layer_count = *bound >= 0 && is_same(*bound, from->root) ? 1 : 0;
    }
}

static void take(struct cmc_measure_job *j, const struct cmc_measure_tree *tree,
                 enum cmc_measure_source source)
{
    static const char *const words[] = {
        [CMC_MEASURE_OWN] = "",
        [CMC_MEASURE_JOINED] = ", measured by another",
        [CMC_MEASURE_KEPT] = ", measured before",
    };
    struct measure_event *ev = &j->event;
    j->rootfs_from = words[source];
    ev->has_rootfs = true;
    memcpy(ev->rootfs, tree->rootfs, CMC_SHA256_LEN);
    ev->has_listing = tree->has_listing;
    memcpy(ev->listing, tree->listing, CMC_SHA256_LEN);
}

int cmc_measure_tree_digest(struct cmc_measure_job *j, struct cmc_measure_rootfs *from,
                            struct cmc_err *err)
{
    const struct measure_rootfs_opts opts = {
        .uids = j->spec.uids,
        .gids = j->spec.gids,
        .uid_maps = j->spec.uid_maps,
        .gid_maps = j->spec.gid_maps,
        .file_max = j->how.file_max,
    };
    struct shared shared = {.job = j, .opts = &opts, .from = from};
    cmc_autofd int bound = -1;
    struct cmc_measure_flight f = {
        .runtime_dir = j->env->site->runtime_dir,
        .form = j->how.profile == MEASURE_PROFILE_CMC ? "cmc 1" : "exact 1",
        .task = j->request->id,
        .log = j->env->log,
        .link = j->env->link,
        .opts = &opts,
        .keep_listing = keeps_listing(j),
        .kind = from->mounts->kind,
        .options = from->mounts->options,
        .walk = walk,
        .look = look,
        .has_listing = has_listing,
        .ctx = &shared,
    };
    choose_layers(from, &bound, &f);
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    if (cmc_measure_flight_run(&f, &tree, &source, err) < 0)
        return -(int)err->code;
    take(j, &tree, source);
    return 0;
}
