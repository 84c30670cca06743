/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_message.c -- payloads: what each message has, in both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/serve/message.h"
#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/lib/vectors.h"

#define D32 "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define B32 "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8="

/* One message in JSON, and in CBOR (hexadecimal): both decode, and encode to themselves. */
static struct good {
    const char *name;
    uint32_t type;
    enum serve_way way;
    const char *json, *cbor;
} goods[] = {
    {"Error", 0, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"msg\":\"no\"}",
     "a20065312e342e3001626e6f"},
    {"Attest", 1, SERVE_REQUEST, "{\"version\":\"1.4.0\",\"nonce\":\"AAECAwQFBgc=\"}",
     "a20065312e342e3001480001020304050607"},
    {"Attest with digests", 1, SERVE_REQUEST,
     "{\"version\":\"1.4.0\",\"nonce\":\"AAECAwQFBgc=\",\"cached\":[\"ab\",\"cd\"]}",
     "a30065312e342e30014800010203040506070282626162626364"},
    {"Attest's answer", 1, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"report\":\"AAE=\"}",
     "a20065312e342e3001420001"},
    {"Verify", 2, SERVE_REQUEST,
     "{\"version\":\"1.4.0\",\"nonce\":\"AAECAwQFBgc=\",\"report\":\"AAE=\"}",
     "a30065312e342e300148000102030405060702420001"},
    {"Verify with all", 2, SERVE_REQUEST,
     "{\"version\":\"1.4.0\",\"nonce\":\"AAECAwQFBgc=\",\"report\":\"AAE=\",\"peer\":\"p\","
     "\"peerAddr\":\"a\",\"policies\":\"AA==\"}",
     "a60065312e342e3001480001020304050607024200010661700761610841"
     "00"},
    {"Verify's answer", 2, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"result\":{\"a\":[1]}}",
     "a20065312e342e3001a1008101"},
    {"PeerCache", 6, SERVE_REQUEST, "{\"version\":\"1.4.0\",\"peer\":\"p\"}",
     "a20065312e342e30016170"},
    {"PeerCache's answer", 6, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"cache\":[\"ab\"]}",
     "a20065312e342e300181626162"},
    {"PeerCache's answer, null", 6, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"cache\":null}",
     "a20065312e342e3001f6"},
    {"Measure's answer", 7, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"success\":true}",
     "a20065312e342e3001f5"},
    {"UpdateMetadata", 9, SERVE_REQUEST, "{\"version\":\"1.4.0\"}", "a10065312e342e30"},
    {"UpdateMetadata's answer", 9, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"success\":false}",
     "a20065312e342e3001f4"},
    {"Detail", 16, SERVE_REQUEST,
     "{\"version\":\"1.4.0\",\"kind\":\"tree\",\"digest\":\"" B32 "\"}",
     "a30065312e342e3001647472656502"
     "5820" D32},
    {"Detail's answer", 16, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"data\":\"AAE=\"}",
     "a20065312e342e3001420001"},
    {"Detail's answer, none", 16, SERVE_ANSWER, "{\"version\":\"1.4.0\",\"data\":null}",
     "a20065312e342e3001f6"},
};

static void check_same(const struct good *t, const void *data, size_t len, enum meta_encoding want)
{
    struct serve_message m = {0};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf again = cmc_buf_of(4096);
    if (serve_message_decode(t->type, t->way, data, len, &m, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(m.encoding, want);
    assert_string_equal(m.version, "1.4.0");
    if (serve_message_encode(t->type, t->way, &m, want, &again, &err) < 0)
        fail_msg("%s", err.msg);
    serve_message_done(&m);
    assert_int_equal(again.len, len);
    assert_memory_equal(again.data, data, len);
}

static size_t unhex(const char *hex, uint8_t *out)
{
    struct cmc_err err;
    const size_t len = strlen(hex) / 2;
    assert_int_equal(cmc_unhex(hex, strlen(hex), out, len, &err), 0);
    return len;
}

static void check_good(void **state)
{
    const struct good *t = *state;
    uint8_t cbor[1024];
    check_same(t, t->json, strlen(t->json), META_JSON);
    check_same(t, cbor, unhex(t->cbor, cbor), META_CBOR);
}

static struct bad {
    const char *name;
    uint32_t type;
    const char *json, *cbor; /* one of them */
    const char *says;
} bads[] = {
    {"nothing that is known", 1, "garbage", NULL, "neither"},
    {"no map", 9, "[]", NULL, NULL},
    {"no version", 9, "{}", NULL, "version"},
    {"a member twice", 9, "{\"version\":\"1\",\"version\":\"1\"}", NULL, "version"},
    {"a member too many", 9, "{\"version\":\"1\",\"more\":1}", NULL, "more"},
    {"a member in another case", 9, "{\"Version\":\"1\"}", NULL, NULL},
    {"no nonce", 1, "{\"version\":\"1\"}", NULL, "nonce"},
    {"a nonce of 7 bytes", 1, "{\"version\":\"1\",\"nonce\":\"AAECAwQFBg==\"}", NULL, "nonce"},
    {"a nonce of null", 1, "{\"version\":\"1\",\"nonce\":null}", NULL, "nonce"},
    {"a nonce that is no base64", 1, "{\"version\":\"1\",\"nonce\":\"AAECAwQFBg\"}", NULL, "nonce"},
    {"a nonce as number", 1, "{\"version\":\"1\",\"nonce\":1}", NULL, "nonce"},
    {"digests as text", 1, "{\"version\":\"1\",\"nonce\":\"AAECAwQFBgc=\",\"cached\":\"a\"}", NULL,
     "cached"},
    {"something behind it", 9, "{\"version\":\"1\"}x", NULL, NULL},
    {"a kind that is none", 16, "{\"version\":\"1\",\"kind\":\"log\",\"digest\":\"" B32 "\"}", NULL,
     "kind"},
    {"a digest of two bytes", 16, "{\"version\":\"1\",\"kind\":\"tree\",\"digest\":\"AAE=\"}", NULL,
     "digest"},
    {"no event", 7, "{\"version\":\"1\"}", NULL, "event"},
    {"an unknown type", 3, "{\"version\":\"1\"}", NULL, "message type 3 is unknown"},
    {"CBOR cut", 9, NULL, "a10065312e342e", NULL},
    {"CBOR with keys out of order", 1, NULL, "a2014800010203040506070065312e342e30", NULL},
    {"CBOR of indefinite length", 9, NULL, "bf0065312e342e30ff", NULL},
    {"CBOR with a key twice", 9, NULL, "a20065312e342e300065312e342e30", NULL},
    {"CBOR with a tag", 9, NULL, "a100c065312e342e30", NULL},
    {"CBOR with bytes behind it", 9, NULL, "a10065312e342e3000", NULL},
    {"CBOR with a text key", 9, NULL, "a16776657273696f6e65312e342e30", NULL},
};

static void check_bad(void **state)
{
    const struct bad *t = *state;
    uint8_t cbor[256];
    struct serve_message m = {.success = true};
    struct cmc_err err = {0};
    const size_t len = t->json ? strlen(t->json) : unhex(t->cbor, cbor);
    const void *data = t->json ? (const void *)t->json : cbor;
    const int rc = serve_message_decode(t->type, SERVE_REQUEST, data, len, &m, &err);
    assert_true(rc == -CMC_E_FORMAT || rc == -CMC_E_LIMIT);
    assert_int_equal(err.code, -rc);
    if (t->says && !strstr(err.msg, t->says))
        fail_msg("%s", err.msg);
    assert_true(m.success && !m.doc);
}

/* A request as the Go CMC sends it. */
static void measure(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct serve_message m = {0};
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf b =
            vector_read(i ? "events/measure-request.cbor" : "events/measure-request.json");
        if (serve_message_decode(7, SERVE_REQUEST, b.data, b.len, &m, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(m.encoding, i ? META_CBOR : META_JSON);
        assert_string_equal(m.event.name, "my_container");
        assert_int_equal(m.event.ctr->config.len, 32);
        const struct meta_bytes *hash = meta_component_hash(&m.event, "SHA-256");
        assert_non_null(hash);
        assert_int_equal(hash->data[0], 0xfd);
        serve_message_done(&m);
    }
}

/* The examples of docs/formats/api.md. */
static void page_examples(void **state)
{
    (void)state;
    uint8_t nonce[16], want[64];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)i;
    const struct serve_message m = {.nonce = {.data = nonce, .len = sizeof(nonce)}, .msg = "no"};
    const size_t len =
        unhex("0000001a00000001a20065312e342e300150000102030405060708090a0b0c0d0e0f", want);
    assert_int_equal(serve_message_frame(1, SERVE_REQUEST, &m, META_CBOR, &b, &err), 0);
    assert_int_equal(b.len, len);
    assert_memory_equal(b.data, want, len);
    b.len = 0;
    assert_int_equal(serve_message_frame(0, SERVE_ANSWER, &m, META_JSON, &b, &err), 0);
    assert_int_equal(b.len, 8 + 30);
    assert_memory_equal(b.data, "\0\0\0\x1e\0\0\0\0{\"version\":\"1.4.0\",\"msg\":\"no\"}", b.len);
}

/* What does not fit leaves the buffer as it was. */
static void no_room(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(20);
    const struct serve_message m = {.msg = "a text that is too long"};
    cmc_put_u8(&b, 77);
    assert_int_equal(serve_message_frame(0, SERVE_ANSWER, &m, META_JSON, &b, &err), -CMC_E_LIMIT);
    assert_int_equal(b.len, 1);
    assert_false(b.bad);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(goods) + ROWS(bads) + 3];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(goods); i++)
        tests[n++] = (struct CMUnitTest){goods[i].name, check_good, NULL, NULL, &goods[i]};
    for (size_t i = 0; i < ROWS(bads); i++)
        tests[n++] = (struct CMUnitTest){bads[i].name, check_bad, NULL, NULL, &bads[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(measure);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(page_examples);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_room);
    return cmocka_run_group_tests_name("attest/serve/message", tests, NULL, NULL);
}
