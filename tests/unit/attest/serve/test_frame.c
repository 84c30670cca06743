/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_frame.c -- heads of frames, and what is refused by its head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/serve/frame.h"
#include "tests/lib/rows.h"

static void heads(void **state)
{
    (void)state;
    static const uint8_t bytes[SERVE_HEAD_LEN] = {0, 0, 0, 0x1a, 0x80, 0, 0, 1};
    uint8_t out[SERVE_HEAD_LEN];
    const struct serve_head h = serve_frame_head(bytes);
    assert_int_equal(h.len, 26);
    assert_int_equal(h.type, 0x80000001);
    serve_frame_put(h, out);
    assert_memory_equal(out, bytes, sizeof(bytes));
}

static struct row {
    const char *name;
    struct serve_head head;
    int want;
    const char *says;
} rows[] = {
    {"Attest", {26, 1}, 0, NULL},
    {"one byte", {1, 9}, 0, NULL},
    {"the largest Verify", {10 << 20, 2}, 0, NULL},
    {"a larger Verify",
     {(10 << 20) + 1, 2},
     -CMC_E_LIMIT,
     "Verify: 10485761 bytes, at most 10485760"},
    {"the largest Attest", {8 << 20, 1}, 0, NULL},
    {"a larger Attest", {(8 << 20) + 1, 1}, -CMC_E_LIMIT, "Attest: 8388609 bytes"},
    {"a larger Measure", {(8 << 20) + 1, 7}, -CMC_E_LIMIT, "Measure:"},
    {"the largest Detail", {64 << 10, 16}, 0, NULL},
    {"a larger Detail", {(64 << 10) + 1, 16}, -CMC_E_LIMIT, "Detail:"},
    {"a larger PeerCache", {(64 << 10) + 1, 6}, -CMC_E_LIMIT, "PeerCache:"},
    {"a larger UpdateMetadata", {(64 << 10) + 1, 9}, -CMC_E_LIMIT, "UpdateMetadata:"},
    {"the largest length", {UINT32_MAX, 1}, -CMC_E_LIMIT, "4294967295 bytes"},
    {"empty", {0, 1}, -CMC_E_FORMAT, "Attest: the payload is empty"},
    {"an Error", {5, 0}, -CMC_E_USAGE, "Error (type 0) is not offered"},
    {"TLSCreate", {5, 3}, -CMC_E_USAGE, "TLSCreate (type 3) is not offered"},
    {"TLSSign", {5, 4}, -CMC_E_USAGE, "TLSSign (type 4) is not offered"},
    {"TLSCert", {5, 5}, -CMC_E_USAGE, "TLSCert (type 5) is not offered"},
    {"UpdateCerts", {5, 8}, -CMC_E_USAGE, "UpdateCerts (type 8) is not offered"},
    {"type 10", {5, 10}, -CMC_E_USAGE, "request type 10 is unknown"},
    {"type 17", {5, 17}, -CMC_E_USAGE, "request type 17 is unknown"},
    {"the largest type", {5, UINT32_MAX}, -CMC_E_USAGE, "request type 4294967295 is unknown"},
};

static void check_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    assert_int_equal(serve_frame_check(t->head, &err), t->want);
    if (t->says)
        assert_non_null(strstr(err.msg, t->says));
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1] = {cmocka_unit_test(heads)};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 1] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/serve/frame", tests, NULL, NULL);
}
