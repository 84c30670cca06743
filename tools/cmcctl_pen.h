/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_pen.h -- writes for terminals of two kinds: with colour or not, UTF-8 or ASCII. */
#ifndef TOOLS_CMCCTL_PEN_H
#define TOOLS_CMCCTL_PEN_H
#include "attest/verify/verify.h"

struct ctl_pen {
    struct cmc_buf *out; /* borrowed */
    bool color, utf8;
};

enum ctl_tone { CTL_PLAIN, CTL_GOOD, CTL_BAD, CTL_UNSURE, CTL_FAINT, CTL_HEADING };

void cmcctl_pen_text(const struct ctl_pen *p, enum ctl_tone tone, const char *text);
/* Text from outside, at most max bytes of it: what is not printable on this terminal becomes \xNN.
 * Returns the columns that it takes. */
size_t cmcctl_pen_safe(const struct ctl_pen *p, const char *text, size_t max);
/* The sign of a status: one column, or two in ASCII. */
void cmcctl_pen_mark(const struct ctl_pen *p, enum verify_status status);
#endif
