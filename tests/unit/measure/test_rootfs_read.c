/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_read.c -- holes, short files, progress. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "measure/rootfs_read.h"
#include "tests/lib/rows.h"

#define HALF_MIB ((off_t)128 * 4096) /* below one block of digests */

struct file {
    int fd;
    struct measure_content *content;
    struct measure_meter meter;
    struct cmc_err err;
};

static const struct measure_rootfs_opts silent = {0};

static void open_file(struct file *f)
{
    char path[] = "/tmp/cmc-test-read-XXXXXX";
    *f = (struct file){.fd = mkstemp(path), .content = malloc(sizeof(*f->content))};
    assert_true(f->fd >= 0);
    assert_non_null(f->content);
    assert_int_equal(unlink(path), 0);
    f->meter.opts = &silent;
    f->content->meter = &f->meter;
    measure_fsverity_init(&f->content->tree);
}

static void close_file(struct file *f)
{
    free(f->content);
    cmc_closep(&f->fd);
}

static int digest(struct file *f, uint64_t size, bool sparse, uint8_t out[static CMC_SHA256_LEN])
{
    return measure_content_digest(f->content, f->fd, size, sparse, out, &f->err);
}

/* Data in places that are awkward for holes: the sparse way and the plain way must agree. */
static void holes_change_nothing(void **state)
{
    (void)state;
    static const off_t data[] = {0, 1, 4095, 4096, 5000000, HALF_MIB - 1, HALF_MIB, 9999999};
    static const off_t sizes[] = {1, 4096, 4097, HALF_MIB, HALF_MIB + 1, 10000000};
    for (size_t i = 0; i < ROWS(data); i++)
        for (size_t k = 0; k < ROWS(sizes); k++) {
            struct file f;
            uint8_t plain[CMC_SHA256_LEN], sparse[CMC_SHA256_LEN];
            open_file(&f);
            assert_int_equal(pwrite(f.fd, "x", 1, data[i]), 1);
            assert_int_equal(ftruncate(f.fd, sizes[k]), 0);
            assert_int_equal(digest(&f, (uint64_t)sizes[k], false, plain), 0);
            assert_int_equal(digest(&f, (uint64_t)sizes[k], true, sparse), 0);
            assert_memory_equal(plain, sparse, sizeof(plain));
            close_file(&f);
        }
}

/* A file system with small blocks tells borders that are not ours. */
static bool small_blocks;
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
off_t __real_lseek(int fd, off_t at, int whence);
off_t __wrap_lseek(int fd, off_t at, int whence);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */
off_t __wrap_lseek(int fd, off_t at, int whence)
{
    if (!small_blocks)
        return __real_lseek(fd, at, whence);
    if (whence == SEEK_HOLE)
        return 5120;
    if (at <= 4608)
        return 4608;
    errno = ENXIO;
    return -1;
}

static void borders_inside_a_block(void **state)
{
    (void)state;
    struct file f;
    uint8_t plain[CMC_SHA256_LEN], sparse[CMC_SHA256_LEN];
    open_file(&f);
    assert_int_equal(pwrite(f.fd, "x", 1, 5000), 1);
    assert_int_equal(ftruncate(f.fd, 100000), 0);
    assert_int_equal(digest(&f, 100000, false, plain), 0);
    small_blocks = true;
    const int r = digest(&f, 100000, true, sparse);
    small_blocks = false;
    assert_int_equal(r, 0);
    assert_memory_equal(plain, sparse, sizeof(plain));
    close_file(&f);
}

static void a_terabyte_of_hole_in_a_second(void **state)
{
    (void)state;
    struct file f;
    struct timespec from, to;
    uint8_t out[CMC_SHA256_LEN];
    open_file(&f);
    assert_int_equal(ftruncate(f.fd, (off_t)1 << 40), 0);
    assert_int_equal(pwrite(f.fd, "x", 1, (off_t)1 << 39), 1);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(digest(&f, (uint64_t)1 << 40, true, out), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec < 1 ||
                (to.tv_sec - from.tv_sec == 1 && to.tv_nsec < from.tv_nsec));
    assert_true(f.meter.work <= 65536);
    close_file(&f);
}

static void other_sizes_are_changes(void **state)
{
    (void)state;
    static const struct {
        off_t real;
        uint64_t told;
        bool sparse;
    } rows[] = {{10, 11, false},     {10, 9, false},          {1, 0, false},
                {0, 1, false},       {200000, 200001, false}, {200000, 300000, false},
                {5000, 20000, true}, {131072, 131071, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct file f;
        uint8_t out[CMC_SHA256_LEN], poison[CMC_SHA256_LEN];
        memset(out, 0xa5, sizeof(out));
        memcpy(poison, out, sizeof(out));
        open_file(&f);
        for (off_t at = 0; at < rows[i].real; at += 1000)
            assert_int_equal(pwrite(f.fd, "x", 1, at), 1);
        assert_int_equal(ftruncate(f.fd, rows[i].real), 0);
        /* what is behind the end reads as a hole, so only the size can tell, and does later */
        const int want = rows[i].sparse ? 0 : -CMC_E_VERIFY;
        assert_int_equal(digest(&f, rows[i].told, rows[i].sparse, out), want);
        if (want)
            assert_memory_equal(out, poison, sizeof(out));
        close_file(&f);
    }
}

static void a_file_that_cannot_be_read(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 300000};
    for (size_t i = 0; i < ROWS(sizes); i++) {
        struct file f;
        uint8_t out[CMC_SHA256_LEN];
        open_file(&f);
        cmc_closep(&f.fd);
        f.fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(digest(&f, sizes[i], false, out), -CMC_E_SYS);
        assert_int_equal(f.err.sys_errno, EISDIR);
        close_file(&f);
    }
}

static int refuse(void *ctx, uint64_t entries, uint64_t bytes)
{
    int *calls = ctx;
    (void)entries;
    (void)bytes;
    return ++*calls > 1 ? -1 : 0;
}

static void progress_and_cancel(void **state)
{
    (void)state;
    int calls = 0;
    const struct measure_rootfs_opts opts = {.progress = refuse, .ctx = &calls};
    struct measure_meter m = {.opts = &opts};
    struct cmc_err err = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(measure_meter_read(&m, 1 << 20, &err), 0);
    assert_int_equal(calls, 1);
    for (int i = 0; i < 1023; i++)
        assert_int_equal(measure_meter_entry(&m, &err), 0);
    assert_int_equal(measure_meter_entry(&m, &err), -CMC_E_SYS);
    assert_string_equal(err.msg, "cancelled: Operation canceled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_change_nothing),           cmocka_unit_test(borders_inside_a_block),
        cmocka_unit_test(a_terabyte_of_hole_in_a_second), cmocka_unit_test(other_sizes_are_changes),
        cmocka_unit_test(a_file_that_cannot_be_read),     cmocka_unit_test(progress_and_cancel),
    };
    return cmocka_run_group_tests_name("measure/rootfs_read", tests, NULL, NULL);
}
