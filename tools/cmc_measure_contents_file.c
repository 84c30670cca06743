/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents_file.c -- records are found by the kernel's copy of the file: of each
 * block of them only the first inode number is kept here. */
#include "tools/cmc_measure_contents_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

enum {
    HEAD = CMC_MEASURE_CONTENTS_HEAD,
    RECORD = CMC_MEASURE_CONTENTS_RECORD,
    BLOCK = CMC_MEASURE_CONTENTS_BLOCK,
    BUFFER = CMC_MEASURE_CONTENTS_BUFFER
};

static const char magic[16] = "cmc-layer-1\n";

static uint64_t get_be64(const uint8_t *p)
{
    struct cmc_reader r = cmc_reader_of(p, 8);
    return cmc_read_be64(&r);
}

static uint8_t *put_be64(uint8_t *p, uint64_t v)
{
    for (size_t i = 8; i-- > 0;)
        *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

static bool read_at(int fd, void *to, size_t len, size_t at)
{
    for (size_t have = 0; have < len;) {
        const ssize_t n = pread(fd, (uint8_t *)to + have, len - have, (off_t)(at + have));
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        have += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Of one record at least. */
static size_t blocks_of(size_t count)
{
    return 1 + (count - 1) / BLOCK;
}

static bool load(struct cmc_measure_contents_reader *r, size_t block)
{
    const size_t first = block * BLOCK, rest = r->count - first;
    if (r->block == block)
        return true;
    r->block = SIZE_MAX;
    if (!read_at(r->fd, r->data, (rest < BLOCK ? rest : BLOCK) * RECORD, HEAD + first * RECORD))
        return false;
    r->block = block;
    return true;
}

static struct cmc_measure_contents_record record_of(const uint8_t *p)
{
    struct cmc_measure_contents_record v = {get_be64(p), get_be64(p + 8), get_be64(p + 16), {0}};
    memcpy(v.digest, p + 24, sizeof(v.digest));
    return v;
}

bool cmc_measure_contents_file_at(struct cmc_measure_contents_reader *r, size_t i,
                                  struct cmc_measure_contents_record *out)
{
    if (!load(r, i / BLOCK))
        return false;
    *out = record_of(r->data + i % BLOCK * RECORD);
    return true;
}

bool cmc_measure_contents_file_find(struct cmc_measure_contents_reader *r, uint64_t ino,
                                    struct cmc_measure_contents_record *out)
{
    size_t block = 0, end = blocks_of(r->count); /* of the blocks, the last that begins by ino */
    while (end - block > 1) {
        const size_t middle = block + (end - block) / 2;
        *(r->first[middle] <= ino ? &block : &end) = middle;
    }
    if (!load(r, block))
        return false;
    size_t i = 0, n = r->count - block * BLOCK; /* in it, the first that is not below ino */
    for (n = n < BLOCK ? n : BLOCK; n > 0;) {
        const size_t half = n / 2;
        const bool below = get_be64(r->data + (i + half) * RECORD) < ino;
        i += below ? half + 1 : 0;
        n = below ? n - half - 1 : half;
    }
    if (i == BLOCK || block * BLOCK + i == r->count || get_be64(r->data + i * RECORD) != ino)
        return false;
    *out = record_of(r->data + i * RECORD);
    return true;
}

static int read_head(struct cmc_measure_contents_reader *r, struct cmc_sha256_ctx *hash,
                     struct cmc_err *err)
{
    uint8_t head[HEAD];
    if (!read_at(r->fd, head, HEAD, 0))
        return cmc_fail(err, CMC_E_SYS, "read");
    if (memcmp(head, magic, sizeof(magic)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "not of this version");
    memcpy(r->head.boot, head + 16, sizeof(r->head.boot));
    memcpy(r->head.layer, head + 32, sizeof(r->head.layer));
    r->head.lead_ns = (int64_t)get_be64(head + 64);
    cmc_sha256_add(hash, head, HEAD);
    return 0;
}

static bool hash_block(struct cmc_measure_contents_reader *r, size_t block,
                       struct cmc_sha256_ctx *hash)
{
    const size_t rest = r->count - block * BLOCK;
    if (!load(r, block))
        return false;
    cmc_sha256_add(hash, r->data, (rest < BLOCK ? rest : BLOCK) * RECORD);
    return true;
}

/* Goes through all records once: they ascend, and are of files that are not empty. */
static int read_records(struct cmc_measure_contents_reader *r, struct cmc_sha256_ctx *hash,
                        struct cmc_err *err)
{
    uint64_t last = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (i % BLOCK == 0 && !hash_block(r, i / BLOCK, hash))
            return cmc_fail(err, CMC_E_SYS, "read");
        const uint8_t *p = r->data + i % BLOCK * RECORD;
        const uint64_t ino = get_be64(p);
        if ((i > 0 && ino <= last) || get_be64(p + 8) == 0)
            return cmc_fail(err, CMC_E_FORMAT, "record %zu cannot be", i);
        if (i % BLOCK == 0)
            r->first[i / BLOCK] = ino;
        last = ino;
    }
    return 0;
}

static int read_all(struct cmc_measure_contents_reader *r, struct cmc_err *err)
{
    struct cmc_sha256_ctx hash;
    uint8_t want[CMC_SHA256_LEN], got[CMC_SHA256_LEN];
    cmc_sha256_init(&hash);
    if (read_head(r, &hash, err) < 0 || read_records(r, &hash, err) < 0)
        return -(int)err->code;
    cmc_sha256_end(&hash, got);
    if (!read_at(r->fd, want, sizeof(want), HEAD + r->count * RECORD))
        return cmc_fail(err, CMC_E_SYS, "read");
    if (memcmp(want, got, sizeof(want)) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "damaged");
    return 0;
}

/* As many records as the length says. */
static int measure_length(int fd, size_t *count, struct cmc_err *err)
{
    enum { AROUND = HEAD + CMC_SHA256_LEN };
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat");
    const int64_t records = ((int64_t)st.st_size - AROUND) / RECORD;
    if (st.st_size < AROUND || (st.st_size - AROUND) % RECORD != 0 || records < 1 ||
        records > CMC_MEASURE_CONTENTS_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "%lld bytes", (long long)st.st_size);
    *count = (size_t)records;
    return 0;
}

int cmc_measure_contents_file_open(int fd, struct cmc_measure_contents_reader **out,
                                   struct cmc_err *err)
{
    cmc_autofd int file = fd;
    size_t count = 0;
    if (measure_length(file, &count, err) < 0)
        return -(int)err->code;
    struct cmc_measure_contents_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu records", count);
    r->fd = cmc_take_fd(&file);
    r->count = count;
    r->block = SIZE_MAX;
    r->first = calloc(blocks_of(count), sizeof(*r->first));
    if ((r->first ? read_all(r, err)
                  : cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu records", count)) < 0) {
        cmc_measure_contents_file_close(r);
        return -(int)err->code;
    }
    *out = r;
    return 0;
}

void cmc_measure_contents_file_close(struct cmc_measure_contents_reader *r)
{
    if (!r)
        return;
    cmc_closep(&r->fd);
    free(r->first);
    free(r);
}

static void flush(struct cmc_measure_contents_writer *w)
{
    size_t at = 0;
    while (at < w->used && !w->bad) {
        const ssize_t n = write(w->fd, w->data + at, w->used - at);
        w->bad = n < 0 && errno != EINTR;
        at += n > 0 ? (size_t)n : 0;
    }
    w->used = 0;
}

static void put(struct cmc_measure_contents_writer *w, const void *data, size_t len)
{
    if (w->used + len > sizeof(w->data))
        flush(w);
    memcpy(w->data + w->used, data, len);
    w->used += len;
}

void cmc_measure_contents_file_start(struct cmc_measure_contents_writer *w, int fd,
                                     const struct cmc_measure_contents_head *head)
{
    uint8_t data[HEAD];
    memcpy(data, magic, sizeof(magic));
    memcpy(data + 16, head->boot, sizeof(head->boot));
    memcpy(data + 32, head->layer, sizeof(head->layer));
    (void)put_be64(data + 64, (uint64_t)head->lead_ns);
    w->fd = fd;
    w->bad = false;
    w->count = w->used = 0;
    cmc_sha256_init(&w->hash);
    cmc_sha256_add(&w->hash, data, sizeof(data));
    put(w, data, sizeof(data));
}

void cmc_measure_contents_file_add(struct cmc_measure_contents_writer *w,
                                   const struct cmc_measure_contents_record *r)
{
    uint8_t data[RECORD];
    if (w->count == CMC_MEASURE_CONTENTS_MAX)
        return;
    memcpy(put_be64(put_be64(put_be64(data, r->ino), r->size), r->changed), r->digest,
           sizeof(r->digest));
    cmc_sha256_add(&w->hash, data, sizeof(data));
    put(w, data, sizeof(data));
    w->count++;
}

bool cmc_measure_contents_file_end(struct cmc_measure_contents_writer *w)
{
    uint8_t sum[CMC_SHA256_LEN];
    cmc_sha256_end(&w->hash, sum);
    put(w, sum, sizeof(sum));
    flush(w);
    return !w->bad;
}
