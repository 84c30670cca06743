/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference_options.c -- the options of cmcctl reference. */
#include <string.h>

#include "base/options.h"
#include "base/site.h"
#include "tools/cmcctl_reference.h"

static const char about[] =
    "Writes a manifest, to be signed, with references of this host as it is now: what its\n"
    "PCRs hold, which programs measure and record, what the kernel's IMA measured. Run it\n"
    "on a host whose state is known to be good.";
static const char after[] =
    "Example, the firmware and what follows it:\n"
    "  cmcctl reference --pcrs 0-7 --name example.rtm --out rtm.json\n"
    "  cmcctl reference --pcrs 8,9,12,14,15 --programs --name example.os --base example.rtm\n"
    "Exit status: 0 done, 2 wrong usage, 3 not done.";

static int parse(struct ctl_reference_options *o, int argc, char **argv, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"pcrs", CMC_OPT_TEXT, "LIST", "numbers and ranges: 0-7 or 8,9,12-15", &o->pcrs},
        {"from-values", CMC_OPT_BOOL, NULL, "what the TPM holds (this is the default)",
         &o->from_values},
        {"from-log", CMC_OPT_BOOL, NULL, "what the firmware's event log gives", &o->from_log},
        {"bank", CMC_OPT_TEXT, "ALG", "sha1, sha256, sha384 or sha512; otherwise sha256", &o->bank},
        {"programs", CMC_OPT_BOOL, NULL, "the programs that the log of this boot names too",
         &o->programs},
        {"program", CMC_OPT_LIST, "ROLE=PATH",
         "this program too, as shim, measure, recorder, runc or\ninner-shim; may be repeated",
         &o->program},
        {"ima", CMC_OPT_BOOL, NULL, "what the kernel's IMA measured too, each as optional",
         &o->ima},
        {"name", CMC_OPT_TEXT, "NAME", "name of the manifest", &o->name},
        {"base", CMC_OPT_TEXT, "NAME", "the manifest that it builds on; otherwise none", &o->base},
        {"developer", CMC_OPT_TEXT, "NAME", "developerCommonName", &o->developer},
        {"description", CMC_OPT_TEXT, "TEXT", "for people", &o->description},
        {"level", CMC_OPT_U64, "N", "certLevel; otherwise 1", &o->level},
        {"days", CMC_OPT_U64, "N", "how long it is valid; otherwise 365", &o->days},
        {"format", CMC_OPT_TEXT, "json|cbor", "otherwise json", &o->format},
        {"out", CMC_OPT_TEXT, "FILE", "otherwise standard output", &o->out},
        {"tcti", CMC_OPT_TEXT, "TCTI",
         "the TPM; otherwise the configuration's, then CMC_TCTI, then device:/dev/tpmrm0",
         &o->tcti},
        {"firmware-log", CMC_OPT_TEXT, "FILE", "otherwise that of the configuration",
         &o->firmware_log},
        {"ima-log", CMC_OPT_TEXT, "FILE", "otherwise the kernel's", &o->ima_log},
        {"log", CMC_OPT_TEXT, "FILE", "the log; otherwise that of the configuration", &o->log},
        {"config", CMC_OPT_TEXT, "FILE", "configuration; otherwise " CMC_SITE_PATH, &o->config},
    };
    const struct cmc_options all = {.program = "cmcctl reference",
                                    .synopsis = "[OPTION]...",
                                    .about = about,
                                    .opts = opts,
                                    .count = sizeof(opts) / sizeof(opts[0]),
                                    .after = after};
    int first = 0;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc == CMC_OPTIONS_RUN && first < argc)
        return cmc_fail(err, CMC_E_USAGE, "no arguments are taken; --help lists the options");
    return rc;
}

/* A decimal number of a PCR at *p, which is moved behind it; -1: none. */
static int number(const char **p)
{
    const size_t len = strspn(*p, "0123456789");
    int n = 0;
    if (len < 1 || len > 2)
        return -1;
    for (size_t i = 0; i < len; i++)
        n = 10 * n + ((*p)[i] - '0');
    *p += len;
    return n < CTL_PCRS ? n : -1;
}

static int read_pcrs(const char *list, uint32_t *out, struct cmc_err *err)
{
    uint32_t selected = 0;
    for (const char *p = list;; p++) {
        const int first = number(&p);
        int last = first;
        if (*p == '-') {
            p++;
            last = number(&p);
        }
        if (first < 0 || last < first || (*p && *p != ','))
            return cmc_fail(err, CMC_E_USAGE,
                            "--pcrs %.80s: expected numbers and ranges of 0 to %d", list,
                            CTL_PCRS - 1);
        for (int i = first; i <= last; i++)
            selected |= 1U << i;
        if (!*p)
            break;
    }
    *out = selected;
    return 0;
}

static int check_numbers(const struct ctl_reference_options *o, struct cmc_err *err)
{
    if (o->level > CTL_LEVEL_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--level takes 0 to %d", CTL_LEVEL_MAX);
    if (o->days < 1 || o->days > CTL_DAYS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--days takes 1 to %d", CTL_DAYS_MAX);
    if (strcmp(o->format, "json") != 0 && strcmp(o->format, "cbor") != 0)
        return cmc_fail(err, CMC_E_USAGE, "--format takes json or cbor");
    return 0;
}

static int check_programs(const struct cmc_opt_list *list, struct cmc_err *err)
{
    static const char *const roles[] = {"shim=", "measure=", "recorder=", "runc=", "inner-shim="};
    for (size_t i = 0; i < list->count; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof(roles) / sizeof(roles[0]); k++)
            known |= strncmp(list->at[i], roles[k], strlen(roles[k])) == 0;
        if (!known)
            return cmc_fail(
                err, CMC_E_USAGE,
                "--program %.80s: expected shim, measure, recorder, runc or inner-shim, "
                "= and a path",
                list->at[i]);
    }
    return 0;
}

static int check(struct ctl_reference_options *o, struct cmc_err *err)
{
    o->alg = cmc_hash_by_name(o->bank, strlen(o->bank));
    if (!o->name || !*o->name || strlen(o->name) > CTL_REFERENCE_TEXT_MAX)
        return cmc_fail(err, CMC_E_USAGE, "how is the manifest called? --name NAME");
    if (!o->pcrs && !o->programs && !o->program.count && !o->ima)
        return cmc_fail(err, CMC_E_USAGE,
                        "references of what? --pcrs LIST, --programs, --program or --ima");
    if (o->from_values && o->from_log)
        return cmc_fail(err, CMC_E_USAGE, "--from-values does not go with --from-log");
    if (!o->pcrs && (o->from_values || o->from_log))
        return cmc_fail(err, CMC_E_USAGE, "of which PCRs? --pcrs LIST");
    if (!o->alg)
        return cmc_fail(err, CMC_E_USAGE, "--bank takes sha1, sha256, sha384 or sha512");
    if (check_numbers(o, err) < 0 || check_programs(&o->program, err) < 0)
        return -(int)err->code;
    return o->pcrs ? read_pcrs(o->pcrs, &o->selected, err) : 0;
}

int cmcctl_reference_options(int argc, char **argv, struct ctl_reference_options *out,
                             struct cmc_err *err)
{
    struct ctl_reference_options o = {.bank = "sha256", .format = "json", .level = 1, .days = 365};
    const int rc = parse(&o, argc, argv, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (check(&o, err) < 0)
        return -(int)err->code;
    *out = o;
    return CMC_OPTIONS_RUN;
}
