/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/layers_digest.c -- digests of trees and of stacks of layers, one line each.
 * layers_digest: reads lines from standard input, fields divided by tabs:
 *   tree FLAGS DIR        the tree below DIR
 *   layers FLAGS DIR...   the layers, topmost first
 * FLAGS: c form cmc, which has no listing, u userxattr, r redirects, - none.
 * A stamp that was taken while measuring must be that of a later look.
 * Writes a line for each, "ok DIGEST BYTES" and the listing of so many bytes, or "no MESSAGE". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "measure/listing.h"
#include "measure/rootfs_cmc.h"
#include "measure/rootfs_layers.h"
#include "measure/rootfs_stamp.h"

enum { FIELDS_MAX = MEASURE_LAYERS_MAX + 8 };

struct request {
    char *fields[FIELDS_MAX];
    size_t count;
    int fds[FIELDS_MAX];
    size_t opened;
};

static void close_all(struct request *r)
{
    while (r->opened > 0)
        cmc_closep(&r->fds[--r->opened]);
}

static int open_all(struct request *r, size_t first, struct cmc_err *err)
{
    for (size_t i = first; i < r->count; i++) {
        int fd = open(r->fields[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return cmc_fail(err, CMC_E_SYS, "open %s", r->fields[i]);
        r->fds[r->opened++] = fd;
    }
    return 0;
}

static int measure_tree(const struct request *r, bool cmc, const struct measure_rootfs_opts *opts,
                        struct measure_rootfs *got, struct cmc_err *err)
{
    return (cmc ? measure_rootfs_cmc : measure_rootfs)(r->fds[0], opts, got, err);
}

static int measure_layers(const struct request *r, bool cmc, const struct measure_rootfs_opts *opts,
                          struct measure_rootfs *got, struct cmc_err *err)
{
    struct measure_rootfs_stamp later;
    const struct measure_layers layers = {.fds = r->fds,
                                          .count = r->opened,
                                          .userxattr = strchr(r->fields[1], 'u') != NULL,
                                          .redirects = strchr(r->fields[1], 'r') != NULL};
    if ((cmc ? measure_rootfs_cmc_layers : measure_rootfs_layers)(&layers, opts, got, err) < 0 ||
        measure_rootfs_stamp_layers(&layers, opts, &later, err) < 0)
        return -(int)err->code;
    return memcmp(later.digest, opts->stamp->digest, CMC_SHA256_LEN) == 0
               ? 0
               : cmc_fail(err, CMC_E_VERIFY, "the stamp of a look is another");
}

static int measure(struct request *r, const struct measure_rootfs_opts *opts,
                   struct measure_rootfs *got, struct cmc_err *err)
{
    const bool tree = strcmp(r->fields[0], "tree") == 0;
    if (r->count < 3 || (!tree && strcmp(r->fields[0], "layers") != 0))
        return cmc_fail(err, CMC_E_USAGE, "neither tree nor layers");
    if (open_all(r, 2, err) < 0)
        return -(int)err->code;
    return (tree ? measure_tree : measure_layers)(r, strchr(r->fields[1], 'c'), opts, got, err);
}

static void answer(struct request *r)
{
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(MEASURE_LISTING_MAX);
    struct measure_rootfs_stamp stamp;
    const struct measure_rootfs_opts opts = {.listing = &listing, .stamp = &stamp};
    struct measure_rootfs got = {0};
    struct cmc_err err = {0};
    char hex[2 * CMC_SHA256_LEN + 1];
    const int result = measure(r, &opts, &got, &err);
    close_all(r);
    if (result < 0) {
        (void)printf("no %s\n", err.msg);
        return;
    }
    cmc_hex(got.digest, CMC_SHA256_LEN, hex);
    (void)printf("ok %s %zu\n", hex, listing.len);
    if (listing.len)
        (void)fwrite(listing.data, 1, listing.len, stdout);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        struct request r = {.count = 0};
        line[len - 1] = '\0';
        char *rest = line;
        while (r.count < FIELDS_MAX && rest)
            r.fields[r.count++] = strsep(&rest, "\t");
        answer(&r);
        if (fflush(stdout) != 0)
            return 1;
    }
    free(line);
    return 0;
}
