/* SPDX-License-Identifier: Apache-2.0 */
/* shim/bundle.c -- the only file that opens things in a bundle by name. */
#include "shim/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* openat2 has no flag against "..", which a path of containerd never holds. */
static bool has_dots(const char *path)
{
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/");
        if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += len + (at[len] == '/');
    }
    return false;
}

int shim_bundle_open(const char *path, struct cmc_err *err)
{
    const struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    struct stat st;
    if (path[0] != '/' || has_dots(path))
        return cmc_fail(err, CMC_E_VERIFY, "bundle %s: not an absolute path without . and ..",
                        path);
    cmc_autofd int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (fd < 0 && errno == ELOOP)
        return cmc_fail(err, CMC_E_VERIFY,
                        "bundle %s: a symlink is on the way; name the real state directory in "
                        "containerd's configuration",
                        path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "bundle %s", path);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return cmc_fail(err, CMC_E_VERIFY, "bundle %s: uid %u mode %04o, others could change it",
                        path, st.st_uid, st.st_mode & 07777U);
    return cmc_take_fd(&fd);
}

int shim_bundle_log(int bundle)
{
    struct stat st;
    if (bundle < 0)
        return -1;
    cmc_autofd int fd =
        openat(bundle, "log", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        return -1;
    return cmc_take_fd(&fd);
}

int shim_bundle_write(int bundle, const char *name, const char *text, struct cmc_err *err)
{
    char temp[64];
    (void)snprintf(temp, sizeof(temp), ".%s.cmc-%d", name, getpid());
    (void)unlinkat(bundle, temp, 0);
    cmc_autofd int fd =
        openat(bundle, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "create %s", temp);
    size_t len = strlen(text);
    if (write(fd, text, len) != (ssize_t)len || renameat(bundle, temp, bundle, name) < 0) {
        (void)cmc_fail(err, CMC_E_SYS, "write %s", name);
        (void)unlinkat(bundle, temp, 0);
        return -CMC_E_SYS;
    }
    return 0;
}
