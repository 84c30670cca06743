/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_programs.c -- finding, naming and hashing programs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/cmc_measure_programs.h"

static char top[] = "/tmp/cmc-test-programs-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(top) && chdir(top) == 0 && mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 ? 0
                                                                                             : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"a/runc", "b/runc", "a/fifo", "runc", "programs"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(names[i]);
    return rmdir("a") + rmdir("b") + chdir("/") + rmdir(top);
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static void finding_as_the_real_shim_does(void **state)
{
    char path[256], want[128], out[MEASURE_TEXT_MAX + 1] = "poison";
    struct cmc_err err = {0};
    (void)state;
    put("a/runc", "x", 0644); /* not executable: passed over */
    put("b/runc", "x", 0755);
    put("runc", "x", 0755); /* the current directory is never searched */
    (void)snprintf(path, sizeof(path), ":b:.::/nowhere:%s/a:%s:%s/b:", top, top, top);
    (void)snprintf(want, sizeof(want), "%s/runc", top);
    assert_int_equal(cmc_measure_programs_find("runc", path, out, &err), 0);
    assert_string_equal(out, want);
    (void)snprintf(path, sizeof(path), ":b:%s/a:%s/b", top, top);
    (void)snprintf(want, sizeof(want), "%s/b/runc", top);
    assert_int_equal(cmc_measure_programs_find("runc", path, out, &err), 0);
    assert_string_equal(out, want);
    assert_int_equal(cmc_measure_programs_find("/x/y", "", out, &err), 0);
    assert_string_equal(out, "/x/y");
}

static void what_is_not_found(void **state)
{
    char out[MEASURE_TEXT_MAX + 1] = "poison", path[256];
    char name[MEASURE_TEXT_MAX + 2];
    struct cmc_err err = {0};
    (void)state;
    (void)snprintf(path, sizeof(path), "b:.:%s/a", top);
    assert_int_equal(cmc_measure_programs_find("runc", path, out, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "runc: not found in "));
    assert_int_equal(cmc_measure_programs_find("runc", "", out, &err), -CMC_E_SYS);
    assert_int_equal(cmc_measure_programs_find("b/runc", path, out, &err), -CMC_E_FORMAT);
    memset(name, '/', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(cmc_measure_programs_find(name, path, out, &err), -CMC_E_LIMIT);
    assert_string_equal(out, "poison");
}

static void hashing_and_naming(void **state)
{
    static struct cmc_measure_programs p;
    uint8_t want[CMC_SHA256_LEN];
    char path[128], self[MEASURE_TEXT_MAX + 1] = "";
    struct cmc_err err = {0};
    (void)state;
    cmc_measure_programs_open("/proc/nowhere", &p); /* no cache: hashed all the same */
    (void)snprintf(path, sizeof(path), "%s/b/runc", top);
    assert_int_equal(cmc_measure_programs_add(&p, "runc", path, &err), 0);
    assert_int_equal(cmc_measure_programs_add(&p, "measure", "/proc/self/exe", &err), 0);
    assert_true(readlink("/proc/self/exe", self, MEASURE_TEXT_MAX) > 0);
    assert_int_equal(p.count, 2);
    cmc_sha256("x", 1, want);
    assert_memory_equal(p.list[0].sha256, want, sizeof(want));
    assert_string_equal(p.list[0].role, "runc");
    assert_string_equal(p.list[0].path, path);
    assert_string_equal(p.list[1].path, self);
    cmc_measure_programs_close(&p);
}

static void what_cannot_be_hashed(void **state)
{
    static struct cmc_measure_programs p;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(mkfifo("a/fifo", 0600), 0);
    cmc_measure_programs_open("/proc/nowhere", &p);
    assert_int_equal(cmc_measure_programs_add(&p, "runc", "a/fifo", &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "runc: a/fifo: not a regular file");
    assert_int_equal(cmc_measure_programs_add(&p, "runc", "a", &err), -CMC_E_FORMAT);
    assert_int_equal(cmc_measure_programs_add(&p, "runc", "no", &err), -CMC_E_SYS);
    assert_string_equal(err.msg, "runc: open no: No such file or directory");
    put("b/runc", "x", 0755);
    assert_int_equal(truncate("b/runc", (1L << 30) + 1), 0);
    assert_int_equal(cmc_measure_programs_add(&p, "runc", "b/runc", &err), -CMC_E_LIMIT);
    assert_int_equal(p.count, 0);
    put("b/runc", "x", 0755);
    for (size_t i = 0; i < CMC_MEASURE_ROLES; i++)
        assert_int_equal(cmc_measure_programs_add(&p, "runc", "b/runc", &err), 0);
    assert_int_equal(cmc_measure_programs_add(&p, "runc", "b/runc", &err), -CMC_E_USAGE);
    cmc_measure_programs_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_as_the_real_shim_does),
        cmocka_unit_test(what_is_not_found),
        cmocka_unit_test(hashing_and_naming),
        cmocka_unit_test(what_cannot_be_hashed),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_programs", tests, set_up, tear_down);
}
