/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_signing_tool_options.c -- parsing fills a struct and does nothing else. */
#include <stdlib.h>
#include <string.h>

#include "tools/cmc_signing_tool.h"

static const char about[] =
    "Signs metadata (manifests, image descriptions) as a JWS in JSON or as COSE_Sign in CBOR,\n"
    "or verifies what was signed. What is signed is read as metadata first, and verified\n"
    "before it is written; the output appears as a whole or not at all.";
static const char after[] =
    "A chain in -x5cs is a list of PEM files, the signer's certificate first; chains are\n"
    "separated by colons, one for each key. FILE may be - for standard input or output.\n\n"
    "Exit status: 0 done, 1 refused (key and certificate do not belong together, expired;\n"
    "with -verify: it does not hold), 2 wrong usage, 3 could not (unreadable, not metadata).\n\n"
    "Example: cmc-signing-tool -in manifest.json -out manifest.jws -keys signer/key.pem \\\n"
    "             -x5cs signer/chain.pem";

static int parse(int argc, char **argv, struct signing_tool_options *o, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"in", CMC_OPT_TEXT, "FILE", "what to sign, or to verify", &o->in},
        {"out", CMC_OPT_TEXT, "FILE", "the signed item; with -verify: the payload (default -)",
         &o->out},
        {"keys", CMC_OPT_TEXT, "K1,K2", "private keys in PEM, one for each signature", &o->keys},
        {"x5cs", CMC_OPT_TEXT, "L1,C1:L2,C2", "their certificates in PEM, each chain leaf first",
         &o->x5cs},
        {"algs", CMC_OPT_TEXT, "A1,A2",
         "ES256, ES384, ES512, RS256, RS512, PS256, PS384, PS512;\n"
         "otherwise what fits the key (RSA: RS256)",
         &o->algs},
        {"format", CMC_OPT_TEXT, "json|cbor", "convert the payload, and sign in this form",
         &o->format_name},
        {"verify", CMC_OPT_BOOL, NULL, "verify -in, and write its payload", &o->verify},
        {"ca", CMC_OPT_LIST, "FILE", "with -verify: a root certificate in PEM; more than once",
         &o->ca},
        {"crl", CMC_OPT_LIST, "FILE", "with -verify: revocation lists; more than once", &o->crl},
        {"any-usage", CMC_OPT_BOOL, NULL,
         "with -verify: do not ask for the extended key usage of metadata", &o->any_usage},
    };
    const struct cmc_options all = {.program = "cmc-signing-tool",
                                    .synopsis = "-in FILE -out FILE -keys K1,.. -x5cs L1,C1:..",
                                    .about = about,
                                    .opts = opts,
                                    .count = sizeof(opts) / sizeof(opts[0]),
                                    .after = after};
    int first = argc;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc == CMC_OPTIONS_RUN && first < argc)
        return cmc_fail(err, CMC_E_USAGE, "\"%.200s\" belongs to no option; see --help",
                        argv[first]);
    return rc;
}

/* Cuts at the next separator; NULL behind the last word. */
static char *next_word(char **rest, const char *separator)
{
    return *rest ? strsep(rest, separator) : NULL;
}

static int split_chain(struct signing_tool_options *o, struct meta_signer *s, char *chain,
                       size_t *used, struct cmc_err *err)
{
    s->chain = &o->chain[*used];
    for (char *file = next_word(&chain, ","); file; file = next_word(&chain, ",")) {
        if (!*file)
            return cmc_fail(err, CMC_E_USAGE, "-x5cs: an empty name");
        if (s->chain_count == META_CERTS_MAX)
            return cmc_fail(err, CMC_E_USAGE, "-x5cs: more than %d files in a chain",
                            META_CERTS_MAX);
        o->chain[(*used)++] = file;
        s->chain_count++;
    }
    return 0;
}

struct lists {
    char *keys, *x5cs, *algs; /* what is left of each */
};

static int add_signer(struct signing_tool_options *o, const char *key, struct lists *l,
                      size_t *used, struct cmc_err *err)
{
    char *chain = next_word(&l->x5cs, ":"), *alg = next_word(&l->algs, ",");
    if (o->signers == META_SIGNATURES_MAX)
        return cmc_fail(err, CMC_E_USAGE, "-keys: more than %d", META_SIGNATURES_MAX);
    if (!*key)
        return cmc_fail(err, CMC_E_USAGE, "-keys: an empty name");
    if (!chain)
        return cmc_fail(err, CMC_E_USAGE,
                        "-x5cs: fewer chains than keys; one for each, separated by colons");
    struct meta_signer *s = &o->signer[o->signers++];
    s->key = key;
    s->alg = alg && *alg ? alg : NULL;
    return split_chain(o, s, chain, used, err);
}

static int split(struct signing_tool_options *o, struct lists l, struct cmc_err *err)
{
    size_t used = 0;
    for (char *key = next_word(&l.keys, ","); key; key = next_word(&l.keys, ","))
        if (add_signer(o, key, &l, &used, err) < 0)
            return -(int)err->code;
    if (l.x5cs || l.algs)
        return cmc_fail(err, CMC_E_USAGE, "%s: more than there are keys",
                        l.x5cs ? "-x5cs" : "-algs");
    return 0;
}

/* One block holds the words of the three lists. */
static int split_lists(struct signing_tool_options *o, struct cmc_err *err)
{
    const char *algs = o->algs ? o->algs : "";
    const size_t keys_len = strlen(o->keys) + 1, x5cs_len = strlen(o->x5cs) + 1;
    o->words = malloc(keys_len + x5cs_len + strlen(algs) + 1);
    if (!o->words)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    memcpy(o->words, o->keys, keys_len);
    memcpy(o->words + keys_len, o->x5cs, x5cs_len);
    memcpy(o->words + keys_len + x5cs_len, algs, strlen(algs) + 1);
    char *x5cs = o->words + keys_len;
    return split(o, (struct lists){o->words, x5cs, o->algs ? x5cs + x5cs_len : NULL}, err);
}

static int check_format(struct signing_tool_options *o, struct cmc_err *err)
{
    if (!o->format_name)
        return 0;
    o->format = strcmp(o->format_name, "json") == 0   ? META_JSON
                : strcmp(o->format_name, "cbor") == 0 ? META_CBOR
                                                      : 0;
    return o->format ? 0 : cmc_fail(err, CMC_E_USAGE, "-format takes json or cbor");
}

static int check_verify(const struct signing_tool_options *o, struct cmc_err *err)
{
    if (o->keys || o->x5cs || o->algs)
        return cmc_fail(err, CMC_E_USAGE,
                        "-keys, -x5cs and -algs are for signing, not for -verify");
    if (!o->ca.count)
        return cmc_fail(err, CMC_E_USAGE, "-verify needs -ca FILE: which roots to trust");
    return 0;
}

static int check_sign(struct signing_tool_options *o, struct cmc_err *err)
{
    const char *missing = !o->keys ? "-keys" : !o->x5cs ? "-x5cs" : !o->out ? "-out" : NULL;
    if (o->ca.count || o->crl.count || o->any_usage)
        return cmc_fail(err, CMC_E_USAGE, "-ca, -crl and -any-usage are for -verify");
    if (missing)
        return cmc_fail(err, CMC_E_USAGE, "%s is missing; see --help", missing);
    return split_lists(o, err);
}

static int check(struct signing_tool_options *o, struct cmc_err *err)
{
    if (check_format(o, err) < 0)
        return -(int)err->code;
    if (!o->in)
        return cmc_fail(err, CMC_E_USAGE, "-in is missing; see --help");
    return o->verify ? check_verify(o, err) : check_sign(o, err);
}

int signing_tool_options(int argc, char **argv, struct signing_tool_options *o, struct cmc_err *err)
{
    *o = (struct signing_tool_options){.in = NULL};
    const int rc = parse(argc, argv, o, err);
    if (rc == CMC_OPTIONS_RUN && check(o, err) < 0)
        return -(int)err->code;
    return rc;
}

void signing_tool_options_done(struct signing_tool_options *o)
{
    free(o->words);
    *o = (struct signing_tool_options){.in = NULL};
}
