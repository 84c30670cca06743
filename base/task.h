/* SPDX-License-Identifier: Apache-2.0 */
/* base/task.h -- the protobuf messages of containerd's task API that we must understand.
 * One parser for shim and helper: both see the same request in the same bytes. */
#ifndef BASE_TASK_H
#define BASE_TASK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pb.h"

enum { CMC_TASK_MOUNTS_MAX = 64, CMC_TASK_MOUNT_OPTIONS_MAX = 1024, CMC_TASK_TEXT_MAX = 65536 };

struct cmc_task_mount { /* containerd.types.Mount */
    struct cmc_span type, source, target;
    size_t option_count;
    size_t option_first; /* index into cmc_task_create.options_text */
};

struct cmc_task_create { /* containerd.task.v2/v3.CreateTaskRequest; spans borrowed from input */
    struct cmc_span id, bundle;
    struct cmc_span checkpoint, parent_checkpoint;
    struct cmc_span stdin_path, stdout_path, stderr_path;
    bool terminal;
    struct cmc_span options; /* field 10, the Any's bytes */
    size_t mount_count;
    struct cmc_task_mount mounts[CMC_TASK_MOUNTS_MAX];
    size_t option_total;
    struct cmc_span options_text[CMC_TASK_MOUNT_OPTIONS_MAX]; /* of all mounts, in order */
};

/* Parses a CreateTaskRequest as Go's protobuf does (the last value of a repeated scalar wins,
 * unknown fields are skipped). Errors: -CMC_E_FORMAT (truncated, wrong wire type of a known field,
 * invalid UTF-8 or NUL in a text, options twice: others would merge them), -CMC_E_LIMIT;
 * *out unspecified then. */
CMC_MUST_CHECK int cmc_task_create_parse(const uint8_t *data, size_t len,
                                         struct cmc_task_create *out, struct cmc_err *err);
/* Writes data again with field 10 dropped (any NULL) or replaced (where the first one stood, else
 * at the end); all else byte for byte. Appends to out. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmc_task_create_set_options(const uint8_t *data, size_t len,
                                               const struct cmc_span *any, struct cmc_buf *out,
                                               struct cmc_err *err);
#endif
