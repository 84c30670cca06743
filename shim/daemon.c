/* SPDX-License-Identifier: Apache-2.0 */
/* shim/daemon.c -- from a child of containerd to a process that outlives it. */
#include "shim/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/applog.h"
#include "shim/bundle.h"
#include "shim/child.h"
#include "shim/leftover.h"
#include "shim/log.h"
#include "shim/proxy.h"
#include "shim/server.h"
#include "shim/sock.h"

enum { PROBE_MS = 10000 };

/* The proxy's descriptors; nothing else survives from containerd and from `start`. */
enum { FD_LOG = 2, FD_LISTENER, FD_PRIVATE, FD_INODE, FD_HELPER, FD_READY, FD_BUNDLE, FD_COUNT };

/* What the proxy tells `start` through a pipe, once. */
struct ready {
    int version;  /* 2, 3, or -code */
    pid_t server; /* the real shim */
    char msg[sizeof(((struct cmc_err *)0)->msg)];
};

/* The site's log, else the bundle's FIFO, else nothing: a shim must not fail for its log. */
static int open_log(const struct cmc_site *site, int bundle)
{
    int fd = shim_log_open(site);
    if (fd < 0)
        fd = shim_bundle_log(bundle);
    return fd < 0 ? shim_child_null() : fd;
}

static int probe(int inode_fd, int pidfd, const char *id, struct cmc_err *err)
{
    cmc_autofd int fd = shim_sock_connect_private(inode_fd, err);
    return fd < 0 ? -(int)err->code : shim_server_probe(fd, pidfd, id, PROBE_MS, err);
}

/* In the bundle. Returns the real shim's version, with its number in *pid, or -code. */
static int start_server(const struct shim_daemon_args *a, pid_t *pid, struct cmc_err *err)
{
    cmc_autofd int fifo = shim_bundle_log(FD_BUNDLE);
    cmc_autofd int pidfd = -1;
    const struct shim_server_args s = {
        .program = a->inner,
        .ns = a->args->ns,
        .id = a->args->id,
        .address = a->args->address,
        .debug = a->args->debug,
        .listener = FD_PRIVATE,
        .log = fifo,
    };
    if (shim_server_place(&a->cgroup, getenv("SCHED_CORE"), err) < 0 ||
        shim_server_start(&s, pid, &pidfd, err) < 0)
        return -(int)err->code;
    int version = probe(FD_INODE, pidfd, a->args->id, err);
    if (version < 0) {
        (void)kill(*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
        return cmc_wrap(err, "%s", a->inner);
    }
    return version;
}

static void tell_start(int version, pid_t server, const struct cmc_err *err)
{
    struct ready r = {.version = version, .server = server};
    if (version < 0)
        (void)memcpy(r.msg, err->msg, sizeof(r.msg));
    if (write(FD_READY, &r, sizeof(r)) != (ssize_t)sizeof(r))
        return; /* start was killed: the proxy leaves when nobody comes */
}

/* What the configuration names counts first, for the recorder and for us: else one register would
 * hold the boot's first event and another the rest. The helper reads the configuration itself. */
static const char *tcti_of_environment(const struct cmc_site *site)
{
    const char *env = getenv("CMC_TCTI");
    return !site->tcti && env && *env ? env : NULL;
}

static _Noreturn void serve(const struct shim_daemon_args *a)
{
    struct cmc_err err = {.code = CMC_OK};
    char running[sizeof("/proc/2147483647/exe")];
    struct shim_setup setup = {
        .ns = a->args->ns,
        .id = a->args->id,
        .group = a->group,
        .inner = running,
        .config = a->args->config,
        .tcti = tcti_of_environment(a->site),
        .runtime_dir = a->site->runtime_dir,
        .socket_dir = a->socket_dir,
        .socket_path = a->socket_path,
        .listener = FD_LISTENER,
        .inode = FD_INODE,
        .helper = FD_HELPER,
        .log = FD_LOG,
    };
    int version = start_server(a, &setup.server, &err);
    (void)snprintf(running, sizeof(running), "/proc/%d/exe", setup.server);
    if (version < 0)
        (void)close(FD_LISTENER); /* who hears that we failed must not find us listening */
    tell_start(version, setup.server, &err);
    (void)close(FD_READY);
    (void)close(FD_PRIVATE); /* the real shim's alone: its end must refuse connections */
    (void)close(FD_BUNDLE);  /* may be deleted while the group lives */
    if (version > 0 && chdir("/") == 0 && shim_proxy_run(&setup, &err) < 0)
        cmc_log(FD_LOG, CMC_LOG_ERROR, "proxy ends", "group", a->group, "why", err.msg, NULL);
    _exit(version > 0 ? 0 : 1);
}

/* In the first child: a session of its own, then a process that can never get a terminal. */
static _Noreturn void become_daemon(const struct shim_daemon_args *a, int private_listener,
                                    int inode, int ready)
{
    (void)setsid();
    pid_t pid = fork();
    if (pid != 0)
        _exit(pid < 0);
    int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fds[FD_COUNT] = {shim_child_null(),
                               shim_child_null(),
                               open_log(a->site, bundle),
                               a->listener,
                               private_listener,
                               inode,
                               a->helper,
                               ready,
                               bundle};
    shim_child_begin(fds, FD_COUNT);
    for (int fd = FD_LISTENER; fd < FD_COUNT; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    shim_child_ignore_signals();
    serve(a);
}

static int wait_ready(int fd, struct ready *r, struct cmc_err *err)
{
    ssize_t n;
    do
        n = read(fd, r, sizeof(*r));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*r))
        return cmc_fail(err, CMC_E_FORMAT, "the proxy died while it started");
    if (r->version > 0)
        return 0;
    return cmc_fail(err, (enum cmc_code) - r->version, "%.*s", (int)sizeof(r->msg) - 1, r->msg);
}

/* By `start`, never by the proxy: when `start` is killed containerd deletes the bundle, and a file
 * that appears meanwhile would keep it for ever. */
static void note_server(const struct cmc_site *site, pid_t server)
{
    struct cmc_err err;
    cmc_autofd int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (shim_leftover_note(bundle, server, &err) == 0)
        return;
    cmc_autofd int log = open_log(site, bundle);
    cmc_log(log, CMC_LOG_WARNING, "no note for delete", "why", err.msg, NULL);
}

int shim_daemon_start(const struct shim_daemon_args *a, struct cmc_err *err)
{
    cmc_autofd int listener = -1;
    cmc_autofd int inode = -1;
    int ready[2];
    if (shim_sock_private(a->socket_dir, &listener, &inode, err) < 0)
        return -(int)err->code;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return cmc_fail(err, CMC_E_SYS, "pipe");
    cmc_autofd int from_proxy = ready[0];
    cmc_autofd int to_start = ready[1];
    pid_t pid = fork();
    if (pid == 0)
        become_daemon(a, listener, inode, to_start);
    if (pid < 0 || waitpid(pid, NULL, 0) < 0)
        return cmc_fail(err, CMC_E_SYS, "fork");
    cmc_closep(&to_start);
    struct ready r;
    if (wait_ready(from_proxy, &r, err) < 0)
        return -(int)err->code;
    note_server(a->site, r.server);
    return r.version;
}
