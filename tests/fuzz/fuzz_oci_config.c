/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_oci_config.c -- any bytes as config.json, and as a detail.
 * A digest comes with a detail that gives it back and differs from itself in nothing; where a
 * detail does not differ from a known one, their digests are equal. */
#include <stdlib.h>
#include <string.h>

#include "measure/config.h"

static void must_not_differ(void *ctx, const char *path, const char *before, const char *after)
{
    (void)ctx;
    (void)path;
    (void)before;
    (void)after;
    abort();
}

static void count(void *ctx, const char *path, const char *before, const char *after)
{
    size_t *n = ctx;
    if (!*path || (!before && !after))
        abort();
    ++*n;
}

static void as_config(const uint8_t *data, size_t size, const char *id)
{
    static const uint8_t key[32] = "a key of thirty-two bytes, here";
    const struct measure_config_opts opts = {
        .container_id = id, .bundle = "/b", .redaction_key = key};
    struct measure_config c;
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];

    int rc = measure_config(data, size, &opts, &c, &err);
    if ((rc < 0) != (err.code != CMC_OK))
        abort();
    if (rc < 0)
        return;
    if (measure_config_detail_digest(c.detail.data, c.detail.len, key, digest, &err) < 0 ||
        memcmp(digest, c.digest, sizeof(digest)) != 0 ||
        measure_config_diff(&c.detail, &c.detail, must_not_differ, NULL, &err) < 0)
        abort();
    measure_config_done(&c);
}

/* Against a known detail: differences and digests say the same. */
static void as_detail(const uint8_t *data, size_t size, char *known)
{
    struct cmc_buf a = {.data = (uint8_t *)known, .len = strlen(known)};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(size);
    struct cmc_err err = {0};
    uint8_t one[CMC_SHA256_LEN], two[CMC_SHA256_LEN];
    size_t n = 0;

    if (measure_config_detail_digest(data, size, NULL, two, &err) < 0)
        return;
    cmc_put(&b, data, size);
    if (measure_config_detail_digest(a.data, a.len, NULL, one, &err) < 0 ||
        measure_config_diff(&a, &b, count, &n, &err) < 0)
        abort();
    if (n == 0 && memcmp(one, two, sizeof(one)) != 0)
        abort(); /* the other way round, a withheld value differs from the same one shown */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char small[] = "{\"process\":{\"env\":[{\"name\":\"A\",\"value\":\"B\"}]}}";
    static char large[] = "{\"a\":[1,\"x\",{\"b\":null}],\"c\":{\"d\":true,\"e\":-1},\"process\":{"
                          "\"args\":[],\"env\":[{\"name\":\"A\"},null,{\"name\":\"B\",\"value\":"
                          "\"\"},{\"name\":\"A\",\"value\":\"C\"}]}}";
    as_config(data, size, "one");
    as_config(data, size, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    as_detail(data, size, small);
    as_detail(data, size, large);
    return 0;
}
