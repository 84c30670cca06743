/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_untar.c -- any bytes as an archive: members are sound, contents are as long as
 * was said, nothing is read beyond the end, and how much is read at a time makes no difference. */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/tar_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512, INPUT_MAX = 64 * BLOCK };

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_member(const struct measure_untar_member *m)
{
    struct measure_bytes rest = m->records, key, value;
    check(m->type >= '0' && m->type <= '6' && m->mode <= 07777);
    check(m->uid < UINT32_MAX && m->gid < UINT32_MAX);
    check(m->name.p[m->name.len] == 0 && strlen((const char *)m->name.p) == m->name.len);
    check(m->link.p[m->link.len] == 0 && strlen((const char *)m->link.p) == m->link.len);
    check(m->type == '0' || m->size == 0);
    while (rest.len) {
        check(measure_untar_record(&rest, &key, &value));
        check(key.len > 0 && !memchr(key.p, '=', key.len) && !memchr(key.p, 0, key.len));
    }
}

/* SHA-256 over all that is said; reads step bytes of content at a time, none for 0. */
static int digest(const struct cmc_buf *tar, size_t step, uint8_t out[static CMC_SHA256_LEN])
{
    struct tar_bed_source bytes;
    const struct measure_source source = tar_bed_source(&bytes, tar);
    CMC_CLEANUP(measure_untar_done) struct measure_untar t;
    struct measure_untar_member m;
    struct cmc_sha256_ctx hash;
    struct cmc_err err = {0};
    uint8_t part[1024];
    int rc;
    cmc_sha256_init(&hash);
    measure_untar_init(&t, &source);
    while ((rc = measure_untar_next(&t, &m, &err)) > 0) {
        uint64_t all = 0;
        size_t got = 1;
        check_member(&m);
        cmc_sha256_add(&hash, m.name.p, m.name.len + 1);
        cmc_sha256_add(&hash, m.link.p, m.link.len + 1);
        cmc_sha256_add(&hash, &m.size, sizeof(m.size));
        while (step && got > 0 && measure_untar_read(&t, part, step, &got, &err) == 0)
            all += got;
        check(!step || got > 0 || all == m.size);
    }
    check(rc == 0 || rc == -(int)err.code);
    check(t.at <= tar->len && bytes.bytes.left == tar->len - t.at);
    cmc_sha256_end(&hash, out);
    return rc;
}

/* Headers get checksums, or almost none would be looked at: each block whose first byte is not 0
 * and whose byte at 148 is 1. */
static void seal(struct cmc_buf *tar)
{
    for (size_t at = 0; at + BLOCK <= tar->len; at += BLOCK)
        if (tar->data[at + 148] == 1) {
            cmc_autobuf struct cmc_buf sealed = cmc_buf_of(BLOCK);
            tar_bed_block(&sealed, tar->data + at);
            memcpy(tar->data + at, sealed.data, BLOCK);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(INPUT_MAX);
    uint8_t none[CMC_SHA256_LEN], small[CMC_SHA256_LEN], large[CMC_SHA256_LEN];
    cmc_put(&tar, data, size < INPUT_MAX ? size : INPUT_MAX);
    if (!tar.data)
        return 0;
    seal(&tar);
    const int rc = digest(&tar, 0, none);
    check(digest(&tar, 7, small) == rc && digest(&tar, 1024, large) == rc);
    check(memcmp(small, large, sizeof(small)) == 0);
    check(rc < 0 || memcmp(none, small, sizeof(small)) == 0);
    return 0;
}
