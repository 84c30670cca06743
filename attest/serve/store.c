/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/store.c -- a set is a sequence of parts: kind, length, bytes. */
#include "attest/serve/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/meta/types.h"
#include "base/cleanup.h"

enum part { /* what a part is; roots come before items */
            PART_ROOT = 1,
            PART_METADATA_ROOT,
            PART_AK_ROOT,
            PART_CRL,
            PART_ITEM,
            PART_END
};
enum { ROOT_FILE_MAX = 1 << 20, BEGIN = 0xc5 }; /* BEGIN: an empty set is not nothing */

static void closedir_p(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}
CMC_DEFINE_CLEANUP(trust_p, struct meta_trust *, meta_trust_free)

static void put_part(struct cmc_buf *out, enum part kind, const void *data, size_t len)
{
    cmc_put_u8(out, (uint8_t)kind);
    cmc_put_be32(out, (uint32_t)len);
    cmc_put(out, data, len);
}

/* A regular file of at most max bytes; others would block, or never end. */
static int read_file(int dirfd, const char *name, size_t max, struct cmc_buf *out,
                     struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.200s", name);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.200s is no regular file", name);
    if ((uint64_t)st.st_size > max)
        return cmc_fail(err, CMC_E_LIMIT, "%.200s: %lld bytes, at most %zu", name,
                        (long long)st.st_size, max);
    *out = cmc_buf_of(max);
    return cmc_buf_read(out, fd, name, err);
}

static int add_trust(struct meta_trust *t, enum part kind, const void *data, size_t len,
                     struct cmc_err *err)
{
    if (kind == PART_CRL)
        return meta_trust_add_crl(t, data, len, err);
    const int role = kind == PART_AK_ROOT         ? META_ROLE_AK
                     : kind == PART_METADATA_ROOT ? META_ROLE_METADATA
                                                  : 0;
    return meta_trust_add_roots(t, role, data, len, err);
}

struct loader {
    const struct serve_config *cfg;
    struct meta_trust *trust;
    bool unverified; /* there are no roots for metadata */
    uint8_t (*seen)[CMC_SHA256_LEN];
    size_t count;
    struct cmc_buf *out;
    struct cmc_err *err;
};

static int load_roots(struct loader *l, const struct serve_list *files, enum part kind)
{
    for (size_t i = 0; i < files->count; i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(0);
        if (read_file(AT_FDCWD, files->at[i], ROOT_FILE_MAX, &b, l->err) < 0)
            return -(int)l->err->code;
        if (add_trust(l->trust, kind, b.data, b.len, l->err) < 0)
            return cmc_wrap(l->err, "%.200s", files->at[i]);
        put_part(l->out, kind, b.data, b.len);
    }
    return 0;
}

static int check_item(struct loader *l, const void *data, size_t len)
{
    struct meta_verified verified = {0};
    struct meta_item item = {0};
    enum meta_encoding encoding;
    if (l->unverified)
        return meta_encoding_of(data, len, &encoding, l->err);
    if (meta_verify(data, len, l->trust, META_ROLE_METADATA, &verified, l->err) < 0)
        return -(int)l->err->code;
    const int rc = meta_item_decode(verified.payload.data, verified.payload.len, &item, l->err);
    meta_verified_done(&verified);
    if (rc == 0)
        meta_item_done(&item);
    return rc;
}

/* The same item under two names counts once. */
static bool is_new(struct loader *l, const void *data, size_t len)
{
    uint8_t digest[CMC_SHA256_LEN];
    cmc_sha256(data, len, digest);
    for (size_t i = 0; i < l->count; i++)
        if (memcmp(l->seen[i], digest, sizeof(digest)) == 0)
            return false;
    memcpy(l->seen[l->count++], digest, sizeof(digest));
    return true;
}

static int load_item(struct loader *l, int dirfd, const char *name)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(0);
    if (l->count == SERVE_ITEMS_MAX)
        return cmc_fail(l->err, CMC_E_LIMIT, "%.200s: more than %d items", name, SERVE_ITEMS_MAX);
    if (read_file(dirfd, name, META_ITEM_MAX, &b, l->err) < 0)
        return -(int)l->err->code;
    if (check_item(l, b.len ? b.data : (const uint8_t *)"", b.len) < 0)
        return cmc_wrap(l->err, "%.200s", name);
    if (is_new(l, b.data, b.len))
        put_part(l->out, PART_ITEM, b.data, b.len);
    return cmc_buf_check(l->out, "metadata", l->err);
}

/* The next name that is neither hidden nor a directory's; NULL at the end. */
static int next_name(struct loader *l, DIR *dir, const char **out)
{
    struct stat st;
    const struct dirent *e;
    do {
        errno = 0;
        e = readdir(dir);     /* NOLINT(concurrency-mt-unsafe): our own DIR */
        if (!e && errno != 0) /* a part of a directory is no set */
            return cmc_fail(l->err, CMC_E_SYS, "read the directory");
    } while (e && (e->d_name[0] == '.' ||
                   (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode))));
    *out = e ? e->d_name : NULL;
    return 0;
}

/* All files of a directory but hidden ones; what is below it (listings) is none of ours. */
static int load_dir(struct loader *l, int fd)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    CMC_CLEANUP(closedir_p) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        (void)cmc_fail(l->err, CMC_E_SYS, "read the directory");
        if (copy >= 0)
            (void)close(copy);
        return -CMC_E_SYS;
    }
    const char *name = NULL;
    int rc = next_name(l, dir, &name);
    while (rc == 0 && name) {
        rc = load_item(l, fd, name);
        if (rc == 0)
            rc = next_name(l, dir, &name);
    }
    return rc;
}

static int load_path(struct loader *l, const char *path)
{
    cmc_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        return load_item(l, AT_FDCWD, path);
    if (fd < 0)
        return cmc_fail(l->err, CMC_E_SYS, "metadata %.200s", path);
    return load_dir(l, fd) < 0 ? cmc_wrap(l->err, "metadata %.200s", path) : 0;
}

static int load_all(struct loader *l)
{
    const struct serve_config *c = l->cfg;
    if (load_roots(l, &c->roots, PART_ROOT) < 0 ||
        load_roots(l, &c->metadata_roots, PART_METADATA_ROOT) < 0 ||
        load_roots(l, &c->ak_roots, PART_AK_ROOT) < 0 || load_roots(l, &c->crls, PART_CRL) < 0)
        return -(int)l->err->code;
    l->unverified = c->roots.count + c->metadata_roots.count == 0;
    for (size_t i = 0; i < c->metadata.count; i++)
        if (load_path(l, c->metadata.at[i]) < 0)
            return -(int)l->err->code;
    return cmc_buf_check(l->out, "metadata", l->err);
}

int serve_store_load(const struct serve_config *cfg, int64_t now, struct cmc_buf *out,
                     struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf set = cmc_buf_of(SERVE_STORE_MAX);
    struct loader l = {.cfg = cfg, .out = &set, .err = err};
    l.seen = calloc(SERVE_ITEMS_MAX, sizeof(*l.seen));
    if (!l.seen)
        return cmc_fail(err, CMC_E_LIMIT, "metadata: out of memory");
    cmc_put_u8(&set, BEGIN);
    int rc = meta_trust_new(now, &l.trust, err);
    if (rc == 0)
        rc = load_all(&l);
    meta_trust_free(l.trust);
    free(l.seen);
    if (rc < 0)
        return rc;
    cmc_put(out, set.data, set.len);
    return cmc_buf_check(out, "metadata", err);
}

/* The next part. Returns 1, 0 at the end, -CMC_E_FORMAT. */
static int next_part(struct cmc_reader *r, enum part *kind, struct prove_item *out,
                     struct cmc_err *err)
{
    if (!r->left && !r->bad)
        return 0;
    const uint8_t k = cmc_read_u8(r);
    const uint32_t len = cmc_read_be32(r);
    const uint8_t *data = cmc_read_bytes(r, len);
    if (r->bad || k == 0 || k >= PART_END)
        return cmc_fail(err, CMC_E_FORMAT, "set of metadata: damaged");
    *kind = (enum part)k;
    *out = (struct prove_item){.data = data, .len = len};
    return 1;
}

/* A reader behind the first byte. */
static struct cmc_reader parts_of(const struct serve_store *s)
{
    struct cmc_reader r = cmc_reader_of(s->bytes.data, s->bytes.len);
    if (cmc_read_u8(&r) != BEGIN)
        r.bad = true;
    return r;
}

/* Lists the items; item NULL: only counts them. */
static int index_items(const struct serve_store *s, struct prove_item *item, size_t *count,
                       struct cmc_err *err)
{
    struct cmc_reader r = parts_of(s);
    struct prove_item part = {0};
    enum part kind = PART_END;
    int rc;
    *count = 0;
    while ((rc = next_part(&r, &kind, &part, err)) == 1)
        if (kind == PART_ITEM) {
            if (item)
                item[*count] = part;
            ++*count;
        }
    return rc;
}

int serve_store_open(const void *data, size_t len, struct serve_store *out, struct cmc_err *err)
{
    struct serve_store s = {.bytes = cmc_buf_of(SERVE_STORE_MAX)};
    cmc_put(&s.bytes, data, len);
    int rc = cmc_buf_check(&s.bytes, "set of metadata", err);
    if (rc == 0)
        rc = index_items(&s, NULL, &s.count, err);
    if (rc == 0 && !(s.item = calloc(s.count + 1, sizeof(*s.item))))
        rc = cmc_fail(err, CMC_E_LIMIT, "set of metadata: out of memory");
    if (rc == 0)
        rc = index_items(&s, s.item, &s.count, err);
    if (rc < 0)
        serve_store_done(&s);
    else
        *out = s;
    return rc;
}

void serve_store_done(struct serve_store *s)
{
    cmc_buf_done(&s->bytes);
    free(s->item);
    *s = (struct serve_store){0};
}

int serve_store_trust(const struct serve_store *s, int64_t now, struct meta_trust **out,
                      struct cmc_err *err)
{
    struct cmc_reader r = parts_of(s);
    CMC_CLEANUP(trust_p) struct meta_trust *trust = NULL;
    struct prove_item part = {0};
    enum part kind = PART_END;
    int rc = meta_trust_new(now, &trust, err);
    while (rc == 0 && (rc = next_part(&r, &kind, &part, err)) == 1)
        rc = kind == PART_ITEM ? 0 : add_trust(trust, kind, part.data, part.len, err);
    if (rc < 0)
        return rc;
    *out = CMC_TAKE_PTR(trust);
    return 0;
}
