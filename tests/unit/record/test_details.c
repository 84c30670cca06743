/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_details.c -- stored once, whole, within the quota. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record/details.h"
#include "tests/lib/recorder_bed.h"
#include "tests/lib/rows.h"

enum { QUOTA = 100000 };

static int put(const struct bed *b, uint8_t n, const void *data, size_t len, uint64_t quota,
               struct cmc_err *err)
{
    uint8_t digest[CMC_SHA256_LEN] = {n};
    return record_details_put(b->runtime, "config", digest, data, len, quota, err);
}

static int get(const struct bed *b, uint8_t n, struct cmc_buf *out, struct cmc_err *err)
{
    uint8_t digest[CMC_SHA256_LEN] = {n};
    return record_details_get(b->runtime, "config", digest, out, err);
}

static bool has(const struct bed *b, uint8_t n)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(0);
    struct cmc_err err = {0};
    const bool found = get(b, n, &out, &err) == 1;
    const uint8_t digest[CMC_SHA256_LEN] = {n};
    assert_int_equal(record_details_has(b->runtime, "config", digest), found);
    return found;
}

static void path_of(const struct bed *b, uint8_t n, char out[static 160])
{
    char rest[2 * CMC_SHA256_LEN - 1];
    memset(rest, '0', sizeof(rest));
    (void)snprintf(out, 160, "%s/config-%02x%.62s", b->runtime, n, rest);
}

static unsigned files(const struct bed *b)
{
    unsigned n = 0;
    DIR *d = opendir(b->runtime);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct stat st;
    char path[160];
    cmc_autobuf struct cmc_buf out = cmc_buf_of(0);
    bed_init(&b, 1);
    assert_int_equal(get(&b, 1, &out, &err), 0); /* no directory yet */
    assert_int_equal(put(&b, 1, "{}", 2, QUOTA, &err), 0);
    assert_int_equal(get(&b, 2, &out, &err), 0);
    assert_int_equal(get(&b, 1, &out, &err), 1);
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "{}", 2);
    path_of(&b, 1, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    const ino_t ino = st.st_ino;
    assert_int_equal(put(&b, 1, "{}", 2, QUOTA, &err), 0); /* there already */
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_ino == ino);
    assert_int_equal(files(&b), 1);
    assert_int_equal(truncate(path, 1), 0); /* a part of it is not it */
    assert_int_equal(put(&b, 1, "{}", 2, QUOTA, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_int_equal(put(&b, 3, "", 0, QUOTA, &err), 0);
    assert_true(has(&b, 3));
    bed_done(&b);
}

static void set_age(const struct bed *b, uint8_t n, time_t age)
{
    char path[160];
    const struct timespec ts[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    path_of(b, n, path);
    assert_int_equal(utimensat(AT_FDCWD, path, ts, 0), 0);
}

static void test_quota(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    char data[400] = {0};
    bed_init(&b, 1);
    for (uint8_t n = 1; n <= 5; n++) {
        assert_int_equal(put(&b, n, data, sizeof(data), 2000, &err), 0);
        set_age(&b, n, 1000 - 100 * (n == 1 ? 9 : n)); /* 2 is the oldest, 1 the youngest */
    }
    assert_int_equal(put(&b, 6, data, 400, 2000, &err), 0);
    assert_true(has(&b, 1) && !has(&b, 2) && has(&b, 3) && has(&b, 6));
    assert_int_equal(put(&b, 3, data, 400, 2000, &err), 0); /* asked for again: young again */
    assert_int_equal(put(&b, 7, data, 400, 2000, &err), 0);
    assert_true(has(&b, 3) && !has(&b, 4) && has(&b, 7));
    assert_int_equal(put(&b, 8, data, 400, 399, &err), -CMC_E_LIMIT); /* never fits: nothing goes */
    assert_int_equal(files(&b), 5);
    assert_int_equal(put(&b, 9, data, 400, 400, &err), 0); /* a smaller quota: all others go */
    assert_int_equal(files(&b), 1);
    bed_done(&b);
}

static void test_refused(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    char path[160], other[160];
    const uint8_t digest[CMC_SHA256_LEN] = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(0);
    bed_init(&b, 1);
    assert_int_equal(record_details_put(b.runtime, "../x", digest, "", 0, QUOTA, &err),
                     -CMC_E_USAGE);
    assert_int_equal(record_details_put(b.runtime, "", digest, "", 0, QUOTA, &err), -CMC_E_USAGE);
    assert_int_equal(record_details_get(b.runtime, "Config", digest, &out, &err), -CMC_E_USAGE);
    assert_int_equal(put(&b, 1, "{}", 2, QUOTA, &err), 0);
    path_of(&b, 1, path);
    path_of(&b, 2, other);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(put(&b, 2, "{}", 2, QUOTA, &err), -CMC_E_VERIFY);
    assert_int_equal(get(&b, 2, &out, &err), -CMC_E_VERIFY);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(get(&b, 1, &out, &err), -CMC_E_VERIFY);
    assert_int_equal(chmod(b.runtime, 0777), 0);
    assert_int_equal(put(&b, 3, "{}", 2, QUOTA, &err), -CMC_E_VERIFY);
    assert_int_equal(get(&b, 3, &out, &err), -CMC_E_VERIFY);
    assert_int_equal(out.len, 0);
    bed_done(&b);
}

/* What a killed writer left is removed once it is old; a young one may still be written. */
static void test_left_over(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    char path[160];
    bed_init(&b, 1);
    assert_int_equal(put(&b, 1, "{}", 2, QUOTA, &err), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/.new-%d", b.runtime, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
        const struct timespec ts[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        assert_true(fd >= 0);
        if (i == 0)
            assert_int_equal(futimens(fd, ts), 0);
        close(fd);
    }
    assert_int_equal(put(&b, 2, "{}", 2, QUOTA, &err), 0);
    assert_int_equal(files(&b), 3);
    bed_done(&b);
}

static int start(const struct bed *b, uint8_t n, uint64_t len, struct record_details_writer *w,
                 struct cmc_err *err)
{
    const uint8_t digest[CMC_SHA256_LEN] = {n};
    return record_details_start(b->runtime, &(struct record_detail){"config", digest, len}, QUOTA,
                                w, err);
}

/* Nobody sees it by its name before it is whole. */
static void test_pieces(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_details_writer w;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(0);
    bed_init(&b, 1);
    assert_int_equal(start(&b, 1, 5, &w, &err), 0);
    assert_int_equal(record_details_add(&w, "{\"a", 3, &err), 0);
    assert_int_equal(record_details_add(&w, "", 0, &err), 0);
    assert_false(has(&b, 1));
    assert_int_equal(record_details_add(&w, "\"}", 2, &err), 0);
    assert_false(has(&b, 1));
    assert_int_equal(record_details_end(&w, &err), 0);
    record_details_drop(&w); /* takes nothing away */
    assert_int_equal(get(&b, 1, &out, &err), 1);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.data, "{\"a\"}", 5);
    assert_int_equal(start(&b, 1, 5, &w, &err), 1); /* there already: nothing is to be dropped */
    assert_true(w.fd < 0 && w.dir < 0);
    assert_int_equal(files(&b), 1);
    bed_done(&b);
}

/* Left half-way, of another length, or with no space any more: nothing is left. */
static void test_pieces_that_fail(void **state)
{
    (void)state;
    static const char data[1024];
    static const struct {
        const char *name;
        uint64_t said;
        size_t pieces;
        rlim_t space;
        int add, end;
        const char *msg;
    } rows[] = {
        {"left", 3072, 2, RLIM_INFINITY, 0, 1, ""},
        {"short", 2049, 2, RLIM_INFINITY, 0, -CMC_E_LIMIT, "detail: shorter than was said"},
        {"long", 2047, 2, RLIM_INFINITY, -CMC_E_LIMIT, 1, "detail: longer than was said"},
        {"no space", 2048, 2, 1500, -CMC_E_SYS, 1, "write detail: File too large"},
    };
    struct bed b;
    struct rlimit before;
    bed_init(&b, 1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct record_details_writer w;
        struct cmc_err err = {0};
        int r = 0;
        assert_int_equal(start(&b, 1, rows[i].said, &w, &err), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){rows[i].space, before.rlim_max}),
                         0);
        for (size_t k = 0; k < rows[i].pieces && r == 0; k++)
            r = record_details_add(&w, data, sizeof(data), &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(r, rows[i].add);
        if (rows[i].end <= 0)
            assert_int_equal(record_details_end(&w, &err), rows[i].end);
        assert_string_equal(err.msg, rows[i].msg);
        assert_int_equal(files(&b), 1); /* the new one, which has no name yet */
        record_details_drop(&w);
        assert_int_equal(files(&b), 0);
        assert_false(has(&b, 1));
    }
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_quota),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_left_over),
        cmocka_unit_test(test_pieces),     cmocka_unit_test(test_pieces_that_fail)};
    return cmocka_run_group_tests_name("record/details", tests, NULL, NULL);
}
