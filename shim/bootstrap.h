/* SPDX-License-Identifier: Apache-2.0 */
/* shim/bootstrap.h -- what containerd says to `start` on stdin, and how it wants its answer. */
#ifndef SHIM_BOOTSTRAP_H
#define SHIM_BOOTSTRAP_H
#include <stdbool.h>

#include "base/pb.h"

enum {
    SHIM_BOOTSTRAP_MAX = 4 << 20, /* bytes of stdin */
    SHIM_SOCKET_DIR_MAX = 42,     /* containerd's own limit */
    SHIM_SOCKET_PATH_MAX = 107    /* sun_path less its NUL */
};

struct shim_bootstrap {         /* spans borrowed from the input */
    bool params;                /* BootstrapParams (containerd 2.3+): answer in protobuf */
    struct cmc_span type_url;   /* of the runtime options; p NULL: none */
    struct cmc_span options;    /* the Any's value */
    struct cmc_span socket_dir; /* p NULL: containerd said nothing */
};

/* Tells the three dialects apart: nothing, a google.protobuf.Any of runtime options, and
 * BootstrapParams. Either protobuf reads as the other, so it is BootstrapParams only when it
 * names this very id and namespace. Bytes that are neither carry no options: the real shim judges
 * the same options again in Create. Errors: -CMC_E_LIMIT (socket_dir too long). */
CMC_MUST_CHECK int shim_bootstrap_parse(const uint8_t *in, size_t len, const char *id,
                                        const char *ns, struct shim_bootstrap *out,
                                        struct cmc_err *err);
/* The cgroup path that the options ask for, or a span with p NULL or len 0. Only the two types
 * that are protobuf themselves are looked into. */
struct cmc_span shim_bootstrap_cgroup(const struct shim_bootstrap *in);
/* True when the real shim knows the type of these options; it fails on others. */
bool shim_bootstrap_options_known(const struct cmc_span *type_url);
/* Appends the exact bytes for stdout: a protobuf BootstrapResult; or JSON for a shim of task API
 * version 3; or the bare address, which every containerd reads. Never a newline. */
void shim_bootstrap_answer(bool params, unsigned version, const char *address, struct cmc_buf *out);
#endif
