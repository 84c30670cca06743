/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_options.h -- the options field of a Create request, as the real shim wants it
 * (docs/formats/site.md, "Runtime options"). Pure: a file it names is read by the caller. */
#ifndef TOOLS_CMC_MEASURE_OPTIONS_H
#define TOOLS_CMC_MEASURE_OPTIONS_H
#include "base/buf.h"
#include "base/helper_msg.h"
#include "base/pb.h"

enum { CMC_MEASURE_OPTIONS_MAX = 65536 + 256, CMC_MEASURE_BINARY_MAX = 4095 };

enum cmc_measure_options_kind {
    CMC_MEASURE_OPTIONS_NONE,    /* no options field, or an empty one */
    CMC_MEASURE_OPTIONS_RUNC,    /* containerd.runc.v1.Options: what the real shim reads */
    CMC_MEASURE_OPTIONS_RUNTIME, /* runtimeoptions.v1.Options: TOML, inline or in a file */
    CMC_MEASURE_OPTIONS_CREATE,  /* containerd.linux.runc.CreateOptions: older clients */
    CMC_MEASURE_OPTIONS_OTHER    /* kept: the real shim judges it */
};

struct cmc_measure_options { /* spans borrowed from the Any */
    enum cmc_measure_options_kind kind;
    struct cmc_span value;
    struct cmc_span path; /* RUNTIME: read this file when body is empty; p NULL: none */
    struct cmc_span body; /* RUNTIME: TOML */
};

/* Reads an Any. any->p NULL: no options. Errors: -CMC_E_FORMAT; *out untouched. */
CMC_MUST_CHECK int cmc_measure_options_parse(const struct cmc_span *any,
                                             struct cmc_measure_options *out, struct cmc_err *err);

/* Decides what becomes of the options field. toml: o->body, or the bytes of the file at o->path.
 * cgroups_path: linux.cgroupsPath of config.json, NULL: unknown; "x.slice:B:C" without any options
 * means that runc's systemd driver is wanted, which containerd 1.6 cannot say to other shims.
 * CMC_HELPER_OPTIONS_REPLACE: the new Any is appended to any.
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT (TOML, a value of a wrong type, a key in another case). */
CMC_MUST_CHECK int cmc_measure_options_translate(const struct cmc_measure_options *o,
                                                 const struct cmc_span *toml,
                                                 const char *cgroups_path,
                                                 enum cmc_helper_options *what, struct cmc_buf *any,
                                                 struct cmc_err *err);

/* The runc that options name: binary_name of a containerd.runc.v1.Options, else "runc".
 * any: as it will be forwarded. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT; out untouched. */
CMC_MUST_CHECK int cmc_measure_options_binary(const struct cmc_span *any,
                                              char out[static CMC_MEASURE_BINARY_MAX + 1],
                                              struct cmc_err *err);
#endif
