/* SPDX-License-Identifier: Apache-2.0 */
/* shim/main.c -- containerd-shim-cmc-v1: reads its arguments as containerd gives them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "shim/actions.h"
#include "shim/inner.h"

enum { EXIT_USAGE = 2, EXIT_REFUSED = 3 };

struct given {
    struct shim_args args;
    bool info, version;
    const char *action; /* "" when there is none */
};

static int parse(int argc, char **argv, struct given *g, struct cmc_err *err)
{
    const char *unused;
    const struct cmc_opt opts[] = {
        {"namespace", CMC_OPT_TEXT, "NAME", "containerd's namespace", &g->args.ns},
        {"id", CMC_OPT_TEXT, "ID", "the container, or the pod's sandbox", &g->args.id},
        {"address", CMC_OPT_TEXT, "PATH", "containerd's socket", &g->args.address},
        {"publish-binary", CMC_OPT_TEXT, "PATH", "containerd's program", &g->args.publish_binary},
        {"bundle", CMC_OPT_TEXT, "DIR", "the bundle, with delete", &g->args.bundle},
        {"socket", CMC_OPT_TEXT, "PATH", "ignored", &unused},
        {"debug-socket", CMC_OPT_TEXT, "PATH", "ignored", &unused},
        {"debug", CMC_OPT_BOOL, NULL, "the real shim logs more", &g->args.debug},
        {"info", CMC_OPT_BOOL, NULL, "the real shim describes itself", &g->info},
        {"v", CMC_OPT_BOOL, NULL, "the same as --version", &g->version},
    };
    const struct cmc_options options = {
        .program = "containerd-shim-cmc-v1",
        .synopsis = "[OPTION]... start|delete",
        .about = "The measuring shim of containerd: every container is measured, and the event\n"
                 "is in the log and in the TPM, before its first instruction runs. containerd\n"
                 "starts it, people do not: ctr run --runtime io.containerd.cmc.v1 ...",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "Environment:\n"
                 "  CMC_CONFIG  site configuration instead of " CMC_SITE_PATH "\n"
                 "  CMC_TCTI    TPM interface, when the configuration names none\n\n"
                 "Exit status: 0 done, 2 wrong usage, 3 nothing was started.",
    };
    int first = 0;
    int next = cmc_options_parse(&options, argc, argv, &first, err);
    if (next == CMC_OPTIONS_RUN)
        g->action = first < argc ? argv[first] : "";
    return next;
}

/* delete must clean up whatever the configuration has become: it goes on with the defaults. */
static int load_site(const char *path, bool needed, struct cmc_site *site, struct cmc_err *err)
{
    int rc = cmc_site_load(path, site, err);
    if (rc < 0 && !needed)
        *site = (struct cmc_site){.mode = NULL};
    return needed ? rc : 0;
}

/* The helper starts in "/" and would read another file, or none. */
static int check_config(const char *path, struct cmc_err *err)
{
    return *path == '/' ? 0
                        : cmc_fail(err, CMC_E_USAGE,
                                   "CMC_CONFIG must be an absolute path, not \"%.200s\"", path);
}

static int run(const struct given *g, struct cmc_err *err)
{
    const bool deletes = strcmp(g->action, "delete") == 0;
    struct cmc_site site;
    int rc;
    const bool starts = !deletes && !g->info;
    if (shim_inner_check_loop(g->args.argv[0], err) < 0 ||
        (starts && check_config(g->args.config, err) < 0) ||
        load_site(g->args.config, starts, &site, err) < 0)
        return -(int)err->code;
    if (g->info)
        rc = shim_info(&g->args, &site, err);
    else if (deletes)
        rc = shim_delete(&g->args, &site, err);
    else
        rc = shim_start(&g->args, &site, err);
    cmc_site_done(&site);
    return rc;
}

/* containerd joins stderr to the answer of `start`: nothing is written there but with a failure. */
static int fail(const struct cmc_err *err, int status)
{
    (void)fprintf(stderr, "containerd-shim-cmc-v1: %s\n", err->msg);
    return status;
}

static bool known(const char *action)
{
    return strcmp(action, "start") == 0 || strcmp(action, "delete") == 0;
}

int main(int argc, char **argv)
{
    struct given g = {.action = ""};
    struct cmc_err err = {.code = CMC_OK};
    const char *config = getenv("CMC_CONFIG");
    char **as_given = calloc((size_t)argc + 1, sizeof(*as_given));
    if (!as_given)
        return EXIT_FAILURE;
    (void)memcpy(as_given, argv, (size_t)argc * sizeof(*argv)); /* parsing reorders argv */
    g.args = (struct shim_args){.ns = "",
                                .id = "",
                                .address = "",
                                .publish_binary = "",
                                .bundle = "",
                                .argv = as_given,
                                .config = config && *config ? config : CMC_SITE_PATH};
    int next = parse(argc, argv, &g, &err);
    int status = EXIT_SUCCESS;
    if (next == CMC_OPTIONS_RUN && g.version)
        (void)printf("containerd-shim-cmc-v1 %s\n", CMC_VERSION);
    else if (next == CMC_OPTIONS_RUN && !g.info && !known(g.action))
        (void)cmc_fail(&err, CMC_E_USAGE, "%s; start or delete is needed, --help says more",
                       *g.action ? "unknown action" : "no action");
    else if (next == CMC_OPTIONS_RUN && run(&g, &err) < 0)
        status = fail(&err, EXIT_REFUSED);
    if (err.code == CMC_E_USAGE && status == EXIT_SUCCESS)
        status = fail(&err, EXIT_USAGE);
    free(as_given);
    return status;
}
