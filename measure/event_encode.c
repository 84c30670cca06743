/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event_encode.c -- one event to deterministic CBOR. */
#include <string.h>

#include "measure/cbor.h"
#include "measure/event_members.h"

static int put_text(struct cmc_buf *b, const char *name, const char *text, struct cmc_err *err)
{
    const size_t len = strnlen(text, MEASURE_TEXT_MAX + 1);
    if (len > MEASURE_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "event: %s is longer than %d bytes", name,
                        MEASURE_TEXT_MAX);
    if (!measure_cbor_is_utf8((const uint8_t *)text, len))
        return cmc_fail(err, CMC_E_FORMAT, "event: %s is not UTF-8", name);
    measure_cbor_put_text(b, text);
    return 0;
}

static int put_programs(struct cmc_buf *b, const struct measure_event *ev, struct cmc_err *err)
{
    if (ev->program_count > MEASURE_PROGRAMS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "event: %zu programs, at most %d", ev->program_count,
                        MEASURE_PROGRAMS_MAX);
    measure_cbor_put_array(b, ev->program_count);
    for (size_t i = 0; i < ev->program_count; i++) {
        const struct measure_program *p = &ev->programs[i];
        if (!p->role || !p->path)
            return cmc_fail(err, CMC_E_USAGE, "event: program %zu has no role or no path", i);
        measure_cbor_put_array(b, 3);
        int rc = put_text(b, "program role", p->role, err);
        if (rc == 0)
            rc = put_text(b, "program path", p->path, err);
        if (rc < 0)
            return rc;
        measure_cbor_put_bytes(b, p->sha256, sizeof(p->sha256));
    }
    return 0;
}

static int put_banks(struct cmc_buf *b, const struct measure_banks *banks, struct cmc_err *err)
{
    if (banks->count > MEASURE_BANKS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "event: %zu banks, at most %d", banks->count,
                        MEASURE_BANKS_MAX);
    measure_cbor_put_map(b, banks->count);
    for (size_t i = 0; i < banks->count; i++) {
        const struct measure_bank *bank = &banks->bank[i];
        if (!cmc_hash_size(bank->alg) || (i && bank->alg <= bank[-1].alg))
            return cmc_fail(err, CMC_E_USAGE,
                            "event: bank 0x%04x is unknown or out of order (sort by algorithm)",
                            bank->alg);
        measure_cbor_put_uint(b, bank->alg);
        measure_cbor_put_bytes(b, bank->value, cmc_hash_size(bank->alg));
    }
    return 0;
}

static int put_u32(struct cmc_buf *b, const struct measure_member *m, const void *at,
                   struct cmc_err *err)
{
    uint32_t v;
    memcpy(&v, at, sizeof(v));
    if (m->size && (v == 0 || v > m->size))
        return cmc_fail(err, CMC_E_USAGE, "event: %s %u is unknown", m->name, v);
    measure_cbor_put_uint(b, v);
    return 0;
}

static int put_member(struct cmc_buf *b, const struct measure_member *m,
                      const struct measure_event *ev, struct cmc_err *err)
{
    const void *at = (const uint8_t *)ev + m->at;
    measure_cbor_put_uint(b, m->key);
    switch (m->kind) {
    case MEASURE_MEMBER_TEXT:
        return put_text(b, m->name, *(const char *const *)at, err);
    case MEASURE_MEMBER_BYTES:
        measure_cbor_put_bytes(b, at, m->size);
        return 0;
    case MEASURE_MEMBER_BOOL:
        measure_cbor_put_bool(b, *(const bool *)at);
        return 0;
    case MEASURE_MEMBER_U32:
        return put_u32(b, m, at, err);
    case MEASURE_MEMBER_PROGRAMS:
        return put_programs(b, ev, err);
    case MEASURE_MEMBER_BANKS:
        return put_banks(b, at, err);
    }
    return 0;
}

/* 1: to be written, 0: not there */
static int wanted(const struct measure_member *m, const struct measure_event *ev,
                  struct cmc_err *err)
{
    const unsigned bit = 1U << ev->type;
    const bool there = measure_member_is_there(m, ev);
    if (!there && m->required & bit)
        return cmc_fail(err, CMC_E_USAGE, "event %s: %s is missing", measure_event_name(ev->type),
                        m->name);
    if (there && !((m->required | m->optional) & bit))
        return cmc_fail(err, CMC_E_USAGE, "event %s: has no member %s",
                        measure_event_name(ev->type), m->name);
    return there;
}

static int put_event(struct cmc_buf *b, const struct measure_event *ev, struct cmc_err *err)
{
    uint64_t pairs = 3;
    for (size_t i = 0; i < measure_member_count; i++) {
        const int want = wanted(&measure_members[i], ev, err);
        if (want < 0)
            return want;
        pairs += (uint64_t)want;
    }
    measure_cbor_put_map(b, pairs);
    measure_cbor_put_uint(b, MEASURE_KEY_DOMAIN);
    measure_cbor_put_text(b, MEASURE_EVENT_DOMAIN);
    measure_cbor_put_uint(b, MEASURE_KEY_TYPE);
    measure_cbor_put_text(b, measure_event_name(ev->type));
    measure_cbor_put_uint(b, MEASURE_KEY_SEQ);
    measure_cbor_put_uint(b, ev->seq);
    for (size_t i = 0; i < measure_member_count; i++) {
        const struct measure_member *m = &measure_members[i];
        const int rc = wanted(m, ev, err) ? put_member(b, m, ev, err) : 0;
        if (rc < 0)
            return rc;
    }
    return cmc_buf_check(b, "event", err);
}

int measure_event_encode(const struct measure_event *ev, struct cmc_buf *out, struct cmc_err *err)
{
    if (ev->opaque || (unsigned)ev->type > MEASURE_DISCONTINUITY ||
        !(measure_event_types & 1U << ev->type))
        return cmc_fail(err, CMC_E_USAGE, "event type %u: not written by this version",
                        (unsigned)ev->type);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_EVENT_MAX);
    const int rc = put_event(&b, ev, err);
    if (rc < 0)
        return rc;
    const size_t before = out->len;
    cmc_put(out, b.data, b.len);
    if (cmc_buf_check(out, "event", err) == 0)
        return 0;
    out->len = before;
    return cmc_wrap(err, "event %s", measure_event_name(ev->type));
}
