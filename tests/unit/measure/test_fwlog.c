/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_fwlog.c -- hand-made firmware logs: what they say, or why they are
 * refused, one row each. Values are those of hashlib and of tpm2_eventlog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/fwlog.h"
#include "tests/lib/rows.h"

/* little-endian numbers */
#define P0        "00000000"
#define P7        "07000000"
#define P13       "0d000000"
#define P_NONE    "ffffffff"
#define NO_ACTION "03000000"
#define IPL       "0d000000"
#define N(hex)    hex "000000"

#define Z20       "0000000000000000000000000000000000000000"
#define A20       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A32       A20 "aaaaaaaaaaaaaaaaaaaaaaaa"
#define A48       A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64       A32 A32
#define B32       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SHA1      "0400"
#define SHA256    "0b00"
#define SHA384    "0c00"
#define SHA512    "0d00"
#define SM3       "1200"
#define X         N("01") "78" /* one byte of data */

/* size: of the data, 28 bytes + 4 per algorithm + rest */
#define SPEC_OF(size, algs)                                                                        \
    P0 NO_ACTION Z20 N(size) "53706563204944204576656e74303300" P0 "00020002" algs
#define SPEC                                                                                       \
    SPEC_OF("21", N("01") SHA256 "2000"                                                            \
                                 "00") /* SHA-256 alone, no vendor information */
#define SPEC2                  SPEC_OF("24", N("02") SHA1 "1400" SHA256 "2000")
#define EVENT(pcr, value)      pcr IPL N("01") SHA256 value X
#define LOCALITY(n)            "537461727475704c6f63616c69747900" n
#define LOCALITY_EVENT(pcr, n) pcr NO_ACTION N("00") N("11") LOCALITY(n)
#define ALGS_15                                                                                    \
    "01400100"                                                                                     \
    "02400100"                                                                                     \
    "03400100"                                                                                     \
    "04400100"                                                                                     \
    "05400100"                                                                                     \
    "06400100"                                                                                     \
    "07400100"                                                                                     \
    "08400100"                                                                                     \
    "09400100"                                                                                     \
    "0a400100"                                                                                     \
    "0b400100"                                                                                     \
    "0c400100"                                                                                     \
    "0d400100"                                                                                     \
    "0e400100"                                                                                     \
    "0f400100"

#define ZERO_31   "00000000000000000000000000000000000000000000000000000000000000"
#define ONCE      "1 9ef814b42fa0be12d197c44d3e8e03441a4b1118237658368ba1351090e556ed"
#define TWICE     "2 aaf51febf5ed5e45e5bcd62d127a21328f3b78b943377466fb57cf303b814b9a"
#define ONCE_SHA1 "1 d6ebc4e04e1612a1ae465c51c090608bc5e6e174"
#define ONCE_MORE                                                                                  \
    " 9ef814b42fa0be12d197c44d3e8e03441a4b1118237658368ba1351090e556ed 7bb2c5d8ea033e"             \
    "351e3bbcd999104ba4a95c440e7930e17becc2effd55069425f50dd6852cfd3b664453b66c6cb673"             \
    "ea c440b662e2efcbe1ee9cb0bf106188de21fe2885765f73d9d8f12f03e3e1b90add8404ec9524e"             \
    "7caa58e71acb5f9fa73d5d0ef2fa80bd74ef69a958201647bac"
#define ONCE_FROM_3 "1 864ceb27529792a58558fbc114476ded3b06ed18f3de1eeea9d522c308e1f7a7"

#define BAD         CMC_E_FORMAT
#define AT(n, byte) "firmware log: event " #n " at byte " #byte ": "

struct row { /* numbers are as wide as pointers, so that a row reads in order without padding */
    const char *name;
    uint64_t pcr;
    const char *banks;
    const char *log; /* hex */
    int64_t code;
    const char *want; /* code 0: number of events and value per bank; else the text */
};

static struct row rows[] = {
    {"the page's example", 13, "sha256", SPEC EVENT(P13, A32), 0, ONCE},
    {"two events, in order", 13, "sha256", SPEC EVENT(P13, A32) EVENT(P13, B32), 0, TWICE},
    {"no event at all", 13, "sha256", SPEC, 0, "0 " ZERO_31 "00"},
    {"another register's events", 13, "sha256", SPEC EVENT(P7, B32) EVENT(P13, A32), 0, ONCE},
    {"EV_NO_ACTION extends nothing", 13, "sha256",
     SPEC P13 NO_ACTION N("01") SHA256 B32 X EVENT(P13, A32), 0, ONCE},
    {"an event of no register", 13, "sha256", SPEC P_NONE NO_ACTION N("00") X EVENT(P13, A32), 0,
     ONCE},
    {"an event without data", 13, "sha256", SPEC P13 IPL N("01") SHA256 A32 N("00"), 0, ONCE},
    {"no data, then an event", 13, "sha256", SPEC P7 IPL N("01") SHA256 B32 N("00") EVENT(P13, A32),
     0, ONCE},
    {"digests in another order than named", 13, "sha256",
     SPEC2 P13 IPL N("02") SHA256 A32 SHA1 A20 X, 0, ONCE},
    {"a bank that nobody asks for is missing", 13, "sha256", SPEC2 EVENT(P13, A32), 0, ONCE},
    {"the same, asked for", 13, "sha1", SPEC2 EVENT(P13, A32), BAD,
     "firmware log: event 1 extends PCR 13 without a digest of bank sha1"},
    {"missing in another register's event", 13, "sha1",
     SPEC2 EVENT(P7, A32) P13 IPL N("01") SHA1 A20 X, 0, ONCE_SHA1},
    {"SM3 is walked over", 13, "sha256",
     SPEC_OF("24", N("02") SM3 "2000" SHA256 "2000") P13 IPL N("02") SM3 B32 SHA256 A32 X, 0, ONCE},
    {"an unknown digest of 64 bytes", 13, "sha256",
     SPEC_OF("24", N("02") SM3 "4000" SHA256 "2000") P13 IPL N("02") SM3 A64 SHA256 A32 X, 0, ONCE},
    {"16 algorithms", 13, "sha256", SPEC_OF("5c", N("10") ALGS_15 SHA256 "2000") EVENT(P13, A32), 0,
     ONCE},
    {"without the vendor's size", 13, "sha256",
     SPEC_OF("20", N("01") SHA256 "2000") EVENT(P13, A32), 0, ONCE},
    {"with vendor information", 13, "sha256",
     SPEC_OF("24", N("01") SHA256 "2000"
                                  "03"
                                  "616263") EVENT(P13, A32),
     0, ONCE},

    {"format 1", 13, "sha1", P7 IPL A20 X P13 IPL A20 X, 0, ONCE_SHA1},
    {"format 1, the first event counts", 13, "sha1", P13 IPL A20 X P7 IPL A20 X, 0, ONCE_SHA1},
    {"format 1, EV_NO_ACTION first", 13, "sha1", P13 NO_ACTION A20 X P13 IPL A20 X, 0, ONCE_SHA1},
    {"the Spec ID of format 1", 13, "sha1",
     P0 NO_ACTION Z20 N("10") "53706563204944204576656e74303200" P13 IPL A20 X, 0, ONCE_SHA1},
    {"a Spec ID in an event that extends", 13, "sha1",
     P0 IPL Z20 N("10") "53706563204944204576656e74303300" P13 IPL A20 X, 0, ONCE_SHA1},

    {"PCR 0 starts at its locality", 0, "sha256", SPEC LOCALITY_EVENT(P0, "03") EVENT(P0, A32), 0,
     ONCE_FROM_3},
    {"a locality, and no event", 0, "sha256", SPEC LOCALITY_EVENT(P0, "04"), 0, "0 " ZERO_31 "04"},
    {"PCR 13 has no locality", 13, "sha256", SPEC LOCALITY_EVENT(P0, "03") EVENT(P13, A32), 0,
     ONCE},
    {"a locality in register 13", 13, "sha256", SPEC LOCALITY_EVENT(P13, "03") EVENT(P13, A32), 0,
     ONCE},
    {"a locality in register 7 is not PCR 0's", 0, "sha256",
     SPEC LOCALITY_EVENT(P7, "03") EVENT(P0, A32), 0, ONCE},
    {"a locality of two bytes is none", 0, "sha256",
     SPEC P0 NO_ACTION N("00") N("12") LOCALITY("0303") EVENT(P0, A32), 0, ONCE},
    {"another text as long", 0, "sha256",
     SPEC P0 NO_ACTION N("00") N("11") "6161616161616161616161616161616103" EVENT(P0, A32), 0,
     ONCE},
    {"a late locality", 0, "sha256", SPEC EVENT(P0, A32) LOCALITY_EVENT(P0, "03"), BAD,
     "firmware log: StartupLocality behind an event that extends PCR 0"},
    {"late only for another register", 0, "sha256",
     SPEC EVENT(P7, A32) LOCALITY_EVENT(P0, "03") EVENT(P0, A32), 0, ONCE_FROM_3},

    {"an empty log", 13, "sha256", "", BAD, "firmware log: empty"},
    {"cut before the data", 13, "sha256", SPEC P13 IPL N("01") SHA256 A32, BAD,
     AT(1, 65) "cut short before its data"},
    {"cut in the digest", 13, "sha256", SPEC P13 IPL N("01") SHA256 A20, BAD,
     AT(1, 65) "cut short before its data"},
    {"cut in the number of digests", 13, "sha256", SPEC P13 IPL "0100", BAD,
     AT(1, 65) "cut short before its data"},
    {"cut in an algorithm's number", 13, "sha256", SPEC P13 IPL N("01") "0b", BAD,
     AT(1, 65) "cut short before its data"},
    {"data longer than the log", 13, "sha256", SPEC P13 IPL N("01") SHA256 A32 N("02") "78", BAD,
     AT(1, 65) "2 bytes of data, but the log ends after 1"},
    {"data of 4 GiB", 13, "sha256",
     SPEC P13 IPL N("01") SHA256 A32 "ffffffff"
                                     "78",
     BAD, AT(1, 65) "4294967295 bytes of data, but the log ends after 1"},
    {"the second event", 13, "sha256", SPEC EVENT(P13, A32) "78", BAD,
     AT(2, 116) "cut short before its data"},
    {"padding", 13, "sha256", SPEC EVENT(P13, A32) "0000", BAD,
     AT(2, 116) "cut short before its data"},
    {"more digests than algorithms", 13, "sha256", SPEC P13 IPL N("02") SHA256 A32 SHA256 A32 X,
     BAD, AT(1, 65) "2 digests, but event 0 names 1 algorithms"},
    {"4294967295 digests", 13, "sha256", SPEC P13 IPL "ffffffff" SHA256 A32 X, BAD,
     AT(1, 65) "4294967295 digests, but event 0 names 1 algorithms"},
    {"two digests of one bank", 13, "sha256", SPEC2 P13 IPL N("02") SHA256 A32 SHA256 B32 X, BAD,
     AT(1, 68) "two digests of algorithm 0x000b"},
    {"an algorithm that is not named", 13, "sha256", SPEC P13 IPL N("01") SM3 A32 X, BAD,
     AT(1, 65) "digest of algorithm 0x0012, which event 0 does not name"},
    {"also in another register's event", 13, "sha256", SPEC P7 IPL N("01") SM3 A32 X, BAD,
     AT(1, 65) "digest of algorithm 0x0012, which event 0 does not name"},

    {"a bank that the log does not have", 13, "sha256,sha384", SPEC EVENT(P13, A32), BAD,
     "firmware log: has no digests of bank sha384"},
    {"the same without an event", 13, "sha512", SPEC, BAD,
     "firmware log: has no digests of bank sha512"},
    {"SHA-256 of format 1", 13, "sha256", P13 IPL A20 X, BAD,
     "firmware log: has no digests of bank sha256: it is of the old format, SHA-1 only"},
    {"no algorithm", 13, "sha256", SPEC_OF("1d", N("00") "00"), BAD,
     "firmware log: Spec ID event: it names no algorithm"},
    {"17 algorithms", 13, "sha256",
     SPEC_OF("60", N("11") ALGS_15 "10400100" SHA256 "2000") EVENT(P13, A32), CMC_E_LIMIT,
     "firmware log: Spec ID event: 17 algorithms, at most 16"},
    {"an algorithm named twice", 13, "sha256",
     SPEC_OF("24", N("02") SHA256 "2000" SHA256 "2000") EVENT(P13, A32), BAD,
     "firmware log: Spec ID event: algorithm 0x000b is named twice"},
    {"SHA-256 of 20 bytes", 13, "sha256", SPEC_OF("20", N("01") SHA256 "1400"), BAD,
     "firmware log: Spec ID event: algorithm 0x000b has digests of 20 bytes"},
    {"an unknown digest of 65 bytes", 13, "sha256", SPEC_OF("24", N("02") SM3 "4100" SHA256 "2000"),
     BAD, "firmware log: Spec ID event: algorithm 0x0012 has digests of 65 bytes"},
    {"an unknown digest of no bytes", 13, "sha256", SPEC_OF("24", N("02") SM3 "0000" SHA256 "2000"),
     BAD, "firmware log: Spec ID event: algorithm 0x0012 has digests of 0 bytes"},
    {"a list of algorithms cut short", 13, "sha256", SPEC_OF("1f", N("01") SHA256 "20"), BAD,
     "firmware log: Spec ID event: its list of algorithms is cut short"},
    {"a Spec ID event cut in its number of algorithms", 13, "sha256", SPEC_OF("1a", "0100"), BAD,
     "firmware log: Spec ID event: its list of algorithms is cut short"},

    {"PCR 16 starts at zeros", 16, "sha256", SPEC, 0, "0 " ZERO_31 "00"},
    {"PCR 17 does not", 17, "sha256", SPEC, CMC_E_USAGE,
     "PCR 17: a firmware log does not say its start value"},
    {"PCR 22 does not", 22, "sha256", SPEC, CMC_E_USAGE,
     "PCR 22: a firmware log does not say its start value"},
    {"PCR 23 does", 23, "sha256", SPEC, 0, "0 " ZERO_31 "00"},
    {"no PCR 24", 24, "sha256", SPEC, CMC_E_USAGE,
     "PCR 24: a firmware log does not say its start value"},
    {"no bank wanted", 13, "", SPEC, CMC_E_USAGE, "firmware log: 0 banks wanted, expected 1 to 4"},
    {"an unknown bank wanted", 13, "sm3", SPEC, CMC_E_USAGE,
     "firmware log: bank 0x0000 cannot be computed"},
};

static struct measure_banks banks_of(const char *list)
{
    struct measure_banks like = {0};
    while (*list) {
        const size_t len = strcspn(list, ",");
        struct measure_bank *bank = &like.bank[like.count++];
        bank->alg = cmc_hash_by_name(list, len);
        memset(bank->value, 0x5a, sizeof(bank->value)); /* not read */
        list += len + (list[len] == ',');
    }
    return like;
}

static uint8_t *bytes_of(const char *hex, size_t *len)
{
    struct cmc_err err = {0};
    *len = strlen(hex) / 2;
    uint8_t *exact = malloc(*len + !*len); /* so that ASan sees a read behind the end */
    assert_non_null(exact);
    assert_int_equal(cmc_unhex(hex, 2 * *len, exact, *len, &err), 0);
    return exact;
}

static void tell(const struct measure_banks *value, uint64_t events, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%llu", (unsigned long long)events);
    for (size_t i = 0; i < value->count; i++) {
        char hex[2 * CMC_HASH_MAX + 1];
        cmc_hex(value->bank[i].value, cmc_hash_size(value->bank[i].alg), hex);
        n += snprintf(out + n, cap - (size_t)n, " %s", hex);
    }
}

static void run_row(void **state)
{
    const struct row *t = *state;
    const struct measure_banks like = banks_of(t->banks);
    struct measure_banks value, poison;
    uint64_t events = 77;
    struct cmc_err err = {0};
    char said[600];
    size_t len;
    memset(&poison, 0xaa, sizeof(poison));
    value = poison;
    uint8_t *log = bytes_of(t->log, &len);
    const int rc = measure_fwlog_replay(log, len, (uint32_t)t->pcr, &like, &value, &events, &err);
    free(log);
    if (rc == 0)
        tell(&value, events, said, sizeof(said));
    assert_string_equal(rc < 0 ? err.msg : said, t->want);
    assert_int_equal(rc, -t->code);
    assert_int_equal(err.code, t->code);
    if (rc < 0) {
        assert_int_equal(events, 77);
        assert_memory_equal(&value, &poison, sizeof(value));
    }
}

/* Cut anywhere but between events, a log is refused; cut there, it says less. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    static const char whole[] = SPEC EVENT(P13, A32) EVENT(P13, B32);
    const struct measure_banks like = banks_of("sha256");
    size_t len;
    unsigned accepted = 0;
    uint8_t *log = bytes_of(whole, &len);
    for (size_t cut = 1; cut < len; cut++) {
        uint8_t *exact = malloc(cut);
        assert_non_null(exact);
        memcpy(exact, log, cut);
        struct measure_banks value;
        uint64_t events = 77;
        struct cmc_err err = {0};
        const int rc = measure_fwlog_replay(exact, cut, 13, &like, &value, &events, &err);
        free(exact);
        assert_int_equal(rc, cut == 65 || cut == 116 ? 0 : -CMC_E_FORMAT);
        assert_int_equal(events, rc ? 77 : accepted);
        accepted += rc == 0;
    }
    free(log);
    assert_int_equal(accepted, 2);
}

static void four_banks(void **state)
{
    (void)state;
    static const char log[] =
        SPEC_OF("2c", N("04") SHA1 "1400" SHA256 "2000" SHA384 "3000" SHA512 "4000") P13 IPL N("04")
            SHA1 A20 SHA256 A32 SHA384 A48 SHA512 A64 X;
    struct row all = {NULL, 13, "sha1,sha256,sha384,sha512", log, 0, ONCE_SHA1 ONCE_MORE};
    void *row = &all;
    run_row(&row);
}

static void size_of_the_log(void **state)
{
    (void)state;
    const struct measure_banks like = banks_of("sha1");
    struct measure_banks value;
    uint64_t events = 77;
    struct cmc_err err = {0};
    uint8_t *zeros = calloc(1, MEASURE_FWLOG_BYTES_MAX); /* of format 1: events of PCR 0 */
    assert_non_null(zeros);
    assert_int_equal(
        measure_fwlog_replay(zeros, MEASURE_FWLOG_BYTES_MAX, 5, &like, &value, &events, &err), 0);
    assert_int_equal(events, 0);
    events = 77;
    assert_int_equal(
        measure_fwlog_replay(zeros, MEASURE_FWLOG_BYTES_MAX + 1, 5, &like, &value, &events, &err),
        -CMC_E_LIMIT);
    assert_string_equal(err.msg, "firmware log: 16777217 bytes, at most 16777216");
    assert_int_equal(events, 77);
    free(zeros);
}

static void five_banks(void **state)
{
    (void)state;
    const uint8_t log = 0;
    const struct measure_banks like = {.count = MEASURE_BANKS_MAX + 1};
    struct measure_banks value;
    uint64_t events = 77;
    struct cmc_err err = {0};
    assert_int_equal(measure_fwlog_replay(&log, 1, 13, &like, &value, &events, &err), -CMC_E_USAGE);
    assert_int_equal(events, 77);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(four_banks),
        cmocka_unit_test(size_of_the_log),
        cmocka_unit_test(five_banks),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("measure/fwlog", tests, NULL, NULL);
}
