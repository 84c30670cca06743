/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight_file.c -- bytes of an entry; and its key, of which a doubt makes none.
 */
#include "tools/cmc_measure_flight_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

enum { SUMMED = CMC_MEASURE_FLIGHT_BYTES - CMC_SHA256_LEN, RESERVED = 6, KEY_BYTES_MAX = 1 << 16 };

#define XFS_MAGIC 0x58465342

static const char magic[16] = "cmc-cache-1\n";
static const uint8_t zeros[CMC_SHA256_LEN];

void cmc_measure_flight_file_put(const struct cmc_measure_flight_file *f,
                                 uint8_t out[static CMC_MEASURE_FLIGHT_BYTES])
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_MEASURE_FLIGHT_BYTES);
    cmc_put(&b, magic, sizeof(magic));
    cmc_put(&b, f->boot, sizeof(f->boot));
    cmc_put(&b, f->key, sizeof(f->key));
    cmc_put(&b, f->stamp, sizeof(f->stamp));
    cmc_put_be64(&b, (uint64_t)f->lead_ns);
    cmc_put_be64(&b, f->written_ms);
    cmc_put_be64(&b, f->entries);
    cmc_put_be64(&b, f->bytes);
    cmc_put_u8(&b, f->measured);
    cmc_put_u8(&b, f->tree.has_listing);
    cmc_put(&b, zeros, RESERVED);
    cmc_put(&b, f->tree.rootfs, sizeof(f->tree.rootfs));
    cmc_put(&b, f->tree.listing, sizeof(f->tree.listing));
    memset(out, 0, CMC_MEASURE_FLIGHT_BYTES); /* out of memory: a file that nobody accepts */
    if (b.bad)
        return;
    memcpy(out, b.data, SUMMED);
    cmc_sha256(out, SUMMED, out + SUMMED);
}

static bool take(struct cmc_reader *r, uint8_t *to, size_t len)
{
    const uint8_t *p = cmc_read_bytes(r, len);
    if (p)
        memcpy(to, p, len);
    return p != NULL;
}

static bool take_flag(struct cmc_reader *r, bool *to)
{
    const uint8_t v = cmc_read_u8(r);
    *to = v == 1;
    return v <= 1;
}

static bool is_zero(const uint8_t digest[static CMC_SHA256_LEN])
{
    return memcmp(digest, zeros, sizeof(zeros)) == 0;
}

/* Digests stand where there are any, and nowhere else. */
static bool is_sound(const struct cmc_measure_flight_file *f)
{
    const struct cmc_measure_tree *t = &f->tree;
    if (!f->measured && (t->has_listing || !is_zero(t->rootfs) || !is_zero(f->stamp)))
        return false;
    return t->has_listing || is_zero(t->listing);
}

static bool read_members(struct cmc_reader *r, struct cmc_measure_flight_file *f)
{
    bool ok = take(r, f->boot, sizeof(f->boot)) && take(r, f->key, sizeof(f->key)) &&
              take(r, f->stamp, sizeof(f->stamp));
    f->lead_ns = (int64_t)cmc_read_be64(r);
    f->written_ms = cmc_read_be64(r);
    f->entries = cmc_read_be64(r);
    f->bytes = cmc_read_be64(r);
    ok = ok && take_flag(r, &f->measured) && take_flag(r, &f->tree.has_listing);
    const uint8_t *reserved = cmc_read_bytes(r, RESERVED);
    return ok && reserved && memcmp(reserved, zeros, RESERVED) == 0 &&
           take(r, f->tree.rootfs, sizeof(f->tree.rootfs)) &&
           take(r, f->tree.listing, sizeof(f->tree.listing)) && is_sound(f);
}

int cmc_measure_flight_file_parse(const void *data, size_t len, struct cmc_measure_flight_file *out,
                                  struct cmc_err *err)
{
    struct cmc_measure_flight_file f = {.measured = false};
    uint8_t sum[CMC_SHA256_LEN];
    if (len != CMC_MEASURE_FLIGHT_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "entry: not of this version");
    cmc_sha256(data, SUMMED, sum);
    if (memcmp(sum, (const uint8_t *)data + SUMMED, sizeof(sum)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "entry: torn, or damaged");
    struct cmc_reader r = cmc_reader_of(data, SUMMED);
    (void)cmc_read_bytes(&r, sizeof(magic));
    if (!read_members(&r, &f))
        return cmc_fail(err, CMC_E_FORMAT, "entry: members that cannot be");
    *out = f;
    return 0;
}

static void put_text(struct cmc_buf *b, const char *text)
{
    cmc_put_be32(b, (uint32_t)strlen(text));
    cmc_put_text(b, text);
}

static void put_maps(struct cmc_buf *b, const struct measure_idmap *maps, size_t count)
{
    cmc_put_be32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        cmc_put_be32(b, maps[i].inside);
        cmc_put_be32(b, maps[i].outside);
        cmc_put_be32(b, maps[i].count);
    }
}

/* File systems where device and inode name one file, whose ctime the kernel sets at each change,
 * also at a store through a mapping, and nobody else does. Not tmpfs: it misses the store. */
static bool keeps_ctime(unsigned long type)
{
    return type == EXT4_SUPER_MAGIC || type == XFS_MAGIC || type == BTRFS_SUPER_MAGIC;
}

/* Who may write the parent could put another directory in its place, and who owns the tree could
 * keep a page of a file pinned, and change it without a ctime. */
int cmc_measure_flight_judge(int layer, struct cmc_err *err)
{
    struct stat parent;
    struct statfs fs;
    if (fstatat(layer, "..", &parent, 0) < 0 || fstatfs(layer, &fs) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat");
    if ((parent.st_uid != 0 && parent.st_uid != geteuid()) || (parent.st_mode & 022) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "others than root could write beside it");
    const unsigned long type = (unsigned long)fs.f_type;
    if (!keeps_ctime(type))
        return cmc_fail(err, CMC_E_FORMAT, "on a file system of type %lx", type);
    return 0;
}

static int put_layer(struct cmc_buf *b, int layer, struct cmc_err *err)
{
    struct stat st;
    struct statfs fs;
    if (cmc_measure_flight_judge(layer, err) < 0)
        return -(int)err->code;
    if (fstat(layer, &st) < 0 || fstatfs(layer, &fs) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat");
    cmc_put_be64(b, st.st_dev);
    cmc_put_be64(b, st.st_ino);
    cmc_put_be64(b, (uint64_t)fs.f_type);
    return 0;
}

static int put_layers(struct cmc_buf *b, const struct cmc_measure_flight *f, struct cmc_err *err)
{
    if (f->layer_count == 0)
        return cmc_fail(err, CMC_E_FORMAT, "no layers");
    cmc_put_u8(b, (uint8_t)f->kind);
    put_text(b, f->options);
    cmc_put_be32(b, (uint32_t)f->layer_count);
    for (size_t i = 0; i < f->layer_count; i++)
        if (put_layer(b, f->layers[i], err) < 0)
            return cmc_wrap(err, "layer %zu", i);
    return 0;
}

int cmc_measure_flight_key(const struct cmc_measure_flight *f, uint8_t key[static CMC_SHA256_LEN],
                           struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(KEY_BYTES_MAX);
    put_text(&b, "cmc-cache-1");
    put_text(&b, f->form);
    cmc_put_u8(&b, f->keep_listing);
    cmc_put_be64(&b, f->opts->file_max);
    put_maps(&b, f->opts->uids, f->opts->uid_maps);
    put_maps(&b, f->opts->gids, f->opts->gid_maps);
    if (put_layers(&b, f, err) < 0 || cmc_buf_check(&b, "key of an entry", err) < 0)
        return -(int)err->code;
    cmc_sha256(b.data, b.len, key);
    return 0;
}
