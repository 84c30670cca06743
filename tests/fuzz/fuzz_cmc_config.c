/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_cmc_config.c -- any bytes as config.json in profile cmc, and as a normal form.
 * A normal form has the digest that comes with it, is JSON for our strict reader too, differs from
 * itself in nothing, and is its own normal form, save for what the format itself cannot repeat. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "measure/config_cmc.h"

static int resolve(void *ctx, const char *path, char *out, struct cmc_err *err)
{
    (void)ctx;
    if (*path != '/' || strlen(path) >= PATH_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "too long");
    (void)snprintf(out, PATH_MAX, "%s", path);
    return 0;
}

static void must_not_differ(void *ctx, const char *path, const char *before, const char *after)
{
    (void)ctx;
    (void)path;
    (void)before;
    (void)after;
    abort();
}

static void count(void *ctx, const char *path, const char *before, const char *after)
{
    size_t *n = ctx;
    if (!path || (!before && !after))
        abort();
    ++*n;
}

static bool says(const struct cmc_err *err, const char *text)
{
    return strstr(err->msg, text) != NULL;
}

/* 64-bit integers become doubles beyond their range, and CMC lets NUL pass. */
static void must_be_json(const struct cmc_buf *form)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    struct cmc_err err = {0};
    if (cmc_json_parse((const char *)form->data, form->len, &doc, &root, &err) == 0)
        return;
    if (err.code != CMC_E_LIMIT && !says(&err, "integer outside") && !says(&err, "fraction") &&
        !says(&err, "\\u0000"))
        abort();
}

static void must_be_stable(const struct measure_config *c)
{
    /* an id that no normal form holds */
    const struct measure_config_cmc_opts opts = {.container_id = "\x01", .resolve = resolve};
    struct measure_config again;
    struct cmc_err err = {0};
    if (measure_config_cmc(c->detail.data, c->detail.len, &opts, &again, &err) < 0) {
        if (err.code != CMC_E_LIMIT && !says(&err, "no integer, or one outside"))
            abort();
        return;
    }
    if (memcmp(c->digest, again.digest, sizeof(again.digest)) != 0 || again.terminal)
        abort();
    measure_config_done(&again);
}

static void as_config(const uint8_t *data, size_t size, const char *id)
{
    const struct measure_config_cmc_opts opts = {.container_id = id, .resolve = resolve};
    struct measure_config c;
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];

    int rc = measure_config_cmc(data, size, &opts, &c, &err);
    if ((rc < 0) != (err.code != CMC_OK))
        abort();
    if (rc < 0)
        return;
    cmc_sha256(c.detail.data, c.detail.len, digest);
    if (memcmp(digest, c.digest, sizeof(digest)) != 0)
        abort();
    must_be_json(&c.detail);
    must_be_stable(&c);
    if (measure_config_cmc_diff(&c.detail, &c.detail, must_not_differ, NULL, &err) < 0 &&
        err.code != CMC_E_LIMIT && !says(&err, "\\u0000"))
        abort();
    measure_config_done(&c);
}

/* Differences are shown if, and only if, there are some. */
static void as_form(const uint8_t *data, size_t size)
{
    static char known[] = "{\"process\":{\"env\":[\"A=B\"],\"user\":{\"gid\":0,\"uid\":0}}}";
    struct cmc_buf a = {.data = (uint8_t *)known, .len = sizeof(known) - 1};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(size);
    struct cmc_err err = {0};
    size_t n = 0;

    cmc_put(&b, data, size);
    if (measure_config_cmc_diff(&a, &b, count, &n, &err) < 0)
        return;
    if ((n == 0) != (a.len == b.len && memcmp(a.data, b.data, a.len) == 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_config(data, size, "web1");
    as_config(data, size, "8d6f55b059bca4d130b60e29807c5a5f63014b8673ad7cee69b7fb84b03b6443");
    as_form(data, size);
    return 0;
}
