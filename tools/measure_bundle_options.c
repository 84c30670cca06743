/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle_options.c -- parsing fills a struct and does nothing else. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "tools/measure_bundle.h"

enum { PCR_DEFAULT = 13, PCR_MAX = 23 }; /* PC Client PTP: PCR 0..23 */
enum { CTR_SHARES = 1024 };
#define CPU_SHARES_UNSET UINT64_MAX

#if defined(__x86_64__)
#define HERE "linux/amd64"
#elif defined(__aarch64__)
#define HERE "linux/arm64"
#elif defined(__s390x__)
#define HERE "linux/s390x"
#else
#define HERE "linux/unknown"
#endif

static const char about[] =
    "Prints reference values for an OCI bundle as JSON: the digests that a host with cmc\n"
    "records when it starts a container with this configuration and this root file system.\n"
    "Needs neither a TPM nor, where the files can be read, root.";
static const char after[] =
    "BUNDLE is a directory with config.json; the root file system is what root.path says.\n"
    "A bundle of \"umoci unpack --rootless\" is known by its umoci.json.\n\n"
    "Exit status: 0 done, 1 refused (what is there cannot be measured truthfully, or changed\n"
    "meanwhile), 2 wrong usage, 3 could not (unreadable, no config.json, out of space).\n\n"
    "Example: measure-bundle -config bundle/config.json -rootfs bundle/rootfs";

enum { OPTIONS_MAX = 64 };

struct table { /* of all options, put together */
    struct cmc_opt opts[OPTIONS_MAX];
    size_t count;
};

static void add(struct table *t, const struct cmc_opt *opts, size_t count)
{
    assert(t->count + count <= OPTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        t->opts[t->count++] = opts[i];
}

#define ADD(t, rows) add(t, rows, sizeof(rows) / sizeof((rows)[0]))

static void add_bundle(struct table *t, struct measure_bundle_options *o)
{
    const struct cmc_opt opts[] = {
        {"config", CMC_OPT_TEXT, "FILE", "the configuration; otherwise BUNDLE/config.json",
         &o->config},
        {"rootfs", CMC_OPT_TEXT, "DIR", "the root file system; otherwise root.path of it",
         &o->rootfs},
        {"id", CMC_OPT_TEXT, "ID",
         "container id to look for in the configuration (default " MEASURE_BUNDLE_ID ")", &o->id},
        {"profile", CMC_OPT_TEXT, "exact|cmc", "how to measure (default exact)", &o->profile_name},
        {"pcr", CMC_OPT_U64, "N", "the register that hosts extend (default 13)", &o->pcr},
        {"name", CMC_OPT_TEXT, "NAME", "name of the component; otherwise the image's, or ID",
         &o->name},
        {"listing", CMC_OPT_TEXT, "FILE", "write what was measured, path by path, to FILE",
         &o->listing},
        {"redaction-key", CMC_OPT_TEXT, "FILE", "the site's key; withholds values of variables",
         &o->redaction_key},
        {"file-max", CMC_OPT_U64, "BYTES",
         "refuse larger files, as the site does (default 0: none)", &o->file_max},
        {"rootless", CMC_OPT_BOOL, NULL,
         "owners are in user.rootlesscontainers: the tree was unpacked without root", &o->rootless},
        {"progress", CMC_OPT_BOOL, NULL, "show progress also where standard error is no terminal",
         &o->progress},
    };
    ADD(t, opts);
}

static void add_image(struct table *t, struct measure_bundle_options *o)
{
    struct measure_client_opts *c = &o->client;
    const struct cmc_opt opts[] = {
        {"image", CMC_OPT_TEXT, "LAYOUT[:TAG]",
         "an OCI image layout, a directory or a tar archive, instead of a bundle", &o->image},
        {"as", CMC_OPT_TEXT, "ctr-1.6|cri-1.6", "the client that will run the image", &o->as},
        {"platform", CMC_OPT_TEXT, "OS/ARCH[/VARIANT]",
         "which image of several (default: this machine's)", &o->platform},
        {"oci-version", CMC_OPT_TEXT, "VERSION",
         "what containerd writes as ociVersion (default 1.0.2-dev)", &c->oci_version},
        {"env", CMC_OPT_LIST, "NAME=VALUE", "as of the client; may be repeated", &c->env},
        {"mount", CMC_OPT_LIST, "type=TYPE,src=PATH,dst=PATH,options=A:B",
         "as of ctr; may be repeated", &c->mounts},
        {"annotation", CMC_OPT_LIST, "NAME=VALUE", "as of the client; may be repeated",
         &c->annotations},
        {"cwd", CMC_OPT_TEXT, "DIR", "as of the client", &c->cwd},
        {"tty", CMC_OPT_BOOL, NULL, "as of the client", &c->tty},
        {"read-only", CMC_OPT_BOOL, NULL, "as of the client", &c->read_only},
        {"cap-add", CMC_OPT_LIST, "CAP_NAME", "as of ctr; may be repeated", &c->cap_add},
        {"cap-drop", CMC_OPT_LIST, "CAP_NAME", "as of ctr; may be repeated", &c->cap_drop},
        {"memory-limit", CMC_OPT_U64, "BYTES", "as of the client", &c->memory_limit},
        {"cpu-shares", CMC_OPT_U64, "N", "as of the client (default of ctr run: 1024)",
         &c->cpu_shares},
        {"cpu-quota", CMC_OPT_TEXT, "N", "as of the client", &c->cpu_quota},
        {"cpu-period", CMC_OPT_U64, "N", "as of the client", &c->cpu_period},
        {"apparmor-profile", CMC_OPT_TEXT, "NAME", "as of ctr; the default one too", &c->apparmor},
    };
    ADD(t, opts);
}

static void add_client(struct table *t, struct measure_bundle_options *o)
{
    struct measure_client_opts *c = &o->client;
    const struct cmc_opt opts[] = {
        {"namespace", CMC_OPT_TEXT, "NAME", "containerd's namespace (default: default)", &c->ns},
        {"label", CMC_OPT_LIST, "NAME[=VALUE]", "as of ctr; may be repeated", &c->labels},
        {"cgroup", CMC_OPT_TEXT, "PATH", "as of ctr (default /NAMESPACE/ID)", &c->cgroup},
        {"cpus", CMC_OPT_TEXT, "N", "as of ctr", &c->cpus},
        {"net-host", CMC_OPT_BOOL, NULL, "as of ctr; with --host-name", &c->net_host},
        {"host-name", CMC_OPT_TEXT, "NAME", "name of the host, or of the pod's sandbox",
         &c->host_name},
        {"allow-new-privs", CMC_OPT_BOOL, NULL, "as of ctr", &c->allow_new_privs},
        {"with-ns", CMC_OPT_LIST, "TYPE:PATH", "as of ctr; may be repeated", &c->with_ns},
        {"rootfs-propagation", CMC_OPT_TEXT, "MODE", "as of ctr", &c->rootfs_propagation},
    };
    ADD(t, opts);
}

static void add_cri(struct table *t, struct measure_bundle_options *o)
{
    struct measure_client_opts *c = &o->client;
    const struct cmc_opt opts[] = {
        {"image-name", CMC_OPT_TEXT, "NAME", "cri: the image's name in the pod", &c->image_name},
        {"arg", CMC_OPT_LIST, "TEXT", "cri: an argument behind the command; may be repeated",
         &c->args_more},
        {"user", CMC_OPT_TEXT, "UID[:GID]", "cri: otherwise the image's", &c->user},
        {"no-new-privs", CMC_OPT_BOOL, NULL, "cri: no privilege escalation", &c->no_new_privs},
        {"oom-score-adj", CMC_OPT_TEXT, "N", "cri: as kubelet says", &c->oom_score_adj},
        {"kubelet-paths", CMC_OPT_BOOL, NULL, "cri: paths are masked as kubelet wants it",
         &c->kubelet_paths},
        {"container", CMC_OPT_TEXT, "NAME", "cri: in the pod (default container)", &c->container},
        {"pod", CMC_OPT_TEXT, "NAME", "cri: (default pod)", &c->pod},
        {"pod-namespace", CMC_OPT_TEXT, "NAME", "cri: (default default)", &c->pod_ns},
        {"pod-uid", CMC_OPT_TEXT, "UID", "cri: (default zeros)", &c->pod_uid},
        {"sandbox", CMC_OPT_TEXT, "ID", "cri: of the pod's sandbox (default zeros)", &c->sandbox},
        {"sandbox-pid", CMC_OPT_TEXT, "PID", "cri: its process (default 0)", &c->sandbox_pid},
        {"cgroup-parent", CMC_OPT_TEXT, "PATH", "cri: of the pod", &c->cgroup_parent},
        {"cgroup-version", CMC_OPT_U64, "1|2", "cri: of the host (default 2)", &c->cgroup_version},
        {"no-swap-accounting", CMC_OPT_BOOL, NULL, "cri: the host's kernel does not limit swap",
         &c->no_swap_accounting},
        {"root", CMC_OPT_TEXT, "DIR", "cri: containerd's (default /var/lib/containerd)", &c->root},
        {"state", CMC_OPT_TEXT, "DIR", "cri: containerd's (default /run/containerd)", &c->state},
    };
    ADD(t, opts);
}

static int parse(int argc, char **argv, struct measure_bundle_options *o, struct cmc_err *err)
{
    struct table t = {.count = 0};
    add_bundle(&t, o);
    add_image(&t, o);
    add_client(&t, o);
    add_cri(&t, o);
    const struct cmc_options all = {.program = "measure-bundle",
                                    .synopsis = "[OPTION]... [BUNDLE | -- COMMAND...]",
                                    .about = about,
                                    .opts = t.opts,
                                    .count = t.count,
                                    .after = after};
    int first = argc;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (o->image) {
        o->client.args = argv + first;
        o->client.arg_count = (size_t)(argc - first);
        return CMC_OPTIONS_RUN;
    }
    if (argc - first > 1)
        return cmc_fail(err, CMC_E_USAGE, "one BUNDLE, not %d; see --help", argc - first);
    o->bundle = first < argc ? argv[first] : NULL;
    return CMC_OPTIONS_RUN;
}

/* "linux/arm64/v8" into its parts; nothing: this machine's. */
static int check_platform(struct measure_bundle_options *o, struct cmc_err *err)
{
    (void)snprintf(o->parts, sizeof(o->parts), "%s", o->platform ? o->platform : HERE);
    char *slash = strchr(o->parts, '/');
    if (!slash || (o->platform && strlen(o->platform) >= sizeof(o->parts)))
        return cmc_fail(err, CMC_E_USAGE, "--platform \"%.40s\" is not OS/ARCH", o->platform);
    *slash = 0;
    o->os = o->parts;
    o->arch = slash + 1;
    slash = strchr(slash + 1, '/');
    if (slash)
        *slash = 0;
    o->variant = slash ? slash + 1 : NULL;
    return 0;
}

static int check_image(struct measure_bundle_options *o, struct cmc_err *err)
{
    if (o->config || o->rootfs || o->rootless)
        return cmc_fail(err, CMC_E_USAGE,
                        "--image goes with neither --config, --rootfs nor "
                        "--rootless: it brings its own");
    if (!o->as || (strcmp(o->as, "ctr-1.6") != 0 && strcmp(o->as, "cri-1.6") != 0))
        return cmc_fail(err, CMC_E_USAGE, "--image needs --as ctr-1.6 or --as cri-1.6");
    if (o->client.cgroup_version != 1 && o->client.cgroup_version != 2)
        return cmc_fail(err, CMC_E_USAGE, "--cgroup-version takes 1 or 2");
    return check_platform(o, err);
}

static int check(struct measure_bundle_options *o, struct cmc_err *err)
{
    if (!o->image && !o->bundle && !o->config)
        return cmc_fail(err, CMC_E_USAGE,
                        "name a BUNDLE, or --config FILE, or --image LAYOUT; see --help");
    if (o->pcr > PCR_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--pcr takes 0 to %d", PCR_MAX);
    if (!*o->id || strcmp(o->id, ".") == 0 || strcmp(o->id, "..") == 0)
        return cmc_fail(err, CMC_E_USAGE, "--id \"%s\": no container can have this id", o->id);
    if (o->name && (!*o->name || strlen(o->name) > MEASURE_TEXT_MAX))
        return cmc_fail(err, CMC_E_USAGE, "--name takes 1 to %d bytes", MEASURE_TEXT_MAX);
    if (cmc_measure_state_profile(o->profile_name, &o->profile, err) < 0)
        return cmc_wrap(err, "--profile");
    if (o->redaction_key && o->profile == MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_USAGE, "profile cmc cannot redact: no --redaction-key with it");
    return o->image ? check_image(o, err) : 0;
}

/* A pod of which nothing is known. */
static void set_pod(struct measure_client_opts *c)
{
    c->container = "container";
    c->pod = "pod";
    c->pod_ns = "default";
    c->pod_uid = "00000000-0000-0000-0000-000000000000";
    c->sandbox = "0000000000000000000000000000000000000000000000000000000000000000";
    c->sandbox_pid = "0";
    c->cgroup_version = 2;
    c->root = "/var/lib/containerd";
    c->state = "/run/containerd";
}

static void set_defaults(struct measure_bundle_options *o)
{
    o->id = MEASURE_BUNDLE_ID;
    o->pcr = PCR_DEFAULT;
    o->client.cpu_shares = CPU_SHARES_UNSET;
    o->client.oci_version = "1.0.2-dev";
    o->client.ns = "default";
    set_pod(&o->client);
}

/* What follows from other options. */
static void complete(struct measure_bundle_options *o)
{
    struct measure_client_opts *c = &o->client;
    c->id = o->id;
    if (c->cpu_shares == CPU_SHARES_UNSET)
        c->cpu_shares = o->as && strcmp(o->as, "ctr-1.6") == 0 ? CTR_SHARES : 0;
    c->resources =
        c->cpu_shares || c->cpu_quota || c->cpu_period || c->memory_limit || c->oom_score_adj;
}

int measure_bundle_options(int argc, char **argv, struct measure_bundle_options *out,
                           struct cmc_err *err)
{
    cmc_autofree struct measure_bundle_options *o = calloc(1, sizeof(*o)); /* large */
    if (!o)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    set_defaults(o);
    const int rc = parse(argc, argv, o, err);
    if (rc == CMC_OPTIONS_RUN && check(o, err) < 0)
        return -(int)err->code;
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    complete(o);
    *out = *o;
    return o->image ? check_platform(out, err) : rc; /* its texts lie in out */
}
