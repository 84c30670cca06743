/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tpm/test_ak.c -- attestation keys on a software TPM: made, kept, used, and what
 * happens where others use the TPM too. */
#include "tpm/ak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "tests/lib/faulty_tpm.h"
#include "tests/lib/rows.h"
#include "tpm/ak_use.h"

enum { TRANSIENT_FIRST = 0x80000000u }; /* TPM2_TRANSIENT_FIRST, which is a negative shift */

static struct faulty_tpm world;

static struct tpm_ak make(enum tpm_ak_alg alg)
{
    struct tpm_ak ak;
    struct cmc_err err = {0};
    if (tpm_ak_create("fake", alg, &ak, &err) < 0)
        fail_msg("%s", err.msg);
    return ak;
}

static int set_up(void **state)
{
    (void)state;
    if (!world.tpm.pid && !swtpm_start(&world.tpm, NULL))
        return -1;
    faulty_tpm_heal(&world);
    faulty_tpm_use(&world);
    return 0;
}

/* Slots that are in use. */
static unsigned loaded(void)
{
    struct tpm_esys t = {0};
    struct cmc_err err = {0};
    TPMS_CAPABILITY_DATA *cap = NULL;
    assert_int_equal(tpm_esys_open("fake", &t, &err), 0);
    assert_int_equal(Esys_GetCapability(t.esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        TPM2_CAP_HANDLES, TRANSIENT_FIRST, 8, NULL, &cap),
                     TSS2_RC_SUCCESS);
    const unsigned n = cap->data.handles.count;
    Esys_Free(cap);
    tpm_esys_close(&t);
    return n;
}

static void evict(uint32_t handle)
{
    struct tpm_esys t = {0};
    struct cmc_err err = {0};
    ESYS_TR key = ESYS_TR_NONE, none = ESYS_TR_NONE;
    assert_int_equal(tpm_esys_open("fake", &t, &err), 0);
    if (Esys_TR_FromTPMPublic(t.esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key) ==
        TSS2_RC_SUCCESS) /* else it is gone already */
        assert_int_equal(Esys_EvictControl(t.esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD,
                                           ESYS_TR_NONE, ESYS_TR_NONE, handle, &none),
                         TSS2_RC_SUCCESS);
    tpm_esys_close(&t);
}

static void keys_are_made_and_sign(void **state)
{
    static const struct {
        enum tpm_ak_alg alg;
        size_t len;
    } rows[] = {{TPM_AK_ECDSA_P256, 64}, {TPM_AK_RSA_2048, 256}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_ak_key key;
        struct tpm_signature sig = {0};
        struct tpm_ak ak = make(rows[i].alg);
        assert_int_equal(tpm_ak_public(&ak, &key, &err), 0);
        assert_int_equal(key.alg, rows[i].alg);
        assert_true(ak.creation.len && ak.attest.len && ak.signature.len);
        assert_in_range(ak.handle, TPM_AK_FIRST, TPM_AK_LAST);
        assert_int_equal(tpm_ak_check("fake", &ak, &err), 0);
        assert_int_equal(tpm_ak_sign("fake", &ak, "data", 4, &sig, &err), 0);
        assert_int_equal(sig.len, rows[i].len);
        assert_int_equal(loaded(), 0);
        evict(ak.handle);
    }
}

/* Where slots are ours alone, the same key is loaded for each use. */
static void a_key_is_loaded_for_one_use(void **state)
{
    struct cmc_err err = {0};
    struct tpm_signature sig;
    struct tpm_ak ak = make(TPM_AK_ECDSA_P256);
    (void)state;
    evict(ak.handle);
    ak.handle = 0;
    assert_int_equal(tpm_ak_check("fake", &ak, &err), 0);
    assert_int_equal(tpm_ak_sign("fake", &ak, "data", 4, &sig, &err), 0);
    assert_int_equal(loaded(), 0);
    faulty_tpm_fail(&world, TPM2_CC_Sign, 0, 1, TPM2_RC_FAILURE);
    assert_int_equal(tpm_ak_sign("fake", &ak, "data", 4, &sig, &err), -CMC_E_TPM);
    faulty_tpm_heal(&world);
    assert_int_equal(loaded(), 0);
}

static void who_may_manage_slots(void **state)
{
    static const struct {
        const char *tcti;
        bool want;
    } rows[] = {{"device:/dev/tpmrm0", true},      {"device", true},
                {"device:/dev/tpmrm1", true},      {"tabrmd", true},
                {"tabrmd:bus_type=session", true}, {"device:/dev/tpm0", false},
                {"swtpm:path=/tpmrm0", false},     {"mssim", false}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (tpm_esys_managed(rows[i].tcti) != rows[i].want)
            fail_msg("%s", rows[i].tcti);
}

/* What says that others were in the way passes; anything else is told at once. */
static void others_in_the_way(void **state)
{
    static const struct {
        uint32_t rc;
        unsigned hits, seen;
        int want;
    } rows[] = {{0x910, 2, 3, 0},
                {0x902, 2, 3, 0},
                {0x18b, 2, 3, 0},
                {0x910, 99, 12, -CMC_E_TPM},
                {0x101, 99, 1, -CMC_E_TPM}};
    struct tpm_ak ak = make(TPM_AK_ECDSA_P256);
    (void)state;
    evict(ak.handle);
    ak.handle = 0;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_signature sig = {.len = 7};
        faulty_tpm_fail(&world, TPM2_CC_Sign, 0, rows[i].hits, rows[i].rc);
        if (tpm_ak_sign("fake", &ak, "data", 4, &sig, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.msg);
        assert_int_equal(world.seen, rows[i].seen);
        if (rows[i].want < 0) {
            assert_int_equal(err.tpm_rc & ~TSS2_RC_LAYER_MASK, rows[i].rc);
            assert_int_equal(sig.len, 7);
        }
        faulty_tpm_heal(&world);
    }
    assert_int_equal(loaded(), 0);
}

static void handles_of_others_stay(void **state)
{
    struct cmc_err err = {0};
    static struct tpm_ak first, second, third;
    first = make(TPM_AK_ECDSA_P256);
    second = make(TPM_AK_ECDSA_P256);
    const uint32_t kept = second.handle;
    (void)state;
    assert_int_equal(first.handle, TPM_AK_FIRST);
    assert_int_equal(second.handle, (uint32_t)TPM_AK_FIRST + 1);
    evict(first.handle);
    third = make(TPM_AK_ECDSA_P256);
    assert_int_equal(third.handle, TPM_AK_FIRST); /* the first free one */
    second.handle = third.handle;
    assert_int_equal(tpm_ak_check("fake", &second, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "0x81008f00 holds another key"));
    second.handle = TPM_AK_LAST; /* nothing is there */
    assert_int_equal(tpm_ak_check("fake", &second, &err), -CMC_E_TPM);
    evict(third.handle);
    evict(kept);
}

static void full_answer(uint8_t *answer, size_t *len)
{
    /* moreData, TPM2_CAP_HANDLES, 16 handles from the first on */
    *len = 10 + 1 + 4 + 4 + 16 * 4;
    memset(answer + 10, 0, *len - 10);
    answer[14] = TPM2_CAP_HANDLES;
    answer[18] = 16;
    for (uint8_t i = 0; i < 16; i++) {
        const uint8_t handle[4] = {0x81, 0x00, 0x8f, i};
        memcpy(answer + 19 + sizeof(handle) * i, handle, sizeof(handle));
    }
}

static void a_full_range_is_an_error(void **state)
{
    struct cmc_err err = {0};
    struct tpm_ak ak = {.handle = 7};
    (void)state;
    faulty_tpm_edit(&world, TPM2_CC_GetCapability, full_answer);
    assert_int_equal(tpm_ak_create("fake", TPM_AK_ECDSA_P256, &ak, &err), -CMC_E_LIMIT);
    assert_non_null(strstr(err.msg, "no free persistent handle from 0x81008f00 to 0x81008f0f"));
    assert_int_equal(ak.handle, 7);
    faulty_tpm_heal(&world);
    assert_int_equal(loaded(), 0);
}

/* Each command of the making fails once: no key, and nothing is left in the slots; but for the
 * flushes, of which nobody hears. */
static void each_command_may_fail(void **state)
{
    unsigned failed = 0;
    bool reached = true;
    (void)state;
    for (unsigned n = 0; reached; n++) {
        struct cmc_err err = {0};
        struct tpm_ak ak = {.handle = 7};
        evict(TPM_AK_PARENT); /* so that this is made, too */
        faulty_tpm_fail(&world, 0, n, 1, TPM2_RC_FAILURE);
        const int rc = tpm_ak_create("fake", TPM_AK_ECDSA_P256, &ak, &err);
        reached = world.seen > n;
        faulty_tpm_heal(&world);
        failed += rc < 0;
        if (rc < 0) {
            assert_true(rc == -CMC_E_TPM && ak.handle == 7);
        } else {
            evict(ak.handle);
            swtpm_restart(&world.tpm);
        }
        assert_int_equal(loaded(), 0);
    }
    assert_in_range(failed, 8, 32);
}

static void what_is_no_attestation_key(void **state)
{
    static struct tpm_ak good, rsa, ak;
    static const struct {
        const struct tpm_ak *of;
        size_t at; /* in TPMT_PUBLIC: type 2, nameAlg 2, attributes 4, policy 2, parameters */
        uint8_t bits;
        int want;
    } rows[] = {
        {&good, 0, 0, 0},
        {&good, 5, 0x01, -CMC_E_VERIFY},  /* restricted */
        {&good, 7, 0x02, -CMC_E_VERIFY},  /* fixedTPM */
        {&good, 7, 0x10, -CMC_E_VERIFY},  /* fixedParent */
        {&good, 7, 0x20, -CMC_E_VERIFY},  /* sensitiveDataOrigin */
        {&good, 5, 0x04, -CMC_E_VERIFY},  /* sign */
        {&good, 5, 0x02, -CMC_E_VERIFY},  /* decrypt */
        {&good, 13, 0x01, -CMC_E_VERIFY}, /* scheme: ECDAA's neighbour */
        {&good, 15, 0x07, -CMC_E_VERIFY}, /* its hash */
        {&good, 17, 0x07, -CMC_E_VERIFY}, /* curve: P-384 */
        {&rsa, 0, 0, 0},
        {&rsa, 13, 0x02, -CMC_E_VERIFY}, /* scheme: RSAPSS */
        {&rsa, 15, 0x07, -CMC_E_VERIFY},
    };
    (void)state;
    good = make(TPM_AK_ECDSA_P256);
    rsa = make(TPM_AK_RSA_2048);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_ak_key key = {.e = 7};
        ak = *rows[i].of;
        ak.pub.data[rows[i].at] ^= rows[i].bits;
        if (tpm_ak_public(&ak, &key, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.msg);
        assert_true(rows[i].want == 0 || key.e == 7);
    }
    evict(good.handle);
    evict(rsa.handle);
}

static void other_lengths_are_no_key(void **state)
{
    static struct tpm_ak good, ak;
    (void)state;
    good = make(TPM_AK_ECDSA_P256);
    for (size_t len = 0; len <= good.pub.len + 1; len++) {
        struct cmc_err err = {0};
        struct tpm_ak_key key;
        ak = good;
        ak.pub.len = len;
        assert_int_equal(tpm_ak_public(&ak, &key, &err), len == good.pub.len ? 0 : -CMC_E_FORMAT);
    }
    struct cmc_err err = {0};
    struct tpm_ak_key key;
    ak.pub.len = TPM_BLOB_MAX + 1;
    assert_int_equal(tpm_ak_public(&ak, &key, &err), -CMC_E_FORMAT);
    evict(good.handle);
}

static void misuse(void **state)
{
    static uint8_t big[TPM_SIGN_MAX + 1];
    struct cmc_err err = {0};
    struct tpm_signature sig;
    struct tpm_ak ak = {.handle = TPM_AK_FIRST};
    (void)state;
    assert_int_equal(tpm_ak_create("fake", (enum tpm_ak_alg)9, &ak, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_ak_create("", TPM_AK_RSA_2048, &ak, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_ak_check(NULL, &ak, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_ak_check("swtpm:path=/nowhere", &ak, &err), -CMC_E_TPM);
    assert_non_null(strstr(err.msg, "TPM swtpm:path=/nowhere cannot be opened"));
    assert_int_equal(tpm_ak_sign("fake", &ak, big, sizeof(big), &sig, &err), -CMC_E_LIMIT);
    ak = (struct tpm_ak){.priv.len = TPM_BLOB_MAX};
    assert_int_equal(tpm_ak_check("fake", &ak, &err), -CMC_E_TPM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_are_made_and_sign, set_up),
        cmocka_unit_test_setup(a_key_is_loaded_for_one_use, set_up),
        cmocka_unit_test(who_may_manage_slots),
        cmocka_unit_test_setup(others_in_the_way, set_up),
        cmocka_unit_test_setup(handles_of_others_stay, set_up),
        cmocka_unit_test_setup(a_full_range_is_an_error, set_up),
        cmocka_unit_test_setup(each_command_may_fail, set_up),
        cmocka_unit_test_setup(what_is_no_attestation_key, set_up),
        cmocka_unit_test_setup(other_lengths_are_no_key, set_up),
        cmocka_unit_test_setup(misuse, set_up),
    };
    if (!swtpm_start(&world.tpm, NULL))
        return 77; /* swtpm is not installed */
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    swtpm_stop(&world.tpm);
    return rc;
}
