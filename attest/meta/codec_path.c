/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_path.c -- where in a document a fault is. */
#include <stdarg.h>
#include <stdio.h>

#include "attest/meta/codec_parts.h"

struct path { /* being written; without memory of its own, since a fault must not fail */
    char *at;
    size_t left; /* with the NUL */
};

static void CMC_PRINTF(2, 3) put(struct path *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(p->at, p->left, fmt, ap);
    va_end(ap);
    const size_t len = n < 0 ? 0 : (size_t)n < p->left ? (size_t)n : p->left - 1;
    p->at += len;
    p->left -= len;
}

static void put_place(const struct meta_place *place, struct path *p)
{
    if (!place->up) {
        put(p, "%s", place->name);
        return;
    }
    put_place(place->up, p);
    if (!place->name) {
        put(p, "[%zu]", place->index);
        return;
    }
    put(p, ".");
    for (const char *c = place->name; *c; c++) {
        if (*c >= 0x20 && *c < 0x7f && *c != '\\')
            put(p, "%c", *c);
        else
            put(p, "\\x%02x", (unsigned)(uint8_t)*c);
    }
}

void meta_place_path(const struct meta_place *p, char out[static META_PATH_MAX])
{
    struct path path = {.at = out, .left = META_PATH_MAX};
    out[0] = '\0';
    put_place(p, &path);
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
