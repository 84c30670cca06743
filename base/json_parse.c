/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_parse.c -- one strict pass over a JSON text into one block of memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

/* One block: the nodes, orders of the objects' members, decoded text. No text is longer
 * decoded than encoded, and its quotes make room for the NUL. */
struct cmc_json_doc {
    struct cmc_json root, rest[];
};

struct parser {
    struct cmc_json_scan scan;
    struct cmc_json *node;         /* the next free one */
    const struct cmc_json **order; /* the next free one */
    char *text;                    /* the next free byte */
    unsigned depth;
};

static int parse_value(struct parser *p, struct cmc_json *node);

/* Each value but the first follows a comma or an opening bracket. */
size_t cmc_json_count(const void *data, size_t len)
{
    const uint8_t *text = data;
    size_t n = 1;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == ',' || text[i] == '[' || text[i] == '{'))
            n++;
    }
    return n;
}

static int parse_text(struct parser *p, const char **text, size_t *len)
{
    char *at = p->text;
    p->scan.at++;
    int rc = cmc_json_scan_string(&p->scan, at, len);
    if (rc < 0)
        return rc;
    p->text += *len + 1;
    *text = at;
    return 0;
}

/* Adds an empty node behind parent's last child. */
static struct cmc_json *add_child(struct parser *p, struct cmc_json *parent, struct cmc_json *last)
{
    struct cmc_json *node = p->node++;
    *node = (struct cmc_json){.parent = parent};
    *(last ? &last->next : &parent->child) = node;
    parent->count++;
    return node;
}

static int parse_member(struct parser *p, struct cmc_json *object, struct cmc_json **last)
{
    const char *key;
    size_t key_len;
    if (cmc_json_scan_peek(&p->scan) != '"')
        return cmc_json_scan_fail(&p->scan, CMC_E_FORMAT, "expected a member name in quotes");
    int rc = parse_text(p, &key, &key_len);
    if (rc < 0)
        return rc;
    *last = add_child(p, object, *last);
    (*last)->key = key;
    (*last)->key_len = key_len;
    p->scan.node = *last;
    if (cmc_json_scan_peek(&p->scan) != ':')
        return cmc_json_scan_fail(&p->scan, CMC_E_FORMAT, "expected ':' behind the member name");
    p->scan.at++;
    return parse_value(p, *last);
}

static int parse_element(struct parser *p, struct cmc_json *array, struct cmc_json **last)
{
    *last = add_child(p, array, *last);
    p->scan.node = *last;
    return parse_value(p, *last);
}

/* The children of an array or object up to its closing bracket, scan.at behind the opening one. */
static int parse_children(struct parser *p, struct cmc_json *node, int close)
{
    struct cmc_json *last = NULL;
    if (cmc_json_scan_peek(&p->scan) == close) {
        p->scan.at++;
        return 0;
    }
    for (;;) {
        int rc = close == '}' ? parse_member(p, node, &last) : parse_element(p, node, &last);
        if (rc < 0)
            return rc;
        p->scan.node = node;
        int c = cmc_json_scan_peek(&p->scan);
        if (c != ',' && c != close)
            return cmc_json_scan_fail(
                &p->scan, CMC_E_FORMAT,
                c < 0 ? "the text ends here; expected ',' or '%c'" : "expected ',' or '%c'", close);
        p->scan.at++;
        if (c == close)
            return 0;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct cmc_json *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key); /* as unsigned bytes; keys hold no NUL */
}

/* Decoders differ on which of two equal names counts: refused. */
static int sort_members(struct parser *p, struct cmc_json *object, size_t start)
{
    size_t n = 0;
    object->sorted = p->order;
    for (const struct cmc_json *c = object->child; c; c = c->next)
        object->sorted[n++] = c;
    p->order += n;
    qsort(object->sorted, n, sizeof(const struct cmc_json *), by_key);
    for (size_t i = 1; i < n; i++)
        if (by_key(&object->sorted[i - 1], &object->sorted[i]) == 0) {
            p->scan.at = start;
            p->scan.node = object->sorted[i];
            return cmc_json_scan_fail(&p->scan, CMC_E_FORMAT,
                                      "the object that begins here has this member twice");
        }
    return 0;
}

static int parse_nested(struct parser *p, struct cmc_json *node, enum cmc_json_type type)
{
    size_t start = p->scan.at++;
    if (p->depth == CMC_JSON_DEPTH_MAX) {
        p->scan.at = start;
        return cmc_json_scan_fail(&p->scan, CMC_E_LIMIT, "nested deeper than %d levels",
                                  CMC_JSON_DEPTH_MAX);
    }
    p->depth++;
    node->type = type;
    int rc = parse_children(p, node, type == CMC_JSON_OBJECT ? '}' : ']');
    p->depth--;
    if (rc < 0 || type == CMC_JSON_ARRAY)
        return rc;
    return sort_members(p, node, start);
}

static int parse_word(struct parser *p, struct cmc_json *node)
{
    static const struct {
        const char *word;
        enum cmc_json_type type;
    } words[] = {{"null", CMC_JSON_NULL}, {"false", CMC_JSON_FALSE}, {"true", CMC_JSON_TRUE}};
    struct cmc_json_scan *s = &p->scan;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i].word);
        if (s->len - s->at >= n && memcmp(s->text + s->at, words[i].word, n) == 0) {
            s->at += n;
            node->type = words[i].type;
            return 0;
        }
    }
    return cmc_json_scan_fail(s, CMC_E_FORMAT, "no JSON value begins here");
}

static int parse_value(struct parser *p, struct cmc_json *node)
{
    int c = cmc_json_scan_peek(&p->scan);
    if (c < 0)
        return cmc_json_scan_fail(&p->scan, CMC_E_FORMAT, "the text ends where a value belongs");
    if (c == '{')
        return parse_nested(p, node, CMC_JSON_OBJECT);
    if (c == '[')
        return parse_nested(p, node, CMC_JSON_ARRAY);
    if (c == '"') {
        node->type = CMC_JSON_STRING;
        return parse_text(p, &node->text, &node->text_len);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return cmc_json_scan_int(&p->scan, node);
    return parse_word(p, node);
}

static int parse_document(struct parser *p, struct cmc_json *root)
{
    struct cmc_json_scan *s = &p->scan;
    *root = (struct cmc_json){0};
    s->node = root;
    if (s->len >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "begins with a byte order mark: remove it");
    if (cmc_json_scan_peek(s) < 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "empty: expected a JSON value");
    int rc = parse_value(p, root);
    if (rc < 0)
        return rc;
    if (cmc_json_scan_peek(s) >= 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "more follows behind the end of the document");
    return 0;
}

int cmc_json_parse(const char *text, size_t len, struct cmc_json_doc **out,
                   const struct cmc_json **root, struct cmc_err *err)
{
    static const struct cmc_json_limits limits = {CMC_JSON_BYTES_MAX, CMC_JSON_VALUES_MAX};
    return cmc_json_parse_within(text, len, &limits, out, root, err);
}

int cmc_json_parse_within(const char *text, size_t len, const struct cmc_json_limits *limits,
                          struct cmc_json_doc **out, const struct cmc_json **root,
                          struct cmc_err *err)
{
    if (len > limits->bytes)
        return cmc_fail(err, CMC_E_LIMIT, "JSON text of %zu bytes, at most %zu", len,
                        limits->bytes);
    size_t n = cmc_json_count(text, len);
    if (n > limits->values)
        return cmc_fail(err, CMC_E_LIMIT, "JSON text of %zu values, at most %zu", n,
                        limits->values);
    struct cmc_json_doc *doc = malloc(
        sizeof(*doc) + n * (sizeof(struct cmc_json) + sizeof(const struct cmc_json *)) + len + 1);
    if (!doc)
        return cmc_fail(err, CMC_E_LIMIT, "JSON text of %zu values: out of memory", n);
    struct parser p = {.scan = {.text = (const uint8_t *)text, .len = len, .err = err},
                       .node = doc->rest,
                       .order = (const struct cmc_json **)(doc->rest + n)};
    p.text = (char *)(p.order + n);
    int rc = parse_document(&p, &doc->root);
    if (rc < 0) {
        free(doc);
        return rc;
    }
    *out = doc;
    *root = &doc->root;
    return 0;
}

void cmc_json_free(struct cmc_json_doc *doc)
{
    free(doc);
}
