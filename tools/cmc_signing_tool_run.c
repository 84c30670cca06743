/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_signing_tool_run.c -- signs metadata, or verifies it. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attest/meta/types.h"
#include "base/hex.h"
#include "tools/cmc_signing_tool.h"

enum { LINE_CAP = 700, SHOWN_UNKNOWN = 8 };

typedef void (*note_fn)(const char *line);

static void CMC_PRINTF(2, 3) say(note_fn note, const char *fmt, ...)
{
    char line[LINE_CAP];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    note(line);
}

static int read_file(const char *path, size_t max, struct cmc_buf *out, struct cmc_err *err)
{
    const bool std = strcmp(path, "-") == 0;
    cmc_autofd int fd = std ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    *out = cmc_buf_of(max);
    return cmc_buf_read(out, fd, path, err);
}

/* Reads it as metadata, and converts it when another form was asked for. */
static int read_payload(const struct signing_tool_options *o, note_fn note, struct cmc_buf *payload,
                        enum meta_encoding *encoding, struct cmc_err *err)
{
    CMC_CLEANUP(meta_item_done) struct meta_item item = {.doc = NULL};
    if (meta_encoding_of(payload->data, payload->len, encoding, err) < 0 ||
        meta_item_decode(payload->data, payload->len, &item, err) < 0)
        return cmc_wrap(err, "%s is not metadata", o->in);
    for (size_t i = 0; i < SHOWN_UNKNOWN && meta_doc_unknown(item.doc, i); i++)
        say(note, "warning: %s has a member that is not known: %s", o->in,
            meta_doc_unknown(item.doc, i));
    if (!o->format || o->format == *encoding)
        return 0;
    cmc_autobuf struct cmc_buf other = cmc_buf_of(META_ITEM_MAX);
    if (meta_item_encode(&item, o->format, &other, err) < 0)
        return cmc_wrap(err, "%s cannot be converted", o->in);
    cmc_buf_done(payload);
    *payload = other;
    other = cmc_buf_of(0);
    *encoding = o->format;
    return 0;
}

static void warn(const struct meta_signer *s, int64_t now, note_fn note)
{
    struct cmc_err err = {0};
    struct stat st;
    if (stat(s->key, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
        say(note, "warning: key %s can be read by others (mode %04o): chmod 600", s->key,
            st.st_mode & 07777U);
    if (meta_signer_check(s, META_ROLE_METADATA, now, &err) < 0 && err.code == CMC_E_VERIFY)
        say(note, "warning: verifiers will refuse this signature: %s", err.msg);
}

static int sign(const struct signing_tool_options *o, int64_t now, note_fn note,
                struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(0);
    struct meta_signing how = {.signer = o->signer, .count = o->signers, .now = now};
    if (read_file(o->in, META_ITEM_MAX, &payload, err) < 0 ||
        read_payload(o, note, &payload, &how.encoding, err) < 0 ||
        meta_sign(payload.data, payload.len, &how, out, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < o->signers; i++)
        warn(&o->signer[i], now, note);
    return 0;
}

static int load_trust(const struct signing_tool_options *o, struct meta_trust *t,
                      struct cmc_err *err)
{
    for (size_t i = 0; i < o->ca.count + o->crl.count; i++) {
        const bool ca = i < o->ca.count;
        const char *path = ca ? o->ca.at[i] : o->crl.at[i - o->ca.count];
        cmc_autobuf struct cmc_buf file = cmc_buf_of(0);
        if (read_file(path, META_TRUST_BYTES_MAX, &file, err) < 0)
            return -(int)err->code;
        const int rc = ca ? meta_trust_add_roots(t, 0, file.data, file.len, err)
                          : meta_trust_add_crl(t, file.data, file.len, err);
        if (rc < 0)
            return cmc_wrap(err, "%s", path);
    }
    return 0;
}

static void show_signers(const struct meta_verified *v, note_fn note)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    for (size_t i = 0; i < v->count; i++) {
        cmc_hex(meta_key_spki(v->signer[i]), CMC_SHA256_LEN, hex);
        say(note, "signed by %s (key sha256:%s)", meta_key_subject(v->signer[i]), hex);
    }
}

CMC_DEFINE_CLEANUP(trust_freep, struct meta_trust *, meta_trust_free)

static int verify(const struct signing_tool_options *o, int64_t now, note_fn note,
                  struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_verified_done) struct meta_verified v = {.count = 0};
    CMC_CLEANUP(trust_freep) struct meta_trust *t = NULL;
    cmc_autobuf struct cmc_buf item = cmc_buf_of(0);
    const enum meta_role role = o->any_usage ? META_ROLE_ANY : META_ROLE_METADATA;
    enum meta_encoding encoding;
    if (meta_trust_new(now, &t, err) < 0 || load_trust(o, t, err) < 0 ||
        read_file(o->in, 2 * (size_t)META_ITEM_MAX, &item, err) < 0)
        return -(int)err->code;
    if (meta_verify(item.data, item.len, t, role, &v, err) < 0)
        return cmc_wrap(err, "%s", o->in);
    if (o->format && read_payload(o, note, &v.payload, &encoding, err) < 0)
        return -(int)err->code;
    show_signers(&v, note);
    *out = v.payload;
    v.payload = cmc_buf_of(0);
    return 0;
}

int signing_tool_run(const struct signing_tool_options *o, int64_t now, note_fn note,
                     struct cmc_buf *out, struct cmc_err *err)
{
    return o->verify ? verify(o, now, note, out, err) : sign(o, now, note, out, err);
}
