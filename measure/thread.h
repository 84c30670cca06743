/* SPDX-License-Identifier: Apache-2.0 */
/* measure/thread.h -- starts a thread that no signal of the program is delivered to. */
#ifndef MEASURE_THREAD_H
#define MEASURE_THREAD_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* run(arg) with a stack of that many bytes; the caller joins it. False, with errno set, when there
 * can be no more threads: *thread is not to be used then. */
CMC_MUST_CHECK bool measure_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *),
                                         void *arg);
#endif
