/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_recorder_serve.c -- what the recorder's socket records, and for whom.
 */
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
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/service.h"
#include "record/ask.h"
#include "record/dir.h"
#include "record/lock.h"
#include "record/logfile.h"
#include "record/request.h"
#include "tests/lib/recorder_bed.h"
#include "tests/lib/rows.h"
#include "tools/cmc_recorder_serve.h"

enum { SOMEBODY = 65534 };

/* Sends a packet from this process, lets the service serve it, and gives the answer. */
static struct record_answer exchange(struct recorder_service *s, const void *packet, size_t len)
{
    int fd[2];
    uint8_t got[RECORD_PACKET_MAX];
    struct record_answer a = {0};
    struct cmc_err err = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    if (packet)
        assert_int_equal(send(fd[0], packet, len, 0), (ssize_t)len);
    assert_int_equal(shutdown(fd[0], SHUT_WR), 0); /* also: a pause ends at once */
    recorder_serve_client(s, fd[1]);
    const ssize_t n = recv(fd[0], got, sizeof(got), MSG_DONTWAIT);
    assert_true(n > 0);
    assert_int_equal(record_answer_decode(got, (size_t)n, &a, &err), 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
    return a;
}

static struct record_answer ask(struct recorder_service *s, const struct record_request *r)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(RECORD_PACKET_MAX);
    assert_int_equal(record_request_encode(r, &b, &err), 0);
    return exchange(s, b.data, b.len);
}

static struct record_request report(void)
{
    return (struct record_request){
        .kind = RECORD_REQUEST_UNMEASURED, .number = (uint32_t)getpid(), .name = "job-7"};
}

static void records(void **state)
{
    (void)state;
    struct bed b;
    struct recorder_log log = {0};
    bed_init(&b, 1);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    const struct record_request r = report();
    const struct record_answer a = ask(&s, &r);
    assert_string_equal(a.why, "");
    assert_true(a.ok && a.has_seq && a.seq == 1); /* behind recorder-start */
    bed_check(&b, &log);
    assert_int_equal(log.replay.events, 2);
    assert_int_equal(log.starts, 1);
    bed_done(&b);
}

static void refuses(void **state)
{
    (void)state;
    static char large[RECORD_PACKET_MAX + 1];
    struct bed b;
    bed_init(&b, 1);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    struct record_request r = report();
    struct record_answer a = exchange(&s, "garbage", 7);
    assert_false(a.ok);
    assert_non_null(strstr(a.why, "request"));
    a = exchange(&s, large, sizeof(large));
    assert_true(!a.ok && strstr(a.why, "more than 1024 bytes"));
    a = exchange(&s, NULL, 0);
    assert_true(!a.ok && strstr(a.why, "an empty request"));
    r.number = 0x7fffffff;
    a = ask(&s, &r);
    assert_true(!a.ok && strstr(a.why, "does not exist"));
    r = report();
    b.table.cfg.pcr = 16; /* whatever the recorder refuses is told */
    a = ask(&s, &r);
    assert_true(!a.ok && strstr(a.why, "16"));
    bed_done(&b);
}

/* What is left of a log is for containers, however much space the file system has. */
static void half_full(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct record_receipt receipt;
    bed_init(&b, 1);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    const struct record_request r = report();
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
    const int dir = record_dir_open(b.table.cfg.runtime_dir, false, &err);
    const int log = openat(dir, "log", O_WRONLY | O_CLOEXEC);
    assert_true(dir >= 0 && log >= 0);
    assert_int_equal(ftruncate(log, RECORD_LOG_MAX / 2 + 1), 0);
    const struct record_answer a = ask(&s, &r);
    assert_true(!a.ok && strstr(a.why, "the log in"));
    (void)close(log);
    (void)close(dir);
    bed_done(&b);
}

static void silence(void **state)
{
    (void)state;
    struct bed b;
    int fd[2];
    uint8_t got[RECORD_PACKET_MAX];
    bed_init(&b, 1);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    recorder_serve_client(&s, fd[1]);
    const ssize_t n = recv(fd[0], got, sizeof(got), MSG_DONTWAIT);
    assert_true(n > 0 && memmem(got, (size_t)n, "no request within 1 s", 21));
    (void)close(fd[0]);
    (void)close(fd[1]);
    bed_done(&b);
}

static void pauses(void **state)
{
    (void)state;
    struct bed b;
    struct record_receipt receipt;
    struct cmc_err err = {0};
    bed_init(&b, 1);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    const struct record_request r = {.kind = RECORD_REQUEST_PAUSE, .number = 1000};
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
    struct record_answer a = ask(&s, &r); /* its client is gone at once */
    assert_true(a.ok && !a.has_seq);
    s.rest_until_ms = INT64_MAX;
    a = ask(&s, &r);
    assert_true(!a.ok && strstr(a.why, "a moment ago"));
    s.rest_until_ms = 0;
    const int dir = record_dir_open(b.table.cfg.runtime_dir, false, &err);
    const int lock = record_lock_take(dir, 0, &err);
    assert_true(lock >= 0);
    a = ask(&s, &r); /* somebody records, and does not end */
    assert_true(!a.ok && strstr(a.why, "lock"));
    (void)close(lock);
    (void)close(dir);
    bed_done(&b);
}

/* Held while the client is there, and no longer than it asked for. */
static void holds(void **state)
{
    (void)state;
    struct bed b;
    struct record_receipt receipt;
    struct cmc_err err = {0};
    int fd[2];
    bed_init(&b, 1);
    assert_int_equal(bed_record(&b, 1, 1, &receipt, &err), 0);
    struct recorder_service s = {.record = &b.table.cfg, .user = (uid_t)-1};
    const struct record_request r = {.kind = RECORD_REQUEST_PAUSE, .number = 300};
    cmc_autobuf struct cmc_buf packet = cmc_buf_of(RECORD_PACKET_MAX);
    assert_int_equal(record_request_encode(&r, &packet, &err), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    assert_int_equal(send(fd[0], packet.data, packet.len, 0), (ssize_t)packet.len);
    struct timespec begin, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    recorder_serve_client(&s, fd[1]);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    const long ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    assert_true(ms >= 290 && ms < 3000);
    assert_true(s.rest_until_ms > 0);
    assert_int_equal(bed_record(&b, 2, 1, &receipt, &err), 0); /* the lock is free */
    (void)close(fd[0]);
    (void)close(fd[1]);
    bed_done(&b);
}

static pid_t start_service(struct bed *b, int listener, uid_t user)
{
    const pid_t pid = fork();
    if (pid == 0) {
        struct cmc_err ignored;
        struct recorder_service s = {.record = &b->table.cfg, .user = user};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(recorder_serve_all(&s, listener, 3000, &ignored) < 0);
    }
    return pid;
}

/* Sends a request some time after the connection was made, and looks for a refusal. */
static void ask_late(const char *path)
{
    const struct timespec moment = {.tv_nsec = 200000000};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct cmc_err err = {0};
    struct record_answer a = {.ok = true};
    uint8_t got[RECORD_PACKET_MAX];
    const struct record_request r = report();
    cmc_autobuf struct cmc_buf b = cmc_buf_of(RECORD_PACKET_MAX);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (record_request_encode(&r, &b, &err) < 0 ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
        _exit(4);
    (void)nanosleep(&moment, NULL); /* the service has accepted it by now */
    if (send(fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
        _exit(5);
    const ssize_t n = recv(fd, got, sizeof(got), 0);
    if (n <= 0 || record_answer_decode(got, (size_t)n, &a, &err) < 0)
        _exit(6);
    _exit(a.ok || !strstr(a.why, "are served") ? 7 : 0);
}

/* Asks as somebody who is not root. */
static void ask_as_nobody(const char *path, int want, bool late)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        uint64_t seq = 0;
        struct cmc_err err = {0};
        const struct record_request r = report();
        if (setgid(SOMEBODY) < 0 || setuid(SOMEBODY) < 0)
            _exit(3);
        if (late)
            ask_late(path);
        _exit(record_ask_unmeasured(path, &r, 5000, &seq, &err) != want);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* SO_PEERCRED is of who made the connection. */
static void for_whom(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (int served = 0; served < 2; served++) {
        struct bed b;
        char dir[] = "/tmp/cmc-serve-XXXXXX", path[64];
        struct cmc_err err = {0};
        int status = -1;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(chmod(dir, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/s", dir);
        bed_init(&b, 1);
        const struct cmc_service_socket own = {
            .path = path, .type = SOCK_SEQPACKET, .mode = 0666, .gid = (gid_t)-1};
        const int listener = cmc_service_listen(&own, &err);
        const pid_t pid = start_service(&b, listener, served ? SOMEBODY : (uid_t)-1);
        ask_as_nobody(path, served ? 0 : -CMC_E_VERIFY, false);
        if (!served) /* it is told, however slow it is */
            ask_as_nobody(path, 0, true);
        assert_int_equal(waitpid(pid, &status, 0), pid); /* nobody asks any more: it ends */
        assert_int_equal(status, 0);
        (void)close(listener);
        bed_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),   cmocka_unit_test(refuses), cmocka_unit_test(silence),
        cmocka_unit_test(pauses),    cmocka_unit_test(holds),   cmocka_unit_test(for_whom),
        cmocka_unit_test(half_full),
    };
    return cmocka_run_group_tests_name("tools/cmc_recorder_serve", tests, NULL, NULL);
}
