/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_unpack.c -- members of gzip and frames of zstd, one after the other. */
#include "tools/oci_unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* what is read is not changed */
#include <zlib.h>
#include <zstd.h>

#include "base/cleanup.h"

/* As much as fits from the packed bytes at hand to to[cap]. Gives what it wrote. */
typedef int step(struct oci_unpack *u, void *to, size_t cap, size_t *wrote, struct cmc_err *err);

struct oci_unpack {
    oci_unpack_more *more;
    void *ctx;
    const uint8_t *packed; /* left of them at hand */
    size_t left;
    bool last;   /* there are no more */
    bool inside; /* a member or frame has begun and not ended */
    step *step;
    z_stream gzip;
    bool has_gzip;
    ZSTD_DCtx *zstd;
};

static int fail(const char *format, const char *why, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "unpack %s: %s", format, why);
}

static void use(struct oci_unpack *u, size_t bytes)
{
    u->packed += bytes;
    u->left -= bytes;
}

static int step_plain(struct oci_unpack *u, void *to, size_t cap, size_t *wrote,
                      struct cmc_err *err)
{
    (void)err;
    *wrote = u->left < cap ? u->left : cap;
    memcpy(to, u->packed, *wrote);
    use(u, *wrote);
    return 0;
}

static uInt at_most(size_t len)
{
    return len < UINT32_MAX ? (uInt)len : UINT32_MAX;
}

static int step_gzip(struct oci_unpack *u, void *to, size_t cap, size_t *wrote, struct cmc_err *err)
{
    z_stream *z = &u->gzip;
    if (!u->inside && inflateReset(z) != Z_OK)
        return fail("gzip", "the state is not usable", err);
    const uInt in = at_most(u->left), room = at_most(cap);
    z->next_in = u->packed;
    z->avail_in = in;
    z->next_out = to;
    z->avail_out = room;
    const int r = inflate(z, Z_NO_FLUSH);
    use(u, in - z->avail_in);
    *wrote = room - z->avail_out;
    u->inside = r != Z_STREAM_END;
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return fail("gzip", z->msg ? z->msg : zError(r), err);
    return 0;
}

static int step_zstd(struct oci_unpack *u, void *to, size_t cap, size_t *wrote, struct cmc_err *err)
{
    ZSTD_inBuffer in = {u->packed, u->left, 0};
    ZSTD_outBuffer out = {to, cap, 0};
    const size_t r = ZSTD_decompressStream(u->zstd, &out, &in);
    use(u, in.pos);
    *wrote = out.pos;
    u->inside = r != 0;
    return ZSTD_isError(r) ? fail("zstd", ZSTD_getErrorName(r), err) : 0;
}

static int feed(struct oci_unpack *u, struct cmc_err *err)
{
    if (u->left > 0 || u->last)
        return 0;
    if (u->more(u->ctx, &u->packed, &u->left, err) < 0)
        return -(int)err->code;
    u->last = u->left == 0;
    return 0;
}

static bool is_gzip(const struct oci_unpack *u)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8};
    return u->left > sizeof(magic) && memcmp(u->packed, magic, sizeof(magic)) == 0;
}

/* A frame, or one to be skipped, of which there are sixteen kinds. */
static bool is_zstd(const struct oci_unpack *u)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd}, skipped[] = {0x2a, 0x4d, 0x18};
    return u->left >= sizeof(magic) &&
           (memcmp(u->packed, magic, sizeof(magic)) == 0 ||
            (u->packed[0] >> 4 == 5 && memcmp(u->packed + 1, skipped, sizeof(skipped)) == 0));
}

static int set_up(struct oci_unpack *u, struct cmc_err *err)
{
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    u->step = is_gzip(u) ? step_gzip : is_zstd(u) ? step_zstd : step_plain;
    if (u->step == step_gzip)
        u->has_gzip = inflateInit2(&u->gzip, GZIP_ONLY) == Z_OK;
    if (u->step == step_zstd)
        u->zstd = ZSTD_createDCtx();
    if ((u->step == step_gzip && !u->has_gzip) || (u->step == step_zstd && !u->zstd))
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to unpack");
    return 0;
}

CMC_DEFINE_CLEANUP(unpack_freep, struct oci_unpack *, oci_unpack_free)

int oci_unpack_new(oci_unpack_more *more, void *ctx, struct oci_unpack **out, struct cmc_err *err)
{
    CMC_CLEANUP(unpack_freep) struct oci_unpack *u = calloc(1, sizeof(*u));
    if (!u)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to unpack");
    u->more = more;
    u->ctx = ctx;
    if (feed(u, err) < 0 || set_up(u, err) < 0)
        return -(int)err->code;
    *out = CMC_TAKE_PTR(u);
    return 0;
}

int oci_unpack_read(struct oci_unpack *u, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    size_t have = 0, wrote;
    while (have < want) {
        if (feed(u, err) < 0)
            return -(int)err->code;
        if (u->left == 0 && !u->inside)
            break;
        const size_t before = u->left;
        if (u->step(u, (uint8_t *)to + have, want - have, &wrote, err) < 0)
            return -(int)err->code;
        if (wrote == 0 && u->left == before && u->inside)
            return cmc_fail(err, CMC_E_FORMAT, "unpack: it ends too early");
        have += wrote;
    }
    *got = have;
    return 0;
}

void oci_unpack_free(struct oci_unpack *u)
{
    if (!u)
        return;
    if (u->has_gzip)
        (void)inflateEnd(&u->gzip);
    (void)ZSTD_freeDCtx(u->zstd);
    free(u);
}
