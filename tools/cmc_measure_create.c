/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_create.c -- measures what a Create request is about to start. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/safe_open.h"
#include "record/details.h"
#include "tools/cmc_measure_job.h"
#include "tools/cmc_measure_key.h"
#include "tools/cmc_measure_mounts.h"
#include "tools/cmc_measure_options.h"
#include "tools/cmc_measure_rootfs.h"
#include "tools/cmc_measure_tree.h"

/* Opens an absolute path below "/": a file of root's, not reached over links. */
static int open_trusted(const char *path, uint64_t max, struct cmc_err *err)
{
    cmc_autofd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return cmc_fail(err, CMC_E_SYS, "open /");
    return cmc_open_trusted(top, path + strspn(path, "/"), max, err);
}

static int load_config(struct cmc_measure_job *j, struct cmc_err *err)
{
    cmc_autofd int fd = cmc_open_trusted(j->env->bundle, "config.json", CMC_JSON_BYTES_MAX, err);
    j->config_json = cmc_buf_of(CMC_JSON_BYTES_MAX);
    if (fd < 0 || cmc_buf_read(&j->config_json, fd, "config.json", err) < 0)
        return -(int)err->code;
    return cmc_measure_spec_parse(j->config_json.len ? (const char *)j->config_json.data : "",
                                  j->config_json.len, &j->spec, err);
}

static int keep_text(const struct cmc_span *s, struct cmc_buf *keep, const char **out,
                     struct cmc_err *err)
{
    *out = NULL;
    if (s->len == 0)
        return 0;
    *keep = cmc_buf_of(MEASURE_TEXT_MAX + 1);
    cmc_put(keep, s->p, s->len);
    cmc_put_u8(keep, '\0');
    *out = (const char *)keep->data;
    return cmc_buf_check(keep, "checkpoint path", err);
}

int cmc_measure_create_parse(struct cmc_measure_job *j, struct cmc_err *err)
{
    const struct cmc_helper_request *r = j->request;
    struct measure_event *ev = &j->event;
    if (cmc_task_create_parse(r->create, r->create_len, &j->create, err) < 0) {
        memset(&j->create, 0, sizeof(j->create)); /* half a request is none */
        return -(int)err->code;
    }
    ev->terminal = j->create.terminal;
    if (j->create.id.len != strlen(r->id) ||
        memcmp(j->create.id.p ? j->create.id.p : (const uint8_t *)"", r->id, j->create.id.len) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "the request is for another container");
    if (keep_text(&j->create.checkpoint, &j->checkpoint, &ev->checkpoint, err) < 0 ||
        keep_text(&j->create.parent_checkpoint, &j->parent_checkpoint, &ev->parent_checkpoint,
                  err) < 0 ||
        load_config(j, err) < 0)
        return -(int)err->code;
    ev->sandbox = j->spec.sandbox;
    ev->pod = j->spec.pod;
    ev->pod_ns = j->spec.pod_ns;
    ev->pod_uid = j->spec.pod_uid;
    ev->name = j->spec.name;
    ev->image = j->spec.image;
    return 0;
}

/* The file that runtimeoptions.v1.Options names. */
static int load_toml(const struct cmc_span *path, struct cmc_buf *out, struct cmc_err *err)
{
    char name[PATH_MAX];
    if (path->len >= sizeof(name))
        return cmc_fail(err, CMC_E_LIMIT, "%zu bytes, at most %zu", path->len, sizeof(name) - 1);
    memcpy(name, path->p, path->len);
    name[path->len] = '\0';
    if (name[0] != '/')
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: not an absolute path", name);
    cmc_autofd int fd = open_trusted(name, 65536, err);
    if (fd < 0)
        return -(int)err->code;
    return cmc_buf_read(out, fd, "options file", err);
}

/* The Any that the real shim gets: p NULL when it gets none. */
static struct cmc_span forwarded(const struct cmc_measure_job *j)
{
    switch (j->result.options) {
    case CMC_HELPER_OPTIONS_REPLACE:
        return (struct cmc_span){j->options.data, j->options.len};
    case CMC_HELPER_OPTIONS_DROP:
        return (struct cmc_span){NULL, 0};
    case CMC_HELPER_OPTIONS_KEEP:
        break;
    }
    return j->create.options;
}

int cmc_measure_create_options(struct cmc_measure_job *j, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf file = cmc_buf_of(65536);
    struct cmc_measure_options o = {.kind = CMC_MEASURE_OPTIONS_NONE};
    j->options = cmc_buf_of(CMC_MEASURE_OPTIONS_MAX);
    if (cmc_measure_options_parse(&j->create.options, &o, err) < 0)
        return cmc_wrap(err, "runtime options");
    struct cmc_span toml = o.body;
    if (o.path.p && toml.len == 0) {
        if (load_toml(&o.path, &file, err) < 0)
            return cmc_wrap(err, "runtime options: config_path");
        toml = (struct cmc_span){file.data, file.len};
    }
    if (cmc_measure_options_translate(&o, &toml, j->spec.cgroups_path, &j->result.options,
                                      &j->options, err) < 0)
        return cmc_wrap(err, "runtime options");
    j->result.options_any = j->options.data;
    j->result.options_len = j->options.len;
    const struct cmc_span any = forwarded(j);
    j->event.has_options = any.p != NULL;
    if (any.p)
        cmc_sha256(any.p, any.len, j->event.options);
    return 0;
}

static int load_key(const char *path, uint8_t key[static CMC_MEASURE_KEY_LEN], struct cmc_err *err)
{
    cmc_autofd int fd = open_trusted(path, CMC_MEASURE_KEY_LEN, err);
    if (fd < 0 || cmc_measure_key_read(fd, path, key, err) < 0)
        return cmc_wrap(err, "redaction key");
    return 0;
}

void cmc_measure_create_details_dir(const struct cmc_measure_job *j,
                                    char out[static CMC_MEASURE_DETAILS_DIR])
{
    (void)snprintf(out, CMC_MEASURE_DETAILS_DIR, "%s/details", j->env->site->state_dir);
}

void cmc_measure_create_not_stored(const struct cmc_measure_job *j, const char *kind,
                                   const struct cmc_err *why)
{
    cmc_log(j->env->log, CMC_LOG_WARNING, "detail not stored", "task", j->request->id, "kind", kind,
            "error", why->msg, NULL);
}

static void store_config(const struct cmc_measure_job *j)
{
    struct cmc_err why = {0};
    char dir[CMC_MEASURE_DETAILS_DIR];
    if (j->dry_run) /* nothing is kept of what never starts */
        return;
    cmc_measure_create_details_dir(j, dir);
    if (record_details_put(dir, "config", j->event.config, j->config.detail.data,
                           j->config.detail.len, j->env->site->details_quota, &why) < 0)
        cmc_measure_create_not_stored(j, "config", &why);
}

static int measure_configuration(struct cmc_measure_job *j, struct cmc_err *err)
{
    struct measure_event *ev = &j->event;
    if (j->env->site->redaction_key) {
        if (load_key(j->env->site->redaction_key, j->key, err) < 0)
            return -(int)err->code;
        j->how.redaction_key = j->key;
    }
    if (cmc_measure_state_config(&j->how, &j->config_json, &j->config, err) < 0)
        return -(int)err->code;
    measure_config_key_id(j->how.redaction_key, ev->key_id);
    ev->has_config = true;
    ev->terminal = j->config.terminal;
    memcpy(ev->config, j->config.digest, CMC_SHA256_LEN);
    memcpy(ev->raw_config, j->config.raw_digest, CMC_SHA256_LEN);
    store_config(j);
    return 0;
}

/* Owners as the container sees them through layers whose ids the kernel changes. */
static int compose_maps(struct cmc_measure_job *j, const struct cmc_measure_mounts *m,
                        struct cmc_err *err)
{
    struct cmc_measure_spec *s = &j->spec;
    if (m->uids.count && j->how.profile == MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_FORMAT,
                        "overlay mount with uidmap cannot be measured in profile cmc");
    if (cmc_measure_mounts_compose(&m->uids, s->uids, &s->uid_maps, err) < 0)
        return -(int)err->code;
    return cmc_measure_mounts_compose(&m->gids, s->gids, &s->gid_maps, err);
}

static int measure_tree(struct cmc_measure_job *j, struct cmc_err *err)
{
    cmc_autofree struct cmc_measure_mounts *mounts = malloc(sizeof(*mounts));
    const uint64_t start_us = cmc_measure_job_us(0);
    if (!mounts)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (cmc_measure_mounts_plan(&j->create, mounts, err) < 0 || compose_maps(j, mounts, err) < 0)
        return cmc_wrap(err, "root file system");
    if (mounts->kind != CMC_MEASURE_ROOT_PATH &&
        !cmc_measure_spec_uses_mounts(&j->spec, j->request->bundle))
        return cmc_fail(err, CMC_E_FORMAT,
                        "root file system: mounts go to rootfs, but root.path is \"%.200s\"",
                        j->spec.root_path ? j->spec.root_path : "");
    const bool filled = cmc_measure_rootfs_upper_filled(mounts);
    CMC_CLEANUP(cmc_measure_rootfs_close) struct cmc_measure_rootfs from = {.root = -1};
    const int opened =
        cmc_measure_rootfs_open(mounts, j->env->bundle, j->spec.root_path, true, &from, err);
    j->result.mount_us = (uint32_t)cmc_measure_job_us(start_us);
    if (opened < 0)
        return cmc_wrap(err, "root file system");
    if (cmc_measure_tree_digest(j, &from, err) < 0)
        return -(int)err->code;
    if (filled || !cmc_measure_rootfs_upper_filled(mounts))
        return 0;
    j->event.has_rootfs = j->event.has_listing = false;
    return cmc_fail(err, CMC_E_VERIFY,
                    "root file system: its upper directory was filled while it was measured");
}

/* The peer that made our socket, if it still is our parent: else its number may be another's. */
static int add_shim(struct cmc_measure_programs *p, struct cmc_err *err)
{
    struct ucred peer = {.pid = 0};
    socklen_t len = sizeof(peer);
    char path[64];
    if (getsockopt(CMC_HELPER_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        peer.pid != getppid())
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/exe", peer.pid);
    if (cmc_measure_programs_add(p, "shim", path, err) == 0)
        return 0;
    return peer.pid == getppid() ? -(int)err->code : 0;
}

static int measure_programs(struct cmc_measure_job *j, struct cmc_err *err)
{
    char binary[CMC_MEASURE_BINARY_MAX + 1], found[MEASURE_TEXT_MAX + 1];
    const struct cmc_span any = forwarded(j);
    struct cmc_measure_programs *p = &j->programs;
    if (add_shim(p, err) < 0 || cmc_measure_options_binary(&any, binary, err) < 0)
        return -(int)err->code;
    if (cmc_measure_programs_add(p, "inner-shim", j->request->inner_shim, err) < 0)
        return -(int)err->code;
    cmc_measure_link_work(j->env->link, 0, 0);
    if (cmc_measure_programs_find(binary, j->env->path, found, err) < 0)
        return cmc_wrap(err, "runc");
    return cmc_measure_programs_add(p, "runc", found, err);
}

int cmc_measure_create_measure(struct cmc_measure_job *j, struct cmc_err *err)
{
    const uint64_t start_us = cmc_measure_job_us(0);
    const struct cmc_site *site = j->env->site;
    j->how = (struct cmc_measure_how){
        .id = j->request->id,
        .bundle = j->request->bundle,
        .file_max = site->file_max,
    };
    int rc = cmc_measure_state_profile(site->profile, &j->how.profile, err);
    if (rc == 0)
        rc = measure_configuration(j, err);
    if (rc == 0 && !j->dry_run)
        rc = measure_programs(j, err); /* while the real shim runs: its caller may give up */
    if (rc == 0)
        rc = measure_tree(j, err);
    j->result.digest_us = (uint32_t)(cmc_measure_job_us(start_us) - j->result.mount_us);
    return rc;
}
