/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_site.c -- one row, one configuration; then files that are not trusted. */
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

#include "base/site.h"
#include "tests/lib/rows.h"

struct row {
    const char *name, *in;
    int want;
    const char *error; /* part of it */
};

static struct row rows[] = {
    {"an empty object", "{}", 0, NULL},
    {"every key",
     "{\"mode\":\"audit\",\"profile\":\"exact\",\"pcr\":23,\"insecure_pcr\":true,"
     "\"tcti\":\"swtpm:path=/t\",\"runtime_dir\":\"/r\",\"state_dir\":\"/s\",\"inner_shim\":\"/i\","
     "\"helper\":\"/h\",\"log\":\"/l\",\"redaction_key\":\"/k\",\"keep_listing\":true,"
     "\"firmware_log\":\"/f\",\"file_max\":1,"
     "\"details_quota\":0,\"ignore_banks\":[\"sm3_256\",\"sha3_256\",\"sha3_384\",\"sha3_512\"]}",
     0, NULL},
    {"the largest quota", "{\"details_quota\":9223372036854775807}", 0, NULL},
    {"no banks", "{\"ignore_banks\":[]}", 0, NULL},
    {"a path with two dots in a name", "{\"state_dir\":\"/a/..b/c..\"}", 0, NULL},
    {"nothing", "", -CMC_E_FORMAT, NULL},
    {"no object", "[]", -CMC_E_FORMAT, "must be one JSON object"},
    {"broken", "{\"pcr\":}", -CMC_E_FORMAT, NULL},
    {"something behind it", "{} {}", -CMC_E_FORMAT, NULL},
    {"a key twice", "{\"pcr\":13,\"pcr\":14}", -CMC_E_FORMAT, "pcr"},
    {"an unknown key", "{\"pcrs\":13}", -CMC_E_FORMAT,
     "unknown key \"pcrs\"; cmc-shim.json(5) lists the keys that exist"},
    {"a key in another case", "{\"PCR\":13}", -CMC_E_FORMAT, "unknown key \"PCR\""},
    {"an empty key", "{\"\":13}", -CMC_E_FORMAT, "unknown key \"\""},
    {"strict", "{\"mode\":\"strict\"}", -CMC_E_USAGE,
     "mode \"strict\" does not exist yet; use \"audit\""},
    {"permissive", "{\"mode\":\"permissive\"}", -CMC_E_USAGE,
     "mode \"permissive\" does not exist yet; use \"audit\""},
    {"profile cmc", "{\"profile\":\"cmc\"}", 0, NULL},
    {"profile cmc with a redaction key", "{\"profile\":\"cmc\",\"redaction_key\":\"/k\"}",
     -CMC_E_USAGE, "profile cmc cannot redact"},
    {"the same in the other order", "{\"redaction_key\":\"/k\",\"profile\":\"cmc\"}", -CMC_E_USAGE,
     "profile cmc cannot redact"},
    {"profile exact with a redaction key", "{\"profile\":\"exact\",\"redaction_key\":\"/k\"}", 0,
     NULL},
    {"another profile", "{\"profile\":\"cmcs\"}", -CMC_E_USAGE,
     "profile \"cmcs\" does not exist yet; use \"exact\" or \"cmc\""},
    {"a mode that is no text", "{\"mode\":1}", -CMC_E_FORMAT, "\"mode\" must be a text"},
    {"null is no text", "{\"tcti\":null}", -CMC_E_FORMAT, "\"tcti\" must be a text"},
    {"an empty text", "{\"tcti\":\"\"}", -CMC_E_FORMAT, "\"tcti\" must be a text of 1 to 1024"},
    {"a relative path", "{\"log\":\"l\"}", -CMC_E_FORMAT,
     "\"log\" must be an absolute path without \"..\", not \"l\""},
    {"a path that climbs", "{\"log\":\"/a/../b\"}", -CMC_E_FORMAT, "absolute path without"},
    {"a path that ends in two dots", "{\"log\":\"/a/..\"}", -CMC_E_FORMAT, "absolute path without"},
    {"PCR 24", "{\"pcr\":24}", -CMC_E_FORMAT, "\"pcr\" must be a whole number from 0 to 23"},
    {"a negative PCR", "{\"pcr\":-1}", -CMC_E_FORMAT, "whole number from 0 to 23"},
    {"a PCR as text", "{\"pcr\":\"13\"}", -CMC_E_FORMAT, "whole number"},
    {"a fraction", "{\"pcr\":13.0}", -CMC_E_FORMAT, NULL},
    {"a quota too large", "{\"details_quota\":9223372036854775808}", -CMC_E_FORMAT,
     "from 0 to 9223372036854775807"},
    {"a number as bool", "{\"keep_listing\":1}", -CMC_E_FORMAT, "must be true or false"},
    {"banks as text", "{\"ignore_banks\":\"sm3_256\"}", -CMC_E_FORMAT, "array"},
    {"a bank that we compute", "{\"ignore_banks\":[\"sha256\"]}", -CMC_E_FORMAT, "never ignored"},
    {"a bank as number", "{\"ignore_banks\":[18]}", -CMC_E_FORMAT, "may hold"},
    {"a bank twice", "{\"ignore_banks\":[\"sm3_256\",\"sm3_256\"]}", -CMC_E_FORMAT,
     "\"sm3_256\" twice"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_site s = {.pcr = 77};
    struct cmc_err err = {0};
    assert_int_equal(cmc_site_parse(t->in, strlen(t->in), &s, &err), t->want);
    assert_int_equal(err.code, -t->want);
    if (t->error)
        assert_non_null(strstr(err.msg, t->error));
    if (t->want == 0)
        cmc_site_done(&s);
    else
        assert_int_equal(s.pcr, 77); /* output untouched */
}

static void defaults(void **state)
{
    struct cmc_site s;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_site_parse("{}", 2, &s, &err), 0);
    assert_string_equal(s.mode, "audit");
    assert_string_equal(s.profile, "exact");
    assert_int_equal(s.pcr, 13);
    assert_false(s.insecure_pcr);
    assert_null(s.tcti);
    assert_string_equal(s.runtime_dir, "/run/cmc");
    assert_string_equal(s.state_dir, "/var/lib/cmc");
    assert_null(s.inner_shim);
    assert_null(s.helper);
    assert_null(s.log);
    assert_null(s.redaction_key);
    assert_false(s.keep_listing);
    assert_string_equal(s.firmware_log, "/sys/kernel/security/tpm0/binary_bios_measurements");
    assert_int_equal(s.file_max, 0);
    assert_int_equal(s.details_quota, 256 << 20);
    assert_int_equal(s.ignore_count, 0);
    cmc_site_done(&s);
    assert_null(s.mode);
}

static void values_arrive(void **state)
{
    struct cmc_site s;
    struct cmc_err err = {0};
    const char *in = rows[1].in;
    (void)state;
    assert_int_equal(cmc_site_parse(in, strlen(in), &s, &err), 0);
    assert_int_equal(s.pcr, 23);
    assert_true(s.insecure_pcr);
    assert_string_equal(s.tcti, "swtpm:path=/t");
    assert_string_equal(s.runtime_dir, "/r");
    assert_string_equal(s.state_dir, "/s");
    assert_string_equal(s.inner_shim, "/i");
    assert_string_equal(s.helper, "/h");
    assert_string_equal(s.log, "/l");
    assert_string_equal(s.redaction_key, "/k");
    assert_true(s.keep_listing);
    assert_string_equal(s.firmware_log, "/f");
    assert_int_equal(s.file_max, 1);
    assert_int_equal(s.details_quota, 0);
    assert_int_equal(s.ignore_count, 4);
    assert_int_equal(s.ignore_banks[0], 0x0012);
    assert_int_equal(s.ignore_banks[1], 0x0027);
    assert_int_equal(s.ignore_banks[2], 0x0028);
    assert_int_equal(s.ignore_banks[3], 0x0029);
    cmc_site_done(&s);
}

static void text_limits(void **state)
{
    char in[CMC_SITE_TEXT_MAX + 32], value[CMC_SITE_TEXT_MAX + 2];
    (void)state;
    for (size_t n = CMC_SITE_TEXT_MAX; n <= CMC_SITE_TEXT_MAX + 1; n++) {
        struct cmc_site s = {.pcr = 77};
        struct cmc_err err = {0};
        memset(value, 'x', n);
        value[n] = '\0';
        (void)snprintf(in, sizeof(in), "{\"tcti\":\"%s\"}", value);
        int rc = cmc_site_parse(in, strlen(in), &s, &err);
        assert_int_equal(rc, n > CMC_SITE_TEXT_MAX ? -CMC_E_FORMAT : 0);
        if (rc == 0)
            cmc_site_done(&s);
    }
}

/* ---- files ---- */

static char dir[] = "/tmp/cmc-test-site-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/shim.json", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void put(const char *text, mode_t mode)
{
    (void)unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int load(const char *name, struct cmc_err *err)
{
    struct cmc_site s = {.pcr = 77};
    int rc = cmc_site_load(name, &s, err);
    if (rc == 0)
        cmc_site_done(&s);
    else
        assert_int_equal(s.pcr, 77);
    return rc;
}

static void need_root(void)
{
    if (getuid() != 0) {
        print_message("trusted files are root's: run as root\n");
        skip();
    }
}

static void a_file_of_roots_is_read(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    need_root();
    put("{\"pcr\":12}", 0644);
    assert_int_equal(load(path, &err), 0);
    put("{\"pcr\":12", 0644);
    assert_int_equal(load(path, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, path));
}

static void writable_by_others(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    need_root();
    for (mode_t bad = 0020; bad; bad = bad == 0020 ? 0002 : 0) {
        put("{}", 0644 | bad);
        assert_int_equal(load(path, &err), -CMC_E_VERIFY);
    }
    put("{}", 0644);
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_int_equal(load(path, &err), -CMC_E_VERIFY);
}

static void links_and_other_types(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    need_root();
    (void)unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(load(path, &err), -CMC_E_SYS);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(load(path, &err), -CMC_E_VERIFY);
    assert_int_equal(load(dir, &err), -CMC_E_VERIFY);
}

static void too_large(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    need_root();
    put("{}", 0644);
    assert_int_equal(truncate(path, CMC_SITE_BYTES_MAX + 1), 0);
    assert_int_equal(load(path, &err), -CMC_E_LIMIT);
}

static void missing(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    (void)unlink(path);
    assert_int_equal(load(path, &err), -CMC_E_SYS); /* only the standard path may be missing */
    if (access(CMC_SITE_PATH, F_OK) != 0) {
        assert_int_equal(load(CMC_SITE_PATH, &err), 0);
        assert_int_equal(err.code, CMC_OK);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 8] = {
        cmocka_unit_test(defaults),           cmocka_unit_test(values_arrive),
        cmocka_unit_test(text_limits),        cmocka_unit_test(a_file_of_roots_is_read),
        cmocka_unit_test(writable_by_others), cmocka_unit_test(links_and_other_types),
        cmocka_unit_test(too_large),          cmocka_unit_test(missing),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[8 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("base/site", tests, make_dir, remove_dir);
}
