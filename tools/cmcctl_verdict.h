/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict.h -- a verifier's result for people: verdict, tree of claims, containers. */
#ifndef TOOLS_CMCCTL_VERDICT_H
#define TOOLS_CMCCTL_VERDICT_H
#include "attest/verify/verify.h"

struct ctl_look {
    bool color, utf8;
    bool explain;         /* nothing is folded, and each claim says what it means */
    const char *asked;    /* the identity that was asked for, in words; NULL: none */
    const char **no_path; /* for each container: why no path is named, or NULL; NULL: nowhere */
};

/* Appends the result. Text from outside is escaped once more: what is printable stays. */
void cmcctl_verdict_put(const struct verify_result *r, const struct ctl_look *look,
                        struct cmc_buf *out);
/* What a claim means, in words of its own, or NULL. */
const char *cmcctl_verdict_meaning(const char *id);
/* The exit status that goes with the verdict. */
int cmcctl_verdict_status(const struct verify_result *r);
#endif
