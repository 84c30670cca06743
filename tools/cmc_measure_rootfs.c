/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_rootfs.c -- a directory is what it is; of an overlay the layers are enough,
 * until they turn out not to be. */
#include "tools/cmc_measure_rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

static int open_root_path(int bundle, const char *root_path, struct cmc_err *err)
{
    if (!root_path || !*root_path)
        return cmc_fail(err, CMC_E_FORMAT, "no mounts, and no root.path in config.json");
    const struct cmc_span path = {(const uint8_t *)root_path, strlen(root_path)};
    if (root_path[0] == '/')
        return cmc_measure_layers_open_dir(AT_FDCWD, &path, 0, err);
    return cmc_measure_layers_open_dir(bundle, &path, RESOLVE_BENEATH, err);
}

static int open_bind(const struct cmc_measure_mounts *m, struct cmc_err *err)
{
    cmc_autofd int source = cmc_measure_layers_open_dir(AT_FDCWD, &m->source, 0, err);
    if (source < 0 || m->kind == CMC_MEASURE_BIND_TREE)
        return cmc_take_fd(&source);
    /* a bind without "r" does not show what is mounted below its source; nor does this clone */
    long fd =
        syscall(SYS_open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "bind: open_tree");
    return (int)fd;
}

/* A mount namespace of our own, from which nothing spreads. Returns the one to go back to. */
static int enter_namespace(struct cmc_err *err)
{
    cmc_autofd int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: open /proc/self/ns/mnt");
    if (unshare(CLONE_NEWNS) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: unshare");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: make mounts private");
    return cmc_take_fd(&home);
}

/* /proc is there and nothing else uses it meanwhile: the overlay covers it until it is opened. */
static int mount_overlay(const char *data, size_t layers, struct cmc_err *err)
{
    struct statfs fs;
    if (mount("cmc-measure", "/proc", "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              data) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: mount %zu layers", layers);
    cmc_autofd int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (umount2("/proc", MNT_DETACH) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: umount");
    if (root < 0 || fstatfs(root, &fs) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: open");
    if (fs.f_type != OVERLAYFS_SUPER_MAGIC)
        return cmc_fail(err, CMC_E_VERIFY, "overlay: opened a file system of type %lx",
                        (unsigned long)fs.f_type);
    return cmc_take_fd(&root);
}

/* An upper directory of ours is brought in; the others are opened here: the kernel mounts what
 * belongs to the present namespace. */
static int overlay_of_layers(const struct cmc_measure_mounts *m, struct cmc_measure_layers *l,
                             struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(4096); /* mount(2): a page */
    if (cmc_measure_layers_open(m, l, err) < 0)
        return -(int)err->code;
    if (chdir("/proc/self/fd") < 0) /* where numbers are names, also when /proc is covered */
        return cmc_fail(err, CMC_E_SYS, "overlay: chdir /proc/self/fd");
    if (l->own &&
        syscall(SYS_move_mount, l->fd[0], "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: move_mount of an empty upper directory");
    cmc_put_text(&data, "lowerdir=");
    for (size_t i = 0; i < l->count; i++)
        cmc_put_fmt(&data, i > 0 ? ":%d" : "%d", l->fd[i]);
    cmc_put_fmt(&data, ",index=off%s", m->options);
    cmc_put_u8(&data, '\0');
    if (cmc_buf_check(&data, "overlay options", err) < 0)
        return -(int)err->code;
    return mount_overlay((const char *)data.data, l->count, err);
}

static int mount_layers(const struct cmc_measure_mounts *m, struct cmc_measure_layers *l,
                        struct cmc_err *err)
{
    cmc_autofd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cmc_autofd int home = enter_namespace(err);
    if (home < 0)
        return -(int)err->code;
    cmc_autofd int root = overlay_of_layers(m, l, err);
    /* Log and details must go where everyone sees them, also when /run/cmc is mounted meanwhile;
     * setns() goes to the namespace's own root, which is another one where we run in a chroot. */
    if (setns(home, CLONE_NEWNS) < 0 || fchdir(top) < 0 || chroot(".") < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: leave the mount namespace");
    return root < 0 ? -(int)err->code : cmc_take_fd(&root);
}

int cmc_measure_rootfs_mount(struct cmc_measure_rootfs *r, struct cmc_err *err)
{
    cmc_measure_layers_keep_own(&r->open);
    const int root = mount_layers(r->mounts, &r->open, err);
    cmc_measure_layers_close(&r->open);
    if (root < 0)
        return root;
    r->root = root;
    return 0;
}

static int open_overlay(struct cmc_measure_rootfs *r, bool as_layers, struct cmc_err *err)
{
    const struct cmc_measure_mounts *m = r->mounts;
    if (m->layer_count == 1) { /* the kernel mounts no overlay of one: it is the layer itself */
        r->root = cmc_measure_layers_open_dir(AT_FDCWD, &m->layers[0], 0, err);
        return r->root < 0 ? cmc_wrap(err, "overlay: layer 0") : 0;
    }
    if (!as_layers || !cmc_measure_layers_readable(m, &r->layers))
        return cmc_measure_rootfs_mount(r, err);
    const int rc = cmc_measure_layers_open(m, &r->open, err);
    r->layers.fds = r->open.fd;
    r->layers.count = r->open.count;
    return rc;
}

bool cmc_measure_rootfs_upper_filled(const struct cmc_measure_mounts *m)
{
    struct cmc_err ignored;
    if (m->kind != CMC_MEASURE_OVERLAY || !m->has_upper)
        return false;
    cmc_autofd int upper = cmc_measure_layers_open_dir(AT_FDCWD, &m->layers[0], 0, &ignored);
    return upper >= 0 ? !cmc_measure_layers_is_bare(upper) : ignored.sys_errno != ENOENT;
}

int cmc_measure_rootfs_open(const struct cmc_measure_mounts *m, int bundle, const char *root_path,
                            bool as_layers, struct cmc_measure_rootfs *out, struct cmc_err *err)
{
    int rc = 0;
    *out = (struct cmc_measure_rootfs){.root = -1, .mounts = m};
    if (m->kind == CMC_MEASURE_OVERLAY)
        rc = open_overlay(out, as_layers, err);
    else
        rc = out->root = m->kind == CMC_MEASURE_ROOT_PATH ? open_root_path(bundle, root_path, err)
                                                          : open_bind(m, err);
    if (rc >= 0)
        return 0;
    cmc_measure_layers_close(&out->open);
    out->root = -1;
    return rc;
}

void cmc_measure_rootfs_close(struct cmc_measure_rootfs *r)
{
    cmc_measure_layers_close(&r->open);
    cmc_closep(&r->root);
}

int cmc_measure_rootfs_walk(const struct cmc_measure_rootfs *r,
                            const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                            struct cmc_err *err)
{
    return r->root >= 0 ? measure_rootfs(r->root, opts, out, err)
                        : measure_rootfs_layers(&r->layers, opts, out, err);
}

int cmc_measure_rootfs_look(const struct cmc_measure_rootfs *r,
                            const struct measure_rootfs_opts *opts,
                            struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    return r->root >= 0 ? measure_rootfs_stamp(r->root, opts, out, err)
                        : measure_rootfs_stamp_layers(&r->layers, opts, out, err);
}
