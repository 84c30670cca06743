/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_failing_calls.c -- each system call behind a request fails once: the
 * whole answer, or a refusal with words, and no descriptor left open. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/client.h"
#include "attest/serve/dial.h"
#include "base/service.h"
#include "tests/lib/fail_sys.h"
#include "tests/unit/attest/serve/handle_bed.h"

static struct handle_bed bed;
static struct handle_bed_request requests[HANDLE_BED_REQUESTS];
static const struct handle_bed_request *request;
static struct cmc_buf whole; /* the answer without a fault */

/* ---- requests ---------------------------------------------------------------------------------
 */

static int ask(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    struct cmc_err answered = {0};
    fail_sys_begin();
    const int rc = handle_bed_ask(&bed, request, &out, &answered);
    fail_sys_end();
    if (rc < 0) {
        *err = answered;
        handle_bed_refused(&out);
        return rc;
    }
    assert_false(out.bad);
    assert_int_equal(out.len, whole.len);
    return 0;
}

/* Of a report, details may be left out; it stays one. */
static int attest(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    fail_sys_begin();
    const int rc = handle_bed_ask(&bed, request, &out, err);
    fail_sys_end();
    if (rc < 0)
        handle_bed_refused(&out);
    else
        assert_true(out.len <= whole.len && memmem(out.data, out.len, "\"report\":", 9));
    return rc;
}

/* Details that cannot be read are none. */
static int detail(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    fail_sys_begin();
    const int rc = handle_bed_ask(&bed, request, &out, err);
    fail_sys_end();
    if (rc < 0)
        handle_bed_refused(&out);
    else
        assert_true(out.len == whole.len || memmem(out.data, out.len, "\"data\":null", 11));
    return rc;
}

static fail_sys_call *call_of(uint32_t type)
{
    if (type == SERVE_DETAIL)
        return detail;
    return type == SERVE_ATTEST ? attest : ask;
}

static bool needs_calls(uint32_t type)
{
    return type != SERVE_VERIFY;
}

static void each_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < HANDLE_BED_REQUESTS; i++) {
        struct cmc_err err = {0};
        request = &requests[i];
        print_message("%s\n", request->name);
        whole = cmc_buf_of(1 << 20);
        if (handle_bed_ask(&bed, request, &whole, &err) < 0)
            fail_msg("%s", err.msg);
        if (needs_calls(request->type) || strstr(request->name, "kept"))
            fail_sys_each(call_of(request->type));
        cmc_buf_done(&whole);
    }
}

/* ---- configuration and metadata ---------------------------------------------------------------
 */

static int load_config(struct cmc_err *err)
{
    const struct cmc_site site = {
        .runtime_dir = (char[]){"/nowhere"}, .state_dir = (char[]){"/nowhere"}, .pcr = 13};
    struct serve_config c = {.pcr = 77};
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/cmcd.json", bed.host.dir);
    bed_save(bed.host.dir, "cmcd.json", "{\"host\":\"h\"}", 12, 0600);
    fail_sys_begin();
    const int rc = serve_config_load(path, &site, &c, err);
    fail_sys_end();
    assert_int_equal(c.pcr, rc < 0 ? 77 : 13);
    if (rc == 0)
        serve_config_done(&c);
    return rc;
}

static int load_set(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf set = cmc_buf_of(1 << 20);
    fail_sys_begin();
    const int rc = serve_store_load(&bed.cfg, 1800000000, &set, err);
    fail_sys_end();
    assert_int_equal(set.len, rc < 0 ? 0 : whole.len);
    return rc;
}

static void files(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    fail_sys_each(load_config);
    whole = cmc_buf_of(1 << 20);
    assert_int_equal(serve_store_load(&bed.cfg, 1800000000, &whole, &err), 0);
    fail_sys_each(load_set);
    cmc_buf_done(&whole);
}

/* ---- the client -------------------------------------------------------------------------------
 */

#define ANSWER                                                                                     \
    "\0\0\0\x0c\0\0\0\1\xa2\x00\x65"                                                               \
    "1.4.0\x01\x42ok"

static char path[64];

/* Nothing fails in here: it was started before. */
static _Noreturn void answer_all(int fd)
{
    static uint8_t head[SERVE_HEAD_LEN], payload[4096];
    struct cmc_err err;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const int64_t end = serve_now_ms() + 2000;
        const int client = accept(fd, NULL, NULL);
        if (client < 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
            continue;
        }
        if (serve_receive(client, head, sizeof(head), end, &err) == 0 &&
            serve_receive(client, payload, serve_frame_head(head).len, end, &err) == 0)
            (void)!send(client, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
        (void)close(client);
    }
}

static int ask_report(struct cmc_err *err)
{
    const struct serve_peer peer = {.addr = path, .timeout_ms = 10000};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    fail_sys_begin();
    const int rc = serve_attest(&peer, "0123456789abcdef", 16, NULL, &out, err);
    fail_sys_end();
    assert_int_equal(out.len, rc < 0 ? 0 : 2);
    return rc;
}

static void client(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/s", bed.host.dir);
    const struct cmc_service_socket own = {
        .path = path, .type = SOCK_STREAM, .mode = 0600, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&own, &err);
    assert_true(fd >= 0);
    const pid_t pid = fork();
    if (pid == 0)
        answer_all(fd);
    (void)close(fd);
    fail_sys_each(ask_report);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
    (void)state;
    handle_bed_open(&bed);
    handle_bed_requests(&bed, requests);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    handle_bed_done(&bed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request),
        cmocka_unit_test(files),
        cmocka_unit_test(client),
    };
    return cmocka_run_group_tests_name("attest/serve/failing calls", tests, setup, teardown);
}
