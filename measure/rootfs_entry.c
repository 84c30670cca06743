/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_entry.c -- the digests of the exact root file system form. */
#include "measure/rootfs_entry.h"

#include <string.h>
#include <sys/stat.h>

static const uint8_t no_xattrs[4] = {0}; /* u32 count */
const struct measure_bytes measure_no_xattrs = {no_xattrs, sizeof(no_xattrs)};

char measure_entry_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFCHR:
        return 'c';
    case S_IFBLK:
        return 'b';
    case S_IFIFO:
        return 'p';
    case S_IFSOCK:
        return 's';
    default:
        return 0;
    }
}

static bool is(const char *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

static bool begins(const char *name, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(name, with, strlen(with)) == 0;
}

bool measure_entry_covers(const char *xattr, size_t len)
{
    if (begins(xattr, len, "user.")) /* but not how tools keep owners and layers */
        return !begins(xattr, len, "user.overlay.") && !begins(xattr, len, "user.fuseoverlayfs.") &&
               !is(xattr, len, "user.rootlesscontainers");
    return is(xattr, len, "security.capability") || is(xattr, len, "system.posix_acl_access") ||
           is(xattr, len, "system.posix_acl_default");
}

static void start(struct cmc_sha256_ctx *c, const char *domain)
{
    cmc_sha256_init(c);
    cmc_sha256_add(c, domain, strlen(domain) + 1); /* with its NUL: no text begins another */
}

/* What is hashed of an entry: most are short. */
struct text {
    size_t len;
    uint8_t at[64 * MEASURE_ENTRY_BLOCKS]; /* with room for padding */
    bool is_long;                          /* all that was put is in sum */
    struct cmc_sha256_ctx sum;
};

enum { SHORT = 64 * MEASURE_ENTRY_BLOCKS - 9 }; /* padding: at least 9 bytes */

static void put(struct text *t, const void *p, size_t len)
{
    if (!t->is_long && len <= SHORT - t->len) {
        if (len)
            memcpy(t->at + t->len, p, len);
        t->len += len;
        return;
    }
    if (!t->is_long) {
        cmc_sha256_init(&t->sum);
        cmc_sha256_add(&t->sum, t->at, t->len);
        t->is_long = true;
    }
    cmc_sha256_add(&t->sum, p, len);
}

static void put_be(struct text *t, uint64_t v, size_t bytes)
{
    uint8_t be[8];
    for (size_t i = 0; i < bytes; i++)
        be[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    put(t, be, bytes);
}

static void put_body(struct text *t, const struct measure_entry *e)
{
    switch (e->type) {
    case 'f':
        put_be(t, e->size, 8);
        put(t, e->digest, CMC_SHA256_LEN);
        break;
    case 'd':
        put(t, e->digest, CMC_SHA256_LEN);
        break;
    case 'l':
        put_be(t, e->target.len, 4);
        put(t, e->target.p, e->target.len);
        break;
    case 'c':
    case 'b':
        put_be(t, e->major, 4);
        put_be(t, e->minor, 4);
        break;
    default:
        break;
    }
}

static void put_entry(struct text *t, const struct measure_entry *e)
{
    static const char domain[] = "cmc-rootfs-entry-1"; /* with its NUL: no text begins another */
    t->len = 0;
    t->is_long = false;
    put(t, domain, sizeof(domain));
    put_be(t, e->name.len, 2);
    put(t, e->name.p, e->name.len);
    put(t, &e->type, 1);
    put_be(t, e->mode, 2);
    put_be(t, e->uid, 4);
    put_be(t, e->gid, 4);
    put_body(t, e);
    put_be(t, e->group ? 1 : 0, 1);
    if (e->group)
        put(t, e->group, CMC_SHA256_LEN);
    put(t, e->xattrs.p, e->xattrs.len);
}

void measure_entry_digest(const struct measure_entry *e, uint8_t out[static CMC_SHA256_LEN])
{
    struct text t;
    put_entry(&t, e);
    if (t.is_long)
        cmc_sha256_end(&t.sum, out);
    else
        cmc_sha256(t.at, t.len, out);
}

static void digest_alike(struct measure_entries_alike *a, size_t blocks)
{
    const uint8_t *text[CMC_SHA256_LANES_MAX];
    uint8_t digest[CMC_SHA256_LANES_MAX][CMC_SHA256_LEN];
    for (size_t i = 0; i < a->count; i++)
        text[i] = a->text[i];
    cmc_sha256_many_padded(text, blocks, a->count, digest);
    for (size_t i = 0; i < a->count; i++)
        memcpy(a->out[i], digest[i], CMC_SHA256_LEN);
    a->count = 0;
}

void measure_entries_add(struct measure_entries_due *due, const struct measure_entry *e,
                         uint8_t out[static CMC_SHA256_LEN])
{
    struct text t;
    put_entry(&t, e);
    if (t.is_long) {
        cmc_sha256_end(&t.sum, out);
        return;
    }
    const size_t blocks = cmc_sha256_pad(t.at, t.len);
    struct measure_entries_alike *a = &due->of[blocks - 1];
    memcpy(a->text[a->count], t.at, 64 * blocks);
    a->out[a->count++] = out;
    if (a->count == CMC_SHA256_LANES_MAX)
        digest_alike(a, blocks);
}

void measure_entries_end(struct measure_entries_due *due)
{
    for (size_t k = 0; k < MEASURE_ENTRY_BLOCKS; k++)
        digest_alike(&due->of[k], k + 1);
}

void measure_path_digest(const uint8_t dir[static CMC_SHA256_LEN], struct measure_bytes name,
                         uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_sha256_ctx c;
    start(&c, "cmc-rootfs-path-1");
    cmc_sha256_add(&c, dir, CMC_SHA256_LEN);
    cmc_sha256_add(&c, name.p, name.len);
    cmc_sha256_end(&c, out);
}

void measure_dir_start(struct cmc_sha256_ctx *dir)
{
    start(dir, "cmc-rootfs-dir-1");
}

void measure_root_digest(const uint8_t dir[static CMC_SHA256_LEN], struct measure_bytes xattrs,
                         uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_sha256_ctx c;
    start(&c, "cmc-rootfs-tree-1");
    cmc_sha256_add(&c, dir, CMC_SHA256_LEN);
    cmc_sha256_add(&c, xattrs.p, xattrs.len);
    cmc_sha256_end(&c, out);
}
