/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_peers.c -- what is kept of a peer's reports, and what is not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/meta/exact.h"
#include "attest/serve/peers.h"
#include "base/hash.h"
#include "base/hex.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/rows.h"

#define PEER "abababababababababababababababababababababababababababababababab"

struct world {
    struct bed pki;
    char dir[40];
    char *item[3];
    struct meta_bytes bytes[3], digest[3];
    uint8_t sha256[3][CMC_SHA256_LEN];
};

static void open_world(struct world *w)
{
    static const char *const names[] = {"{\"type\":\"Company Description\",\"name\":\"a\"}",
                                        "{\"type\":\"Company Description\",\"name\":\"b\"}",
                                        "{\"type\":\"Company Description\",\"name\":\"c\"}"};
    *w = (struct world){.dir = "/tmp/cmc-peers-XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    memcpy(w->dir + strlen(w->dir), "/p", 3);
    bed_open(&w->pki, false);
    for (size_t i = 0; i < 3; i++) { /* the last one is a stranger's */
        const enum bed_cert by[] = {i == 2 ? BED_STRANGER : BED_SIGNER, BED_CERTS};
        w->item[i] = bed_sign(&w->pki, names[i], by);
        w->bytes[i] =
            (struct meta_bytes){.data = (const uint8_t *)w->item[i], .len = strlen(w->item[i])};
        cmc_sha256(w->item[i], w->bytes[i].len, w->sha256[i]);
        w->digest[i] = (struct meta_bytes){.data = w->sha256[i], .len = CMC_SHA256_LEN};
    }
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < 3; i++)
        free(w->item[i]);
    bed_close(&w->pki);
}

/* A report with the items whose bits are set, and the digests of all of these. */
static struct cmc_buf report(const struct world *w, unsigned items, unsigned digests)
{
    static const uint8_t some[] = {1};
    const struct meta_bytes cert = {.data = some, .len = 1};
    const struct meta_exact_pcr pcr = {.bank = 11, .index = 13, .value = cert};
    struct meta_bytes item[3], digest[3];
    struct meta_exact r = {.name = "h",
                           .kind = "tpm",
                           .attest = cert,
                           .signature = cert,
                           .cert = &cert,
                           .cert_count = 1,
                           .pcr = &pcr,
                           .pcr_count = 1,
                           .log = cert,
                           .item = item,
                           .digest = digest};
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(1 << 20);
    for (size_t i = 0; i < 3; i++) {
        if (items >> i & 1)
            item[r.item_count++] = w->bytes[i];
        if (digests >> i & 1) {
            size_t at = r.digest_count++; /* ascending */
            for (; at && memcmp(digest[at - 1].data, w->sha256[i], CMC_SHA256_LEN) > 0; at--)
                digest[at] = digest[at - 1];
            digest[at] = w->digest[i];
        }
    }
    if (meta_exact_encode(&r, META_CBOR, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

static void keep(const struct world *w, unsigned items, unsigned digests)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = report(w, items, digests);
    if (serve_peers_keep(w->dir, PEER, b.data, b.len, w->pki.trust, &err) < 0)
        fail_msg("%s", err.msg);
}

static bool has(const struct serve_kept *k, const uint8_t *sha256)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_hex(sha256, CMC_SHA256_LEN, hex);
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->digest[i], hex) == 0)
            return true;
    return false;
}

static void kept(const struct world *w, unsigned want)
{
    struct serve_kept *k = NULL;
    struct cmc_err err = {0};
    assert_int_equal(serve_peers_read(w->dir, PEER, &k, &err), 0);
    assert_int_equal(k->count, __builtin_popcount(want));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(has(k, w->sha256[i]), want >> i & 1);
    serve_peers_free(k);
}

static void what_is_kept(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    kept(&w, 0); /* there is no directory yet */
    keep(&w, 7, 7);
    kept(&w, 3); /* not the stranger's */
    keep(&w, 0, 3);
    kept(&w, 3); /* named, and not sent again */
    keep(&w, 2, 2);
    kept(&w, 2); /* the other one is no longer said */
    keep(&w, 0, 0);
    kept(&w, 0);
    close_world(&w);
}

/* A file that is not what its name says does not count; names are never a client's. */
static void names(void **state)
{
    (void)state;
    static const char longer[] = PEER "a";
    const char *const bad[] = {"",
                               "ab",
                               "../../../../etc",
                               longer,
                               "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB",
                               "abababababababababababababababababababababababababababababababa/"};
    struct world w;
    struct serve_kept *k = NULL;
    struct cmc_err err = {0};
    char path[256], hex[65];
    open_world(&w);
    keep(&w, 3, 3);
    cmc_hex(w.sha256[0], 32, hex);
    (void)snprintf(path, sizeof(path), "%s/" PEER "/%s", w.dir, hex);
    const int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, " ", 1), 1);
    (void)close(fd);
    kept(&w, 2);
    for (size_t i = 0; i < ROWS(bad); i++) {
        assert_false(serve_peers_is_name(bad[i]));
        assert_int_equal(serve_peers_read(w.dir, bad[i], &k, &err), -CMC_E_USAGE);
        assert_int_equal(serve_peers_keep(w.dir, bad[i], "", 0, w.pki.trust, &err), -CMC_E_USAGE);
    }
    assert_int_equal(serve_peers_keep(w.dir, PEER, "garbage", 7, w.pki.trust, &err), -CMC_E_FORMAT);
    kept(&w, 2); /* and nothing was lost */
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_kept), cmocka_unit_test(names)};
    return cmocka_run_group_tests_name("attest/serve/peers", tests, NULL, NULL);
}
