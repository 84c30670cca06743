/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_recorder_serve.h -- serves the recorder's socket (docs/formats/recorder-socket.md). */
#ifndef TOOLS_CMC_RECORDER_SERVE_H
#define TOOLS_CMC_RECORDER_SERVE_H
#include <sys/types.h>

#include "record/recorder.h"

struct recorder_service {
    const struct record_config *record; /* borrowed */
    uid_t user;                         /* who is served besides root; (uid_t)-1: nobody */
    int64_t rest_until_ms;              /* no pause before: set by the last one */
};

/* The uid of user cmc as /etc/passwd says, or (uid_t)-1. */
uid_t recorder_serve_user(void);
/* Serves one connection (borrowed) and logs what came of it. */
void recorder_serve_client(struct recorder_service *s, int fd);
/* Serves one client after another; returns 0 after idle_ms without one (-1: never).
 * Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int recorder_serve_all(struct recorder_service *s, int listener, int idle_ms,
                                      struct cmc_err *err);
#endif
