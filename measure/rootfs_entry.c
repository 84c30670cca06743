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

static void add_be(struct cmc_sha256_ctx *c, uint64_t v, size_t bytes)
{
    uint8_t be[8];
    for (size_t i = 0; i < bytes; i++)
        be[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    cmc_sha256_add(c, be, bytes);
}

static void add_body(struct cmc_sha256_ctx *c, const struct measure_entry *e)
{
    switch (e->type) {
    case 'f':
        add_be(c, e->size, 8);
        cmc_sha256_add(c, e->digest, CMC_SHA256_LEN);
        break;
    case 'd':
        cmc_sha256_add(c, e->digest, CMC_SHA256_LEN);
        break;
    case 'l':
        add_be(c, e->target.len, 4);
        cmc_sha256_add(c, e->target.p, e->target.len);
        break;
    case 'c':
    case 'b':
        add_be(c, e->major, 4);
        add_be(c, e->minor, 4);
        break;
    default:
        break;
    }
}

void measure_entry_digest(const struct measure_entry *e, uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_sha256_ctx c;
    start(&c, "cmc-rootfs-entry-1");
    add_be(&c, e->name.len, 2);
    cmc_sha256_add(&c, e->name.p, e->name.len);
    cmc_sha256_add(&c, &e->type, 1);
    add_be(&c, e->mode, 2);
    add_be(&c, e->uid, 4);
    add_be(&c, e->gid, 4);
    add_body(&c, e);
    add_be(&c, e->group ? 1 : 0, 1);
    if (e->group)
        cmc_sha256_add(&c, e->group, CMC_SHA256_LEN);
    cmc_sha256_add(&c, e->xattrs.p, e->xattrs.len);
    cmc_sha256_end(&c, out);
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
