/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_ttrpc.c -- captured requests and responses; errors that we write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shim/ttrpc.h"
#include "tests/unit/shim/vectors.h"

static struct shim_frame frame_of(const char *path)
{
    const struct cmc_span in = vector(path);
    struct shim_frame f = {.type = 0};
    struct cmc_err err;
    assert_int_equal(shim_frame_parse(in.p, in.len, &f, &err), (int)in.len);
    return f;
}

struct row {
    const char *path, *method, *id;
    int64_t timeout_ns;
    const char *foreign; /* a namespace that is not its own, when it names one */
};

static struct row rows[] = {
    {"containerd-1.6.20/ctr/Create-request-1.bin", "Create", "wsh-cap16", 0, NULL},
    {"containerd-1.7.24/ctr/Create-request-2.bin", "Create", "wsh-capl17", 0, NULL},
    {"containerd-2.1.9/cri/Create-request-1.bin", "Create",
     "9f912da580a560033a91a4ad6b34eb89480a25dd240aa1dc2b0ecf550532d3ce", 59929764955, "default"},
    {"containerd-1.6.20/ctr/Delete-request-1.bin", "Delete", "wsh-cap16", 0, NULL},
    {"containerd-2.1.9/ctr/Shutdown-request-1.bin", "Shutdown", "wsh-cap21", 0, "k8s.io"},
    {"containerd-2.1.9/ctr/State-request-1.bin", "State", "wsh-cap21", 0, "k8s.io"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    const struct shim_frame f = frame_of(t->path);
    struct shim_request r = {.timeout_ns = 77};
    struct cmc_err err;
    assert_int_equal(shim_ttrpc_request(f.data, f.data_len, &r, &err), 0);
    assert_true(shim_ttrpc_is_task(&r, t->method));
    assert_false(shim_ttrpc_is_task(&r, "Exec"));
    const char *own = strstr(t->path, "/cri/") ? "k8s.io" : "default";
    assert_int_equal(shim_ttrpc_check_namespace(&f, own, &err), 0);
    assert_int_equal(shim_ttrpc_check_namespace(&f, t->foreign ? t->foreign : "x", &err),
                     t->foreign ? -CMC_E_VERIFY : 0);
    const struct cmc_span id = shim_ttrpc_text(&r.payload, 1);
    assert_true(equals(&id, t->id));
    if (strcmp(t->method, "Create") == 0)
        assert_true(r.timeout_ns == t->timeout_ns);
}

/* Nothing changes but what was asked for. */
static void test_rewrite(void **state)
{
    (void)state;
    const struct shim_frame f = frame_of("containerd-2.1.9/cri/Create-request-1.bin");
    struct shim_request r, again;
    struct shim_frame g;
    struct cmc_err err;
    assert_int_equal(shim_ttrpc_request(f.data, f.data_len, &r, &err), 0);

    cmc_autobuf struct cmc_buf same = cmc_buf_of(8192);
    assert_int_equal(shim_ttrpc_rewrite(&f, &r.payload, 0, &same, &err), 0);
    assert_int_equal(same.len, SHIM_FRAME_HEADER + f.data_len);
    assert_memory_equal(same.data, f.data - SHIM_FRAME_HEADER, same.len);

    cmc_autobuf struct cmc_buf less = cmc_buf_of(8192);
    const struct cmc_span other = {(const uint8_t *)"\x0a\x01z", 3};
    assert_int_equal(shim_ttrpc_rewrite(&f, &other, 5, &less, &err), 0);
    assert_int_equal(shim_frame_parse(less.data, less.len, &g, &err), (int)less.len);
    assert_int_equal(g.stream, f.stream);
    assert_int_equal(shim_ttrpc_request(g.data, g.data_len, &again, &err), 0);
    assert_int_equal(again.timeout_ns, 5);
    assert_int_equal(again.payload.len, 3);
    assert_true(shim_ttrpc_is_task(&again, "Create"));
    assert_memory_equal(g.data + g.data_len - 20, f.data + f.data_len - 20, 20); /* metadata */
}

static void test_second_payload_does_not_win(void **state)
{
    (void)state;
    static const uint8_t twice[] = "\x1a\x01"
                                   "a"
                                   "\x1a\x01"
                                   "b";
    const struct shim_frame f = {.data = twice, .data_len = 6, .type = 1, .stream = 1};
    const struct cmc_span judged = {(const uint8_t *)"b", 1};
    struct cmc_err err;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(64);
    assert_int_equal(shim_ttrpc_rewrite(&f, &judged, 0, &out, &err), 0);
    assert_int_equal(out.len, SHIM_FRAME_HEADER + 3);
    assert_memory_equal(out.data + SHIM_FRAME_HEADER,
                        "\x1a\x01"
                        "b",
                        3);
}

static void test_requests_that_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *in;
        size_t len;
    } bad[] = {{BYTES("\x0a\x05"
                      "ab")},
               {BYTES("\x08\x01")},
               {BYTES("\x10\x01")},
               {BYTES("\x18\x01")},
               {BYTES("\x22\x00")},
               {BYTES("\x0b\x0c")}};
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct shim_request r = {.timeout_ns = 77};
        struct cmc_err err;
        assert_int_equal(shim_ttrpc_request(bad[i].in, bad[i].len, &r, &err), -CMC_E_FORMAT);
        assert_int_equal(r.timeout_ns, 77);
    }
}

static void test_only_task_services(void **state)
{
    (void)state;
    static const char *const services[] = {"containerd.task.v2.Task", "containerd.task.v3.Task",
                                           "containerd.task.v4.Task", "containerd.task.v2.Tas",
                                           "Containerd.task.v2.Task", ""};
    for (size_t i = 0; i < ROWS(services); i++) {
        const struct shim_request r = {
            .service = {(const uint8_t *)services[i], strlen(services[i])},
            .method = {(const uint8_t *)"Create", 6}};
        assert_int_equal(shim_ttrpc_is_task(&r, "Create"), i < 2);
        assert_false(shim_ttrpc_is_task(&r, "Creat"));
    }
}

static void test_responses(void **state)
{
    (void)state;
    struct shim_response r;
    struct cmc_err err;
    struct shim_frame f = frame_of("containerd-2.1.9/ctr/Delete-response-1.bin");
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    assert_int_equal(r.status, 0);
    assert_int_equal(shim_ttrpc_uint(&r.payload, 1), 0x5fbd);
    assert_int_equal(shim_ttrpc_uint(&r.payload, 2), 0);
    f = frame_of("containerd-2.1.9/ctr/Shutdown-response-1.bin"); /* no data at all: OK */
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    assert_int_equal(r.status, 0);
    f = frame_of("containerd-1.6.20/variants/Create-response-error-1.bin");
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    assert_int_equal(r.status, 2);
    assert_memory_equal(r.message.p, "OCI runtime create failed", 25);
    assert_int_equal(shim_ttrpc_response(BYTES("\x0a\x03\x08\xff\x01"), &r, &err), 0);
    assert_int_not_equal(r.status, 0);
    assert_int_equal(shim_ttrpc_response(BYTES("\x0a\x02\x0a\x00"), &r, &err), -CMC_E_FORMAT);
    assert_int_equal(shim_ttrpc_response(BYTES("\x08\x01"), &r, &err), -CMC_E_FORMAT);
}

/* The bytes of a refusal that containerd 1.6 to 2.x were seen to understand. */
static void test_refusal(void **state)
{
    (void)state;
    static const uint8_t want[] = {0, 0, 0,    0x1e, 0,    0,    0,    1,
                                   2, 0, 0x0a, 0x1c, 0x08, 0x09, 0x12, 0x18};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
    shim_ttrpc_put_error(&b, 1, SHIM_STATUS_REFUSED, "cmc: measurement refused");
    assert_int_equal(b.len, sizeof(want) + 24);
    assert_memory_equal(b.data, want, sizeof(want));
}

/* What real shims answer to a Shutdown: a frame without data. */
static void test_empty(void **state)
{
    (void)state;
    static const uint8_t want[] = {0, 0, 0, 0, 0, 0, 0, 0x3d, 2, 0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
    shim_ttrpc_put_empty(&b, 0x3d);
    assert_int_equal(b.len, sizeof(want));
    assert_memory_equal(b.data, want, sizeof(want));
}

/* Cut before a character of several bytes, never inside it. */
static void test_long_error(void **state)
{
    (void)state;
    char text[1200];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + 998, "\xe2\x82\xac", 3);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    shim_ttrpc_put_error(&b, 1, SHIM_STATUS_REFUSED, text);
    struct shim_frame f;
    struct shim_response r;
    struct cmc_err err;
    assert_int_equal(shim_frame_parse(b.data, b.len, &f, &err), (int)b.len);
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    assert_int_equal(r.message.len, 998);
}

int main(void)
{
    enum { PLAIN = 8 };
    struct CMUnitTest tests[PLAIN + ROWS(rows)] = {
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_second_payload_does_not_win),
        cmocka_unit_test(test_requests_that_cannot_be_read),
        cmocka_unit_test(test_only_task_services),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_long_error),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[PLAIN + i] = (struct CMUnitTest){rows[i].path, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/ttrpc", tests, NULL, NULL);
}
