/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_measure.c -- cmcctl measure: reports an event that somebody else measured. */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "tools/cmcctl_file.h"
#include "tools/cmcctl_verify.h"

enum { TIMEOUT_S = 30, TIMEOUT_S_MAX = 3600, EVENT_MAX = 8 << 20 };

struct measure {
    const char *addr, *event;
    uint64_t timeout_s;
};

static int parse(struct measure *m, int argc, char **argv, struct cmc_err *err)
{
    const struct cmc_opt opts[] = {
        {"addr", CMC_OPT_TEXT, "ADDR", "unix:///PATH or /PATH of this host's cmcd", &m->addr},
        {"timeout", CMC_OPT_U64, "SECONDS", "how long the answer may take; otherwise 30",
         &m->timeout_s},
    };
    const struct cmc_options all = {
        .program = "cmcctl measure",
        .synopsis = "[OPTION]... EVENT.json",
        .about = "Has an event recorded that somebody else measured: one component as\n"
                 "docs/formats/metadata.md defines it. It is in the log and in the register\n"
                 "afterwards as something that its reporter says, never as a container of ours.",
        .opts = opts,
        .count = sizeof(opts) / sizeof(opts[0]),
        .after = "Exit status: 0 recorded, 1 refused, 2 wrong usage, 3 could not be asked.",
    };
    int first = 0;
    const int rc = cmc_options_parse(&all, argc, argv, &first, err);
    if (rc != CMC_OPTIONS_RUN)
        return rc;
    if (first + 1 != argc)
        return cmc_fail(err, CMC_E_USAGE, "name one file with an event");
    m->event = argv[first];
    if (!m->addr)
        return cmc_fail(err, CMC_E_USAGE, "which cmcd? --addr ADDR");
    if (m->timeout_s < 1 || m->timeout_s > TIMEOUT_S_MAX)
        return cmc_fail(err, CMC_E_USAGE, "--timeout takes 1 to %d seconds", TIMEOUT_S_MAX);
    return rc;
}

/* One component; a file of references holds an array of them. */
static int read_event(const char *path, struct meta_components *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf one = cmc_buf_of(EVENT_MAX);
    cmc_autobuf struct cmc_buf list = cmc_buf_of(EVENT_MAX + 2);
    if (cmcctl_file_read(path, &one, err) < 0)
        return -(int)err->code;
    size_t blank = 0;
    while (blank < one.len && strchr(" \t\r\n", one.data[blank]) && one.data[blank])
        blank++;
    const bool object = blank < one.len && one.data[blank] == '{';
    if (object)
        cmc_put_u8(&list, '[');
    cmc_put(&list, one.data, one.len);
    if (object)
        cmc_put_u8(&list, ']');
    if (cmc_buf_check(&list, path, err) < 0)
        return -(int)err->code;
    if (meta_components_decode(list.data, list.len, out, err) < 0)
        return cmc_wrap(err, "%.200s", path);
    if (out->count == 1)
        return 0;
    const size_t count = out->count;
    meta_components_done(out);
    return cmc_fail(err, CMC_E_FORMAT, "%.200s: holds %zu events, expected one", path, count);
}

int cmcctl_measure(int argc, char **argv)
{
    struct cmc_err err = {0};
    struct measure m = {.timeout_s = TIMEOUT_S};
    struct meta_components events = {0};
    int rc = parse(&m, argc, argv, &err);
    if (rc == CMC_OPTIONS_SHOWN)
        return CMCCTL_AGREE;
    if (rc == CMC_OPTIONS_RUN)
        rc = read_event(m.event, &events, &err);
    if (rc == 0) {
        const struct serve_peer peer = {
            .addr = m.addr, .timeout_ms = (unsigned)m.timeout_s * 1000, .json = true};
        rc = serve_measure(&peer, &events.at[0], &err);
        meta_components_done(&events);
    }
    if (rc == 0)
        return CMCCTL_AGREE;
    (void)fprintf(stderr, "cmcctl measure: %s\n", err.msg);
    if (err.code == CMC_E_USAGE)
        return CMCCTL_USAGE;
    return err.code == CMC_E_VERIFY ? CMCCTL_DISAGREE : CMCCTL_UNCHECKED;
}
