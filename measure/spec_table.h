/* SPDX-License-Identifier: Apache-2.0 */
/* measure/spec_table.h -- the members of the OCI runtime specification, with type and rule
 * (docs/formats/oci-config.md, section 9; docs/formats/cmc-config.md, section 9). */
#ifndef MEASURE_SPEC_TABLE_H
#define MEASURE_SPEC_TABLE_H
#include <stddef.h>

enum spec_shape { SPEC_ONE, SPEC_ARRAY, SPEC_MAP };

enum spec_base { /* integers have the range of Go's types */
                 SPEC_STRING,
                 SPEC_BOOL,
                 SPEC_UINT16,
                 SPEC_UINT32,
                 SPEC_UINT64,
                 SPEC_INT32,
                 SPEC_INT64,
                 SPEC_STRUCT,
                 SPEC_ANY
};

enum spec_rule { /* how a member enters the canonical form */
                 SPEC_MEASURED,
                 SPEC_LEFT_OUT,
                 SPEC_ENV,
                 SPEC_CGROUPS_PATH,
                 SPEC_MOUNT_SOURCE,
                 SPEC_ROOT_PATH,
                 SPEC_ANNOTATIONS
};

enum {                  /* how Go holds and writes a member, for profile cmc */
       SPEC_ALWAYS = 1, /* written even if empty */
       SPEC_POINTER = 2 /* nil until set */
};

struct spec_type;
struct spec_member {
    const char *name;
    enum spec_shape shape;
    enum spec_base base;
    const struct spec_type *type; /* SPEC_STRUCT: of the value, its elements or its members */
    enum spec_rule rule;
    unsigned go; /* SPEC_ALWAYS, SPEC_POINTER or both */
};

struct spec_type {
    const char *name; /* as the specification's Go package calls it */
    const struct spec_member *members;
    size_t count;
};

extern const struct spec_type measure_spec; /* of the whole configuration */
#endif
