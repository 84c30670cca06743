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
/* Untrusted text for a log line or a terminal: bytes outside 0x20..0x7e, and the backslash,
 * become \xNN; well-formed UTF-8 above U+009F stays. Cut after max input bytes, with "...". */
void cmc_put_safe(struct cmc_buf *b, const void *text, size_t len, size_t max);
#endif
