/* SPDX-License-Identifier: Apache-2.0 */
/* shim/group.c -- from annotations to a group, from a group to a socket's name. */
#include "shim/group.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"

enum { HASH_BYTES = 20 }; /* of SHA-256: enough that nobody makes two groups meet */

static const char *annotated(const struct cmc_json *root)
{
    const struct cmc_json *notes = cmc_json_member(root, "annotations");
    const char *group = cmc_json_text(notes, "io.containerd.runc.v2.group");
    return group ? group : cmc_json_text(notes, "io.kubernetes.cri.sandbox-id");
}

void shim_group_of(const char *config, size_t len, const char *id, char out[static SHIM_GROUP_MAX])
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    struct cmc_err ignored;
    const char *group = NULL;
    if (cmc_json_parse(config, len, &doc, &root, &ignored) == 0)
        group = annotated(root);
    if (!group || strlen(group) >= SHIM_GROUP_MAX)
        group = id;
    (void)snprintf(out, SHIM_GROUP_MAX, "%s", group);
}

void shim_group_read(int dirfd, const char *id, char out[static SHIM_GROUP_MAX])
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_autofd int fd =
        openat(dirfd, "config.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    struct cmc_err ignored;
    bool whole = false;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        whole = cmc_buf_read(&text, fd, "config.json", &ignored) == 0;
    shim_group_of((const char *)text.data, whole ? text.len : 0, id, out);
}

int shim_group_socket(const char *dir, const char *address, const char *ns, const char *group,
                      char out[static SHIM_SOCKET_PATH_MAX + 1], struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf key = cmc_buf_of(1 << 20);
    uint8_t digest[32];
    char name[2 * HASH_BYTES + 1], path[SHIM_SOCKET_PATH_MAX + 1];

    cmc_put_text(&key, "cmc-shim-v1");
    for (size_t i = 0; i < 3; i++) {
        cmc_put_u8(&key, 0); /* no text contains it: no two triples make one key */
        cmc_put_text(&key, ((const char *const[]){address, ns, group})[i]);
    }
    if (cmc_buf_check(&key, "address, namespace and group", err) < 0)
        return -(int)err->code;
    cmc_small_sha256(key.data, key.len, digest);
    cmc_hex(digest, HASH_BYTES, name);
    int n = snprintf(path, sizeof(path), "%s/cmc-%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return cmc_fail(err, CMC_E_LIMIT, "socket path %s/cmc-%s: over %d bytes", dir, name,
                        SHIM_SOCKET_PATH_MAX);
    (void)memcpy(out, path, sizeof(path));
    return 0;
}
