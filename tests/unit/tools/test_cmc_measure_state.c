/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_state.c -- each profile's digests, and nothing else. */
#include <fcntl.h>
#include <ftw.h>
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
#include "measure/config_cmc.h"
#include "measure/rootfs_cmc.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_state.h"

#define CONFIG "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/c1\",\"env\":[\"A=1\"]}"

static const uint8_t key[32] = {1};
static char top[] = "/tmp/cmc-test-state-XXXXXX";
static int root = -1;
static struct cmc_measure_rootfs from;

static int set_up(void **state)
{
    (void)state;
    from.root = root = mkdtemp(top) ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    cmc_autofd int fd = openat(root, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return root >= 0 && fd >= 0 && write(fd, "content", 7) == 7 && symlinkat("f", root, "link") == 0
               ? 0
               : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(root);
    return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void profiles(void **state)
{
    static const struct {
        const char *name;
        int want;
        enum measure_profile profile;
    } rows[] = {{NULL, 0, MEASURE_PROFILE_EXACT}, {"exact", 0, MEASURE_PROFILE_EXACT},
                {"cmc", 0, MEASURE_PROFILE_CMC},  {"", -CMC_E_USAGE, 0},
                {"CMC", -CMC_E_USAGE, 0},         {"exact ", -CMC_E_USAGE, 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        enum measure_profile got = (enum measure_profile)77;
        assert_int_equal(cmc_measure_state_profile(rows[i].name, &got, &err), rows[i].want);
        assert_int_equal(got, rows[i].want ? 77 : (int)rows[i].profile);
    }
}

/* The digest of text; on an error err says which. */
static int config(const struct cmc_measure_how *how, const char *text,
                  uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(4096);
    CMC_CLEANUP(measure_config_done) struct measure_config c = {.terminal = false};
    cmc_put_text(&json, text);
    const int rc = cmc_measure_state_config(how, &json, &c, err);
    memcpy(out, c.digest, CMC_SHA256_LEN);
    return rc;
}

static void configurations(void **state)
{
    const struct cmc_measure_how exact = {.profile = MEASURE_PROFILE_EXACT, .id = "c1"};
    const struct cmc_measure_how cmc = {.profile = MEASURE_PROFILE_CMC, .id = "c1"};
    const struct measure_config_opts e = {.container_id = "c1"};
    const struct measure_config_cmc_opts m = {.container_id = "c1"};
    struct measure_config want_exact, want_cmc;
    uint8_t got[CMC_SHA256_LEN], other[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    struct cmc_measure_how how = exact;
    (void)state;
    assert_int_equal(measure_config(CONFIG "}", sizeof(CONFIG), &e, &want_exact, &err), 0);
    assert_int_equal(measure_config_cmc(CONFIG "}", sizeof(CONFIG), &m, &want_cmc, &err), 0);
    assert_int_equal(config(&exact, CONFIG "}", got, &err), 0);
    assert_memory_equal(got, want_exact.digest, sizeof(got));
    assert_int_equal(config(&cmc, CONFIG "}", got, &err), 0);
    assert_memory_equal(got, want_cmc.digest, sizeof(got));
    how.redaction_key = key;
    assert_int_equal(config(&how, CONFIG "}", other, &err), 0);
    assert_memory_not_equal(other, want_exact.digest, sizeof(other));
    how = cmc;
    how.id = "another"; /* in this profile ids are looked for everywhere, in process.cwd too */
    assert_int_equal(config(&how, CONFIG "}", other, &err), 0);
    assert_memory_not_equal(other, want_cmc.digest, sizeof(other));
    measure_config_done(&want_exact);
    measure_config_done(&want_cmc);
}

static void configurations_that_are_none(void **state)
{
    const struct {
        struct cmc_measure_how how;
        const char *text, *why;
        int want;
    } rows[] = {
        {{.profile = MEASURE_PROFILE_EXACT, .id = "c"}, "", "config.json: ", -CMC_E_FORMAT},
        {{.profile = MEASURE_PROFILE_CMC, .id = "c"}, "", "config.json", -CMC_E_FORMAT},
        {{.profile = MEASURE_PROFILE_EXACT, .id = "c"},
         "{\"Root\":{}}",
         "config.json: ",
         -CMC_E_VERIFY},
        {{.profile = MEASURE_PROFILE_CMC, .id = "c", .redaction_key = key},
         CONFIG "}",
         "profile cmc cannot redact",
         -CMC_E_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        uint8_t got[CMC_SHA256_LEN];
        assert_int_equal(config(&rows[i].how, rows[i].text, got, &err), rows[i].want);
        assert_non_null(strstr(err.msg, rows[i].why));
    }
}

#define HOOK(path) CONFIG ",\"hooks\":{\"prestart\":[{\"path\":\"" path "\"}]}}"

/* Where a hook's program really is, on this host. */
static void hooks_are_resolved(void **state)
{
    const struct cmc_measure_how cmc = {.profile = MEASURE_PROFILE_CMC, .id = "zz"};
    uint8_t direct[CMC_SHA256_LEN], through[CMC_SHA256_LEN], other[CMC_SHA256_LEN];
    char text[512];
    struct cmc_err err = {0};
    (void)state;
    (void)snprintf(text, sizeof(text), HOOK("%s/f"), top);
    assert_int_equal(config(&cmc, text, direct, &err), 0);
    (void)snprintf(text, sizeof(text), HOOK("%s/../%s/link"), top, strrchr(top, '/') + 1);
    assert_int_equal(config(&cmc, text, through, &err), 0);
    assert_memory_equal(direct, through, sizeof(direct));
    assert_int_equal(config(&cmc, HOOK("/"), other, &err), 0);
    assert_memory_not_equal(direct, other, sizeof(direct));
    assert_int_equal(config(&cmc, HOOK("/no/such/program"), other, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "hook /no/such/program"));
    assert_int_equal(config(&cmc, HOOK("bin/true"), other, &err), -CMC_E_FORMAT);
}

static void trees(void **state)
{
    static struct cmc_measure_spec spec; /* without maps */
    struct cmc_measure_how how = {.profile = MEASURE_PROFILE_EXACT, .id = "c"};
    const struct measure_rootfs_opts opts = {.rootless = false};
    struct measure_rootfs exact, cmc, got;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf one = cmc_buf_of(4096), two = cmc_buf_of(4096);
    (void)state;
    assert_int_equal(measure_rootfs(root, &opts, &exact, &err), 0);
    assert_int_equal(measure_rootfs_cmc(root, &opts, &cmc, &err), 0);
    assert_memory_not_equal(exact.digest, cmc.digest, CMC_SHA256_LEN);
    assert_int_equal(cmc_measure_state_rootfs(&how, &spec, &from, &one, &got, &err), 0);
    assert_memory_equal(got.digest, exact.digest, CMC_SHA256_LEN);
    how.profile = MEASURE_PROFILE_CMC; /* the listing is that of the exact profile all the same */
    assert_int_equal(cmc_measure_state_rootfs(&how, &spec, &from, &two, &got, &err), 0);
    assert_memory_equal(got.digest, cmc.digest, CMC_SHA256_LEN);
    assert_int_equal(got.entries, 2);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    assert_int_equal(cmc_measure_state_rootfs(&how, &spec, &from, NULL, &got, &err), 0);
    assert_memory_equal(got.digest, cmc.digest, CMC_SHA256_LEN);
    how.file_max = 6;
    for (int p = MEASURE_PROFILE_EXACT; p <= MEASURE_PROFILE_CMC; p++) {
        how.profile = (enum measure_profile)p;
        memset(&got, 0xaa, sizeof(got));
        assert_true(cmc_measure_state_rootfs(&how, &spec, &from, NULL, &got, &err) < 0);
        assert_non_null(strstr(err.msg, "root file system: "));
        assert_non_null(strstr(err.msg, "/f"));
        assert_int_equal(got.digest[0], 0xaa);
    }
}

static void maps_shift_owners(void **state)
{
    static struct cmc_measure_spec spec = {.uid_maps = 1, .gid_maps = 1};
    const struct cmc_measure_how how = {.profile = MEASURE_PROFILE_EXACT, .id = "c"};
    struct measure_rootfs plain, shifted;
    struct cmc_err err = {0};
    static struct cmc_measure_spec none;
    (void)state;
    spec.uids[0] = spec.gids[0] = (struct measure_idmap){5, 0, 100000};
    assert_int_equal(cmc_measure_state_rootfs(&how, &none, &from, NULL, &plain, &err), 0);
    assert_int_equal(cmc_measure_state_rootfs(&how, &spec, &from, NULL, &shifted, &err), 0);
    assert_memory_not_equal(plain.digest, shifted.digest, CMC_SHA256_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles),
        cmocka_unit_test(configurations),
        cmocka_unit_test(configurations_that_are_none),
        cmocka_unit_test(hooks_are_resolved),
        cmocka_unit_test(trees),
        cmocka_unit_test(maps_shift_owners),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_state", tests, set_up, tear_down);
}
