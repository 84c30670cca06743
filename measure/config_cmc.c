/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc.c -- measures one config.json as the Go CMC does
 * (docs/formats/cmc-config.md). */
#include "measure/config_cmc.h"

#include <string.h>

#include "base/json.h"
#include "measure/config_cmc_parts.h"

#define PLACEHOLDER "<container-id>"

enum { SHORT_ID_LEN = 12 };

static const struct spec_member whole = {"", SPEC_ONE, SPEC_STRUCT, &measure_spec, SPEC_MEASURED,
                                         0};

/* Every occurrence of id becomes the placeholder, wherever it is. */
static int replace(const uint8_t *text, size_t len, const char *id, size_t id_len,
                   struct cmc_buf *out, struct cmc_err *err)
{
    const uint8_t *end = text + len, *hit;
    while (!out->bad && (hit = memmem(text, (size_t)(end - text), id, id_len))) {
        cmc_put(out, text, (size_t)(hit - text));
        cmc_put_text(out, PLACEHOLDER);
        text = hit + id_len;
    }
    cmc_put(out, text, (size_t)(end - text));
    return cmc_buf_check(out, "text with the container id replaced", err);
}

/* *out: what CMC decodes, and a NUL behind it. */
static int replace_ids(const uint8_t *json, size_t len, const char *id, struct cmc_buf *out,
                       struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf first = cmc_buf_of(CMC_JSON_BYTES_MAX);
    size_t id_len = strlen(id), short_len = id_len > SHORT_ID_LEN ? SHORT_ID_LEN : id_len;

    int rc = replace(json, len, id, id_len, &first, err);
    if (rc == 0)
        rc = replace(first.data, first.len, id, short_len, out, err);
    if (rc < 0)
        return rc;
    out->max++; /* the NUL is no part of the text */
    cmc_put_u8(out, 0);
    rc = cmc_buf_check(out, "text with the container id replaced", err);
    out->len -= rc == 0;
    return rc;
}

static int normal_form(struct measure_places *p, const struct measure_config_cmc_opts *opts,
                       struct measure_config *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf form = cmc_buf_of(CMC_JSON_BYTES_MAX);
    const struct measure_place *process = measure_config_cmc_member(&p->root, "process");
    const struct measure_place *tty = measure_config_cmc_member(process, "terminal");
    bool terminal = tty && tty->flag;

    if (!process)
        return cmc_fail(err, CMC_E_FORMAT, "no process: nothing that CMC could measure");
    int rc = measure_config_cmc_rules(p, opts, err);
    if (rc < 0)
        return rc;
    measure_config_cmc_sort(p);
    measure_config_cmc_put(&form, p);
    rc = cmc_buf_check(&form, "normal form", err);
    if (rc < 0)
        return rc;
    cmc_sha256(form.data, form.len, out->digest);
    out->terminal = terminal;
    out->detail = form;
    form = (struct cmc_buf){0};
    return 0;
}

int measure_config_cmc(const void *json, size_t len, const struct measure_config_cmc_opts *opts,
                       struct measure_config *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_autoplaces struct measure_places *places = NULL;
    struct measure_config result = {0};

    if (!opts->container_id || !*opts->container_id)
        return cmc_fail(err, CMC_E_USAGE, "configuration: the container id is empty");
    if (len == 0)
        return cmc_fail(err, CMC_E_FORMAT, "config.json: empty");
    if (len > CMC_JSON_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "config.json: %zu bytes, at most %d", len,
                        CMC_JSON_BYTES_MAX);
    int rc = replace_ids(json, len, opts->container_id, &text, err);
    if (rc == 0)
        rc = measure_config_cmc_read(&text, &whole, &places, err);
    if (rc == 0)
        rc = normal_form(places, opts, &result, err);
    if (rc < 0)
        return cmc_wrap(err, "config.json as CMC reads it");
    cmc_sha256(json, len, result.raw_digest);
    *out = result;
    return 0;
}
