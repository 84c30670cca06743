/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what cmc-measure reads: mounts of a request, members of config.json, the cache of
 * program digests. */
#include <stdlib.h>
#include <string.h>

#include "tools/cmc_measure_cache.h"
#include "tools/cmc_measure_mounts.h"
#include "tools/cmc_measure_spec.h"

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool inside(const struct cmc_span *s, const uint8_t *data, size_t size)
{
    return s->p >= data && s->len <= size && s->p + s->len <= data + size;
}

static void mounts(const uint8_t *data, size_t size)
{
    static struct cmc_task_create c;
    static struct cmc_measure_mounts m;
    struct cmc_err err = {0};
    if (cmc_task_create_parse(data, size, &c, &err) < 0)
        return;
    int rc = cmc_measure_mounts_plan(&c, &m, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    if (rc < 0)
        return;
    check((m.kind == CMC_MEASURE_ROOT_PATH) == (c.mount_count == 0));
    check((m.kind == CMC_MEASURE_OVERLAY) == (m.layer_count > 0));
    check(m.layer_count <= CMC_MEASURE_LAYERS_MAX && strlen(m.options) < sizeof(m.options));
    for (size_t i = 0; i < m.layer_count; i++)
        check(inside(&m.layers[i], data, size) && m.layers[i].p[0] == '/' &&
              !memchr(m.layers[i].p, ',', m.layers[i].len));
    if (m.kind == CMC_MEASURE_BIND || m.kind == CMC_MEASURE_BIND_TREE)
        check(inside(&m.source, data, size) && m.source.p[0] == '/');
}

static void spec(const uint8_t *data, size_t size)
{
    static struct cmc_measure_spec s;
    struct cmc_err err = {0};
    int rc = cmc_measure_spec_parse(size ? (const char *)data : "", size, &s, &err);
    check((rc < 0) == (err.code != CMC_OK) && rc <= 0);
    check(s.uid_maps <= CMC_MEASURE_IDMAPS_MAX && s.gid_maps <= CMC_MEASURE_IDMAPS_MAX);
    check(rc < 0 || !s.name || (s.name[0] && strlen(s.name) <= 1024));
    cmc_measure_spec_done(&s);
}

static void cache(const uint8_t *data, size_t size)
{
    struct cmc_measure_cache c;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_MEASURE_CACHE_BYTES_MAX);
    struct cmc_err err = {0};
    if (cmc_measure_cache_parse(data, size, &c, &err) < 0)
        return;
    cmc_measure_cache_put(&c, &b);
    check(!b.bad && b.len == size && memcmp(b.data, data, size) == 0);
    for (size_t i = 0; i < c.count; i++)
        check(cmc_measure_cache_find(&c, &c.entry[i].file) == c.entry[i].sha256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mounts(data, size);
    spec(data, size);
    cache(data, size);
    return 0;
}
