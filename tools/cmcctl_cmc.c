/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_cmc.c -- the log as the PCR Eventlog that verifiers of CMC read
 * (docs/formats/eventlog.md, CMC JSON). */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "measure/cel.h"
#include "measure/reference.h"
#include "tools/cmcctl_log.h"

/* The SHA-256 bank, the only one that CMC knows; NULL: none. */
static const uint8_t *sha256_of(const struct measure_banks *banks)
{
    for (size_t i = 0; i < banks->count; i++)
        if (banks->bank[i].alg == CMC_ALG_SHA256)
            return banks->bank[i].value;
    return NULL;
}

static void put_head(const struct ctl_log *c, struct cmc_buf *b, const char *type, const char *name,
                     const uint8_t *hash)
{
    cmc_put_fmt(b, "%s\n{\"type\":\"%s\",\"name\":", b->data[b->len - 1] == '[' ? "" : ",", type);
    measure_cel_put_text(b, name);
    cmc_put_text(b, ",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"");
    cmc_put_hex(b, hash, CMC_SHA256_LEN);
    cmc_put_fmt(b,
                "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                "{\"name\":\"cmc.index\",\"value\":\"%u\"}]",
                c->replay.pcr);
}

static int say_missing(const struct ctl_entry *e, enum ctl_detail d)
{
    const bool tampered = d == CTL_DETAIL_TAMPERED;
    (void)fprintf(stderr, "cmcctl log: event %llu: ociSpec is left out: its stored details %s\n",
                  (unsigned long long)e->ev.seq,
                  tampered                     ? "are not what was measured"
                  : d == CTL_DETAIL_UNREADABLE ? "cannot be read"
                                               : "are missing");
    if (tampered)
        return CMCCTL_DISAGREE;
    return d == CTL_DETAIL_UNREADABLE ? CMCCTL_UNCHECKED : CMCCTL_AGREE;
}

static int put_container(const struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    cmc_autobuf struct cmc_buf spec = cmc_buf_of(0);
    const enum ctl_detail d = cmcctl_details_config(c, e, &spec);
    cmc_put_text(b, ",\"ctrData\":{\"configSha256\":\"");
    cmc_put_hex(b, e->ev.config, sizeof(e->ev.config));
    cmc_put_text(b, "\",\"rootfsSha256\":\"");
    cmc_put_hex(b, e->ev.rootfs, sizeof(e->ev.rootfs));
    cmc_put_u8(b, '"');
    if (d == CTL_DETAIL_AGREES) { /* what was measured: JSON, or its digest is another */
        cmc_put_text(b, ",\"ociSpec\":");
        measure_reference_put_form(b, spec.data, spec.len);
    }
    cmc_put_u8(b, '}');
    return d == CTL_DETAIL_AGREES ? CMCCTL_AGREE : say_missing(e, d);
}

static int put_entry(const struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    int status = CMCCTL_AGREE;
    put_head(c, b, "application", e->ev.name ? e->ev.name : e->ev.container,
             sha256_of(&e->digests));
    if (e->ev.type == MEASURE_CONTAINER_CREATE) {
        status = put_container(c, b, e);
    } else {
        cmc_put_text(b, ",\"description\":");
        measure_cel_put_text(b, e->ev.reason);
    }
    cmc_put_u8(b, '}');
    return status;
}

static int check(const struct ctl_log *c, struct cmc_err *err)
{
    if (c->replay.profile != MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_USAGE,
                        "--export cmc-json: this log is of profile exact, which verifiers of CMC "
                        "cannot read; set \"profile\": \"cmc\" and reboot");
    if (!sha256_of(&c->replay.last))
        return cmc_fail(err, CMC_E_VERIFY, "--export cmc-json: PCR %u has no SHA-256 bank",
                        c->replay.pcr);
    for (size_t i = 0; i < c->count; i++)
        if (c->entry[i].segment == c->segments && c->entry[i].ev.type == MEASURE_DISCONTINUITY)
            return cmc_fail(err, CMC_E_VERIFY,
                            "--export cmc-json: event %llu is a discontinuity: what PCR %u holds "
                            "cannot be explained to a verifier of CMC",
                            (unsigned long long)c->entry[i].ev.seq, c->replay.pcr);
    return 0;
}

/* How often the PCR has it. */
static int times(const struct ctl_entry *e)
{
    if (!e->digests.count || !e->how || e->how == MEASURE_MARK_LOST)
        return 0;
    return e->how == MEASURE_MARK_TWICE ? 2 : 1;
}

int cmcctl_cmc(struct ctl_log *c, struct cmc_buf *out, struct cmc_err *err)
{
    static const uint8_t zeros[CMC_SHA256_LEN];
    int status = CMCCTL_AGREE;
    if (check(c, err) < 0)
        return -(int)err->code;
    const uint8_t *start = sha256_of(&c->replay.start);
    cmc_put_fmt(out, "{\"type\":\"PCR Eventlog\",\"index\":%u,\"events\":[", c->replay.pcr);
    if (memcmp(start, zeros, sizeof(zeros)) != 0) {
        put_head(c, out, "firmware", "TPM_PCR_INIT_VALUE", start);
        cmc_put_u8(out, '}');
    }
    for (size_t i = 0; i < c->count && !out->bad; i++)
        for (int n = c->entry[i].segment == c->segments ? times(&c->entry[i]) : 0; n; n--) {
            const int got = put_entry(c, out, &c->entry[i]);
            status = got == CMCCTL_DISAGREE || status == CMCCTL_AGREE ? got : status;
        }
    cmc_put_text(out, "\n]}\n");
    return cmc_buf_check(out, "export", err) < 0 ? -(int)err->code : status;
}
