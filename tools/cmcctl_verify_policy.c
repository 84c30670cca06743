/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify_policy.c -- from files that the options name to a verifier's policy. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tools/cmcctl_file.h"
#include "tools/cmcctl_verify.h"

enum {
    PEM_MAX = 1 << 20,
    CRL_MAX = 8 << 20,
    LISTING_MAX = 64 << 20 /* of one file in the directory of metadata */
};

static int add_roots(struct meta_trust *trust, int role, const char *path, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf pem = cmc_buf_of(PEM_MAX);
    if (!path)
        return 0;
    if (cmcctl_file_read(path, &pem, err) < 0)
        return -(int)err->code;
    if (meta_trust_add_roots(trust, role, pem.data, pem.len, err) < 0)
        return cmc_wrap(err, "%.200s", path);
    return 0;
}

static int add_crl(struct meta_trust *trust, const char *path, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf list = cmc_buf_of(CRL_MAX);
    if (!path)
        return 0;
    if (cmcctl_file_read(path, &list, err) < 0)
        return -(int)err->code;
    if (meta_trust_add_crl(trust, list.data, list.len, err) < 0)
        return cmc_wrap(err, "%.200s", path);
    return 0;
}

static int load_trust(const struct ctl_verify_options *o, struct ctl_policy *out,
                      struct cmc_err *err)
{
    if (meta_trust_new((int64_t)time(NULL), &out->trust, err) < 0)
        return -(int)err->code;
    out->policy.trust = out->trust;
    if (add_roots(out->trust, 0, o->ca, err) < 0 ||
        add_roots(out->trust, META_ROLE_AK, o->ak_ca, err) < 0 ||
        add_roots(out->trust, META_ROLE_SOFTWARE_AK, o->ak_ca, err) < 0 ||
        add_roots(out->trust, META_ROLE_METADATA, o->metadata_ca, err) < 0)
        return -(int)err->code;
    return add_crl(out->trust, o->crl, err);
}

static int load_key(const char *path, struct ctl_policy *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf key = cmc_buf_of(sizeof(out->key) + 1);
    if (!path)
        return 0;
    const int rc = cmcctl_file_read(path, &key, err);
    if (rc == 0 && key.len == sizeof(out->key)) {
        memcpy(out->key, key.data, sizeof(out->key));
        out->policy.redaction_key = out->key;
    }
    if (key.data)
        explicit_bzero(key.data, key.len);
    if (rc < 0 && err->code != CMC_E_LIMIT)
        return rc;
    return out->policy.redaction_key
               ? 0
               : cmc_fail(err, CMC_E_FORMAT, "%.200s: a redaction key has %zu bytes", path,
                          sizeof(out->key));
}

static int load_secrets(const char *list, struct ctl_policy *out, struct cmc_err *err)
{
    char *save = NULL;
    if (!list)
        return 0;
    out->secrets = strdup(list);
    if (!out->secrets)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (char *p = strtok_r(out->secrets, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
        if (out->policy.secret_count == CTL_SECRETS_MAX)
            return cmc_fail(err, CMC_E_LIMIT, "--secrets takes at most %d patterns",
                            CTL_SECRETS_MAX);
        out->pattern[out->policy.secret_count++] = p;
    }
    if (!out->policy.secret_count)
        return cmc_fail(err, CMC_E_USAGE, "--secrets takes patterns such as *TOKEN*,*PIN*");
    out->policy.secrets = out->pattern;
    return 0;
}

/* Reads one file of the directory; what is no regular file is passed over. */
static int add_item(int dirfd, const char *name, struct ctl_policy *out, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.100s", name);
    if (!S_ISREG(st.st_mode))
        return 0;
    if (out->policy.item_count == CTL_ITEMS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d files", CTL_ITEMS_MAX);
    struct cmc_buf *bytes = &out->bytes[out->policy.item_count];
    *bytes = cmc_buf_of(LISTING_MAX);
    struct verify_item *item = &out->item[out->policy.item_count++];
    if (cmc_buf_read(bytes, fd, name, err) < 0)
        return -(int)err->code;
    *item = (struct verify_item){bytes->data, bytes->len};
    return 0;
}

static int load_items(const char *path, struct ctl_policy *out, struct cmc_err *err)
{
    struct dirent **names = NULL;
    if (!path)
        return 0;
    out->item = calloc(CTL_ITEMS_MAX, sizeof(*out->item));
    out->bytes = calloc(CTL_ITEMS_MAX, sizeof(*out->bytes));
    if (!out->item || !out->bytes)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    out->policy.item = out->item;
    cmc_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int count = fd < 0 ? -1 : scandir(path, &names, NULL, alphasort);
    if (count < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.200s", path);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        if (rc == 0 && names[i]->d_name[0] != '.')
            rc = add_item(fd, names[i]->d_name, out, err);
        free(names[i]);
    }
    free(names);
    return rc < 0 ? cmc_wrap(err, "%.200s", path) : 0;
}

int cmcctl_policy_load(const struct ctl_verify_options *o, struct ctl_policy *out,
                       struct cmc_err *err)
{
    *out = (struct ctl_policy){0};
    if (cmcctl_verify_identity(o, &out->identity, err) < 0)
        return -(int)err->code;
    out->policy.host = *out->identity.host ? out->identity.host : NULL;
    out->policy.ak = out->identity.has_ak ? out->identity.ak : NULL;
    out->policy.software = o->software;
    out->policy.require_host = o->require_host;
    if (load_trust(o, out, err) < 0 || load_key(o->redaction_key, out, err) < 0 ||
        load_secrets(o->secrets, out, err) < 0)
        return -(int)err->code;
    return load_items(o->metadata, out, err);
}

void cmcctl_policy_done(struct ctl_policy *p)
{
    for (size_t i = 0; i < p->policy.item_count; i++)
        cmc_buf_done(&p->bytes[i]);
    free(p->bytes);
    free(p->item);
    free(p->secrets);
    meta_trust_free(p->trust);
    explicit_bzero(p->key, sizeof(p->key));
    *p = (struct ctl_policy){0};
}
