/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_txn.c -- the n-th system call or TPM command fails, for every n, once or
 * from there on, in a recording and in the one that recovers. Afterwards log and PCR agree, what
 * was acknowledged is there, and what was not is there or said to be missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/recorder_bed.h"

enum call { WRITE, SHORT_WRITE, PWRITE, FDATASYNC, FSYNC, FALLOCATE, OPENAT, FSTAT, FLOCK, CALLS };
static const char *const call_name[CALLS] = {"write",     "short write", "pwrite",
                                             "fdatasync", "fsync",       "fallocate",
                                             "openat",    "fstat",       "flock"};

static struct {
    enum call call;
    int error;
    unsigned at, seen; /* the at-th call fails; 0: none */
    bool stays;        /* and all after it */
    unsigned armed_at; /* becomes at once the recorder is open: before, there is nowhere to note */
} fault;

static void arm(struct bed *b)
{
    (void)b;
    fault.at = fault.armed_at;
}

static bool fails(enum call call)
{
    if (!fault.at || fault.call != call)
        return false;
    fault.seen++;
    errno = fault.error;
    return fault.seen == fault.at || (fault.stays && fault.seen > fault.at);
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's --wrap chooses the names */
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (fails(WRITE))
        return -1;
    return __real_write(fd, data, fails(SHORT_WRITE) ? len / 2 : len);
}

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    return fails(PWRITE) ? -1 : __real_pwrite(fd, data, len, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return fails(FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return fails(FSYNC) ? -1 : __real_fsync(fd);
}

int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
    return fails(FALLOCATE) ? -1 : __real_fallocate(fd, mode, at, len);
}

int __real_openat(int dirfd, const char *path, int flags, mode_t mode);
int __wrap_openat(int dirfd, const char *path, int flags, mode_t mode);
int __wrap_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    return fails(OPENAT) ? -1 : __real_openat(dirfd, path, flags, mode);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
    return fails(FSTAT) ? -1 : __real_fstat(fd, st);
}

int __real_flock(int fd, int op);
int __wrap_flock(int fd, int op);
int __wrap_flock(int fd, int op)
{
    return fails(FLOCK) ? -1 : __real_flock(fd, op);
}

/* NOLINTEND(bugprone-reserved-identifier) */

static void disarm(struct bed *b)
{
    fault.at = 0;
    b->tpm.fault_at = 0;
}

/* e<n> is in the PCR if it was acknowledged; else there, or there is a note that one is missing. */
static void judge(struct bed *b, const int *results, unsigned count, bool noted)
{
    uint64_t seen[8] = {0};
    unsigned lost = 0;
    struct recorder_log l = {.seen = seen, .seen_max = 8};
    bed_check(b, &l);
    assert_int_equal(l.discontinuities, 0);
    assert_int_equal(l.repeated, 0);
    for (unsigned i = 0; i < count; i++) {
        assert_true(results[i] < 0 || seen[i]);
        lost += !seen[i];
    }
    assert_true(lost == 0 || l.failed || !noted);
    assert_true(lost || !l.failed || !noted); /* nothing is said to be missing that is there */
}

/* first: the fault hits the boot's first recording, else a later one. Returns whether it hit. */
static bool one_fault(struct bed *b, bool first)
{
    struct record_receipt receipt;
    struct cmc_err err = {0};
    int results[3];
    const unsigned at = fault.at;
    const unsigned tpm_at = b->tpm.fault_at;
    const enum fake_fault kind = b->tpm.fault;
    disarm(b);
    b->table.boot(&b->table);
    if (!first)
        assert_int_equal(bed_record(b, 0, 1, &receipt, &err), 0);
    fault.armed_at = at;
    fault.seen = 0;
    b->tpm.commands = 0;
    b->tpm.fault = kind;
    b->tpm.fault_at = tpm_at;
    b->opened = arm;
    results[0] = first ? bed_record(b, 0, 1, &receipt, &err) : 0;
    fault.at = 0;
    results[1] = bed_record(b, 1, 1, &receipt, &err);
    const bool hit = at ? fault.seen >= at : b->tpm.commands >= tpm_at;
    disarm(b);
    b->opened = NULL;
    results[2] = bed_record(b, 2, 1, &receipt, &err);
    if (results[2] != 0)
        fail_msg("not recovered: %s", err.msg);
    judge(b, results, 3, !fault.stays);
    fault.at = at;
    b->tpm.fault_at = tpm_at;
    return hit;
}

/* Every place that call c comes to, once and from there on, each errno. Returns how many. */
static unsigned all_faults(struct bed *b, enum call c)
{
    static const int errors[] = {EIO, ENOSPC, EROFS};
    unsigned hits = 0;
    for (int mode = 0; mode < 12; mode++) {
        fault.call = c;
        fault.stays = mode & 2;
        fault.error = errors[mode / 4];
        for (fault.at = 1; one_fault(b, mode & 1); fault.at++)
            hits++;
    }
    fault.at = 0;
    return hits;
}

static void test_calls(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, 2);
    for (enum call c = WRITE; c < CALLS; c++) {
        const unsigned hits = all_faults(&b, c);
        print_message("%s: %u faults\n", call_name[c], hits);
        assert_true(hits > 0); /* a call that never came is wrapped by mistake */
    }
    bed_done(&b);
}

static void test_commands(void **state)
{
    (void)state;
    struct bed b;
    unsigned hits = 0;
    bed_init(&b, 2);
    fault.stays = false;
    for (enum fake_fault f = FAKE_FAULT_BEFORE; f <= FAKE_FAULT_REFUSED; f++)
        for (int first = 0; first < 2; first++) {
            b.tpm.fault = f;
            b.tpm.fault_at = 1;
            while (one_fault(&b, first)) {
                b.tpm.fault = f;
                b.tpm.fault_at++;
                hits++;
            }
        }
    print_message("TPM: %u faults\n", hits);
    assert_true(hits > 30);
    bed_done(&b);
}

/* A TPM command fails while the one before, which failed too, is being recovered. */
static void test_twice(void **state)
{
    (void)state;
    struct bed b;
    bed_init(&b, 2);
    for (unsigned n = 0; n < 64; n++)
        for (enum fake_fault f = FAKE_FAULT_BEFORE; f <= FAKE_FAULT_REFUSED; f++) {
            struct record_receipt receipt;
            struct cmc_err err = {0};
            int results[4] = {0};
            b.table.boot(&b.table);
            assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
            for (unsigned i = 1; i < 4; i++) {
                b.tpm.commands = 0;
                b.tpm.fault = f;
                b.tpm.fault_at = i == 1 ? n % 8 : i == 2 ? n / 8 : 0;
                results[i] = bed_record(&b, i, 1, &receipt, &err);
            }
            assert_int_equal(results[3], 0);
            judge(&b, results, 4, true);
        }
    bed_done(&b);
}

/* The log grows by frames only: what was there before a fault is there, byte for byte, after. */
static void test_append_only(void **state)
{
    (void)state;
    struct bed b;
    struct record_receipt receipt;
    struct cmc_err err = {0};
    char path[96];
    static uint8_t before[4096], after[8192];
    bed_init(&b, 1);
    (void)snprintf(path, sizeof(path), "%s/log", b.runtime);
    assert_int_equal(bed_record(&b, 0, 1, &receipt, &err), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = pread(fd, before, sizeof(before), 0);
    fault.call = SHORT_WRITE;
    fault.at = 1;
    fault.seen = 0;
    fault.stays = false;
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), -CMC_E_SYS);
    disarm(&b);
    assert_int_equal(bed_record(&b, 2, 1, &receipt, &err), 0);
    assert_true(pread(fd, after, sizeof(after), 0) > n);
    assert_memory_equal(before, after, (size_t)n);
    close(fd);
    struct recorder_log l = {0};
    bed_check(&b, &l);
    assert_true(l.replay.torn > 0);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls), cmocka_unit_test(test_commands), cmocka_unit_test(test_twice),
        cmocka_unit_test(test_append_only)};
    return cmocka_run_group_tests_name("record/txn", tests, NULL, NULL);
}
