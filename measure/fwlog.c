/* SPDX-License-Identifier: Apache-2.0 */
/* measure/fwlog.c -- the firmware's event log, walked and replayed for one PCR. */
#include "measure/fwlog.h"

#include <string.h>

#include "measure/replay.h"

enum { EV_NO_ACTION = 3, TPM_PCRS = 24, DRTM_FIRST = 17, DRTM_LAST = 22 };
/* PFP 1.05 section 10.4.5: both texts are written with their zero byte. */
static const uint8_t spec_id[16] = "Spec ID Event03";
static const uint8_t startup_locality[16] = "StartupLocality";

struct walk {
    const uint8_t *log;
    struct cmc_reader r; /* at the next event */
    size_t number;       /* of the next event, from 0 */
    bool agile;
    size_t algs; /* those that an event may have a digest of */
    struct {
        uint16_t id, size;
    } alg[MEASURE_FWLOG_ALGS_MAX];
};

struct event {
    uint32_t pcr, type;
    unsigned seen;                /* bit i: has a digest of walk's alg[i] */
    struct measure_banks digests; /* those of the banks wanted */
    const uint8_t *data;          /* borrowed from the log */
    size_t len;
};

static uint32_t little_endian(struct cmc_reader *r, size_t n)
{
    const uint8_t *p = cmc_read_bytes(r, n);
    uint32_t v = 0;
    for (size_t i = n; p && i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static size_t alg_index(const struct walk *w, uint16_t id)
{
    size_t i = 0;
    while (i < w->algs && w->alg[i].id != id)
        i++;
    return i; /* w->algs: none */
}

static int read_digest(const struct walk *w, struct cmc_reader *r, struct event *ev,
                       struct cmc_err *err)
{
    const uint16_t id = w->agile ? (uint16_t)little_endian(r, 2) : CMC_ALG_SHA1;
    const size_t i = alg_index(w, id);
    if (r->bad)
        return 0; /* said once, where the event ends */
    if (i == w->algs)
        return cmc_fail(err, CMC_E_FORMAT,
                        "digest of algorithm 0x%04x, which event 0 does not name", id);
    if (ev->seen & 1U << i)
        return cmc_fail(err, CMC_E_FORMAT, "two digests of algorithm 0x%04x", id);
    ev->seen |= 1U << i;
    const uint8_t *value = cmc_read_bytes(r, w->alg[i].size);
    for (size_t b = 0; value && b < ev->digests.count; b++)
        if (ev->digests.bank[b].alg == id)
            memcpy(ev->digests.bank[b].value, value, w->alg[i].size);
    return 0;
}

/* TCG_PCR_EVENT2, or in format 1 TCG_PCR_EVENT. */
static int read_event(const struct walk *w, struct cmc_reader *r, struct event *ev,
                      struct cmc_err *err)
{
    ev->pcr = little_endian(r, 4);
    ev->type = little_endian(r, 4);
    const uint32_t digests = w->agile ? little_endian(r, 4) : 1;
    if (digests > w->algs)
        return cmc_fail(err, CMC_E_FORMAT, "%u digests, but event 0 names %zu algorithms", digests,
                        w->algs);
    for (uint32_t i = 0; i < digests; i++)
        if (read_digest(w, r, ev, err) < 0)
            return -(int)err->code;
    const uint32_t len = little_endian(r, 4);
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "cut short before its data");
    if (len > r->left)
        return cmc_fail(err, CMC_E_FORMAT, "%u bytes of data, but the log ends after %zu", len,
                        r->left);
    ev->data = cmc_read_bytes(r, len);
    ev->len = len;
    return 0;
}

/* *out: the next event, with zeros for wanted digests that it does not have. */
static int next(struct walk *w, const struct measure_banks *like, struct event *out,
                struct cmc_err *err)
{
    struct cmc_reader r = w->r;
    *out = (struct event){.digests = *like};
    if (read_event(w, &r, out, err) < 0)
        return cmc_wrap(err, "firmware log: event %zu at byte %zu", w->number,
                        (size_t)(w->r.p - w->log));
    w->r = r;
    w->number++;
    return 0;
}

static int read_alg(struct walk *w, struct cmc_reader *r, struct cmc_err *err)
{
    const uint16_t id = (uint16_t)little_endian(r, 2);
    const uint16_t size = (uint16_t)little_endian(r, 2);
    const size_t known = cmc_hash_size(id);
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "its list of algorithms is cut short");
    if (size == 0 || size > CMC_HASH_MAX || (known && size != known))
        return cmc_fail(err, CMC_E_FORMAT, "algorithm 0x%04x has digests of %u bytes", id, size);
    if (alg_index(w, id) < w->algs)
        return cmc_fail(err, CMC_E_FORMAT, "algorithm 0x%04x is named twice", id);
    w->alg[w->algs].id = id;
    w->alg[w->algs].size = size;
    w->algs++;
    return 0;
}

/* TCG_EfiSpecIdEvent; what follows the algorithms is the vendor's. */
static int read_spec(struct walk *w, const struct event *ev, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(ev->data, ev->len);
    enum { PLATFORM_AND_VERSION = 8 };
    (void)cmc_read_bytes(&r, sizeof(spec_id) + PLATFORM_AND_VERSION);
    const uint32_t algs = little_endian(&r, 4);
    if (!r.bad && algs == 0)
        return cmc_fail(err, CMC_E_FORMAT, "it names no algorithm");
    if (algs > MEASURE_FWLOG_ALGS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%u algorithms, at most %d", algs,
                        MEASURE_FWLOG_ALGS_MAX);
    w->algs = 0;
    do {
        if (read_alg(w, &r, err) < 0)
            return -(int)err->code;
    } while (w->algs < algs);
    w->agile = true;
    return 0;
}

/* Reads the first event, in the one form that both formats have for it: a Spec ID event is
 * consumed, an event of format 1 is left to be read again. */
static int begin(struct walk *w, const struct measure_banks *like, struct cmc_err *err)
{
    const struct cmc_reader first = w->r;
    struct event ev;
    w->algs = 1;
    w->alg[0].id = CMC_ALG_SHA1;
    w->alg[0].size = (uint16_t)cmc_hash_size(CMC_ALG_SHA1);
    if (next(w, like, &ev, err) < 0)
        return -(int)err->code;
    if (ev.type == EV_NO_ACTION && ev.len >= sizeof(spec_id) &&
        memcmp(ev.data, spec_id, sizeof(spec_id)) == 0)
        return read_spec(w, &ev, err) < 0 ? cmc_wrap(err, "firmware log: Spec ID event") : 0;
    w->r = first;
    w->number = 0;
    return 0;
}

/* PFP 1.05 section 10.4.5.3: the start value of PCR 0, and of no other. */
static int set_locality(const struct event *ev, uint64_t events, struct measure_banks *value,
                        struct cmc_err *err)
{
    if (ev->pcr != 0 || ev->len != sizeof(startup_locality) + 1 ||
        memcmp(ev->data, startup_locality, sizeof(startup_locality)) != 0)
        return 0;
    if (events)
        return cmc_fail(err, CMC_E_FORMAT,
                        "firmware log: StartupLocality behind an event that extends PCR 0");
    for (size_t i = 0; i < value->count; i++)
        value->bank[i].value[cmc_hash_size(value->bank[i].alg) - 1] = ev->data[ev->len - 1];
    return 0;
}

static int extend(const struct walk *w, const struct event *ev, struct measure_banks *value,
                  struct cmc_err *err)
{
    for (size_t i = 0; i < value->count; i++)
        if (!(ev->seen & 1U << alg_index(w, value->bank[i].alg)))
            return cmc_fail(err, CMC_E_FORMAT,
                            "firmware log: event %zu extends PCR %u without a digest of bank %s",
                            w->number - 1, ev->pcr, cmc_hash_name(value->bank[i].alg));
    return measure_replay_extend(value, &ev->digests, err);
}

static int check_request(size_t len, uint32_t pcr, const struct measure_banks *like,
                         struct cmc_err *err)
{
    if (pcr >= TPM_PCRS || (pcr >= DRTM_FIRST && pcr <= DRTM_LAST))
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: a firmware log does not say its start value",
                        pcr);
    if (like->count == 0 || like->count > MEASURE_BANKS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "firmware log: %zu banks wanted, expected 1 to %d",
                        like->count, MEASURE_BANKS_MAX);
    for (size_t i = 0; i < like->count; i++)
        if (!cmc_hash_size(like->bank[i].alg))
            return cmc_fail(err, CMC_E_USAGE, "firmware log: bank 0x%04x cannot be computed",
                            like->bank[i].alg);
    if (len > MEASURE_FWLOG_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "firmware log: %zu bytes, at most %d", len,
                        MEASURE_FWLOG_BYTES_MAX);
    return len ? 0 : cmc_fail(err, CMC_E_FORMAT, "firmware log: empty");
}

static int check_banks(const struct walk *w, const struct measure_banks *like, struct cmc_err *err)
{
    for (size_t i = 0; i < like->count; i++)
        if (alg_index(w, like->bank[i].alg) == w->algs)
            return cmc_fail(err, CMC_E_FORMAT, "firmware log: has no digests of bank %s%s",
                            cmc_hash_name(like->bank[i].alg),
                            w->agile ? "" : ": it is of the old format, SHA-1 only");
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): three inputs, two results */
int measure_fwlog_replay(const uint8_t *log, size_t len, uint32_t pcr,
                         const struct measure_banks *like, struct measure_banks *out,
                         uint64_t *events, struct cmc_err *err)
{
    if (check_request(len, pcr, like, err) < 0)
        return -(int)err->code;
    struct walk w = {.log = log, .r = cmc_reader_of(log, len)};
    struct measure_banks value = measure_banks_zero(like);
    uint64_t n = 0;
    if (begin(&w, &value, err) < 0 || check_banks(&w, &value, err) < 0)
        return -(int)err->code;
    const struct measure_banks none = value;
    while (w.r.left) {
        struct event ev;
        int rc = next(&w, &none, &ev, err);
        if (rc == 0 && ev.type == EV_NO_ACTION)
            rc = pcr == 0 ? set_locality(&ev, n, &value, err) : 0;
        else if (rc == 0 && ev.pcr == pcr)
            rc = extend(&w, &ev, &value, err);
        if (rc < 0)
            return rc;
        n += ev.type != EV_NO_ACTION && ev.pcr == pcr;
    }
    *out = value;
    *events = n;
    return 0;
}
