/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_details.c -- configurations: believed once they give the digest that
 * they are found by. */
#include <string.h>

#include "attest/verify/exact_parts.h"
#include "measure/config.h"

static int check(const struct verify_exact *x, const struct meta_bytes *detail,
                 const uint8_t want[static CMC_SHA256_LEN], struct cmc_err *err)
{
    uint8_t got[CMC_SHA256_LEN];
    if (measure_config_detail_digest(detail->data, detail->len, x->policy->redaction_key, got,
                                     err) < 0)
        return cmc_fail(err, CMC_E_VERIFY, "it is no configuration");
    if (memcmp(got, want, sizeof(got)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "it gives another digest");
    return 0;
}

int verify_detail(const struct verify_exact *x, const struct measure_event *ev,
                  struct meta_bytes *out, struct cmc_err *err)
{
    const struct meta_exact *r = x->report;
    for (size_t i = 0; i < r->detail_count; i++) {
        const struct meta_exact_part *d = &r->detail[i];
        if (strcmp(d->kind, "config") != 0 || d->digest.len != CMC_SHA256_LEN ||
            memcmp(d->digest.data, ev->config, CMC_SHA256_LEN) != 0)
            continue;
        const int rc = check(x, &d->data, ev->config, err);
        if (rc < 0)
            return rc;
        *out = d->data;
        return 1;
    }
    return 0;
}

int verify_detail_of_reference(const struct verify_exact *x, const struct verify_wanted *w,
                               struct cmc_buf *out, struct cmc_err *err)
{
    const struct cmc_json *spec = w->reference->component->ctr->oci_spec;
    if (!spec)
        return cmc_fail(err, CMC_E_VERIFY, "the reference holds no configuration");
    cmc_put_json(out, spec);
    int rc = cmc_buf_check(out, "configuration", err);
    if (rc == 0)
        rc = check(x, &(struct meta_bytes){.data = out->data, .len = out->len}, w->config, err);
    return rc < 0 ? cmc_wrap(err, "the reference's configuration") : 0;
}
