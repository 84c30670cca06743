/* SPDX-License-Identifier: Apache-2.0 */
/* One row: reference, measured configuration, rules, and where the first violation is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/rules.h"
#include "tests/lib/rows.h"

#define PAGE                                                                                       \
    "{\"hostname\":\"web\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\","                          \
    "\"env\":[\"HOME=/root\",\"HOSTNAME=web\",\"PATH=/bin\"]}}"
#define ENV(...) "{\"process\":{\"env\":[" __VA_ARGS__ "]}}"
#define RULE(r)  "{\"process\":{\"env\":\"" r "\"}}"
#define SHOWN    "{\"name\":\"A\",\"value\":\"1\"}"
#define WITHHELD "{\"commitment\":\"00\",\"name\":\"A\"}"

struct row {
    const char *name;
    const char *reference, *measured, *rules; /* rules NULL: none */
    const char *path;                         /* of the violation; NULL: none */
    int want;                                 /* 0, -code */
};

#define ALLOWED         NULL, 0
#define VIOLATED(where) where, -CMC_E_VERIFY
#define WRONG           NULL, -CMC_E_FORMAT

static struct row rows[] = {
    /* without rules */
    {"no rules: equal", PAGE, PAGE, NULL, ALLOWED},
    {"no rules: members in any order", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", NULL, ALLOWED},
    {"no rules: another value", "{\"a\":1}", "{\"a\":2}", NULL, VIOLATED("$")},
    {"no rules: another type", "{\"a\":1}", "{\"a\":\"1\"}", NULL, VIOLATED("$")},
    {"no rules: true is not false", "{\"a\":true}", "{\"a\":false}", NULL, VIOLATED("$")},
    {"no rules: array order counts", "[1,2]", "[2,1]", NULL, VIOLATED("$")},
    {"no rules: a negative number", "[-1]", "[1]", NULL, VIOLATED("$")},
    {"no rules: another name", "[{\"a\":1}]", "[{\"b\":1}]", NULL, VIOLATED("$")},
    {"no rules: one element more", "[1]", "[1,2]", NULL, VIOLATED("$")},
    {"no rules: one member more", "{}", "{\"a\":1}", NULL, VIOLATED("$")},
    {"no rules: the largest number", "[18446744073709551615]", "[18446744073709551614]", NULL,
     VIOLATED("$")},
    /* an absent rule means equal, at every level */
    {"empty rules: equal", PAGE, PAGE, "{}", ALLOWED},
    {"empty rules: differs", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "{}", VIOLATED("$.a")},
    {"empty rules: absent", "{\"a\":1}", "{}", "{}", VIOLATED("$.a")},
    {"empty rules: more", "{}", "{\"a\":1}", "{}", VIOLATED("$.a")},
    {"deep: differs beside a rule", "{\"a\":{\"b\":{\"c\":1,\"d\":1}}}",
     "{\"a\":{\"b\":{\"c\":2,\"d\":2}}}", "{\"a\":{\"b\":{\"c\":\"modifiable\"}}}",
     VIOLATED("$.a.b.d")},
    {"null is no rule", "{\"a\":1}", "{\"a\":2}", "{\"a\":null}", VIOLATED("$.a")},
    {"the first violation by name", "{\"b\":1,\"a\":1}", "{\"b\":2,\"a\":2}", "{}",
     VIOLATED("$.a")},
    {"what is missing comes before what is more", "{\"z\":1}", "{\"a\":1}", "{}", VIOLATED("$.z")},
    {"a rule for nothing", "{}", "{}", "{\"a\":\"mandatory\"}", ALLOWED},
    /* mandatory, optional, modifiable */
    {"mandatory: equal", "{\"a\":1}", "{\"a\":1}", "{\"a\":\"mandatory\"}", ALLOWED},
    {"mandatory: differs", "{\"a\":1}", "{\"a\":2}", "{\"a\":\"mandatory\"}", VIOLATED("$.a")},
    {"mandatory: absent", "{\"a\":1}", "{}", "{\"a\":\"mandatory\"}", VIOLATED("$.a")},
    {"mandatory: more", "{}", "{\"a\":1}", "{\"a\":\"mandatory\"}", VIOLATED("$.a")},
    {"optional: equal", "{\"a\":1}", "{\"a\":1}", "{\"a\":\"optional\"}", ALLOWED},
    {"optional: absent", "{\"a\":1}", "{}", "{\"a\":\"optional\"}", ALLOWED},
    {"optional: differs", "{\"a\":1}", "{\"a\":2}", "{\"a\":\"optional\"}", VIOLATED("$.a")},
    {"optional: more", "{}", "{\"a\":1}", "{\"a\":\"optional\"}", VIOLATED("$.a")},
    {"modifiable: differs", "{\"a\":1}", "{\"a\":[]}", "{\"a\":\"modifiable\"}", ALLOWED},
    {"modifiable: absent", "{\"a\":1}", "{}", "{\"a\":\"modifiable\"}", ALLOWED},
    {"modifiable: more", "{}", "{\"a\":1}", "{\"a\":\"modifiable\"}", VIOLATED("$.a")},
    /* members that only the measured one has */
    {"additional: any", "{}", "{\"a\":{\"b\":1}}", "{\"a\":\"additional\"}", ALLOWED},
    {"additional: this value", "{}", "{\"a\":\"x\"}", "{\"a\":\"additional:x\"}", ALLOWED},
    {"additional: another value", "{}", "{\"a\":\"y\"}", "{\"a\":\"additional:x\"}",
     VIOLATED("$.a")},
    {"additional: a part of the value", "{}", "{\"a\":\"xy\"}", "{\"a\":\"additional:x\"}",
     VIOLATED("$.a")},
    {"additional: the value with commas", "{}", "{\"a\":\"x,y\"}", "{\"a\":\"additional:x,y\"}",
     ALLOWED},
    {"additional: the empty value", "{}", "{\"a\":\"\"}", "{\"a\":\"additional:\"}", ALLOWED},
    {"additional: empty is not any", "{}", "{\"a\":\"x\"}", "{\"a\":\"additional:\"}",
     VIOLATED("$.a")},
    {"additional: star is a text", "{}", "{\"a\":\"x\"}", "{\"a\":\"additional:*\"}",
     VIOLATED("$.a")},
    {"additional: true", "{}", "{\"a\":true}", "{\"a\":\"additional:true\"}", ALLOWED},
    {"additional: a number", "{}", "{\"a\":-7}", "{\"a\":\"additional:-7\"}", ALLOWED},
    {"additional: not another number", "{}", "{\"a\":7}", "{\"a\":\"additional:-7\"}",
     VIOLATED("$.a")},
    {"additional: an object as JSON", "{}", "{\"a\":{\"c\":1,\"b\":[]}}",
     "{\"a\":\"additional:{\\\"b\\\":[],\\\"c\\\":1}\"}", ALLOWED},
    {"additional: entries", "{}", "{\"a\":[\"B=1\",\"C=9\"]}", "{\"a\":\"additional:B=1,C=*\"}",
     ALLOWED},
    {"additional: other entries", "{}", "{\"a\":[\"B=1\",\"D=9\"]}",
     "{\"a\":\"additional:B=1,C=*\"}", VIOLATED("$.a")},
    {"additional: what the reference has must be equal", "{\"a\":1}", "{\"a\":2}",
     "{\"a\":\"additional\"}", VIOLATED("$.a")},
    {"additional: what the reference has may not be missing", "{\"a\":1}", "{}",
     "{\"a\":\"additional\"}", VIOLATED("$.a")},
    {"an object rule adds nothing", "{}", "{\"a\":{}}", "{\"a\":{}}", VIOLATED("$.a")},
    /* subset */
    {"subset: all", "{\"a\":[1,2]}", "{\"a\":[1,2]}", "{\"a\":\"subset\"}", ALLOWED},
    {"subset: fewer, other order", "{\"a\":[1,2,3]}", "{\"a\":[3,1]}", "{\"a\":\"subset\"}",
     ALLOWED},
    {"subset: none", "{\"a\":[1]}", "{\"a\":[]}", "{\"a\":\"subset\"}", ALLOWED},
    {"subset: one that is not in it", "{\"a\":[1,2]}", "{\"a\":[1,4]}", "{\"a\":\"subset\"}",
     VIOLATED("$.a")},
    {"subset: an entry that is not in it", ENV("\"A=1\""), ENV("\"C=3\""), RULE("subset"),
     VIOLATED("$.process.env")},
    {"subset: absent", "{\"a\":[1]}", "{}", "{\"a\":\"subset\"}", VIOLATED("$.a")},
    {"subset, optional: absent", "{\"a\":[1]}", "{}", "{\"a\":\"subset;optional\"}", ALLOWED},
    {"subset: no array", "{\"a\":1}", "{\"a\":1}", "{\"a\":\"subset\"}", VIOLATED("$.a")},
    /* replace */
    {"replace: another value", PAGE,
     "{\"hostname\":\"web\",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\",\"env\":[\"HOME=/"
     "root\",\"HOSTNAME=db\",\"PATH=/bin\"]}}",
     RULE("replace:HOSTNAME=*"), ALLOWED},
    {"replace: not this one", ENV("\"A=1\",\"B=1\""), ENV("\"A=2\",\"B=2\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: two", ENV("\"A=1\",\"B=1\""), ENV("\"A=2\",\"B=2\""), RULE("replace:A=*,B=*"),
     ALLOWED},
    {"replace: order counts", ENV("\"A=1\",\"B=1\""), ENV("\"B=1\",\"A=2\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: missing", ENV("\"A=1\",\"B=1\""), ENV("\"B=1\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: one too many", ENV("\"A=1\""), ENV("\"A=1\",\"A=2\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: another one too many", ENV("\"A=1\""), ENV("\"A=1\",\"C=3\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: twice", ENV("\"A=1\",\"A=2\""), ENV("\"A=3\",\"A=4\""), RULE("replace:A=*"),
     ALLOWED},
    {"replace: a longer name", ENV("\"AB=1\""), ENV("\"AB=2\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: a shown value by a withheld one", ENV(SHOWN), ENV(WITHHELD), RULE("replace:A=*"),
     ALLOWED},
    {"replace: no name", ENV("\"A\""), ENV("\"A=1\""), RULE("replace:A=*"),
     VIOLATED("$.process.env")},
    {"replace: no array", "{\"a\":\"A=1\"}", "{\"a\":\"A=1\"}", "{\"a\":\"replace:A=*\"}",
     VIOLATED("$.a")},
    {"replace, optional: absent", "{\"a\":[\"A=1\"]}", "{}", "{\"a\":\"optional;replace:A=*\"}",
     ALLOWED},
    /* additional entries */
    {"entry: any value", ENV("\"B=1\""), ENV("\"A=9\",\"B=1\""), RULE("additional:A=*"), ALLOWED},
    {"entry: this value", ENV("\"B=1\""), ENV("\"B=1\",\"A=9\""), RULE("additional:A=9"), ALLOWED},
    {"entry: another value", ENV("\"B=1\""), ENV("\"A=8\",\"B=1\""), RULE("additional:A=9"),
     VIOLATED("$.process.env")},
    {"entry: another name", ENV("\"B=1\""), ENV("\"C=9\",\"B=1\""), RULE("additional:A=*"),
     VIOLATED("$.process.env")},
    {"entry: a value with =", ENV(""), ENV("\"A=b=c\""), RULE("additional:A=b=c"), ALLOWED},
    {"entry: all names", ENV("\"B=1\""), ENV("\"A=9\",\"B=1\",\"C=\""), RULE("additional"),
     ALLOWED},
    {"entry: what the reference has is never additional", ENV("\"PATH=/bin\""),
     ENV("\"PATH=/bin\",\"PATH=/evil\""), RULE("additional:PATH=*"), VIOLATED("$.process.env")},
    {"entry: the same for all names", ENV("\"PATH=/bin\""), ENV("\"PATH=/evil\",\"PATH=/bin\""),
     RULE("additional"), VIOLATED("$.process.env")},
    {"entry: no name is never dropped", ENV("\"B=1\""), ENV("\"B=1\",\"=A\""), RULE("additional"),
     VIOLATED("$.process.env")},
    {"entry: no = is never dropped", ENV("\"B=1\""), ENV("\"B=1\",\"A\""), RULE("additional"),
     VIOLATED("$.process.env")},
    {"entry: a number is never dropped", ENV("\"B=1\""), ENV("\"B=1\",3"), RULE("additional"),
     VIOLATED("$.process.env")},
    {"entry: shown", ENV(""), ENV(SHOWN), RULE("additional:A=1"), ALLOWED},
    {"entry: withheld, any value", ENV(""), ENV(WITHHELD), RULE("additional:A=*"), ALLOWED},
    {"entry: withheld is no value", ENV(""), ENV(WITHHELD), RULE("additional:A=1"),
     VIOLATED("$.process.env")},
    {"entry: an empty name is never dropped", ENV(""), ENV("{\"name\":\"\",\"value\":\"1\"}"),
     RULE("additional"), VIOLATED("$.process.env")},
    {"entry: neither shown nor withheld", ENV(""), ENV("{\"name\":\"A\",\"x\":\"1\"}"),
     RULE("additional"), VIOLATED("$.process.env")},
    {"entry: an array is never dropped", ENV(""), ENV("[\"A\",\"1\"]"), RULE("additional"),
     VIOLATED("$.process.env")},
    {"entry: a third member makes no entry", ENV(""),
     ENV("{\"name\":\"A\",\"value\":\"1\",\"x\":1}"), RULE("additional"),
     VIOLATED("$.process.env")},
    {"entries replaced and dropped", ENV("\"A=1\",\"B=1\""), ENV("\"A=7\",\"B=1\",\"C=3\""),
     RULE("replace:A=*;additional:C=*"), ALLOWED},
    {"entries in a subset", ENV("\"A=1\",\"B=1\""), ENV("\"C=3\",\"B=1\""),
     RULE("subset;additional:C=3"), ALLOWED},
    /* arrays */
    {"array: element-wise", "{\"m\":[{\"s\":1,\"t\":1},2]}", "{\"m\":[{\"s\":9,\"t\":1},2]}",
     "{\"m\":[{\"s\":\"modifiable\"}]}", ALLOWED},
    {"array: beside the rule", "{\"m\":[{\"s\":1,\"t\":1},2]}", "{\"m\":[{\"s\":9,\"t\":2},2]}",
     "{\"m\":[{\"s\":\"modifiable\"}]}", VIOLATED("$.m[0].t")},
    {"array: beyond the rule", "{\"m\":[1,2]}", "{\"m\":[9,9]}", "{\"m\":[\"modifiable\"]}",
     VIOLATED("$.m[1]")},
    {"array: null passes over", "{\"m\":[1,2]}", "{\"m\":[1,9]}", "{\"m\":[null,\"modifiable\"]}",
     ALLOWED},
    {"array: one more", "{\"m\":[1]}", "{\"m\":[1,2]}", "{\"m\":[\"modifiable\",\"modifiable\"]}",
     VIOLATED("$.m")},
    {"array: one less", "{\"m\":[1,2]}", "{\"m\":[1]}", "{\"m\":[\"optional\",\"optional\"]}",
     VIOLATED("$.m")},
    {"array: no array", "{\"m\":{}}", "{\"m\":{}}", "{\"m\":[]}", VIOLATED("$.m")},
    {"object: no object", "{\"m\":[]}", "{\"m\":[]}", "{\"m\":{}}", VIOLATED("$.m")},
    {"object: absent", "{\"m\":{}}", "{}", "{\"m\":{}}", VIOLATED("$.m")},
    /* rules that are none */
    {"rules: a text", PAGE, PAGE, "\"modifiable\"", WRONG},
    {"rules: an array", PAGE, PAGE, "[]", WRONG},
    {"rule: unknown", PAGE, PAGE, "{\"process\":\"free\"}", WRONG},
    {"rule: unknown where nothing is", "{}", "{}", "{\"a\":{\"b\":[\"Modifiable\"]}}", WRONG},
    {"rule: empty", "{}", "{}", "{\"a\":\"\"}", WRONG},
    {"rule: a space", "{}", "{}", "{\"a\":\"optional; subset\"}", WRONG},
    {"rule: an empty clause", "{}", "{}", "{\"a\":\"optional;\"}", WRONG},
    {"rule: true", "{}", "{}", "{\"a\":true}", WRONG},
    {"rule: a number", "{}", "{}", "{\"a\":1}", WRONG},
    {"rule: twice", "{}", "{}", "{\"a\":\"optional;optional\"}", WRONG},
    {"rule: additional twice", "{}", "{}", "{\"a\":\"additional:A=1;additional:B=1\"}", WRONG},
    {"rule: replace twice", "{}", "{}", "{\"a\":\"replace:A=*;replace:B=*\"}", WRONG},
    {"rule: mandatory with more", "{}", "{}", "{\"a\":\"mandatory;optional\"}", WRONG},
    {"rule: modifiable with more", "{}", "{}", "{\"a\":\"subset;modifiable\"}", WRONG},
    {"rule: replace without names", "{}", "{}", "{\"a\":\"replace:\"}", WRONG},
    {"rule: replace without a star", "{}", "{}", "{\"a\":\"replace:A=1\"}", WRONG},
    {"rule: replace without a value", "{}", "{}", "{\"a\":\"replace:A\"}", WRONG},
    {"rule: replace with something behind a name", "{}", "{}", "{\"a\":\"replace:A=*,B\"}", WRONG},
    {"rule: replace without a name", "{}", "{}", "{\"a\":\"replace:=*\"}", WRONG},
    {"rule: additionally", "{}", "{}", "{\"a\":\"additionally\"}", WRONG},
    {"rule: optional with a value", "{}", "{}", "{\"a\":\"optional:x\"}", WRONG},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    cmc_autojson struct cmc_json_doc *ref_doc = NULL, *got_doc = NULL, *rule_doc = NULL;
    const struct cmc_json *ref = NULL, *got = NULL, *rules = NULL;
    char path[VERIFY_RULES_PATH] = "poison";
    struct cmc_err err = {0};

    assert_int_equal(cmc_json_parse(t->reference, strlen(t->reference), &ref_doc, &ref, &err), 0);
    assert_int_equal(cmc_json_parse(t->measured, strlen(t->measured), &got_doc, &got, &err), 0);
    if (t->rules)
        assert_int_equal(cmc_json_parse(t->rules, strlen(t->rules), &rule_doc, &rules, &err), 0);
    const int rc = verify_rules_check(ref, got, rules, path, &err);
    if (rc != t->want)
        print_message("%s\n", err.msg);
    assert_int_equal(rc, t->want);
    assert_int_equal(err.code, -t->want);
    assert_string_equal(path, t->path ? t->path : "");
}

/* Specifications are members of larger documents. */
static void path_begins_at_the_specification(void **state)
{
    static const char text[] = "{\"r\":{\"a\":{\"b\":1}},\"m\":[{\"a\":{\"b\":2}}]}";
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    char path[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(cmc_json_parse(text, strlen(text), &doc, &root, &err), 0);
    const struct cmc_json *m = cmc_json_member(root, "m")->child;
    assert_int_equal(verify_rules_check(cmc_json_member(root, "r"), m, m, path, &err),
                     -CMC_E_FORMAT);
    cmc_autojson struct cmc_json_doc *rule_doc = NULL;
    const struct cmc_json *rules = NULL;
    assert_int_equal(cmc_json_parse("{\"a\":{}}", 8, &rule_doc, &rules, &err), 0);
    assert_int_equal(verify_rules_check(cmc_json_member(root, "r"), m, rules, path, &err),
                     -CMC_E_VERIFY);
    assert_string_equal(path, "$.a.b");
}

/* One side alone, and what the reference does not have. */
static void check_small(const struct cmc_json *large, const struct cmc_json *rules, size_t n)
{
    cmc_autojson struct cmc_json_doc *small_doc = NULL, *none_doc = NULL, *entries_doc = NULL;
    const struct cmc_json *small = NULL, *none = NULL, *entries = NULL;
    char path[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    const bool many = n > VERIFY_RULES_ENTRIES_MAX;
    assert_int_equal(cmc_json_parse("{\"a\":[0]}", 9, &small_doc, &small, &err), 0);
    assert_int_equal(cmc_json_parse("{}", 2, &none_doc, &none, &err), 0);
    assert_int_equal(cmc_json_parse("{\"a\":\"additional:A=*\"}", 22, &entries_doc, &entries, &err),
                     0);
    assert_int_equal(verify_rules_check(small, large, rules, path, &err), many ? -CMC_E_LIMIT : 0);
    assert_int_equal(verify_rules_check(large, small, rules, path, &err), many ? -CMC_E_LIMIT : 0);
    assert_int_equal(verify_rules_check(none, large, entries, path, &err),
                     many ? -CMC_E_LIMIT : -CMC_E_VERIFY);
}

/* Comparing each with each is bounded. */
static void too_many_elements(void **state)
{
    static const char text[] = "{\"a\":\"subset\"}";
    (void)state;
    for (size_t n = VERIFY_RULES_ENTRIES_MAX; n <= VERIFY_RULES_ENTRIES_MAX + 1; n++) {
        cmc_autojson struct cmc_json_doc *doc = NULL, *rule_doc = NULL;
        const struct cmc_json *root = NULL, *rules = NULL;
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
        char path[VERIFY_RULES_PATH];
        struct cmc_err err = {0};
        cmc_put_text(&b, "{\"a\":[0");
        for (size_t i = 1; i < n; i++)
            cmc_put_text(&b, ",0");
        cmc_put_text(&b, "]}");
        assert_int_equal(cmc_json_parse((const char *)b.data, b.len, &doc, &root, &err), 0);
        assert_int_equal(cmc_json_parse(text, strlen(text), &rule_doc, &rules, &err), 0);
        assert_int_equal(verify_rules_check(root, root, rules, path, &err),
                         n > VERIFY_RULES_ENTRIES_MAX ? -CMC_E_LIMIT : 0);
        check_small(root, rules, n);
    }
}

static void rules_have_a_length(void **state)
{
    (void)state;
    for (size_t n = VERIFY_RULES_TEXT_MAX; n <= VERIFY_RULES_TEXT_MAX + 1; n++) {
        cmc_autojson struct cmc_json_doc *doc = NULL;
        const struct cmc_json *rules = NULL;
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
        struct cmc_err err = {0};
        cmc_put_text(&b, "{\"a\":\"additional:");
        for (size_t i = strlen("additional:"); i < n; i++)
            cmc_put_u8(&b, 'x');
        cmc_put_text(&b, "\"}");
        assert_int_equal(cmc_json_parse((const char *)b.data, b.len, &doc, &rules, &err), 0);
        assert_int_equal(verify_rules_read(rules, &err),
                         n > VERIFY_RULES_TEXT_MAX ? -CMC_E_LIMIT : 0);
    }
}

/* What a rule refuses is named by its place alone: a value may be a secret. */
static void no_value_in_messages(void **state)
{
    static const char ref[] = ENV("\"PASSWORD=hunter2\""), got[] = ENV("\"PASSWORD=swordfish\"");
    static const char *const rules[] = {"{}", RULE("subset"), RULE("additional:PASSWORD=hunter3")};
    (void)state;
    for (size_t i = 0; i < ROWS(rules); i++) {
        cmc_autojson struct cmc_json_doc *a = NULL, *b = NULL, *c = NULL;
        const struct cmc_json *r = NULL, *m = NULL, *u = NULL;
        char path[VERIFY_RULES_PATH];
        struct cmc_err err = {0};
        assert_int_equal(cmc_json_parse(ref, strlen(ref), &a, &r, &err), 0);
        assert_int_equal(cmc_json_parse(got, strlen(got), &b, &m, &err), 0);
        assert_int_equal(cmc_json_parse(rules[i], strlen(rules[i]), &c, &u, &err), 0);
        assert_int_equal(verify_rules_check(r, m, u, path, &err), -CMC_E_VERIFY);
        assert_null(strstr(err.msg, "hunter"));
        assert_null(strstr(err.msg, "swordfish"));
    }
}

/* The rules that we ship can be read. */
static void example_rules(void **state)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *rules = NULL;
    static char text[1 << 16];
    struct cmc_err err = {0};
    FILE *f = fopen(TEST_SOURCE "/example-setup/rules/cri.json", "re");
    (void)state;
    assert_non_null(f);
    const size_t len = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    assert_int_equal(cmc_json_parse(text, len, &doc, &rules, &err), 0);
    assert_int_equal(verify_rules_read(rules, &err), 0);
    assert_true(rules->count > 0);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(path_begins_at_the_specification),
        cmocka_unit_test(too_many_elements),
        cmocka_unit_test(rules_have_a_length),
        cmocka_unit_test(no_value_in_messages),
        cmocka_unit_test(example_rules),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(single)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(&tests[ROWS(rows)], single, sizeof(single));
    return cmocka_run_group_tests_name("attest/verify/rules", tests, NULL, NULL);
}
