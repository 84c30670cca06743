/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_register.c -- which registers and banks count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "record/register.h"
#include "tests/lib/recorder_bed.h"

static void test_registers(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    for (unsigned pcr = 0; pcr < 30; pcr++)
        for (int insecure = 0; insecure < 2; insecure++) {
            const bool resettable = pcr == 16 || pcr == 23;
            const bool bad = pcr > 23 || (pcr >= 17 && pcr <= 22) || (resettable && !insecure);
            assert_int_equal(record_register_check(pcr, insecure, &err), bad ? -CMC_E_USAGE : 0);
        }
}

struct row {
    const char *name;
    uint16_t have[4];
    size_t count;
    uint16_t ignore;
    int want;
    size_t banks;
    const char *ignored;
};
static const struct row rows[] = {
    {"SHA-256", {CMC_ALG_SHA256}, 1, 0, 0, 1, ""},
    {"SHA-1 and SHA-256", {CMC_ALG_SHA1, CMC_ALG_SHA256}, 2, 0, 0, 2, ""},
    {"all four", {4, 11, 12, 13}, 4, 0, 0, 4, ""},
    {"one that cannot be computed", {CMC_ALG_SHA256, 0x0012}, 2, 0, -CMC_E_USAGE, 0, NULL},
    {"... but is ignored", {CMC_ALG_SHA256, 0x0012}, 2, 0x0012, 0, 1, "0x0012"},
    {"... but another is ignored", {CMC_ALG_SHA256, 0x0027}, 2, 0x0012, -CMC_E_USAGE, 0, NULL},
    {"SHA-1 is ignored in vain", {4, 11}, 2, 4, 0, 2, ""},
    {"nothing left", {0x0012}, 1, 0x0012, -CMC_E_USAGE, 0, NULL},
    {"nothing at all", {0}, 0, 0, -CMC_E_USAGE, 0, NULL},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct fake_tpm tpm;
    struct cmc_err err = {0};
    struct record_register r;
    fake_tpm_start(&tpm, t->have, t->count);
    const struct record_config cfg = {
        .tcti = "fake", .pcr = 13, .ignore_banks = &t->ignore, .ignore_count = 1};
    memset(&r, 0xaa, sizeof(r));
    assert_int_equal(record_register_open(&cfg, &r, &err), t->want);
    if (t->want < 0) {
        assert_int_equal(r.pcr, 0xaaaaaaaa);
        return;
    }
    struct measure_banks v = {0};
    assert_int_equal(r.zero.count, t->banks);
    assert_string_equal(r.ignored, t->ignored);
    assert_int_equal(record_register_read(&r, &v, &err), 0);
    assert_true(measure_banks_equal(&v, &r.zero));
    struct measure_banks d = r.zero;
    for (size_t i = 0; i < d.count; i++)
        memset(d.bank[i].value, 0x5a, cmc_hash_size(d.bank[i].alg));
    assert_int_equal(record_register_extend(&r, &d, &err), 0);
    assert_int_equal(measure_replay_extend(&v, &d, &err), 0);
    struct measure_banks after;
    assert_int_equal(record_register_read(&r, &after, &err), 0);
    assert_true(measure_banks_equal(&v, &after));
    record_register_close(&r);
    assert_null(r.tpm);
}

int main(void)
{
    enum { N = sizeof(rows) / sizeof(rows[0]) };
    struct CMUnitTest tests[N + 1] = {{"registers", test_registers, NULL, NULL, NULL}};
    for (size_t i = 0; i < N; i++)
        tests[i + 1] =
            (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests_name("record/register", tests, NULL, NULL);
}
