/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the kernel's list of measurements: what is read has a file's name and a digest, and
 * a list that lacks its last byte is refused or has one measurement less. */
#include <stdlib.h>
#include <string.h>

#include "tools/cmcctl_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int read_all(const uint8_t *data, size_t size, size_t *count)
{
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    const int rc = cmcctl_reference_ima(data, size, &all, &err);
    must((rc < 0) == (err.code != CMC_OK));
    must(rc == 0 || rc == -CMC_E_FORMAT || rc == -CMC_E_LIMIT);
    must(all.count <= size / 39); /* the least measurement */
    for (size_t i = 0; i < all.count; i++) {
        const struct meta_component *c = &all.component[i];
        must(c->optional && c->hash_count == 1 && c->hash[0].content.len == CMC_SHA256_LEN);
        must(strlen(c->description) > 0 && strlen(c->name) <= strlen(c->description));
        must(strcmp(meta_component_property(c, "cmc.index"), "10") == 0);
    }
    *count = all.count;
    cmcctl_references_done(&all);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count, fewer;
    if (read_all(data, size, &count) == 0 && size)
        must(read_all(data, size - 1, &fewer) < 0 && fewer == count - 1);
    return 0;
}
