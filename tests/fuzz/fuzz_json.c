/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_json.c -- any bytes: what is accepted is written in one way, and read again as
 * the same value. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { TEXT_MAX = 8 << 20 };

static bool equal_nodes(const struct cmc_json *a, const struct cmc_json *b)
{
    return a->type == b->type && a->negative == b->negative && a->magnitude == b->magnitude &&
           a->count == b->count && a->text_len == b->text_len &&
           (!a->text_len || memcmp(a->text, b->text, a->text_len) == 0) &&
           (!a->key || !b->key ? a->key == b->key : strcmp(a->key, b->key) == 0);
}

/* Equal, in the canonical order of members. */
static bool equal_trees(const struct cmc_json *a, const struct cmc_json *b)
{
    if (!equal_nodes(a, b))
        return false;
    const struct cmc_json *x = a->child, *y = b->child;
    for (size_t i = 0; i < a->count; i++, x = x->next, y = y->next) {
        bool object = a->type == CMC_JSON_OBJECT;
        if (!x || !y || x->parent != a || y->parent != b)
            return false;
        if (!equal_trees(object ? a->sorted[i] : x, object ? b->sorted[i] : y))
            return false;
    }
    return !x && !y;
}

/* Each member is found by its name, and its path can be told. */
static void look_up(const struct cmc_json *node)
{
    char path[100];
    cmc_json_path(node, path, sizeof(path));
    if (path[0] != '$' || memchr(path, 0, sizeof(path)) == NULL)
        abort();
    for (const struct cmc_json *c = node->child; c; c = c->next) {
        if (node->type == CMC_JSON_OBJECT && cmc_json_member(node, c->key) != c)
            abort();
        look_up(c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    cmc_autojson struct cmc_json_doc *again = NULL;
    cmc_autobuf struct cmc_buf text = cmc_buf_of(TEXT_MAX);
    cmc_autobuf struct cmc_buf second = cmc_buf_of(TEXT_MAX);
    const struct cmc_json *root = NULL, *copy = NULL;
    struct cmc_err err = {0};

    int rc = cmc_json_parse((const char *)data, size, &doc, &root, &err);
    if ((rc < 0) != (err.code != CMC_OK) || (rc == 0) != (doc != NULL))
        abort();
    if (rc < 0)
        return 0;
    look_up(root);
    cmc_put_json(&text, root);
    if (text.bad || text.len > size ||
        cmc_json_parse((const char *)text.data, text.len, &again, &copy, &err) < 0)
        abort();
    cmc_put_json(&second, copy);
    if (!equal_trees(root, copy) || second.len != text.len ||
        memcmp(second.data, text.data, text.len) != 0)
        abort();
    return 0;
}
