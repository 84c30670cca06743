/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers_dir.c -- opens directories of layers, reads overlayfs's marks off them, and
 * tells what it does not know by name. */
#include "measure/rootfs_layers_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include "base/hex.h"

#ifndef FS_CASEFOLD_FL
#define FS_CASEFOLD_FL 0x40000000
#endif
#define XFS_MAGIC 0x58465342

/* Device and inode number are a file's identity here, as in the overlay. Not btrfs, where a device
 * number is a subvolume's, and overlayfs shows one for all of them; nor overlayfs, which has one
 * for each file system below it, and cannot be stacked as high as one likes. */
static bool is_plain(const struct statfs *fs)
{
    return fs->f_type == EXT4_SUPER_MAGIC || fs->f_type == XFS_MAGIC || fs->f_type == TMPFS_MAGIC;
}

int measure_layer_of(int fd, struct measure_layer *out, struct cmc_err *err)
{
    struct statfs fs;
    struct statx sx;
    if (fstatfs(fd, &fs) < 0)
        return cmc_fail(err, CMC_E_SYS, "statfs");
    if (!is_plain(&fs))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a file system of type %lx",
                        (unsigned long)fs.f_type);
    if (measure_look(fd, "", &sx, err) < 0)
        return -(int)err->code;
    const struct measure_facts facts = measure_facts_of(&sx);
    *out = (struct measure_layer){fd, facts.mount, facts.dev, facts.ino};
    return 0;
}

/* Names that are alike but for their case, or not shown as they are, have rules of their own. */
static int check_flags(int fd, struct cmc_err *err)
{
    int flags = 0; /* the kernel writes an int, though the request is declared with a long */
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return errno == ENOTTY || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS
                   ? 0
                   : cmc_fail(err, CMC_E_SYS, "read flags");
    if (flags & (FS_CASEFOLD_FL | FS_ENCRYPT_FL))
        return cmc_fail(err, CMC_E_FORMAT,
                        MEASURE_LAYERS_NOT "a directory without case or encrypted");
    return 0;
}

int measure_layer_open(const struct measure_layer *layer, int dirfd, const char *name,
                       struct statx *sx, struct cmc_err *err)
{
    const uint64_t flags = O_RDONLY | O_DIRECTORY;
    int got = measure_look_open(dirfd, name, flags | O_NOATIME, MEASURE_LOOK_BENEATH, err);
    if (got < 0 && err->code == CMC_E_SYS && err->sys_errno == EPERM) /* not ours */
        got = measure_look_open(dirfd, name, flags, MEASURE_LOOK_BENEATH, err);
    cmc_autofd int fd = got;
    if (fd < 0 || measure_look_on(layer->mount, fd, "", sx, err) < 0 || check_flags(fd, err) < 0)
        return -(int)err->code;
    return cmc_take_fd(&fd);
}

static int unknown(const char *name, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf shown = cmc_buf_of(1024);
    cmc_put_safe(&shown, name, strlen(name), 64);
    return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "the attribute %.*s", (int)shown.len,
                    (const char *)shown.data);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool measure_layer_redirects(const char *value, size_t len)
{
    const char *end = value + len;
    const bool path = len && *value == '/';
    if (len == 0 || len >= PATH_MAX || memchr(value, 0, len))
        return false;
    for (const char *name = value + path, *next;; name = next + 1) {
        next = memchr(name, '/', (size_t)(end - name));
        const size_t n = (size_t)((next ? next : end) - name);
        if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        if (!next)
            return true;
        if (!path)
            return false;
    }
}

bool measure_layer_rename(char path[static PATH_MAX], size_t rem, size_t len, const char *redirect)
{
    const size_t before = *redirect == '/' ? 0 : strlen(path) - rem, after = rem - len;
    const size_t middle = strlen(redirect);
    if (before + middle + after >= PATH_MAX)
        return false;
    memmove(path + before + middle, path + strlen(path) - after, after + 1);
    for (size_t i = 0; i < middle; i++)
        path[before + i] = redirect[i];
    return true;
}

static int read_redirect(int fd, const char *name, struct measure_layer_marks *m,
                         struct cmc_err *err)
{
    const ssize_t n = fgetxattr(fd, name, m->redirect, sizeof(m->redirect) - 1);
    if (n < 0 && errno != ERANGE)
        return cmc_fail(err, CMC_E_SYS, "read %s", name);
    if (n < 0 || !measure_layer_redirects(m->redirect, (size_t)n))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a redirect to no path");
    m->redirect[n] = '\0';
    return 0;
}

/* key: what stands behind "overlay.". */
static int read_mark(int fd, const char *name, const char *key, struct measure_layer_marks *m,
                     struct cmc_err *err)
{
    /* for the upper directory and what was found there when it was one; no lower reads them */
    static const char *const unread[] = {"impure", "nlink", "protattr", "upper", "uuid"};
    static const char escaped[] = "overlay."; /* another overlay's, one further in */
    char value;
    if (strcmp(key, "origin") == 0)
        m->origin = true;
    else if (strcmp(key, "redirect") == 0)
        return read_redirect(fd, name, m, err);
    else if (strcmp(key, "opaque") == 0 && fgetxattr(fd, name, &value, 1) == 1 && value == 'y')
        m->opaque = true;
    else if (!is_one_of(key, unread, sizeof(unread) / sizeof(unread[0])) &&
             strncmp(key, escaped, strlen(escaped)) != 0)
        return unknown(name, err);
    return 0;
}

int measure_layer_read_marks(int fd, const char *prefix, char *names, size_t room,
                             struct measure_layer_marks *out, struct cmc_err *err)
{
    struct measure_layer_marks m = {0};
    const size_t prefix_len = strlen(prefix);
    const ssize_t n = flistxattr(fd, names, room - 1);
    if (n < 0 && errno != EOPNOTSUPP)
        return cmc_fail(err, CMC_E_SYS, "list extended attributes");
    if (n > 0)
        names[n] = 0; /* the list comes from a file system, which may be anyone's */
    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
        if (strncmp(name, prefix, prefix_len) == 0 &&
            read_mark(fd, name, name + prefix_len, &m, err) < 0)
            return -(int)err->code;
    *out = m;
    return 0;
}
