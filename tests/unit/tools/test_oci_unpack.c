/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_oci_unpack.c -- every way to cut and to join what is packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/lib/rows.h"
#include "tools/oci_unpack.h"

enum { MAX = 1 << 20, TEXT = 300000 };

static uint8_t text[TEXT];

static void put_gzip(struct cmc_buf *out, const void *data, size_t len)
{
    static uint8_t room[MAX];
    z_stream z = {
        .next_in = data, .avail_in = (uInt)len, .next_out = room, .avail_out = sizeof(room)};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    cmc_put(out, room, z.total_out);
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static void put_zstd(struct cmc_buf *out, const void *data, size_t len)
{
    static uint8_t room[MAX];
    const size_t n = ZSTD_compress(room, sizeof(room), data, len, 3);
    assert_false(ZSTD_isError(n));
    cmc_put(out, room, n);
}

/* How packed bytes come: the first five at once, then in pieces. */
struct feed {
    const struct cmc_buf *from;
    size_t at, piece, fails_at;
};

static int more(void *ctx, const uint8_t **packed, size_t *len, struct cmc_err *err)
{
    struct feed *f = ctx;
    const size_t left = f->from->len - f->at, piece = f->at == 0 && f->piece < 5 ? 5 : f->piece;
    if (f->fails_at && f->at >= f->fails_at)
        return cmc_fail(err, CMC_E_LIMIT, "no more");
    *packed = f->from->data + f->at;
    *len = left < piece ? left : piece;
    f->at += *len;
    return 0;
}

static int unpack(struct feed *f, size_t want, struct cmc_buf *out, struct cmc_err *err)
{
    struct oci_unpack *u = NULL;
    uint8_t part[8192];
    size_t got = 1;
    int r = oci_unpack_new(more, f, &u, err);
    while (r == 0 && got > 0) {
        r = oci_unpack_read(u, part, want, &got, err);
        if (r == 0)
            cmc_put(out, part, got);
    }
    oci_unpack_free(u);
    return r;
}

static int unpack_whole(const struct cmc_buf *packed, struct cmc_buf *out, struct cmc_err *err)
{
    struct feed f = {.from = packed, .piece = 65536};
    out->len = 0;
    return unpack(&f, 8192, out, err);
}

static void put_skipped(struct cmc_buf *out, uint8_t kind)
{
    const uint8_t frame[] = {(uint8_t)(0x50 + kind), 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    cmc_put(out, frame, sizeof(frame));
}

enum made { PLAIN, GZIP, ZSTD, GZIPS, ZSTDS, SKIPPED, EMPTY_GZIP, EMPTY_ZSTD, EMPTY, MADE };

static void make_joined(enum made how, struct cmc_buf *packed)
{
    const size_t third = TEXT / 3;
    for (uint8_t i = 0; i < 3; i++) {
        if (how == SKIPPED)
            put_skipped(packed, (uint8_t)(7 * i + 1));
        if (how == GZIPS)
            put_gzip(packed, text + i * third, third);
        else
            put_zstd(packed, text + i * third, third);
    }
    if (how == SKIPPED)
        put_skipped(packed, 15);
}

static void make(enum made how, struct cmc_buf *packed, struct cmc_buf *want)
{
    packed->len = want->len = 0;
    if (how < EMPTY_GZIP)
        cmc_put(want, text, TEXT);
    if (how == PLAIN)
        cmc_put(packed, text, TEXT);
    else if (how == GZIP || how == EMPTY_GZIP)
        put_gzip(packed, text, want->len);
    else if (how == ZSTD || how == EMPTY_ZSTD)
        put_zstd(packed, text, want->len);
    else if (how != EMPTY)
        make_joined(how, packed);
}

static void in_any_pieces(void **state)
{
    static const size_t sizes[][2] = {{65536, 8192}, {1, 8192}, {4096, 1}, {3, 7}, {TEXT, 512}};
    cmc_autobuf struct cmc_buf packed = cmc_buf_of(MAX), want = cmc_buf_of(MAX),
                               got = cmc_buf_of(MAX);
    (void)state;
    for (int how = 0; how < MADE; how++)
        for (size_t i = 0; i < ROWS(sizes); i++) {
            struct cmc_err err = {0};
            make((enum made)how, &packed, &want);
            struct feed f = {.from = &packed, .piece = sizes[i][0]};
            got.len = 0;
            if (unpack(&f, sizes[i][1], &got, &err) < 0)
                fail_msg("%d: %s", how, err.msg);
            assert_int_equal(got.len, want.len);
            if (want.len)
                assert_memory_equal(got.data, want.data, want.len);
            assert_int_equal(f.at, packed.len); /* all of it was asked for */
        }
}

/* How often it is taken for whole though it was cut off. */
static size_t cut_off_unseen(struct cmc_buf *packed, struct cmc_buf *got)
{
    const size_t whole = packed->len;
    size_t unseen = 0;
    for (packed->len = 4; packed->len<whole; packed->len += packed->len> 64 ? 12 : 1) {
        struct cmc_err err = {0};
        const int r = unpack_whole(packed, got, &err);
        unseen += r == 0;
        if (r < 0) {
            assert_int_equal(r, -CMC_E_FORMAT);
            assert_non_null(strstr(err.msg, "unpack"));
        }
    }
    return unseen;
}

/* Never less than was packed: cut off anywhere but between two members or frames. */
static void cut_off(void **state)
{
    cmc_autobuf struct cmc_buf packed = cmc_buf_of(MAX), want = cmc_buf_of(MAX),
                               got = cmc_buf_of(MAX);
    (void)state;
    for (int how = GZIP; how <= SKIPPED; how++) {
        make((enum made)how, &packed, &want);
        assert_in_range(cut_off_unseen(&packed, &got), 0, how <= ZSTD ? 0 : 3);
    }
}

static void something_behind(void **state)
{
    static const struct {
        const char *what;
        size_t len;
    } rows[] = {{"x", 1}, {"\0\0\0\0\0\0\0\0", 8}, {"\x1f\x8b", 2}, {"\x28\xb5\x2f", 3}};
    cmc_autobuf struct cmc_buf packed = cmc_buf_of(MAX), want = cmc_buf_of(MAX),
                               got = cmc_buf_of(MAX);
    (void)state;
    for (int how = GZIP; how <= SKIPPED; how++)
        for (size_t i = 0; i < ROWS(rows); i++) {
            struct cmc_err err = {0};
            make((enum made)how, &packed, &want);
            cmc_put(&packed, rows[i].what, rows[i].len);
            assert_int_equal(unpack_whole(&packed, &got, &err), -CMC_E_FORMAT);
            assert_non_null(strstr(err.msg, "unpack"));
        }
}

/* What is packed twice is unpacked once; so is what only begins like it. */
static void once_only(void **state)
{
    cmc_autobuf struct cmc_buf packed = cmc_buf_of(MAX), want = cmc_buf_of(MAX),
                               got = cmc_buf_of(MAX), twice = cmc_buf_of(MAX);
    struct cmc_err err = {0};
    (void)state;
    make(GZIP, &packed, &want);
    put_gzip(&twice, packed.data, packed.len);
    assert_int_equal(unpack_whole(&twice, &got, &err), 0);
    assert_int_equal(got.len, packed.len);
    assert_memory_equal(got.data, packed.data, packed.len);
    packed.len = 0;
    cmc_put(&packed, "\x1f\x8b\x07 is no gzip", 15);
    assert_int_equal(unpack_whole(&packed, &got, &err), 0);
    assert_int_equal(got.len, 15);
}

static void faults_of_the_source(void **state)
{
    cmc_autobuf struct cmc_buf packed = cmc_buf_of(MAX), want = cmc_buf_of(MAX),
                               got = cmc_buf_of(MAX);
    (void)state;
    for (int how = PLAIN; how <= ZSTD; how++) {
        struct cmc_err err = {0};
        make((enum made)how, &packed, &want);
        struct feed f = {.from = &packed, .piece = 10, .fails_at = 20};
        assert_int_equal(unpack(&f, 8192, &got, &err), -CMC_E_LIMIT);
        assert_string_equal(err.msg, "no more");
    }
}

int main(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < TEXT; i++) { /* packs to a tenth or so */
        x = x * 1664525 + 1013904223;
        text[i] = x >> 30 ? (uint8_t) "layer"[i % 5] : (uint8_t)(x >> 22);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_any_pieces),        cmocka_unit_test(cut_off),
        cmocka_unit_test(something_behind),     cmocka_unit_test(once_only),
        cmocka_unit_test(faults_of_the_source),
    };
    return cmocka_run_group_tests_name("tools/oci_unpack", tests, NULL, NULL);
}
