/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_ak_json.c -- the key's file: what is written is read, and nothing
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

#define PARTS                                                                                      \
    "\"Public\":\"AQ==\",\"CreateData\":\"AgI=\",\"CreateAttestation\":\"AwMD\","                  \
    "\"CreateSignature\":\"\",\"KeyBlob\":\"BQ==\""
#define GOOD "{\"KeyEncoding\":2,\"TPMVersion\":2," PARTS "}"

static int parse(const char *text, struct tpm_ak *out, struct cmc_err *err)
{
    return prove_ak_parse(text, strlen(text), out, err);
}

static void what_is_written_is_read(void **state)
{
    static struct tpm_ak ak, back;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(16384);
    (void)state;
    struct tpm_blob *const parts[] = {&ak.pub, &ak.priv, &ak.creation, &ak.attest, &ak.signature};
    for (size_t i = 0; i < ROWS(parts); i++) {
        parts[i]->len = 100 + 200 * i;
        memset(parts[i]->data, (int)i + 1, parts[i]->len);
    }
    ak.handle = TPM_AK_LAST;
    assert_int_equal(prove_ak_put_json(&ak, &out, &err), 0);
    if (prove_ak_parse(out.data, out.len, &back, &err) < 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(&ak, &back, sizeof(ak));
}

/* A file of the Go CMC has no handle of ours, and other members. */
static void a_file_of_others_is_read(void **state)
{
    static struct tpm_ak ak;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(parse("{\"Name\":\"x\",\"More\":[1]," PARTS
                           ",\"KeyEncoding\":2,\"TPMVersion\":2}",
                           &ak, &err),
                     0);
    assert_int_equal(ak.handle, 0);
    assert_int_equal(ak.pub.len, 1);
    assert_int_equal(ak.creation.len, 2);
    assert_int_equal(ak.attest.data[2], 3);
}

static void others_are_refused(void **state)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {GOOD, 0},
        {"", -CMC_E_FORMAT},
        {"[]", -CMC_E_FORMAT},
        {"{" PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":1,\"TPMVersion\":2," PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":1," PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":\"2\",\"TPMVersion\":2," PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":4294967298," PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":-2," PARTS "}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2," PARTS ",\"Public\":\"\"}", -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2," PARTS ",\"PersistentHandle\":2164297472}", 0},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2," PARTS ",\"PersistentHandle\":2164297471}",
         -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2," PARTS ",\"PersistentHandle\":2164297488}",
         -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2,\"Public\":\"A\",\"CreateData\":\"\","
         "\"CreateAttestation\":\"\",\"CreateSignature\":\"\",\"KeyBlob\":\"\"}",
         -CMC_E_FORMAT},
        {"{\"KeyEncoding\":2,\"TPMVersion\":2,\"Public\":7,\"CreateData\":\"\","
         "\"CreateAttestation\":\"\",\"CreateSignature\":\"\",\"KeyBlob\":\"\"}",
         -CMC_E_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        static struct tpm_ak ak;
        struct cmc_err err = {0};
        ak.handle = 7;
        if (parse(rows[i].text, &ak, &err) != rows[i].want)
            fail_msg("row %zu: %s", i, err.msg);
        assert_true(rows[i].want == 0 || ak.handle == 7);
    }
}

static void parts_have_a_limit(void **state)
{
    static struct tpm_ak ak;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(16384);
    (void)state;
    cmc_put_text(&out, "{\"KeyEncoding\":2,\"TPMVersion\":2,\"Public\":\"");
    for (int i = 0; i < 1368; i++)
        cmc_put_u8(&out, 'A');
    cmc_put_text(&out, "\"}");
    assert_int_equal(prove_ak_parse(out.data, out.len, &ak, &err), -CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_file_of_others_is_read),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(parts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
