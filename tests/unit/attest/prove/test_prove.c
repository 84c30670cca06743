/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_prove.c -- what a prover is opened with, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    prove_close(bed_open(&bed));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bed_done(&bed);
    return 0;
}

static void assert_refused(const struct prove_config *cfg, int want, const char *text)
{
    struct cmc_err err = {0};
    struct prove *p = NULL;
    const int rc = prove_open(cfg, &p, &err);
    if (rc != want || !strstr(err.msg, text))
        fail_msg("%d, %s; expected %d, %s", rc, err.msg, want, text);
    assert_null(p);
}

static void configurations_are_judged(void **state)
{
    struct prove_config c = bed.cfg;
    (void)state;
    c.driver = "snp";
    assert_refused(&c, -CMC_E_USAGE, "driver snp: expected tpm or sw");
    c.driver = NULL;
    assert_refused(&c, -CMC_E_USAGE, "driver (none)");
    c = bed.cfg;
    c.storage = NULL;
    assert_refused(&c, -CMC_E_USAGE, "no storage given");
    c = bed.cfg;
    c.host = NULL;
    assert_refused(&c, -CMC_E_USAGE, "no host name given");
    c = bed.cfg;
    c.pcr = 24;
    assert_refused(&c, -CMC_E_USAGE, "PCR 24 of bank 0x000b");
    c = bed.cfg;
    c.bank = 0x12;
    assert_refused(&c, -CMC_E_USAGE, "bank 0x0012");
    c = bed.cfg;
    c.exclude = 1u << 7;
    assert_refused(&c, -CMC_E_USAGE, "PCR 0 to 7 and 13 cannot be excluded");
    c.exclude = 1u << 13;
    assert_refused(&c, -CMC_E_USAGE, "PCR 0 to 7 and 13 cannot be excluded");
    c = bed.cfg;
    c.runtime_dir = NULL;
    assert_refused(&c, -CMC_E_USAGE, "no absolute path of a runtime_dir");
    c = bed.cfg;
    c.state_dir = "lib";
    assert_refused(&c, -CMC_E_USAGE, "no absolute path of a state_dir");
}

static void keys_and_certificates_must_be_there(void **state)
{
    struct prove_config c = bed.cfg;
    struct cmc_buf key = {0};
    (void)state;
    c.storage = bed.run;
    assert_refused(&c, -CMC_E_USAGE, "no attestation key in");
    bed_read(bed.storage, "sw_ak_private.key", &key);
    bed_save(bed.run, "sw_ak_private.key", key.data, key.len, 0600);
    assert_refused(&c, -CMC_E_USAGE, "no certificate of the attestation key");
    bed_save(bed.run, "sw_ak_chain.pem", "x", 1, 0600);
    assert_refused(&c, -CMC_E_FORMAT, "sw_ak_chain.pem: certificate 1 (PEM)");
    bed_save(bed.run, "sw_ak_chain.pem", "x", 1, 0644);
    assert_refused(&c, -CMC_E_VERIFY, "expected a regular file of our own");
    cmc_buf_done(&key);
}

static void nonces_have_a_size(void **state)
{
    static const struct {
        size_t len;
        int want;
    } rows[] = {{0, -CMC_E_USAGE}, {7, -CMC_E_USAGE}, {8, 0}, {64, 0}, {65, -CMC_E_USAGE}};
    static const uint8_t nonce[65];
    struct cmc_err err = {0};
    struct prove *p = NULL;
    (void)state;
    assert_int_equal(prove_open(&bed.cfg, &p, &err), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf out = cmc_buf_of(65536);
        const struct prove_request r = {.nonce = nonce, .nonce_len = rows[i].len};
        assert_int_equal(prove_report(p, &r, &out, &err), rows[i].want);
        assert_true((out.len > 0) == (rows[i].want == 0));
    }
    prove_close(p);
    prove_close(NULL);
}

/* A key that is there is kept; a chain of another key is not installed. */
static void keys_are_made_once(void **state)
{
    struct cmc_err err = {0};
    struct cmc_buf before = {0}, after = {0}, chain = {0};
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(8192);
    struct prove_config other = bed.cfg;
    (void)state;
    bed_read(bed.storage, "sw_ak_private.key", &before);
    assert_int_equal(prove_create_key(&bed.cfg, NULL, &csr, &err), 0);
    bed_read(bed.storage, "sw_ak_private.key", &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    bed_read(bed.storage, "sw_ak_chain.pem", &chain);
    other.storage = bed.run;
    assert_int_equal(prove_install(&other, chain.data, chain.len, &err), -CMC_E_USAGE);
    csr.len = 0;
    assert_int_equal(prove_create_key(&other, "rsa2048", &csr, &err), -CMC_E_USAGE);
    assert_int_equal(prove_create_key(&other, "ecdsa-p256", &csr, &err), 0);
    assert_int_equal(prove_install(&other, chain.data, chain.len, &err), -CMC_E_VERIFY);
    cmc_buf_done(&before);
    cmc_buf_done(&after);
    cmc_buf_done(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(configurations_are_judged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_and_certificates_must_be_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonces_have_a_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_made_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
