/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_layers.c -- which mounts are read as layers, and how. Opening
 * them: test_cmc_measure_rootfs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_layers.h"

enum follows { NEVER, ALWAYS, AS_THE_KERNEL };

static struct row {
    const char *options;
    bool readable, userxattr;
    enum follows follows;
} rows[] = {
    {"", true, false, AS_THE_KERNEL},
    {",metacopy=off", true, false, AS_THE_KERNEL},
    {",redirect_dir=off", true, false, AS_THE_KERNEL},
    {",redirect_dir=nofollow", true, false, NEVER},
    {",redirect_dir=follow", true, false, ALWAYS},
    {",redirect_dir=on", true, false, ALWAYS},
    {",userxattr", true, true, NEVER},
    {",metacopy=on", false, false, NEVER},
    {",redirect_dir=off,redirect_dir=on", false, false, NEVER},
    {",userxattr,redirect_dir=on", false, false, NEVER},
    {",userxattr,metacopy=off", false, false, NEVER},
    {",else", false, false, NEVER},
};

static void how_layers_are_read(void **state)
{
    static struct cmc_measure_mounts m = {.kind = CMC_MEASURE_OVERLAY, .layer_count = 2};
    const struct row *row = *state;
    struct measure_layers out;
    (void)snprintf(m.options, sizeof(m.options), "%s", row->options);
    for (int before = 0; before < 2; before++) { /* whatever *out was */
        memset(&out, before, sizeof(out));
        assert_int_equal(cmc_measure_layers_readable(&m, &out), row->readable);
        if (!row->readable)
            continue;
        assert_int_equal(out.userxattr, row->userxattr);
        if (row->follows != AS_THE_KERNEL)
            assert_int_equal(out.redirects, row->follows == ALWAYS);
    }
    m.uids = m.gids = (struct measure_idmap){0, 100000, 65536};
    assert_false(cmc_measure_layers_readable(&m, &out));
    m.uids = m.gids = (struct measure_idmap){0};
}

static bool is_set(const char *path)
{
    FILE *f = fopen(path, "re");
    const int c = f ? fgetc(f) : 'N';
    if (f)
        (void)fclose(f);
    return c == 'Y';
}

static void what_the_kernel_follows(void **state)
{
    static struct cmc_measure_mounts m = {.kind = CMC_MEASURE_OVERLAY, .layer_count = 2};
    const bool always = is_set("/sys/module/overlay/parameters/redirect_always_follow");
    const bool by_default = is_set("/sys/module/overlay/parameters/redirect_dir");
    struct measure_layers out;
    (void)state;
    (void)snprintf(m.options, sizeof(m.options), ",redirect_dir=off");
    assert_true(cmc_measure_layers_readable(&m, &out));
    assert_int_equal(out.redirects, always);
    m.options[0] = '\0';
    assert_true(cmc_measure_layers_readable(&m, &out));
    assert_int_equal(out.redirects, always || by_default);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1] = {cmocka_unit_test(what_the_kernel_follows)};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[1 + i] = (struct CMUnitTest){*rows[i].options ? rows[i].options : "no options",
                                           how_layers_are_read, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_layers", tests, NULL, NULL);
}
