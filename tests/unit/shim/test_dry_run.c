/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_dry_run.c -- one row, one named test: who must not start. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/dry_run.h"
#include "shim/dry_run.h"
#include "tests/lib/rows.h"

#define NAME   "CMC_GENERATE_APP_MANIFEST"
#define MEMBER "\"io.kubernetes.cri.container-name\":"

enum { NOBODY = 0 }; /* no result */

struct row {
    const char *name, *id;
    const char *config; /* NULL: no bundle; "": no config.json */
    int outcome;
    bool want;
};

static struct row rows[] = {
    {"the id, with a result", NAME, "{}", CMC_HELPER_RECORDED, true},
    {"the id, without one", NAME, "{}", NOBODY, true},
    {"the id, without a bundle", NAME, NULL, NOBODY, true},
    {"another id", "c", "{}", NOBODY, false},
    {"another id that begins so", NAME "2", "{}", NOBODY, false},
    {"a part of the id", "CMC_GENERATE", "{}", NOBODY, false},
    {"in small letters", "cmc_generate_app_manifest", "{}", NOBODY, false},
    {"an empty id", "", NULL, NOBODY, false},
    {"the name, no result", "c", "{\"annotations\":{" MEMBER "\"" NAME "\"}}", NOBODY, true},
    {"the name, measuring failed", "c", "{" MEMBER "\"" NAME "\"", CMC_HELPER_MEASURE_FAILED, true},
    {"the name, not recorded", "c", "{" MEMBER "\"" NAME "\"", CMC_HELPER_NOT_RECORDED, true},
    {"the name, the helper read it", "c", "{" MEMBER "\"" NAME "\"", CMC_HELPER_RECORDED, false},
    {"the name in a value", "c", "{\"env\":\"x=" NAME "\"}", NOBODY, false},
    {"another name", "c", "{" MEMBER "\"web\"}", NOBODY, false},
    {"a longer name", "c", "{" MEMBER "\"" NAME "2\"}", NOBODY, false},
    {"the name, others may write it", "c", "{" MEMBER "\"" NAME "\"", NOBODY, true},
    {"another name, others may write it", "c", "{" MEMBER "\"web\"}", NOBODY, false},
    {"no config.json", "c", "", NOBODY, false},
    {"no bundle", "c", NULL, NOBODY, false},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    char top[] = "/tmp/cmc-test-dry-run-XXXXXX";
    assert_non_null(mkdtemp(top));
    cmc_autofd int bundle = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(bundle >= 0);
    if (t->config && *t->config) {
        cmc_autofd int fd =
            openat(bundle, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, t->config, strlen(t->config)), (ssize_t)strlen(t->config));
    }
    if (strstr(t->name, "others may write"))
        assert_int_equal(fchmodat(bundle, "config.json", 0666, 0), 0);
    const struct cmc_helper_result r = {.outcome = (enum cmc_helper_outcome)t->outcome};
    const bool got = shim_dry_run(t->id, t->config ? bundle : -1, t->outcome ? &r : NULL);
    (void)unlinkat(bundle, "config.json", 0);
    assert_int_equal(rmdir(top), 0);
    assert_int_equal(got, t->want);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    if (getuid() != 0) {
        print_message("config.json must be root's: run as root\n");
        return 77;
    }
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/dry_run", tests, NULL, NULL);
}
