/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h -- bounded reading and writing of bytes: a fault sticks, and is asked for once. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/* A read cursor over borrowed bytes. A read past the end yields zeros (or NULL) and sets bad;
 * later reads change nothing. Ask bad once, after the last read. */
struct cmc_reader {
    const uint8_t *p;
    size_t left; /* bytes */
    bool bad;
};

struct cmc_reader cmc_reader_of(const void *data, size_t len);
uint8_t cmc_read_u8(struct cmc_reader *r);
uint16_t cmc_read_be16(struct cmc_reader *r);
uint32_t cmc_read_be32(struct cmc_reader *r);
uint64_t cmc_read_be64(struct cmc_reader *r);
/* n bytes, borrowed from the input, or NULL. */
const uint8_t *cmc_read_bytes(struct cmc_reader *r, size_t n);

/* A growing output of at most max bytes. Out of memory or over max sets bad, keeps what is
 * there, and later writes change nothing. Ask cmc_buf_check() once, after the last write. */
struct cmc_buf {
    uint8_t *data; /* owned; free with cmc_buf_done() */
    size_t len, cap, max;
    bool bad;
};

struct cmc_buf cmc_buf_of(size_t max);
void cmc_buf_done(struct cmc_buf *b);
void cmc_put(struct cmc_buf *b, const void *data, size_t len);
void cmc_put_text(struct cmc_buf *b, const char *text);
void cmc_put_u8(struct cmc_buf *b, uint8_t v);
void cmc_put_be16(struct cmc_buf *b, uint16_t v);
void cmc_put_be32(struct cmc_buf *b, uint32_t v);
void cmc_put_be64(struct cmc_buf *b, uint64_t v);
void cmc_put_fmt(struct cmc_buf *b, const char *fmt, ...) CMC_PRINTF(2, 3);
/* 0, or -CMC_E_LIMIT naming what was being written. */
CMC_MUST_CHECK int cmc_buf_check(const struct cmc_buf *b, const char *what, struct cmc_err *err);

/* Appends all that fd (borrowed) still holds. what: for texts.
 * Errors: -CMC_E_SYS (read), -CMC_E_LIMIT (more than fits); b may hold a part then. */
CMC_MUST_CHECK int cmc_buf_read(struct cmc_buf *b, int fd, const char *what, struct cmc_err *err);

#define cmc_autobuf CMC_CLEANUP(cmc_buf_done)
#endif
