/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_parts.h -- what attest/verify/cmc*.c share; for them and their tests alone. */
#ifndef ATTEST_VERIFY_CMC_PARTS_H
#define ATTEST_VERIFY_CMC_PARTS_H
#include "attest/verify/cmc.h"
#include "attest/verify/metadata.h"
#include "attest/verify/quote.h"

enum {
    VERIFY_CMC_PCRS = 24,
    VERIFY_CMC_EXPLAINED_MAX = 256 /* containers without a reference that are compared by member */
};

/* A reference to a container in profile cmc. */
struct verify_cmc_wanted {
    const struct verify_reference *reference;
    uint8_t config[CMC_SHA256_LEN];
    const uint8_t *rootfs; /* CMC_SHA256_LEN bytes */
};
/* Where a digest is found among references. */
struct verify_cmc_key {
    int index;
    const uint8_t *digest;
    size_t len, reference; /* its place in the metadata */
};

struct verify_cmc { /* one verification */
    const struct verify_policy *policy;
    const struct verify_metadata *metadata;
    struct verify_tree *t;
    struct verify_claim *log, *containers, *host; /* at the top */
    /* made by verify_cmc_index(); they live in t */
    const struct verify_cmc_wanted *wanted;
    size_t wanted_count;
    const struct verify_cmc_key *key; /* sorted */
    size_t key_count;
    bool *seen; /* for each reference: it occurred */
    /* rows, in t */
    struct verify_container *container;
    size_t count, room, explained;
    uint32_t pcr; /* where containers are; 0: nowhere */
};

/* "SHA-256" of a TPM_ALG_ID, and back; NULL, 0: none that is used here. */
const char *verify_cmc_alg_name(uint16_t alg);
uint16_t verify_cmc_alg(const char *name);

/* Artifacts whose replay the quote vouches for: made by verify_cmc_replay() alone. */
struct verify_cmc_pcrs {
    uint16_t bank;
    const struct meta_artifact *artifact[VERIFY_CMC_PCRS]; /* NULL: not quoted */
    uint8_t start[VERIFY_CMC_PCRS][CMC_HASH_MAX], value[VERIFY_CMC_PCRS][CMC_HASH_MAX];
};
/* Replays artifacts, which may come in any order, in the bank of the quote, and holds the values
 * against it: claims below parent. False: out is untouched. */
bool verify_cmc_replay(const struct verify_cmc *v, const struct verify_quote *q,
                       const struct meta_collateral *c, struct verify_claim *parent,
                       struct verify_cmc_pcrs *out);

/* An event that says what its register began with; an artifact that only says how it ended. */
bool verify_cmc_is_start(const struct meta_component *c);
bool verify_cmc_may_start(unsigned index, const uint8_t *value, size_t size);
bool verify_cmc_is_summary(const struct meta_artifact *a);

/* Makes the lists of references for a bank; software: those for software evidence, which have no
 * register (index -1). */
void verify_cmc_index(struct verify_cmc *v, uint16_t bank, bool software);
/* A reference of this register with this digest, and marks all such; NULL: none. */
const struct verify_reference *verify_cmc_find(struct verify_cmc *v, int index,
                                               const struct meta_bytes *digest);
/* The register is one that references to containers name. */
bool verify_cmc_is_register(const struct verify_cmc *v, int index);
/* References that had to occur and did not; pcrs NULL: software. */
void verify_cmc_missing(struct verify_cmc *v, const struct verify_cmc_pcrs *pcrs);
/* Room for n more containers. False: memory. */
bool verify_cmc_room(struct verify_cmc *v, size_t n);

/* Each event that the quote vouches for against the references: claims below v->containers and
 * v->host. */
void verify_cmc_appraise(struct verify_cmc *v, const struct verify_cmc_pcrs *pcrs);
/* One container event (software: index -1): a row, and a claim below v->containers. */
void verify_cmc_container(struct verify_cmc *v, const struct meta_component *event, int index,
                          uint16_t bank);
/* The nearest reference, and what differs. */
void verify_cmc_explain(struct verify_cmc *v, const struct meta_component *event, int index,
                        struct verify_container *row, struct verify_claim *claim);
/* Says in a row which reference is meant. */
void verify_cmc_refer(const struct verify_cmc *v, const struct verify_cmc_wanted *w,
                      struct verify_container *row);

/* Software evidence: key, signature, nonce and fold. True: the events are what was signed. */
bool verify_cmc_software(struct verify_cmc *v, const struct meta_evidence *e,
                         const struct meta_collateral *c, const struct meta_bytes *nonce,
                         struct verify_result *out);

/* Its events against the references. */
void verify_cmc_software_events(struct verify_cmc *v, const struct meta_collateral *c);

/* RFC 8785 form of a tree. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_cmc_form(const struct cmc_json *spec, struct cmc_buf *form,
                                   struct cmc_err *err);
#endif
