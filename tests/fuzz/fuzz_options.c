/* SPDX-License-Identifier: Apache-2.0 */
/* Any command line: arguments are separated by NUL. What is set is set from the line, positional
 * arguments keep their order, and each fault has a text. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

enum { ARGS_MAX = 64, BYTES_MAX = 4096 };

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Parses with what --help and --version print going nowhere. */
static int parse(const struct cmc_options *o, int argc, char **argv, int *first,
                 struct cmc_err *err)
{
    static FILE *nowhere;
    FILE *out = stdout;
    if (!nowhere)
        nowhere = fopen("/dev/null", "we");
    check(nowhere != NULL);
    stdout = nowhere;
    int rc = cmc_options_parse(o, argc, argv, first, err);
    stdout = out;
    return rc;
}

/* Positional arguments are the same pointers as before, in ascending order. */
static void check_order(char **argv, int first, int argc)
{
    check(first >= 1 && first <= argc);
    for (int i = first; i + 1 < argc; i++)
        check(argv[i] < argv[i + 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char line[BYTES_MAX + 1], program[] = "prog";
    bool flag = false;
    const char *text = NULL;
    uint64_t number = 0;
    const struct cmc_opt opts[] = {{"flag", CMC_OPT_BOOL, NULL, "h", &flag},
                                   {"text", CMC_OPT_TEXT, "T", "h", &text},
                                   {"n", CMC_OPT_U64, "N", "h", &number}};
    const struct cmc_options o = {"prog", "", "", opts, 3, NULL};
    char *argv[ARGS_MAX + 2] = {program};
    int argc = 1, first = -1;
    struct cmc_err err = {0};

    if (size > BYTES_MAX)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    for (size_t at = 0; at < size && argc <= ARGS_MAX; at += strlen(line + at) + 1) {
        argv[argc++] = line + at;
    }
    int rc = parse(&o, argc, argv, &first, &err);
    if (rc != CMC_OPTIONS_RUN)
        check(first == -1 && (rc == CMC_OPTIONS_SHOWN || (rc == -CMC_E_USAGE && err.msg[0])));
    check((rc >= 0) == (err.code == CMC_OK));
    check(!text || (text >= line && text <= line + size));
    if (rc == CMC_OPTIONS_RUN)
        check_order(argv, first, argc);
    return 0;
}
