/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_layers.c -- layers are opened by name and without following links; from then on
 * they are numbers, which nobody can exchange. */
#include "tools/cmc_measure_layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PARAMETERS "/sys/module/overlay/parameters/"

int cmc_measure_layers_open_dir(int dirfd, const struct cmc_span *path, uint64_t resolve,
                                struct cmc_err *err)
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

bool cmc_measure_layers_is_bare(int upper)
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

/* An empty directory with the mode and owner of another; -1 when there cannot be one. */
static int empty_like(int dir)
{
    struct stat st;
    char mode[16], uid[16], gid[16];
    if (fstat(dir, &st) < 0)
        return -1;
    (void)snprintf(mode, sizeof(mode), "%o", st.st_mode & 07777U);
    (void)snprintf(uid, sizeof(uid), "%u", st.st_uid);
    (void)snprintf(gid, sizeof(gid), "%u", st.st_gid);
    const struct {
        const char *key, *value;
    } options[] = {{"size", "4k"}, {"mode", mode}, {"uid", uid}, {"gid", gid}};
    cmc_autofd int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    bool ok = fs >= 0;
    for (size_t i = 0; ok && i < sizeof(options) / sizeof(options[0]); i++)
        ok = syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i].key, options[i].value, 0) ==
             0;
    if (!ok || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void replace_upper(struct cmc_measure_layers *l)
{
    int own = cmc_measure_layers_is_bare(l->fd[0]) ? empty_like(l->fd[0]) : -1;
    if (own < 0)
        return;
    cmc_closep(&l->fd[0]);
    l->fd[0] = own;
    l->own = true;
}

int cmc_measure_layers_open(const struct cmc_measure_mounts *m, struct cmc_measure_layers *l,
                            struct cmc_err *err)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max; /* one per layer; what is missing shows as EMFILE */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    while (l->count < m->layer_count) {
        int fd = cmc_measure_layers_open_dir(AT_FDCWD, &m->layers[l->count], 0, err);
        if (fd < 0)
            return cmc_wrap(err, "overlay: layer %zu", l->count);
        l->fd[l->count++] = fd;
    }
    if (m->has_upper && !l->own)
        replace_upper(l);
    /* the kernel changes ids of the lower layers only: the upper's would need other maps */
    if (m->uids.count && m->has_upper && !cmc_measure_layers_is_bare(l->fd[0]))
        return cmc_fail(err, CMC_E_FORMAT,
                        "overlay: an upper layer that is not empty, above layers with a uidmap, "
                        "cannot be measured");
    return 0;
}

static void close_to(struct cmc_measure_layers *l, size_t count)
{
    while (l->count > count)
        cmc_closep(&l->fd[--l->count]);
}

void cmc_measure_layers_keep_own(struct cmc_measure_layers *l)
{
    close_to(l, l->own ? 1 : 0);
}

void cmc_measure_layers_close(struct cmc_measure_layers *l)
{
    close_to(l, 0);
    l->own = false;
}

/* False also where it cannot be read: redirects that are not followed are left to a mount. */
static bool is_set(const char *parameter)
{
    char value = '\0';
    cmc_autofd int fd = open(parameter, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &value, 1) == 1 && value == 'Y';
}

bool cmc_measure_layers_readable(const struct cmc_measure_mounts *m, struct measure_layers *out)
{
    static const struct {
        const char *options; /* alone: some are refused together, of some the last counts */
        bool userxattr, redirects;
        bool if_always, if_default; /* redirects where that parameter of the kernel's is set */
    } known[] = {
        {"", .if_always = true, .if_default = true},
        {",metacopy=off", .if_always = true, .if_default = true},
        {",redirect_dir=off", .if_always = true},
        {",redirect_dir=nofollow", .redirects = false},
        {",redirect_dir=follow", .redirects = true},
        {",redirect_dir=on", .redirects = true},
        {",userxattr", .userxattr = true},
    };
    if (m->uids.count)
        return false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(m->options, known[i].options) == 0) {
            out->userxattr = known[i].userxattr;
            out->redirects = known[i].redirects ||
                             (known[i].if_always && is_set(PARAMETERS "redirect_always_follow")) ||
                             (known[i].if_default && is_set(PARAMETERS "redirect_dir"));
            return true;
        }
    return false;
}
