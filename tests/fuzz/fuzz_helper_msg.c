/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes between shim and helper: what is accepted encodes to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/helper_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_)
{
    if (!true_)
        abort();
}

/* Decodes body and encodes it again; 1 when it was refused. */
static int again(enum cmc_helper_type type, struct cmc_reader *body, struct cmc_buf *out,
                 struct cmc_err *err)
{
    struct cmc_helper_request q;
    struct cmc_helper_progress p;
    struct cmc_helper_result r;
    switch (type) {
    case CMC_HELPER_REQUEST:
        return cmc_helper_request_get(body, &q, err) < 0 ? 1 : cmc_helper_request_put(out, &q, err);
    case CMC_HELPER_PROGRESS:
        return cmc_helper_progress_get(body, &p, err) < 0 ? 1
                                                          : cmc_helper_progress_put(out, &p, err);
    case CMC_HELPER_RESULT:
        return cmc_helper_result_get(body, &r, err) < 0 ? 1 : cmc_helper_result_put(out, &r, err);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum cmc_helper_type type;
    struct cmc_reader body;
    struct cmc_err err = {0};
    if (size > 1 << 16)
        return 0;
    int used = cmc_helper_frame(data, size, &type, &body, &err);
    must((used < 0) == (err.code != CMC_OK));
    if (used <= 0)
        return 0;
    must((size_t)used <= size && body.left + 5 == (size_t)used);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 17);
    int rc = again(type, &body, &out, &err);
    must((rc == 1) == (err.code != CMC_OK));
    if (rc == 1)
        return 0;
    must(rc == 0 && out.len == (size_t)used && memcmp(out.data, data, out.len) == 0);
    return 0;
}
