/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_digest.c -- both forms' digests of the tree that a container sees. */
#include <string.h>

#include "base/hex.h"
#include "measure/image_parts.h"
#include "measure/rootfs_tar.h"

struct archive {
    struct measure_image *m;
    int spool;
    struct cmc_sha256_ctx hash;
    struct cmc_buf headers, name, first;
};

/* A path without its leading slash. */
static struct measure_bytes path_of(const struct measure_nodes *n, uint32_t i, struct cmc_buf *path)
{
    path->len = 0;
    measure_nodes_path(n, i, path);
    if (n->v[i].type == 'd')
        cmc_put_u8(path, '/');
    return path->len ? (struct measure_bytes){path->data + 1, path->len - 1}
                     : (struct measure_bytes){NULL, 0};
}

/* The value of security.capability, or nothing. */
static struct measure_bytes capability_of(const struct measure_nodes *n,
                                          const struct measure_node *e)
{
    static const char name[] = "security.capability";
    struct cmc_reader r = cmc_reader_of(n->text.data + e->xattrs, n->text.len - e->xattrs);
    if (!e->xattrs)
        return (struct measure_bytes){NULL, 0};
    (void)cmc_read_be32(&r);
    for (uint32_t count = cmc_read_be32(&r); count > 0 && !r.bad; count--) {
        const size_t name_len = cmc_read_be16(&r);
        const uint8_t *key = cmc_read_bytes(&r, name_len);
        const size_t len = cmc_read_be32(&r);
        const uint8_t *value = cmc_read_bytes(&r, len);
        if (key && name_len == sizeof(name) - 1 && memcmp(key, name, name_len) == 0)
            return (struct measure_bytes){value, len};
    }
    return (struct measure_bytes){NULL, 0};
}

static int add_header(struct archive *a, uint32_t i, struct measure_tar_entry *t,
                      struct cmc_err *err)
{
    const struct measure_nodes *n = &a->m->nodes;
    const struct measure_node *e = &n->v[i];
    static const char types[] = "f0l2c3b4d5p6";
    t->name = path_of(n, i, &a->name);
    t->type = strchr(types, e->type)[1];
    t->mode = e->mode;
    t->uid = e->uid;
    t->gid = e->gid;
    t->capability = capability_of(n, e);
    if (e->group && n->groups[e->group] != i) {
        t->type = '1';
        t->link = path_of(n, n->groups[e->group], &a->first);
    } else if (e->type == 'l') {
        t->link = (struct measure_bytes){n->text.data + e->u.target.at, e->u.target.len};
    }
    if (e->type == 'c' || e->type == 'b') {
        t->major = e->u.rdev.major;
        t->minor = e->u.rdev.minor;
    }
    t->size = t->type == '0' ? e->u.size : 0;
    a->headers.len = 0;
    if (cmc_buf_check(&a->name, "a path", err) < 0 || cmc_buf_check(&a->first, "a path", err) < 0 ||
        measure_tar_header(t, &a->headers, err) < 0)
        return -(int)err->code;
    cmc_sha256_add(&a->hash, a->headers.data, a->headers.len);
    return 0;
}

static int add_content(struct archive *a, uint32_t i, struct cmc_err *err)
{
    static const uint8_t zeros[MEASURE_TAR_BLOCK];
    struct measure_image *m = a->m;
    const struct measure_image_inode *inode = &m->tree.inodes[m->nodes.v[i].ino];
    for (uint64_t done = 0; done < inode->u.size;) {
        const uint64_t left = inode->u.size - done;
        const ssize_t n = pread(a->spool, m->buf, left < sizeof(m->buf) ? left : sizeof(m->buf),
                                (off_t)(inode->spool - 1 + done));
        if (n <= 0)
            return cmc_fail(err, CMC_E_SYS, "read the temporary file");
        cmc_sha256_add(&a->hash, m->buf, (size_t)n);
        done += (uint64_t)n;
    }
    const size_t padding = measure_tar_padding(inode->u.size);
    if (padding)
        cmc_sha256_add(&a->hash, zeros, padding);
    return 0;
}

static int add_entries(struct archive *a, struct cmc_err *err)
{
    const struct measure_nodes *n = &a->m->nodes;
    for (uint32_t i = measure_nodes_next(n, 0); i; i = measure_nodes_next(n, i)) {
        struct measure_tar_entry t = {.type = 0};
        if (add_header(a, i, &t, err) < 0 || (t.type == '0' && add_content(a, i, err) < 0)) {
            cmc_autobuf struct cmc_buf shown = cmc_buf_of(2048);
            cmc_put_safe(&shown, a->name.data, a->name.len, 200);
            return cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data);
        }
    }
    return 0;
}

static int digest_cmc(struct measure_image *m, int spool, uint8_t out[static CMC_SHA256_LEN],
                      struct cmc_err *err)
{
    static const uint8_t end[MEASURE_TAR_END];
    struct archive a = {.m = m,
                        .spool = spool,
                        .headers = cmc_buf_of(MEASURE_TAR_HEADERS_MAX),
                        .name = cmc_buf_of(MEASURE_TREE_TEXT_MAX),
                        .first = cmc_buf_of(MEASURE_TREE_TEXT_MAX)};
    cmc_sha256_init(&a.hash);
    const int r = add_entries(&a, err);
    cmc_buf_done(&a.headers);
    cmc_buf_done(&a.name);
    cmc_buf_done(&a.first);
    if (r < 0)
        return r;
    cmc_sha256_add(&a.hash, end, sizeof(end));
    cmc_sha256_end(&a.hash, out);
    return 0;
}

static struct measure_rootfs counts_of(const struct measure_nodes *n)
{
    struct measure_rootfs out = {.entries = n->count - 1};
    for (size_t i = 1; i < n->count; i++)
        if (n->v[i].type == 'f') {
            out.files++;
            out.bytes += n->v[i].u.size;
        }
    return out;
}

int measure_image_digest(struct measure_image *m, bool cmc, int spool, struct cmc_buf *listing,
                         struct measure_rootfs *out, struct cmc_err *err)
{
    struct measure_rootfs got = counts_of(&m->nodes);
    if (listing && measure_nodes_list(&m->nodes, listing, err) < 0)
        return -(int)err->code;
    const int r = cmc ? digest_cmc(m, spool, got.digest, err)
                      : measure_nodes_digest(&m->nodes, 0, got.digest, err);
    if (r < 0)
        return r;
    *out = got;
    return 0;
}
