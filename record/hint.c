/* SPDX-License-Identifier: Apache-2.0 */
/* record/hint.c -- the file "hint": a checksummed summary of the log as it stood. */
#include "record/hint.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/dir.h"

enum { HINT_MAX = 1024, HINT_MODE = 0600 };
static const char hint_magic[] = "cmc-hint 1";

static void put_hint(struct cmc_buf *b, uint64_t size, const struct record_state *s)
{
    cmc_put(b, hint_magic, sizeof(hint_magic));
    cmc_put_be64(b, size);
    cmc_put_be64(b, s->log.next_seq);
    cmc_put_be32(b, s->log.pcr);
    cmc_put_be32(b, (uint32_t)s->log.profile);
    cmc_put_be32(b, s->log.reset_count);
    cmc_put(b, s->log.boot_id, sizeof(s->log.boot_id));
    cmc_put_u8(b, (uint8_t)s->log.last.count);
    for (size_t i = 0; i < s->log.last.count; i++) {
        cmc_put_be16(b, s->log.last.bank[i].alg);
        cmc_put(b, s->log.last.bank[i].value, cmc_hash_size(s->log.last.bank[i].alg));
    }
    uint8_t sum[CMC_SHA256_LEN];
    cmc_sha256(b->data, b->len, sum);
    cmc_put(b, sum, sizeof(sum));
}

void record_hint_put(int dirfd, uint64_t size, const struct record_state *s)
{
    struct cmc_err ignored;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(HINT_MAX);
    cmc_autofd int fd = record_dir_file(dirfd, "hint", O_WRONLY | O_CREAT, HINT_MODE, &ignored);
    if (fd < 0)
        return;
    put_hint(&b, size, s);
    if (b.bad || pwrite(fd, b.data, b.len, 0) != (ssize_t)b.len)
        (void)!ftruncate(fd, 0);
}

bool record_hint_get(int dirfd, uint64_t size, struct record_state *out)
{
    struct cmc_err ignored;
    uint8_t data[HINT_MAX], sum[CMC_SHA256_LEN];
    struct record_state s = {.has_start = true};
    cmc_autofd int fd = record_dir_file(dirfd, "hint", O_RDONLY, HINT_MODE, &ignored);
    ssize_t n = fd < 0 ? -1 : pread(fd, data, sizeof(data), 0);
    if (n < (ssize_t)(sizeof(hint_magic) + sizeof(sum)))
        return false;
    struct cmc_reader r = cmc_reader_of(data, (size_t)n);
    const uint8_t *magic = cmc_read_bytes(&r, sizeof(hint_magic));
    const uint64_t at = cmc_read_be64(&r);
    s.log.next_seq = cmc_read_be64(&r);
    s.log.pcr = cmc_read_be32(&r);
    s.log.profile = (enum measure_profile)cmc_read_be32(&r);
    s.log.reset_count = cmc_read_be32(&r);
    const uint8_t *boot = cmc_read_bytes(&r, sizeof(s.log.boot_id));
    s.log.last.count = cmc_read_u8(&r);
    if (r.bad || memcmp(magic, hint_magic, sizeof(hint_magic)) != 0 || at != size ||
        s.log.last.count > MEASURE_BANKS_MAX)
        return false;
    memcpy(s.log.boot_id, boot, sizeof(s.log.boot_id));
    for (size_t i = 0; i < s.log.last.count; i++) {
        struct measure_bank *bank = &s.log.last.bank[i];
        bank->alg = cmc_read_be16(&r);
        const uint8_t *value = cmc_read_bytes(&r, cmc_hash_size(bank->alg));
        if (value)
            memcpy(bank->value, value, cmc_hash_size(bank->alg));
    }
    cmc_sha256(data, (size_t)n - r.left, sum);
    const uint8_t *stored = cmc_read_bytes(&r, sizeof(sum));
    if (r.bad || memcmp(stored, sum, sizeof(sum)) != 0)
        return false;
    *out = s;
    return true;
}
