/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_ak_json.c -- the file of an attestation key: what is accepted is written again
 * and read as the same; the TPM's public part of it is never misread. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attest/prove/parts.h"

enum { FILE_MAX = 16384 };

static void check(const struct tpm_ak *ak)
{
    static struct tpm_ak again;
    struct cmc_err err = {0};
    struct tpm_ak_key key;
    cmc_autobuf struct cmc_buf json = cmc_buf_of(FILE_MAX), twice = cmc_buf_of(FILE_MAX);
    if (prove_ak_put_json(ak, &json, &err) < 0 ||
        prove_ak_parse(json.data, json.len, &again, &err) < 0 ||
        prove_ak_put_json(&again, &twice, &err) < 0 || twice.len != json.len ||
        memcmp(twice.data, json.data, json.len) != 0)
        abort();
    if (tpm_ak_public(ak, &key, &err) == 0) {
        EVP_PKEY *pkey = NULL;
        if (prove_key_of_ak(ak, &pkey, &err) == 0)
            EVP_PKEY_free(pkey);
    } else if (err.code == CMC_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tpm_ak ak;
    struct cmc_err err = {0};
    memset(&ak, 0, sizeof(ak));
    if (prove_ak_parse(data, size, &ak, &err) == 0)
        check(&ak);
    else if (err.code == CMC_OK || ak.handle || ak.pub.len)
        abort();
    return 0;
}
