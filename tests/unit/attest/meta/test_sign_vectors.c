/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_sign_vectors.c -- items that the Go CMC's own tests sign and verify,
 * where CMC_EXTRA_VECTORS names the folder that holds them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/sign.h"
#include "tests/lib/rows.h"

enum { FILE_MAX = 1 << 16, NOW = 1790000000 }; /* 2026: all certificates are valid */

struct row {
    const char *item, *by; /* a root (ca.pem), or a bare key (leaf.pub.pem) */
    const char *want;      /* of the error; NULL: it holds */
};
static struct row rows[] = {
    {"jwsDataCertChain.json", "ca.pem", NULL},
    {"coseDataCertChain.cbor", "ca.pem", NULL},
    {"jwsDataCertChain.json", "invalid-ca.pem", "\"Test Root CA\" is no root that is trusted"},
    {"coseDataCertChain.cbor", "invalid-ca.pem", "\"Test Root CA\" is no root that is trusted"},
    {"jwsDataCertChainInvalidKey.json", "ca.pem", "signature does not hold under the key"},
    {"coseDataCertChainInvalidKey.cbor", "ca.pem", "signature does not hold under the key"},
    {"jwsDataPubKey.json", "leaf.pub.pem", NULL},
    {"coseDataPubKey.cbor", "leaf.pub.pem", NULL},
    {"jwsDataPubKey.json", "invalid-leaf.pub.pem", "signature does not hold under the key"},
    {"coseDataPubKey.cbor", "invalid-leaf.pub.pem", "signature does not hold under the key"},
    {"jwsDataPubKey.json", "ca.pem", "no certificate: nobody vouches for the key"},
    {"coseDataPubKey.cbor", "ca.pem", "no certificate: nobody vouches for the key"},
};

static struct cmc_buf read_file(const char *name)
{
    char path[512];
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(FILE_MAX);
    (void)snprintf(path, sizeof(path), "%s/cmc-upstream/jose/%s", getenv("CMC_EXTRA_VECTORS"),
                   name);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(cmc_buf_read(&b, fd, path, &err), 0);
    return b;
}

static int verify_chain(const struct cmc_buf *item, const struct cmc_buf *by, struct cmc_buf *out,
                        struct cmc_err *err)
{
    struct meta_verified v;
    struct meta_trust *t;
    assert_int_equal(meta_trust_new(NOW, &t, err), 0);
    assert_int_equal(meta_trust_add_roots(t, 0, by->data, by->len, err), 0);
    /* their certificates are for TLS clients */
    const int rc = meta_verify(item->data, item->len, t, META_ROLE_ANY, &v, err);
    if (rc == 0) {
        *out = v.payload;
        v.payload = cmc_buf_of(0);
        meta_verified_done(&v);
        assert_int_equal(meta_verify(item->data, item->len, t, META_ROLE_METADATA, &v, err),
                         -CMC_E_VERIFY);
    }
    meta_trust_free(t);
    return rc;
}

static int verify_bare(const struct cmc_buf *item, const struct cmc_buf *by, struct cmc_buf *out,
                       struct cmc_err *err)
{
    struct meta_key *key;
    assert_int_equal(meta_key_bare(by->data, by->len, &key, err), 0);
    const int rc = meta_verify_bare(item->data, item->len, key, out, err);
    meta_key_free(key);
    return rc;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    if (!getenv("CMC_EXTRA_VECTORS")) {
        print_message("skipped: CMC_EXTRA_VECTORS names no folder with cmc-upstream/jose\n");
        skip();
    }
    cmc_autobuf struct cmc_buf item = read_file(t->item), by = read_file(t->by);
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(0);
    const int rc = strstr(t->by, "pub.pem") ? verify_bare(&item, &by, &payload, &err)
                                            : verify_chain(&item, &by, &payload, &err);
    if (!t->want) {
        if (rc < 0)
            fail_msg("refused: %s", err.msg);
        assert_non_null(memmem(payload.data, payload.len, "Attestation Report", 18));
        return;
    }
    assert_int_equal(rc, -CMC_E_VERIFY);
    if (!strstr(err.msg, t->want))
        fail_msg("said \"%s\", expected \"%s\"", err.msg, t->want);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    static char names[ROWS(rows)][80];
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%s by %s", rows[i].item, rows[i].by);
        tests[i] = (struct CMUnitTest){names[i], run_row, NULL, NULL, &rows[i]};
    }
    return cmocka_run_group_tests_name("attest/meta/sign_vectors", tests, NULL, NULL);
}
