/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_cmcd.h -- a peer on a unix socket that says what a test wants it to say. */
#ifndef TESTS_LIB_FAKE_CMCD_H
#define TESTS_LIB_FAKE_CMCD_H
#include <sys/types.h>

#include "attest/serve/message.h"

enum fake_cmcd_does {
    FAKE_ANSWERS,
    FAKE_REFUSES, /* with an Error that says answer->msg */
    FAKE_GARBAGE, /* bytes that are no frame */
    FAKE_SILENT   /* nothing, until the client gives up */
};
/* Runs in the peer's process. */
typedef enum fake_cmcd_does fake_cmcd_fn(uint32_t type, const struct serve_message *asked,
                                         struct serve_message *answer);

struct fake_cmcd {
    pid_t pid;
    char dir[32], addr[64];
};
void fake_cmcd_start(struct fake_cmcd *f, fake_cmcd_fn *fn);
void fake_cmcd_stop(struct fake_cmcd *f);
#endif
