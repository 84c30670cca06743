/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash.c -- digests by libcrypto.a's low-level functions.
 * EVP needs a library context, which costs 2 ms in each short-lived process
 * (docs/decisions/0002-low-level-digests.md). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <openssl/sha.h>
#include <string.h>

static const struct alg {
    uint16_t id;
    uint8_t size;
    char name[8];
} algs[] = {{CMC_ALG_SHA1, SHA_DIGEST_LENGTH, "sha1"},
            {CMC_ALG_SHA256, SHA256_DIGEST_LENGTH, "sha256"},
            {CMC_ALG_SHA384, SHA384_DIGEST_LENGTH, "sha384"},
            {CMC_ALG_SHA512, SHA512_DIGEST_LENGTH, "sha512"}};

static const struct alg *find(uint16_t id)
{
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
        if (algs[i].id == id)
            return &algs[i];
    return NULL;
}

size_t cmc_hash_size(uint16_t alg)
{
    const struct alg *a = find(alg);
    return a ? a->size : 0;
}

const char *cmc_hash_name(uint16_t alg)
{
    const struct alg *a = find(alg);
    return a ? a->name : NULL;
}

uint16_t cmc_hash_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
        if (strlen(algs[i].name) == len && memcmp(algs[i].name, name, len) == 0)
            return algs[i].id;
    return 0;
}

static void sha1_of(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    SHA_CTX c;
    (void)SHA1_Init(&c);
    (void)SHA1_Update(&c, a, a_len);
    (void)SHA1_Update(&c, b, b_len);
    (void)SHA1_Final(out, &c);
}

static void sha256_of(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    SHA256_CTX c;
    (void)SHA256_Init(&c);
    (void)SHA256_Update(&c, a, a_len);
    (void)SHA256_Update(&c, b, b_len);
    (void)SHA256_Final(out, &c);
}

static void sha512_of(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                      uint8_t *out)
{
    SHA512_CTX c; /* SHA-384 is SHA-512 with other start values, cut (FIPS 180-4, 5.3.4) */
    (void)(alg == CMC_ALG_SHA384 ? SHA384_Init(&c) : SHA512_Init(&c));
    (void)SHA512_Update(&c, a, a_len);
    (void)SHA512_Update(&c, b, b_len);
    (void)(alg == CMC_ALG_SHA384 ? SHA384_Final(out, &c) : SHA512_Final(out, &c));
}

/* NOLINTNEXTLINE(readability-function-size): two inputs, so that nobody has to join them first */
int cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out,
              struct cmc_err *err)
{
    switch (alg) {
    case CMC_ALG_SHA1:
        sha1_of(a, a_len, b, b_len, out);
        return 0;
    case CMC_ALG_SHA256:
        sha256_of(a, a_len, b, b_len, out);
        return 0;
    case CMC_ALG_SHA384:
    case CMC_ALG_SHA512:
        sha512_of(alg, a, a_len, b, b_len, out);
        return 0;
    default:
        return cmc_fail(err, CMC_E_USAGE, "digest algorithm 0x%04x is not known", alg);
    }
}

void cmc_sha256(const void *data, size_t len, uint8_t out[static CMC_SHA256_LEN])
{
    sha256_of(data, len, NULL, 0, out);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct cmc_sha256_ctx), "SHA256_CTX fits");

void cmc_sha256_init(struct cmc_sha256_ctx *c)
{
    (void)SHA256_Init((SHA256_CTX *)c);
}

void cmc_sha256_add(struct cmc_sha256_ctx *c, const void *data, size_t len)
{
    (void)SHA256_Update((SHA256_CTX *)c, data, len);
}

void cmc_sha256_end(struct cmc_sha256_ctx *c, uint8_t out[static CMC_SHA256_LEN])
{
    (void)SHA256_Final(out, (SHA256_CTX *)c);
}

void cmc_hmac_sha256(const uint8_t key[static 32], const void *data, size_t len,
                     uint8_t out[static CMC_SHA256_LEN])
{
    uint8_t pad[SHA256_CBLOCK] = {0}, inner[CMC_SHA256_LEN];
    memcpy(pad, key, 32);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36;
    sha256_of(pad, sizeof(pad), data, len, inner);
    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sha256_of(pad, sizeof(pad), inner, sizeof(inner), out);
    explicit_bzero(pad, sizeof(pad));
}
