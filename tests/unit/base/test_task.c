/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_task.c -- captured Create requests of containerd 1.6, 1.7 and 2.1, read and
 * written again; hostile ones refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/task.h"
#include "tests/lib/rows.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static uint8_t frame[8192];
static struct cmc_task_create got;

/* The CreateTaskRequest in a captured ttrpc frame: the Request's field 3. */
static struct cmc_span payload_of(const char *path)
{
    char full[256];
    (void)snprintf(full, sizeof(full), "%s/shim/%s", TEST_VECTORS, path);
    FILE *f = fopen(full, "rb");
    assert_non_null(f);
    size_t len = fread(frame, 1, sizeof(frame), f);
    assert_int_equal(fclose(f), 0);
    assert_true(len > 10 && len < sizeof(frame));
    struct cmc_reader r = cmc_reader_of(frame + 10, len - 10);
    struct cmc_pb_field field;
    struct cmc_err err;
    while (cmc_pb_next(&r, &field, &err) > 0)
        if (field.number == 3)
            return field.bytes;
    fail_msg("%s: no payload", path);
    return (struct cmc_span){0};
}

static int is(const struct cmc_span *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->p, text, s->len) == 0;
}

struct row {
    const char *path, *id, *first_type;
    size_t mounts, mount_options, options_len;
    bool terminal;
};

static struct row rows[] = {
    {"containerd-1.6.20/ctr/Create-request-1.bin", "wsh-cap16", "overlay", 1, 4, 46, false},
    {"containerd-1.6.20/ctr/Create-request-3.bin", "wsh-capn16", "bind", 1, 2, 28, false},
    {"containerd-1.6.20/ctr/Create-request-4.bin", "wsh-capt16", "overlay", 1, 4, 28, true},
    {"containerd-1.6.20/variants/Create-request-1.bin", "wsh-z1", "overlay", 1, 4, 0, false},
    {"containerd-1.6.20/variants/Create-request-2.bin", "wsh-z3", "", 0, 0, 0, false},
    {"containerd-1.7.24/variants/Create-request-2.bin", "wsh-z2", "overlay", 1, 4, 47, false},
    {"containerd-1.7.24/variants/Create-request-4.bin", "wsh-z4", "overlay", 1, 4, 54, false},
    {"containerd-2.1.9/cri/Create-request-1.bin",
     "9f912da580a560033a91a4ad6b34eb89480a25dd240aa1dc2b0ecf550532d3ce", "overlay", 1, 4, 28,
     false},
    {"containerd-2.1.9/variants/Create-request-2.bin", "wsh-z2", "overlay", 1, 6, 38, false},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_span in = payload_of(t->path);
    struct cmc_err err = {0};

    assert_int_equal(cmc_task_create_parse(in.p, in.len, &got, &err), 0);
    assert_true(is(&got.id, t->id));
    assert_true(got.bundle.len > t->options_len && got.bundle.p[0] == '/');
    assert_int_equal(got.mount_count, t->mounts);
    assert_int_equal(got.option_total, t->mount_options);
    assert_int_equal(got.options.len, t->options_len);
    assert_int_equal(got.terminal, t->terminal);
    if (t->mounts) {
        assert_true(is(&got.mounts[0].type, t->first_type));
        assert_int_equal(got.mounts[0].option_count, t->mount_options);
    }
}

/* The same options again give the same bytes; none gives the rest; others stand where they stood */
static void test_options_replaced(void **state)
{
    (void)state;
    struct cmc_span in = payload_of("containerd-1.7.24/variants/Create-request-4.bin");
    const struct cmc_span other = {(const uint8_t *)"\x0a\x01z", 3};
    struct cmc_err err;
    assert_int_equal(cmc_task_create_parse(in.p, in.len, &got, &err), 0);
    const struct cmc_span same = got.options;

    cmc_autobuf struct cmc_buf a = cmc_buf_of(8192);
    assert_int_equal(cmc_task_create_set_options(in.p, in.len, &same, &a, &err), 0);
    assert_int_equal(a.len, in.len);
    assert_memory_equal(a.data, in.p, in.len);

    cmc_autobuf struct cmc_buf b = cmc_buf_of(8192);
    assert_int_equal(cmc_task_create_set_options(in.p, in.len, NULL, &b, &err), 0);
    size_t head = (size_t)(same.p - in.p) - 2; /* tag and length are one byte each */
    assert_int_equal(b.len, in.len - same.len - 2);
    assert_memory_equal(b.data, in.p, head);

    cmc_autobuf struct cmc_buf c = cmc_buf_of(8192);
    assert_int_equal(cmc_task_create_set_options(in.p, in.len, &other, &c, &err), 0);
    assert_memory_equal(c.data, in.p, head);
    assert_memory_equal(c.data + head, "\x52\x03\x0a\x01z", 5);
    assert_int_equal(c.len, head + 5);
}

static void test_options_added(void **state)
{
    (void)state;
    const struct cmc_span any = {(const uint8_t *)"\x0a\x01z", 3};
    struct cmc_err err;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    assert_int_equal(cmc_task_create_set_options(BYTES("\x0a\x01x"), &any, &b, &err), 0);
    assert_int_equal(b.len, 8);
    assert_memory_equal(b.data, "\x0a\x01x\x52\x03\x0a\x01z", 8);
    /* every occurrence goes: the real shim would merge them */
    cmc_autobuf struct cmc_buf c = cmc_buf_of(64);
    assert_int_equal(
        cmc_task_create_set_options(BYTES("\x52\x01y\x0a\x01x\x52\x00"), &any, &c, &err), 0);
    assert_int_equal(c.len, 8);
    assert_memory_equal(c.data, "\x52\x03\x0a\x01z\x0a\x01x", 8);
    cmc_autobuf struct cmc_buf d = cmc_buf_of(64);
    assert_int_equal(cmc_task_create_set_options(BYTES("\x52\x05y"), &any, &d, &err),
                     -CMC_E_FORMAT);
}

struct bad {
    const char *name;
    const uint8_t *in;
    size_t len;
    int want;
    const char *text;
};

static struct bad bads[] = {
    {"truncated",
     BYTES("\x0a\x05"
           "ab"),
     -CMC_E_FORMAT, "at byte"},
    {"id is a number", BYTES("\x08\x01"), -CMC_E_FORMAT, "field 1 has wire type 0"},
    {"bundle is a fixed32", BYTES("\x15\x01\x02\x03\x04"), -CMC_E_FORMAT, "field 2"},
    {"terminal is text", BYTES("\x22\x01x"), -CMC_E_FORMAT, "field 4"},
    {"mount is a number", BYTES("\x18\x01"), -CMC_E_FORMAT, "field 3"},
    {"options are a number", BYTES("\x50\x01"), -CMC_E_FORMAT, "field 10"},
    {"options twice", BYTES("\x52\x00\x52\x00"), -CMC_E_FORMAT, "twice"},
    {"NUL in the bundle",
     BYTES("\x12\x03"
           "a\0b"),
     -CMC_E_FORMAT, "NUL"},
    {"id is not UTF-8", BYTES("\x0a\x01\xff"), -CMC_E_FORMAT, "UTF-8"},
    {"mount cut short", BYTES("\x1a\x02\x0a\x05"), -CMC_E_FORMAT, "mount 0"},
    {"mount type is a number", BYTES("\x1a\x02\x08\x05"), -CMC_E_FORMAT, "mount 0: field 1"},
    {"mount option not UTF-8", BYTES("\x1a\x03\x22\x01\xff"), -CMC_E_FORMAT, "mount 0: field 4"},
    {"group", BYTES("\x5b\x5c"), -CMC_E_FORMAT, "wire type 3"},
};

static void run_bad(void **state)
{
    const struct bad *t = *state;
    struct cmc_err err = {0};
    assert_int_equal(cmc_task_create_parse(t->in, t->len, &got, &err), t->want);
    assert_non_null(strstr(err.msg, t->text));
}

static void test_like_go(void **state)
{
    (void)state;
    struct cmc_err err;
    /* last scalar wins, unknown fields are skipped, empty is present */
    assert_int_equal(cmc_task_create_parse(BYTES("\x0a\x01"
                                                 "a"
                                                 "\x58\x01"
                                                 "\x0a\x01"
                                                 "b"
                                                 "\x20\x01"
                                                 "\x20\x00"
                                                 "\x12\x00"),
                                           &got, &err),
                     0);
    assert_true(is(&got.id, "b"));
    assert_false(got.terminal);
    assert_non_null(got.bundle.p);
    assert_null(got.options.p);
    assert_int_equal(cmc_task_create_parse(NULL, 0, &got, &err), 0);
    assert_null(got.id.p);
}

static void put_mounts(struct cmc_buf *b, unsigned mounts, unsigned options)
{
    cmc_autobuf struct cmc_buf m = cmc_buf_of(1 << 16);
    for (unsigned i = 0; i < options; i++)
        cmc_pb_put_bytes(&m, 4, "ro", 2);
    for (unsigned i = 0; i < mounts; i++)
        cmc_pb_put_bytes(b, 3, m.data, m.len);
}

static int parse_mounts(unsigned mounts, unsigned options)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
    struct cmc_err err;
    put_mounts(&b, mounts, options);
    return cmc_task_create_parse(b.data, b.len, &got, &err);
}

static void test_limits(void **state)
{
    (void)state;
    static char text[CMC_TASK_TEXT_MAX + 1];
    memset(text, 'x', sizeof(text));
    assert_int_equal(parse_mounts(CMC_TASK_MOUNTS_MAX, 1), 0);
    assert_int_equal(parse_mounts(CMC_TASK_MOUNTS_MAX + 1, 1), -CMC_E_LIMIT);
    assert_int_equal(parse_mounts(1, CMC_TASK_MOUNT_OPTIONS_MAX), 0);
    assert_int_equal(parse_mounts(1, CMC_TASK_MOUNT_OPTIONS_MAX + 1), -CMC_E_LIMIT);
    for (size_t over = 0; over < 2; over++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
        struct cmc_err err;
        cmc_pb_put_bytes(&b, 1, text, CMC_TASK_TEXT_MAX + over);
        assert_int_equal(cmc_task_create_parse(b.data, b.len, &got, &err), over ? -CMC_E_LIMIT : 0);
    }
}

int main(void)
{
    enum { PLAIN = 4 };
    struct CMUnitTest tests[PLAIN + ROWS(rows) + ROWS(bads)] = {
        cmocka_unit_test(test_options_replaced),
        cmocka_unit_test(test_options_added),
        cmocka_unit_test(test_like_go),
        cmocka_unit_test(test_limits),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[PLAIN + i] = (struct CMUnitTest){rows[i].path, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(bads); i++)
        tests[PLAIN + ROWS(rows) + i] =
            (struct CMUnitTest){bads[i].name, run_bad, NULL, NULL, &bads[i]};
    return cmocka_run_group_tests_name("base/task", tests, NULL, NULL);
}
