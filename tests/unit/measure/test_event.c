/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_event.c -- golden contents, and libcbor reading them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cbor.h>

#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static const enum measure_event_type written[] = {
    MEASURE_RECORDER_START, MEASURE_CONTAINER_CREATE, MEASURE_CONTAINER_DELETE,
    MEASURE_FAILED,         MEASURE_DISCONTINUITY,    MEASURE_UNMEASURED};

static struct cmc_buf encode(const struct measure_event *ev)
{
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(MEASURE_EVENT_MAX);
    if (measure_event_encode(ev, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

/* tests/vectors/event/NAME.hex: written once, read by everyone. CMC_WRITE_VECTORS=1 writes them. */
static void check_golden(const char *name, const struct cmc_buf *b)
{
    char path[512], want[4096] = "", hex[4096], got[4097];
    assert_true(2 * b->len < sizeof(hex));
    (void)snprintf(path, sizeof(path), "%s/event/%s.hex", TEST_VECTORS, name);
    cmc_hex(b->data, b->len, hex);
    (void)snprintf(got, sizeof(got), "%s\n", hex);
    const bool write = getenv("CMC_WRITE_VECTORS") != NULL;
    FILE *f = fopen(path, write ? "w" : "r");
    assert_non_null(f);
    if (write)
        (void)fputs(got, f);
    else
        assert_non_null(fgets(want, sizeof(want), f));
    (void)fclose(f);
    if (!write)
        assert_string_equal(got, want);
}

static void check_round_trip(const struct cmc_buf *b)
{
    struct cmc_err err = {0};
    struct measure_event ev;
    char *text = NULL;
    if (measure_event_decode(b->data, b->len, &ev, &text, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_autobuf struct cmc_buf again = encode(&ev);
    assert_int_equal(again.len, b->len);
    assert_memory_equal(again.data, b->data, b->len);
    free(text);
}

/* libcbor reads the same map: unsigned keys that ascend, the first three as the page says. */
static void check_libcbor(const struct cmc_buf *b, enum measure_event_type type)
{
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(b->data, b->len, &result);
    assert_non_null(item);
    assert_int_equal(result.read, b->len);
    assert_true(cbor_isa_map(item) && cbor_map_is_definite(item));
    const struct cbor_pair *pairs = cbor_map_handle(item);
    for (size_t i = 1; i < cbor_map_size(item); i++)
        assert_true(cbor_get_int(pairs[i - 1].key) < cbor_get_int(pairs[i].key));
    assert_memory_equal(cbor_string_handle(pairs[0].value), "cmc-event/1", 11);
    assert_memory_equal(cbor_string_handle(pairs[1].value), measure_event_name(type),
                        strlen(measure_event_name(type)));
    unsigned char *theirs = NULL;
    size_t cap = 0;
    const size_t len = cbor_serialize_alloc(item, &theirs, &cap);
    assert_int_equal(len, b->len);
    assert_memory_equal(theirs, b->data, len);
    free(theirs);
    cbor_decref(&item);
}

static void golden(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(written); i++) {
        char name[64];
        struct measure_event all = logs_event(written[i]), least = logs_least_event(written[i]);
        cmc_autobuf struct cmc_buf a = encode(&all);
        cmc_autobuf struct cmc_buf b = encode(&least);
        (void)snprintf(name, sizeof(name), "%s-all", measure_event_name(written[i]));
        check_golden(name, &a);
        (void)snprintf(name, sizeof(name), "%s-least", measure_event_name(written[i]));
        check_golden(name, &b);
        check_round_trip(&a);
        check_round_trip(&b);
        check_libcbor(&a, written[i]);
        check_libcbor(&b, written[i]);
    }
}

/* The example of docs/formats/event.md. */
static void page_example(void **state)
{
    (void)state;
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    ev.seq = 2;
    ev.has_exit = true;
    ev.exit_status = 137;
    cmc_autobuf struct cmc_buf b = encode(&ev);
    uint8_t digest[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_sha256(b.data, b.len, digest);
    cmc_hex(digest, sizeof(digest), hex);
    assert_string_equal(hex, "742f241ccd6b38bdb081b917926b95854ff39058430ba36cfe8b1484ed1e5422");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(page_example),
    };
    return cmocka_run_group_tests_name("measure/event", tests, NULL, NULL);
}
