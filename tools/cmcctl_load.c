/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_load.c -- the log as entries, the PCR beside it, and the verdict over both. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "tools/cmcctl_log.h"
#include "tpm/pcr.h"

enum {
    LOG_MAX = 64 << 20, /* bytes; the recorder writes no longer one */
    TRIES = 50,         /* while a writer is between log and PCR */
    STABLE = 3,         /* tries in which nothing moved: the difference is real */
    PAUSE_MS = 100,
    BACK_MAX = 4096 /* events searched for an earlier one of the same image */
};

static int read_log(struct ctl_log *c, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    cmc_buf_done(&c->bytes);
    c->bytes = cmc_buf_of(LOG_MAX);
    if (fd < 0 && errno == ENOENT)
        return 0; /* as an empty one: nothing was recorded */
    if (fd < 0 || fstat(fd, &st) != 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", c->path);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s is not a regular file", c->path);
    if (cmc_buf_read(&c->bytes, fd, "log", err) < 0)
        return cmc_wrap(err, "%.300s", c->path);
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool same_image(const struct measure_event *a, const struct measure_event *b)
{
    return same_text(a->image, b->image) || same_text(a->name, b->name) ||
           (same_text(a->container, b->container) && same_text(a->ns, b->ns));
}

/* Digests of two profiles cannot be compared. */
static int64_t find_before(const struct ctl_log *c, const struct ctl_entry *e)
{
    const struct measure_event *ev = &e->ev;
    if (ev->type != MEASURE_CONTAINER_CREATE)
        return CTL_NO_ENTRY;
    for (size_t i = c->count; i-- && c->count - i <= BACK_MAX;)
        if (c->entry[i].ev.type == MEASURE_CONTAINER_CREATE && c->entry[i].profile == e->profile &&
            same_image(&c->entry[i].ev, ev))
            return (int64_t)i;
    return CTL_NO_ENTRY;
}

static int collect(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                   const struct measure_frame *mark, struct cmc_err *err)
{
    struct ctl_log *c = ctx;
    if (c->count == c->cap) {
        const size_t cap = c->cap ? 2 * c->cap : 64;
        struct ctl_entry *more = reallocarray(c->entry, cap, sizeof(*more));
        if (!more)
            return cmc_fail(err, CMC_E_LIMIT, "log: out of memory");
        c->entry = more;
        c->cap = cap;
    }
    struct ctl_entry e = {.content = intent->content,
                          .content_len = intent->content_len,
                          .digests = intent->digests,
                          .how = mark ? mark->how : (enum measure_mark_how)0};
    const int rc = measure_event_decode(intent->content, intent->content_len, &e.ev, &e.text, err);
    if (rc < 0)
        return rc;
    c->segments += ev->type == MEASURE_DISCONTINUITY || c->segments == 0 ||
                   (ev->type == MEASURE_RECORDER_START && c->count &&
                    c->replay.reset_count != ev->reset_count);
    if (ev->type == MEASURE_DISCONTINUITY || ev->type == MEASURE_RECORDER_START) {
        c->replay.reset_count = ev->reset_count;
        c->replay.profile = ev->profile;
    }
    e.profile = c->replay.profile;
    e.segment = c->segments;
    e.before = find_before(c, &e);
    c->entry[c->count++] = e;
    return 0;
}

void cmcctl_unload(struct ctl_log *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->entry[i].text);
    free(c->entry);
    cmc_buf_done(&c->bytes);
    c->entry = NULL;
    c->count = c->cap = 0;
    c->segments = 0;
    c->replayed = false;
    c->replay = (struct measure_replay){0};
    c->starts = (struct record_starts){0};
    c->live = (struct measure_banks){0};
}

static void decide(struct ctl_log *c, enum ctl_verdict verdict, const char *reason)
{
    c->verdict = verdict;
    (void)snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

static const char *firmware_log(const struct ctl_log *c)
{
    return c->opt.firmware_log ? c->opt.firmware_log : c->site.firmware_log;
}

/* Replayed, or found empty. strange: the log begins with a value that the firmware's log may
 * explain, but that cannot be asked. */
static int replay_bytes(struct ctl_log *c, bool *strange, struct cmc_err *err)
{
    struct measure_begin begin = {.pcr = c->site.pcr, .found = c->live};
    const int rc = measure_replay_begin(c->bytes.data, c->bytes.len, &begin, err);
    c->replay.empty = rc == 0;
    if (rc < 0)
        return rc;
    record_firmware_starts(firmware_log(c), begin.pcr, c->live.count ? &c->live : &begin.found,
                           &c->starts);
    if (rc == 0)
        return 0;
    *strange = c->starts.unread && measure_begin_is_strange(&begin, &c->starts.values);
    return measure_replay(c->bytes.data, c->bytes.len, &c->starts.values, collect, c, &c->replay,
                          err);
}

static void replay(struct ctl_log *c, struct cmc_err *err)
{
    char text[sizeof(c->reason)];
    bool strange = false;
    int rc = replay_bytes(c, &strange, err);
    c->replayed = rc == 0 && !c->replay.empty;
    (void)snprintf(text, sizeof(text), "%.300s: nothing was recorded in this boot", c->path);
    if (rc < 0 && strange) {
        (void)snprintf(text, sizeof(text), "%.250s; %.250s", err->msg, c->starts.note);
        decide(c, CTL_UNCHECKED, text);
    } else if (rc < 0) {
        decide(c, err->code == CMC_E_LIMIT ? CTL_UNCHECKED : CTL_DISAGREES, err->msg);
    } else if (c->replay.empty) {
        decide(c, CTL_UNCHECKED, text);
    } else {
        decide(c, CTL_REPLAYS, "the log replays; it was not compared with the TPM (--verify)");
    }
}

static int add_bank(const struct ctl_log *c, const struct tpm_bank *bank, struct measure_banks *out,
                    struct cmc_err *err)
{
    if (cmc_hash_size(bank->alg) && out->count < MEASURE_BANKS_MAX) {
        struct measure_bank *to = &out->bank[out->count++];
        to->alg = bank->alg;
        memcpy(to->value, bank->value, cmc_hash_size(bank->alg));
        return 0;
    }
    for (size_t i = 0; i < c->site.ignore_count; i++)
        if (c->site.ignore_banks[i] == bank->alg)
            return 0;
    return cmc_fail(err, CMC_E_TPM, "PCR %u: bank 0x%04x cannot be computed here", c->site.pcr,
                    bank->alg);
}

static void close_tpm(struct tpm_pcr_ctx **t)
{
    if (*t)
        tpm_pcr_close(*t);
}

static int read_pcr(const struct ctl_log *c, struct measure_banks *out, struct cmc_err *err)
{
    struct measure_banks live = {0};
    struct tpm_banks all = {0};
    CMC_CLEANUP(close_tpm) struct tpm_pcr_ctx *tpm = NULL;
    int rc = tpm_pcr_open(c->opt.tcti, &tpm, err);
    if (rc == 0)
        rc = tpm_pcr_banks(tpm, c->site.pcr, &all, err);
    if (rc == 0)
        rc = tpm_pcr_read(tpm, c->site.pcr, &all, err);
    for (size_t i = 0; rc == 0 && i < all.count; i++)
        rc = add_bank(c, &all.bank[i], &live, err);
    if (rc == 0 && live.count == 0)
        rc = cmc_fail(err, CMC_E_TPM, "PCR %u: not allocated in any bank", c->site.pcr);
    if (rc == 0)
        *out = live;
    return rc;
}

/* Whether the PCR is where the log says; with an open record it may be one or two extends on. */
static bool fits(const struct ctl_log *c)
{
    struct measure_banks v = c->replay.last;
    struct cmc_err err = {0};
    bool equal = measure_banks_equal(&v, &c->live);
    for (int i = 0; !equal && c->replay.open && i < 2; i++) {
        if (measure_replay_extend(&v, &c->replay.open_digests, &err) < 0)
            return false;
        equal = measure_banks_equal(&v, &c->live);
    }
    return equal;
}

static void compare(struct ctl_log *c)
{
    char text[sizeof(c->reason)];
    enum ctl_verdict verdict = CTL_DISAGREES;
    if (c->replay.empty && !measure_starts_have(&c->starts.values, &c->live)) {
        (void)snprintf(text, sizeof(text), "PCR %u was extended, but %.300s holds no event",
                       c->site.pcr, c->path);
    } else if (!c->replayed) {
        return;
    } else if (c->replay.pcr != c->site.pcr) {
        (void)snprintf(text, sizeof(text), "the log is of PCR %u, the configuration names PCR %u",
                       c->replay.pcr, c->site.pcr);
        verdict = CTL_UNCHECKED;
    } else if (fits(c) && c->replay.claimed) {
        (void)snprintf(
            text, sizeof(text),
            "PCR %u in the TPM holds what the log gives, but only from the value on that "
            "a discontinuity found, which profile cmc does not extend: events before it "
            "may have been left out",
            c->site.pcr);
        verdict = CTL_UNCHECKED;
    } else if (fits(c)) {
        (void)snprintf(text, sizeof(text),
                       "PCR %u in the TPM holds what the log gives (events: %llu, banks: %zu)",
                       c->site.pcr, (unsigned long long)c->replay.events, c->live.count);
        verdict = CTL_AGREES;
    } else {
        (void)snprintf(text, sizeof(text),
                       "PCR %u in the TPM holds another value than the log gives", c->site.pcr);
    }
    decide(c, verdict, text);
}

/* One look at PCR and log; true when another look could come out otherwise. */
static bool look(struct ctl_log *c)
{
    const struct measure_banks last = c->live;
    const size_t len = c->bytes.len;
    struct measure_banks live = {0};
    struct cmc_err err = {0}, no_tpm = {0};
    const int rc = c->opt.verify ? read_pcr(c, &live, &no_tpm) : 0;
    cmcctl_unload(c);
    c->live = live;
    if (read_log(c, &err) < 0) {
        decide(c, CTL_UNCHECKED, err.msg);
        return false;
    }
    replay(c, &err);
    if (c->opt.verify && rc == 0)
        compare(c);
    else if (rc < 0 && c->verdict != CTL_DISAGREES)
        decide(c, CTL_UNCHECKED, no_tpm.msg);
    return c->opt.verify && (!measure_banks_equal(&live, &last) || c->bytes.len != len);
}

static bool either(const struct ctl_entry *e, enum ctl_detail d)
{
    return e->config == d || e->listing == d;
}

/* The first detail that is wrong decides, else the first that cannot be read. */
static void check_details(struct ctl_log *c, struct ctl_entry *e, uint64_t from)
{
    char text[sizeof(c->reason)];
    if (e->ev.seq < from || !cmcctl_is_shown(c, e))
        return;
    cmcctl_details_check(c, e);
    const bool tampered = either(e, CTL_DETAIL_TAMPERED);
    (void)snprintf(text, sizeof(text), "stored details of event %llu %s",
                   (unsigned long long)e->ev.seq,
                   tampered ? "are not what was measured" : "cannot be read");
    if (tampered && c->verdict != CTL_DISAGREES)
        decide(c, CTL_DISAGREES, text);
    else if (either(e, CTL_DETAIL_UNREADABLE) && c->verdict <= CTL_AGREES)
        decide(c, CTL_UNCHECKED, text);
}

void cmcctl_load(struct ctl_log *c, uint64_t from)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    int stable = 0;
    for (int i = 0; i < TRIES && stable < STABLE; i++) {
        stable = look(c) ? 0 : stable + 1;
        if (!c->opt.verify || c->verdict == CTL_AGREES || c->verdict == CTL_UNCHECKED)
            break;
        (void)nanosleep(&pause, NULL);
    }
    for (size_t i = 0; i < c->count; i++)
        check_details(c, &c->entry[i], from);
}

bool cmcctl_is_shown(const struct ctl_log *c, const struct ctl_entry *e)
{
    return !c->opt.container || same_text(c->opt.container, e->ev.container) ||
           same_text(c->opt.container, e->ev.name);
}
