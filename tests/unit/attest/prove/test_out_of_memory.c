/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_out_of_memory.c -- each allocation of a prover fails once: an error,
 * and never a report that says less than the host has. Those of libcrypto are its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/prove/cmc_context.h"
#include "measure/listing.h"
#include "record/details.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

#define CONFIG(arg) "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"" arg "\"]}}"

static struct bed bed;
static struct prove *p;
static const uint8_t nonce[16] = {1, 2, 3};
static const struct prove_item items[] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}};
static struct prove_request ask = {.nonce = nonce,
                                   .nonce_len = sizeof(nonce),
                                   .details = true,
                                   .item = items,
                                   .item_count = ROWS(items)};
static uint8_t digest[CMC_SHA256_LEN], root[CMC_SHA256_LEN];
static char boot[64];
static struct cmc_buf chain; /* as prove_install() takes it */
static size_t whole;         /* bytes of the answer without a fault; 0: not known yet */

static void open_host(enum measure_profile profile)
{
    bed_init(&bed, profile);
    bed_create(&bed, CONFIG("sh"), NULL, digest);
    bed_create(&bed, CONFIG("cat"), NULL, digest);
    (void)snprintf(boot, sizeof(boot), "%s/boot", bed.dir);
    bed_save(bed.dir, "boot", "firmware", 8, 0600);
    bed_write(&bed);
    p = bed_open(&bed);
    p->cfg.tcg_log = p->cfg.ima_log = boot;
    whole = 0;
}

static void close_host(void)
{
    prove_close(p);
    bed_done(&bed);
}

/* All or nothing: as many bytes as without a fault. */
static int judge(int rc, const struct cmc_buf *out)
{
    if (rc < 0) {
        assert_true(!out->bad || out->len < out->max);
        return rc;
    }
    assert_true(rc <= 1 && out->len > 0);
    if (whole && out->len != whole)
        fail_msg("%zu bytes of %zu", out->len, whole);
    return 0;
}

static int report(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    return judge(prove_report(p, &ask, &out, err), &out);
}

static int config_detail(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc = prove_detail(p, "config", digest, &out, err);
    assert_int_not_equal(rc, 0); /* it is there */
    return judge(rc, &out);
}

static int tree_detail(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc = prove_detail(p, "tree", root, &out, err);
    assert_int_not_equal(rc, 0);
    return judge(rc, &out);
}

static int events(struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done) struct prove_log log = {.count = 77};
    const int rc = prove_log_read(bed.run, CMC_ALG_SHA256, &log, err);
    assert_int_equal(log.count, rc == 0 ? 7 : 77);
    if (rc < 0)
        log = (struct prove_log){0};
    return rc;
}

/* How much a report has is known before one of its allocations fails. */
static void each_report(void)
{
    for (int json = 0; json < 2; json++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        ask.json = json;
        if (prove_report(p, &ask, &out, &err) < 0)
            fail_msg("%s", err.msg);
        whole = out.len;
        fail_alloc_each(report);
    }
    whole = 0;
}

static void reports(void **state)
{
    static const enum measure_profile profiles[] = {MEASURE_PROFILE_EXACT, MEASURE_PROFILE_CMC};
    (void)state;
    for (size_t i = 0; i < ROWS(profiles); i++) {
        open_host(profiles[i]);
        each_report();
        fail_alloc_each(config_detail);
        close_host();
    }
}

/* With a key, configurations are recomputed before they are shown. */
static void withheld(void **state)
{
    static const uint8_t key[32] = {7};
    (void)state;
    open_host(MEASURE_PROFILE_EXACT);
    bed_create(&bed, "{\"ociVersion\":\"1.0.2\",\"process\":{\"env\":[\"DB_PASSWORD=x\"]}}", key,
               digest);
    bed_write(&bed);
    p->cfg.redaction_key = key;
    each_report();
    fail_alloc_each(config_detail);
    close_host();
}

static void trees(void **state)
{
    const struct measure_entry dir = {.type = 'd', .mode = 0755, .xattrs = measure_no_xattrs};
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    struct cmc_err err = {0};
    char details[64];
    cmc_autobuf struct cmc_buf text = cmc_buf_of(4096);
    (void)state;
    open_host(MEASURE_PROFILE_EXACT);
    measure_listing_begin(&text);
    measure_listing_put(&text, &dir, (struct measure_bytes){(const uint8_t *)"/", 1},
                        (struct measure_bytes){0});
    assert_int_equal(measure_listing_digest(text.data, text.len, root, &err), 0);
    memcpy(ev.rootfs, root, sizeof(root));
    cmc_sha256(text.data, text.len, ev.listing);
    ev.has_listing = true;
    (void)snprintf(details, sizeof(details), "%s/details", bed.state);
    assert_int_equal(
        record_details_put(details, "listing", ev.listing, text.data, text.len, 1 << 20, &err), 0);
    bed_put(&bed, &ev);
    bed_write(&bed);
    whole = text.len;
    fail_alloc_each(tree_detail);
    close_host();
}

static void logs(void **state)
{
    (void)state;
    open_host(MEASURE_PROFILE_EXACT);
    fail_alloc_each(events);
    close_host();
}

static int open_prover(struct cmc_err *err)
{
    struct prove *const untouched = (void *)&bed, *got = untouched;
    const int rc = prove_open(&bed.cfg, &got, err);
    if (rc == 0)
        prove_close(got);
    else
        assert_ptr_equal(got, untouched);
    return rc;
}

static int create_key(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(1 << 16);
    return judge(prove_create_key(&bed.cfg, NULL, &csr, err), &csr);
}

static int install(struct cmc_err *err)
{
    return prove_install(&bed.cfg, chain.data, chain.len, err);
}

static int recode_key(struct cmc_err *err)
{
    const struct tpm_ak ak = {.pub = {.len = 3, .data = {1, 2, 3}}, .handle = 0};
    struct tpm_ak got = {.handle = 77};
    cmc_autobuf struct cmc_buf json = cmc_buf_of(1 << 16);
    if (prove_ak_put_json(&ak, &json, err) < 0)
        return -(int)err->code;
    const int rc = prove_ak_parse(json.data, json.len, &got, err);
    assert_int_equal(got.handle, rc < 0 ? 77 : 0);
    return rc;
}

static void keys(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    open_host(MEASURE_PROFILE_EXACT);
    fail_alloc_each(open_prover);
    fail_alloc_each(create_key);
    fail_alloc_each(recode_key);
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(1 << 16);
    assert_int_equal(prove_create_key(&bed.cfg, NULL, &csr, &err), 0);
    chain = cmc_buf_of(1 << 16);
    bed_certify(&bed, &csr, &chain);
    fail_alloc_each(install);
    cmc_buf_done(&chain);
    close_host();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports), cmocka_unit_test(withheld), cmocka_unit_test(trees),
        cmocka_unit_test(logs),    cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests_name("attest/prove/out of memory", tests, NULL, NULL);
}
