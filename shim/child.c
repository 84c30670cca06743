/* SPDX-License-Identifier: Apache-2.0 */
/* shim/child.c -- from fork to just before exec. */
#include "shim/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH = 16 }; /* above every number that a child is given */

static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};

void shim_child_ignore_signals(void)
{
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_IGN);
}

static void reset_signals(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    /* Go takes an inherited SIG_IGN for a wish and keeps it, and runc's children would too. */
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t shim_child_fork(int *pidfd)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        /* PDEATHSIG is bound to the thread that forked; we have only one. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
            _exit(127);
        (void)setpgid(0, 0);
        reset_signals();
        return 0;
    }
    if (pid < 0)
        return -1;
    *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (*pidfd >= 0)
        return pid;
    int saved = errno;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    errno = saved;
    return -1;
}

void shim_child_begin(const int *fds, size_t count)
{
    int high[HIGH];
    for (size_t i = 0; i < count && i < HIGH; i++) { /* first out of each other's way */
        high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH);
        if (high[i] < 0)
            _exit(127);
    }
    for (size_t i = 0; i < count && i < HIGH; i++)
        if (dup2(high[i], (int)i) < 0)
            _exit(127);
    if (close_range((unsigned)count, UINT32_MAX, 0) < 0)
        _exit(127);
}

int shim_child_null(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

char *shim_child_text(const char *text)
{
    return (char *)(uintptr_t)text;
}
