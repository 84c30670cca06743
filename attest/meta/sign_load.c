/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign_load.c -- reads a signer's files, and refuses what no verifier would accept. */
#include "attest/meta/sign_load.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest/meta/trust_check.h"

enum { FILE_MAX = 64 << 10 };

struct secret { /* a file's bytes, in one piece that is wiped */
    uint8_t *data;
    size_t len;
};

static void secret_done(struct secret *s)
{
    OPENSSL_clear_free(s->data, FILE_MAX + 1);
}

static int read_file(const char *path, struct secret *out, struct cmc_err *err)
{
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    out->data = OPENSSL_zalloc(FILE_MAX + 1);
    if (!out->data)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    ssize_t n = 1;
    while (n > 0 && out->len <= FILE_MAX) {
        n = read(fd, out->data + out->len, FILE_MAX + 1 - out->len);
        if (n < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "read %s", path);
        out->len += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n; /* interrupted: again */
    }
    if (out->len > FILE_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%s has more than %d bytes", path, FILE_MAX);
    return 0;
}

static int load_key(const char *path, EVP_PKEY **out, struct cmc_err *err)
{
    CMC_CLEANUP(secret_done) struct secret pem = {.len = 0};
    if (read_file(path, &pem, err) < 0)
        return -(int)err->code;
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    CMC_CLEANUP(meta_pkey_freep)
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, meta_ossl_no_pass, NULL) : NULL;
    if (!pkey)
        return meta_ossl_fail(err, CMC_E_FORMAT, "%s holds no private key in PEM, not encrypted",
                              path);
    if (meta_key_strong(pkey, err) < 0)
        return cmc_wrap(err, "%s", path);
    *out = CMC_TAKE_PTR(pkey);
    return 0;
}

static int take_cert(struct meta_loaded *l, X509 **cert, int64_t now, struct cmc_err *err)
{
    if (l->count == META_CERTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d certificates", META_CERTS_MAX);
    if (i2d_X509(*cert, NULL) > META_CERT_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a certificate of more than %d bytes",
                        META_CERT_BYTES_MAX);
    if (meta_check_cert(*cert, err) < 0 || meta_check_time(*cert, now, err) < 0)
        return -(int)err->code;
    l->cert[l->count++] = CMC_TAKE_PTR(*cert);
    return 0;
}

/* All certificates of a file, in their order. */
static int load_certs(const char *path, struct meta_loaded *l, int64_t now, struct cmc_err *err)
{
    CMC_CLEANUP(secret_done) struct secret pem = {.len = 0};
    const size_t before = l->count;
    if (read_file(path, &pem, err) < 0)
        return -(int)err->code;
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    for (;;) {
        CMC_CLEANUP(meta_x509_freep)
        X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, meta_ossl_no_pass, NULL) : NULL;
        if (!cert && l->count > before &&
            ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
            break;
        if (!cert)
            return meta_ossl_fail(err, CMC_E_FORMAT, "%s holds no certificate in PEM", path);
        if (take_cert(l, &cert, now, err) < 0)
            return cmc_wrap(err, "%s", path);
    }
    ERR_clear_error();
    return 0;
}

/* Each certificate's issuer is the next one: that is how verifiers read a chain. */
static int check_chain(const struct meta_loaded *l, struct cmc_err *err)
{
    char name[META_OSSL_NAME_CAP], issuer[META_OSSL_NAME_CAP];
    for (size_t i = 0; i + 1 < l->count; i++) {
        const bool good = X509_check_issued(l->cert[i + 1], l->cert[i]) == X509_V_OK &&
                          X509_verify(l->cert[i], X509_get0_pubkey(l->cert[i + 1])) == 1;
        ERR_clear_error();
        if (good)
            continue;
        meta_ossl_name(X509_get_subject_name(l->cert[i]), name);
        meta_ossl_name(X509_get_subject_name(l->cert[i + 1]), issuer);
        return cmc_fail(err, CMC_E_VERIFY,
                        "certificate \"%.100s\" was not issued by \"%.100s\", which follows it: "
                        "give the chain leaf first",
                        name, issuer);
    }
    return 0;
}

static int check_pair(const struct meta_signer *signer, const struct meta_loaded *l,
                      struct cmc_err *err)
{
    char name[META_OSSL_NAME_CAP];
    if (l->count == 0 || X509_check_private_key(l->cert[0], l->pkey) == 1)
        return 0;
    ERR_clear_error();
    meta_ossl_name(X509_get_subject_name(l->cert[0]), name);
    return cmc_fail(err, CMC_E_VERIFY, "key %s is not that of the certificate \"%s\" (%s)",
                    signer->key, name, signer->chain[0]);
}

static int choose_alg(const struct meta_signer *signer, struct meta_loaded *l, struct cmc_err *err)
{
    l->alg = meta_alg_of_key(l->pkey);
    if (signer->alg && (meta_alg_by_name(signer->alg, &l->alg, err) < 0 ||
                        meta_alg_fits(l->alg, l->pkey, err) < 0)) {
        err->code = CMC_E_USAGE; /* the caller's choice, not an item's */
        return cmc_wrap(err, "key %s", signer->key);
    }
    return l->alg ? 0
                  : cmc_fail(err, CMC_E_USAGE, "key %s: no algorithm is for this key", signer->key);
}

int meta_sign_load(const struct meta_signer *signer, int64_t now, struct meta_loaded *out,
                   struct cmc_err *err)
{
    CMC_CLEANUP(meta_loaded_done) struct meta_loaded l = {.count = 0};
    if (load_key(signer->key, &l.pkey, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < signer->chain_count; i++)
        if (load_certs(signer->chain[i], &l, now, err) < 0)
            return -(int)err->code;
    if (check_pair(signer, &l, err) < 0 || check_chain(&l, err) < 0 ||
        choose_alg(signer, &l, err) < 0)
        return -(int)err->code;
    *out = l;
    l = (struct meta_loaded){.count = 0};
    return 0;
}

void meta_loaded_done(struct meta_loaded *l)
{
    for (size_t i = 0; i < l->count; i++)
        X509_free(l->cert[i]);
    EVP_PKEY_free(l->pkey);
    *l = (struct meta_loaded){.count = 0};
}

int meta_signer_check(const struct meta_signer *signer, enum meta_role role, int64_t now,
                      struct cmc_err *err)
{
    CMC_CLEANUP(meta_loaded_done) struct meta_loaded l = {.count = 0};
    if (meta_sign_load(signer, now, &l, err) < 0)
        return -(int)err->code;
    STACK_OF(X509) *path = sk_X509_new_reserve(NULL, META_CERTS_MAX);
    for (size_t i = 0; path && i < l.count; i++)
        (void)sk_X509_push(path, l.cert[i]); /* reserved: cannot fail */
    const int rc = !path          ? cmc_fail(err, CMC_E_LIMIT, "out of memory")
                   : l.count == 0 ? cmc_fail(err, CMC_E_VERIFY, "no certificate")
                                  : meta_check_usage(path, role, err);
    sk_X509_free(path);
    return rc;
}
