/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle_run.c -- measures a bundle as the helper measures a container. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "measure/reference.h"
#include "tools/cmc_measure_replace.h"
#include "tools/measure_bundle.h"

enum { LINE_CAP = 160, QUIET_MS = 1000, STEP_MS = 250 };

struct notes { /* what people are told, and when last */
    void (*say)(enum measure_bundle_note kind, const char *line);
    uint64_t start_ms, said_ms;
    uint64_t entries, bytes;
};

static uint64_t now_ms(void)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void say(struct notes *n, enum measure_bundle_note kind)
{
    char line[LINE_CAP];
    const uint64_t ms = now_ms() - n->start_ms;
    n->said_ms = now_ms();
    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " entries, %" PRIu64 ".%" PRIu64 " MB, %" PRIu64 ".%" PRIu64 " s",
                   n->entries, n->bytes / 1000000, n->bytes / 100000 % 10, ms / 1000,
                   ms / 100 % 10);
    n->say(kind, line);
}

static int on_progress(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct notes *n = ctx;
    const uint64_t now = now_ms();
    n->entries = entries;
    n->bytes = bytes;
    if (now - n->start_ms >= QUIET_MS && now - n->said_ms >= STEP_MS)
        say(n, MEASURE_BUNDLE_PROGRESS);
    return 0;
}

static int write_listing(const char *path, const struct cmc_buf *listing, struct cmc_err *err)
{
    if (cmc_buf_check(listing, "listing", err) < 0 ||
        cmc_measure_replace_at(path, 0644, listing, err) < 0)
        return cmc_wrap(err, "--listing");
    return 0;
}

/* What nobody can see in a tree that was unpacked without root. */
static void warn(const struct measure_rootfs *tree, const struct notes *n)
{
    char line[LINE_CAP];
    if (tree->guessed == 0)
        return;
    (void)snprintf(line, sizeof(line),
                   "unpacked without root: %" PRIu64 " links and read-only entries are taken as "
                   "root's (0:0); a container has the image's owners",
                   tree->guessed);
    n->say(MEASURE_BUNDLE_WARNING, line);
}

static int measure(const struct measure_bundle_options *o, const struct measure_bundle_inputs *in,
                   struct notes *n, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(CMC_MEASURE_LISTING_MAX);
    CMC_CLEANUP(measure_config_done) struct measure_config config = {.terminal = false};
    struct measure_rootfs tree;
    const struct cmc_measure_how how = {
        .profile = o->profile,
        .id = o->id,
        .redaction_key = in->has_key ? in->key : NULL,
        .file_max = o->file_max,
        .rootless = in->rootless,
        .progress = on_progress,
        .ctx = n,
    };
    const struct cmc_measure_rootfs from = {.root = in->root};
    struct cmc_buf *wanted = o->listing ? &listing : NULL;
    if (cmc_measure_state_config(&how, &in->json, &config, err) < 0 ||
        (in->image ? measure_bundle_image_rootfs(o, in->image, wanted, &tree, err)
                   : cmc_measure_state_rootfs(&how, &in->spec, &from, wanted, &tree, err)) < 0)
        return -(int)err->code;
    const struct measure_reference r = {
        .profile = o->profile,
        .name = o->name ? o->name : cmc_measure_spec_title(&in->spec, o->id),
        .pcr = (uint32_t)o->pcr,
        .config = &config,
        .rootfs = tree.digest,
        .redaction_key = how.redaction_key,
    };
    n->entries = tree.entries;
    n->bytes = tree.bytes;
    warn(&tree, n);
    const size_t before = out->len;
    if (measure_references_put(out, &r, 1, err) < 0)
        return -(int)err->code;
    if (o->listing && write_listing(o->listing, &listing, err) < 0) {
        out->len = before;
        return -(int)err->code;
    }
    return 0;
}

int measure_bundle_run(const struct measure_bundle_options *o, struct cmc_buf *out,
                       void (*note)(enum measure_bundle_note kind, const char *line),
                       struct cmc_err *err)
{
    struct notes n = {.say = note, .start_ms = now_ms()};
    cmc_autofree struct measure_bundle_inputs *in = calloc(1, sizeof(*in));
    if (!in)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    int rc = measure_bundle_inputs(o, on_progress, &n, in, err);
    if (rc == 0)
        rc = measure(o, in, &n, out, err);
    measure_bundle_inputs_done(in);
    say(&n, MEASURE_BUNDLE_SUMMARY);
    return rc;
}
