/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_cache.c -- a small table, read strictly: what is odd is hashed again. */
#include "tools/cmc_measure_cache.h"

#include <string.h>

static const char magic[16] = "cmc-programs-1\n";

static bool same(const struct cmc_measure_file *a, const struct cmc_measure_file *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

const uint8_t *cmc_measure_cache_find(const struct cmc_measure_cache *c,
                                      const struct cmc_measure_file *file)
{
    for (size_t i = 0; i < c->count; i++)
        if (same(&c->entry[i].file, file))
            return c->entry[i].sha256;
    return NULL;
}

void cmc_measure_cache_add(struct cmc_measure_cache *c, const struct cmc_measure_file *file,
                           const uint8_t sha256[static CMC_SHA256_LEN])
{
    if (c->count < CMC_MEASURE_CACHE_MAX)
        c->count++;
    memmove(&c->entry[1], &c->entry[0], (c->count - 1) * sizeof(c->entry[0]));
    c->entry[0].file = *file;
    memcpy(c->entry[0].sha256, sha256, CMC_SHA256_LEN);
}

static struct cmc_measure_cached read_entry(struct cmc_reader *r)
{
    struct cmc_measure_cached e = {.file = {.device = cmc_read_be64(r)}};
    e.file.inode = cmc_read_be64(r);
    e.file.size = cmc_read_be64(r);
    e.file.mtime_ns = (int64_t)cmc_read_be64(r);
    e.file.ctime_ns = (int64_t)cmc_read_be64(r);
    const uint8_t *sha256 = cmc_read_bytes(r, CMC_SHA256_LEN);
    if (sha256)
        memcpy(e.sha256, sha256, CMC_SHA256_LEN);
    return e;
}

int cmc_measure_cache_parse(const void *data, size_t len, struct cmc_measure_cache *out,
                            struct cmc_err *err)
{
    struct cmc_measure_cache c = {.count = 0};
    struct cmc_reader r = cmc_reader_of(data, len);
    const uint8_t *head = cmc_read_bytes(&r, sizeof(magic));
    if (!head || memcmp(head, magic, sizeof(magic)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "programs: not of this version");
    while (r.left > 0 && !r.bad && c.count < CMC_MEASURE_CACHE_MAX) {
        const struct cmc_measure_cached e = read_entry(&r);
        if (cmc_measure_cache_find(&c, &e.file))
            return cmc_fail(err, CMC_E_FORMAT, "programs: a file twice");
        c.entry[c.count++] = e;
    }
    if (r.left > 0 || r.bad)
        return cmc_fail(err, CMC_E_FORMAT, "programs: cut short, or more than %d files",
                        CMC_MEASURE_CACHE_MAX);
    *out = c;
    return 0;
}

void cmc_measure_cache_put(const struct cmc_measure_cache *c, struct cmc_buf *out)
{
    cmc_put(out, magic, sizeof(magic));
    for (size_t i = 0; i < c->count; i++) {
        const struct cmc_measure_file *f = &c->entry[i].file;
        cmc_put_be64(out, f->device);
        cmc_put_be64(out, f->inode);
        cmc_put_be64(out, f->size);
        cmc_put_be64(out, (uint64_t)f->mtime_ns);
        cmc_put_be64(out, (uint64_t)f->ctime_ns);
        cmc_put(out, c->entry[i].sha256, CMC_SHA256_LEN);
    }
}
