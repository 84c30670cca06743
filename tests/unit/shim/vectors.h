/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/vectors.h -- captured bytes, read whole. Include after cmocka.h. */
#ifndef TESTS_SHIM_VECTORS_H
#define TESTS_SHIM_VECTORS_H
#include <stdio.h>

#include "base/pb.h"
#include "tests/lib/rows.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

/* The bytes of tests/vectors/shim/<path>, valid until the next call. */
static inline struct cmc_span vector(const char *path)
{
    static uint8_t bytes[16384];
    char full[512];
    (void)snprintf(full, sizeof(full), "%s/shim/%s", TEST_VECTORS, path);
    FILE *f = fopen(full, "rb");
    if (!f)
        fail_msg("%s is missing", full);
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    assert_int_equal(fclose(f), 0);
    assert_true(len < sizeof(bytes));
    return (struct cmc_span){bytes, len};
}

static inline bool equals(const struct cmc_span *s, const char *text)
{
    return s->p && s->len == strlen(text) && memcmp(s->p, text, s->len) == 0;
}
#endif
