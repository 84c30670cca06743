/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.h -- the strict JSON reader (RFC 8259) and a small writer.
 * Strict: duplicate member names, invalid UTF-8, lone surrogates, \u0000, fractions, exponents,
 * -0, integers outside -2^63..2^64-1, and anything after the value are refused. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    CMC_JSON_DEPTH_MAX = 64, /* arrays and objects inside one another */
    CMC_JSON_BYTES_MAX = 4 << 20,
    CMC_JSON_VALUES_MAX = 1 << 18 /* values of a document; bounds its memory: 28 MiB and the text */
};

enum cmc_json_type {
    CMC_JSON_NULL,
    CMC_JSON_FALSE,
    CMC_JSON_TRUE,
    CMC_JSON_INT,
    CMC_JSON_STRING,
    CMC_JSON_ARRAY,
    CMC_JSON_OBJECT
};

struct cmc_json { /* a node; lives in its document's arena */
    enum cmc_json_type type;
    bool negative;      /* CMC_JSON_INT: value is -(magnitude) */
    uint64_t magnitude; /* CMC_JSON_INT */
    const char *key;    /* member name, UTF-8, NUL-terminated (never contains NUL); NULL if none */
    size_t key_len;
    const char *text; /* CMC_JSON_STRING, decoded UTF-8, NUL-terminated (never contains NUL) */
    size_t text_len;
    size_t count;                   /* CMC_JSON_ARRAY, CMC_JSON_OBJECT: children */
    const struct cmc_json *child;   /* first, in document order */
    const struct cmc_json *next;    /* sibling */
    const struct cmc_json *parent;  /* NULL at the root */
    const struct cmc_json **sorted; /* CMC_JSON_OBJECT: count members, by name bytes */
};

struct cmc_json_doc; /* owns nodes and text */

/* Parses one document of at most CMC_JSON_BYTES_MAX bytes, CMC_JSON_DEPTH_MAX levels and
 * CMC_JSON_VALUES_MAX values, into one block of memory; text is not needed afterwards.
 * *out: owned, free with cmc_json_free(); *root: its top node, borrowed from *out.
 * Errors: -CMC_E_FORMAT with line, column (bytes, from 1) and path; -CMC_E_LIMIT (size, depth,
 * values, memory). Outputs untouched then. */
CMC_MUST_CHECK int cmc_json_parse(const char *text, size_t len, struct cmc_json_doc **out,
                                  const struct cmc_json **root, struct cmc_err *err);
/* Values of a text as CMC_JSON_VALUES_MAX counts them: 1 + commas and opening brackets outside
 * strings; never fewer than a parser finds. */
size_t cmc_json_count(const void *data, size_t len);
/* The same with other limits on bytes and values, for texts that hold many bytes in base64. */
struct cmc_json_limits {
    size_t bytes, values;
};
CMC_MUST_CHECK int cmc_json_parse_within(const char *text, size_t len,
                                         const struct cmc_json_limits *limits,
                                         struct cmc_json_doc **out, const struct cmc_json **root,
                                         struct cmc_err *err);
void cmc_json_free(struct cmc_json_doc *doc);
static inline void cmc_json_freep(struct cmc_json_doc **doc)
{
    cmc_json_free(*doc);
}
#define cmc_autojson CMC_CLEANUP(cmc_json_freep)

/* The member called name of an object, or NULL (also when obj is NULL or no object). */
const struct cmc_json *cmc_json_member(const struct cmc_json *obj, const char *name);
/* The string member called name, or NULL when absent or of another type. */
const char *cmc_json_text(const struct cmc_json *obj, const char *name);
/* Where node is, for messages and terminals: $.process.args[1], $.annotations["a.b"]; other
 * bytes than printable ASCII as \xNN. Cut to cap, always NUL-terminated (cap > 0). */
void cmc_json_path(const struct cmc_json *node, char *out, size_t cap);

/* Writer: a JSON string literal with quotes; escapes only what RFC 8259 section 7 requires
 * (quote, backslash, U+0000..U+001F: \b \f \n \r \t, else \u00xx lower case). Bytes that are
 * not UTF-8 become U+FFFD. */
void cmc_put_json_text(struct cmc_buf *b, const char *text, size_t len);
/* Writes node and all below it in the one canonical way: no white space, members by name bytes,
 * texts as above, integers in decimal. Equal values give equal bytes, and only they do. */
void cmc_put_json(struct cmc_buf *b, const struct cmc_json *node);
#endif
