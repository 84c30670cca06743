/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request's metadata: what is accepted stays accepted with its own namespace added
 * and is refused with another, wherever that stands; and a rewritten request is judged alike. */
#include <stdlib.h>
#include <string.h>

#include "shim/ttrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char own[] = "k8s.io";

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int judge(const struct shim_frame *f)
{
    struct cmc_err err = {0};
    const int rc = shim_ttrpc_check_namespace(f, own, &err);
    must((rc < 0) == (err.code != CMC_OK));
    must(rc == 0 || rc == -CMC_E_VERIFY || rc == -CMC_E_FORMAT);
    for (const char *c = err.msg; rc < 0 && *c; c++) /* it goes to a log */
        must((unsigned char)*c >= 0x20 && *c != 0x7f);
    return rc;
}

static void put_entry(struct cmc_buf *b, const char *ns)
{
    static const char key[] = "containerd-namespace-ttrpc";
    struct cmc_buf entry = cmc_buf_of(256);
    cmc_pb_put_bytes(&entry, 1, key, strlen(key));
    cmc_pb_put_bytes(&entry, 2, ns, strlen(ns));
    cmc_pb_put_bytes(b, 5, entry.data, entry.len);
    cmc_buf_done(&entry);
}

static int judge_with(const uint8_t *data, size_t size, const char *ns, bool first)
{
    struct cmc_buf all = cmc_buf_of(size + 256);
    if (first)
        put_entry(&all, ns);
    cmc_put(&all, data, size);
    if (!first)
        put_entry(&all, ns);
    must(!all.bad);
    const struct shim_frame f = {.data = all.data, .data_len = all.len, .type = 1, .stream = 1};
    const int rc = judge(&f);
    cmc_buf_done(&all);
    return rc;
}

static int judge_rewritten(const struct shim_frame *f)
{
    static const struct cmc_span payload = {(const uint8_t *)"p", 1};
    struct cmc_buf again = cmc_buf_of(f->data_len + 64);
    struct cmc_err err = {0};
    struct shim_frame g;
    must(shim_ttrpc_rewrite(f, &payload, 5, &again, &err) == 0);
    must(shim_frame_parse(again.data, again.len, &g, &err) == (int)again.len);
    const int rc = judge(&g);
    cmc_buf_done(&again);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    const struct shim_frame f = {.data = data, .data_len = size, .type = 1, .stream = 1};
    const int rc = judge(&f);
    must(judge_with(data, size, own, true) == rc);
    must(judge_with(data, size, "k8s.i", true) == -CMC_E_VERIFY);
    if (rc == -CMC_E_FORMAT)
        return 0; /* what stands behind it may have another meaning */
    must(judge_with(data, size, own, false) == rc);
    must(judge_with(data, size, "k8s.io2", false) == -CMC_E_VERIFY);
    struct shim_request r;
    struct cmc_err err = {0};
    if (shim_ttrpc_request(data, size, &r, &err) == 0)
        must(judge_rewritten(&f) == rc);
    return 0;
}
