/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event_members.h -- which member an event type has, and how: the table of
 * docs/formats/event.md, read by encode and decode. */
#ifndef MEASURE_EVENT_MEMBERS_H
#define MEASURE_EVENT_MEMBERS_H
#include "measure/event.h"

#define MEASURE_EVENT_DOMAIN "cmc-event/1"

enum { /* keys of the members that every event begins with */
       MEASURE_KEY_DOMAIN = 0,
       MEASURE_KEY_TYPE = 1,
       MEASURE_KEY_SEQ = 2,
       MEASURE_EVENT_PAIRS_MAX = 64
};

enum measure_member_kind {
    MEASURE_MEMBER_TEXT,     /* const char * */
    MEASURE_MEMBER_BYTES,    /* uint8_t[size] */
    MEASURE_MEMBER_BOOL,     /* bool */
    MEASURE_MEMBER_U32,      /* uint32_t, or an enum with the values 1..size when size is not 0 */
    MEASURE_MEMBER_PROGRAMS, /* programs and program_count */
    MEASURE_MEMBER_BANKS     /* struct measure_banks */
};

struct measure_member {
    uint8_t key;
    enum measure_member_kind kind;
    const char *name;
    size_t at, size;             /* in struct measure_event; size: see kind */
    size_t has;                  /* offset of the bool that says "present", 0: none */
    uint16_t required, optional; /* bits 1 << type */
};

extern const struct measure_member measure_members[];
extern const size_t measure_member_count;
/* Types that are encoded and decoded member by member: bits 1 << type. */
extern const uint16_t measure_event_types;

/* The member is there: its has flag, else its value is not zero. */
bool measure_member_is_set(const struct measure_member *m, const struct measure_event *ev);
/* The event has the member: it is set, or required and zero is a value like others (a counter, a
 * PCR, "no terminal"). */
bool measure_member_is_there(const struct measure_member *m, const struct measure_event *ev);
#endif
