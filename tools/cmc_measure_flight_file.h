/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight_file.h -- an entry of the cache as bytes, and what two helpers must have
 * in common to share one (docs/formats/cache.md). */
#ifndef TOOLS_CMC_MEASURE_FLIGHT_FILE_H
#define TOOLS_CMC_MEASURE_FLIGHT_FILE_H
#include "tools/cmc_measure_flight.h"

enum { CMC_MEASURE_FLIGHT_BYTES = 232, CMC_MEASURE_BOOT_LEN = 16 };

struct cmc_measure_flight_file {
    uint8_t boot[CMC_MEASURE_BOOT_LEN];
    uint8_t key[CMC_SHA256_LEN];
    uint8_t stamp[CMC_SHA256_LEN]; /* zeros while it is being measured */
    int64_t lead_ns;               /* CLOCK_REALTIME minus CLOCK_BOOTTIME when that began */
    uint64_t written_ms;           /* CLOCK_BOOTTIME */
    uint64_t entries, bytes;
    bool measured;                /* else it is being measured */
    struct cmc_measure_tree tree; /* zeros while it is being measured */
};

void cmc_measure_flight_file_put(const struct cmc_measure_flight_file *f,
                                 uint8_t out[static CMC_MEASURE_FLIGHT_BYTES]);
/* What it accepts, put() writes back byte for byte. Errors: -CMC_E_FORMAT; *out untouched. */
CMC_MUST_CHECK int cmc_measure_flight_file_parse(const void *data, size_t len,
                                                 struct cmc_measure_flight_file *out,
                                                 struct cmc_err *err);

/* Is this the directory of a layer whose ctimes tell of each change, and that only root could have
 * exchanged? Errors: -CMC_E_FORMAT (why not), -CMC_E_SYS. */
CMC_MUST_CHECK int cmc_measure_flight_judge(int layer, struct cmc_err *err);
/* The key of f's tree, of layers that can be relied on. Errors: -CMC_E_FORMAT (nothing is kept of
 * it; why), -CMC_E_SYS. */
CMC_MUST_CHECK int cmc_measure_flight_key(const struct cmc_measure_flight *f,
                                          uint8_t key[static CMC_SHA256_LEN], struct cmc_err *err);
#endif
