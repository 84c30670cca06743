/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/world.c -- swtpm on a unix socket, a recorder's directory, a reader.
 */
#include "tests/integration/recorder/world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/lib/recorder_fwlog.h"
#include "tpm/pcr.h"

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(99);
}

static pid_t spawn(char *const argv[], const char *out)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    int fd = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    (void)execvp(argv[0], argv);
    _exit(127);
}

static bool answers(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof(sa.sun_path))
        die("%s is too long for a socket", path);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    return fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
}

void world_start_swtpm(struct world *w)
{
    char state[192], server[224], ctrl[224], out[192], ctrl_path[176];
    (void)snprintf(state, sizeof(state), "dir=%s", w->state);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s", w->socket);
    (void)snprintf(ctrl_path, sizeof(ctrl_path), "%s.ctrl", w->socket);
    (void)snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s", ctrl_path);
    (void)snprintf(out, sizeof(out), "%s/swtpm.out", w->dir);
    (void)unlink(w->socket);
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
    w->swtpm = spawn(argv, out);
    for (int i = 0; i < 5000 && !(answers(ctrl_path) && answers(w->socket)); i++) {
        const struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
        if (waitpid(w->swtpm, NULL, WNOHANG) == w->swtpm)
            die("swtpm ended, see %s", out);
    }
}

void world_kill_swtpm(struct world *w)
{
    if (w->swtpm <= 0)
        return;
    (void)kill(w->swtpm, SIGKILL);
    (void)waitpid(w->swtpm, NULL, 0);
    w->swtpm = 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        die("remove %s: %s", path, strerror(errno));
}

void world_init(struct world *w, const char *dir, const char *banks)
{
    char out[192], algs[64];
    int status = 0;
    *w = (struct world){0};
    (void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
    (void)snprintf(w->state, sizeof(w->state), "%s/state", dir);
    (void)snprintf(w->runtime, sizeof(w->runtime), "%s/run", dir);
    (void)snprintf(w->socket, sizeof(w->socket), "%s/tpm", dir);
    (void)snprintf(w->tcti, sizeof(w->tcti), "swtpm:path=%s", w->socket);
    (void)snprintf(out, sizeof(out), "%s/swtpm.out", dir);
    (void)snprintf(algs, sizeof(algs), "%s", banks);
    if (mkdir(w->dir, 0700) < 0 || mkdir(w->state, 0700) < 0)
        die("make %s: %s", w->dir, strerror(errno));
    char *argv[] = {(char[]){"swtpm_setup"}, (char[]){"--tpm2"},
                    (char[]){"--tpmstate"},  w->state,
                    (char[]){"--pcr-banks"}, algs,
                    (char[]){"--overwrite"}, NULL};
    if (waitpid(spawn(argv, out), &status, 0) < 0 || status != 0)
        die("swtpm_setup --pcr-banks %s failed, see %s", banks, out);
    (void)setenv("TSS2_LOG", "all+none", 1);
    w->cfg = (struct record_config){.runtime_dir = w->runtime,
                                    .tcti = w->tcti,
                                    .pcr = 13,
                                    .profile = MEASURE_PROFILE_EXACT,
                                    .lock_timeout_ms = 20000};
    world_start_swtpm(w);
}

void world_done(struct world *w)
{
    world_kill_swtpm(w);
    remove_tree(w->dir);
}

void world_forget(struct world *w)
{
    remove_tree(w->runtime);
}

void world_boot(struct world *w)
{
    world_kill_swtpm(w);
    world_forget(w);
    world_start_swtpm(w);
    if (w->firmware)
        world_extend(w, w->firmware, false);
}

void world_firmware(struct world *w, uint8_t byte)
{
    struct tpm_pcr_ctx *tpm = NULL;
    struct tpm_banks b = {0};
    struct measure_banks like = {0};
    struct cmc_err err = {0};
    if (tpm_pcr_open(w->tcti, &tpm, &err) < 0 || tpm_pcr_banks(tpm, w->cfg.pcr, &b, &err) < 0)
        die("PCR: %s", err.msg);
    tpm_pcr_close(tpm);
    for (size_t i = 0; i < b.count; i++)
        like.bank[like.count++].alg = b.bank[i].alg;
    (void)snprintf(w->firmware_log, sizeof(w->firmware_log), "%s/firmware", w->dir);
    recorder_fwlog_write(w->firmware_log, w->cfg.pcr, &like, byte);
    w->cfg.firmware_log = w->firmware_log;
    w->firmware = byte;
}

struct record *world_open(const struct world *w)
{
    struct record *r = NULL;
    struct cmc_err err = {0};
    if (record_open(&w->cfg, &r, &err) < 0)
        die("record_open: %s", err.msg);
    return r;
}

struct measure_event world_event(const char *container)
{
    struct measure_event ev = {.type = MEASURE_CONTAINER_CREATE,
                               .container = container,
                               .ns = "default",
                               .has_config = true,
                               .has_rootfs = true,
                               .decision = MEASURE_DECISION_AUDIT,
                               .program_count = 1,
                               .programs = {{.role = "runc", .path = "/usr/sbin/runc"}}};
    memset(ev.config, 0xc0, sizeof(ev.config));
    memset(ev.rootfs, 0x0f, sizeof(ev.rootfs));
    return ev;
}

struct measure_event world_quiet_event(const char *container)
{
    return (struct measure_event){
        .type = MEASURE_CONTAINER_DELETE, .container = container, .ns = "default"};
}

void world_extend(const struct world *w, uint8_t byte, bool first_bank_only)
{
    struct tpm_pcr_ctx *tpm = NULL;
    struct tpm_banks b = {0};
    struct cmc_err err = {0};
    if (tpm_pcr_open(w->tcti, &tpm, &err) < 0 || tpm_pcr_banks(tpm, w->cfg.pcr, &b, &err) < 0 ||
        tpm_pcr_read(tpm, w->cfg.pcr, &b, &err) < 0)
        die("PCR: %s", err.msg);
    for (size_t i = 0; i < b.count; i++)
        memset(b.bank[i].value, byte, b.bank[i].len);
    if (first_bank_only)
        b.count = 1;
    if (tpm_pcr_extend(tpm, w->cfg.pcr, &b, &err) < 0)
        die("extend: %s", err.msg);
    tpm_pcr_close(tpm);
}

void world_read(const struct world *w, struct recorder_log *out)
{
    struct cmc_err err = {0};
    if (recorder_log_read(&w->cfg, out, &err) < 0)
        die("%s: %s", w->runtime, err.msg);
}
