/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_owner.c -- user.rootlesscontainers: what is accepted says the same when it is
 * written anew. */
#include <stdlib.h>

#include "base/pb.h"
#include "measure/rootfs_owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct measure_owner first = {77, 77}, again = {0, 0};
    struct cmc_err err = {0};
    if (size > 4096)
        return 0;
    const int r = measure_owner_parse(data, size, &first, &err);
    check(r <= 0 && r == -(int)err.code);
    if (r < 0) {
        check(first.uid == 77 && first.gid == 77 && err.code == CMC_E_FORMAT);
        return 0;
    }
    cmc_autobuf struct cmc_buf out = cmc_buf_of(64);
    cmc_pb_put_uint(&out, 1, first.uid);
    cmc_pb_put_uint(&out, 2, first.gid);
    check(!out.bad && measure_owner_parse(out.data, out.len, &again, &err) == 0);
    check(again.uid == first.uid && again.gid == first.gid);
    check(first.uid != UINT32_MAX && first.gid != UINT32_MAX);
    return 0;
}
