/* SPDX-License-Identifier: Apache-2.0 */
/* measure/event.h -- what an event covers, and its deterministic CBOR (docs/formats/event.md). */
#ifndef MEASURE_EVENT_H
#define MEASURE_EVENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

enum {
    MEASURE_BANKS_MAX = 4,     /* banks that we can compute: SHA-1, SHA-256, SHA-384, SHA-512 */
    MEASURE_EVENT_MAX = 16384, /* bytes of one event's content */
    MEASURE_TEXT_MAX = 1024,   /* bytes of one text in an event */
    MEASURE_PROGRAMS_MAX = 8
};

enum measure_event_type {
    MEASURE_RECORDER_START = 1,
    MEASURE_CONTAINER_CREATE,
    MEASURE_CONTAINER_DELETE,
    MEASURE_EXEC,
    MEASURE_UPDATE,
    MEASURE_RESTORE,
    MEASURE_FAILED, /* "measurement-failed" */
    MEASURE_POLICY_CHANGE,
    MEASURE_UNMEASURED,
    MEASURE_LAYER_CHANGED,
    MEASURE_DISCONTINUITY
};

enum measure_profile { MEASURE_PROFILE_EXACT = 1, MEASURE_PROFILE_CMC };
enum measure_decision { MEASURE_DECISION_AUDIT = 1 }; /* started, whatever was measured */

/* One PCR value per bank, sorted by alg. */
struct measure_bank {
    uint16_t alg;                /* TPM_ALG_ID */
    uint8_t value[CMC_HASH_MAX]; /* cmc_hash_size(alg) bytes */
};
struct measure_banks {
    size_t count;
    struct measure_bank bank[MEASURE_BANKS_MAX];
};

struct measure_program { /* a program whose file was hashed */
    const char *role;    /* "runc", "inner-shim", "shim", "measure", "recorder" */
    const char *path;
    uint8_t sha256[CMC_SHA256_LEN];
};

/* One event. Texts are borrowed, UTF-8, NULL when unknown; which members each type has, and which
 * are required, is the table in docs/formats/event.md. A member that a type does not have stays
 * zero: encoding refuses it. */
struct measure_event {
    enum measure_event_type type; /* decoded: 0 when type_name is none of ours */
    const char *type_name;        /* decoded: as the content says; not read by encode */
    bool opaque;                  /* decoded: of this type only type_name and seq are read here */
    uint64_t seq; /* record number, from 0 for the boot's first event; the recorder sets it */

    /* containers */
    const char *container, *sandbox, *ns;              /* containerd ids and namespace */
    const char *pod, *pod_ns, *pod_uid, *name, *image; /* from annotations; not verified */
    bool has_config, has_rootfs, has_listing;
    uint8_t config[CMC_SHA256_LEN], rootfs[CMC_SHA256_LEN];
    uint8_t listing[CMC_SHA256_LEN];    /* SHA-256 of the stored listing */
    uint8_t key_id[8];                  /* of the redaction key that config used; has_config */
    uint8_t raw_config[CMC_SHA256_LEN]; /* of config.json's bytes; has_config */
    bool terminal;
    bool has_options;
    uint8_t options[CMC_SHA256_LEN]; /* of the Any forwarded in CreateTaskRequest.options */
    const char *checkpoint, *parent_checkpoint;
    enum measure_decision decision;
    size_t program_count;
    struct measure_program programs[MEASURE_PROGRAMS_MAX];
    const char *reason; /* measurement-failed, discontinuity: what happened */
    bool has_exit;
    uint32_t exit_status; /* container-delete */
    uint32_t pid;         /* unmeasured: a process of the container */
    const char *cgroup;   /* unmeasured: where that process is */

    /* recorder-start, discontinuity */
    uint8_t boot_id[16];
    uint32_t reset_count, restart_count; /* TPMS_CLOCK_INFO */
    enum measure_profile profile;
    uint32_t pcr;
    const char *ignored_banks;     /* comma-separated names or 0x%04x, NULL: none */
    struct measure_banks found;    /* the PCR as it was found */
    struct measure_banks expected; /* discontinuity: the last committed value */
};

const char *
measure_event_name(enum measure_event_type type); /* "container-create"; NULL: unknown */

/* Appends the event's content: deterministic CBOR (RFC 8949 section 4.2.1).
 * Errors: -CMC_E_USAGE (a type that is not written yet, a required member is missing, a member that
 * the type does not have is set), -CMC_E_LIMIT (a text or the whole is too long), -CMC_E_FORMAT (a
 * text is not UTF-8); out->len unchanged then. */
CMC_MUST_CHECK int measure_event_encode(const struct measure_event *ev, struct cmc_buf *out,
                                        struct cmc_err *err);

/* Decodes content strictly: what it accepts, encode gives back byte for byte, save opaque events
 * (a type of a newer version: well-formed deterministic CBOR with version, type and number).
 * Texts live in *storage (owned by the caller, free()).
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT; outputs untouched. */
CMC_MUST_CHECK int measure_event_decode(const uint8_t *data, size_t len, struct measure_event *ev,
                                        char **storage, struct cmc_err *err);
#endif
