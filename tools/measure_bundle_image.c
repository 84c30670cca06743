/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle_image.c -- an image instead of a bundle: its layers make the tree, a
 * client's ways make the configuration. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "measure/image.h"
#include "tools/measure_bundle.h"
#include "tools/oci_store.h"

enum { NESTED_MAX = 4 };

struct measure_bundle_image {
    struct oci_store *store;
    struct measure_oci_manifest manifest;
    struct measure_oci_config config;
    struct measure_rootfs_opts opts;
    struct measure_image *tree;
    int spool; /* contents that are needed once more */
};

void measure_bundle_image_free(struct measure_bundle_image *i)
{
    if (!i)
        return;
    oci_store_close(i->store);
    measure_oci_config_done(&i->config);
    measure_image_free(i->tree);
    cmc_closep(&i->spool);
    free(i);
}

/* LAYOUT:TAG is cut at the last colon behind the last slash, unless all of it is there. */
static int open_store(const char *image, struct oci_store **out, const char **tag,
                      struct cmc_err *err)
{
    struct stat st;
    const char *slash = strrchr(image, '/'), *colon = strrchr(slash ? slash : image, ':');
    if (!colon || stat(image, &st) == 0) {
        *tag = NULL;
        return oci_store_open(image, out, err);
    }
    if (!colon[1])
        return cmc_fail(err, CMC_E_USAGE, "--image %.200s: no tag behind the colon", image);
    char *path = strndup(image, (size_t)(colon - image));
    if (!path)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    *tag = colon + 1;
    const int r = oci_store_open(path, out, err);
    free(path);
    return r;
}

/* From the index, through inner ones, to the manifest. */
static int find_manifest(struct measure_bundle_image *i, struct measure_oci_choice *choice,
                         struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(MEASURE_OCI_JSON_MAX);
    struct measure_oci_descriptor d = {.kind = MEASURE_OCI_INDEX};
    int r = oci_store_index(i->store, &json, err);
    for (int depth = 0; r == 0 && depth < NESTED_MAX; depth++) {
        const char *text = json.len ? (const char *)json.data : "";
        if (d.kind == MEASURE_OCI_MANIFEST)
            return measure_oci_manifest(text, json.len, &i->manifest, err) < 0
                       ? cmc_wrap(err, "manifest %s", d.hex)
                       : 0;
        if (measure_oci_choose(text, json.len, choice, &d, err) < 0)
            return depth ? cmc_wrap(err, "index %s", d.hex) : cmc_wrap(err, "index.json");
        choice->nested = true;
        json.len = 0;
        r = oci_store_json(i->store, &d, &json, err);
    }
    return r < 0 ? r
                 : cmc_fail(err, CMC_E_LIMIT, "more than %d indexes in one another", NESTED_MAX);
}

static int read_config(struct measure_bundle_image *i, const struct measure_bundle_options *o,
                       struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(MEASURE_OCI_JSON_MAX);
    if (oci_store_json(i->store, &i->manifest.config, &json, err) < 0)
        return -(int)err->code;
    if (measure_oci_config(json.len ? (const char *)json.data : "", json.len, &i->config, err) < 0)
        return cmc_wrap(err, "configuration %s", i->manifest.config.hex);
    if (i->config.layers != i->manifest.layers)
        return cmc_fail(err, CMC_E_VERIFY, "%zu layers, and %zu in rootfs.diff_ids",
                        i->manifest.layers, i->config.layers);
    if ((i->config.os && strcmp(i->config.os, o->os) != 0) ||
        (i->config.arch && strcmp(i->config.arch, o->arch) != 0))
        return cmc_fail(err, CMC_E_USAGE, "the image is for %.20s/%.20s; name that with --platform",
                        i->config.os ? i->config.os : "?", i->config.arch ? i->config.arch : "?");
    return 0;
}

/* Reads layer k: into the tree or, again, its wanted contents into the spool. */
static int read_layer(struct measure_bundle_image *i, size_t k, bool again, struct cmc_err *err)
{
    CMC_CLEANUP(oci_layer_closep) struct oci_layer *layer = NULL;
    if (oci_layer_open(i->store, &i->manifest.layer[k], &layer, err) < 0)
        return -(int)err->code;
    const struct measure_source source = oci_layer_source(layer);
    const int r = again ? measure_image_collect(i->tree, k, &source, i->spool, err)
                        : measure_image_add(i->tree, &source, err);
    return r < 0 ? r : oci_layer_finish(layer, i->config.diff_id[k], err);
}

static int read_layers(struct measure_bundle_image *i, bool again, struct cmc_err *err)
{
    for (size_t k = 0; k < i->manifest.layers; k++)
        if ((!again || measure_image_wants(i->tree, k)) && read_layer(i, k, again, err) < 0)
            return cmc_wrap(err, "layer %zu", k + 1);
    return 0;
}

/* A nameless file: in memory for a few small ones, on disk for all of an image. */
static int open_spool(bool all, struct cmc_err *err)
{
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/var/tmp";
    const int fd = all ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                       : memfd_create("measure-bundle", MFD_CLOEXEC);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "make a temporary file in %.200s", dir) : fd;
}

static int read_all(struct measure_bundle_image *i, const struct measure_bundle_options *o,
                    bool all, struct cmc_err *err)
{
    struct measure_oci_choice choice = {.os = o->os, .arch = o->arch, .variant = o->variant};
    if (open_store(o->image, &i->store, &choice.tag, err) < 0 ||
        find_manifest(i, &choice, err) < 0 || read_config(i, o, err) < 0 ||
        measure_image_new(&i->opts, &i->tree, err) < 0 || read_layers(i, false, err) < 0 ||
        measure_image_merge(i->tree, err) < 0 ||
        measure_image_want(i->tree, "/etc/passwd", err) < 0 ||
        measure_image_want(i->tree, "/etc/group", err) < 0)
        return -(int)err->code;
    if (all)
        measure_image_want_all(i->tree);
    return read_layers(i, true, err);
}

int measure_bundle_image_read(const struct measure_bundle_options *o,
                              int (*progress)(void *ctx, uint64_t entries, uint64_t bytes),
                              void *ctx, struct measure_bundle_image **out, struct cmc_err *err)
{
    const bool all = o->profile == MEASURE_PROFILE_CMC;
    cmc_autofd int spool = open_spool(all, err);
    if (spool < 0)
        return -(int)err->code;
    struct measure_bundle_image *i = calloc(1, sizeof(*i));
    if (!i)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    i->opts =
        (struct measure_rootfs_opts){.file_max = o->file_max, .progress = progress, .ctx = ctx};
    i->spool = cmc_take_fd(&spool);
    if (read_all(i, o, all, err) < 0) {
        measure_bundle_image_free(i);
        return -(int)err->code;
    }
    *out = i;
    return 0;
}

static int read_file(const struct measure_bundle_image *i, const char *path, struct cmc_buf *buf,
                     struct measure_bytes *out, struct cmc_err *err)
{
    const int r = measure_image_read(i->tree, path, i->spool, buf, err);
    if (r > 0) {
        cmc_put_u8(buf, '\n'); /* so that there is something, and lines end */
        *out = (struct measure_bytes){buf->data, buf->len};
    }
    return r < 0 ? r : cmc_buf_check(buf, path, err);
}

int measure_bundle_image_config(const struct measure_bundle_options *o,
                                struct measure_bundle_image *i, struct cmc_buf *out,
                                struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf passwd = cmc_buf_of(MEASURE_IMAGE_FILE_MAX + 1);
    cmc_autobuf struct cmc_buf group = cmc_buf_of(MEASURE_IMAGE_FILE_MAX + 1);
    struct measure_client_image image = {.config = &i->config};
    const bool cri = strcmp(o->as, "cri-1.6") == 0;
    if (read_file(i, "/etc/passwd", &passwd, &image.passwd, err) < 0 ||
        read_file(i, "/etc/group", &group, &image.group, err) < 0)
        return -(int)err->code;
    return (cri ? measure_client_cri : measure_client_ctr)(&o->client, &image, out, err);
}

int measure_bundle_image_rootfs(const struct measure_bundle_options *o,
                                struct measure_bundle_image *i, struct cmc_buf *listing,
                                struct measure_rootfs *out, struct cmc_err *err)
{
    return measure_image_digest(i->tree, o->profile == MEASURE_PROFILE_CMC, i->spool, listing, out,
                                err);
}
