/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl.c -- cmcctl COMMAND: finds the command and runs it. */
#include "tools/cmcctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/no_core.h"
#include "base/options.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"verify", cmcctl_verify}, {"explain", cmcctl_verify},      {"generate", cmcctl_generate},
    {"log", cmcctl_log},       {"reference", cmcctl_reference}, {"measure", cmcctl_measure},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct cmc_options help = {
    .program = "cmcctl",
    .synopsis = "COMMAND [OPTION]...",
    .about = "Asks what ran on a host, and shows and checks what cmc recorded on this one.\n"
             "\n"
             "Commands:\n"
             "  verify     a report of a host: what ran there, and did somebody sign for it?\n"
             "  explain    a report that was kept, with words on what each claim means\n"
             "  generate   a report, kept in a file\n"
             "  log        the events of this boot, and whether log and TPM agree\n"
             "  reference  a manifest, to be signed, of this host as it is\n"
             "  measure    an event that somebody else measured\n"
             "\n"
             "cmcctl COMMAND --help describes a command.",
    .after = "Exit status: 0 trusted, or agrees; 1 not; 2 wrong usage; 3 could not check.",
};

static void unknown(const char *command)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(512);
    cmc_put_safe(&b, command, strlen(command), 64);
    (void)fprintf(stderr, "cmcctl: unknown command %.*s; cmcctl --help lists them\n", (int)b.len,
                  (const char *)b.data);
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    int first = 1;
    cmc_no_core();                           /* keys, and what containers were told */
    (void)setenv("TSS2_LOG", "all+none", 0); /* we say what failed; who set it wants to see more */
    for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    const int rc = cmc_options_parse(&help, argc, argv, &first, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return 0;
    if (rc < 0)
        (void)fprintf(stderr, "cmcctl: %s\n", err.msg);
    else if (first < argc)
        unknown(argv[first]);
    else
        (void)fprintf(stderr, "cmcctl: which command? cmcctl --help lists them\n");
    return CMCCTL_USAGE;
}
