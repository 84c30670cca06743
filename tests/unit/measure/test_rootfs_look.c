/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_look.c -- how far a name may lead. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include "measure/rootfs_look.h"

static const struct row {
    const char *name;
    enum measure_look_reach reach;
    const char *want; /* the message begins so; NULL: it is opened */
} rows[] = {
    {"file", MEASURE_LOOK_BENEATH, NULL},
    {"dir/inner", MEASURE_LOOK_BENEATH, NULL},
    {"dir/../file", MEASURE_LOOK_BENEATH, NULL},
    {".", MEASURE_LOOK_BENEATH, NULL},
    {"..", MEASURE_LOOK_UP, NULL},
    {"..", MEASURE_LOOK_BENEATH, "a mount point below the root"}, /* EXDEV, as of a mount */
    {"../root", MEASURE_LOOK_BENEATH, "a mount point below the root"},
    {"dir/../../root", MEASURE_LOOK_BENEATH, "a mount point below the root"},
    {"/etc/passwd", MEASURE_LOOK_BENEATH, "a mount point below the root"},
    {"sym", MEASURE_LOOK_BENEATH, "changed: its type is another"},
    {"sym", MEASURE_LOOK_UP, "changed: its type is another"},
    {"file/inner", MEASURE_LOOK_BENEATH, "changed: its type is another"},
    {"nothing", MEASURE_LOOK_BENEATH, "changed: it vanished"},
};

static void names_lead_no_further(void **state)
{
    struct tree t;
    (void)state;
    begin(&t);
    fill(&t);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        cmc_autofd int fd = measure_look_open(t.fd, rows[i].name, O_RDONLY, rows[i].reach, &err);
        if (rows[i].want
                ? fd != -CMC_E_VERIFY || strncmp(err.msg, rows[i].want, strlen(rows[i].want)) != 0
                : fd < 0)
            fail_msg("%s: %d %s", rows[i].name, fd, err.msg);
    }
    end(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(names_lead_no_further)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
