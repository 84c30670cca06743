/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_recorder.c -- prepares the recorder's directory at boot and writes the first event;
 * serves the recorder's socket. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/no_core.h"
#include "base/options.h"
#include "base/service.h"
#include "base/site.h"
#include "record/ask.h"
#include "record/dir.h"
#include "record/recorder.h"
#include "tools/cmc_recorder_serve.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NOT_DONE = 3 };
enum { PROGRAMS = 2, STEP = 8192, IDLE_MS = 30000, FIRMWARE_LOG_MAX = 8 << 20 };

#define DEFAULT_TCTI "device:/dev/tpmrm0"

struct settings {
    const char *config;
    const char *socket; /* to make; NULL: the service manager's */
    bool init, serve;
};

static int exit_status(const struct cmc_err *err)
{
    if (err->code == CMC_E_VERIFY)
        return EXIT_REFUSED;
    return err->code == CMC_E_USAGE ? EXIT_USAGE : EXIT_NOT_DONE;
}

static int parse(int argc, char **argv, struct settings *out, struct cmc_err *err)
{
    struct settings s = {.config = CMC_SITE_PATH};
    int first = argc;
    const struct cmc_opt opts[] = {
        {"init", CMC_OPT_BOOL, NULL,
         "prepare the runtime directory and write recorder-start where it is due", &s.init},
        {"serve", CMC_OPT_BOOL, NULL,
         "serve the socket that the service manager passed, or the one of --socket", &s.serve},
        {"socket", CMC_OPT_TEXT, "PATH", "make this socket (with --serve; " RECORD_SOCKET ")",
         &s.socket},
        {"config", CMC_OPT_TEXT, "FILE", "configuration (default " CMC_SITE_PATH ")", &s.config},
    };
    const struct cmc_options options = {
        .program = "cmc-recorder",
        .synopsis = "--init|--serve [OPTION]...",
        .about =
            "Prepares the directory of the measurement log at boot and writes its first event\n"
            "(doing it twice changes nothing), or records what cmcd is told of.",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "CMC_TCTI names the TPM where the configuration does not.\n\n"
                 "Exit status: 0 done, 1 refused (wrong owner, mode, register or log), 2 usage,\n"
                 "3 not done (no TPM, no space, a system error).\n"};
    int rc = cmc_options_parse(&options, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (first != argc)
        return cmc_fail(err, CMC_E_USAGE, "%.64s: no arguments are taken; see --help", argv[first]);
    if (s.init == s.serve)
        return cmc_fail(err, CMC_E_USAGE, "give either --init or --serve; see --help");
    if (s.socket && !s.serve)
        return cmc_fail(err, CMC_E_USAGE, "--socket goes with --serve; see --help");
    *out = s;
    return CMC_OPTIONS_RUN;
}

static bool is_mount(int fd)
{
    struct statx sx;
    return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx) == 0 &&
           (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* A file system of our own: nobody else's files use up its space, and it ends with the boot. */
static int mount_runtime(const char *path, struct cmc_err *err)
{
    char target[32], data[96];
    struct statfs fs;
    cmc_autofd int fd = record_dir_open(path, true, err);
    if (fd < 0)
        return -(int)err->code;
    if (is_mount(fd)) {
        if (fstatfs(fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC)
            cmc_log(
                STDERR_FILENO, CMC_LOG_WARNING,
                "not a tmpfs: a log that outlives the boot begins the next with a discontinuity",
                "directory", path, NULL);
        return 0;
    }
    if (faccessat(fd, "log", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        cmc_log(STDERR_FILENO, CMC_LOG_WARNING,
                "recording began before its file system was mounted: going on without one",
                "directory", path, NULL);
        return 0;
    }
    const gid_t gid = record_dir_group();
    (void)snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
    (void)snprintf(data, sizeof(data), "size=64m,mode=0750,uid=0,gid=%u",
                   gid == (gid_t)-1 ? 0 : gid);
    if (mount("cmc", target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, data) < 0)
        return cmc_fail(err, CMC_E_SYS, "mount a tmpfs on %s", path);
    return 0;
}

static int hash_file(const char *path, uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    struct cmc_sha256_ctx c;
    uint8_t step[STEP];
    ssize_t n;
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    cmc_sha256_init(&c);
    while ((n = read(fd, step, sizeof(step))) > 0)
        cmc_sha256_add(&c, step, (size_t)n);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read %s", path);
    cmc_sha256_end(&c, out);
    return 0;
}

struct programs {
    char recorder[512], measure[512];
    struct measure_program list[PROGRAMS];
    size_t count;
};

/* The programs that can extend the register from here on, as far as they lie beside this one. */
static int find_programs(struct programs *p, struct cmc_err *err)
{
    ssize_t n = readlink("/proc/self/exe", p->recorder, sizeof(p->recorder) - 1);
    if (n <= 0)
        return cmc_fail(err, CMC_E_SYS, "readlink /proc/self/exe");
    p->recorder[n] = 0;
    p->list[0] = (struct measure_program){.role = "recorder", .path = p->recorder};
    if (hash_file("/proc/self/exe", p->list[0].sha256, err) < 0)
        return -(int)err->code;
    p->count = 1;
    const int dir = (int)(strrchr(p->recorder, '/') - p->recorder);
    (void)snprintf(p->measure, sizeof(p->measure), "%.*s/cmc-measure", dir, p->recorder);
    if (access(p->measure, F_OK) < 0)
        return 0;
    p->list[1] = (struct measure_program){.role = "measure", .path = p->measure};
    p->count = 2;
    return hash_file(p->measure, p->list[1].sha256, err);
}

static const char *tcti_of(const struct cmc_site *site)
{
    const char *env = getenv("CMC_TCTI");
    if (site->tcti)
        return site->tcti;
    return env && *env ? env : DEFAULT_TCTI;
}

static void report(const struct cmc_site *site, const struct record_receipt *receipt)
{
    char pcr[16], seq[24];
    (void)snprintf(pcr, sizeof(pcr), "%" PRIu32, site->pcr);
    (void)snprintf(seq, sizeof(seq), "%" PRIu64, receipt->seq);
    cmc_log(STDERR_FILENO, receipt->discontinuity ? CMC_LOG_WARNING : CMC_LOG_INFO,
            receipt->discontinuity ? "log and PCR do not agree: a discontinuity was recorded"
            : receipt->started     ? "recording begins"
                                   : "recording goes on",
            "directory", site->runtime_dir, "pcr", pcr, "event", seq, NULL);
}

static struct record_config config_of(const struct cmc_site *site, const struct programs *programs)
{
    return (struct record_config){
        .runtime_dir = site->runtime_dir,
        .tcti = tcti_of(site),
        .pcr = site->pcr,
        .insecure_pcr = site->insecure_pcr,
        .profile = strcmp(site->profile, "cmc") == 0 ? MEASURE_PROFILE_CMC : MEASURE_PROFILE_EXACT,
        .firmware_log = site->firmware_log,
        .ignore_banks = site->ignore_banks,
        .ignore_count = site->ignore_count,
        .programs = programs->list,
        .program_count = programs->count};
}

/* The firmware's log is for root alone; group cmc may read the copy, and it does not change until
 * the next boot. A host without one is as good: then reports have none. */
static void copy_firmware_log(const struct cmc_site *site)
{
    struct cmc_err err;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(FIRMWARE_LOG_MAX);
    cmc_autofd int from = open(site->firmware_log, O_RDONLY | O_CLOEXEC);
    cmc_autofd int dir = record_dir_open(site->runtime_dir, false, &err);
    if (from < 0 || dir < 0 || cmc_buf_read(&b, from, "firmware log", &err) < 0)
        return;
    cmc_autofd int to =
        record_dir_file(dir, "firmware-log", O_WRONLY | O_CREAT | O_TRUNC, 0640, &err);
    if (to >= 0 && write(to, b.data, b.len) != (ssize_t)b.len && ftruncate(to, 0) < 0)
        cmc_log(STDERR_FILENO, CMC_LOG_WARNING, "the firmware's log could not be copied",
                "directory", site->runtime_dir, NULL);
}

static int init(const struct cmc_site *site, struct cmc_err *err)
{
    struct programs programs = {0};
    struct record *r = NULL;
    struct record_receipt receipt;
    if (find_programs(&programs, err) < 0 || mount_runtime(site->runtime_dir, err) < 0)
        return -(int)err->code;
    const struct record_config cfg = config_of(site, &programs);
    int rc = record_open(&cfg, &r, err);
    if (rc == 0)
        rc = record_init(r, &receipt, err);
    record_close(r);
    if (rc == 0) {
        copy_firmware_log(site);
        report(site, &receipt);
    }
    return rc;
}

static int open_socket(const char *path, struct cmc_err *err)
{
    const struct cmc_service_socket own = {
        .path = path, .type = SOCK_SEQPACKET, .mode = 0660, .gid = record_dir_group()};
    if (path)
        return cmc_service_listen(&own, err);
    const int n = cmc_service_sockets(getenv("LISTEN_PID"), getenv("LISTEN_FDS"), err);
    if (n < 0)
        return n;
    if (n != 1)
        return cmc_fail(err, CMC_E_USAGE, "%d sockets were passed, expected 1: give --socket", n);
    return CMC_SERVICE_FIRST_FD;
}

/* Who was started for a socket ends when nobody asks for a while: it is started again. */
static int serve(const struct cmc_site *site, const struct settings *settings, struct cmc_err *err)
{
    struct programs programs = {0};
    if (find_programs(&programs, err) < 0)
        return -(int)err->code;
    const struct record_config cfg = config_of(site, &programs);
    struct recorder_service service = {.record = &cfg, .user = recorder_serve_user()};
    cmc_autofd int listener = open_socket(settings->socket, err);
    if (listener < 0)
        return -(int)err->code;
    return recorder_serve_all(&service, listener, settings->socket ? -1 : IDLE_MS, err);
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct settings settings = {0};
    struct cmc_site site = {0};

    cmc_no_core();
    (void)setenv("TSS2_LOG", "all+none", 1); /* tss2 would write to stderr what we report once */
    int rc = parse(argc, argv, &settings, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_NOT_DONE;
    if (rc == CMC_OPTIONS_RUN)
        rc = cmc_site_load(settings.config, &site, &err);
    if (rc == 0) {
        rc = settings.serve ? serve(&site, &settings, &err) : init(&site, &err);
        cmc_site_done(&site);
    }
    if (rc == 0)
        return EXIT_SUCCESS;
    cmc_log(STDERR_FILENO, CMC_LOG_ERROR, err.msg, NULL);
    return exit_status(&err);
}
