/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/tar_bed.c -- ustar headers with a checksum, and records before them. */
#include "tests/lib/tar_bed.h"

#include <stdio.h>
#include <string.h>

static const uint8_t zeros[1024];

void tar_bed_block(struct cmc_buf *out, uint8_t block[static 512])
{
    char text[16];
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += block[i];
    (void)snprintf(text, sizeof(text), "%06o", sum);
    memcpy(block + 148, text, 7);
    cmc_put(out, block, 512);
}

static void put_header(struct cmc_buf *out, const struct tar_bed_member *m, size_t size)
{
    static const char magic[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
    char block[513] = "";
    (void)snprintf(block, 101, "%s", m->name);
    (void)snprintf(block + 100, 8, "%07o", (m->mode ? m->mode : 0644) & 07777777);
    (void)snprintf(block + 108, 8, "%07o", m->uid & 07777777);
    (void)snprintf(block + 116, 8, "%07o", m->gid & 07777777);
    (void)snprintf(block + 124, 12, "%011zo", size);
    block[156] = m->type;
    (void)snprintf(block + 157, 100, "%s", m->link ? m->link : "");
    memcpy(block + 257, magic, sizeof(magic));
    (void)snprintf(block + 329, 8, "%07o", m->major & 07777777);
    (void)snprintf(block + 337, 8, "%07o", m->minor & 07777777);
    tar_bed_block(out, (uint8_t *)block);
}

static void put_content(struct cmc_buf *out, const void *data, size_t len)
{
    cmc_put(out, data, len);
    cmc_put(out, zeros, (size_t)(-len % 512));
}

void tar_bed_put(struct cmc_buf *out, const struct tar_bed_member *m)
{
    const size_t size = m->content && !m->size ? strlen(m->content) : m->size;
    if (m->attribute) {
        cmc_autobuf struct cmc_buf record = cmc_buf_of(1 << 20);
        const size_t rest =
            strlen(m->attribute) + m->value_len + 16; /* " SCHILY.xattr.", "=", LF */
        size_t all = rest + 1;
        for (size_t ten = 10; all >= ten; ten *= 10)
            all++;
        cmc_put_fmt(&record, "%zu SCHILY.xattr.%s=", all, m->attribute);
        cmc_put(&record, m->value, m->value_len);
        cmc_put_u8(&record, '\n');
        put_header(out, &(struct tar_bed_member){.name = "pax", .type = 'x'}, record.len);
        put_content(out, record.data, record.len);
    }
    put_header(out, m, size);
    if (m->content)
        put_content(out, m->content, size);
}

void tar_bed_end(struct cmc_buf *out)
{
    cmc_put(out, zeros, sizeof(zeros));
}

static int give(void *from, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    struct tar_bed_source *s = from;
    (void)err;
    *got = want < s->bytes.left ? want : s->bytes.left;
    if (*got)
        memcpy(to, cmc_read_bytes(&s->bytes, *got), *got);
    return 0;
}

struct measure_source tar_bed_source(struct tar_bed_source *s, const struct cmc_buf *tar)
{
    s->bytes = cmc_reader_of(tar->data, tar->len);
    return (struct measure_source){.from = s, .read = give};
}
