/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/config_cmc_digest.c -- measures many config.json files in profile cmc, for comparison
 * with the oracle. A hook's path /proc/x leads to /real/proc/x, to nothing if it holds "missing",
 * and to itself otherwise.
 * stdin: lines FILE TAB ID, the id in hexadecimal; or a lone number, which is written as RFC 8785
 * wants it. stdout: a line each, "ok DIGEST RAW TERMINAL FORM", "no CODE TEXT", or the number. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "measure/config_cmc.h"
#include "measure/jcs.h"

enum { FILE_MAX = 8 << 20, ID_MAX = 256 };

static size_t read_file(const char *path, char *buf, size_t cap)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t n = fread(buf, 1, cap, f);
    (void)fclose(f);
    return n;
}

static int resolve(void *ctx, const char *path, char *out, struct cmc_err *err)
{
    (void)ctx;
    if (strstr(path, "missing"))
        return cmc_fail(err, CMC_E_SYS, "%s", path);
    (void)snprintf(out, PATH_MAX, "%s%s", strncmp(path, "/proc/", 6) == 0 ? "/real" : "", path);
    return 0;
}

static void show(const struct measure_config *c)
{
    char digest[2 * CMC_SHA256_LEN + 1], raw[2 * CMC_SHA256_LEN + 1];
    cmc_hex(c->digest, CMC_SHA256_LEN, digest);
    cmc_hex(c->raw_digest, CMC_SHA256_LEN, raw);
    printf("ok %s %s %d %.*s\n", digest, raw, c->terminal, (int)c->detail.len,
           (const char *)c->detail.data);
}

static void measure_file(const char *path, const char *hex, char *buf)
{
    char id[ID_MAX + 1] = "";
    struct cmc_err err = {0};
    struct measure_config c = {0};
    size_t len = strlen(hex) / 2;

    if (len > ID_MAX || cmc_unhex(hex, strlen(hex), (uint8_t *)id, len, &err) < 0)
        exit(EXIT_FAILURE);
    const struct measure_config_cmc_opts opts = {.container_id = id, .resolve = resolve};
    if (measure_config_cmc(buf, read_file(path, buf, FILE_MAX), &opts, &c, &err) < 0)
        printf("no %u %s\n", (unsigned)err.code, err.msg);
    else
        show(&c);
    measure_config_done(&c);
}

static void show_number(const char *text)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(ID_MAX);
    measure_jcs_put_number(&b, strtod(text, NULL));
    printf("%.*s\n", (int)b.len, (const char *)b.data);
}

int main(void)
{
    static char buf[FILE_MAX];
    cmc_autofree char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        char *rest = line, *first = strsep(&rest, "\t\n"), *second = strsep(&rest, "\n");
        if (second && *second)
            measure_file(first, second, buf);
        else
            show_number(first);
    }
    return EXIT_SUCCESS;
}
