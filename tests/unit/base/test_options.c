/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_options.c -- one row, one command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "tests/lib/rows.h"

enum { ARGS_MAX = 10, REST_MAX = 128 };

struct values {
    bool verify;
    const char *tcti;
    uint64_t pcr;
};

struct row {
    const char *name;
    const char *args[ARGS_MAX]; /* behind argv[0], ended by NULL */
    int want;
    struct values values;
    const char *rest;  /* positional arguments joined by one blank */
    const char *error; /* the whole text */
};

#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define OK(v, t, p)                                                                                \
    0,                                                                                             \
    {                                                                                              \
        v, t, p                                                                                    \
    }
#define POISON                                                                                     \
    {                                                                                              \
        true, "poison", 77                                                                         \
    }
#define REFUSED -CMC_E_USAGE, POISON, ""

static struct row rows[] = {
    {"nothing", ARGS(NULL), OK(true, "poison", 77), "", NULL},
    {"one dash, value apart", ARGS("-tcti", "x"), OK(true, "x", 77), "", NULL},
    {"two dashes, value apart", ARGS("--tcti", "x"), OK(true, "x", 77), "", NULL},
    {"one dash, equals", ARGS("-tcti=x"), OK(true, "x", 77), "", NULL},
    {"two dashes, equals", ARGS("--tcti=x"), OK(true, "x", 77), "", NULL},
    {"empty text", ARGS("--tcti="), OK(true, "", 77), "", NULL},
    {"empty text apart", ARGS("--tcti", ""), OK(true, "", 77), "", NULL},
    {"text holds equals", ARGS("--tcti=swtpm:path=/x"), OK(true, "swtpm:path=/x", 77), "", NULL},
    {"a value may look like an option", ARGS("--tcti", "--verify"), OK(true, "--verify", 77), "",
     NULL},
    {"a value may be two dashes", ARGS("--tcti", "--"), OK(true, "--", 77), "", NULL},
    {"the last one counts", ARGS("--pcr=1", "--pcr", "2"), OK(true, "poison", 2), "", NULL},
    {"bool false", ARGS("-verify=false"), OK(false, "poison", 77), "", NULL},
    {"bool true", ARGS("-verify=false", "-verify=true"), OK(true, "poison", 77), "", NULL},
    {"bool alone", ARGS("-verify=false", "--verify"), OK(true, "poison", 77), "", NULL},
    {"bool takes no value apart", ARGS("--verify", "false"), OK(true, "poison", 77), "false", NULL},
    {"largest number", ARGS("--pcr=18446744073709551615"), OK(true, "poison", UINT64_MAX), "",
     NULL},
    {"leading zeros are decimal", ARGS("--pcr=0010"), OK(true, "poison", 10), "", NULL},
    {"positional keep order", ARGS("a", "--pcr", "3", "b", "-verify=false", "c"),
     OK(false, "poison", 3), "a b c", NULL},
    {"two dashes end the options", ARGS("a", "--", "--pcr=3", "--"), OK(true, "poison", 77),
     "a --pcr=3 --", NULL},
    {"one dash alone is positional", ARGS("-", "--pcr=3"), OK(true, "poison", 3), "-", NULL},
    {"an empty argument is positional", ARGS("", "--pcr=3"), OK(true, "poison", 3), "", NULL},
    {"unknown", ARGS("--foo"), REFUSED, "unknown option --foo; --help lists them"},
    {"unknown, one dash, value cut off", ARGS("-foo=secret"), REFUSED,
     "unknown option --foo; --help lists them"},
    {"no abbreviations", ARGS("--verif"), REFUSED, "unknown option --verif; --help lists them"},
    {"no longer names", ARGS("--verifyx"), REFUSED, "unknown option --verifyx; --help lists them"},
    {"no other case", ARGS("--TCTI=x"), REFUSED, "unknown option --TCTI; --help lists them"},
    {"three dashes", ARGS("---pcr=1"), REFUSED, "unknown option ---pcr; --help lists them"},
    {"no name", ARGS("--=1"), REFUSED, "unknown option --; --help lists them"},
    {"value missing", ARGS("--tcti"), REFUSED, "option --tcti needs a value; --help describes it"},
    {"number missing", ARGS("--pcr"), REFUSED, "option --pcr needs a value; --help describes it"},
    {"number empty", ARGS("--pcr="), REFUSED,
     "option --pcr takes a decimal number below 2^64; --help describes it"},
    {"number too large", ARGS("--pcr=18446744073709551616"), REFUSED,
     "option --pcr takes a decimal number below 2^64; --help describes it"},
    {"number much too large", ARGS("--pcr=99999999999999999999"), REFUSED,
     "option --pcr takes a decimal number below 2^64; --help describes it"},
    {"number negative", ARGS("--pcr=-1"), REFUSED,
     "option --pcr takes a decimal number below 2^64; --help describes it"},
    {"number hexadecimal", ARGS("--pcr", "0x10"), REFUSED,
     "option --pcr takes a decimal number below 2^64; --help describes it"},
    {"bool of another word", ARGS("--verify=yes"), REFUSED,
     "option --verify takes =true, =false or nothing; --help describes it"},
    {"bool empty", ARGS("--verify="), REFUSED,
     "option --verify takes =true, =false or nothing; --help describes it"},
    {"help takes no value", ARGS("--help=x"), REFUSED, "unknown option --help; --help lists them"},
    {"a fault before help counts", ARGS("--foo", "--help"), REFUSED,
     "unknown option --foo; --help lists them"},
};

static int parse(const char *const *args, struct values *v, char rest[static REST_MAX],
                 struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"verify", CMC_OPT_BOOL, NULL, "check the log", &v->verify},
        {"tcti", CMC_OPT_TEXT, "TCTI", "how the TPM is reached\nsecond line", &v->tcti},
        {"pcr", CMC_OPT_U64, "N", "the register", &v->pcr},
    };
    const struct cmc_options o = {"prog", "[OPTION]... LOG", "Does things.",
                                  opts,   ROWS(opts),        "Exit status: 0."};
    static char text[ARGS_MAX + 1][64]; /* values are borrowed from argv */
    char *argv[ARGS_MAX + 2] = {NULL};
    int argc = 1;
    argv[0] = text[0];
    for (; args[argc - 1]; argc++) {
        (void)snprintf(text[argc], sizeof(text[argc]), "%s", args[argc - 1]);
        argv[argc] = text[argc];
    }

    int first = -1;
    int rc = cmc_options_parse(&o, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN) {
        assert_int_equal(first, -1);
        return rc;
    }
    for (int i = first, n = 0; i < argc; i++)
        n += snprintf(rest + n, REST_MAX - (size_t)n, "%s%s", i > first ? " " : "", argv[i]);
    return rc;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct values v = POISON;
    struct cmc_err err = {0};
    char rest[REST_MAX] = "";

    assert_int_equal(parse(t->args, &v, rest, &err), t->want);
    assert_string_equal(err.msg, t->error ? t->error : "");
    assert_string_equal(rest, t->rest);
    assert_int_equal(v.verify, t->values.verify);
    assert_string_equal(v.tcti, t->values.tcti);
    assert_int_equal(v.pcr, t->values.pcr);
}

/* Runs one command line with standard output in a file, and gives what was printed. */
static int printed(const char *arg, const char *out_path, char *out, size_t cap,
                   struct cmc_err *err)
{
    const char *args[] = {arg, "--nonsense", NULL};
    struct values v = POISON;
    char rest[REST_MAX] = "";
    cmc_autofd int saved = dup(STDOUT_FILENO);
    FILE *file = out_path ? fopen(out_path, "w") : tmpfile();
    assert_non_null(file);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);

    int rc = parse(args, &v, rest, err);

    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    clearerr(stdout);
    rewind(file);
    size_t n = out_path ? 0 : fread(out, 1, cap - 1, file);
    out[n] = '\0';
    (void)fclose(file);
    return rc;
}

static void help_names_everything(void **state)
{
    static const char want[] = "Usage: prog [OPTION]... LOG\n"
                               "\n"
                               "Does things.\n"
                               "\n"
                               "Options:\n"
                               "  --verify\n"
                               "        check the log\n"
                               "  --tcti TCTI\n"
                               "        how the TPM is reached\n"
                               "        second line\n"
                               "  --pcr N\n"
                               "        the register\n"
                               "  --help\n"
                               "        print this text and exit\n"
                               "  --version\n"
                               "        print the version and exit\n"
                               "\n"
                               "Exit status: 0.\n";
    static const char *const spellings[] = {"-help", "--help"};
    char out[2048];
    (void)state;
    for (size_t i = 0; i < ROWS(spellings); i++) {
        struct cmc_err err = {0};
        assert_int_equal(printed(spellings[i], NULL, out, sizeof(out), &err), CMC_OPTIONS_SHOWN);
        assert_string_equal(out, want);
        assert_int_equal(err.code, CMC_OK);
    }
}

static void version_is_one_line(void **state)
{
    char out[256];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(printed("--version", NULL, out, sizeof(out), &err), CMC_OPTIONS_SHOWN);
    assert_string_equal(out, "prog " CMC_VERSION "\n");
}

static void a_full_disk_is_an_error(void **state)
{
    char out[256];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(printed("--help", "/dev/full", out, sizeof(out), &err), -CMC_E_SYS);
    assert_string_equal(err.msg, "write to standard output: No space left on device");
}

static void no_arguments_at_all(void **state)
{
    const struct cmc_options o = {"prog", "", "", NULL, 0, NULL};
    char *argv[] = {NULL};
    int first = -1;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_options_parse(&o, 0, argv, &first, &err), CMC_OPTIONS_RUN);
    assert_int_equal(first, 0);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4] = {
        cmocka_unit_test(help_names_everything),
        cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(no_arguments_at_all),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[4 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("base/options", tests, NULL, NULL);
}
