/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_details.c -- stored details: proved by the digests in events, then compared. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "measure/config_cmc.h"
#include "measure/listing.h"
#include "record/details.h"
#include "tools/cmcctl_log.h"

static bool equal(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, CMC_SHA256_LEN) == 0;
}

static enum ctl_detail get(const struct ctl_log *c, const char *kind, const uint8_t *digest,
                           struct cmc_buf *out)
{
    struct cmc_err err = {0};
    const int found = record_details_get(c->details, kind, digest, out, &err);
    if (found < 0)
        return CTL_DETAIL_UNREADABLE;
    return found ? CTL_DETAIL_AGREES : CTL_DETAIL_ABSENT;
}

/* The stored configuration, and whether it gives the digest of the event: what does not is never
 * shown. *out: freed by the caller. */
enum ctl_detail cmcctl_details_config(const struct ctl_log *c, const struct ctl_entry *e,
                                      struct cmc_buf *out)
{
    const struct measure_event *ev = &e->ev;
    uint8_t digest[CMC_SHA256_LEN], key_id[MEASURE_KEY_ID_LEN];
    struct cmc_err err = {0};
    const uint8_t *key = c->has_key ? c->key : NULL;
    if (!ev->has_config)
        return CTL_DETAIL_NONE;
    const enum ctl_detail got = get(c, "config", ev->config, out);
    if (got != CTL_DETAIL_AGREES)
        return got;
    if (e->profile == MEASURE_PROFILE_CMC) { /* its normal form, without any redaction */
        cmc_sha256(out->data, out->len, digest);
        return equal(digest, ev->config) ? CTL_DETAIL_AGREES : CTL_DETAIL_TAMPERED;
    }
    measure_config_key_id(key, key_id);
    if (memcmp(key_id, ev->key_id, sizeof(key_id)) != 0)
        return CTL_DETAIL_OTHER_KEY;
    const int rc = measure_config_detail_digest(out->data, out->len, key, digest, &err);
    return rc == 0 && equal(digest, ev->config) ? CTL_DETAIL_AGREES : CTL_DETAIL_TAMPERED;
}

/* The stored listing: it must give the listing's digest and the root file system's. */
static enum ctl_detail get_listing(const struct ctl_log *c, const struct measure_event *ev,
                                   struct cmc_buf *out)
{
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    if (!ev->has_listing || !ev->has_rootfs)
        return CTL_DETAIL_NONE;
    const enum ctl_detail got = get(c, "listing", ev->listing, out);
    if (got != CTL_DETAIL_AGREES)
        return got;
    cmc_sha256(out->data, out->len, digest);
    if (!equal(digest, ev->listing))
        return CTL_DETAIL_TAMPERED;
    const int rc = measure_listing_digest(out->data, out->len, digest, &err);
    return rc == 0 && equal(digest, ev->rootfs) ? CTL_DETAIL_AGREES : CTL_DETAIL_TAMPERED;
}

void cmcctl_details_check(struct ctl_log *c, struct ctl_entry *e)
{
    cmc_autobuf struct cmc_buf config = cmc_buf_of(0);
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(0);
    e->config = cmcctl_details_config(c, e, &config);
    if (e->profile == MEASURE_PROFILE_EXACT) /* cmc has none */
        e->listing = get_listing(c, &e->ev, &listing);
}

struct diff {
    ctl_difference_fn *each;
    void *ctx;
};

static bool sounds_secret(const char *text)
{
    static const char *const words[] = {"PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
                                        "SECRET",   "TOKEN",  "KEY"};
    for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The value of a hook's variable is part of one text with its name: that is judged as a whole, and
 * so is a hook, or are all, that only one side has. */
static bool is_hook_secret(const char *path, const char *value)
{
    return value && begins(path, "hooks") && (strstr(path, ".env") || strstr(value, "\"env\"")) &&
           sounds_secret(value);
}

/* Values of variables that sound like secrets are withheld (docs/decisions/0003). */
static bool is_secret(const char *path, const char *before, const char *after)
{
    return (begins(path, "process.env") && sounds_secret(path)) || is_hook_secret(path, before) ||
           is_hook_secret(path, after);
}

static void on_config(void *ctx, const char *path, const char *before, const char *after)
{
    static const char withheld[] = "(withheld)";
    const struct diff *d = ctx;
    const bool secret = is_secret(path, before, after);
    const struct ctl_difference one = {.what = "config",
                                       .path = path,
                                       .before = before && secret ? withheld : before,
                                       .after = after && secret ? withheld : after};
    d->each(d->ctx, &one);
}

static void diff_config(struct ctl_log *c, const struct ctl_entry *before,
                        const struct ctl_entry *after, struct diff *d, const char **note)
{
    const struct measure_event *old = &before->ev, *new = &after->ev;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf a = cmc_buf_of(0);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(0);
    if (!old->has_config || !new->has_config || equal(old->config, new->config))
        return;
    if (cmcctl_details_config(c, before, &a) != CTL_DETAIL_AGREES ||
        cmcctl_details_config(c, after, &b) != CTL_DETAIL_AGREES)
        *note = "the configurations differ; which members is not known: the stored details of one "
                "are missing or cannot be trusted";
    else if ((after->profile == MEASURE_PROFILE_CMC
                  ? measure_config_cmc_diff(&a, &b, on_config, d, &err)
                  : measure_config_diff(&a, &b, on_config, d, &err)) < 0)
        *note = "the configurations differ; their details cannot be compared";
}

static int on_path(void *ctx, struct measure_bytes path, unsigned changes)
{
    const struct diff *d = ctx;
    cmc_autofree char *text = strndup((const char *)path.p, path.len);
    cmc_autobuf struct cmc_buf names = cmc_buf_of(1024);
    for (unsigned bit = MEASURE_ADDED; text && bit <= MEASURE_XATTR; bit <<= 1)
        if (changes & bit)
            cmc_put_fmt(&names, "%s%s", names.len ? ", " : "",
                        measure_change_name((enum measure_change)bit));
    cmc_put_u8(&names, '\0');
    if (!text || names.bad)
        return -CMC_E_LIMIT;
    const struct ctl_difference one = {
        .what = "rootfs", .path = text, .after = (const char *)names.data};
    d->each(d->ctx, &one);
    return 0;
}

static void diff_rootfs(struct ctl_log *c, const struct ctl_entry *before,
                        const struct ctl_entry *after, struct diff *d, const char **note)
{
    const struct measure_event *old = &before->ev, *new = &after->ev;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf a = cmc_buf_of(0);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(0);
    if (!old->has_rootfs || !new->has_rootfs || equal(old->rootfs, new->rootfs))
        return;
    if (after->profile == MEASURE_PROFILE_CMC)
        *note = "the root file systems differ; which files is not known: profile cmc has no "
                "listings";
    else if (!old->has_listing || !new->has_listing)
        *note = "the root file systems differ; which files is not known: listings are not stored "
                "(keep_listing)";
    else if (get_listing(c, old, &a) != CTL_DETAIL_AGREES ||
             get_listing(c, new, &b) != CTL_DETAIL_AGREES)
        *note = "the root file systems differ; which files is not known: a stored listing is "
                "missing or cannot be trusted";
    else if (measure_listing_diff((struct measure_bytes){a.data, a.len},
                                  (struct measure_bytes){b.data, b.len}, on_path, d, &err) < 0)
        *note = "the root file systems differ; their listings cannot be compared";
}

void cmcctl_details_diff(struct ctl_log *c, const struct ctl_entry *e, ctl_difference_fn *each,
                         void *ctx, struct ctl_notes *notes)
{
    struct diff d = {.each = each, .ctx = ctx};
    *notes = (struct ctl_notes){0};
    if (e->before == CTL_NO_ENTRY)
        return;
    const struct ctl_entry *old = &c->entry[e->before];
    diff_config(c, old, e, &d, &notes->config);
    diff_rootfs(c, old, e, &d, &notes->rootfs);
}
