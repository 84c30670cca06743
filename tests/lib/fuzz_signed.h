/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fuzz_signed.h -- any bytes as a signed item: what is parsed is written and parsed as
 * the same; what verifies says what its signer said. The keys of the corpus are gone. */
#ifndef TESTS_LIB_FUZZ_SIGNED_H
#define TESTS_LIB_FUZZ_SIGNED_H
#include <stdlib.h>
#include <string.h>

#include "attest/meta/signed.h"

enum { FUZZ_NOW = 1900000000 }; /* 2030 */

static const char fuzz_root[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBZTCCAQqgAwIBAgIUabR2ENDI4rl6AnaO5Ri52dEOmjwwCgYIKoZIzj0EAwIw\n"
                                "DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjIwOTEwMzhaGA8yMTI2MTAyOTA5MTAz\n"
                                "OFowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAX8\n"
                                "6P8b2lgxlg3X+8CFYPWn8T0sPNrLFErmOgVDk2mPAs9UTocBBvuM80pqZrCD/DMZ\n"
                                "Vga1NOGpF0MB5OH2agyjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD\n"
                                "AgEGMB0GA1UdDgQWBBRNBWH7Gfnuq0lEN5T7g+59/KswMjAKBggqhkjOPQQDAgNJ\n"
                                "ADBGAiEA6teawQ9kvNLtdMs+E5r7modENTJrcOCOXArtETtGVFECIQC9hudnKKnD\n"
                                "TW+GsRqj/tM4YuwvYn6VNP70Q6zvJuqN7g==\n"
                                "-----END CERTIFICATE-----\n";

/* The only payloads that were ever signed below this root. */
static const char fuzz_json[] =
    "{\"type\":\"Company Description\",\"name\":\"n\",\"version\":\"2026-11-22T00:00:00Z\"}";

static inline bool fuzz_same(const struct meta_der *a, const struct meta_der *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static inline void fuzz_compare(const struct meta_signed *a, const struct meta_signed *b)
{
    if (a->count != b->count || a->payload.len != b->payload.len ||
        (a->payload.len && memcmp(a->payload.data, b->payload.data, a->payload.len) != 0))
        abort();
    for (size_t i = 0; i < a->count; i++) {
        const struct meta_signed_by *x = &a->by[i], *y = &b->by[i];
        if (x->alg != y->alg || !fuzz_same(&x->head, &y->head) || !fuzz_same(&x->sig, &y->sig) ||
            x->chain_count != y->chain_count)
            abort();
        for (size_t n = 0; n < x->chain_count; n++)
            if (!fuzz_same(&x->chain[n], &y->chain[n]))
                abort();
    }
}

static inline void fuzz_round_trip(const uint8_t *data, size_t size)
{
    CMC_CLEANUP(meta_signed_done) struct meta_signed s = {.count = 0};
    CMC_CLEANUP(meta_signed_done) struct meta_signed again = {.count = 0};
    cmc_autobuf struct cmc_buf text = cmc_buf_of(META_JWS_MAX);
    struct cmc_err err = {0};
    const int rc = meta_signed_parse(data, size, &s, &err);
    if ((rc < 0) != (err.code != CMC_OK) || (rc == 0 && s.count == 0))
        abort();
    if (rc < 0)
        return;
    if (s.encoding == META_JSON)
        meta_jws_put(&s, &text);
    else
        meta_cose_put(&s, &text);
    if (text.bad || meta_signed_parse(text.data, text.len, &again, &err) < 0)
        abort();
    fuzz_compare(&s, &again);
}

/* A chain takes milliseconds, so one input of eight is verified. */
static inline bool fuzz_chosen(const uint8_t *data, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    return sum % 8 == 0;
}

static inline void fuzz_verify(const uint8_t *data, size_t size, const void *payload, size_t len)
{
    static struct meta_trust *trust; /* made once: it does not change */
    struct meta_verified v = {.count = 0};
    struct cmc_err err = {0};
    if (!fuzz_chosen(data, size))
        return;
    if (!trust && (meta_trust_new(FUZZ_NOW, &trust, &err) < 0 ||
                   meta_trust_add_roots(trust, 0, fuzz_root, strlen(fuzz_root), &err) < 0))
        abort();
    const int rc = meta_verify(data, size, trust, META_ROLE_METADATA, &v, &err);
    if ((rc < 0) != (err.code != CMC_OK))
        abort();
    if (rc < 0)
        return;
    if (v.count == 0 || v.payload.len != len || memcmp(v.payload.data, payload, len) != 0)
        abort(); /* a forgery */
    meta_verified_done(&v);
}
#endif
