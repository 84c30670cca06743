/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a report of profile exact: accepted CBOR encodes to itself, accepted JSON to CBOR
 * that says the same. */
#include <stdlib.h>
#include <string.h>

#include "attest/meta/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct cmc_buf encode(const struct meta_exact *r, enum meta_encoding encoding)
{
    struct cmc_err err = {0};
    struct cmc_buf out = cmc_buf_of(64 << 20);
    must(meta_exact_encode(r, encoding, &out, &err) == 0);
    return out;
}

static bool decode(const void *data, size_t size, struct meta_exact *out)
{
    struct cmc_err err = {0};
    struct meta_exact r = {.name = "untouched"};
    const int rc = meta_exact_decode(data, size, &r, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        must(!r.doc && strcmp(r.name, "untouched") == 0);
        return false;
    }
    must(!meta_doc_unknown(r.doc, 0));
    *out = r;
    return true;
}

/* By way of JSON the CBOR stays what it is. */
static void check(const struct cmc_buf *cbor)
{
    struct meta_exact r = {0};
    must(decode(cbor->data, cbor->len, &r));
    cmc_autobuf struct cmc_buf json = encode(&r, META_JSON);
    meta_exact_done(&r);
    must(meta_exact_is(json.data, json.len));
    must(decode(json.data, json.len, &r));
    cmc_autobuf struct cmc_buf again = encode(&r, META_CBOR);
    must(again.len == cbor->len && memcmp(again.data, cbor->data, cbor->len) == 0);
    meta_exact_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta_exact r = {0};
    enum meta_encoding encoding;
    struct cmc_err err;
    if (!decode(data, size, &r))
        return 0;
    cmc_autobuf struct cmc_buf cbor = encode(&r, META_CBOR);
    must(meta_encoding_of(data, size, &encoding, &err) == 0);
    if (encoding == META_CBOR) {
        must(meta_exact_is(data, size));
        must(cbor.len == size && memcmp(cbor.data, data, size) == 0);
    }
    meta_exact_done(&r);
    check(&cbor);
    return 0;
}
