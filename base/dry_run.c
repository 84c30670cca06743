/* SPDX-License-Identifier: Apache-2.0 */
/* base/dry_run.c -- recognises dry runs. */
#include "base/dry_run.h"

#include <string.h>

bool cmc_dry_run_is_named(const char *id, const char *name)
{
    return strcmp(id, CMC_DRY_RUN) == 0 || (name && strcmp(name, CMC_DRY_RUN) == 0);
}

bool cmc_dry_run_is_written(const void *json, size_t len)
{
    /* Go's encoder puts no white space; inside a string the quotes would be escaped */
    static const char member[] = "\"io.kubernetes.cri.container-name\":\"" CMC_DRY_RUN "\"";
    return len > 0 && memmem(json, len, member, sizeof(member) - 1) != NULL;
}
