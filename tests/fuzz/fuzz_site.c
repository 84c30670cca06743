/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as shim.json: what is accepted keeps the limits that programs rely on. */
#include <stdlib.h>
#include <string.h>

#include "base/site.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_path(const char *path, bool required)
{
    check(path || !required);
    if (path)
        check(path[0] == '/' && strlen(path) <= CMC_SITE_TEXT_MAX && !strstr(path, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmc_site s = {.pcr = 77};
    struct cmc_err err = {0};
    int rc = cmc_site_parse(size ? (const char *)data : "", size, &s, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    if (rc < 0) {
        check(s.pcr == 77 && err.msg[0]);
        return 0;
    }
    check(s.pcr < 24 && s.ignore_count <= 4 && s.details_quota <= INT64_MAX);
    check(strcmp(s.mode, "audit") == 0);
    check(strcmp(s.profile, "exact") == 0 || strcmp(s.profile, "cmc") == 0);
    check(s.file_max <= INT64_MAX);
    check_path(s.firmware_log, true);
    check_path(s.runtime_dir, true);
    check_path(s.state_dir, true);
    check_path(s.inner_shim, false);
    check_path(s.helper, false);
    check_path(s.log, false);
    check_path(s.redaction_key, false);
    check(!s.tcti || s.tcti[0]);
    cmc_site_done(&s);
    return 0;
}
