/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/handle.c -- the requests of the API: docs/formats/api.md. */
#include "attest/serve/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/serve/message.h"
#include "attest/serve/peers.h"
#include "attest/verify/attestation_result.h"
#include "attest/verify/verify.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "measure/listing.h"
#include "record/ask.h"

enum { RECORDER_WAIT_MS = 20000, REDACTION_KEY_LEN = 32 };

CMC_DEFINE_CLEANUP(prove_p, struct prove *, prove_close)
CMC_DEFINE_CLEANUP(trust_p, struct meta_trust *, meta_trust_free)
CMC_DEFINE_CLEANUP(kept_p, struct serve_kept *, serve_peers_free)
CMC_DEFINE_CLEANUP(result_p, struct verify_result *, verify_result_free)

struct work {
    const struct serve_context *c;
    const struct serve_task *t;
    struct serve_message in;
    bool accepted; /* what goes wrong from here on is this host's matter */
    struct cmc_buf *out;
    struct cmc_err *err;
};

static int answer(const struct work *w, const struct serve_message *m)
{
    return serve_message_frame(w->t->type, SERVE_ANSWER, m, w->in.encoding, w->out, w->err);
}

struct prove_config serve_handle_prover(const struct serve_config *cfg)
{
    return (struct prove_config){
        .driver = cfg->driver,
        .tcti = cfg->tcti,
        .storage = cfg->storage,
        .runtime_dir = cfg->runtime_dir,
        .state_dir = cfg->state_dir,
        .host = cfg->host,
        .secrets = cfg->default_secrets ? NULL : (const char *const *)cfg->secrets.at,
        .secret_count = cfg->secrets.count,
        .bank = cfg->bank,
        .pcr = cfg->pcr,
        .exclude = cfg->exclude,
        /* what is not there, or for root alone, is not sent */
        .tcg_log = access(cfg->firmware_log, R_OK) == 0 ? cfg->firmware_log : NULL,
        .ima_log = cfg->ima_log,
        .recorder_socket = cfg->recorder};
}

static int read_key(const char *path, uint8_t out[static REDACTION_KEY_LEN], struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(REDACTION_KEY_LEN);
    cmc_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "redaction key %.200s", path);
    if (cmc_buf_read(&b, fd, "redaction key", err) < 0)
        return -(int)err->code;
    if (b.len != REDACTION_KEY_LEN)
        return cmc_fail(err, CMC_E_FORMAT, "redaction key %.200s: %zu bytes, expected %d", path,
                        b.len, REDACTION_KEY_LEN);
    memcpy(out, b.data, REDACTION_KEY_LEN);
    return 0;
}

/* Digests that the client has; what is no SHA-256 in hexadecimal is no item of ours. */
static int read_cached(const struct work *w, struct cmc_buf *out)
{
    const struct meta_texts *cached = &w->in.cached;
    for (size_t i = 0; i < cached->count; i++) {
        uint8_t digest[CMC_SHA256_LEN];
        if (cmc_unhex(cached->at[i], strlen(cached->at[i]), digest, sizeof(digest), w->err) < 0)
            return cmc_wrap(w->err, "cached digest %zu", i);
        cmc_put(out, digest, sizeof(digest));
    }
    return cmc_buf_check(out, "cached digests", w->err);
}

static int open_prover(const struct work *w, uint8_t key[static REDACTION_KEY_LEN],
                       struct prove **out)
{
    struct prove_config cfg = serve_handle_prover(w->c->cfg);
    if (w->c->cfg->redaction_key) {
        if (read_key(w->c->cfg->redaction_key, key, w->err) < 0)
            return -(int)w->err->code;
        cfg.redaction_key = key;
    }
    return prove_open(&cfg, out, w->err);
}

static int attest(const struct work *w)
{
    CMC_CLEANUP(prove_p) struct prove *p = NULL;
    cmc_autobuf struct cmc_buf report = cmc_buf_of(SERVE_ANSWER_MAX);
    uint8_t key[REDACTION_KEY_LEN];
    cmc_autobuf struct cmc_buf cached = cmc_buf_of((size_t)SERVE_CACHED_MAX * CMC_SHA256_LEN);
    if (read_cached(w, &cached) < 0 || open_prover(w, key, &p) < 0)
        return -(int)w->err->code;
    uint8_t(*list)[CMC_SHA256_LEN] = (void *)cached.data;
    const struct prove_request r = {.nonce = w->in.nonce.data,
                                    .nonce_len = w->in.nonce.len,
                                    .json = w->in.encoding == META_JSON,
                                    .details = w->t->who.trusted,
                                    .cached = (const uint8_t(*)[CMC_SHA256_LEN])list,
                                    .cached_count = w->in.cached.count,
                                    .item = w->c->store->item,
                                    .item_count = w->c->store->count};
    if (prove_report(p, &r, &report, w->err) < 0)
        return -(int)w->err->code;
    const struct serve_message m = {.report = {.data = report.data, .len = report.len}};
    return answer(w, &m);
}

/* The listing of a reference, from a directory of metadata. Returns 1, 0 none there. */
static int listing_at(const char *dir, const uint8_t digest[static CMC_SHA256_LEN],
                      struct cmc_buf *out, struct cmc_err *err)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    uint8_t got[CMC_SHA256_LEN];
    cmc_autobuf struct cmc_buf path = cmc_buf_of(SERVE_CONFIG_TEXT_MAX + 128);
    cmc_hex(digest, CMC_SHA256_LEN, hex);
    cmc_put_fmt(&path, "%s/listings/%s", dir, hex);
    cmc_put_u8(&path, '\0');
    if (cmc_buf_check(&path, "path", err) < 0)
        return -(int)err->code;
    cmc_autofd int fd = open((const char *)path.data, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return 0;
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", (const char *)path.data);
    cmc_autobuf struct cmc_buf text = cmc_buf_of(MEASURE_LISTING_MAX);
    if (cmc_buf_read(&text, fd, "listing", err) < 0 ||
        measure_listing_digest(text.data, text.len, got, err) < 0)
        return cmc_wrap(err, "%s", (const char *)path.data);
    if (memcmp(got, digest, sizeof(got)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "%s is the listing of another tree",
                        (const char *)path.data);
    cmc_put(out, text.data, text.len);
    return cmc_buf_check(out, "listing", err) < 0 ? -(int)err->code : 1;
}

static int find_listing(const struct work *w, struct cmc_buf *out)
{
    const struct serve_list *dirs = &w->c->cfg->metadata;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < dirs->count; i++)
        rc = listing_at(dirs->at[i], w->in.digest.data, out, w->err);
    return rc;
}

static int find_detail(const struct work *w, struct cmc_buf *out)
{
    CMC_CLEANUP(prove_p) struct prove *p = NULL;
    uint8_t key[REDACTION_KEY_LEN];
    int rc = strcmp(w->in.kind, "tree") == 0 ? find_listing(w, out) : 0;
    if (rc == 0)
        rc = open_prover(w, key, &p);
    return rc == 0 ? prove_detail(p, w->in.kind, w->in.digest.data, out, w->err) : rc;
}

static int detail(const struct work *w)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(SERVE_ANSWER_MAX);
    const int found = w->t->who.trusted ? find_detail(w, &data) : 0;
    if (found < 0)
        return found;
    const struct serve_message m = {
        .data = {.data = data.data, .len = data.len, .null = found == 0}};
    return answer(w, &m);
}

/* What is kept for the peer takes part, and is replaced by what holds of this report. */
static int verify_for(const struct work *w, const struct meta_trust *trust,
                      const struct serve_kept *kept, struct cmc_buf *result)
{
    CMC_CLEANUP(result_p) struct verify_result *r = NULL;
    const size_t count = kept ? kept->count : 0;
    cmc_autofree struct verify_item *item = calloc(count + 1, sizeof(*item));
    if (!item)
        return cmc_fail(w->err, CMC_E_LIMIT, "out of memory");
    for (size_t i = 0; i < count; i++)
        item[i] = (struct verify_item){.data = kept->bytes[i].data, .len = kept->bytes[i].len};
    const struct serve_config *cfg = w->c->cfg;
    const struct verify_policy policy = {
        .trust = trust,
        .secrets = cfg->default_secrets ? NULL : (const char *const *)cfg->secrets.at,
        .secret_count = cfg->secrets.count,
        .software = cfg->software,
        .item = item,
        .item_count = count};
    if (verify_report(w->in.report.data, w->in.report.len, w->in.nonce.data, w->in.nonce.len,
                      &policy, &r, w->err) < 0)
        return -(int)w->err->code;
    if (w->in.encoding == META_JSON)
        return verify_result_put_json(r, result, w->err);
    return verify_attestation_result_put(r, META_CBOR, result, w->err);
}

static int verify_peer(const struct work *w, const struct meta_trust *trust, struct cmc_buf *result)
{
    CMC_CLEANUP(kept_p) struct serve_kept *kept = NULL;
    const char *dir = w->c->cfg->peer_cache;
    struct cmc_err unkept;
    if (!w->in.peer || !dir)
        return verify_for(w, trust, NULL, result);
    if (serve_peers_read(dir, w->in.peer, &kept, w->err) < 0 ||
        verify_for(w, trust, kept, result) < 0)
        return -(int)w->err->code;
    if (serve_peers_keep(dir, w->in.peer, w->in.report.data, w->in.report.len, trust, &unkept) < 0)
        return 0; /* the verdict stands, and the next report is longer */
    return 0;
}

static int verify(const struct work *w)
{
    CMC_CLEANUP(trust_p) struct meta_trust *trust = NULL;
    cmc_autobuf struct cmc_buf result = cmc_buf_of(SERVE_ANSWER_MAX);
    if (serve_store_trust(w->c->store, w->c->now, &trust, w->err) < 0 ||
        verify_peer(w, trust, &result) < 0)
        return -(int)w->err->code;
    const struct serve_message m = {.result = {.data = result.data, .len = result.len}};
    return answer(w, &m);
}

static int peer_cache(const struct work *w)
{
    CMC_CLEANUP(kept_p) struct serve_kept *kept = NULL;
    const char *dir = w->c->cfg->peer_cache;
    if (dir && serve_peers_read(dir, w->in.peer, &kept, w->err) < 0)
        return -(int)w->err->code;
    const size_t count = kept ? kept->count : 0;
    cmc_autofree const char **digests = calloc(count + 1, sizeof(*digests));
    if (!digests)
        return cmc_fail(w->err, CMC_E_LIMIT, "out of memory");
    for (size_t i = 0; i < count; i++)
        digests[i] = kept->digest[i];
    const struct serve_message m = {.cached = {.at = digests, .count = count}};
    return answer(w, &m);
}

static void claim(const struct meta_bytes *b, struct record_claim *out)
{
    out->set = b && b->len == CMC_SHA256_LEN;
    if (out->set)
        memcpy(out->sha256, b->data, CMC_SHA256_LEN);
}

/* As much of the name as the recorder takes, in whole characters. */
static void cut_name(const char *name, char out[static RECORD_NAME_MAX + 1])
{
    size_t len = strnlen(name, RECORD_NAME_MAX + 1);
    for (len = len > RECORD_NAME_MAX ? RECORD_NAME_MAX : len;
         len && name[len] && ((uint8_t)name[len] & 0xc0) == 0x80;)
        len--;
    memcpy(out, name, len);
    out[len] = '\0';
}

static int report_event(const struct work *w)
{
    const struct meta_component *event = &w->in.event;
    struct record_request r = {.kind = RECORD_REQUEST_UNMEASURED,
                               .number = (uint32_t)w->t->who.pid};
    uint64_t seq = 0;
    cut_name(event->name ? event->name : "", r.name);
    claim(event->ctr ? &event->ctr->config : NULL, &r.claim[0]);
    claim(event->ctr ? &event->ctr->rootfs : NULL, &r.claim[1]);
    claim(meta_component_hash(event, "SHA-256"), &r.claim[2]);
    return record_ask_unmeasured(w->c->cfg->recorder, &r, RECORDER_WAIT_MS, &seq, w->err);
}

/* Success or not is said in the answer; why not, in the log. */
static int answer_success(const struct work *w, int rc)
{
    struct cmc_err unsent;
    const struct serve_message m = {.success = rc == 0};
    if (serve_message_frame(w->t->type, SERVE_ANSWER, &m, w->in.encoding, w->out,
                            rc == 0 ? w->err : &unsent) < 0 &&
        rc == 0)
        rc = -(int)w->err->code;
    return rc;
}

static int measure(const struct work *w)
{
    return answer_success(w, report_event(w));
}

static int update(const struct work *w)
{
    cmc_autobuf struct cmc_buf set = cmc_buf_of(SERVE_STORE_MAX);
    const size_t begin = w->out->len;
    int rc = serve_store_load(w->c->cfg, w->c->now, &set, w->err);
    rc = answer_success(w, rc);
    if (rc < 0)
        return rc;
    cmc_put(w->out, set.data, set.len);
    if (cmc_buf_check(w->out, "metadata", w->err) == 0)
        return 0;
    w->out->len = begin; /* what was answered is not so */
    w->out->bad = false;
    return answer_success(w, -(int)w->err->code);
}

/* What can be said of a request without this host. */
static int check(const struct work *w)
{
    if (w->in.policies.len)
        return cmc_fail(w->err, CMC_E_USAGE, "policies are not evaluated: send none");
    if (w->in.peer && w->t->who.tcp)
        return cmc_fail(w->err, CMC_E_VERIFY, "peer is not for clients over TCP");
    if (w->in.peer && !serve_peers_is_name(w->in.peer))
        return cmc_fail(w->err, CMC_E_USAGE, "peer: expected %d lower-case hexadecimal digits",
                        2 * CMC_SHA256_LEN);
    return 0;
}

static int do_it(struct work *w)
{
    if (serve_who_may(&w->t->who, w->t->type, w->err) < 0 ||
        serve_message_decode(w->t->type, SERVE_REQUEST, w->t->payload, w->t->len, &w->in, w->err) <
            0 ||
        check(w) < 0)
        return -(int)w->err->code;
    w->accepted = true;
    switch (w->t->type) {
    case SERVE_ATTEST:
        return attest(w);
    case SERVE_VERIFY:
        return verify(w);
    case SERVE_PEER_CACHE:
        return peer_cache(w);
    case SERVE_MEASURE:
        return measure(w);
    case SERVE_UPDATE_METADATA:
        return update(w);
    case SERVE_DETAIL:
        return detail(w);
    default:
        return cmc_fail(w->err, CMC_E_USAGE, "request type %u is not offered", w->t->type);
    }
}

/* By the first byte: no map in CBOR begins with one of these. What was not understood is not
 * parsed once more to say so. */
static enum meta_encoding guess(const char *payload, size_t len)
{
    return len && strchr("{[ \t\r\n", payload[0]) && payload[0] ? META_JSON : META_CBOR;
}

void serve_handle_error(const void *payload, size_t len, const char *msg, struct cmc_buf *out)
{
    struct cmc_err ignored;
    cmc_autobuf struct cmc_buf safe = cmc_buf_of(4096);
    cmc_put_safe(&safe, msg, strlen(msg), 512);
    cmc_put_u8(&safe, '\0');
    const struct serve_message m = {.msg = safe.bad ? "" : (const char *)safe.data};
    if (serve_message_frame(SERVE_ERROR, SERVE_ANSWER, &m, guess(payload, len), out, &ignored) < 0)
        out->bad = true;
}

int serve_handle(const struct serve_context *c, const struct serve_task *t, struct cmc_buf *out,
                 struct cmc_err *err)
{
    struct work w = {.c = c, .t = t, .out = out, .err = err};
    const size_t begin = out->len;
    const int rc = do_it(&w);
    serve_message_done(&w.in);
    /* paths and states of this host are for those who may see its details */
    const bool hidden = w.accepted && !t->who.trusted;
    if (rc < 0 && out->len == begin)
        serve_handle_error(t->payload, t->len,
                           hidden ? "cannot be answered; the log of cmcd says why" : err->msg, out);
    return rc;
}
