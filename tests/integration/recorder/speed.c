/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/recorder/speed.c -- how long one recording takes on swtpm, and that a long log
 * does not make it longer. speed DIR [EVENTS]: prints medians; the budget is judged by who reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/recorder/world.h"

enum { SAMPLES = 200 };

static long now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000L + ts.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
    const long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

/* As the helper does: open, one event, close. */
static long record_one(const struct world *w, uint32_t *tpm_us)
{
    struct cmc_err err = {0};
    struct record_receipt receipt;
    struct measure_event ev = world_event("e1");
    const long begin = now_us();
    struct record *r = world_open(w);
    if (record_event(r, &ev, &receipt, &err) < 0)
        die("%s", err.msg);
    record_close(r);
    *tpm_us = receipt.tpm_us;
    return now_us() - begin;
}

static long sample(const struct world *w, const char *what, bool with_hint)
{
    long us[SAMPLES], tpm[SAMPLES];
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/hint", w->runtime);
    for (size_t i = 0; i < SAMPLES; i++) {
        uint32_t t = 0;
        if (!with_hint)
            (void)unlink(path);
        us[i] = record_one(w, &t);
        tpm[i] = t;
    }
    qsort(us, SAMPLES, sizeof(us[0]), by_size);
    qsort(tpm, SAMPLES, sizeof(tpm[0]), by_size);
    printf("%-32s p50 %ld us, p99 %ld us, of it TPM %ld us\n", what, us[SAMPLES / 2],
           us[SAMPLES * 99 / 100], tpm[SAMPLES / 2]);
    return us[SAMPLES / 2];
}

int main(int argc, char **argv)
{
    const unsigned events = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
    struct world w;
    if (argc < 2)
        die("usage: speed DIR [EVENTS]");
    world_init(&w, argv[1], "sha256");
    const long small = sample(&w, "small log", true);
    struct record *r = world_open(&w);
    for (unsigned i = 0; i < events; i++) {
        struct cmc_err err = {0};
        struct record_receipt receipt;
        struct measure_event ev = world_event("e2");
        if (record_event(r, &ev, &receipt, &err) < 0)
            die("%s", err.msg);
    }
    record_close(r);
    char what[64];
    (void)snprintf(what, sizeof(what), "%u events", events);
    const long large = sample(&w, what, true);
    (void)snprintf(what, sizeof(what), "%u events, replayed", events);
    (void)sample(&w, what, false);
    world_done(&w);
    return large > 4 * small + 1000 ? EXIT_FAILURE : EXIT_SUCCESS;
}
