/* SPDX-License-Identifier: Apache-2.0 */
/* base/options.h -- one options parser for every program: it fills variables, prints --help
 * and --version, and does nothing else. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H
#include <stddef.h>

#include "base/err.h"

enum cmc_opt_kind {
    CMC_OPT_BOOL, /* to: bool.   -name, --name, -name=true, -name=false */
    CMC_OPT_TEXT, /* to: const char *, borrowed from argv. -name V, --name V, -name=V, --name=V */
    CMC_OPT_U64,  /* to: uint64_t, decimal */
    CMC_OPT_LIST  /* to: struct cmc_opt_list. As text; each that is given counts, in order */
};

enum { CMC_OPT_LIST_MAX = 128 };
struct cmc_opt_list {                 /* zeroed by the caller */
    const char *at[CMC_OPT_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

struct cmc_opt {
    const char *name; /* without dashes */
    enum cmc_opt_kind kind;
    const char *arg;  /* how --help names the value, NULL for CMC_OPT_BOOL */
    const char *help; /* one line, or lines joined by \n */
    void *to;
};

struct cmc_options {
    const char *program;
    const char *synopsis; /* after the program's name: "[OPTION]... LOG" */
    const char *about;    /* a paragraph: lines of at most 80 columns */
    const struct cmc_opt *opts;
    size_t count;
    const char *after; /* printed last: exit status, examples; may be NULL */
};

enum cmc_options_next { CMC_OPTIONS_RUN = 0, CMC_OPTIONS_SHOWN = 1 };

/* Parses argv[1..argc); argv[argc] is NULL, as main() gets it. One dash and two are alike, names
 * are never abbreviated, "--" ends the options, an option given twice keeps the last value (as Go's
 * flag package does). Positional arguments are moved to the end of argv, in order; *first is the
 * index of the first. Returns CMC_OPTIONS_RUN; CMC_OPTIONS_SHOWN after --help or --version went to
 * stdout (the caller exits 0); -CMC_E_USAGE with the fault and what to do, nothing printed; or
 * -CMC_E_SYS (standard output cannot be written). */
CMC_MUST_CHECK int cmc_options_parse(const struct cmc_options *o, int argc, char **argv, int *first,
                                     struct cmc_err *err);
#endif
