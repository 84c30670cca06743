/* SPDX-License-Identifier: Apache-2.0 */
/* tests/bench/sha256.c -- how fast each engine of base/sha256_many.h is, beside OpenSSL's EVP.
 * Engines and EVP take turns, so that what else the machine does meets all of them; times are the
 * thread's CPU time. Usage: bench_sha256 [ROUNDS] */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/sha256_many.h"
#include "tests/lib/rows.h"

enum { BYTES = 16 << 20, LEN_MIN = 256, MESSAGES_MAX = BYTES / LEN_MIN, ROUNDS_MAX = 1000 };

static uint8_t data[BYTES];
static const uint8_t *msg[MESSAGES_MAX];
static uint8_t digest[MESSAGES_MAX][32];

static const struct work {
    const char *name;
    size_t len, at_once;
    size_t streams; /* 0: messages; else that many long ones, len bytes of each a call */
} works[] = {
    {"4096 bytes", 4096, BYTES / 4096, 0},
    {"4096 bytes, 5 a call", 4096, 5, 0},
    {"256 bytes", 256, BYTES / 256, 0},
    {"1 stream", 32768, 0, 1},
    {"2 streams", 32768, 0, 2},
    {"4 streams", 32768, 0, 4},
    {"8 streams", 32768, 0, 8},
    {"16 streams", 32768, 0, 16},
};

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* MB/s */
static double speed_of_evp(void)
{
    unsigned len;
    double begin = seconds();
    if (EVP_Digest(data, BYTES, digest[0], &len, EVP_sha256(), NULL) != 1)
        abort();
    return BYTES / (seconds() - begin) / 1e6;
}

static double speed_of_streams(const struct work *w)
{
    struct cmc_sha256_stream each[CMC_SHA256_LANES_MAX], *s[CMC_SHA256_LANES_MAX];
    const uint8_t *from[CMC_SHA256_LANES_MAX];
    const size_t share = BYTES / w->streams;
    for (size_t i = 0; i < w->streams; i++) {
        cmc_sha256_stream_init(&each[i]);
        s[i] = &each[i];
    }
    double begin = seconds();
    for (size_t at = 0; at < share; at += w->len) {
        for (size_t i = 0; i < w->streams; i++)
            from[i] = data + i * share + at;
        cmc_sha256_streams_add(s, from, w->len / 64, w->streams);
    }
    return BYTES / (seconds() - begin) / 1e6;
}

static double speed_of(const struct work *w)
{
    if (w->streams)
        return speed_of_streams(w);
    size_t n = BYTES / w->len;
    for (size_t i = 0; i < n; i++)
        msg[i] = data + i * w->len;
    double begin = seconds();
    for (size_t i = 0; i < n; i += w->at_once)
        cmc_sha256_many(msg + i, w->len, n - i < w->at_once ? n - i : w->at_once, digest + i);
    return BYTES / (seconds() - begin) / 1e6;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_row(const char *engine, const char *work, double speed[], double ratio[], int n)
{
    qsort(speed, (size_t)n, sizeof(*speed), by_value);
    qsort(ratio, (size_t)n, sizeof(*ratio), by_value);
    (void)printf("| %s | %s | %.0f (%.0f-%.0f) | %.2f (%.2f-%.2f) |\n", engine, work, speed[n / 2],
                 speed[0], speed[n - 1], ratio[n / 2], ratio[0], ratio[n - 1]);
}

static void measure(enum cmc_sha256_engine engine, const struct work *w, int rounds)
{
    static double speed[ROUNDS_MAX], ratio[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        double evp = speed_of_evp();
        speed[i] = speed_of(w);
        ratio[i] = speed[i] / evp;
    }
    print_row(cmc_sha256_engine_name(engine), w->name, speed, ratio, rounds);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 15;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "bench_sha256: ROUNDS must be 1..%d\n", ROUNDS_MAX);
        return 2;
    }
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 2654435761U >> 13);
    (void)speed_of_evp(); /* the library's start is not its speed */
    (void)printf(
        "Chosen here: %s\n\n| engine | messages | MB/s (range) | EVP, one stream = 1 (range) |\n"
        "|---|---|---|---|\n",
        cmc_sha256_engine_name(cmc_sha256_used()));
    for (unsigned e = 0; e < CMC_SHA256_ENGINES; e++)
        for (size_t i = 0; cmc_sha256_use(e) && i < ROWS(works); i++)
            measure(e, &works[i], (int)rounds);
    return fflush(stdout) ? 1 : 0;
}
