/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_sign.c -- what is signed verifies, in every algorithm; what no
 * verifier would accept is not signed. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "attest/meta/sign.h"
#include "base/cleanup.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

#define DAY INT64_C(86400)

static char top[] = "/tmp/cmc-test-sign-XXXXXX";
static struct meta_trust *trust;
static struct pki_cert root, ca;

static void put(const char *name, const char *text)
{
    cmc_autofd int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void put_key(const char *name, const char *kind)
{
    char *pem = pki_key_pem(pki_key(kind));
    put(name, pem);
    free(pem);
}

static void put_cert(const char *name, const struct pki_cert *c)
{
    char *pem = pki_pem(c);
    put(name, pem);
    free(pem);
}

static void put_leaf(const char *name, const struct pki_spec *spec)
{
    struct pki_cert leaf;
    pki_make(&leaf, spec, &ca);
    put_cert(name, &leaf);
    pki_done(&leaf);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static const char *large_ext(void)
{
    static char ext[10000] = PKI_METADATA "1.2.3.4=ASN1:UTF8String:";
    const size_t n = strlen(ext);
    memset(ext + n, 'x', sizeof(ext) - 2 - n);
    ext[sizeof(ext) - 2] = '\n';
    return ext;
}

static void put_files(void)
{
    static const char *const kinds[] = {"P-256", "P-384", "P-521", "RSA-2048", "P-256#2"};
    char name[32];
    for (size_t i = 0; i < ROWS(kinds); i++) {
        (void)snprintf(name, sizeof(name), "%s.key", kinds[i]);
        put_key(name, kinds[i]);
        (void)snprintf(name, sizeof(name), "%s.pem", kinds[i]);
        put_leaf(name, &(struct pki_spec){.name = kinds[i], .key = kinds[i], .ext = PKI_METADATA});
    }
    put_cert("ca.pem", &ca);
    put_cert("root.pem", &root);
    put_leaf("tls.pem", &(struct pki_spec){.name = "tls", .ext = PKI_LEAF});
    put_leaf("old.pem",
             &(struct pki_spec){.name = "old", .from = -2 * DAY, .to = -DAY, .ext = PKI_METADATA});
    put_leaf("new.pem",
             &(struct pki_spec){.name = "new", .from = DAY, .to = 2 * DAY, .ext = PKI_METADATA});
    put_leaf("weak.pem",
             &(struct pki_spec){.name = "weak", .key = "RSA-1024", .ext = PKI_METADATA});
    put_leaf("large.pem", &(struct pki_spec){.name = "large", .ext = large_ext()});
    struct pki_cert impostor;
    pki_make(&impostor, &(struct pki_spec){.name = "ca", .key = "P-384#other", .ext = PKI_CA},
             &root);
    put_cert("impostor.pem", &impostor);
    pki_done(&impostor);
    pki_make(&impostor, &(struct pki_spec){.name = "alias", .key = "P-256#ca", .ext = PKI_CA},
             &root);
    put_cert("alias.pem", &impostor);
    pki_done(&impostor);
    put_key("weak.key", "RSA-1024");
    put_key("odd.key", "ED25519");
    put("junk", "junk\n");
    put("empty", "");
}

static int set_up(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    pki_make(&root, &(struct pki_spec){.name = "root", .key = "P-384#root", .ext = PKI_CA}, NULL);
    pki_make(&ca, &(struct pki_spec){.name = "ca", .key = "P-256#ca", .ext = PKI_CA}, &root);
    if (!mkdtemp(top) || chdir(top) != 0)
        return -1;
    put_files();
    char *pem = pki_pem(&root);
    const int rc = meta_trust_new(PKI_NOW, &trust, &err) < 0
                       ? -1
                       : meta_trust_add_roots(trust, META_ROLE_METADATA, pem, strlen(pem), &err);
    free(pem);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    meta_trust_free(trust);
    pki_done(&root);
    pki_done(&ca);
    return chdir("/") == 0 ? nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

struct row {
    const char *name, *key, *alg;
    const char *chain[4]; /* NULL at the end */
    int want;             /* code; 0: signed */
    const char *text;     /* of the error; of the item in JSON */
};
static struct row rows[] = {
    {"P-256", "P-256.key", NULL, {"P-256.pem", "ca.pem"}, 0, ""},
    {"P-256 with the root", "P-256.key", NULL, {"P-256.pem", "ca.pem", "root.pem"}, 0, ""},
    {"P-384",
     "P-384.key",
     "",
     {"P-384.pem", "ca.pem"},
     CMC_E_USAGE,
     "algorithm \"\" is not one of"},
    {"P-384, by the key", "P-384.key", NULL, {"P-384.pem", "ca.pem"}, 0, ""},
    {"P-521", "P-521.key", "ES512", {"P-521.pem", "ca.pem"}, 0, ""},
    {"RSA", "RSA-2048.key", NULL, {"RSA-2048.pem", "ca.pem"}, 0, ""},
    {"RS512", "RSA-2048.key", "RS512", {"RSA-2048.pem", "ca.pem"}, 0, ""},
    {"PS256", "RSA-2048.key", "PS256", {"RSA-2048.pem", "ca.pem"}, 0, ""},
    {"PS512", "RSA-2048.key", "PS512", {"RSA-2048.pem", "ca.pem"}, 0, ""},
    {"ES384 with a P-256 key",
     "P-256.key",
     "ES384",
     {"P-256.pem"},
     CMC_E_USAGE,
     "key P-256.key: algorithm ES384 is not for this key"},
    {"PS256 with a curve",
     "P-256.key",
     "PS256",
     {"P-256.pem"},
     CMC_E_USAGE,
     "algorithm PS256 is not for this key"},
    {"unknown algorithm", "P-256.key", "HS256", {"P-256.pem"}, CMC_E_USAGE, "symmetric"},
    {"key of another certificate",
     "P-256.key",
     NULL,
     {"P-256#2.pem", "ca.pem"},
     CMC_E_VERIFY,
     "key P-256.key is not that of the certificate \"P-256#2\" (P-256#2.pem)"},
    {"disorder",
     "P-256.key",
     NULL,
     {"P-256.pem", "root.pem", "ca.pem"},
     CMC_E_VERIFY,
     "certificate \"P-256\" was not issued by \"root\", which follows it: give the chain leaf"},
    {"CA first", "P-256.key", NULL, {"ca.pem", "P-256.pem"}, CMC_E_VERIFY, "is not that of"},
    {"expired",
     "P-256.key",
     NULL,
     {"old.pem", "ca.pem"},
     CMC_E_VERIFY,
     "old.pem: certificate \"old\" has expired: it was valid until 2027-01-14T08:00:00Z"},
    {"not yet valid",
     "P-256.key",
     NULL,
     {"new.pem", "ca.pem"},
     CMC_E_VERIFY,
     "new.pem: certificate \"new\" is not yet valid: only from 2027-01-16T08:00:00Z"},
    {"weak certificate",
     "P-256.key",
     NULL,
     {"weak.pem", "ca.pem"},
     CMC_E_VERIFY,
     "weak.pem: certificate \"weak\": weak or oversized key"},
    {"large certificate",
     "P-256.key",
     NULL,
     {"large.pem", "ca.pem"},
     CMC_E_LIMIT,
     "large.pem: a certificate of more than 8192 bytes"},
    {"an issuer's key under another name",
     "P-256.key",
     NULL,
     {"P-256.pem", "alias.pem"},
     CMC_E_VERIFY,
     "certificate \"P-256\" was not issued by \"alias\""},
    {"an issuer of the same name",
     "P-256.key",
     NULL,
     {"P-256.pem", "impostor.pem"},
     CMC_E_VERIFY,
     "certificate \"P-256\" was not issued by \"ca\""},
    {"weak key", "weak.key", NULL, {"P-256.pem"}, CMC_E_VERIFY, "weak.key: weak or oversized key"},
    {"key of another kind", "odd.key", NULL, {"P-256.pem"}, CMC_E_VERIFY, "odd.key: a key of kind"},
    {"no key", "none.key", NULL, {"P-256.pem"}, CMC_E_SYS, "open none.key"},
    {"junk as key", "junk", NULL, {"P-256.pem"}, CMC_E_FORMAT, "junk holds no private key in PEM"},
    {"certificate as key", "P-256.pem", NULL, {"P-256.pem"}, CMC_E_FORMAT, "holds no private key"},
    {"directory as key", ".", NULL, {"P-256.pem"}, CMC_E_SYS, "read ."},
    {"no certificate", "P-256.key", NULL, {"none.pem"}, CMC_E_SYS, "open none.pem"},
    {"junk as certificate", "P-256.key", NULL, {"junk"}, CMC_E_FORMAT, "junk holds no certificate"},
    {"empty certificate",
     "P-256.key",
     NULL,
     {"P-256.pem", "empty"},
     CMC_E_FORMAT,
     "empty holds no"},
    {"endless key", "/dev/zero", NULL, {"P-256.pem"}, CMC_E_LIMIT, "/dev/zero has more than"},
};

static const char payload[] = "{\"type\":\"Manifest\"}";

static struct meta_signer signer_of(const struct row *t)
{
    struct meta_signer s = {.key = t->key, .chain = t->chain, .alg = t->alg};
    while (t->chain[s.chain_count])
        s.chain_count++;
    return s;
}

static int verify(const struct cmc_buf *item, size_t count, struct cmc_err *err)
{
    struct meta_verified v;
    if (meta_verify(item->data, item->len, trust, META_ROLE_METADATA, &v, err) < 0)
        return -(int)err->code;
    assert_int_equal(v.count, count);
    assert_int_equal(v.payload.len, strlen(payload));
    assert_memory_equal(v.payload.data, payload, strlen(payload));
    meta_verified_done(&v);
    return 0;
}

static void check_refused(const struct row *t, int rc, const struct cmc_err *err)
{
    assert_int_equal(rc, -t->want);
    if (!strstr(err->msg, t->text))
        fail_msg("said \"%s\", expected \"%s\"", err->msg, t->text);
}

static void sign_as(const struct row *t, enum meta_encoding encoding)
{
    const struct meta_signer s = signer_of(t);
    const struct meta_signing how = {&s, 1, encoding, PKI_NOW};
    struct cmc_err err = {0};
    struct cmc_buf item = {.len = 77};
    const int rc = meta_sign(payload, strlen(payload), &how, &item, &err);
    if (t->want) {
        check_refused(t, rc, &err);
        assert_int_equal(item.len, 77);
        return;
    }
    if (rc < 0 || verify(&item, 1, &err) < 0)
        fail_msg("refused: %s", err.msg);
    cmc_buf_done(&item);
}

static void run_row(void **state)
{
    sign_as(*state, META_JSON);
    sign_as(*state, META_CBOR);
}

static void several(void **state)
{
    (void)state;
    static const char *const one[] = {"P-256.pem", "ca.pem"}, *const two[] = {"RSA-2048.pem",
                                                                              "ca.pem"};
    static const char *const three[] = {"P-384.pem", "ca.pem"};
    static const struct meta_signer s[] = {{"P-256.key", one, 2, NULL},
                                           {"RSA-2048.key", two, 2, "PS256"},
                                           {"P-384.key", three, 2, NULL}};
    for (enum meta_encoding e = META_JSON; e <= META_CBOR; e++) {
        const struct meta_signing how = {s, ROWS(s), e, PKI_NOW};
        struct cmc_err err = {0};
        struct cmc_buf item;
        assert_int_equal(meta_sign(payload, strlen(payload), &how, &item, &err), 0);
        if (verify(&item, ROWS(s), &err) < 0)
            fail_msg("refused: %s", err.msg);
        cmc_buf_done(&item);
    }
}

static void how_many(void **state)
{
    (void)state;
    static const char *const chain[] = {"P-256.pem", "ca.pem"};
    struct meta_signer s[META_SIGNATURES_MAX + 1];
    for (size_t i = 0; i < ROWS(s); i++)
        s[i] = (struct meta_signer){"P-256.key", chain, 2, NULL};
    struct meta_signing how = {s, 0, META_JSON, PKI_NOW};
    struct cmc_err err = {0};
    struct cmc_buf item;
    assert_int_equal(meta_sign(payload, 2, &how, &item, &err), -CMC_E_USAGE);
    how.count = META_SIGNATURES_MAX + 1;
    assert_int_equal(meta_sign(payload, 2, &how, &item, &err), -CMC_E_USAGE);
    how.count = META_SIGNATURES_MAX;
    assert_int_equal(meta_sign(payload, strlen(payload), &how, &item, &err), 0);
    assert_int_equal(verify(&item, META_SIGNATURES_MAX, &err), 0);
    cmc_buf_done(&item);
}

/* The largest payload can be signed and verified in both forms; one byte more cannot. */
static void how_large(void **state)
{
    (void)state;
    static const char *const chain[] = {"P-256.pem", "ca.pem"};
    const struct meta_signer s = {"P-256.key", chain, 2, NULL};
    char *text = malloc(META_ITEM_MAX + 1);
    memset(text, 'x', META_ITEM_MAX + 1);
    for (enum meta_encoding e = META_JSON; e <= META_CBOR; e++) {
        const struct meta_signing how = {&s, 1, e, PKI_NOW};
        const size_t room = META_ITEM_MAX - 4096; /* for the rest of the item */
        struct cmc_err err = {0};
        struct cmc_buf item;
        struct meta_verified v;
        assert_int_equal(meta_sign(text, META_ITEM_MAX + 1, &how, &item, &err), -CMC_E_LIMIT);
        assert_int_equal(meta_sign(text, META_ITEM_MAX, &how, &item, &err), -CMC_E_LIMIT);
        if (e == META_CBOR) /* there is room to write it, and nobody would read it */
            assert_non_null(strstr(err.msg, "what was just signed: COSE_Sign of "));
        assert_int_equal(meta_sign(text, room, &how, &item, &err), 0);
        assert_int_equal(meta_verify(item.data, item.len, trust, META_ROLE_METADATA, &v, &err), 0);
        assert_int_equal(v.payload.len, room);
        meta_verified_done(&v);
        cmc_buf_done(&item);
    }
    free(text);
}

/* Without certificates: a bare key, as in evidence of software. */
static void bare(void **state)
{
    (void)state;
    const struct meta_signer s = {.key = "P-256.key"};
    char *pem = pki_public_pem(pki_key("P-256"));
    struct meta_key *key;
    struct cmc_err err = {0};
    assert_int_equal(meta_key_bare(pem, strlen(pem), &key, &err), 0);
    for (enum meta_encoding e = META_JSON; e <= META_CBOR; e++) {
        const struct meta_signing how = {&s, 1, e, PKI_NOW};
        struct cmc_buf item, got;
        assert_int_equal(meta_sign(payload, strlen(payload), &how, &item, &err), 0);
        assert_int_equal(verify(&item, 1, &err), -CMC_E_VERIFY);
        assert_int_equal(meta_verify_bare(item.data, item.len, key, &got, &err), 0);
        assert_memory_equal(got.data, payload, strlen(payload));
        cmc_buf_done(&got);
        cmc_buf_done(&item);
    }
    free(pem);
    meta_key_free(key);
}

/* What the tool warns of: signed, and refused by verifiers. */
static void may(void **state)
{
    (void)state;
    static const char *const good[] = {"P-256.pem", "ca.pem"}, *const tls[] = {"tls.pem", "ca.pem"};
    struct meta_signer s = {"P-256.key", good, 2, NULL};
    struct cmc_err err = {0};
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), 0);
    assert_int_equal(meta_signer_check(&s, META_ROLE_AK, PKI_NOW, &err), -CMC_E_VERIFY);
    s.chain = tls;
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "\"tls\" is not for metadata"));
    s.chain_count = 0;
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), -CMC_E_VERIFY);
    s.key = "junk";
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), -CMC_E_FORMAT);
}

static void too_many_certificates(void **state)
{
    (void)state;
    static const char *const chain[META_CERTS_MAX + 1] = {"P-256.pem", "ca.pem",   "root.pem",
                                                          "root.pem",  "root.pem", "root.pem",
                                                          "root.pem",  "root.pem", "root.pem"};
    const struct meta_signer s = {"P-256.key", chain, META_CERTS_MAX + 1, NULL};
    struct cmc_err err = {0};
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "root.pem: more than 8 certificates");
}

/* Whoever signed a signer's certificate must be a CA, although nobody asks for a root here. */
static void issued_by_no_ca(void **state)
{
    (void)state;
    static const char *const chain[] = {"odd-leaf.pem", "odd-ca.pem"};
    const struct meta_signer s = {"P-256.key", chain, 2, NULL};
    struct pki_cert odd, leaf;
    struct cmc_err err = {0};
    pki_make(&odd,
             &(struct pki_spec){.name = "odd", .ext = "[ext]\nkeyUsage=critical,keyCertSign\n"},
             &root);
    pki_make(&leaf, &(struct pki_spec){.name = "leaf", .key = "P-256", .ext = PKI_METADATA}, &odd);
    put_cert("odd-ca.pem", &odd);
    put_cert("odd-leaf.pem", &leaf);
    assert_int_equal(meta_signer_check(&s, META_ROLE_METADATA, PKI_NOW, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "certificate \"odd\" is not a CA's, and signed another one");
    pki_done(&odd);
    pki_done(&leaf);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(several),
        cmocka_unit_test(how_many),
        cmocka_unit_test(how_large),
        cmocka_unit_test(bare),
        cmocka_unit_test(may),
        cmocka_unit_test(issued_by_no_ca),
        cmocka_unit_test(too_many_certificates),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("attest/meta/sign", tests, set_up, tear_down);
}
