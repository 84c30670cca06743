/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/report_bed.h -- reports of profile exact, made by a test: keys, quote, log, metadata.
 * Everything may be spoilt between the steps. Faults of the bed itself end the test. */
#ifndef TESTS_LIB_REPORT_BED_H
#define TESTS_LIB_REPORT_BED_H
#include <tss2/tss2_tpm2_types.h>

#include "attest/meta/exact.h"
#include "attest/verify/verify.h"
#include "measure/config.h"
#include "tests/lib/pki.h"
#include "tests/tools/logs.h"

enum { BED_NONCE = 32, BED_ITEMS = 8, BED_DETAILS = 8 };

struct report_bed {
    struct logs log;
    struct pki_cert ak_ca, ak, meta_ca, signer;
    struct meta_trust *trust;
    struct verify_policy policy; /* host "h.example", software not accepted */
    uint8_t nonce[BED_NONCE];

    /* what report_bed_quote() fills, report_bed_sign() signs */
    TPMS_ATTEST attest;
    uint16_t banks[3];                /* that are quoted; 0 ends */
    uint32_t mask;                    /* PCRs of each */
    const struct measure_banks *boot; /* values of PCR 0 to 7; NULL: made up */
    uint16_t alg, hash;               /* of the signature */
    struct meta_exact_pcr pcr[META_EXACT_PCRS];
    uint8_t value[META_EXACT_PCRS][CMC_HASH_MAX];
    struct cmc_buf attest_bytes, signature;

    struct cmc_buf item[BED_ITEMS]; /* signed metadata */
    size_t item_count;
    struct measure_config config[BED_DETAILS]; /* owned */
    size_t config_count;
    struct meta_bytes cert[2], items[BED_ITEMS], digests[BED_ITEMS];
    uint8_t digest[BED_ITEMS][CMC_SHA256_LEN];
    struct meta_exact_part detail[BED_DETAILS], boot_log[2];
    struct meta_exact report; /* what report_bed_report() puts together */
};

/* Keys and certificates: an AK of a TPM of this model, or, NULL, of software. An empty log. */
void report_bed_open(struct report_bed *b, const char *model);
void report_bed_done(struct report_bed *b);

/* Measures a configuration, keeps its detail for the report. */
const struct measure_config *report_bed_config(struct report_bed *b, const char *json,
                                               const uint8_t *redaction_key);
/* Records a container-create with this configuration; rootfs is 32 times that byte. */
void report_bed_create(struct report_bed *b, const char *id, const struct measure_config *c,
                       uint8_t rootfs);
/* Appends a component for such a container (docs/formats/references.md). extra: more properties,
 * each with a comma before it, or "". */
void report_bed_reference(struct cmc_buf *out, const char *name, const struct measure_config *c,
                          uint8_t rootfs, const char *extra);
/* Signs a manifest "app" with these components (JSON, without brackets), and an image description
 * that names it, with these ociRules (NULL: none). */
void report_bed_metadata(struct report_bed *b, const char *components, const char *rules);
/* Signs a payload as an item. */
void report_bed_item(struct report_bed *b, const char *payload);

/* PCR values, selection, digest, extraData: as a TPM would for the log as it is. */
void report_bed_quote(struct report_bed *b);
/* attest to bytes; these signed. */
void report_bed_marshal(struct report_bed *b);
void report_bed_sign(struct report_bed *b);
/* Puts report together from all that. */
void report_bed_report(struct report_bed *b);
/* All four, then encodes in CBOR and verifies. Free the result. */
struct verify_result *report_bed_run(struct report_bed *b);
/* Encodes report as it is, and verifies. */
struct verify_result *report_bed_verify(struct report_bed *b);

/* The first claim with this id, wherever it is, or NULL. */
const struct verify_claim *report_bed_claim(const struct verify_result *r, const char *id);
/* Not trusted, and the claim that decides has this id and words in its text. */
void report_bed_refused(const struct verify_result *r, const char *id, const char *words);
/* The same, and nothing behind that claim was looked at: who goes on reads what nobody vouches for.
 */
void report_bed_refused_at_once(const struct verify_result *r, const char *id, const char *words);

/* No member of the result's JSON has a canary: what stands for a secret. */
void report_bed_no_canary(const struct verify_result *r);

#define BED_CONFIG(env, more)                                                                      \
    "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"sh\"],\"env\":[" env "]}"    \
    ",\"root\":{\"path\":\"rootfs\"}" more "}"
#define BED_HELLO BED_CONFIG("\"VAL=HELLO\",\"DB_PASSWORD=canary-one\"", "")
#define BED_EVIL  BED_CONFIG("\"VAL=EVIL\",\"DB_PASSWORD=canary-one\"", "")
/* A log with its recorder-start, nothing else. */
void report_bed_bare(struct report_bed *b);
/* One reference "web" with these rules and files of 0x11, one container; then the verdict. */
struct verify_result *report_bed_judge(struct report_bed *b, const char *reference,
                                       const char *rules, const char *measured, uint8_t rootfs);
/* What most tests begin with: recorder-start, one container "web" with reference "web". */
void report_bed_usual(struct report_bed *b);
#endif
