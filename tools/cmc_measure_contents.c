/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents.c -- which layers take part, what is known of them, and merging what
 * was learned into what was there. */
#include "tools/cmc_measure_contents.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "record/boot.h"
#include "tools/cmc_measure_contents_dir.h"
#include "tools/cmc_measure_contents_file.h"
#include "tools/cmc_measure_flight_dir.h"

struct layer {
    bool takes_part;
    uint64_t dev;
    uint8_t identity[CMC_SHA256_LEN];
    char name[CMC_MEASURE_CONTENTS_NAME];
    struct cmc_measure_contents_reader *before; /* owned; NULL: nothing is known */
};

struct save { /* of one layer after the other */
    int dir;  /* locked, while anything is saved */
    uint32_t layer;
    int fd;                                    /* of the file that is written, or -1 */
    struct cmc_measure_contents_reader *there; /* what it replaces, or NULL */
    size_t next;                               /* record of it that comes next */
    struct cmc_measure_contents_writer *writer;
};

struct cmc_measure_contents {
    const char *runtime_dir;
    struct measure_known known;
    uint8_t boot[RECORD_BOOT_ID_LEN];
    int64_t lead_ns; /* at the start */
    bool used;       /* something was known */
    struct save save;
    size_t count;
    struct layer layer[];
};

static void hash_facts(const uint64_t facts[], size_t count, uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_sha256_ctx hash;
    cmc_sha256_init(&hash);
    for (size_t i = 0; i < count; i++) {
        uint8_t be[8];
        for (size_t k = 0; k < sizeof(be); k++)
            be[k] = (uint8_t)(facts[i] >> (56 - 8 * k));
        cmc_sha256_add(&hash, be, sizeof(be));
    }
    cmc_sha256_end(&hash, out);
}

static void identify(int fd, struct layer *out)
{
    struct statfs fs;
    struct statx sx;
    uint32_t id[2];
    _Static_assert(sizeof(id) == sizeof(fs.f_fsid), "two integers");
    struct cmc_err ignored;
    if (cmc_measure_flight_judge(fd, &ignored) < 0 || fstatfs(fd, &fs) < 0 ||
        statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
        return;
    const bool born = sx.stx_mask & STATX_BTIME;
    memcpy(id, &fs.f_fsid, sizeof(id));
    const uint64_t facts[] = {
        (uint64_t)fs.f_type,
        (uint64_t)id[1] << 32 | id[0],
        (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor,
        sx.stx_ino,
        born ? (uint64_t)sx.stx_btime.tv_sec : 0,
        born ? sx.stx_btime.tv_nsec : 0,
    };
    hash_facts(facts, sizeof(facts) / sizeof(facts[0]), out->identity);
    cmc_hex(out->identity, (CMC_MEASURE_CONTENTS_NAME - 1) / 2, out->name);
    out->dev = facts[2];
    out->takes_part = true;
}

/* The file of a layer, if it is one that can be believed now. */
static struct cmc_measure_contents_reader *open_file(const struct cmc_measure_contents *c,
                                                     const struct layer *l, int dir)
{
    struct cmc_measure_contents_reader *r;
    struct cmc_err ignored;
    const int fd = cmc_measure_contents_dir_read(dir, l->name);
    if (fd < 0 || cmc_measure_contents_file_open(fd, &r, &ignored) < 0)
        return NULL;
    if (memcmp(r->head.boot, c->boot, sizeof(c->boot)) == 0 &&
        memcmp(r->head.layer, l->identity, sizeof(l->identity)) == 0 &&
        !cmc_measure_flight_is_behind(r->head.lead_ns))
        return r;
    cmc_measure_contents_file_close(r);
    return NULL;
}

static bool find(void *ctx, const struct measure_known_file *f,
                 uint8_t digest[static CMC_SHA256_LEN])
{
    struct cmc_measure_contents *c = ctx;
    struct cmc_measure_contents_record r;
    const struct layer *l = f->layer < c->count ? &c->layer[f->layer] : NULL;
    if (!l || !l->before || f->dev != l->dev ||
        !cmc_measure_contents_file_find(l->before, f->ino, &r) || r.size != f->size ||
        r.changed != f->changed)
        return false;
    memcpy(digest, r.digest, sizeof(r.digest));
    c->used = true;
    return true;
}

/* Records of the file that is replaced, up to that of inode number ino. */
static void copy_below(struct save *s, uint64_t ino)
{
    struct cmc_measure_contents_record r;
    for (; s->there && s->next < s->there->count; s->next++) {
        if (!cmc_measure_contents_file_at(s->there, s->next, &r)) {
            s->writer->bad = true; /* better what was there than a part of it */
            return;
        }
        if (r.ino >= ino)
            return;
        cmc_measure_contents_file_add(s->writer, &r);
    }
}

/* Ends the file that is being written, if any. */
static void end_file(struct cmc_measure_contents *c)
{
    struct save *s = &c->save;
    if (s->fd < 0)
        return;
    copy_below(s, UINT64_MAX);
    if (cmc_measure_contents_file_end(s->writer))
        (void)cmc_measure_contents_dir_keep(s->dir, s->fd, c->layer[s->layer].name);
    else
        cmc_measure_contents_dir_drop(s->dir);
    cmc_closep(&s->fd);
    cmc_measure_contents_file_close(CMC_TAKE_PTR(s->there));
}

static bool start_file(struct cmc_measure_contents *c, uint32_t layer)
{
    struct save *s = &c->save;
    const struct layer *l = &c->layer[layer];
    struct cmc_measure_contents_head head = {.lead_ns = cmc_measure_flight_lead_ns()};
    if (cmc_measure_flight_is_behind(c->lead_ns))
        return false;
    s->fd = cmc_measure_contents_dir_new(s->dir);
    if (s->fd < 0)
        return false;
    s->layer = layer;
    s->there = open_file(c, l, s->dir); /* another may have written it meanwhile */
    s->next = 0;
    if (s->there && s->there->head.lead_ns > head.lead_ns) /* steps must not add up unseen */
        head.lead_ns = s->there->head.lead_ns;
    memcpy(head.boot, c->boot, sizeof(head.boot));
    memcpy(head.layer, l->identity, sizeof(head.layer));
    cmc_measure_contents_file_start(s->writer, s->fd, &head);
    return true;
}

/* The directory, locked, and room to write. */
static bool start_save(struct cmc_measure_contents *c)
{
    struct save *s = &c->save;
    s->writer = malloc(sizeof(*s->writer));
    s->dir = cmc_measure_contents_dir_open(c->runtime_dir, true);
    return s->writer && s->dir >= 0 && cmc_measure_flight_lock(s->dir);
}

static bool learn(void *ctx, const struct measure_known_file *f,
                  const uint8_t digest[static CMC_SHA256_LEN])
{
    struct cmc_measure_contents *c = ctx;
    struct save *s = &c->save;
    struct cmc_measure_contents_record r = {f->ino, f->size, f->changed, {0}};
    if (f->layer >= c->count)
        return false;
    if (!c->layer[f->layer].takes_part || f->dev != c->layer[f->layer].dev)
        return true;
    if (s->fd < 0 || s->layer != f->layer) {
        end_file(c);
        if ((!s->writer && !start_save(c)) || !start_file(c, f->layer))
            return false;
    }
    copy_below(s, f->ino);
    struct cmc_measure_contents_record old;
    if (s->there && s->next < s->there->count &&
        cmc_measure_contents_file_at(s->there, s->next, &old) && old.ino == f->ino)
        s->next++;
    memcpy(r.digest, digest, sizeof(r.digest));
    cmc_measure_contents_file_add(s->writer, &r);
    return true;
}

struct cmc_measure_contents *
cmc_measure_contents_begin(const char *runtime_dir, const struct measure_layers *layers, size_t own)
{
    struct cmc_err ignored;
    struct cmc_measure_contents *c = calloc(1, sizeof(*c) + layers->count * sizeof(c->layer[0]));
    if (!c)
        return NULL;
    *c = (struct cmc_measure_contents){
        .runtime_dir = runtime_dir,
        .known = {find, learn, c},
        .save = {.dir = -1, .fd = -1},
        .lead_ns = cmc_measure_flight_lead_ns(),
        .count = layers->count,
    };
    if (record_boot_id(c->boot, &ignored) < 0) {
        free(c);
        return NULL;
    }
    cmc_autofd int dir = cmc_measure_contents_dir_open(runtime_dir, false);
    for (size_t i = own; i < c->count; i++) {
        struct layer *l = &c->layer[i];
        identify(layers->fds[i], l);
        if (dir < 0 || !l->takes_part)
            continue;
        l->before = open_file(c, l, dir);
        if (l->before)
            (void)futimens(l->before->fd, NULL); /* used now */
    }
    return c;
}

const struct measure_known *cmc_measure_contents_known(const struct cmc_measure_contents *c)
{
    return c ? &c->known : NULL;
}

bool cmc_measure_contents_end(struct cmc_measure_contents *c)
{
    if (!c)
        return true;
    end_file(c);
    const bool sound = !c->used || !cmc_measure_flight_is_behind(c->lead_ns);
    cmc_closep(&c->save.dir);
    free(c->save.writer);
    for (size_t i = 0; i < c->count; i++)
        cmc_measure_contents_file_close(c->layer[i].before);
    free(c);
    return sound;
}
