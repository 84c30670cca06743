/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_handle.c -- requests to a host with a key in a file and an empty
 * log: what is answered, and what is refused in whose words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/handle.h"
#include "attest/serve/message.h"
#include "tests/lib/rows.h"

static const struct serve_who root = {.root = true, .trusted = true, .pid = 1}, other = {.uid = 1},
                              tcp = {.tcp = true};

struct host {
    char dir[32], storage[64], recorder[64];
    struct serve_config cfg;
    struct serve_store store;
};

static void open_host(struct host *h)
{
    const struct cmc_site site = {
        .pcr = 13, .runtime_dir = (char[]){"/nowhere"}, .state_dir = (char[]){"/nowhere"}};
    char text[256];
    struct cmc_err err = {0};
    *h = (struct host){.dir = "/tmp/cmc-handle-XXXXXX"};
    assert_non_null(mkdtemp(h->dir));
    (void)snprintf(text, sizeof(text),
                   "{\"drivers\":[\"sw\"],\"host\":\"h\",\"storage\":\"%s/st\","
                   "\"recorderSocket\":\"%s/rs\",\"peerCache\":\"%s/p\"}",
                   h->dir, h->dir, h->dir);
    assert_int_equal(serve_config_parse(text, strlen(text), &site, &h->cfg, &err), 0);
    assert_int_equal(serve_store_open("\xc5", 1, &h->store, &err), 0);
}

static void close_host(struct host *h)
{
    serve_config_done(&h->cfg);
    serve_store_done(&h->store);
}

#define V      "{\"version\":\"1.4.0\""
#define NONCE  V ",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw==\""
#define D32    "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8="
#define HIDDEN "cannot be answered; the log of cmcd says why"

static struct row {
    const char *name;
    uint32_t type;
    const struct serve_who *who;
    const char *in;
    int want;
    uint32_t answer;
    const char *says;
} rows[] = {
    {"no key yet", 1, &root, NONCE "}", -CMC_E_USAGE, 0, "no attestation key in /tmp"},
    {"no key yet, for others", 1, &other, NONCE "}", -CMC_E_USAGE, 0, HIDDEN},
    {"no key yet, over TCP", 1, &tcp, NONCE "}", -CMC_E_USAGE, 0, HIDDEN},
    {"no request", 1, &tcp, "{}", -CMC_E_FORMAT, 0, "version"},
    {"a cached digest that is none", 1, &root, NONCE ",\"cached\":[\"xy\"]}", -CMC_E_FORMAT, 0,
     "cached digest 0"},
    {"garbage as report", 2, &other, NONCE ",\"report\":\"AA==\"}", 0, 2, "\"result\":{"},
    {"policies", 2, &other, NONCE ",\"report\":\"AA==\",\"policies\":\"AA==\"}", -CMC_E_USAGE, 0,
     "policies are not evaluated"},
    {"a peer over TCP", 2, &tcp, NONCE ",\"report\":\"AA==\",\"peer\":\"ab\"}", -CMC_E_VERIFY, 0,
     "peer is not for clients over TCP"},
    {"a peer that is no name", 2, &root, NONCE ",\"report\":\"AA==\",\"peer\":\"..\"}",
     -CMC_E_USAGE, 0, "hexadecimal"},
    {"a peer, and nothing to keep", 2, &other,
     NONCE ",\"report\":\"AA==\",\"peer\":"
           "\"abababababababababababababababababababababababababababababababab\"}",
     0, 2, "\"result\":{"},
    {"nothing is kept", 6, &other,
     V ",\"peer\":\"abababababababababababababababababababababababababababababababab\"}", 0, 6,
     "\"cache\":[]"},
    {"PeerCache over TCP", 6, &tcp, V ",\"peer\":\"ab\"}", -CMC_E_VERIFY, 0, "over TCP"},
    {"no recorder", 7, &root, V ",\"event\":{\"type\":\"t\",\"name\":\"n\",\"hashes\":[]}}",
     -CMC_E_SYS, 7, "\"success\":false"},
    {"Measure as others", 7, &other, V ",\"event\":{}}", -CMC_E_VERIFY, 0, "for root only"},
    {"UpdateMetadata", 9, &root, V "}", 0, 9, "\"success\":true"},
    {"UpdateMetadata as others", 9, &other, V "}", -CMC_E_VERIFY, 0, "configured group only"},
    {"a detail for others", 16, &other, V ",\"kind\":\"config\",\"digest\":\"" D32 "\"}", 0, 16,
     "\"data\":null"},
    {"a detail over TCP", 16, &tcp, V ",\"kind\":\"tree\",\"digest\":\"" D32 "\"}", 0, 16,
     "\"data\":null"},
    {"a detail without a key", 16, &root, V ",\"kind\":\"tree\",\"digest\":\"" D32 "\"}",
     -CMC_E_USAGE, 0, "no attestation key"},
    {"a type that is not offered", 3, &root, V "}", -CMC_E_FORMAT, 0, "type 3"},
};

static void check_row(void **state)
{
    const struct row *t = *state;
    struct host h;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    open_host(&h);
    const struct serve_context c = {.cfg = &h.cfg, .store = &h.store, .now = 1800000000};
    const struct serve_task task = {
        .type = t->type, .payload = (const uint8_t *)t->in, .len = strlen(t->in), .who = *t->who};
    const int rc = serve_handle(&c, &task, &out, &err);
    if (rc != t->want)
        fail_msg("%d: %s", rc, err.msg);
    assert_true(out.len > SERVE_HEAD_LEN);
    const struct serve_head head = serve_frame_head(out.data);
    assert_int_equal(head.type, t->answer);
    const size_t len = SERVE_HEAD_LEN + head.len;
    assert_true(len <= out.len && (len == out.len || t->type == SERVE_UPDATE_METADATA));
    if (!memmem(out.data + SERVE_HEAD_LEN, head.len, t->says, strlen(t->says)))
        fail_msg("%.*s", (int)head.len, (const char *)out.data + SERVE_HEAD_LEN);
    close_host(&h);
}

/* UpdateMetadata brings the new set behind the answer; a bad one brings none. */
static void update(void **state)
{
    (void)state;
    static const char in[] = V "}";
    struct host h;
    struct serve_store s;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    open_host(&h);
    const struct serve_context c = {.cfg = &h.cfg, .store = &h.store, .now = 1800000000};
    const struct serve_task task = {
        .type = SERVE_UPDATE_METADATA, .payload = (const uint8_t *)in, .len = 19, .who = root};
    assert_int_equal(serve_handle(&c, &task, &out, &err), 0);
    const size_t len = SERVE_HEAD_LEN + serve_frame_head(out.data).len;
    assert_int_equal(serve_store_open(out.data + len, out.len - len, &s, &err), 0);
    serve_store_done(&s);
    char *nowhere[] = {(char[]){"/nowhere"}};
    h.cfg.metadata = (struct serve_list){.at = nowhere, .count = 1};
    out.len = 0;
    assert_int_equal(serve_handle(&c, &task, &out, &err), -CMC_E_SYS);
    assert_int_equal(SERVE_HEAD_LEN + serve_frame_head(out.data).len, out.len);
    assert_non_null(memmem(out.data, out.len, "\"success\":false", 15));
    h.cfg.metadata = (struct serve_list){0};
    close_host(&h);
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        bool json;
    } t[] = {{"{", true}, {"\n{}", true},  {" ", true}, {"[1]", true},
             {"", false}, {"\xa1", false}, {"x", false}};
    for (size_t i = 0; i < ROWS(t); i++) {
        cmc_autobuf struct cmc_buf out = cmc_buf_of(256);
        serve_handle_error(t[i].payload, strlen(t[i].payload), "no\n", &out);
        assert_int_equal(serve_frame_head(out.data).type, SERVE_ERROR);
        assert_int_equal(out.data[SERVE_HEAD_LEN] == '{', t[i].json);
        assert_null(memchr(out.data + SERVE_HEAD_LEN, '\n', out.len - SERVE_HEAD_LEN));
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(update);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(errors);
    return cmocka_run_group_tests_name("attest/serve/handle", tests, NULL, NULL);
}
