/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/shown.c -- what a result shows, against what another one showed. */
#include "tests/lib/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/rows.h"

static char objection[512]; /* of the comparison that failed last */

static bool object(const char *what, const char *value)
{
    (void)snprintf(objection, sizeof(objection), "%s: %.400s", what, value ? value : "(none)");
    return false;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Nothing, or what it was. */
static bool fits_text(const char *what, const char *was, const char *is)
{
    return !is || same_text(was, is) || object(what, is);
}

static bool same_difference(const struct verify_difference *a, const struct verify_difference *b)
{
    return same_text(a->path, b->path) && same_text(a->before, b->before) &&
           same_text(a->after, b->after);
}

static bool fits_differences(const struct verify_container *was, const struct verify_container *is)
{
    for (size_t i = 0; i < is->difference_count; i++) {
        size_t k = 0;
        while (k < was->difference_count &&
               !same_difference(&was->difference[k], &is->difference[i]))
            k++;
        if (k == was->difference_count)
            return object("another difference", is->difference[i].path);
    }
    return true;
}

static bool fits_reference(const struct verify_container *was, const struct verify_container *is)
{
    if (!fits_text("reference", was->reference, is->reference) ||
        !fits_text("manifest", was->manifest, is->manifest))
        return false;
    return !is->reference || (memcmp(was->ref_config, is->ref_config, CMC_SHA256_LEN) == 0 &&
                              memcmp(was->ref_rootfs, is->ref_rootfs, CMC_SHA256_LEN) == 0)
               ? true
               : object("digests of the reference", is->reference);
}

/* A row is an event: all of it or nothing. */
static bool fits_row(const struct verify_container *was, const struct verify_container *is)
{
    const struct {
        const char *what, *was, *is;
    } texts[] = {{"event", was->event, is->event},       {"id", was->id, is->id},
                 {"sandbox", was->sandbox, is->sandbox}, {"ns", was->ns, is->ns},
                 {"name", was->name, is->name},          {"image", was->image, is->image},
                 {"reason", was->reason, is->reason}};
    for (size_t i = 0; i < ROWS(texts); i++)
        if (!same_text(texts[i].was, texts[i].is))
            return object(texts[i].what, texts[i].is);
    if (was->seq != is->seq || was->measured != is->measured ||
        memcmp(was->config, is->config, CMC_SHA256_LEN) != 0 ||
        memcmp(was->rootfs, is->rootfs, CMC_SHA256_LEN) != 0)
        return object("number or digests", is->id);
    if (is->status == VERIFY_GOOD && was->status != VERIFY_GOOD)
        return object("a container is good now", is->id);
    return fits_reference(was, is) && fits_differences(was, is);
}

/* Containers are all there: none can be taken out of a register. Or none, when nothing is shown. */
static bool fits_rows(const struct verify_result *was, const struct verify_result *is)
{
    if (is->container_count && is->container_count != was->container_count)
        return object("the number of containers", NULL);
    for (size_t i = 0; i < is->container_count; i++)
        if (!fits_row(&was->container[i], &is->container[i]))
            return false;
    return true;
}

/* The text that was shown, maybe with a name and ": " before it. */
static bool says(const char *text, const char *shown)
{
    const size_t len = strlen(text), tail = strlen(shown);
    return len >= tail && strcmp(text + len - tail, shown) == 0 &&
           (len == tail || (len - tail > 2 && strncmp(text + len - tail - 2, ": ", 2) == 0));
}

static const struct verify_claim *told(const struct verify_claim *among,
                                       const struct verify_claim *claim)
{
    for (; among; among = among->next) {
        if (strcmp(among->id, claim->id) == 0 && says(claim->text, among->text) &&
            (claim->status != VERIFY_GOOD || among->status == VERIFY_GOOD))
            return among;
        const struct verify_claim *below = told(among->child, claim);
        if (below)
            return below;
    }
    return NULL;
}

/* What comes from events and details; other claims that do not hold speak of what was refused. */
static bool shows_the_log(const struct verify_claim *c)
{
    return strcmp(c->id, "container.event") == 0 || strstr(c->text, ", measured ") ||
           (strcmp(c->id, "container.rules") == 0 && c->status == VERIFY_BAD);
}

/* The level of no manifest at all. */
static bool is_nothing(const struct verify_claim *c)
{
    return strcmp(c->id, "metadata.level") == 0 && strcmp(c->text, "certification level 0") == 0;
}

bool shown_claims_fit(const struct verify_claim *was, const struct verify_claim *is)
{
    for (; is; is = is->next) {
        if ((is->status == VERIFY_GOOD || shows_the_log(is)) && !is_nothing(is) && !told(was, is))
            return object(is->id, is->text);
        if (!shown_claims_fit(was, is->child))
            return false;
    }
    return true;
}

static bool same_item(const struct verify_metadata_result *a,
                      const struct verify_metadata_result *b)
{
    return same_text(a->type, b->type) && same_text(a->name, b->name) &&
           same_text(a->version, b->version) && same_text(a->not_before, b->not_before) &&
           same_text(a->not_after, b->not_after) && same_text(a->description, b->description) &&
           memcmp(a->digest, b->digest, CMC_SHA256_LEN) == 0;
}

/* An item without a signature that holds says nothing. */
static bool fits_item(const struct verify_result *was, const struct verify_metadata_result *is)
{
    for (size_t i = 0; i < was->metadata_count; i++)
        if (same_item(&was->metadata[i], is))
            return true;
    return (is->signature != VERIFY_GOOD && is->status != VERIFY_GOOD && !is->type && !is->name &&
            !is->version && !is->not_before && !is->not_after && !is->description) ||
           object("an item", is->name);
}

bool shown_trust(const struct verify_result *r)
{
    return r->verdict == VERIFY_TRUSTED || r->verdict == VERIFY_TRUSTED_IF_ROOT;
}

static bool same_json(const struct verify_result *was, const struct verify_result *is)
{
    cmc_autobuf struct cmc_buf a = cmc_buf_of(1 << 20), b = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    assert_int_equal(verify_result_put_json(was, &a, &err), 0);
    assert_int_equal(verify_result_put_json(is, &b, &err), 0);
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

bool shown_fits(const struct verify_result *was, const struct verify_result *is)
{
    if (shown_trust(is) && (is->verdict != was->verdict || !same_json(was, is)))
        return object("trusted, with another result", is->words);
    for (size_t i = 0; i < is->metadata_count; i++)
        if (!fits_item(was, &is->metadata[i]))
            return false;
    if ((is->has_ak && memcmp(was->ak, is->ak, CMC_SHA256_LEN) != 0) ||
        (is->cert_level && is->cert_level != was->cert_level) || (is->pcr && is->pcr != was->pcr))
        return object("key, level or register", is->key_kind);
    return fits_text("host", was->host, is->host) &&
           fits_text("key", was->key_kind, is->key_kind) &&
           fits_text("profile", was->profile, is->profile) && fits_rows(was, is) &&
           shown_claims_fit(was->claim, is->claim);
}

const char *shown_objection(void)
{
    return objection;
}
