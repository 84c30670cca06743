/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_parts.h -- what measure/config_cmc*.c share; for them alone. */
#ifndef MEASURE_CONFIG_CMC_PARTS_H
#define MEASURE_CONFIG_CMC_PARTS_H
#include <stdbool.h>

#include "base/buf.h"
#include "measure/config_cmc.h"
#include "measure/spec_table.h"

enum measure_place_kind {
    PLACE_BOOL,
    PLACE_INT,
    PLACE_REAL, /* inside SPEC_ANY alone */
    PLACE_TEXT,
    PLACE_ARRAY,
    PLACE_MAP,
    PLACE_STRUCT
};

/* What Go's variables are: a place is there before a value is read into it, and keeps what no
 * later value takes away (section 4 of docs/formats/cmc-config.md). */
struct measure_place {
    enum measure_place_kind kind;     /* of SPEC_ANY: of the value */
    bool any;                         /* takes values of every kind */
    bool nilable, nil;                /* nil: nothing else counts */
    bool flag, negative;              /* PLACE_BOOL; PLACE_INT */
    const struct spec_member *member; /* an element has that of its array or map */
    const char *name;                 /* in a map: its name */
    size_t name_len;
    union {
        const char *text;   /* PLACE_TEXT: UTF-8 with a NUL behind it, may hold others */
        uint64_t magnitude; /* PLACE_INT: the value without its sign */
        double real;
        size_t count; /* PLACE_ARRAY: elements that count; those behind are hidden */
    };
    size_t text_len;
    struct measure_place *parent, *child, *last, *next;
};

/* One block: places, pointers for sorting, decoded text. */
struct measure_kept;
struct measure_places {
    struct measure_kept *kept; /* texts that rules made */
    size_t kept_bytes;
    void **order; /* room for as many pointers as there are places */
    char *text;
    struct measure_place root, rest[];
};

/* *out: a fresh root, room for count other places and text_bytes; free with
 * measure_config_cmc_free(). Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_config_cmc_new(size_t count, size_t text_bytes,
                                          const struct spec_member *top,
                                          struct measure_places **out, struct cmc_err *err);
void measure_config_cmc_free(struct measure_places *p);
CMC_DEFINE_CLEANUP(measure_config_cmc_freep, struct measure_places *, measure_config_cmc_free)
#define cmc_autoplaces CMC_CLEANUP(measure_config_cmc_freep)
/* A fresh place for a value of m, or for an element of m, which is an array or a map. */
void measure_config_cmc_make(struct measure_place *v, const struct spec_member *m, bool element);
/* Makes a place fresh again. in may be NULL. */
void measure_config_cmc_forget(struct measure_place *in);
/* A copy of text that lives as long as p. Errors: -CMC_E_LIMIT (memory, 4 MiB of copies). */
CMC_MUST_CHECK int measure_config_cmc_keep(struct measure_places *p, const char *text, size_t len,
                                           const char **out, struct cmc_err *err);
/* $.process.args[1], safe for a terminal. */
void measure_config_cmc_put_path(struct cmc_buf *b, const struct measure_place *v);

/* Reads text as a value of top; text->data[text->len] is NUL.
 * Errors: -CMC_E_FORMAT with line and path, -CMC_E_LIMIT; *out untouched then. */
CMC_MUST_CHECK int measure_config_cmc_read(const struct cmc_buf *text,
                                           const struct spec_member *top,
                                           struct measure_places **out, struct cmc_err *err);

/* The place of a struct's member; NULL: in is NULL, or the member was not set, or it is nil. */
struct measure_place *measure_config_cmc_member(const struct measure_place *in, const char *name);
/* Sections 5 and 6, on the root of a whole configuration, which has a process.
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT, -CMC_E_USAGE (no resolve), and resolve's. */
CMC_MUST_CHECK int measure_config_cmc_rules(struct measure_places *p,
                                            const struct measure_config_cmc_opts *opts,
                                            struct cmc_err *err);
void measure_config_cmc_sort(struct measure_places *p);
/* Sections 7 and 8: the root and all below it. */
void measure_config_cmc_put(struct cmc_buf *b, const struct measure_places *p);
/* As a detail of measure_config_diff(): variables as entries, in quotes the numbers that the
 * strict reader refuses. For a normal form that was read as any value. */
void measure_config_cmc_put_detail(struct cmc_buf *b, const struct measure_places *p);
#endif
