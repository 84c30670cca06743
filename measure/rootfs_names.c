/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_names.c -- names of the directories that a walk is in, on one stack. */
#include "measure/rootfs_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void measure_names_init(struct measure_names *n)
{
    n->path = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    n->text = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    n->at = NULL;
    n->count = n->cap = 0;
}

void measure_names_done(struct measure_names *n)
{
    free(n->at);
    cmc_buf_done(&n->path);
    cmc_buf_done(&n->text);
}

static int keep_name(struct measure_names *n, const struct dirent64 *d, unsigned list,
                     struct cmc_err *err)
{
    const size_t len = strlen(d->d_name);
    if (len > MEASURE_NAME_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a name of %zu bytes in it, at most %d", len,
                        MEASURE_NAME_MAX);
    if (n->count >= MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    if (n->count == n->cap) {
        const size_t cap = n->cap ? n->cap * 2 : 1024;
        uint32_t *at = reallocarray(n->at, cap, sizeof(*at));
        if (!at)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu names", cap);
        n->at = at;
        n->cap = cap;
    }
    cmc_put_be16(&n->text, (uint16_t)list);
    cmc_put_u8(&n->text, d->d_type);
    n->at[n->count++] = (uint32_t)n->text.len;
    cmc_put(&n->text, d->d_name, len + 1);
    return cmc_buf_check(&n->text, "names", err);
}

int measure_names_read(struct measure_names *n, int fd, unsigned list, struct cmc_err *err)
{
    for (;;) {
        const ssize_t got = getdents64(fd, n->dents, sizeof(n->dents));
        if (got < 0)
            return cmc_fail(err, CMC_E_SYS, "list");
        if (got == 0)
            return 0;
        for (ssize_t at = 0; at < got;) {
            const struct dirent64 *d = (const void *)(n->dents + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            if (keep_name(n, d, list, err) < 0)
                return -(int)err->code;
        }
    }
}

static int by_name_and_list(const void *a, const void *b, void *names)
{
    const struct measure_names *n = names;
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const int order = strcmp((const char *)n->text.data + i, (const char *)n->text.data + j);
    return order ? order : (int)measure_names_list(n, i) - (int)measure_names_list(n, j);
}

int measure_names_sort(struct measure_names *n, size_t first, struct cmc_err *err)
{
    const size_t count = n->count - first;
    uint32_t *at = count ? n->at + first : NULL;
    if (count > 1)
        qsort_r(at, count, sizeof(*at), by_name_and_list, n);
    for (size_t k = 1; k < count; k++)
        if (by_name_and_list(&at[k - 1], &at[k], n) == 0)
            return cmc_fail(err, CMC_E_VERIFY, "changed: one name twice while it was listed");
    return 0;
}

int measure_names_step(struct measure_names *n, size_t i, struct measure_meter *meter, size_t *name,
                       struct cmc_err *err)
{
    const char *entry = measure_names_of(n, i);
    cmc_put_u8(&n->path, '/');
    const size_t at = n->path.len;
    cmc_put(&n->path, entry, strlen(entry) + 1);
    if (cmc_buf_check(&n->path, "a path", err) < 0)
        return -(int)err->code;
    n->path.len--; /* the NUL is there and does not count */
    if (meter->entries >= MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    *name = at;
    return measure_meter_entry(meter, err);
}
