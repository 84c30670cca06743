/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_names.h -- what a walk holds of the directories it is in: their names, and the
 * path of what it works on. */
#ifndef MEASURE_ROOTFS_NAMES_H
#define MEASURE_ROOTFS_NAMES_H
#include <dirent.h>
#include <stdalign.h>

#include "measure/rootfs_read.h"
#include "measure/rootfs_walk.h"

struct measure_names {   /* of 64 KiB: on the heap */
    struct cmc_buf path; /* of what the walk works on: errors name it */
    struct cmc_buf text; /* names, each after 3 bytes: its list's number (2) and its type */
    uint32_t *at;        /* owned: places in text; one list after the other, innermost last */
    size_t count, cap;
    alignas(struct dirent64) char dents[65536];
};

void measure_names_init(struct measure_names *n);
void measure_names_done(struct measure_names *n);

static inline const char *measure_names_of(const struct measure_names *n, size_t i)
{
    return (const char *)n->text.data + n->at[i];
}

/* A type as in dirent.h, which whoever found out better may set. */
static inline uint8_t *measure_names_type(struct measure_names *n, uint32_t place)
{
    return &n->text.data[place - 1];
}

static inline unsigned measure_names_list(const struct measure_names *n, uint32_t place)
{
    return (unsigned)n->text.data[place - 3] << 8 | n->text.data[place - 2];
}

/* Appends the names in fd, an open directory, as the list of that number.
 * Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_names_read(struct measure_names *n, int fd, unsigned list,
                                      struct cmc_err *err);
/* Sorts what was read from place first on: by name, then by list.
 * Errors: -CMC_E_VERIFY (a name twice in one list: changed). */
CMC_MUST_CHECK int measure_names_sort(struct measure_names *n, size_t first, struct cmc_err *err);
/* Puts "/name" of place i on the path and counts the entry. *name: its place in the path.
 * Errors: -CMC_E_LIMIT, -CMC_E_SYS (cancelled). */
CMC_MUST_CHECK int measure_names_step(struct measure_names *n, size_t i,
                                      struct measure_meter *meter, size_t *name,
                                      struct cmc_err *err);
#endif
