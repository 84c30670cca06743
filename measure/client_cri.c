/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_cri.c -- containerd 1.6's CRI plugin: a container of a simple pod. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/client_parts.h"

enum { TEXT_MAX = 4096, HOST_MAX = 300, OWN_MOUNTS = 4, OOM_MAX = 1000 };

static const char mounts_default[] =
    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]}\n"
    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]}\n"
    "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
    "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]}"
    "\n"
    "{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]}\n"
    "{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]}\n"
    "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]}\n";

/* What kubelet asks for unless a pod says procMount: Unmasked. */
static const char kubelet_paths[] =
    "\"maskedPaths\":[\"/proc/asound\",\"/proc/acpi\",\"/proc/kcore\",\"/proc/keys\","
    "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
    "\"/proc/scsi\",\"/sys/firmware\"],"
    "\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
    "\"/proc/sysrq-trigger\"]";

struct own_mount { /* one that a pod's containers get from the plugin */
    const char *destination, *file;
    bool state;     /* below the state directory, else below root */
    bool read_only; /* where the root file system is */
};
static const struct own_mount own_mounts[OWN_MOUNTS] = {
    {"/etc/hostname", "hostname", false, true},
    {"/etc/hosts", "hosts", false, true},
    {"/etc/resolv.conf", "resolv.conf", false, true},
    {"/dev/shm", "shm", true, false},
};

struct bind { /* a mount to be written */
    struct measure_bytes source, destination;
    const char *propagation;
    const struct own_mount *own; /* NULL: asked for */
    bool read_only;
    size_t depth;
};

struct cri {
    const struct measure_client_opts *o;
    const struct measure_client_image *image;
    struct cmc_buf *out;
    struct client_texts env, args, caps;
    struct client_user user;
    struct bind binds[CMC_OPT_LIST_MAX + OWN_MOUNTS];
    size_t bind_count;
};

static void cri_free(struct cri **c)
{
    if (!*c)
        return;
    client_texts_done(&(*c)->env);
    client_texts_done(&(*c)->args);
    client_texts_done(&(*c)->caps);
    client_user_done(&(*c)->user);
    free(*c);
}

static int set_one(struct client_texts *env, const char *text, struct cmc_err *err)
{
    struct client_texts one = {.at = NULL};
    int r = client_texts_add(&one, text, err);
    if (r == 0)
        r = client_env_set(env, &one, err);
    client_texts_done(&one);
    return r;
}

/* The path, the terminal, the host's name; over them the image's, and what is asked for. */
static int make_env(struct cri *c, const char *host, struct cmc_err *err)
{
    struct client_texts with = {.at = NULL};
    int r = client_texts_add(&c->env, CLIENT_DEFAULT_PATH, err);
    if (r == 0 && c->o->tty)
        r = client_texts_add(&c->env, "TERM=xterm", err);
    if (r == 0)
        r = set_one(&c->env, host, err);
    if (r == 0)
        r = client_texts_add_oci(&with, &c->image->config->env, err);
    if (r == 0)
        r = client_texts_add_list(&with, &c->o->env, err);
    if (r == 0)
        r = client_env_set(&c->env, &with, err);
    client_texts_done(&with);
    return r;
}

/* The entrypoint is the image's unless a command is given; its arguments are the image's only
 * where neither is. */
static int make_args(struct cri *c, struct cmc_err *err)
{
    const struct measure_client_opts *o = c->o;
    const struct cmc_json *entry = measure_oci_next(&c->image->config->entrypoint, NULL);
    const bool none = entry && !entry->next && !*entry->text; /* [""] */
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->arg_count; i++)
        r = client_texts_add(&c->args, o->args[i], err);
    if (r == 0 && o->arg_count == 0 && !none)
        r = client_texts_add_oci(&c->args, &c->image->config->entrypoint, err);
    if (r == 0)
        r = client_texts_add_list(&c->args, &o->args_more, err);
    if (r == 0 && o->arg_count == 0 && o->args_more.count == 0)
        r = client_texts_add_oci(&c->args, &c->image->config->cmd, err);
    if (r == 0 && c->args.count == 0)
        return cmc_fail(err, CMC_E_VERIFY, "no command: containerd would not make the container");
    return r;
}

/* Depth of a path, and whether two are one, as filepath.Clean() would tell for absolute ones. */
static size_t depth_of(struct measure_bytes path)
{
    size_t depth = 0;
    while (measure_image_part(&path).len)
        depth++;
    return depth;
}

static bool same_path(struct measure_bytes a, struct measure_bytes b)
{
    for (;;) {
        const struct measure_bytes x = measure_image_part(&a), y = measure_image_part(&b);
        if (x.len != y.len || (x.len && memcmp(x.p, y.p, x.len) != 0))
            return false;
        if (x.len == 0)
            return true;
    }
}

static struct measure_bytes bytes_of(const char *text)
{
    return (struct measure_bytes){(const uint8_t *)text, strlen(text)};
}

static bool covered(const struct cri *c, struct measure_bytes destination)
{
    for (size_t i = 0; i < c->bind_count; i++)
        if (same_path(c->binds[i].destination, destination))
            return true;
    return false;
}

static bool is(struct measure_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static int read_bind(const char *spec, struct bind *out, struct cmc_err *err)
{
    struct client_mount m;
    struct measure_bytes option;
    if (client_mount_read(spec, &m, err) < 0)
        return -(int)err->code;
    *out =
        (struct bind){.source = m.source, .destination = m.destination, .propagation = "rprivate"};
    if (!m.source.len || !m.destination.len || (m.type.len && !is(m.type, "bind")))
        return cmc_fail(err, CMC_E_USAGE,
                        "--mount \"%.80s\": a pod's mounts have src= and dst=, and "
                        "are binds",
                        spec);
    while (client_mount_option(&m.options, &option)) {
        if (is(option, "ro"))
            out->read_only = true;
        else if (is(option, "rslave"))
            out->propagation = "rslave";
        else if (is(option, "rshared"))
            out->propagation = "rshared";
        else if (!is(option, "rw") && !is(option, "rbind") && !is(option, "rprivate"))
            return cmc_fail(err, CMC_E_USAGE,
                            "--mount: option \"%.*s\" is not ro, rw, rslave or "
                            "rshared",
                            (int)option.len, (const char *)option.p);
    }
    return 0;
}

/* Stable, so that what is deeper comes later. */
static void sort_binds(struct cri *c)
{
    for (size_t i = 1; i < c->bind_count; i++) {
        const struct bind one = c->binds[i];
        size_t at = i;
        for (; at > 0 && c->binds[at - 1].depth > one.depth; at--)
            c->binds[at] = c->binds[at - 1];
        c->binds[at] = one;
    }
}

static int make_binds(struct cri *c, struct cmc_err *err)
{
    for (size_t i = 0; i < c->o->mounts.count; i++)
        if (read_bind(c->o->mounts.at[i], &c->binds[c->bind_count++], err) < 0)
            return -(int)err->code;
    const size_t asked = c->bind_count;
    for (size_t i = 0; i < OWN_MOUNTS; i++) {
        const struct own_mount *own = &own_mounts[i];
        const struct measure_bytes destination = bytes_of(own->destination);
        size_t k = 0;
        while (k < asked && !same_path(c->binds[k].destination, destination))
            k++;
        if (k == asked)
            c->binds[c->bind_count++] =
                (struct bind){.destination = destination,
                              .propagation = "rprivate",
                              .own = own,
                              .read_only = own->read_only && c->o->read_only};
    }
    for (size_t i = 0; i < c->bind_count; i++)
        c->binds[i].depth = depth_of(c->binds[i].destination);
    sort_binds(c);
    return 0;
}

static void put_bind(struct cri *c, const struct bind *b)
{
    cmc_autobuf struct cmc_buf path = cmc_buf_of(TEXT_MAX);
    struct measure_bytes source = b->source;
    if (b->own) {
        cmc_put_fmt(&path, "%s/io.containerd.grpc.v1.cri/sandboxes/%s/%s",
                    b->own->state ? c->o->state : c->o->root, c->o->sandbox, b->own->file);
        source = (struct measure_bytes){path.data, path.len};
        c->out->bad |= path.bad;
    }
    cmc_put_text(c->out, "{\"destination\":");
    cmc_put_json_text(c->out, (const char *)b->destination.p, b->destination.len);
    cmc_put_text(c->out, ",\"type\":\"bind\",\"source\":");
    if (source.p)
        cmc_put_json_text(c->out, (const char *)source.p, source.len);
    cmc_put_fmt(c->out, ",\"options\":[\"rbind\",\"%s\",\"%s\"]}", b->propagation,
                b->read_only ? "ro" : "rw");
}

/* The defaults that nothing covers, then the others. */
static void put_mounts(struct cri *c)
{
    static const char key[] = "{\"destination\":\"";
    const bool dev = covered(c, bytes_of("/dev"));
    bool first = true;
    client_put_key(c->out, "mounts");
    cmc_put_u8(c->out, '[');
    for (const char *line = mounts_default; *line; line += strcspn(line, "\n") + 1) {
        const char *path = line + sizeof(key) - 1;
        const struct measure_bytes destination = {(const uint8_t *)path, strcspn(path, "\"")};
        if (covered(c, destination) || (dev && strncmp(path, "/dev/", 5) == 0))
            continue;
        if (!first)
            cmc_put_u8(c->out, ',');
        first = false;
        cmc_put(c->out, line, strcspn(line, "\n"));
    }
    for (size_t i = 0; i < c->bind_count; i++) {
        if (!first)
            cmc_put_u8(c->out, ',');
        first = false;
        put_bind(c, &c->binds[i]);
    }
    cmc_put_u8(c->out, ']');
}

static int put_process(struct cri *c, struct cmc_err *err)
{
    const struct measure_client_opts *o = c->o;
    const char *cwd = o->cwd && *o->cwd ? o->cwd : c->image->config->cwd;
    struct cmc_buf *b = c->out;
    client_put_key(b, "process");
    cmc_put_u8(b, '{');
    if (o->tty) {
        client_put_key(b, "terminal");
        cmc_put_text(b, "true");
    }
    client_put_user(b, &c->user);
    client_put_texts(b, "args", &c->args);
    client_put_texts(b, "env", &c->env);
    client_put_text(b, "cwd", *cwd ? cwd : "/");
    client_put_caps(b, &c->caps);
    if (o->no_new_privs) {
        client_put_key(b, "noNewPrivileges");
        cmc_put_text(b, "true");
    }
    if (o->apparmor && *o->apparmor)
        client_put_text(b, "apparmorProfile", o->apparmor);
    if (o->resources) {
        char *end = NULL;
        const long adj = o->oom_score_adj ? strtol(o->oom_score_adj, &end, 10) : 0;
        if ((end && (*end || end == o->oom_score_adj)) || adj < -OOM_MAX || adj > OOM_MAX)
            return cmc_fail(err, CMC_E_USAGE, "--oom-score-adj takes -1000 to 1000");
        client_put_key(b, "oomScoreAdj");
        cmc_put_fmt(b, "%ld", adj);
    }
    cmc_put_u8(b, '}');
    return 0;
}

/* Where a client says anything of resources, these two are there, even empty. */
static void put_limits(struct cmc_buf *b, const struct measure_client_opts *o, long long quota)
{
    cmc_put_text(b, ",\"cpu\":{");
    if (o->cpu_shares)
        cmc_put_fmt(b, "\"shares\":%llu", (unsigned long long)o->cpu_shares);
    if (quota) {
        client_put_key(b, "quota");
        cmc_put_fmt(b, "%lld", quota);
    }
    if (o->cpu_period) {
        client_put_key(b, "period");
        cmc_put_fmt(b, "%llu", (unsigned long long)o->cpu_period);
    }
    cmc_put_text(b, "},\"memory\":{");
    if (o->memory_limit)
        cmc_put_fmt(b, "\"limit\":%lld", (long long)o->memory_limit);
    if (o->memory_limit && !o->no_swap_accounting) /* so that nothing is swapped out */
        cmc_put_fmt(b, ",\"swap\":%lld", (long long)o->memory_limit);
    cmc_put_u8(b, '}');
}

static int put_resources(struct cri *c, struct cmc_err *err)
{
    const struct measure_client_opts *o = c->o;
    char *end = NULL;
    const long long quota = o->cpu_quota ? strtoll(o->cpu_quota, &end, 10) : 0;
    if (end && (*end || end == o->cpu_quota))
        return cmc_fail(err, CMC_E_USAGE, "--cpu-quota \"%.20s\" is no number", o->cpu_quota);
    client_put_key(c->out, "resources");
    cmc_put_text(c->out, "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]");
    if (o->resources)
        put_limits(c->out, o, quota);
    cmc_put_u8(c->out, '}');
    return 0;
}

static void put_cgroup(struct cri *c)
{
    cmc_autobuf struct cmc_buf path = cmc_buf_of(TEXT_MAX);
    const char *parent = c->o->cgroup_parent;
    const char *slash = parent ? strrchr(parent, '/') : NULL;
    const char *base = slash ? slash + 1 : parent;
    const size_t len = base ? strlen(base) : 0;
    if (!parent)
        cmc_put_fmt(&path, "/k8s.io/%s", c->o->id);
    else if (len > 6 && strcmp(base + len - 6, ".slice") == 0)
        cmc_put_fmt(&path, "%s:cri-containerd:%s", base, c->o->id);
    else
        cmc_put_fmt(&path, "%s/%s", parent, c->o->id);
    cmc_put_u8(&path, 0);
    c->out->bad |= path.bad;
    if (!path.bad)
        client_put_text(c->out, "cgroupsPath", (const char *)path.data);
}

static void put_namespaces(struct cri *c)
{
    const char *pid = c->o->sandbox_pid;
    cmc_put_fmt(
        c->out,
        ",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\",\"path\":\"/proc/%s/ns/ipc\"},"
        "{\"type\":\"uts\",\"path\":\"/proc/%s/ns/uts\"},{\"type\":\"mount\"},"
        "{\"type\":\"network\",\"path\":\"/proc/%s/ns/net\"}%s]",
        pid, pid, pid, c->o->cgroup_version == 2 ? ",{\"type\":\"cgroup\"}" : "");
}

static int put_linux(struct cri *c, struct cmc_err *err)
{
    client_put_key(c->out, "linux");
    cmc_put_u8(c->out, '{');
    if (put_resources(c, err) < 0)
        return -(int)err->code;
    put_cgroup(c);
    put_namespaces(c);
    if (c->o->kubelet_paths) {
        cmc_put_u8(c->out, ',');
        cmc_put_text(c->out, kubelet_paths);
    }
    for (size_t i = 0; i < c->bind_count; i++) /* the strongest that a mount needs */
        if (strcmp(c->binds[i].propagation, "rprivate") != 0) {
            client_put_text(c->out, "rootfsPropagation", c->binds[i].propagation);
            break;
        }
    cmc_put_u8(c->out, '}');
    return 0;
}

static int put_notes(struct cri *c, struct cmc_err *err)
{
    const struct measure_client_opts *o = c->o;
    const struct {
        const char *name, *value;
    } notes[] = {{"container-name", o->container}, {"container-type", "container"},
                 {"image-name", o->image_name},    {"sandbox-id", o->sandbox},
                 {"sandbox-name", o->pod},         {"sandbox-namespace", o->pod_ns},
                 {"sandbox-uid", o->pod_uid}};
    client_put_key(c->out, "annotations");
    cmc_put_u8(c->out, '{');
    for (size_t i = 0; i < o->annotations.count; i++) {
        const char *pair = o->annotations.at[i], *equals = strchr(pair, '=');
        if (!equals || strncmp(pair, "io.kubernetes.cri.", 18) == 0)
            return cmc_fail(err, CMC_E_USAGE,
                            "--annotation \"%.60s\" is not NAME=VALUE of a "
                            "client's own",
                            pair);
        if (i)
            cmc_put_u8(c->out, ',');
        cmc_put_json_text(c->out, pair, (size_t)(equals - pair));
        cmc_put_u8(c->out, ':');
        cmc_put_json_text(c->out, equals + 1, strlen(equals + 1));
    }
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "io.kubernetes.cri.%s", notes[i].name);
        client_put_text(c->out, name, notes[i].value);
    }
    cmc_put_u8(c->out, '}');
    return 0;
}

static int put_all(struct cri *c, struct cmc_err *err)
{
    cmc_put_u8(c->out, '{');
    client_put_text(c->out, "ociVersion", c->o->oci_version);
    if (put_process(c, err) < 0)
        return -(int)err->code;
    client_put_key(c->out, "root");
    cmc_put_text(c->out, c->o->read_only ? "{\"path\":\"rootfs\",\"readonly\":true}"
                                         : "{\"path\":\"rootfs\"}");
    put_mounts(c);
    if (put_notes(c, err) < 0 || put_linux(c, err) < 0)
        return -(int)err->code;
    cmc_put_u8(c->out, '}');
    return cmc_buf_check(c->out, "config.json", err);
}

/* Options of ctr that no pod has. */
static int check(const struct measure_client_opts *o, struct cmc_err *err)
{
    if (o->net_host || o->labels.count || o->with_ns.count || o->cgroup || o->cpus ||
        o->rootfs_propagation || o->allow_new_privs)
        return cmc_fail(err, CMC_E_USAGE,
                        "--net-host, --label, --with-ns, --cgroup, --cpus, "
                        "--rootfs-propagation and --allow-new-privs are ctr's");
    if (!o->image_name)
        return cmc_fail(err, CMC_E_USAGE,
                        "--as cri-1.6 needs --image-name, the image's name in the "
                        "pod: containerd writes it down");
    return 0;
}

int measure_client_cri(const struct measure_client_opts *o,
                       const struct measure_client_image *image, struct cmc_buf *out,
                       struct cmc_err *err)
{
    char host[HOST_MAX];
    if (check(o, err) < 0)
        return -(int)err->code;
    CMC_CLEANUP(cri_free) struct cri *c = calloc(1, sizeof(*c));
    if (!c)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    *c = (struct cri){.o = o, .image = image, .out = out};
    (void)snprintf(host, sizeof(host), "HOSTNAME=%.255s", o->host_name ? o->host_name : o->pod);
    if (make_env(c, host, err) < 0 || make_args(c, err) < 0 ||
        client_caps(o, true, &c->caps, err) < 0 || make_binds(c, err) < 0 ||
        client_user_find_cri(image, o->user, &c->user, err) < 0)
        return -(int)err->code;
    return put_all(c, err);
}
