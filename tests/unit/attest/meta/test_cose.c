/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_cose.c -- what a COSE_Sign may be, and each thing that it must not
 * be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/meta/sign.h"
#include "base/hex.h"
#include "measure/cbor.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

enum { BYTES_MAX = 1 << 16 };

#define ITEM "d86284 40 a0 @P 81 83 @H a1 1821 82@C@R @S"

struct row {
    const char *name;
    const char *key, *digest; /* NULL: P-256, SHA256 */
    const char *head;         /* hexadecimal; NULL: ES256 */
    const char
        *item; /* hexadecimal; @P payload, @H header, @S signature, @Z zeros, @C leaf, @R root */
    const char *text;
    int pss;  /* length of the salt; 0: no PSS */
    int want; /* code; 0: it holds */
};

static struct row rows[] = {
    {.name = "ES256"},
    {.name = "ES384", .key = "P-384", .digest = "SHA384", .head = "a1013822"},
    {.name = "ES512", .key = "P-521", .digest = "SHA512", .head = "a1013823"},
    {.name = "RS256", .key = "RSA-2048", .head = "a101390100"},
    {.name = "RS512", .key = "RSA-2048", .digest = "SHA512", .head = "a101390102"},
    {.name = "PS256", .key = "RSA-2048", .pss = 32, .head = "a1013824"},
    {.name = "without the root", .item = "d86284 40 a0 @P 81 83 @H a1 1821 81@C @S"},

    /* tags */
    {.name = "no tag",
     .item = "84 40 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "without the tag of COSE_Sign (98)"},
    {.name = "COSE_Sign1",
     .item = "d2 84 @H a1 1821 82@C@R @P @S",
     .want = CMC_E_VERIFY,
     .text = "tag 18 is not that of COSE_Sign (98)"},
    {.name = "COSE_Mac",
     .item = "d861 84 40 a0 @P 81 83 @H a0 @S",
     .want = CMC_E_VERIFY,
     .text = "tag 97 is not that of COSE_Sign (98)"},
    {.name = "tag twice",
     .item = "d862 d86284 40 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "COSE_Sign"},
    {.name = "tag in a longer form",
     .item = "d9006284 40 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "tag 25 is not"},

    /* body */
    {.name = "protected header of the body",
     .item = "d86284 43a10126 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "the body has a protected header"},
    {.name = "empty map as protected header of the body",
     .item = "d86284 41a0 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "the body has a protected header"},
    {.name = "unprotected header of the body",
     .item = "d86284 40 a10126 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "the body has an unprotected header"},
    {.name = "an array as unprotected header of the body",
     .item = "d86284 40 80 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "unprotected header of the body: expected a map"},
    {.name = "a map of signatures",
     .item = "d86284 40 a0 @P a1 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "signatures: expected an array"},
    {.name = "detached payload",
     .item = "d86284 40 a0 f6 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "payload"},
    {.name = "no signatures",
     .item = "d86284 40 a0 @P 80",
     .want = CMC_E_VERIFY,
     .text = "0 signatures, need 1 to 8"},
    {.name = "nine signatures",
     .item = "d86284 40 a0 @P 89 80 80 80 80 80 80 80 80 80",
     .want = CMC_E_LIMIT,
     .text = "9 signatures"},
    {.name = "five elements",
     .item = "d86285 40 a0 @P 81 83 @H a1 1821 82@C@R @S 40",
     .want = CMC_E_FORMAT,
     .text = "COSE_Sign of 5 elements, need 4"},
    {.name = "a map instead of an array",
     .item = "d862a4 40 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "COSE_Sign: COSE_Sign: expected an array, found a map"},
    {.name = "indefinite array",
     .item = "d8629f 40 a0 @P 81 83 @H a1 1821 82@C@R @S ff",
     .want = CMC_E_FORMAT,
     .text = "COSE_Sign"},
    {.name = "trailing bytes",
     .item = ITEM "00",
     .want = CMC_E_FORMAT,
     .text = "1 bytes follow behind the item"},
    {.name = "length in a longer form",
     .item = "d86284 5800 a0 @P 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "COSE_Sign"},

    /* headers of a signature */
    {.name = "unprotected algorithm",
     .head = "",
     .item = "d86284 40 a0 @P 81 83 40 a2 0126 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "protected header: is empty: the algorithm must be in it"},
    {.name = "algorithm in both",
     .item = "d86284 40 a0 @P 81 83 @H a2 0126 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "unprotected header: has the algorithm where it is not signed"},
    {.name = "empty map as protected header",
     .head = "a0",
     .want = CMC_E_VERIFY,
     .text = "protected header: has no algorithm"},
    {.name = "crit",
     .head = "a20126028104",
     .want = CMC_E_VERIFY,
     .text = "has extensions that a verifier must know (crit)"},
    {.name = "content type",
     .head = "a201260300",
     .want = CMC_E_VERIFY,
     .text = "has label 3: need 1 (alg), once"},
    {.name = "algorithm twice",
     .head = "a201260126",
     .want = CMC_E_VERIFY,
     .text = "has label 1: need 1 (alg), once"},
    {.name = "a text as label",
     .head = "a161612a",
     .want = CMC_E_VERIFY,
     .text = "has a label or algorithm that no item has"},
    {.name = "a text as algorithm",
     .head = "a1016545533235 36",
     .want = CMC_E_VERIFY,
     .text = "has a label or algorithm that no item has"},
    {.name = "an algorithm that is -7 in 64 bits",
     .head = "a1011bfffffffffffffff9",
     .want = CMC_E_VERIFY,
     .text = "has a label or algorithm that no item has"},
    {.name = "an array as protected header",
     .head = "810126",
     .want = CMC_E_FORMAT,
     .text = "protected header: header: expected a map, found an array"},
    {.name = "a protected header that is cut",
     .head = "a1",
     .want = CMC_E_FORMAT,
     .text = "protected header: header: CBOR: array or map is cut short"},
    {.name = "a label in a longer form",
     .head = "a1180126",
     .want = CMC_E_FORMAT,
     .text = "protected header: CBOR: "},
    {.name = "another label alone",
     .head = "a10326",
     .want = CMC_E_VERIFY,
     .text = "has label 3: need 1 (alg), once"},
    {.name = "a number as protected header",
     .item = "d86284 40 a0 @P 81 83 00 a1 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "signature 1: protected header: expected a byte string"},
    {.name = "bytes behind the header",
     .head = "a1012600",
     .want = CMC_E_FORMAT,
     .text = "has 1 bytes behind its map"},
    {.name = "HMAC", .head = "a10105", .want = CMC_E_VERIFY, .text = "a symmetric algorithm"},
    {.name = "EdDSA", .head = "a10127", .want = CMC_E_VERIFY, .text = "algorithm -8 is not one of"},
    {.name = "RS384",
     .head = "a101390101",
     .want = CMC_E_VERIFY,
     .text = "algorithm -258 is not one of"},
    {.name = "RS1",
     .head = "a10139fffe",
     .want = CMC_E_VERIFY,
     .text = "algorithm -65535 is not one of"},
    {.name = "curve of another algorithm",
     .key = "P-384",
     .want = CMC_E_VERIFY,
     .text = "algorithm ES256 is not for this key"},
    {.name = "kid",
     .item = "d86284 40 a0 @P 81 83 @H a2 0441 31 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "unprotected header: has label 4: need 33 (x5chain), once"},
    {.name = "x5u",
     .item = "d86284 40 a0 @P 81 83 @H a1 1823 6161 @S",
     .want = CMC_E_VERIFY,
     .text = "has label 35"},
    {.name = "x5bag",
     .item = "d86284 40 a0 @P 81 83 @H a1 1820 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "has label 32"},
    {.name = "a text as label of what is not signed",
     .item = "d86284 40 a0 @P 81 83 @H a1 6161 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "unprotected header: has a label or algorithm that no item has"},
    {.name = "an array as unprotected header",
     .item = "d86284 40 a0 @P 81 83 @H 81 1821 82@C@R @S",
     .want = CMC_E_FORMAT,
     .text = "unprotected header: unprotected header: expected a map"},
    {.name = "a text as certificate",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 81 6161 @S",
     .want = CMC_E_FORMAT,
     .text = "unprotected header: certificate: expected a byte string"},
    {.name = "one certificate as bytes",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 @C @S",
     .want = CMC_E_FORMAT,
     .text = "x5chain"},
    {.name = "chain twice",
     .item = "d86284 40 a0 @P 81 83 @H a2 1821 82@C@R 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "has label 33: need 33 (x5chain), once"},
    {.name = "nine certificates",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 89@C@C@C@C@C@C@C@C@C @S",
     .want = CMC_E_LIMIT,
     .text = "x5chain: 9 certificates"},
    {.name = "no certificate",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 80 @S",
     .want = CMC_E_VERIFY,
     .text = "no certificate: nobody vouches for the key"},
    {.name = "no header at all",
     .item = "d86284 40 a0 @P 81 83 @H a0 @S",
     .want = CMC_E_VERIFY,
     .text = "no certificate"},
    {.name = "disorder",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 82@R@C @S",
     .want = CMC_E_VERIFY,
     .text = "was not issued by"},

    /* signatures */
    {.name = "signature of zeros",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 82@C@R @Z",
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "signature a text",
     .item = "d86284 40 a0 @P 81 83 @H a1 1821 82@C@R 6161",
     .want = CMC_E_FORMAT,
     .text = "signature"},
    {.name = "other payload",
     .item = "d86284 40 a0 41a0 81 83 @H a1 1821 82@C@R @S",
     .want = CMC_E_VERIFY,
     .text = "signature does not hold"},
    {.name = "second signature is bad",
     .item = "d86284 40 a0 @P 82 83 @H a1 1821 82@C@R @S 83 @H a1 1821 82@C@R @Z",
     .want = CMC_E_VERIFY,
     .text = "signature 2: signature does not hold"},
    {.name = "both signatures hold",
     .item = "d86284 40 a0 @P 82 83 @H a1 1821 82@C@R @S 83 @H a1 1821 82@C@R @S"},
};

static const uint8_t payload[] = {0xa1, 0x00, 0x68, 'M', 'a', 'n', 'i', 'f', 'e', 's', 't'};
static struct pki_cert root, leaf;
static struct meta_trust *trust;

struct parts {
    const char *letter;
    struct cmc_buf *bytes[6]; /* each an encoded byte string */
};

static struct cmc_buf bstr(const void *data, size_t len)
{
    struct cmc_buf b = cmc_buf_of(BYTES_MAX);
    measure_cbor_put_bytes(&b, data, len);
    return b;
}

/* Hexadecimal with spaces; each @X stands for bytes. */
static void expand(struct cmc_buf *out, const char *template, const struct parts *parts)
{
    struct cmc_err err = {0};
    for (const char *p = template; *p; p++) {
        uint8_t byte;
        if (*p == ' ')
            continue;
        if (*p == '@') {
            const struct cmc_buf *b = parts->bytes[strchr(parts->letter, p[1]) - parts->letter];
            cmc_put(out, b->data, b->len);
        } else {
            assert_int_equal(cmc_unhex(p, 2, &byte, 1, &err), 0);
            cmc_put_u8(out, byte);
        }
        p++;
    }
}

static struct cmc_buf make_item(const struct row *t)
{
    static const uint8_t zeros[64];
    static const struct parts none = {"", {NULL}};
    const struct pki_spec spec = {.name = "signer", .key = t->key, .ext = PKI_METADATA};
    struct cmc_buf item = cmc_buf_of(BYTES_MAX);
    cmc_autobuf struct cmc_buf head = cmc_buf_of(BYTES_MAX), input = cmc_buf_of(BYTES_MAX);
    size_t sig_len;
    pki_done(&leaf);
    pki_make(&leaf, &spec, &root);
    expand(&head, t->head ? t->head : "a10126", &none);
    cmc_autobuf struct cmc_buf p = bstr(payload, sizeof(payload)), z = bstr(zeros, 64);
    cmc_autobuf struct cmc_buf h = bstr(head.data, head.len), c = bstr(leaf.der, leaf.len);
    cmc_autobuf struct cmc_buf r = bstr(root.der, root.len);
    expand(&input, "85 69 5369676e6174757265 40 @H 40 @P", &(struct parts){"HP", {&h, &p}});
    uint8_t *sig = pki_sign(leaf.key, t->digest, t->pss ? t->pss : PKI_NO_PSS, input.data,
                            input.len, &sig_len);
    cmc_autobuf struct cmc_buf s = bstr(sig, sig_len);
    free(sig);
    expand(&item, t->item ? t->item : ITEM, &(struct parts){"PHSZCR", {&p, &h, &s, &z, &c, &r}});
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
    assert_int_equal(v.payload.len, sizeof(payload));
    assert_memory_equal(v.payload.data, payload, sizeof(payload));
    for (size_t i = 0; i < v.count; i++)
        assert_string_equal(meta_key_subject(v.signer[i]), "signer");
    meta_verified_done(&v);
}

/* No byte may change, and none may be missing. */
static void each_byte_counts(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    cmc_autobuf struct cmc_buf item = make_item(&plain);
    struct meta_verified v;
    for (size_t i = 0; i < item.len; i += 3) {
        struct cmc_err err = {0};
        item.data[i] ^= 1;
        assert_true(meta_verify(item.data, item.len, trust, META_ROLE_METADATA, &v, &err) < 0);
        assert_true(err.code != CMC_OK && err.msg[0]);
        item.data[i] ^= 1;
    }
    for (size_t cut = 0; cut < item.len; cut += 7) {
        struct cmc_err err = {0};
        assert_int_equal(meta_verify(item.data, cut, trust, META_ROLE_METADATA, &v, &err),
                         -CMC_E_FORMAT);
    }
}

static void too_large(void **state)
{
    static uint8_t item[META_ITEM_MAX + 1] = {0xd8, 98, 0x84};
    struct meta_verified v;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(meta_verify(item, sizeof(item), trust, META_ROLE_METADATA, &v, &err),
                     -CMC_E_LIMIT);
    assert_string_equal(err.msg, "COSE_Sign of 8388609 bytes, at most 8388608");
}

static void bare(void **state)
{
    (void)state;
    static const struct row alone = {.name = "", .item = "d86284 40 a0 @P 81 83 @H a1 1821 80 @S"};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf got = cmc_buf_of(0);
    struct meta_key *key;
    static const struct row two = {
        .name = "", .item = "d86284 40 a0 @P 82 83 @H a1 1821 80 @S 83 @H a1 1821 80 @S"};
    cmc_autobuf struct cmc_buf item = make_item(&alone);
    char *pem = pki_public_pem(leaf.key);
    assert_int_equal(meta_key_bare(pem, strlen(pem), &key, &err), 0);
    assert_int_equal(meta_verify_bare(item.data, item.len, key, &got, &err), 0);
    assert_memory_equal(got.data, payload, sizeof(payload));
    assert_int_equal(meta_verify_bare("x", 1, key, &got, &err), -CMC_E_FORMAT);
    cmc_autobuf struct cmc_buf second = make_item(&two);
    assert_int_equal(meta_verify_bare(second.data, second.len, key, &got, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "need one signature, and no certificate with it");
    free(pem);
    meta_key_free(key);
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
    return cmocka_run_group_tests_name("attest/meta/cose", tests, set_up, tear_down);
}
