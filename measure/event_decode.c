/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event_decode.c -- deterministic CBOR to one event, strictly. */
#include <stdlib.h>
#include <string.h>

#include "measure/cbor.h"
#include "measure/event_members.h"

struct decoder {
    struct cmc_reader r;
    struct measure_event *ev;
    char *text; /* where the next text goes; each is shorter than its encoding, with its NUL */
    struct cmc_err *err;
};

static int get_text(struct decoder *d, const char *name, const char **out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_TEXT, name, &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value > MEASURE_TEXT_MAX)
        return cmc_fail(d->err, CMC_E_LIMIT, "event: %s is longer than %d bytes", name,
                        MEASURE_TEXT_MAX);
    const size_t len = (size_t)item.value;
    if (len && memchr(item.data, '\0', len))
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s contains a NUL", name);
    if (len)
        memcpy(d->text, item.data, len);
    d->text[len] = '\0';
    *out = d->text;
    d->text += len + 1;
    return 0;
}

static int get_bytes(struct decoder *d, const char *name, uint8_t *out, size_t size)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_BYTES, name, &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value != size)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s: %llu bytes, expected %zu", name,
                        (unsigned long long)item.value, size);
    memcpy(out, item.data, size);
    return 0;
}

static int get_bool(struct decoder *d, const char *name, bool *out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_SIMPLE, name, &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value == MEASURE_CBOR_NULL)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s: expected true or false", name);
    *out = item.value == MEASURE_CBOR_TRUE;
    return 0;
}

static int get_u32(struct decoder *d, const struct measure_member *m, void *out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_UINT, m->name, &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value > UINT32_MAX || (m->size && (item.value == 0 || item.value > m->size)))
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s: %llu is unknown", m->name,
                        (unsigned long long)item.value);
    const uint32_t v = (uint32_t)item.value;
    memcpy(out, &v, sizeof(v));
    return 0;
}

static int get_program(struct decoder *d, struct measure_program *out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_ARRAY, "program", &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value != 3)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: a program has %llu members, expected 3",
                        (unsigned long long)item.value);
    int rc = get_text(d, "program role", &out->role);
    if (rc == 0)
        rc = get_text(d, "program path", &out->path);
    if (rc == 0)
        rc = get_bytes(d, "program sha256", out->sha256, sizeof(out->sha256));
    return rc;
}

static int get_programs(struct decoder *d)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_ARRAY, "programs", &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value == 0 || item.value > MEASURE_PROGRAMS_MAX)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %llu programs, expected 1 to %d",
                        (unsigned long long)item.value, MEASURE_PROGRAMS_MAX);
    for (size_t i = 0; i < item.value; i++) {
        const int rc = get_program(d, &d->ev->programs[i]);
        if (rc < 0)
            return rc;
    }
    d->ev->program_count = (size_t)item.value;
    return 0;
}

static int get_bank(struct decoder *d, const char *name, const struct measure_bank *last,
                    struct measure_bank *out)
{
    struct measure_cbor alg = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_UINT, name, &alg, d->err) < 0)
        return cmc_wrap(d->err, "event");
    const size_t size = alg.value > UINT16_MAX ? 0 : cmc_hash_size((uint16_t)alg.value);
    if (!size || (last && alg.value <= last->alg))
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s: bank 0x%04llx is unknown or out of order",
                        name, (unsigned long long)alg.value);
    out->alg = (uint16_t)alg.value;
    return get_bytes(d, name, out->value, size);
}

static int get_banks(struct decoder *d, const char *name, struct measure_banks *out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_MAP, name, &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value == 0 || item.value > MEASURE_BANKS_MAX)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %s: %llu banks, expected 1 to %d", name,
                        (unsigned long long)item.value, MEASURE_BANKS_MAX);
    for (size_t i = 0; i < item.value; i++) {
        const int rc = get_bank(d, name, i ? &out->bank[i - 1] : NULL, &out->bank[i]);
        if (rc < 0)
            return rc;
    }
    out->count = (size_t)item.value;
    return 0;
}

static int get_member(struct decoder *d, const struct measure_member *m)
{
    uint8_t *at = (uint8_t *)d->ev + m->at;
    if (m->has)
        *(bool *)(void *)((uint8_t *)d->ev + m->has) = true;
    switch (m->kind) {
    case MEASURE_MEMBER_TEXT:
        return get_text(d, m->name, (const char **)(void *)at);
    case MEASURE_MEMBER_BYTES:
        return get_bytes(d, m->name, at, m->size);
    case MEASURE_MEMBER_BOOL:
        return get_bool(d, m->name, (bool *)(void *)at);
    case MEASURE_MEMBER_U32:
        return get_u32(d, m, at);
    case MEASURE_MEMBER_PROGRAMS:
        return get_programs(d);
    case MEASURE_MEMBER_BANKS:
        return get_banks(d, m->name, (struct measure_banks *)(void *)at);
    }
    return 0;
}

static int get_key(struct decoder *d, uint64_t *out)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_UINT, "key", &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    *out = item.value;
    return 0;
}

static int expect_key(struct decoder *d, uint64_t want)
{
    uint64_t key = 0;
    const int rc = get_key(d, &key);
    if (rc < 0 || key == want)
        return rc;
    return cmc_fail(d->err, CMC_E_FORMAT, "event: key %llu, expected %llu", (unsigned long long)key,
                    (unsigned long long)want);
}

/* Version, type and number, with which every event begins. */
static int get_head(struct decoder *d, uint64_t *pairs)
{
    const char *domain = "";
    struct measure_cbor item = {0};
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_MAP, "content", &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    if (item.value < 3 || item.value > MEASURE_EVENT_PAIRS_MAX)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: %llu members, expected 3 to %d",
                        (unsigned long long)item.value, MEASURE_EVENT_PAIRS_MAX);
    *pairs = item.value;
    int rc = expect_key(d, MEASURE_KEY_DOMAIN);
    if (rc == 0)
        rc = get_text(d, "version", &domain);
    if (rc < 0)
        return rc;
    if (strcmp(domain, MEASURE_EVENT_DOMAIN) != 0)
        return cmc_fail(d->err, CMC_E_FORMAT, "event: version is not %s", MEASURE_EVENT_DOMAIN);
    rc = expect_key(d, MEASURE_KEY_TYPE);
    if (rc == 0)
        rc = get_text(d, "type", &d->ev->type_name);
    if (rc == 0)
        rc = expect_key(d, MEASURE_KEY_SEQ);
    if (rc < 0)
        return rc;
    if (measure_cbor_expect(&d->r, MEASURE_CBOR_UINT, "seq", &item, d->err) < 0)
        return cmc_wrap(d->err, "event");
    d->ev->seq = item.value;
    return 0;
}

static enum measure_event_type type_of(const char *name)
{
    for (unsigned t = MEASURE_RECORDER_START; t <= MEASURE_DISCONTINUITY; t++)
        if (strcmp(name, measure_event_name((enum measure_event_type)t)) == 0)
            return (enum measure_event_type)t;
    return (enum measure_event_type)0;
}

/* Required, or one of a group whose flag another member has set. */
static bool is_due(const struct decoder *d, const struct measure_member *m)
{
    const unsigned bit = 1U << d->ev->type;
    return m->required & bit || (m->optional & bit && m->has && measure_member_is_set(m, d->ev));
}

static int check_missing(struct decoder *d, uint64_t seen)
{
    for (size_t row = 0; row < measure_member_count; row++)
        if (is_due(d, &measure_members[row]) && !(seen >> row & 1))
            return cmc_fail(d->err, CMC_E_FORMAT, "event %s: %s is missing", d->ev->type_name,
                            measure_members[row].name);
    return 0;
}

/* Members in the order of the table: what is no member of the type, out of order or there twice
 * does not match a row behind the last. */
static int get_members(struct decoder *d, uint64_t left)
{
    const unsigned bit = 1U << d->ev->type;
    uint64_t seen = 0;
    for (size_t row = 0; left; left--, row++) {
        uint64_t key = 0;
        int rc = get_key(d, &key);
        if (rc < 0)
            return rc;
        while (row < measure_member_count && measure_members[row].key < key)
            row++;
        const struct measure_member *m = &measure_members[row];
        if (row == measure_member_count || m->key != key || !((m->required | m->optional) & bit))
            return cmc_fail(d->err, CMC_E_FORMAT,
                            "event %s: key %llu is no member, out of order, or there twice",
                            d->ev->type_name, (unsigned long long)key);
        rc = get_member(d, m);
        if (rc < 0)
            return rc;
        seen |= 1ULL << row;
    }
    return check_missing(d, seen);
}

static int get_event(struct decoder *d, const uint8_t *data, size_t len)
{
    uint64_t pairs = 0;
    int rc = get_head(d, &pairs);
    if (rc < 0)
        return rc;
    d->ev->type = type_of(d->ev->type_name);
    d->ev->opaque = !(measure_event_types & 1U << d->ev->type);
    if (d->ev->opaque) { /* the whole once more, for the order of keys */
        d->r = cmc_reader_of(data, len);
        rc = measure_cbor_skip(&d->r, d->err);
    } else {
        rc = get_members(d, pairs - 3);
    }
    if (rc == 0 && d->r.left)
        rc = cmc_fail(d->err, CMC_E_FORMAT, "event: %zu bytes behind its end", d->r.left);
    return rc;
}

int measure_event_decode(const uint8_t *data, size_t len, struct measure_event *ev, char **storage,
                         struct cmc_err *err)
{
    if (len > MEASURE_EVENT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "event: %zu bytes, at most %d", len, MEASURE_EVENT_MAX);
    cmc_autofree char *text = malloc(len + 1);
    if (!text)
        return cmc_fail(err, CMC_E_LIMIT, "event: out of memory");
    struct measure_event got = {0};
    struct decoder d = {.r = cmc_reader_of(data, len), .ev = &got, .text = text, .err = err};
    const int rc = get_event(&d, data, len);
    if (rc < 0)
        return rc;
    *ev = got;
    *storage = CMC_TAKE_PTR(text);
    return 0;
}
