/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fail_alloc.c -- malloc and its kin, wrapped by the linker: one of them fails. */
#include "tests/lib/fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 100000 }; /* allocations of one call: more is a loop */

static size_t mine;
static size_t *countdown = &mine; /* 0: none fails; n: the nth from now does */
static pid_t spared;              /* a process whose allocations do not count */

static bool fails(void)
{
    if (*countdown == 0 || spared == getpid() || --*countdown > 0)
        return false;
    errno = ENOMEM;
    return true;
}

/* True when call needs fewer than n allocations. */
static bool is_undisturbed(fail_alloc_call *call, size_t n)
{
    struct cmc_err err = {0};
    mine = n;
    const int rc = call(&err);
    const bool undisturbed = mine > 0;
    mine = 0;
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

bool fail_alloc_happened(void)
{
    return mine == 0;
}

void fail_alloc_in_children(size_t n)
{
    if (countdown == &mine)
        countdown = mmap(NULL, sizeof(*countdown), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(countdown, MAP_FAILED);
    spared = getpid();
    *countdown = n;
}

bool fail_alloc_reached(void)
{
    const bool reached = *countdown == 0;
    *countdown = 0;
    return reached;
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
