/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/log.c -- reads the log while the recorder writes it. */
#include "attest/prove/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOG_MAX = 64 << 20 }; /* bytes; the recorder writes no longer one */

void prove_log_done(struct prove_log *l)
{
    cmc_buf_done(&l->bytes);
    free(l->event);
    *l = (struct prove_log){0};
}

static int read_file(const char *runtime_dir, struct cmc_buf *out, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int dir = open(runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cmc_autofd int fd =
        dir < 0 ? -1 : openat(dir, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0; /* nothing was recorded: verifiers say so */
    if (fd < 0 || fstat(fd, &st) != 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s/log", runtime_dir);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s/log is not a regular file", runtime_dir);
    return cmc_buf_read(out, fd, "log", err) < 0 ? cmc_wrap(err, "%.300s", runtime_dir) : 0;
}

static const uint8_t *value_of(const struct measure_banks *b, uint16_t bank)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->bank[i].alg == bank)
            return b->bank[i].value;
    return NULL;
}

static void take_value(const struct measure_banks *b, uint16_t bank, uint8_t out[CMC_HASH_MAX])
{
    const uint8_t *v = value_of(b, bank);
    if (v)
        memcpy(out, v, cmc_hash_size(bank));
}

/* Room for one more, or NULL: out of memory. */
static struct prove_event *grow(struct prove_log *l)
{
    if (l->event && l->count < l->cap)
        return &l->event[l->count];
    const size_t cap = l->cap ? 2 * l->cap : 64;
    struct prove_event *more = reallocarray(l->event, cap, sizeof(*more));
    if (!more)
        return NULL;
    l->event = more;
    l->cap = cap;
    return &more[l->count];
}

/* What an open record makes of the register: the extend may have happened already. */
static void guess_value(const struct prove_log *l, const struct measure_banks *found,
                        struct prove_event *e)
{
    struct cmc_err ignored = {0};
    const size_t size = cmc_hash_size(l->bank);
    uint8_t before[CMC_HASH_MAX] = {0};
    if (l->event && l->count)
        memcpy(before, l->event[l->count - 1].value, size);
    take_value(found, l->bank, before); /* of a record that begins anew */
    memcpy(e->value, before, size);
    if (e->extended)
        (void)!cmc_hash2(l->bank, before, size, e->digest, size, e->value, &ignored);
}

static int add(struct prove_log *l, const struct measure_frame *f, struct prove_event *slot,
               struct cmc_err *err)
{
    struct measure_event ev = {0};
    cmc_autofree char *text = NULL;
    int rc = measure_event_decode(f->content, f->content_len, &ev, &text, err);
    if (rc < 0)
        return rc;
    struct prove_event e = {.type = ev.type,
                            .content = f->content,
                            .content_len = f->content_len,
                            .extended = value_of(&f->digests, l->bank) != NULL,
                            .has_config = ev.has_config,
                            .has_listing = ev.has_listing && ev.has_rootfs};
    memcpy(e.config, ev.config, sizeof(e.config));
    memcpy(e.rootfs, ev.rootfs, sizeof(e.rootfs));
    memcpy(e.listing, ev.listing, sizeof(e.listing));
    memcpy(e.key_id, ev.key_id, sizeof(e.key_id));
    take_value(&f->digests, l->bank, e.digest);
    guess_value(l, &ev.found, &e);
    if (ev.type == MEASURE_RECORDER_START || ev.type == MEASURE_DISCONTINUITY) {
        e.begins =
            ev.type == MEASURE_DISCONTINUITY || !l->count || l->reset_count != ev.reset_count;
        l->profile = ev.profile;
        l->reset_count = ev.reset_count;
    }
    *slot = e;
    l->count++;
    return 0;
}

static void mark(struct prove_log *l, const struct measure_frame *f)
{
    struct prove_event *e = l->count ? &l->event[l->count - 1] : NULL;
    if (!e)
        return;
    e->how = f->how;
    take_value(&f->values, l->bank, e->value);
}

/* Damage ends the reading, and is for verifiers to find: the bytes are handed on as they are. A
 * lack of memory is no damage. */
static int scan(struct prove_log *l, struct cmc_err *err)
{
    struct measure_frame f;
    size_t at = 0, torn = 0;
    while (measure_frame_next(l->bytes.data, l->bytes.len, &at, &f, &torn, err) == 1) {
        if (f.type != MEASURE_FRAME_INTENT) {
            mark(l, &f);
            continue;
        }
        struct prove_event *slot = grow(l);
        if (!slot)
            return cmc_fail(err, CMC_E_LIMIT, "log: out of memory");
        errno = 0;
        if (add(l, &f, slot, err) == 0)
            continue;
        if (errno == ENOMEM)
            return cmc_wrap(err, "log");
        break;
    }
    *err = (struct cmc_err){0};
    return 0;
}

int prove_log_read(const char *runtime_dir, uint16_t bank, struct prove_log *out,
                   struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done)
    struct prove_log l = {
        .bytes = cmc_buf_of(LOG_MAX), .bank = bank, .profile = MEASURE_PROFILE_EXACT};
    if (read_file(runtime_dir, &l.bytes, err) < 0 || scan(&l, err) < 0)
        return -(int)err->code;
    *out = l;
    l = (struct prove_log){0};
    return 0;
}

int prove_log_replay(const struct prove_log *l, struct measure_replay *out, struct cmc_err *err)
{
    struct measure_begin begin;
    struct measure_replay r = {.empty = true, .profile = l->profile};
    int rc = measure_replay_begin(l->bytes.data, l->bytes.len, &begin, err);
    if (rc == 1) {
        struct measure_starts starts = measure_starts_zero(&begin.found);
        if (begin.type == MEASURE_RECORDER_START && !measure_starts_have(&starts, &begin.found))
            starts.value[starts.count++] = begin.found;
        rc = measure_replay(l->bytes.data, l->bytes.len, &starts, NULL, NULL, &r, err);
    } else if (rc == 0) {
        r.start = r.last =
            (struct measure_banks){.count = 1, .bank = {{.alg = l->bank}}}; /* zeros */
    }
    if (rc < 0)
        return rc;
    if (!value_of(&r.last, l->bank))
        return cmc_fail(err, CMC_E_FORMAT, "log: no bank 0x%04x", l->bank);
    *out = r;
    return 0;
}
