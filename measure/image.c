/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image.c -- an image's life: files that are looked for in it, contents that are collected.
 */
#include "measure/image.h"

#include <string.h>

#include "measure/image_parts.h"

int measure_image_new(const struct measure_rootfs_opts *opts, struct measure_image **out,
                      struct cmc_err *err)
{
    struct measure_image *m = calloc(1, sizeof(*m));
    if (!m)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to measure an image");
    m->opts = *opts;
    m->meter.opts = &m->opts;
    measure_fsverity_init(&m->verity);
    measure_image_tree_init(&m->tree);
    if (measure_nodes_init(&m->nodes, err) < 0) {
        measure_image_free(m);
        return -(int)err->code;
    }
    *out = m;
    return 0;
}

void measure_image_free(struct measure_image *m)
{
    if (!m)
        return;
    measure_image_tree_done(&m->tree);
    measure_nodes_done(&m->nodes);
    free(m);
}

/* What a container sees, for measure_image_resolve(); a node's id is its place and 1. */
static bool look(const void *tree, uint32_t dir, struct measure_bytes name,
                 struct measure_image_seen *out)
{
    const struct measure_nodes *n = tree;
    const struct measure_node *d = &n->v[dir - 1];
    uint32_t low = d->u.in.first, high = low + d->u.in.count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        const char *there = (const char *)n->text.data + n->v[mid].name;
        int order = strncmp(there, (const char *)name.p, name.len);
        order = order ? order : there[name.len] != 0;
        if (order == 0) {
            const struct measure_node *e = &n->v[mid];
            *out = (struct measure_image_seen){.id = mid + 1, .type = e->type};
            if (e->type == 'l')
                out->target =
                    (struct measure_bytes){n->text.data + e->u.target.at, e->u.target.len};
            return true;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

/* The inode that path leads to, or 0. */
static int find(const struct measure_image *m, const char *path, uint32_t *inode,
                struct cmc_err *err)
{
    const struct measure_image_view view = {.tree = &m->nodes, .root = 1, .look = look};
    const struct measure_bytes from = {(const uint8_t *)path, strlen(path)};
    cmc_autobuf struct cmc_buf real = cmc_buf_of(MEASURE_IMAGE_PATH_MAX + 1);
    uint32_t node = 0;
    char type = 0;
    if (measure_image_resolve(&view, from, &real, &node, &type, err) < 0)
        return cmc_wrap(err, "%s of the image", path);
    *inode = node ? (uint32_t)m->nodes.v[node - 1].ino : 0;
    return 0;
}

int measure_image_want(struct measure_image *m, const char *path, struct cmc_err *err)
{
    uint32_t inode = 0;
    if (find(m, path, &inode, err) < 0)
        return -(int)err->code;
    if (inode && m->tree.inodes[inode].type == 'f')
        m->tree.inodes[inode].wanted = true;
    return 0;
}

void measure_image_want_all(struct measure_image *m)
{
    for (size_t i = 1; i < m->nodes.count; i++)
        if (m->nodes.v[i].type == 'f')
            m->tree.inodes[m->nodes.v[i].ino].wanted = true;
}

bool measure_image_wants(const struct measure_image *m, size_t layer)
{
    for (size_t i = 1; i <= m->tree.inode_count; i++)
        if (m->tree.inodes[i].wanted && m->tree.inodes[i].layer == layer)
            return true;
    return false;
}

static int append(int spool, const uint8_t *data, size_t len, struct cmc_err *err)
{
    while (len > 0) {
        const ssize_t n = write(spool, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "write to the temporary file");
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The member's content goes to the spool. */
static int spool_one(struct measure_image *m, struct measure_untar *tar, uint32_t inode, int spool,
                     struct cmc_err *err)
{
    const off_t at = lseek(spool, 0, SEEK_END);
    size_t got;
    if (at < 0)
        return cmc_fail(err, CMC_E_SYS, "the temporary file");
    do {
        if (measure_untar_read(tar, m->buf, sizeof(m->buf), &got, err) < 0 ||
            append(spool, m->buf, got, err) < 0 || measure_meter_read(&m->meter, got, err) < 0)
            return -(int)err->code;
    } while (got > 0);
    m->tree.inodes[inode].spool = (uint64_t)at + 1;
    return 0;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct measure_image_inode *const *x = a, *const *y = b;
    return ((*x)->ordinal > (*y)->ordinal) - ((*x)->ordinal < (*y)->ordinal);
}

/* The wanted inodes of a layer in the order of its members; *count of them. Free with free(). */
static const struct measure_image_inode **wanted_of(const struct measure_image *m, size_t layer,
                                                    size_t *count)
{
    const struct measure_image_inode *v = m->tree.inodes;
    size_t n = 0;
    for (size_t i = 1; i <= m->tree.inode_count; i++)
        n += v[i].wanted && v[i].layer == layer;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers it is */
    const struct measure_image_inode **list = calloc(n + 1, sizeof(*list));
    *count = 0;
    for (size_t i = 1; list && i <= m->tree.inode_count; i++)
        if (v[i].wanted && v[i].layer == layer)
            list[(*count)++] = &v[i];
    if (list)
        qsort(list, n, sizeof(void *), by_ordinal);
    return list;
}

int measure_image_collect(struct measure_image *m, size_t layer, const struct measure_source *tar,
                          int spool, struct cmc_err *err)
{
    CMC_CLEANUP(measure_untar_done) struct measure_untar reader;
    struct measure_untar_member e;
    size_t count, at = 0;
    int r;
    measure_untar_init(&reader, tar);
    cmc_autofree const struct measure_image_inode **list = wanted_of(m, layer, &count);
    if (!list)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (uint32_t ordinal = 0; (r = measure_untar_next(&reader, &e, err)) > 0; ordinal++) {
        if (at == count || list[at]->ordinal != ordinal)
            continue;
        if (e.type != '0' || e.size != list[at]->u.size)
            return cmc_fail(err, CMC_E_VERIFY, "layer %zu changed while it was read", layer + 1);
        if (spool_one(m, &reader, (uint32_t)(list[at++] - m->tree.inodes), spool, err) < 0)
            return -(int)err->code;
    }
    if (r == 0 && at < count)
        return cmc_fail(err, CMC_E_VERIFY, "layer %zu changed while it was read", layer + 1);
    return r;
}

int measure_image_read(const struct measure_image *m, const char *path, int spool,
                       struct cmc_buf *out, struct cmc_err *err)
{
    uint32_t inode = 0;
    if (find(m, path, &inode, err) < 0)
        return -(int)err->code;
    if (!inode)
        return 0;
    const struct measure_image_inode *i = &m->tree.inodes[inode];
    if (i->type != 'f' || !i->spool)
        return cmc_fail(err, CMC_E_VERIFY, "%s of the image is no file", path);
    if (i->u.size > MEASURE_IMAGE_FILE_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%s of the image: %llu bytes, at most %d", path,
                        (unsigned long long)i->u.size, MEASURE_IMAGE_FILE_MAX);
    for (uint64_t done = 0; done < i->u.size;) {
        uint8_t part[4096];
        const uint64_t left = i->u.size - done;
        const ssize_t n = pread(spool, part, left < sizeof(part) ? left : sizeof(part),
                                (off_t)(i->spool - 1 + done));
        if (n <= 0)
            return cmc_fail(err, CMC_E_SYS, "read the temporary file");
        cmc_put(out, part, (size_t)n);
        done += (uint64_t)n;
    }
    return cmc_buf_check(out, path, err) < 0 ? -(int)err->code : 1;
}
