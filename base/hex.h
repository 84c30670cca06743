/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.h -- bytes as text: hexadecimal, base64, and untrusted text made safe to show. */
#ifndef BASE_HEX_H
#define BASE_HEX_H
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Lower-case hexadecimal. out: 2 * len + 1 bytes, NUL-terminated. */
void cmc_hex(const uint8_t *data, size_t len, char *out);
void cmc_put_hex(struct cmc_buf *b, const uint8_t *data, size_t len);
/* Decodes exactly len bytes from 2 * len digits (either case).
 * Errors: -CMC_E_FORMAT (length or digit); out untouched. */
CMC_MUST_CHECK int cmc_unhex(const char *text, size_t text_len, uint8_t *out, size_t len,
                             struct cmc_err *err);
/* Standard base64 with padding (RFC 4648 section 4). */
void cmc_put_base64(struct cmc_buf *b, const uint8_t *data, size_t len);
/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2). */
void cmc_put_base64url(struct cmc_buf *b, const uint8_t *data, size_t len);
enum cmc_base64 { CMC_BASE64, CMC_BASE64URL }; /* with padding; base64url without */
/* Bytes that a text of text_len digits decodes to at most: room for cmc_unbase64(). */
static inline size_t cmc_unbase64_max(size_t text_len)
{
    return text_len / 4 * 3 + 2;
}
/* Decodes what one of the two writers above writes, and nothing else: no white space, no bits set
 * that belong to no byte. *out_len: bytes written to out.
 * Errors: -CMC_E_FORMAT; *out_len untouched. */
CMC_MUST_CHECK int cmc_unbase64(const char *text, size_t text_len, enum cmc_base64 form,
                                uint8_t *out, size_t *out_len, struct cmc_err *err);
/* Untrusted text for a log line or a terminal: bytes outside 0x20..0x7e, and the backslash,
 * become \xNN; well-formed UTF-8 above U+009F stays. Cut after max input bytes, with "...". */
void cmc_put_safe(struct cmc_buf *b, const void *text, size_t len, size_t max);
#endif
