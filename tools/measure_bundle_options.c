/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle_options.c -- parsing fills a struct and does nothing else. */
#include <string.h>

#include "base/options.h"
#include "tools/measure_bundle.h"

enum { PCR_DEFAULT = 13, PCR_MAX = 23 }; /* PC Client PTP: PCR 0..23 */

static const char about[] =
    "Prints reference values for an OCI bundle as JSON: the digests that a host with cmc\n"
    "records when it starts a container with this configuration and this root file system.\n"
    "Needs neither a TPM nor, where the files can be read, root.";
static const char after[] =
    "BUNDLE is a directory with config.json; the root file system is what root.path says.\n"
    "A bundle of \"umoci unpack --rootless\" is known by its umoci.json.\n\n"
    "Exit status: 0 done, 1 refused (what is there cannot be measured truthfully, or changed\n"
    "meanwhile), 2 wrong usage, 3 could not (unreadable, no config.json, out of space).\n\n"
    "Example: measure-bundle -config bundle/config.json -rootfs bundle/rootfs";

static int parse(int argc, char **argv, struct measure_bundle_options *o, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"config", CMC_OPT_TEXT, "FILE", "the configuration; otherwise BUNDLE/config.json",
         &o->config},
        {"rootfs", CMC_OPT_TEXT, "DIR", "the root file system; otherwise root.path of it",
         &o->rootfs},
        {"id", CMC_OPT_TEXT, "ID",
         "container id to look for in the configuration (default " MEASURE_BUNDLE_ID ")", &o->id},
        {"profile", CMC_OPT_TEXT, "exact|cmc", "how to measure (default exact)", &o->profile_name},
        {"pcr", CMC_OPT_U64, "N", "the register that hosts extend (default 13)", &o->pcr},
        {"name", CMC_OPT_TEXT, "NAME", "name of the component; otherwise the image's, or ID",
         &o->name},
        {"listing", CMC_OPT_TEXT, "FILE", "write what was measured, path by path, to FILE",
         &o->listing},
        {"redaction-key", CMC_OPT_TEXT, "FILE", "the site's key; withholds values of variables",
         &o->redaction_key},
        {"file-max", CMC_OPT_U64, "BYTES",
         "refuse larger files, as the site does (default 0: none)", &o->file_max},
        {"rootless", CMC_OPT_BOOL, NULL,
         "owners are in user.rootlesscontainers: the tree was unpacked without root", &o->rootless},
        {"progress", CMC_OPT_BOOL, NULL, "show progress also where standard error is no terminal",
         &o->progress},
    };
    const struct cmc_options all = {.program = "measure-bundle",
                                    .synopsis = "[OPTION]... [BUNDLE]",
                                    .about = about,
                                    .opts = opts,
                                    .count = sizeof(opts) / sizeof(opts[0]),
                                    .after = after};
    int first = argc;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (argc - first > 1)
        return cmc_fail(err, CMC_E_USAGE, "one BUNDLE, not %d; see --help", argc - first);
    o->bundle = first < argc ? argv[first] : NULL;
    return CMC_OPTIONS_RUN;
}

static int check(struct measure_bundle_options *o, struct cmc_err *err)
{
    if (!o->bundle && !o->config)
        return cmc_fail(err, CMC_E_USAGE, "name a BUNDLE, or --config FILE; see --help");
    if (o->pcr > PCR_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--pcr takes 0 to %d", PCR_MAX);
    if (!*o->id || strcmp(o->id, ".") == 0 || strcmp(o->id, "..") == 0)
        return cmc_fail(err, CMC_E_USAGE, "--id \"%s\": no container can have this id", o->id);
    if (o->name && (!*o->name || strlen(o->name) > MEASURE_TEXT_MAX))
        return cmc_fail(err, CMC_E_USAGE, "--name takes 1 to %d bytes", MEASURE_TEXT_MAX);
    if (cmc_measure_state_profile(o->profile_name, &o->profile, err) < 0)
        return cmc_wrap(err, "--profile");
    if (o->redaction_key && o->profile == MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_USAGE, "profile cmc cannot redact: no --redaction-key with it");
    return 0;
}

int measure_bundle_options(int argc, char **argv, struct measure_bundle_options *out,
                           struct cmc_err *err)
{
    struct measure_bundle_options o = {.id = MEASURE_BUNDLE_ID, .pcr = PCR_DEFAULT};
    const int rc = parse(argc, argv, &o, err);
    if (rc == CMC_OPTIONS_RUN && check(&o, err) < 0)
        return -(int)err->code;
    if (rc == CMC_OPTIONS_RUN)
        *out = o;
    return rc;
}
