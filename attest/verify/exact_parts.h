/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/exact_parts.h -- what the judges of a report of profile exact share; for them
 * alone. */
#ifndef ATTEST_VERIFY_EXACT_PARTS_H
#define ATTEST_VERIFY_EXACT_PARTS_H
#include "attest/verify/log.h"
#include "attest/verify/metadata.h"
#include "measure/config.h"

/* Everything that is known once quote, log and metadata are judged. */
struct verify_exact {
    const struct meta_exact *report; /* only details, each believed when its digest is right */
    const struct verify_policy *policy;
    const struct verify_quote *quote;
    const struct verify_pcrs *pcrs;
    const struct verify_log *log;
    const struct verify_metadata *metadata;
    struct verify_tree *tree;
};

/* containers.c: each event against the references; fills out->container. Claims below up. */
CMC_MUST_CHECK int verify_containers(const struct verify_exact *x, struct verify_claim *up,
                                     struct verify_result *out, struct cmc_err *err);
/* host_pcrs.c, host_programs.c: boot chain and programs against the references. What the register
 * began with is of the claim that the log is authentic. */
void verify_host_start(const struct verify_exact *x, struct verify_claim *log);
void verify_host_pcrs(const struct verify_exact *x, struct verify_claim *up);
CMC_MUST_CHECK int verify_host_programs(const struct verify_exact *x, struct verify_claim *up,
                                        struct cmc_err *err);

/* A reference for containers of this register. */
struct verify_wanted {
    const struct verify_reference *reference;
    const char *name;
    const uint8_t *config, *rootfs; /* CMC_SHA256_LEN bytes */
    uint8_t key_id[8];
};
struct verify_wanted_list { /* in the tree */
    const struct verify_wanted *at;
    size_t count;
};
/* containers_references.c */
struct verify_wanted_list verify_references(const struct verify_exact *x);
/* SHA-256 of a component without container data, or NULL. */
const uint8_t *verify_reference_sha256(const struct meta_component *c);

/* containers_details.c: the configuration of an event, once its digest was recomputed. *out:
 * borrowed. Returns 1; 0: the report has none; -CMC_E_VERIFY: what it has gives another digest;
 * others. */
CMC_MUST_CHECK int verify_detail(const struct verify_exact *x, const struct measure_event *ev,
                                 struct meta_bytes *out, struct cmc_err *err);
/* The configuration that a reference was made of, as a detail, once it gives the reference's own
 * digest. Errors: -CMC_E_VERIFY (it has none, or one of another digest), -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_detail_of_reference(const struct verify_exact *x,
                                              const struct verify_wanted *w, struct cmc_buf *out,
                                              struct cmc_err *err);

/* containers_rules.c: the rules of the reference's manifest allow what differs between two details.
 * path: as verify_rules_check() sets it. Errors: -CMC_E_VERIFY, -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_allowed(const struct verify_exact *x, const struct verify_wanted *w,
                                  const struct meta_bytes *measured, char *path,
                                  struct cmc_err *err);

/* differences.c: what differs, by member, in the tree; values of secrets are words. */
struct verify_differences {
    const struct verify_difference *at;
    size_t count;
};
enum { VERIFY_DIFFERENCES_MAX = 256 }; /* more are counted in a last one */
CMC_MUST_CHECK int verify_differences(const struct verify_exact *x,
                                      const struct meta_bytes *reference,
                                      const struct meta_bytes *measured,
                                      struct verify_differences *out, struct cmc_err *err);
/* The same for two details or two normal forms, which compare() can read. */
struct verify_compared {
    const struct verify_policy *policy;
    struct verify_tree *tree;
    const struct cmc_buf *reference, *measured;
    int (*compare)(const struct cmc_buf *a, const struct cmc_buf *b, measure_config_diff_fn *diff,
                   void *ctx, struct cmc_err *err);
};
CMC_MUST_CHECK int verify_differences_between(const struct verify_compared *x,
                                              struct verify_differences *out, struct cmc_err *err);
#endif
