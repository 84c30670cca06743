/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/coverage.c -- writes the counters of a process that ends with _exit(). */
#include <unistd.h>

void __gcov_dump(void);                  /* libgcov */
_Noreturn void __real__exit(int status); /* the linker's --wrap */
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
