/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_signing_tool.c -- cmc-signing-tool: signs metadata, and verifies what was signed. */
#include "tools/cmc_signing_tool.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "base/no_core.h"
#include "tools/cmc_measure_replace.h"

/* File names and subjects may be in it: made safe for terminals. */
static void note(const char *line)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4 * strlen(line) + 8);
    cmc_put_safe(&b, line, strlen(line), strlen(line));
    (void)fprintf(stderr, "cmc-signing-tool: %.*s\n", (int)b.len, (const char *)b.data);
}

static int write_out(const char *path, const struct cmc_buf *b, struct cmc_err *err)
{
    if (path && strcmp(path, "-") != 0)
        return cmc_measure_replace_at(path, 0644, b, err);
    if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}

static int status_of(const struct cmc_err *err)
{
    if (err->code == CMC_E_USAGE)
        return SIGNING_TOOL_USAGE;
    return err->code == CMC_E_VERIFY ? SIGNING_TOOL_REFUSED : SIGNING_TOOL_FAULT;
}

int main(int argc, char **argv)
{
    static struct signing_tool_options o;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(0);
    struct cmc_err err = {0};
    cmc_no_core(); /* private keys */
    int rc = signing_tool_options(argc, argv, &o, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return SIGNING_TOOL_DONE;
    if (rc == CMC_OPTIONS_RUN)
        rc = signing_tool_run(&o, time(NULL), note, &out, &err);
    if (rc == 0)
        rc = write_out(o.out, &out, &err);
    signing_tool_options_done(&o);
    if (rc == 0)
        return SIGNING_TOOL_DONE;
    note(err.msg);
    return status_of(&err);
}
