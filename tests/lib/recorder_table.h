/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_table.h -- each cell of the table of docs/recorder.md, on whatever TPM the
 * test bed has: the model in process, or swtpm. */
#ifndef TESTS_LIB_RECORDER_TABLE_H
#define TESTS_LIB_RECORDER_TABLE_H
#include "record/recorder.h"

struct recorder_bed {
    struct record_config cfg;
    /* As at boot: the runtime directory is gone; the register is at its start value, which
     * cfg.firmware_log explains where it is not zero. */
    void (*boot)(struct recorder_bed *bed);
    void *ctx;
    bool quiet; /* profile cmc: the open record is one that is not extended */
};

size_t recorder_table_cells(void);
const char *recorder_table_name(size_t cell);
/* Makes the cell's situation, lets the recorder in, and compares. Returns 1 as expected, 0 not
 * (the first difference is in err->msg), 2: the cell does not exist with this TPM's one bank, or
 * with an open record that is not extended. */
int recorder_table_run(size_t cell, struct recorder_bed *bed, struct cmc_err *err);
#endif
