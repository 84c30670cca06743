/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verdict_containers.c -- the containers as a table, and below each what differs. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "tools/cmcctl_verdict_parts.h"

enum {
    CELL_MAX = 40,    /* columns of a name that are shown */
    DIGEST_SHOWN = 4, /* bytes of a digest that are shown */
    DIFFERENCES = 12, /* of a container, unless all is asked for */
    ROWS = 40,        /* more containers than this: those that match are folded, unless ... */
    VALUE_MAX = 200   /* bytes of a value that are shown */
};

/* Who it is about: the first columns. */
enum { SEQ, CONTAINER, IMAGE, NAMED };
static const char *const title[] = {"SEQ", "CONTAINER", "IMAGE"};

struct table {
    const struct ctl_pen *pen;
    const struct verify_result *r;
    const struct ctl_look *look;
    size_t width[NAMED];
    size_t folded;
};

/* Returns the columns that it takes. */
static size_t put_cell(const struct ctl_pen *p, const struct verify_container *c, int column)
{
    const char *image = c->image ? c->image : c->name;
    char seq[24];
    size_t n = 0;
    if (column == SEQ) {
        (void)snprintf(seq, sizeof(seq), "%llu", (unsigned long long)c->seq);
        return cmcctl_pen_safe(p, seq, sizeof(seq));
    }
    if (column == IMAGE)
        return cmcctl_pen_safe(p, image ? image : "-", CELL_MAX);
    if (c->ns) {
        n = cmcctl_pen_safe(p, c->ns, CELL_MAX / 2) + 1;
        cmc_put_u8(p->out, '/');
    }
    return n + cmcctl_pen_safe(p, c->id ? c->id : "?", CELL_MAX);
}

static void measure(struct table *t)
{
    cmc_autobuf struct cmc_buf cell = cmc_buf_of(4096);
    const struct ctl_pen pen = {.out = &cell, .utf8 = t->pen->utf8};
    for (int column = 0; column < NAMED; column++) {
        t->width[column] = strlen(title[column]);
        for (size_t i = 0; i < t->r->container_count; i++, cell.len = 0) {
            const size_t n = put_cell(&pen, &t->r->container[i], column);
            t->width[column] = n > t->width[column] ? n : t->width[column];
        }
    }
}

static void put_titles(const struct table *t)
{
    cmc_autobuf struct cmc_buf line = cmc_buf_of(4096);
    cmc_put_text(&line, t->pen->utf8 ? "  " : "   ");
    for (int column = 0; column < NAMED; column++)
        cmc_put_fmt(&line, "%-*s", (int)t->width[column] + 2, title[column]);
    cmc_put_fmt(&line, "%-12s%-12s%s", "CONFIG", "ROOTFS", "REFERENCE");
    cmc_put_u8(&line, 0);
    if (line.bad)
        return;
    cmcctl_pen_text(t->pen, CTL_HEADING, (const char *)line.data);
    cmc_put_u8(t->pen->out, '\n');
}

/* Eight digits, and whether they are the reference's. */
static void put_digest(const struct table *t, const struct verify_container *c,
                       const uint8_t *digest, bool differs)
{
    if (!c->measured) {
        cmc_put_fmt(t->pen->out, "%-12s", "-");
        return;
    }
    cmc_put_hex(t->pen->out, digest, DIGEST_SHOWN);
    cmc_put_u8(t->pen->out, ' ');
    if (c->reference) /* what differs in a container that is good, rules allow */
        cmcctl_pen_mark(t->pen, !differs                   ? VERIFY_GOOD
                                : c->status == VERIFY_GOOD ? VERIFY_NOTE
                                                           : VERIFY_BAD);
    cmc_put_text(t->pen->out, c->reference ? t->pen->utf8 ? "  " : " " : "   ");
}

static void put_reference(const struct table *t, const struct verify_container *c)
{
    if (!c->measured) {
        (void)cmcctl_pen_safe(t->pen, c->event ? c->event : "?", CELL_MAX);
        return;
    }
    if (c->reference && c->status != VERIFY_GOOD)
        cmc_put_text(t->pen->out, "nearest: ");
    (void)cmcctl_pen_safe(t->pen, c->reference ? c->reference : "none", CELL_MAX);
    if (c->reference && c->manifest) {
        cmc_put_text(t->pen->out, " (");
        (void)cmcctl_pen_safe(t->pen, c->manifest, CELL_MAX);
        cmc_put_u8(t->pen->out, ')');
    }
}

static void put_row(const struct table *t, const struct verify_container *c)
{
    cmcctl_pen_mark(t->pen, c->status);
    cmc_put_u8(t->pen->out, ' ');
    for (int column = 0; column < NAMED; column++)
        for (size_t n = put_cell(t->pen, c, column); n < t->width[column] + 2; n++)
            cmc_put_u8(t->pen->out, ' ');
    put_digest(t, c, c->config, c->config_differs);
    put_digest(t, c, c->rootfs, c->rootfs_differs);
    put_reference(t, c);
    cmc_put_u8(t->pen->out, '\n');
}

static void put_indent(const struct table *t)
{
    cmc_put_text(t->pen->out, "      ");
}

/* env VAL: reference "HELLO", measured "EVIL"; /usr/bin/sh: content; 3 more */
static void put_difference(const struct table *t, const struct verify_difference *d)
{
    static const char process[] = "process.";
    const char *path = d->path;
    const bool file = path[0] == '/', known = d->before || d->after;
    if (strncmp(path, process, sizeof(process) - 1) == 0)
        path += sizeof(process) - 1;
    put_indent(t);
    (void)cmcctl_pen_safe(t->pen, path, VALUE_MAX);
    cmc_put_text(t->pen->out, known ? ": " : "");
    if (known && !file) {
        cmc_put_text(t->pen->out, "reference ");
        (void)cmcctl_pen_safe(t->pen, d->before ? d->before : "(absent)", VALUE_MAX);
        cmc_put_text(t->pen->out, ", measured ");
    }
    if (known)
        (void)cmcctl_pen_safe(t->pen, d->after ? d->after : "(absent)", VALUE_MAX);
    cmc_put_u8(t->pen->out, '\n');
}

static void put_differences(struct table *t, size_t i)
{
    const struct verify_container *c = &t->r->container[i];
    const size_t all = c->difference_count;
    const size_t n = t->look->explain || all <= DIFFERENCES ? all : DIFFERENCES;
    for (size_t k = 0; k < n; k++)
        put_difference(t, &c->difference[k]);
    if (n < all) {
        put_indent(t);
        cmc_put_fmt(t->pen->out, "and %zu more differences\n", all - n);
        t->folded += all - n;
    }
    if (c->reason) {
        put_indent(t);
        (void)cmcctl_pen_safe(t->pen, c->reason, VALUE_MAX);
        cmc_put_u8(t->pen->out, '\n');
    }
    if (t->look->no_path && t->look->no_path[i]) {
        put_indent(t);
        cmc_put_text(t->pen->out, "root file system: ");
        (void)cmcctl_pen_safe(t->pen, t->look->no_path[i], VALUE_MAX);
        cmc_put_u8(t->pen->out, '\n');
    }
}

size_t cmcctl_verdict_containers(const struct ctl_pen *p, const struct verify_result *r,
                                 const struct ctl_look *look)
{
    struct table t = {.pen = p, .r = r, .look = look};
    const bool fold = !look->explain && r->container_count > ROWS;
    size_t matching = 0;
    if (!r->container_count)
        return 0;
    measure(&t);
    cmc_put_u8(p->out, '\n');
    put_titles(&t);
    for (size_t i = 0; i < r->container_count; i++) {
        if (fold && r->container[i].status == VERIFY_GOOD) {
            matching++;
            continue;
        }
        put_row(&t, &r->container[i]);
        put_differences(&t, i);
    }
    if (matching) {
        cmcctl_pen_mark(p, VERIFY_GOOD);
        cmc_put_fmt(p->out, " %zu more match\n", matching);
    }
    return t.folded + matching;
}
