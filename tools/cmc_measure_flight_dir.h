/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight_dir.h -- flights' files: found, read, claimed, cleared away. */
#ifndef TOOLS_CMC_MEASURE_FLIGHT_DIR_H
#define TOOLS_CMC_MEASURE_FLIGHT_DIR_H
#include "tools/cmc_measure_flight_file.h"

enum { CMC_MEASURE_FLIGHTS_MAX = 64, CMC_MEASURE_FLIGHT_AGE_MS = 15 * 60 * 1000 };

struct cmc_measure_flight_place {
    int dir; /* runtime_dir/flights, -1 */
    uint8_t boot[CMC_MEASURE_BOOT_LEN];
    uint8_t key[CMC_SHA256_LEN];
    char name[2 * CMC_SHA256_LEN + 1];
};

/* CLOCK_BOOTTIME. */
uint64_t cmc_measure_flight_now_ms(void);
/* Where f's file is. make: also when there was no flight before. Closed with
 * cmc_closep(&out->dir). Errors: -CMC_E_SYS, -CMC_E_VERIFY (directory), -CMC_E_FORMAT (f cannot be
 * shared). */
CMC_MUST_CHECK int cmc_measure_flight_find(const struct cmc_measure_flight *f, bool make,
                                           struct cmc_measure_flight_place *out,
                                           struct cmc_err *err);
/* Opens the flight's file to read it; -1 when there is none that we may trust. */
int cmc_measure_flight_open(const struct cmc_measure_flight_place *p);
/* Reads it, not by the descriptor that holds it; false when it is refused, of another boot or key,
 * or too old. */
bool cmc_measure_flight_read(int fd, const struct cmc_measure_flight_place *p,
                             struct cmc_measure_flight_file *out);
/* True while another descriptor than fd holds it: a helper measures. */
bool cmc_measure_flight_is_held(int fd);
enum cmc_measure_flight_claimed {
    CMC_MEASURE_FLIGHT_NONE,  /* cannot be shared now */
    CMC_MEASURE_FLIGHT_OURS,  /* *fd holds the file, and mine is in it */
    CMC_MEASURE_FLIGHT_OTHERS /* *other: held by another; or measured, with the stamp of mine */
};
/* Clears away what is over, then makes the file and locks it. fd: owned by the caller. */
enum cmc_measure_flight_claimed cmc_measure_flight_claim(const struct cmc_measure_flight_place *p,
                                                         const struct cmc_measure_flight_file *mine,
                                                         struct cmc_measure_flight_file *other,
                                                         int *fd);
bool cmc_measure_flight_write(int fd, const struct cmc_measure_flight_file *file);
void cmc_measure_flight_remove(const struct cmc_measure_flight_place *p);
#endif
