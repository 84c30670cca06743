/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/config.h -- /etc/cmc/cmcd.json: what cmcd is told (cmcd.json(5)). */
#ifndef ATTEST_SERVE_CONFIG_H
#define ATTEST_SERVE_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/applog.h"
#include "base/site.h"

#define SERVE_CONFIG_PATH "/etc/cmc/cmcd.json"
#define SERVE_SOCKET      "/run/cmcd/cmcd.sock"

enum { SERVE_CONFIG_MAX = 65536, SERVE_CONFIG_TEXT_MAX = 1024, SERVE_CONFIG_LIST_MAX = 64 };

struct serve_list { /* texts are owned */
    char **at;
    size_t count;
};

struct serve_config {           /* texts are owned; free with serve_config_done() */
    char *addr;                 /* path of the Unix socket */
    char *tcp;                  /* "host:port"; NULL: none */
    char *group;                /* who of it may see details; owns the socket */
    mode_t mode;                /* of the socket */
    struct serve_list metadata; /* paths of files and directories */
    struct serve_list roots, metadata_roots, ak_roots, crls;
    char *driver;               /* "tpm", "sw" */
    char *storage, *peer_cache; /* peer_cache: NULL: nothing is kept */
    char *host;                 /* NULL: the kernel's name */
    char *tcti, *runtime_dir, *state_dir, *firmware_log, *ima_log, *recorder;
    char *redaction_key;       /* file; NULL: configurations that need it are not given out */
    struct serve_list secrets; /* count 0 and default_secrets: the default list */
    bool default_secrets;
    char *key_alg; /* "EC256", "RSA2048" */
    uint16_t bank; /* TPM_ALG_ID */
    uint32_t pcr, exclude;
    bool software; /* Verify: software evidence may be trusted */
    enum cmc_level level;
};

/* Reads the file's bytes; what it does not say comes from site and from defaults.
 * Errors: -CMC_E_FORMAT (JSON, an unknown key by name, a wrong type), -CMC_E_USAGE (a key or a
 * value of the Go CMC that does not apply, with why), -CMC_E_LIMIT. */
CMC_MUST_CHECK int serve_config_parse(const char *text, size_t len, const struct cmc_site *site,
                                      struct serve_config *out, struct cmc_err *err);
/* Reads path; nothing there and path SERVE_CONFIG_PATH: the defaults.
 * Errors: those, and -CMC_E_SYS. */
CMC_MUST_CHECK int serve_config_load(const char *path, const struct cmc_site *site,
                                     struct serve_config *out, struct cmc_err *err);
void serve_config_done(struct serve_config *c);
#endif
