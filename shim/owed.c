/* SPDX-License-Identifier: Apache-2.0 */
/* shim/owed.c -- a short queue of failures to record. */
#include "shim/owed.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/missed.h"
#include "shim/job.h"

enum { OWED_MAX = 1024, REASON_MAX = 512, LOCK_TRIES = 20 };
enum { PAUSE_MS = 10000, LONGEST_PAUSE_MS = 600000, LAST_PAUSE_MS = 300 };

struct shim_owed {
    struct shim_owed *next;
    char *id;
    char reason[REASON_MAX];
};

/* No recorder may have come so far: then the directory is not there either. */
static int open_missed(const char *runtime_dir)
{
    struct stat st;
    (void)mkdir(runtime_dir, 0750);
    cmc_autofd int dir = open(runtime_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022) != 0)
        return -1;
    return openat(dir, "missed",
                  O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

void shim_owed_missed(const struct shim_proxy *p, const char *id, const char *why)
{
    if (!p->setup.runtime_dir)
        return;
    cmc_autofd int fd = open_missed(p->setup.runtime_dir);
    for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
        (void)poll(NULL, 0, 1); /* held for two calls; without it, a line may be lost */
    cmc_missed_append(fd, p->setup.ns, id, "container-create", why);
}

static size_t append(struct shim_proxy *p, struct shim_owed *o)
{
    struct shim_owed **at = &p->owed;
    size_t count = 1;
    for (; *at; at = &(*at)->next)
        count++;
    o->next = NULL;
    *at = o;
    return count;
}

static struct shim_owed *take_first(struct shim_proxy *p)
{
    struct shim_owed *o = p->owed;
    p->owed = o->next;
    return o;
}

static void forget(struct shim_owed *o)
{
    free(o->id);
    free(o);
}

void shim_owed_note(struct shim_proxy *p, const char *id, const char *why)
{
    struct shim_owed *o = calloc(1, sizeof(*o));
    if (!o) /* the log has said it */
        return;
    if (!p->owed) {
        p->owed_tried_ms = shim_loop_now_ms();
        p->owed_pause_ms = PAUSE_MS;
    }
    o->id = strdup(id);
    (void)snprintf(o->reason, sizeof(o->reason), "recorded late: %s", why);
    if (!o->id)
        forget(o);
    else if (append(p, o) > OWED_MAX && !p->owed_busy)
        forget(take_first(p));
}

static bool could_record(const struct cmc_helper_result *r)
{
    return r && (r->outcome == CMC_HELPER_RECORDED || r->outcome == CMC_HELPER_MEASURE_FAILED);
}

/* A container that helpers die of must not keep the others from being recorded: it goes last. */
static void told(void *owner, const struct cmc_helper_result *r, const char *why)
{
    struct shim_proxy *p = owner;
    struct shim_owed *o = take_first(p);
    const bool late = could_record(r);
    p->owed_busy = false;
    cmc_log(p->setup.log, late ? CMC_LOG_WARNING : CMC_LOG_ERROR,
            late ? "failure recorded late" : "failure still not recorded", "task", o->id, "why",
            late ? o->reason
            : r  ? r->text
                 : why,
            NULL);
    if (late)
        forget(o);
    else
        (void)append(p, o);
    p->owed_pause_ms = late                                      ? PAUSE_MS
                       : p->owed_pause_ms < LONGEST_PAUSE_MS / 2 ? 2 * p->owed_pause_ms
                                                                 : LONGEST_PAUSE_MS;
    shim_owed_retry(p, r);
}

static void try_first(struct shim_proxy *p)
{
    const struct shim_owed *o = p->owed;
    struct cmc_err err;
    const struct cmc_helper_request q = {
        .job = CMC_HELPER_FAILED,
        .ns = p->setup.ns,
        .id = o->id,
        .group = p->setup.group,
        .inner_shim = p->setup.inner,
        .reason = o->reason,
    };
    p->owed_tried_ms = shim_loop_now_ms();
    p->owed_busy = shim_job_start(p, &q, -1, told, p, &err) == 0;
}

void shim_owed_retry(struct shim_proxy *p, const struct cmc_helper_result *result)
{
    if (p->owed && !p->owed_busy && could_record(result))
        try_first(p);
}

uint64_t shim_owed_tick(struct shim_proxy *p, uint64_t now_ms)
{
    const uint64_t pause = p->ended_ms ? LAST_PAUSE_MS : p->owed_pause_ms;
    if (!p->owed || p->owed_busy)
        return UINT64_MAX;
    if (p->ended_ms && now_ms >= p->ended_ms + SHIM_OWED_LAST_MS)
        return UINT64_MAX; /* a helper that hangs must not keep us, again and again */
    if (now_ms < p->owed_tried_ms + pause)
        return p->owed_tried_ms + pause;
    try_first(p);
    return p->owed_busy ? UINT64_MAX : now_ms + pause;
}
