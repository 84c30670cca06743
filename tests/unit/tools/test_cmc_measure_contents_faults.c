/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_contents_faults.c -- whatever fails, memory or a system call:
 * what is known is true, and the next measuring learns again. */
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/fail_sys.h"
#include "tools/cmc_measure_contents.h"

enum { OLD = 1, NEW = 2 };

static struct {
    char dir[32];
    int top, fds[2];
    uint64_t dev;
    struct measure_layers layers;
} w;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_fstatfs(int fd, struct statfs *out);
int __wrap_fstatfs(int fd, struct statfs *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_fstatfs(int fd, struct statfs *out)
{
    const int r = __real_fstatfs(fd, out);
    out->f_type = EXT4_SUPER_MAGIC; /* wherever this runs */
    return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int setup(void **state)
{
    struct stat st;
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/cmc-contents-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    w.top = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkdirat(w.top, i ? "1" : "0", 0755), 0);
        w.fds[i] = openat(w.top, i ? "1" : "0", O_PATH | O_CLOEXEC);
    }
    assert_int_equal(fstat(w.top, &st), 0);
    w.dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
    w.layers = (struct measure_layers){.fds = w.fds, .count = 2};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cmc_closep(&w.fds[0]);
    cmc_closep(&w.fds[1]);
    cmc_closep(&w.top);
    return nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Of 200 files, what is known must have that content. Then all odd ones are read, having changed:
 * how many are known. */
static size_t measure_once(uint64_t changed, int content)
{
    struct cmc_measure_contents *c = cmc_measure_contents_begin(w.dir, &w.layers, 0);
    const struct measure_known *k = cmc_measure_contents_known(c);
    uint8_t digest[CMC_SHA256_LEN];
    size_t known = 0;
    bool more = true;
    for (uint64_t i = 1; k && i <= 200; i++) {
        const struct measure_known_file f = {1, w.dev, i, 1, i % 2 ? changed : 7};
        if (!k->find(k->ctx, &f, digest))
            continue;
        assert_int_equal(digest[0], i % 2 ? content : OLD);
        known++;
    }
    memset(digest, content, sizeof(digest));
    for (uint64_t i = 1; k && more && i <= 200; i += 2) {
        const struct measure_known_file f = {1, w.dev, i, 1, changed};
        more = k->learn(k->ctx, &f, digest);
    }
    assert_true(cmc_measure_contents_end(c));
    return known;
}

static void learn_all(void)
{
    struct cmc_measure_contents *c = cmc_measure_contents_begin(w.dir, &w.layers, 0);
    const struct measure_known *k = cmc_measure_contents_known(c);
    uint8_t digest[CMC_SHA256_LEN];
    memset(digest, OLD, sizeof(digest));
    for (uint64_t i = 1; i <= 200; i++) {
        const struct measure_known_file f = {1, w.dev, i, 1, 7};
        assert_true(k->learn(k->ctx, &f, digest));
    }
    assert_true(cmc_measure_contents_end(c));
}

static void all_is_well_again(void)
{
    (void)measure_once(8, NEW);
    assert_true(measure_once(8, NEW) >= 100);
}

static int without_memory(struct cmc_err *err)
{
    (void)measure_once(8, NEW);
    return fail_alloc_happened() ? cmc_fail(err, CMC_E_LIMIT, "an allocation failed") : 0;
}

static void memory(void **state)
{
    (void)state;
    learn_all();
    fail_alloc_each(without_memory);
    all_is_well_again();
}

static int without_a_call(struct cmc_err *err)
{
    (void)err;
    learn_all();
    fail_sys_begin();
    (void)measure_once(8, NEW);
    fail_sys_end();
    all_is_well_again();
    return 0;
}

static void system_calls(void **state)
{
    (void)state;
    fail_sys_each(without_a_call);
    assert_int_equal(faccessat(w.top, "cache/layers/new", F_OK, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory, setup, teardown),
        cmocka_unit_test_setup_teardown(system_calls, setup, teardown),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_contents_faults", tests, NULL, NULL);
}
