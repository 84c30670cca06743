/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/table.c -- the recorder's table on swtpm.
 * table DIR BANKS: DIR is made and removed; BANKS as for swtpm_setup, "sha1,sha256". */
#include <stdio.h>
#include <stdlib.h>

#include "tests/integration/recorder/world.h"
#include "tests/lib/recorder_table.h"

static void boot(struct recorder_bed *bed)
{
    world_boot(bed->ctx);
}

int main(int argc, char **argv)
{
    struct world w;
    unsigned bad = 0;
    if (argc != 3)
        die("usage: table DIR BANKS");
    world_init(&w, argv[1], argv[2]);
    struct recorder_bed bed = {.cfg = w.cfg, .boot = boot, .ctx = &w};
    for (size_t i = 0; i < recorder_table_cells(); i++) {
        struct cmc_err err = {0};
        const int rc = recorder_table_run(i, &bed, &err);
        printf("%-45s %s\n", recorder_table_name(i),
               rc == 1   ? "ok"
               : rc == 2 ? "-- (one bank cannot disagree)"
                         : err.msg);
        bad += rc == 0;
    }
    printf("%s: %u of %zu cells differ\n", argv[2], bad, recorder_table_cells());
    world_done(&w);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
