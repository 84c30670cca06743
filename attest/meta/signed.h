/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/signed.h -- a signed item in pieces, between its encoding and its meaning. Nothing in
 * it is verified. For this folder alone. */
#ifndef ATTEST_META_SIGNED_H
#define ATTEST_META_SIGNED_H
#include "attest/meta/alg.h"
#include "attest/meta/sign.h"
#include "base/json.h"

struct meta_signed_by {
    const struct meta_alg *alg;
    struct meta_der chain[META_CERTS_MAX]; /* leaf first */
    size_t chain_count;                    /* 0: no certificate */
    struct meta_der head;                  /* protected: base64url text (JWS), bytes (COSE) */
    struct meta_der sig;
    uint8_t *bytes; /* owned: what chain and sig point to, or NULL */
};

enum {
    META_JWS_MAX = META_ITEM_MAX / 3 * 4,     /* of the JSON text: base64 makes it longer */
    META_INPUT_MAX = META_JWS_MAX + (1 << 20) /* of a payload and a header as they are signed */
};

struct meta_signed {
    enum meta_encoding encoding;
    struct cmc_buf payload;   /* owned */
    struct cmc_json_doc *doc; /* owned: what head points to, or NULL */
    size_t count;
    struct meta_signed_by by[META_SIGNATURES_MAX];
};

/* Parses an item, which must outlive *out (free with meta_signed_done()). Whatever is not
 * understood is refused. Errors: -CMC_E_VERIFY, -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_signed_parse(const void *item, size_t len, struct meta_signed *out,
                                     struct cmc_err *err);
void meta_signed_done(struct meta_signed *s);
/* Whether signature i holds under the key. Errors: -CMC_E_VERIFY, -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_signed_check(const struct meta_signed *s, size_t i,
                                     const struct meta_key *key, struct cmc_err *err);
/* Appends what signature i is made over. */
void meta_signed_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out);

/* The two encodings, for those above. *s is empty before, and done by the caller also on errors. */
CMC_MUST_CHECK int meta_jws_parse(const void *item, size_t len, struct meta_signed *s,
                                  struct cmc_err *err);
CMC_MUST_CHECK int meta_cose_parse(const void *item, size_t len, struct meta_signed *s,
                                   struct cmc_err *err);
/* Append: the protected header of algorithm and chain; what signature i is made over; the item. */
void meta_jws_put_head(const struct meta_signed_by *by, struct cmc_buf *out);
void meta_jws_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out);
void meta_jws_put(const struct meta_signed *s, struct cmc_buf *out);
void meta_cose_put_head(const struct meta_signed_by *by, struct cmc_buf *out);
void meta_cose_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out);
void meta_cose_put(const struct meta_signed *s, struct cmc_buf *out);
#endif
