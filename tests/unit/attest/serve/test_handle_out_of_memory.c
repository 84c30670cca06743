/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_handle_out_of_memory.c -- each allocation behind a request fails
 * once: the whole answer, or a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/fail_alloc.h"
#include "tests/unit/attest/serve/handle_bed.h"

static struct handle_bed bed;
static const struct handle_bed_request *request;
static struct cmc_buf whole; /* the answer without a fault */

/* What does without some memory: a verdict that trusts less, and what was to be kept of a peer. */
static bool may_differ(const struct cmc_buf *out)
{
    return request->type == SERVE_VERIFY && fail_alloc_happened() &&
           !memmem(out->data, out->len, "\"TRUSTED", 8);
}

static int ask(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc = handle_bed_ask(&bed, request, &out, err);
    if (rc < 0) {
        handle_bed_refused(&out);
        return rc;
    }
    assert_false(out.bad);
    if (out.len != whole.len && !may_differ(&out))
        fail_msg("%zu bytes, expected %zu", out.len, whole.len);
    return may_differ(&out) ? cmc_fail(err, CMC_E_LIMIT, "answered without it") : 0;
}

static void each_request(void **state)
{
    struct handle_bed_request requests[HANDLE_BED_REQUESTS];
    (void)state;
    handle_bed_open(&bed);
    handle_bed_requests(&bed, requests);
    for (size_t i = 0; i < HANDLE_BED_REQUESTS; i++) {
        struct cmc_err err = {0};
        request = &requests[i];
        print_message("%s\n", request->name);
        whole = cmc_buf_of(1 << 20);
        if (handle_bed_ask(&bed, request, &whole, &err) < 0)
            fail_msg("%s", err.msg);
        fail_alloc_each(ask);
        cmc_buf_done(&whole);
    }
    handle_bed_done(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_request)};
    return cmocka_run_group_tests_name("attest/serve/handle out of memory", tests, NULL, NULL);
}
