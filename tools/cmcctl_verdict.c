/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict.c -- a verifier's result for people: the verdict first, then why. */
#include "tools/cmcctl_verdict.h"

#include "base/hex.h"
#include "tools/cmcctl.h"
#include "tools/cmcctl_verdict_parts.h"

enum { LINE_MAX_BYTES = 1024 };

int cmcctl_verdict_status(const struct verify_result *r)
{
    switch (r->verdict) {
    case VERIFY_TRUSTED:
    case VERIFY_TRUSTED_IF_ROOT:
        return CMCCTL_AGREE;
    case VERIFY_NOT_TRUSTED:
        return CMCCTL_DISAGREE;
    case VERIFY_COULD_NOT:
        break;
    }
    return CMCCTL_UNCHECKED;
}

static enum ctl_tone tone_of(enum verify_verdict v)
{
    static const enum ctl_tone tones[] = {[VERIFY_TRUSTED] = CTL_GOOD,
                                          [VERIFY_TRUSTED_IF_ROOT] = CTL_GOOD,
                                          [VERIFY_NOT_TRUSTED] = CTL_BAD,
                                          [VERIFY_COULD_NOT] = CTL_UNSURE};
    return tones[v];
}

static void put_host(const struct ctl_pen *p, const struct verify_result *r,
                     const struct ctl_look *look)
{
    cmc_put_text(p->out, "  host      ");
    (void)cmcctl_pen_safe(p, r->host ? r->host : "not known", LINE_MAX_BYTES);
    if (r->host)
        cmc_put_text(p->out, " (in the attestation key's certificate)");
    cmc_put_text(p->out, look->asked ? "; asked for: " : "; no host was asked for");
    if (look->asked)
        (void)cmcctl_pen_safe(p, look->asked, LINE_MAX_BYTES);
    cmc_put_u8(p->out, '\n');
}

static void put_evidence(const struct ctl_pen *p, const struct verify_result *r)
{
    if (r->key_kind) {
        cmc_put_text(p->out, "  evidence  ");
        (void)cmcctl_pen_safe(p, r->key_kind, LINE_MAX_BYTES);
        if (r->profile) {
            cmc_put_text(p->out, ", profile ");
            (void)cmcctl_pen_safe(p, r->profile, LINE_MAX_BYTES);
        }
        cmc_put_u8(p->out, '\n');
    }
    if (r->has_ak) {
        cmc_put_text(p->out, "  key       ");
        cmc_put_hex(p->out, r->ak, sizeof(r->ak));
        cmc_put_u8(p->out, '\n');
    }
}

void cmcctl_verdict_put(const struct verify_result *r, const struct ctl_look *look,
                        struct cmc_buf *out)
{
    const struct ctl_pen pen = {.out = out, .color = look->color, .utf8 = look->utf8};
    cmcctl_pen_text(&pen, tone_of(r->verdict), r->words);
    if (r->reason) {
        cmc_put_text(out, ": ");
        (void)cmcctl_pen_safe(&pen, r->reason, LINE_MAX_BYTES);
    }
    cmc_put_u8(out, '\n');
    put_host(&pen, r, look);
    put_evidence(&pen, r);
    cmc_put_u8(out, '\n');
    size_t folded = cmcctl_verdict_claims(&pen, r->claim, look->explain);
    folded += cmcctl_verdict_containers(&pen, r, look);
    if (folded)
        cmc_put_text(out,
                     "\n(+N): N more that hold; --explain shows everything, and what it means.\n");
}
