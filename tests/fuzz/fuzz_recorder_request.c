/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a packet to the recorder, and from it: what is accepted encodes to itself, and makes
 * a reason that an event takes. */
#include <stdlib.h>
#include <string.h>

#include "measure/event.h"
#include "record/request.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_reason(const struct record_request *r)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf reason = cmc_buf_of(MEASURE_TEXT_MAX + 1);
    cmc_autobuf struct cmc_buf event = cmc_buf_of(MEASURE_EVENT_MAX);
    record_request_reason(r, &reason);
    cmc_put_u8(&reason, '\0');
    check(!reason.bad);
    const struct measure_event ev = {.type = MEASURE_UNMEASURED,
                                     .pid = r->number,
                                     .cgroup = "/",
                                     .reason = (const char *)reason.data};
    check(measure_event_encode(&ev, &event, &err) == 0);
}

static void check_request(const uint8_t *data, size_t size)
{
    struct record_request r = {.number = 77};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf again = cmc_buf_of(RECORD_PACKET_MAX);
    const int rc = record_request_decode(data, size, &r, &err);
    check(rc <= 0 && (rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        check(r.number == 77 && err.msg[0]);
        return;
    }
    check(r.number > 0 && strlen(r.name) <= RECORD_NAME_MAX);
    check(r.kind == RECORD_REQUEST_UNMEASURED || r.number <= RECORD_PAUSE_MAX_MS);
    check(record_request_encode(&r, &again, &err) == 0);
    check(again.len == size && memcmp(again.data, data, size) == 0);
    if (r.kind == RECORD_REQUEST_UNMEASURED)
        check_reason(&r);
}

static void check_answer(const uint8_t *data, size_t size)
{
    struct record_answer a = {.seq = 77}, b = {0};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf again = cmc_buf_of(RECORD_PACKET_MAX);
    const int rc = record_answer_decode(data, size, &a, &err);
    check(rc <= 0 && (rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        check(a.seq == 77 && err.msg[0]);
        return;
    }
    check(record_answer_encode(&a, &again, &err) == 0);
    check(record_answer_decode(again.data, again.len, &b, &err) == 0);
    check(a.ok == b.ok && a.has_seq == b.has_seq && a.seq == b.seq && strcmp(a.why, b.why) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > RECORD_PACKET_MAX)
        return 0;
    check_request(data, size);
    check_answer(data, size);
    return 0;
}
