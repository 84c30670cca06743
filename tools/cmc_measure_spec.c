/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_spec.c -- members of config.json, by the names of the runtime specification
 * and of containerd's CRI plugin. */
#include "tools/cmc_measure_spec.h"

#include <string.h>

#include "measure/config_parts.h"
#include "measure/event.h"

static int fail_as(enum cmc_code code, const struct cmc_json *node, const char *what,
                   struct cmc_err *err)
{
    char path[160];
    cmc_json_path(node, path, sizeof(path));
    return cmc_fail(err, code, "config.json: %s %s", path, what);
}

static int fail_at(const struct cmc_json *node, const char *what, struct cmc_err *err)
{
    return fail_as(CMC_E_FORMAT, node, what, err);
}

/* The text member called name; absent is NULL, another type a fault. */
static int text(const struct cmc_json *obj, const char *name, const char **out, struct cmc_err *err)
{
    const struct cmc_json *v = cmc_json_member(obj, name);
    if (v && v->type != CMC_JSON_STRING)
        return fail_at(v, "must be a text", err);
    *out = v ? v->text : NULL;
    return 0;
}

/* Runtimes read names of members in any case of letters, and of two the last: what we do not see
 * would be what runs. Profile cmc does not look at these members itself. */
static int check_case(const struct cmc_json *obj, const char *const *names, struct cmc_err *err)
{
    for (const struct cmc_json *c = obj ? obj->child : NULL; c; c = c->next)
        for (const char *const *n = names; c->key && *n; n++)
            if (strcmp(c->key, *n) != 0 && measure_config_compare_folded(c->key, *n) == 0)
                return fail_as(CMC_E_VERIFY, c,
                               "differs only in the case of letters from a member that runtimes "
                               "would take it for",
                               err);
    return 0;
}

static int check_names(const struct cmc_json *root, struct cmc_err *err)
{
    static const char *const top[] = {"root", "linux", "annotations", NULL};
    static const char *const in_root[] = {"path", NULL};
    static const char *const in_linux[] = {"cgroupsPath", "namespaces", "uidMappings",
                                           "gidMappings", NULL};
    if (check_case(root, top, err) < 0 ||
        check_case(cmc_json_member(root, "root"), in_root, err) < 0)
        return -(int)err->code;
    return check_case(cmc_json_member(root, "linux"), in_linux, err);
}

static int annotations(const struct cmc_json *all, struct cmc_measure_spec *s, struct cmc_err *err)
{
    const struct {
        const char *name;
        const char **to;
    } wanted[] = {
        {"io.kubernetes.cri.sandbox-id", &s->sandbox},
        {"io.kubernetes.cri.sandbox-name", &s->pod},
        {"io.kubernetes.cri.sandbox-namespace", &s->pod_ns},
        {"io.kubernetes.cri.sandbox-uid", &s->pod_uid},
        {"io.kubernetes.cri.container-name", &s->name},
        {"io.kubernetes.cri.image-name", &s->image},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (text(all, wanted[i].name, wanted[i].to, err) < 0)
            return -(int)err->code;
        if (*wanted[i].to && strlen(*wanted[i].to) > MEASURE_TEXT_MAX)
            return cmc_fail(err, CMC_E_LIMIT, "annotation %s: %zu bytes, at most %d",
                            wanted[i].name, strlen(*wanted[i].to), MEASURE_TEXT_MAX);
        if (*wanted[i].to && !**wanted[i].to)
            *wanted[i].to = NULL;
    }
    return 0;
}

static int number(const struct cmc_json *map, const char *name, uint32_t *out, struct cmc_err *err)
{
    const struct cmc_json *v = cmc_json_member(map, name);
    if (!v)
        return fail_at(map, "lacks a number", err);
    if (v->type != CMC_JSON_INT || v->negative || v->magnitude > UINT32_MAX)
        return fail_at(v, "must be a number from 0 to 4294967295", err);
    *out = (uint32_t)v->magnitude;
    return 0;
}

static int idmaps(const struct cmc_json *all, struct measure_idmap *out, size_t *count,
                  struct cmc_err *err)
{
    *count = 0;
    for (const struct cmc_json *m = all ? all->child : NULL; m; m = m->next) {
        if (*count == CMC_MEASURE_IDMAPS_MAX)
            return cmc_fail(err, CMC_E_LIMIT, "config.json: more than %d id mappings",
                            CMC_MEASURE_IDMAPS_MAX);
        struct measure_idmap *to = &out[*count];
        if (number(m, "containerID", &to->inside, err) < 0 ||
            number(m, "hostID", &to->outside, err) < 0 || number(m, "size", &to->count, err) < 0)
            return -(int)err->code;
        ++*count;
    }
    return 0;
}

static bool has_user_namespace(const struct cmc_json *linux_part)
{
    const struct cmc_json *all = cmc_json_member(linux_part, "namespaces");
    for (const struct cmc_json *n = all ? all->child : NULL; n; n = n->next) {
        const char *type = cmc_json_text(n, "type");
        if (type && strcmp(type, "user") == 0)
            return true;
    }
    return false;
}

static int user_namespace(const struct cmc_json *linux_part, struct cmc_measure_spec *s,
                          struct cmc_err *err)
{
    if (!has_user_namespace(linux_part))
        return 0;
    if (idmaps(cmc_json_member(linux_part, "uidMappings"), s->uids, &s->uid_maps, err) < 0 ||
        idmaps(cmc_json_member(linux_part, "gidMappings"), s->gids, &s->gid_maps, err) < 0)
        return -(int)err->code;
    if (s->uid_maps == 0 || s->gid_maps == 0)
        return cmc_fail(err, CMC_E_FORMAT,
                        "config.json: a user namespace without linux.uidMappings and gidMappings "
                        "cannot be measured");
    return 0;
}

int cmc_measure_spec_parse(const char *json, size_t len, struct cmc_measure_spec *out,
                           struct cmc_err *err)
{
    const struct cmc_json *root = NULL;
    memset(out, 0, sizeof(*out));
    if (cmc_json_parse(json, len, &out->doc, &root, err) < 0)
        return cmc_wrap(err, "config.json");
    const struct cmc_json *linux_part = cmc_json_member(root, "linux");
    if (check_names(root, err) < 0 ||
        text(cmc_json_member(root, "root"), "path", &out->root_path, err) < 0 ||
        text(linux_part, "cgroupsPath", &out->cgroups_path, err) < 0 ||
        annotations(cmc_json_member(root, "annotations"), out, err) < 0)
        return -(int)err->code;
    return user_namespace(linux_part, out, err);
}

void cmc_measure_spec_done(struct cmc_measure_spec *s)
{
    cmc_json_free(s->doc);
    s->doc = NULL;
}

const char *cmc_measure_spec_title(const struct cmc_measure_spec *s, const char *id)
{
    return s->image ? s->image : s->name ? s->name : id;
}

bool cmc_measure_spec_uses_mounts(const struct cmc_measure_spec *s, const char *bundle)
{
    static const char below[] = "rootfs";
    const size_t n = strlen(bundle);
    if (!s->root_path)
        return false;
    if (strcmp(s->root_path, below) == 0)
        return true;
    return n > 0 && strncmp(s->root_path, bundle, n) == 0 && s->root_path[n] == '/' &&
           strcmp(s->root_path + n + 1, below) == 0;
}
