/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_recorder_serve.c -- the two things that who is not root may have done by the recorder.
 * It trusts its clients with nothing else: every byte of an event is made here. */
#include "tools/cmc_recorder_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "record/dir.h"
#include "record/lock.h"
#include "record/logfile.h"
#include "record/request.h"

enum { REQUEST_WAIT_S = 1, PAUSE_LOCK_MS = 2000, RECORD_LOCK_MS = 10000, CGROUP_FILE_MAX = 65536 };

static void fclose_p(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

uid_t recorder_serve_user(void)
{
    CMC_CLEANUP(fclose_p) FILE *f = fopen("/etc/passwd", "re");
    cmc_autofree char *line = NULL; /* name:password:uid:... */
    size_t cap = 0;
    while (f && getline(&line, &cap, f) > 0) {
        const char *uid = strncmp(line, "cmc:", 4) == 0 ? strchr(line + 4, ':') : NULL;
        if (uid)
            return (uid_t)strtoul(uid + 1, NULL, 10);
    }
    return (uid_t)-1;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The line of the unified hierarchy (cgroups(7)), else systemd's own. Borrowed from text. */
static char *find_cgroup(char *text)
{
    char *found = NULL, *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "0::", 3) == 0)
            return line + 3;
        char *named = strstr(line, ":name=systemd:");
        found = named ? named + strlen(":name=systemd:") : found;
    }
    return found;
}

/* out: a text that fits an event, whatever the cgroup is called. */
static int read_cgroup(uint32_t pid, struct cmc_buf *out, struct cmc_err *err)
{
    char path[32];
    cmc_autobuf struct cmc_buf file = cmc_buf_of(CGROUP_FILE_MAX);
    (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cgroup", pid);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return cmc_fail(err, CMC_E_VERIFY, "process %" PRIu32 " does not exist", pid);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    if (cmc_buf_read(&file, fd, path, err) < 0)
        return -(int)err->code;
    cmc_put_u8(&file, '\0');
    const char *cgroup = file.bad ? NULL : find_cgroup((char *)file.data);
    if (!cgroup)
        return cmc_fail(err, CMC_E_FORMAT, "%s names no cgroup", path);
    cmc_put_safe(out, cgroup, strlen(cgroup), MEASURE_TEXT_MAX / 4 - 4);
    cmc_put_u8(out, '\0');
    return cmc_buf_check(out, path, err);
}

/* Events of containers come first: a flood of reports never takes more than half of the space, nor
 * of the length that a log may have. */
static int check_space(const char *dir, struct cmc_err *err)
{
    struct statvfs fs;
    struct stat log;
    cmc_autofd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fstatat(fd, "log", &log, AT_SYMLINK_NOFOLLOW) == 0 &&
        log.st_size > RECORD_LOG_MAX / 2)
        return cmc_fail(err, CMC_E_LIMIT,
                        "the log in %s is more than half full: what is left is for containers",
                        dir);
    if (statvfs(dir, &fs) < 0)
        return errno == ENOENT ? 0 : cmc_fail(err, CMC_E_SYS, "statvfs %s", dir);
    if (fs.f_bavail < fs.f_blocks / 2)
        return cmc_fail(err, CMC_E_LIMIT,
                        "%s is more than half full: what is left is for containers", dir);
    return 0;
}

static int record_it(const struct recorder_service *s, struct measure_event *ev,
                     struct record_receipt *receipt, struct cmc_err *err)
{
    struct record_config cfg = *s->record;
    struct record *r = NULL;
    cfg.lock_timeout_ms = RECORD_LOCK_MS;
    int rc = record_open(&cfg, &r, err);
    if (rc == 0)
        rc = record_event(r, ev, receipt, err);
    record_close(r);
    return rc;
}

static int unmeasured(const struct recorder_service *s, const struct record_request *r,
                      struct record_answer *answer, struct cmc_err *err)
{
    struct record_receipt receipt = {0};
    cmc_autobuf struct cmc_buf cgroup = cmc_buf_of(MEASURE_TEXT_MAX + 1);
    cmc_autobuf struct cmc_buf reason = cmc_buf_of(MEASURE_TEXT_MAX + 1);
    record_request_reason(r, &reason);
    cmc_put_u8(&reason, '\0');
    if (cmc_buf_check(&reason, "reason", err) < 0 || check_space(s->record->runtime_dir, err) < 0 ||
        read_cgroup(r->number, &cgroup, err) < 0)
        return -(int)err->code;
    struct measure_event ev = {.type = MEASURE_UNMEASURED,
                               .pid = r->number,
                               .cgroup = (const char *)cgroup.data,
                               .reason = (const char *)reason.data};
    if (record_it(s, &ev, &receipt, err) < 0)
        return -(int)err->code;
    answer->has_seq = true;
    answer->seq = receipt.seq;
    return 0;
}

static int send_answer(int fd, const struct record_answer *a, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(RECORD_PACKET_MAX);
    if (record_answer_encode(a, &b, err) < 0)
        return -(int)err->code;
    if (send(fd, b.data, b.len, MSG_NOSIGNAL) < 0)
        return cmc_fail(err, CMC_E_SYS, "send the answer");
    return 0;
}

/* Holds the lock until the client hangs up or ms are over. */
static int hold(struct recorder_service *s, int fd, uint32_t ms, struct cmc_err *err)
{
    const struct record_answer held = {.ok = true};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (now_ms() < s->rest_until_ms)
        return cmc_fail(err, CMC_E_LIMIT, "it paused a moment ago: ask again");
    cmc_autofd int dir = record_dir_open(s->record->runtime_dir, false, err);
    if (dir < 0)
        return -(int)err->code;
    cmc_autofd int lock = record_lock_take(dir, PAUSE_LOCK_MS, err);
    if (lock < 0)
        return -(int)err->code;
    const int64_t begin = now_ms();
    const int rc = send_answer(fd, &held, err);
    if (rc == 0)
        (void)poll(&p, 1, (int)ms);
    s->rest_until_ms = 2 * now_ms() - begin;
    return rc;
}

/* 1: asked by who is served, 0: by somebody else. */
static int is_served(const struct recorder_service *s, int fd, struct ucred *peer,
                     struct cmc_err *err)
{
    socklen_t len = sizeof(*peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) < 0)
        return cmc_fail(err, CMC_E_SYS, "SO_PEERCRED");
    return peer->uid == 0 || (s->user != (uid_t)-1 && peer->uid == s->user);
}

static int receive(int fd, bool served, struct record_request *out, struct cmc_err *err)
{
    uint8_t packet[RECORD_PACKET_MAX + 1];
    /* Read it in any case: who closes a socket with something unread resets it, answer and all. */
    const ssize_t n = recv(fd, packet, sizeof(packet), 0);
    if (!served)
        return cmc_fail(err, CMC_E_VERIFY, "only root and user cmc are served");
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "no request within %d s", REQUEST_WAIT_S);
    if (n == 0)
        return cmc_fail(err, CMC_E_FORMAT, "an empty request");
    if (n > RECORD_PACKET_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a request of more than %d bytes", RECORD_PACKET_MAX);
    return record_request_decode(packet, (size_t)n, out, err);
}

static void log_done(const struct record_request *r, const struct record_answer *a,
                     const struct ucred *peer)
{
    char pid[16], seq[24], uid[16];
    (void)snprintf(pid, sizeof(pid), "%" PRIu32, r->number);
    (void)snprintf(seq, sizeof(seq), "%" PRIu64, a->seq);
    (void)snprintf(uid, sizeof(uid), "%u", (unsigned)peer->uid);
    if (r->kind == RECORD_REQUEST_UNMEASURED)
        cmc_log(STDERR_FILENO, CMC_LOG_INFO, "recorded a report", "event", seq, "process", pid,
                "name", r->name, "uid", uid, NULL);
}

static int serve(struct recorder_service *s, int fd, struct ucred *peer, struct cmc_err *err)
{
    struct record_request r = {0};
    struct record_answer answer = {.ok = true};
    const int served = is_served(s, fd, peer, err);
    if (served < 0 || receive(fd, served, &r, err) < 0)
        return -(int)err->code;
    if (r.kind == RECORD_REQUEST_PAUSE)
        return hold(s, fd, r.number, err);
    if (unmeasured(s, &r, &answer, err) < 0)
        return -(int)err->code;
    log_done(&r, &answer, peer);
    return send_answer(fd, &answer, err);
}

void recorder_serve_client(struct recorder_service *s, int fd)
{
    const struct timeval wait = {.tv_sec = REQUEST_WAIT_S};
    struct record_answer refused = {0};
    struct ucred peer = {.uid = (uid_t)-1};
    struct cmc_err err = {0}, unheard;
    char uid[16];
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
        return;
    if (serve(s, fd, &peer, &err) == 0)
        return;
    (void)snprintf(uid, sizeof(uid), "%u", (unsigned)peer.uid);
    cmc_log(STDERR_FILENO, CMC_LOG_WARNING, err.msg, "uid", uid, NULL);
    (void)snprintf(refused.why, sizeof(refused.why), "%s", err.msg);
    if (send_answer(fd, &refused, &unheard) < 0)
        return; /* who has gone need not be told */
}

int recorder_serve_all(struct recorder_service *s, int listener, int idle_ms, struct cmc_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        const int n = poll(&p, 1, idle_ms);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "poll");
        cmc_autofd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            recorder_serve_client(s, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            return cmc_fail(err, CMC_E_SYS, "accept");
    }
}
