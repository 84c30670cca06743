/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_text.c -- events and verdict for people: all that comes from outside is escaped. */
#include <string.h>

#include "base/hex.h"
#include "measure/cel.h"
#include "tools/cmcctl_log.h"

enum { SHORT = 8, VALUE_MAX = 256 }; /* bytes of a digest, of an untrusted text that are shown */

static void put_safe(struct cmc_buf *b, const char *text)
{
    cmc_put_safe(b, text, strlen(text), VALUE_MAX);
}

static void put_digest(const struct ctl_log *c, struct cmc_buf *b, const uint8_t *digest,
                       size_t len)
{
    const size_t n = c->opt.wide || len < SHORT ? len : SHORT;
    cmc_put_hex(b, digest, n);
    if (n < len)
        cmc_put_text(b, "..");
}

static void put_color(const struct ctl_log *c, struct cmc_buf *b, const char *code)
{
    if (c->color)
        cmc_put_fmt(b, "\x1b[%sm", code);
}

static void put_bad(const struct ctl_log *c, struct cmc_buf *b, const char *text)
{
    put_color(c, b, "1;31");
    cmc_put_text(b, text);
    put_color(c, b, "0");
}

static void put_member(struct cmc_buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    cmc_put_fmt(b, "    %-9s ", name);
    put_safe(b, value);
    cmc_put_u8(b, '\n');
}

static void put_detail(const struct ctl_log *c, struct cmc_buf *b, enum ctl_detail d)
{
    switch (d) {
    case CTL_DETAIL_NONE:
        break;
    case CTL_DETAIL_AGREES:
        cmc_put_text(b, "  its stored details give this digest");
        break;
    case CTL_DETAIL_TAMPERED:
        put_bad(c, b, "  TAMPERED: its stored details give another digest");
        break;
    case CTL_DETAIL_ABSENT:
        cmc_put_text(b, "  no details stored");
        break;
    case CTL_DETAIL_OTHER_KEY:
        cmc_put_text(b, "  its details need another redaction key");
        break;
    case CTL_DETAIL_UNREADABLE:
        put_bad(c, b, "  its stored details cannot be read");
        break;
    }
}

static void put_measured(const struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    if (e->ev.has_config) {
        cmc_put_text(b, "    config    ");
        put_digest(c, b, e->ev.config, CMC_SHA256_LEN);
        put_detail(c, b, e->config);
        cmc_put_u8(b, '\n');
    }
    if (e->ev.has_rootfs) {
        cmc_put_text(b, "    rootfs    ");
        put_digest(c, b, e->ev.rootfs, CMC_SHA256_LEN);
        put_detail(c, b, e->listing);
        cmc_put_u8(b, '\n');
    }
    for (size_t i = 0; c->opt.wide && i < e->ev.program_count; i++) {
        cmc_put_text(b, "    program   ");
        put_digest(c, b, e->ev.programs[i].sha256, CMC_SHA256_LEN);
        cmc_put_text(b, "  ");
        put_safe(b, e->ev.programs[i].path);
        cmc_put_u8(b, '\n');
    }
}

static void put_banks(const struct ctl_log *c, struct cmc_buf *b, const char *name,
                      const struct measure_banks *banks)
{
    for (size_t i = 0; i < banks->count; i++) {
        const struct measure_bank *bank = &banks->bank[i];
        cmc_put_fmt(b, "    %-9s %s ", name, cmc_hash_name(bank->alg));
        put_digest(c, b, bank->value, cmc_hash_size(bank->alg));
        cmc_put_u8(b, '\n');
    }
}

static void put_title(struct cmc_buf *b, const struct ctl_entry *e)
{
    cmc_put_fmt(b, "#%llu %s", (unsigned long long)e->ev.seq, e->ev.opaque ? "unknown type " : "");
    put_safe(b, e->ev.type_name);
    if (e->ev.container) {
        cmc_put_text(b, "  ");
        put_safe(b, e->ev.ns ? e->ev.ns : "");
        cmc_put_u8(b, '/');
        put_safe(b, e->ev.container);
    }
    if (e->ev.has_exit)
        cmc_put_fmt(b, "  exit status %u", e->ev.exit_status);
    if (e->how != MEASURE_MARK_DONE) {
        const struct measure_frame mark = {.how = e->how};
        cmc_put_fmt(b, "  (%s)", measure_mark_name(e->how ? &mark : NULL));
    }
    if (!e->digests.count)
        cmc_put_text(b, "  (unverified: not extended)");
    cmc_put_u8(b, '\n');
}

static void put_register(const struct ctl_log *c, struct cmc_buf *b, const struct measure_event *ev)
{
    char boot[2 * sizeof(ev->boot_id) + 1];
    cmc_hex(ev->boot_id, sizeof(ev->boot_id), boot);
    cmc_put_fmt(b, "    register  PCR %u, profile %s, TPM reset %u, restart %u, boot %.8s\n",
                ev->pcr, ev->profile == MEASURE_PROFILE_CMC ? "cmc" : "exact", ev->reset_count,
                ev->restart_count, boot);
    put_member(b, "ignored", ev->ignored_banks);
    if (ev->type == MEASURE_DISCONTINUITY)
        put_banks(c, b, "expected", &ev->expected);
    put_banks(c, b, "found", &ev->found);
}

struct view {
    const struct ctl_log *c;
    struct cmc_buf *b;
    uint64_t before; /* number of the earlier event */
};

static void put_since(const struct view *v, const char *what)
{
    cmc_put_fmt(v->b, "    since #%llu %s", (unsigned long long)v->before, what);
}

static void on_difference(void *ctx, const struct ctl_difference *d)
{
    const struct view *v = ctx;
    const bool config = strcmp(d->what, "config") == 0;
    put_since(v, d->what);
    cmc_put_u8(v->b, ' ');
    put_safe(v->b, d->path);
    cmc_put_text(v->b, ": ");
    if (config) {
        put_safe(v->b, d->before ? d->before : "(nothing)");
        cmc_put_text(v->b, " -> ");
    }
    put_safe(v->b, d->after ? d->after : "(nothing)");
    cmc_put_u8(v->b, '\n');
}

static void put_note(const struct view *v, const char *note)
{
    if (!note)
        return;
    put_since(v, note);
    cmc_put_u8(v->b, '\n');
}

static void put_differences(struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    struct ctl_notes notes;
    if (e->before == CTL_NO_ENTRY)
        return;
    const struct measure_event *old = &c->entry[e->before].ev;
    struct view v = {.c = c, .b = b, .before = old->seq};
    cmcctl_details_diff(c, e, on_difference, &v, &notes);
    put_note(&v, notes.config);
    put_note(&v, notes.rootfs);
    if (old->has_config && e->ev.has_config && memcmp(old->config, e->ev.config, 32) == 0 &&
        old->has_rootfs && e->ev.has_rootfs && memcmp(old->rootfs, e->ev.rootfs, 32) == 0)
        put_note(&v, "same configuration, same root file system");
}

static void put_entry(struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    put_title(b, e);
    if (e->ev.opaque) {
        cmc_put_text(b, "    content   ");
        cmc_put_hex(b, e->content, e->content_len);
        cmc_put_u8(b, '\n');
        return;
    }
    put_member(b, "reason", e->ev.reason);
    put_member(b, "image", e->ev.image);
    put_member(b, "name", e->ev.name);
    put_member(b, "pod", e->ev.pod);
    put_member(b, "sandbox", c->opt.wide ? e->ev.sandbox : NULL);
    put_member(b, "restored", e->ev.checkpoint);
    if (e->ev.type == MEASURE_UNMEASURED)
        cmc_put_fmt(b, "    process   %u\n", e->ev.pid);
    put_member(b, "cgroup", e->ev.cgroup);
    if (e->ev.type == MEASURE_RECORDER_START || e->ev.type == MEASURE_DISCONTINUITY)
        put_register(c, b, &e->ev);
    put_measured(c, b, e);
    if (c->opt.wide)
        put_banks(c, b, "extended", &e->digests);
    put_differences(c, b, e);
}

static void put_register_values(const struct ctl_log *c, struct cmc_buf *b)
{
    for (size_t i = 0; i < c->replay.last.count; i++) {
        const struct measure_bank *bank = &c->replay.last.bank[i];
        const size_t n = cmc_hash_size(bank->alg);
        cmc_put_fmt(b, "%-7s log ", cmc_hash_name(bank->alg));
        cmc_put_hex(b, bank->value, n);
        cmc_put_u8(b, '\n');
        if (i >= c->live.count)
            continue;
        cmc_put_fmt(b, "%-7s TPM ", cmc_hash_name(c->live.bank[i].alg));
        cmc_put_hex(b, c->live.bank[i].value, cmc_hash_size(c->live.bank[i].alg));
        cmc_put_u8(b, '\n');
    }
}

static void put_remarks(const struct ctl_log *c, struct cmc_buf *b)
{
    if (c->replay.torn)
        cmc_put_fmt(b,
                    "%zu bytes of torn frames were skipped: a writer died or the space was gone\n",
                    c->replay.torn);
    if (c->replay.open)
        cmc_put_fmt(
            b,
            "event %llu is recorded but not yet confirmed: a writer is at work or died; the "
            "next recording settles it\n",
            (unsigned long long)c->replay.next_seq - 1);
    if (c->replay.extended < c->replay.events && c->verdict <= CTL_AGREES)
        cmc_put_fmt(b,
                    "profile cmc: %llu of %llu events are not extended and unverified; of a "
                    "container-create the PCR vouches for config and rootfs, not for names\n",
                    (unsigned long long)(c->replay.events - c->replay.extended),
                    (unsigned long long)c->replay.events);
    for (size_t i = c->count; c->verdict <= CTL_AGREES && i--;)
        if (c->entry[i].segment != c->segments) {
            cmc_put_fmt(b,
                        "the PCR vouches only for the events from #%llu on: before them it was "
                        "reset, or changed by somebody else\n",
                        (unsigned long long)c->entry[i].ev.seq + 1);
            break;
        }
}

void cmcctl_text(struct ctl_log *c, uint64_t from, struct cmc_buf *out)
{
    static const char *const words[] = {[CTL_REPLAYS] = "NOT COMPARED",
                                        [CTL_AGREES] = "AGREE",
                                        [CTL_DISAGREES] = "DISAGREE",
                                        [CTL_UNCHECKED] = "COULD NOT CHECK"};
    for (size_t i = 0; i < c->count; i++)
        if (c->entry[i].ev.seq >= from && cmcctl_is_shown(c, &c->entry[i]))
            put_entry(c, out, &c->entry[i]);
    if (c->replayed) {
        put_register_values(c, out);
        put_remarks(c, out);
    }
    if (c->count && (c->verdict == CTL_DISAGREES || c->verdict == CTL_UNCHECKED))
        cmc_put_text(out, "nothing above is vouched for\n");
    put_color(c, out,
              c->verdict == CTL_AGREES      ? "1;32"
              : c->verdict == CTL_DISAGREES ? "1;31"
                                            : "1");
    cmc_put_text(out, words[c->verdict]);
    put_color(c, out, "0");
    cmc_put_text(out, ": ");
    cmc_put_safe(out, c->reason, strlen(c->reason), sizeof(c->reason));
    cmc_put_u8(out, '\n');
}
