/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_err.c -- codes, texts, and what happens to long ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void a_fault_has_code_and_text(void **state)
{
    struct cmc_err err = {.sys_errno = 7, .tpm_rc = 9};
    (void)state;
    errno = ENOENT;
    assert_int_equal(cmc_fail(&err, CMC_E_FORMAT, "line %d: %s", 3, "bad"), -CMC_E_FORMAT);
    assert_int_equal(err.code, CMC_E_FORMAT);
    assert_int_equal(err.sys_errno, 0); /* errno means nothing here, nor what stood there before */
    assert_int_equal(err.tpm_rc, 0);
    assert_string_equal(err.msg, "line 3: bad");
}

static void a_system_fault_says_why(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    errno = ENOENT;
    assert_int_equal(cmc_fail(&err, CMC_E_SYS, "open %s", "x"), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.msg, "open x: No such file or directory");
}

static void a_system_fault_without_errno(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    errno = 0;
    assert_int_equal(cmc_fail(&err, CMC_E_SYS, "open %s", "x"), -CMC_E_SYS);
    assert_string_equal(err.msg, "open x");
    errno = 5000; /* a number that the library does not know */
    assert_int_equal(cmc_fail(&err, CMC_E_SYS, "open %s", "x"), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, 5000);
    assert_string_equal(err.msg, "open x");
}

static void wrapping_goes_in_front(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    errno = EIO;
    (void)cmc_fail(&err, CMC_E_SYS, "read");
    assert_int_equal(cmc_wrap(&err, "task %d", 7), -CMC_E_SYS);
    assert_string_equal(err.msg, "task 7: read: Input/output error");
    assert_int_equal(err.sys_errno, EIO);
    assert_int_equal(cmc_wrap(&err, "outer"), -CMC_E_SYS);
    assert_string_equal(err.msg, "outer: task 7: read: Input/output error");
}

/* Every length around the limit: cut at the tail, always ended. */
static void long_texts_are_cut(void **state)
{
    struct cmc_err err;
    char text[sizeof(err.msg) + 8];
    (void)state;
    for (size_t n = sizeof(err.msg) - 4; n < sizeof(text); n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        err = (struct cmc_err){0};
        errno = EIO;
        assert_int_equal(cmc_fail(&err, CMC_E_SYS, "%s", text), -CMC_E_SYS);
        const size_t want = n + strlen(": Input/output error");
        assert_int_equal(strlen(err.msg), want < sizeof(err.msg) ? want : sizeof(err.msg) - 1);
        assert_int_equal(cmc_wrap(&err, "%s", text), -CMC_E_SYS);
        assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
        assert_memory_equal(err.msg, text, sizeof(err.msg) - 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_has_code_and_text),    cmocka_unit_test(a_system_fault_says_why),
        cmocka_unit_test(a_system_fault_without_errno), cmocka_unit_test(wrapping_goes_in_front),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
