/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_rootfs.c -- layers are opened once, by name and without following links; from
 * then on they are numbers, which nobody can exchange. */
#include "tools/cmc_measure_rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/cleanup.h"

struct layers {
    size_t count;
    int fd[CMC_MEASURE_LAYERS_MAX];
};

static void close_layers(struct layers *l)
{
    while (l->count > 0)
        cmc_closep(&l->fd[--l->count]);
}

static int open_dir(int dirfd, const struct cmc_span *path, uint64_t resolve, struct cmc_err *err)
{
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    char name[PATH_MAX];
    int tries = 8; /* EAGAIN: a rename raced the lookup; bounded, then reported */
    long fd;
    if (path->len >= sizeof(name))
        return cmc_fail(err, CMC_E_LIMIT, "a path of %zu bytes, at most %zu", path->len,
                        sizeof(name) - 1);
    memcpy(name, path->p, path->len);
    name[path->len] = '\0';
    do
        fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    if (fd < 0 && errno == ELOOP)
        return cmc_fail(err, CMC_E_VERIFY,
                        "%.300s: a symbolic link on the way; name the directory itself", name);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", name);
    return (int)fd;
}

static int open_root_path(int bundle, const char *root_path, struct cmc_err *err)
{
    if (!root_path || !*root_path)
        return cmc_fail(err, CMC_E_FORMAT, "no mounts, and no root.path in config.json");
    const struct cmc_span path = {(const uint8_t *)root_path, strlen(root_path)};
    if (root_path[0] == '/')
        return open_dir(AT_FDCWD, &path, 0, err);
    return open_dir(bundle, &path, RESOLVE_BENEATH, err);
}

static int open_bind(const struct cmc_measure_mounts *m, struct cmc_err *err)
{
    cmc_autofd int source = open_dir(AT_FDCWD, &m->source, 0, err);
    if (source < 0 || m->kind == CMC_MEASURE_BIND_TREE)
        return cmc_take_fd(&source);
    /* a bind without "r" does not show what is mounted below its source; nor does this clone */
    long fd =
        syscall(SYS_open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "bind: open_tree");
    return (int)fd;
}

/* True for an upper directory that adds nothing to the tree: no entry, and no attribute but those
 * that overlayfs leaves where it was mounted before, or a label. */
static bool is_bare(int upper)
{
    static const char opaque[] = "trusted.overlay.opaque";
    char names[1024], path[64];
    cmc_autofd int fd = openat(upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    int entries = 0;
    errno = 0;
    while (d && entries <= 2 && readdir(d)) /* "." and ".." */
        entries++;
    const bool listed = d && errno == 0; /* what cannot be read is not empty */
    if (d) {
        (void)closedir(d);
        (void)cmc_take_fd(&fd);
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", upper);
    ssize_t len = listxattr(path, names, sizeof(names));
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
        if (strcmp(names + at, opaque) == 0 ||
            (strncmp(names + at, opaque, 16) != 0 && strcmp(names + at, "security.selinux") != 0))
            return false;
    return listed && entries == 2 && len >= 0;
}

static int open_layers(const struct cmc_measure_mounts *m, struct layers *l, struct cmc_err *err)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max; /* one per layer; what is missing shows as EMFILE */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; i < m->layer_count; i++) {
        int fd = open_dir(AT_FDCWD, &m->layers[i], 0, err);
        if (fd < 0)
            return cmc_wrap(err, "overlay: layer %zu", i);
        l->fd[l->count++] = fd;
    }
    /* the kernel changes ids of the lower layers only: the upper's would need other maps */
    if (m->uids.count && m->has_upper && !is_bare(l->fd[0]))
        return cmc_fail(err, CMC_E_FORMAT,
                        "overlay: an upper layer that is not empty, above layers with a uidmap, "
                        "cannot be measured");
    return 0;
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

/* Who gives up on a container may remove its upper directory while we measure, and a directory that
 * is gone cannot be listed. An empty one of our own, over /proc, shows the same. */
static void replace_upper(struct layers *l)
{
    struct stat st;
    char data[64];
    if (fstat(l->fd[0], &st) < 0 || !is_bare(l->fd[0]))
        return;
    (void)snprintf(data, sizeof(data), "size=4k,mode=%o,uid=%u,gid=%u", st.st_mode & 07777U,
                   st.st_uid, st.st_gid);
    if (mount("cmc-measure", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, data) < 0)
        return;
    int own = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (own >= 0) {
        cmc_closep(&l->fd[0]);
        l->fd[0] = own;
    }
}

/* Layers are opened here, not before: the kernel mounts what belongs to the present namespace. */
static int overlay_of_layers(const struct cmc_measure_mounts *m, struct cmc_err *err)
{
    CMC_CLEANUP(close_layers) struct layers l = {.count = 0};
    cmc_autobuf struct cmc_buf data = cmc_buf_of(4096); /* mount(2): a page */
    if (open_layers(m, &l, err) < 0)
        return -(int)err->code;
    if (chdir("/proc/self/fd") < 0) /* where numbers are names, also when /proc is covered */
        return cmc_fail(err, CMC_E_SYS, "overlay: chdir /proc/self/fd");
    if (m->has_upper)
        replace_upper(&l);
    cmc_put_text(&data, "lowerdir=");
    for (size_t i = 0; i < l.count; i++)
        cmc_put_fmt(&data, i > 0 ? ":%d" : "%d", l.fd[i]);
    cmc_put_fmt(&data, ",index=off%s", m->options);
    cmc_put_u8(&data, '\0');
    if (cmc_buf_check(&data, "overlay options", err) < 0)
        return -(int)err->code;
    return mount_overlay((const char *)data.data, l.count, err);
}

static int open_overlay(const struct cmc_measure_mounts *m, struct cmc_err *err)
{
    if (m->layer_count == 1) { /* the kernel mounts no overlay of one: it is the layer itself */
        int only = open_dir(AT_FDCWD, &m->layers[0], 0, err);
        return only < 0 ? cmc_wrap(err, "overlay: layer 0") : only;
    }
    cmc_autofd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cmc_autofd int home = enter_namespace(err);
    if (home < 0)
        return -(int)err->code;
    cmc_autofd int root = overlay_of_layers(m, err);
    /* Log and details must go where everyone sees them, also when /run/cmc is mounted meanwhile;
     * setns() goes to the namespace's own root, which is another one where we run in a chroot. */
    if (setns(home, CLONE_NEWNS) < 0 || fchdir(top) < 0 || chroot(".") < 0)
        return cmc_fail(err, CMC_E_SYS, "overlay: leave the mount namespace");
    return root < 0 ? -(int)err->code : cmc_take_fd(&root);
}

bool cmc_measure_rootfs_upper_filled(const struct cmc_measure_mounts *m)
{
    struct cmc_err ignored;
    if (m->kind != CMC_MEASURE_OVERLAY || !m->has_upper)
        return false;
    cmc_autofd int upper = open_dir(AT_FDCWD, &m->layers[0], 0, &ignored);
    return upper >= 0 ? !is_bare(upper) : ignored.sys_errno != ENOENT;
}

int cmc_measure_rootfs_open(const struct cmc_measure_mounts *m, int bundle, const char *root_path,
                            struct cmc_err *err)
{
    switch (m->kind) {
    case CMC_MEASURE_ROOT_PATH:
        return open_root_path(bundle, root_path, err);
    case CMC_MEASURE_BIND:
    case CMC_MEASURE_BIND_TREE:
        return open_bind(m, err);
    case CMC_MEASURE_OVERLAY:
        break;
    }
    return open_overlay(m, err);
}
