/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_table.c -- log x PCR x reset counter: logs are made by hand, the PCR is
 * brought to where the cell wants it, and the recorder must do what the page says. */
#include "tests/lib/recorder_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "tpm/pcr.h"

enum log { ABSENT, PRESENT, OPEN };
enum pcr { START, TAIL, INTENT, TWICE, OTHER, DISAGREE };
enum reset { SAME, CHANGED };

static const struct cell {
    const char *name;
    enum log log;
    enum pcr pcr;
    enum reset reset;
    const char *want; /* marks of the open record, then events: (R)ecovered (F)ound (T)wice (L)ost,
                         (d)iscontinuity, recorder-(s)tart */
} cells[] = {
    {"absent, start", ABSENT, START, SAME, "s"},
    {"absent, other", ABSENT, OTHER, SAME, "ds"},
    {"absent, banks disagree", ABSENT, DISAGREE, SAME, "ds"},
    {"present, tail, same reset", PRESENT, TAIL, SAME, ""},
    {"present, start, same reset", PRESENT, START, SAME, "d"},
    {"present, other, same reset", PRESENT, OTHER, SAME, "d"},
    {"present, banks disagree, same reset", PRESENT, DISAGREE, SAME, "d"},
    {"open, tail, same reset", OPEN, TAIL, SAME, "R"},
    {"open, tail + intent, same reset", OPEN, INTENT, SAME, "F"},
    {"open, tail + intent twice, same reset", OPEN, TWICE, SAME, "T"},
    {"open, start, same reset", OPEN, START, SAME, "Ld"},
    {"open, other, same reset", OPEN, OTHER, SAME, "Ld"},
    {"open, banks disagree, same reset", OPEN, DISAGREE, SAME, "Ld"},
    {"present, start, reset", PRESENT, START, CHANGED, "s"},
    {"present, tail, reset", PRESENT, TAIL, CHANGED, "ds"},
    {"present, other, reset", PRESENT, OTHER, CHANGED, "ds"},
    {"present, banks disagree, reset", PRESENT, DISAGREE, CHANGED, "ds"},
    {"open, start, reset", OPEN, START, CHANGED, "Ls"},
    {"open, tail, reset", OPEN, TAIL, CHANGED, "Lds"},
    {"open, tail + intent, reset", OPEN, INTENT, CHANGED, "Lds"},
    {"open, tail + intent twice, reset", OPEN, TWICE, CHANGED, "Lds"},
    {"open, other, reset", OPEN, OTHER, CHANGED, "Lds"},
    {"open, banks disagree, reset", OPEN, DISAGREE, CHANGED, "Lds"},
};

size_t recorder_table_cells(void)
{
    return sizeof(cells) / sizeof(cells[0]);
}

const char *recorder_table_name(size_t cell)
{
    return cells[cell].name;
}

struct scene {
    const struct cell *cell;
    struct recorder_bed *bed;
    struct tpm_pcr_ctx *tpm;
    struct tpm_banks banks;
    struct tpm_clock clock;
    struct measure_banks zero, start, last, digests[3]; /* of the events 0, 1 and (open) 2 */
    uint8_t boot_id[16];
    struct cmc_buf log;
    struct cmc_err *err;
};

static void must(int rc, const struct scene *s)
{
    if (rc >= 0)
        return;
    (void)fprintf(stderr, "%s: %s\n", s->cell->name, s->err->msg);
    abort(); /* the scene itself could not be set */
}

static void read_boot_id(struct scene *s)
{
    char text[37] = {0}, hex[33] = {0};
    size_t n = 0;
    cmc_autofd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, 36) != 36)
        abort();
    for (size_t i = 0; i < 36 && n < 32; i++)
        if (text[i] != '-')
            hex[n++] = text[i];
    must(cmc_unhex(hex, n, s->boot_id, sizeof(s->boot_id), s->err), s);
}

static struct measure_event event_of(const struct scene *s, uint64_t seq)
{
    struct measure_event ev = {.seq = seq,
                               .type = MEASURE_CONTAINER_CREATE,
                               .container = "c",
                               .ns = "default",
                               .has_config = true,
                               .has_rootfs = true,
                               .config = {(uint8_t)seq},
                               .decision = MEASURE_DECISION_AUDIT};
    if (seq == 2 && s->bed->quiet)
        return (struct measure_event){
            .seq = seq, .type = MEASURE_CONTAINER_DELETE, .container = "c", .ns = "default"};
    if (seq > 0)
        return ev;
    ev = (struct measure_event){.type = MEASURE_RECORDER_START,
                                .reset_count = s->clock.reset_count + (s->cell->reset == CHANGED),
                                .restart_count = s->clock.restart_count,
                                .profile = s->bed->cfg.profile,
                                .pcr = s->bed->cfg.pcr,
                                .found = s->start};
    memcpy(ev.boot_id, s->boot_id, sizeof(ev.boot_id));
    return ev;
}

/* Adds event seq to the log; with its mark unless it is the open one. */
static void add_event(struct scene *s, uint64_t seq, bool marked)
{
    cmc_autobuf struct cmc_buf content = cmc_buf_of(MEASURE_EVENT_MAX);
    const struct measure_event ev = event_of(s, seq);
    must(measure_event_encode(&ev, &content, s->err), s);
    struct measure_frame intent = {.type = MEASURE_FRAME_INTENT,
                                   .recnum = seq,
                                   .pcr = s->bed->cfg.pcr,
                                   .content = content.data,
                                   .content_len = content.len};
    must(measure_replay_digests(s->bed->cfg.profile, &ev, &intent, &s->zero, &intent.digests,
                                s->err),
         s);
    s->digests[seq] = intent.digests;
    must(measure_frame_encode(&intent, &s->log, s->err), s);
    if (!marked)
        return;
    must(measure_replay_extend(&s->last, &s->digests[seq], s->err), s);
    const struct measure_frame mark = {
        .type = MEASURE_FRAME_MARK, .recnum = seq, .how = MEASURE_MARK_DONE, .values = s->last};
    must(measure_frame_encode(&mark, &s->log, s->err), s);
}

static void extend(struct scene *s, const struct measure_banks *digests, size_t count)
{
    struct tpm_banks b = {.count = count};
    if (!digests->count) /* an event that is not extended */
        return;
    for (size_t i = 0; i < count; i++) {
        b.bank[i].alg = digests->bank[i].alg;
        b.bank[i].len = (uint8_t)cmc_hash_size(b.bank[i].alg);
        memcpy(b.bank[i].value, digests->bank[i].value, b.bank[i].len);
    }
    must(tpm_pcr_extend(s->tpm, s->bed->cfg.pcr, &b, s->err), s);
}

static void set_pcr(struct scene *s)
{
    const enum pcr to = s->cell->pcr;
    const bool recorded = s->cell->log != ABSENT && to != START;
    for (size_t i = 0; recorded && i < 2; i++)
        extend(s, &s->digests[i], s->zero.count);
    for (int i = 0; i < (to == INTENT) + 2 * (to == TWICE); i++)
        extend(s, &s->digests[2], s->zero.count);
    if (to == OTHER)
        extend(s, &s->zero, s->zero.count); /* by zeros: a value that no event has */
    if (to == DISAGREE && s->cell->log == OPEN && !s->bed->quiet) /* one bank is a step ahead */
        extend(s, &s->digests[2], 1);
    else if (to == DISAGREE)
        extend(s, &s->zero, 1);
}

static void write_log(struct scene *s)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/log", s->bed->cfg.runtime_dir);
    if (mkdir(s->bed->cfg.runtime_dir, 0750) < 0)
        abort();
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0 || write(fd, s->log.data, s->log.len) != (ssize_t)s->log.len)
        abort();
}

static struct measure_banks read_pcr(struct scene *s)
{
    struct measure_banks v = s->zero;
    must(tpm_pcr_read(s->tpm, s->bed->cfg.pcr, &s->banks, s->err), s);
    for (size_t i = 0; i < v.count; i++)
        memcpy(v.bank[i].value, s->banks.bank[i].value, s->banks.bank[i].len);
    return v;
}

static void set_scene(struct scene *s)
{
    s->bed->boot(s->bed);
    must(tpm_pcr_open(s->bed->cfg.tcti, &s->tpm, s->err), s);
    must(tpm_pcr_banks(s->tpm, s->bed->cfg.pcr, &s->banks, s->err), s);
    must(tpm_pcr_clock(s->tpm, &s->clock, s->err), s);
    for (size_t i = 0; i < s->banks.count; i++)
        s->zero.bank[s->zero.count++].alg = s->banks.bank[i].alg;
    s->last = s->start = read_pcr(s);
    read_boot_id(s);
    s->log = cmc_buf_of(1 << 16);
    for (uint64_t i = 0; i < 2; i++)
        add_event(s, i, true);
    if (s->cell->log == OPEN)
        add_event(s, 2, false);
    else
        s->digests[2] = s->digests[1]; /* not in the log: "tail + intent" would be "other" */
    set_pcr(s);
    if (s->cell->log != ABSENT)
        write_log(s);
}

/* What came after the part that was made by hand, in the letters of the table. */
struct told {
    uint64_t from; /* first record that is not by hand */
    bool was_open;
    char text[32];
    size_t n;
};

static char letter(enum measure_event_type type)
{
    if (type == MEASURE_RECORDER_START)
        return 's';
    return type == MEASURE_DISCONTINUITY ? 'd' : 'e';
}

static int tell(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                const struct measure_frame *mark, struct cmc_err *err)
{
    static const char marks[] = {[0] = '?',
                                 [MEASURE_MARK_DONE] = 'D',
                                 [MEASURE_MARK_RECOVERED] = 'R',
                                 [MEASURE_MARK_FOUND] = 'F',
                                 [MEASURE_MARK_TWICE] = 'T',
                                 [MEASURE_MARK_LOST] = 'L'};
    struct told *t = ctx;
    char c = 0;
    (void)err;
    if (t->was_open && intent->recnum == t->from - 1)
        c = marks[mark ? mark->how : 0];
    else if (intent->recnum >= t->from)
        c = letter(ev->type);
    if (c && t->n + 1 < sizeof(t->text))
        t->text[t->n++] = c;
    return 0;
}

static void read_log(struct scene *s, struct told *t, struct measure_replay *out)
{
    char path[256];
    uint8_t data[1 << 13];
    (void)snprintf(path, sizeof(path), "%s/log", s->bed->cfg.runtime_dir);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));
    if (n < 0)
        abort();
    const struct measure_starts starts = {.count = 2, .value = {s->zero, s->start}};
    must(measure_replay(data, (size_t)n, &starts, tell, t, out, s->err), s);
}

static int judge(struct scene *s, const char *want, const struct record_receipt *receipt)
{
    const enum log log = s->cell->log;
    struct measure_replay replay;
    struct told t = {.from = log == ABSENT ? 0 : log == OPEN ? 3 : 2, .was_open = log == OPEN};
    read_log(s, &t, &replay);
    if (strcmp(t.text, want) != 0)
        return cmc_fail(s->err, CMC_E_VERIFY, "%s: did \"%s\", expected \"%s\"", s->cell->name,
                        t.text, want);
    const struct measure_banks pcr = read_pcr(s);
    if (replay.open || !measure_banks_equal(&pcr, &replay.last))
        return cmc_fail(s->err, CMC_E_VERIFY, "%s: log and PCR do not agree", s->cell->name);
    if (receipt->discontinuity != !!strchr(want, 'd') || receipt->started != !!strchr(want, 's') ||
        receipt->recovered != !!strpbrk(want, "RFT"))
        return cmc_fail(s->err, CMC_E_VERIFY, "%s: the receipt says otherwise", s->cell->name);
    return 0;
}

/* First settling alone, then an event: it must be one more, and nothing else. */
static int play(struct scene *s)
{
    struct record *r = NULL;
    struct record_receipt receipt = {0}, next = {0};
    char want[32];
    struct measure_event ev = {.type = MEASURE_CONTAINER_DELETE, .container = "n", .ns = "default"};
    must(record_open(&s->bed->cfg, &r, s->err), s);
    int rc = record_init(r, &receipt, s->err);
    if (rc == 0)
        rc = judge(s, s->cell->want, &receipt);
    if (rc == 0)
        rc = record_event(r, &ev, &next, s->err);
    record_close(r);
    if (rc < 0)
        return rc;
    (void)snprintf(want, sizeof(want), "%se", s->cell->want);
    if (next.discontinuity || next.started || next.recovered)
        return cmc_fail(s->err, CMC_E_VERIFY, "%s: not settled the first time", s->cell->name);
    return judge(s, want, &receipt);
}

/* One bank cannot disagree; what is not extended cannot have been. */
static bool is_possible(const struct scene *s)
{
    return (s->cell->pcr != DISAGREE || s->zero.count > 1) &&
           !(s->bed->quiet && strpbrk(s->cell->want, "FT"));
}

int recorder_table_run(size_t cell, struct recorder_bed *bed, struct cmc_err *err)
{
    struct scene s = {.cell = &cells[cell], .bed = bed, .err = err};
    set_scene(&s);
    const bool possible = is_possible(&s);
    const int rc = possible ? play(&s) : 0;
    tpm_pcr_close(s.tpm);
    cmc_buf_done(&s.log);
    return !possible ? 2 : rc == 0;
}
