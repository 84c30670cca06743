/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict_parts.h -- what cmcctl_verdict.c is made of. */
#ifndef TOOLS_CMCCTL_VERDICT_PARTS_H
#define TOOLS_CMCCTL_VERDICT_PARTS_H
#include "tools/cmcctl_pen.h"
#include "tools/cmcctl_verdict.h"

/* The tree of claims. Returns how many were folded away. */
size_t cmcctl_verdict_claims(const struct ctl_pen *p, const struct verify_claim *first,
                             bool explain);
/* The containers, and below each what differs. Returns how many differences were folded away. */
size_t cmcctl_verdict_containers(const struct ctl_pen *p, const struct verify_result *r,
                                 const struct ctl_look *look);
#endif
