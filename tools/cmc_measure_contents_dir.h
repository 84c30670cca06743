/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents_dir.h -- the directory of layers' files: one writer at a time, and a
 * quota (docs/formats/layer-cache.md, Places and Eviction). */
#ifndef TOOLS_CMC_MEASURE_CONTENTS_DIR_H
#define TOOLS_CMC_MEASURE_CONTENTS_DIR_H
#include <stdbool.h>
#include <stddef.h>

enum {
    CMC_MEASURE_CONTENTS_NAME = 33, /* with NUL */
    CMC_MEASURE_CONTENTS_FILES = 1024,
    CMC_MEASURE_CONTENTS_QUOTA = 64 << 20
};

/* Opens it below runtime_dir; make: also where it is not there yet. Returns a descriptor, owned by
 * the caller, or -1. */
int cmc_measure_contents_dir_open(const char *runtime_dir, bool make);
/* The file of that name, for reading, or -1. */
int cmc_measure_contents_dir_read(int dir, const char *name);
/* With the lock: a new, empty file without that name yet; owned by the caller, or -1. */
int cmc_measure_contents_dir_new(int dir);
/* With the lock: it is not kept. */
void cmc_measure_contents_dir_drop(int dir);
/* With the lock: gives it the name, after making room for it. False: it is removed. */
bool cmc_measure_contents_dir_keep(int dir, int fd, const char *name);
#endif
