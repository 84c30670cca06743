/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify.h -- what cmcctl verify, explain and generate are made of. */
#ifndef TOOLS_CMCCTL_VERIFY_H
#define TOOLS_CMCCTL_VERIFY_H
#include "attest/serve/client.h"
#include "attest/verify/verify.h"
#include "tools/cmcctl.h"

enum { CTL_NONCE_LEN = 32, CTL_HOST_MAX = 253, CTL_SECRETS_MAX = 64, CTL_ITEMS_MAX = 4096 };

struct ctl_verify_options { /* borrowed from argv */
    const char *addr, *report, *nonce;
    const char *ca, *ak_ca, *metadata_ca, *crl, *metadata;
    const char *expect, *ak, *redaction_key, *secrets, *color;
    uint64_t timeout_s;
    bool any_host, require_host, software, json, attestation_result, explain;
};

/* Fills *out from the arguments of "cmcctl verify" or "cmcctl explain" (argv[0]).
 * Returns as cmc_options_parse() does. */
CMC_MUST_CHECK int cmcctl_verify_options(int argc, char **argv, struct ctl_verify_options *out,
                                         struct cmc_err *err);

/* Which host's report is asked for. */
struct ctl_identity {
    char host[CTL_HOST_MAX + 1]; /* "": not by name */
    uint8_t ak[CMC_SHA256_LEN];  /* with has_ak */
    bool has_ak;
    char words[CTL_HOST_MAX + 80]; /* both, for people; "": nothing was asked */
};
/* From --expect and --ak, else from the address: a host name there is the one that is asked for.
 * Errors: -CMC_E_USAGE (an address without a host's name, such as an IP address, and no other). */
CMC_MUST_CHECK int cmcctl_verify_identity(const struct ctl_verify_options *o,
                                          struct ctl_identity *out, struct cmc_err *err);

/* A policy, and what it borrows. */
struct ctl_policy {
    struct verify_policy policy;
    struct meta_trust *trust;
    struct ctl_identity identity;
    uint8_t key[32];
    char *secrets; /* a copy of --secrets, cut at its commas */
    const char *pattern[CTL_SECRETS_MAX];
    struct verify_item *item;
    struct cmc_buf *bytes; /* of each item */
};
/* Reads what the options name. *out: empty with cmcctl_policy_done(), also after an error.
 * Errors: -CMC_E_USAGE, -CMC_E_SYS, -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmcctl_policy_load(const struct ctl_verify_options *o, struct ctl_policy *out,
                                      struct cmc_err *err);
void cmcctl_policy_done(struct ctl_policy *p);

/* Asks the peer for a report, with a new nonce of the system's; says on a terminal that it waits.
 * Errors: as serve_attest(). */
CMC_MUST_CHECK int cmcctl_ask(const struct serve_peer *peer, uint8_t nonce[static CTL_NONCE_LEN],
                              struct cmc_buf *report, struct cmc_err *err);

/* A result with the paths that differ in root file systems. */
struct ctl_paths {
    struct verify_result result; /* a copy; borrows from the one that it was made of */
    struct verify_container *container;
    const char **no_path; /* for each container: why no path is named, or NULL */
    struct ctl_text *text;
};
/* Compares the listings of containers whose root file system differs from the nearest reference:
 * those that the policy holds, and those that the peer (NULL: none) has. A listing counts when it
 * gives the digest that it is asked for by. Errors: -CMC_E_LIMIT (memory); what cannot be had is
 * said in no_path. *out: empty with cmcctl_paths_done(), also after an error. */
CMC_MUST_CHECK int cmcctl_paths_find(const struct verify_result *r,
                                     const struct verify_policy *policy,
                                     const struct serve_peer *peer, struct ctl_paths *out,
                                     struct cmc_err *err);
void cmcctl_paths_done(struct ctl_paths *p);
#endif
