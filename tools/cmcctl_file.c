/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_file.c -- reads a file that a command names, and writes standard output. */
#include "tools/cmcctl_file.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/hex.h"

int cmcctl_file_read(const char *path, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    return cmc_buf_read(out, fd, path, err);
}

int cmcctl_file_print(const struct cmc_buf *b, struct cmc_err *err)
{
    if (cmc_buf_check(b, "output", err) < 0)
        return -(int)err->code;
    if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}
