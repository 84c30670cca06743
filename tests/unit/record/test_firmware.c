/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_firmware.c -- start values: zeros always, the firmware's when its log can
 * be had and says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/firmware.h"
#include "tests/lib/recorder_fwlog.h"

static char dir[] = "/tmp/cmc-firmware-XXXXXX";
static char path[64];

static const struct measure_banks like = {.count = 2,
                                          .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void ask(const char *file, uint32_t pcr, struct record_starts *s)
{
    memset(s, 0xaa, sizeof(*s));
    record_firmware_starts(file, pcr, &like, s);
    const struct measure_banks zero = measure_banks_zero(&like);
    assert_true(measure_starts_have(&s->values, &zero));
}

static void no_path(void **state)
{
    (void)state;
    struct record_starts s;
    ask(NULL, 13, &s);
    assert_int_equal(s.values.count, 1);
    assert_false(s.unread);
    assert_string_equal(s.note, "");
}

static void explained(void **state)
{
    (void)state;
    struct record_starts s;
    struct cmc_err err;
    struct measure_banks want = measure_banks_zero(&like), digests = want;
    recorder_fwlog_write(path, 13, &like, 0x55);
    ask(path, 13, &s);
    assert_int_equal(s.values.count, 2);
    assert_false(s.unread);
    assert_string_equal(s.note, "the firmware log has 1 event(s) for PCR 13");
    memset(digests.bank[0].value, 0x55, 20);
    memset(digests.bank[1].value, 0x55, 32);
    assert_int_equal(measure_replay_extend(&want, &digests, &err), 0);
    assert_true(measure_banks_equal(&s.values.value[1], &want));
}

/* The log says that the firmware left the register alone: zeros, and nothing twice. */
static void another_register(void **state)
{
    (void)state;
    struct record_starts s;
    recorder_fwlog_write(path, 13, &like, 0x55);
    ask(path, 12, &s);
    assert_int_equal(s.values.count, 1);
    assert_false(s.unread);
    assert_string_equal(s.note, "the firmware log has 0 event(s) for PCR 12");
}

/* Without a bank that is asked for, nothing of the log counts. */
static void a_bank_is_missing(void **state)
{
    (void)state;
    struct record_starts s;
    const struct measure_banks one = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    recorder_fwlog_write(path, 13, &one, 0x55);
    ask(path, 13, &s);
    assert_int_equal(s.values.count, 1);
    assert_true(s.unread);
    assert_non_null(strstr(s.note, "the firmware log does not help: "));
}

static void cannot_be_used(const char *says)
{
    struct record_starts s;
    ask(path, 13, &s);
    assert_int_equal(s.values.count, 1);
    assert_true(s.unread);
    assert_non_null(strstr(s.note, "the firmware log does not help: "));
    if (!strstr(s.note, says))
        fail_msg("\"%s\" does not say \"%s\"", s.note, says);
}

static void refused(void **state)
{
    (void)state;
    (void)unlink(path);
    cannot_be_used("No such file");
    recorder_fwlog_write(path, 13, &like, 0x55);
    assert_int_equal(chmod(path, 0620), 0);
    cannot_be_used("only root can write");
    assert_int_equal(chmod(path, 0602), 0);
    cannot_be_used("only root can write");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 60), 0);
    cannot_be_used("event");
    assert_int_equal(truncate(path, 0), 0);
    cannot_be_used("firmware log");
    assert_int_equal(truncate(path, (16 << 20) + 1), 0);
    cannot_be_used("firmware log");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    cannot_be_used("only root can write");
}

static void of_another_owner(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    (void)unlink(path);
    recorder_fwlog_write(path, 13, &like, 0x55);
    assert_int_equal(chown(path, 12345, 0), 0);
    cannot_be_used("only root can write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path),          cmocka_unit_test(explained),
        cmocka_unit_test(another_register), cmocka_unit_test(a_bank_is_missing),
        cmocka_unit_test(refused),          cmocka_unit_test(of_another_owner),
    };
    return cmocka_run_group_tests_name("record/firmware", tests, set_up, tear_down);
}
