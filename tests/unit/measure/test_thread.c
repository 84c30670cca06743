/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_thread.c -- a thread gets no signal, and its starter keeps its own. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/thread.h"

enum { STACK = 256 << 10 };

static bool refuse;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    size_t stack = 0;
    assert_int_equal(pthread_attr_getstacksize(a, &stack), 0);
    assert_int_equal(stack, STACK);
    return refuse ? EAGAIN : __real_pthread_create(t, a, f, arg);
}

static void *mask_of_mine(void *mask)
{
    (void)pthread_sigmask(SIG_BLOCK, NULL, mask);
    return mask;
}

static void assert_mask_is(const sigset_t *want)
{
    sigset_t now;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    for (int s = 1; s < NSIG; s++)
        assert_int_equal(sigismember(&now, s), sigismember(want, s));
}

static void no_signal_is_for_it(void **state)
{
    pthread_t thread;
    sigset_t before, its;
    void *result = NULL;
    (void)state;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    (void)sigemptyset(&its);
    assert_true(measure_thread_start(&thread, STACK, mask_of_mine, &its));
    assert_mask_is(&before);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &its);
    assert_int_equal(sigismember(&before, SIGTERM), 0);
    assert_int_equal(sigismember(&its, SIGTERM), 1);
    assert_int_equal(sigismember(&its, SIGIO), 1);
}

static void one_too_many(void **state)
{
    pthread_t thread;
    sigset_t before;
    (void)state;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    refuse = true;
    errno = 0;
    assert_false(measure_thread_start(&thread, STACK, mask_of_mine, &before));
    assert_int_equal(errno, EAGAIN);
    refuse = false;
    assert_mask_is(&before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signal_is_for_it),
        cmocka_unit_test(one_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
