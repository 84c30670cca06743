/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a firmware log: banks asked for together say what each says alone, and a log
 * that lacks its last byte is refused. */
#include <stdlib.h>
#include <string.h>

#include "measure/fwlog.h"
#include "measure/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNTOUCHED = 77 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int replay(const uint8_t *data, size_t size, uint32_t pcr, const struct measure_banks *like,
                  struct measure_banks *out, uint64_t *events)
{
    struct cmc_err err = {0};
    *out = (struct measure_banks){.count = UNTOUCHED};
    *events = UNTOUCHED;
    const int rc = measure_fwlog_replay(data, size, pcr, like, out, events, &err);
    must((rc < 0) == (err.code != CMC_OK));
    must(rc == 0 || rc == -CMC_E_FORMAT || rc == -CMC_E_LIMIT);
    must(rc == 0 ? out->count == like->count : out->count == UNTOUCHED && *events == UNTOUCHED);
    return rc;
}

static void check_alone(const uint8_t *data, size_t size, uint32_t pcr,
                        const struct measure_banks *both, uint64_t events)
{
    for (size_t i = 0; i < both->count; i++) {
        struct measure_banks one = {.count = 1}, got;
        uint64_t n;
        one.bank[0].alg = both->bank[i].alg;
        must(replay(data, size, pcr, &one, &got, &n) == 0 && n == events);
        must(memcmp(got.bank[0].value, both->bank[i].value, cmc_hash_size(got.bank[0].alg)) == 0);
    }
}

static void check(const uint8_t *data, size_t size, uint32_t pcr, const struct measure_banks *like)
{
    struct measure_banks all, cut;
    uint64_t events, fewer;
    if (replay(data, size, pcr, like, &all, &events) < 0)
        return;
    must(events <= size / 32); /* the least event: one of format 1, or one with a SHA-1 digest */
    check_alone(data, size, pcr, &all, events);
    must(replay(data, size - 1, pcr, like, &cut, &fewer) < 0); /* its last event is cut short */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct measure_banks likes[] = {
        {1, {{.alg = CMC_ALG_SHA1}}},
        {2, {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}},
        {1, {{.alg = CMC_ALG_SHA384}}},
    };
    static const uint32_t pcrs[] = {0, 7, 13};
    for (size_t i = 0; i < sizeof(likes) / sizeof(likes[0]); i++)
        for (size_t j = 0; j < sizeof(pcrs) / sizeof(pcrs[0]); j++)
            check(data, size, pcrs[j], &likes[i]);
    return 0;
}
