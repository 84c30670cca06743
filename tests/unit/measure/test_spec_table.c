/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_spec_table.c -- the table, the published field list and the format page
 * hold the same members with the same types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/json.h"
#include "measure/spec_table.h"

enum { TYPES_MAX = 100, FILE_MAX = 1 << 20, TEXT_CAP = 80 };

static const struct spec_type *types[TYPES_MAX];
static size_t type_count;

static const struct spec_type *type_called(const char *name)
{
    for (size_t i = 0; i < type_count; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

static void collect(const struct spec_type *t)
{
    const struct spec_type *known = type_called(t->name);
    if (known) {
        assert_ptr_equal(known, t);
        return;
    }
    assert_in_range(type_count, 0, TYPES_MAX - 1);
    types[type_count++] = t;
    for (size_t i = 0; i < t->count; i++) {
        assert_int_equal(t->members[i].type != NULL, t->members[i].base == SPEC_STRUCT);
        if (t->members[i].type)
            collect(t->members[i].type);
    }
}

static int setup(void **state)
{
    (void)state;
    collect(&measure_spec);
    return 0;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = calloc(1, FILE_MAX);
    assert_non_null(f);
    assert_non_null(text);
    assert_in_range(fread(text, 1, FILE_MAX - 1, f), 1, FILE_MAX - 2);
    (void)fclose(f);
    return text;
}

/* As the page writes types: uint32, [string], {LinuxRdma}. */
static void type_text(const struct spec_member *m, char *out)
{
    static const char *const bases[] = {
        [SPEC_STRING] = "string", [SPEC_BOOL] = "bool",     [SPEC_UINT16] = "uint16",
        [SPEC_UINT32] = "uint32", [SPEC_UINT64] = "uint64", [SPEC_INT32] = "int32",
        [SPEC_INT64] = "int64",   [SPEC_STRUCT] = "",       [SPEC_ANY] = "any"};
    static const char *const open[] = {"", "[", "{"}, *const close[] = {"", "]", "}"};
    (void)snprintf(out, TEXT_CAP, "%s%s%s", open[m->shape],
                   m->base == SPEC_STRUCT ? m->type->name : bases[m->base], close[m->shape]);
}

/* The same of what Go's reflection wrote: *uint32, []string, map:struct:LinuxRdma. */
static void go_text(const char *go, char *out)
{
    const char *open = "", *close = "";
    go += *go == '*';
    if (strncmp(go, "[]", 2) == 0 || strncmp(go, "map:", 4) == 0) {
        open = *go == '[' ? "[" : "{";
        close = *go == '[' ? "]" : "}";
        go += *go == '[' ? 2 : 4;
    }
    if (strncmp(go, "struct:", 7) == 0)
        go += 7;
    if (strcmp(go, "int") == 0 || strcmp(go, "uint") == 0) /* 64 bits where runc runs */
        (void)snprintf(out, TEXT_CAP, "%s%s64%s", open, go, close);
    else
        (void)snprintf(out, TEXT_CAP, "%s%s%s", open, strcmp(go, "interface") == 0 ? "any" : go,
                       close);
}

static const struct spec_member *member_called(const struct spec_type *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->members[i].name, name) == 0)
            return &t->members[i];
    fail_msg("%s: no member %s in measure/spec_table.c", t->name, name);
    return NULL;
}

/* What Go always writes: members without "omitempty", and structs, which are never empty. */
static unsigned go_flags(const struct cmc_json *p)
{
    const struct cmc_json *may_go = cmc_json_member(p, "omitempty");
    const char *type = cmc_json_text(p, "t");
    assert_non_null(may_go);
    assert_true(may_go->type == CMC_JSON_TRUE || may_go->type == CMC_JSON_FALSE);
    bool always = may_go->type == CMC_JSON_FALSE || strncmp(type, "struct:", 7) == 0;
    return (always ? SPEC_ALWAYS : 0U) | (*type == '*' ? SPEC_POINTER : 0U);
}

static void compare_type(const struct spec_type *t, const struct cmc_json *published)
{
    assert_non_null(t);
    assert_int_equal(t->count, published->count);
    for (const struct cmc_json *p = published->child; p; p = p->next) {
        char want[TEXT_CAP], have[TEXT_CAP];
        const struct spec_member *m = member_called(t, cmc_json_text(p, "name"));
        go_text(cmc_json_text(p, "t"), want);
        type_text(m, have);
        assert_string_equal(have, want);
        if (m->go != go_flags(p))
            fail_msg("%s.%s: Go writes it otherwise", t->name, m->name);
    }
}

/* Go embeds this type in two others; it has no place of its own. */
static void compare_embedded(const struct cmc_json *published)
{
    for (const struct cmc_json *p = published->child; p; p = p->next) {
        assert_non_null(member_called(type_called("LinuxWeightDevice"), cmc_json_text(p, "name")));
        assert_non_null(
            member_called(type_called("LinuxThrottleDevice"), cmc_json_text(p, "name")));
    }
}

/* A name selects one member at most, in any spelling. */
static void no_two_names_differ_only_by_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < type_count; i++)
        for (size_t j = 0; j < types[i]->count; j++)
            for (size_t k = 0; k < j; k++)
                assert_int_not_equal(
                    strcasecmp(types[i]->members[j].name, types[i]->members[k].name), 0);
}

static void table_is_the_published_list(void **state)
{
    char *text = read_file(TEST_VECTORS "/config/runtime-spec-1.3.0-fields.json");
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    size_t seen = 0;

    (void)state;
    assert_int_equal(cmc_json_parse(text, strlen(text), &doc, &root, &err), 0);
    for (const struct cmc_json *p = root->child; p; p = p->next) {
        if (strcmp(p->key, "LinuxBlockIODevice") == 0) {
            compare_embedded(p);
            continue;
        }
        if (!type_called(p->key))
            fail_msg("%s: no such type in measure/spec_table.c", p->key);
        compare_type(type_called(p->key), p);
        seen++;
    }
    assert_int_equal(seen, type_count);
    free(text);
}

static const char *rule_text(enum spec_rule rule)
{
    return rule == SPEC_MEASURED ? "measured" : rule == SPEC_LEFT_OUT ? "left out" : "normalised";
}

/* "`uid` uint32; `gid` uint32": each a member of t with this rule. Returns how many. */
static size_t compare_cell(const struct spec_type *t, const char *rule, char *cell)
{
    size_t n = 0;
    for (char *save, *one = strtok_r(cell, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
        char name[TEXT_CAP], want[TEXT_CAP], have[TEXT_CAP];
        assert_int_equal(sscanf(one, " `%79[^`]` %79s", name, want), 2);
        const struct spec_member *m = member_called(t, name);
        type_text(m, have);
        assert_string_equal(have, want);
        if (strcmp(rule_text(m->rule), rule) != 0)
            fail_msg("%s.%s: the page says %s", t->name, name, rule);
        n++;
    }
    return n;
}

static size_t compare_row(char *line)
{
    char *save, *type = strtok_r(line, "|", &save), *rule = strtok_r(NULL, "|", &save);
    char *members = strtok_r(NULL, "|", &save), *reason = strtok_r(NULL, "|", &save);
    char name[TEXT_CAP], what[TEXT_CAP];

    if (!reason || sscanf(type, " %79s", name) != 1 || sscanf(rule, " %79[a-z ]", what) != 1)
        return 0;
    what[strcspn(what, " ") + (strncmp(what, "left out", 8) == 0 ? 4 : 0)] = '\0';
    if (!type_called(name))
        return 0;
    assert_in_range(strspn(reason, " "), 0, strlen(reason) - 2); /* there is a reason */
    return compare_cell(type_called(name), what, members);
}

static void page_is_the_table(void **state)
{
    char *text = read_file(TEST_SOURCE "/docs/formats/oci-config.md");
    char *table = strstr(text, "\n## 9."), *end = strstr(text, "\n## 10.");
    size_t seen = 0, want = 0;

    (void)state;
    assert_non_null(table);
    assert_non_null(end);
    *end = '\0';
    for (char *save, *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        seen += *line == '|' ? compare_row(line) : 0;
    for (size_t i = 0; i < type_count; i++)
        want += types[i]->count;
    assert_int_equal(seen, want);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table_is_the_published_list),
                                       cmocka_unit_test(no_two_names_differ_only_by_case),
                                       cmocka_unit_test(page_is_the_table)};
    return cmocka_run_group_tests_name("measure/spec_table", tests, setup, NULL);
}
