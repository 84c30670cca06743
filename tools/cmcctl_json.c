/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_json.c -- the one document of cmcctl log --json (docs/man/cmcctl.1). */
#include "base/hex.h"
#include "measure/cel.h"
#include "tools/cmcctl_log.h"

static const char *detail_name(enum ctl_detail d)
{
    static const char *const names[] = {
        [CTL_DETAIL_NONE] = "none",           [CTL_DETAIL_AGREES] = "agrees",
        [CTL_DETAIL_TAMPERED] = "tampered",   [CTL_DETAIL_ABSENT] = "absent",
        [CTL_DETAIL_OTHER_KEY] = "unchecked", [CTL_DETAIL_UNREADABLE] = "unchecked"};
    return names[d];
}

static void put_text_or_null(struct cmc_buf *b, const char *text)
{
    if (text)
        measure_cel_put_text(b, text);
    else
        cmc_put_text(b, "null");
}

struct view {
    struct cmc_buf *b;
    bool more;
};

static void on_difference(void *ctx, const struct ctl_difference *d)
{
    struct view *v = ctx;
    cmc_put_fmt(v->b, "%s{\"what\":\"%s\",\"path\":", v->more ? "," : "", d->what);
    measure_cel_put_text(v->b, d->path);
    cmc_put_text(v->b, ",\"before\":");
    put_text_or_null(v->b, d->before);
    cmc_put_text(v->b, ",\"after\":");
    put_text_or_null(v->b, d->after);
    cmc_put_u8(v->b, '}');
    v->more = true;
}

static void put_since(struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    struct view v = {.b = b};
    struct ctl_notes notes;
    if (e->before == CTL_NO_ENTRY)
        return;
    cmc_put_fmt(b, ",\"since\":{\"seq\":%llu,\"differences\":[",
                (unsigned long long)c->entry[e->before].ev.seq);
    cmcctl_details_diff(c, e, on_difference, &v, &notes);
    cmc_put_text(b, "],\"config_note\":");
    put_text_or_null(b, notes.config);
    cmc_put_text(b, ",\"rootfs_note\":");
    put_text_or_null(b, notes.rootfs);
    cmc_put_u8(b, '}');
}

static void put_entry(struct ctl_log *c, struct cmc_buf *b, const struct ctl_entry *e)
{
    const struct measure_frame mark = {.how = e->how};
    cmc_put_text(b, "{\"event\":{");
    measure_cel_put_event(b, &e->ev);
    cmc_put_fmt(b, "},\"how\":\"%s\",\"segment\":%llu,\"extended\":%s,\"digests\":",
                measure_mark_name(e->how ? &mark : NULL), (unsigned long long)e->segment,
                e->digests.count ? "true" : "false");
    measure_cel_put_banks(b, &e->digests);
    cmc_put_text(b, ",\"cbor\":\"");
    cmc_put_base64(b, e->content, e->content_len);
    cmc_put_fmt(b, "\",\"config_details\":\"%s\",\"listing\":\"%s\"", detail_name(e->config),
                detail_name(e->listing));
    put_since(c, b, e);
    cmc_put_u8(b, '}');
}

void cmcctl_json(struct ctl_log *c, struct cmc_buf *out)
{
    static const char *const verdicts[] = {[CTL_REPLAYS] = "replays",
                                           [CTL_AGREES] = "agree",
                                           [CTL_DISAGREES] = "disagree",
                                           [CTL_UNCHECKED] = "unchecked"};
    bool more = false;
    cmc_put_fmt(out, "{\"version\":1,\"verdict\":\"%s\",\"reason\":", verdicts[c->verdict]);
    measure_cel_put_text(out, c->reason);
    cmc_put_fmt(out, ",\"pcr\":%u,\"replayed\":%s,\"log_values\":", c->site.pcr,
                c->replayed ? "true" : "false");
    measure_cel_put_banks(out, &c->replay.last);
    cmc_put_text(out, ",\"tpm_values\":");
    measure_cel_put_banks(out, &c->live);
    cmc_put_fmt(out, ",\"profile\":\"%s\",\"extended\":%llu",
                c->replay.profile == MEASURE_PROFILE_CMC ? "cmc" : "exact",
                (unsigned long long)c->replay.extended);
    cmc_put_fmt(out, ",\"segments\":%llu,\"torn\":%zu,\"open\":%s,\"events\":[",
                (unsigned long long)c->segments, c->replay.torn, c->replay.open ? "true" : "false");
    for (size_t i = 0; i < c->count; i++) {
        if (!cmcctl_is_shown(c, &c->entry[i]))
            continue;
        cmc_put_text(out, more ? ",\n" : "\n");
        put_entry(c, out, &c->entry[i]);
        more = true;
    }
    cmc_put_text(out, "\n]}\n");
}
