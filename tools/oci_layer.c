/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_layer.c -- a layer's blob as it unpacks, both sides hashed on the way. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "tools/oci_store_parts.h"

enum { BLOCK = 64 << 10 };

struct oci_layer {
    const struct measure_oci_descriptor *d; /* borrowed */
    struct oci_file file;
    struct archive *unpacker;
    bool ended;
    uint64_t packed, unpacked; /* bytes */
    struct cmc_sha256_ctx blob, tar;
    struct cmc_err err; /* of reading the blob */
    uint8_t buf[BLOCK];
};

static la_ssize_t read_blob(struct archive *a, void *ctx, const void **out)
{
    struct oci_layer *l = ctx;
    size_t got;
    if (oci_file_read(&l->file, l->buf, sizeof(l->buf), &got, &l->err) < 0) {
        archive_set_error(a, l->err.sys_errno, "%s", l->err.msg);
        return ARCHIVE_FATAL;
    }
    if (got)
        cmc_sha256_add(&l->blob, l->buf, got);
    l->packed += got;
    *out = l->buf;
    return (la_ssize_t)got;
}

static int fail(struct oci_layer *l, struct cmc_err *err)
{
    const char *why = archive_error_string(l->unpacker);
    return cmc_fail(err, CMC_E_FORMAT, "unpack: %.100s", why ? why : "no reason given");
}

/* The formats that containerd unpacks, by code in the library: it would start programs otherwise.
 */
static int set_up(struct oci_layer *l, struct cmc_err *err)
{
    struct archive_entry *entry;
    l->unpacker = archive_read_new();
    if (!l->unpacker)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to unpack a layer");
    if (archive_read_support_filter_gzip(l->unpacker) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(l->unpacker) != ARCHIVE_OK)
        return cmc_fail(err, CMC_E_USAGE, "this libarchive has no gzip or no zstd");
    (void)archive_read_support_format_raw(l->unpacker);
    (void)archive_read_support_format_empty(l->unpacker);
    if (archive_read_open(l->unpacker, l, NULL, read_blob, NULL) != ARCHIVE_OK)
        return fail(l, err);
    const int r = archive_read_next_header(l->unpacker, &entry);
    if (r == ARCHIVE_EOF)
        l->ended = true;
    return r == ARCHIVE_OK || r == ARCHIVE_EOF ? 0 : fail(l, err);
}

int oci_layer_open(const struct oci_store *s, const struct measure_oci_descriptor *d,
                   struct oci_layer **out, struct cmc_err *err)
{
    char name[OCI_BLOB_NAME];
    CMC_CLEANUP(oci_layer_closep) struct oci_layer *l = calloc(1, sizeof(*l));
    if (!l)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to unpack a layer");
    l->d = d;
    l->file.fd = -1;
    cmc_sha256_init(&l->blob);
    cmc_sha256_init(&l->tar);
    oci_blob_name(d, name);
    if (oci_store_file(s, name, &l->file, err) < 0)
        return -(int)err->code;
    if (l->file.left != d->size)
        return cmc_fail(err, CMC_E_VERIFY, "%s has %llu bytes, not %llu as the manifest says", name,
                        (unsigned long long)l->file.left, (unsigned long long)d->size);
    if (set_up(l, err) < 0)
        return cmc_wrap(err, "%s", name);
    *out = CMC_TAKE_PTR(l);
    return 0;
}

static int read_tar(void *from, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    struct oci_layer *l = from;
    size_t have = 0;
    while (have < want && !l->ended) {
        const la_ssize_t n = archive_read_data(l->unpacker, (uint8_t *)to + have, want - have);
        if (n < 0)
            return fail(l, err);
        l->ended = n == 0;
        have += (size_t)n;
    }
    if (have)
        cmc_sha256_add(&l->tar, to, have);
    l->unpacked += have;
    if (l->unpacked > OCI_STORE_LAYER_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a layer of more than %llu bytes",
                        (unsigned long long)OCI_STORE_LAYER_MAX);
    *got = have;
    return 0;
}

struct measure_source oci_layer_source(struct oci_layer *l)
{
    return (struct measure_source){.from = l, .read = read_tar};
}

int oci_layer_finish(struct oci_layer *l, const uint8_t diff_id[static CMC_SHA256_LEN],
                     struct cmc_err *err)
{
    uint8_t scrap[8192], blob[CMC_SHA256_LEN], tar[CMC_SHA256_LEN];
    const void *rest;
    size_t got = 1;
    while (got > 0)
        if (read_tar(l, scrap, sizeof(scrap), &got, err) < 0)
            return -(int)err->code;
    la_ssize_t more;
    do { /* what the unpacker left unread */
        more = read_blob(l->unpacker, l, &rest);
    } while (more > 0);
    if (more < 0) {
        *err = l->err;
        return -(int)err->code;
    }
    cmc_sha256_end(&l->blob, blob);
    cmc_sha256_end(&l->tar, tar);
    if (memcmp(blob, l->d->digest, sizeof(blob)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "blob %s holds something else than its name says",
                        l->d->hex);
    if (memcmp(tar, diff_id, sizeof(tar)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "blob %s does not unpack to what rootfs.diff_ids says",
                        l->d->hex);
    return 0;
}

void oci_layer_close(struct oci_layer *l)
{
    if (!l)
        return;
    if (l->unpacker)
        (void)archive_read_free(l->unpacker);
    oci_file_close(&l->file);
    free(l);
}
