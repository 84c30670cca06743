/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image.h -- the root file system of an image from its layers, and its digests: what a host
 * measures after containerd has unpacked it (docs/formats/image-references.md). Nothing is unpacked
 * here. */
#ifndef MEASURE_IMAGE_H
#define MEASURE_IMAGE_H
#include "measure/rootfs.h"
#include "measure/untar.h"

enum { MEASURE_IMAGE_FILE_MAX = 1 << 20 }; /* of measure_image_read() */

struct measure_image;
/* opts: borrowed; file_max and progress count, the rest is not looked at.
 * Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_image_new(const struct measure_rootfs_opts *opts,
                                     struct measure_image **out, struct cmc_err *err);
void measure_image_free(struct measure_image *m);
static inline void measure_image_freep(struct measure_image **m)
{
    measure_image_free(*m);
}

/* The next layer, the lowest first: a tar archive up to its end. Errors name the member:
 * -CMC_E_VERIFY (containerd does not unpack this), -CMC_E_FORMAT (no archive), -CMC_E_LIMIT, what
 * the source returns; the image is of no use then. */
CMC_MUST_CHECK int measure_image_add(struct measure_image *m, const struct measure_source *tar,
                                     struct cmc_err *err);
/* Once, after the last layer: what a container sees. Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_image_merge(struct measure_image *m, struct cmc_err *err);

/* Contents are not kept: ask for some (the file that path leads to, if it is one) or for all, then
 * give the layers that measure_image_wants() once more; spool is a file to which what was asked for
 * is appended. */
CMC_MUST_CHECK int measure_image_want(struct measure_image *m, const char *path,
                                      struct cmc_err *err);
void measure_image_want_all(struct measure_image *m);
bool measure_image_wants(const struct measure_image *m, size_t layer);
CMC_MUST_CHECK int measure_image_collect(struct measure_image *m, size_t layer,
                                         const struct measure_source *tar, int spool,
                                         struct cmc_err *err);

/* Appends the content of the file that path leads to. Returns 1; 0 when nothing is there; or
 * -CMC_E_VERIFY (no file, a way that leads nowhere), -CMC_E_LIMIT (above MEASURE_IMAGE_FILE_MAX),
 * -CMC_E_SYS. Wanted and collected before. */
CMC_MUST_CHECK int measure_image_read(const struct measure_image *m, const char *path, int spool,
                                      struct cmc_buf *out, struct cmc_err *err);

/* Once, last: the digest of profile cmc, for which all was collected (cmc true), or exact.
 * listing: may be NULL. Errors: -CMC_E_LIMIT, -CMC_E_SYS (spool). */
CMC_MUST_CHECK int measure_image_digest(struct measure_image *m, bool cmc, int spool,
                                        struct cmc_buf *listing, struct measure_rootfs *out,
                                        struct cmc_err *err);
#endif
