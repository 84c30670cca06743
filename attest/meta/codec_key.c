/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_key.c -- names of members in JSON, keys in CBOR. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attest/meta/codec_parts.h"

int meta_decoder_key(struct meta_decoder *d, const struct cmc_json *node, struct meta_member *out)
{
    struct measure_cbor item = {0};
    if (node) {
        *out = (struct meta_member){.text = true, .name = node->key, .len = node->key_len};
        return 0;
    }
    if (measure_cbor_next(&d->cbor, &item, d->err) < 0)
        return meta_decoder_wrap(d);
    const bool text = item.type == MEASURE_CBOR_TEXT;
    if (!text && item.type != MEASURE_CBOR_UINT && item.type != MEASURE_CBOR_NEGATIVE)
        return meta_decoder_fail(d, CMC_E_FORMAT, "a key that is no text and no integer");
    *out = (struct meta_member){.text = text, .number = item.value};
    out->negative = item.type == MEASURE_CBOR_NEGATIVE;
    if (text) {
        out->name = (const char *)item.data;
        out->len = (size_t)item.value;
    }
    return 0;
}

bool meta_member_is(const struct meta_member *k, const struct meta_field *f, bool json)
{
    if (!json && f->key != META_TEXT_KEY)
        return !k->text && !k->negative && k->number == (uint64_t)f->key;
    /* a number's name is empty, and no member's is */
    return k->len == strlen(f->name) && memcmp(k->name, f->name, k->len) == 0;
}

void meta_member_name(const struct meta_member *k, char out[static META_PATH_MAX])
{
    if (k->text)
        (void)snprintf(out, META_PATH_MAX, "%.*s", k->len < 99 ? (int)k->len : 99, k->name);
    else if (k->negative && k->number == UINT64_MAX)
        (void)snprintf(out, META_PATH_MAX, "-18446744073709551616"); /* fits into no integer */
    else if (k->negative)
        (void)snprintf(out, META_PATH_MAX, "-%" PRIu64, k->number + 1);
    else
        (void)snprintf(out, META_PATH_MAX, "%" PRIu64, k->number);
}
