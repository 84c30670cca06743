/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_contents_file.c -- what is written is found, and nothing else;
 * what is odd is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_contents_file.h"

#define BLOCK ((size_t)CMC_MEASURE_CONTENTS_BLOCK)

enum { HEAD = CMC_MEASURE_CONTENTS_HEAD, RECORD = CMC_MEASURE_CONTENTS_RECORD };

static int reads_until_fault, writes_until_fault; /* 0: none; n: the nth is one */
static size_t most_at_once;                       /* of a write or read; 0: all */

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
ssize_t __real_pread(int fd, void *buf, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static bool fails(int *until)
{
    if (*until == 0 || --*until > 0)
        return false;
    *until = 1; /* and from then on */
    errno = EIO;
    return true;
}

static size_t cut(size_t len)
{
    return most_at_once && len > most_at_once ? most_at_once : len;
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
    return fails(&reads_until_fault) ? -1 : __real_pread(fd, buf, cut(len), at);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
    return fails(&writes_until_fault) ? -1 : __real_write(fd, buf, cut(len));
}

static struct cmc_measure_contents_head head_of(void)
{
    struct cmc_measure_contents_head h = {.lead_ns = INT64_C(900000000000000000)};
    memset(h.boot, 0x11, sizeof(h.boot));
    memset(h.layer, 0x22, sizeof(h.layer));
    return h;
}

static struct cmc_measure_contents_record record_of(uint64_t ino)
{
    struct cmc_measure_contents_record r = {ino, 6 + ino, UINT64_C(1000000000500000000) + ino, {0}};
    memset(r.digest, (int)(ino & 0xff), sizeof(r.digest));
    return r;
}

static int new_file(void)
{
    const int fd = memfd_create("contents", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Records of inode numbers from first on, step apart. Returns a descriptor of them. */
static int written(size_t count, uint64_t first, uint64_t step)
{
    struct cmc_measure_contents_writer *w = malloc(sizeof(*w));
    const struct cmc_measure_contents_head h = head_of();
    const int fd = new_file();
    assert_non_null(w);
    cmc_measure_contents_file_start(w, fd, &h);
    for (size_t i = 0; i < count; i++) {
        const struct cmc_measure_contents_record r = record_of(first + i * step);
        cmc_measure_contents_file_add(w, &r);
    }
    assert_true(cmc_measure_contents_file_end(w));
    free(w);
    return fd;
}

static struct cmc_measure_contents_reader *opened(int fd)
{
    struct cmc_measure_contents_reader *r = NULL;
    struct cmc_err err = {0};
    if (cmc_measure_contents_file_open(fd, &r, &err) < 0)
        fail_msg("%s", err.msg);
    assert_non_null(r);
    return r;
}

static void refused(const uint8_t *data, size_t len)
{
    static struct cmc_measure_contents_reader poison;
    struct cmc_measure_contents_reader *r = &poison;
    struct cmc_err err = {0};
    const int fd = new_file();
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(cmc_measure_contents_file_open(fd, &r, &err), -CMC_E_FORMAT);
    assert_ptr_equal(r, &poison);
    assert_true(err.code == CMC_E_FORMAT && err.msg[0]);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was taken */
}

/* The example of docs/formats/layer-cache.md. */
static void the_pages_example(void **state)
{
    (void)state;
    static const char want[] = "636d632d6c617965722d310a00000000"
                               "11111111111111111111111111111111"
                               "2222222222222222222222222222222222222222222222222222222222222222"
                               "0c7d713b49da0000"
                               "000000000000000c00000000000000060de0b6b3c5316500"
                               "4444444444444444444444444444444444444444444444444444444444444444"
                               "ec4f8fb315c1e113c2309d518bacd5a2c4003c004d5f115bb2529e8e5ca5a81e";
    struct cmc_measure_contents_writer *w = malloc(sizeof(*w));
    struct cmc_measure_contents_record r = {12, 6, UINT64_C(1000000000500000000), {0}};
    const struct cmc_measure_contents_head h = head_of();
    uint8_t data[sizeof(want) / 2 + 1];
    char text[2 * sizeof(data) + 1];
    cmc_autofd int fd = new_file();
    assert_non_null(w);
    memset(r.digest, 0x44, sizeof(r.digest));
    cmc_measure_contents_file_start(w, fd, &h);
    cmc_measure_contents_file_add(w, &r);
    assert_true(cmc_measure_contents_file_end(w));
    free(w);
    assert_int_equal(pread(fd, data, sizeof(data), 0), sizeof(want) / 2);
    cmc_hex(data, sizeof(want) / 2, text);
    assert_string_equal(text, want);
}

static void is_found(struct cmc_measure_contents_reader *r, uint64_t ino, bool want)
{
    struct cmc_measure_contents_record got, poison, there = record_of(ino);
    memset(&got, 0x5a, sizeof(got));
    memset(&poison, 0x5a, sizeof(poison));
    if (cmc_measure_contents_file_find(r, ino, &got) != want)
        fail_msg("inode %llu of %zu", (unsigned long long)ino, r->count);
    assert_memory_equal(&got, want ? &there : &poison, sizeof(got));
}

static void all_are_found_and_no_other(void **state)
{
    (void)state;
    static const size_t counts[] = {1,         2,         3,    BLOCK - 1,  BLOCK,
                                    BLOCK + 1, 2 * BLOCK, 1000, 64 * BLOCK, 64 * BLOCK + 1};
    for (size_t i = 0; i < ROWS(counts); i++) {
        const size_t count = counts[i];
        struct cmc_measure_contents_reader *r = opened(written(count, 5, 3));
        assert_int_equal(r->count, count);
        for (size_t k = 0; k < count; k++) {
            struct cmc_measure_contents_record got, want = record_of(5 + 3 * k);
            is_found(r, 5 + 3 * k, true);
            is_found(r, 4 + 3 * k, false);
            assert_true(cmc_measure_contents_file_at(r, k, &got));
            assert_memory_equal(&got, &want, sizeof(got));
        }
        is_found(r, 0, false);
        is_found(r, 5 + 3 * count, false);
        is_found(r, UINT64_MAX, false);
        const struct cmc_measure_contents_head h = head_of();
        assert_memory_equal(&r->head, &h, sizeof(h));
        cmc_measure_contents_file_close(r);
    }
    cmc_measure_contents_file_close(NULL);
}

static void in_pieces(void **state)
{
    (void)state;
    most_at_once = 1000; /* of what is asked for at once, and no multiple of anything */
    struct cmc_measure_contents_reader *r = opened(written(3 * BLOCK, 1, 1));
    is_found(r, 100, true);
    cmc_measure_contents_file_close(r);
    most_at_once = 0;
}

/* One bit anywhere, one byte less or more: not accepted. */
static void damage(void **state)
{
    (void)state;
    uint8_t data[HEAD + 2 * RECORD + CMC_SHA256_LEN + 1] = {0};
    const size_t len = sizeof(data) - 1;
    cmc_autofd int fd = written(2, 7, 1);
    assert_int_equal(pread(fd, data, sizeof(data), 0), len);
    cmc_measure_contents_file_close(opened(cmc_take_fd(&fd)));
    for (size_t n = 0; n < len; n++)
        refused(data, n);
    refused(data, sizeof(data));
    for (size_t i = 0; i < len; i++) {
        data[i] ^= 0x10;
        refused(data, len);
        data[i] ^= 0x10;
    }
}

static void summed(uint8_t *data, size_t count)
{
    const size_t len = HEAD + count * RECORD;
    cmc_sha256(data, len, data + len);
    refused(data, len + CMC_SHA256_LEN);
}

/* Under a checksum that fits. */
static void what_cannot_be(void **state)
{
    (void)state;
    uint8_t data[HEAD + 2 * RECORD + CMC_SHA256_LEN], good[sizeof(data)];
    uint8_t *second = data + HEAD + RECORD;
    cmc_autofd int fd = written(2, 7, 1);
    assert_int_equal(pread(fd, good, sizeof(good), 0), sizeof(good));
    memcpy(data, good, sizeof(good));
    summed(data, 0); /* no records */
    memcpy(data, good, sizeof(good));
    second[7] = 7; /* the same inode again */
    summed(data, 2);
    second[7] = 6; /* a lower one */
    summed(data, 2);
    memcpy(data, good, sizeof(good));
    memset(second + 8, 0, 8); /* an empty file */
    summed(data, 2);
    memcpy(data, good, sizeof(good));
    data[10] = '2'; /* another version */
    summed(data, 2);
    cmc_sha256(good, sizeof(good) - CMC_SHA256_LEN, data);
    assert_memory_equal(data, good + sizeof(good) - CMC_SHA256_LEN, CMC_SHA256_LEN);
}

/* The largest file is accepted, its like with one record more is not read at all. */
static void as_many_as_may_be(void **state)
{
    (void)state;
    struct stat st;
    cmc_autofd int fd = written(CMC_MEASURE_CONTENTS_MAX + 2, 1, 1);
    cmc_autofd int more = dup(fd);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, HEAD + (off_t)CMC_MEASURE_CONTENTS_MAX * RECORD + CMC_SHA256_LEN);
    struct cmc_measure_contents_reader *r = opened(cmc_take_fd(&fd));
    is_found(r, 1, true);
    is_found(r, CMC_MEASURE_CONTENTS_MAX, true);
    is_found(r, CMC_MEASURE_CONTENTS_MAX + 1, false);
    cmc_measure_contents_file_close(r);
    struct cmc_err err = {0};
    assert_int_equal(ftruncate(more, st.st_size + RECORD), 0);
    reads_until_fault = 1; /* else: another error */
    assert_int_equal(cmc_measure_contents_file_open(cmc_take_fd(&more), &r, &err), -CMC_E_FORMAT);
    reads_until_fault = 0;
}

static void reads_that_fail(void **state)
{
    (void)state;
    cmc_autofd int fd = written(3 * BLOCK, 1, 1);
    int n = 0;
    for (bool done = false; !done;) {
        struct cmc_measure_contents_reader *r = NULL;
        struct cmc_err err = {0};
        reads_until_fault = ++n;
        done = cmc_measure_contents_file_open(dup(fd), &r, &err) == 0;
        reads_until_fault = 0;
        assert_int_equal(err.code, done ? CMC_OK : CMC_E_SYS);
        assert_true(done == (r != NULL));
        cmc_measure_contents_file_close(r);
    }
    assert_int_equal(n, 6); /* head, three blocks, checksum; none failed */
}

/* It was accepted once; what cannot be read later is not there. */
static void reads_that_fail_later(void **state)
{
    (void)state;
    struct cmc_measure_contents_record got;
    struct cmc_measure_contents_reader *r = opened(written(3 * BLOCK, 1, 1));
    is_found(r, 1, true);
    reads_until_fault = 1;
    is_found(r, 2, true); /* at hand */
    is_found(r, 2 * BLOCK, false);
    is_found(r, 2, false); /* nothing is at hand any more */
    assert_false(cmc_measure_contents_file_at(r, 2, &got));
    reads_until_fault = 0;
    is_found(r, 2 * BLOCK, true);
    is_found(r, 2, true);
    cmc_measure_contents_file_close(r);
}

static void writes_that_fail(void **state)
{
    (void)state;
    struct cmc_measure_contents_writer *w = malloc(sizeof(*w));
    const struct cmc_measure_contents_head h = head_of();
    assert_non_null(w);
    for (int n = 1; n <= 4; n++) {
        cmc_autofd int fd = new_file();
        writes_until_fault = n;
        cmc_measure_contents_file_start(w, fd, &h);
        for (uint64_t i = 1; i <= 3000; i++) { /* three buffers */
            const struct cmc_measure_contents_record r = record_of(i);
            cmc_measure_contents_file_add(w, &r);
        }
        assert_int_equal(cmc_measure_contents_file_end(w), n == 4);
        writes_until_fault = 0;
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pages_example), cmocka_unit_test(all_are_found_and_no_other),
        cmocka_unit_test(in_pieces),         cmocka_unit_test(damage),
        cmocka_unit_test(what_cannot_be),    cmocka_unit_test(as_many_as_may_be),
        cmocka_unit_test(reads_that_fail),   cmocka_unit_test(reads_that_fail_later),
        cmocka_unit_test(writes_that_fail),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_contents_file", tests, NULL, NULL);
}
