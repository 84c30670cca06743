/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/claims.h -- grows the tree of claims that a result is made of: one arena, texts
 * that are safe for terminals, and a fault (out of memory) that sticks and is asked for once. */
#ifndef ATTEST_VERIFY_CLAIMS_H
#define ATTEST_VERIFY_CLAIMS_H
#include "attest/verify/verify.h"

enum {
    VERIFY_TEXT_MAX = 4096,           /* bytes of one text; longer ones are cut, with "..." */
    VERIFY_TREE_BYTES_MAX = 256 << 20 /* all texts, claims and arrays of one result */
};

struct verify_tree; /* owns every claim, text and array that it gave out */

/* NULL: out of memory. */
struct verify_tree *verify_tree_new(void);
void verify_tree_free(struct verify_tree *t);
CMC_DEFINE_CLEANUP(verify_tree_freep, struct verify_tree *, verify_tree_free)
/* 0, or -CMC_E_LIMIT when anything below did not fit. Ask once, at the end. */
CMC_MUST_CHECK int verify_tree_check(const struct verify_tree *t, struct cmc_err *err);

/* Zeroed memory for count things of size bytes that lives as long as the tree; NULL when it does
 * not fit (that sticks). */
void *verify_tree_alloc(struct verify_tree *t, size_t count, size_t size);
/* Texts: what is no printable character becomes \xNN, so callers need not clean anything. Never
 * NULL, save that text NULL gives NULL. No text may hold the value of a secret. */
const char *verify_tree_text(struct verify_tree *t, const char *text);
const char *verify_tree_fmt(struct verify_tree *t, const char *fmt, ...) CMC_PRINTF(2, 3);
/* Lower-case hexadecimal. */
const char *verify_tree_hex(struct verify_tree *t, const void *data, size_t len);

/* Adds a claim as the last below parent; parent NULL: at the top. id: a literal, which
 * docs/formats/result.md lists. Never NULL (a claim that did not fit goes nowhere). */
struct verify_claim *verify_claim_add(struct verify_tree *t, struct verify_claim *parent,
                                      enum verify_status status, const char *id, const char *fmt,
                                      ...) CMC_PRINTF(5, 6);
/* What a call says: result 0 adds a claim that holds, with the text of fmt; -CMC_E_VERIFY,
 * -CMC_E_FORMAT and -CMC_E_LIMIT one that is refused, others one that could not be checked, both
 * with the words of err behind the text. Returns the status. */
enum verify_status verify_claim_result(struct verify_tree *t, struct verify_claim *parent,
                                       const char *id, int result, const struct cmc_err *err,
                                       const char *fmt, ...) CMC_PRINTF(6, 7);
/* The first claim at the top. */
const struct verify_claim *verify_claim_top(const struct verify_tree *t);
/* The worst of those directly below c: bad, else unchecked, else good; notes count for nothing.
 * Without any: unchecked (nothing was shown). */
enum verify_status verify_claim_worst(const struct verify_claim *c);
/* The first claim with this status in c, what is below it and its siblings, deepest first: the
 * one that decides. NULL: none. */
const struct verify_claim *verify_claim_first(const struct verify_claim *c,
                                              enum verify_status status);
#endif
