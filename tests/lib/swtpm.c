/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/swtpm.c -- swtpm on a unix socket. */
#include "tests/lib/swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { TRIES = 5000, NOT_FOUND = 127 };

static void die(const char *what)
{
    (void)fprintf(stderr, "swtpm: %s: %s\n", what, strerror(errno));
    exit(99);
}

static pid_t spawn(const struct swtpm *s, char *const argv[])
{
    char out[96];
    (void)snprintf(out, sizeof(out), "%s/out", s->dir);
    const pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    const int fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    _exit(NOT_FOUND);
}

static bool answers(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof(sa.sun_path))
        die(path);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    return fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

static bool run(struct swtpm *s)
{
    char state[96], server[128], ctrl[128], socket_path[96], ctrl_path[96];
    (void)snprintf(state, sizeof(state), "dir=%s", s->dir);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/tpm", s->dir);
    (void)snprintf(ctrl_path, sizeof(ctrl_path), "%s/tpm.ctrl", s->dir);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s", socket_path);
    (void)snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s", ctrl_path);
    (void)unlink(socket_path);
    (void)unlink(ctrl_path);
    char *argv[] = {(char[]){"swtpm"},
                    (char[]){"socket"},
                    (char[]){"--tpm2"},
                    (char[]){"--tpmstate"},
                    state,
                    (char[]){"--server"},
                    server,
                    (char[]){"--ctrl"},
                    ctrl,
                    (char[]){"--flags"},
                    (char[]){"not-need-init,startup-clear"},
                    NULL};
    int status = 0;
    s->pid = spawn(s, argv);
    for (int i = 0; i < TRIES && !(answers(ctrl_path) && answers(socket_path)); i++) {
        const struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
    }
    return true;
}

static bool set_up(const struct swtpm *s, const char *banks)
{
    char dir[64], algs[64];
    int status = 0;
    (void)snprintf(dir, sizeof(dir), "%s", s->dir);
    (void)snprintf(algs, sizeof(algs), "%s", banks);
    char *argv[] = {(char[]){"swtpm_setup"}, (char[]){"--tpm2"},
                    (char[]){"--tpmstate"},  dir,
                    (char[]){"--pcr-banks"}, algs,
                    (char[]){"--overwrite"}, NULL};
    return waitpid(spawn(s, argv), &status, 0) > 0 && status == 0;
}

bool swtpm_start(struct swtpm *s, const char *banks)
{
    *s = (struct swtpm){.dir = "/tmp/cmc-swtpm-XXXXXX"};
    (void)setenv("TSS2_LOG", "all+none", 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (!mkdtemp(s->dir))
        die("mkdtemp");
    (void)snprintf(s->tcti, sizeof(s->tcti), "swtpm:path=%s/tpm", s->dir);
    return (!banks || set_up(s, banks)) && run(s);
}

void swtpm_stop(struct swtpm *s)
{
    if (s->pid <= 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void swtpm_restart(struct swtpm *s)
{
    swtpm_stop(s);
    if (!run(s))
        die("restart");
}
