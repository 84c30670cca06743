/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/forward_frames.c -- passes State requests and their answers through a link, one after
 * the other in one thread: always the same instructions, for tests/lib/callgrind-counts.
 * forward_frames COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/link.h"

enum { FRAME_MAX = 512 };

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "forward_frames: %s\n", what);
    exit(EXIT_FAILURE);
}

static int new_pair(int *ours)
{
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0,
          "socketpair");
    *ours = pair[0];
    return pair[1];
}

/* Writes b at one side; what comes out at the other must be the same bytes. */
static void pass(struct shim_proxy *p, int from, int to, const struct cmc_buf *b)
{
    uint8_t got[FRAME_MAX];
    struct cmc_err err;
    check(write(from, b->data, b->len) == (ssize_t)b->len, "write");
    check(shim_loop_wait(&p->loop, 0, &err) == 0, "wait");
    check(read(to, got, sizeof(got)) == (ssize_t)b->len, "a frame did not come through");
    check(memcmp(got, b->data, b->len) == 0, "a frame came through changed");
}

static void round_trip(struct shim_proxy *p, int client, int real, uint32_t stream)
{
    static const uint8_t id[] = {0x0a, 4, 'b', 'o', 'x', '1'}; /* StateRequest: field 1, id */
    const struct cmc_span payload = {id, sizeof(id)};
    cmc_autobuf struct cmc_buf request = cmc_buf_of(FRAME_MAX), answer = cmc_buf_of(FRAME_MAX);

    shim_ttrpc_put_request(&request, stream, "containerd.task.v2.Task", "State", &payload);
    shim_ttrpc_put_error(&answer, stream, SHIM_STATUS_UNAVAILABLE, "an answer of usual length");
    pass(p, client, real, &request);
    pass(p, real, client, &answer);
}

int main(int argc, char **argv)
{
    struct shim_proxy p = {.setup = {.group = "box1"}};
    struct cmc_err err;
    int client, real;
    const unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    check(count > 0 && count < UINT32_MAX / 2, "usage: forward_frames COUNT");
    const int front = new_pair(&client), back = new_pair(&real);
    check(shim_loop_init(&p.loop, &err) == 0 && shim_link_new(&p, front, back, &err) == 0, "link");
    for (uint32_t i = 0; i < count; i++)
        round_trip(&p, client, real, 2 * i + 1);
    shim_link_close(p.links);
    shim_link_sweep(&p);
    return EXIT_SUCCESS;
}
