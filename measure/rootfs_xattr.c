/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_xattr.c -- reads extended attributes and maps the ids in them.
 * Source: linux/capability.h, linux/posix_acl_xattr.h; what a user namespace sees follows the
 * kernel's cap_inode_getsecurity() and posix_acl_to_xattr(). */
#include "measure/rootfs_xattr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/hex.h"
#include "measure/rootfs_layers.h"

enum { LIST_USUAL = 512 };

uint32_t measure_idmap_inside(const struct measure_idmap *maps, size_t count, uint32_t id,
                              uint32_t unmapped)
{
    for (size_t i = 0; i < count; i++)
        if (id >= maps[i].outside && id - maps[i].outside < maps[i].count)
            return maps[i].inside + (id - maps[i].outside);
    return count ? unmapped : id;
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void set_le32(uint8_t *p, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static int map_acl(uint8_t *value, size_t len, const struct measure_rootfs_opts *o,
                   struct cmc_err *err)
{
    enum { HEADER = 4, ENTRY = 8, VERSION = 2, USER = 2, GROUP = 8 };
    if (len < HEADER || (len - HEADER) % ENTRY != 0 || get_le32(value) != VERSION)
        return cmc_fail(err, CMC_E_FORMAT, "%zu bytes are no ACL of version 2", len);
    for (uint8_t *e = value + HEADER; e < value + len; e += ENTRY) {
        const unsigned tag = e[0] | (unsigned)e[1] << 8;
        const uint32_t id = get_le32(e + 4);
        if (tag == USER)
            set_le32(e + 4, measure_idmap_inside(o->uids, o->uid_maps, id, MEASURE_ID_UNMAPPED));
        else if (tag == GROUP)
            set_le32(e + 4, measure_idmap_inside(o->gids, o->gid_maps, id, MEASURE_ID_UNMAPPED));
    }
    return 0;
}

static int map_capability(uint8_t *value, size_t *len, const struct measure_rootfs_opts *o,
                          struct cmc_err *err)
{
    enum { V2_LEN = 20, V3_LEN = 24, AT_REVISION = 3, AT_ROOTID = 20 };
    const bool v3 = *len == V3_LEN && value[AT_REVISION] == 3;
    if (!v3 && !(*len == V2_LEN && value[AT_REVISION] == 2))
        return cmc_fail(err, CMC_E_FORMAT, "%zu bytes are no capability of revision 2 or 3", *len);
    const uint32_t root = v3 ? get_le32(value + AT_ROOTID) : 0;
    /* The host's root owns every namespace: its capabilities count where it has no id, too. */
    const uint32_t inside =
        measure_idmap_inside(o->uids, o->uid_maps, root, root ? MEASURE_ID_UNMAPPED : 0);
    value[AT_REVISION] = inside ? 3 : 2;
    *len = inside ? V3_LEN : V2_LEN;
    if (inside)
        set_le32(value + AT_ROOTID, inside);
    return 0;
}

int measure_xattr_map(const char *name, uint8_t *value, size_t *len,
                      const struct measure_rootfs_opts *opts, struct cmc_err *err)
{
    if (strncmp(name, "system.posix_acl_", 17) == 0)
        return map_acl(value, *len, opts, err);
    if (strcmp(name, "security.capability") == 0)
        return map_capability(value, len, opts, err);
    return 0;
}

struct object {
    int fd;
    char magic[32]; /* "" when fd itself will do */
};

static ssize_t list(const struct object *o, char *names, size_t cap)
{
    return o->magic[0] ? listxattr(o->magic, names, cap) : flistxattr(o->fd, names, cap);
}

static ssize_t get(const struct object *o, const char *name, uint8_t *value, size_t cap)
{
    return o->magic[0] ? getxattr(o->magic, name, value, cap) : fgetxattr(o->fd, name, value, cap);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Data in another layer, or a file that stands for none. */
static bool is_for_overlay(const char *name, const char *prefix)
{
    const size_t len = prefix ? strlen(prefix) : 0;
    return len && strncmp(name, prefix, len) == 0 &&
           (strcmp(name + len, "metacopy") == 0 || strcmp(name + len, "whiteout") == 0);
}

/* Covered names, sorted, into s->covered; their number, or -code. */
static int covered(const struct object *o, const char *overlay, struct measure_xattr_scratch *s,
                   struct cmc_err *err)
{
    /* The kernel takes as much memory as it is offered: little will nearly always do. */
    ssize_t n = list(o, s->names, LIST_USUAL);
    if (n < 0 && errno == ERANGE)
        n = list(o, s->names, MEASURE_XATTR_LIST_MAX);
    if (n < 0 && errno == EOPNOTSUPP)
        return 0;
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "list extended attributes");
    size_t count = 0;
    s->names[n] = 0; /* the list comes from a file system, which may be anyone's */
    for (const char *name = s->names; name < s->names + n; name += strlen(name) + 1) {
        if (is_for_overlay(name, overlay))
            return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "the attribute %s", name);
        if (measure_entry_covers(name, strlen(name)))
            s->covered[count++] = name;
    }
    qsort(s->covered, count, sizeof(s->covered[0]), by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(s->covered[i - 1], s->covered[i]) == 0)
            return cmc_fail(err, CMC_E_FORMAT, "an extended attribute is listed twice");
    return (int)count;
}

static int put_one(const struct object *o, const char *name, const struct measure_rootfs_opts *opts,
                   struct measure_xattr_scratch *s, struct cmc_buf *out, struct cmc_err *err)
{
    const ssize_t n = get(o, name, s->value, sizeof(s->value));
    if (n < 0 && errno == ENODATA)
        return cmc_fail(err, CMC_E_VERIFY, "changed: it vanished while it was measured");
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read");
    size_t len = (size_t)n;
    if (measure_xattr_map(name, s->value, &len, opts, err) < 0)
        return -(int)err->code;
    cmc_put_be16(out, (uint16_t)strlen(name));
    cmc_put_text(out, name);
    cmc_put_be32(out, (uint32_t)len);
    cmc_put(out, s->value, len);
    return 0;
}

static int name_fault(const char *name, struct cmc_err *err)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf shown = cmc_buf_of(1024);
    cmc_put_safe(&shown, name, strlen(name), 64);
    return shown.len ? cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data) : -(int)err->code;
}

int measure_xattr_read(int fd, bool opath, const struct measure_rootfs_opts *opts,
                       struct measure_xattr_scratch *s, struct cmc_buf *out, struct cmc_err *err)
{
    struct object o = {.fd = fd};
    if (opath)
        (void)snprintf(o.magic, sizeof(o.magic), "/proc/self/fd/%d", fd);
    const int count = covered(&o, opts->overlay, s, err);
    if (count <= 0)
        return count;
    cmc_put_be32(out, (uint32_t)count);
    for (int i = 0; i < count; i++)
        if (put_one(&o, s->covered[i], opts, s, out, err) < 0)
            return name_fault(s->covered[i], err);
    return cmc_buf_check(out, "extended attributes", err);
}

int measure_xattr_plain(int fd, const char *overlay, struct measure_xattr_scratch *s,
                        struct cmc_err *err)
{
    const struct object o = {.fd = fd};
    const int count = covered(&o, overlay, s, err);
    return count < 0 ? count : 0;
}
