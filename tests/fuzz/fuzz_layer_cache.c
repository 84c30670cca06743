/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a layer's file; and with a checksum that fits, so that the records are reached. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "tools/cmc_measure_contents_file.h"

enum { LARGEST = 64 << 10, HEAD = CMC_MEASURE_CONTENTS_HEAD, RECORD = CMC_MEASURE_CONTENTS_RECORD };

static void check(bool ok)
{
    if (!ok)
        abort();
}

static int file_of(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    return fd;
}

/* Each record is found by its inode number, and none beside it; they ascend. */
static void look_up(struct cmc_measure_contents_reader *r)
{
    struct cmc_measure_contents_record at, found;
    uint64_t last = 0;
    for (size_t i = 0; i < r->count; i++) {
        check(cmc_measure_contents_file_at(r, i, &at));
        check(at.size > 0 && (i == 0 || at.ino > last));
        check(cmc_measure_contents_file_find(r, at.ino, &found));
        check(memcmp(&at, &found, sizeof(at)) == 0);
        if (i > 0 && last + 1 < at.ino)
            check(!cmc_measure_contents_file_find(r, at.ino - 1, &found));
        last = at.ino;
    }
    check(last == UINT64_MAX || !cmc_measure_contents_file_find(r, last + 1, &found));
}

/* What is accepted is written back byte for byte. */
static void write_back(struct cmc_measure_contents_reader *r, const uint8_t *data, size_t size)
{
    static struct cmc_measure_contents_writer w;
    static uint8_t back[LARGEST];
    struct cmc_measure_contents_record at;
    cmc_autofd int fd = file_of(NULL, 0);
    cmc_measure_contents_file_start(&w, fd, &r->head);
    for (size_t i = 0; i < r->count; i++) {
        check(cmc_measure_contents_file_at(r, i, &at));
        cmc_measure_contents_file_add(&w, &at);
    }
    check(cmc_measure_contents_file_end(&w));
    check(pread(fd, back, sizeof(back), 0) == (ssize_t)size && memcmp(back, data, size) == 0);
}

static void parse(const uint8_t *data, size_t size)
{
    struct cmc_measure_contents_reader *r = NULL;
    struct cmc_err err = {0};
    const int rc = cmc_measure_contents_file_open(file_of(data, size), &r, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0 && (rc == 0) == (r != NULL));
    if (rc < 0)
        return;
    check(size == HEAD + r->count * RECORD + CMC_SHA256_LEN);
    look_up(r);
    write_back(r, data, size);
    cmc_measure_contents_file_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t summed[LARGEST];
    if (size > sizeof(summed))
        return 0;
    parse(data, size);
    if (size < CMC_SHA256_LEN)
        return 0;
    const size_t sum_at = size - CMC_SHA256_LEN;
    memcpy(summed, data, size);
    cmc_sha256(summed, sum_at, &summed[sum_at]);
    parse(summed, size);
    return 0;
}
