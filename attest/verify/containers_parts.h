/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_parts.h -- what attest/verify/container*.c share; for them alone. */
#ifndef ATTEST_VERIFY_CONTAINERS_PARTS_H
#define ATTEST_VERIFY_CONTAINERS_PARTS_H
#include "attest/verify/exact_parts.h"
#include "measure/event.h"

enum {
    VERIFY_EXPLAINED_MAX = 256, /* containers that are compared by member */
    VERIFY_RULED_MAX = 16384    /* comparisons with rules; each reads both configurations */
};
struct verify_effort { /* of one report: a host can start many containers */
    size_t explained, ruled;
};

struct verify_candidate { /* a container-create that is being judged */
    const struct verify_exact *x;
    const struct measure_event *ev;
    struct verify_container *row;
    const char *who; /* the container, in words */
    struct verify_effort *effort;
};

/* Compares with the references: fills the row's reference, adds the claim "container" below up, and
 * says in ran which reference it was. Returns the claim's status. */
enum verify_status verify_container_judge(const struct verify_candidate *c,
                                          const struct verify_wanted_list *wanted, bool *ran,
                                          struct verify_claim *up);
/* containers_nearest.c: the same when no reference matches: names the nearest one and what differs.
 */
enum verify_status verify_container_explain(const struct verify_candidate *c,
                                            const struct verify_wanted_list *wanted,
                                            struct verify_claim *up);
/* The claim that the event itself is vouched for. */
void verify_container_event(const struct verify_candidate *c, struct verify_claim *claim);
/* Two digests or key ids are equal. */
bool verify_same(const uint8_t *a, const uint8_t *b, size_t len);
/* Sets what the row says of its reference. */
void verify_container_refer(const struct verify_candidate *c, const struct verify_wanted *w);
#endif
