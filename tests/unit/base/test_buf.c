/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_buf.c -- cursors that stick when they fail, outputs that keep their limit.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe,
                                0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0x55};

static void reading_in_order(void **state)
{
    struct cmc_reader r = cmc_reader_of(bytes, sizeof(bytes));
    (void)state;
    assert_int_equal(cmc_read_u8(&r), 0x01);
    assert_int_equal(cmc_read_be16(&r), 0x2345);
    assert_int_equal(cmc_read_be32(&r), 0x6789abcd);
    assert_true(cmc_read_be64(&r) == 0xeffedcba98765432);
    assert_int_equal(r.left, 2);
    assert_ptr_equal(cmc_read_bytes(&r, 2), bytes + 15);
    assert_int_equal(r.left, 0);
    assert_false(r.bad);
    assert_non_null(cmc_read_bytes(&r, 0)); /* nothing is always there */
    assert_false(r.bad);
}

static void a_short_read_yields_zero_and_sticks(void **state)
{
    (void)state;
    for (size_t n = 0; n < 8; n++) {
        struct cmc_reader r = cmc_reader_of(bytes, n);
        assert_true(cmc_read_be64(&r) == 0);
        assert_true(r.bad);
        assert_int_equal(r.left, n);
        assert_int_equal(cmc_read_u8(&r), 0); /* although a byte would be there */
        assert_null(cmc_read_bytes(&r, 0));
        assert_int_equal(r.left, n);
    }
}

static void a_huge_read_does_not_wrap(void **state)
{
    struct cmc_reader r = cmc_reader_of(bytes, sizeof(bytes));
    (void)state;
    assert_null(cmc_read_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
}

static void an_empty_reader_may_be_null(void **state)
{
    struct cmc_reader r = cmc_reader_of(NULL, 0);
    (void)state;
    assert_null(cmc_read_bytes(&r, 0));
    assert_false(r.bad);
    assert_int_equal(cmc_read_u8(&r), 0);
    assert_true(r.bad);
}

static void writing_is_big_endian(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(100);
    struct cmc_err err = {0};
    (void)state;
    cmc_put_u8(&b, 0x01);
    cmc_put_be16(&b, 0x2345);
    cmc_put_be32(&b, 0x6789abcd);
    cmc_put_be64(&b, 0xeffedcba98765432);
    cmc_put(&b, bytes + 15, 2);
    assert_int_equal(b.len, sizeof(bytes));
    assert_memory_equal(b.data, bytes, sizeof(bytes));
    assert_int_equal(cmc_buf_check(&b, "x", &err), 0);
}

static void texts_and_formats(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(100);
    (void)state;
    cmc_put_text(&b, "a");
    cmc_put_text(&b, "");
    cmc_put_fmt(&b, "%d-%s", 42, "x");
    cmc_put_fmt(&b, "%s", "");
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "a42-x", 5);
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max++) { /* beyond the first allocation */
        cmc_autobuf struct cmc_buf b = cmc_buf_of(max);
        struct cmc_err err = {0};
        for (size_t i = 0; i < max; i++)
            cmc_put_u8(&b, (uint8_t)i);
        assert_false(b.bad);
        assert_int_equal(cmc_buf_check(&b, "thing", &err), 0);
        cmc_put_u8(&b, 0xff);
        assert_true(b.bad);
        assert_int_equal(b.len, max); /* what is there stays */
        assert_true(max == 0 || b.data[max - 1] == (uint8_t)(max - 1));
        assert_int_equal(cmc_buf_check(&b, "thing", &err), -CMC_E_LIMIT);
        assert_non_null(strstr(err.msg, "thing: more than "));
    }
}

static void after_a_fault_nothing_is_added(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4);
    (void)state;
    cmc_put(&b, "abcde", 5);
    assert_int_equal(b.len, 0); /* whole or not at all */
    cmc_put(&b, "a", 1);
    cmc_put_fmt(&b, "%d", 1);
    assert_int_equal(b.len, 0);
    assert_true(b.bad);
}

static void a_huge_write_does_not_wrap(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(SIZE_MAX);
    (void)state;
    cmc_put(&b, "x", 1);
    cmc_put(&b, bytes, SIZE_MAX); /* over the limit by one: must not be tried */
    assert_true(b.bad);
    assert_int_equal(b.len, 1);
}

static void done_can_be_repeated(void **state)
{
    struct cmc_buf b = cmc_buf_of(4);
    (void)state;
    cmc_put_u8(&b, 1);
    cmc_buf_done(&b);
    cmc_buf_done(&b);
    cmc_put_u8(&b, 1);
    assert_true(b.bad); /* a buffer that was given up takes nothing */
    assert_null(b.data);
}

static int file_of(size_t len)
{
    int fd = memfd_create("t", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(write(fd, "k", 1), 1);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void whole_files(void **state)
{
    static const size_t sizes[] = {0, 1, 8191, 8192, 8193, 20000};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct cmc_err err = {0};
        cmc_autofd int fd = file_of(sizes[i]);
        cmc_autobuf struct cmc_buf b = cmc_buf_of(20000);
        assert_int_equal(cmc_buf_read(&b, fd, "t", &err), 0);
        assert_int_equal(b.len, sizes[i]);
    }
}

static void files_that_cannot_be_read(void **state)
{
    struct cmc_err err = {0};
    cmc_autofd int fd = file_of(101), endless = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(100), c = cmc_buf_of(100), d = cmc_buf_of(100);
    (void)state;
    assert_int_equal(cmc_buf_read(&b, fd, "some file", &err), -CMC_E_LIMIT);
    assert_non_null(strstr(err.msg, "some file"));
    assert_int_equal(cmc_buf_read(&c, endless, "some file", &err), -CMC_E_LIMIT);
    assert_int_equal(cmc_buf_read(&d, -1, "some file", &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "some file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_in_order),
        cmocka_unit_test(a_short_read_yields_zero_and_sticks),
        cmocka_unit_test(a_huge_read_does_not_wrap),
        cmocka_unit_test(an_empty_reader_may_be_null),
        cmocka_unit_test(writing_is_big_endian),
        cmocka_unit_test(texts_and_formats),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(after_a_fault_nothing_is_added),
        cmocka_unit_test(a_huge_write_does_not_wrap),
        cmocka_unit_test(done_can_be_repeated),
        cmocka_unit_test(whole_files),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
