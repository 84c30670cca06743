/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_measure_bundle.c -- options, what they open, and what comes out. */
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
#include "base/options.h"
#include "tests/lib/rows.h"
#include "tools/measure_bundle.h"

enum { ARGS = 10 };

static char top[] = "/tmp/cmc-test-bundle-XXXXXX";
static char key[64], listing[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    (void)unlink(path);
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

#define CONFIG                                                                                     \
    "{\"ociVersion\":\"1.0.2\",\"process\":{\"env\":[\"A=1\"]},\"root\":{\"path\":\"rootfs\"}}"

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top) || chdir(top) != 0 || mkdir("rootfs", 0755) != 0 || mkdir("other", 0755) != 0)
        return -1;
    put("config.json", CONFIG, 0644);
    put("other/f", "x", 0644);
    put("key", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 0600);
    (void)snprintf(key, sizeof(key), "%s/key", top);
    (void)snprintf(listing, sizeof(listing), "%s/listing", top);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static int parse(const char *const args[ARGS], struct measure_bundle_options *o,
                 struct cmc_err *err)
{
    static char words[ARGS + 1][256]; /* what o borrows, until the next call */
    char *argv[ARGS + 2] = {words[0]};
    int argc = 1;
    for (; argc <= ARGS && args[argc - 1]; argc++) {
        (void)snprintf(words[argc], sizeof(words[argc]), "%s", args[argc - 1]);
        argv[argc] = words[argc];
    }
    return measure_bundle_options(argc, argv, o, err);
}

static void options(void **state)
{
    struct measure_bundle_options o;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(parse((const char *const[ARGS]){"b"}, &o, &err), 0);
    assert_string_equal(o.bundle, "b");
    assert_string_equal(o.id, "mycontainer");
    assert_int_equal(o.profile, MEASURE_PROFILE_EXACT);
    assert_int_equal(o.pcr, 13);
    assert_false(o.rootless);
    assert_int_equal(parse((const char *const[ARGS]){"-config", "c", "--rootfs=r", "-id", "i",
                                                     "-profile=cmc", "--pcr", "11", "-rootless"},
                           &o, &err),
                     0);
    assert_null(o.bundle);
    assert_string_equal(o.config, "c");
    assert_string_equal(o.rootfs, "r");
    assert_string_equal(o.id, "i");
    assert_int_equal(o.profile, MEASURE_PROFILE_CMC);
    assert_int_equal(o.pcr, 11);
    assert_true(o.rootless);
}

static void wrong_options(void **state)
{
    static const struct {
        const char *args[ARGS];
        const char *why;
    } rows[] = {
        {{NULL}, "name a BUNDLE"},
        {{"-rootfs", "r"}, "name a BUNDLE"},
        {{"a", "b"}, "one BUNDLE, not 2"},
        {{"a", "-profile", "exactly"}, "--profile: profile \"exactly\" does not exist"},
        {{"a", "-pcr", "24"}, "--pcr takes 0 to 23"},
        {{"a", "-pcr", "x"}, "--pcr"},
        {{"a", "-id", ""}, "no container can have this id"},
        {{"a", "-id", ".."}, "no container can have this id"},
        {{"a", "-name", ""}, "--name takes 1 to"},
        {{"a", "-profile", "cmc", "-redaction-key", "k"}, "cannot redact"},
        {{"a", "-confg", "x"}, "--confg"},
        {{"a", "-config"}, "--config"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct measure_bundle_options o = {.pcr = 77};
        assert_int_equal(parse(rows[i].args, &o, &err), -CMC_E_USAGE);
        if (!strstr(err.msg, rows[i].why))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, rows[i].why);
        assert_int_equal(o.pcr, 77);
    }
}

static int notes;

static void note(enum measure_bundle_note kind, const char *line)
{
    assert_non_null(strstr(line, kind == MEASURE_BUNDLE_WARNING ? "root's" : " entries, "));
    notes += kind == MEASURE_BUNDLE_SUMMARY;
}

/* What measure-bundle would print; NUL-terminated, "" after an error. */
static int run(const char *const args[ARGS], char out[static 4096], struct cmc_err *err)
{
    struct measure_bundle_options o;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4095);
    assert_int_equal(parse(args, &o, err), 0);
    const int rc = measure_bundle_run(&o, &b, note, err);
    memset(out, 0, 4096);
    if (rc == 0)
        memcpy(out, b.data, b.len);
    else
        assert_int_equal(b.len, 0);
    return rc;
}

static void equal_ways_to_say_it(void **state)
{
    static const char *const ways[][ARGS] = {
        {"."},
        {"-config", "config.json"},
        {"-config=./config.json", "-rootfs=rootfs"},
        {"--config", top, "--config", "config.json", "--rootfs", "rootfs/"},
        {top},
        {"-id", "x", "-name", "mycontainer", top},
    };
    char first[4096], next[4096];
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(ways); i++) {
        notes = 0;
        assert_int_equal(run(ways[i], i ? next : first, &err), 0);
        assert_int_equal(notes, 1);
        if (i)
            assert_string_equal(next, first);
    }
    assert_non_null(strstr(first, "\"name\":\"mycontainer\""));
}

static void other_things_differ(void **state)
{
    const char *const others[][ARGS] = {
        {"-rootfs", "other", "."}, {"-profile", "cmc", "."}, {"-redaction-key", key, "."},
        {"-pcr", "11", "."},       {"-name", "n", "."},
    };
    char first[4096], next[4096];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(run((const char *const[ARGS]){"."}, first, &err), 0);
    for (size_t i = 0; i < ROWS(others); i++) {
        assert_int_equal(run(others[i], next, &err), 0);
        assert_string_not_equal(next, first);
    }
}

static void the_listing(void **state)
{
    char out[4096], got[4096] = {0};
    struct cmc_err err = {0};
    struct stat st;
    (void)state;
    assert_int_equal(
        run((const char *const[ARGS]){"-rootfs", "other", "-listing", listing, "."}, out, &err), 0);
    cmc_autofd int fd = open(listing, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, got, sizeof(got) - 1) > 0);
    assert_non_null(strstr(got, "cmc-rootfs-listing 1\n"));
    assert_non_null(strstr(got, " /f"));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(run((const char *const[ARGS]){"-listing", "no/such/l", "."}, out, &err),
                     -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "--listing: "));
}

static void faults(void **state)
{
    static const struct {
        const char *args[ARGS];
        const char *why;
        int want;
    } rows[] = {
        {{"nothing"}, "open nothing/config.json", -CMC_E_SYS},
        {{"-config", "rootfs"}, "rootfs: not a regular file", -CMC_E_FORMAT},
        {{"-config", "fifo", "-rootfs", "rootfs"}, "fifo: not a regular file", -CMC_E_FORMAT},
        {{"-config", "other/f"}, "config.json: ", -CMC_E_FORMAT},
        {{"-rootfs", "config.json", "."}, "open config.json", -CMC_E_SYS},
        {{"-rootfs", "no", "."}, "open no", -CMC_E_SYS},
        {{"-config", "link.json"}, "root.path of link.json: ", -CMC_E_VERIFY},
        {{"-config", "up.json"}, "root.path of up.json: ", -CMC_E_SYS},
        {{"-config", "none.json"}, "no root.path", -CMC_E_FORMAT},
        {{"-config", "case.json", "-rootfs", "rootfs"}, "config.json: ", -CMC_E_VERIFY},
        {{"-redaction-key", "other/f", "."}, "redaction key: other/f: mode", -CMC_E_VERIFY},
        {{"-redaction-key", "no", "."}, "redaction key: open no", -CMC_E_SYS},
        {{"-file-max", "0", "-rootfs", "other", "-file-max", "1", "-profile", "cmc", "x"},
         "open x/config.json",
         -CMC_E_SYS},
    };
    char out[4096];
    (void)state;
    put("link.json", "{\"root\":{\"path\":\"link\"}}", 0644);
    put("up.json", "{\"root\":{\"path\":\"../\"}}", 0644);
    put("none.json", "{}", 0644);
    put("case.json", "{\"Root\":{\"path\":\"rootfs\"}}", 0644);
    assert_int_equal(symlink("rootfs", "link"), 0);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        const int rc = run(rows[i].args, out, &err);
        if (rc != rows[i].want || !strstr(err.msg, rows[i].why))
            fail_msg("%d \"%s\", expected %d \"%s\"", rc, err.msg, rows[i].want, rows[i].why);
    }
}

/* How umoci says that it ran without root; what it says is believed, what is unreadable is not. */
static void umoci_knows(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {"{\"umoci_version\":\"2\",\"map_options\":{\"uid_mappings\":null,\"rootless\":true}}",
         true},
        {"{\"map_options\":{\"rootless\":false}}", false},
        {"{\"map_options\":null}", false},
        {"{\"rootless\":true}", false},
        {"[]", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct measure_bundle_options o;
        static struct measure_bundle_inputs in;
        put("umoci.json", rows[i].text, 0644);
        assert_int_equal(parse((const char *const[ARGS]){"."}, &o, &err), 0);
        assert_int_equal(measure_bundle_inputs(&o, NULL, NULL, &in, &err), 0);
        assert_int_equal(in.rootless, rows[i].want);
        measure_bundle_inputs_done(&in);
        o.rootless = true;
        assert_int_equal(measure_bundle_inputs(&o, NULL, NULL, &in, &err), 0);
        assert_true(in.rootless);
        measure_bundle_inputs_done(&in);
    }
    char out[4096];
    struct cmc_err err = {0};
    put("umoci.json", "{", 0644);
    assert_int_equal(run((const char *const[ARGS]){"."}, out, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "umoci.json beside"));
    assert_int_equal(unlink("umoci.json"), 0);
    assert_int_equal(symlink("config.json", "umoci.json"), 0);
    assert_int_equal(run((const char *const[ARGS]){"."}, out, &err), -CMC_E_SYS);
    assert_int_equal(unlink("umoci.json"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(equal_ways_to_say_it),
        cmocka_unit_test(other_things_differ),
        cmocka_unit_test(the_listing),
        cmocka_unit_test(faults),
        cmocka_unit_test(umoci_knows),
    };
    return cmocka_run_group_tests_name("tools/measure_bundle", tests, set_up, tear_down);
}
