/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec.h -- one table per type says how it looks in JSON and in CBOR; one decoder and
 * one encoder read the tables (docs/formats/metadata.md, 1). */
#ifndef ATTEST_META_CODEC_H
#define ATTEST_META_CODEC_H
#include "attest/meta/types.h"

enum {
    META_TEXT_MAX = 64 << 10,     /* bytes of a text, unless a table says otherwise */
    META_LIST_MAX = 128 << 10,    /* elements of a list, unless a table says otherwise */
    META_VALUES_MAX = 1 << 21,    /* values of a JSON text */
    META_DOCUMENT_MAX = 64 << 20, /* bytes of a report, of an artifact, of references */
    META_MEMORY_MAX = 256 << 20,  /* of a document, besides its JSON text */
    META_DEPTH_MAX = 48,          /* arrays and objects inside one another in a free tree */
    META_UNKNOWN_MAX = 64,        /* unknown members that are listed */
    META_PATH_MAX = 200           /* bytes of where a member is */
};

enum meta_value {                  /* what a field of a C struct is */
                  META_TEXT,       /* const char *; NULL: absent */
                  META_CONST,      /* nothing: always the text that only says */
                  META_BOOL,       /* bool */
                  META_INT,        /* int64_t */
                  META_U32,        /* uint32_t */
                  META_BYTES,      /* struct meta_bytes; base64 in JSON */
                  META_HEX,        /* struct meta_bytes; lower-case hexadecimal in JSON */
                  META_TEXTS,      /* struct meta_texts */
                  META_BYTES_LIST, /* const struct meta_bytes *, and a size_t: its count */
                  META_LIST, /* const struct T *, and a size_t: its count; T is what the table of
                                says */
                  META_BYTES_MAP, /* const struct meta_named_item *, and a size_t: its count */
                  META_RECORD,    /* const struct T *; NULL: absent */
                  META_INSIDE, /* struct T itself; or, at 0, an object of members of the same struct
                                */
                  META_TREE,   /* const struct cmc_json *; NULL: absent */
                  META_RAW /* struct meta_bytes: the value as it is encoded; not decoded any further
                            */
};

/*                decoding: absent  null      encoding an empty value
 * META_MAY                 yes     refused   left out
 * META_ALWAYS              yes     yes       "", 0, false, []; null: lists at NULL, texts and bytes
 *                                            with .null, records and trees at NULL
 * META_MUST                refused refused   as META_ALWAYS, but never null
 * What may be null is null when it is absent. A META_INSIDE that may be absent is empty when all
 * its members are. */
enum meta_rule { META_MAY, META_ALWAYS, META_MUST };

struct meta_record;
struct meta_field {
    const char *name; /* member in JSON */
    int key;          /* in CBOR; META_TEXT_KEY: the name, as a text */
    enum meta_value value;
    enum meta_rule rule;
    size_t at, count_at;          /* offsets in the struct */
    const struct meta_record *of; /* META_LIST, META_RECORD, META_INSIDE */
    const char *only;             /* META_TEXT: "this|or that", and nothing else; META_CONST */
    size_t min, max;              /* bytes or elements; max 0: META_TEXT_MAX or META_LIST_MAX;
                                     of byte strings only the document limits */
};
enum { META_TEXT_KEY = -1 };

struct meta_record {
    const char *name;               /* for messages: "a manifest" */
    size_t size;                    /* of the struct */
    const struct meta_field *field; /* keys ascend, texts last: in this order they are written */
    size_t count;                   /* at most 64 */
    size_t max;                     /* bytes of a document of this type; 0: META_ITEM_MAX */
    bool closed;                    /* unknown members are refused, not listed */
    bool bare;                      /* its only field without an object around it */
};
/* .field = fields, .count = as many as there are */
#define META_FIELDS(fields) .field = (fields), .count = sizeof(fields) / sizeof((fields)[0])

/* Decodes a document, in the encoding that it has, into *out (record->size bytes); all that *out
 * points to lives in *doc: free with meta_doc_free(). Strict: JSON as base/json.h reads it, CBOR
 * deterministic (RFC 8949 section 4.2.1: shortest form, definite lengths, keys ascend, none twice;
 * no floats, no tags). Unknown members are listed (meta_doc_unknown), or refused in a closed
 * record; names that differ from a known one by case only are refused, as some decoders take them
 * for it. Errors: -CMC_E_FORMAT with the path, -CMC_E_LIMIT; outputs untouched. */
CMC_MUST_CHECK int meta_codec_decode(const struct meta_record *record, const void *data, size_t len,
                                     void *out, struct meta_doc **doc, struct cmc_err *err);
/* The same for a part of a document that is decoded already: what it gives lives in doc, which
 * knows the paths of unknown members as below place, such as "$.context". */
CMC_MUST_CHECK int meta_codec_decode_part(const struct meta_record *record, const char *place,
                                          const struct meta_bytes *part, void *out,
                                          struct meta_doc *doc, struct cmc_err *err);
/* Appends value (a struct of the record's type). JSON is compact, members in the table's order,
 * texts as Go's encoding/json writes them; CBOR is deterministic.
 * Errors: -CMC_E_FORMAT (a text that is not UTF-8, or that the table does not allow), -CMC_E_LIMIT;
 * out may hold a part then. */
CMC_MUST_CHECK int meta_codec_encode(const struct meta_record *record, const void *value,
                                     enum meta_encoding encoding, struct cmc_buf *out,
                                     struct cmc_err *err);

/* Tables that others put into theirs. */
extern const struct meta_record meta_component_record; /* struct meta_component */
extern const struct meta_record meta_artifact_record;  /* struct meta_artifact */
#endif
