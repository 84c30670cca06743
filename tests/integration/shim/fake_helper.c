/* SPDX-License-Identifier: Apache-2.0 */
/* fake_helper.c -- stands in for cmc-measure where its faults are what is tested: the container's
 * name is the script. It writes each request it gets to <configuration>.calls. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/helper_msg.h"
#include "base/pb.h"

static void send_all(const struct cmc_buf *b)
{
    if (write(CMC_HELPER_FD, b->data, b->len) != (ssize_t)b->len)
        exit(3);
}

static void read_request(struct cmc_buf *in, struct cmc_helper_request *out)
{
    struct cmc_err err;
    for (;;) {
        uint8_t chunk[8192];
        enum cmc_helper_type type;
        struct cmc_reader body;
        ssize_t n = read(CMC_HELPER_FD, chunk, sizeof(chunk));
        if (n <= 0)
            exit(4);
        cmc_put(in, chunk, (size_t)n);
        int used = cmc_helper_frame(in->data, in->len, &type, &body, &err);
        if (used == 0)
            continue;
        if (used < 0 || type != CMC_HELPER_REQUEST || cmc_helper_request_get(&body, out, &err) < 0)
            exit(5);
        return;
    }
}

/* What the process was given beside the request: descriptors, arguments, environment. */
static void put_world(struct cmc_buf *line, int argc, char **argv, char **env)
{
    struct stat st;
    unsigned open_fds = 0, variables = 0;
    for (int fd = 0; fd < 256; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    while (env[variables])
        variables++;
    int known = fstat(CMC_HELPER_BUNDLE_FD, &st);
    cmc_put_fmt(line, " fds=%u env=%u fd4=%s tcti=%s", open_fds, variables,
                known == 0 && S_ISDIR(st.st_mode) ? "dir" : "none", argc > 4 ? argv[4] : "-");
}

static void note(const struct cmc_helper_request *q, int argc, char **argv, char **env)
{
    char path[512];
    cmc_autobuf struct cmc_buf line = cmc_buf_of(16384);
    (void)snprintf(path, sizeof(path), "%s.calls", argv[2]);
    cmc_put_fmt(&line, "job=%u ns=%s id=%s group=%s status=%u create=%zu inner=%s bundle=%s",
                (unsigned)q->job, q->ns, q->id, q->group, q->exit_status, q->create_len,
                q->inner_shim, q->bundle);
    put_world(&line, argc, argv, env);
    cmc_put_fmt(&line, " reason=%s\n", q->reason);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len)
        exit(6);
    (void)close(fd);
}

/* Number behind a word in the name: "slow-1500" -> 1500; -1 without the word. */
static long scripted(const char *name, const char *word)
{
    const char *at = strstr(name, word);
    return at ? strtol(at + strlen(word), NULL, 10) : -1;
}

static void sleep_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static void progress_for(long ms)
{
    for (long left = ms; left > 0; left -= 200) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
        struct cmc_err err;
        if (cmc_helper_progress_put(&b, &(struct cmc_helper_progress){1, 2}, &err) < 0)
            exit(7);
        send_all(&b);
        sleep_ms(left < 200 ? left : 200);
    }
}

static void lie(const char *id)
{
    static const uint8_t version[] = {0, 0, 0, 19, 'P', 0, 2, 0, 0, 0, 0, 0,
                                      0, 0, 7, 0,  0,   0, 0, 0, 0, 1, 0};
    static const uint8_t type[] = {0, 0, 0, 1, 'Z'};
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'R'};
    static const uint8_t cut[] = {0, 0, 0, 99, 'R', 0, 1};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    if (strstr(id, "lie-version"))
        cmc_put(&b, version, sizeof(version));
    else if (strstr(id, "lie-type"))
        cmc_put(&b, type, sizeof(type));
    else if (strstr(id, "lie-huge"))
        cmc_put(&b, huge, sizeof(huge));
    else if (strstr(id, "lie-cut"))
        cmc_put(&b, cut, sizeof(cut));
    else
        return;
    send_all(&b);
    if (!strstr(id, "lie-cut"))
        sleep_ms(60000); /* the shim kills us */
    exit(0);
}

static void misbehave(const struct cmc_helper_request *q)
{
    if (strstr(q->id, "crash"))
        abort();
    if (strstr(q->id, "leave"))
        exit(9);
    if (strstr(q->id, "hang"))
        sleep_ms(600000);
    lie(q->id);
}

static void put_options(const char *id, struct cmc_buf *any, struct cmc_helper_result *r)
{
    cmc_autobuf struct cmc_buf inner = cmc_buf_of(256);
    if (strstr(id, "drop"))
        r->options = CMC_HELPER_OPTIONS_DROP;
    if (!strstr(id, "replace"))
        return;
    cmc_pb_put_bytes(&inner, 7, "/run/cmc-world/other-root", 25); /* runc's --root */
    cmc_pb_put_bytes(any, 1, "containerd.runc.v1.Options", 26);
    cmc_pb_put_bytes(any, 2, inner.data, inner.len);
    r->options = CMC_HELPER_OPTIONS_REPLACE;
    r->options_any = any->data;
    r->options_len = any->len;
}

static void answer(const struct cmc_helper_request *q)
{
    cmc_autobuf struct cmc_buf any = cmc_buf_of(512), b = cmc_buf_of(4096);
    struct cmc_helper_result r = {.outcome = CMC_HELPER_RECORDED, .seq = 7, .total_us = 1234};
    struct cmc_err err;
    if (q->job == CMC_HELPER_FAILED)
        r.outcome = CMC_HELPER_MEASURE_FAILED;
    if (strstr(q->id, "notrecorded"))
        r = (struct cmc_helper_result){.outcome = CMC_HELPER_NOT_RECORDED, .text = "no TPM"};
    if (strstr(q->id, "refuse") && q->job == CMC_HELPER_CREATE)
        r = (struct cmc_helper_result){.outcome = CMC_HELPER_REFUSED, .text = "cmc: not this one"};
    put_options(q->id, &any, &r);
    if (cmc_helper_result_put(&b, &r, &err) < 0)
        exit(8);
    send_all(&b);
}

int main(int argc, char **argv, char **env)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(CMC_HELPER_MSG_MAX + 8192);
    struct cmc_helper_request q;
    if (argc < 3)
        return 2;
    read_request(&in, &q);
    note(&q, argc, argv, env);
    if (q.job == CMC_HELPER_CREATE || strstr(q.id, "twice"))
        misbehave(&q);
    if (q.job == CMC_HELPER_CREATE && scripted(q.id, "slow-") > 0)
        progress_for(scripted(q.id, "slow-"));
    answer(&q);
    return 0;
}
