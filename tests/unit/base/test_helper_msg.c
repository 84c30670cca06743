/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_helper_msg.c -- every message there and back; every cut and every lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/helper_msg.h"

static const struct cmc_helper_request a_request = {
    .job = CMC_HELPER_CREATE,
    .ns = "k8s.io",
    .id = "c1",
    .group = "pod",
    .bundle = "/run/b",
    .inner_shim = "/usr/bin/containerd-shim-runc-v2",
    .reason = "why",
    .exit_status = 137,
    .create = (const uint8_t *)"\x0a\x02"
                               "c1",
    .create_len = 4,
};

static const struct cmc_helper_result a_result = {
    .outcome = CMC_HELPER_MEASURE_FAILED,
    .options = CMC_HELPER_OPTIONS_REPLACE,
    .options_any = (const uint8_t *)"any",
    .options_len = 3,
    .text = "rootfs: vanished",
    .seq = UINT64_MAX,
    .mount_us = 1,
    .digest_us = 2,
    .tpm_us = 3,
    .total_us = UINT32_MAX,
};

/* The body of the one frame in b, which is of the type that is expected. */
static struct cmc_reader body_of(const struct cmc_buf *b, enum cmc_helper_type want)
{
    enum cmc_helper_type type = 0;
    struct cmc_reader body = {0};
    struct cmc_err err;
    assert_int_equal(cmc_helper_frame(b->data, b->len, &type, &body, &err), (int)b->len);
    assert_int_equal(type, want);
    return body;
}

static void test_request_round_trip(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_helper_request got = {0};
    struct cmc_err err;
    assert_int_equal(cmc_helper_request_put(&b, &a_request, &err), 0);
    struct cmc_reader body = body_of(&b, CMC_HELPER_REQUEST);
    assert_int_equal(cmc_helper_request_get(&body, &got, &err), 0);
    assert_int_equal(got.job, CMC_HELPER_CREATE);
    assert_string_equal(got.ns, "k8s.io");
    assert_string_equal(got.id, "c1");
    assert_string_equal(got.group, "pod");
    assert_string_equal(got.bundle, "/run/b");
    assert_string_equal(got.inner_shim, "/usr/bin/containerd-shim-runc-v2");
    assert_string_equal(got.reason, "why");
    assert_int_equal(got.exit_status, 137);
    assert_int_equal(got.create_len, 4);
    assert_memory_equal(got.create,
                        "\x0a\x02"
                        "c1",
                        4);
}

static void test_result_round_trip(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_helper_result got = {0};
    struct cmc_err err;
    assert_int_equal(cmc_helper_result_put(&b, &a_result, &err), 0);
    struct cmc_reader body = body_of(&b, CMC_HELPER_RESULT);
    assert_int_equal(cmc_helper_result_get(&body, &got, &err), 0);
    assert_int_equal(got.outcome, CMC_HELPER_MEASURE_FAILED);
    assert_int_equal(got.options, CMC_HELPER_OPTIONS_REPLACE);
    assert_int_equal(got.options_len, 3);
    assert_memory_equal(got.options_any, "any", 3);
    assert_string_equal(got.text, "rootfs: vanished");
    assert_true(got.seq == UINT64_MAX);
    assert_int_equal(got.mount_us, 1);
    assert_int_equal(got.digest_us, 2);
    assert_int_equal(got.tpm_us, 3);
    assert_int_equal(got.total_us, UINT32_MAX);
}

static void test_progress_round_trip(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    struct cmc_helper_progress got = {0};
    struct cmc_err err;
    /* the example of docs/formats/helper.md */
    static const uint8_t frame[] = {0, 0, 0, 19, 'P', 0, 1, 0, 0, 0, 0, 0,
                                    0, 0, 7, 0,  0,   0, 0, 0, 0, 1, 0};
    assert_int_equal(cmc_helper_progress_put(&b, &(struct cmc_helper_progress){7, 256}, &err), 0);
    assert_int_equal(b.len, sizeof(frame));
    assert_memory_equal(b.data, frame, sizeof(frame));
    struct cmc_reader body = body_of(&b, CMC_HELPER_PROGRESS);
    assert_int_equal(cmc_helper_progress_get(&body, &got, &err), 0);
    assert_int_equal(got.entries, 7);
    assert_int_equal(got.bytes, 256);
}

static void test_null_texts_are_empty(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_helper_request got = {0};
    struct cmc_err err;
    const struct cmc_helper_request bare = {.job = CMC_HELPER_DELETE};
    assert_int_equal(cmc_helper_request_put(&b, &bare, &err), 0);
    struct cmc_reader body = body_of(&b, CMC_HELPER_REQUEST);
    assert_int_equal(cmc_helper_request_get(&body, &got, &err), 0);
    assert_string_equal(got.ns, "");
    assert_string_equal(got.reason, "");
    assert_int_equal(got.create_len, 0);
}

/* A frame waits for all its bytes; a body cut anywhere, or one byte longer, is refused. */
static void test_every_cut(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_err err;
    assert_int_equal(cmc_helper_result_put(&b, &a_result, &err), 0);
    const size_t whole = b.len, head = 5;
    cmc_put_u8(&b, 0);
    for (size_t len = 0; len < whole; len++) {
        enum cmc_helper_type type = 0;
        struct cmc_reader body;
        assert_int_equal(cmc_helper_frame(b.data, len, &type, &body, &err), 0);
        assert_int_equal(type, 0);
    }
    for (size_t end = head; end <= whole + 1; end++) {
        struct cmc_reader body = cmc_reader_of(b.data + head, end - head);
        struct cmc_helper_result got = {.seq = 77};
        int want = end == whole ? 0 : -CMC_E_FORMAT;
        assert_int_equal(cmc_helper_result_get(&body, &got, &err), want);
        assert_true(want == 0 || got.seq == 77);
    }
}

struct lie {
    const char *name;
    size_t at; /* offset in the frame of a_result */
    uint8_t value;
    const char *text; /* part of the message */
};

static struct lie lies[] = {
    {"another version", 6, 2, "version 2"},
    {"outcome 0", 7, 0, "unknown outcome 0"},
    {"outcome 5", 7, 5, "unknown outcome 5"},
    {"options action 3", 8, 3, "unknown options action 3"},
    {"options that replace nothing", 8, CMC_HELPER_OPTIONS_KEEP, "replace nothing"},
    {"options longer than the frame", 9, 0x7f, "truncated"},
    {"text without its NUL", 36, 'x', "bad text"},
    {"text with a NUL inside", 25, 0, "bad text"},
    {"text of no bytes at all", 19, 0, "bad text"},
};

static void run_lie(void **state)
{
    const struct lie *t = *state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    struct cmc_helper_result got = {.seq = 77};
    struct cmc_err err = {0};
    assert_int_equal(cmc_helper_result_put(&b, &a_result, &err), 0);
    assert_int_not_equal(b.data[t->at], t->value);
    b.data[t->at] = t->value;
    struct cmc_reader body = body_of(&b, CMC_HELPER_RESULT);
    assert_int_equal(cmc_helper_result_get(&body, &got, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, t->text));
    assert_int_equal(got.seq, 77);
}

static void test_bad_jobs(void **state)
{
    (void)state;
    for (unsigned job = 0; job <= CMC_HELPER_FAILED + 1; job++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
        struct cmc_helper_request got = {0};
        struct cmc_err err = {0};
        assert_int_equal(cmc_helper_request_put(&b, &a_request, &err), 0);
        b.data[7] = (uint8_t)job;
        struct cmc_reader body = body_of(&b, CMC_HELPER_REQUEST);
        int want = job >= CMC_HELPER_CREATE && job <= CMC_HELPER_FAILED ? 0 : -CMC_E_FORMAT;
        assert_int_equal(cmc_helper_request_get(&body, &got, &err), want);
    }
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const struct {
        uint8_t in[5];
        int want;
    } cases[] = {
        {{0, 0, 0, 0, 'P'}, -CMC_E_LIMIT},
        {{0xff, 0xff, 0xff, 0xff, 'P'}, -CMC_E_LIMIT},
        {{0, 0x41, 0, 0, 'P'}, 0},
        {{0, 0x41, 0, 1, 'P'}, -CMC_E_LIMIT},
        {{0, 0, 0, 1, 'p'}, -CMC_E_FORMAT},
        {{0, 0, 0, 1, 0}, -CMC_E_FORMAT},
        {{0, 0, 0, 1, 'P'}, 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum cmc_helper_type type;
        struct cmc_reader body;
        struct cmc_err err;
        assert_int_equal(cmc_helper_frame(cases[i].in, 5, &type, &body, &err), cases[i].want);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static char text[CMC_HELPER_TEXT_MAX + 2];
    struct cmc_helper_request r = a_request;
    struct cmc_err err;
    memset(text, 'x', sizeof(text) - 1);
    r.reason = text;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_HELPER_MSG_MAX + 4);
    assert_int_equal(cmc_helper_request_put(&b, &r, &err), -CMC_E_LIMIT);
    text[CMC_HELPER_TEXT_MAX] = '\0';
    cmc_autobuf struct cmc_buf c = cmc_buf_of(CMC_HELPER_MSG_MAX + 4);
    assert_int_equal(cmc_helper_request_put(&c, &r, &err), 0);
    struct cmc_reader body = body_of(&c, CMC_HELPER_REQUEST);
    assert_int_equal(cmc_helper_request_get(&body, &r, &err), 0);
    assert_int_equal(strlen(r.reason), CMC_HELPER_TEXT_MAX);
    r.create_len = CMC_HELPER_MSG_MAX;
    cmc_autobuf struct cmc_buf d = cmc_buf_of(CMC_HELPER_MSG_MAX + 4);
    assert_int_equal(
        cmc_helper_request_put(&d, &(struct cmc_helper_request){.create_len = SIZE_MAX}, &err),
        -CMC_E_LIMIT);
}

int main(void)
{
    enum { LIES = sizeof(lies) / sizeof(lies[0]), PLAIN = 8 };
    struct CMUnitTest tests[PLAIN + LIES] = {
        cmocka_unit_test(test_request_round_trip),  cmocka_unit_test(test_result_round_trip),
        cmocka_unit_test(test_progress_round_trip), cmocka_unit_test(test_null_texts_are_empty),
        cmocka_unit_test(test_every_cut),           cmocka_unit_test(test_bad_jobs),
        cmocka_unit_test(test_bad_headers),         cmocka_unit_test(test_limits),
    };
    for (size_t i = 0; i < LIES; i++)
        tests[PLAIN + i] = (struct CMUnitTest){lies[i].name, run_lie, NULL, NULL, &lies[i]};
    return cmocka_run_group_tests_name("base/helper_msg", tests, NULL, NULL);
}
