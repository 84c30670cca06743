/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before libc: openat2 as openat, for tools that do not know the call (valgrind of Debian
 * 12). What it forbids is forbidden no more: for counting only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>

long syscall(long number, ...)
{
    long arg[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arg[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_openat2) {
        const struct open_how *how = (const void *)arg[2];
        return openat((int)arg[0], (const char *)arg[1], (int)how->flags, (mode_t)how->mode);
    }
    long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
