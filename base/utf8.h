/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.h -- what well-formed UTF-8 is, said once. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* Bytes (1..4) of the well-formed character at p, of which left bytes may be read; 0: none there.
 * Refuses overlong forms, surrogates and what lies above U+10FFFF (Unicode 15, table 3-7). */
size_t cmc_utf8_len(const uint8_t *p, size_t left);
/* Writes code point cp (no surrogate, at most U+10FFFF) to out; returns its bytes (1..4). */
size_t cmc_utf8_put(uint32_t cp, char out[static 4]);
/* The UTF-16 code unit of the JSON escape \uXXXX at p (RFC 8259 section 7), of which left bytes may
 * be read; -1: none there. */
int32_t cmc_utf8_escape(const uint8_t *p, size_t left);
#endif
