/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/prove.h -- makes the reports of this host. */
#ifndef ATTEST_PROVE_PROVE_H
#define ATTEST_PROVE_PROVE_H
#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"

struct prove_config {           /* borrowed until prove_close() */
    const char *driver;         /* "tpm" or "sw" */
    const char *tcti;           /* driver tpm */
    const char *storage;        /* directory with the AK and its certificates */
    const char *runtime_dir;    /* "/run/cmc": the log */
    const char *state_dir;      /* "/var/lib/cmc": details; absolute */
    const char *host;           /* what the report calls us */
    const char *const *secrets; /* patterns of variables to withhold; NULL: the default list */
    size_t secret_count;
    uint16_t bank;                 /* TPM_ALG_ID that is quoted; profile cmc: SHA-256 */
    uint32_t pcr;                  /* the register */
    uint32_t exclude;              /* bit i: PCR i of 0 to 15 is not quoted; PROVE_EXCLUDE */
    const char *tcg_log, *ima_log; /* NULL: not sent */
    const uint8_t *redaction_key;  /* 32 bytes, or NULL: configurations that need it stay here */
    const char *recorder_socket;   /* where recording can be paused: profile cmc on a busy host;
                                      NULL: it cannot */
};

enum { PROVE_EXCLUDE = 1 << 10 }; /* IMA extends PCR 10 all the time */

struct prove_item { /* one signed item of metadata; borrowed */
    const uint8_t *data;
    size_t len;
};
struct prove_request {
    const uint8_t *nonce;
    size_t nonce_len;
    bool json;                               /* else CBOR */
    bool details;                            /* the requester may see details */
    const uint8_t (*cached)[CMC_SHA256_LEN]; /* digests of items that it has */
    size_t cached_count;
    const struct prove_item *item; /* all metadata of this host */
    size_t item_count;
};

struct prove;
/* Opens the driver; loads the AK and its certificates.
 * Errors: -CMC_E_SYS, -CMC_E_TPM, -CMC_E_VERIFY, -CMC_E_FORMAT, -CMC_E_USAGE. */
CMC_MUST_CHECK int prove_open(const struct prove_config *cfg, struct prove **out,
                              struct cmc_err *err);
void prove_close(struct prove *p);
/* Appends a report: exact 1.0, or CMC 3.3.0 when the log's profile is cmc. Not for two threads.
 * Errors: -CMC_E_TPM, -CMC_E_SYS, -CMC_E_FORMAT (log), -CMC_E_LIMIT, -CMC_E_VERIFY. */
CMC_MUST_CHECK int prove_report(struct prove *p, const struct prove_request *r, struct cmc_buf *out,
                                struct cmc_err *err);
/* Appends a detail of an event of this host: kind "config" (withheld as in reports; by config
 * digest) or "tree" (a listing; by root digest). Returns 1 found, 0 none, < 0. */
CMC_MUST_CHECK int prove_detail(struct prove *p, const char *kind,
                                const uint8_t digest[static CMC_SHA256_LEN], struct cmc_buf *out,
                                struct cmc_err *err);

/* Makes an AK (driver tpm: in the TPM, restricted, ECDSA P-256 or RSA 2048; sw: a P-256 key) in
 * storage unless it is there, and appends a CSR (PEM) for host. Then a CA signs it, and
 * prove_install() stores the chain beside it. Errors: as prove_open(). */
CMC_MUST_CHECK int prove_create_key(const struct prove_config *cfg, const char *alg,
                                    struct cmc_buf *csr, struct cmc_err *err);
CMC_MUST_CHECK int prove_install(const struct prove_config *cfg, const void *chain_pem, size_t len,
                                 struct cmc_err *err);
#endif
