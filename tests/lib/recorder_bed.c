/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_bed.c -- one test, one directory, one TPM. */
#include "tests/lib/recorder_bed.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/lib/recorder_fwlog.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        abort();
}

static void start_tpm(struct fake_tpm *t, size_t banks)
{
    static const uint16_t algs[] = {CMC_ALG_SHA1, CMC_ALG_SHA256, CMC_ALG_SHA384, CMC_ALG_SHA512};
    fake_tpm_start(t, banks == 1 ? algs + 1 : algs, banks);
}

static void boot(struct recorder_bed *table)
{
    struct bed *b = table->ctx;
    const uint8_t firmware = b->tpm.firmware;
    remove_tree(b->runtime);
    start_tpm(&b->tpm, b->tpm.bank.count);
    b->tpm.firmware = firmware;
    if (firmware)
        fake_tpm_reset(&b->tpm);
}

void bed_firmware(struct bed *b, uint8_t byte)
{
    struct measure_banks like = {.count = b->tpm.bank.count};
    for (size_t i = 0; i < like.count; i++)
        like.bank[i].alg = b->tpm.bank.bank[i].alg;
    (void)snprintf(b->firmware_log, sizeof(b->firmware_log), "%s/firmware", b->dir);
    recorder_fwlog_write(b->firmware_log, b->table.cfg.pcr, &like, byte);
    b->table.cfg.firmware_log = b->firmware_log;
    b->tpm.firmware = byte;
    fake_tpm_reset(&b->tpm);
}

void bed_init(struct bed *b, size_t banks)
{
    *b = (struct bed){.dir = "/dev/shm/cmc-record-XXXXXX"}; /* a tmpfs, as /run/cmc is */
    if (!mkdtemp(b->dir)) {
        (void)snprintf(b->dir, sizeof(b->dir), "/tmp/cmc-record-XXXXXX");
        if (!mkdtemp(b->dir))
            abort();
    }
    (void)snprintf(b->runtime, sizeof(b->runtime), "%s/run", b->dir);
    start_tpm(&b->tpm, banks);
    b->table = (struct recorder_bed){.boot = boot,
                                     .ctx = b,
                                     .cfg = {.runtime_dir = b->runtime,
                                             .tcti = "fake",
                                             .pcr = 13,
                                             .profile = MEASURE_PROFILE_EXACT,
                                             .lock_timeout_ms = 200}};
    (void)setenv("TSS2_LOG", "all+none", 1);
}

void bed_done(struct bed *b)
{
    remove_tree(b->dir);
}

struct measure_event bed_event(const char *container)
{
    return (struct measure_event){
        .type = MEASURE_CONTAINER_DELETE, .container = container, .ns = "default"};
}

int bed_record(struct bed *b, unsigned first, unsigned count, struct record_receipt *last,
               struct cmc_err *err)
{
    struct record *r = NULL;
    int rc = record_open(&b->table.cfg, &r, err);
    if (b->opened)
        b->opened(b);
    for (unsigned i = first; rc == 0 && i < first + count; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "e%u", i);
        struct measure_event ev = bed_event(name);
        if (b->table.cfg.profile == MEASURE_PROFILE_CMC && !b->table.quiet) {
            ev.type = MEASURE_CONTAINER_CREATE;
            ev.has_config = ev.has_rootfs = true;
            ev.decision = MEASURE_DECISION_AUDIT;
            ev.config[0] = (uint8_t)i;
        }
        rc = record_event(r, &ev, last, err);
    }
    record_close(r);
    return rc;
}

void bed_check(struct bed *b, struct recorder_log *out)
{
    struct cmc_err err = {0};
    if (recorder_log_read(&b->table.cfg, out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(out->agrees);
}
