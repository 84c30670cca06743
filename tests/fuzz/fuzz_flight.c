/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an entry of the cache; and with a checksum that fits, so that the members are
 * reached. */
#include <stdlib.h>
#include <string.h>

#include "tools/cmc_measure_flight_file.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool is_poison(const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len && p[len - 1] == 0x5a)
        len--;
    return len == 0;
}

/* What is accepted is written back byte for byte. */
static void parse(const uint8_t *data, size_t size)
{
    struct cmc_measure_flight_file f;
    uint8_t back[CMC_MEASURE_FLIGHT_BYTES];
    struct cmc_err err = {0};
    memset(&f, 0x5a, sizeof(f));
    int rc = cmc_measure_flight_file_parse(data, size, &f, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    if (rc < 0) {
        check(is_poison(&f, sizeof(f)));
        return;
    }
    cmc_measure_flight_file_put(&f, back);
    check(size == sizeof(back) && memcmp(back, data, size) == 0);
    check(f.measured || !f.tree.has_listing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t summed[CMC_MEASURE_FLIGHT_BYTES];
    parse(data, size);
    if (size < sizeof(summed))
        return 0;
    memcpy(summed, data, sizeof(summed));
    cmc_sha256(summed, sizeof(summed) - CMC_SHA256_LEN, summed + sizeof(summed) - CMC_SHA256_LEN);
    parse(summed, sizeof(summed));
    return 0;
}
