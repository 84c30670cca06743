/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_store.c -- finds the files of a layout, on disk or in an archive. */
#include "tools/oci_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "tools/oci_store_parts.h"

enum { NAME_MAX_LEN = 128, VERSION_MAX = 4096 };

struct member { /* of an archive */
    char name[NAME_MAX_LEN];
    uint64_t at, size;
};

struct oci_store {
    int fd; /* a directory, or the archive */
    bool archive;
    struct member *members; /* owned */
    size_t count, cap;
};

struct cursor { /* over the archive */
    int fd;
    uint64_t at;
};

static int read_archive(void *from, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    struct cursor *c = from;
    struct oci_file f = {.fd = c->fd, .at = c->at, .left = want};
    if (oci_file_read(&f, to, want, got, err) < 0)
        return -(int)err->code;
    c->at += *got;
    return 0;
}

static int keep_member(struct oci_store *s, const struct measure_untar_member *e, uint64_t at,
                       struct cmc_err *err)
{
    const char *name = (const char *)e->name.p;
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    if (e->type != '0' || strlen(name) >= NAME_MAX_LEN)
        return 0;
    if (s->count == OCI_STORE_MEMBERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d files", OCI_STORE_MEMBERS_MAX);
    if (s->count == s->cap) {
        const size_t cap = s->cap ? s->cap * 2 : 64;
        struct member *more = reallocarray(s->members, cap, sizeof(*more));
        if (!more)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu files", cap);
        s->members = more;
        s->cap = cap;
    }
    struct member *m = &s->members[s->count++];
    *m = (struct member){.at = at, .size = e->size};
    memcpy(m->name, name, strlen(name) + 1);
    return 0;
}

static int list_archive(struct oci_store *s, struct cmc_err *err)
{
    CMC_CLEANUP(measure_untar_done) struct measure_untar tar;
    struct cursor c = {.fd = s->fd};
    const struct measure_source source = {.from = &c, .read = read_archive};
    struct measure_untar_member e;
    int r;
    measure_untar_init(&tar, &source);
    while ((r = measure_untar_next(&tar, &e, err)) > 0)
        if (keep_member(s, &e, c.at, err) < 0)
            return -(int)err->code;
    return r;
}

/* Opens a file of the layout; absent is -CMC_E_SYS. Descriptor: owned by the caller if own. */
int oci_store_file(const struct oci_store *s, const char *name, struct oci_file *out,
                   struct cmc_err *err)
{
    struct stat st;
    if (s->archive) {
        for (size_t i = s->count; i-- > 0;) /* the last of a name counts */
            if (strcmp(s->members[i].name, name) == 0) {
                *out = (struct oci_file){
                    .fd = s->fd, .at = s->members[i].at, .left = s->members[i].size};
                return 0;
            }
        errno = ENOENT;
        return cmc_fail(err, CMC_E_SYS, "open %s in the archive", name);
    }
    cmc_autofd int fd = openat(s->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s of the layout", name);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%s of the layout is no regular file", name);
    *out = (struct oci_file){.fd = fd, .own = true, .left = (uint64_t)st.st_size};
    (void)cmc_take_fd(&fd);
    return 0;
}

void oci_file_close(struct oci_file *f)
{
    if (f->own)
        cmc_closep(&f->fd);
}

int oci_file_read(struct oci_file *f, void *to, size_t cap, size_t *got, struct cmc_err *err)
{
    const size_t want = f->left < cap ? (size_t)f->left : cap;
    size_t have = 0;
    while (have < want) {
        const ssize_t n = pread(f->fd, (uint8_t *)to + have, want - have, (off_t)(f->at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "read the image");
        if (n == 0)
            break;
        have += (size_t)n;
    }
    f->at += have;
    f->left -= have;
    *got = have;
    return 0;
}

static int read_whole(const struct oci_store *s, const char *name, size_t max, struct cmc_buf *out,
                      struct cmc_err *err)
{
    CMC_CLEANUP(oci_file_close) struct oci_file f = {.fd = -1};
    uint8_t part[4096];
    if (oci_store_file(s, name, &f, err) < 0)
        return -(int)err->code;
    if (f.left > max)
        return cmc_fail(err, CMC_E_LIMIT, "%s: %llu bytes, at most %zu", name,
                        (unsigned long long)f.left, max);
    for (size_t got = 1; got > 0;) {
        if (oci_file_read(&f, part, sizeof(part), &got, err) < 0)
            return -(int)err->code;
        cmc_put(out, part, got);
    }
    return cmc_buf_check(out, name, err);
}

static int check_version(const struct oci_store *s, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(VERSION_MAX);
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *top;
    if (read_whole(s, "oci-layout", VERSION_MAX, &text, err) < 0)
        return cmc_wrap(err, "no OCI layout");
    if (cmc_json_parse(text.len ? (const char *)text.data : "", text.len, &doc, &top, err) < 0)
        return cmc_wrap(err, "oci-layout");
    const char *version = cmc_json_text(top, "imageLayoutVersion");
    if (!version || strcmp(version, "1.0.0") != 0)
        return cmc_fail(err, CMC_E_FORMAT, "oci-layout: version \"%.20s\", not 1.0.0",
                        version ? version : "");
    return 0;
}

int oci_store_open(const char *path, struct oci_store **out, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", path);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: neither a directory nor an archive", path);
    struct oci_store *s = calloc(1, sizeof(*s));
    if (!s)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    s->fd = cmc_take_fd(&fd);
    s->archive = !S_ISDIR(st.st_mode);
    if ((s->archive && list_archive(s, err) < 0) || check_version(s, err) < 0) {
        oci_store_close(s);
        return cmc_wrap(err, "%.160s", path);
    }
    *out = s;
    return 0;
}

void oci_store_close(struct oci_store *s)
{
    if (!s)
        return;
    cmc_closep(&s->fd);
    free(s->members);
    free(s);
}

int oci_store_index(const struct oci_store *s, struct cmc_buf *out, struct cmc_err *err)
{
    return read_whole(s, "index.json", MEASURE_OCI_JSON_MAX, out, err);
}

void oci_blob_name(const struct measure_oci_descriptor *d, char out[static OCI_BLOB_NAME])
{
    (void)snprintf(out, OCI_BLOB_NAME, "blobs/sha256/%s", d->hex);
}

int oci_store_json(const struct oci_store *s, const struct measure_oci_descriptor *d,
                   struct cmc_buf *out, struct cmc_err *err)
{
    char name[OCI_BLOB_NAME];
    uint8_t digest[CMC_SHA256_LEN];
    const size_t was = out->len;
    oci_blob_name(d, name);
    if (read_whole(s, name, MEASURE_OCI_JSON_MAX, out, err) < 0)
        return -(int)err->code;
    cmc_sha256(out->data + was, out->len - was, digest);
    if (out->len - was != d->size || memcmp(digest, d->digest, sizeof(digest)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "%s holds something else than its name says", name);
    return 0;
}
