/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/vectors.c -- reads vectors, compares with them. */
#include "tests/lib/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cmc_buf read_from(const char *folder, const char *name, bool *there)
{
    struct cmc_buf b = cmc_buf_of(8 << 20);
    char path[512], chunk[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    *there = f != NULL;
    if (!f)
        return b;
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        cmc_put(&b, chunk, n);
    (void)fclose(f);
    assert_false(b.bad);
    return b;
}

struct cmc_buf vector_read(const char *name)
{
    bool there;
    struct cmc_buf b = read_from(TEST_VECTORS, name, &there);
    if (!there)
        fail_msg("%s/%s: not there", TEST_VECTORS, name);
    return b;
}

struct cmc_buf vector_extra(const char *name)
{
    bool there = false;
    struct cmc_buf b = cmc_buf_of(1);
    const char *folder = getenv("CMC_EXTRA_VECTORS"); /* NOLINT(concurrency-mt-unsafe) one thread */
    if (folder)
        b = read_from(folder, name, &there);
    if (!there) {
        print_message("skipped: CMC_EXTRA_VECTORS names no folder with %s\n", name);
        skip();
    }
    return b;
}

void vector_equal(const char *what, const struct cmc_buf *have, const void *want, size_t len)
{
    const uint8_t *w = want;
    size_t i = 0;
    while (i < have->len && i < len && have->data[i] == w[i])
        i++;
    if (i < have->len || i < len)
        fail_msg("%s: %zu bytes, expected %zu; the first that differs is %zu: ...%.*s", what,
                 have->len, len, i, (int)(have->len - i < 60 ? have->len - i : 60),
                 (const char *)have->data + i);
}
