/* SPDX-License-Identifier: Apache-2.0 */
/* base/site.h -- /etc/cmc/shim.json: the site's decisions for shim, helper and recorder. */
#ifndef BASE_SITE_H
#define BASE_SITE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CMC_SITE_PATH "/etc/cmc/shim.json"

enum { CMC_SITE_BYTES_MAX = 65536, CMC_SITE_TEXT_MAX = 1024 };

struct cmc_site {  /* texts are owned; free with cmc_site_done() */
    char *mode;    /* "audit"; "permissive" and "strict" are refused by name */
    char *profile; /* "exact" or "cmc" */
    uint32_t pcr;  /* 13 */
    bool insecure_pcr;
    char *tcti;             /* NULL: CMC_TCTI, else device:/dev/tpmrm0 */
    char *runtime_dir;      /* "/run/cmc" */
    char *state_dir;        /* "/var/lib/cmc" */
    char *inner_shim;       /* NULL: searched */
    char *helper;           /* NULL: beside the shim, else ../libexec/cmc/cmc-measure */
    char *log;              /* NULL: runtime_dir/shim.log */
    char *redaction_key;    /* path of a 32-byte file, root only; NULL: none */
    bool keep_listing;      /* false */
    char *firmware_log;     /* "/sys/kernel/security/tpm0/binary_bios_measurements" */
    uint64_t file_max;      /* bytes of the largest file that is measured; 0: no limit */
    uint64_t details_quota; /* bytes, 256 MiB */
    uint16_t ignore_banks[8];
    size_t ignore_count;
};

/* Reads path, or the defaults when path is CMC_SITE_PATH and nothing is there.
 * Errors: -CMC_E_SYS, -CMC_E_VERIFY (not root's, writable by others), -CMC_E_FORMAT (JSON, an
 * unknown key by name, a wrong type), -CMC_E_USAGE (a mode or profile that does not exist yet). */
CMC_MUST_CHECK int cmc_site_load(const char *path, struct cmc_site *out, struct cmc_err *err);
/* The same of the file's bytes. */
CMC_MUST_CHECK int cmc_site_parse(const char *text, size_t len, struct cmc_site *out,
                                  struct cmc_err *err);
void cmc_site_done(struct cmc_site *s);
#endif
