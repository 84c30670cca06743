/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/host_programs.c -- the programs that measured and ran containers, against
 * references. */
#include <string.h>

#include "attest/verify/exact_parts.h"

enum { SEEN_MAX = 256 }; /* different programs in one log */

struct seen { /* texts in the tree */
    const char *role, *path;
    uint8_t sha256[CMC_SHA256_LEN];
};
struct programs {
    const struct verify_exact *x;
    struct seen *at;
    size_t count;
    bool recorder; /* a recorder-start names its own */
    bool nameless; /* a container-create does not say what ran the container */
    uint64_t seq;  /* of the first such */
    bool more;
};

static bool known(const struct programs *p, const struct measure_program *program)
{
    for (size_t i = 0; i < p->count; i++)
        if (memcmp(p->at[i].sha256, program->sha256, CMC_SHA256_LEN) == 0 &&
            strcmp(p->at[i].role, program->role) == 0)
            return true;
    return false;
}

static bool names(const struct measure_event *ev, const char *role)
{
    for (size_t i = 0; i < ev->program_count; i++)
        if (strcmp(ev->programs[i].role, role) == 0)
            return true;
    return false;
}

static void note_nameless(struct programs *p, const struct measure_event *ev)
{
    if (ev->type != MEASURE_CONTAINER_CREATE || p->nameless ||
        (names(ev, "runc") && names(ev, "inner-shim")))
        return;
    p->nameless = true;
    p->seq = ev->seq;
}

static int on_event(void *ctx, const struct measure_event *ev, struct cmc_err *err)
{
    struct programs *p = ctx;
    (void)err;
    p->recorder |= ev->type == MEASURE_RECORDER_START && ev->program_count > 0;
    note_nameless(p, ev);
    for (size_t i = 0; i < ev->program_count; i++) {
        const struct measure_program *program = &ev->programs[i];
        if (known(p, program))
            continue;
        if (p->count == SEEN_MAX) {
            p->more = true;
            return 0;
        }
        struct seen *s = &p->at[p->count++];
        s->role = verify_tree_text(p->x->tree, program->role);
        s->path = verify_tree_text(p->x->tree, program->path);
        memcpy(s->sha256, program->sha256, CMC_SHA256_LEN);
    }
    return 0;
}

/* VERIFY_UNCHECKED: no reference for the role; VERIFY_BAD: none with this digest. */
static enum verify_status compare(const struct programs *p, const struct seen *s, const char **name)
{
    const struct verify_metadata *m = p->x->metadata;
    enum verify_status status = VERIFY_UNCHECKED;
    for (size_t i = 0; i < m->reference_count; i++) {
        const struct meta_component *c = m->reference[i].component;
        const char *role = meta_component_property(c, "cmc.program");
        const uint8_t *hash = verify_reference_sha256(c);
        if (!role || !hash || strcmp(role, s->role) != 0)
            continue;
        if (memcmp(hash, s->sha256, CMC_SHA256_LEN) == 0) {
            *name = c->name;
            return VERIFY_GOOD;
        }
        status = VERIFY_BAD;
    }
    return status;
}

static void add(const struct programs *p, const struct seen *s, struct verify_claim *up)
{
    struct verify_tree *t = p->x->tree;
    const char *name = NULL;
    const enum verify_status status = compare(p, s, &name);
    const char *hex = verify_tree_hex(t, s->sha256, CMC_SHA256_LEN);
    if (name)
        (void)verify_claim_add(t, up, VERIFY_GOOD, "host.program", "%s %s is reference \"%s\"",
                               s->role, s->path, name);
    else
        (void)verify_claim_add(
            t, up, status, "host.program", "%s %s, SHA-256 %s, %s", s->role, s->path, hex,
            status == VERIFY_BAD ? "is none of its references" : "has no reference");
}

int verify_host_programs(const struct verify_exact *x, struct verify_claim *up, struct cmc_err *err)
{
    struct programs p = {.x = x};
    p.at = verify_tree_alloc(x->tree, SEEN_MAX, sizeof(*p.at));
    int rc = verify_tree_check(x->tree, err);
    if (rc == 0)
        rc = verify_log_each(x->log, on_event, &p, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < p.count; i++)
        add(&p, &p.at[i], up);
    if (!p.recorder)
        (void)verify_claim_add(x->tree, up, VERIFY_UNCHECKED, "host.program",
                               "the recorder does not name its programs");
    if (p.nameless)
        (void)verify_claim_add(x->tree, up, VERIFY_UNCHECKED, "host.program",
                               "event %llu does not name the programs that ran its container: runc "
                               "and inner-shim",
                               (unsigned long long)p.seq);
    if (p.more)
        (void)verify_claim_add(x->tree, up, VERIFY_UNCHECKED, "host.program",
                               "more than %d different programs", SEEN_MAX);
    return 0;
}
