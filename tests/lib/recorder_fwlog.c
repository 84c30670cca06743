/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_fwlog.c -- TCG PC Client Platform Firmware Profile 1.05, section 10. */
#include "tests/lib/recorder_fwlog.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { EV_NO_ACTION = 3, EV_IPL = 13 };

static void put_le(struct cmc_buf *b, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        cmc_put_u8(b, (uint8_t)(value >> (8 * i)));
}

static void put_spec_id(struct cmc_buf *b, const struct measure_banks *like)
{
    static const char signature[16] = "Spec ID Event03";
    static const uint8_t zeros[20];
    put_le(b, 0, 4);
    put_le(b, EV_NO_ACTION, 4);
    cmc_put(b, zeros, sizeof(zeros));
    put_le(b, (uint32_t)(16 + 4 + 4 + 4 + 4 * like->count + 1), 4);
    cmc_put(b, signature, sizeof(signature));
    put_le(b, 0, 4);          /* platform class */
    put_le(b, 0x02000200, 4); /* minor 0, major 2, errata 0, uintn 8 bytes */
    put_le(b, (uint32_t)like->count, 4);
    for (size_t i = 0; i < like->count; i++) {
        put_le(b, like->bank[i].alg, 2);
        put_le(b, (uint32_t)cmc_hash_size(like->bank[i].alg), 2);
    }
    cmc_put_u8(b, 0); /* vendor information */
}

static void put_event(struct cmc_buf *b, uint32_t pcr, const struct measure_banks *like,
                      uint8_t byte)
{
    static const char text[] = "extension";
    put_le(b, pcr, 4);
    put_le(b, EV_IPL, 4);
    put_le(b, (uint32_t)like->count, 4);
    for (size_t i = 0; i < like->count; i++) {
        put_le(b, like->bank[i].alg, 2);
        for (size_t n = cmc_hash_size(like->bank[i].alg); n; n--)
            cmc_put_u8(b, byte);
    }
    put_le(b, sizeof(text), 4);
    cmc_put(b, text, sizeof(text));
}

void recorder_fwlog_write(const char *path, uint32_t pcr, const struct measure_banks *like,
                          uint8_t byte)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    put_spec_id(&b, like);
    put_event(&b, 7, like, 0x77); /* another register's: of no concern */
    put_event(&b, pcr, like, byte);
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || b.bad || write(fd, b.data, b.len) != (ssize_t)b.len)
        abort();
}
