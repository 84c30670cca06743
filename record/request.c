/* SPDX-License-Identifier: Apache-2.0 */
/* record/request.c -- packets of the recorder's socket: docs/formats/recorder-socket.md. */
#include "record/request.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "measure/cbor.h"

#define VERSION "cmc-recorder/1"

enum { KEY_VERSION, KEY_WHAT, KEY_NUMBER, KEY_NAME, KEY_CLAIM };
enum { KEY_OK = 1, KEY_SEQ, KEY_WHY };

static const char *const claims[RECORD_CLAIMS] = {"config", "rootfs", "hash"};

static const char *kind_name(enum record_request_kind kind)
{
    return kind == RECORD_REQUEST_PAUSE ? "pause" : "unmeasured";
}

static int check(const struct record_request *r, enum cmc_code code, struct cmc_err *err)
{
    if (r->kind == RECORD_REQUEST_PAUSE) {
        if (r->number == 0 || r->number > RECORD_PAUSE_MAX_MS)
            return cmc_fail(err, code, "pause: %u ms, expected 1 to %d", r->number,
                            RECORD_PAUSE_MAX_MS);
        return 0;
    }
    if (r->number == 0)
        return cmc_fail(err, code, "unmeasured: process 0: it is none of this host's");
    return 0;
}

int record_request_encode(const struct record_request *r, struct cmc_buf *out, struct cmc_err *err)
{
    const bool pause = r->kind == RECORD_REQUEST_PAUSE;
    uint64_t pairs = pause ? 3 : 4;
    if (check(r, CMC_E_USAGE, err) < 0)
        return -(int)err->code;
    if (!measure_cbor_is_utf8((const uint8_t *)r->name, strlen(r->name)))
        return cmc_fail(err, CMC_E_USAGE, "unmeasured: the name is not UTF-8");
    for (size_t i = 0; !pause && i < RECORD_CLAIMS; i++)
        pairs += r->claim[i].set;
    measure_cbor_put_map(out, pairs);
    measure_cbor_put_uint(out, KEY_VERSION);
    measure_cbor_put_text(out, VERSION);
    measure_cbor_put_uint(out, KEY_WHAT);
    measure_cbor_put_text(out, kind_name(r->kind));
    measure_cbor_put_uint(out, KEY_NUMBER);
    measure_cbor_put_uint(out, r->number);
    if (!pause) {
        measure_cbor_put_uint(out, KEY_NAME);
        measure_cbor_put_text(out, r->name);
    }
    for (size_t i = 0; !pause && i < RECORD_CLAIMS; i++)
        if (r->claim[i].set) {
            measure_cbor_put_uint(out, KEY_CLAIM + i);
            measure_cbor_put_bytes(out, r->claim[i].sha256, CMC_SHA256_LEN);
        }
    return cmc_buf_check(out, "request", err);
}

static int get_key(struct cmc_reader *r, uint64_t *key, struct cmc_err *err)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(r, MEASURE_CBOR_UINT, "key", &item, err) < 0)
        return -(int)err->code;
    *key = item.value;
    return 0;
}

static int expect_key(struct cmc_reader *r, uint64_t want, struct cmc_err *err)
{
    uint64_t key = 0;
    if (get_key(r, &key, err) < 0)
        return -(int)err->code;
    if (key == want)
        return 0;
    return cmc_fail(err, CMC_E_FORMAT, "key %llu, expected %llu", (unsigned long long)key,
                    (unsigned long long)want);
}

/* A text of at most max bytes, without NUL. */
static int get_text(struct cmc_reader *r, const char *what, char *out, size_t max,
                    struct cmc_err *err)
{
    struct measure_cbor item = {0};
    if (measure_cbor_expect(r, MEASURE_CBOR_TEXT, what, &item, err) < 0)
        return -(int)err->code;
    if (item.value > max)
        return cmc_fail(err, CMC_E_LIMIT, "%s is longer than %zu bytes", what, max);
    if (item.value && memchr(item.data, '\0', (size_t)item.value))
        return cmc_fail(err, CMC_E_FORMAT, "%s contains a NUL", what);
    if (item.value)
        memcpy(out, item.data, (size_t)item.value);
    out[item.value] = '\0';
    return 0;
}

/* The map's head and its version, which every packet begins with. */
static int get_head(struct cmc_reader *r, uint64_t *pairs, struct cmc_err *err)
{
    struct measure_cbor item = {0};
    char version[sizeof(VERSION)];
    if (measure_cbor_expect(r, MEASURE_CBOR_MAP, "packet", &item, err) < 0 ||
        expect_key(r, KEY_VERSION, err) < 0 ||
        get_text(r, "version", version, sizeof(VERSION) - 1, err) < 0)
        return -(int)err->code;
    if (strcmp(version, VERSION) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "version is not %s", VERSION);
    *pairs = item.value;
    return 0;
}

static int get_kind(struct cmc_reader *r, enum record_request_kind *out, struct cmc_err *err)
{
    char name[sizeof("unmeasured")];
    if (expect_key(r, KEY_WHAT, err) < 0 || get_text(r, "kind", name, sizeof(name) - 1, err) < 0)
        return -(int)err->code;
    *out = strcmp(name, "pause") == 0 ? RECORD_REQUEST_PAUSE : RECORD_REQUEST_UNMEASURED;
    if (strcmp(name, kind_name(*out)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "only \"unmeasured\" and \"pause\" can be asked for");
    return 0;
}

static int get_number(struct cmc_reader *r, uint32_t *out, struct cmc_err *err)
{
    struct measure_cbor item = {0};
    if (expect_key(r, KEY_NUMBER, err) < 0 ||
        measure_cbor_expect(r, MEASURE_CBOR_UINT, "number", &item, err) < 0)
        return -(int)err->code;
    if (item.value > UINT32_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "number %llu is out of bounds",
                        (unsigned long long)item.value);
    *out = (uint32_t)item.value;
    return 0;
}

/* Digests in ascending order of their keys. */
static int get_claims(struct cmc_reader *r, uint64_t count, struct record_request *out,
                      struct cmc_err *err)
{
    for (uint64_t next = KEY_CLAIM; count; count--) {
        struct measure_cbor item = {0};
        uint64_t key = 0;
        if (get_key(r, &key, err) < 0 ||
            measure_cbor_expect(r, MEASURE_CBOR_BYTES, "digest", &item, err) < 0)
            return -(int)err->code;
        if (key < next || key >= KEY_CLAIM + RECORD_CLAIMS || item.value != CMC_SHA256_LEN)
            return cmc_fail(err, CMC_E_FORMAT,
                            "key %llu is no member, out of order, there twice, or no SHA-256",
                            (unsigned long long)key);
        struct record_claim *claim = &out->claim[key - KEY_CLAIM];
        claim->set = true;
        memcpy(claim->sha256, item.data, CMC_SHA256_LEN);
        next = key + 1;
    }
    return 0;
}

static int get_request(struct cmc_reader *r, struct record_request *out, struct cmc_err *err)
{
    uint64_t pairs = 0;
    if (get_head(r, &pairs, err) < 0 || get_kind(r, &out->kind, err) < 0 ||
        get_number(r, &out->number, err) < 0 || check(out, CMC_E_FORMAT, err) < 0)
        return -(int)err->code;
    if (out->kind == RECORD_REQUEST_PAUSE) {
        if (pairs != 3)
            return cmc_fail(err, CMC_E_FORMAT, "pause: %llu members, expected 3",
                            (unsigned long long)pairs);
        return 0;
    }
    if (pairs < 4 || pairs > 4 + RECORD_CLAIMS)
        return cmc_fail(err, CMC_E_FORMAT, "unmeasured: %llu members, expected 4 to %d",
                        (unsigned long long)pairs, 4 + RECORD_CLAIMS);
    if (expect_key(r, KEY_NAME, err) < 0 ||
        get_text(r, "name", out->name, RECORD_NAME_MAX, err) < 0)
        return -(int)err->code;
    return get_claims(r, pairs - 4, out, err);
}

static int check_end(const struct cmc_reader *r, struct cmc_err *err)
{
    return r->left ? cmc_fail(err, CMC_E_FORMAT, "%zu bytes behind the end", r->left) : 0;
}

int record_request_decode(const void *data, size_t len, struct record_request *out,
                          struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(data, len);
    struct record_request got = {0};
    if (get_request(&r, &got, err) < 0 || check_end(&r, err) < 0)
        return cmc_wrap(err, "request");
    *out = got;
    return 0;
}

/* The longest prefix of at most RECORD_WHY_MAX bytes that is UTF-8, without what is not. */
static void put_why(struct cmc_buf *b, const char *why)
{
    char text[RECORD_WHY_MAX + 1];
    size_t len = 0;
    for (size_t left = strlen(why); left;) {
        const size_t n = cmc_utf8_len((const uint8_t *)why, left);
        if (len + (n ? n : 1) > RECORD_WHY_MAX)
            break;
        if (n)
            memcpy(text + len, why, n);
        else
            text[len] = '?';
        len += n ? n : 1;
        why += n ? n : 1;
        left -= n ? n : 1;
    }
    text[len] = '\0';
    measure_cbor_put_text(b, text);
}

int record_answer_encode(const struct record_answer *a, struct cmc_buf *out, struct cmc_err *err)
{
    measure_cbor_put_map(out, 2U + a->has_seq + (a->why[0] != '\0'));
    measure_cbor_put_uint(out, KEY_VERSION);
    measure_cbor_put_text(out, VERSION);
    measure_cbor_put_uint(out, KEY_OK);
    measure_cbor_put_bool(out, a->ok);
    if (a->has_seq) {
        measure_cbor_put_uint(out, KEY_SEQ);
        measure_cbor_put_uint(out, a->seq);
    }
    if (a->why[0]) {
        measure_cbor_put_uint(out, KEY_WHY);
        put_why(out, a->why);
    }
    return cmc_buf_check(out, "answer", err);
}

static int get_ok(struct cmc_reader *r, bool *out, struct cmc_err *err)
{
    struct measure_cbor item = {0};
    if (expect_key(r, KEY_OK, err) < 0 ||
        measure_cbor_expect(r, MEASURE_CBOR_SIMPLE, "ok", &item, err) < 0)
        return -(int)err->code;
    if (item.value == MEASURE_CBOR_NULL)
        return cmc_fail(err, CMC_E_FORMAT, "ok: expected true or false");
    *out = item.value == MEASURE_CBOR_TRUE;
    return 0;
}

/* One of the members that may be there. */
static int get_more(struct cmc_reader *r, uint64_t *next, struct record_answer *out,
                    struct cmc_err *err)
{
    struct measure_cbor item = {0};
    uint64_t key = 0;
    if (get_key(r, &key, err) < 0)
        return -(int)err->code;
    if (key < *next || key > KEY_WHY)
        return cmc_fail(err, CMC_E_FORMAT, "key %llu is no member, out of order, or there twice",
                        (unsigned long long)key);
    *next = key + 1;
    if (key == KEY_WHY)
        return get_text(r, "why", out->why, RECORD_WHY_MAX, err);
    if (measure_cbor_expect(r, MEASURE_CBOR_UINT, "seq", &item, err) < 0)
        return -(int)err->code;
    out->has_seq = true;
    out->seq = item.value;
    return 0;
}

static int get_answer(struct cmc_reader *r, struct record_answer *out, struct cmc_err *err)
{
    uint64_t pairs = 0, next = KEY_SEQ;
    if (get_head(r, &pairs, err) < 0)
        return -(int)err->code;
    if (pairs < 2 || pairs > 4)
        return cmc_fail(err, CMC_E_FORMAT, "%llu members, expected 2 to 4",
                        (unsigned long long)pairs);
    if (get_ok(r, &out->ok, err) < 0)
        return -(int)err->code;
    for (pairs -= 2; pairs; pairs--)
        if (get_more(r, &next, out, err) < 0)
            return -(int)err->code;
    return 0;
}

int record_answer_decode(const void *data, size_t len, struct record_answer *out,
                         struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(data, len);
    struct record_answer got = {0};
    if (get_answer(&r, &got, err) < 0 || check_end(&r, err) < 0)
        return cmc_wrap(err, "answer");
    *out = got;
    return 0;
}

void record_request_reason(const struct record_request *r, struct cmc_buf *out)
{
    cmc_put_text(out, "reported to cmcd, not measured here: name ");
    cmc_put_safe(out, r->name, strlen(r->name), RECORD_NAME_MAX);
    for (size_t i = 0; i < RECORD_CLAIMS; i++)
        if (r->claim[i].set) {
            cmc_put_fmt(out, ", %s ", claims[i]);
            cmc_put_hex(out, r->claim[i].sha256, CMC_SHA256_LEN);
        }
}
