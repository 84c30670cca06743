/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_every_detail.c -- every byte of a configuration and of a listing,
 * changed: another digest, or nothing else to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/listing.h"
#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

enum { HOWS = 4 };

static void on_difference(void *ctx, const char *path, const char *before, const char *after)
{
    (void)path;
    (void)before;
    (void)after;
    ++*(size_t *)ctx;
}

/* A detail that gives the same digest differs in nothing. */
static bool check_detail(const struct measure_config *was, const struct cmc_buf *is,
                         const uint8_t *key)
{
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    size_t differences = 0;
    if (measure_config_detail_digest(is->data, is->len, key, digest, &err) < 0 ||
        memcmp(digest, was->digest, sizeof(digest)) != 0)
        return false;
    assert_int_equal(measure_config_diff(&was->detail, is, on_difference, &differences, &err), 0);
    assert_int_equal(differences, 0);
    return true;
}

/* Each byte, with each value, or with each step-th. */
static size_t check_values(const struct measure_config *c, const uint8_t *key, int step)
{
    cmc_autobuf struct cmc_buf is = cmc_buf_of(1 << 16);
    size_t tried = 0, same = 0;
    cmc_put(&is, c->detail.data, c->detail.len);
    assert_true(check_detail(c, &is, key));
    for (size_t at = 0; at < is.len; at++) {
        for (int v = 1; v <= UINT8_MAX; v += step, tried++) {
            is.data[at] = (uint8_t)(c->detail.data[at] ^ v);
            same += check_detail(c, &is, key);
        }
        is.data[at] = c->detail.data[at];
    }
    assert_true(same < tried / 100);
    return tried;
}

static void every_value_of_details(void **state)
{
    static const uint8_t key[CMC_SHA256_LEN] = {1, 2, 3};
    struct report_bed *b = calloc(1, sizeof(*b));
    (void)state;
    report_bed_open(b, NULL);
    assert_true(check_values(report_bed_config(b, BED_HELLO, NULL), NULL, 1) > 30000);
    assert_true(check_values(report_bed_config(b, BED_HELLO, key), key, 14) > 2000);
    report_bed_done(b);
    free(b);
}

static int on_change(void *ctx, struct measure_bytes path, unsigned changes)
{
    (void)path;
    (void)changes;
    ++*(size_t *)ctx;
    return 0;
}

static void check_listing(const struct cmc_buf *was, const uint8_t *digest,
                          const struct cmc_buf *is, size_t at)
{
    uint8_t got[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    size_t changes = 0;
    if (measure_listing_digest(is->data, is->len, got, &err) < 0 ||
        memcmp(got, digest, sizeof(got)) != 0)
        return;
    const struct measure_bytes a = {was->data, was->len};
    const struct measure_bytes b = {is->data, is->len};
    assert_int_equal(measure_listing_diff(a, b, on_change, &changes, &err), 0);
    if (changes)
        fail_msg("byte %zu: another listing, the same digest", at);
}

/* Its lowest bit, its highest, left out, doubled. */
static void change(const struct cmc_buf *was, size_t at, int how, struct cmc_buf *out)
{
    out->len = 0;
    cmc_put(out, was->data, at);
    if (how == 3)
        cmc_put_u8(out, was->data[at]);
    if (how != 2)
        cmc_put_u8(out, (uint8_t)(was->data[at] ^ (how == 0 ? 1 : how == 1 ? 0x80 : 0)));
    cmc_put(out, was->data + at + 1, was->len - at - 1);
}

static void every_byte_of_listings(void **state)
{
    static const char *const names[] = {"all-types", "hard-links", "odd-names", "xattrs"};
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++) {
        cmc_autobuf struct cmc_buf was = cmc_buf_of(1 << 20), is = cmc_buf_of(1 << 20);
        uint8_t digest[CMC_SHA256_LEN];
        struct cmc_err err = {0};
        char path[512];
        (void)snprintf(path, sizeof(path), TEST_VECTORS "/rootfs/golden/%s.listing", names[i]);
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        for (int c = fgetc(f); c != EOF; c = fgetc(f))
            cmc_put_u8(&was, (uint8_t)c);
        (void)fclose(f);
        assert_int_equal(measure_listing_digest(was.data, was.len, digest, &err), 0);
        assert_true(was.len > 100);
        for (size_t at = 0; at < was.len; at++)
            for (int how = 0; how < HOWS; how++) {
                change(&was, at, how, &is);
                check_listing(&was, digest, &is, at);
            }
    }
}

/* The comparisons above can tell: another value is a difference. */
static void other_names_are_seen(void **state)
{
    struct report_bed *b = calloc(1, sizeof(*b));
    struct cmc_err err = {0};
    size_t differences = 0;
    (void)state;
    report_bed_open(b, NULL);
    const struct measure_config *one = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *other = report_bed_config(b, BED_EVIL, NULL);
    assert_int_equal(
        measure_config_diff(&one->detail, &other->detail, on_difference, &differences, &err), 0);
    assert_int_equal(differences, 1);
    assert_false(check_detail(one, &other->detail, NULL));
    report_bed_done(b);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_details),
        cmocka_unit_test(every_byte_of_listings),
        cmocka_unit_test(other_names_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
