/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fail_alloc.c -- malloc and its kin, wrapped by the linker: one of them fails. */
#include "tests/lib/fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100000 }; /* allocations of one call: more is a loop */

static size_t countdown; /* 0: none fails; n: the nth from now does */

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = ENOMEM;
    return true;
}

/* True when call needs fewer than n allocations. */
static bool is_undisturbed(fail_alloc_call *call, size_t n)
{
    struct cmc_err err = {0};
    countdown = n;
    const int rc = call(&err);
    const bool undisturbed = countdown > 0;
    countdown = 0;
    if (undisturbed ? rc < 0 : rc != -CMC_E_LIMIT || err.code != CMC_E_LIMIT || !err.msg[0])
        fail_msg("%s allocation %zu: %d, code %u: %s", undisturbed ? "before" : "without", n, rc,
                 (unsigned)err.code, err.msg);
    return undisturbed;
}

void fail_alloc_each(fail_alloc_call *call)
{
    size_t n = 1;
    while (n < MANY && !is_undisturbed(call, n))
        n++;
    assert_in_range(n, 2, MANY - 1); /* 1: nothing was tested */
}

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t max);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t max);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(p, count, size);
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t max)
{
    return fails() ? NULL : __real_strndup(s, max);
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */
