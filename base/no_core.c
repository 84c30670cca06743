/* SPDX-License-Identifier: Apache-2.0 */
/* base/no_core.c -- prctl(2) and setrlimit(2); neither can fail with these arguments. */
#include "base/no_core.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void cmc_no_core(void)
{
    const struct rlimit none = {0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}
