/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/cmc_events.c -- from records of profile cmc to components, one for each extend. */
#include "attest/prove/cmc_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "measure/reference.h"

enum {
    PROPERTIES = 2,
    SPEC_MAX = 16 << 20,
    SPECS_BYTES = 8 << 20 /* together, as text: parsed they are up to forty times as long */
};

struct prove_cmc_parts {          /* of one event */
    const struct prove_event *ev; /* a container's; NULL: another one */
    char *text;                   /* owned: texts of ev */
    struct cmc_json_doc *spec;
    struct meta_hash hash;
    struct meta_property property[PROPERTIES];
    struct meta_ctr ctr;
};

void prove_cmc_events_done(struct prove_cmc_events *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->parts[i].text);
        cmc_json_free(e->parts[i].spec);
    }
    free(e->event);
    free(e->parts);
    *e = (struct prove_cmc_events){0};
}

/* How often the register has it. */
static unsigned times(const struct prove_event *ev)
{
    if (!ev->extended || !ev->how || ev->how == MEASURE_MARK_LOST)
        return 0;
    return ev->how == MEASURE_MARK_TWICE ? 2 : 1;
}

static struct meta_component *new_event(const struct prove *p, struct prove_cmc_events *e,
                                        const char *type, const uint8_t *digest)
{
    struct prove_cmc_parts *parts = &e->parts[e->count];
    parts->hash =
        (struct meta_hash){.alg = "SHA-256", .content = {.data = digest, .len = CMC_SHA256_LEN}};
    parts->property[0] =
        (struct meta_property){.name = "cmc.ta", .value = p->driver->software ? "SW" : "TPM"};
    parts->property[1] = (struct meta_property){.name = "cmc.index", .value = e->index};
    struct meta_component *c = &e->event[e->count++];
    *c = (struct meta_component){.type = type,
                                 .name = "",
                                 .hash = &parts->hash,
                                 .hash_count = 1,
                                 .property = parts->property,
                                 .property_count = PROPERTIES};
    return c;
}

/* The configuration as JSON, when it may be shown and there is room; NULL without. */
static int take_spec(const struct prove *p, const struct prove_log *log,
                     struct prove_cmc_parts *parts, size_t *left, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf form = cmc_buf_of(SPEC_MAX);
    cmc_autobuf struct cmc_buf exact = cmc_buf_of(SPEC_MAX);
    struct cmc_err ignored = {0};
    const struct cmc_json *root = NULL;
    int rc = prove_config_detail(p, log, parts->ev, &form, err);
    if (rc != 1)
        return rc;
    if (form.len > *left) {
        *left = 0; /* full: the older ones stay here */
        return 0;
    }
    *left -= form.len;
    errno = 0;
    measure_reference_put_form(&exact, form.data, form.len);
    if (!exact.bad &&
        cmc_json_parse((const char *)exact.data, exact.len, &parts->spec, &root, &ignored) == 0)
        parts->ctr.oci_spec = root;
    else if (errno == ENOMEM)
        return cmc_fail(err, CMC_E_LIMIT, "configuration: out of memory");
    return 0;
}

static int add_record(const struct prove *p, const struct prove_event *ev,
                      struct prove_cmc_events *e, struct cmc_err *err)
{
    struct measure_event full = {0};
    struct meta_component *c = new_event(p, e, "application", ev->digest);
    struct prove_cmc_parts *parts = &e->parts[e->count - 1];
    int rc = measure_event_decode(ev->content, ev->content_len, &full, &parts->text, err);
    if (rc < 0)
        return rc;
    c->name = full.container ? full.container : "";
    if (ev->type != MEASURE_CONTAINER_CREATE) {
        c->description = full.reason;
        return 0;
    }
    parts->ctr = (struct meta_ctr){.config = {.data = ev->config, .len = sizeof(ev->config)},
                                   .rootfs = {.data = ev->rootfs, .len = sizeof(ev->rootfs)}};
    c->ctr = &parts->ctr;
    parts->ev = ev;
    return 0;
}

/* The newest first: each is kept parsed, and a log may be long. */
static int take_specs(const struct prove *p, const struct prove_log *log,
                      struct prove_cmc_events *e, struct cmc_err *err)
{
    size_t left = SPECS_BYTES;
    for (size_t i = e->count; i-- && left;)
        if (e->parts[i].ev && take_spec(p, log, &e->parts[i], &left, err) < 0)
            return -(int)err->code;
    return 0;
}

static const uint8_t *sha256_of(const struct measure_banks *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->bank[i].alg == CMC_ALG_SHA256)
            return b->bank[i].value;
    return NULL;
}

/* What can be said of the log at all. */
static int judge(const struct prove *p, const struct prove_log *log, size_t first,
                 struct prove_cmc_events *e, struct cmc_err *err)
{
    struct measure_replay r;
    if (prove_log_replay(log, &r, err) < 0)
        return cmc_wrap(err, "log");
    if (first < log->count && log->event[first].type == MEASURE_DISCONTINUITY)
        return cmc_fail(err, CMC_E_VERIFY,
                        "log: a discontinuity: what PCR %u holds cannot be explained to a verifier "
                        "of CMC until the TPM is reset",
                        r.pcr);
    if (log->count && r.pcr != p->cfg.pcr)
        return cmc_fail(err, CMC_E_FORMAT, "the log is of PCR %u, and PCR %u is configured", r.pcr,
                        p->cfg.pcr);
    memcpy(e->start, sha256_of(&r.start), sizeof(e->start));
    memcpy(e->value, sha256_of(&r.last), sizeof(e->value));
    e->pcr = p->cfg.pcr;
    (void)snprintf(e->index, sizeof(e->index), "%u", e->pcr);
    return 0;
}

static size_t last_segment(const struct prove_log *log)
{
    size_t first = 0;
    for (size_t i = 0; i < log->count; i++)
        if (log->event[i].begins)
            first = i;
    return first;
}

static int make_room(const struct prove_log *log, size_t first, struct prove_cmc_events *e,
                     struct cmc_err *err)
{
    size_t need = 1; /* of the start value */
    for (size_t i = first; i < log->count; i++)
        need += times(&log->event[i]);
    e->event = calloc(need, sizeof(*e->event));
    e->parts = calloc(need, sizeof(*e->parts));
    return e->event && e->parts ? 0 : cmc_fail(err, CMC_E_LIMIT, "events: out of memory");
}

static int fill(const struct prove *p, const struct prove_log *log, bool details,
                struct prove_cmc_events *e, struct cmc_err *err)
{
    static const uint8_t zeros[CMC_SHA256_LEN];
    const size_t first = last_segment(log);
    if (judge(p, log, first, e, err) < 0 || make_room(log, first, e, err) < 0)
        return -(int)err->code;
    if (!p->driver->software && memcmp(e->start, zeros, sizeof(zeros)) != 0)
        new_event(p, e, "firmware", e->start)->name = "TPM_PCR_INIT_VALUE";
    for (size_t i = first; i < log->count; i++)
        for (unsigned n = times(&log->event[i]); n; n--)
            if (add_record(p, &log->event[i], e, err) < 0)
                return -(int)err->code;
    return details ? take_specs(p, log, e, err) : 0;
}

/* Filled in place: components point into it. */
int prove_cmc_events_of(const struct prove *p, const struct prove_log *log, bool details,
                        struct prove_cmc_events *out, struct cmc_err *err)
{
    *out = (struct prove_cmc_events){0};
    int rc = fill(p, log, details, out, err);
    if (rc < 0)
        prove_cmc_events_done(out);
    return rc;
}
