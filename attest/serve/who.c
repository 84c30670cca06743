/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/who.c -- SO_PEERCRED, SO_PEERGROUPS, and the table of docs/formats/api.md. */
#include "attest/serve/who.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "attest/serve/frame.h"
#include "base/cleanup.h"

/* The other groups of the peer; a peer has at most 65,536 (NGROUPS_MAX). */
static int is_member(int fd, gid_t gid, struct cmc_err *err)
{
    socklen_t len = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
        return 0; /* none */
    if (errno != ERANGE)
        return cmc_fail(err, CMC_E_SYS, "SO_PEERGROUPS");
    cmc_autofree gid_t *groups = malloc(len);
    if (!groups)
        return cmc_fail(err, CMC_E_LIMIT, "groups: out of memory");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
        return cmc_fail(err, CMC_E_SYS, "SO_PEERGROUPS");
    for (size_t i = 0; i < len / sizeof(*groups); i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

int serve_who_of(int fd, bool tcp, gid_t gid, struct serve_who *out, struct cmc_err *err)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (tcp) {
        *out = (struct serve_who){.tcp = true, .uid = (uid_t)-1};
        return 0;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return cmc_fail(err, CMC_E_SYS, "SO_PEERCRED");
    int member = gid != (gid_t)-1 && peer.gid == gid;
    if (!member && peer.uid != 0 && gid != (gid_t)-1)
        member = is_member(fd, gid, err);
    if (member < 0)
        return member;
    *out = (struct serve_who){.root = peer.uid == 0,
                              .trusted = peer.uid == 0 || member,
                              .uid = peer.uid,
                              .pid = peer.pid};
    return 0;
}

int serve_who_may(const struct serve_who *who, uint32_t type, struct cmc_err *err)
{
    const char *name = serve_frame_name(type);
    if (who->tcp &&
        (type == SERVE_PEER_CACHE || type == SERVE_MEASURE || type == SERVE_UPDATE_METADATA))
        return cmc_fail(err, CMC_E_VERIFY, "%s is not for clients over TCP", name);
    if (type == SERVE_MEASURE && !who->root)
        return cmc_fail(err, CMC_E_VERIFY, "%s is for root only", name);
    if (type == SERVE_UPDATE_METADATA && !who->trusted)
        return cmc_fail(err, CMC_E_VERIFY, "%s is for root and the configured group only", name);
    return 0;
}

void serve_who_name(const struct serve_who *who, char *out, size_t cap)
{
    if (who->tcp)
        (void)snprintf(out, cap, "tcp");
    else
        (void)snprintf(out, cap, "uid %u pid %d", (unsigned)who->uid, (int)who->pid);
}
