/* SPDX-License-Identifier: Apache-2.0 */
/* measure/thread.c -- signals are blocked before the thread is there, so that it never gets one. */
#include "measure/thread.h"

#include <errno.h>
#include <signal.h>

bool measure_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int r = pthread_attr_init(&attr);
    if (r == 0) {
        (void)pthread_attr_setstacksize(&attr, stack);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &before);
        r = pthread_create(thread, &attr, run, arg);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
    }
    errno = r;
    return r == 0;
}
