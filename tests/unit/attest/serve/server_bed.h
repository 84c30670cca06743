/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/server_bed.h -- a server in a process of its own, with work that a test
 * can steer, and clients of every kind. */
#ifndef TESTS_UNIT_ATTEST_SERVE_SERVER_BED_H
#define TESTS_UNIT_ATTEST_SERVE_SERVER_BED_H
#include "attest/serve/server.h"

/* What the first byte of a payload asks the work for; the answer is an Error frame's payload. */
enum bed_work {
    BED_ECHO = 'e',   /* the payload */
    BED_VALUE = 'v',  /* one byte: the adopted value */
    BED_SLEEP = 's',  /* sleeps 20 ms per byte, then as echo */
    BED_HANG = 'h',   /* never ends */
    BED_CRASH = 'c',  /* is killed */
    BED_LONG = 'l',   /* 4 MiB */
    BED_SHORT = 't',  /* half a frame */
    BED_NOTHING = 'n' /* no frame */
};

struct bed_shared { /* with the server and its workers */
    int value;      /* that was adopted */
    int next;       /* what UpdateMetadata brings; < 0: it is refused */
    int busy, most; /* workers that run, of the one kind; the most at a time */
    int reloads;    /* begun and ended, by the hook */
};

struct server_bed {
    struct bed_shared *shared;
    char dir[32], path[64];
    pid_t pid;
    uint16_t port; /* of TCP */
};

void server_bed_start(struct server_bed *b, const struct serve_limits *limits);
/* The server must still run, and end when it is told to. */
void server_bed_stop(struct server_bed *b);

int server_bed_dial(const struct server_bed *b, bool tcp);
void server_bed_send(int fd, const void *data, size_t len);
/* Sends a whole request. */
void server_bed_ask(int fd, uint32_t type, const void *payload, size_t len);
/* Reads until the end; returns the bytes of the answer's payload, -1 when there is no whole frame.
 */
long server_bed_answer(int fd, uint32_t *type, char *out, size_t cap);
/* All of it: the payload of the answer as a text. */
const char *server_bed_exchange(const struct server_bed *b, uint32_t type, const char *payload);
/* The server answers an ordinary request. */
void server_bed_alive(const struct server_bed *b);
int64_t server_bed_ms(void);
#endif
