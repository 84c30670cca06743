/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/config_digest.c -- measures many config.json files, for comparison with the oracle.
 * stdin: lines FILE TAB ID TAB BUNDLE TAB KEY; an empty BUNDLE or KEY (64 digits) is none.
 * stdout: a line each, "ok DIGEST RAW TERMINAL DETAIL" or "no CODE TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "measure/config.h"

enum { FILE_MAX = 8 << 20 };

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

static void show(const struct measure_config *c)
{
    char digest[2 * CMC_SHA256_LEN + 1], raw[2 * CMC_SHA256_LEN + 1];
    cmc_hex(c->digest, CMC_SHA256_LEN, digest);
    cmc_hex(c->raw_digest, CMC_SHA256_LEN, raw);
    printf("ok %s %s %d %.*s\n", digest, raw, c->terminal, (int)c->detail.len,
           (const char *)c->detail.data);
}

static void measure_line(char *line, char *buf)
{
    char *field[4] = {0};
    uint8_t key[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    struct measure_config c = {0};

    for (size_t i = 0; i < 4; i++)
        field[i] = strsep(&line, "\t\n");
    if (!field[3])
        exit(EXIT_FAILURE);
    if (*field[3] && cmc_unhex(field[3], strlen(field[3]), key, sizeof(key), &err) < 0)
        exit(EXIT_FAILURE);
    const struct measure_config_opts opts = {.container_id = field[1],
                                             .bundle = *field[2] ? field[2] : NULL,
                                             .redaction_key = *field[3] ? key : NULL};
    if (measure_config(buf, read_file(field[0], buf, FILE_MAX), &opts, &c, &err) < 0)
        printf("no %u %s\n", (unsigned)err.code, err.msg);
    else
        show(&c);
    measure_config_done(&c);
}

int main(void)
{
    static char buf[FILE_MAX];
    cmc_autofree char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0)
        measure_line(line, buf);
    return EXIT_SUCCESS;
}
