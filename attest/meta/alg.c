/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/alg.c -- the signature algorithms of items, and which key may use which. */
#include "attest/meta/alg.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"

enum { SHOWN_MAX = 32 }; /* bytes of an unknown name */

static const struct meta_alg algs[] = {
    {"ES256", -7, META_ECDSA, CMC_ALG_SHA256, 32},
    {"ES384", -35, META_ECDSA, CMC_ALG_SHA384, 48},
    {"ES512", -36, META_ECDSA, CMC_ALG_SHA512, 66},
    {"RS256", -257, META_RSASSA, CMC_ALG_SHA256, 0},
    {"RS512", -259, META_RSASSA, CMC_ALG_SHA512, 0},
    {"PS256", -37, META_RSAPSS, CMC_ALG_SHA256, 0},
    {"PS384", -38, META_RSAPSS, CMC_ALG_SHA384, 0},
    {"PS512", -39, META_RSAPSS, CMC_ALG_SHA512, 0},
};
enum { ALGS = sizeof(algs) / sizeof(algs[0]) };
static const char known[] = "ES256, ES384, ES512, RS256, RS512, PS256, PS384, PS512";

int meta_alg_by_name(const char *name, const struct meta_alg **out, struct cmc_err *err)
{
    for (size_t i = 0; i < ALGS; i++)
        if (strcmp(algs[i].name, name) == 0) {
            *out = &algs[i];
            return 0;
        }
    if (strcasecmp(name, "none") == 0)
        return cmc_fail(err, CMC_E_VERIFY, "algorithm none: the item is not signed");
    if (strncmp(name, "HS", 2) == 0)
        return cmc_fail(err, CMC_E_VERIFY,
                        "a symmetric algorithm: whoever can verify with it can sign with it");
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4 * SHOWN_MAX + 4);
    cmc_put_safe(&b, name, strlen(name), SHOWN_MAX);
    return cmc_fail(err, CMC_E_VERIFY, "algorithm \"%.*s\" is not one of %s", (int)b.len,
                    (const char *)b.data, known);
}

int meta_alg_by_cose(int64_t id, const struct meta_alg **out, struct cmc_err *err)
{
    for (size_t i = 0; i < ALGS; i++)
        if (algs[i].cose == id) {
            *out = &algs[i];
            return 0;
        }
    if (id >= 4 && id <= 7) /* RFC 9053 section 3.1 */
        return cmc_fail(err, CMC_E_VERIFY,
                        "a symmetric algorithm: whoever can verify with it can sign with it");
    return cmc_fail(err, CMC_E_VERIFY, "algorithm %" PRId64 " is not one of %s", id, known);
}

const struct meta_alg *meta_alg_of_key(const EVP_PKEY *pkey)
{
    const size_t n = meta_key_curve_bytes(pkey);
    for (size_t i = 0; i < ALGS; i++)
        if (algs[i].curve_bytes == n)
            return &algs[i];
    return NULL;
}

int meta_alg_fits(const struct meta_alg *alg, const EVP_PKEY *pkey, struct cmc_err *err)
{
    const size_t n = meta_key_curve_bytes(pkey);
    if (n == alg->curve_bytes)
        return 0;
    return cmc_fail(err, CMC_E_VERIFY, "algorithm %s is not for this key, which is %s of %d bits",
                    alg->name, n ? "an elliptic curve" : "RSA", EVP_PKEY_get_bits(pkey));
}
