/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/bed.h -- a host to prove: directories, a log, a key and who certifies it.
 * What goes wrong in here ends the test. */
#ifndef TESTS_PROVE_BED_H
#define TESTS_PROVE_BED_H
#include "attest/prove/parts.h"
#include "tests/tools/logs.h"

struct bed {
    char dir[32], run[48], state[48], storage[48];
    struct logs log;
    struct prove_config cfg; /* driver sw, register and bank of the log */
    EVP_PKEY *ca;
    X509 *root;
};

/* The log holds what logs_usual() makes, and is not written yet. */
void bed_init(struct bed *b, enum measure_profile profile);
void bed_done(struct bed *b);
/* Writes the log where a recorder has it. */
void bed_write(const struct bed *b);
/* Makes, certifies and installs a key; opens the prover. */
struct prove *bed_open(const struct bed *b);
/* The chain, PEM, for a request. */
void bed_certify(const struct bed *b, const struct cmc_buf *csr, struct cmc_buf *chain);

/* Measures config.json, stores its detail, and logs a container-create with it. */
void bed_create(struct bed *b, const char *config, const uint8_t *redaction_key,
                uint8_t digest[static CMC_SHA256_LEN]);
/* Appends the event, marked as done. */
void bed_put(struct bed *b, struct measure_event *ev);

/* Reads a file of the bed; *out is freed by the caller. */
void bed_read(const char *dir, const char *name, struct cmc_buf *out);
void bed_save(const char *dir, const char *name, const void *data, size_t len, unsigned mode);
#endif
