/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_diff.c -- what differs between two normal forms, by member: each becomes a
 * detail such as profile exact has, and those are compared. */
#include <string.h>

#include "base/json.h"
#include "measure/config_cmc_parts.h"

static const struct spec_member anything = {"", SPEC_ONE, SPEC_ANY, NULL, SPEC_MEASURED, 0};

struct counted {
    measure_config_diff_fn *diff;
    void *ctx;
    bool seen;
};

static void count(void *ctx, const char *path, const char *before, const char *after)
{
    struct counted *c = ctx;
    c->seen = true;
    c->diff(c->ctx, path, before, after);
}

static int read_any(const void *json, size_t len, struct measure_places **places,
                    struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(CMC_JSON_BYTES_MAX + 1);
    cmc_put(&text, json, len);
    cmc_put_u8(&text, 0);
    int rc = cmc_buf_check(&text, "copy", err);
    if (rc < 0)
        return rc;
    text.len--;
    return measure_config_cmc_read(&text, &anything, places, err);
}

int measure_config_cmc_form(const void *json, size_t len, struct cmc_buf *form, struct cmc_err *err)
{
    cmc_autoplaces struct measure_places *places = NULL;
    int rc = read_any(json, len, &places, err);
    if (rc < 0)
        return rc;
    measure_config_cmc_put(form, places);
    return cmc_buf_check(form, "normal form", err);
}

static int put_detail(const struct cmc_buf *form, struct cmc_buf *detail, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf again = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_autoplaces struct measure_places *places = NULL;

    int rc = read_any(form->data, form->len, &places, err);
    if (rc < 0)
        return rc;
    measure_config_cmc_put(&again, places);
    rc = cmc_buf_check(&again, "copy", err);
    if (rc < 0)
        return rc;
    if (again.len != form->len || memcmp(again.data, form->data, form->len) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "not written in the one canonical way (RFC 8785)");
    measure_config_cmc_put_detail(detail, places);
    return cmc_buf_check(detail, "detail", err);
}

int measure_config_cmc_diff(const struct cmc_buf *a, const struct cmc_buf *b,
                            measure_config_diff_fn *diff, void *ctx, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf x = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_autobuf struct cmc_buf y = cmc_buf_of(CMC_JSON_BYTES_MAX);
    struct counted c = {.diff = diff, .ctx = ctx};

    if (put_detail(a, &x, err) < 0)
        return cmc_wrap(err, "first normal form");
    if (put_detail(b, &y, err) < 0)
        return cmc_wrap(err, "second normal form");
    int rc = measure_config_diff(&x, &y, count, &c, err);
    if (rc == 0 && !c.seen && (a->len != b->len || memcmp(a->data, b->data, a->len) != 0))
        rc = cmc_fail(err, CMC_E_FORMAT,
                      "two normal forms differ, but in nothing that can be shown");
    return rc;
}
