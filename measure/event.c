/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event.c -- event names. */
#include "measure/event.h"

const char *measure_event_name(enum measure_event_type type)
{
    static const char *const names[] = {
        [MEASURE_RECORDER_START] = "recorder-start",
        [MEASURE_CONTAINER_CREATE] = "container-create",
        [MEASURE_CONTAINER_DELETE] = "container-delete",
        [MEASURE_EXEC] = "exec",
        [MEASURE_UPDATE] = "update",
        [MEASURE_RESTORE] = "restore",
        [MEASURE_FAILED] = "measurement-failed",
        [MEASURE_POLICY_CHANGE] = "policy-change",
        [MEASURE_UNMEASURED] = "unmeasured",
        [MEASURE_LAYER_CHANGED] = "layer-changed",
        [MEASURE_DISCONTINUITY] = "discontinuity",
    };
    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
