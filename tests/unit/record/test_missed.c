/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_missed.c -- notes of events that were not recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/dir.h"
#include "record/missed.h"
#include "tests/lib/recorder_bed.h"

static void note(int dirfd, const char *container, const char *why)
{
    struct measure_event ev = bed_event(container);
    struct cmc_err err = {.code = CMC_E_TPM};
    (void)snprintf(err.msg, sizeof(err.msg), "%s", why);
    record_missed_note(dirfd, &ev, &err);
}

static void clear(int dirfd, struct record_missed *m)
{
    record_missed_clear(dirfd, m);
    record_missed_done(m);
}

static void test_notes(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_missed m;
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 0);
    assert_false(record_missed_next(&m));
    note(dirfd, "first\tid\n\xff", "no TPM\nat all");
    note(dirfd, "second", "no TPM");
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 2);
    assert_true(record_missed_next(&m));
    assert_string_equal(m.ns, "default");
    assert_string_equal(m.container, "first?id??"); /* one line, whatever the name */
    assert_string_equal(m.what, "container-delete: no TPM?at all");
    assert_true(record_missed_next(&m));
    assert_string_equal(m.container, "second");
    assert_false(record_missed_next(&m));
    note(dirfd, "third", "no TPM"); /* between reading and clearing: nothing is forgotten */
    clear(dirfd, &m);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 3);
    clear(dirfd, &m);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 0);
    record_missed_done(&m);
    close(dirfd);
    bed_done(&b);
}

/* It does not grow without end, and what it holds fits an event whatever it is. */
static void test_bounds(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_missed m;
    struct stat st;
    struct record_receipt receipt;
    char name[1024];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.runtime, true, &err);
    for (int i = 0; i < 200; i++)
        note(dirfd, name, "why");
    assert_int_equal(fstatat(dirfd, "missed", &st, 0), 0);
    assert_true(st.st_size <= 65536);
    record_missed_read(dirfd, &m);
    const uint64_t noted = m.count;
    record_missed_done(&m);
    assert_true(noted > 64 && noted < 200);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    int fd = openat(dirfd, "missed", O_WRONLY | O_CLOEXEC); /* torn by a full disk, or junk */
    assert_int_equal(write(fd, "a\xc3\n\n\t\t\tz\n", 9), 9);
    close(fd);
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
    struct recorder_log l = {0};
    bed_check(&b, &l);
    assert_int_equal(l.events, 2);
    assert_int_equal(l.failed, 64 + 3); /* as many as one recording names, and the junk's lines */
    close(dirfd);
    bed_done(&b);
}

static void append(int dirfd, const void *data, size_t len)
{
    int fd = openat(dirfd, "missed", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* Of writers that could not have the lock, and of one whose disk was full. */
static void test_what_others_leave(void **state)
{
    (void)state;
    static char lines[1 << 16];
    struct bed b;
    struct cmc_err err = {0};
    struct record_missed m;
    bed_init(&b, 1);
    int dirfd = record_dir_open(b.dir, false, &err);
    append(dirfd, "n\tc\tto", 6);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 1);
    assert_true(record_missed_next(&m));
    assert_string_equal(m.what, "to");
    assert_false(record_missed_next(&m));
    clear(dirfd, &m);
    memset(lines, '\n', sizeof(lines));
    append(dirfd, lines, sizeof(lines));
    append(dirfd, lines, 2000);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, sizeof(lines) + 2000);
    clear(dirfd, &m);
    record_missed_read(dirfd, &m);
    assert_int_equal(m.count, 0);
    record_missed_done(&m);
    close(dirfd);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes), cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_what_others_leave)};
    return cmocka_run_group_tests_name("record/missed", tests, NULL, NULL);
}
