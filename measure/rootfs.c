/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs.c -- walks a tree by descriptors and measures it. */
#include "measure/rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/hex.h"
#include "measure/rootfs_nodes.h"
#include "measure/rootfs_read.h"
#include "measure/rootfs_xattr.h"

enum { OPEN_DIRS_MAX = 64, PATH_SHOWN_MAX = 300, NS_PER_S = 1000000000 };

/* What must stay as it is while we look. No padding: compared as bytes. */
struct stamp {
    uint64_t dev, ino, mount, size;
    uint64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint32_t mode, uid, gid, rdev_major, rdev_minor, zero;
};

/* A directory being walked. Only the innermost OPEN_DIRS_MAX hold a descriptor: an ancestor's is
 * opened again, through "..", when the walk comes back. */
struct frame {
    int fd; /* owned, or -1 */
    uint32_t dir, next, end;
    struct stamp stamp;
};

struct walk {
    const struct measure_rootfs_opts *opts;
    struct measure_nodes nodes;
    struct measure_meter meter;
    struct frame *frames;
    size_t depth, frame_cap;
    uint64_t mount;
    uint32_t at;     /* what we work on: errors name it */
    uint32_t *names; /* of the directory being listed: places in nodes.text */
    size_t name_count, name_cap;
    struct measure_content content;
    struct measure_xattr_scratch xattrs;
    alignas(struct dirent64) char dents[65536];
};

static void walk_free(struct walk **w)
{
    if (!*w)
        return;
    for (size_t i = 0; i < (*w)->depth; i++)
        cmc_closep(&(*w)->frames[i].fd);
    free((*w)->frames);
    free((*w)->names);
    measure_nodes_done(&(*w)->nodes);
    free(*w);
}

static int open_in(int dirfd, const char *name, uint64_t flags, uint64_t beneath)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC | O_NOFOLLOW,
        .resolve = beneath | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    long fd;
    int tries = 64; /* EAGAIN: a rename somewhere raced the lookup; bounded, then reported */
    do
        fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

static int fail_open(struct cmc_err *err)
{
    switch (errno) {
    case EXDEV:
        return cmc_fail(err, CMC_E_VERIFY, "a mount point below the root; unmount it first");
    case ENOENT:
        return cmc_fail(err, CMC_E_VERIFY, "changed: it vanished while it was measured");
    case ENOTDIR:
    case ELOOP:
        return cmc_fail(err, CMC_E_VERIFY, "changed: its type is another while it is measured");
    default:
        return cmc_fail(err, CMC_E_SYS, "open");
    }
}

static int look(const struct walk *w, int fd, struct statx *sx, struct cmc_err *err)
{
    const unsigned want = STATX_BASIC_STATS & ~(unsigned)(STATX_ATIME | STATX_NLINK);
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, sx) < 0)
        return cmc_fail(err, CMC_E_SYS, "statx");
    if ((sx->stx_mask & want) != want || !(sx->stx_mask & STATX_MNT_ID))
        return cmc_fail(err, CMC_E_VERIFY,
                        "kernel or file system does not tell all of mode, "
                        "owner, size, times and mount (statx mask %x)",
                        sx->stx_mask);
    if (w->depth > 0 && sx->stx_mnt_id != w->mount)
        return cmc_fail(err, CMC_E_VERIFY, "a mount point below the root; unmount it first");
    return 0;
}

static struct stamp stamp_of(const struct statx *sx)
{
    return (struct stamp){
        .dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor,
        .ino = sx->stx_ino,
        .mount = sx->stx_mnt_id,
        .size = sx->stx_size,
        .mtime_s = (uint64_t)sx->stx_mtime.tv_sec,
        .ctime_s = (uint64_t)sx->stx_ctime.tv_sec,
        .mtime_ns = sx->stx_mtime.tv_nsec,
        .ctime_ns = sx->stx_ctime.tv_nsec,
        .mode = sx->stx_mode,
        .uid = sx->stx_uid,
        .gid = sx->stx_gid,
        .rdev_major = sx->stx_rdev_major,
        .rdev_minor = sx->stx_rdev_minor,
    };
}

static int check_same(const struct walk *w, int fd, const struct stamp *before, struct cmc_err *err)
{
    struct statx sx;
    if (look(w, fd, &sx, err) < 0)
        return -(int)err->code;
    const struct stamp now = stamp_of(&sx);
    if (memcmp(&now, before, sizeof(now)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "changed while it was measured; measure a tree at rest");
    return 0;
}

static void record(struct walk *w, uint32_t i, const struct statx *sx)
{
    const struct measure_rootfs_opts *o = w->opts;
    struct measure_node *e = &w->nodes.v[i];
    e->type = measure_entry_type(sx->stx_mode);
    e->mode = e->type == 'l' ? 0777 : sx->stx_mode & 07777;
    e->uid = measure_idmap_inside(o->uids, o->uid_maps, sx->stx_uid, MEASURE_OWNER_UNMAPPED);
    e->gid = measure_idmap_inside(o->gids, o->gid_maps, sx->stx_gid, MEASURE_OWNER_UNMAPPED);
    e->dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
    e->ino = sx->stx_ino;
}

static int read_xattrs(struct walk *w, uint32_t i, int fd, bool opath, struct cmc_err *err)
{
    struct cmc_buf *text = &w->nodes.text;
    const size_t at = text->len;
    cmc_put_be32(text, 0);
    if (measure_xattr_read(fd, opath, w->opts, &w->xattrs, text, err) < 0)
        return -(int)err->code;
    if (text->bad)
        return cmc_buf_check(text, "names and attributes", err);
    const size_t len = text->len - at - 4;
    if (len == 0) {
        text->len = at;
        return 0;
    }
    for (size_t k = 0; k < 4; k++)
        text->data[at + k] = (uint8_t)(len >> (24 - 8 * k));
    w->nodes.v[i].xattrs = (uint32_t)at;
    return 0;
}

static int read_content(struct walk *w, struct measure_node *e, int file, const struct statx *sx,
                        struct cmc_err *err)
{
    const bool sparse = sx->stx_size > 4096 && sx->stx_blocks < sx->stx_size / 512;
    return measure_content_digest(&w->content, file, sx->stx_size, sparse, e->digest, err);
}

/* Opening by the magic link opens the very object that fd stands for, whose type is known. */
static int read_file(struct walk *w, uint32_t i, int fd, const struct statx *sx,
                     struct cmc_err *err)
{
    char magic[32];
    (void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
    cmc_autofd int file = open(magic, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return cmc_fail(err, CMC_E_SYS, "open by /proc/self/fd");
    struct measure_node *e = &w->nodes.v[i];
    e->u.size = sx->stx_size;
    e->changed = (uint64_t)sx->stx_ctime.tv_sec * NS_PER_S + sx->stx_ctime.tv_nsec;
    const uint32_t twin = measure_nodes_twin(&w->nodes, i);
    if (twin) {
        memcpy(e->digest, w->nodes.v[twin].digest, sizeof(e->digest));
        w->meter.files++;
    } else if (read_content(w, e, file, sx, err) < 0) {
        return -(int)err->code;
    }
    return read_xattrs(w, i, file, false, err);
}

static int read_target(struct walk *w, uint32_t i, int fd, struct cmc_err *err)
{
    char target[PATH_MAX];
    const ssize_t n = readlinkat(fd, "", target, sizeof(target));
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read the link");
    if (n == 0 || n == sizeof(target))
        return cmc_fail(err, CMC_E_LIMIT, "a target of %zd bytes", n);
    w->nodes.v[i].u.target.at = (uint32_t)w->nodes.text.len;
    w->nodes.v[i].u.target.len = (uint32_t)n;
    cmc_put(&w->nodes.text, target, (size_t)n);
    return read_xattrs(w, i, fd, true, err);
}

static int read_other(struct walk *w, uint32_t i, int fd, const struct statx *sx,
                      struct cmc_err *err)
{
    struct measure_node *e = &w->nodes.v[i];
    switch (e->type) {
    case 'f':
        return read_file(w, i, fd, sx, err);
    case 'l':
        return read_target(w, i, fd, err);
    case 'c':
    case 'b':
        e->u.rdev.major = sx->stx_rdev_major;
        e->u.rdev.minor = sx->stx_rdev_minor;
        return read_xattrs(w, i, fd, true, err);
    case 'p':
    case 's':
        return read_xattrs(w, i, fd, true, err);
    default:
        return cmc_fail(err, CMC_E_FORMAT, "type %o is not known", sx->stx_mode & (unsigned)S_IFMT);
    }
}

static int keep_name(struct walk *w, const struct dirent64 *d, struct cmc_err *err)
{
    struct cmc_buf *text = &w->nodes.text;
    const size_t len = strlen(d->d_name);
    if (len > MEASURE_NAME_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a name of %zu bytes in it, at most %d", len,
                        MEASURE_NAME_MAX);
    if (w->name_count >= MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    if (w->name_count == w->name_cap) {
        const size_t cap = w->name_cap ? w->name_cap * 2 : 1024;
        uint32_t *names = reallocarray(w->names, cap, sizeof(*names));
        if (!names)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu names", cap);
        w->names = names;
        w->name_cap = cap;
    }
    cmc_put_u8(text, d->d_type); /* a byte before the name, for add_names() */
    w->names[w->name_count++] = (uint32_t)text->len;
    cmc_put(text, d->d_name, len + 1);
    return cmc_buf_check(text, "names and attributes", err);
}

static int read_names(struct walk *w, int fd, struct cmc_err *err)
{
    w->name_count = 0;
    for (;;) {
        const ssize_t n = getdents64(fd, w->dents, sizeof(w->dents));
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "list");
        if (n == 0)
            return 0;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(w->dents + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            if (keep_name(w, d, err) < 0)
                return -(int)err->code;
        }
    }
}

static int by_name(const void *a, const void *b, void *text)
{
    const char *base = text;
    return strcmp(base + *(const uint32_t *)a, base + *(const uint32_t *)b);
}

/* Adds what read_names() found to directory i, in order. */
static int add_names(struct walk *w, uint32_t i, struct cmc_err *err)
{
    struct measure_nodes *n = &w->nodes;
    const uint32_t first = (uint32_t)n->count;
    if (w->name_count > 1)
        qsort_r(w->names, w->name_count, sizeof(*w->names), by_name, n->text.data);
    for (size_t k = 0; k < w->name_count; k++) {
        const uint32_t name = w->names[k];
        if (k > 0 && by_name(&w->names[k - 1], &name, n->text.data) == 0)
            return cmc_fail(err, CMC_E_VERIFY, "changed: one name twice while it was listed");
        const char type = n->text.data[name - 1] == DT_DIR ? 'd' : 0;
        if (measure_nodes_add(n, i, name, type, err) < 0)
            return -(int)err->code;
    }
    n->v[i].u.in.first = first;
    n->v[i].u.in.count = (uint32_t)w->name_count;
    return 0;
}

static int push(struct walk *w, uint32_t i, int *fd, const struct stamp *stamp, struct cmc_err *err)
{
    if (w->depth == w->frame_cap) {
        const size_t cap = w->frame_cap ? w->frame_cap * 2 : 64;
        struct frame *frames = reallocarray(w->frames, cap, sizeof(*frames));
        if (!frames)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory %zu directories deep", w->depth);
        w->frames = frames;
        w->frame_cap = cap;
    }
    if (w->depth >= OPEN_DIRS_MAX)
        cmc_closep(&w->frames[w->depth - OPEN_DIRS_MAX].fd);
    const struct measure_node *e = &w->nodes.v[i];
    w->frames[w->depth++] = (struct frame){.fd = cmc_take_fd(fd),
                                           .dir = i,
                                           .next = e->u.in.first,
                                           .end = e->u.in.first + e->u.in.count,
                                           .stamp = *stamp};
    return 0;
}

/* Opens and lists directory i, called name in dirfd. */
static int enter(struct walk *w, uint32_t i, int dirfd, const char *name, struct cmc_err *err)
{
    struct statx sx;
    cmc_autofd int fd = open_in(dirfd, name, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH);
    if (fd < 0)
        return fail_open(err);
    if (look(w, fd, &sx, err) < 0)
        return -(int)err->code;
    const struct stamp stamp = stamp_of(&sx);
    w->mount = sx.stx_mnt_id;
    record(w, i, &sx);
    if (read_xattrs(w, i, fd, false, err) < 0 || read_names(w, fd, err) < 0 ||
        add_names(w, i, err) < 0)
        return -(int)err->code;
    return push(w, i, &fd, &stamp, err);
}

static int visit(struct walk *w, uint32_t i, struct cmc_err *err)
{
    const int dirfd = w->frames[w->depth - 1].fd;
    char name[MEASURE_NAME_MAX + 1]; /* the store of names moves when it grows */
    struct statx sx;
    (void)snprintf(name, sizeof(name), "%s", (const char *)w->nodes.text.data + w->nodes.v[i].name);
    if (measure_meter_entry(&w->meter, err) < 0)
        return -(int)err->code;
    if (w->nodes.v[i].type == 'd')
        return enter(w, i, dirfd, name, err);

    cmc_autofd int fd = open_in(dirfd, name, O_PATH, RESOLVE_BENEATH);
    if (fd < 0)
        return fail_open(err);
    if (look(w, fd, &sx, err) < 0)
        return -(int)err->code;
    if (S_ISDIR(sx.stx_mode))
        return enter(w, i, dirfd, name, err);
    const struct stamp stamp = stamp_of(&sx);
    record(w, i, &sx);
    if (read_other(w, i, fd, &sx, err) < 0 || check_same(w, fd, &stamp, err) < 0)
        return -(int)err->code;
    return measure_nodes_seen(&w->nodes, i, err);
}

/* Ends the innermost directory and goes back to the one around it. */
static int leave(struct walk *w, struct cmc_err *err)
{
    struct frame *f = &w->frames[w->depth - 1];
    if (check_same(w, f->fd, &f->stamp, err) < 0)
        return -(int)err->code;
    if (w->depth > 1 && f[-1].fd < 0) {
        w->at = f[-1].dir;
        f[-1].fd = open_in(f->fd, "..", O_RDONLY | O_DIRECTORY, 0);
        if (f[-1].fd < 0)
            return fail_open(err);
        if (check_same(w, f[-1].fd, &f[-1].stamp, err) < 0)
            return -(int)err->code;
    }
    cmc_closep(&f->fd);
    w->depth--;
    return 0;
}

static int walk_tree(struct walk *w, int rootfd, struct cmc_err *err)
{
    int r = enter(w, 0, rootfd, ".", err);
    while (r == 0 && w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        const bool more = f->next < f->end;
        w->at = more ? f->next++ : f->dir;
        r = more ? visit(w, w->at, err) : leave(w, err);
    }
    return r;
}

/* The end of a path, in at most PATH_SHOWN_MAX bytes however it is escaped. */
static void put_shown(struct cmc_buf *out, const struct cmc_buf *path)
{
    for (size_t keep = PATH_SHOWN_MAX - 3;; keep /= 2) {
        const size_t skip = path->len > keep ? path->len - keep : 0;
        out->len = 0;
        cmc_put_text(out, skip ? "..." : "");
        cmc_put_safe(out, path->data + skip, path->len - skip, path->len);
        if (out->len <= PATH_SHOWN_MAX || out->bad)
            return;
    }
}

/* Puts the path that w works on before the message. */
static int name_fault(const struct walk *w, struct cmc_err *err)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf path = cmc_buf_of(MEASURE_TEXT_MAX);
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf shown = cmc_buf_of((size_t)8 * PATH_SHOWN_MAX);
    measure_nodes_path(&w->nodes, w->at, &path);
    if (!path.bad)
        put_shown(&shown, &path);
    return shown.bad || !shown.len ? -(int)err->code
                                   : cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data);
}

int measure_rootfs(int rootfd, const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                   struct cmc_err *err)
{
    struct measure_rootfs got;
    CMC_CLEANUP(walk_free) struct walk *w = calloc(1, sizeof(*w));
    if (!w)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to measure a tree");
    w->opts = opts;
    w->meter.opts = opts;
    w->content.meter = &w->meter;
    measure_fsverity_init(&w->content.tree);
    if (measure_nodes_init(&w->nodes, err) < 0)
        return -(int)err->code;
    if (walk_tree(w, rootfd, err) < 0)
        return name_fault(w, err);
    if (opts->listing && measure_nodes_list(&w->nodes, opts->listing, err) < 0)
        return -(int)err->code;
    if (measure_nodes_digest(&w->nodes, got.digest, err) < 0)
        return -(int)err->code;
    got.entries = w->meter.entries;
    got.files = w->meter.files;
    got.bytes = w->meter.bytes;
    *out = got;
    return 0;
}
