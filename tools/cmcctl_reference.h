/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference.h -- what cmcctl reference is made of. */
#ifndef TOOLS_CMCCTL_REFERENCE_H
#define TOOLS_CMCCTL_REFERENCE_H
#include "attest/meta/types.h"
#include "base/hash.h"
#include "base/options.h"
#include "tools/cmcctl.h"

enum {
    CTL_REFERENCES_MAX = 1 << 16,
    CTL_REFERENCE_TEXT_MAX = 1024,
    CTL_PCRS = 24,
    CTL_LEVEL_MAX = 8,
    CTL_DAYS_MAX = 36500
};

struct ctl_reference_options { /* borrowed from argv */
    const char *pcrs, *bank, *name, *base, *developer, *description, *out, *format;
    const char *tcti, *config, *firmware_log, *ima_log, *log;
    uint64_t level, days;
    struct cmc_opt_list program; /* ROLE=PATH */
    bool from_values, from_log, programs, ima;
    uint32_t selected; /* bit i: PCR i, of pcrs */
    uint16_t alg;      /* TPM_ALG_ID, of bank */
};
/* Returns as cmc_options_parse() does. */
CMC_MUST_CHECK int cmcctl_reference_options(int argc, char **argv,
                                            struct ctl_reference_options *out, struct cmc_err *err);

/* References, in the order in which they were added. */
struct ctl_references {
    struct meta_component *component; /* owned, as all that it points to */
    size_t count, cap;
};
struct ctl_reference {                     /* one; texts and digest are copied */
    const char *type, *name, *description; /* description may be NULL */
    uint16_t alg;
    const uint8_t *digest;
    const char *index;   /* cmc.index, or NULL */
    const char *program; /* cmc.program, or NULL */
    bool optional;
};
/* Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmcctl_references_add(struct ctl_references *all,
                                         const struct ctl_reference *one, struct cmc_err *err);
void cmcctl_references_done(struct ctl_references *all);

/* Appends the manifest that holds them, made at a time (seconds since 1970).
 * Errors: -CMC_E_LIMIT, -CMC_E_USAGE. */
CMC_MUST_CHECK int cmcctl_references_put(const struct ctl_references *all,
                                         const struct ctl_reference_options *o, int64_t now,
                                         struct cmc_buf *out, struct cmc_err *err);

/* Each adds references of this host. Errors: those of what they read. */
CMC_MUST_CHECK int cmcctl_reference_values(const struct ctl_reference_options *o, const char *tcti,
                                           struct ctl_references *all, struct cmc_err *err);
CMC_MUST_CHECK int cmcctl_reference_firmware(const struct ctl_reference_options *o,
                                             const char *path, struct ctl_references *all,
                                             struct cmc_err *err);
/* The programs that the log names, hashed now. firmware_log: as for cmcctl log. Errors also:
 * -CMC_E_VERIFY (the log names another digest). */
CMC_MUST_CHECK int cmcctl_reference_programs(const char *log, const char *firmware_log,
                                             struct ctl_references *all, struct cmc_err *err);
/* The programs named as ROLE=PATH, hashed now. */
CMC_MUST_CHECK int cmcctl_reference_files(const struct cmc_opt_list *list,
                                          struct ctl_references *all, struct cmc_err *err);
/* bytes: binary_runtime_measurements of the kernel. */
CMC_MUST_CHECK int cmcctl_reference_ima(const uint8_t *bytes, size_t len,
                                        struct ctl_references *all, struct cmc_err *err);
#endif
