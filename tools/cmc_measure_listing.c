/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_listing.c -- a listing is named by its digest, and has its room before it is
 * written: so it is made twice, and the first time only for these. */
#include "tools/cmc_measure_listing.h"

#include <stdio.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "measure/rootfs_nodes.h"
#include "record/details.h"

struct sum {
    struct cmc_sha256_ctx hash;
    uint64_t len;
};

static int add_up(void *ctx, const void *text, size_t len, struct cmc_err *err)
{
    struct sum *s = ctx;
    s->len += len;
    if (s->len > CMC_MEASURE_LISTING_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "the listing: more than %d bytes",
                        CMC_MEASURE_LISTING_MAX);
    cmc_sha256_add(&s->hash, text, len);
    return 0;
}

static int add_to_file(void *ctx, const void *text, size_t len, struct cmc_err *err)
{
    return record_details_add(ctx, text, len, err);
}

static int store(const struct cmc_measure_job *j, const struct record_detail *d,
                 const struct measure_nodes *tree, struct cmc_err *err)
{
    CMC_CLEANUP(record_details_drop) struct record_details_writer w;
    char dir[CMC_MEASURE_DETAILS_DIR];
    cmc_measure_create_details_dir(j, dir);
    const int rc = record_details_start(dir, d, j->env->site->details_quota, &w, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (measure_nodes_write(tree, add_to_file, &w, err) < 0 || record_details_end(&w, err) < 0)
        return cmc_wrap(err, "%s", dir);
    return 0;
}

int cmc_measure_listing_keep(void *ctx, const struct measure_nodes *tree, struct cmc_err *err)
{
    struct cmc_measure_listing *l = ctx;
    struct sum sum = {.len = 0};
    struct cmc_err why = {0};
    cmc_sha256_init(&sum.hash);
    if (measure_nodes_write(tree, add_up, &sum, err) < 0)
        return -(int)err->code;
    cmc_sha256_end(&sum.hash, l->digest);
    if (store(l->job, &(struct record_detail){"listing", l->digest, sum.len}, tree, &why) < 0)
        cmc_measure_create_not_stored(l->job, "listing", &why);
    return 0;
}
