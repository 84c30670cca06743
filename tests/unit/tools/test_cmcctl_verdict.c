/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_verdict.c -- results made by hand, and how people see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmcctl.h"
#include "tools/cmcctl_verdict.h"

static const struct verify_difference differences[] = {
    {"process.env VAL", "\"HELLO\"", "\"EVIL\""},
    {"process.args[1]", NULL, "\"-x\""},
    {"process.cwd", "\"/\"", NULL},
    {"/usr/bin/sh", NULL, "content"},
    {"7 more", NULL, NULL},
};

static const struct verify_claim
    root = {VERIFY_GOOD, "key.root", "the chain ends in Root", NULL, NULL},
    key = {VERIFY_GOOD, "key", "certificate of h.example", &root, NULL},
    quote = {VERIFY_GOOD, "quote", "quote of PCR 13", &key, NULL},
    one = {VERIFY_BAD, "container", "hello differs", NULL, NULL},
    host = {VERIFY_UNCHECKED, "host", "the recorder is appraised", NULL, NULL},
    match = {VERIFY_BAD, "containers", "every container matches", &one, &host},
    log_ = {VERIFY_GOOD, "log", "the log is authentic", &quote, &match};

static const struct verify_container containers[] = {
    {.seq = 1,
     .event = "container-create",
     .id = "good",
     .ns = "default",
     .image = "example.org/i:1",
     .measured = true,
     .status = VERIFY_GOOD,
     .reference = "ref-1",
     .manifest = "app",
     .config = {0xab, 0xcd, 0xef, 0x01},
     .rootfs = {0x12, 0x34, 0x56, 0x78}},
    {.seq = 22,
     .event = "container-create",
     .id = "hello",
     .ns = "default",
     .measured = true,
     .status = VERIFY_BAD,
     .reference = "ref-1",
     .manifest = "app",
     .config_differs = true,
     .rootfs_differs = true,
     .config = {0xfe},
     .rootfs = {0xdc},
     .difference = differences,
     .difference_count = ROWS(differences)},
    {.seq = 23,
     .event = "measurement-failed",
     .id = "broken",
     .status = VERIFY_BAD,
     .reason = "no disk"},
};

static struct verify_result result(void)
{
    return (struct verify_result){.verdict = VERIFY_NOT_TRUSTED,
                                  .words = "NOT TRUSTED",
                                  .reason = "container hello differs",
                                  .claim = &log_,
                                  .container = containers,
                                  .container_count = ROWS(containers),
                                  .host = "h.example",
                                  .key_kind = "software TPM (swtpm)",
                                  .profile = "exact"};
}

static const char *shown(const struct verify_result *r, const struct ctl_look *look)
{
    static char text[1 << 17];
    cmc_autobuf struct cmc_buf b = cmc_buf_of(sizeof(text) - 1);
    memset(text, 0x5a, sizeof(text));
    cmcctl_verdict_put(r, look, &b);
    assert_false(b.bad);
    memcpy(text, b.data, b.len);
    text[b.len] = 0;
    return text;
}

static void is_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void is_not_in(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" in:\n%s", part, text);
}

static void test_whole(void **state)
{
    (void)state;
    const struct verify_result r = result();
    const char *no_path[] = {NULL, "no listing", NULL};
    const struct ctl_look look = {.utf8 = true, .asked = "h.example", .no_path = no_path};
    static const char want[] =
        "NOT TRUSTED: container hello differs\n"
        "  host      h.example (in the attestation key's certificate); asked for: h.example\n"
        "  evidence  software TPM (swtpm), profile exact\n"
        "\n"
        "✓ the log is authentic\n"
        "└─ ✓ quote of PCR 13\n"
        "   └─ ✓ certificate of h.example\n"
        "      └─ ✓ the chain ends in Root\n"
        "✗ every container matches\n"
        "└─ ✗ hello differs\n"
        "? the recorder is appraised\n"
        "\n"
        "  SEQ  CONTAINER      IMAGE            CONFIG      ROOTFS      REFERENCE\n"
        "✓ 1    default/good   example.org/i:1  abcdef01 ✓  12345678 ✓  ref-1 (app)\n"
        "✗ 22   default/hello  -                fe000000 ✗  dc000000 ✗  nearest: ref-1 (app)\n"
        "      env VAL: reference \"HELLO\", measured \"EVIL\"\n"
        "      args[1]: reference (absent), measured \"-x\"\n"
        "      cwd: reference \"/\", measured (absent)\n"
        "      /usr/bin/sh: content\n"
        "      7 more\n"
        "      root file system: no listing\n"
        "✗ 23   broken         -                -           -           measurement-failed\n"
        "      no disk\n";
    assert_string_equal(shown(&r, &look), want);
}

static void test_ascii_has_no_other_byte(void **state)
{
    (void)state;
    struct verify_result r = result();
    r.reason = "caf\xc3\xa9 \xff\x1b[31m";
    const char *text = shown(&r, &(struct ctl_look){0});
    for (const char *p = text; *p; p++)
        assert_true((*p >= 0x20 && *p < 0x7f) || *p == '\n');
    is_in(text, "NOT TRUSTED: caf\\xc3\\xa9 \\xff\\x1b[31m\n");
    is_in(text, "ok the log is authentic\n`- ok quote of PCR 13\n");
    is_in(text, "NO every container matches\n");
    is_in(text, "?? the recorder");
    is_in(text, "no host was asked for");
    is_in(text, "NO 22   default/hello  -                fe000000 NO dc000000 NO nearest");
}

static void test_nothing_from_outside_controls_the_terminal(void **state)
{
    (void)state;
    const struct verify_claim bad = {VERIFY_BAD, "x", "a\x1b]0;b\n\r\x7f\xc2\x9b", NULL, NULL};
    const struct verify_difference d = {"env A\x1b", "\x07", "\x08"};
    const struct verify_container c = {.id = "i\x1b",
                                       .ns = "n\x1b",
                                       .image = "m\x1b",
                                       .measured = true,
                                       .reference = "r\x1b",
                                       .manifest = "f\x1b",
                                       .reason = "q\x1b",
                                       .difference = &d,
                                       .difference_count = 1};
    const struct verify_result r = {.words = "W",
                                    .reason = "\x1b",
                                    .claim = &bad,
                                    .host = "\x1b",
                                    .key_kind = "\x1b",
                                    .profile = "\x1b",
                                    .container = &c,
                                    .container_count = 1};
    const char *text = shown(&r, &(struct ctl_look){.utf8 = true, .asked = "\x1b"});
    for (const char *p = text; *p; p++)
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
    is_not_in(text, "\x7f");
    is_not_in(text, "\xc2\x9b");
    is_in(text, "a\\x1b]0;b\\x0a\\x0d\\x7f\\xc2\\x9b");
}

/* A container that is good though its configuration differs: a rule allows that. */
static void test_allowed_by_rules(void **state)
{
    (void)state;
    const struct verify_container c = {.id = "c",
                                       .measured = true,
                                       .status = VERIFY_GOOD,
                                       .reference = "r",
                                       .config_differs = true};
    const struct verify_result r = {.words = "W", .container = &c, .container_count = 1};
    is_in(shown(&r, &(struct ctl_look){.utf8 = true}), "00000000 ·  00000000 ✓  r\n");
}

static void test_color(void **state)
{
    (void)state;
    static const struct {
        enum verify_verdict verdict;
        const char *code;
    } rows[] = {{VERIFY_TRUSTED, "\x1b[1;32mW\x1b[0m"},
                {VERIFY_TRUSTED_IF_ROOT, "\x1b[1;32mW\x1b[0m"},
                {VERIFY_NOT_TRUSTED, "\x1b[1;31mW\x1b[0m"},
                {VERIFY_COULD_NOT, "\x1b[1;33mW\x1b[0m"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct verify_result r = result();
        r.verdict = rows[i].verdict;
        r.words = "W";
        is_in(shown(&r, &(struct ctl_look){.color = true}), rows[i].code);
        is_not_in(shown(&r, &(struct ctl_look){0}), "\x1b");
    }
}

static void test_status(void **state)
{
    (void)state;
    static const int want[] = {[VERIFY_TRUSTED] = CMCCTL_AGREE,
                               [VERIFY_TRUSTED_IF_ROOT] = CMCCTL_AGREE,
                               [VERIFY_NOT_TRUSTED] = CMCCTL_DISAGREE,
                               [VERIFY_COULD_NOT] = CMCCTL_UNCHECKED};
    for (size_t i = 0; i < ROWS(want); i++)
        assert_int_equal(
            cmcctl_verdict_status(&(struct verify_result){.verdict = (enum verify_verdict)i}),
            want[i]);
}

/* 100 claims of which one is bad: the others fold, unless they are asked for. */
static void test_long_trees_fold(void **state)
{
    (void)state;
    struct verify_claim list[100];
    for (size_t i = 0; i < ROWS(list); i++)
        list[i] = (struct verify_claim){i == 57 ? VERIFY_BAD : VERIFY_GOOD, "container",
                                        i == 57 ? "the one" : "another", NULL,
                                        i + 1 < ROWS(list) ? &list[i + 1] : NULL};
    const struct verify_claim top = {VERIFY_BAD, "containers", "all", list, NULL};
    const struct verify_result r = {.words = "W", .claim = &top};
    const char *text = shown(&r, &(struct ctl_look){.utf8 = true});
    is_in(text, "✗ all\n├─ ✗ the one\n└─ ✓ 99 more hold\n");
    is_in(text, "--explain shows everything");
    is_not_in(text, "another");
    text = shown(&r, &(struct ctl_look){.utf8 = true, .explain = true});
    is_in(text, "├─ ✓ another\n");
    is_in(text, "└─ ✓ another\n");
    is_not_in(text, "more hold");
    is_not_in(text, "--explain shows");
}

static void test_many_rows_and_differences_fold(void **state)
{
    (void)state;
    struct verify_container list[50];
    struct verify_difference d[30];
    for (size_t i = 0; i < ROWS(d); i++)
        d[i] = (struct verify_difference){"/f", NULL, "content"};
    for (size_t i = 0; i < ROWS(list); i++)
        list[i] = (struct verify_container){.id = "c", .measured = true, .reference = "r"};
    list[7].status = VERIFY_BAD;
    list[7].difference = d;
    list[7].difference_count = ROWS(d);
    const struct verify_result r = {.words = "W", .container = list, .container_count = ROWS(list)};
    const char *text = shown(&r, &(struct ctl_look){.utf8 = true});
    is_in(text, "✓ 49 more match\n");
    is_in(text, "and 18 more differences\n");
    is_in(text, "--explain");
    text = shown(&r, &(struct ctl_look){.utf8 = true, .explain = true});
    is_not_in(text, "more match");
    is_not_in(text, "more differences");
}

static void test_meanings(void **state)
{
    (void)state;
    assert_non_null(cmcctl_verdict_meaning("log"));
    assert_ptr_equal(cmcctl_verdict_meaning("log.no-such-claim"), cmcctl_verdict_meaning("log"));
    assert_null(cmcctl_verdict_meaning("logs"));
    assert_null(cmcctl_verdict_meaning(""));
    const struct verify_result r = result();
    is_in(shown(&r, &(struct ctl_look){.utf8 = true, .explain = true}),
          "✓ the log is authentic\n│  ");
}

/* Each claim that docs/formats/result.md lists: "| `quote.magic` | ...", several with commas. */
static void test_documented_claims_have_a_meaning(void **state)
{
    (void)state;
    char line[8192];
    bool claims = false;
    size_t found = 0;
    FILE *f = fopen(TEST_SOURCE "/docs/formats/result.md", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "## ", 3) == 0)
            claims = strncmp(line, "## 3.", 5) == 0;
        char *save = NULL, *cell = strncmp(line, "| `", 3) == 0 ? strtok_r(line, "|", &save) : NULL;
        for (char *id = claims && cell ? strtok_r(cell, " `,", &save) : NULL; id;
             id = strtok_r(NULL, " `,", &save), found++)
            if (!cmcctl_verdict_meaning(id))
                fail_msg("%s: no meaning", id);
    }
    (void)fclose(f);
    assert_true(found > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_ascii_has_no_other_byte),
        cmocka_unit_test(test_nothing_from_outside_controls_the_terminal),
        cmocka_unit_test(test_allowed_by_rules),
        cmocka_unit_test(test_color),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_long_trees_fold),
        cmocka_unit_test(test_many_rows_and_differences_fold),
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_documented_claims_have_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
