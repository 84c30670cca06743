/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_reference_host.c -- references from a recorder's log, a firmware log
 * and a model TPM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "measure/fwlog.h"
#include "tests/lib/recorder_ctl.h"
#include "tests/lib/recorder_fwlog.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl_reference.h"

static char program[96]; /* a file of the test */

static void write_program(const char *text)
{
    (void)snprintf(program, sizeof(program), "%s/program", ctl_bed.dir);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* A container whose event names the program by this role. */
static void create(const char *container, const char *role, const char *text)
{
    struct measure_event ev = ctl_event(container);
    ev.program_count = 1;
    ev.programs[0] = (struct measure_program){.role = role, .path = program};
    cmc_sha256(text, strlen(text), ev.programs[0].sha256);
    ctl_record(ev);
}

static void test_programs_of_the_log(void **state)
{
    (void)state;
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    uint8_t want[CMC_SHA256_LEN];
    write_program("one");
    create("a", "runc", "one");
    create("b", "runc", "one"); /* once is enough */
    create("c", "shim", "one");
    if (cmcctl_reference_programs(ctl_log_path, NULL, &all, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_sha256("one", 3, want);
    assert_int_equal(all.count, 2);
    for (size_t i = 0; i < all.count; i++) {
        assert_string_equal(all.component[i].name, program);
        assert_memory_equal(all.component[i].hash->content.data, want, sizeof(want));
        assert_string_equal(meta_component_property(&all.component[i], "cmc.program"),
                            i ? "shim" : "runc");
    }
    cmcctl_references_done(&all);
}

static void test_programs_that_cannot_be_said(void **state)
{
    (void)state;
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    assert_int_equal(cmcctl_reference_programs("/none", NULL, &all, &err), -CMC_E_FORMAT);
    write_program("one");
    ctl_record(ctl_event("a"));
    assert_int_equal(cmcctl_reference_programs(ctl_log_path, NULL, &all, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "names no programs"));
    create("b", "runc", "one");
    write_program("two");
    assert_int_equal(cmcctl_reference_programs(ctl_log_path, NULL, &all, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "is not what the log names as runc"));
    assert_int_equal(unlink(program), 0);
    assert_int_equal(cmcctl_reference_programs(ctl_log_path, NULL, &all, &err), -CMC_E_SYS);
    assert_int_equal(all.count, 0);
    cmcctl_references_done(&all);
}

static void test_firmware_log(void **state)
{
    (void)state;
    const struct measure_banks like = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    struct ctl_reference_options o = {.selected = 1U << 4 | 1U << 8, .alg = CMC_ALG_SHA256};
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    uint8_t want[CMC_SHA256_LEN], both[2 * CMC_SHA256_LEN] = {0};
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/fw", ctl_bed.dir);
    recorder_fwlog_write(path, 8, &like, 0x33);
    if (cmcctl_reference_firmware(&o, path, &all, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.component[0].name, "PCR Summary");
    assert_string_equal(meta_component_property(&all.component[0], "cmc.index"), "4");
    assert_memory_equal(all.component[0].hash->content.data, both, CMC_SHA256_LEN); /* zeros */
    assert_string_equal(meta_component_property(&all.component[1], "cmc.index"), "8");
    memset(both + CMC_SHA256_LEN, 0x33, CMC_SHA256_LEN);
    cmc_sha256(both, sizeof(both), want);
    assert_memory_equal(all.component[1].hash->content.data, want, sizeof(want));
    cmcctl_references_done(&all);
    o.alg = CMC_ALG_SHA384;
    assert_int_equal(cmcctl_reference_firmware(&o, path, &all, &err), -CMC_E_FORMAT);
    assert_int_equal(cmcctl_reference_firmware(&o, "/none", &all, &err), -CMC_E_SYS);
    cmcctl_references_done(&all);
}

static void test_values(void **state)
{
    (void)state;
    struct ctl_reference_options o = {.selected = 1U << 13, .alg = CMC_ALG_SHA256};
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    struct recorder_log log;
    ctl_record(ctl_event("a"));
    if (cmcctl_reference_values(&o, "fake", &all, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(all.count, 1);
    assert_string_equal(meta_component_property(&all.component[0], "cmc.index"), "13");
    bed_check(&ctl_bed, &log);
    assert_memory_not_equal(all.component[0].hash->content.data, (uint8_t[CMC_SHA256_LEN]){0},
                            CMC_SHA256_LEN);
    cmcctl_references_done(&all);
    o.alg = CMC_ALG_SHA512; /* a TPM of two banks */
    assert_int_equal(cmcctl_reference_values(&o, "fake", &all, &err), -CMC_E_USAGE);
    assert_non_null(strstr(err.msg, "no PCR 13 in bank sha512"));
    cmcctl_references_done(&all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, ctl_setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_programs_of_the_log),
        TEST(test_programs_that_cannot_be_said),
        TEST(test_firmware_log),
        TEST(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
