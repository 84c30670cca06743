/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/table.c -- the recorder's table on swtpm.
 * table DIR BANKS [cmc] [quiet] [firmware]: DIR is made and removed; BANKS as for swtpm_setup,
 * "sha1,sha256". cmc: in that profile, quiet: with open records that it does not extend.
 * firmware: the register does not begin at zero, and the firmware's log says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/recorder/world.h"
#include "tests/lib/recorder_table.h"

static void boot(struct recorder_bed *bed)
{
    world_boot(bed->ctx);
}

static bool has(int argc, char **argv, const char *word)
{
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct world w;
    unsigned bad = 0;
    if (argc < 3)
        die("usage: table DIR BANKS [cmc] [quiet] [firmware]");
    world_init(&w, argv[1], argv[2]);
    if (has(argc, argv, "firmware"))
        world_firmware(&w, 0x55);
    if (has(argc, argv, "cmc"))
        w.cfg.profile = MEASURE_PROFILE_CMC;
    struct recorder_bed bed = {
        .cfg = w.cfg, .boot = boot, .ctx = &w, .quiet = has(argc, argv, "quiet")};
    for (size_t i = 0; i < recorder_table_cells(); i++) {
        struct cmc_err err = {0};
        const int rc = recorder_table_run(i, &bed, &err);
        printf("%-45s %s\n", recorder_table_name(i),
               rc == 1   ? "ok"
               : rc == 2 ? "-- (cannot be)"
                         : err.msg);
        bad += rc == 0;
    }
    printf("%s: %u of %zu cells differ\n", argv[2], bad, recorder_table_cells());
    world_done(&w);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
