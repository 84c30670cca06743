/* SPDX-License-Identifier: Apache-2.0 */
/* shim/inner.c -- looking for the real shim and for the helper, never for ourselves. */
#include "shim/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SELF "/proc/self/exe"

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_us(const struct stat *st)
{
    struct stat self;
    return stat(SELF, &self) == 0 && same_file(&self, st);
}

static bool runnable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111) && !is_us(&st);
}

/* Joins dir (len bytes, absolute) and the real shim's name, and keeps it when it can run. */
static bool try_dir(const char *dir, size_t len, char out[static PATH_MAX])
{
    char path[PATH_MAX];
    if (len == 0 || dir[0] != '/')
        return false;
    int n = snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, SHIM_INNER_NAME);
    if (n < 0 || (size_t)n >= sizeof(path) || !runnable(path))
        return false;
    (void)memcpy(out, path, sizeof(path));
    return true;
}

static int use_configured(const char *path, char out[static PATH_MAX], struct cmc_err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "inner_shim %s", path);
    if (path[0] != '/' || strlen(path) >= PATH_MAX || !runnable(path))
        return cmc_fail(err, CMC_E_VERIFY, "inner_shim %s: not an absolute path of another program",
                        path);
    (void)snprintf(out, PATH_MAX, "%s", path);
    return 0;
}

int shim_inner_find(const char *configured, const char *search, const char *publish,
                    char out[static PATH_MAX], struct cmc_err *err)
{
    if (configured)
        return use_configured(configured, out, err);
    for (const char *at = search ? search : ""; *at;) {
        size_t len = strcspn(at, ":");
        if (try_dir(at, len, out))
            return 0;
        at += len + (at[len] == ':');
    }
    const char *slash = publish ? strrchr(publish, '/') : NULL;
    if (slash && try_dir(publish, (size_t)(slash - publish), out))
        return 0;
    return cmc_fail(err, CMC_E_VERIFY,
                    "no " SHIM_INNER_NAME " in PATH or beside containerd (%s): install it, or "
                    "name it as inner_shim in " CMC_SITE_PATH,
                    publish ? publish : "unknown");
}

static int judge_helper(int fd, const char *path, struct cmc_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "helper %s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) ||
        !(st.st_mode & S_IXUSR))
        return cmc_fail(err, CMC_E_VERIFY,
                        "helper %s: uid %u mode %04o, need a program of root that only root writes",
                        path, st.st_uid, st.st_mode & 07777U);
    return 0;
}

/* Returns a fd, -ENOENT's -CMC_E_SYS included. */
static int open_helper(const char *path, struct cmc_err *err)
{
    cmc_autofd int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "helper %s", path);
    if (judge_helper(fd, path, err) < 0)
        return -(int)err->code;
    return cmc_take_fd(&fd);
}

int shim_inner_open_helper(const char *configured, struct cmc_err *err)
{
    static const char *const places[] = {SHIM_HELPER_NAME, "../libexec/cmc/" SHIM_HELPER_NAME};
    char self[PATH_MAX], path[PATH_MAX + 64];
    if (configured)
        return open_helper(configured, err);
    ssize_t n = readlink(SELF, self, sizeof(self) - 1);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "readlink " SELF);
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", self, places[i]);
        int fd = open_helper(path, err);
        if (fd >= 0 || err->sys_errno != ENOENT)
            return fd;
    }
    return cmc_wrap(err, "no " SHIM_HELPER_NAME " beside %s or in ../libexec/cmc", self);
}

int shim_inner_check_loop(const char *argv0, struct cmc_err *err)
{
    struct stat st;
    if (argv0 && argv0[0] == '/' && stat(argv0, &st) == 0 && !is_us(&st))
        return cmc_fail(
            err, CMC_E_USAGE,
            "started as %s, which is another program: a second copy of this shim "
            "takes this one for the real shim; name the real one as inner_shim in " CMC_SITE_PATH,
            argv0);
    return 0;
}
