/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_log.h -- what cmcctl log knows of a log: read, replayed, compared, shown. */
#ifndef TOOLS_CMCCTL_LOG_H
#define TOOLS_CMCCTL_LOG_H
#include "base/site.h"
#include "measure/replay.h"
#include "record/firmware.h"
#include "tools/cmcctl.h"

enum { CTL_NO_ENTRY = -1 };

struct ctl_options {
    const char *container, *format; /* --container, --export */
    const char *log, *details, *firmware_log, *tcti, *config, *color;
    bool verify, json, follow, wide;
};

/* How stored bytes relate to the digest in an event. */
enum ctl_detail {
    CTL_DETAIL_NONE, /* the event names no such detail */
    CTL_DETAIL_AGREES,
    CTL_DETAIL_TAMPERED,
    CTL_DETAIL_ABSENT,    /* not stored, or stored no longer */
    CTL_DETAIL_OTHER_KEY, /* it needs a redaction key that we do not have */
    CTL_DETAIL_UNREADABLE /* it is stored, but cannot be read or is not to be trusted */
};

struct ctl_entry {
    struct measure_event ev;
    char *text;             /* owned; storage of ev */
    const uint8_t *content; /* borrowed from ctl_log.bytes */
    size_t content_len;
    struct measure_banks digests; /* none: logged, but not extended */
    enum measure_profile profile;
    enum measure_mark_how how; /* 0: open */
    uint64_t segment;          /* the event's segment, from 1 */
    enum ctl_detail config, listing;
    int64_t before; /* index of the earlier event of the same image, or CTL_NO_ENTRY */
};

enum ctl_verdict { CTL_REPLAYS, CTL_AGREES, CTL_DISAGREES, CTL_UNCHECKED };

struct ctl_log {
    struct ctl_options opt;
    struct cmc_site site;
    char path[4096], details[4096];
    bool has_key;
    uint8_t key[32]; /* the redaction key, with has_key */
    struct cmc_buf bytes;
    struct ctl_entry *entry; /* owned */
    size_t count, cap;
    uint64_t segments;
    struct measure_replay replay;
    bool replayed;
    struct record_starts starts; /* what policy lets the register begin with */
    struct measure_banks live;   /* the PCR, with count 0 when it was not read */
    bool color;
    enum ctl_verdict verdict;
    char reason[512]; /* one sentence for people */
};

/* Reads and replays the log, reads the PCR when that is asked for, and comes to a verdict; checks
 * the details of the events that are shown, from number `from` on. */
void cmcctl_load(struct ctl_log *c, uint64_t from);
/* Frees what cmcctl_load() made. */
void cmcctl_unload(struct ctl_log *c);
/* The event is one that --container asks for. */
bool cmcctl_is_shown(const struct ctl_log *c, const struct ctl_entry *e);

/* Fills e->config and e->listing. */
void cmcctl_details_check(struct ctl_log *c, struct ctl_entry *e);
/* The stored configuration of e. *out: freed by the caller; only with CTL_DETAIL_AGREES it is what
 * was measured. */
enum ctl_detail cmcctl_details_config(const struct ctl_log *c, const struct ctl_entry *e,
                                      struct cmc_buf *out);

struct ctl_difference {
    const char *what; /* "config", "rootfs" */
    const char *path; /* NUL-terminated, untrusted */
    /* config: the values, NULL: was not there; rootfs: after says what changed */
    const char *before, *after;
};
struct ctl_notes { /* what cannot be told of a difference: static text, or NULL */
    const char *config, *rootfs;
};
typedef void ctl_difference_fn(void *ctx, const struct ctl_difference *d);
/* Calls each per difference of e to the earlier event of its image. */
void cmcctl_details_diff(struct ctl_log *c, const struct ctl_entry *e, ctl_difference_fn *each,
                         void *ctx, struct ctl_notes *notes);

/* Appends events from number `from` on and the verdict. */
void cmcctl_text(struct ctl_log *c, uint64_t from, struct cmc_buf *out);
/* Appends the one document of --json. */
void cmcctl_json(struct ctl_log *c, struct cmc_buf *out);
/* Appends the log, which has replayed, as CMC's PCR Eventlog (docs/formats/eventlog.md, CMC JSON).
 * What is missing is said on stderr. Returns an enum cmcctl_exit: CMCCTL_DISAGREE when stored
 * details are not what was measured, CMCCTL_UNCHECKED when they cannot be read; their ociSpec is
 * left out. Errors: -CMC_E_USAGE (profile exact), -CMC_E_VERIFY (a discontinuity), -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmcctl_cmc(struct ctl_log *c, struct cmc_buf *out, struct cmc_err *err);
#endif
