/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_store.c -- a set of metadata is good as a whole, or refused. */
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

#include "attest/meta/sign.h"
#include "attest/serve/store.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/rows.h"

#define COMPANY                                                                                    \
    "{\"type\":\"Company Description\",\"name\":\"c\",\"version\":\"2026-01-01T00:00:00Z\"}"

struct world {
    struct bed pki;
    char dir[32], meta[64], ca[64];
    char *paths[1], *roots[1];
    struct serve_config cfg;
};

static void write_text(const char *path, const void *data, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    (void)close(fd);
}

static void put(struct world *w, const char *name, const char *data)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", w->meta, name);
    write_text(path, data, strlen(data));
}

static void put_signed(struct world *w, const char *name, const char *payload, enum bed_cert by)
{
    const enum bed_cert list[] = {by, BED_CERTS};
    char *item = bed_sign(&w->pki, payload, list);
    put(w, name, item);
    free(item);
}

static void open_world(struct world *w)
{
    *w = (struct world){.dir = "/tmp/cmc-store-XXXXXX"};
    bed_open(&w->pki, false);
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->meta, sizeof(w->meta), "%s/meta", w->dir);
    (void)snprintf(w->ca, sizeof(w->ca), "%s/ca.pem", w->dir);
    assert_int_equal(mkdir(w->meta, 0755), 0);
    char *pem = pki_pem(&w->pki.cert[BED_META_CA]);
    write_text(w->ca, pem, strlen(pem));
    free(pem);
    w->paths[0] = w->meta;
    w->roots[0] = w->ca;
    w->cfg.metadata = (struct serve_list){.at = w->paths, .count = 1};
    w->cfg.metadata_roots = (struct serve_list){.at = w->roots, .count = 1};
}

static void load(struct world *w, int want, size_t count, const char *says)
{
    struct serve_store s = {.count = 77};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(SERVE_STORE_MAX);
    const int rc = serve_store_load(&w->cfg, PKI_NOW, &b, &err);
    if (rc != want)
        fail_msg("%d: %s", rc, err.msg);
    if (says && !strstr(err.msg, says))
        fail_msg("%s", err.msg);
    if (want < 0) {
        assert_int_equal(b.len, 0);
        return;
    }
    assert_int_equal(serve_store_open(b.data, b.len, &s, &err), 0);
    assert_int_equal(s.count, count);
    struct meta_trust *trust = NULL;
    assert_int_equal(serve_store_trust(&s, PKI_NOW, &trust, &err), 0);
    meta_trust_free(trust);
    serve_store_done(&s);
}

static void good_and_bad(void **state)
{
    (void)state;
    struct world w;
    char path[128];
    open_world(&w);
    load(&w, 0, 0, NULL); /* an empty set is a set */
    put_signed(&w, "a", COMPANY, BED_SIGNER);
    put_signed(&w, "b", "{\"type\":\"Company Description\",\"name\":\"d\"}", BED_SECOND);
    load(&w, 0, 2, NULL);
    put_signed(&w, "c", COMPANY, BED_SIGNER); /* the same again */
    put(&w, ".hidden", "garbage");
    (void)snprintf(path, sizeof(path), "%s/listings", w.meta);
    assert_int_equal(mkdir(path, 0755), 0);
    struct serve_store s;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(SERVE_STORE_MAX);
    assert_int_equal(serve_store_load(&w.cfg, PKI_NOW, &b, &err), 0);
    assert_int_equal(serve_store_open(b.data, b.len, &s, &err), 0);
    assert_true(s.count == 2 || s.count == 3); /* ECDSA: two signatures of one payload may differ */
    serve_store_done(&s);
    put(&w, "c", "garbage");
    load(&w, -CMC_E_FORMAT, 0, "/meta: c: ");
    put_signed(&w, "c", COMPANY, BED_STRANGER);
    load(&w, -CMC_E_VERIFY, 0, "/meta: c: ");
    put_signed(&w, "c", COMPANY, BED_OLD);
    load(&w, -CMC_E_VERIFY, 0, "/meta: c: ");
    put_signed(&w, "c", "{\"type\":\"Invoice\"}", BED_SIGNER); /* signed, and no metadata */
    load(&w, -CMC_E_FORMAT, 0, "/meta: c: ");
    bed_close(&w.pki);
}

static void same_item_twice(void **state)
{
    (void)state;
    struct world w;
    const enum bed_cert list[] = {BED_SIGNER, BED_CERTS};
    open_world(&w);
    char *item = bed_sign(&w.pki, COMPANY, list);
    put(&w, "a", item);
    put(&w, "b", item);
    free(item);
    load(&w, 0, 1, NULL);
    bed_close(&w.pki);
}

static void without_roots(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    put_signed(&w, "a", COMPANY, BED_STRANGER);
    w.cfg.metadata_roots.count = 0;
    load(&w, 0, 1, NULL);
    put(&w, "b", "no item at all");
    load(&w, -CMC_E_FORMAT, 0, "b: ");
    bed_close(&w.pki);
}

static void files(void **state)
{
    (void)state;
    struct world w;
    char path[128];
    open_world(&w);
    (void)snprintf(path, sizeof(path), "%s/fifo", w.meta);
    assert_int_equal(mkfifo(path, 0600), 0);
    load(&w, -CMC_E_FORMAT, 0, "fifo is no regular file");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/large", w.meta);
    put(&w, "large", "{");
    assert_int_equal(truncate(path, META_ITEM_MAX + 1), 0);
    load(&w, -CMC_E_LIMIT, 0, "large: 8388609 bytes, at most 8388608");
    assert_int_equal(unlink(path), 0);
    put(&w, "empty", "");
    load(&w, -CMC_E_FORMAT, 0, "empty: ");
    (void)snprintf(path, sizeof(path), "%s/empty", w.meta);
    assert_int_equal(unlink(path), 0);
    put_signed(&w, "one", COMPANY, BED_SIGNER);
    (void)snprintf(path, sizeof(path), "%s/one", w.meta);
    w.paths[0] = path; /* a file by itself */
    load(&w, 0, 1, NULL);
    w.paths[0] = (char[]){"/nowhere"};
    load(&w, -CMC_E_SYS, 0, "metadata /nowhere");
    w.paths[0] = w.meta;
    w.roots[0] = (char[]){"/nowhere.pem"};
    load(&w, -CMC_E_SYS, 0, "/nowhere.pem");
    w.roots[0] = path; /* which is no certificate */
    load(&w, -CMC_E_FORMAT, 0, "/one: ");
    bed_close(&w.pki);
}

static void damaged_sets(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int want;
    } t[] = {
        {"", 0, -CMC_E_FORMAT},
        {"\xc5", 1, 0},
        {"\xc4", 1, -CMC_E_FORMAT},
        {"\xc5\x05\0\0\0\1x", 7, 0},
        {"\xc5\x05\0\0\0\2x", 7, -CMC_E_FORMAT},
        {"\xc5\x05\0\0", 4, -CMC_E_FORMAT},
        {"\xc5\x06\0\0\0\1x", 7, -CMC_E_FORMAT},
        {"\xc5\0\0\0\0\0", 6, -CMC_E_FORMAT},
    };
    for (size_t i = 0; i < ROWS(t); i++) {
        struct serve_store s = {.count = 77};
        struct cmc_err err = {0};
        assert_int_equal(serve_store_open(t[i].bytes, t[i].len, &s, &err), t[i].want);
        if (t[i].want < 0)
            assert_int_equal(s.count, 77);
        else
            serve_store_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad), cmocka_unit_test(same_item_twice),
        cmocka_unit_test(without_roots), cmocka_unit_test(files), cmocka_unit_test(damaged_sets)};
    return cmocka_run_group_tests_name("attest/serve/store", tests, NULL, NULL);
}
