/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/cmc_bed.h -- reports of CMC 3.3.0 that a test makes, and may spoil at each step. */
#ifndef TESTS_LIB_CMC_BED_H
#define TESTS_LIB_CMC_BED_H
#include "attest/meta/types.h"
#include "attest/verify/verify.h"
#include "tests/lib/meta_bed.h"

enum { CMC_BED_ARTIFACTS = 16, CMC_BED_EVENTS = 8, CMC_BED_ITEMS = 4, CMC_BED_DIGESTS = 512 };

#define CMC_BED_SPEC(val, more)                                                                    \
    "{\"hostname\":\"web\",\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"],"               \
    "\"env\":[\"PASSWORD=hunter2\",\"VAL=" val "\"" more "]}}"

struct cmc_bed_event { /* texts NULL: absent */
    const char *name;
    const char *spec; /* of a container */
    bool no_spec;     /* the event has its digests alone */
    uint8_t seed;     /* of its root file system, or of an event that is no container */
    uint8_t hash[CMC_HASH_MAX], config[CMC_SHA256_LEN], rootfs[CMC_SHA256_LEN];
};
struct cmc_bed_artifact {
    const char *type;
    int64_t index;
    struct cmc_bed_event event[CMC_BED_EVENTS];
    size_t count;
};

struct cmc_bed {
    struct bed pki;
    struct verify_policy policy;
    uint8_t nonce[16], asked[16]; /* of the context; that verify_report() is called with */
    size_t nonce_len, asked_len;
    const char *manifest[CMC_BED_ITEMS]; /* payloads */
    char *item[CMC_BED_ITEMS];           /* signed */
    char digest[CMC_BED_ITEMS][2 * CMC_SHA256_LEN + 1];
    size_t items, more_digests; /* the latter are of no item */
    struct cmc_bed_artifact artifact[CMC_BED_ARTIFACTS];
    size_t artifacts;
    bool software;
    enum bed_cert ak;

    const char *alg, *type; /* of the context, the evidence */
    /* of the quote: 0 is what is right */
    uint32_t magic, mask;
    uint16_t attest_type, bank;
    int more_evidence; /* than one piece */
    bool other_extra, other_fold, other_key, twice, no_certs, no_item;
    const char *spoil_from, *spoil_to; /* in the encoded report, of one length */
    enum meta_encoding encoding;
};

/* A host with boot events in PCR 0 and 4, two containers in PCR 13, and references to all. */
struct cmc_bed *cmc_bed_open(void);
void cmc_bed_close(struct cmc_bed *b);
struct cmc_bed_artifact *cmc_bed_artifact(struct cmc_bed *b, int64_t index);
/* Computes the digests of an event; again after its members were changed. */
void cmc_bed_event(struct cmc_bed_event *e);
/* Encodes, quotes or signs. Free with cmc_buf_done(). */
struct cmc_buf cmc_bed_report(struct cmc_bed *b);
/* Makes a report and verifies it. Free the result. */
struct verify_result *cmc_bed_run(struct cmc_bed *b);
#endif
