/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/encoding.c -- tells JSON from CBOR by the first bytes. */
#include "attest/meta/sign.h"

int meta_encoding_of(const void *data, size_t len, enum meta_encoding *out, struct cmc_err *err)
{
    const uint8_t *p = data;
    size_t i = 0;
    /* RFC 8949 section 3: arrays 80..9f, maps a0..bf, tags c0..db. None begins a JSON text. */
    if (len && p[0] >= 0x80 && p[0] <= 0xdb) {
        *out = META_CBOR;
        return 0;
    }
    while (i < len && (p[i] == ' ' || p[i] == '\t' || p[i] == '\n' || p[i] == '\r'))
        i++;
    if (i == len || (p[i] != '{' && p[i] != '['))
        return cmc_fail(err, CMC_E_FORMAT,
                        "neither JSON (an object or array) nor CBOR (a map, array or tag)");
    *out = META_JSON;
    return 0;
}
