/* SPDX-License-Identifier: Apache-2.0 */
/* shim/place.c -- OOM score, cgroup and core scheduling of proxy and real shim. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "shim/server.h"

#define CGROUPS "/sys/fs/cgroup"

enum { OOM_MAX = 1000 };

static bool write_text(const char *path, const char *text)
{
    cmc_autofd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void raise_oom_score(void)
{
    static const char file[] = "/proc/self/oom_score_adj";
    char text[24] = "";
    cmc_autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return;
    long score = strtol(text, NULL, 10) + 1;
    (void)snprintf(text, sizeof(text), "%ld", score > OOM_MAX ? (long)OOM_MAX : score);
    (void)write_text(file, text);
}

static unsigned join_below(const char *root, const char *name)
{
    char path[PATH_MAX], pid[16];
    int n = snprintf(path, sizeof(path), "%s/%s/cgroup.procs", root, name);
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    return n > 0 && (size_t)n < sizeof(path) && write_text(path, pid);
}

/* Joins every hierarchy that has this cgroup: one on cgroup v2, one for each controller on v1. */
static unsigned join_all(const char *name)
{
    unsigned joined = join_below(CGROUPS, name);
    DIR *dir = opendir(CGROUPS);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        char root[PATH_MAX];
        (void)snprintf(root, sizeof(root), CGROUPS "/%s", e->d_name);
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            joined += join_below(root, name);
    }
    if (dir)
        (void)closedir(dir);
    return joined;
}

static int join_cgroup(const struct cmc_span *path, struct cmc_err *err)
{
    char name[1024];
    if (path->len >= sizeof(name) || !cmc_pb_is_text(path))
        return cmc_fail(err, CMC_E_LIMIT, "shim cgroup: %zu bytes", path->len);
    (void)snprintf(name, sizeof(name), "%.*s", (int)path->len, (const char *)path->p);
    if (strstr(name, ".."))
        return cmc_fail(err, CMC_E_VERIFY, "shim cgroup %s: not a plain path", name);
    return join_all(name) ? 0 : cmc_fail(err, CMC_E_VERIFY, "shim cgroup %s: there is none", name);
}

int shim_server_place(const struct cmc_span *cgroup, const char *sched_core, struct cmc_err *err)
{
    raise_oom_score();
    if (cgroup->len && join_cgroup(cgroup, err) < 0)
        return -(int)err->code;
    if (sched_core && *sched_core &&
        prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_THREAD_GROUP, 0) < 0)
        return cmc_fail(err, CMC_E_SYS, "SCHED_CORE is set: core scheduling cookie");
    return 0;
}
