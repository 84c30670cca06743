/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/oci_rules.c -- judges many configurations by rules, for comparison with the oracle.
 * stdin: lines {"reference":…,"measured":…,"rules":…}. stdout: a line each: "allowed", the path of
 * the first violation, or "wrong". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/verify/rules.h"

static int answer(const char *line, size_t len)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    char path[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    if (cmc_json_parse(line, len, &doc, &root, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    const int rc =
        verify_rules_check(cmc_json_member(root, "reference"), cmc_json_member(root, "measured"),
                           cmc_json_member(root, "rules"), path, &err);
    (void)puts(rc == 0 ? "allowed" : rc == -CMC_E_VERIFY ? path : "wrong");
    return 0;
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    int rc = 0;
    for (ssize_t n; rc == 0 && (n = getline(&line, &cap, stdin)) > 0;)
        rc = answer(line, (size_t)n);
    free(line);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
