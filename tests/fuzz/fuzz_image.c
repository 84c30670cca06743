/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_image.c -- layers of an image: whatever they hold, what comes out is a tree whose
 * listing has the digest that was computed of it, and reading the layers again finds each content.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "measure/image.h"
#include "measure/listing.h"
#include "tests/lib/tar_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LAYERS = 4, MEMBERS = 64, INPUT_MAX = 8192, TAR_MAX = 1 << 20, LIST_MAX = 8 << 20 };

static void check(int holds)
{
    if (!holds)
        abort();
}

/* A text of at most 40 bytes, its length first; a few lengths stand for names that come often. */
static const char *text_of(struct cmc_reader *r, char out[static 48])
{
    static const char *const usual[] = {
        "a", "b", "a/b", "a/b/c", "..", ".wh.a", "a/.wh..wh..opq", "/", "a/.wh.b", "../a", "b/c"};
    const uint8_t len = cmc_read_u8(r);
    if (len >= 128 && len - 128U < sizeof(usual) / sizeof(usual[0]))
        return usual[len - 128];
    const size_t n = len % 41 < r->left ? len % 41 : r->left;
    const uint8_t *p = cmc_read_bytes(r, n);
    if (n)
        memcpy(out, p, n);
    out[n] = 0;
    return out;
}

/* One member: type, mode, owner, name, link, attribute and content. */
static void put_member(struct cmc_reader *r, struct cmc_buf *tar)
{
    static const char *const attributes[] = {NULL, "user.a", "system.posix_acl_access",
                                             "system.posix_acl_default", "security.capability"};
    char name[48], link[48];
    const uint8_t kind = cmc_read_u8(r);
    struct tar_bed_member m = {.type = (char)('0' + kind % 8)};
    m.mode = cmc_read_be16(r) & 07777;
    m.uid = cmc_read_u8(r);
    m.minor = m.uid;
    m.name = text_of(r, name);
    m.link = text_of(r, link);
    m.attribute = attributes[kind / 8 % 5];
    m.value_len = m.attribute ? cmc_read_u8(r) : 0;
    m.value_len = m.value_len < r->left ? m.value_len : r->left;
    m.value = cmc_read_bytes(r, m.value_len);
    m.size = m.type == '0' ? cmc_read_u8(r) : 0;
    m.size = m.size < r->left ? m.size : r->left;
    m.content = m.size ? cmc_read_bytes(r, m.size) : NULL;
    tar_bed_put(tar, &m);
}

static void build(struct cmc_reader *r, struct cmc_buf *tar)
{
    const uint8_t members = cmc_read_u8(r) % MEMBERS;
    for (uint8_t i = 0; i < members && r->left; i++)
        put_member(r, tar);
    tar_bed_end(tar);
}

static int listed(void *ctx, struct measure_bytes path, unsigned changes)
{
    (void)path;
    (void)changes;
    *(int *)ctx = 1;
    return 0;
}

/* The tree's listing is one, and its own. */
static void check_tree(struct measure_image *m, int spool)
{
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(LIST_MAX);
    struct measure_rootfs tree;
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];
    int differs = 0;
    const int cmc = measure_image_digest(m, true, spool, NULL, &tree, &err);
    check(cmc == 0 || err.code == CMC_E_LIMIT);
    check(measure_image_digest(m, false, -1, &listing, &tree, &err) == 0);
    check(measure_listing_digest(listing.data, listing.len, digest, &err) == 0);
    check(memcmp(digest, tree.digest, sizeof(digest)) == 0);
    const struct measure_bytes whole = {listing.data, listing.len};
    check(measure_listing_diff(whole, whole, listed, &differs, &err) == 0 && !differs);
}

static void check_read(const struct measure_image *m, const char *path, int spool)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(TAR_MAX);
    struct cmc_err err = {0};
    const int r = measure_image_read(m, path, spool, &text, &err);
    check(r == 0 || r == 1 || (r < 0 && r == -(int)err.code));
}

static int load(struct cmc_buf *tar, struct measure_image *m, struct cmc_err *err)
{
    for (size_t i = 0; i < LAYERS; i++) {
        struct tar_bed_source bytes;
        const struct measure_source source = tar_bed_source(&bytes, &tar[i]);
        if (measure_image_add(m, &source, err) < 0) {
            check(err->code == CMC_E_VERIFY || err->code == CMC_E_FORMAT ||
                  err->code == CMC_E_LIMIT);
            return -(int)err->code;
        }
    }
    return measure_image_merge(m, err);
}

static void collect(struct cmc_buf *tar, struct measure_image *m, int spool)
{
    struct cmc_err err;
    measure_image_want_all(m);
    for (size_t i = 0; i < LAYERS; i++) {
        struct tar_bed_source bytes;
        const struct measure_source source = tar_bed_source(&bytes, &tar[i]);
        check(measure_image_collect(m, i, &source, spool, &err) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct measure_rootfs_opts opts;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    struct cmc_reader r = cmc_reader_of(data, size < INPUT_MAX ? size : INPUT_MAX);
    struct cmc_buf tar[LAYERS];
    struct cmc_err err = {0};
    cmc_autofd int spool = memfd_create("fuzz", MFD_CLOEXEC);
    for (size_t i = 0; i < LAYERS; i++) {
        tar[i] = cmc_buf_of(TAR_MAX);
        build(&r, &tar[i]);
        check(!tar[i].bad);
    }
    check(measure_image_new(&opts, &m, &err) == 0);
    if (load(tar, m, &err) == 0) {
        collect(tar, m, spool);
        check_read(m, "a", spool);
        check_read(m, "b/c", spool);
        check_tree(m, spool);
    }
    for (size_t i = 0; i < LAYERS; i++)
        cmc_buf_done(&tar[i]);
    return 0;
}
