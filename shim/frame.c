/* SPDX-License-Identifier: Apache-2.0 */
/* shim/frame.c -- ttrpc framing: a 10-byte big-endian header, then data. */
#include "shim/frame.h"

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

int shim_frame_parse(const uint8_t *buf, size_t len, struct shim_frame *out, struct cmc_err *err)
{
    if (len < SHIM_FRAME_HEADER)
        return 0;
    const struct shim_frame f = {
        .data_len = be32(buf),
        .stream = be32(buf + 4),
        .type = buf[8],
        .flags = buf[9],
        .data = buf + SHIM_FRAME_HEADER,
    };

    /* Judge the length before waiting for a body that a liar has announced. Type, flags and
     * stream id are the peers' business: a proxy that drops a frame kills a container. */
    if (f.data_len > SHIM_FRAME_DATA_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "frame: %zu data bytes, at most %d", f.data_len,
                        SHIM_FRAME_DATA_MAX);
    if (len - SHIM_FRAME_HEADER < f.data_len) /* cannot wrap: len >= header, checked above */
        return 0;

    *out = f;
    return SHIM_FRAME_HEADER + (int)f.data_len;
}
