/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a report (first byte 0), as a log that a genuine quote covers (1), or as the
 * configuration of a container (2): always a result, with texts that a terminal may have, in JSON
 * that a strict reader takes, and without a secret. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/lib/report_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct report_bed bed;
static struct measure_banks start;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void begin(void)
{
    static const char config[] =
        "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"env\":"
        "[\"VAL=HELLO\",\"DB_PASSWORD=canary\"]},\"root\":{\"path\":\"rootfs\"}}";
    struct cmc_buf refs = cmc_buf_of(1 << 16);
    if (bed.trust)
        return;
    report_bed_open(&bed, "SLB9670");
    const struct measure_config *c = report_bed_config(&bed, config, NULL);
    report_bed_reference(&refs, "web", c, 0x11, "");
    report_bed_metadata(&bed, (const char *)refs.data,
                        "{\"process\":{\"env\":\"replace:VAL=*;additional:X=1\"}}");
    cmc_buf_done(&refs);
    start = bed.log.start;
}

static void check_text(const char *text)
{
    for (const uint8_t *p = (const uint8_t *)text; p && *p; p++)
        must(*p >= 0x20 && *p != 0x7f && (*p != 0xc2 || p[1] >= 0xa0)); /* no C0, DEL, C1 */
}

static void check_claims(const struct verify_claim *c)
{
    for (; c; c = c->next) {
        must(c->id && c->text);
        check_text(c->text);
        check_claims(c->child);
    }
}

static void check(struct verify_result *r)
{
    struct cmc_buf out = cmc_buf_of(256 << 20);
    struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    struct cmc_err err = {0};
    must(r->verdict != VERIFY_TRUSTED && r->words && r->reason);
    must(r->verdict == VERIFY_NOT_TRUSTED || r->has_ak);
    check_claims(r->claim);
    for (size_t i = 0; i < r->container_count; i++) {
        check_text(r->container[i].id);
        check_text(r->container[i].image);
        check_text(r->container[i].reason);
    }
    must(verify_result_put_json(r, &out, &err) == 0);
    must(out.len > CMC_JSON_BYTES_MAX ||
         cmc_json_parse((const char *)out.data, out.len, &doc, &root, &err) == 0 ||
         err.code == CMC_E_LIMIT);
    cmc_json_free(doc);
    must(!memmem(out.data, out.len, "canary", 6));
    cmc_buf_done(&out);
    verify_result_free(r);
}

static void as_report(const uint8_t *data, size_t size)
{
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    must(verify_report(data, size, bed.nonce, sizeof(bed.nonce), &bed.policy, &r, &err) == 0);
    must(r->verdict == VERIFY_NOT_TRUSTED);
    check(r);
}

/* The quote covers the log up to its n-th event. */
struct until {
    size_t n;
    struct measure_banks value;
};

static int on_event(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                    const struct measure_frame *mark, struct cmc_err *err)
{
    struct until *u = ctx;
    (void)intent;
    (void)ev;
    if (mark)
        u->value = mark->values;
    return u->n-- ? 0 : cmc_fail(err, CMC_E_USAGE, "enough");
}

static void as_log(const uint8_t *data, size_t size)
{
    struct cmc_err err = {0};
    struct measure_replay whole;
    struct until until = {.n = data[0] % 16, .value = start};
    const struct measure_starts starts = measure_starts_zero(&start);
    (void)!measure_replay(data + 1, size - 1, &starts, on_event, &until, &whole, &err);
    bed.log.bytes.len = 0;
    cmc_put(&bed.log.bytes, data + 1, size - 1);
    bed.log.pcr = until.value;
    check(report_bed_run(&bed));
}

static void as_config(const uint8_t *data, size_t size)
{
    struct cmc_err err = {0};
    struct measure_config c = {0};
    if (measure_config_detail_digest(data, size, NULL, c.digest, &err) < 0 ||
        memmem(data, size, "canary", 6))
        return;
    const struct meta_exact_part detail = bed.detail[0];
    bed.detail[0] = (struct meta_exact_part){.kind = "config",
                                             .digest = {c.digest, sizeof(c.digest), false},
                                             .data = {data, size, false}};
    bed.log.bytes.len = 0;
    bed.log.seq = 0;
    bed.log.pcr = bed.log.start;
    logs_put(&bed.log, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    report_bed_create(&bed, "web-1", &c, 0x11);
    check(report_bed_run(&bed));
    bed.detail[0] = detail;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16)
        return 0;
    begin();
    if (data[0] == 0)
        as_report(data + 1, size - 1);
    else if (data[0] == 1)
        as_log(data + 1, size - 1);
    else if (data[0] == 2)
        as_config(data + 1, size - 1);
    return 0;
}
