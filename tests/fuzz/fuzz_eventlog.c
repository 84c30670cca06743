/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a log: frames encode to themselves, positions only grow, what replays exports. */
#include <stdlib.h>
#include <string.h>

#include "measure/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_frame(const struct measure_frame *f, const uint8_t *end)
{
    struct cmc_err err = {0};
    struct cmc_buf again = cmc_buf_of(MEASURE_FRAME_MAX);
    must(measure_frame_encode(f, &again, &err) == 0);
    must(memcmp(end - again.len, again.data, again.len) == 0);
    cmc_buf_done(&again);
}

static void walk(const uint8_t *data, size_t size)
{
    size_t at = 0, torn = 0;
    for (;;) {
        struct measure_frame f;
        struct cmc_err err = {0};
        const size_t before = at;
        const int rc = measure_frame_next(data, size, &at, &f, &torn, &err);
        must((rc < 0) == (err.code != CMC_OK));
        must(at <= size && torn <= at && (rc == 1 ? at > before : at == before));
        if (rc <= 0)
            return;
        check_frame(&f, data + at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmc_err err = {0};
    struct measure_replay r = {.events = 77};
    struct measure_begin begin = {.pcr = 77};
    walk(data, size);
    const int begun = measure_replay_begin(data, size, &begin, &err);
    must((begun < 0) == (err.code != CMC_OK) && (begun == 1 || begin.pcr == 77));
    err = (struct cmc_err){0};
    const struct measure_starts starts = {.count = 2,
                                          .value = {measure_banks_zero(&begin.found), begin.found}};
    const int rc = measure_replay(data, size, &starts, NULL, NULL, &r, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        must(r.events == 77); /* outputs untouched */
        return 0;
    }
    must(r.end + (r.torn ? r.torn : 0) >= size && r.end <= size);
    must(r.next_seq == r.events && r.empty == (r.events == 0) && r.segments <= r.events &&
         r.extended <= r.events);
    for (int format = MEASURE_CEL_JSON; format <= MEASURE_CEL_CBOR; format++) {
        struct cmc_buf out = cmc_buf_of(64 << 20);
        must(measure_cel_export(data, size, &starts, (enum measure_cel_format)format, &out, &err) ==
             0);
        cmc_buf_done(&out);
    }
    return 0;
}
