/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_owner.c -- what umoci unpack --rootless leaves, and what it has lost. */
#include "measure/rootfs_owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/pb.h"

enum { VALUE_MAX = 64 };                 /* two varints of 32 bits, and their tags: 12 bytes */
#define AS_UNPACKED UINT32_C(0xffffffff) /* "unchanged": root's */

static int take_field(const struct cmc_pb_field *f, bool seen[static 2], uint32_t ids[static 2],
                      struct cmc_err *err)
{
    if (f->number < 1 || f->number > 2 || f->wire != CMC_PB_VARINT)
        return cmc_fail(err, CMC_E_FORMAT, "field %u of wire type %d", f->number, (int)f->wire);
    const size_t i = f->number - 1;
    if (seen[i])
        return cmc_fail(err, CMC_E_FORMAT, "field %u twice", f->number);
    if (f->value > UINT32_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "id %llu", (unsigned long long)f->value);
    seen[i] = true;
    ids[i] = f->value == AS_UNPACKED ? 0 : (uint32_t)f->value;
    return 0;
}

int measure_owner_parse(const uint8_t *value, size_t len, struct measure_owner *out,
                        struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(value, len);
    struct cmc_pb_field f;
    bool seen[2] = {false};
    uint32_t ids[2] = {0};
    int more;
    while ((more = cmc_pb_next(&r, &f, err)) > 0)
        if (take_field(&f, seen, ids, err) < 0)
            return -(int)err->code;
    if (more == 0)
        *out = (struct measure_owner){ids[0], ids[1]};
    return more;
}

/* 1, or 0 when there is none, or -code. */
static int read_attribute(const char *magic, struct measure_owner *out, struct cmc_err *err)
{
    uint8_t value[VALUE_MAX];
    const ssize_t n = getxattr(magic, "user.rootlesscontainers", value, sizeof(value));
    if (n < 0 && errno == ENODATA)
        return 0;
    if (n < 0 && errno == ERANGE)
        return cmc_fail(err, CMC_E_FORMAT, "user.rootlesscontainers: above %d bytes", VALUE_MAX);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "user.rootlesscontainers: read");
    return measure_owner_parse(value, (size_t)n, out, err) < 0
               ? cmc_wrap(err, "user.rootlesscontainers")
               : 1;
}

static bool is_in_dev(const struct measure_bytes *path)
{
    return path->len > 5 && memcmp(path->p, "/dev/", 5) == 0;
}

/* What is met only when something is lost or was not unpacked like this. */
static int check_kept(const struct measure_owners *o, const struct measure_walk_entry *at,
                      const char *magic, struct cmc_err *err)
{
    const struct statx *sx = at->sx;
    if (sx->stx_uid != o->host)
        return cmc_fail(err, CMC_E_VERIFY,
                        "owned by %u, the root directory by %u: not from one unprivileged user's "
                        "unpacking",
                        sx->stx_uid, o->host);
    if (!S_ISREG(sx->stx_mode) && !S_ISDIR(sx->stx_mode) && !S_ISLNK(sx->stx_mode))
        return cmc_fail(err, CMC_E_VERIFY,
                        "neither file, directory nor link: an unprivileged unpacking cannot keep "
                        "its owner; unpack as root");
    if (S_ISREG(sx->stx_mode) && sx->stx_size == 0 && is_in_dev(&at->path))
        return cmc_fail(err, CMC_E_VERIFY,
                        "an empty file in /dev: an unprivileged unpacking leaves one in the place "
                        "of a device; unpack as root");
    if (getxattr(magic, "security.capability", NULL, 0) >= 0)
        return cmc_fail(err, CMC_E_VERIFY,
                        "has a capability, which an unprivileged unpacking cannot set; unpack as "
                        "root");
    return 0;
}

int measure_owners_of(struct measure_owners *o, const struct measure_walk_entry *at,
                      struct measure_owner *out, struct cmc_err *err)
{
    char magic[32];
    const struct statx *sx = at->sx;
    if (!o->rootless) {
        *out = (struct measure_owner){sx->stx_uid, sx->stx_gid};
        return 0;
    }
    if (at->path.len == 0)
        o->host = sx->stx_uid;
    (void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", at->fd);
    if (check_kept(o, at, magic, err) < 0)
        return -(int)err->code;
    struct measure_owner found = {0};
    const int kept = S_ISLNK(sx->stx_mode) ? 0 : read_attribute(magic, &found, err);
    if (kept < 0)
        return kept;
    if (!kept && (S_ISLNK(sx->stx_mode) || !(sx->stx_mode & S_IWUSR)))
        o->guessed++;
    *out = found;
    return 0;
}
