/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_check.c -- are names and types those that every decoder reads alike? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "measure/config_parts.h"

enum { PATH_CAP = 200 };

static int check_unlisted(const struct cmc_json *node, struct cmc_err *err);
static int check_struct(const struct cmc_json *node, const struct spec_type *type,
                        struct cmc_err *err);

const struct spec_member *measure_config_listed(const struct spec_type *type, const char *name)
{
    for (size_t i = 0; i < type->count; i++)
        if (strcmp(type->members[i].name, name) == 0)
            return &type->members[i];
    return NULL;
}

/* The next character of a name as Go's decoder compares it with a name in ASCII: letters without
 * case, and the two characters outside ASCII that Unicode folds to a letter in it. */
static unsigned char next_folded(const char **p)
{
    unsigned char c = (unsigned char)**p;
    if (strncmp(*p, "\u017f", 2) == 0 || strncmp(*p, "\u212a", 3) == 0) {
        *p += c == 0xc5 ? 2 : 3;
        return c == 0xc5 ? 's' : 'k';
    }
    *p += c != 0;
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

int measure_config_compare_folded(const char *a, const char *b)
{
    for (;;) {
        unsigned char x = next_folded(&a), y = next_folded(&b);
        if (x != y || x == 0)
            return x - y;
    }
}

static int by_fold(const void *a, const void *b)
{
    const struct cmc_json *const *x = a, *const *y = b;
    return measure_config_compare_folded((*x)->key, (*y)->key);
}

static int fail_at(const struct cmc_json *node, const char *what, const char *name,
                   struct cmc_err *err)
{
    char path[PATH_CAP];
    cmc_json_path(node, path, sizeof(path));
    return cmc_fail(err, CMC_E_VERIFY, "%s: %s%s", path, what, name);
}

/* Decoders take either of two spellings, the last one, or both: no two may stand together. */
static int check_pairs(const struct cmc_json *object, struct cmc_err *err)
{
    if (object->count < 2)
        return 0;
    cmc_autofree const struct cmc_json **order =
        calloc(object->count, sizeof(const struct cmc_json *));
    if (!order)
        return cmc_fail(err, CMC_E_LIMIT, "%zu members: out of memory", object->count);
    memcpy(order, object->sorted, object->count * sizeof(const struct cmc_json *));
    qsort(order, object->count, sizeof(const struct cmc_json *), by_fold);
    for (size_t i = 1; i < object->count; i++)
        if (by_fold(&order[i - 1], &order[i]) == 0)
            return fail_at(order[i], "another member's name differs only by case: ",
                           "give one of them another name", err);
    return 0;
}

static int check_names(const struct cmc_json *object, const struct spec_type *type,
                       struct cmc_err *err)
{
    for (const struct cmc_json *c = object->child; c; c = c->next) {
        if (measure_config_listed(type, c->key))
            continue;
        for (size_t i = 0; i < type->count; i++)
            if (measure_config_compare_folded(c->key, type->members[i].name) == 0)
                return fail_at(c,
                               "only the case of letters differs from the member that runtimes "
                               "would take it for: write ",
                               type->members[i].name, err);
    }
    return check_pairs(object, err);
}

static int check_unlisted(const struct cmc_json *node, struct cmc_err *err)
{
    int rc = node->type == CMC_JSON_OBJECT ? check_pairs(node, err) : 0;
    for (const struct cmc_json *c = node->child; c && rc == 0; c = c->next)
        rc = check_unlisted(c, err);
    return rc;
}

static const char *found(const struct cmc_json *node)
{
    static const char *const names[] = {
        [CMC_JSON_NULL] = "null",       [CMC_JSON_FALSE] = "false",
        [CMC_JSON_TRUE] = "true",       [CMC_JSON_INT] = "an integer",
        [CMC_JSON_STRING] = "a string", [CMC_JSON_ARRAY] = "an array",
        [CMC_JSON_OBJECT] = "an object"};
    return names[node->type];
}

static int check_int(const struct cmc_json *node, enum spec_base base, struct cmc_err *err)
{
    static const struct {
        uint64_t below, above; /* the largest magnitudes with and without a minus */
        const char *name;
    } ranges[] = {[SPEC_UINT16] = {0, UINT16_MAX, "uint16"},
                  [SPEC_UINT32] = {0, UINT32_MAX, "uint32"},
                  [SPEC_UINT64] = {0, UINT64_MAX, "uint64"},
                  [SPEC_INT32] = {(uint64_t)INT32_MAX + 1, INT32_MAX, "int32"},
                  [SPEC_INT64] = {(uint64_t)INT64_MAX + 1, INT64_MAX, "int64"}};
    if (node->type != CMC_JSON_INT)
        return fail_at(node, "expected an integer, found ", found(node), err);
    if (node->magnitude > (node->negative ? ranges[base].below : ranges[base].above))
        return fail_at(node, "outside the range of ", ranges[base].name, err);
    return 0;
}

/* One value, whatever array or map it stands in. Go takes null for "leave it as it is". */
static int check_value(const struct cmc_json *node, const struct spec_member *m,
                       struct cmc_err *err)
{
    if (node->type == CMC_JSON_NULL)
        return 0;
    switch (m->base) {
    case SPEC_STRING:
        return node->type == CMC_JSON_STRING
                   ? 0
                   : fail_at(node, "expected a string, found ", found(node), err);
    case SPEC_BOOL:
        return node->type == CMC_JSON_TRUE || node->type == CMC_JSON_FALSE
                   ? 0
                   : fail_at(node, "expected true or false, found ", found(node), err);
    case SPEC_STRUCT:
        return check_struct(node, m->type, err);
    case SPEC_ANY:
        return check_unlisted(node, err);
    case SPEC_UINT16:
    case SPEC_UINT32:
    case SPEC_UINT64:
    case SPEC_INT32:
    case SPEC_INT64:
        break;
    }
    return check_int(node, m->base, err);
}

static int check_member(const struct cmc_json *node, const struct spec_member *m,
                        struct cmc_err *err)
{
    if (m->shape == SPEC_ONE || node->type == CMC_JSON_NULL)
        return check_value(node, m, err);
    if (m->shape == SPEC_ARRAY && node->type != CMC_JSON_ARRAY)
        return fail_at(node, "expected an array, found ", found(node), err);
    if (m->shape == SPEC_MAP && node->type != CMC_JSON_OBJECT)
        return fail_at(node, "expected an object, found ", found(node), err);
    int rc = 0;
    for (const struct cmc_json *c = node->child; c && rc == 0; c = c->next)
        rc = check_value(c, m, err);
    return rc;
}

static int check_struct(const struct cmc_json *node, const struct spec_type *type,
                        struct cmc_err *err)
{
    if (node->type != CMC_JSON_OBJECT)
        return fail_at(node, "expected an object, found ", found(node), err);
    int rc = check_names(node, type, err);
    for (const struct cmc_json *c = node->child; c && rc == 0; c = c->next) {
        const struct spec_member *m = measure_config_listed(type, c->key);
        rc = m ? check_member(c, m, err) : check_unlisted(c, err);
    }
    return rc;
}

int measure_config_check(const struct cmc_json *config, struct cmc_err *err)
{
    return check_struct(config, &measure_spec, err);
}
