/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an item of metadata, as components, and as a log: what is accepted is written in
 * both encodings, read again, and then says the same in the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "attest/meta/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* One of the types: decodes *in, encodes it in an encoding; false: refused. */
typedef bool both(const struct cmc_buf *in, enum meta_encoding encoding, struct cmc_buf *out);

static bool item(const struct cmc_buf *in, enum meta_encoding encoding, struct cmc_buf *out)
{
    struct meta_item v = {.location = "untouched"};
    struct cmc_err err = {0};
    int64_t at;
    const int rc = meta_item_decode(in->data, in->len, &v, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        must(!v.doc && strcmp(v.location, "untouched") == 0);
        return false;
    }
    if (v.info.not_after && meta_time(v.info.not_after, &at, &err) < 0)
        must(err.code == CMC_E_FORMAT);
    must(meta_item_encode(&v, encoding, out, &err) == 0);
    meta_item_done(&v);
    return true;
}

static bool components(const struct cmc_buf *in, enum meta_encoding encoding, struct cmc_buf *out)
{
    struct meta_components v = {0};
    struct cmc_err err = {0};
    const int rc = meta_components_decode(in->data, in->len, &v, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0)
        return false;
    for (size_t i = 0; i < v.count; i++)
        (void)meta_component_hash(&v.at[i], "sha-256");
    must(meta_components_encode(&v, encoding, out, &err) == 0);
    meta_components_done(&v);
    return true;
}

static bool artifact(const struct cmc_buf *in, enum meta_encoding encoding, struct cmc_buf *out)
{
    struct meta_artifact v = {0};
    struct meta_doc *doc = NULL;
    struct cmc_err err = {0};
    const int rc = meta_artifact_decode(in->data, in->len, &v, &doc, &err);
    must((rc < 0) == (err.code != CMC_OK) && (rc < 0) == !doc);
    if (rc < 0)
        return false;
    must(meta_artifact_encode(&v, encoding, out, &err) == 0);
    meta_doc_free(doc);
    return true;
}

static void check(both *type, const struct cmc_buf *in)
{
    for (int encoding = META_JSON; encoding <= META_CBOR; encoding++) {
        cmc_autobuf struct cmc_buf first = cmc_buf_of(64 << 20);
        cmc_autobuf struct cmc_buf second = cmc_buf_of(64 << 20);
        if (!type(in, (enum meta_encoding)encoding, &first))
            return;
        must(type(&first, (enum meta_encoding)encoding, &second));
        must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(size);
    cmc_put(&in, data, size);
    check(item, &in);
    check(components, &in);
    check(artifact, &in);
    return 0;
}
