/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_layer.c -- does to a tree in memory what containerd does to a directory when it
 * unpacks a layer. */
#include <string.h>

#include "base/hex.h"
#include "measure/image_parts.h"
#include "measure/image_xattr.h"

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

enum { NAMED_MAX = 120 };

struct unpack { /* of one member */
    struct measure_image *m;
    struct measure_untar *tar;
    struct measure_untar_member e;
    size_t layer;
    uint32_t ordinal;
    uint32_t dir;              /* that will hold it */
    struct measure_bytes base; /* its name there */
    struct cmc_buf name, path; /* cleaned; where its parent is */
};

static struct measure_image_inode *inode_of(const struct unpack *u, uint32_t i)
{
    return &u->m->tree.inodes[i];
}

static bool is(struct measure_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

/* The name without ".", "..", and doubled slashes, as text alone tells; nothing for the root. */
static int clean(struct unpack *u, struct cmc_err *err)
{
    struct measure_bytes rest = u->e.name, part;
    u->name.len = 0;
    while ((part = measure_image_part(&rest)).len) {
        if (is(part, "."))
            continue;
        const uint8_t *slash = u->name.len ? memrchr(u->name.data, '/', u->name.len) : NULL;
        if (is(part, "..")) {
            u->name.len = slash ? (size_t)(slash - u->name.data) : 0;
            continue;
        }
        if (part.len > MEASURE_IMAGE_NAME_MAX)
            return cmc_fail(err, CMC_E_VERIFY, "a name of %zu bytes, at most %d", part.len,
                            MEASURE_IMAGE_NAME_MAX);
        if (u->name.len)
            cmc_put_u8(&u->name, '/');
        cmc_put(&u->name, part.p, part.len);
    }
    return cmc_buf_check(&u->name, "a name", err);
}

/* A directory that no member of this layer tells about is what the layers below have in its place,
 * the topmost that has anything there, or root's with mode 0755. */
static int take_after_lower(struct unpack *u, uint32_t dir, struct measure_bytes path,
                            struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    cmc_autobuf struct cmc_buf scrap = cmc_buf_of(MEASURE_IMAGE_PATH_MAX + 1);
    for (size_t k = u->layer; k-- > 0;) {
        const struct measure_image_view view = measure_image_layer_view(t, k);
        uint32_t found = 0;
        char type = 0;
        if (measure_image_resolve(&view, path, &scrap, &found, &type, err) < 0)
            return cmc_wrap(err, "in layer %zu", k + 1);
        if (!found)
            continue;
        if (type != 'd')
            return 0;
        if (measure_image_chown(t, dir, t->inodes[found].uid, t->inodes[found].gid, err) < 0 ||
            measure_image_chmod(t, dir, t->inodes[found].mode, err) < 0)
            return -(int)err->code;
        return measure_image_copy_xattrs(t, found, dir, err);
    }
    return 0;
}

static int make_parent(struct unpack *u, uint32_t in, struct measure_bytes part,
                       struct measure_bytes path, uint32_t *out, struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    uint32_t name;
    if (measure_image_inode_new(t, 'd', out, err) < 0 ||
        measure_image_put(t, in, part, *out, &name, err) < 0 ||
        measure_image_inherit(t, in, *out, err) < 0 || measure_image_chmod(t, *out, 0755, err) < 0)
        return -(int)err->code;
    t->names[name].listed = false;
    return take_after_lower(u, *out, path, err);
}

/* Finds the directory that the cleaned name is in, and makes what is missing on the way. */
static int find_parent(struct unpack *u, struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    const struct measure_image_view view = measure_image_layer_view(t, u->layer);
    const uint8_t *name = u->name.data, *slash = memrchr(name, '/', u->name.len);
    const size_t dir_len = slash ? (size_t)(slash - name) : 0, skip = slash ? dir_len + 1 : 0;
    uint32_t found = 0;
    char type = 0;
    u->base = (struct measure_bytes){name + skip, u->name.len - skip};
    u->dir = t->roots[u->layer];
    if (measure_image_resolve(&view, (struct measure_bytes){name, dir_len}, &u->path, &found, &type,
                              err) < 0)
        return -(int)err->code;
    struct measure_bytes rest = {u->path.data, u->path.len}, part;
    while ((part = measure_image_part(&rest)).len) {
        const struct measure_bytes path = {u->path.data,
                                           (size_t)(part.p - u->path.data) + part.len};
        uint32_t next = measure_image_child(t, u->dir, part);
        if (!next && make_parent(u, u->dir, part, path, &next, err) < 0)
            return -(int)err->code;
        if (t->inodes[next].type != 'd')
            return cmc_fail(err, CMC_E_VERIFY, "what should hold it is no directory");
        u->dir = next;
    }
    return 0;
}

/* Of the first layer: what has no member yet goes, with all that is in it. As deep as a path. */
static void make_opaque(struct measure_image_tree *t, uint32_t dir)
{
    for (uint32_t n = t->inodes[dir].u.first; n; n = t->names[n].next) {
        struct measure_image_name *name = &t->names[n];
        if (!name->listed)
            name->inode = 0;
        else if (name->inode && t->inodes[name->inode].type == 'd')
            make_opaque(t, name->inode);
    }
}

/* A name that begins with ".wh." removes another one. */
static int take_whiteout(struct unpack *u, struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    const size_t skip = sizeof(WHITEOUT) - 1;
    const struct measure_bytes gone = {u->base.p + skip, u->base.len - skip};
    uint32_t inode, name;
    if (is(u->base, OPAQUE)) {
        if (u->layer > 0)
            inode_of(u, u->dir)->opaque = true;
        else
            make_opaque(t, u->dir);
        return 0;
    }
    if (gone.len == 0 || is(gone, ".") || is(gone, ".."))
        return cmc_fail(err, CMC_E_VERIFY, "it removes no name");
    if (u->layer > 0) {
        if (measure_image_child(t, u->dir, gone))
            return cmc_fail(err, CMC_E_VERIFY, "it removes what the same layer has brought");
        if (measure_image_inode_new(t, 'c', &inode, err) < 0)
            return -(int)err->code;
    } else {
        if (!measure_image_child(t, u->dir, gone))
            return 0;
        inode = 0;
    }
    return measure_image_put(t, u->dir, gone, inode, &name, err);
}

static int read_content(struct unpack *u, uint32_t inode, struct cmc_err *err)
{
    struct measure_image *m = u->m;
    struct measure_image_inode *i = inode_of(u, inode);
    size_t got;
    i->u.size = u->e.size;
    i->layer = (uint32_t)u->layer;
    i->ordinal = u->ordinal;
    if (m->opts.file_max && i->u.size > m->opts.file_max)
        return cmc_fail(err, CMC_E_LIMIT, "%llu bytes, at most %llu (file_max)",
                        (unsigned long long)i->u.size, (unsigned long long)m->opts.file_max);
    measure_fsverity_start(&m->verity);
    do {
        if (measure_untar_read(u->tar, m->buf, sizeof(m->buf), &got, err) < 0 ||
            measure_meter_read(&m->meter, got, err) < 0)
            return -(int)err->code;
        if (got)
            measure_fsverity_add(&m->verity, m->buf, got);
    } while (got > 0);
    measure_fsverity_end(&m->verity, i->u.size, i->digest);
    return 0;
}

static int keep_target(struct unpack *u, uint32_t inode, struct cmc_err *err)
{
    const struct measure_bytes target = u->e.link;
    uint32_t at;
    if (target.len == 0 || target.len > MEASURE_IMAGE_PATH_MAX)
        return cmc_fail(err, CMC_E_VERIFY, "a link to %zu bytes, 1 to %d", target.len,
                        MEASURE_IMAGE_PATH_MAX);
    if (measure_image_text(&u->m->tree, target, &at, err) < 0)
        return -(int)err->code;
    inode_of(u, inode)->u.target.at = at;
    inode_of(u, inode)->u.target.len = (uint32_t)target.len;
    return 0;
}

/* What another name of the member names: in this layer, and no directory. */
static int find_linked(struct unpack *u, uint32_t *inode, struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    const struct measure_image_view view = measure_image_layer_view(t, u->layer);
    const struct measure_bytes to = u->e.link;
    const uint8_t *slash = to.len ? memrchr(to.p, '/', to.len) : NULL;
    const size_t skip = slash ? (size_t)(slash - to.p) + 1 : 0;
    const struct measure_bytes base = {to.p + skip, to.len - skip};
    cmc_autobuf struct cmc_buf path = cmc_buf_of(MEASURE_IMAGE_PATH_MAX + 1);
    uint32_t dir = 0;
    char type = 0;
    if (measure_image_resolve(&view, (struct measure_bytes){to.p, skip}, &path, &dir, &type, err) <
        0)
        return cmc_wrap(err, "link");
    *inode = dir && type == 'd' && base.len ? measure_image_child(t, dir, base) : 0;
    if (!*inode || inode_of(u, *inode)->type == 'd')
        return cmc_fail(err, CMC_E_VERIFY,
                        "a hard link to no file of the same layer: containerd does not unpack it");
    return 0;
}

static int make_inode(struct unpack *u, uint32_t *out, struct cmc_err *err)
{
    static const char letters[] = "f.lcbdp"; /* of types '0' to '6' */
    const struct measure_untar_member *e = &u->e;
    const char type = letters[e->type - '0'];
    if (measure_image_inode_new(&u->m->tree, type, out, err) < 0 ||
        measure_image_inherit(&u->m->tree, u->dir, *out, err) < 0)
        return -(int)err->code;
    if (type == 'f')
        return read_content(u, *out, err);
    if (type == 'l')
        return keep_target(u, *out, err);
    if (type == 'c' || type == 'b') {
        inode_of(u, *out)->u.rdev.major = e->major;
        inode_of(u, *out)->u.rdev.minor = e->minor;
    }
    return 0;
}

static int set_xattrs(struct unpack *u, uint32_t inode, struct cmc_err *err)
{
    static const char prefix[] = "SCHILY.xattr.";
    const size_t skip = sizeof(prefix) - 1;
    struct measure_bytes rest = u->e.records, key, value;
    while (measure_untar_record(&rest, &key, &value)) {
        if (key.len <= skip || memcmp(key.p, prefix, skip) != 0)
            continue;
        const struct measure_bytes name = {key.p + skip, key.len - skip};
        if (measure_image_setxattr(&u->m->tree, inode, name, value, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static int take_entry(struct unpack *u, struct cmc_err *err)
{
    struct measure_image_tree *t = &u->m->tree;
    const struct measure_untar_member *e = &u->e;
    uint32_t name, inode = measure_image_child(t, u->dir, u->base);
    const bool merge = e->type == '5' && inode && inode_of(u, inode)->type == 'd';
    if (!merge && inode && measure_image_put(t, u->dir, u->base, 0, &name, err) < 0)
        return -(int)err->code;
    if (!merge && (e->type == '1' ? find_linked(u, &inode, err) : make_inode(u, &inode, err)) < 0)
        return -(int)err->code;
    if (measure_image_put(t, u->dir, u->base, inode, &name, err) < 0 ||
        measure_image_chown(t, inode, e->uid, e->gid, err) < 0 || set_xattrs(u, inode, err) < 0)
        return -(int)err->code;
    t->names[name].listed = true;
    return measure_image_chmod(t, inode, e->mode, err);
}

static int take_member(struct unpack *u, struct cmc_err *err)
{
    const size_t mark = sizeof(WHITEOUT) - 1;
    if (clean(u, err) < 0)
        return -(int)err->code;
    if (u->name.len == 0) /* the root: containerd leaves it alone */
        return 0;
    if (find_parent(u, err) < 0)
        return -(int)err->code;
    return u->base.len >= mark && memcmp(u->base.p, WHITEOUT, mark) == 0 ? take_whiteout(u, err)
                                                                         : take_entry(u, err);
}

static int name_fault(const struct unpack *u, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf shown = cmc_buf_of((size_t)8 * NAMED_MAX);
    const struct measure_bytes name = u->e.name;
    cmc_put_safe(&shown, name.p, name.len, NAMED_MAX);
    return shown.len ? cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data) : -(int)err->code;
}

static int take_members(struct unpack *u, struct cmc_err *err)
{
    int r;
    while ((r = measure_untar_next(u->tar, &u->e, err)) > 0) {
        if (measure_meter_entry(&u->m->meter, err) < 0)
            return -(int)err->code;
        if (take_member(u, err) < 0)
            return name_fault(u, err);
        u->ordinal++;
    }
    return r;
}

int measure_image_add(struct measure_image *m, const struct measure_source *tar,
                      struct cmc_err *err)
{
    CMC_CLEANUP(measure_untar_done) struct measure_untar reader;
    struct unpack u = {.m = m,
                       .tar = &reader,
                       .layer = m->tree.layers,
                       .name = cmc_buf_of(MEASURE_IMAGE_PATH_MAX),
                       .path = cmc_buf_of(MEASURE_IMAGE_PATH_MAX + 1)};
    measure_untar_init(&reader, tar);
    int r = measure_image_tree_layer(&m->tree, err);
    if (r == 0)
        r = take_members(&u, err);
    cmc_buf_done(&u.name);
    cmc_buf_done(&u.path);
    return r;
}
