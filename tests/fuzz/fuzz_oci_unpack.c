/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_oci_unpack.c -- packed bytes of any kind: the same comes out, or the same fault,
 * however they come in and are asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "tools/oci_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 4 << 20 };

struct feed {
    const uint8_t *data;
    size_t left, piece;
};

static int more(void *ctx, const uint8_t **packed, size_t *len, struct cmc_err *err)
{
    struct feed *f = ctx;
    (void)err;
    *packed = f->data;
    *len = f->left < f->piece ? f->left : f->piece;
    f->data += *len;
    f->left -= *len;
    return 0;
}

struct outcome {
    size_t bytes;
    uint8_t digest[CMC_SHA256_LEN];
    int code;
};

static struct outcome unpack(const uint8_t *data, size_t size, size_t piece, size_t want)
{
    static uint8_t part[65536];
    struct feed f = {data, size, piece};
    struct oci_unpack *u = NULL;
    struct cmc_err err = {0};
    struct cmc_sha256_ctx hash;
    struct outcome o = {0};
    size_t got = 1;
    cmc_sha256_init(&hash);
    o.code = oci_unpack_new(more, &f, &u, &err);
    while (o.code == 0 && got > 0 && o.bytes < OUT_MAX) {
        o.code = oci_unpack_read(u, part, want, &got, &err);
        if (o.code == 0 && got > 0) {
            cmc_sha256_add(&hash, part, got);
            o.bytes += got;
        }
    }
    if (o.code < 0 && (o.code != -(int)err.code || !err.msg[0]))
        abort();
    cmc_sha256_end(&hash, o.digest);
    oci_unpack_free(u);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct outcome a = unpack(data, size, 65536, 65536), b = unpack(data, size, 7, 512);
    if (a.bytes >= OUT_MAX || b.bytes >= OUT_MAX) /* not read to their end */
        return 0;
    if (a.code != b.code ||
        (a.code == 0 && (a.bytes != b.bytes || memcmp(a.digest, b.digest, sizeof(a.digest)) != 0)))
        abort();
    return 0;
}
