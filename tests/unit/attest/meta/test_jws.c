/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_jws.c -- what a JWS may be, and each thing that it must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/meta/sign.h"
#include "base/hex.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

enum { TEXT_MAX = 1 << 20 };

#define FLAT      "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"@S\"}"
#define GENERAL   "{\"payload\":\"@P\",\"signatures\":[{\"protected\":\"@H\",\"signature\":\"@S\"}]}"
#define HEAD(alg) "{\"alg\":\"" alg "\",\"x5c\":[@C]}"

struct row {
    const char *name;
    const char *key, *digest; /* NULL: P-256, SHA256 */
    const char *head;         /* @C: the chain; NULL: ES256 */
    const char *item;         /* @P payload, @H header, @S signature; NULL: flattened */
    const char *text;
    int pss;  /* length of the salt; 0: no PSS */
    int want; /* code; 0: it holds */
};

static struct row rows[] = {
    {.name = "ES256"},
    {.name = "ES256, general", .item = GENERAL},
    {.name = "ES384", .key = "P-384", .digest = "SHA384", .head = HEAD("ES384")},
    {.name = "ES512", .key = "P-521", .digest = "SHA512", .head = HEAD("ES512")},
    {.name = "RS256", .key = "RSA-2048", .head = HEAD("RS256")},
    {.name = "RS512", .key = "RSA-2048", .digest = "SHA512", .head = HEAD("RS512")},
    {.name = "PS256", .key = "RSA-2048", .pss = 32, .head = HEAD("PS256")},
    {.name = "PS384", .key = "RSA-2048", .digest = "SHA384", .pss = 48, .head = HEAD("PS384")},
    {.name = "PS512", .key = "RSA-2048", .digest = "SHA512", .pss = 64, .head = HEAD("PS512")},
    {.name = "white space and order",
     .item = " {\n\"signature\": \"@S\" ,\"protected\":\"@H\", \"payload\":\"@P\"} \n"},

    /* algorithms */
    {.name = "alg none",
     .head = HEAD("none"),
     .want = CMC_E_VERIFY,
     .text = "JWS: protected header: algorithm none: the item is not signed"},
    {.name = "alg None", .head = HEAD("None"), .want = CMC_E_VERIFY, .text = "algorithm none"},
    {.name = "alg none without signature",
     .head = "{\"alg\":\"none\"}",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"\"}",
     .want = CMC_E_VERIFY,
     .text = "algorithm none"},
    {.name = "alg HS256",
     .head = HEAD("HS256"),
     .want = CMC_E_VERIFY,
     .text = "a symmetric algorithm: whoever can verify with it can sign with it"},
    {.name = "alg EdDSA",
     .head = HEAD("EdDSA"),
     .want = CMC_E_VERIFY,
     .text = "algorithm \"EdDSA\" is not one of ES256"},
    {.name = "alg RS384", .head = HEAD("RS384"), .want = CMC_E_VERIFY, .text = "\"RS384\" is not"},
    {.name = "alg with a control character",
     .head = HEAD("\\u001b[2J"),
     .want = CMC_E_VERIFY,
     .text = "algorithm \"\\x1b[2J\" is not"},
    {.name = "alg in lower case", .head = HEAD("es256"), .want = CMC_E_VERIFY, .text = "\"es256\""},
    {.name = "no alg",
     .head = "{\"x5c\":[@C]}",
     .want = CMC_E_FORMAT,
     .text = "protected header: alg: missing"},
    {.name = "alg a number",
     .head = "{\"alg\":7,\"x5c\":[@C]}",
     .want = CMC_E_FORMAT,
     .text = "alg: of another type"},
    {.name = "curve of another algorithm",
     .key = "P-384",
     .head = HEAD("ES256"),
     .want = CMC_E_VERIFY,
     .text = "algorithm ES256 is not for this key, which is an elliptic curve of 384 bits"},
    {.name = "RSA algorithm, curve's key",
     .head = HEAD("RS256"),
     .want = CMC_E_VERIFY,
     .text = "algorithm RS256 is not for this key"},
    {.name = "curve's algorithm, RSA key",
     .key = "RSA-2048",
     .head = HEAD("ES256"),
     .want = CMC_E_VERIFY,
     .text = "algorithm ES256 is not for this key, which is RSA of 2048 bits"},
    {.name = "RS256 said, RS512 made",
     .key = "RSA-2048",
     .digest = "SHA512",
     .head = HEAD("RS256"),
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "PS256 said, RS256 made",
     .key = "RSA-2048",
     .head = HEAD("PS256"),
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "PS256 with another salt",
     .key = "RSA-2048",
     .pss = 20,
     .head = HEAD("PS256"),
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},

    /* headers */
    {.name = "crit",
     .head = "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"x5c\":[@C]}",
     .want = CMC_E_VERIFY,
     .text = "protected header: has extensions that a verifier must know (crit)"},
    {.name = "jwk",
     .head = "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"}}",
     .want = CMC_E_VERIFY,
     .text = "protected header: has its own key (jwk)"},
    {.name = "jwk beside x5c",
     .head = "{\"alg\":\"ES256\",\"jwk\":{},\"x5c\":[@C]}",
     .want = CMC_E_VERIFY,
     .text = "has its own key (jwk)"},
    {.name = "jku",
     .head = "{\"alg\":\"ES256\",\"jku\":\"https://x\",\"x5c\":[@C]}",
     .want = CMC_E_VERIFY,
     .text = "has a place to fetch keys from (jku)"},
    {.name = "x5u",
     .head = "{\"alg\":\"ES256\",\"x5u\":\"https://x\"}",
     .want = CMC_E_VERIFY,
     .text = "has a place to fetch certificates from (x5u)"},
    {.name = "kid only",
     .head = "{\"alg\":\"ES256\",\"kid\":\"1\"}",
     .want = CMC_E_VERIFY,
     .text = "has the name of a key (kid)"},
    {.name = "b64",
     .head = "{\"alg\":\"ES256\",\"b64\":false,\"x5c\":[@C]}",
     .want = CMC_E_VERIFY,
     .text = "has an unencoded payload (b64)"},
    {.name = "member nobody knows",
     .head = "{\"alg\":\"ES256\",\"foo\":1,\"x5c\":[@C]}",
     .want = CMC_E_VERIFY,
     .text = "has a member that no item has: $.foo"},
    {.name = "no certificate",
     .head = "{\"alg\":\"ES256\"}",
     .want = CMC_E_VERIFY,
     .text = "no certificate: nobody vouches for the key"},
    {.name = "no certificate in x5c",
     .head = "{\"alg\":\"ES256\",\"x5c\":[]}",
     .want = CMC_E_VERIFY,
     .text = "x5c: 0 certificates, need 1 to 8"},
    {.name = "x5c a string",
     .head = "{\"alg\":\"ES256\",\"x5c\":\"x\"}",
     .want = CMC_E_FORMAT,
     .text = "x5c: of another type"},
    {.name = "x5c with a number",
     .head = "{\"alg\":\"ES256\",\"x5c\":[1]}",
     .want = CMC_E_FORMAT,
     .text = "x5c: an element that is no string"},
    {.name = "x5c of nine",
     .head = "{\"alg\":\"ES256\",\"x5c\":[@C,@C,@C,@C,@C]}",
     .want = CMC_E_LIMIT,
     .text = "x5c: 10 certificates"},
    {.name = "x5c in base64url",
     .head = "{\"alg\":\"ES256\",\"x5c\":[\"-_-_\"]}",
     .want = CMC_E_FORMAT,
     .text = "protected header: x5c"},
    {.name = "certificates doubled",
     .head = "{\"alg\":\"ES256\",\"x5c\":[@C,@C]}",
     .want = CMC_E_VERIFY,
     .text = "was not issued by"},
    {.name = "header with a member twice",
     .head = "{\"alg\":\"none\",\"alg\":\"ES256\",\"x5c\":[@C]}",
     .want = CMC_E_FORMAT,
     .text = "has this member twice"},
    {.name = "header with padding",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H=\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "JWS: protected: "},
    {.name = "header no object",
     .head = "[]",
     .want = CMC_E_FORMAT,
     .text = "header: is no object"},
    {.name = "header no JSON",
     .head = "x",
     .want = CMC_E_FORMAT,
     .text = "protected header: line 1"},

    /* items */
    {.name = "unprotected header",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"header\":{\"alg\":\"none\"},"
             "\"signature\":\"@S\"}",
     .want = CMC_E_VERIFY,
     .text = "JWS: has an unprotected header: nothing is read that is not signed"},
    {.name = "unprotected header, general",
     .item = "{\"payload\":\"@P\",\"signatures\":[{\"protected\":\"@H\",\"header\":{},"
             "\"signature\":\"@S\"}]}",
     .want = CMC_E_VERIFY,
     .text = "JWS: signature 1: has an unprotected header"},
    {.name = "everything unprotected",
     .item = "{\"payload\":\"@P\",\"header\":{\"alg\":\"ES256\"},\"signature\":\"@S\"}",
     .want = CMC_E_VERIFY,
     .text = "has an unprotected header"},
    {.name = "both shapes",
     .item = "{\"payload\":\"@P\",\"signatures\":[],\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_VERIFY,
     .text = "has a member that no item has: $.protected"},
    {.name = "no signatures",
     .item = "{\"payload\":\"@P\",\"signatures\":[]}",
     .want = CMC_E_VERIFY,
     .text = "0 signatures, need 1 to 8"},
    {.name = "signatures no array",
     .item = "{\"payload\":\"@P\",\"signatures\":{}}",
     .want = CMC_E_FORMAT,
     .text = "signatures: of another type"},
    {.name = "a signature that is no object",
     .item = "{\"payload\":\"@P\",\"signatures\":[7]}",
     .want = CMC_E_FORMAT,
     .text = "signature 1 is no object"},
    {.name = "nine signatures",
     .item = "{\"payload\":\"@P\",\"signatures\":[{},{},{},{},{},{},{},{},{}]}",
     .want = CMC_E_LIMIT,
     .text = "9 signatures"},
    {.name = "second signature is bad",
     .item = "{\"payload\":\"@P\",\"signatures\":[{\"protected\":\"@H\",\"signature\":\"@S\"},"
             "{\"protected\":\"@H\",\"signature\":\"@Z\"}]}",
     .want = CMC_E_VERIFY,
     .text = "signature 2: signature does not hold"},
    {.name = "first signature is bad",
     .item = "{\"payload\":\"@P\",\"signatures\":[{\"protected\":\"@H\",\"signature\":\"@Z\"},"
             "{\"protected\":\"@H\",\"signature\":\"@S\"}]}",
     .want = CMC_E_VERIFY,
     .text = "signature 1: signature does not hold"},
    {.name = "compact", .item = "@H.@P.@S", .want = CMC_E_FORMAT, .text = "neither JSON"},
    {.name = "array", .item = "[]", .want = CMC_E_FORMAT, .text = "JWS: is no object"},
    {.name = "payload missing",
     .item = "{\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "payload: missing"},
    {.name = "signature missing",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\"}",
     .want = CMC_E_FORMAT,
     .text = "signature: missing"},
    {.name = "member twice",
     .item = "{\"payload\":\"@P\",\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "has this member twice"},
    {.name = "trailing data", .item = FLAT "{}", .want = CMC_E_FORMAT, .text = "more follows"},
    {.name = "extra member",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"@S\",\"x\":1}",
     .want = CMC_E_VERIFY,
     .text = "has a member that no item has: $.x"},

    /* bytes */
    {.name = "other payload",
     .item = "{\"payload\":\"e30\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "padding",
     .item = "{\"payload\":\"e30=\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "payload"},
    {.name = "standard alphabet",
     .item = "{\"payload\":\"++//\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "payload"},
    {.name = "bits that belong to no byte",
     .item = "{\"payload\":\"e31\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "payload"},
    {.name = "white space in base64",
     .item = "{\"payload\":\"e3 0\",\"protected\":\"@H\",\"signature\":\"@S\"}",
     .want = CMC_E_FORMAT,
     .text = "payload"},
    {.name = "signature in base64 with padding",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"@S==\"}",
     .want = CMC_E_FORMAT,
     .text = "signature"},
    {.name = "signature of another length",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"AAAA\"}",
     .want = CMC_E_VERIFY,
     .text = "signature of 3 bytes, the key's are 64"},
    {.name = "signature of zeros",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"@Z\"}",
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "no signature",
     .item = "{\"payload\":\"@P\",\"protected\":\"@H\",\"signature\":\"\"}",
     .want = CMC_E_VERIFY,
     .text = "signature of 0 bytes"},
};

static const char payload[] = "{\"type\":\"Manifest\"}";
static struct pki_cert root, leaf;
static struct meta_trust *trust;

struct parts {
    const char *letter, *text[8];
};

/* Replaces each @X by its text. */
static void expand(struct cmc_buf *out, const char *template, const struct parts *parts)
{
    for (const char *p = template; *p; p++) {
        const char *which = p[0] == '@' ? strchr(parts->letter, p[1]) : NULL;
        if (!which) {
            cmc_put_u8(out, (uint8_t)*p);
            continue;
        }
        cmc_put_text(out, parts->text[which - parts->letter]);
        p++;
    }
}

static char *base64url(const void *data, size_t len)
{
    struct cmc_buf b = cmc_buf_of(TEXT_MAX);
    cmc_put_base64url(&b, data, len);
    cmc_put_u8(&b, 0);
    return (char *)b.data;
}

static char *chain_text(void)
{
    struct cmc_buf b = cmc_buf_of(TEXT_MAX);
    cmc_put_text(&b, "\"");
    cmc_put_base64(&b, leaf.der, leaf.len);
    cmc_put_text(&b, "\",\"");
    cmc_put_base64(&b, root.der, root.len);
    cmc_put_text(&b, "\"");
    cmc_put_u8(&b, 0);
    return (char *)b.data;
}

static void make_leaf(const char *kind)
{
    const struct pki_spec spec = {.name = "signer", .key = kind, .ext = PKI_METADATA};
    pki_done(&leaf);
    pki_make(&leaf, &spec, &root);
}

static struct cmc_buf make_item(const struct row *t)
{
    static const uint8_t zeros[64];
    struct cmc_buf head = cmc_buf_of(TEXT_MAX), input = cmc_buf_of(TEXT_MAX);
    struct cmc_buf item = cmc_buf_of(TEXT_MAX);
    size_t sig_len;
    make_leaf(t->key);
    char *chain = chain_text(), *p = base64url(payload, strlen(payload)), *z = base64url(zeros, 64);
    expand(&head, t->head ? t->head : HEAD("ES256"), &(struct parts){"C", {chain}});
    char *h = base64url(head.data, head.len);
    cmc_put_fmt(&input, "%s.%s", h, p);
    uint8_t *sig = pki_sign(leaf.key, t->digest, t->pss ? t->pss : PKI_NO_PSS, input.data,
                            input.len, &sig_len);
    char *s = base64url(sig, sig_len);
    expand(&item, t->item ? t->item : FLAT, &(struct parts){"PHSZ", {p, h, s, z}});
    free(chain);
    free(p);
    free(z);
    free(h);
    free(s);
    free(sig);
    cmc_buf_done(&head);
    cmc_buf_done(&input);
    return item;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct meta_verified v = {.count = 77};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf item = make_item(t);
    const int rc = meta_verify(item.data, item.len, trust, META_ROLE_METADATA, &v, &err);
    if (t->want) {
        if (!strstr(err.msg, t->text))
            fail_msg("said \"%s\", expected \"%s\"", err.msg, t->text);
        assert_int_equal(rc, -t->want);
        assert_int_equal(v.count, 77);
        return;
    }
    if (rc < 0)
        fail_msg("refused: %s", err.msg);
    assert_int_equal(v.count, 1);
    assert_string_equal(meta_key_subject(v.signer[0]), "signer");
    assert_int_equal(v.payload.len, strlen(payload));
    assert_memory_equal(v.payload.data, payload, strlen(payload));
    meta_verified_done(&v);
}

/* Whatever single byte is changed: refused, or the same meaning (white space there is none). */
static void each_byte_counts(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    cmc_autobuf struct cmc_buf item = make_item(&plain);
    for (size_t i = 0; i < item.len; i += 5) {
        struct meta_verified v;
        struct cmc_err err = {0};
        item.data[i] ^= 1;
        assert_true(meta_verify(item.data, item.len, trust, META_ROLE_METADATA, &v, &err) < 0);
        assert_true(err.code != CMC_OK && err.msg[0]);
        item.data[i] ^= 1;
    }
    for (size_t cut = 0; cut < item.len; cut += 11) {
        struct meta_verified v;
        struct cmc_err err = {0};
        assert_int_equal(meta_verify(item.data, cut, trust, META_ROLE_METADATA, &v, &err),
                         -CMC_E_FORMAT);
    }
}

static void too_large(void **state)
{
    (void)state;
    struct meta_verified v;
    struct cmc_err err = {0};
    const size_t len = (size_t)META_ITEM_MAX * 2;
    char *text = malloc(len);
    memset(text, ' ', len);
    text[0] = '{';
    assert_int_equal(meta_verify(text, len, trust, META_ROLE_METADATA, &v, &err), -CMC_E_LIMIT);
    free(text);
}

/* A key that the caller trusts by itself, as with evidence of software. */
static void bare(void **state)
{
    (void)state;
    static const struct row alone = {.name = "", .head = "{\"alg\":\"ES256\"}"};
    static const struct row chained = {.name = ""};
    struct cmc_err err = {0};
    struct cmc_buf got = cmc_buf_of(0);
    struct meta_key *key, *other;
    cmc_autobuf struct cmc_buf item = make_item(&alone);
    char *pem = pki_public_pem(leaf.key), *wrong = pki_public_pem(root.key);
    assert_int_equal(meta_key_bare(pem, strlen(pem), &key, &err), 0);
    assert_int_equal(meta_key_bare(wrong, strlen(wrong), &other, &err), 0);

    assert_int_equal(meta_verify_bare(item.data, item.len, key, &got, &err), 0);
    assert_int_equal(got.len, strlen(payload));
    cmc_buf_done(&got);
    assert_int_equal(meta_verify_bare(item.data, item.len, other, &got, &err), -CMC_E_VERIFY);
    cmc_autobuf struct cmc_buf second = make_item(&chained);
    assert_int_equal(meta_verify_bare(second.data, second.len, key, &got, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "need one signature, and no certificate with it");
    free(pem);
    free(wrong);
    meta_key_free(key);
    meta_key_free(other);
}

static int set_up(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    const struct pki_spec spec = {.name = "root", .key = "P-256#root", .ext = PKI_CA};
    pki_make(&root, &spec, NULL);
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
    pki_done(&leaf);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(each_byte_counts),
        cmocka_unit_test(too_large),
        cmocka_unit_test(bare),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("attest/meta/jws", tests, set_up, tear_down);
}
