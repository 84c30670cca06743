/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a report of CMC 3.3.0: what is accepted is written again, in both encodings, and
 * then says the same in the same bytes; the context is found where it was. */
#include <stdlib.h>
#include <string.h>

#include "attest/meta/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool decode(const void *data, size_t size, struct meta_report *out)
{
    struct cmc_err err = {0};
    struct meta_report r = {.name = "untouched"};
    const int rc = meta_report_decode(data, size, &r, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        must(!r.doc && strcmp(r.name, "untouched") == 0);
        return false;
    }
    *out = r;
    return true;
}

static struct cmc_buf encode(const struct meta_report *r, enum meta_encoding encoding)
{
    struct cmc_err err = {0};
    struct cmc_buf out = cmc_buf_of(64 << 20);
    cmc_autobuf struct cmc_buf context = cmc_buf_of(64 << 20);
    must(meta_context_encode(&r->context, encoding, &context, &err) == 0);
    must(meta_report_encode(r, encoding, context.data, context.len, &out, &err) == 0);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta_report r = {0}, again = {0};
    if (!decode(data, size, &r))
        return 0;
    for (int encoding = META_JSON; encoding <= META_CBOR; encoding++) {
        cmc_autobuf struct cmc_buf first = encode(&r, (enum meta_encoding)encoding);
        must(decode(first.data, first.len, &again));
        cmc_autobuf struct cmc_buf second = encode(&again, (enum meta_encoding)encoding);
        must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        must(!meta_doc_unknown(again.doc, 0));
        must(memmem(first.data, first.len, again.context_bytes.data, again.context_bytes.len));
        meta_report_done(&again);
    }
    meta_report_done(&r);
    return 0;
}
