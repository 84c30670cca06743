/* SPDX-License-Identifier: Apache-2.0 */
/* base/cleanup.h -- scope-bound resources. Never mixed with goto in one function. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CMC_CLEANUP(fn) __attribute__((cleanup(fn)))
#define cmc_autofree    CMC_CLEANUP(cmc_freep)
#define cmc_autofd      CMC_CLEANUP(cmc_closep)

/* CMC_DEFINE_CLEANUP(EVP_MD_CTX_freep, EVP_MD_CTX *, EVP_MD_CTX_free) */
#define CMC_DEFINE_CLEANUP(name, type, call)                                                       \
    static inline void name(type *p)                                                               \
    {                                                                                              \
        if (*p)                                                                                    \
            call(*p);                                                                              \
        *p = NULL;                                                                                 \
    }

/* Hands ownership out of the scope: return CMC_TAKE_PTR(buf). */
#define CMC_TAKE_PTR(p)                                                                            \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

static inline int cmc_take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void cmc_freep(void *p)
{
    free(*(void **)p);
}

static inline void cmc_closep(int *fd)
{
    int saved = errno; /* cleanup must not hide the errno of the real fault */
    if (*fd >= 0)
        (void)close(*fd); /* no EINTR retry: Linux has freed the number already */
    *fd = -1;
    errno = saved;
}
#endif
