/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_failing_calls.c -- each system call of a prover fails once: an error
 * with words, files whole or absent, no descriptor left open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/fail_sys.h"
#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;
static struct prove *p;
static const uint8_t nonce[16] = {1, 2, 3};
static struct cmc_buf chain; /* as prove_install() takes it */
static char dir[64];         /* a storage of its own, made anew */
static size_t whole;         /* bytes of the report without a fault */

static int read_chain(struct cmc_err *err)
{
    struct cmc_buf got = {.len = 77};
    fail_sys_begin();
    const int rc = prove_file_read(bed.storage, "sw_ak_chain.pem", 1 << 16, &got, err);
    fail_sys_end();
    assert_int_not_equal(rc, 0); /* it is there */
    assert_true(rc == 1 ? got.len == chain.len : got.len == 77);
    if (rc == 1)
        cmc_buf_done(&got);
    return rc < 0 ? rc : 0;
}

/* What it is called by: nothing is left of one that failed. */
static void assert_only(const char *name)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            assert_string_equal(e->d_name, name);
    (void)closedir(d);
}

static int write_anew(struct cmc_err *err)
{
    struct stat st;
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/name", dir);
    (void)unlink(path);
    (void)rmdir(dir);
    fail_sys_begin();
    const int rc = prove_file_write(dir, "name", "four", 4, err);
    fail_sys_end();
    if (stat(dir, &st) != 0)
        return rc;
    assert_only("name");
    if (stat(path, &st) == 0)
        assert_int_equal(st.st_size, 4);
    else
        assert_true(rc < 0);
    return rc;
}

static int write_over(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf got = cmc_buf_of(64);
    struct cmc_err ignored;
    assert_int_equal(prove_file_write(dir, "name", "before", 6, &ignored), 0);
    fail_sys_begin();
    const int rc = prove_file_write(dir, "name", "four", 4, err);
    fail_sys_end();
    assert_only("name");
    bed_read(dir, "name", &got);
    assert_true((got.len == 4 && memcmp(got.data, "four", 4) == 0) ||
                (rc < 0 && got.len == 6 && memcmp(got.data, "before", 6) == 0));
    return rc;
}

static int open_prover(struct cmc_err *err)
{
    struct prove *const untouched = (void *)&bed, *got = untouched;
    fail_sys_begin();
    const int rc = prove_open(&bed.cfg, &got, err);
    fail_sys_end();
    if (rc == 0)
        prove_close(got);
    else
        assert_ptr_equal(got, untouched);
    return rc;
}

/* The key is there, and no other is made. */
static int ask_again(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(1 << 16);
    cmc_autobuf struct cmc_buf before = {0}, behind = {0};
    bed_read(bed.storage, "sw_ak_private.key", &before);
    fail_sys_begin();
    const int rc = prove_create_key(&bed.cfg, NULL, &csr, err);
    fail_sys_end();
    assert_true(rc == 0 ? csr.len > 0 : csr.len == 0);
    bed_read(bed.storage, "sw_ak_private.key", &behind);
    assert_int_equal(before.len, behind.len);
    assert_memory_equal(before.data, behind.data, before.len);
    return rc;
}

static int install(struct cmc_err *err)
{
    fail_sys_begin();
    const int rc = prove_install(&bed.cfg, chain.data, chain.len, err);
    fail_sys_end();
    return rc;
}

static int read_log(struct cmc_err *err)
{
    struct prove_log log = {.count = 77};
    fail_sys_begin();
    const int rc = prove_log_read(bed.run, CMC_ALG_SHA256, &log, err);
    fail_sys_end();
    assert_int_equal(log.count, rc < 0 ? 77 : 6);
    if (rc == 0)
        prove_log_done(&log);
    return rc;
}

static int report(const struct prove_request *r, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    fail_sys_begin();
    const int rc = prove_report(p, r, &out, err);
    fail_sys_end();
    if (rc == 0)
        /* a detail that cannot be read is left out, and nothing else */
        assert_true(out.len == whole || (r->details && out.len < whole));
    return rc;
}

static int report_all(struct cmc_err *err)
{
    static const struct prove_request r = {
        .nonce = nonce, .nonce_len = sizeof(nonce), .json = true, .details = true};
    return report(&r, err);
}

static int report_less(struct cmc_err *err)
{
    static const struct prove_request r = {
        .nonce = nonce, .nonce_len = sizeof(nonce), .json = true};
    return report(&r, err);
}

static struct row {
    const char *name;
    fail_sys_call *call;
} rows[] = {
    {"a file is read", read_chain},      {"a file is written", write_anew},
    {"a file is replaced", write_over},  {"a prover is opened", open_prover},
    {"the request of a key", ask_again}, {"a chain is installed", install},
    {"the log is read", read_log},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    fail_sys_each(t->call);
}

static void reports(void **state)
{
    static fail_sys_call *const calls[] = {report_all, report_less};
    (void)state;
    for (size_t i = 0; i < ROWS(calls); i++) {
        struct cmc_err err = {0};
        const struct prove_request r = {
            .nonce = nonce, .nonce_len = sizeof(nonce), .json = true, .details = i == 0};
        cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
        assert_int_equal(prove_report(p, &r, &out, &err), 0);
        whole = out.len;
        fail_sys_each(calls[i]);
    }
}

static void open_host(enum measure_profile profile)
{
    uint8_t digest[CMC_SHA256_LEN];
    bed_init(&bed, profile);
    bed_create(&bed, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"]}}", NULL, digest);
    bed_write(&bed);
    (void)snprintf(dir, sizeof(dir), "%s/other", bed.dir);
    p = bed_open(&bed);
    bed_read(bed.storage, "sw_ak_chain.pem", &chain);
}

static int set_up(void **state)
{
    (void)state;
    open_host(MEASURE_PROFILE_EXACT);
    return 0;
}

static int set_up_cmc(void **state)
{
    (void)state;
    open_host(MEASURE_PROFILE_CMC);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    prove_close(p);
    cmc_buf_done(&chain);
    bed_done(&bed);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){rows[n].name, run_row, set_up, tear_down, &rows[n]};
    tests[n++] = (struct CMUnitTest){"reports", reports, set_up, tear_down, NULL};
    tests[n++] = (struct CMUnitTest){"reports of CMC", reports, set_up_cmc, tear_down, NULL};
    return cmocka_run_group_tests_name("attest/prove/failing calls", tests, NULL, NULL);
}
