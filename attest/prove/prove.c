/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/prove.c -- opens what reports are made of, and makes the one that fits the log. */
#include "attest/prove/prove.h"

#include <stdlib.h>
#include <string.h>

#include "attest/prove/parts.h"

enum { CHAIN_MAX = 128 << 10, NONCE_MIN = 8, NONCE_MAX = 64 };

static const struct prove_driver *driver_of(const char *name)
{
    if (strcmp(name, "tpm") == 0)
        return &prove_driver_tpm;
    return strcmp(name, "sw") == 0 ? &prove_driver_sw : NULL;
}

void prove_close(struct prove *p)
{
    if (!p)
        return;
    EVP_PKEY_free(p->key);
    prove_chain_done(&p->chain);
    free(p);
}

CMC_DEFINE_CLEANUP(closep, struct prove *, prove_close)

static int check_config(const struct prove_config *cfg, struct cmc_err *err)
{
    const uint32_t first = 0xff; /* what the firmware does must be quoted: docs/formats/report.md */
    if (!cfg->storage || !cfg->host)
        return cmc_fail(err, CMC_E_USAGE, "no %s given", cfg->storage ? "host name" : "storage");
    if (cfg->pcr >= TPM_PCRS || cmc_hash_size(cfg->bank) == 0)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u of bank 0x%04x cannot be quoted", cfg->pcr,
                        cfg->bank);
    if (cfg->exclude & (first | 1u << cfg->pcr))
        return cmc_fail(err, CMC_E_USAGE, "PCR 0 to 7 and %u cannot be excluded from quotes",
                        cfg->pcr);
    return 0;
}

/* The key is loaded, or absent: then 0. */
static int open_key(const struct prove_config *cfg, struct prove **out, struct cmc_err *err)
{
    const struct prove_driver *driver = cfg->driver ? driver_of(cfg->driver) : NULL;
    if (!driver)
        return cmc_fail(err, CMC_E_USAGE, "driver %.40s: expected tpm or sw",
                        cfg->driver ? cfg->driver : "(none)");
    int rc = check_config(cfg, err);
    if (rc < 0)
        return rc;
    CMC_CLEANUP(closep) struct prove *p = calloc(1, sizeof(*p));
    if (!p)
        return cmc_fail(err, CMC_E_LIMIT, "prover: out of memory");
    p->cfg = *cfg;
    p->driver = driver;
    rc = driver->load(p, err);
    if (rc < 0)
        return rc;
    *out = CMC_TAKE_PTR(p);
    return rc;
}

static int no_key(const struct prove_config *cfg, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_USAGE,
                    "no attestation key in %.200s: make one, and have its request signed by a CA",
                    cfg->storage);
}

static int load_chain(struct prove *p, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf pem = cmc_buf_of(CHAIN_MAX);
    int rc = prove_file_read(p->cfg.storage, p->driver->chain, CHAIN_MAX, &pem, err);
    if (rc == 0)
        return cmc_fail(err, CMC_E_USAGE,
                        "no certificate of the attestation key: %.200s/%s is not there; have the "
                        "key's request signed by a CA",
                        p->cfg.storage, p->driver->chain);
    if (rc > 0)
        rc = prove_chain_read(pem.data, pem.len, p->key, &p->chain, err);
    return rc < 0 ? cmc_wrap(err, "%.200s/%s", p->cfg.storage, p->driver->chain) : 0;
}

int prove_open(const struct prove_config *cfg, struct prove **out, struct cmc_err *err)
{
    CMC_CLEANUP(closep) struct prove *p = NULL;
    int rc = open_key(cfg, &p, err);
    if (rc <= 0 || !p)
        return rc < 0 ? rc : no_key(cfg, err);
    if (!cfg->runtime_dir || !cfg->state_dir || *cfg->state_dir != '/')
        return cmc_fail(err, CMC_E_USAGE, "no absolute path of a %s given",
                        cfg->runtime_dir ? "state_dir" : "runtime_dir");
    if (load_chain(p, err) < 0 || (p->driver->check && p->driver->check(p, err) < 0))
        return -(int)err->code;
    *out = CMC_TAKE_PTR(p);
    return 0;
}

int prove_report(struct prove *p, const struct prove_request *r, struct cmc_buf *out,
                 struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done) struct prove_log log = {0};
    if (r->nonce_len < NONCE_MIN || r->nonce_len > NONCE_MAX)
        return cmc_fail(err, CMC_E_USAGE, "nonce of %zu bytes: expected %d to %d", r->nonce_len,
                        NONCE_MIN, NONCE_MAX);
    if (prove_log_read(p->cfg.runtime_dir, p->cfg.bank, &log, err) < 0)
        return -(int)err->code;
    const bool cmc = log.profile == MEASURE_PROFILE_CMC;
    prove_log_done(&log);
    return cmc ? prove_cmc(p, r, out, err) : prove_exact(p, r, out, err);
}

int prove_create_key(const struct prove_config *cfg, const char *alg, struct cmc_buf *csr,
                     struct cmc_err *err)
{
    CMC_CLEANUP(closep) struct prove *p = NULL;
    int rc = open_key(cfg, &p, err);
    if (rc == 0 && p)
        rc = p->driver->make(p, alg, err);
    return rc < 0 || !p ? rc : prove_csr(p, cfg->host, csr, err);
}

int prove_install(const struct prove_config *cfg, const void *chain_pem, size_t len,
                  struct cmc_err *err)
{
    CMC_CLEANUP(closep) struct prove *p = NULL;
    cmc_autobuf struct cmc_buf pem = cmc_buf_of(CHAIN_MAX);
    int rc = open_key(cfg, &p, err);
    if (rc <= 0 || !p)
        return rc < 0 ? rc : no_key(cfg, err);
    if (prove_chain_read(chain_pem, len, p->key, &p->chain, err) < 0 ||
        prove_chain_put_pem(&p->chain, &pem, err) < 0)
        return -(int)err->code;
    return prove_file_write(cfg->storage, p->driver->chain, pem.data, pem.len, err);
}
