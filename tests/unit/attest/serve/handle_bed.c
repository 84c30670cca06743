/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/handle_bed.c -- a host in /tmp, asked without a socket. */
#include "tests/unit/attest/serve/handle_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "attest/serve/message.h"
#include "base/hex.h"
#include "measure/listing.h"
#include "record/details.h"

#define V     "{\"version\":\"1.4.0\""
#define NONCE V ",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw==\""
#define PEER  "abababababababababababababababababababababababababababababababab"
/* longer than what a buffer has at first */
#define A50  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ITEM "{\"payload\":\"" A50 A50 A50 A50 A50 A50 "\",\"signatures\":[]}"

enum { NOW = 1800000000, ANSWER_MAX = 1 << 20 };

/* The root directory alone. */
static void put_listing(struct cmc_buf *out, uint16_t mode, uint8_t digest[static CMC_SHA256_LEN])
{
    const struct measure_entry dir = {.type = 'd', .mode = mode, .xattrs = measure_no_xattrs};
    struct cmc_err err = {0};
    measure_listing_begin(out);
    measure_listing_put(out, &dir, (struct measure_bytes){(const uint8_t *)"/", 1},
                        (struct measure_bytes){0});
    assert_int_equal(measure_listing_digest(out->data, out->len, digest, &err), 0);
}

/* One beside the metadata, one that the recorder kept. */
static void put_listings(struct handle_bed *b)
{
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    char dir[96], hex[2 * CMC_SHA256_LEN + 1];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf one = cmc_buf_of(4096), two = cmc_buf_of(4096);
    put_listing(&one, 0755, b->tree);
    (void)snprintf(dir, sizeof(dir), "%s/meta", b->host.dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    bed_save(dir, "item", ITEM, strlen(ITEM), 0644);
    (void)snprintf(dir, sizeof(dir), "%s/meta/listings", b->host.dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    cmc_hex(b->tree, sizeof(b->tree), hex);
    bed_save(dir, hex, one.data, one.len, 0644);
    put_listing(&two, 0700, b->kept);
    memcpy(ev.rootfs, b->kept, sizeof(ev.rootfs));
    cmc_sha256(two.data, two.len, ev.listing);
    ev.has_listing = true;
    (void)snprintf(dir, sizeof(dir), "%s/details", b->host.state);
    assert_int_equal(
        record_details_put(dir, "listing", ev.listing, two.data, two.len, 1 << 20, &err), 0);
    bed_put(&b->host, &ev);
}

static void configure(struct handle_bed *b)
{
    static const char form[] =
        "{\"drivers\":[\"sw\"],\"host\":\"host.example\",\"storage\":\"%s\",\"runtimeDir\":\"%s\","
        "\"stateDir\":\"%s\",\"metadata\":[\"%s/meta\"],\"peerCache\":\"%s/peers\","
        "\"recorderSocket\":\"%s/none\"}";
    const struct cmc_site site = {
        .pcr = 13, .runtime_dir = (char[]){"/nowhere"}, .state_dir = (char[]){"/nowhere"}};
    const struct bed *h = &b->host;
    char text[1024];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf set = cmc_buf_of(ANSWER_MAX);
    (void)snprintf(text, sizeof(text), form, h->storage, h->run, h->state, h->dir, h->dir, h->dir);
    if (serve_config_parse(text, strlen(text), &site, &b->cfg, &err) < 0 ||
        serve_store_load(&b->cfg, NOW, &set, &err) < 0 ||
        serve_store_open(set.data, set.len, &b->store, &err) < 0)
        fail_msg("%s", err.msg);
}

void handle_bed_open(struct handle_bed *b)
{
    char dir[128];
    *b = (struct handle_bed){.cfg = {0}};
    bed_init(&b->host, MEASURE_PROFILE_EXACT);
    bed_create(&b->host, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"sh\"]}}", NULL,
               b->config);
    put_listings(b);
    bed_write(&b->host);
    prove_close(bed_open(&b->host));
    (void)snprintf(dir, sizeof(dir), "%s/peers", b->host.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(dir, sizeof(dir), "%s/peers/" PEER, b->host.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    configure(b);
}

void handle_bed_done(struct handle_bed *b)
{
    serve_config_done(&b->cfg);
    serve_store_done(&b->store);
    bed_done(&b->host);
}

int handle_bed_ask(const struct handle_bed *b, const struct handle_bed_request *r,
                   struct cmc_buf *out, struct cmc_err *err)
{
    const struct serve_context c = {.cfg = &b->cfg, .store = &b->store, .now = NOW};
    const struct serve_task task = {.type = r->type,
                                    .payload = (const uint8_t *)r->in,
                                    .len = strlen(r->in),
                                    .who = {.root = true, .trusted = true, .pid = 1}};
    return serve_handle(&c, &task, out, err);
}

/* A request to verify the report that this host gives. */
static void put_verify(struct handle_bed *b, struct cmc_buf *out, const char *more)
{
    static const struct handle_bed_request attest = {"", SERVE_ATTEST, NONCE "}"};
    struct serve_message m = {0};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf answer = cmc_buf_of(ANSWER_MAX);
    if (handle_bed_ask(b, &attest, &answer, &err) < 0 ||
        serve_message_decode(SERVE_ATTEST, SERVE_ANSWER, answer.data + SERVE_HEAD_LEN,
                             answer.len - SERVE_HEAD_LEN, &m, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_put_text(out, NONCE ",\"report\":\"");
    cmc_put_base64(out, m.report.data, m.report.len);
    cmc_put_fmt(out, "\"%s}", more);
    serve_message_done(&m);
}

static void put_detail(struct cmc_buf *out, const char *kind, const uint8_t *digest)
{
    cmc_put_fmt(out, V ",\"kind\":\"%s\",\"digest\":\"", kind);
    cmc_put_base64(out, digest, CMC_SHA256_LEN);
    cmc_put_text(out, "\"}");
}

/* Where the next text begins, behind the NUL of the one before. */
static const char *keep(struct handle_bed *b, size_t *at, const struct cmc_buf *text)
{
    char *to = b->requests + *at;
    assert_true(!text->bad && text->len + 1 <= sizeof(b->requests) - *at);
    memcpy(to, text->data, text->len);
    to[text->len] = '\0';
    *at += text->len + 1;
    return to;
}

void handle_bed_requests(struct handle_bed *b,
                         struct handle_bed_request out[static HANDLE_BED_REQUESTS])
{
    struct cmc_buf text[5];
    size_t at = 0;
    for (size_t i = 0; i < 5; i++)
        text[i] = cmc_buf_of(sizeof(b->requests));
    put_verify(b, &text[0], "");
    put_verify(b, &text[1], ",\"peer\":\"" PEER "\"");
    put_detail(&text[2], "config", b->config);
    put_detail(&text[3], "tree", b->tree);
    put_detail(&text[4], "tree", b->kept);
    out[0] =
        (struct handle_bed_request){"Attest", SERVE_ATTEST, NONCE ",\"cached\":[\"" PEER "\"]}"};
    out[1] =
        (struct handle_bed_request){"PeerCache", SERVE_PEER_CACHE, V ",\"peer\":\"" PEER "\"}"};
    out[2] = (struct handle_bed_request){"UpdateMetadata", SERVE_UPDATE_METADATA, V "}"};
    out[3] = (struct handle_bed_request){"Verify", SERVE_VERIFY, keep(b, &at, &text[0])};
    out[4] = (struct handle_bed_request){"Verify, kept", SERVE_VERIFY, keep(b, &at, &text[1])};
    out[5] = (struct handle_bed_request){"a configuration", SERVE_DETAIL, keep(b, &at, &text[2])};
    out[6] = (struct handle_bed_request){"a tree of ours", SERVE_DETAIL, keep(b, &at, &text[3])};
    out[7] = (struct handle_bed_request){"a measured tree", SERVE_DETAIL, keep(b, &at, &text[4])};
    for (size_t i = 0; i < 5; i++)
        cmc_buf_done(&text[i]);
}

void handle_bed_refused(const struct cmc_buf *out)
{
    if (out->bad)
        return;
    const struct serve_head head = serve_frame_head(out->data);
    assert_int_equal(SERVE_HEAD_LEN + head.len, out->len);
    assert_true(head.type == SERVE_ERROR || memmem(out->data, out->len, "\"success\":false", 15));
}
