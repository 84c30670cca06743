/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_config_members.c -- each member of the specification, wherever it can
 * stand, changes the digest when it is there, when it changes and when its elements change
 * places; or it is left out, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/config.h"
#include "measure/spec_table.h"

enum { CAP = 4096 };

struct place { /* text before and behind the members of a struct */
    char before[CAP / 4], behind[CAP / 4];
    bool left_out;
};

struct digest {
    uint8_t d[CMC_SHA256_LEN];
};

static size_t places, arrays, left_out;

static struct digest measure(const char *text)
{
    const struct measure_config_opts opts = {.container_id = "id", .bundle = "/bundle"};
    struct measure_config c = {0};
    struct cmc_err err = {0};
    struct digest out;
    if (measure_config(text, strlen(text), &opts, &c, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    memcpy(out.d, c.digest, sizeof(out.d));
    measure_config_done(&c);
    return out;
}

/* One of two values of a base type. */
static void scalar(char *out, size_t cap, const struct spec_member *m, int which)
{
    static const char *const numbers[][2] = {
        [SPEC_UINT16] = {"0", "65535"},
        [SPEC_UINT32] = {"0", "4294967295"},
        [SPEC_UINT64] = {"18446744073709551614", "18446744073709551615"},
        [SPEC_INT32] = {"-2147483648", "2147483647"},
        [SPEC_INT64] = {"-9223372036854775808", "9223372036854775807"},
        [SPEC_STRING] = {"\"\"", "\"x\""},
        [SPEC_BOOL] = {"false", "true"},
        [SPEC_ANY] = {"[1]", "{\"a\":1}"},
        [SPEC_STRUCT] = {"{}", "{\"unlisted\":1}"}};
    (void)snprintf(out, cap, "%s", numbers[m->base][which]);
}

static struct digest with(const struct place *p, const char *member)
{
    char text[CAP];
    (void)snprintf(text, sizeof(text), "%s%s%s", p->before, member, p->behind);
    return measure(text);
}

static void assert_differ(const struct place *p, const char *member, struct digest a,
                          struct digest b)
{
    bool equal = memcmp(a.d, b.d, sizeof(a.d)) == 0;
    if (equal != p->left_out)
        fail_msg("%s%s%s: the digest %s", p->before, member, p->behind,
                 equal ? "does not change" : "changes");
}

static void swap_elements(const struct place *p, const struct spec_member *m, const char *a,
                          const char *b)
{
    char one[CAP / 4], two[CAP / 4];
    (void)snprintf(one, sizeof(one), "\"%s\":[%s,%s,%s]", m->name, a, b, b);
    (void)snprintf(two, sizeof(two), "\"%s\":[%s,%s,%s]", m->name, b, a, b);
    assert_differ(p, one, with(p, one), with(p, two));
    arrays++;
}

static void toggle(const struct place *p, const struct spec_member *m)
{
    static const char *const wrap[][2] = {{"", ""}, {"[", "]"}, {"{\"k\":", "}"}};
    char a[64], b[64], one[256], two[256], null[256];

    scalar(a, sizeof(a), m, 0);
    scalar(b, sizeof(b), m, 1);
    (void)snprintf(one, sizeof(one), "\"%s\":%s%s%s", m->name, wrap[m->shape][0], a,
                   wrap[m->shape][1]);
    (void)snprintf(two, sizeof(two), "\"%s\":%s%s%s", m->name, wrap[m->shape][0], b,
                   wrap[m->shape][1]);
    (void)snprintf(null, sizeof(null), "\"%s\":null", m->name);
    assert_differ(p, one, with(p, one), with(p, two));
    assert_differ(p, one, with(p, one), with(p, ""));
    assert_differ(p, null, with(p, null), with(p, one));
    assert_differ(p, null, with(p, null), with(p, ""));
    if (m->shape == SPEC_ARRAY)
        swap_elements(p, m, a, b);
    places++;
    left_out += p->left_out;
}

static void walk(const struct place *p, const struct spec_type *t)
{
    static const char *const wrap[][2] = {{"{", "}"}, {"[{", "}]"}, {"{\"k\":{", "}}"}};
    for (size_t i = 0; i < t->count; i++) {
        const struct spec_member *m = &t->members[i];
        struct place at = *p;
        at.left_out |= m->rule == SPEC_LEFT_OUT;
        toggle(&at, m);
        if (!m->type)
            continue;
        size_t used = strlen(at.before);
        (void)snprintf(at.before + used, sizeof(at.before) - used, "\"%s\":%s", m->name,
                       wrap[m->shape][0]);
        (void)snprintf(at.behind, sizeof(at.behind), "%s%s", wrap[m->shape][1], p->behind);
        /* an empty struct that is left out is not the place without it */
        walk(&at, m->type);
    }
}

static void every_member_is_measured_or_left_out(void **state)
{
    const struct place top = {.before = "{", .behind = "}"};
    (void)state;
    walk(&top, &measure_spec);
    print_message("%zu members in their places, %zu arrays, %zu left out\n", places, arrays,
                  left_out);
    assert_int_equal(left_out, 4); /* terminal, consoleSize and its two members */
    assert_true(places > 300);
    assert_true(arrays > 60);
}

/* Differences that a reader through doubles, or through 63 bits, would not see. */
static void neighbours_differ(void **state)
{
    static const char *const rows[][2] = {{"9007199254740992", "9007199254740993"},
                                          {"9223372036854775807", "9223372036854775808"},
                                          {"18446744073709551614", "18446744073709551615"},
                                          {"-1", "1"},
                                          {"-9223372036854775808", "-9223372036854775807"},
                                          {"-9223372036854775808", "9223372036854775808"}};
    const struct place rlimit = {.before = "{\"process\":{\"rlimits\":[{",
                                 .behind = "}]},\"x\":0}"};
    const struct place unlisted = {.before = "{", .behind = "}"};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char one[64], two[64];
        (void)snprintf(one, sizeof(one), "\"n\":%s", rows[i][0]);
        (void)snprintf(two, sizeof(two), "\"n\":%s", rows[i][1]);
        assert_differ(&unlisted, one, with(&unlisted, one), with(&unlisted, two));
        if (rows[i][0][0] == '-')
            continue;
        (void)snprintf(one, sizeof(one), "\"hard\":%s", rows[i][0]);
        (void)snprintf(two, sizeof(two), "\"hard\":%s", rows[i][1]);
        assert_differ(&rlimit, one, with(&rlimit, one), with(&rlimit, two));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_member_is_measured_or_left_out),
                                       cmocka_unit_test(neighbours_differ)};
    return cmocka_run_group_tests_name("measure/config_members", tests, NULL, NULL);
}
