/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_programs.h -- digests of the programs that decide what a container becomes. */
#ifndef TOOLS_CMC_MEASURE_PROGRAMS_H
#define TOOLS_CMC_MEASURE_PROGRAMS_H
#include <stdbool.h>

#include "measure/event.h"
#include "tools/cmc_measure_cache.h"

enum { CMC_MEASURE_ROLES = 4 }; /* measure, shim, inner-shim, runc */

struct cmc_measure_programs {
    int dir; /* the runtime directory, or -1: nothing is cached */
    struct cmc_measure_cache cache;
    bool changed; /* the cache */
    size_t count;
    struct measure_program list[CMC_MEASURE_ROLES]; /* paths live in path */
    char path[CMC_MEASURE_ROLES][MEASURE_TEXT_MAX + 1];
};

/* Reads the cache below runtime_dir; one that is missing, odd or not root's alone is an empty one.
 * Close with cmc_measure_programs_close(), which writes a changed cache back. */
void cmc_measure_programs_open(const char *runtime_dir, struct cmc_measure_programs *out);
void cmc_measure_programs_close(struct cmc_measure_programs *p);

/* Hashes the file at path, unless the cache knows it, and adds it to the list. path may be a link
 * in /proc to a program; the list then names what it points to.
 * Errors: -CMC_E_SYS, -CMC_E_FORMAT (not a regular file), -CMC_E_LIMIT, -CMC_E_VERIFY (it changed
 * while it was read); the list is as before then. */
CMC_MUST_CHECK int cmc_measure_programs_add(struct cmc_measure_programs *p, const char *role,
                                            const char *path, struct cmc_err *err);
/* Finds a program as the real shim does: name itself when absolute, else the first executable file
 * in path (a colon list; relative parts are passed over). Errors: -CMC_E_SYS (not there),
 * -CMC_E_FORMAT (a relative path), -CMC_E_LIMIT; out untouched. */
CMC_MUST_CHECK int cmc_measure_programs_find(const char *name, const char *path,
                                             char out[static MEASURE_TEXT_MAX + 1],
                                             struct cmc_err *err);
#endif
