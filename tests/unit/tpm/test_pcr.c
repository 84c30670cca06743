/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tpm/test_pcr.c -- command bytes against the specification, hostile and busy answers,
 * and one, two and four banks on the model TPM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/hash.h"
#include "base/hex.h"
#include "tests/lib/fake_tpm.h"
#include "tests/lib/rows.h"

enum call { BANKS, READ, EXTEND, CLOCK };
enum { STEPS = 24 };

struct step {
    const char *want;   /* command, hex */
    const char *answer; /* hex; NULL: rc */
    TSS2_RC rc;
};

struct row {
    const char *name;
    enum call call;
    int want; /* result */
    unsigned sent;
    bool repeat; /* step 0 answers every command */
    struct step step[2];
};

static const struct row *script;
static unsigned sent;

static TSS2_RC play(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t *len)
{
    char hex[2 * FAKE_TCTI_BYTES + 1];
    struct cmc_err err;
    (void)ctx;
    const struct step *s = &script->step[script->repeat ? 0 : sent];
    sent++;
    cmc_hex(cmd, cmd_len, hex);
    assert_true(sent <= STEPS);
    assert_string_equal(hex, s->want);
    if (!s->answer)
        return s->rc;
    *len = strlen(s->answer) / 2;
    assert_int_equal(cmc_unhex(s->answer, strlen(s->answer), rsp, *len, &err), 0);
    return TSS2_RC_SUCCESS;
}

#define CAP_CMD    "8001000000160000017a000000050000000000000001"
#define READ_CMD   "8001000000140000017e00000001000b03002000"
#define D32        "1111111111111111111111111111111111111111111111111111111111111111"
#define EXTEND_CMD "800200000041000001820000000d0000000940000009000000000000000001000b" D32
#define CLOCK_CMD  "80010000000a00000181"
#define EXTEND_OK  "80020000001300000000000000000000010000"
#define V32        "2222222222222222222222222222222222222222222222222222222222222222"
#define READ_HEAD  "80010000003e00000000"
#define SEL13      "00000001000b03002000"
#define READ_OK    READ_HEAD "00000005" SEL13 "000000010020" V32
#define ERROR(rc)  "80010000000a" rc

static const struct row rows[] = {
    {"banks: only those with the register's bit",
     BANKS,
     0,
     1,
     false,
     {{CAP_CMD,
       "80010000002500000000"
       "00"
       "00000005"
       "00000003"
       "000b03ffffff"
       "000403000000"
       "000c03002000",
       0}}},
    {"banks: another capability",
     BANKS,
     -CMC_E_TPM,
     1,
     false,
     {{CAP_CMD,
       "80010000001b00000000"
       "00"
       "00000006"
       "00000001"
       "0000010000000000",
       0}}},
    {"banks: one listed twice",
     BANKS,
     -CMC_E_TPM,
     1,
     false,
     {{CAP_CMD,
       "80010000001f00000000"
       "00"
       "00000005"
       "00000002"
       "000b03ffffff"
       "000b03ffffff",
       0}}},
    {"banks: seventeen",
     BANKS,
     -CMC_E_TPM,
     1,
     false,
     {{CAP_CMD,
       "80010000001900000000"
       "00"
       "00000005"
       "00000011"
       "000b03ffffff",
       0}}},
    {"read one bank", READ, 0, 1, false, {{READ_CMD, READ_OK, 0}}},
    {"read: nothing came",
     READ,
     -CMC_E_TPM,
     1,
     false,
     {{READ_CMD,
       "80010000001600000000"
       "00000005"
       "00000000"
       "00000000",
       0}}},
    {"read: another bank came",
     READ,
     -CMC_E_TPM,
     1,
     false,
     {{READ_CMD,
       READ_HEAD "00000005"
                 "00000001000c03002000"
                 "000000010020" V32,
       0}}},
    {"read: another register came",
     READ,
     -CMC_E_TPM,
     1,
     false,
     {{READ_CMD,
       READ_HEAD "00000005"
                 "00000001000b03004000"
                 "000000010020" V32,
       0}}},
    {"read: cut off",
     READ,
     -CMC_E_TPM,
     1,
     false,
     {{READ_CMD,
       "80010000001e00000000"
       "00000005" SEL13 "000000010020",
       0}}},
    {"read: refused", READ, -CMC_E_TPM, 1, false, {{READ_CMD, ERROR("00000101"), 0}}},
    {"extend", EXTEND, 0, 1, false, {{EXTEND_CMD, EXTEND_OK, 0}}},
    {"extend: bad locality is final",
     EXTEND,
     -CMC_E_TPM,
     1,
     false,
     {{EXTEND_CMD, ERROR("00000907"), 0}}},
    {"extend: a lost answer is final",
     EXTEND,
     -CMC_E_TPM,
     1,
     false,
     {{EXTEND_CMD, NULL, TSS2_TCTI_RC_IO_ERROR}}},
    {"extend: busy once, then the same bytes again",
     EXTEND,
     0,
     2,
     false,
     {{EXTEND_CMD, ERROR("00000922"), 0}, {EXTEND_CMD, EXTEND_OK, 0}}},
    {"extend: yielded once",
     EXTEND,
     0,
     2,
     false,
     {{EXTEND_CMD, ERROR("00000908"), 0}, {EXTEND_CMD, EXTEND_OK, 0}}},
    {"extend: retry through a resource manager",
     EXTEND,
     0,
     2,
     false,
     {{EXTEND_CMD, ERROR("000c0922"), 0}, {EXTEND_CMD, EXTEND_OK, 0}}},
    {"extend: busy forever ends",
     EXTEND,
     -CMC_E_TPM,
     20,
     true,
     {{EXTEND_CMD, ERROR("00000922"), 0}}},
    {"extend: the answer comes late, it is not sent again",
     EXTEND,
     -CMC_E_TPM,
     21,
     true,
     {{EXTEND_CMD, NULL, TSS2_TCTI_RC_TRY_AGAIN}}},
    {"clock",
     CLOCK,
     0,
     1,
     false,
     {{CLOCK_CMD,
       "80010000002300000000"
       "0000000000000001"
       "0000000000000002"
       "00000007"
       "00000003"
       "01",
       0}}},
    {"clock: cut off",
     CLOCK,
     -CMC_E_TPM,
     1,
     false,
     {{CLOCK_CMD,
       "80010000001200000000"
       "0000000000000001",
       0}}},
    {"clock: shorter than a header", CLOCK, -CMC_E_TPM, 1, false, {{CLOCK_CMD, "8001000000", 0}}},
};

static int call_banks(struct tpm_pcr_ctx *tpm, struct cmc_err *err)
{
    struct tpm_banks b = {.count = 77};
    const int rc = tpm_pcr_banks(tpm, 13, &b, err);
    assert_int_equal(b.count, rc < 0 ? 77 : 2);
    if (rc == 0) /* sorted, and SHA-1, which is listed, is not allocated */
        assert_true(b.bank[0].alg == CMC_ALG_SHA256 && b.bank[1].alg == CMC_ALG_SHA384);
    return rc;
}

static int call_read(struct tpm_pcr_ctx *tpm, struct cmc_err *err)
{
    struct tpm_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    memset(b.bank[0].value, 0xaa, sizeof(b.bank[0].value));
    const int rc = tpm_pcr_read(tpm, 13, &b, err);
    assert_int_equal(b.bank[0].value[0], rc < 0 ? 0xaa : 0x22);
    assert_int_equal(b.bank[0].len, rc < 0 ? 0 : 32);
    return rc;
}

static int call_extend(struct tpm_pcr_ctx *tpm, struct cmc_err *err)
{
    struct tpm_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256, .len = 32}}};
    memset(b.bank[0].value, 0x11, 32);
    return tpm_pcr_extend(tpm, 13, &b, err);
}

static int call_clock(struct tpm_pcr_ctx *tpm, struct cmc_err *err)
{
    struct tpm_clock clock = {.clock_ms = 77};
    const int rc = tpm_pcr_clock(tpm, &clock, err);
    assert_int_equal(clock.clock_ms, rc < 0 ? 77 : 2);
    assert_int_equal(clock.reset_count, rc < 0 ? 0 : 7);
    assert_int_equal(clock.restart_count, rc < 0 ? 0 : 3);
    return rc;
}

static void run_row(void **state)
{
    struct tpm_pcr_ctx *tpm = NULL;
    struct cmc_err err = {0};
    script = *state;
    sent = 0;
    fake_tcti_use(play, NULL);
    assert_int_equal(tpm_pcr_open("fake", &tpm, &err), 0);
    static int (*const calls[])(struct tpm_pcr_ctx *, struct cmc_err *) = {
        [BANKS] = call_banks, [READ] = call_read, [EXTEND] = call_extend, [CLOCK] = call_clock};
    const int rc = calls[script->call](tpm, &err);
    tpm_pcr_close(tpm);
    if (rc != script->want)
        print_error("%s\n", err.msg);
    assert_int_equal(rc, script->want);
    assert_int_equal(err.code, rc < 0 ? -rc : CMC_OK);
    assert_int_equal(sent, script->sent);
}

static void test_usage(void **state)
{
    (void)state;
    struct tpm_pcr_ctx *tpm = NULL;
    struct cmc_err err = {0};
    struct tpm_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256, .len = 20}}}, none = {0};
    assert_int_equal(tpm_pcr_open("", &tpm, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_open(NULL, &tpm, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_open("no-such-tcti:", &tpm, &err), -CMC_E_TPM);
    assert_int_equal(tpm_pcr_open("swtpm:path=/nonexistent/s", &tpm, &err), -CMC_E_TPM);
    assert_non_null(strstr(err.msg, "/nonexistent/s"));
    assert_null(tpm);
    struct fake_tpm model;
    fake_tpm_start(&model, (const uint16_t[]){CMC_ALG_SHA256}, 1);
    assert_int_equal(tpm_pcr_open("fake", &tpm, &err), 0);
    assert_int_equal(tpm_pcr_read(tpm, 24, &b, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_banks(tpm, 24, &b, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_extend(tpm, 24, &b, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_extend(tpm, 13, &b, &err), -CMC_E_USAGE); /* 20 bytes of SHA-256 */
    b.bank[0].alg = 0x0027;                                            /* SHA3-256 */
    assert_int_equal(tpm_pcr_extend(tpm, 13, &b, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_extend(tpm, 13, &none, &err), -CMC_E_USAGE);
    assert_int_equal(tpm_pcr_read(tpm, 13, &none, &err), -CMC_E_USAGE);
    assert_int_equal(model.commands, 0); /* all of that was found before the TPM was asked */
    tpm_pcr_close(tpm);
}

/* All banks by one command, whatever number of values the TPM returns at a time. */
static void check_banks(size_t count, size_t at_most)
{
    static const uint16_t algs[] = {CMC_ALG_SHA1, CMC_ALG_SHA256, CMC_ALG_SHA384, CMC_ALG_SHA512};
    struct tpm_pcr_ctx *tpm = NULL;
    struct cmc_err err = {0};
    struct fake_tpm model;
    struct tpm_banks got = {0}, digests;
    fake_tpm_start(&model, algs + (count == 1), count); /* one: SHA-256 */
    model.read_at_most = at_most;
    model.listed[0] = 0x0012; /* SM3, not allocated */
    model.listed_count = 1;
    assert_int_equal(tpm_pcr_open("fake", &tpm, &err), 0);
    assert_int_equal(tpm_pcr_banks(tpm, 13, &got, &err), 0);
    assert_int_equal(got.count, count);
    digests = got;
    for (size_t i = 0; i < count; i++) {
        digests.bank[i].len = (uint8_t)cmc_hash_size(digests.bank[i].alg);
        memset(digests.bank[i].value, (int)i + 1, digests.bank[i].len);
    }
    assert_int_equal(tpm_pcr_extend(tpm, 13, &digests, &err), 0);
    assert_int_equal(model.extends, 1);
    assert_int_equal(tpm_pcr_read(tpm, 13, &got, &err), 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t want[TPM_DIGEST_MAX] = {0};
        const struct tpm_bank *d = &digests.bank[i];
        assert_int_equal(got.bank[i].len, d->len);
        assert_int_equal(cmc_hash2(d->alg, want, d->len, d->value, d->len, want, &err), 0);
        assert_memory_equal(got.bank[i].value, want, d->len);
    }
    tpm_pcr_close(tpm);
}

static void test_banks(void **state)
{
    (void)state;
    for (size_t at_most = 1; at_most <= 4; at_most++) {
        check_banks(1, at_most);
        check_banks(2, at_most);
        check_banks(4, at_most);
    }
}

static void extend_often(struct fake_tpm *t, unsigned n)
{
    (void)n;
    fake_tpm_foreign(t, 13, 0x55);
}

/* Values that were read one by one while somebody extends do not belong together. */
static void test_restless(void **state)
{
    (void)state;
    struct tpm_pcr_ctx *tpm = NULL;
    struct cmc_err err = {0};
    struct fake_tpm model;
    struct tpm_banks b = {.count = 2, .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    fake_tpm_start(&model, (const uint16_t[]){CMC_ALG_SHA1, CMC_ALG_SHA256}, 2);
    model.meanwhile = extend_often;
    assert_int_equal(tpm_pcr_open("fake", &tpm, &err), 0);
    assert_int_equal(tpm_pcr_read(tpm, 13, &b, &err), 0); /* both in one answer */
    model.read_at_most = 1;
    assert_int_equal(tpm_pcr_read(tpm, 13, &b, &err), -CMC_E_TPM);
    tpm_pcr_close(tpm);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3] = {
        {"usage", test_usage, NULL, NULL, NULL},
        {"one, two and four banks", test_banks, NULL, NULL, NULL},
        {"extends between reads", test_restless, NULL, NULL, NULL}};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 3] =
            (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, (void *)(uintptr_t)&rows[i]};
    (void)setenv("TSS2_LOG", "all+none", 1);
    return cmocka_run_group_tests_name("tpm/pcr", tests, NULL, NULL);
}
