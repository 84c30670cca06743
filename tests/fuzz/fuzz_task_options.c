/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the options of a Create request, and as the TOML they carry: what comes out is
 * kept by a second translation, and names one runc. */
#include <stdlib.h>
#include <string.h>

#include "tools/cmc_measure_options.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_again(const struct cmc_buf *any)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(CMC_MEASURE_OPTIONS_MAX);
    const struct cmc_span span = {any->data, any->len}, none = {NULL, 0};
    char binary[CMC_MEASURE_BINARY_MAX + 1] = "";
    enum cmc_helper_options what = CMC_HELPER_OPTIONS_DROP;
    struct cmc_measure_options o;
    struct cmc_err err = {0};
    check(cmc_measure_options_parse(&span, &o, &err) == 0);
    check(o.kind == CMC_MEASURE_OPTIONS_RUNC && o.value.len > 0);
    check(cmc_measure_options_translate(&o, &none, NULL, &what, &out, &err) == 0);
    check(what == CMC_HELPER_OPTIONS_KEEP && out.len == 0);
    check(cmc_measure_options_binary(&span, binary, &err) == 0 && binary[0]);
}

static void translate(const struct cmc_measure_options *o, const struct cmc_span *toml)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(CMC_MEASURE_OPTIONS_MAX);
    enum cmc_helper_options what = CMC_HELPER_OPTIONS_DROP;
    struct cmc_err err = {0};
    int rc = cmc_measure_options_translate(o, toml, "a.slice:b:c", &what, &out, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    check(rc < 0 || (out.len > 0) == (what == CMC_HELPER_OPTIONS_REPLACE));
    if (rc == 0 && out.len)
        check_again(&out);
}

/* The input as cgroupsPath of a request without options: at most the driver's flag comes of it. */
static void any_path(const struct cmc_span *in)
{
    const struct cmc_measure_options none = {.kind = CMC_MEASURE_OPTIONS_NONE};
    const struct cmc_span toml = {NULL, 0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(CMC_MEASURE_OPTIONS_MAX);
    enum cmc_helper_options what = CMC_HELPER_OPTIONS_DROP;
    struct cmc_err err = {0};
    char path[256] = "";
    if (in->len >= sizeof(path))
        return;
    if (in->len)
        memcpy(path, in->p, in->len);
    check(cmc_measure_options_translate(&none, &toml, path, &what, &out, &err) == 0);
    check(what == (out.len ? CMC_HELPER_OPTIONS_REPLACE : CMC_HELPER_OPTIONS_KEEP));
    check(!out.len || (strstr(path, ".slice:") && !strchr(path, '/')));
    if (out.len)
        check_again(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cmc_span in = {data, size};
    const struct cmc_measure_options inline_toml = {.kind = CMC_MEASURE_OPTIONS_RUNTIME};
    struct cmc_measure_options o;
    struct cmc_err err = {0};

    translate(&inline_toml, &in);
    int rc = cmc_measure_options_parse(&in, &o, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    if (rc == 0)
        translate(&o, &o.body);
    any_path(&in);
    return 0;
}
