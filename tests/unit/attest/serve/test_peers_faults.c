/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_peers_faults.c -- what is kept of peers when memory or a system call
 * fails: items whole or absent, and never one that was not signed. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/meta/exact.h"
#include "attest/serve/peers.h"
#include "base/hash.h"
#include "base/hex.h"
#include "tests/lib/cmc_bed.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/fail_sys.h"

#define PEER "abababababababababababababababababababababababababababababababab"

static struct cmc_bed *bed;
static struct cmc_buf report;
static char dir[40], peer_dir[128];

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, CMC_SHA256_LEN);
}

/* The items of the bed in a report of profile exact. */
static struct cmc_buf exact_report(void)
{
    static const uint8_t some[] = {1};
    static uint8_t sha256[CMC_BED_ITEMS][CMC_SHA256_LEN];
    const struct meta_bytes one = {.data = some, .len = 1};
    const struct meta_exact_pcr pcr = {.bank = 11, .index = 13, .value = one};
    struct meta_bytes item[CMC_BED_ITEMS], digest[CMC_BED_ITEMS];
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(1 << 20);
    for (size_t i = 0; i < bed->items; i++) {
        const char *text = bed->item[i];
        item[i] = (struct meta_bytes){.data = (const uint8_t *)text, .len = strlen(text)};
        cmc_sha256(text, strlen(text), sha256[i]);
        digest[i] = (struct meta_bytes){.data = sha256[i], .len = CMC_SHA256_LEN};
    }
    qsort(sha256, bed->items, sizeof(sha256[0]), by_bytes);
    const struct meta_exact r = {.name = "h",
                                 .kind = "tpm",
                                 .attest = one,
                                 .signature = one,
                                 .cert = &one,
                                 .cert_count = 1,
                                 .pcr = &pcr,
                                 .pcr_count = 1,
                                 .log = one,
                                 .item = item,
                                 .item_count = bed->items,
                                 .digest = digest,
                                 .digest_count = bed->items};
    if (meta_exact_encode(&r, META_CBOR, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

static bool is_item_of_bed(const struct cmc_buf *b)
{
    for (size_t i = 0; i < bed->items; i++)
        if (b->len == strlen(bed->item[i]) && memcmp(b->data, bed->item[i], b->len) == 0)
            return true;
    return false;
}

static struct cmc_buf read_file(const char *name)
{
    char path[256];
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(1 << 20);
    (void)snprintf(path, sizeof(path), "%s/%s", peer_dir, name);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(cmc_buf_read(&b, fd, name, &err), 0);
    return b;
}

/* The files that are kept; each is an item of the report under its digest. */
static size_t kept(void)
{
    size_t n = 0;
    DIR *d = opendir(peer_dir);
    for (const struct dirent *e; d && (e = readdir(d));) {
        uint8_t digest[CMC_SHA256_LEN];
        char hex[2 * CMC_SHA256_LEN + 1];
        if (!serve_peers_is_name(e->d_name))
            continue;
        cmc_autobuf struct cmc_buf b = read_file(e->d_name);
        cmc_sha256(b.data, b.len, digest);
        cmc_hex(digest, sizeof(digest), hex);
        assert_string_equal(e->d_name, hex);
        assert_true(is_item_of_bed(&b));
        n++;
    }
    if (d)
        (void)closedir(d);
    return n;
}

static void forget_all(void)
{
    DIR *d = opendir(peer_dir);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' || e->d_name[1] == 'n')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    (void)rmdir(peer_dir);
    (void)rmdir(dir);
}

static int keep(struct cmc_err *err)
{
    forget_all();
    fail_sys_begin();
    const int rc = serve_peers_keep(dir, PEER, report.data, report.len, bed->policy.trust, err);
    fail_sys_end();
    return rc;
}

static int keep_without_memory(struct cmc_err *err)
{
    const int rc = keep(err);
    if (rc < 0)
        return rc;
    /* an item that could not be verified is not kept */
    return fail_alloc_happened() ? cmc_fail(err, CMC_E_LIMIT, "kept less") : 0;
}

static int keep_without_calls(struct cmc_err *err)
{
    const int rc = keep(err);
    assert_int_equal(rc == 0 ? kept() : bed->items, bed->items);
    (void)kept();
    return rc;
}

static int read_kept(struct cmc_err *err, size_t *count)
{
    struct serve_kept *const untouched = (void *)&bed, *k = untouched;
    fail_sys_begin();
    const int rc = serve_peers_read(dir, PEER, &k, err);
    fail_sys_end();
    *count = 0;
    if (rc < 0) {
        assert_ptr_equal(k, untouched);
        return rc;
    }
    *count = k->count;
    for (size_t i = 0; i < k->count; i++)
        assert_true(is_item_of_bed(&k->bytes[i]));
    serve_peers_free(k);
    return 0;
}

static int read_without_memory(struct cmc_err *err)
{
    size_t count = 0;
    const int rc = read_kept(err, &count);
    if (rc < 0)
        return rc;
    assert_true(count == bed->items || fail_alloc_happened());
    return fail_alloc_happened() ? cmc_fail(err, CMC_E_LIMIT, "read less") : 0;
}

static int read_without_calls(struct cmc_err *err)
{
    size_t count = 0;
    const int rc = read_kept(err, &count);
    assert_true(count <= bed->items);
    return rc;
}

static void each_fault(void)
{
    struct cmc_err err = {0};
    fail_alloc_each(keep_without_memory);
    fail_sys_each(keep_without_calls);
    assert_int_equal(keep(&err), 0);
    assert_int_equal(kept(), bed->items);
    fail_alloc_each(read_without_memory);
    fail_sys_each(read_without_calls);
    assert_int_equal(kept(), bed->items); /* reading changes nothing */
    cmc_buf_done(&report);
    forget_all();
}

static void reports(void **state)
{
    (void)state;
    report = cmc_bed_report(bed);
    each_fault();
    report = exact_report();
    each_fault();
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/cmc-peers-XXXXXX");
    assert_non_null(mkdtemp(dir));
    memcpy(dir + strlen(dir), "/p", 3);
    (void)snprintf(peer_dir, sizeof(peer_dir), "%s/" PEER, dir);
    bed = cmc_bed_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cmc_bed_close(bed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reports)};
    return cmocka_run_group_tests_name("attest/serve/peers faults", tests, set_up, tear_down);
}
