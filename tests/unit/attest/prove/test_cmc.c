/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_cmc.c -- reports of CMC 3.3.0: containers as events, the log in the
 * nonce, and a log that is not what was quoted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attest/prove/cmc_context.h"
#include "base/hex.h"
#include "record/ask.h"
#include "tests/lib/rows.h"
#include "tests/lib/swtpm.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;
static struct prove *p;
static const uint8_t nonce[16] = {1, 2, 3};
static const struct prove_item items[] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}};

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_CMC);
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

static void report(struct prove *prover, bool json, bool details, struct meta_report *out)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf bytes = cmc_buf_of(1 << 20);
    const struct prove_request r = {.nonce = nonce,
                                    .nonce_len = sizeof(nonce),
                                    .json = json,
                                    .details = details,
                                    .item = items,
                                    .item_count = 2};
    bed_write(&bed);
    if (prove_report(prover, &r, &bytes, &err) < 0 ||
        meta_report_decode(bytes.data, bytes.len, out, &err) < 0) {
        fail_msg("%s", err.msg);
        abort(); /* not reached, as a reader of this code alone cannot know */
    }
}

static const uint8_t *sha256_of(const struct measure_banks *b)
{
    return b->bank[1].value; /* SHA-1, SHA-256 */
}

/* Of the log's last segment what was extended, as often as it was. */
static void events_of(uint8_t value[CMC_SHA256_LEN], const char *const *types, size_t count)
{
    struct prove_log log = {0};
    struct prove_cmc_events e;
    struct cmc_err err = {0};
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    if (prove_cmc_events_of(p, &log, true, &e, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(e.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct meta_component *c = &e.event[i];
        assert_string_equal(c->type, types[i]);
        assert_string_equal(c->name, types[i][0] == 'f' ? "TPM_PCR_INIT_VALUE" : "web-1");
        assert_int_equal(c->hash_count, 1);
        assert_string_equal(c->hash[0].alg, "SHA-256");
        assert_string_equal(meta_component_property(c, "cmc.index"), "13");
        assert_true((c->ctr != NULL) + (c->description != NULL) == (types[i][0] != 'f'));
    }
    memcpy(value, e.value, CMC_SHA256_LEN);
    prove_cmc_events_done(&e);
    prove_log_done(&log);
}

static void containers_are_events(void **state)
{
    static const char *const types[] = {"application", "application", "application", "application",
                                        "application"};
    uint8_t value[CMC_SHA256_LEN];
    (void)state;
    events_of(value, types, 3); /* create, failed, create; start and delete are not extended */
    assert_memory_equal(value, sha256_of(&bed.log.pcr), sizeof(value));
    logs_put(&bed.log, MEASURE_CONTAINER_CREATE, MEASURE_MARK_TWICE);
    events_of(value, types, 5);
    assert_memory_equal(value, sha256_of(&bed.log.pcr), sizeof(value));
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    logs_intent(&bed.log, &ev); /* open: not known to be in the register */
    events_of(value, types, 5);
    logs_mark(&bed.log, MEASURE_MARK_DONE);
    logs_reset(&bed.log);
    events_of(value, types, 0);
    logs_put(&bed.log, MEASURE_FAILED, MEASURE_MARK_DONE);
    events_of(value, types, 1);
    assert_memory_equal(value, sha256_of(&bed.log.pcr), sizeof(value));
}

/* Whatever the firmware left in the register is said, and left to verifiers. */
static void the_firmware_was_there_first(void **state)
{
    static const char *const types[] = {"firmware", "application", "application", "application"};
    static const struct prove_driver tpm = {.kind = "tpm"};
    uint8_t value[CMC_SHA256_LEN];
    (void)state;
    logs_done(&bed.log);
    logs_init(&bed.log, 2);
    bed.log.profile = MEASURE_PROFILE_CMC;
    logs_firmware(&bed.log, 0x77);
    logs_usual(&bed.log);
    events_of(value, types + 1, ROWS(types) - 1); /* software folds from zeros */
    p->driver = &tpm;
    events_of(value, types, ROWS(types));
    assert_memory_equal(value, sha256_of(&bed.log.pcr), sizeof(value));
}

static void logs_that_say_nothing(void **state)
{
    struct prove_log log = {0};
    struct prove_cmc_events e;
    struct cmc_err err = {0};
    (void)state;
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    p->cfg.pcr = 14;
    assert_int_equal(prove_cmc_events_of(p, &log, true, &e, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "the log is of PCR 13, and PCR 14 is configured");
    prove_log_done(&log);
    p->cfg.pcr = 13;
    logs_break(&bed.log);
    logs_put(&bed.log, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    assert_int_equal(prove_cmc_events_of(p, &log, true, &e, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "a discontinuity"));
    prove_log_done(&log);
    bed.log.bytes.data[bed.log.bytes.len - 1] ^= 1;
    bed.log.bytes.data[60] ^= 1;
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    assert_true(prove_cmc_events_of(p, &log, true, &e, &err) < 0);
    prove_log_done(&log);
}

static void assert_software(const struct meta_report *r, bool json)
{
    const struct meta_context *c = &r->context;
    assert_string_equal(r->version, "3.3.0");
    assert_string_equal(r->encoding, json ? "b64" : "cbor");
    assert_int_equal(r->evidence_count, 1);
    assert_string_equal(r->evidence[0].type, "SW Evidence");
    assert_int_equal(r->evidence[0].evidence.data[0], '{');
    assert_int_equal(c->nonce.len, sizeof(nonce));
    assert_memory_equal(c->nonce.data, nonce, sizeof(nonce));
    assert_int_equal(c->digests.count, 2);
    assert_int_equal(c->item_count, 2);
    assert_int_equal(c->collateral_count, 1);
    assert_string_equal(c->collateral[0].type, "SW Evidence");
    assert_memory_equal(c->collateral[0].key.data, "-----BEGIN PUBLIC KEY-----", 26);
    assert_int_equal(c->collateral[0].cert_count, 2);
    assert_int_equal(c->collateral[0].artifact_count, 1);
    assert_string_equal(c->collateral[0].artifact[0].type, "SW Eventlog");
    assert_int_equal(c->collateral[0].artifact[0].event_count, 4);
}

/* What the JWS says. */
static void assert_signed(const struct meta_report *r)
{
    const char *text = (const char *)r->evidence[0].evidence.data;
    const char *payload = strstr(text, "\"payload\":\"");
    char json[512];
    size_t len = 0;
    uint8_t hash[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf want = cmc_buf_of(512);
    assert_non_null(payload);
    payload += strlen("\"payload\":\"");
    assert_int_equal(
        cmc_unbase64(payload, strcspn(payload, "\""), CMC_BASE64URL, (uint8_t *)json, &len, &err),
        0);
    cmc_sha256(r->context_bytes.data, r->context_bytes.len, hash);
    cmc_put_text(&want, "{\"nonce\":\"");
    cmc_put_base64(&want, hash, sizeof(hash));
    cmc_put_text(&want, "\",\"sha256\":\"");
    cmc_put_base64(&want, sha256_of(&bed.log.pcr), CMC_SHA256_LEN);
    cmc_put_text(&want, "\"}");
    assert_int_equal(len, want.len);
    assert_memory_equal(json, want.data, len);
}

static void software_reports(void **state)
{
    uint8_t digest[CMC_SHA256_LEN];
    (void)state;
    bed_create(&bed, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"]}}", NULL, digest);
    for (int json = 0; json < 2; json++)
        for (int details = 0; details < 2; details++) {
            struct meta_report r = {0};
            report(p, json, details, &r);
            assert_software(&r, json);
            assert_signed(&r);
            const struct meta_ctr *ctr = r.context.collateral[0].artifact[0].event[3].ctr;
            assert_memory_equal(ctr->config.data, digest, sizeof(digest));
            assert_int_equal(ctr->oci_spec != NULL && ctr->oci_spec->type == CMC_JSON_OBJECT,
                             details);
            meta_report_done(&r);
        }
}

/* Of many long configurations the older ones are left out: a report is no longer than it may be,
 * nor its prover's memory. */
static void old_configurations_are_left_out(void **state)
{
    enum { LONG = 5 << 19, COUNT = 4 };
    struct prove_log log = {0};
    struct prove_cmc_events e;
    struct cmc_err err = {0};
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        uint8_t digest[CMC_SHA256_LEN];
        cmc_autobuf struct cmc_buf config = cmc_buf_of(LONG + 128);
        cmc_put_text(&config, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"");
        for (size_t n = 0; n < LONG; n++)
            cmc_put_u8(&config, (uint8_t)('a' + i));
        cmc_put_text(&config, "\"]}}");
        cmc_put_u8(&config, '\0');
        bed_create(&bed, (const char *)config.data, NULL, digest);
    }
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    assert_int_equal(prove_cmc_events_of(p, &log, true, &e, &err), 0);
    assert_int_equal(e.count, 3 + COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(e.event[3 + i].ctr->oci_spec != NULL, i > 0);
    prove_cmc_events_done(&e);
    prove_log_done(&log);
}

static void other_banks_are_refused(void **state)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const struct prove_request r = {.nonce = nonce, .nonce_len = sizeof(nonce)};
    (void)state;
    bed_write(&bed);
    p->cfg.bank = CMC_ALG_SHA1;
    assert_int_equal(prove_report(p, &r, &out, &err), -CMC_E_USAGE);
}

/* The register of a TPM follows the log's digests. */
static void extend(const struct swtpm *tpm, const struct prove_log *log, size_t from)
{
    struct cmc_err err = {0};
    struct tpm_pcr_ctx *t = NULL;
    assert_int_equal(tpm_pcr_open(tpm->tcti, &t, &err), 0);
    for (size_t i = from; i < log->count; i++) {
        struct tpm_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256, .len = 32}}};
        memcpy(b.bank[0].value, log->event[i].digest, 32);
        if (log->event[i].extended)
            assert_int_equal(tpm_pcr_extend(t, 13, &b, &err), 0);
    }
    tpm_pcr_close(t);
}

static void follow(const struct swtpm *tpm, size_t *from)
{
    struct prove_log log = {0};
    struct cmc_err err = {0};
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    extend(tpm, &log, *from);
    *from = log.count;
    prove_log_done(&log);
}

static struct prove *open_tpm(const struct swtpm *tpm)
{
    struct bed with = bed;
    with.cfg.driver = "tpm";
    with.cfg.tcti = tpm->tcti;
    return bed_open(&with);
}

static void assert_tpm(struct prove *prover)
{
    struct meta_report r = {0};
    report(prover, true, false, &r);
    assert_string_equal(r.evidence[0].type, "TPM Evidence");
    const struct meta_collateral *c = &r.context.collateral[0];
    assert_int_equal(c->artifact_count, 15);
    assert_int_equal(c->key.len, 0);
    for (size_t i = 0; i < c->artifact_count; i++) {
        assert_true(i == 0 || c->artifact[i - 1].index < c->artifact[i].index);
        assert_string_equal(c->artifact[i].type,
                            c->artifact[i].index == 13 ? "PCR Eventlog" : "PCR Summary");
    }
    meta_report_done(&r);
}

/* A log that says more than the register holds, as one that grows: eight quotes, then a pause is
 * asked for. */
static void a_tpms_quote_must_fit_the_log(void **state)
{
    struct swtpm tpm;
    struct cmc_err err = {0};
    size_t followed = 0;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const struct prove_request r = {.nonce = nonce, .nonce_len = sizeof(nonce)};
    (void)state;
    if (!swtpm_start(&tpm, NULL))
        skip();
    struct prove *prover = open_tpm(&tpm);
    assert_non_null(prover);
    follow(&tpm, &followed);
    assert_tpm(prover);
    logs_put(&bed.log, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    bed_write(&bed);
    assert_int_equal(prove_report(prover, &r, &out, &err), -CMC_E_TPM);
    assert_non_null(
        strstr(err.msg, "the log grew during each of 8 quotes, and the recorder cannot"));
    prover->cfg.recorder_socket = "/nowhere/recorder.sock";
    assert_int_equal(prove_report(prover, &r, &out, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "asking for a pause"));
    assert_int_equal(out.len, 0);
    follow(&tpm, &followed);
    assert_tpm(prover);
    prove_close(prover);
    swtpm_stop(&tpm);
}

static int pauses, paused = -1; /* the recorder's end of the last one */
static bool short_pauses;

/* The linker puts this in front of record_ask_pause(). */
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
extern __typeof__(record_ask_pause) __real_record_ask_pause, __wrap_record_ask_pause;

int __wrap_record_ask_pause(const char *path, unsigned ms, unsigned timeout_ms, struct cmc_err *err)
{
    int pair[2];
    if (strcmp(path, "recorder of this test") != 0)
        return __real_record_ask_pause(path, ms, timeout_ms, err);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    if (paused >= 0)
        (void)close(paused);
    paused = pair[1];
    if (short_pauses)
        (void)shutdown(paused, SHUT_RDWR);
    pauses++;
    return pair[0];
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */

/* A quote that does not fit in a pause that still lasts never will; in one that was over, it may.
 */
static void a_pause_may_be_too_short(void **state)
{
    struct swtpm tpm;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const struct prove_request r = {.nonce = nonce, .nonce_len = sizeof(nonce)};
    (void)state;
    if (!swtpm_start(&tpm, NULL))
        skip();
    struct prove *prover = open_tpm(&tpm);
    assert_non_null(prover);
    prover->cfg.recorder_socket = "recorder of this test";
    bed_write(&bed); /* and nothing is extended */
    pauses = 0;
    short_pauses = false;
    assert_int_equal(prove_report(prover, &r, &out, &err), -CMC_E_TPM);
    assert_non_null(strstr(err.msg, "even while nobody records"));
    assert_int_equal(pauses, 1);
    short_pauses = true;
    assert_int_equal(prove_report(prover, &r, &out, &err), -CMC_E_TPM);
    assert_non_null(strstr(err.msg, "in each of 4 pauses that were over too soon"));
    assert_int_equal(pauses, 1 + 4);
    (void)close(paused);
    prove_close(prover);
    swtpm_stop(&tpm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(containers_are_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_firmware_was_there_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logs_that_say_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(software_reports, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_configurations_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_banks_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tpms_quote_must_fit_the_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pause_may_be_too_short, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
