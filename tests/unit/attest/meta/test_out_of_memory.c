/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_out_of_memory.c -- each allocation of the codec fails once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/exact.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

static struct cmc_buf input; /* of the call that runs */
static struct cmc_buf room;  /* of encoders: has all the room they need */

static int report(struct cmc_err *err)
{
    struct meta_report r = {.name = "untouched"};
    cmc_autobuf struct cmc_buf context = cmc_buf_of(1 << 16);
    int rc = meta_report_decode(input.data, input.len, &r, err);
    if (rc < 0) {
        assert_string_equal(r.name, "untouched");
        return rc;
    }
    room.len = 0;
    room.bad = false;
    const enum meta_encoding encoding = input.data[0] == '{' ? META_JSON : META_CBOR;
    rc = meta_context_encode(&r.context, encoding, &context, err);
    if (rc == 0)
        rc = meta_report_encode(&r, encoding, context.data, context.len, &room, err);
    meta_report_done(&r);
    return rc;
}

static int exact(struct cmc_err *err)
{
    struct meta_exact r = {.name = "untouched"};
    int rc = meta_exact_decode(input.data, input.len, &r, err);
    if (rc < 0) {
        assert_string_equal(r.name, "untouched");
        return rc;
    }
    room.len = 0;
    room.bad = false;
    rc = meta_exact_encode(&r, META_CBOR, &room, err);
    meta_exact_done(&r);
    return rc;
}

static int item(struct cmc_err *err)
{
    struct meta_item r = {.location = "untouched"};
    int rc = meta_item_decode(input.data, input.len, &r, err);
    if (rc < 0) {
        assert_string_equal(r.location, "untouched");
        return rc;
    }
    room.len = 0;
    room.bad = false;
    rc = meta_item_encode(&r, META_CBOR, &room, err);
    meta_item_done(&r);
    return rc;
}

static void each_allocation_fails_once(void **state)
{
    static const struct {
        const char *file;
        fail_alloc_call *call;
    } rows[] = {{"events/report.json", report},
                {"events/report.cbor", report},
                {"report/exact.json", exact},
                {"report/exact.cbor", exact}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        input = vector_read(rows[i].file);
        room = cmc_buf_of(1 << 16);
        fail_alloc_each(rows[i].call);
        cmc_buf_done(&input);
        cmc_buf_done(&room);
    }
}

static void each_allocation_of_an_item_fails_once(void **state)
{
    (void)state;
    input = cmc_buf_of(4096);
    room = cmc_buf_of(1 << 16);
    cmc_put_text(&input,
                 "{\"type\":\"Manifest\",\"name\":\"a\",\"unknown\":1,\"baseLayers\":[\"a\"],"
                 "\"details\":{\"b\":1,\"a\":[{}]}}");
    fail_alloc_each(item);
    cmc_buf_done(&input);
    input = cmc_buf_of(4096);
    cmc_put(&input,
            "\xa3\x00\x68Manifest\x0c\xf6\x12\xa2\x61"
            "a\x40\x61"
            "b\x81\x61x",
            23);
    fail_alloc_each(item);
    cmc_buf_done(&input);
    cmc_buf_done(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_once),
        cmocka_unit_test(each_allocation_of_an_item_fails_once),
    };
    return cmocka_run_group_tests_name("attest/meta/out_of_memory", tests, NULL, NULL);
}
