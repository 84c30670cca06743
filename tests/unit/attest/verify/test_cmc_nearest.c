/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_nearest.c -- a container that no reference allows: which
 * reference is near, what differs, and where its rules end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/cmc_bed.h"
#include "tests/lib/rows.h"

static struct cmc_bed_event *web(struct cmc_bed *b)
{
    return &cmc_bed_artifact(b, 13)->event[0];
}

static void measured(struct cmc_bed *b, const char *spec)
{
    web(b)->spec = spec;
    cmc_bed_event(web(b));
}

/* Each reference to a container without its configuration: the digest alone. */
static void without_references(struct cmc_bed *b)
{
    char *text = NULL;
    memcpy(&text, &b->manifest[1], sizeof(text));
    for (char *p; (p = strstr(text, "\"ociSpec\"")) != NULL;)
        p[1] = 'x';
}

static void other_value(struct cmc_bed *b)
{
    measured(b, CMC_BED_SPEC("EVIL", ""));
}
static void one_more(struct cmc_bed *b)
{
    measured(b, CMC_BED_SPEC("HELLO", ",\"X=1\""));
}
static void one_less(struct cmc_bed *b)
{
    measured(b, "{\"hostname\":\"web\",\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"],"
                "\"env\":[\"PASSWORD=hunter2\"]}}");
}
static void eight_more(struct cmc_bed *b)
{
    measured(b, CMC_BED_SPEC("HELLO", ",\"A=1\",\"B=1\",\"C=1\",\"D=1\",\"E=1\",\"F=1\",\"G=1\","
                                      "\"H=1\""));
}
static void nine_more(struct cmc_bed *b)
{
    measured(b, CMC_BED_SPEC("HELLO", ",\"A=1\",\"B=1\",\"C=1\",\"D=1\",\"E=1\",\"F=1\",\"G=1\","
                                      "\"H=1\",\"I=1\""));
}
static void no_configuration(struct cmc_bed *b)
{
    other_value(b);
    web(b)->no_spec = true;
}
static void no_reference(struct cmc_bed *b)
{
    other_value(b);
    without_references(b);
}
static void other_files(struct cmc_bed *b)
{
    web(b)->seed = 9;
    cmc_bed_event(web(b));
}

static struct row {
    const char *name;
    void (*spoil)(struct cmc_bed *b);
    size_t differences;
    const char *config, *rules, *never; /* words of claims; NULL: no such claim */
    enum verify_status status;          /* of that of the rules */
} rows[] = {
    {"another value", other_value, 1, "process.env VAL: reference \"HELLO\", measured \"EVIL\"",
     "do not allow it", "more differences", VERIFY_BAD},
    {"one more", one_more, 1, "process.env X: reference has none, measured \"1\"",
     "do not allow it", "more differences", VERIFY_BAD},
    {"one less", one_less, 1, "process.env VAL: reference \"HELLO\", measured has none",
     "do not allow it", "more differences", VERIFY_BAD},
    {"eight more", eight_more, 8, "process.env H", "do not allow it", "more differences",
     VERIFY_BAD},
    {"nine more", nine_more, 9, "and 1 more differences", "do not allow it", "process.env I",
     VERIFY_BAD},
    {"no configuration", no_configuration, 0, "the reference has", "without both configurations",
     "process.env", VERIFY_UNCHECKED},
    {"no configuration of the reference", no_reference, 0, "the reference has",
     "without both configurations", "process.env", VERIFY_UNCHECKED},
    {"other files", other_files, 0, "the reference's", NULL, "process.env", VERIFY_GOOD},
};

static const struct verify_claim *find(const struct verify_claim *c, const char *id,
                                       const char *words)
{
    for (; c; c = c->next) {
        const struct verify_claim *below = find(c->child, id, words);
        if (below || (strcmp(c->id, id) == 0 && strstr(c->text, words)))
            return below ? below : c;
    }
    return NULL;
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct cmc_bed *b = cmc_bed_open();
    row->spoil(b);
    struct verify_result *r = cmc_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_int_equal(r->container_count, 2);
    const struct verify_container *c = &r->container[0];
    assert_int_equal(c->status, VERIFY_BAD);
    assert_string_equal(c->reference, "web");
    assert_int_equal(c->difference_count, row->differences);
    assert_non_null(find(r->claim, "container.config", row->config));
    assert_null(find(r->claim, "container.config", row->never));
    const struct verify_claim *rules = find(r->claim, "container.rules", "");
    assert_int_equal(rules != NULL, row->rules != NULL);
    if (rules && row->rules) {
        assert_non_null(strstr(rules->text, row->rules));
        assert_non_null(strstr(rules->text, "\"app\""));
        assert_int_equal(rules->status, row->status);
    }
    verify_result_free(r);
    cmc_bed_close(b);
}

/* Which reference is near, and what differs; never a secret, never a name that no digest covers. */
static void difference_by_member(void **state)
{
    struct cmc_bed *b = cmc_bed_open();
    (void)state;
    measured(b, "{\"hostname\":\"web\",\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"],"
                "\"env\":[\"PASSWORD=swordfish\",\"VAL=EVIL\"]}}");
    struct verify_result *r = cmc_bed_run(b);
    assert_int_equal(r->container_count, 2);
    const struct verify_container *c = &r->container[0];
    assert_int_equal(c->status, VERIFY_BAD);
    assert_string_equal(c->reference, "web");
    assert_string_equal(c->manifest, "app");
    assert_true(c->config_differs && !c->rootfs_differs);
    assert_null(c->id);
    assert_null(c->name);
    assert_int_equal(c->difference_count, 2);
    assert_string_equal(c->difference[0].path, "process.env PASSWORD");
    assert_string_equal(c->difference[0].before, "a value that is not shown");
    assert_string_equal(c->difference[1].path, "process.env VAL");
    assert_string_equal(c->difference[1].before, "\"HELLO\"");
    assert_string_equal(c->difference[1].after, "\"EVIL\"");
    assert_int_equal(r->container[1].status, VERIFY_GOOD);
    verify_result_free(r);
    cmc_bed_close(b);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1] = {cmocka_unit_test(difference_by_member)};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i + 1] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/verify/cmc_nearest", tests, NULL, NULL);
}
