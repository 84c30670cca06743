/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify_ask.c -- one question with a nonce of its own; a slow answer is waited for
 * in sight. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#include "tools/cmcctl_verify.h"

enum { STEP_MS = 1000 };

struct progress {
    pthread_t thread;
    bool runs;
    int end[2]; /* closing the second ends the thread */
    const char *addr;
};

/* Once a second, from the second second on. */
static void *tick(void *arg)
{
    const struct progress *p = arg;
    struct pollfd end = {.fd = p->end[0], .events = POLLIN};
    bool shown = false;
    for (unsigned s = 1; poll(&end, 1, STEP_MS) == 0; s++) {
        (void)fprintf(stderr, "\rwaiting for %.60s: %u s ", p->addr, s);
        (void)fflush(stderr);
        shown = true;
    }
    if (shown)
        (void)fputs("\r\x1b[K", stderr);
    return NULL;
}

/* Only where somebody looks; without a thread there is no line, and no harm. */
static void begin(struct progress *p)
{
    sigset_t all, before;
    if (!isatty(STDERR_FILENO) || pipe(p->end) < 0)
        return;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    p->runs = pthread_create(&p->thread, NULL, tick, p) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void finish(struct progress *p)
{
    cmc_closep(&p->end[1]);
    if (p->runs)
        (void)pthread_join(p->thread, NULL);
    cmc_closep(&p->end[0]);
}

int cmcctl_ask(const struct serve_peer *peer, uint8_t nonce[static CTL_NONCE_LEN],
               struct cmc_buf *report, struct cmc_err *err)
{
    struct progress progress = {.end = {-1, -1}, .addr = peer->addr};
    if (getrandom(nonce, CTL_NONCE_LEN, 0) != CTL_NONCE_LEN)
        return cmc_fail(err, CMC_E_SYS, "getrandom");
    begin(&progress);
    const int rc = serve_attest(peer, nonce, CTL_NONCE_LEN, NULL, report, err);
    finish(&progress);
    return rc;
}
