/* SPDX-License-Identifier: Apache-2.0 */
/* shim/proxy.h -- the long-lived process: connections, held Creates, helpers, the real shim. */
#ifndef SHIM_PROXY_H
#define SHIM_PROXY_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/loop.h"

struct shim_link;   /* a connection of containerd and its twin to the real shim: link.h */
struct shim_create; /* a Create that waits, or that was forwarded and is not answered: gate.h */
struct shim_job;    /* a running helper: job.h */
struct shim_owed;   /* an event that no helper could record yet: owed.h */

/* What `start` found out; borrowed for the life of the process. */
struct shim_setup {
    const char *ns, *id, *group;
    const char *inner;       /* the file that the real shim runs: /proc/PID/exe */
    const char *config;      /* path of the site configuration, for the helper */
    const char *tcti;        /* CMC_TCTI, or NULL: as configured */
    const char *runtime_dir; /* the recorder's, or NULL */
    const char *socket_dir;  /* where our socket is */
    const char *socket_path;
    int listener; /* our socket, non-blocking */
    int inode;    /* the real shim's private socket, O_PATH */
    int helper;   /* the judged helper, O_PATH */
    int log;      /* shim log */
    pid_t server; /* the real shim */
};

struct shim_proxy {
    struct shim_setup setup;
    struct shim_loop loop;
    struct shim_watch listener, server;
    struct shim_link *links;
    struct shim_create *creates;
    struct shim_job *jobs;
    struct shim_link *dead_links; /* freed after the batch that closed them */
    struct shim_create *dead_creates;
    struct shim_job *dead_jobs;
    struct shim_owed *owed; /* oldest first */
    bool owed_busy;         /* a helper is at the first one */
    uint64_t owed_tried_ms, owed_pause_ms;
    uint64_t socket_ino;
    uint64_t quiet_since_ms; /* last time somebody left, or a Create was done with */
    uint64_t ended_ms;       /* the real shim's end, 0 while it runs */
    bool seen_create;        /* some Create came */
    bool used;               /* one was forwarded: containers may exist */
};

/* Serves until the real shim has ended and every helper is done.
 * Returns 0, or -CMC_E_SYS when it cannot serve at all. */
CMC_MUST_CHECK int shim_proxy_run(const struct shim_setup *setup, struct cmc_err *err);
#endif
