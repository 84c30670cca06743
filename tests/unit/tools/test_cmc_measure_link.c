/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_link.c -- one request, progress while there is work, one
 * result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tools/cmc_measure_link.h"

struct ends {
    int ours, theirs;
};

static struct ends connect_ends(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (struct ends){fds[0], fds[1]};
}

static void put_request(struct cmc_buf *b)
{
    const struct cmc_helper_request r = {
        .job = CMC_HELPER_DELETE, .ns = "n", .id = "i", .exit_status = 7};
    struct cmc_err err = {0};
    assert_int_equal(cmc_helper_request_put(b, &r, &err), 0);
}

/* Sends the first n bytes of b, then the end; gives what reading makes of them. */
static int read_part(const struct cmc_buf *b, size_t n, struct cmc_helper_request *out)
{
    struct ends e = connect_ends();
    cmc_autobuf struct cmc_buf frame = cmc_buf_of(CMC_HELPER_MSG_MAX);
    struct cmc_err err = {0};
    assert_int_equal(send(e.theirs, b->data, n, 0), (ssize_t)n);
    (void)close(e.theirs);
    int rc = cmc_measure_link_read(e.ours, &frame, out, &err);
    if (rc == 0)
        assert_string_equal(out->id, "i");
    (void)close(e.ours);
    return rc;
}

static void a_request_is_read_whole_or_not(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_helper_request out = {.exit_status = 77};
    (void)state;
    put_request(&b);
    const size_t whole = b.len;
    for (size_t n = 0; n < whole; n++) {
        assert_int_equal(read_part(&b, n, &out), -CMC_E_FORMAT);
        assert_int_equal(out.exit_status, 77);
    }
    assert_int_equal(read_part(&b, whole, &out), 0);
    assert_int_equal(out.exit_status, 7);
    cmc_put_u8(&b, 0);
    assert_int_equal(read_part(&b, whole + 1, &out), -CMC_E_FORMAT);
}

static void another_frame_is_no_request(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    const struct cmc_helper_progress p = {1, 2};
    struct cmc_helper_request out = {.exit_status = 77};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_helper_progress_put(&b, &p, &err), 0);
    assert_int_equal(read_part(&b, b.len, &out), -CMC_E_FORMAT);
    assert_int_equal(out.exit_status, 77);
}

static void wait_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Progress with the latest numbers, then the result, then nothing. One link per process: one test.
 */
static void progress_then_one_result(void **state)
{
    struct ends e = connect_ends();
    struct cmc_measure_link *link = NULL;
    uint8_t raw[4096];
    size_t have = 0, at = 0, beats = 0, results = 0;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_measure_link_start(e.ours, &link, &err), 0);
    cmc_measure_link_work(link, 3, 4);
    cmc_measure_link_work(NULL, 1, 1);
    wait_ms(2 * CMC_MEASURE_BEAT_MS + 200);
    const struct cmc_helper_result r = {.outcome = CMC_HELPER_RECORDED, .text = "t", .seq = 5};
    assert_int_equal(cmc_measure_link_finish(link, &r, &err), 0);
    wait_ms(CMC_MEASURE_BEAT_MS + 200);
    (void)close(e.ours);
    for (ssize_t n; (n = recv(e.theirs, raw + have, sizeof(raw) - have, 0)) > 0;)
        have += (size_t)n;
    while (at < have) {
        enum cmc_helper_type type;
        struct cmc_reader body;
        int used = cmc_helper_frame(raw + at, have - at, &type, &body, &err);
        assert_true(used > 0);
        at += (size_t)used;
        assert_int_equal(results, 0); /* the result is the last frame */
        if (type == CMC_HELPER_PROGRESS) {
            struct cmc_helper_progress p;
            assert_int_equal(cmc_helper_progress_get(&body, &p, &err), 0);
            assert_true(p.entries == 3 && p.bytes == 4);
            beats++;
        } else {
            struct cmc_helper_result got;
            assert_int_equal(cmc_helper_result_get(&body, &got, &err), 0);
            assert_true(got.seq == 5);
            results++;
        }
    }
    assert_int_equal(results, 1);
    assert_true(beats >= 1 && beats <= 3);
    (void)close(e.theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_whole_or_not),
        cmocka_unit_test(another_frame_is_no_request),
        cmocka_unit_test(progress_then_one_result),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_link", tests, NULL, NULL);
}
