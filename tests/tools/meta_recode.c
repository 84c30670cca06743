/* SPDX-License-Identifier: Apache-2.0 */
/* meta_recode item|components|artifact|report|exact FILE... -- one line per file: SHA-256 of what
 * it is in JSON and in CBOR, of a report's context as it was hashed, too; or "refused CODE TEXT".
 * Run by tests/oracle/exact_report_compare.py and metadata_compare.py. */
#include <stdio.h>
#include <string.h>

#include "attest/meta/exact.h"
#include "base/hex.h"

static void print_digest(const void *data, size_t len)
{
    uint8_t digest[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_sha256(data, len, digest);
    cmc_hex(digest, sizeof(digest), hex);
    printf("%s ", hex);
}

/* Decodes in, encodes it in JSON and in CBOR. */
typedef int recode(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err);

static int item(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err)
{
    struct meta_item v;
    int rc = meta_item_decode(in->data, in->len, &v, err);
    if (rc < 0)
        return rc;
    rc = meta_item_encode(&v, META_JSON, &out[0], err);
    if (rc == 0)
        rc = meta_item_encode(&v, META_CBOR, &out[1], err);
    meta_item_done(&v);
    return rc;
}

static int components(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err)
{
    struct meta_components v;
    int rc = meta_components_decode(in->data, in->len, &v, err);
    if (rc < 0)
        return rc;
    rc = meta_components_encode(&v, META_JSON, &out[0], err);
    if (rc == 0)
        rc = meta_components_encode(&v, META_CBOR, &out[1], err);
    meta_components_done(&v);
    return rc;
}

static int artifact(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err)
{
    struct meta_artifact v;
    struct meta_doc *doc;
    int rc = meta_artifact_decode(in->data, in->len, &v, &doc, err);
    if (rc < 0)
        return rc;
    rc = meta_artifact_encode(&v, META_JSON, &out[0], err);
    if (rc == 0)
        rc = meta_artifact_encode(&v, META_CBOR, &out[1], err);
    meta_doc_free(doc);
    return rc;
}

static int put_report(const struct meta_report *r, enum meta_encoding encoding, struct cmc_buf *out,
                      struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf context = cmc_buf_of(1 << 20);
    int rc = meta_context_encode(&r->context, encoding, &context, err);
    return rc < 0 ? rc : meta_report_encode(r, encoding, context.data, context.len, out, err);
}

static int report(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err)
{
    struct meta_report v;
    int rc = meta_report_decode(in->data, in->len, &v, err);
    if (rc < 0)
        return rc;
    print_digest(v.context_bytes.data, v.context_bytes.len);
    rc = put_report(&v, META_JSON, &out[0], err);
    if (rc == 0)
        rc = put_report(&v, META_CBOR, &out[1], err);
    meta_report_done(&v);
    return rc;
}

static int exact(const struct cmc_buf *in, struct cmc_buf out[2], struct cmc_err *err)
{
    struct meta_exact v;
    int rc = meta_exact_decode(in->data, in->len, &v, err);
    if (rc < 0)
        return rc;
    rc = meta_exact_encode(&v, META_JSON, &out[0], err);
    if (rc == 0)
        rc = meta_exact_encode(&v, META_CBOR, &out[1], err);
    meta_exact_done(&v);
    return rc;
}

static const struct {
    const char *name;
    recode *run;
} types[] = {{"item", item},
             {"components", components},
             {"artifact", artifact},
             {"report", report},
             {"exact", exact}};

static int tell(const char *path, recode *run)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(1 << 20);
    struct cmc_buf out[2] = {cmc_buf_of(4 << 20), cmc_buf_of(4 << 20)};
    char chunk[4096];
    struct cmc_err err = {0};
    FILE *f = fopen(path, "rbe");
    if (!f)
        return 1;
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        cmc_put(&in, chunk, n);
    (void)fclose(f);
    if (run(&in, out, &err) < 0) {
        printf("refused %u %s\n", (unsigned)err.code, err.msg);
    } else {
        print_digest(out[0].data, out[0].len);
        print_digest(out[1].data, out[1].len);
        puts("");
    }
    cmc_buf_done(&out[0]);
    cmc_buf_done(&out[1]);
    return 0;
}

int main(int argc, char **argv)
{
    size_t type = 0;
    while (argc > 1 && type < sizeof(types) / sizeof(types[0]) &&
           strcmp(types[type].name, argv[1]) != 0)
        type++;
    if (argc < 3 || type == sizeof(types) / sizeof(types[0]))
        return 2;
    for (int i = 2; i < argc; i++)
        if (tell(argv[i], types[type].run) != 0)
            return 1;
    return fflush(stdout) == 0 ? 0 : 1;
}
