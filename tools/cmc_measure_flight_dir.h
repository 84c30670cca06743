/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight_dir.h -- entries of the cache as files: found, read, claimed, evicted.
 */
#ifndef TOOLS_CMC_MEASURE_FLIGHT_DIR_H
#define TOOLS_CMC_MEASURE_FLIGHT_DIR_H
#include "tools/cmc_measure_flight_file.h"

enum { CMC_MEASURE_FLIGHTS_MAX = 256 };

struct cmc_measure_flight_place {
    int dir; /* runtime_dir/cache, -1 */
    uint8_t boot[CMC_MEASURE_BOOT_LEN];
    uint8_t key[CMC_SHA256_LEN];
    char name[2 * CMC_SHA256_LEN + 1];
};

/* One at a time makes room in a directory and fills it: false after 200 ms, for a process that was
 * stopped meanwhile must not stop others. Ends with flock(LOCK_UN), or with the descriptor. */
bool cmc_measure_flight_lock(int dir);

/* CLOCK_BOOTTIME. */
uint64_t cmc_measure_flight_now_ms(void);
/* CLOCK_REALTIME minus CLOCK_BOOTTIME. */
int64_t cmc_measure_flight_lead_ns(void);
/* Was the clock set back since it had that lead, so far that later changes could have earlier
 * ctimes? */
bool cmc_measure_flight_is_behind(int64_t lead_ns);

/* Where f's entry is; the directory is made when there is none. Closed with
 * cmc_closep(&out->dir). Errors: -CMC_E_SYS, -CMC_E_VERIFY (directory), -CMC_E_FORMAT (nothing is
 * kept of f's tree). */
CMC_MUST_CHECK int cmc_measure_flight_find(const struct cmc_measure_flight *f,
                                           struct cmc_measure_flight_place *out,
                                           struct cmc_err *err);
/* Opens the entry to read it; -1 when there is none that we may trust. */
int cmc_measure_flight_open(const struct cmc_measure_flight_place *p);
/* Reads it, not by the descriptor that holds it; false when it is refused, of another boot or key,
 * or of a clock that was set back since: then everything goes that nobody holds. */
bool cmc_measure_flight_read(int fd, const struct cmc_measure_flight_place *p,
                             struct cmc_measure_flight_file *out);
/* True while another descriptor than fd holds it: a helper measures. */
bool cmc_measure_flight_is_held(int fd);
/* It is of use still. */
void cmc_measure_flight_touch(int fd);

enum cmc_measure_flight_claimed {
    CMC_MEASURE_FLIGHT_NONE,  /* cannot be shared now */
    CMC_MEASURE_FLIGHT_OURS,  /* *fd holds the file, and mine is in it */
    CMC_MEASURE_FLIGHT_OTHERS /* held by another, or measured meanwhile */
};
/* Makes room, then makes the file and locks it. stale: the stamp of an entry that is of no use, or
 * NULL. fd: owned by the caller. */
enum cmc_measure_flight_claimed cmc_measure_flight_claim(const struct cmc_measure_flight_place *p,
                                                         const struct cmc_measure_flight_file *mine,
                                                         const uint8_t *stale, int *fd);
bool cmc_measure_flight_write(int fd, const struct cmc_measure_flight_file *file);
void cmc_measure_flight_remove(const struct cmc_measure_flight_place *p);
#endif
