/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_ask.c -- what a client makes of answers, good and bad. */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/service.h"
#include "record/ask.h"
#include "tests/lib/rows.h"

static struct row {
    const char *name, *packet; /* packet NULL: it closes; "": it says nothing for a while */
    size_t len;
    int want;
    const char *says;
} rows[] = {
    {"recorded",
     "\xa3\x00\x6e"
     "cmc-recorder/1\x01\xf5\x02\x07",
     21, 0, NULL},
    {"refused",
     "\xa3\x00\x6e"
     "cmc-recorder/1\x01\xf4\x03\x64no\x1b!",
     25, -CMC_E_VERIFY, "the recorder refuses: no\\x1b!"},
    {"garbage", "GET", 3, -CMC_E_FORMAT, "recorder's socket: answer"},
    {"nothing", NULL, 0, -CMC_E_SYS, "no answer"},
    {"silence", "", 0, -CMC_E_SYS, "no answer"},
};

static pid_t serve(const char *path, const struct row *t)
{
    struct cmc_err err = {0};
    const struct cmc_service_socket own = {
        .path = path, .type = SOCK_SEQPACKET, .mode = 0600, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&own, &err);
    assert_true(fd >= 0);
    const pid_t pid = fork();
    if (pid == 0) {
        char packet[2048];
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int client;
        while ((client = accept(fd, NULL, NULL)) < 0)
            ;
        (void)!recv(client, packet, sizeof(packet), 0);
        if (t->packet && t->len)
            (void)!send(client, t->packet, t->len, 0);
        if (t->packet && !t->len)
            (void)sleep(10);
        _exit(0);
    }
    (void)close(fd);
    return pid;
}

static void check_row(void **state)
{
    const struct row *t = *state;
    char dir[] = "/tmp/cmc-ask-XXXXXX", path[64];
    struct cmc_err err = {0};
    uint64_t seq = 77;
    const struct record_request r = {.kind = RECORD_REQUEST_UNMEASURED, .number = 1, .name = "x"};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    const pid_t pid = serve(path, t);
    assert_int_equal(record_ask_unmeasured(path, &r, 500, &seq, &err), t->want);
    assert_int_equal(seq, t->want < 0 ? 77 : 7);
    if (t->says && !strstr(err.msg, t->says))
        fail_msg("%s", err.msg);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void a_pause(void **state)
{
    (void)state;
    static const struct row good = {"",
                                    "\xa2\x00\x6e"
                                    "cmc-recorder/1\x01\xf5",
                                    19, 0, NULL};
    char dir[] = "/tmp/cmc-ask-XXXXXX", path[64];
    struct cmc_err err = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    const pid_t pid = serve(path, &good);
    const int fd = record_ask_pause(path, 10, 500, &err);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)waitpid(pid, NULL, 0);
    assert_int_equal(record_ask_pause(path, 10, 500, &err), -CMC_E_SYS); /* nobody is there */
    assert_int_equal(record_ask_pause(path, 0, 500, &err), -CMC_E_USAGE);
    assert_int_equal(
        record_ask_pause("/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                         1, 500, &err),
        -CMC_E_USAGE);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_pause);
    return cmocka_run_group_tests_name("record/ask", tests, NULL, NULL);
}
