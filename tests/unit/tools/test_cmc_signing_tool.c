/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_signing_tool.c -- options and what they mean; signing and verifying at
 * a time. Files and exit status: tests/integration/pki. */
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
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"
#include "tools/cmc_signing_tool.h"

enum { ARGS = 12, NOTES = 4096 };

#define ITEM                                                                                       \
    "{\"type\":\"Company Description\",\"name\":\"n\",\"version\":\"2026-11-22T00:00:00Z\"}"

static char top[] = "/tmp/cmc-test-signing-XXXXXX";
static struct pki_cert root, leaf;
static char notes[NOTES];

static void note(const char *line)
{
    const size_t n = strlen(notes);
    (void)snprintf(notes + n, sizeof(notes) - n, "%s\n", line);
}

static void put(const char *name, const char *text, mode_t mode)
{
    cmc_autofd int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void put_pem(const char *name, char *pem, mode_t mode)
{
    put(name, pem, mode);
    free(pem);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top) || chdir(top) != 0)
        return -1;
    pki_make(&root, &(struct pki_spec){.name = "root", .key = "P-256#r", .ext = PKI_CA}, NULL);
    pki_make(&leaf, &(struct pki_spec){.name = "ann", .ext = PKI_METADATA}, &root);
    put_pem("root.pem", pki_pem(&root), 0644);
    put_pem("ann.pem", pki_pem(&leaf), 0644);
    put_pem("ann.key", pki_key_pem(leaf.key), 0600);
    put_pem("open.key", pki_key_pem(leaf.key), 0644);
    put_pem("crl.pem",
            pki_crl_pem(
                &(struct pki_crl){.issuer = &root,
                                  .from = -9,
                                  .to = 9,
                                  .revoked = ASN1_INTEGER_get(X509_get0_serialNumber(leaf.cert))}),
            0644);
    put("item", ITEM, 0644);
    put("extra",
        "{\"type\":\"Company "
        "Description\",\"name\":\"n\",\"version\":\"2026-11-22T00:00:00Z\",\"frob\":1}",
        0644);
    put("cat", "{\"type\":\"Cat\"}", 0644);
    put("junk", "junk", 0644);
    return 0;
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
    pki_done(&root);
    pki_done(&leaf);
    return chdir("/") == 0 ? nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static int parse(const char *const args[ARGS], struct signing_tool_options *o, struct cmc_err *err)
{
    static char words[ARGS + 1][128]; /* what o borrows, until the next call */
    char *argv[ARGS + 2] = {words[0]};
    int argc = 1;
    for (; argc <= ARGS && args[argc - 1]; argc++) {
        (void)snprintf(words[argc], sizeof(words[argc]), "%s", args[argc - 1]);
        argv[argc] = words[argc];
    }
    return signing_tool_options(argc, argv, o, err);
}

static struct signing_tool_options o; /* large */

static void options(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    static const char *const args[ARGS] = {"-in",    "a",           "-out",           "b",
                                           "--keys", "k1,k2",       "-x5cs=l1,c1:l2", "-algs",
                                           ",PS256", "-format=cbor"};
    assert_int_equal(parse(args, &o, &err), CMC_OPTIONS_RUN);
    assert_int_equal(o.signers, 2);
    assert_int_equal(o.format, META_CBOR);
    assert_string_equal(o.signer[0].key, "k1");
    assert_null(o.signer[0].alg);
    assert_int_equal(o.signer[0].chain_count, 2);
    assert_string_equal(o.signer[0].chain[1], "c1");
    assert_string_equal(o.signer[1].key, "k2");
    assert_string_equal(o.signer[1].alg, "PS256");
    assert_int_equal(o.signer[1].chain_count, 1);
    assert_string_equal(o.signer[1].chain[0], "l2");
    signing_tool_options_done(&o);
}

static void bad_options(void **state)
{
    (void)state;
    static const struct {
        const char *args[ARGS], *want;
    } bad[] = {
        {{NULL}, "-in is missing"},
        {{"-in", "a"}, "-keys is missing"},
        {{"-in", "a", "-keys", "k"}, "-x5cs is missing"},
        {{"-in", "a", "-keys", "k", "-x5cs", "c"}, "-out is missing"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c", "x"}, "\"x\" belongs to no option"},
        {{"-in", "a", "-out", "b", "-keys", "k,l", "-x5cs", "c"}, "fewer chains than keys"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c:d"},
         "-x5cs: more than there are keys"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c", "-algs", "A,B"}, "-algs: more than"},
        {{"-in", "a", "-out", "b", "-keys", "k,", "-x5cs", "c:d"}, "-keys: an empty name"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c,,d"}, "-x5cs: an empty name"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", ""}, "-x5cs: an empty name"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "1,2,3,4,5,6,7,8,9"},
         "more than 8 files"},
        {{"-in", "a", "-out", "b", "-keys", "1,2,3,4,5,6,7,8,9", "-x5cs", "1:2:3:4:5:6:7:8:9"},
         "-keys: more than 8"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c", "-format", "xml"}, "json or cbor"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c", "-ca", "r"}, "are for -verify"},
        {{"-in", "a", "-out", "b", "-keys", "k", "-x5cs", "c", "-any-usage"}, "are for -verify"},
        {{"-verify", "-in", "a"}, "-verify needs -ca"},
        {{"-verify", "-in", "a", "-ca", "r", "-algs", "x"}, "are for signing"},
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct cmc_err err = {0};
        assert_int_equal(parse(bad[i].args, &o, &err), -CMC_E_USAGE);
        if (!strstr(err.msg, bad[i].want))
            fail_msg("said \"%s\", expected \"%s\"", err.msg, bad[i].want);
        signing_tool_options_done(&o);
    }
}

static int run(const char *const args[ARGS], int64_t now, struct cmc_buf *out, struct cmc_err *err)
{
    notes[0] = '\0';
    int rc = parse(args, &o, err);
    if (rc == 0)
        rc = signing_tool_run(&o, now, note, out, err);
    signing_tool_options_done(&o);
    return rc;
}

static void sign(const char *in, const char *key, const char *format, const char *to)
{
    const char *const args[ARGS] = {"-in", in,      "-out",    "x",   "-keys",
                                    key,   "-x5cs", "ann.pem", format};
    struct cmc_err err = {0};
    struct cmc_buf out = {0};
    if (run(args, PKI_NOW, &out, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_autofd int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, out.data, out.len), (ssize_t)out.len);
    cmc_buf_done(&out);
}

static void sign_and_verify(void **state)
{
    (void)state;
    static const char *const args[ARGS] = {"-verify", "-in", "signed", "-ca", "root.pem"};
    static const char *const as_json[ARGS] = {"-verify",  "-in",     "signed", "-ca",
                                              "root.pem", "-format", "json"};
    static const char *const forms[] = {NULL, "-format=json", "-format=cbor"};
    for (size_t i = 0; i < ROWS(forms); i++) {
        struct cmc_err err = {0};
        struct cmc_buf out = {0};
        sign("item", "ann.key", forms[i], "signed");
        assert_string_equal(notes, "");
        assert_int_equal(run(i == 2 ? as_json : args, PKI_NOW, &out, &err), 0);
        assert_int_equal(out.len, strlen(ITEM));
        assert_memory_equal(out.data, ITEM, strlen(ITEM));
        assert_non_null(strstr(notes, "signed by ann (key sha256:"));
        cmc_buf_done(&out);
    }
}

static void warnings(void **state)
{
    (void)state;
    sign("extra", "open.key", NULL, "signed");
    assert_non_null(strstr(notes, "extra has a member that is not known: $.frob"));
    assert_non_null(strstr(notes, "key open.key can be read by others (mode 0644): chmod 600"));
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *args[ARGS];
        int64_t now;
        int code;
        const char *want;
    } bad[] = {
        {{"-in", "cat", "-out", "x", "-keys", "ann.key", "-x5cs", "ann.pem"},
         0,
         CMC_E_FORMAT,
         "cat is not metadata: "},
        {{"-in", "junk", "-out", "x", "-keys", "ann.key", "-x5cs", "ann.pem"},
         0,
         CMC_E_FORMAT,
         "junk is not metadata: "},
        {{"-in", "none", "-out", "x", "-keys", "ann.key", "-x5cs", "ann.pem"},
         0,
         CMC_E_SYS,
         "open none"},
        {{"-in", "item", "-out", "x", "-keys", "ann.key", "-x5cs", "ann.pem"},
         9 * INT64_C(86400),
         CMC_E_VERIFY,
         "\"ann\" has expired"},
        {{"-in", "item", "-out", "x", "-keys", "ann.key", "-x5cs", "root.pem"},
         0,
         CMC_E_VERIFY,
         "is not that of"},
        {{"-verify", "-in", "signed", "-ca", "root.pem"},
         9 * INT64_C(86400),
         CMC_E_VERIFY,
         "signed: certificate \"root\" has expired"},
        {{"-verify", "-in", "signed", "-ca", "root.pem", "-crl", "crl.pem"},
         0,
         CMC_E_VERIFY,
         "\"ann\" is revoked"},
        {{"-verify", "-in", "signed", "-ca", "ann.pem"},
         0,
         CMC_E_FORMAT,
         "ann.pem: certificate \"ann\" is not a CA's"},
        {{"-verify", "-in", "signed", "-ca", "root.pem", "-crl", "junk"},
         0,
         CMC_E_FORMAT,
         "junk: no revocation list"},
        {{"-verify", "-in", "signed", "-ca", "none"}, 0, CMC_E_SYS, "open none"},
        {{"-verify", "-in", "item", "-ca", "root.pem"},
         0,
         CMC_E_VERIFY,
         "item: JWS: has a member that no item has"},
    };
    sign("item", "ann.key", NULL, "signed");
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct cmc_err err = {0};
        struct cmc_buf out = {.len = 77};
        assert_int_equal(run(bad[i].args, PKI_NOW + bad[i].now, &out, &err), -bad[i].code);
        if (!strstr(err.msg, bad[i].want))
            fail_msg("said \"%s\", expected \"%s\"", err.msg, bad[i].want);
        assert_int_equal(out.len, 77);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(options),         cmocka_unit_test(bad_options),
        cmocka_unit_test(sign_and_verify), cmocka_unit_test(warnings),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("tools/cmc_signing_tool", tests, set_up, tear_down);
}
