/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify_options.c -- the options of verify and explain, and whose report they ask
 * for. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "attest/serve/dial.h"
#include "base/hex.h"
#include "base/options.h"
#include "tools/cmcctl_verify.h"

enum { TIMEOUT_S = 30, TIMEOUT_S_MAX = 3600 };

static const char verify_about[] =
    "Asks the cmcd at ADDR, with a new nonce, what ran on its host, and judges the\n"
    "answer by the roots given: which containers ran, whether somebody signed for each,\n"
    "and if not, what differs. With --report a report that was kept is judged instead.";
static const char explain_about[] =
    "Judges a report that was kept (cmcctl generate) as cmcctl verify does, and says of\n"
    "each claim what it means and what it rests on.";
static const char after[] =
    "Exit status: 0 trusted, 1 not trusted, 2 wrong usage, 3 could not check.";

static int parse(struct ctl_verify_options *o, int argc, char **argv, struct cmc_err *err)
{
    const bool explain = strcmp(argv[0], "explain") == 0;
    const struct cmc_opt opts[] = {
        {"addr", CMC_OPT_TEXT, "ADDR",
         "unix:///PATH, /PATH, tcp://HOST:PORT or HOST:PORT of a cmcd", &o->addr},
        {"report", CMC_OPT_TEXT, "FILE", "judge this report instead; needs --nonce", &o->report},
        {"nonce", CMC_OPT_TEXT, "FILE", "the nonce that the report was asked with", &o->nonce},
        {"ca", CMC_OPT_TEXT, "FILE", "roots for attestation keys and metadata, PEM", &o->ca},
        {"ak-ca", CMC_OPT_TEXT, "FILE", "roots for attestation keys alone, PEM", &o->ak_ca},
        {"metadata-ca", CMC_OPT_TEXT, "FILE", "roots for metadata alone, PEM", &o->metadata_ca},
        {"crl", CMC_OPT_TEXT, "FILE", "revocation lists, PEM or DER", &o->crl},
        {"expect", CMC_OPT_TEXT, "NAME", "the host; otherwise the name in ADDR", &o->expect},
        {"ak", CMC_OPT_TEXT, "SHA256",
         "the host by its attestation key: SHA-256 of its SubjectPublicKeyInfo", &o->ak},
        {"any-host", CMC_OPT_BOOL, NULL, "accept the report of whichever host answers",
         &o->any_host},
        {"metadata", CMC_OPT_TEXT, "DIR", "signed metadata and listings of our own", &o->metadata},
        {"redaction-key", CMC_OPT_TEXT, "FILE", "the key of the site, 32 bytes", &o->redaction_key},
        {"secrets", CMC_OPT_TEXT, "PATTERN,...",
         "variables whose values are never shown;\notherwise *PASSWORD*, *SECRET*, *TOKEN*, *KEY*",
         &o->secrets},
        {"require-host", CMC_OPT_BOOL, NULL,
         "not trusted unless the host's boot and recorder match references too", &o->require_host},
        {"accept-software", CMC_OPT_BOOL, NULL, "accept evidence of a key that no TPM holds",
         &o->software},
        {"explain", CMC_OPT_BOOL, NULL, "show every claim, and what it means", &o->explain},
        {"json", CMC_OPT_BOOL, NULL, "one JSON document instead of text", &o->json},
        {"attestation-result", CMC_OPT_BOOL, NULL, "the AttestationResult of CMC, as JSON",
         &o->attestation_result},
        {"timeout", CMC_OPT_U64, "SECONDS", "how long the host may take; otherwise 30",
         &o->timeout_s},
        {"color", CMC_OPT_TEXT, "auto|always|never", "auto: on a terminal, unless NO_COLOR is set",
         &o->color},
    };
    const struct cmc_options all = {.program = explain ? "cmcctl explain" : "cmcctl verify",
                                    .synopsis = explain ? "[OPTION]... REPORT" : "[OPTION]...",
                                    .about = explain ? explain_about : verify_about,
                                    .opts = opts,
                                    .count = sizeof(opts) / sizeof(opts[0]),
                                    .after = after};
    int first = 0;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (explain && !o->report && first < argc)
        o->report = argv[first++];
    o->explain = o->explain || explain;
    if (first < argc)
        return cmc_fail(err, CMC_E_USAGE, "%.80s: not expected here; --help lists the options",
                        argv[first]);
    return rc;
}

static int check_source(const struct ctl_verify_options *o, struct cmc_err *err)
{
    if (o->addr && o->report)
        return cmc_fail(err, CMC_E_USAGE, "--addr asks a host, a report is a file: give one");
    if (!o->addr && !o->report)
        return cmc_fail(err, CMC_E_USAGE, "which host? --addr ADDR, or --report FILE");
    if (o->report && !o->nonce)
        return cmc_fail(err, CMC_E_USAGE,
                        "a report needs the nonce that it was asked with: --nonce "
                        "FILE");
    if (o->addr && o->nonce)
        return cmc_fail(err, CMC_E_USAGE,
                        "--nonce goes with --report: a host is asked with a new "
                        "nonce each time");
    return 0;
}

static int check(const struct ctl_verify_options *o, struct cmc_err *err)
{
    if (check_source(o, err) < 0)
        return -(int)err->code;
    if (!o->ca && !(o->ak_ca && o->metadata_ca))
        return cmc_fail(err, CMC_E_USAGE,
                        "whom to believe? --ca FILE, or --ak-ca FILE and --metadata-ca FILE");
    if (strcmp(o->color, "auto") != 0 && strcmp(o->color, "always") != 0 &&
        strcmp(o->color, "never") != 0)
        return cmc_fail(err, CMC_E_USAGE, "--color takes auto, always or never");
    if (o->json && o->attestation_result)
        return cmc_fail(err, CMC_E_USAGE, "--json does not go with --attestation-result");
    if (o->timeout_s < 1 || o->timeout_s > TIMEOUT_S_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--timeout takes 1 to %d seconds", TIMEOUT_S_MAX);
    if (o->any_host && (o->expect || o->ak))
        return cmc_fail(err, CMC_E_USAGE, "--any-host does not go with --expect or --ak");
    return 0;
}

int cmcctl_verify_options(int argc, char **argv, struct ctl_verify_options *out,
                          struct cmc_err *err)
{
    struct ctl_verify_options o = {.color = "auto", .timeout_s = TIMEOUT_S};
    const int rc = parse(&o, argc, argv, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (check(&o, err) < 0)
        return -(int)err->code;
    *out = o;
    return CMC_OPTIONS_RUN;
}

/* Whether text is a name that only one host should have. */
static bool is_name(const char *text)
{
    struct in6_addr ip;
    return *text && strcmp(text, "localhost") != 0 && inet_pton(AF_INET, text, &ip) != 1 &&
           inet_pton(AF_INET6, text, &ip) != 1;
}

static int choose_host(const struct ctl_verify_options *o, char out[static CTL_HOST_MAX + 1],
                       struct cmc_err *err)
{
    struct serve_addr addr;
    out[0] = '\0';
    if (o->expect) {
        if (!*o->expect || strlen(o->expect) > CTL_HOST_MAX)
            return cmc_fail(err, CMC_E_USAGE, "--expect takes a host's name of 1 to %d bytes",
                            CTL_HOST_MAX);
        (void)snprintf(out, CTL_HOST_MAX + 1, "%s", o->expect);
        return 0;
    }
    if (!o->addr || o->ak || o->any_host)
        return 0;
    if (serve_addr_parse(o->addr, &addr, err) < 0)
        return -(int)err->code;
    if (!addr.tcp)
        return 0;
    const size_t len = strlen(addr.host);
    if (!is_name(addr.host) || len > CTL_HOST_MAX)
        return cmc_fail(err, CMC_E_USAGE,
                        "\"%s\" names no host, and whoever answers could pass on the report of "
                        "another one: --expect NAME, --ak SHA256, or --any-host",
                        addr.host);
    memcpy(out, addr.host, len + 1);
    return 0;
}

int cmcctl_verify_identity(const struct ctl_verify_options *o, struct ctl_identity *out,
                           struct cmc_err *err)
{
    struct ctl_identity id = {.has_ak = o->ak != NULL};
    if (o->ak && cmc_unhex(o->ak, strlen(o->ak), id.ak, sizeof(id.ak), err) < 0)
        return cmc_fail(err, CMC_E_USAGE, "--ak takes the 64 hexadecimal digits of a SHA-256");
    if (choose_host(o, id.host, err) < 0)
        return -(int)err->code;
    char digest[17] = "";
    if (id.has_ak)
        cmc_hex(id.ak, 8, digest);
    (void)snprintf(id.words, sizeof(id.words), "%s%s%s%s%s", id.host,
                   *id.host && id.has_ak ? ", " : "", id.has_ak ? "key " : "", digest,
                   id.has_ak ? ".." : "");
    *out = id;
    return 0;
}
