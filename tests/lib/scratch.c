/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/scratch.c -- what a unit test makes in /tmp goes when it ends, also when a test of it
 * failed before its teardown. The linker puts this in front of mkdtemp() and mkstemp(). */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 64, PATH_BYTES = 128 };

static char made[PATHS][PATH_BYTES];
static size_t count;
static pid_t maker; /* its children inherit the list, and leave it alone */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path); /* a mount point stays, for who mounted it to see */
    return 0;
}

static void remove_all(void)
{
    for (size_t i = 0; i < count && maker == getpid(); i++)
        (void)nftw(made[i], remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void note(const char *path)
{
    if (maker == 0 && atexit(remove_all) == 0)
        maker = getpid();
    if (maker == getpid() && count < PATHS && strlen(path) < PATH_BYTES)
        (void)memcpy(made[count++], path, strlen(path) + 1);
}

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
char *__real_mkdtemp(char *path);
char *__wrap_mkdtemp(char *path);
int __real_mkstemp(char *path);
int __wrap_mkstemp(char *path);

char *__wrap_mkdtemp(char *path)
{
    char *done = __real_mkdtemp(path);
    if (done)
        note(done);
    return done;
}

int __wrap_mkstemp(char *path)
{
    const int fd = __real_mkstemp(path);
    if (fd >= 0)
        note(path);
    return fd;
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */
