/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event.c -- event names, and the table of members per type. */
#include "measure/event_members.h"

#include <string.h>

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

#define AT(member) offsetof(struct measure_event, member)
#define BYTES(member)                                                                              \
    MEASURE_MEMBER_BYTES, #member, AT(member), sizeof(((struct measure_event *)0)->member)
#define TEXT(member) MEASURE_MEMBER_TEXT, #member, AT(member), 0, 0

enum {
    START = 1 << MEASURE_RECORDER_START,
    CREATE = 1 << MEASURE_CONTAINER_CREATE,
    DELETE = 1 << MEASURE_CONTAINER_DELETE,
    FAILED = 1 << MEASURE_FAILED,
    BREAK = 1 << MEASURE_DISCONTINUITY,
    UNMEASURED = 1 << MEASURE_UNMEASURED,
    CONTAINER = CREATE | DELETE | FAILED,
    REGISTER = START | BREAK
};

const uint16_t measure_event_types = CONTAINER | REGISTER | UNMEASURED;

/* In the order of the keys, which is the order of the encoded map. */
const struct measure_member measure_members[] = {
    {3, TEXT(container), CONTAINER, UNMEASURED},
    {4, TEXT(sandbox), 0, CONTAINER | UNMEASURED},
    {5, TEXT(ns), CONTAINER, UNMEASURED},
    {6, TEXT(pod), 0, CONTAINER | UNMEASURED},
    {7, TEXT(pod_ns), 0, CONTAINER | UNMEASURED},
    {8, TEXT(pod_uid), 0, CONTAINER | UNMEASURED},
    {9, TEXT(name), 0, CONTAINER | UNMEASURED},
    {10, TEXT(image), 0, CONTAINER | UNMEASURED},
    {11, BYTES(config), AT(has_config), CREATE, FAILED},
    {12, BYTES(rootfs), AT(has_rootfs), CREATE, FAILED},
    {13, BYTES(listing), AT(has_listing), 0, CREATE | FAILED},
    {14, BYTES(key_id), AT(has_config), CREATE, FAILED},
    {15, BYTES(raw_config), AT(has_config), CREATE, FAILED},
    {16, MEASURE_MEMBER_BOOL, "terminal", AT(terminal), 0, 0, CREATE | FAILED, 0},
    {17, BYTES(options), AT(has_options), 0, CREATE | FAILED},
    {18, TEXT(checkpoint), 0, CREATE | FAILED},
    {19, TEXT(parent_checkpoint), 0, CREATE | FAILED},
    {20, MEASURE_MEMBER_U32, "decision", AT(decision), MEASURE_DECISION_AUDIT, 0, CREATE | FAILED,
     0},
    {21, MEASURE_MEMBER_PROGRAMS, "programs", AT(programs), 0, 0, 0, CREATE | FAILED | REGISTER},
    {22, TEXT(reason), FAILED | BREAK | UNMEASURED, 0},
    {23, MEASURE_MEMBER_U32, "exit_status", AT(exit_status), 0, AT(has_exit), 0, DELETE},
    {24, BYTES(boot_id), 0, REGISTER, 0},
    {25, MEASURE_MEMBER_U32, "reset_count", AT(reset_count), 0, 0, REGISTER, 0},
    {26, MEASURE_MEMBER_U32, "restart_count", AT(restart_count), 0, 0, REGISTER, 0},
    {27, MEASURE_MEMBER_U32, "profile", AT(profile), MEASURE_PROFILE_CMC, 0, REGISTER, 0},
    {28, MEASURE_MEMBER_U32, "pcr", AT(pcr), 0, 0, REGISTER, 0},
    {29, TEXT(ignored_banks), 0, REGISTER},
    {30, MEASURE_MEMBER_BANKS, "found", AT(found), 0, 0, REGISTER, 0},
    {31, MEASURE_MEMBER_BANKS, "expected", AT(expected), 0, 0, BREAK, 0},
    {39, MEASURE_MEMBER_U32, "pid", AT(pid), 0, 0, UNMEASURED, 0},
    {40, TEXT(cgroup), UNMEASURED, 0},
};
const size_t measure_member_count = sizeof(measure_members) / sizeof(measure_members[0]);

bool measure_member_is_set(const struct measure_member *m, const struct measure_event *ev)
{
    static const uint8_t zeros[CMC_HASH_MAX];
    const uint8_t *at = (const uint8_t *)ev + m->at;
    if (m->has)
        return *((const bool *)(const void *)((const uint8_t *)ev + m->has));
    switch (m->kind) {
    case MEASURE_MEMBER_TEXT:
        return *(const char *const *)(const void *)at != NULL;
    case MEASURE_MEMBER_BYTES:
        return memcmp(at, zeros, m->size) != 0;
    case MEASURE_MEMBER_BOOL:
        return *at != 0;
    case MEASURE_MEMBER_U32:
        return memcmp(at, zeros, sizeof(uint32_t)) != 0;
    case MEASURE_MEMBER_PROGRAMS:
        return ev->program_count != 0;
    case MEASURE_MEMBER_BANKS:
        return ((const struct measure_banks *)(const void *)at)->count != 0;
    }
    return false;
}

bool measure_member_is_there(const struct measure_member *m, const struct measure_event *ev)
{
    const bool zero_counts =
        !m->has && (m->kind == MEASURE_MEMBER_BOOL || m->kind == MEASURE_MEMBER_BYTES ||
                    (m->kind == MEASURE_MEMBER_U32 && m->size == 0));
    return measure_member_is_set(m, ev) || (zero_counts && m->required & 1U << ev->type);
}
