/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_listing_digest.c -- each vector of tests/vectors/rootfs is a test. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/listing.h"

enum { CASES_MAX = 200, TEXT_MAX = 1 << 20 };

struct vector {
    char name[256];
    bool accepted;
};

static struct vector vectors[CASES_MAX];
static struct CMUnitTest tests[CASES_MAX + 1];
static size_t count;
static uint8_t text[TEXT_MAX];

static size_t load(const char *folder, const char *name, const char *ending)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/rootfs/%s/%s%s", TEST_VECTORS, folder, name, ending);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    assert_true(n >= 0);
    return (size_t)n;
}

static void run_vector(void **state)
{
    const struct vector *t = *state;
    uint8_t got[CMC_SHA256_LEN], poison[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    struct cmc_err err = {0};
    memset(poison, 0xa5, sizeof(poison));
    memcpy(got, poison, sizeof(got));
    const size_t len = load(t->accepted ? "golden" : "reject", t->name, ".listing");
    const int r = measure_listing_digest(text, len, got, &err);
    if (!t->accepted) {
        assert_int_equal(r, -CMC_E_FORMAT);
        assert_memory_equal(got, poison, sizeof(got));
        return;
    }
    assert_int_equal(r, 0);
    cmc_hex(got, sizeof(got), hex);
    assert_int_equal(load("golden", t->name, ".digest"), strlen(hex) + 1);
    assert_memory_equal(text, hex, strlen(hex));
}

static void add_folder(const char *folder, bool accepted)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/rootfs/%s", TEST_VECTORS, folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char *ending = strstr(e->d_name, ".listing");
        if (!ending || count >= CASES_MAX)
            continue;
        struct vector *t = &vectors[count];
        t->accepted = accepted;
        (void)snprintf(t->name, sizeof(t->name), "%.*s", (int)(ending - e->d_name), e->d_name);
        tests[count++] = (struct CMUnitTest){t->name, run_vector, NULL, NULL, t};
    }
    if (dir)
        (void)closedir(dir);
}

static void vectors_are_there(void **state)
{
    (void)state;
    assert_true(count > 60);
}

int main(void)
{
    add_folder("golden", true);
    add_folder("reject", false);
    tests[count] = (struct CMUnitTest)cmocka_unit_test(vectors_are_there);
    return _cmocka_run_group_tests("measure/listing_digest", tests, count + 1, NULL, NULL);
}
