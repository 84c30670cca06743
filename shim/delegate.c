/* SPDX-License-Identifier: Apache-2.0 */
/* shim/delegate.c -- `delete` and `-info`: the real shim does them, with our care around it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shim/actions.h"
#include "shim/bootstrap.h"
#include "shim/inner.h"
#include "shim/leftover.h"

static int become_inner(const struct shim_args *a, const struct cmc_site *site, struct cmc_err *err)
{
    char inner[PATH_MAX];
    if (shim_inner_find(site->inner_shim, getenv("PATH"), a->publish_binary, inner, err) < 0)
        return -(int)err->code;
    (void)execv(inner, a->argv);
    return cmc_fail(err, CMC_E_SYS, "execute %s", inner);
}

/* The real shim notes its runtime in the bundle when a Create comes. One that never came to it,
 * since we were killed before, it can't delete: containerd would keep the bundle for ever. */
static bool was_created(int bundle)
{
    return bundle < 0 || faccessat(bundle, "runtime", F_OK, 0) == 0 || errno != ENOENT;
}

/* A DeleteResponse for a container that never ran, as the real shim answers for a killed one. */
static int answer_deleted(struct cmc_err *err)
{
    enum { KILLED = 128 + 9 };
    cmc_autobuf struct cmc_buf when = cmc_buf_of(32), out = cmc_buf_of(64);
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    cmc_pb_put_uint(&when, 1, (uint64_t)now.tv_sec);
    cmc_pb_put_uint(&when, 2, (uint64_t)now.tv_nsec);
    cmc_pb_put_uint(&out, 2, KILLED);
    cmc_pb_put_bytes(&out, 3, when.data, when.len);
    if (cmc_buf_check(&out, "answer", err) < 0)
        return -(int)err->code;
    if (write(STDOUT_FILENO, out.data, out.len) != (ssize_t)out.len)
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return 0;
}

int shim_delete(const struct shim_args *a, const struct cmc_site *site, struct cmc_err *err)
{
    cmc_autofd int bundle = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (bundle >= 0)
        shim_leftover_clean(bundle);
    return was_created(bundle) ? become_inner(a, site, err) : answer_deleted(err);
}

/* Makes fd 0 a file that holds these bytes. */
static int replace_stdin(const struct cmc_buf *in, struct cmc_err *err)
{
    cmc_autofd int fd = memfd_create("options", MFD_CLOEXEC);
    if (fd < 0 || (in->len && write(fd, in->data, in->len) != (ssize_t)in->len) ||
        lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
        return cmc_fail(err, CMC_E_SYS, "pass the options on");
    return 0;
}

int shim_info(const struct shim_args *a, const struct cmc_site *site, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(SHIM_BOOTSTRAP_MAX);
    struct shim_bootstrap b;
    if (cmc_buf_read(&in, STDIN_FILENO, "standard input", err) < 0 ||
        shim_bootstrap_parse(in.data, in.len, "", "", &b, err) < 0)
        return -(int)err->code;
    if (b.type_url.p && !shim_bootstrap_options_known(&b.type_url))
        in.len = 0; /* the real shim fails on options of another type */
    return replace_stdin(&in, err) < 0 ? -(int)err->code : become_inner(a, site, err);
}
