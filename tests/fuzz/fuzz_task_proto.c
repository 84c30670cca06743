/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a peer sends: requests, task requests, options on stdin. What is accepted is
 * consistent, and writing it again changes nothing that was not meant to change. */
#include <stdlib.h>
#include <string.h>

#include "base/task.h"
#include "shim/bootstrap.h"
#include "shim/ttrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_)
{
    if (!true_)
        abort();
}

static bool inside(const struct cmc_span *s, const uint8_t *data, size_t size)
{
    return !s->p || (s->p >= data && s->len <= size && s->p + s->len <= data + size);
}

static bool same(const struct cmc_span *a, const struct cmc_span *b)
{
    if (a->len != b->len || !a->p != !b->p)
        return false;
    return !a->p || memcmp(a->p, b->p, a->len) == 0;
}

/* Setting the options that are there gives a message that means the same; dropping them, one
 * without; and neither touches another field. */
static void check_create(const uint8_t *data, size_t size)
{
    static struct cmc_task_create a, b;
    struct cmc_err err = {0};
    int rc = cmc_task_create_parse(data, size, &a, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0)
        return;
    must(a.mount_count <= CMC_TASK_MOUNTS_MAX && a.option_total <= CMC_TASK_MOUNT_OPTIONS_MAX);
    must(inside(&a.id, data, size) && inside(&a.bundle, data, size));
    for (size_t i = 0; i < a.option_total; i++)
        must(inside(&a.options_text[i], data, size));
    cmc_autobuf struct cmc_buf kept = cmc_buf_of(size + 16), dropped = cmc_buf_of(size + 16);
    if (a.options.p) {
        must(cmc_task_create_set_options(data, size, &a.options, &kept, &err) == 0);
        must(cmc_task_create_parse(kept.data, kept.len, &b, &err) == 0);
        must(same(&a.options, &b.options) && same(&a.id, &b.id) && same(&a.bundle, &b.bundle));
    }
    must(cmc_task_create_set_options(data, size, NULL, &dropped, &err) == 0);
    must(cmc_task_create_parse(dropped.data, dropped.len, &b, &err) == 0);
    must(!b.options.p && b.mount_count == a.mount_count && same(&a.id, &b.id));
    must(a.options.p || (dropped.len == size && (!size || !memcmp(dropped.data, data, size))));
}

static void check_request(const uint8_t *data, size_t size)
{
    struct shim_request a, b;
    struct cmc_err err = {0};
    struct shim_frame f = {.data = data, .data_len = size, .type = 1, .stream = 7};
    int rc = shim_ttrpc_request(data, size, &a, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0)
        return;
    must(inside(&a.service, data, size) && inside(&a.payload, data, size));
    cmc_autobuf struct cmc_buf again = cmc_buf_of(size + 64);
    must(shim_ttrpc_rewrite(&f, &a.payload, 0, &again, &err) == 0);
    int used = shim_frame_parse(again.data, again.len, &f, &err);
    must(used == (int)again.len && f.stream == 7);
    must(shim_ttrpc_request(f.data, f.data_len, &b, &err) == 0);
    must(same(&a.service, &b.service) && same(&a.method, &b.method));
    must(same(&a.payload, &b.payload) && a.timeout_ns == b.timeout_ns);
}

static void check_start(const uint8_t *data, size_t size)
{
    struct shim_bootstrap b;
    struct cmc_err err = {0};
    int rc = shim_bootstrap_parse(data, size, "c1", "default", &b, &err);
    must((rc < 0) == (err.code != CMC_OK));
    if (rc < 0)
        return;
    const struct cmc_span cgroup = shim_bootstrap_cgroup(&b);
    must(inside(&cgroup, data, size) && inside(&b.socket_dir, data, size));
    must(!b.socket_dir.p || (b.params && b.socket_dir.len <= SHIM_SOCKET_DIR_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shim_response r;
    struct cmc_err err = {0};
    if (size > 1 << 16)
        return 0;
    int rc = shim_ttrpc_response(data, size, &r, &err);
    must((rc < 0) == (err.code != CMC_OK));
    check_create(data, size);
    check_request(data, size);
    check_start(data, size);
    return 0;
}
