/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/driver_tpm.c -- the attestation key is in the TPM; a file holds what loads it. */
#include <string.h>

#include "attest/prove/parts.h"

enum { FILE_MAX = 16384 };
static const char file[] = "tpm_ak_encrypted.json";

static int load_key(struct prove *p, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(FILE_MAX);
    int found = prove_file_read(p->cfg.storage, file, FILE_MAX, &json, err);
    if (found <= 0)
        return found;
    if (prove_ak_parse(json.data, json.len, &p->ak, err) < 0 ||
        prove_key_of_ak(&p->ak, &p->key, err) < 0)
        return cmc_wrap(err, "%.200s/%s", p->cfg.storage, file);
    return 1;
}

static int make(struct prove *p, const char *alg, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(FILE_MAX);
    const bool rsa = alg && strcmp(alg, "rsa2048") == 0;
    if (alg && !rsa && strcmp(alg, "ecdsa-p256") != 0)
        return cmc_fail(err, CMC_E_USAGE,
                        "attestation key: algorithm %.40s: expected ecdsa-p256 or rsa2048", alg);
    if (tpm_ak_create(p->cfg.tcti, rsa ? TPM_AK_RSA_2048 : TPM_AK_ECDSA_P256, &p->ak, err) < 0 ||
        prove_key_of_ak(&p->ak, &p->key, err) < 0 || prove_ak_put_json(&p->ak, &json, err) < 0)
        return -(int)err->code;
    return prove_file_write(p->cfg.storage, file, json.data, json.len, err);
}

static int check(struct prove *p, struct cmc_err *err)
{
    return tpm_ak_check(p->cfg.tcti, &p->ak, err);
}

static int sign(struct prove *p, const void *data, size_t len, struct tpm_signature *out,
                struct cmc_err *err)
{
    return tpm_ak_sign(p->cfg.tcti, &p->ak, data, len, out, err);
}

static int quote(struct prove *p, const struct tpm_quote_ask *ask, struct tpm_quote *out,
                 struct cmc_err *err)
{
    return tpm_quote(p->cfg.tcti, &p->ak, ask, out, err);
}

const struct prove_driver prove_driver_tpm = {.kind = "tpm",
                                              .chain = "tpm_ak_chain.pem",
                                              .load = load_key,
                                              .make = make,
                                              .check = check,
                                              .sign = sign,
                                              .quote = quote};
