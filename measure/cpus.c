/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cpus.c -- affinity and cgroup quotas (cgroups(7); Linux admin-guide/cgroup-v2.rst,
 * "cpu.max"; scheduler/sched-bwc.rst for version 1). */
#include "measure/cpus.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { LINES_MAX = 8192, PERIOD_DEFAULT = 100000 };

/* The start of a small file as text; "" when there is none. */
static void read_text(int root, const char *path, char *out, size_t cap)
{
    cmc_autofd int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t n = fd < 0 ? 0 : read(fd, out, cap - 1);
    out[n < 0 ? 0 : n] = '\0';
}

/* quota in CPUs, rounded up; 0 when there is none. */
static unsigned cpus_of(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    const long long cpus = quota / period + (quota % period != 0);
    return cpus < UINT_MAX ? (unsigned)cpus : 0;
}

/* "QUOTA PERIOD", in microseconds; QUOTA may be "max". */
static unsigned quota_v2(int root, const char *dir)
{
    char path[PATH_MAX], text[64], *end;
    (void)snprintf(path, sizeof(path), "%s/cpu.max", dir);
    read_text(root, path, text, sizeof(text));
    const long long quota = strtoll(text, &end, 10), period = strtoll(end, NULL, 10);
    return cpus_of(quota, period ? period : PERIOD_DEFAULT);
}

static unsigned quota_v1(int root, const char *dir)
{
    char path[PATH_MAX], quota[32], period[32];
    (void)snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
    read_text(root, path, quota, sizeof(quota));
    (void)snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
    read_text(root, path, period, sizeof(period));
    return cpus_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static unsigned least(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The least quota of group and those above it, up to the mount. */
static unsigned least_quota(int root, const char *mount, const char *group,
                            unsigned (*quota)(int root, const char *dir))
{
    char dir[PATH_MAX - 64];
    unsigned found = 0;
    const int len = snprintf(dir, sizeof(dir), "%s%s", mount, group);
    if (len < 0 || (size_t)len >= sizeof(dir) || strstr(group, "/.."))
        return quota(root, mount);
    for (char *slash = dir + len;; slash = strrchr(dir, '/')) {
        *slash = '\0';
        found = least(found, quota(root, dir));
        if (strlen(dir) <= strlen(mount))
            return found;
    }
}

/* Is name one of the controllers, which are separated by commas? */
static bool has(const char *controllers, const char *name)
{
    const size_t len = strlen(name);
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* A line of /proc/self/cgroup: "ID:CONTROLLERS:PATH". */
static unsigned quota_of_line(int root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return 0;
    *group++ = '\0';
    controllers++;
    if (!*controllers)
        return least(least_quota(root, "sys/fs/cgroup", group, quota_v2),
                     least_quota(root, "sys/fs/cgroup/unified", group, quota_v2));
    if (!has(controllers, "cpu"))
        return 0;
    return least(least_quota(root, "sys/fs/cgroup/cpu", group, quota_v1),
                 least_quota(root, "sys/fs/cgroup/cpu,cpuacct", group, quota_v1));
}

unsigned measure_cpus_quota(int root)
{
    char lines[LINES_MAX];
    unsigned found = 0;
    read_text(root, "proc/self/cgroup", lines, sizeof(lines));
    for (char *line = lines, *next; *line; line = next) {
        next = strchr(line, '\n');
        if (!next) /* cut off */
            break;
        *next++ = '\0';
        found = least(found, quota_of_line(root, line));
    }
    return found;
}

unsigned measure_cpus(void)
{
    cpu_set_t set;
    cmc_autofd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int allowed = sched_getaffinity(0, sizeof(set), &set) < 0 ? 0 : CPU_COUNT(&set);
    const unsigned cpus = least((unsigned)allowed, root < 0 ? 0 : measure_cpus_quota(root));
    return cpus ? cpus : 1;
}
