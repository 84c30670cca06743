/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_alg.c -- algorithms by name, by number and by key; what is none of
 * ours is refused by its own text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/alg.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

#define SYMMETRIC "a symmetric algorithm: whoever can verify with it can sign with it"
#define KNOWN     "ES256, ES384, ES512, RS256, RS512, PS256, PS384, PS512"

/* As RFC 7518, RFC 8230, RFC 8812 and RFC 9053 have them. */
static const struct alg_row {
    const char *name, *key, *other; /* a key that fits, one that does not */
    int64_t cose;
    uint16_t scheme, hash;
    bool by_default; /* what that key signs with */
} algs[] = {
    {"ES256", "P-256", "P-384", -7, META_ECDSA, CMC_ALG_SHA256, true},
    {"ES384", "P-384", "P-521", -35, META_ECDSA, CMC_ALG_SHA384, true},
    {"ES512", "P-521", "P-256", -36, META_ECDSA, CMC_ALG_SHA512, true},
    {"RS256", "RSA-2048", "P-256", -257, META_RSASSA, CMC_ALG_SHA256, true},
    {"RS512", "RSA-2048", "P-521", -259, META_RSASSA, CMC_ALG_SHA512, false},
    {"PS256", "RSA-2048", "P-256", -37, META_RSAPSS, CMC_ALG_SHA256, false},
    {"PS384", "RSA-2048", "P-384", -38, META_RSAPSS, CMC_ALG_SHA384, false},
    {"PS512", "RSA-2048", "P-521", -39, META_RSAPSS, CMC_ALG_SHA512, false},
};

static void known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(algs); i++) {
        const struct alg_row *t = &algs[i];
        const struct meta_alg *by_name = NULL, *by_cose = NULL;
        struct cmc_err err = {0};
        assert_int_equal(meta_alg_by_name(t->name, &by_name, &err), 0);
        assert_int_equal(meta_alg_by_cose(t->cose, &by_cose, &err), 0);
        assert_ptr_equal(by_name, by_cose);
        assert_string_equal(by_name->name, t->name);
        assert_int_equal(by_name->scheme, t->scheme);
        assert_int_equal(by_name->hash, t->hash);
        assert_int_equal(meta_alg_fits(by_name, pki_key(t->key), &err), 0);
        assert_int_equal(meta_alg_of_key(pki_key(t->key)) == by_name, t->by_default);
        assert_int_equal(err.code, CMC_OK);
        assert_int_equal(meta_alg_fits(by_name, pki_key(t->other), &err), -CMC_E_VERIFY);
        assert_non_null(strstr(err.msg, t->name));
    }
}

static void keys_that_do_not_fit(void **state)
{
    static const struct {
        const char *name, *key, *says;
    } rows[] = {
        {"ES256", "RSA-2048", "algorithm ES256 is not for this key, which is RSA of 2048 bits"},
        {"ES256", "P-384",
         "algorithm ES256 is not for this key, which is an elliptic curve of 384 bits"},
        {"PS512", "P-521",
         "algorithm PS512 is not for this key, which is an elliptic curve of 521 bits"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct meta_alg *alg = NULL;
        struct cmc_err err = {0};
        assert_int_equal(meta_alg_by_name(rows[i].name, &alg, &err), 0);
        assert_int_equal(meta_alg_fits(alg, pki_key(rows[i].key), &err), -CMC_E_VERIFY);
        assert_string_equal(err.msg, rows[i].says);
    }
    assert_null(meta_alg_of_key(pki_key("P-224"))); /* a curve of none */
}

static void refused_names(void **state)
{
    static const struct {
        const char *name, *says;
    } rows[] = {
        {"none", "algorithm none: the item is not signed"},
        {"nOnE", "algorithm none: the item is not signed"},
        {"HS256", SYMMETRIC},
        {"HS", SYMMETRIC},
        {"", "algorithm \"\" is not one of " KNOWN},
        {"es256", "algorithm \"es256\" is not one of " KNOWN},
        {"ES256 ", "algorithm \"ES256 \" is not one of " KNOWN},
        {"RS384", "algorithm \"RS384\" is not one of " KNOWN},
        {"EdDSA", "algorithm \"EdDSA\" is not one of " KNOWN},
        {"\x1b[2J", "algorithm \"\\x1b[2J\" is not one of " KNOWN},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct meta_alg *const untouched = (const void *)rows, *alg = untouched;
        struct cmc_err err = {0};
        assert_int_equal(meta_alg_by_name(rows[i].name, &alg, &err), -CMC_E_VERIFY);
        assert_string_equal(err.msg, rows[i].says);
        assert_ptr_equal(alg, untouched);
    }
}

static void a_long_name_is_cut(void **state)
{
    char name[201] = "";
    const struct meta_alg *alg = NULL;
    struct cmc_err err = {0};
    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    assert_int_equal(meta_alg_by_name(name, &alg, &err), -CMC_E_VERIFY);
    name[33] = '\0';
    assert_null(strstr(err.msg, name));
    assert_non_null(strstr(err.msg, KNOWN));
}

static void refused_numbers(void **state)
{
    static const struct {
        int64_t id;
        const char *says;
    } rows[] = {
        {3, "algorithm 3 is not one of " KNOWN},
        {4, SYMMETRIC}, /* HMAC 256/64 */
        {7, SYMMETRIC}, /* HMAC 512/512 */
        {8, "algorithm 8 is not one of " KNOWN},
        {0, "algorithm 0 is not one of " KNOWN},
        {-8, "algorithm -8 is not one of " KNOWN}, /* EdDSA */
        {-258, "algorithm -258 is not one of " KNOWN},
        {INT64_MIN, "algorithm -9223372036854775808 is not one of " KNOWN},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct meta_alg *const untouched = (const void *)rows, *alg = untouched;
        struct cmc_err err = {0};
        assert_int_equal(meta_alg_by_cose(rows[i].id, &alg, &err), -CMC_E_VERIFY);
        assert_string_equal(err.msg, rows[i].says);
        assert_ptr_equal(alg, untouched);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known),           cmocka_unit_test(keys_that_do_not_fit),
        cmocka_unit_test(refused_names),   cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(refused_numbers),
    };
    return cmocka_run_group_tests_name("attest/meta/alg", tests, NULL, NULL);
}
