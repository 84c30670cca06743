/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: the parser never reads outside, and what it accepts is consistent. */
#include <stdlib.h>

#include "shim/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shim_frame f;
    struct cmc_err err = {0};
    int used = shim_frame_parse(data, size, &f, &err);
    if (used > 0 && ((size_t)used > size || f.data_len > SHIM_FRAME_DATA_MAX))
        abort();
    if ((used < 0) != (err.code != CMC_OK))
        abort();
    return 0;
}
