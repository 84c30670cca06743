/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/bed.c -- a host in /tmp, as a recorder and an administrator leave it. */
#include "tests/unit/attest/prove/bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "measure/config.h"
#include "measure/config_cmc.h"
#include "record/details.h"

enum { FILE_MAX = 1 << 20, DETAILS_QUOTA = 64 << 20, YEAR_S = 365 * 86400 };

static X509 *certify(EVP_PKEY *key, const char *cn, EVP_PKEY *issuer_key, X509 *issuer)
{
    static long serial;
    X509 *cert = X509_new();
    assert_non_null(cert);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    (void)X509_set_version(cert, X509_VERSION_3);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), YEAR_S);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                     (const unsigned char *)cn, -1, -1, 0);
    (void)X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    (void)X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    return cert;
}

void bed_init(struct bed *b, enum measure_profile profile)
{
    *b = (struct bed){.dir = "/tmp/cmc-prove-XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->run, sizeof(b->run), "%s/run", b->dir);
    (void)snprintf(b->state, sizeof(b->state), "%s/lib", b->dir);
    (void)snprintf(b->storage, sizeof(b->storage), "%s/ak", b->dir);
    assert_int_equal(mkdir(b->run, 0750), 0);
    logs_init(&b->log, 2);
    b->log.profile = profile;
    logs_usual(&b->log);
    b->cfg = (struct prove_config){.driver = "sw",
                                   .storage = b->storage,
                                   .runtime_dir = b->run,
                                   .state_dir = b->state,
                                   .host = "host.example",
                                   .bank = CMC_ALG_SHA256,
                                   .pcr = 13,
                                   .exclude = PROVE_EXCLUDE};
    b->ca = EVP_EC_gen("P-256");
    assert_non_null(b->ca);
    b->root = certify(b->ca, "test CA", b->ca, NULL);
}

void bed_done(struct bed *b)
{
    logs_done(&b->log);
    EVP_PKEY_free(b->ca);
    X509_free(b->root);
}

void bed_save(const char *dir, const char *name, const void *data, size_t len, unsigned mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
}

void bed_read(const char *dir, const char *name, struct cmc_buf *out)
{
    char path[160];
    struct cmc_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    *out = cmc_buf_of(FILE_MAX);
    assert_int_equal(cmc_buf_read(out, fd, name, &err), 0);
}

void bed_write(const struct bed *b)
{
    bed_save(b->run, "log", b->log.bytes.data, b->log.bytes.len, 0640);
}

void bed_certify(const struct bed *b, const struct cmc_buf *csr, struct cmc_buf *chain)
{
    BIO *in = BIO_new_mem_buf(csr->data, (int)csr->len), *out = BIO_new(BIO_s_mem());
    X509_REQ *req = PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);
    char *text = NULL;
    assert_non_null(req);
    X509 *leaf = certify(X509_REQ_get0_pubkey(req), "host AK", b->ca, b->root);
    assert_true(PEM_write_bio_X509(out, leaf) && PEM_write_bio_X509(out, b->root));
    const long len = BIO_get_mem_data(out, &text);
    cmc_put(chain, text, (size_t)len);
    X509_free(leaf);
    X509_REQ_free(req);
    BIO_free_all(in);
    BIO_free_all(out);
}

struct prove *bed_open(const struct bed *b)
{
    struct cmc_err err = {0};
    struct prove *p = NULL;
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(FILE_MAX);
    cmc_autobuf struct cmc_buf chain = cmc_buf_of(FILE_MAX);
    if (prove_create_key(&b->cfg, NULL, &csr, &err) < 0)
        fail_msg("%s", err.msg);
    bed_certify(b, &csr, &chain);
    if (prove_install(&b->cfg, chain.data, chain.len, &err) < 0 ||
        prove_open(&b->cfg, &p, &err) < 0)
        fail_msg("%s", err.msg);
    return p;
}

void bed_put(struct bed *b, struct measure_event *ev)
{
    logs_intent(&b->log, ev);
    logs_mark(&b->log, MEASURE_MARK_DONE);
}

static void measure(const struct bed *b, const char *config, const uint8_t *key,
                    struct measure_config *out)
{
    struct cmc_err err = {0};
    const struct measure_config_opts opts = {.container_id = "c1", .redaction_key = key};
    const struct measure_config_cmc_opts cmc = {.container_id = "c1"};
    const int rc = b->log.profile == MEASURE_PROFILE_CMC
                       ? measure_config_cmc(config, strlen(config), &cmc, out, &err)
                       : measure_config(config, strlen(config), &opts, out, &err);
    if (rc < 0)
        fail_msg("%s", err.msg);
}

void bed_create(struct bed *b, const char *config, const uint8_t *redaction_key,
                uint8_t digest[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    struct measure_config c;
    char details[64];
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    measure(b, config, redaction_key, &c);
    (void)snprintf(details, sizeof(details), "%s/details", b->state);
    if (record_details_put(details, "config", c.digest, c.detail.data, c.detail.len, DETAILS_QUOTA,
                           &err) < 0)
        fail_msg("%s", err.msg);
    ev.has_config = true;
    memcpy(ev.config, c.digest, sizeof(ev.config));
    memcpy(digest, c.digest, CMC_SHA256_LEN);
    measure_config_key_id(redaction_key, ev.key_id);
    measure_config_done(&c);
    bed_put(b, &ev);
}
