/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_listing.c -- what is stored is what the digest says, or
 * nothing; and that costs a warning at most. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "measure/rootfs_nodes.h"
#include "record/details.h"
#include "tools/cmc_measure_listing.h"

static char top[] = "/tmp/cmc-test-listing-XXXXXX";
static char details[64];
static struct cmc_site site = {.state_dir = top, .details_quota = 1 << 20};
static struct cmc_measure_env env = {.site = &site};
static struct cmc_helper_request request = {.id = "c1"};
static struct cmc_measure_job job = {.env = &env, .request = &request};
static char said[512]; /* what was logged last */

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    (void)snprintf(details, sizeof(details), "%s/details", top);
    return 0;
}

/* A tree of count pipes. */
static struct measure_nodes tree_of(uint32_t count)
{
    struct measure_nodes n;
    struct cmc_err err = {0};
    assert_int_equal(measure_nodes_init(&n, &err), 0);
    n.v[0].u.in.first = 1;
    n.v[0].u.in.count = count;
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        const uint32_t at = (uint32_t)n.text.len;
        const int len = snprintf(name, sizeof(name), "%08u", (unsigned)i);
        cmc_put(&n.text, name, (size_t)len + 1);
        assert_int_equal(measure_nodes_add(&n, 0, at, 'p', &err), 0);
    }
    return n;
}

static int keep(const struct measure_nodes *n, uint8_t digest[static CMC_SHA256_LEN],
                struct cmc_err *err)
{
    struct cmc_measure_listing l = {.job = &job, .digest = {0}};
    int log[2];
    assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
    env.log = log[1];
    const int r = cmc_measure_listing_keep(&l, n, err);
    const ssize_t got = read(log[0], said, sizeof(said) - 1);
    said[got > 0 ? got : 0] = '\0';
    cmc_closep(&log[0]);
    cmc_closep(&log[1]);
    memcpy(digest, l.digest, CMC_SHA256_LEN);
    return r;
}

/* What is stored under digest; or nothing. */
static bool stored(const uint8_t digest[static CMC_SHA256_LEN], struct cmc_buf *out)
{
    struct cmc_err err = {0};
    return record_details_get(details, "listing", digest, out, &err) == 1;
}

static void stored_once_and_whole(void **state)
{
    (void)state;
    struct measure_nodes n = tree_of(9000);
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN], want[CMC_SHA256_LEN];
    cmc_autobuf struct cmc_buf text = cmc_buf_of(1 << 20);
    cmc_autobuf struct cmc_buf back = cmc_buf_of(0);
    assert_int_equal(measure_nodes_list(&n, &text, &err), 0);
    cmc_sha256(text.data, text.len, want);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(keep(&n, digest, &err), 0);
        assert_string_equal(said, "");
        assert_memory_equal(digest, want, sizeof(want));
        assert_true(stored(digest, &back));
        assert_int_equal(back.len, text.len);
        assert_memory_equal(back.data, text.data, text.len);
        cmc_buf_done(&back);
    }
    measure_nodes_done(&n);
}

/* The digest is right all the same, and what was stored is still there. */
static void no_room(void **state)
{
    (void)state;
    struct measure_nodes first = tree_of(10), n = tree_of(1000);
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN], kept[CMC_SHA256_LEN], want[CMC_SHA256_LEN];
    cmc_autobuf struct cmc_buf text = cmc_buf_of(1 << 20);
    cmc_autobuf struct cmc_buf back = cmc_buf_of(0);
    assert_int_equal(keep(&first, kept, &err), 0);
    assert_int_equal(measure_nodes_list(&n, &text, &err), 0);
    cmc_sha256(text.data, text.len, want);
    site.details_quota = text.len - 1;
    assert_int_equal(keep(&n, digest, &err), 0);
    site.details_quota = 1 << 20;
    assert_memory_equal(digest, want, sizeof(want));
    assert_non_null(strstr(said, "warning msg=\"detail not stored\" task=\"c1\" kind=\"listing\""));
    assert_non_null(strstr(said, "details_quota is"));
    assert_false(stored(digest, &back));
    assert_true(stored(kept, &back));
    measure_nodes_done(&first);
    measure_nodes_done(&n);
}

/* One line more than there may be; the limit is that of all of it, not of a piece. */
static void too_long(void **state)
{
    enum { VALUE = CMC_MEASURE_LISTING_MAX / 2 + 1 };
    static const uint8_t head[] = {0, 0, 0, 1, 0, 1, 'a'};
    (void)state;
    struct measure_nodes n = tree_of(1);
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];
    const uint32_t at = (uint32_t)n.text.len;
    cmc_put_be32(&n.text, sizeof(head) + 4 + VALUE);
    cmc_put(&n.text, head, sizeof(head));
    cmc_put_be32(&n.text, VALUE);
    cmc_autofree uint8_t *value = calloc(1, VALUE);
    assert_non_null(value);
    cmc_put(&n.text, value, VALUE);
    assert_false(n.text.bad);
    n.v[1].xattrs = at;
    assert_int_equal(keep(&n, digest, &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "the listing: more than 67108864 bytes");
    measure_nodes_done(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_once_and_whole),
        cmocka_unit_test(no_room),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_listing", tests, set_up, NULL);
}
