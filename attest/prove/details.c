/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/details.c -- configurations and listings of events, without what must stay here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/prove/parts.h"
#include "measure/config_secret.h"
#include "measure/listing.h"
#include "record/details.h"

static int details_dir(const struct prove *p, char out[static 4096], struct cmc_err *err)
{
    int n = snprintf(out, 4096, "%s/details", p->cfg.state_dir);
    return n < 0 || n >= 4096 ? cmc_fail(err, CMC_E_LIMIT, "state_dir is too long") : 0;
}

/* What cannot be had is left out, and no error; but a lack of memory is one, since the same report
 * would say more a moment later. errno was 0 before. */
static int left_out(struct cmc_err *err)
{
    return errno == ENOMEM ? cmc_fail(err, CMC_E_LIMIT, "details: out of memory") : 0;
}

/* The bytes that are stored, when they are what was measured: anything else is as good as absent,
 * since no verifier would believe it. */
static int stored_config(const struct prove *p, const struct prove_log *log,
                         const struct prove_event *ev, struct cmc_buf *out, struct cmc_err *err)
{
    char dir[4096];
    uint8_t digest[CMC_SHA256_LEN] = {0}, key_id[MEASURE_KEY_ID_LEN];
    struct cmc_err ignored = {0};
    if (details_dir(p, dir, err) < 0)
        return -(int)err->code;
    errno = 0;
    if (record_details_get(dir, "config", ev->config, out, &ignored) != 1)
        return left_out(err);
    if (log->profile == MEASURE_PROFILE_CMC) {
        cmc_sha256(out->data, out->len, digest);
        return memcmp(digest, ev->config, sizeof(digest)) == 0;
    }
    measure_config_key_id(p->cfg.redaction_key, key_id);
    if (memcmp(key_id, ev->key_id, sizeof(key_id)) != 0)
        return 0;
    errno = 0;
    if (measure_config_detail_digest(out->data, out->len, p->cfg.redaction_key, digest, &ignored) <
        0)
        return left_out(err);
    return memcmp(digest, ev->config, sizeof(digest)) == 0;
}

static int withhold(const struct prove *p, const struct prove_log *log,
                    const struct cmc_buf *stored, struct cmc_buf *out, struct cmc_err *err)
{
    const struct measure_names names = {.pattern = p->cfg.secrets, .count = p->cfg.secret_count};
    struct cmc_err ignored = {0};
    if (log->profile == MEASURE_PROFILE_EXACT)
        return measure_config_detail_withhold_names(stored->data, stored->len, p->cfg.redaction_key,
                                                    &names, out, err);
    errno = 0;
    if (measure_config_has_secret(stored->data, stored->len, &names, &ignored) != 0)
        return left_out(err); /* also where that cannot be told */
    cmc_put(out, stored->data, stored->len);
    return cmc_buf_check(out, "configuration", err) < 0 ? -(int)err->code : 1;
}

int prove_config_detail(const struct prove *p, const struct prove_log *log,
                        const struct prove_event *ev, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf stored = cmc_buf_of(0);
    int rc = ev->has_config ? stored_config(p, log, ev, &stored, err) : 0;
    if (rc != 1)
        return rc;
    return withhold(p, log, &stored, out, err);
}

void prove_details_done(struct prove_details *d)
{
    for (size_t i = 0; i < d->count; i++)
        cmc_buf_done(&d->data[i]);
    free(d->part);
    free(d->data);
    free(d->seen);
    *d = (struct prove_details){0};
}

/* Where digest is, or would be, among those that were seen: they ascend. */
static size_t place_of(uint8_t (*seen)[CMC_SHA256_LEN], size_t count, const uint8_t *digest,
                       bool *there)
{
    size_t low = 0, high = count;
    *there = false;
    while (low < high && !*there) {
        const size_t mid = low + (high - low) / 2;
        const int c = memcmp(digest, seen[mid], CMC_SHA256_LEN);
        *there = c == 0;
        if (c <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return high;
}

static int add_detail(const struct prove *p, const struct prove_log *log,
                      const struct prove_event *ev, size_t *left, struct prove_details *d,
                      struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(*left);
    errno = 0;
    int rc = prove_config_detail(p, log, ev, &data, err);
    if (rc == -CMC_E_LIMIT && errno != ENOMEM) {
        *err = (struct cmc_err){0};
        *left = 0; /* full: the older ones stay here */
        return 0;
    }
    if (rc != 1)
        return rc;
    *left -= data.len;
    d->part[d->count] =
        (struct meta_exact_part){.kind = "config",
                                 .digest = {.data = ev->config, .len = sizeof(ev->config)},
                                 .data = {.data = data.data, .len = data.len}};
    d->data[d->count++] = data;
    data = (struct cmc_buf){0};
    return 0;
}

static int fill(const struct prove *p, const struct prove_log *log, size_t left,
                struct prove_details *d, struct cmc_err *err)
{
    size_t count = 0;
    for (size_t i = log->count; i-- && left && count < META_EXACT_LIST;) {
        const struct prove_event *ev = &log->event[i];
        bool there = true;
        const size_t at = ev->has_config ? place_of(d->seen, count, ev->config, &there) : 0;
        if (there)
            continue;
        memmove(d->seen + at + 1, d->seen + at, (count++ - at) * sizeof(*d->seen));
        memcpy(d->seen + at, ev->config, sizeof(*d->seen));
        if (add_detail(p, log, ev, &left, d, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

int prove_details_of(const struct prove *p, const struct prove_log *log, size_t limit,
                     struct prove_details *out, struct cmc_err *err)
{
    struct prove_details d = {.part = calloc(META_EXACT_LIST, sizeof(*d.part)),
                              .data = calloc(META_EXACT_LIST, sizeof(*d.data)),
                              .seen = calloc(META_EXACT_LIST, sizeof(*d.seen))};
    int rc = d.part && d.data && d.seen ? fill(p, log, limit, &d, err)
                                        : cmc_fail(err, CMC_E_LIMIT, "details: out of memory");
    if (rc < 0)
        prove_details_done(&d);
    else
        *out = d;
    return rc;
}

static int find_listing(const struct prove *p, const struct prove_event *ev, struct cmc_buf *out,
                        struct cmc_err *err)
{
    char dir[4096];
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err ignored = {0};
    cmc_autobuf struct cmc_buf text = cmc_buf_of(0);
    if (details_dir(p, dir, err) < 0)
        return -(int)err->code;
    errno = 0;
    if (record_details_get(dir, "listing", ev->listing, &text, &ignored) != 1 ||
        measure_listing_digest(text.data, text.len, digest, &ignored) < 0)
        return left_out(err);
    if (memcmp(digest, ev->rootfs, sizeof(digest)) != 0)
        return 0;
    cmc_put(out, text.data, text.len);
    return cmc_buf_check(out, "listing", err) < 0 ? -(int)err->code : 1;
}

int prove_detail(struct prove *p, const char *kind, const uint8_t digest[static CMC_SHA256_LEN],
                 struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done) struct prove_log log = {0};
    const bool tree = strcmp(kind, "tree") == 0;
    if (!tree && strcmp(kind, "config") != 0)
        return cmc_fail(err, CMC_E_USAGE, "detail: kind %.40s: expected config or tree", kind);
    if (prove_log_read(p->cfg.runtime_dir, p->cfg.bank, &log, err) < 0)
        return -(int)err->code;
    for (size_t i = log.count; i--;) {
        const struct prove_event *ev = &log.event[i];
        int rc = 0;
        if (tree && ev->has_listing && memcmp(ev->rootfs, digest, CMC_SHA256_LEN) == 0)
            rc = find_listing(p, ev, out, err);
        else if (!tree && ev->has_config && memcmp(ev->config, digest, CMC_SHA256_LEN) == 0)
            rc = prove_config_detail(p, &log, ev, out, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
