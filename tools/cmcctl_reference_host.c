/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference_host.c -- references of PCRs, from the TPM or from the firmware's log, and
 * of the programs that measure. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "measure/fwlog.h"
#include "tools/cmcctl_file.h"
#include "tools/cmcctl_log.h"
#include "tools/cmcctl_reference.h"
#include "tpm/pcr.h"

static int add_summary(struct ctl_references *all, unsigned pcr, uint16_t alg, const uint8_t *value,
                       struct cmc_err *err)
{
    char index[16];
    (void)snprintf(index, sizeof(index), "%u", pcr);
    return cmcctl_references_add(
        all,
        &(struct ctl_reference){
            .type = "firmware", .name = "PCR Summary", .alg = alg, .digest = value, .index = index},
        err);
}

static int add_value(struct tpm_pcr_ctx *tpm, unsigned pcr, uint16_t alg,
                     struct ctl_references *all, struct cmc_err *err)
{
    struct tpm_banks banks;
    if (tpm_pcr_banks(tpm, pcr, &banks, err) < 0 || tpm_pcr_read(tpm, pcr, &banks, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < banks.count; i++)
        if (banks.bank[i].alg == alg)
            return add_summary(all, pcr, alg, banks.bank[i].value, err);
    return cmc_fail(err, CMC_E_USAGE, "the TPM has no PCR %u in bank %s: choose another --bank",
                    pcr, cmc_hash_name(alg));
}

int cmcctl_reference_values(const struct ctl_reference_options *o, const char *tcti,
                            struct ctl_references *all, struct cmc_err *err)
{
    struct tpm_pcr_ctx *tpm = NULL;
    if (tpm_pcr_open(tcti, &tpm, err) < 0)
        return -(int)err->code;
    int rc = 0;
    for (unsigned pcr = 0; rc == 0 && pcr < CTL_PCRS; pcr++)
        if (o->selected & 1U << pcr)
            rc = add_value(tpm, pcr, o->alg, all, err);
    tpm_pcr_close(tpm);
    return rc;
}

int cmcctl_reference_firmware(const struct ctl_reference_options *o, const char *path,
                              struct ctl_references *all, struct cmc_err *err)
{
    const struct measure_banks like = {.count = 1, .bank = {{.alg = o->alg}}};
    cmc_autobuf struct cmc_buf log = cmc_buf_of(MEASURE_FWLOG_BYTES_MAX);
    if (cmcctl_file_read(path, &log, err) < 0)
        return -(int)err->code;
    int rc = 0;
    for (unsigned pcr = 0; rc == 0 && pcr < CTL_PCRS; pcr++) {
        struct measure_banks value;
        uint64_t events;
        if (!(o->selected & 1U << pcr))
            continue;
        rc = measure_fwlog_replay(log.data, log.len, pcr, &like, &value, &events, err);
        if (rc == 0)
            rc = add_summary(all, pcr, o->alg, value.bank[0].value, err);
    }
    return rc < 0 ? cmc_wrap(err, "%.200s", path) : 0;
}

static int hash_file(const char *path, uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    uint8_t part[8192];
    struct cmc_sha256_ctx ctx;
    ssize_t n;
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.200s", path);
    cmc_sha256_init(&ctx);
    while ((n = read(fd, part, sizeof(part))) > 0)
        cmc_sha256_add(&ctx, part, (size_t)n);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read %.200s", path);
    cmc_sha256_end(&ctx, out);
    return 0;
}

static bool is_there(const struct ctl_references *all, const struct measure_program *p)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct meta_component *c = &all->component[i];
        const char *role = meta_component_property(c, "cmc.program");
        if (role && strcmp(role, p->role) == 0 && strcmp(c->name, p->path) == 0 &&
            memcmp(c->hash[0].content.data, p->sha256, CMC_SHA256_LEN) == 0)
            return true;
    }
    return false;
}

static int add_hashed(struct ctl_references *all, const char *role, const char *path,
                      const uint8_t *sha256, struct cmc_err *err)
{
    return cmcctl_references_add(all,
                                 &(struct ctl_reference){.type = "application",
                                                         .name = path,
                                                         .alg = CMC_ALG_SHA256,
                                                         .digest = sha256,
                                                         .program = role},
                                 err);
}

int cmcctl_reference_files(const struct cmc_opt_list *list, struct ctl_references *all,
                           struct cmc_err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        uint8_t now[CMC_SHA256_LEN];
        char role[32];
        const char *path = strchr(list->at[i], '=') + 1;
        (void)snprintf(role, sizeof(role), "%.*s", (int)(path - 1 - list->at[i]), list->at[i]);
        if (hash_file(path, now, err) < 0 || add_hashed(all, role, path, now, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

/* A program as the log names it, when its file still is what was measured. */
static int add_program(struct ctl_references *all, const struct measure_program *p,
                       struct cmc_err *err)
{
    uint8_t now[CMC_SHA256_LEN];
    if (is_there(all, p))
        return 0;
    if (hash_file(p->path, now, err) < 0)
        return -(int)err->code;
    if (memcmp(now, p->sha256, sizeof(now)) != 0)
        return cmc_fail(err, CMC_E_VERIFY,
                        "%.200s is not what the log names as %.40s: replaced since the boot? Start "
                        "the host anew and repeat",
                        p->path, p->role);
    return add_hashed(all, p->role, p->path, p->sha256, err);
}

int cmcctl_reference_programs(const char *log, const char *firmware_log, struct ctl_references *all,
                              struct cmc_err *err)
{
    const size_t before = all->count;
    cmc_autofree struct ctl_log *c = calloc(1, sizeof(*c));
    if (!c)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if ((size_t)snprintf(c->path, sizeof(c->path), "%s", log) >= sizeof(c->path))
        /* cppcheck-suppress memleak ; c has a cleanup */
        return cmc_fail(err, CMC_E_LIMIT, "a path is longer than %zu bytes", sizeof(c->path));
    c->opt.firmware_log = firmware_log;
    cmcctl_load(c, UINT64_MAX);
    int rc = c->replayed ? 0 : cmc_fail(err, CMC_E_FORMAT, "%.400s", c->reason);
    for (size_t i = 0; rc == 0 && i < c->count; i++)
        for (size_t k = 0; rc == 0 && k < c->entry[i].ev.program_count; k++)
            rc = add_program(all, &c->entry[i].ev.programs[k], err);
    cmcctl_unload(c);
    if (rc == 0 && all->count == before)
        return cmc_fail(err, CMC_E_FORMAT, "%.200s names no programs", log);
    return rc;
}
