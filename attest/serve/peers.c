/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/peers.c -- what is kept has been verified, and has the name that we gave it. */
#include "attest/serve/peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/meta/exact.h"
#include "base/cleanup.h"
#include "base/hex.h"

enum { NAME_LEN = 2 * CMC_SHA256_LEN };

static void closedir_p(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

bool serve_peers_is_name(const char *peer)
{
    return strlen(peer) == NAME_LEN && strspn(peer, "0123456789abcdef") == NAME_LEN;
}

static int open_peer(const char *dir, const char *peer, struct cmc_err *err)
{
    if (!serve_peers_is_name(peer))
        return cmc_fail(err, CMC_E_USAGE, "peer: expected %d lower-case hexadecimal digits",
                        NAME_LEN);
    cmc_autofd int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return cmc_fail(err, CMC_E_SYS, "peer cache %.200s", dir);
    const int fd = openat(top, peer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "peer cache: %s", peer) : fd;
}

static DIR *read_dir(int fd)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir && copy >= 0)
        (void)close(copy);
    return dir;
}

static bool has_digest(const struct cmc_buf *b, const char *name)
{
    uint8_t digest[CMC_SHA256_LEN];
    char hex[NAME_LEN + 1];
    cmc_sha256(b->len ? (const void *)b->data : "", b->len, digest);
    cmc_hex(digest, sizeof(digest), hex);
    return strcmp(hex, name) == 0;
}

/* What cannot be read, or is not what its name says, is as if it were not there. */
static int read_kept(int dirfd, const char *name, size_t *left, struct serve_kept *k,
                     struct cmc_err *err)
{
    struct cmc_err ignored;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(META_ITEM_MAX);
    cmc_autofd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || cmc_buf_read(&b, fd, name, &ignored) < 0 || !has_digest(&b, name))
        return 0;
    if (k->count == SERVE_PEER_ITEMS_MAX || b.len > *left)
        return cmc_fail(err, CMC_E_LIMIT, "peer cache: more than %d items or %d bytes of one peer",
                        SERVE_PEER_ITEMS_MAX, SERVE_PEER_BYTES_MAX);
    *left -= b.len;
    (void)snprintf(k->digest[k->count], sizeof(k->digest[0]), "%s", name);
    k->bytes[k->count++] = b;
    b = cmc_buf_of(0);
    return 0;
}

static int read_peer(const char *dir, const char *peer, struct serve_kept *k, struct cmc_err *err)
{
    size_t left = SERVE_PEER_BYTES_MAX;
    cmc_autofd int fd = open_peer(dir, peer, err);
    if (fd < 0 && !(err->code == CMC_E_SYS && err->sys_errno == ENOENT))
        return -(int)err->code;
    CMC_CLEANUP(closedir_p) DIR *d = fd < 0 ? NULL : read_dir(fd);
    for (const struct dirent *e;
         d && (e = readdir(d));) /* NOLINT(concurrency-mt-unsafe): our own DIR */
        if (serve_peers_is_name(e->d_name) && read_kept(fd, e->d_name, &left, k, err) < 0)
            return -(int)err->code;
    return 0;
}

int serve_peers_read(const char *dir, const char *peer, struct serve_kept **out,
                     struct cmc_err *err)
{
    struct serve_kept *k = calloc(1, sizeof(*k));
    if (!k)
        return cmc_fail(err, CMC_E_LIMIT, "peer cache: out of memory");
    const int rc = read_peer(dir, peer, k, err);
    if (rc < 0)
        serve_peers_free(k);
    else
        *out = k;
    return rc;
}

void serve_peers_free(struct serve_kept *k)
{
    for (size_t i = 0; k && i < k->count; i++)
        cmc_buf_done(&k->bytes[i]);
    free(k);
}

/* The directory of a peer, made when it is absent and there are not too many. */
static int make_peer(const char *dir, const char *peer, struct cmc_err *err)
{
    size_t peers = 0;
    struct cmc_err absent = {0};
    int fd = open_peer(dir, peer, &absent);
    if (fd >= 0)
        return fd;
    if (absent.code != CMC_E_SYS || absent.sys_errno != ENOENT) {
        *err = absent;
        return -(int)err->code;
    }
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return cmc_fail(err, CMC_E_SYS, "peer cache %.200s", dir);
    cmc_autofd int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CMC_CLEANUP(closedir_p) DIR *d = top < 0 ? NULL : read_dir(top);
    for (const struct dirent *e;
         d && (e = readdir(d));) /* NOLINT(concurrency-mt-unsafe): our own DIR */
        peers += e->d_name[0] != '.';
    if (peers >= SERVE_PEERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "peer cache %.200s: %d peers already", dir,
                        SERVE_PEERS_MAX);
    if (!d || (mkdirat(top, peer, 0700) < 0 && errno != EEXIST))
        return cmc_fail(err, CMC_E_SYS, "peer cache %.200s: %s", dir, peer);
    return open_peer(dir, peer, err);
}

static int write_all(int fd, const struct meta_bytes *b)
{
    for (size_t at = 0; at < b->len;) {
        const ssize_t n = write(fd, b->data + at, b->len - at);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Under a name of this process alone, then renamed: a reader sees the whole or nothing. */
static int keep_item(int dirfd, const char *name, const struct meta_bytes *b, struct cmc_err *err)
{
    char temporary[32];
    (void)snprintf(temporary, sizeof(temporary), ".new.%ld", (long)getpid());
    (void)unlinkat(dirfd, temporary, 0);
    cmc_autofd int fd =
        openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write_all(fd, b) == 0 && renameat(dirfd, temporary, dirfd, name) == 0)
        return 0;
    (void)cmc_fail(err, CMC_E_SYS, "peer cache: write %s", name);
    (void)unlinkat(dirfd, temporary, 0);
    return -CMC_E_SYS;
}

struct named {                    /* the metadata of a report */
    char (*digest)[NAME_LEN + 1]; /* owned */
    size_t count;
};

static bool names(const struct named *n, const char *digest)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->digest[i], digest) == 0)
            return true;
    return false;
}

static void forget_others(int dirfd, const struct named *n)
{
    CMC_CLEANUP(closedir_p) DIR *d = read_dir(dirfd);
    for (const struct dirent *e;
         d && (e = readdir(d));) /* NOLINT(concurrency-mt-unsafe): our own DIR */
        if (serve_peers_is_name(e->d_name) && !names(n, e->d_name))
            (void)unlinkat(dirfd, e->d_name, 0);
}

static int keep_signed(int dirfd, const struct meta_bytes *b, const struct meta_trust *trust,
                       struct named *n, struct cmc_err *err)
{
    uint8_t digest[CMC_SHA256_LEN];
    struct meta_verified verified = {0};
    struct cmc_err refused;
    char name[NAME_LEN + 1];
    if (meta_verify(b->data, b->len, trust, META_ROLE_METADATA, &verified, &refused) < 0)
        return 0;
    meta_verified_done(&verified);
    cmc_sha256(b->data, b->len, digest);
    cmc_hex(digest, sizeof(digest), name);
    if (!names(n, name))
        memcpy(n->digest[n->count++], name, sizeof(name));
    return keep_item(dirfd, name, b, err);
}

static int new_names(struct named *n, size_t count, struct cmc_err *err)
{
    n->digest = calloc(count + 1, sizeof(*n->digest));
    if (n->digest)
        return 0;
    (void)cmc_fail(err, CMC_E_LIMIT, "peer cache: out of memory");
    return -CMC_E_LIMIT;
}

static int check_count(size_t items, struct cmc_err *err)
{
    if (items <= SERVE_PEER_ITEMS_MAX)
        return 0;
    return cmc_fail(err, CMC_E_LIMIT, "peer cache: %zu items, at most %d", items,
                    SERVE_PEER_ITEMS_MAX);
}

static int keep_exact(int dirfd, const struct meta_exact *r, const struct meta_trust *trust,
                      struct named *n, struct cmc_err *err)
{
    if (check_count(r->item_count, err) < 0 ||
        new_names(n, r->digest_count + r->item_count, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < r->digest_count; i++)
        cmc_hex(r->digest[i].data, CMC_SHA256_LEN, n->digest[n->count++]);
    for (size_t i = 0; i < r->item_count; i++)
        if (keep_signed(dirfd, &r->item[i], trust, n, err) < 0)
            return -(int)err->code;
    return 0;
}

static int keep_cmc(int dirfd, const struct meta_report *r, const struct meta_trust *trust,
                    struct named *n, struct cmc_err *err)
{
    const struct meta_context *c = &r->context;
    if (check_count(c->item_count, err) < 0 ||
        new_names(n, c->digests.count + c->item_count, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < c->digests.count; i++)
        if (serve_peers_is_name(c->digests.at[i]))
            memcpy(n->digest[n->count++], c->digests.at[i], NAME_LEN + 1);
    for (size_t i = 0; i < c->item_count; i++)
        if (keep_signed(dirfd, &c->item[i].data, trust, n, err) < 0)
            return -(int)err->code;
    return 0;
}

static int keep_report(int dirfd, const void *report, size_t len, const struct meta_trust *trust,
                       struct named *n, struct cmc_err *err)
{
    struct meta_exact exact = {0};
    struct meta_report cmc = {0};
    int rc;
    if (meta_exact_is(report, len)) {
        rc = meta_exact_decode(report, len, &exact, err);
        if (rc == 0)
            rc = keep_exact(dirfd, &exact, trust, n, err);
        meta_exact_done(&exact);
        return rc;
    }
    rc = meta_report_decode(report, len, &cmc, err);
    if (rc == 0)
        rc = keep_cmc(dirfd, &cmc, trust, n, err);
    meta_report_done(&cmc);
    return rc;
}

int serve_peers_keep(const char *dir, const char *peer, const void *report, size_t len,
                     const struct meta_trust *trust, struct cmc_err *err)
{
    struct named n = {0};
    cmc_autofd int fd = make_peer(dir, peer, err);
    if (fd < 0)
        return -(int)err->code;
    const int rc = keep_report(fd, report, len, trust, &n, err);
    if (rc == 0)
        forget_others(fd, &n);
    free(n.digest);
    return rc;
}
