/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_path.c -- where in a document a fault is. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attest/meta/codec_parts.h"
#include "base/hex.h"

static void put_path(const struct meta_place *p, struct cmc_buf *b)
{
    if (!p->up) {
        cmc_put_text(b, p->name);
        return;
    }
    put_path(p->up, b);
    if (!p->name) {
        cmc_put_fmt(b, "[%zu]", p->index);
        return;
    }
    cmc_put_u8(b, '.');
    cmc_put_safe(b, p->name, strlen(p->name), 64);
}

void meta_place_path(const struct meta_place *p, char out[static META_PATH_MAX])
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(META_PATH_MAX - 1);
    put_path(p, &b);
    if (b.len)
        memcpy(out, b.data, b.len);
    out[b.len] = '\0';
}

int meta_decoder_fail(const struct meta_decoder *d, enum cmc_code code, const char *fmt, ...)
{
    va_list ap;
    char what[256], path[META_PATH_MAX];
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    meta_place_path(d->place, path);
    return cmc_fail(d->err, code, "%s: %s", path, what);
}

int meta_decoder_wrap(const struct meta_decoder *d)
{
    char path[META_PATH_MAX];
    meta_place_path(d->place, path);
    return cmc_wrap(d->err, "%s", path);
}
