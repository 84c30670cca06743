/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/proxy_world.h -- a proxy in a child process, a fake real shim behind it, the
 * scripted helper beside it, and a client. Programs come as arguments: fake_inner, fake_helper. */
#ifndef TESTS_SHIM_PROXY_WORLD_H
#define TESTS_SHIM_PROXY_WORLD_H
#include <sys/types.h>

#include "shim/ttrpc.h"

struct proxy_world {
    char dir[64], socket[96], config[96];
    pid_t proxy;
};

extern const char *world_inner, *world_helper; /* set by main() from argv */

void world_start(struct proxy_world *w);
/* Ends the proxy by Shutdown and checks that it leaves nothing; returns its exit status. */
int world_end(struct proxy_world *w);
/* Removes the directory; the test fails when more than the log and the calls is in it. */
void world_remove(struct proxy_world *w);
/* A connection to the proxy. */
int world_connect(const struct proxy_world *w);
/* Sends a whole request of containerd.task.v2.Task. timeout_ns 0: none. */
void world_send(int fd, uint32_t stream, const char *method, const struct cmc_span *payload,
                uint64_t timeout_ns);
/* Reads one frame into *b and parses it; fails the test after 15 s. */
struct shim_frame world_read(int fd, struct cmc_buf *b);
/* Reads one Response; its spans live in *b. */
struct shim_response world_answer(int fd, uint32_t stream, struct cmc_buf *b);
/* {1: id, 2: dir of w} and, when any is there, field 10. */
struct cmc_span world_create(const struct proxy_world *w, const char *id, const char *any,
                             struct cmc_buf *b);
/* What the helper was asked, as text, valid until the next call. */
const char *world_calls(const struct proxy_world *w);
#endif
