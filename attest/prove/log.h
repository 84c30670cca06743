/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/log.h -- the recorder's log as a prover sees it: nothing in it is judged here. */
#ifndef ATTEST_PROVE_LOG_H
#define ATTEST_PROVE_LOG_H
#include "measure/replay.h"

struct prove_event { /* one record */
    enum measure_event_type type;
    enum measure_mark_how how; /* 0: open */
    const uint8_t *content;    /* in the log's bytes */
    size_t content_len;
    bool begins; /* a segment: the register began anew, or nobody knows what it held */
    bool extended, has_config, has_listing;
    uint8_t config[CMC_SHA256_LEN], rootfs[CMC_SHA256_LEN], listing[CMC_SHA256_LEN], key_id[8];
    uint8_t digest[CMC_HASH_MAX]; /* what was extended, in the bank */
    uint8_t value[CMC_HASH_MAX];  /* the register behind it, in the bank, as the log says */
};
struct prove_log {
    struct cmc_buf bytes; /* owned: the file */
    struct prove_event *event;
    size_t count, cap;
    uint16_t bank;
    enum measure_profile profile; /* of the last recorder-start or discontinuity; exact */
    uint32_t reset_count;         /* of the same */
};

/* Reads runtime_dir/log; absent is empty. What is behind the first damage is in bytes alone.
 * Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_FORMAT (no regular file). */
CMC_MUST_CHECK int prove_log_read(const char *runtime_dir, uint16_t bank, struct prove_log *out,
                                  struct cmc_err *err);
void prove_log_done(struct prove_log *l);

/* Replays it from zeros, or from what it says itself that the register began with: whether that is
 * to be believed is for verifiers to judge. An empty log gives zeros.
 * Errors: those of measure_replay(); -CMC_E_FORMAT (no such bank). */
CMC_MUST_CHECK int prove_log_replay(const struct prove_log *l, struct measure_replay *out,
                                    struct cmc_err *err);
#endif
