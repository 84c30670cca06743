/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle.c -- measure-bundle: reference values on standard output, all else not. */
#include "tools/measure_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/no_core.h"
#include "base/options.h"
#include "measure/reference.h"

static bool terminal; /* standard error is one, so a line can be written over */
static bool progress; /* wanted also where it is none */

static void note(enum measure_bundle_note kind, const char *line)
{
    const char *clear = terminal ? "\r\033[K" : "";
    if (kind == MEASURE_BUNDLE_WARNING)
        (void)fprintf(stderr, "%smeasure-bundle: %s\n", clear, line);
    else if (terminal && kind == MEASURE_BUNDLE_PROGRESS)
        (void)fprintf(stderr, "%s%s", clear, line);
    else if (terminal || progress)
        (void)fprintf(stderr, "%s%s\n", clear, line);
}

/* File names may be in it: made safe for terminals. */
static void complain(const struct cmc_err *err)
{
    const bool color = terminal && !getenv("NO_COLOR");
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4 * sizeof(err->msg) + 8);
    cmc_put_safe(&b, err->msg, strlen(err->msg), sizeof(err->msg));
    (void)fprintf(stderr, "%smeasure-bundle:%s %.*s\n", color ? "\033[1;31m" : "",
                  color ? "\033[0m" : "", (int)b.len, (const char *)b.data);
}

static int status_of(const struct cmc_err *err)
{
    if (err->code == CMC_E_USAGE)
        return MEASURE_BUNDLE_USAGE;
    return err->code == CMC_E_VERIFY ? MEASURE_BUNDLE_REFUSED : MEASURE_BUNDLE_FAULT;
}

static int write_out(const struct cmc_buf *b, struct cmc_err *err)
{
    if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    static struct measure_bundle_options o; /* too large for the stack */
    cmc_autobuf struct cmc_buf out = cmc_buf_of(MEASURE_REFERENCES_BYTES_MAX);
    cmc_no_core(); /* a redaction key, and what it hides */
    terminal = isatty(STDERR_FILENO);
    int rc = measure_bundle_options(argc, argv, &o, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return MEASURE_BUNDLE_DONE;
    progress = o.progress;
    if (rc == CMC_OPTIONS_RUN)
        rc = measure_bundle_run(&o, &out, note, &err);
    if (rc == 0)
        rc = write_out(&out, &err);
    if (rc == 0)
        return MEASURE_BUNDLE_DONE;
    complain(&err);
    return status_of(&err);
}
