/* SPDX-License-Identifier: Apache-2.0 */
/* fwlog_values BANK[,BANK...] [PCR FILE]... -- one line per log: "EVENTS HEX..." or "refused CODE".
 * Run by tests/oracle/fwlog_compare.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "measure/fwlog.h"

static bool banks_of(const char *list, struct measure_banks *out)
{
    while (out->count < MEASURE_BANKS_MAX) {
        const size_t len = strcspn(list, ",");
        const uint16_t alg = cmc_hash_by_name(list, len);
        if (!alg)
            return false;
        out->bank[out->count++].alg = alg;
        list += len;
        if (!*list++)
            return true;
    }
    return false;
}

static void tell(const uint8_t *log, size_t len, uint32_t pcr, const struct measure_banks *like)
{
    struct measure_banks value;
    uint64_t events;
    struct cmc_err err = {0};
    if (measure_fwlog_replay(log, len, pcr, like, &value, &events, &err) < 0) {
        printf("refused %u %s\n", (unsigned)err.code, err.msg);
        return;
    }
    printf("%llu", (unsigned long long)events);
    for (size_t i = 0; i < value.count; i++) {
        char hex[2 * CMC_HASH_MAX + 1];
        cmc_hex(value.bank[i].value, cmc_hash_size(value.bank[i].alg), hex);
        printf(" %s", hex);
    }
    puts("");
}

int main(int argc, char **argv)
{
    static uint8_t log[1 << 20];
    struct measure_banks like = {0};
    if (argc < 2 || argc % 2 || !banks_of(argv[1], &like))
        return 2;
    for (int i = 2; i < argc; i += 2) {
        FILE *f = fopen(argv[i + 1], "rbe");
        if (!f)
            return 1;
        const size_t len = fread(log, 1, sizeof(log), f);
        (void)fclose(f);
        tell(log, len, (uint32_t)strtoul(argv[i], NULL, 10), &like);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
