/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_generate.c -- cmcctl generate: a report and its nonce, kept in two files. */
#include <stdio.h>

#include "base/options.h"
#include "tools/cmc_measure_replace.h"
#include "tools/cmcctl_verify.h"

enum { TIMEOUT_S = 30, TIMEOUT_S_MAX = 3600 };

struct generate {
    const char *addr, *out, *nonce_out;
    uint64_t timeout_s;
    bool json;
};

static int parse(struct generate *g, int argc, char **argv, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"addr", CMC_OPT_TEXT, "ADDR",
         "unix:///PATH, /PATH, tcp://HOST:PORT or HOST:PORT of a cmcd", &g->addr},
        {"out", CMC_OPT_TEXT, "FILE", "where the report goes; otherwise attestation-report",
         &g->out},
        {"nonce-out", CMC_OPT_TEXT, "FILE", "where the nonce goes; otherwise nonce", &g->nonce_out},
        {"json", CMC_OPT_BOOL, NULL, "a report in JSON; otherwise in CBOR", &g->json},
        {"timeout", CMC_OPT_U64, "SECONDS", "how long the host may take; otherwise 30",
         &g->timeout_s},
    };
    const struct cmc_options all = {
        .program = "cmcctl generate",
        .synopsis = "[OPTION]...",
        .about =
            "Asks the cmcd at ADDR for a report, with a new nonce of 32 bytes, and keeps both\n"
            "for \"cmcctl verify --report FILE --nonce FILE\". Nothing is judged.",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "Exit status: 0 done, 2 wrong usage, 3 no report.",
    };
    int first = 0;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (first < argc)
        return cmc_fail(err, CMC_E_USAGE, "no arguments are taken; --help lists the options");
    if (!g->addr)
        return cmc_fail(err, CMC_E_USAGE, "which host? --addr ADDR");
    if (g->timeout_s < 1 || g->timeout_s > TIMEOUT_S_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--timeout takes 1 to %d seconds", TIMEOUT_S_MAX);
    return rc;
}

static int run(const struct generate *g, struct cmc_err *err)
{
    const struct serve_peer peer = {
        .addr = g->addr, .timeout_ms = (unsigned)g->timeout_s * 1000, .json = g->json};
    uint8_t nonce[CTL_NONCE_LEN];
    cmc_autobuf struct cmc_buf report = cmc_buf_of(VERIFY_REPORT_MAX);
    cmc_autobuf struct cmc_buf asked = cmc_buf_of(CTL_NONCE_LEN);
    if (cmcctl_ask(&peer, nonce, &report, err) < 0)
        return -(int)err->code;
    cmc_put(&asked, nonce, sizeof(nonce));
    if (cmc_buf_check(&asked, "nonce", err) < 0 ||
        cmc_measure_replace_at(g->nonce_out, 0644, &asked, err) < 0)
        return -(int)err->code;
    return cmc_measure_replace_at(g->out, 0644, &report, err);
}

int cmcctl_generate(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct generate g = {.out = "attestation-report", .nonce_out = "nonce", .timeout_s = TIMEOUT_S};
    int rc = parse(&g, argc, argv, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return CMCCTL_AGREE;
    if (rc == CMC_OPTIONS_RUN)
        rc = run(&g, &err);
    if (rc == 0) {
        (void)printf("%s %s\n", g.out, g.nonce_out);
        return CMCCTL_AGREE;
    }
    (void)fprintf(stderr, "cmcctl generate: %s\n", err.msg);
    return err.code == CMC_E_USAGE ? CMCCTL_USAGE : CMCCTL_UNCHECKED;
}
