/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers.c -- every event that the register vouches for, against the references.
 */
#include <string.h>

#include "attest/verify/containers_parts.h"

/* What an event means for "every container matches a reference". */
enum kind {
    KIND_PASS,      /* no container, or one that ended */
    KIND_CONTAINER, /* compared with references */
    KIND_BAD,       /* something ran that no reference can allow */
    KIND_UNKNOWN    /* nothing says what it allows */
};

static enum kind kind_of(const struct measure_event *ev)
{
    switch (ev->type) {
    case MEASURE_CONTAINER_CREATE:
        return ev->checkpoint ? KIND_BAD : KIND_CONTAINER;
    case MEASURE_FAILED:
    case MEASURE_RESTORE:
    case MEASURE_UNMEASURED:
    case MEASURE_LAYER_CHANGED:
        return KIND_BAD;
    case MEASURE_RECORDER_START:
    case MEASURE_CONTAINER_DELETE:
    case MEASURE_DISCONTINUITY: /* log.c has refused it */
    case MEASURE_POLICY_CHANGE:
        return KIND_PASS;
    case MEASURE_EXEC:
    case MEASURE_UPDATE:
    default: /* a type of a newer recorder */
        return KIND_UNKNOWN;
    }
}

struct judge {
    const struct verify_exact *x;
    struct verify_claim *up;
    struct verify_wanted_list wanted;
    bool *ran; /* per reference */
    struct verify_container *row;
    size_t count, rows;
    struct verify_effort effort;
};

static int count_row(void *ctx, const struct measure_event *ev, struct cmc_err *err)
{
    struct judge *j = ctx;
    (void)err;
    j->rows += kind_of(ev) != KIND_PASS;
    return 0;
}

static void fill_row(struct judge *j, const struct measure_event *ev, struct verify_container *row)
{
    struct verify_tree *t = j->x->tree;
    *row = (struct verify_container){.seq = ev->seq,
                                     .event = verify_tree_text(t, ev->type_name),
                                     .id = verify_tree_text(t, ev->container),
                                     .sandbox = verify_tree_text(t, ev->sandbox),
                                     .ns = verify_tree_text(t, ev->ns),
                                     .name = verify_tree_text(t, ev->name),
                                     .image = verify_tree_text(t, ev->image),
                                     .reason = verify_tree_text(t, ev->reason),
                                     .measured = ev->has_config && ev->has_rootfs};
    if (!row->measured)
        return;
    memcpy(row->config, ev->config, sizeof(row->config));
    memcpy(row->rootfs, ev->rootfs, sizeof(row->rootfs));
}

/* "web (docker.io/library/nginx:1)" */
static const char *words_of(const struct verify_container *c, struct verify_tree *t)
{
    const char *name = c->name ? c->name : c->id ? c->id : "something";
    return c->image ? verify_tree_fmt(t, "%s (%s)", name, c->image) : name;
}

static const char *bad_words(enum measure_event_type type)
{
    return type == MEASURE_FAILED          ? "could not be measured"
           : type == MEASURE_UNMEASURED    ? "runs without having been measured"
           : type == MEASURE_LAYER_CHANGED ? "had a layer changed below it"
                                           : "was restored from a checkpoint, which no reference "
                                             "covers";
}

static int on_event(void *ctx, const struct measure_event *ev, struct cmc_err *err)
{
    struct judge *j = ctx;
    struct verify_tree *t = j->x->tree;
    (void)err;
    const enum kind kind = kind_of(ev);
    if (kind == KIND_PASS)
        return 0;
    struct verify_container *row = &j->row[j->count++];
    fill_row(j, ev, row);
    const char *who = words_of(row, t);
    if (kind == KIND_CONTAINER) {
        const struct verify_candidate c = {
            .x = j->x, .ev = ev, .row = row, .who = who, .effort = &j->effort};
        row->status = verify_container_judge(&c, &j->wanted, j->ran, j->up);
        return 0;
    }
    row->status = kind == KIND_BAD ? VERIFY_BAD : VERIFY_UNCHECKED;
    if (kind == KIND_BAD)
        (void)verify_claim_add(t, j->up, row->status, "container.event", "%s %s%s%s", who,
                               bad_words(ev->type), row->reason ? ": " : "",
                               row->reason ? row->reason : "");
    else
        (void)verify_claim_add(t, j->up, row->status, "container.event",
                               "event %llu, %s, of %s: no reference covers such events",
                               (unsigned long long)row->seq, row->event, who);
    return 0;
}

/* A reference allows; one that is signed with cmc.mustRun also demands. */
static void check_absent(const struct judge *j)
{
    for (size_t i = 0; i < j->wanted.count; i++)
        if (j->wanted.at[i].reference->must_run && !j->ran[i])
            (void)verify_claim_add(j->x->tree, j->up, VERIFY_BAD, "reference.absent",
                                   "reference \"%s\" must run, and no container matches it",
                                   j->wanted.at[i].name);
}

/* Registers that nothing was recorded in are easily had. Which one has the containers is for
 * references to say, not for the log. */
static void add_none(const struct judge *j)
{
    const uint32_t pcr = verify_log_pcr(j->x->log);
    if (j->wanted.count)
        (void)verify_claim_add(j->x->tree, j->up, VERIFY_GOOD, "container.none",
                               "no container was started since the TPM's reset");
    else
        (void)verify_claim_add(j->x->tree, j->up, VERIFY_UNCHECKED, "container.none",
                               "no container is in PCR %u, but no reference says that this is "
                               "where containers are recorded",
                               pcr);
}

int verify_containers(const struct verify_exact *x, struct verify_claim *up,
                      struct verify_result *out, struct cmc_err *err)
{
    struct judge j = {.x = x, .up = up, .wanted = verify_references(x)};
    int rc = verify_log_each(x->log, count_row, &j, err);
    j.row = verify_tree_alloc(x->tree, j.rows, sizeof(*j.row));
    j.ran = verify_tree_alloc(x->tree, j.wanted.count, sizeof(*j.ran));
    if (rc == 0)
        rc = verify_tree_check(x->tree, err);
    if (rc == 0)
        rc = verify_log_each(x->log, on_event, &j, err);
    if (rc < 0)
        return rc;
    check_absent(&j);
    if (!j.rows)
        add_none(&j);
    out->container = j.row;
    out->container_count = j.count;
    return 0;
}
