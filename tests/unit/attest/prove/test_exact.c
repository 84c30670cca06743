/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_exact.c -- reports of profile exact hold what the host has, in both
 * encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;
static struct prove *p;
static const uint8_t nonce[20] = {1, 2, 3};
static const struct prove_item items[] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}};

static int set_up(void **state)
{
    uint8_t digest[CMC_SHA256_LEN];
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    bed_create(&bed, "{\"ociVersion\":\"1.0.2\"}", NULL, digest);
    bed_write(&bed);
    p = bed_open(&bed);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    prove_close(p);
    bed_done(&bed);
    return 0;
}

static void report(const struct prove_request *r, struct meta_exact *out)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf bytes = cmc_buf_of(1 << 20);
    if (prove_report(p, r, &bytes, &err) < 0 ||
        meta_exact_decode(bytes.data, bytes.len, out, &err) < 0) {
        fail_msg("%s", err.msg);
        abort(); /* not reached, as a reader of this code alone cannot know */
    }
}

static void a_report_holds_what_the_host_has(void **state)
{
    uint8_t q[CMC_SHA256_LEN];
    (void)state;
    meta_exact_qualify(nonce, sizeof(nonce), q);
    for (int json = 0; json < 2; json++) {
        struct meta_exact x = {0};
        const struct prove_request r = {.nonce = nonce,
                                        .nonce_len = sizeof(nonce),
                                        .json = json,
                                        .details = true,
                                        .item = items,
                                        .item_count = 2};
        report(&r, &x);
        assert_string_equal(x.name, "host.example");
        assert_string_equal(x.kind, "sw");
        assert_non_null(memmem(x.attest.data, x.attest.len, q, sizeof(q)));
        assert_int_equal(x.cert_count, 2);
        assert_memory_equal(x.cert[1].data, p->chain.cert[1].data, x.cert[1].len);
        assert_int_equal(x.pcr_count, 9);
        assert_int_equal(x.pcr[8].index, 13);
        assert_int_equal(x.pcr[8].bank, CMC_ALG_SHA256);
        assert_int_equal(x.log.len, bed.log.bytes.len);
        assert_memory_equal(x.log.data, bed.log.bytes.data, x.log.len);
        assert_int_equal(x.detail_count, 1);
        assert_int_equal(x.digest_count, 2);
        assert_int_equal(x.item_count, 2);
        assert_int_equal(x.boot_log_count, 0);
        meta_exact_done(&x);
    }
}

static void only_what_was_asked_for(void **state)
{
    uint8_t cached[1][CMC_SHA256_LEN];
    struct meta_exact x = {0};
    (void)state;
    cmc_sha256("one", 3, cached[0]);
    const struct prove_request r = {.nonce = nonce,
                                    .nonce_len = sizeof(nonce),
                                    .cached = (const uint8_t(*)[CMC_SHA256_LEN])cached,
                                    .cached_count = 1,
                                    .item = items,
                                    .item_count = 2};
    report(&r, &x);
    assert_int_equal(x.detail_count, 0); /* whoever may not see details gets none */
    assert_int_equal(x.digest_count, 2);
    assert_int_equal(x.item_count, 1);
    assert_memory_equal(x.item[0].data, "two", 3);
    meta_exact_done(&x);
}

static void boot_logs(void **state)
{
    char path[64], none[64];
    struct meta_exact x = {0};
    const struct prove_request r = {.nonce = nonce, .nonce_len = sizeof(nonce)};
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/boot", bed.dir);
    (void)snprintf(none, sizeof(none), "%s/none", bed.dir);
    bed_save(bed.dir, "boot", "firmware", 8, 0600);
    p->cfg.ima_log = path;
    p->cfg.tcg_log = none; /* cannot be read: left out */
    report(&r, &x);
    assert_int_equal(x.boot_log_count, 1);
    assert_string_equal(x.boot_log[0].kind, "ima");
    assert_int_equal(x.boot_log[0].data.len, 8);
    meta_exact_done(&x);
    bed_save(bed.dir, "boot", "", 0, 0600);
    report(&r, &x);
    assert_int_equal(x.boot_log_count, 0);
    meta_exact_done(&x);
}

/* Beside what must be in a report there is room for the newest configurations only. */
static void details_have_what_room_is_left(void **state)
{
    enum { ITEM = 7 << 20, ITEMS = 8, CONFIG = 4000000, CONFIGS = 5, MAX = META_EXACT_MAX };
    static const struct {
        bool json;
        size_t items, want;
    } rows[] = {{false, 8, 1}, {true, 5, 3}};
    static uint8_t data[ITEM + ITEMS];
    struct prove_item item[ITEMS];
    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        item[i] = (struct prove_item){.data = data, .len = ITEM + i};
    for (int i = 0; i < CONFIGS; i++) {
        uint8_t digest[CMC_SHA256_LEN];
        cmc_autobuf struct cmc_buf config = cmc_buf_of(CONFIG + 128);
        cmc_put_text(&config, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"");
        for (size_t n = 0; n < CONFIG; n++)
            cmc_put_u8(&config, (uint8_t)('a' + i));
        cmc_put_text(&config, "\"]}}");
        cmc_put_u8(&config, '\0');
        bed_create(&bed, (const char *)config.data, NULL, digest);
    }
    bed_write(&bed);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct meta_exact x = {0};
        cmc_autobuf struct cmc_buf out = cmc_buf_of(MAX);
        const struct prove_request r = {.nonce = nonce,
                                        .nonce_len = sizeof(nonce),
                                        .json = rows[i].json,
                                        .details = true,
                                        .item = item,
                                        .item_count = rows[i].items};
        if (prove_report(p, &r, &out, &err) < 0 ||
            meta_exact_decode(out.data, out.len, &x, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(x.item_count, rows[i].items);
        assert_int_equal(x.detail_count, rows[i].want);
        meta_exact_done(&x);
    }
}

static void faults_leave_no_report(void **state)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf small = cmc_buf_of(100);
    const struct prove_request r = {.nonce = nonce, .nonce_len = sizeof(nonce)};
    struct prove_request many = r;
    (void)state;
    assert_int_equal(prove_report(p, &r, &small, &err), -CMC_E_LIMIT);
    many.item_count = META_EXACT_LIST + 1;
    assert_int_equal(prove_report(p, &many, &small, &err), -CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_holds_what_the_host_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(boot_logs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(details_have_what_room_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_leave_no_report, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
