/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/writer.c -- records as cmc-measure does, and reads as a stranger
 * would. writer CONFIG record NAME: a container-create; writer CONFIG delete NAME: a
 * container-delete; they print its number. writer CONFIG check: one line about the log; exit 1 when
 * it does not agree with the PCR. writer CONFIG firmware BYTE FILE: writes a firmware event log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/site.h"
#include "tests/integration/recorder/world.h"
#include "tests/lib/recorder_fwlog.h"

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

static int record(const struct record_config *cfg, const char *name, bool quiet)
{
    struct world w = {.cfg = *cfg};
    struct record_receipt receipt;
    struct cmc_err err = {0};
    struct measure_event ev = quiet ? world_quiet_event(name) : world_event(name);
    struct record *r = world_open(&w);
    if (record_event(r, &ev, &receipt, &err) < 0)
        die("%s: %s", name, err.msg);
    record_close(r);
    printf("%s is event %" PRIu64 "\n", name, receipt.seq);
    return EXIT_SUCCESS;
}

static int run(const struct record_config *cfg, int argc, char **argv)
{
    const struct measure_banks like = {.count = 4,
                                       .bank = {{.alg = CMC_ALG_SHA1},
                                                {.alg = CMC_ALG_SHA256},
                                                {.alg = CMC_ALG_SHA384},
                                                {.alg = CMC_ALG_SHA512}}};
    if (strcmp(argv[0], "check") == 0)
        return check(cfg);
    if (strcmp(argv[0], "firmware") == 0 && argc > 2) {
        recorder_fwlog_write(argv[2], cfg->pcr, &like, (uint8_t)strtoul(argv[1], NULL, 0));
        return EXIT_SUCCESS;
    }
    return argc > 1 ? record(cfg, argv[1], strcmp(argv[0], "delete") == 0) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct cmc_site site;
    struct cmc_err err = {0};
    if (argc < 3)
        die("usage: writer CONFIG record NAME | delete NAME | check | firmware BYTE FILE");
    if (cmc_site_load(argv[1], &site, &err) < 0)
        die("%s", err.msg);
    const struct record_config cfg = {
        .runtime_dir = site.runtime_dir,
        .tcti = site.tcti,
        .pcr = site.pcr,
        .firmware_log = site.firmware_log,
        .profile = strcmp(site.profile, "cmc") == 0 ? MEASURE_PROFILE_CMC : MEASURE_PROFILE_EXACT};
    const int status = run(&cfg, argc - 2, argv + 2);
    cmc_site_done(&site);
    return status;
}
