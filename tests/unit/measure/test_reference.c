/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_reference.c -- reference components, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "measure/reference.h"
#include "tests/lib/rows.h"

#define ZEROS16 "0000000000000000"
#define ZEROS64 ZEROS16 ZEROS16 ZEROS16 ZEROS16
/* of the 64 bytes 0, as coreutils have it */
#define TEMPLATE256 "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"

static const uint8_t rootfs[CMC_SHA256_LEN];
static const uint8_t key[32] = {7};

static struct measure_config config_of(const char *detail)
{
    struct measure_config c = {.detail = cmc_buf_of(4096)};
    cmc_put_text(&c.detail, detail);
    return c;
}

/* The document of one component with this detail, NUL-terminated. */
static int document(enum measure_profile profile, const char *detail, const uint8_t *redaction,
                    struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(measure_config_done) struct measure_config c = config_of(detail);
    const struct measure_reference r = {.profile = profile,
                                        .name = "n",
                                        .pcr = 13,
                                        .config = &c,
                                        .rootfs = rootfs,
                                        .redaction_key = redaction};
    const int rc = measure_references_put(out, &r, 1, err);
    cmc_put_u8(out, '\0');
    return rc;
}

static void exact_as_a_whole(void **state)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    (void)state;
    assert_int_equal(document(MEASURE_PROFILE_EXACT, "{\"a\":1}", NULL, &b, &err), 0);
    assert_string_equal(
        (char *)b.data,
        "[\n{\"type\":\"application\",\"name\":\"n\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":"
        "\"" TEMPLATE256 "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},{\"name\":"
        "\"cmc.index\",\"value\":\"13\"},{\"name\":\"cmc.profile\",\"value\":\"exact\"},{\"name\":"
        "\"cmc.keyId\",\"value\":\"" ZEROS16 "\"}],\"ctrData\":{\"configSha256\":\"" ZEROS64
        "\",\"rootfsSha256\":\"" ZEROS64 "\",\"ociSpec\":{\"a\":1}}}\n]\n");
}

static void has(const struct cmc_buf *b, const char *part)
{
    if (!strstr((const char *)b->data, part))
        fail_msg("no %s in %s", part, (const char *)b->data);
}

static void has_not(const struct cmc_buf *b, const char *part)
{
    if (strstr((const char *)b->data, part))
        fail_msg("%s in %s", part, (const char *)b->data);
}

static void profile_cmc_names_two_banks_and_no_key(void **state)
{
    struct cmc_err err = {0};
    uint8_t want[CMC_HASH_MAX], zeros[64] = {0};
    char text[200];
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096), hex = cmc_buf_of(200);
    (void)state;
    assert_int_equal(cmc_hash2(CMC_ALG_SHA384, zeros, 64, NULL, 0, want, &err), 0);
    for (size_t i = 0; i < 48; i++)
        cmc_put_fmt(&hex, "%02x", want[i]);
    (void)snprintf(text, sizeof(text), "},{\"alg\":\"SHA-384\",\"content\":\"%.96s\"}]",
                   (const char *)hex.data);
    assert_int_equal(document(MEASURE_PROFILE_CMC, "{}", NULL, &b, &err), 0);
    has(&b, "[{\"alg\":\"SHA-256\",\"content\":\"" TEMPLATE256 "\"},");
    has(&b, text);
    has(&b, "\"cmc.profile\",\"value\":\"cmc\"}]");
    has_not(&b, "cmc.keyId");
}

/* What RFC 8785 writes beyond 64 bits, in numbers alone. */
static void wide_numbers(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"{\"a\":18446744073709552000}", "{\"a\":18446744073709551615}"},
        {"[9223372036854776000]", "[9223372036854775807]"},
        {"[-9223372036854776000,1]", "[-9223372036854775808,1]"},
        {"[9223372036854775000,18446744073709550000,-1,0]",
         "[9223372036854775000,18446744073709550000,-1,0]"},
        {"{\"18446744073709552000\":\"18446744073709552000\"}",
         "{\"18446744073709552000\":\"18446744073709552000\"}"},
        {"[\"\\\"18446744073709552000\",18446744073709552000]",
         "[\"\\\"18446744073709552000\",18446744073709551615]"},
        {"[\"\\\\\",18446744073709552000,\"\"]", "[\"\\\\\",18446744073709551615,\"\"]"},
        {"[184467440737095520000]", "[184467440737095520000]"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf b = cmc_buf_of(4096), c = cmc_buf_of(4096);
        assert_int_equal(document(MEASURE_PROFILE_CMC, rows[i].from, NULL, &b, &err), 0);
        has(&b, rows[i].to);
        assert_int_equal(document(MEASURE_PROFILE_EXACT, rows[i].from, NULL, &c, &err), 0);
        has(&c, rows[i].from); /* this profile writes integers as they are */
    }
}

static void a_key_withholds_values(void **state)
{
    static const char detail[] = "{\"process\":{\"env\":[{\"name\":\"A\",\"value\":\"secret\"},"
                                 "{\"name\":\"B\"},null]}}";
    struct cmc_err err = {0};
    uint8_t shown[CMC_SHA256_LEN], withheld[CMC_SHA256_LEN];
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096), spec = cmc_buf_of(4096);
    (void)state;
    assert_int_equal(document(MEASURE_PROFILE_EXACT, detail, key, &b, &err), 0);
    has_not(&b, "secret");
    has_not(&b, "\"cmc.keyId\",\"value\":\"" ZEROS16);
    has(&b, "\"env\":[{\"commitment\":\"");
    has(&b, "\",\"name\":\"A\"},{\"name\":\"B\"},null]}}");
    /* who has no key recomputes the same digest */
    assert_int_equal(measure_config_detail_withhold(detail, sizeof(detail) - 1, key, &spec, &err),
                     0);
    assert_int_equal(measure_config_detail_digest(detail, sizeof(detail) - 1, key, shown, &err), 0);
    assert_int_equal(measure_config_detail_digest(spec.data, spec.len, NULL, withheld, &err), 0);
    assert_memory_equal(shown, withheld, sizeof(shown));
    assert_int_equal(measure_config_detail_withhold("[", 1, key, &spec, &err), -CMC_E_FORMAT);
}

static void names_are_escaped(void **state)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    CMC_CLEANUP(measure_config_done) struct measure_config c = config_of("{}");
    const struct measure_reference list[] = {
        {"a\"\n\xc3\xa9", &c, rootfs, NULL, MEASURE_PROFILE_EXACT, 0},
        {"b", &c, rootfs, NULL, MEASURE_PROFILE_CMC, 23}};
    (void)state;
    assert_int_equal(measure_references_put(&b, list, 2, &err), 0);
    cmc_put_u8(&b, '\0');
    has(&b, "\"name\":\"a\\\"\\n\xc3\xa9\"");
    has(&b, "\"cmc.index\",\"value\":\"0\"");
    has(&b, "}},\n{\"type\"");
    has(&b, "\"cmc.index\",\"value\":\"23\"");
    b.len = 0;
    assert_int_equal(measure_references_put(&b, NULL, 0, &err), 0);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "[\n]\n", 4);
}

static void what_is_refused(void **state)
{
    static char long_name[MEASURE_TEXT_MAX + 2];
    static struct measure_reference many[MEASURE_REFERENCES_MAX + 1];
    CMC_CLEANUP(measure_config_done) struct measure_config c = config_of("{}");
    memset(long_name, 'x', sizeof(long_name) - 1);
    const struct measure_reference rows[] = {
        {"n", &c, rootfs, NULL, (enum measure_profile)3, 13},
        {"n", &c, rootfs, NULL, MEASURE_PROFILE_EXACT, 24},
        {"", &c, rootfs, NULL, MEASURE_PROFILE_EXACT, 13},
        {long_name, &c, rootfs, NULL, MEASURE_PROFILE_EXACT, 13},
        {"n", &c, rootfs, key, MEASURE_PROFILE_CMC, 13},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows) + 2; i++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf b = cmc_buf_of(i == ROWS(rows) ? 10 : 1 << 20);
        cmc_put_text(&b, "keep");
        const struct measure_reference good = {"n", &c, rootfs, NULL, MEASURE_PROFILE_EXACT, 13};
        const int rc = i < ROWS(rows)    ? measure_references_put(&b, &rows[i], 1, &err)
                       : i == ROWS(rows) ? measure_references_put(&b, &good, 1, &err)
                                         : measure_references_put(&b, many, ROWS(many), &err);
        assert_int_equal(rc, i == ROWS(rows) ? -CMC_E_LIMIT : -CMC_E_USAGE);
        assert_int_equal(err.code, -rc);
        assert_int_equal(b.len, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_as_a_whole),
        cmocka_unit_test(profile_cmc_names_two_banks_and_no_key),
        cmocka_unit_test(wide_numbers),
        cmocka_unit_test(a_key_withholds_values),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("measure/reference", tests, NULL, NULL);
}
