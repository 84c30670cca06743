/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an event's content: what is accepted encodes to itself, and its JSON is one line. */
#include <stdlib.h>
#include <string.h>

#include "measure/cbor.h"
#include "measure/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_generic(const uint8_t *data, size_t size)
{
    struct cmc_err err = {0};
    struct cmc_reader r = cmc_reader_of(data, size);
    const int rc = measure_cbor_skip(&r, &err);
    must(r.left <= size);
    must((rc < 0) == (err.code != CMC_OK));
}

static void check_event(const struct measure_event *ev, const uint8_t *data, size_t size)
{
    struct cmc_err err = {0};
    struct cmc_buf again = cmc_buf_of(MEASURE_EVENT_MAX);
    struct cmc_buf json = cmc_buf_of(1 << 20);
    const int rc = measure_event_encode(ev, &again, &err);
    if (ev->opaque) {
        must(rc == -CMC_E_USAGE);
    } else {
        must(rc == 0 && again.len == size && memcmp(again.data, data, size) == 0);
    }
    measure_cel_put_event(&json, ev);
    must(!json.bad);
    for (size_t i = 0; i < json.len; i++)
        must(json.data[i] >= 0x20 && json.data[i] < 0x7f);
    cmc_buf_done(&again);
    cmc_buf_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct measure_event ev = {.seq = 77};
    struct cmc_err err = {0};
    char *text = NULL;
    check_generic(data, size);
    const int rc = measure_event_decode(data, size, &ev, &text, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        must(!text && ev.seq == 77); /* outputs untouched */
        return 0;
    }
    check_event(&ev, data, size);
    free(text);
    return 0;
}
