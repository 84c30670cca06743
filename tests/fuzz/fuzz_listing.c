/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_listing.c -- listings, two of them around the first NUL: what is read is written
 * back the same, and two listings show a difference exactly when their digests differ. */
#include <stdlib.h>
#include <string.h>

#include "measure/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_written_back(struct measure_bytes text)
{
    CMC_CLEANUP(measure_listing_done) struct measure_listing l = {0};
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf out = cmc_buf_of(text.len + 1);
    struct cmc_err err = {0};
    int r = measure_listing_open(&l, text.p, text.len, &err);
    check(r == 0);
    measure_listing_begin(&out);
    while ((r = measure_listing_next(&l, &err)) > 0)
        measure_listing_put(&out, &l.e, l.path, l.link);
    check(r == 0 && !out.bad && out.len == text.len && memcmp(out.data, text.p, text.len) == 0);
}

static int digest(struct measure_bytes text, uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    const int r = measure_listing_digest(text.p, text.len, out, &err);
    check((r < 0) == (err.code != CMC_OK) && r <= 0);
    if (r == 0)
        check_written_back(text);
    return r;
}

static int count(void *ctx, struct measure_bytes path, unsigned changes)
{
    int *n = ctx;
    check(path.len > 0 && path.p[0] == '/' && changes != 0);
    *n += changes == MEASURE_ADDED ? 1000000 : changes == MEASURE_REMOVED ? 1000 : 1;
    return 0;
}

static int differences(struct measure_bytes a, struct measure_bytes b)
{
    struct cmc_err err = {0};
    int n = 0, r = measure_listing_diff(a, b, count, &n, &err);
    check((r < 0) == (err.code != CMC_OK));
    return r < 0 ? r : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return 0;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const size_t first = nul ? (size_t)(nul - data) : size;
    const struct measure_bytes a = {data, first};
    const struct measure_bytes b = nul ? (struct measure_bytes){nul + 1, size - first - 1} : a;
    uint8_t da[CMC_SHA256_LEN], db[CMC_SHA256_LEN];
    const int ra = digest(a, da), rb = digest(b, db), n = differences(a, b);
    if (ra == 0 && rb == 0) {
        check(n >= 0 && (n == 0) == (memcmp(da, db, sizeof(da)) == 0));
        check(differences(b, a) % 1000 == n % 1000);
    }
    return 0;
}
