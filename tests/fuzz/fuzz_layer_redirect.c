/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_layer_redirect.c -- what is sought, a newline, and a redirect of one of its
 * names: what is accepted stays one name or a path of names, with what is behind that name
 * unchanged. */
#include <stdlib.h>
#include <string.h>

#include "measure/rootfs_layers_dir.h"

static void require(bool good)
{
    if (!good)
        abort();
}

static void rename_one(const char *sought, size_t from, size_t len, const char *redirect)
{
    char path[PATH_MAX];
    const size_t all = strlen(sought), behind = all - from - len;
    memcpy(path, sought, all + 1);
    if (!measure_layer_rename(path, all - from, len, redirect)) {
        require(strcmp(path, sought) == 0 && all - len + strlen(redirect) >= PATH_MAX);
        return;
    }
    require(measure_layer_redirects(path, strlen(path)));
    require(memcmp(path + strlen(path) - behind, sought + from + len, behind) == 0);
    require(*redirect == '/' || memcmp(path, sought, from) == 0);
    require(strstr(path, redirect) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char sought[PATH_MAX], redirect[PATH_MAX];
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    const size_t first = line ? (size_t)(line - data) : 0, second = line ? size - first - 1 : 0;
    if (first == 0 || !measure_layer_redirects((const char *)data, first) ||
        !measure_layer_redirects((const char *)data + first + 1, second))
        return 0;
    memcpy(sought, data, first);
    sought[first] = '\0';
    memcpy(redirect, data + first + 1, second);
    redirect[second] = '\0';
    require(strstr(sought, "//") == NULL && sought[first - 1] != '/');
    for (size_t from = *sought == '/', len; from < first; from += len + 1) {
        len = (size_t)(strchrnul(sought + from, '/') - (sought + from));
        rename_one(sought, from, len, redirect);
    }
    return 0;
}
