/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/prove_report.c -- reports as cmcd makes them, from the command line.
 * prove_report [NAME=VALUE]... key [ALG] > CSR; ... install < CHAIN; ... report NONCE-HEX
 * [cbor|json] > REPORT; ... detail KIND DIGEST-HEX > DETAIL. Names: driver, tcti, storage, run,
 * state, host, pcr, bank, tcg, item (several), socket, key (redaction key, hex), details (0:
 * without). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <tss2/tss2_esys.h>

#include "attest/prove/prove.h"
#include "base/hex.h"

enum { INPUT_MAX = 8 << 20, OUTPUT_MAX = 64 << 20, ITEMS_MAX = 16 };

struct options {
    struct prove_config cfg;
    uint8_t redaction_key[32];
    struct cmc_buf item[ITEMS_MAX];
    size_t item_count;
    bool details;
};

static void die(const struct cmc_err *err)
{
    (void)fprintf(stderr, "prove_report: %s\n", err->msg);
    exit(err->code == CMC_E_VERIFY ? 1 : 3);
}

static long delay_ms;

/* The linker puts this in front of Esys_Quote(): a slow TPM. */
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
/* NOLINTBEGIN(readability-function-size): and tss2's arguments */
extern __typeof__(Esys_Quote) __real_Esys_Quote, __wrap_Esys_Quote;

static void delay(void)
{
    const struct timespec ts = {.tv_nsec = delay_ms * 500000L};
    (void)nanosleep(&ts, NULL);
}

TSS2_RC __wrap_Esys_Quote(ESYS_CONTEXT *esys, ESYS_TR key, ESYS_TR s1, ESYS_TR s2, ESYS_TR s3,
                          const TPM2B_DATA *data, const TPMT_SIG_SCHEME *scheme,
                          const TPML_PCR_SELECTION *select, TPM2B_ATTEST **quoted,
                          TPMT_SIGNATURE **signature)
{
    delay();
    TSS2_RC rc = __real_Esys_Quote(esys, key, s1, s2, s3, data, scheme, select, quoted, signature);
    delay();
    return rc;
}
/* NOLINTEND(readability-function-size) */
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */

static struct cmc_buf read_all(int fd)
{
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(INPUT_MAX);
    if (fd < 0 || cmc_buf_read(&b, fd, "input", &err) < 0)
        die(&err);
    return b;
}

static size_t unhex(const char *text, uint8_t *out, size_t cap)
{
    struct cmc_err err = {0};
    const size_t len = strlen(text) / 2;
    if (len > cap || cmc_unhex(text, strlen(text), out, len, &err) < 0)
        die(&err);
    return len;
}

static bool set(struct options *o, char *arg)
{
    char *value = strchr(arg, '=');
    if (!value)
        return false;
    *value++ = '\0';
    const struct {
        const char *name, **to;
    } texts[] = {{"driver", &o->cfg.driver},   {"tcti", &o->cfg.tcti},
                 {"storage", &o->cfg.storage}, {"run", &o->cfg.runtime_dir},
                 {"state", &o->cfg.state_dir}, {"host", &o->cfg.host},
                 {"tcg", &o->cfg.tcg_log},     {"socket", &o->cfg.recorder_socket}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(arg, texts[i].name) == 0)
            *texts[i].to = value;
    if (strcmp(arg, "pcr") == 0)
        o->cfg.pcr = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(arg, "bank") == 0)
        o->cfg.bank = cmc_hash_by_name(value, strlen(value));
    if (strcmp(arg, "delay") == 0)
        delay_ms = strtol(value, NULL, 10);
    if (strcmp(arg, "details") == 0)
        o->details = *value == '1';
    if (strcmp(arg, "item") == 0 && o->item_count < ITEMS_MAX)
        o->item[o->item_count++] = read_all(open(value, O_RDONLY | O_CLOEXEC));
    if (strcmp(arg, "key") == 0) {
        (void)unhex(value, o->redaction_key, sizeof(o->redaction_key));
        o->cfg.redaction_key = o->redaction_key;
    }
    return true;
}

static int report(struct prove *p, const struct options *o, const uint8_t nonce[32], bool json,
                  struct cmc_buf *out, struct cmc_err *err)
{
    struct prove_item item[ITEMS_MAX];
    for (size_t i = 0; i < o->item_count; i++)
        item[i] = (struct prove_item){.data = o->item[i].data, .len = o->item[i].len};
    const struct prove_request r = {.nonce = nonce,
                                    .nonce_len = 32,
                                    .json = json,
                                    .details = o->details,
                                    .item = item,
                                    .item_count = o->item_count};
    return prove_report(p, &r, out, err);
}

static int one_report(const struct options *o, const char *nonce_hex, bool json,
                      struct cmc_buf *out, struct cmc_err *err)
{
    uint8_t nonce[32] = {0};
    struct prove *p = NULL;
    (void)unhex(nonce_hex, nonce, sizeof(nonce));
    if (prove_open(&o->cfg, &p, err) < 0)
        return -1;
    int rc = report(p, o, nonce, json, out, err);
    prove_close(p);
    return rc;
}

static void save(const char *dir, const uint8_t nonce[32], const struct cmc_buf *b)
{
    char hex[65], path[4096];
    cmc_hex(nonce, 32, hex);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, hex);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f) != 0)
        exit(3);
}

static int reports(const struct options *o, const char *dir, time_t seconds, bool json,
                   struct cmc_err *err)
{
    const time_t end = time(NULL) + seconds;
    struct prove *p = NULL;
    if (prove_open(&o->cfg, &p, err) < 0)
        return -1;
    int rc = 0;
    while (rc >= 0 && time(NULL) < end) {
        uint8_t nonce[32];
        cmc_autobuf struct cmc_buf out = cmc_buf_of(OUTPUT_MAX);
        if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
            exit(3);
        rc = report(p, o, nonce, json, &out, err);
        if (rc >= 0)
            save(dir, nonce, &out);
    }
    prove_close(p);
    return rc;
}

static int detail(const struct options *o, const char *kind, const char *hex, struct cmc_buf *out,
                  struct cmc_err *err)
{
    uint8_t digest[CMC_SHA256_LEN] = {0};
    struct prove *p = NULL;
    (void)unhex(hex, digest, sizeof(digest));
    if (prove_open(&o->cfg, &p, err) < 0)
        return -1;
    int rc = prove_detail(p, kind, digest, out, err);
    prove_close(p);
    return rc == 0 ? cmc_fail(err, CMC_E_VERIFY, "there is no such detail") : rc;
}

static int run(struct options *o, char **arg, int count, struct cmc_buf *out, struct cmc_err *err)
{
    if (count > 0 && strcmp(arg[0], "key") == 0)
        return prove_create_key(&o->cfg, count > 1 ? arg[1] : NULL, out, err);
    if (count > 0 && strcmp(arg[0], "install") == 0) {
        struct cmc_buf pem = read_all(STDIN_FILENO);
        int rc = prove_install(&o->cfg, pem.data, pem.len, err);
        cmc_buf_done(&pem);
        return rc;
    }
    if (count > 1 && strcmp(arg[0], "report") == 0)
        return one_report(o, arg[1], count > 2 && strcmp(arg[2], "json") == 0, out, err);
    if (count > 3 && strcmp(arg[0], "reports") == 0)
        return reports(o, arg[1], strtol(arg[2], NULL, 10), strcmp(arg[3], "json") == 0, err);
    if (count > 2 && strcmp(arg[0], "detail") == 0)
        return detail(o, arg[1], arg[2], out, err);
    return cmc_fail(err, CMC_E_USAGE, "see the first lines of tests/tools/prove_report.c");
}

int main(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct options o = {.cfg = {.driver = "tpm",
                                .runtime_dir = "/run/cmc",
                                .state_dir = "/var/lib/cmc",
                                .host = "host.example",
                                .bank = CMC_ALG_SHA256,
                                .pcr = 13,
                                .exclude = PROVE_EXCLUDE},
                        .details = true};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUTPUT_MAX);
    int i = 1;
    while (i < argc && set(&o, argv[i]))
        i++;
    if (run(&o, argv + i, argc - i, &out, &err) < 0)
        die(&err);
    if (out.len)
        (void)fwrite(out.data, 1, out.len, stdout);
    for (size_t n = 0; n < o.item_count; n++)
        cmc_buf_done(&o.item[n]);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : 3;
}
