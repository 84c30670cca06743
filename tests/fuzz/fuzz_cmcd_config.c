/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as cmcd.json: what is accepted keeps what cmcd relies on. */
#include <stdlib.h>
#include <string.h>

#include "attest/serve/config.h"
#include "base/hash.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_path(const char *path, bool required)
{
    check(path || !required);
    if (path)
        check(path[0] == '/' && strlen(path) <= SERVE_CONFIG_TEXT_MAX && !strstr(path, "/../"));
}

static void check_paths(const struct serve_list *l)
{
    check(l->count <= SERVE_CONFIG_LIST_MAX);
    for (size_t i = 0; i < l->count; i++)
        check_path(l->at[i], true);
}

static void check_config(const struct serve_config *c)
{
    check_path(c->addr, true);
    check(strlen(c->addr) <= 107 && (c->mode & 0600) == 0600 && (c->mode & ~0666U) == 0);
    check(strcmp(c->driver, "tpm") == 0 || strcmp(c->driver, "sw") == 0);
    check(strcmp(c->key_alg, "EC256") == 0 || strcmp(c->key_alg, "RSA2048") == 0);
    check(c->pcr < 24 && !(c->exclude & (0xffU | 1U << c->pcr)) && c->exclude < 1U << 24);
    check(cmc_hash_size(c->bank) >= CMC_SHA256_LEN && c->level <= CMC_LOG_DEBUG);
    check(c->group[0] && !strpbrk(c->group, "/ \n") && (!c->host || !strpbrk(c->host, "/ \n")));
    check(!c->tcp || strchr(c->tcp, ':'));
    check_path(c->storage, true);
    check_path(c->runtime_dir, true);
    check_path(c->state_dir, true);
    check_path(c->firmware_log, true);
    check_path(c->recorder, true);
    check_path(c->ima_log, false);
    check_path(c->peer_cache, false);
    check_path(c->redaction_key, false);
    check_paths(&c->metadata);
    check_paths(&c->roots);
    check_paths(&c->metadata_roots);
    check_paths(&c->ak_roots);
    check_paths(&c->crls);
    check(c->secrets.count <= SERVE_CONFIG_LIST_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char run[] = "/run/cmc", state[] = "/var/lib/cmc";
    static const struct cmc_site site = {.pcr = 13, .runtime_dir = run, .state_dir = state};
    struct serve_config c = {.pcr = 77};
    struct cmc_err err = {0};
    const int rc = serve_config_parse(size ? (const char *)data : "", size, &site, &c, &err);
    check(rc <= 0 && (rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        check(c.pcr == 77 && err.msg[0]);
        return 0;
    }
    check_config(&c);
    serve_config_done(&c);
    return 0;
}
