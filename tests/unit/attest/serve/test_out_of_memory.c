/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_out_of_memory.c -- each allocation of cmcd and its client fails
 * once: an error with words, nothing lost, and never half of an answer. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/client.h"
#include "attest/serve/dial.h"
#include "attest/serve/message.h"
#include "attest/serve/store.h"
#include "base/service.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/rows.h"

#define COMPANY                                                                                    \
    "{\"type\":\"Company Description\",\"name\":\"c\",\"version\":\"2026-01-01T00:00:00Z\"}"
#define PEER "abababababababababababababababababababababababababababababababab"

enum { OUT_MAX = 1 << 20 };

static const struct cmc_site site = {.pcr = 13,
                                     .runtime_dir = (char[]){"/nowhere"},
                                     .state_dir = (char[]){"/nowhere"},
                                     .tcti = (char[]){"device:/dev/null"}};

/* ---- configuration ----------------------------------------------------------------------------
 */

#define EVERY_KIND                                                                                 \
    "{\"cmcAddr\":\"unix:///s\",\"tcp\":\"h:1\",\"socketGroup\":\"g\",\"socketMode\":\"0660\","    \
    "\"metadata\":[\"file:///m\",\"/n\"],\"rootCas\":[\"/r\"],\"drivers\":[\"sw\"],"               \
    "\"hashAlg\":\"SHA384\",\"tpmKeyAlg\":\"RSA2048\",\"excludePcrs\":[10],\"pcr\":12,"            \
    "\"storage\":\"/st\",\"peerCache\":\"/p\",\"host\":\"h\",\"secrets\":[\"*X*\"],"               \
    "\"allowSoftware\":true,\"logLevel\":\"debug\",\"api\":\"socket\"}"

static char config_path[64];

static int judge_config(int rc, struct serve_config *c, const struct serve_config *poison)
{
    if (rc < 0) {
        assert_memory_equal(c, poison, sizeof(*c));
        return rc;
    }
    assert_string_equal(c->addr, "/s");
    assert_string_equal(c->firmware_log, "/nowhere/firmware-log");
    assert_string_equal(c->metadata.at[c->metadata.count - 1], "/n");
    assert_int_equal(c->metadata.count + c->roots.count + c->secrets.count, 4);
    serve_config_done(c);
    return 0;
}

static int parse_config(struct cmc_err *err)
{
    struct serve_config c, poison;
    memset(&poison, 0xaa, sizeof(poison));
    c = poison;
    return judge_config(serve_config_parse(EVERY_KIND, strlen(EVERY_KIND), &site, &c, err), &c,
                        &poison);
}

static int load_config(struct cmc_err *err)
{
    struct serve_config c, poison;
    memset(&poison, 0xaa, sizeof(poison));
    c = poison;
    return judge_config(serve_config_load(config_path, &site, &c, err), &c, &poison);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void configuration(void **state)
{
    char dir[] = "/tmp/cmc-memory-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(config_path, sizeof(config_path), "%s/c", dir);
    write_file(dir, "c", EVERY_KIND);
    fail_alloc_each(parse_config);
    fail_alloc_each(load_config);
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

static struct host {
    char dir[32], meta[64];
    struct bed pki;
    struct serve_config cfg;
    struct cmc_buf set; /* without a fault */
    struct serve_store store;
} host;

static int load_set(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf set = cmc_buf_of(SERVE_STORE_MAX);
    const int rc = serve_store_load(&host.cfg, PKI_NOW, &set, err);
    assert_int_equal(set.len, rc < 0 ? 0 : host.set.len);
    return rc;
}

static int open_set(struct cmc_err *err)
{
    struct serve_store s = {.count = 77};
    const int rc = serve_store_open(host.set.data, host.set.len, &s, err);
    assert_int_equal(s.count, rc < 0 ? 77 : 2);
    if (rc == 0)
        serve_store_done(&s);
    return rc;
}

static int take_trust(struct cmc_err *err)
{
    struct meta_trust *const untouched = (void *)&host, *trust = untouched;
    const int rc = serve_store_trust(&host.store, PKI_NOW, &trust, err);
    if (rc == 0)
        meta_trust_free(trust);
    else
        assert_ptr_equal(trust, untouched);
    return rc;
}

static void put_signed(const char *name, const char *payload)
{
    static const enum bed_cert by[] = {BED_SIGNER, BED_CERTS};
    char *item = bed_sign(&host.pki, payload, by);
    write_file(host.meta, name, item);
    free(item);
}

static void write_ca(void)
{
    char *pem = pki_pem(&host.pki.cert[BED_META_CA]);
    write_file(host.dir, "ca.pem", pem);
    free(pem);
}

/* Two items and their root. */
static void open_host(void)
{
    char text[512];
    struct cmc_err err = {0};
    host = (struct host){.dir = "/tmp/cmc-memory-XXXXXX", .set = cmc_buf_of(SERVE_STORE_MAX)};
    bed_open(&host.pki, false);
    assert_non_null(mkdtemp(host.dir));
    (void)snprintf(host.meta, sizeof(host.meta), "%s/meta", host.dir);
    assert_int_equal(mkdir(host.meta, 0755), 0);
    write_ca();
    put_signed("a", COMPANY);
    put_signed("b", "{\"type\":\"Company Description\",\"name\":\"d\"}");
    (void)snprintf(text, sizeof(text), "{\"metadata\":[\"%s\"],\"metadataCas\":[\"%s/ca.pem\"]}",
                   host.meta, host.dir);
    if (serve_config_parse(text, strlen(text), &site, &host.cfg, &err) < 0 ||
        serve_store_load(&host.cfg, PKI_NOW, &host.set, &err) < 0 ||
        serve_store_open(host.set.data, host.set.len, &host.store, &err) < 0)
        fail_msg("%s", err.msg);
}

static void close_host(void)
{
    bed_close(&host.pki);
    serve_config_done(&host.cfg);
    serve_store_done(&host.store);
    cmc_buf_done(&host.set);
}

static void metadata(void **state)
{
    (void)state;
    open_host();
    fail_alloc_each(load_set);
    fail_alloc_each(open_set);
    fail_alloc_each(take_trust);
    close_host();
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static const uint8_t nonce[16] = {1, 2, 3}, digest[CMC_SHA256_LEN] = {4};
static const char *cached[] = {PEER};
static struct message_row {
    uint32_t type;
    enum serve_way way;
    struct serve_message m;
} messages[] = {
    {SERVE_ERROR, SERVE_ANSWER, {.msg = "no"}},
    {SERVE_ATTEST,
     SERVE_REQUEST,
     {.nonce = {.data = nonce, .len = 16}, .cached = {.at = cached, .count = 1}}},
    {SERVE_ATTEST, SERVE_ANSWER, {.report = {.data = nonce, .len = 16}}},
    {SERVE_VERIFY,
     SERVE_REQUEST,
     {.nonce = {.data = nonce, .len = 16}, .report = {.data = nonce, .len = 16}, .peer = PEER}},
    {SERVE_PEER_CACHE, SERVE_REQUEST, {.peer = PEER}},
    {SERVE_PEER_CACHE, SERVE_ANSWER, {.cached = {.at = cached, .count = 1}}},
    {SERVE_MEASURE, SERVE_REQUEST, {.event = {.type = "t", .name = "n"}}},
    {SERVE_UPDATE_METADATA, SERVE_ANSWER, {.success = true}},
    {SERVE_DETAIL,
     SERVE_REQUEST,
     {.kind = "tree", .digest = {.data = digest, .len = sizeof(digest)}}},
    {SERVE_DETAIL, SERVE_ANSWER, {.data = {.null = true}}},
};
static const struct message_row *message;
static enum meta_encoding encoding;
static struct cmc_buf frame; /* of message, without a fault */

static int put_message(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    const int rc =
        serve_message_frame(message->type, message->way, &message->m, encoding, &out, err);
    assert_int_equal(out.len, rc < 0 ? 0 : frame.len);
    assert_false(out.bad);
    return rc;
}

static int take_message(struct cmc_err *err)
{
    struct serve_message m = {.version = "untouched"};
    const int rc = serve_message_decode(message->type, message->way, frame.data + SERVE_HEAD_LEN,
                                        frame.len - SERVE_HEAD_LEN, &m, err);
    assert_string_equal(m.version, rc < 0 ? "untouched" : SERVE_VERSION);
    if (rc == 0)
        serve_message_done(&m);
    return rc;
}

static void each_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(messages); i++) {
        struct cmc_err err = {0};
        message = &messages[i / 2];
        encoding = i % 2 ? META_JSON : META_CBOR;
        frame = cmc_buf_of(OUT_MAX);
        if (serve_message_frame(message->type, message->way, &message->m, encoding, &frame, &err))
            fail_msg("%s", err.msg);
        fail_alloc_each(put_message);
        fail_alloc_each(take_message);
        cmc_buf_done(&frame);
    }
}

/* ---- the client -------------------------------------------------------------------------------
 */

#define ATTEST_ANSWER                                                                              \
    "\0\0\0\x0c\0\0\0\1\xa2\x00\x65"                                                               \
    "1.4.0\x01\x42ok"
#define DETAIL_ANSWER                                                                              \
    "\0\0\0\x0c\0\0\0\x10\xa2\x00\x65"                                                             \
    "1.4.0\x01\x42ok"
#define MEASURE_ANSWER                                                                             \
    "\0\0\0\x0a\0\0\0\7\xa2\x00\x65"                                                               \
    "1.4.0\x01\xf5"
#define ERROR_ANSWER                                                                               \
    "\0\0\0\x0c\0\0\0\0\xa2\x00\x65"                                                               \
    "1.4.0\x01\x62no"

static char socket_path[64];
static struct serve_peer peer = {.addr = socket_path, .timeout_ms = 5000};

/* Answers each that asks with the same bytes, and needs no memory for it. */
static _Noreturn void answer_all(int fd, const char *answer, size_t len)
{
    static uint8_t head[SERVE_HEAD_LEN], payload[4096];
    struct cmc_err err;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const int64_t end = serve_now_ms() + 60000;
        const int client = accept(fd, NULL, NULL);
        if (client < 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
            continue;
        }
        if (serve_receive(client, head, sizeof(head), end, &err) == 0 &&
            serve_receive(client, payload, serve_frame_head(head).len, end, &err) == 0)
            (void)!send(client, answer, len, MSG_NOSIGNAL);
        (void)close(client);
    }
}

static pid_t serve(const char *answer, size_t len)
{
    struct cmc_err err = {0};
    const struct cmc_service_socket own = {
        .path = socket_path, .type = SOCK_STREAM, .mode = 0600, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&own, &err);
    if (fd < 0)
        fail_msg("%s", err.msg);
    const pid_t pid = fork();
    if (pid == 0)
        answer_all(fd, answer, len);
    (void)close(fd);
    return pid;
}

static int ask_report(struct cmc_err *err)
{
    const struct meta_texts have = {.at = cached, .count = 1};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    const int rc = serve_attest(&peer, nonce, sizeof(nonce), &have, &out, err);
    assert_int_equal(out.len, rc < 0 ? 0 : 2);
    return rc;
}

static int ask_detail(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    const int rc = serve_detail(&peer, "tree", digest, &out, err);
    assert_int_not_equal(rc, 0); /* it is there */
    assert_int_equal(out.len, rc < 0 ? 0 : 2);
    return rc;
}

static int tell_event(struct cmc_err *err)
{
    return serve_measure(&peer, &(struct meta_component){.type = "t", .name = "n"}, err);
}

/* cmcd's own words, or those of a lack of memory. */
static int ask_in_vain(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(OUT_MAX);
    const int rc = serve_attest(&peer, nonce, sizeof(nonce), NULL, &out, err);
    assert_int_equal(out.len, 0);
    if (rc != -CMC_E_VERIFY)
        return rc;
    assert_non_null(strstr(err->msg, fail_alloc_happened() ? "an error" : "no"));
    return fail_alloc_happened() ? cmc_fail(err, CMC_E_LIMIT, "without words") : 0;
}

static void client(void **state)
{
    static const struct {
        fail_alloc_call *call;
        const char *answer;
        size_t len;
    } rows[] = {
        {ask_report, ATTEST_ANSWER, sizeof(ATTEST_ANSWER) - 1},
        {ask_detail, DETAIL_ANSWER, sizeof(DETAIL_ANSWER) - 1},
        {tell_event, MEASURE_ANSWER, sizeof(MEASURE_ANSWER) - 1},
        {ask_in_vain, ERROR_ANSWER, sizeof(ERROR_ANSWER) - 1},
    };
    char dir[] = "/tmp/cmc-memory-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 2 * ROWS(rows); i++) {
        (void)snprintf(socket_path, sizeof(socket_path), "%s/s%zu", dir, i);
        peer.json = i % 2;
        const pid_t pid = serve(rows[i / 2].answer, rows[i / 2].len);
        fail_alloc_each(rows[i / 2].call);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration),
        cmocka_unit_test(metadata),
        cmocka_unit_test(each_message),
        cmocka_unit_test(client),
    };
    return cmocka_run_group_tests_name("attest/serve/out of memory", tests, NULL, NULL);
}
