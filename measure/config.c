/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config.c -- measures one config.json (docs/formats/oci-config.md). */
#include "measure/config.h"

#include <string.h>

#include "base/cleanup.h"
#include "measure/config_parts.h"

/* The digest is made from the detail alone: what a later reader recomputes is this very path, and
 * a detail that our own reader would refuse never leaves here. */
static int digest_of(const struct cmc_json *config, const struct measure_config_opts *opts,
                     struct measure_config *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf detail = cmc_buf_of(CMC_JSON_BYTES_MAX);

    measure_config_detail_put(&detail, config, opts);
    int rc = cmc_buf_check(&detail, "configuration detail", err);
    if (rc == 0)
        rc = measure_config_detail_digest(detail.data, detail.len, opts->redaction_key, out->digest,
                                          err);
    if (rc < 0)
        return rc;
    const struct cmc_json *tty = cmc_json_member(cmc_json_member(config, "process"), "terminal");
    out->terminal = tty && tty->type == CMC_JSON_TRUE;
    out->detail = detail;
    detail = (struct cmc_buf){0};
    return 0;
}

int measure_config(const void *json, size_t len, const struct measure_config_opts *opts,
                   struct measure_config *out, struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *config;
    struct measure_config result = {0};

    if (!opts->container_id || !*opts->container_id)
        return cmc_fail(err, CMC_E_USAGE, "configuration: the container id is empty");
    /* as the last part of a path they would lead elsewhere */
    if (strcmp(opts->container_id, ".") == 0 || strcmp(opts->container_id, "..") == 0)
        return cmc_fail(err, CMC_E_USAGE, "configuration: no container can have the id %s",
                        opts->container_id);
    if (opts->bundle && *opts->bundle != '/')
        return cmc_fail(err, CMC_E_USAGE, "configuration: bundle path %s is not absolute",
                        opts->bundle);
    int rc = cmc_json_parse(json, len, &doc, &config, err);
    if (rc == 0)
        rc = measure_config_check(config, err);
    if (rc == 0)
        rc = digest_of(config, opts, &result, err);
    if (rc < 0)
        return cmc_wrap(err, "config.json");
    cmc_sha256(json, len, result.raw_digest);
    *out = result;
    return 0;
}

void measure_config_done(struct measure_config *c)
{
    cmc_buf_done(&c->detail);
}
