/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle_inputs.c -- opens what the options name, on behalf of whoever calls. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "tools/cmc_measure_key.h"
#include "tools/cmc_measure_rootfs.h"
#include "tools/measure_bundle.h"

enum { UMOCI_MAX = 1 << 20 };

/* A regular file; O_NONBLOCK: a fifo in its place must not hang us. */
static int open_file(int dirfd, const char *path, int flags, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", path);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: not a regular file", path);
    return cmc_take_fd(&fd);
}

static int read_config(const char *path, struct measure_bundle_inputs *in, struct cmc_err *err)
{
    cmc_autofd int fd = open_file(AT_FDCWD, path, 0, err);
    if (fd < 0 || cmc_buf_read(&in->json, fd, path, err) < 0)
        return -(int)err->code;
    return cmc_measure_spec_parse(in->json.len ? (const char *)in->json.data : "", in->json.len,
                                  &in->spec, err);
}

/* What a host would open for root.path, seen from the directory of config.json. */
static int open_root_path(const char *config, const char *root_path, struct cmc_err *err)
{
    const struct cmc_measure_mounts none = {.kind = CMC_MEASURE_ROOT_PATH};
    const char *slash = strrchr(config, '/');
    cmc_autobuf struct cmc_buf dir = cmc_buf_of(PATH_MAX + 2);
    if (slash)
        cmc_put(&dir, config, (size_t)(slash - config) + 1);
    cmc_put(&dir, ".", sizeof("."));
    if (cmc_buf_check(&dir, "path", err) < 0)
        return -(int)err->code;
    cmc_autofd int bundle = open((const char *)dir.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (bundle < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", (const char *)dir.data);
    struct cmc_measure_rootfs opened;
    if (cmc_measure_rootfs_open(&none, bundle, root_path, false, &opened, err) < 0)
        return cmc_wrap(err, "root.path of %.200s", config);
    return opened.root;
}

static int open_root(const char *path, struct cmc_err *err)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "open %.300s", path) : fd;
}

/* umoci writes down, beside the root file system, how it unpacked it. */
static int ask_umoci(int root, bool *rootless, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(UMOCI_MAX);
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *top;
    cmc_autofd int fd = open_file(root, "../umoci.json", O_NOFOLLOW, err);
    if (fd < 0 && err->sys_errno == ENOENT) {
        *err = (struct cmc_err){0};
        return 0;
    }
    if (fd < 0 || cmc_buf_read(&text, fd, "umoci.json", err) < 0 ||
        cmc_json_parse(text.len ? (const char *)text.data : "", text.len, &doc, &top, err) < 0)
        return cmc_wrap(err, "umoci.json beside the root file system");
    const struct cmc_json *said = cmc_json_member(cmc_json_member(top, "map_options"), "rootless");
    *rootless = said && said->type == CMC_JSON_TRUE;
    return 0;
}

static int load_key(const char *path, struct measure_bundle_inputs *in, struct cmc_err *err)
{
    cmc_autofd int fd = open_file(AT_FDCWD, path, 0, err);
    if (fd < 0 || cmc_measure_key_read(fd, path, in->key, err) < 0)
        return cmc_wrap(err, "redaction key");
    in->has_key = true;
    return 0;
}

static int open_bundle(const struct measure_bundle_options *o, struct measure_bundle_inputs *out,
                       struct cmc_err *err)
{
    char config[PATH_MAX];
    const int n = o->config ? snprintf(config, sizeof(config), "%s", o->config)
                            : snprintf(config, sizeof(config), "%s/config.json", o->bundle);
    if ((size_t)n >= sizeof(config))
        return cmc_fail(err, CMC_E_LIMIT, "a path of %d bytes, at most %zu", n, sizeof(config) - 1);
    if (read_config(config, out, err) < 0)
        return -(int)err->code;
    out->root =
        o->rootfs ? open_root(o->rootfs, err) : open_root_path(config, out->spec.root_path, err);
    if (out->root < 0 || (!o->rootless && ask_umoci(out->root, &out->rootless, err) < 0))
        return -(int)err->code;
    return 0;
}

static int read_image(const struct measure_bundle_options *o,
                      int (*progress)(void *ctx, uint64_t entries, uint64_t bytes), void *ctx,
                      struct measure_bundle_inputs *out, struct cmc_err *err)
{
    if (measure_bundle_image_read(o, progress, ctx, &out->image, err) < 0 ||
        measure_bundle_image_config(o, out->image, &out->json, err) < 0)
        return cmc_wrap(err, "image");
    return cmc_measure_spec_parse((const char *)out->json.data, out->json.len, &out->spec, err);
}

int measure_bundle_inputs(const struct measure_bundle_options *o,
                          int (*progress)(void *ctx, uint64_t entries, uint64_t bytes), void *ctx,
                          struct measure_bundle_inputs *out, struct cmc_err *err)
{
    *out = (struct measure_bundle_inputs){
        .json = cmc_buf_of(CMC_JSON_BYTES_MAX), .root = -1, .rootless = o->rootless};
    if (o->redaction_key && load_key(o->redaction_key, out, err) < 0)
        return -(int)err->code;
    return o->image ? read_image(o, progress, ctx, out, err) : open_bundle(o, out, err);
}

void measure_bundle_inputs_done(struct measure_bundle_inputs *in)
{
    cmc_buf_done(&in->json);
    cmc_measure_spec_done(&in->spec);
    cmc_closep(&in->root);
    measure_bundle_image_free(in->image);
    explicit_bzero(in->key, sizeof(in->key));
}
