/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/rules_text.c -- text rules: clauses, and entries that they replace or drop. */
#include "attest/verify/rules_text.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"

enum { SHOWN_MAX = 80, ONE_JSON_MAX = 1 << 16 };

static bool is(const struct rules_span *s, const char *text)
{
    return s->len == strlen(text) && memcmp(s->at, text, s->len) == 0;
}

/* Cuts what precedes the next sep off rest; false: nothing is left. */
static bool next_part(struct rules_span *rest, char sep, struct rules_span *part)
{
    if (!rest->at)
        return false;
    const char *end = memchr(rest->at, sep, rest->len);
    *part = (struct rules_span){rest->at, end ? (size_t)(end - rest->at) : rest->len};
    if (end)
        *rest = (struct rules_span){end + 1, rest->len - part->len - 1};
    else
        *rest = (struct rules_span){0};
    return true;
}

static bool take_prefix(struct rules_span *s, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (s->len < n || memcmp(s->at, prefix, n) != 0)
        return false;
    *s = (struct rules_span){s->at + n, s->len - n};
    return true;
}

/* NAME=VALUE; false: no name. */
static bool split(const struct rules_span *entry, struct rules_span *name, struct rules_span *value)
{
    const char *equal = memchr(entry->at, '=', entry->len);
    if (!equal || equal == entry->at)
        return false;
    *name = (struct rules_span){entry->at, (size_t)(equal - entry->at)};
    *value = (struct rules_span){equal + 1, entry->len - name->len - 1};
    return true;
}

static bool same(const struct rules_span *a, const struct rules_span *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

static bool names_only(struct rules_span list)
{
    struct rules_span part, name, value;
    while (next_part(&list, ',', &part))
        if (!split(&part, &name, &value) || !is(&value, "*"))
            return false;
    return true;
}

static int fail_clause(struct cmc_err *err, const struct rules_span *clause, const char *why)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of((size_t)4 * SHOWN_MAX + 8);
    cmc_put_safe(&b, clause->at, clause->len, SHOWN_MAX);
    return cmc_fail(err, CMC_E_FORMAT, "rule \"%.*s\": %s", (int)b.len,
                    b.data ? (const char *)b.data : "", why);
}

/* The flag of a clause that is one word; NULL: it is none. */
static bool *word_of(const struct rules_span *clause, struct rules_text *r, bool *mandatory)
{
    const struct {
        const char *word;
        bool *flag;
    } words[] = {{"mandatory", mandatory},
                 {"modifiable", &r->modifiable},
                 {"optional", &r->optional},
                 {"subset", &r->subset}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (is(clause, words[i].word))
            return words[i].flag;
    return NULL;
}

/* Whether it is the clause additional: alone, or with a colon and what it allows. */
static bool is_additional(struct rules_span clause, struct rules_text *r)
{
    if (!take_prefix(&clause, "additional"))
        return false;
    const bool lists = take_prefix(&clause, ":");
    if (lists)
        r->allowed = clause;
    return lists || clause.len == 0;
}

/* Notes a clause; false: it is none. *again: it was there before. */
static bool note(struct rules_span clause, struct rules_text *r, bool *mandatory, bool *again)
{
    bool *flag = word_of(&clause, r, mandatory);
    if (!flag && take_prefix(&clause, "replace:")) {
        *again = r->replace.at != NULL;
        r->replace = clause;
        return names_only(clause);
    }
    if (!flag && is_additional(clause, r))
        flag = &r->additional;
    if (!flag)
        return false;
    *again = *flag;
    *flag = true;
    return true;
}

int rules_text_read(const char *text, size_t len, struct rules_text *out, struct cmc_err *err)
{
    struct rules_span rest = {text, len}, clause;
    struct rules_text r = {0};
    bool mandatory = false, again = false;
    size_t clauses = 0;
    if (len > VERIFY_RULES_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "rule of %zu bytes, at most %d", len,
                        VERIFY_RULES_TEXT_MAX);
    for (; next_part(&rest, ';', &clause); clauses++) {
        if (!note(clause, &r, &mandatory, &again))
            return fail_clause(err, &clause, "not known (docs/formats/oci-rules.md)");
        if (again)
            return fail_clause(err, &clause, "twice");
    }
    if ((mandatory || r.modifiable) && clauses > 1)
        return fail_clause(err, &(struct rules_span){text, len},
                           "mandatory and modifiable stand alone");
    *out = r;
    return 0;
}

bool rules_text_for_arrays(const struct rules_text *r)
{
    return r->subset || r->replace.at;
}

static bool equal_members(const struct cmc_json *a, const struct cmc_json *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->sorted[i]->key, b->sorted[i]->key) != 0 ||
            !rules_text_equal(a->sorted[i], b->sorted[i]))
            return false;
    return true;
}

static bool equal_elements(const struct cmc_json *a, const struct cmc_json *b)
{
    const struct cmc_json *y = b->child;
    for (const struct cmc_json *x = a->child; x && y; x = x->next, y = y->next)
        if (!rules_text_equal(x, y))
            return false;
    return true;
}

bool rules_text_equal(const struct cmc_json *a, const struct cmc_json *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case CMC_JSON_INT:
        return a->magnitude == b->magnitude && (a->negative == b->negative || !a->magnitude);
    case CMC_JSON_STRING:
        return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
    case CMC_JSON_OBJECT:
        return equal_members(a, b);
    case CMC_JSON_ARRAY:
        return equal_elements(a, b);
    case CMC_JSON_NULL:
    case CMC_JSON_FALSE:
    case CMC_JSON_TRUE:
        break;
    }
    return true;
}

static struct rules_span text_of(const struct cmc_json *j)
{
    return j && j->type == CMC_JSON_STRING ? (struct rules_span){j->text, j->text_len}
                                           : (struct rules_span){0};
}

/* value->at NULL: withheld. False: no entry, so without a name. */
static bool entry_of(const struct cmc_json *j, struct rules_span *name, struct rules_span *value)
{
    const struct rules_span whole = text_of(j);
    if (whole.at)
        return split(&whole, name, value);
    if (j->count != 2)
        return false;
    *name = text_of(cmc_json_member(j, "name"));
    *value = text_of(cmc_json_member(j, "value"));
    return name->len && (value->at || text_of(cmc_json_member(j, "commitment")).at != NULL);
}

static bool in_list(struct rules_span list, const struct rules_span *name,
                    const struct rules_span *value)
{
    struct rules_span part, n, v;
    while (next_part(&list, ',', &part))
        if (split(&part, &n, &v) && same(&n, name) &&
            (is(&v, "*") || (value->at && same(&v, value))))
            return true;
    return false;
}

/* The n-th entry called name, counted from 0, of those before end; how many there are in *n. */
static const struct cmc_json *nth(const struct cmc_json *array, const struct cmc_json *end,
                                  const struct rules_span *name, size_t *n)
{
    const size_t want = *n;
    struct rules_span other, value;
    *n = 0;
    for (const struct cmc_json *e = array ? array->child : NULL; e && e != end; e = e->next)
        if (entry_of(e, &other, &value) && same(&other, name) && (*n)++ == want)
            return e;
    return NULL;
}

/* An entry that the reference does not have, and the clause additional allows. */
static bool drops(const struct rules_text *r, const struct cmc_json *reference,
                  const struct cmc_json *e)
{
    struct rules_span name, value;
    size_t n = 0;
    if (!r->additional || !entry_of(e, &name, &value) || nth(reference, NULL, &name, &n))
        return false;
    return !r->allowed.at || in_list(r->allowed, &name, &value);
}

/* What stands for e, an element of measured, in the comparison. */
static const struct cmc_json *stands_for(const struct rules_text *r,
                                         const struct cmc_json *reference,
                                         const struct cmc_json *measured, const struct cmc_json *e)
{
    static const struct rules_span any = {"*", 1};
    struct rules_span name, value;
    size_t n = SIZE_MAX;
    if (!r->replace.at || !entry_of(e, &name, &value) || !in_list(r->replace, &name, &any))
        return e;
    (void)nth(measured, e, &name, &n); /* counts those before e */
    const struct cmc_json *other = nth(reference, NULL, &name, &n);
    return other ? other : e;
}

static bool has_equal(const struct cmc_json *array, const struct cmc_json *e)
{
    for (const struct cmc_json *x = array->child; x; x = x->next)
        if (rules_text_equal(x, e))
            return true;
    return false;
}

static int check_count(const struct cmc_json *array, struct cmc_err *err)
{
    return array->count <= VERIFY_RULES_ENTRIES_MAX
               ? 0
               : cmc_fail(err, CMC_E_LIMIT, "%zu elements, a rule compares at most %d",
                          array->count, VERIFY_RULES_ENTRIES_MAX);
}

int rules_text_array(const struct rules_text *r, const struct cmc_json *reference,
                     const struct cmc_json *measured, struct cmc_err *err)
{
    const struct cmc_json *want = reference->child;
    if (check_count(reference, err) < 0 || check_count(measured, err) < 0)
        return -(int)err->code;
    for (const struct cmc_json *e = measured->child; e; e = e->next) {
        if (drops(r, reference, e))
            continue;
        const struct cmc_json *got = stands_for(r, reference, measured, e);
        if (r->subset ? !has_equal(reference, got) : !want || !rules_text_equal(want, got))
            return 0;
        want = want ? want->next : NULL;
    }
    return r->subset || !want;
}

int rules_text_extra(const struct rules_text *r, const struct cmc_json *measured,
                     struct cmc_err *err)
{
    if (!r->additional)
        return 0;
    if (!r->allowed.at)
        return 1;
    if (measured->type == CMC_JSON_ARRAY) {
        if (check_count(measured, err) < 0)
            return -(int)err->code;
        for (const struct cmc_json *e = measured->child; e; e = e->next)
            if (!drops(r, NULL, e))
                return 0;
        return 1;
    }
    struct rules_span value = text_of(measured);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(ONE_JSON_MAX);
    if (!value.at) {
        cmc_put_json(&b, measured);
        if (b.bad)
            return 0; /* longer than any rule */
        value = (struct rules_span){(const char *)b.data, b.len};
    }
    return same(&value, &r->allowed);
}
