/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcd.c -- the attestation daemon: answers who asks what ran on this host. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attest/serve/listen.h"
#include "base/applog.h"
#include "base/cleanup.h"
#include "base/no_core.h"
#include "base/options.h"
#include "base/service.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NOT_DONE = 3 };
enum { DESCRIPTORS = 16384, DESCRIPTORS_OURS = 64, PEM_MAX = 128 << 10, HOST_NAME_BYTES = 256 };

#define DEFAULT_TCTI "device:/dev/tpmrm0"

struct settings {
    const char *config, *shim, *install, *alg;
    bool check, create;
};

struct daemon {
    struct serve_config cfg;
    struct serve_store store;
    const char *notify; /* NOTIFY_SOCKET, or NULL */
};

static int exit_status(const struct cmc_err *err)
{
    if (err->code == CMC_E_VERIFY)
        return EXIT_REFUSED;
    return err->code == CMC_E_USAGE ? EXIT_USAGE : EXIT_NOT_DONE;
}

static int check_settings(const struct settings *s, struct cmc_err *err)
{
    if (s->check + s->create + (s->install != NULL) > 1)
        return cmc_fail(err, CMC_E_USAGE,
                        "give one of --check, --create-key and --install-key; see --help");
    if (s->alg && !s->create)
        return cmc_fail(err, CMC_E_USAGE, "--alg goes with --create-key; see --help");
    if (s->alg && strcmp(s->alg, "EC256") != 0 && strcmp(s->alg, "RSA2048") != 0)
        return cmc_fail(err, CMC_E_USAGE, "--alg %.40s: expected EC256 or RSA2048", s->alg);
    return 0;
}

static int parse(int argc, char **argv, struct settings *out, struct cmc_err *err)
{
    struct settings s = {.config = SERVE_CONFIG_PATH, .shim = CMC_SITE_PATH};
    int first = argc;
    const struct cmc_opt opts[] = {
        {"config", CMC_OPT_TEXT, "FILE", "configuration (default " SERVE_CONFIG_PATH ")",
         &s.config},
        {"shim-config", CMC_OPT_TEXT, "FILE",
         "where the recorder's settings are (default " CMC_SITE_PATH ")", &s.shim},
        {"check", CMC_OPT_BOOL, NULL, "read configuration and metadata, and exit", &s.check},
        {"create-key", CMC_OPT_BOOL, NULL,
         "make the attestation key, and print a certificate request", &s.create},
        {"alg", CMC_OPT_TEXT, "ALG", "of the key: EC256 or RSA2048", &s.alg},
        {"install-key", CMC_OPT_TEXT, "CHAIN",
         "store the key's certificates: PEM, the key's own first", &s.install},
    };
    const struct cmc_options options = {
        .program = "cmcd",
        .synopsis = "[OPTION]...",
        .about = "Answers verifiers with reports: a quote of the TPM, the log of what ran on this\n"
                 "host, and signed reference values.",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "CMC_TCTI names the TPM where the configuration does not. SIGHUP reads the\n"
                 "metadata anew.\n\n"
                 "Exit status: 0 done or told to stop, 1 refused (metadata, a key), 2 usage or\n"
                 "configuration, 3 not done (no TPM, a system error)."};
    const int rc = cmc_options_parse(&options, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (first != argc)
        return cmc_fail(err, CMC_E_USAGE, "%.64s: no arguments are taken; see --help", argv[first]);
    if (check_settings(&s, err) < 0)
        return -(int)err->code;
    *out = s;
    return CMC_OPTIONS_RUN;
}

static int set_text(char **to, const char *text, struct cmc_err *err)
{
    if (*to || (*to = strdup(text)))
        return 0;
    return cmc_fail(err, CMC_E_LIMIT, "out of memory");
}

static int load_config(const struct settings *s, struct serve_config *out, struct cmc_err *err)
{
    char host[HOST_NAME_BYTES] = "localhost";
    struct cmc_site site = {0};
    const char *env = getenv("CMC_TCTI");
    if (cmc_site_load(s->shim, &site, err) < 0)
        return -(int)err->code;
    const int rc = serve_config_load(s->config, &site, out, err);
    cmc_site_done(&site);
    if (rc < 0)
        return rc;
    if (gethostname(host, sizeof(host) - 1) < 0)
        return cmc_fail(err, CMC_E_SYS, "gethostname");
    if (set_text(&out->host, host, err) < 0 ||
        set_text(&out->tcti, env && *env ? env : DEFAULT_TCTI, err) < 0)
        return -(int)err->code;
    return 0;
}

static void log_line(void *ctx, enum cmc_level level, const char *msg, const char *who)
{
    const struct daemon *d = ctx;
    if (level > d->cfg.level)
        return;
    cmc_log(STDERR_FILENO, level, msg, who ? "client" : NULL, who, NULL);
}

static int work(void *ctx, const struct serve_task *task, struct cmc_buf *out, struct cmc_err *err)
{
    const struct daemon *d = ctx;
    const struct serve_context c = {.cfg = &d->cfg, .store = &d->store, .now = time(NULL)};
    return serve_handle(&c, task, out, err);
}

static int adopt(void *ctx, const void *data, size_t len, struct cmc_err *err)
{
    struct daemon *d = ctx;
    struct serve_store store;
    char count[24];
    if (serve_store_open(data, len, &store, err) < 0)
        return -(int)err->code;
    serve_store_done(&d->store);
    d->store = store;
    (void)snprintf(count, sizeof(count), "%zu", store.count);
    if (d->cfg.level >= CMC_LOG_INFO)
        cmc_log(STDERR_FILENO, CMC_LOG_INFO, "metadata was read", "items", count, NULL);
    if (d->cfg.roots.count + d->cfg.metadata_roots.count == 0 && store.count)
        log_line(d, CMC_LOG_WARNING,
                 "metadata is sent without being verified: no rootCas or metadataCas", NULL);
    return 0;
}

static void reloading(void *ctx, bool begins)
{
    const struct daemon *d = ctx;
    char state[64] = "READY=1";
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    if (begins)
        (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                       (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    cmc_service_notify(d->notify, state);
}

static int load_metadata(struct daemon *d, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf set = cmc_buf_of(SERVE_STORE_MAX);
    if (serve_store_load(&d->cfg, time(NULL), &set, err) < 0)
        return -(int)err->code;
    return adopt(d, set.data, set.len, err);
}

/* As many clients as there are descriptors for: each may need one for its answer too. */
static struct serve_limits limits_here(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return (struct serve_limits){0};
    r.rlim_cur = r.rlim_max < DESCRIPTORS ? r.rlim_max : DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &r);
    const size_t clients = r.rlim_cur > (rlim_t)2 * DESCRIPTORS_OURS
                               ? (size_t)(r.rlim_cur - DESCRIPTORS_OURS) / 2
                               : DESCRIPTORS_OURS / 2;
    return (struct serve_limits){.clients =
                                     clients < SERVE_CLIENTS_MAX ? clients : SERVE_CLIENTS_MAX};
}

static int open_signals(struct cmc_err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "signalfd") : fd;
}

static int listen_and_run(struct daemon *d, struct serve_server *s, gid_t gid, struct cmc_err *err)
{
    const int passed = cmc_service_sockets(getenv("LISTEN_PID"), getenv("LISTEN_FDS"), err);
    if (passed < 0 || serve_listen(s, &d->cfg, passed, gid, err) < 0)
        return -(int)err->code;
    log_line(d, CMC_LOG_INFO, "ready", NULL);
    cmc_service_notify(d->notify, "READY=1");
    const int rc = serve_server_run(s, err);
    cmc_service_notify(d->notify, "STOPPING=1");
    return rc;
}

static int serve(struct daemon *d, struct cmc_err *err)
{
    const struct serve_hooks hooks = {
        .ctx = d, .work = work, .adopt = adopt, .log = log_line, .reloading = reloading};
    const struct serve_limits limits = limits_here();
    const gid_t gid = serve_listen_group(d->cfg.group);
    struct serve_server *s = NULL;
    cmc_autofd int signals = open_signals(err);
    if (signals < 0 || load_metadata(d, err) < 0 ||
        serve_server_new(&hooks, &limits, signals, gid, &s, err) < 0)
        return -(int)err->code;
    if (gid == (gid_t)-1)
        cmc_log(STDERR_FILENO, CMC_LOG_WARNING, "no such group: only root sees details", "group",
                d->cfg.group, NULL);
    const int rc = listen_and_run(d, s, gid, err);
    serve_server_free(s);
    return rc;
}

static const char *key_alg(const struct daemon *d, const struct settings *s)
{
    const char *alg = s->alg ? s->alg : d->cfg.key_alg;
    return alg && strcmp(alg, "RSA2048") == 0 ? "rsa2048" : "ecdsa-p256";
}

static int create_key(const struct daemon *d, const struct settings *s, struct cmc_err *err)
{
    const struct prove_config cfg = serve_handle_prover(&d->cfg);
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(PEM_MAX);
    if (prove_create_key(&cfg, key_alg(d, s), &csr, err) < 0)
        return -(int)err->code;
    if (fwrite(csr.data, 1, csr.len, stdout) != csr.len || fflush(stdout) != 0)
        return cmc_fail(err, CMC_E_SYS, "standard output");
    return 0;
}

static int install_key(const struct daemon *d, const struct settings *s, struct cmc_err *err)
{
    const struct prove_config cfg = serve_handle_prover(&d->cfg);
    cmc_autobuf struct cmc_buf pem = cmc_buf_of(PEM_MAX);
    cmc_autofd int fd = open(s->install, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", s->install);
    if (cmc_buf_read(&pem, fd, s->install, err) < 0)
        return -(int)err->code;
    return prove_install(&cfg, pem.data, pem.len, err);
}

static int run(struct daemon *d, const struct settings *s, struct cmc_err *err)
{
    if (load_config(s, &d->cfg, err) < 0)
        return -(int)err->code;
    if (s->create)
        return create_key(d, s, err);
    if (s->install)
        return install_key(d, s, err);
    return s->check ? load_metadata(d, err) : serve(d, err);
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct settings settings = {0};
    struct daemon d = {.notify = getenv("NOTIFY_SOCKET")};

    cmc_no_core();                           /* stored configurations hold values of variables */
    (void)setenv("TSS2_LOG", "all+none", 1); /* tss2 would write to stderr what we report once */
    (void)umask(0077);
    int rc = parse(argc, argv, &settings, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_NOT_DONE;
    if (rc == CMC_OPTIONS_RUN)
        rc = run(&d, &settings, &err);
    serve_store_done(&d.store);
    serve_config_done(&d.cfg);
    if (rc == 0)
        return EXIT_SUCCESS;
    cmc_log(STDERR_FILENO, CMC_LOG_ERROR, err.msg, NULL);
    return exit_status(&err);
}
