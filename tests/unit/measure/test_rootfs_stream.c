/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_stream.c -- a stream has one digest, whoever hashes it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_stream.h"
#include "tests/lib/rows.h"

static int started;
static bool refuse;
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    started++;
    return refuse ? EAGAIN : __real_pthread_create(t, a, f, arg);
}

static const size_t sizes[] = {0,       1,       262143,  262144,        262145,  1048575,
                               1048576, 1048577, 2 << 20, (2 << 20) + 1, 9 << 20, (9 << 20) + 7};

static void digest(const uint8_t *data, size_t len, size_t step, unsigned threads,
                   uint8_t out[static CMC_SHA256_LEN])
{
    struct measure_stream *s = NULL;
    struct cmc_err err = {0};
    assert_int_equal(measure_stream_new(threads, &s, &err), 0);
    for (size_t at = 0; at < len; at += step)
        measure_stream_add(s, data + at, len - at < step ? len - at : step);
    measure_stream_end(s, out);
    measure_stream_free(s);
}

static void every_length(void **state)
{
    static const size_t steps[] = {777, 65536, 262144, 5 << 20};
    const unsigned threads = *(const unsigned *)*state;
    uint8_t *data = malloc(10 << 20);
    assert_non_null(data);
    for (size_t i = 0; i < 10 << 20; i++)
        data[i] = (uint8_t)(i * 2654435761U >> 13);
    for (size_t i = 0; i < ROWS(sizes); i++)
        for (size_t k = 0; k < ROWS(steps); k++) {
            uint8_t want[CMC_SHA256_LEN], got[CMC_SHA256_LEN];
            started = 0;
            cmc_sha256(data, sizes[i], want);
            digest(data, sizes[i], steps[k], threads, got);
            assert_memory_equal(got, want, sizeof(want));
            assert_int_equal(started, threads != 1 && sizes[i] >= 1 << 20);
        }
    free(data);
}

static void without_a_thread(void **state)
{
    refuse = true;
    every_length(state);
    refuse = false;
}

static void given_up(void **state)
{
    (void)state;
    static uint8_t data[1 << 20];
    struct cmc_err err = {0};
    for (size_t n = 0; n < 12; n++) {
        struct measure_stream *s = NULL;
        assert_int_equal(measure_stream_new(0, &s, &err), 0);
        for (size_t i = 0; i < n; i++)
            measure_stream_add(s, data, sizeof(data));
        measure_stream_free(s);
    }
    measure_stream_free(NULL);
}

int main(void)
{
    static unsigned automatic = 0, one = 1, many = 8;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_length, &automatic),
        cmocka_unit_test_prestate(every_length, &one),
        cmocka_unit_test_prestate(every_length, &many),
        cmocka_unit_test_prestate(without_a_thread, &many),
        cmocka_unit_test(given_up),
    };
    return cmocka_run_group_tests_name("measure/rootfs_stream", tests, NULL, NULL);
}
