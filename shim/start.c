/* SPDX-License-Identifier: Apache-2.0 */
/* shim/start.c -- the action `start`: find the group's proxy, or become its parent. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/actions.h"
#include "shim/bundle.h"
#include "shim/daemon.h"
#include "shim/group.h"
#include "shim/inner.h"
#include "shim/leftover.h"
#include "shim/server.h"
#include "shim/sock.h"

enum { JOIN_TRIES = 40, JOIN_PAUSE_MS = 50, PROBE_MS = 10000 };

struct place { /* where the group's proxy listens */
    char dir[PATH_MAX];
    char path[SHIM_SOCKET_PATH_MAX + 1];
    char group[SHIM_GROUP_MAX];
};

static int find_place(const struct shim_args *a, const struct shim_bootstrap *b, struct place *out,
                      struct cmc_err *err)
{
    shim_group_read(AT_FDCWD, a->id, out->group);
    if (b->socket_dir.p)
        (void)snprintf(out->dir, sizeof(out->dir), "%.*s", (int)b->socket_dir.len,
                       (const char *)b->socket_dir.p);
    else
        (void)snprintf(out->dir, sizeof(out->dir), SHIM_SOCKET_DIR);
    return shim_group_socket(out->dir, a->address, a->ns, out->group, out->path, err);
}

/* With the directory locked: *peer is a connection to the group's proxy, or *listener our own new
 * socket; the other is -1. */
static int connect_or_listen(const struct place *at, int *peer, int *listener, struct cmc_err *err)
{
    cmc_autofd int lock = shim_sock_lock_dir(at->dir, err);
    if (lock < 0)
        return -(int)err->code;
    *listener = -1;
    *peer = shim_sock_connect(at->path, err);
    if (*peer >= 0)
        return 0;
    if (err->sys_errno != ENOENT && err->sys_errno != ECONNREFUSED)
        return -(int)err->code;
    shim_leftover_sweep(at->dir);
    *listener = shim_sock_listen(at->path, err);
    return *listener < 0 ? -(int)err->code : 0;
}

static int create(const struct shim_args *a, const struct cmc_site *site,
                  const struct shim_bootstrap *b, const struct place *at, int listener,
                  struct cmc_err *err)
{
    char inner[PATH_MAX];
    if (shim_inner_find(site->inner_shim, getenv("PATH"), a->publish_binary, inner, err) < 0)
        return -(int)err->code;
    cmc_autofd int helper = shim_inner_open_helper(site->helper, err);
    if (helper < 0)
        return -(int)err->code;
    const struct shim_daemon_args d = {
        .args = a,
        .site = site,
        .inner = inner,
        .group = at->group,
        .socket_dir = at->dir,
        .socket_path = at->path,
        .cgroup = shim_bootstrap_cgroup(b),
        .listener = listener,
        .helper = helper,
    };
    return shim_daemon_start(&d, err);
}

/* One attempt: the task API version of the proxy that now listens, 0 to try again, or -code. */
static int join_or_create(const struct shim_args *a, const struct cmc_site *site,
                          const struct shim_bootstrap *b, const struct place *at,
                          struct cmc_err *err)
{
    cmc_autofd int peer = -1;
    cmc_autofd int listener = -1;
    if (connect_or_listen(at, &peer, &listener, err) < 0)
        return -(int)err->code;
    if (peer >= 0) { /* a proxy that is about to leave accepts no more: then it is 0 */
        int version = shim_server_probe(peer, -1, a->id, PROBE_MS, err);
        return version > 0 ? version : 0;
    }
    uint64_t ino = shim_sock_inode(at->path);
    int version = create(a, site, b, at, listener, err);
    if (version < 0)
        shim_sock_remove(at->dir, at->path, ino);
    return version;
}

static int answer(bool params, unsigned version, const char *path, struct cmc_err *err)
{
    char address[sizeof("unix://") + SHIM_SOCKET_PATH_MAX];
    cmc_autobuf struct cmc_buf out = cmc_buf_of(4096);
    (void)snprintf(address, sizeof(address), "unix://%s", path);
    cmc_autofd int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (bundle < 0)
        return cmc_fail(err, CMC_E_SYS, "open the bundle");
    if (shim_bundle_write(bundle, "address", address, err) < 0)
        return -(int)err->code;
    shim_bootstrap_answer(params, version, address, &out);
    if (cmc_buf_check(&out, "answer", err) < 0)
        return -(int)err->code;
    if (write(STDOUT_FILENO, out.data, out.len) != (ssize_t)out.len)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}

int shim_start(const struct shim_args *a, const struct cmc_site *site, struct cmc_err *err)
{
    static struct place at; /* 12 KiB */
    cmc_autobuf struct cmc_buf in = cmc_buf_of(SHIM_BOOTSTRAP_MAX);
    const struct timespec pause = {0, JOIN_PAUSE_MS * 1000000L};
    struct shim_bootstrap b;
    int version = 0;
    if (!*a->id || !*a->ns)
        return cmc_fail(err, CMC_E_USAGE, "start needs -namespace and -id");
    if (cmc_buf_read(&in, STDIN_FILENO, "standard input", err) < 0 ||
        shim_bootstrap_parse(in.data, in.len, a->id, a->ns, &b, err) < 0 ||
        find_place(a, &b, &at, err) < 0)
        return -(int)err->code;
    for (int i = 0; i < JOIN_TRIES; i++) {
        version = join_or_create(a, site, &b, &at, err);
        if (version != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    if (version == 0)
        return cmc_wrap(err, "join the shim at %s", at.path);
    return version < 0 ? version : answer(b.params, (unsigned)version, at.path, err);
}
