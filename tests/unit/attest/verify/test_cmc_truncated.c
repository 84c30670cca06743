/* SPDX-License-Identifier: Apache-2.0 */
/* A report that ends too early, at each byte of its head and many others: refused, never more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/cmc_bed.h"

/* Truncated at every byte: refused, never a crash. */
static void truncated(void **state)
{
    struct cmc_bed *b = cmc_bed_open();
    struct cmc_err err = {0};
    b->encoding = *(const enum meta_encoding *)*state;
    cmc_autobuf struct cmc_buf report = cmc_bed_report(b);
    for (size_t len = 0; len < report.len; len += len < 2000 ? 1 : 61) {
        struct verify_result *r = NULL;
        assert_int_equal(
            verify_report(report.data, len, b->asked, sizeof(b->asked), &b->policy, &r, &err), 0);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        verify_result_free(r);
    }
    cmc_bed_close(b);
}

int main(void)
{
    static enum meta_encoding json = META_JSON, cbor = META_CBOR;
    const struct CMUnitTest tests[] = {
        {"truncated JSON", truncated, NULL, NULL, &json},
        {"truncated CBOR", truncated, NULL, NULL, &cbor},
    };
    return cmocka_run_group_tests_name("attest/verify/cmc_truncated", tests, NULL, NULL);
}
