/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_signing_tool.h -- the parts of cmc-signing-tool. */
#ifndef TOOLS_CMC_SIGNING_TOOL_H
#define TOOLS_CMC_SIGNING_TOOL_H
#include <stdbool.h>

#include "attest/meta/sign.h"
#include "base/options.h"

enum { /* exit status */
       SIGNING_TOOL_DONE = 0,
       SIGNING_TOOL_REFUSED = 1,
       SIGNING_TOOL_USAGE = 2,
       SIGNING_TOOL_FAULT = 3
};

struct signing_tool_options {
    const char *in, *out;           /* files; "-": standard input and output */
    const char *keys, *x5cs, *algs; /* lists as they were given */
    const char *format_name;
    enum meta_encoding format; /* 0: as the payload */
    bool verify, any_usage;
    struct cmc_opt_list ca, crl;                    /* verify: files */
    struct meta_signer signer[META_SIGNATURES_MAX]; /* keys, x5cs and algs, split */
    size_t signers;
    const char *chain[META_SIGNATURES_MAX * META_CERTS_MAX]; /* what signer points to */
    char *words; /* owned: what chain and signer point to */
};

/* Parses argv into o; free with signing_tool_options_done(). Returns as cmc_options_parse(). */
CMC_MUST_CHECK int signing_tool_options(int argc, char **argv, struct signing_tool_options *o,
                                        struct cmc_err *err);
void signing_tool_options_done(struct signing_tool_options *o);

/* Signs or verifies at a time. out: receives what is to be written; note: is given lines for
 * people. Errors: those of meta_sign(), meta_verify() and meta_item_decode(). */
CMC_MUST_CHECK int signing_tool_run(const struct signing_tool_options *o, int64_t now,
                                    void (*note)(const char *line), struct cmc_buf *out,
                                    struct cmc_err *err);
#endif
