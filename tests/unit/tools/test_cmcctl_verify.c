/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_verify.c -- the commands of verifiers against a peer of the test's
 * own: exit statuses, files, what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "tests/lib/fake_cmcd.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl_verify.h"

enum { WORDS = 16, YEARS_10 = 315360000 };

static char dir[] = "/tmp/cmc-verify-XXXXXX"; /* holds ca.pem, key, and what tests write */
static char said[1 << 16];                    /* by the last run, on both outputs */

static char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    const struct pki_spec spec = {
        .name = "Test CA", .ext = PKI_CA, .from = -YEARS_10, .to = YEARS_10};
    struct pki_cert ca;
    (void)state;
    assert_non_null(mkdtemp(dir));
    pki_make(&ca, &spec, NULL);
    char *pem = pki_pem(&ca);
    write_file("ca.pem", pem, strlen(pem));
    write_file("no.pem", "nothing\n", 8);
    write_file("short", "1234", 4);
    write_file("nonce", "0123456789abcdef", 16);
    write_file("report", "{}", 2);
    free(pem);
    pki_done(&ca);
    return 0;
}

/* Runs words, with @ for the directory and ADDR for the peer's address. */
static int run(const char *addr, const char *line)
{
    char *argv[WORDS + 1] = {0}, words[WORDS][256], text[1024], *save = NULL;
    int argc = 0;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *p = strtok_r(text, " ", &save); p && argc < WORDS; p = strtok_r(NULL, " ", &save)) {
        (void)snprintf(words[argc], sizeof(words[argc]), "%s%s", *p == '@' ? dir : "",
                       *p == '@'                ? p + 1
                       : strcmp(p, "ADDR") == 0 ? addr
                                                : p);
        argv[argc] = words[argc];
        argc++;
    }
    const char *name = argv[0] ? argv[0] : "";
    char out[] = "/tmp/cmc-verify-out-XXXXXX";
    const int fd = mkostemp(out, O_CLOEXEC), old = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);
    assert_true(fd >= 0 && old >= 0 && old_err >= 0);
    (void)unlink(out);
    (void)fflush(stdout);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    const int status = strcmp(name, "generate") == 0  ? cmcctl_generate(argc, argv)
                       : strcmp(name, "measure") == 0 ? cmcctl_measure(argc, argv)
                                                      : cmcctl_verify(argc, argv);
    (void)fflush(stdout);
    (void)dup2(old, STDOUT_FILENO);
    (void)dup2(old_err, STDERR_FILENO);
    const ssize_t n = pread(fd, said, sizeof(said) - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    (void)close(fd);
    (void)close(old);
    (void)close(old_err);
    return status;
}

static enum fake_cmcd_does silent(uint32_t type, const struct serve_message *asked,
                                  struct serve_message *answer)
{
    (void)type;
    (void)asked;
    (void)answer;
    return FAKE_SILENT;
}

static enum fake_cmcd_does other(uint32_t type, const struct serve_message *asked,
                                 struct serve_message *answer)
{
    (void)type;
    (void)asked;
    (void)answer;
    return FAKE_GARBAGE;
}

static enum fake_cmcd_does refusing(uint32_t type, const struct serve_message *asked,
                                    struct serve_message *answer)
{
    (void)type;
    (void)asked;
    answer->msg = "the TPM is not there";
    return FAKE_REFUSES;
}

/* Nonces as reports, which they are not; events are recorded when they are called "good". */
static enum fake_cmcd_does answering(uint32_t type, const struct serve_message *asked,
                                     struct serve_message *answer)
{
    answer->report = asked->nonce;
    answer->success = type == SERVE_MEASURE && strcmp(asked->event.name, "good") == 0;
    return FAKE_ANSWERS;
}

struct row {
    fake_cmcd_fn *fn;
    const char *line;
    int status;
    const char *says;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fake_cmcd f = {.addr = "unix:///none"};
        if (rows[i].fn)
            fake_cmcd_start(&f, rows[i].fn);
        const int status = run(f.addr, rows[i].line);
        if (rows[i].fn)
            fake_cmcd_stop(&f);
        if (status != rows[i].status || !strstr(said, rows[i].says))
            fail_msg("%s: status %d, \"%s\" not in:\n%s", rows[i].line, status, rows[i].says, said);
    }
}

static void test_verify(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "verify --help", CMCCTL_AGREE, "Usage: cmcctl verify"},
        {NULL, "explain --help", CMCCTL_AGREE, "Usage: cmcctl explain"},
        {NULL, "verify", CMCCTL_USAGE, "cmcctl verify: which host?"},
        {NULL, "verify --addr 10.0.0.1:1 --ca @/ca.pem", CMCCTL_USAGE, "names no host"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --timeout 1", CMCCTL_UNCHECKED,
         "COULD NOT BE CHECKED: unix:///none"},
        {NULL, "verify --addr ADDR --ca @/none.pem", CMCCTL_UNCHECKED, "none.pem"},
        {NULL, "verify --addr ADDR --ca @/no.pem", CMCCTL_UNCHECKED, "no.pem"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --crl @/no.pem", CMCCTL_UNCHECKED, "no.pem"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --redaction-key @/short", CMCCTL_UNCHECKED,
         "a redaction key has 32 bytes"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --redaction-key @/ca.pem", CMCCTL_UNCHECKED,
         "a redaction key has 32 bytes"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --metadata @/none", CMCCTL_UNCHECKED, "/none"},
        {NULL, "verify --addr ADDR --ca @/ca.pem --secrets ,", CMCCTL_USAGE, "--secrets takes"},
        {silent, "verify --addr ADDR --ca @/ca.pem --timeout 1", CMCCTL_UNCHECKED,
         "COULD NOT BE CHECKED: "},
        {other, "verify --addr ADDR --ca @/ca.pem", CMCCTL_UNCHECKED, "COULD NOT BE CHECKED: "},
        {refusing, "verify --addr ADDR --ca @/ca.pem", CMCCTL_UNCHECKED, "the TPM is not there"},
        {answering, "verify --addr ADDR --ca @/ca.pem", CMCCTL_DISAGREE, "NOT TRUSTED: "},
        {answering, "verify --addr ADDR --ca @/ca.pem", CMCCTL_DISAGREE, "no host was asked for"},
        {answering, "verify --addr ADDR --ca @/ca.pem --expect h.example", CMCCTL_DISAGREE,
         "asked for: h.example"},
        {answering, "verify --addr ADDR --ak-ca @/ca.pem --metadata-ca @/ca.pem --metadata @",
         CMCCTL_DISAGREE, "NOT TRUSTED: "},
        {answering, "verify --addr ADDR --ca @/ca.pem --color always", CMCCTL_DISAGREE, "\x1b["},
        {NULL, "verify --report @/report --nonce @/nonce --ca @/ca.pem", CMCCTL_DISAGREE,
         "NOT TRUSTED: "},
        {NULL, "explain --nonce @/nonce --ca @/ca.pem @/report", CMCCTL_DISAGREE, "NOT TRUSTED: "},
        {NULL, "explain --nonce @/short --ca @/ca.pem @/report", CMCCTL_USAGE,
         "a nonce of 4 bytes"},
        {NULL, "explain --nonce @/ca.pem --ca @/ca.pem @/report", CMCCTL_UNCHECKED, "ca.pem"},
        {NULL, "explain --nonce @/nonce --ca @/ca.pem @/none", CMCCTL_UNCHECKED, "/none"},
    };
    check(rows, ROWS(rows));
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool ours;
    } rows[] = {
        {"verify --report @/report --nonce @/nonce --ca @/ca.pem --json", true},
        {"verify --report @/report --nonce @/nonce --ca @/ca.pem --attestation-result", false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        CMC_CLEANUP(cmc_json_freep) struct cmc_json_doc *doc = NULL;
        const struct cmc_json *root = NULL;
        struct cmc_err err = {0};
        assert_int_equal(run("", rows[i].line), CMCCTL_DISAGREE);
        if (cmc_json_parse(said, strlen(said), &doc, &root, &err) < 0)
            fail_msg("%s in %s", err.msg, said);
        assert_string_equal(cmc_json_text(root, "type"), "Attestation Result");
        const char *verdict = cmc_json_text(root, "verdict");
        assert_true(rows[i].ours ? verdict && strcmp(verdict, "not-trusted") == 0 : !verdict);
    }
}

static void test_measure(void **state)
{
    (void)state;
    static const char good[] = "{\"type\":\"application\",\"name\":\"good\",\"hashes\":[]}",
                      bad[] = " [{\"type\":\"application\",\"name\":\"bad\",\"hashes\":[]}]\n",
                      two[] = "[{\"type\":\"application\",\"name\":\"a\",\"hashes\":[]},"
                              "{\"type\":\"application\",\"name\":\"b\",\"hashes\":[]}]";
    static const struct row rows[] = {
        {NULL, "measure --help", CMCCTL_AGREE, "Usage: cmcctl measure"},
        {NULL, "measure --addr ADDR", CMCCTL_USAGE, "name one file"},
        {NULL, "measure @/good", CMCCTL_USAGE, "--addr ADDR"},
        {NULL, "measure --addr ADDR --timeout 0 @/good", CMCCTL_USAGE, "--timeout takes"},
        {NULL, "measure --addr ADDR @/good", CMCCTL_UNCHECKED, "unix:///none"},
        {NULL, "measure --addr ADDR @/none", CMCCTL_UNCHECKED, "/none"},
        {NULL, "measure --addr ADDR @/short", CMCCTL_UNCHECKED, "/short"},
        {NULL, "measure --addr ADDR @/two", CMCCTL_UNCHECKED, "holds 2 events, expected one"},
        {answering, "measure --addr ADDR @/good", CMCCTL_AGREE, ""},
        {answering, "measure --addr ADDR @/bad", CMCCTL_DISAGREE, "refused"},
        {refusing, "measure --addr ADDR @/good", CMCCTL_DISAGREE, "the TPM is not there"},
    };
    write_file("good", good, sizeof(good) - 1);
    write_file("bad", bad, sizeof(bad) - 1);
    write_file("two", two, sizeof(two) - 1);
    check(rows, ROWS(rows));
}

static void test_generate(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "generate --help", CMCCTL_AGREE, "Usage: cmcctl generate"},
        {NULL, "generate", CMCCTL_USAGE, "--addr ADDR"},
        {NULL, "generate --addr ADDR more", CMCCTL_USAGE, "no arguments"},
        {NULL, "generate --addr ADDR --timeout 9999", CMCCTL_USAGE, "--timeout takes"},
        {NULL, "generate --addr ADDR --out @/r1 --nonce-out @/n1", CMCCTL_UNCHECKED,
         "unix:///none"},
        {refusing, "generate --addr ADDR --out @/r1 --nonce-out @/n1", CMCCTL_UNCHECKED,
         "the TPM is not there"},
        {answering, "generate --addr ADDR --out @/none/r --nonce-out @/n2", CMCCTL_UNCHECKED,
         "none"},
        {answering, "generate --addr ADDR --out @/r3 --nonce-out @/n3", CMCCTL_AGREE, "/r3"},
    };
    struct stat st;
    uint8_t report[64], nonce[64];
    check(rows, ROWS(rows));
    assert_true(stat(path_of("r1"), &st) < 0 && stat(path_of("n1"), &st) < 0);
    const int r = open(path_of("r3"), O_RDONLY), n = open(path_of("n3"), O_RDONLY);
    assert_int_equal(read(r, report, sizeof(report)), CTL_NONCE_LEN);
    assert_int_equal(read(n, nonce, sizeof(nonce)), CTL_NONCE_LEN);
    assert_memory_equal(report, nonce, CTL_NONCE_LEN); /* the peer gives the nonce as its report */
    (void)close(r);
    (void)close(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_generate),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
