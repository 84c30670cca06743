/* SPDX-License-Identifier: Apache-2.0 */
/* shim/frame.h -- ttrpc framing: where a frame begins and ends. */
#ifndef SHIM_FRAME_H
#define SHIM_FRAME_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SHIM_FRAME_HEADER = 10, SHIM_FRAME_DATA_MAX = 4 << 20 }; /* bytes; ttrpc PROTOCOL.md */

struct shim_frame {
    uint32_t stream; /* odd: client-initiated */
    uint8_t type;    /* 1 request, 2 response, 3 data */
    uint8_t flags;
    const uint8_t *data; /* borrowed from the input buffer */
    size_t data_len;     /* bytes, <= SHIM_FRAME_DATA_MAX */
};

/* Parses one frame from the front of buf. Returns its whole length in bytes,
 * 0 when more input is needed, or -CMC_E_LIMIT. *out is written
 * only when the result is > 0. Source: containerd/ttrpc PROTOCOL.md, "Message Frame". */
CMC_MUST_CHECK int shim_frame_parse(const uint8_t *buf, size_t len, struct shim_frame *out,
                                    struct cmc_err *err);
#endif
