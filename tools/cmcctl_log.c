/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_log.c -- cmcctl log: shows the events, proves them, exports them, follows them. */
#include "tools/cmcctl_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "measure/cel.h"

enum { OUT_MAX = 1 << 30, FOLLOW_MS = 200 };

static const char about[] =
    "Shows the events that were recorded in this boot. Every digest is recomputed from\n"
    "what is shown and the log is replayed; --verify also compares the result with the\n"
    "register in the TPM, in all banks. Below an event stands what differs from the\n"
    "event before it of the same image, container name, or container id.";
static const char after[] =
    "Exit status: 0 log and TPM agree (without --verify: the log replays), 1 they disagree or\n"
    "stored details are not what was measured, 2 wrong usage, 3 could not check, or stored\n"
    "details cannot be read. Values of variables whose names contain PASSWORD, PASSWD,\n"
    "PASSPHRASE, CREDENTIAL, SECRET, TOKEN or KEY are not shown.";

static int parse(struct ctl_options *o, int argc, char **argv, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"verify", CMC_OPT_BOOL, NULL, "compare with the register in the TPM", &o->verify},
        {"container", CMC_OPT_TEXT, "ID|NAME", "show only events of this container", &o->container},
        {"wide", CMC_OPT_BOOL, NULL, "show digests in full, programs and extended values",
         &o->wide},
        {"json", CMC_OPT_BOOL, NULL, "one JSON document instead of text", &o->json},
        {"follow", CMC_OPT_BOOL, NULL, "go on showing new events until interrupted", &o->follow},
        {"export", CMC_OPT_TEXT, "cel-json|cel-cbor|cmc-json",
         "write the log to standard output and nothing else: as TCG Canonical Event Log, or, in "
         "profile cmc, as CMC's PCR Eventlog",
         &o->format},
        {"log", CMC_OPT_TEXT, "FILE", "the log; otherwise that of the configuration", &o->log},
        {"details", CMC_OPT_TEXT, "DIR", "stored details; otherwise those of the configuration",
         &o->details},
        {"firmware-log", CMC_OPT_TEXT, "FILE",
         "the firmware's event log; otherwise that of the configuration", &o->firmware_log},
        {"tcti", CMC_OPT_TEXT, "TCTI",
         "the TPM; otherwise the configuration's, then CMC_TCTI, then device:/dev/tpmrm0",
         &o->tcti},
        {"config", CMC_OPT_TEXT, "FILE", "configuration; otherwise " CMC_SITE_PATH, &o->config},
        {"color", CMC_OPT_TEXT, "auto|always|never", "auto: on a terminal, unless NO_COLOR is set",
         &o->color},
    };
    const struct cmc_options all = {.program = "cmcctl log",
                                    .synopsis = "[OPTION]...",
                                    .about = about,
                                    .opts = opts,
                                    .count = sizeof(opts) / sizeof(opts[0]),
                                    .after = after};
    int first = 0;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc == CMC_OPTIONS_RUN && first < argc)
        return cmc_fail(err, CMC_E_USAGE, "no arguments are taken; --help lists the options");
    return rc;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

static int check_options(const struct ctl_options *o, struct cmc_err *err)
{
    if (o->format && !is_one_of(o->format, "cel-json", "cel-cbor", "cmc-json"))
        return cmc_fail(err, CMC_E_USAGE, "--export takes cel-json, cel-cbor or cmc-json");
    if (!is_one_of(o->color, "auto", "always", "never"))
        return cmc_fail(err, CMC_E_USAGE, "--color takes auto, always or never");
    if (o->follow && (o->json || o->format))
        return cmc_fail(err, CMC_E_USAGE, "--follow goes neither with --json nor with --export");
    if (o->json && o->format)
        return cmc_fail(err, CMC_E_USAGE, "--json does not go with --export");
    if (o->format && (o->container || o->verify))
        return cmc_fail(err, CMC_E_USAGE,
                        "--export writes the whole log: not with --container or --verify");
    return 0;
}

/* The redaction key: without it the details of its events cannot be checked, which each says. */
static void load_key(struct ctl_log *c)
{
    if (!c->site.redaction_key)
        return;
    cmc_autofd int fd = open(c->site.redaction_key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    c->has_key = fd >= 0 && read(fd, c->key, sizeof(c->key)) == (ssize_t)sizeof(c->key);
}

static int prepare(struct ctl_log *c, struct cmc_err *err)
{
    const struct ctl_options *o = &c->opt;
    const char *env = getenv("CMC_TCTI");
    if (cmc_site_load(o->config ? o->config : CMC_SITE_PATH, &c->site, err) < 0)
        return -(int)err->code;
    if (!o->tcti)
        c->opt.tcti = c->site.tcti ? c->site.tcti : env && *env ? env : "device:/dev/tpmrm0";
    const int a = o->log ? snprintf(c->path, sizeof(c->path), "%s", o->log)
                         : snprintf(c->path, sizeof(c->path), "%s/log", c->site.runtime_dir);
    const int b = o->details
                      ? snprintf(c->details, sizeof(c->details), "%s", o->details)
                      : snprintf(c->details, sizeof(c->details), "%s/details", c->site.state_dir);
    if ((size_t)a >= sizeof(c->path) || (size_t)b >= sizeof(c->details))
        return cmc_fail(err, CMC_E_LIMIT, "a path is longer than %zu bytes", sizeof(c->path));
    c->color = strcmp(o->color, "always") == 0 ||
               (strcmp(o->color, "auto") == 0 && isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    load_key(c);
    return 0;
}

static int write_out(const struct cmc_buf *b, struct cmc_err *err)
{
    if (cmc_buf_check(b, "output", err) < 0)
        return -(int)err->code;
    if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}

static int status_of(const struct ctl_log *c)
{
    static const int status[] = {[CTL_REPLAYS] = CMCCTL_AGREE,
                                 [CTL_AGREES] = CMCCTL_AGREE,
                                 [CTL_DISAGREES] = CMCCTL_DISAGREE,
                                 [CTL_UNCHECKED] = CMCCTL_UNCHECKED};
    return status[c->verdict];
}

static int show(struct ctl_log *c, uint64_t from, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    cmcctl_load(c, from);
    if (c->opt.json)
        cmcctl_json(c, &out);
    else
        cmcctl_text(c, from, &out);
    return write_out(&out, err) < 0 ? -(int)err->code : status_of(c);
}

static int export(struct ctl_log *c, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    cmcctl_load(c, UINT64_MAX);
    if (!c->replayed) {
        (void)fprintf(stderr, "cmcctl log: %s\n", c->reason);
        return status_of(c);
    }
    int status = CMCCTL_AGREE, rc;
    if (strcmp(c->opt.format, "cmc-json") == 0)
        rc = status = cmcctl_cmc(c, &out, err);
    else
        rc = measure_cel_export(c->bytes.data, c->bytes.len, &c->starts.values,
                                strcmp(c->opt.format, "cel-json") == 0 ? MEASURE_CEL_JSON
                                                                       : MEASURE_CEL_CBOR,
                                &out, err);
    if (rc >= 0)
        rc = write_out(&out, err);
    return rc < 0 ? rc : status;
}

/* The log was written to, grown or not, since it was seen last. */
static bool has_changed(const char *path, struct stat *seen)
{
    struct stat st = {.st_size = -1};
    (void)stat(path, &st);
    const bool same = st.st_size == seen->st_size && st.st_ino == seen->st_ino &&
                      st.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
                      st.st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
    *seen = st;
    return !same;
}

/* Shows what comes, until SIGINT or SIGTERM. */
static int follow(struct ctl_log *c, struct cmc_err *err)
{
    sigset_t ends;
    struct stat seen = {.st_size = -2};
    uint64_t from = 0;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    cmc_autofd int fd = signalfd(-1, &ends, SFD_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "signalfd");
    struct pollfd end = {.fd = fd, .events = POLLIN};
    do {
        if (!has_changed(c->path, &seen)) /* what is written from here on changes it again */
            continue;
        const int status = show(c, from, err);
        if (status < 0 || status == CMCCTL_DISAGREE)
            return status;
        /* an open event is shown again once it has its mark */
        from = c->replayed ? c->replay.next_seq - c->replay.open : from;
    } while (poll(&end, 1, FOLLOW_MS) == 0);
    return CMCCTL_AGREE;
}

static int run(struct ctl_log *c, struct cmc_err *err)
{
    const int rc = prepare(c, err);
    if (rc < 0)
        return rc;
    if (c->opt.format)
        return export(c, err);
    return c->opt.follow ? follow(c, err) : show(c, 0, err);
}

int cmcctl_log(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct ctl_log c = {.opt = {.color = "auto"}};
    int rc = parse(&c.opt, argc, argv, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return CMCCTL_AGREE;
    if (rc == 0)
        rc = check_options(&c.opt, &err);
    if (rc == 0)
        rc = run(&c, &err);
    cmcctl_unload(&c);
    cmc_site_done(&c.site);
    if (rc >= 0)
        return rc;
    (void)fprintf(stderr, "cmcctl log: %s\n", err.msg);
    return err.code == CMC_E_USAGE ? CMCCTL_USAGE : CMCCTL_UNCHECKED;
}
