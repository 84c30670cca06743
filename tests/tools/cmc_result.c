/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/cmc_result.c -- verifies reports of tests/fuzz/corpus/fuzz_cmc_verify. stdin: a file
 * name a line. stdout: two lines each: the result as JSON, the AttestationResult as hexadecimal
 * CBOR. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/verify/attestation_result.h"
#include "base/hex.h"
#include "tests/lib/cmc_roots.h"

enum { FILE_MAX = 1 << 20, OUT_MAX = 8 << 20 };

static int verify(const char *data, size_t len, const struct verify_policy *policy,
                  struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(OUT_MAX), cbor = cmc_buf_of(OUT_MAX);
    struct verify_result *r = NULL;
    uint8_t nonce[CMC_ROOTS_NONCE];
    memset(nonce, CMC_ROOTS_NONCE_BYTE, sizeof(nonce));
    int rc = verify_report(data, len, nonce, sizeof(nonce), policy, &r, err);
    if (rc < 0)
        return rc;
    rc = verify_result_put_json(r, &json, err);
    if (rc == 0)
        rc = verify_attestation_result_put(r, META_CBOR, &cbor, err);
    verify_result_free(r);
    if (rc < 0)
        return rc;
    printf("%.*s\n", (int)json.len, (const char *)json.data);
    for (size_t i = 0; i < cbor.len; i++)
        printf("%02x", cbor.data[i]);
    printf("\n");
    return 0;
}

static int run(const struct verify_policy *policy, struct cmc_err *err)
{
    static char data[FILE_MAX];
    char *line = NULL;
    size_t cap = 0;
    int rc = 0;
    for (ssize_t n; rc == 0 && (n = getline(&line, &cap, stdin)) > 0;) {
        line[n - 1] = '\0';
        FILE *f = fopen(line, "re");
        if (!f) {
            rc = cmc_fail(err, CMC_E_SYS, "%s", line);
            break;
        }
        const size_t len = fread(data, 1, sizeof(data), f);
        (void)fclose(f);
        rc = verify(data, len, policy, err);
    }
    free(line);
    return rc;
}

int main(void)
{
    struct meta_trust *t = NULL;
    struct cmc_err err = {0};
    int rc = meta_trust_new(CMC_ROOTS_NOW, &t, &err);
    if (rc == 0)
        rc =
            meta_trust_add_roots(t, META_ROLE_METADATA, metadata_root, strlen(metadata_root), &err);
    if (rc == 0)
        rc = meta_trust_add_roots(t, META_ROLE_AK, ak_root, strlen(ak_root), &err);
    const struct verify_policy policy = {.trust = t, .software = true};
    if (rc == 0)
        rc = run(&policy, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", err.msg);
    meta_trust_free(t);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
