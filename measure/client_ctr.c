/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_ctr.c -- "ctr run" of containerd 1.6: its defaults, its options, in its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/client_parts.h"

static const char *const namespaces[] = {"pid", "ipc", "uts", "mount", "network"};

static const char mounts_default[] =
    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"
    "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
    "\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]}"
    ","
    "{\"destination\":\"/dev/shm\",\"type\":\"tmpfs\",\"source\":\"shm\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]},"
    "{\"destination\":\"/dev/mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
    "{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
    "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
    "{\"destination\":\"/run\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]}";
static const char mounts_net_host[] =
    ",{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/etc/hosts\","
    "\"options\":[\"rbind\",\"ro\"]},"
    "{\"destination\":\"/etc/resolv.conf\",\"type\":\"bind\",\"source\":\"/etc/resolv.conf\","
    "\"options\":[\"rbind\",\"ro\"]}";
static const char paths[] =
    "\"maskedPaths\":[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\","
    "\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\","
    "\"/sys/firmware\",\"/proc/scsi\"],"
    "\"readonlyPaths\":[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\","
    "\"/proc/sysrq-trigger\"]";

/* Devices whose use is allowed: null, random, full, tty, zero, urandom, console, pts, ptmx. */
static const struct device {
    int major, minor; /* minor -1: any */
} devices[] = {{1, 3}, {1, 8}, {1, 7}, {5, 0}, {1, 5}, {1, 9}, {5, 1}, {136, -1}, {5, 2}};

struct ctr {
    const struct measure_client_opts *o;
    const struct measure_client_image *image;
    struct cmc_buf *out;
    struct client_texts env, args, caps, notes;
    struct client_user user;
};

static void ctr_done(struct ctr *c)
{
    client_texts_done(&c->env);
    client_texts_done(&c->args);
    client_texts_done(&c->caps);
    client_texts_done(&c->notes);
    client_user_done(&c->user);
}

/* What is asked for is set first, in an empty environment, and then over the image's. */
static int make_env(struct ctr *c, char host[static 300], struct cmc_err *err)
{
    struct client_texts given = {.at = NULL}, set = {.at = NULL};
    int r = client_texts_add_list(&given, &c->o->env, err);
    if (r == 0)
        r = client_env_set(&set, &given, err);
    if (r == 0)
        r = client_texts_add_oci(&c->env, &c->image->config->env, err);
    if (r == 0 && c->env.count == 0)
        r = client_texts_add(&c->env, CLIENT_DEFAULT_PATH, err);
    if (r == 0)
        r = client_env_set(&c->env, &set, err);
    if (r == 0 && c->o->tty)
        r = client_texts_add(&c->env, "TERM=xterm", err);
    if (r == 0 && c->o->net_host) {
        (void)snprintf(host, 300, "HOSTNAME=%.255s", c->o->host_name);
        set.count = 0;
        r = client_texts_add(&set, host, err);
        if (r == 0)
            r = client_env_set(&c->env, &set, err);
    }
    client_texts_done(&given);
    client_texts_done(&set);
    return r;
}

static int make_args(struct ctr *c, struct cmc_err *err)
{
    for (size_t i = 0; i < c->o->arg_count; i++)
        if (client_texts_add(&c->args, c->o->args[i], err) < 0)
            return -(int)err->code;
    if (c->o->arg_count)
        return 0;
    if (client_texts_add_oci(&c->args, &c->image->config->entrypoint, err) < 0)
        return -(int)err->code;
    return client_texts_add_oci(&c->args, &c->image->config->cmd, err);
}

/* Annotations, then labels. */
static int make_notes(struct ctr *c, struct cmc_err *err)
{
    for (size_t i = 0; i < c->o->annotations.count; i++)
        if (!strchr(c->o->annotations.at[i], '='))
            return cmc_fail(err, CMC_E_USAGE, "--annotation \"%.60s\" is not NAME=VALUE",
                            c->o->annotations.at[i]);
    if (client_texts_add_list(&c->notes, &c->o->annotations, err) < 0)
        return -(int)err->code;
    return client_texts_add_list(&c->notes, &c->o->labels, err);
}

static void put_process(struct ctr *c)
{
    const char *cwd = c->o->cwd && *c->o->cwd ? c->o->cwd : c->image->config->cwd;
    struct cmc_buf *b = c->out;
    client_put_key(b, "process");
    cmc_put_u8(b, '{');
    if (c->o->tty) {
        client_put_key(b, "terminal");
        cmc_put_text(b, "true");
    }
    client_put_user(b, &c->user);
    client_put_texts(b, "args", &c->args);
    client_put_texts(b, "env", &c->env);
    client_put_text(b, "cwd", *cwd ? cwd : "/");
    client_put_caps(b, &c->caps);
    cmc_put_text(b, ",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":1024}]");
    if (!c->o->allow_new_privs) {
        client_put_key(b, "noNewPrivileges");
        cmc_put_text(b, "true");
    }
    if (c->o->apparmor && *c->o->apparmor)
        client_put_text(b, "apparmorProfile", c->o->apparmor);
    cmc_put_u8(b, '}');
}

static void put_part(struct cmc_buf *b, const char *key, struct measure_bytes part)
{
    if (part.len == 0)
        return;
    client_put_key(b, key);
    cmc_put_json_text(b, (const char *)part.p, part.len);
}

static int put_mount(struct cmc_buf *b, const char *spec, struct cmc_err *err)
{
    struct client_mount m;
    struct measure_bytes option;
    if (client_mount_read(spec, &m, err) < 0)
        return -(int)err->code;
    cmc_put_text(b, ",{\"destination\":");
    cmc_put_json_text(b, m.destination.p ? (const char *)m.destination.p : "", m.destination.len);
    put_part(b, "type", m.type);
    put_part(b, "source", m.source);
    for (bool first = true; client_mount_option(&m.options, &option); first = false) {
        if (first)
            client_put_key(b, "options");
        cmc_put_u8(b, first ? '[' : ',');
        cmc_put_json_text(b, (const char *)option.p, option.len);
        if (!m.options.p)
            cmc_put_u8(b, ']');
    }
    cmc_put_u8(b, '}');
    return 0;
}

static int put_mounts(struct ctr *c, struct cmc_err *err)
{
    client_put_key(c->out, "mounts");
    cmc_put_u8(c->out, '[');
    cmc_put_text(c->out, mounts_default);
    for (size_t i = 0; i < c->o->mounts.count; i++)
        if (put_mount(c->out, c->o->mounts.at[i], err) < 0)
            return -(int)err->code;
    if (c->o->net_host)
        cmc_put_text(c->out, mounts_net_host);
    cmc_put_u8(c->out, ']');
    return 0;
}

static void put_devices(struct cmc_buf *b)
{
    client_put_key(b, "devices");
    cmc_put_text(b, "[{\"allow\":false,\"access\":\"rwm\"}");
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        cmc_put_fmt(b, ",{\"allow\":true,\"type\":\"c\",\"major\":%d", devices[i].major);
        if (devices[i].minor >= 0)
            cmc_put_fmt(b, ",\"minor\":%d", devices[i].minor);
        cmc_put_text(b, ",\"access\":\"rwm\"}");
    }
    cmc_put_u8(b, ']');
}

/* 0.5 of a processor is 50,000 of each 100,000 microseconds. */
static int cpu_time(const struct measure_client_opts *o, int64_t *quota, uint64_t *period,
                    struct cmc_err *err)
{
    char *end = NULL;
    if (o->cpus) {
        const double cpus = strtod(o->cpus, &end);
        if (!*o->cpus || *end || strspn(o->cpus, "0123456789.") != strlen(o->cpus) || cpus > 1e6)
            return cmc_fail(err, CMC_E_USAGE, "--cpus \"%.20s\" is no number", o->cpus);
        *quota = (int64_t)(cpus * 100000.0);
        *period = cpus > 0 ? 100000 : 0;
    }
    if (!o->cpu_quota && !o->cpu_period)
        return 0;
    if (*period)
        return cmc_fail(err, CMC_E_USAGE, "--cpus goes neither with --cpu-quota nor --cpu-period");
    errno = 0;
    *quota = o->cpu_quota ? strtoll(o->cpu_quota, &end, 10) : -1;
    if (o->cpu_quota && (!*o->cpu_quota || *end || errno))
        return cmc_fail(err, CMC_E_USAGE, "--cpu-quota \"%.20s\" is no number", o->cpu_quota);
    *period = o->cpu_period;
    return 0;
}

static int put_cpu(struct ctr *c, struct cmc_err *err)
{
    const struct measure_client_opts *o = c->o;
    int64_t quota = -1;
    uint64_t period = 0;
    if (cpu_time(o, &quota, &period, err) < 0)
        return -(int)err->code;
    const bool limited = (o->cpus && period) || quota != -1 || o->cpu_period;
    if (!limited && !o->cpu_shares)
        return 0;
    client_put_key(c->out, "cpu");
    cmc_put_u8(c->out, '{');
    if (o->cpu_shares) {
        client_put_key(c->out, "shares");
        cmc_put_fmt(c->out, "%llu", (unsigned long long)o->cpu_shares);
    }
    if (limited) {
        client_put_key(c->out, "quota");
        cmc_put_fmt(c->out, "%lld,\"period\":%llu", (long long)quota, (unsigned long long)period);
    }
    cmc_put_u8(c->out, '}');
    return 0;
}

static const char *const joinable[] = {"pid", "network", "uts", "mount", "user", "ipc", "cgroup"};

/* --with-ns: the one of this type that is given last, behind "type:"; NULL: none. */
static const char *joined(const struct measure_client_opts *o, const char *type)
{
    for (size_t i = o->with_ns.count; i-- > 0;) {
        const char *spec = o->with_ns.at[i];
        const size_t len = strcspn(spec, ":");
        if (strlen(type) == len && strncmp(type, spec, len) == 0)
            return spec + len + 1;
    }
    return NULL;
}

static int check_joined(const struct measure_client_opts *o, struct cmc_err *err)
{
    for (size_t i = 0; i < o->with_ns.count; i++) {
        const char *spec = o->with_ns.at[i], *colon = strchr(spec, ':');
        bool known = false;
        for (size_t k = 0; colon && k < sizeof(joinable) / sizeof(joinable[0]); k++)
            known |= strlen(joinable[k]) == (size_t)(colon - spec) &&
                     strncmp(joinable[k], spec, (size_t)(colon - spec)) == 0;
        if (!known || strchr(colon + 1, ':'))
            return cmc_fail(err, CMC_E_USAGE, "--with-ns \"%.60s\" is not TYPE:PATH", spec);
    }
    return 0;
}

static void put_namespace(struct cmc_buf *b, const char *type, const char *path)
{
    if (b->data && b->data[b->len - 1] != '[')
        cmc_put_u8(b, ',');
    cmc_put_u8(b, '{');
    client_put_text(b, "type", type);
    if (path && *path)
        client_put_text(b, "path", path);
    cmc_put_u8(b, '}');
}

/* Those of the defaults keep their place, others come as they are given first. */
static void put_namespaces(struct ctr *c)
{
    struct client_texts there = {.at = NULL};
    struct cmc_err ignored;
    client_put_key(c->out, "namespaces");
    cmc_put_u8(c->out, '[');
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
        if (c->o->net_host && strcmp(namespaces[i], "network") == 0)
            continue;
        put_namespace(c->out, namespaces[i], joined(c->o, namespaces[i]));
        c->out->bad |= client_texts_add(&there, namespaces[i], &ignored) < 0;
    }
    for (size_t i = 0; i < c->o->with_ns.count; i++)
        for (size_t k = 0; k < sizeof(joinable) / sizeof(joinable[0]); k++) {
            const char *type = joinable[k];
            if (strncmp(c->o->with_ns.at[i], type, strcspn(c->o->with_ns.at[i], ":")) != 0 ||
                client_texts_has(&there, type))
                continue;
            put_namespace(c->out, type, joined(c->o, type));
            c->out->bad |= client_texts_add(&there, type, &ignored) < 0;
        }
    client_texts_done(&there);
    cmc_put_u8(c->out, ']');
}

static void put_cgroup(struct ctr *c)
{
    cmc_autobuf struct cmc_buf path = cmc_buf_of(4096);
    if (c->o->cgroup) {
        if (*c->o->cgroup)
            client_put_text(c->out, "cgroupsPath", c->o->cgroup);
        return;
    }
    cmc_put_fmt(&path, "/%s/%s", c->o->ns, c->o->id);
    cmc_put_u8(&path, 0);
    c->out->bad |= path.bad;
    if (!path.bad)
        client_put_text(c->out, "cgroupsPath", (const char *)path.data);
}

static int put_linux(struct ctr *c, struct cmc_err *err)
{
    struct cmc_buf *b = c->out;
    client_put_key(b, "linux");
    cmc_put_u8(b, '{');
    client_put_key(b, "resources");
    cmc_put_u8(b, '{');
    put_devices(b);
    if (c->o->memory_limit) {
        client_put_key(b, "memory");
        cmc_put_fmt(b, "{\"limit\":%lld}", (long long)c->o->memory_limit);
    }
    if (put_cpu(c, err) < 0)
        return -(int)err->code;
    cmc_put_u8(b, '}');
    put_cgroup(c);
    put_namespaces(c);
    cmc_put_u8(b, ',');
    cmc_put_text(b, paths);
    if (c->o->rootfs_propagation && *c->o->rootfs_propagation)
        client_put_text(b, "rootfsPropagation", c->o->rootfs_propagation);
    cmc_put_u8(b, '}');
    return 0;
}

static int put_all(struct ctr *c, struct cmc_err *err)
{
    cmc_put_u8(c->out, '{');
    client_put_text(c->out, "ociVersion", c->o->oci_version);
    put_process(c);
    client_put_key(c->out, "root");
    cmc_put_text(c->out, c->o->read_only ? "{\"path\":\"rootfs\",\"readonly\":true}"
                                         : "{\"path\":\"rootfs\"}");
    if (put_mounts(c, err) < 0)
        return -(int)err->code;
    client_put_map(c->out, "annotations", &c->notes);
    if (put_linux(c, err) < 0)
        return -(int)err->code;
    cmc_put_u8(c->out, '}');
    return cmc_buf_check(c->out, "config.json", err);
}

int measure_client_ctr(const struct measure_client_opts *o,
                       const struct measure_client_image *image, struct cmc_buf *out,
                       struct cmc_err *err)
{
    char host[300];
    struct ctr c = {.o = o, .image = image, .out = out};
    if (o->user)
        return cmc_fail(err, CMC_E_USAGE, "ctr 1.6 has no --user: the image says who");
    if (o->net_host && !o->host_name)
        return cmc_fail(err, CMC_E_USAGE,
                        "--net-host needs --host-name, the host's own name: ctr "
                        "writes it into the environment");
    int r = check_joined(o, err);
    if (r == 0)
        r = make_env(&c, host, err);
    if (r == 0)
        r = make_args(&c, err);
    if (r == 0)
        r = client_caps(o, false, &c.caps, err);
    if (r == 0)
        r = make_notes(&c, err);
    if (r == 0)
        r = client_user_find(image, image->config->user, &c.user, err);
    if (r == 0)
        r = put_all(&c, err);
    ctr_done(&c);
    return r;
}
