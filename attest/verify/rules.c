/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/rules.c -- ociRules: walks reference, measured configuration and rules side by
 * side; what no rule speaks of must be equal (docs/formats/oci-rules.md). */
#include "attest/verify/rules.h"

#include <stdio.h>
#include <string.h>

#include "attest/verify/rules_text.h"

enum { WHOLE_PATH = 4096 };

struct walk {
    const struct cmc_json *reference, *measured; /* where both begin */
    char *path;                                  /* of the first violation */
    struct cmc_err *err;
};
/* A place in the three trees. Levels are those of the rules, which the reader has limited. */
struct place {
    const struct cmc_json *reference, *measured; /* NULL: absent */
    const struct cmc_json *rule;                 /* NULL: none */
};

static int check(const struct walk *w, const struct place *p);

/* Specifications lie inside of larger documents: their path begins where they do. */
static int violated(const struct walk *w, const struct place *p, const char *why)
{
    char whole[WHOLE_PATH], top[WHOLE_PATH];
    cmc_json_path(p->measured ? p->measured : p->reference, whole, sizeof(whole));
    cmc_json_path(p->measured ? w->measured : w->reference, top, sizeof(top));
    (void)snprintf(w->path, VERIFY_RULES_PATH, "$%s", whole + strlen(top));
    return cmc_fail(w->err, CMC_E_VERIFY, "%s: %s", w->path, why);
}

static int no_rules(const struct walk *w, const struct cmc_json *rule)
{
    char where[VERIFY_RULES_PATH];
    cmc_json_path(rule, where, sizeof(where));
    return cmc_wrap(w->err, "ociRules: %s", where);
}

static int check_equal(const struct walk *w, const struct place *p)
{
    if (!p->measured)
        return violated(w, p, "absent, and no rule says that it may be");
    return rules_text_equal(p->reference, p->measured)
               ? 0
               : violated(w, p, "differs from the reference, and no rule allows it");
}

static int answer(const struct walk *w, const struct place *p, int result)
{
    if (result < 0)
        return no_rules(w, p->rule);
    return result ? 0 : violated(w, p, "differs from the reference more than its rule allows");
}

static int check_text(const struct walk *w, const struct place *p)
{
    struct rules_text r = {0};
    if (rules_text_read(p->rule->text, p->rule->text_len, &r, w->err) < 0)
        return no_rules(w, p->rule);
    if (!p->reference)
        return answer(w, p, rules_text_extra(&r, p->measured, w->err));
    if (r.modifiable || (r.optional && !p->measured))
        return 0;
    const bool arrays =
        p->measured && p->reference->type == CMC_JSON_ARRAY && p->measured->type == CMC_JSON_ARRAY;
    if (arrays && (r.additional || rules_text_for_arrays(&r)))
        return answer(w, p, rules_text_array(&r, p->reference, p->measured, w->err));
    if (p->measured && rules_text_for_arrays(&r))
        return violated(w, p, "no array, but its rule is for one");
    return check_equal(w, p);
}

static int check_extra(const struct walk *w, const struct place *p)
{
    return p->rule && p->rule->type == CMC_JSON_STRING
               ? check_text(w, p)
               : violated(w, p, "not in the reference, and no rule says that it may be added");
}

static int check_object(const struct walk *w, const struct place *p)
{
    if (p->reference->type != CMC_JSON_OBJECT || !p->measured ||
        p->measured->type != CMC_JSON_OBJECT)
        return violated(w, p, "no object in both, but its rule is one");
    for (size_t i = 0; i < p->reference->count; i++) {
        const struct cmc_json *r = p->reference->sorted[i];
        const struct place m = {r, cmc_json_member(p->measured, r->key),
                                cmc_json_member(p->rule, r->key)};
        int rc = check(w, &m);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < p->measured->count; i++) {
        const struct cmc_json *m = p->measured->sorted[i];
        const struct place extra = {NULL, m, cmc_json_member(p->rule, m->key)};
        if (cmc_json_member(p->reference, m->key))
            continue;
        int rc = check_extra(w, &extra);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_array(const struct walk *w, const struct place *p)
{
    if (p->reference->type != CMC_JSON_ARRAY || !p->measured ||
        p->measured->type != CMC_JSON_ARRAY || p->reference->count != p->measured->count)
        return violated(w, p, "no array of the reference's length, but its rule is an array");
    struct place e = {p->reference->child, p->measured->child, p->rule->child};
    while (e.reference && e.measured) {
        int rc = check(w, &e);
        if (rc < 0)
            return rc;
        e = (struct place){e.reference->next, e.measured->next, e.rule ? e.rule->next : NULL};
    }
    return 0;
}

/* p->reference is there. */
static int check(const struct walk *w, const struct place *p)
{
    if (!p->rule || p->rule->type == CMC_JSON_NULL)
        return check_equal(w, p);
    if (p->rule->type == CMC_JSON_STRING)
        return check_text(w, p);
    return p->rule->type == CMC_JSON_OBJECT ? check_object(w, p) : check_array(w, p);
}

static int read_rule(const struct walk *w, const struct cmc_json *rule)
{
    struct rules_text ignored;
    switch (rule->type) {
    case CMC_JSON_NULL:
        return 0;
    case CMC_JSON_STRING:
        return rules_text_read(rule->text, rule->text_len, &ignored, w->err) < 0 ? no_rules(w, rule)
                                                                                 : 0;
    case CMC_JSON_OBJECT:
    case CMC_JSON_ARRAY:
        break;
    case CMC_JSON_FALSE:
    case CMC_JSON_TRUE:
    case CMC_JSON_INT:
        (void)cmc_fail(w->err, CMC_E_FORMAT, "neither an object, an array, a text nor null");
        return no_rules(w, rule);
    }
    for (const struct cmc_json *c = rule->child; c; c = c->next) {
        int rc = read_rule(w, c);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int verify_rules_read(const struct cmc_json *rules, struct cmc_err *err)
{
    const struct walk w = {.err = err};
    if (rules->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "ociRules: expected an object");
    return read_rule(&w, rules);
}

int verify_rules_check(const struct cmc_json *reference, const struct cmc_json *measured,
                       const struct cmc_json *rules, char path[static VERIFY_RULES_PATH],
                       struct cmc_err *err)
{
    const struct walk w = {reference, measured, path, err};
    const struct place p = {reference, measured, rules};
    path[0] = '\0';
    int rc = rules ? verify_rules_read(rules, err) : 0;
    return rc < 0 ? rc : check(&w, &p);
}
