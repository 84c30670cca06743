/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_layer.c -- a layer's blob as it unpacks, both sides hashed on the way. */
#include <string.h>

#include "tools/oci_store_parts.h"
#include "tools/oci_unpack.h"

enum { BLOCK = 64 << 10 };

struct oci_layer {
    const struct measure_oci_descriptor *d; /* borrowed */
    struct oci_file file;
    struct oci_unpack *unpack;
    uint64_t unpacked; /* bytes */
    struct cmc_sha256_ctx blob, tar;
    uint8_t buf[BLOCK];
};

static int read_blob(void *ctx, const uint8_t **packed, size_t *len, struct cmc_err *err)
{
    struct oci_layer *l = ctx;
    if (oci_file_read(&l->file, l->buf, sizeof(l->buf), len, err) < 0)
        return -(int)err->code;
    if (*len)
        cmc_sha256_add(&l->blob, l->buf, *len);
    *packed = l->buf;
    return 0;
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
    if (oci_unpack_new(read_blob, l, &l->unpack, err) < 0)
        return cmc_wrap(err, "%s", name);
    *out = CMC_TAKE_PTR(l);
    return 0;
}

static int read_tar(void *from, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    struct oci_layer *l = from;
    if (oci_unpack_read(l->unpack, to, want, got, err) < 0)
        return -(int)err->code;
    if (*got)
        cmc_sha256_add(&l->tar, to, *got);
    l->unpacked += *got;
    if (l->unpacked > OCI_STORE_LAYER_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a layer of more than %llu bytes",
                        (unsigned long long)OCI_STORE_LAYER_MAX);
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
    size_t got = 1;
    while (got > 0)
        if (read_tar(l, scrap, sizeof(scrap), &got, err) < 0)
            return -(int)err->code;
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
    oci_unpack_free(l->unpack);
    oci_file_close(&l->file);
    free(l);
}
