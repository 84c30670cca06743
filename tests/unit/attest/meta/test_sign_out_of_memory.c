/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_sign_out_of_memory.c -- each allocation of verifying and signing
 * fails once: a limit with a text, outputs as before, nothing lost. Those of libcrypto are its own.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/meta/sign.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/fuzz_signed.h"
#include "tests/lib/pki.h"

#define CORPUS TEST_SOURCE "/tests/fuzz/corpus/"

enum { FILE_MAX = 1 << 14 };

static uint8_t item[FILE_MAX];
static size_t item_len;
static struct meta_trust *trust;
static char key[] = "/tmp/cmc-test-key-XXXXXX", cert[] = "/tmp/cmc-test-cert-XXXXXX";
static enum meta_encoding encoding;

static void read_item(const char *path)
{
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const ssize_t n = read(fd, item, sizeof(item));
    assert_true(n > 0);
    item_len = (size_t)n;
}

static int verify(struct cmc_err *err)
{
    struct meta_verified v = {.count = 77};
    const int rc = meta_verify(item, item_len, trust, META_ROLE_METADATA, &v, err);
    if (rc == 0)
        meta_verified_done(&v);
    else
        assert_int_equal(v.count, 77);
    return rc;
}

static int new_trust(struct cmc_err *err)
{
    struct meta_trust *t = NULL;
    if (meta_trust_new(FUZZ_NOW, &t, err) < 0)
        return -(int)err->code;
    const int rc = meta_trust_add_roots(t, 0, fuzz_root, strlen(fuzz_root), err);
    meta_trust_free(t);
    return rc;
}

static int sign(struct cmc_err *err)
{
    static const char *const chain[] = {cert};
    const struct meta_signer s = {key, chain, 1, NULL};
    const struct meta_signing how = {&s, 1, encoding, PKI_NOW};
    struct cmc_buf out = {.len = 77};
    const int rc = meta_sign(fuzz_json, strlen(fuzz_json), &how, &out, err);
    if (rc == 0)
        cmc_buf_done(&out);
    else
        assert_int_equal(out.len, 77);
    return rc;
}

static void verifying(void **state)
{
    (void)state;
    fail_alloc_each(new_trust);
    static const char *const items[] = {CORPUS "fuzz_jws/two", CORPUS "fuzz_cose/two",
                                        CORPUS "fuzz_jws/es256-root", CORPUS "fuzz_cose/ps512"};
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        read_item(items[i]);
        fail_alloc_each(verify);
    }
}

static void signing(void **state)
{
    (void)state;
    for (encoding = META_JSON; encoding <= META_CBOR; encoding++)
        fail_alloc_each(sign);
}

static int put(char *name, char *text)
{
    cmc_autofd int fd = mkstemp(name);
    const bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    free(text);
    return good ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct pki_cert c;
    pki_make(&c, &(struct pki_spec){.name = "x", .ext = PKI_METADATA}, NULL);
    const int rc = put(key, pki_key_pem(c.key)) | put(cert, pki_pem(&c));
    pki_done(&c);
    return rc < 0 || meta_trust_new(FUZZ_NOW, &trust, &err) < 0
               ? -1
               : meta_trust_add_roots(trust, 0, fuzz_root, strlen(fuzz_root), &err);
}

static int tear_down(void **state)
{
    (void)state;
    meta_trust_free(trust);
    return unlink(key) | unlink(cert);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifying),
        cmocka_unit_test(signing),
    };
    return cmocka_run_group_tests_name("attest/meta/sign_out_of_memory", tests, set_up, tear_down);
}
