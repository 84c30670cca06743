/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/world.h -- a directory with a software TPM and a recorder in it. */
#ifndef TESTS_RECORDER_WORLD_H
#define TESTS_RECORDER_WORLD_H
#include <stdbool.h>
#include <sys/types.h>

#include "record/recorder.h"
#include "tests/lib/recorder_log.h"

struct world {
    char dir[128];   /* owned by the test, ends with the program */
    char state[160]; /* the TPM's non-volatile state */
    char runtime[160];
    char socket[160];
    char tcti[192];
    char firmware_log[160];
    uint8_t firmware; /* what the firmware extends the register by at each boot; 0: nothing */
    pid_t swtpm;      /* 0: not running */
    struct record_config cfg;
};

/* Ends the program with a message: a test bed that cannot be had proves nothing. */
void die(const char *fmt, ...) CMC_PRINTF(1, 2) __attribute__((noreturn));

/* Makes everything below dir (made, must not exist) and starts swtpm. banks: as swtpm_setup's
 * --pcr-banks. */
void world_init(struct world *w, const char *dir, const char *banks);
void world_done(struct world *w); /* stops swtpm, removes dir */
/* Starts over: TPM reset and an empty runtime directory, as at boot. */
void world_boot(struct world *w);
/* From the next boot on the firmware extends the register by byte, and its log says so. */
void world_firmware(struct world *w, uint8_t byte);
void world_start_swtpm(struct world *w);
void world_kill_swtpm(struct world *w);
/* Removes the runtime directory. */
void world_forget(struct world *w);

/* Opens a recorder, or dies. */
struct record *world_open(const struct world *w);
/* A container-create under that name; a container-delete, which profile cmc does not extend. */
struct measure_event world_event(const char *container);
struct measure_event world_quiet_event(const char *container);

/* What log and PCR say, or dies. */
void world_read(const struct world *w, struct recorder_log *out);
/* Somebody else's extend of the register: by byte in all banks, or in the first bank only. */
void world_extend(const struct world *w, uint8_t byte, bool first_bank_only);
#endif
