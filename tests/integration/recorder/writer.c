/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/writer.c -- records as cmc-measure does, and reads as a stranger
 * would. writer RUNTIME_DIR TCTI record NAME: a container-create; prints its number. writer
 * RUNTIME_DIR TCTI check: one line about the log; exit 1 when it does not agree with the PCR. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "tests/integration/recorder/world.h"

static int check(const struct record_config *cfg)
{
    struct recorder_log l = {0};
    struct cmc_err err = {0};
    if (recorder_log_read(cfg, &l, &err) < 0)
        die("%s", err.msg);
    printf("events %u failed %u discontinuities %u starts %u torn %zu", l.events, l.failed,
           l.discontinuities, l.starts, l.replay.torn);
    for (size_t i = 0; i < l.replay.last.count; i++) {
        char hex[2 * CMC_HASH_MAX + 1];
        const struct measure_bank *b = &l.replay.last.bank[i];
        cmc_hex(b->value, cmc_hash_size(b->alg), hex);
        printf(" %s %s", cmc_hash_name(b->alg), hex);
    }
    printf("%s\n", l.agrees ? "" : " DISAGREES with the PCR");
    return l.agrees ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int record(const struct record_config *cfg, const char *name)
{
    struct world w = {.cfg = *cfg};
    struct record_receipt receipt;
    struct cmc_err err = {0};
    struct measure_event ev = world_event(name);
    struct record *r = world_open(&w);
    if (record_event(r, &ev, &receipt, &err) < 0)
        die("%s: %s", name, err.msg);
    record_close(r);
    printf("%s is event %" PRIu64 "\n", name, receipt.seq);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage: writer RUNTIME_DIR TCTI record NAME | check");
    const struct record_config cfg = {
        .runtime_dir = argv[1], .tcti = argv[2], .pcr = 13, .profile = MEASURE_PROFILE_EXACT};
    if (strcmp(argv[3], "check") == 0)
        return check(&cfg);
    return argc > 4 ? record(&cfg, argv[4]) : EXIT_FAILURE;
}
