/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/parts.h -- what the files of this folder share; for them alone. */
#ifndef ATTEST_PROVE_PARTS_H
#define ATTEST_PROVE_PARTS_H
#include <openssl/evp.h>

#include "attest/meta/exact.h"
#include "attest/prove/log.h"
#include "attest/prove/prove.h"
#include "tpm/quote.h"

/* Where the attestation key is. */
struct prove_driver {
    const char *kind;  /* "tpm", "sw" */
    const char *chain; /* file in storage: the key's certificates */
    /* Loads the key from storage into p->key. Returns 1, 0 (there is none), < 0. */
    int (*load)(struct prove *p, struct cmc_err *err);
    /* Makes one, stores it, and loads it. */
    int (*make)(struct prove *p, const char *alg, struct cmc_err *err);
    /* Errors: -CMC_E_TPM, -CMC_E_VERIFY: this key is of no use here. NULL: it always is. */
    int (*check)(struct prove *p, struct cmc_err *err);
    int (*sign)(struct prove *p, const void *data, size_t len, struct tpm_signature *out,
                struct cmc_err *err);
    /* tpm: see tpm_quote(). sw: signs what out says of values and resets. */
    int (*quote)(struct prove *p, const struct tpm_quote_ask *ask, struct tpm_quote *out,
                 struct cmc_err *err);
    bool software;
};
extern const struct prove_driver prove_driver_tpm, prove_driver_sw;

struct prove_chain { /* leaf first */
    struct meta_bytes cert[META_CERTS_MAX];
    size_t count;
    struct cmc_buf der; /* owned; cert[] point into it */
};

struct prove {
    struct prove_config cfg; /* its texts are borrowed */
    const struct prove_driver *driver;
    EVP_PKEY *key;    /* owned; tpm: the public part; sw: both */
    struct tpm_ak ak; /* tpm */
    struct prove_chain chain;
};

/* files in storage: 0600, whole or absent */
/* Returns 1, 0 (absent), < 0: -CMC_E_SYS, -CMC_E_VERIFY (of others, open to others, no regular
 * file), -CMC_E_LIMIT. *out: freed by the caller with cmc_buf_done(). */
CMC_MUST_CHECK int prove_file_read(const char *dir, const char *name, size_t max,
                                   struct cmc_buf *out, struct cmc_err *err);
/* Makes the directory 0700 where it is absent. Errors: -CMC_E_SYS, -CMC_E_LIMIT (path). */
CMC_MUST_CHECK int prove_file_write(const char *dir, const char *name, const void *data, size_t len,
                                    struct cmc_err *err);

/* keys and certificates */
CMC_MUST_CHECK int prove_key_of_ak(const struct tpm_ak *ak, EVP_PKEY **out, struct cmc_err *err);
/* Appends a certificate request for host, signed by the key. */
CMC_MUST_CHECK int prove_csr(struct prove *p, const char *host, struct cmc_buf *out,
                             struct cmc_err *err);
/* Reads a chain, and checks that the first certificate is of key and each of the others of its
 * predecessor's issuer. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT, -CMC_E_VERIFY. */
CMC_MUST_CHECK int prove_chain_read(const void *pem, size_t len, EVP_PKEY *key,
                                    struct prove_chain *out, struct cmc_err *err);
CMC_MUST_CHECK int prove_chain_put_pem(const struct prove_chain *c, struct cmc_buf *out,
                                       struct cmc_err *err);
void prove_chain_done(struct prove_chain *c);

/* The key as it is stored, and back. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int prove_ak_put_json(const struct tpm_ak *ak, struct cmc_buf *out,
                                     struct cmc_err *err);
CMC_MUST_CHECK int prove_ak_parse(const void *json, size_t len, struct tpm_ak *out,
                                  struct cmc_err *err);

/* evidence of profile exact, and of CMC 3.3.0 */
struct prove_evidence {
    struct tpm_quote_ask ask;
    struct tpm_quote quote; /* values: those that were quoted */
};
/* A quote with nonce over what is to be quoted, whose values are known: the register's, which
 * changes all the time, is found in the log that is read behind it.
 * log: freed by the caller with prove_log_done(). */
CMC_MUST_CHECK int prove_evidence_exact(struct prove *p, const uint8_t nonce[static CMC_SHA256_LEN],
                                        struct prove_evidence *out, struct prove_log *log,
                                        struct cmc_err *err);
uint32_t prove_selection(const struct prove *p);
/* The quote's digest is that of its values. */
bool prove_evidence_fits(const struct prove_evidence *e);

CMC_MUST_CHECK int prove_exact(struct prove *p, const struct prove_request *r, struct cmc_buf *out,
                               struct cmc_err *err);
CMC_MUST_CHECK int prove_cmc(struct prove *p, const struct prove_request *r, struct cmc_buf *out,
                             struct cmc_err *err);

/* metadata: digests ascending, each item once */
struct prove_items {
    struct prove_listed {
        uint8_t digest[CMC_SHA256_LEN];
        struct meta_bytes data;
        bool cached;
    } * at; /* owned */
    size_t count;
};
CMC_MUST_CHECK int prove_items_of(const struct prove_request *r, struct prove_items *out,
                                  struct cmc_err *err);
void prove_items_done(struct prove_items *i);

/* Appends the configuration of an event as others may see it. Returns 1, 0 (not stored, or it
 * cannot be shown without a secret), < 0. */
CMC_MUST_CHECK int prove_config_detail(const struct prove *p, const struct prove_log *log,
                                       const struct prove_event *ev, struct cmc_buf *out,
                                       struct cmc_err *err);
/* Those of all events, each once, the latest first until limit bytes are full. */
struct prove_details {
    struct meta_exact_part *part;    /* owned; digests point into the log */
    struct cmc_buf *data;            /* owned */
    uint8_t (*seen)[CMC_SHA256_LEN]; /* owned; ascending */
    size_t count;
};
CMC_MUST_CHECK int prove_details_of(const struct prove *p, const struct prove_log *log,
                                    size_t limit, struct prove_details *out, struct cmc_err *err);
void prove_details_done(struct prove_details *d);
#endif
