/* SPDX-License-Identifier: Apache-2.0 */
/* base/helper_msg.h -- what the shim and cmc-measure say to each other (docs/formats/helper.md).
 * Over a stream socket: frames of a 4-byte big-endian length, a type byte, and fields. */
#ifndef BASE_HELPER_MSG_H
#define BASE_HELPER_MSG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Descriptors that cmc-measure is started with; everything else is closed. 0, 1, 2: /dev/null,
 * /dev/null, the shim's log. 4 is the bundle directory, O_PATH, judged; /dev/null when the job
 * needs none (CMC_HELPER_DELETE) or, with CMC_HELPER_FAILED, when there is none that was judged. */
enum { CMC_HELPER_FD = 3, CMC_HELPER_BUNDLE_FD = 4 };

enum {
    CMC_HELPER_VERSION = 1,
    CMC_HELPER_MSG_MAX = (4 << 20) + 65536, /* bytes after the length */
    CMC_HELPER_TEXT_MAX = 4096,             /* bytes of one text, without its NUL */
    CMC_HELPER_SILENCE_MS = 30000
};

enum cmc_helper_type {
    CMC_HELPER_REQUEST = 'Q',  /* shim to helper, one */
    CMC_HELPER_PROGRESS = 'P', /* helper to shim, at least one a second */
    CMC_HELPER_RESULT = 'R'    /* helper to shim, one; then it exits */
};

enum cmc_helper_job {
    CMC_HELPER_CREATE = 1, /* measure and record container-create, or measurement-failed */
    CMC_HELPER_DELETE,     /* record container-delete */
    CMC_HELPER_FAILED      /* record measurement-failed with reason: an earlier helper died */
};

struct cmc_helper_request { /* borrowed from the frame; texts NUL-terminated inside it */
    enum cmc_helper_job job;
    const char *ns, *id, *group;
    const char *bundle;     /* as containerd named it; for texts only, decisions use fd 4 */
    const char *inner_shim; /* absolute path of the real shim */
    const char *reason;     /* CMC_HELPER_FAILED */
    uint32_t exit_status;   /* CMC_HELPER_DELETE */
    /* CMC_HELPER_CREATE: CreateTaskRequest bytes. CMC_HELPER_FAILED: the same, to translate the
     * options only, or nothing when the request itself could not be read. */
    const uint8_t *create;
    size_t create_len;
};

struct cmc_helper_progress {
    uint64_t entries, bytes;
};

enum cmc_helper_outcome {
    CMC_HELPER_RECORDED = 1,   /* container-create, container-delete: in log and PCR */
    CMC_HELPER_MEASURE_FAILED, /* measurement-failed is in log and PCR; text says why */
    CMC_HELPER_NOT_RECORDED,   /* nothing could be recorded; text says why */
    CMC_HELPER_REFUSED         /* answer the Create with code 9 and text; never forward it */
};

enum cmc_helper_options {
    CMC_HELPER_OPTIONS_KEEP = 0,
    CMC_HELPER_OPTIONS_DROP,
    CMC_HELPER_OPTIONS_REPLACE
};

struct cmc_helper_result { /* borrowed from the frame */
    enum cmc_helper_outcome outcome;
    enum cmc_helper_options options;
    const uint8_t *options_any; /* CMC_HELPER_OPTIONS_REPLACE: the new Any (field 10's bytes) */
    size_t options_len;
    const char *text; /* one line for the log: CMC_HELPER_RECORDED: digests cut short, or "";
                       * else why */
    uint64_t seq;
    uint32_t mount_us, digest_us, tpm_us, total_us;
};

/* Encoders append one whole frame; a text that is NULL goes as "". Errors: -CMC_E_LIMIT (a text
 * over CMC_HELPER_TEXT_MAX, a frame over CMC_HELPER_MSG_MAX or over b); b is spoiled then. */
CMC_MUST_CHECK int cmc_helper_request_put(struct cmc_buf *b, const struct cmc_helper_request *r,
                                          struct cmc_err *err);
CMC_MUST_CHECK int cmc_helper_progress_put(struct cmc_buf *b, const struct cmc_helper_progress *p,
                                           struct cmc_err *err);
CMC_MUST_CHECK int cmc_helper_result_put(struct cmc_buf *b, const struct cmc_helper_result *r,
                                         struct cmc_err *err);
/* A frame at the start of data: its whole length (0: more bytes are needed), type and body.
 * Errors: -CMC_E_LIMIT, -CMC_E_FORMAT (unknown type). */
CMC_MUST_CHECK int cmc_helper_frame(const uint8_t *data, size_t len, enum cmc_helper_type *type,
                                    struct cmc_reader *body, struct cmc_err *err);
/* Decoders refuse another version by name, trailing bytes, texts with NUL, unknown values. */
CMC_MUST_CHECK int cmc_helper_request_get(struct cmc_reader *body, struct cmc_helper_request *out,
                                          struct cmc_err *err);
CMC_MUST_CHECK int cmc_helper_progress_get(struct cmc_reader *body, struct cmc_helper_progress *out,
                                           struct cmc_err *err);
CMC_MUST_CHECK int cmc_helper_result_get(struct cmc_reader *body, struct cmc_helper_result *out,
                                         struct cmc_err *err);
#endif
