/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/server_bed.c -- the real server; only the work is the test's. */
#include "tests/unit/attest/serve/server_bed.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/service.h"

enum { LONG = 4 << 20, STEP_NS = 20000000 };

int64_t server_bed_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put_frame(struct cmc_buf *out, uint32_t type, const void *data, size_t len)
{
    uint8_t head[SERVE_HEAD_LEN];
    serve_frame_put((struct serve_head){.len = (uint32_t)len, .type = type}, head);
    cmc_put(out, head, sizeof(head));
    cmc_put(out, data, len);
}

static void sleep_steps(size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        const struct timespec ts = {.tv_nsec = STEP_NS};
        (void)nanosleep(&ts, NULL);
    }
}

static void put_value(const struct bed_shared *s, struct cmc_buf *out)
{
    const char value = (char)('0' + s->value);
    put_frame(out, SERVE_VERIFY, &value, 1);
}

static void put_long(struct cmc_buf *out)
{
    uint8_t *data = calloc(1, LONG);
    if (data)
        put_frame(out, SERVE_VERIFY, data, LONG);
    free(data);
}

static void count_busy(struct bed_shared *s)
{
    const int busy = __atomic_add_fetch(&s->busy, 1, __ATOMIC_SEQ_CST);
    if (busy > __atomic_load_n(&s->most, __ATOMIC_SEQ_CST))
        __atomic_store_n(&s->most, busy, __ATOMIC_SEQ_CST);
}

static int reload(struct bed_shared *s, struct cmc_buf *out, struct cmc_err *err)
{
    const char value = (char)s->next;
    put_frame(out, SERVE_UPDATE_METADATA, s->next < 0 ? "no" : "yes", s->next < 0 ? 2 : 3);
    if (s->next < 0)
        return cmc_fail(err, CMC_E_VERIFY, "a bad set");
    cmc_put(out, &value, 1);
    return 0;
}

static int work(void *ctx, const struct serve_task *task, struct cmc_buf *out, struct cmc_err *err)
{
    struct bed_shared *s = ctx;
    if (task->type == SERVE_UPDATE_METADATA)
        return reload(s, out, err);
    switch (task->payload[0]) {
    case BED_VALUE:
        put_value(s, out);
        return 0;
    case BED_SLEEP:
        count_busy(s);
        sleep_steps(task->len);
        (void)__atomic_sub_fetch(&s->busy, 1, __ATOMIC_SEQ_CST);
        break;
    case BED_HANG:
        sleep_steps(1 << 20);
        break;
    case BED_CRASH:
        (void)raise(SIGKILL);
        break;
    case BED_LONG:
        put_long(out);
        return 0;
    case BED_SHORT:
        cmc_put(out, "\0\0\0\x09\0\0\0\1half", 12);
        return 0;
    case BED_NOTHING:
        return cmc_fail(err, CMC_E_SYS, "no answer");
    default:
        break;
    }
    put_frame(out, task->type, task->payload, task->len);
    return 0;
}

static int adopt(void *ctx, const void *data, size_t len, struct cmc_err *err)
{
    struct bed_shared *s = ctx;
    if (len != 1)
        return cmc_fail(err, CMC_E_FORMAT, "%zu bytes to adopt", len);
    s->value = *(const uint8_t *)data;
    return 0;
}

static void say(void *ctx, enum cmc_level level, const char *msg, const char *who)
{
    (void)ctx;
    if (getenv("CMC_TEST_LOG"))
        cmc_log(STDERR_FILENO, level, msg, "who", who ? who : "", NULL);
}

static void reloading(void *ctx, bool begins)
{
    struct bed_shared *s = ctx;
    s->reloads += begins ? 1 : 100;
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_tcp(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void run(struct server_bed *b, const struct serve_limits *limits, int unix_fd, int tcp_fd)
{
    const struct serve_hooks hooks = {
        .ctx = b->shared, .work = work, .adopt = adopt, .log = say, .reloading = reloading};
    struct serve_server *s = NULL;
    struct cmc_err err = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody behind */
    int rc = serve_server_new(&hooks, limits, open_signals(), (gid_t)-1, &s, &err);
    if (rc == 0)
        rc = serve_server_listen(s, unix_fd, false, &err);
    if (rc == 0)
        rc = serve_server_listen(s, tcp_fd, true, &err);
    if (rc == 0)
        rc = serve_server_run(s, &err);
    serve_server_free(s);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", err.msg);
    _exit(rc < 0);
}

void server_bed_start(struct server_bed *b, const struct serve_limits *limits)
{
    struct cmc_err err = {0};
    *b = (struct server_bed){.dir = "/tmp/cmc-serve-XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->path, sizeof(b->path), "%s/s", b->dir);
    b->shared =
        mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(b->shared != MAP_FAILED);
    const struct cmc_service_socket own = {
        .path = b->path, .type = SOCK_STREAM, .mode = 0666, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&own, &err);
    if (fd < 0)
        fail_msg("%s", err.msg);
    const int tcp = open_tcp(&b->port);
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0)
        run(b, limits, fd, tcp);
    (void)close(fd);
    (void)close(tcp);
}

void server_bed_stop(struct server_bed *b)
{
    int status = -1;
    assert_int_equal(waitpid(b->pid, &status, WNOHANG), 0);
    assert_int_equal(kill(b->pid, SIGTERM), 0);
    assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)munmap(b->shared, sizeof(*b->shared));
}

int server_bed_dial(const struct server_bed *b, bool tcp)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(b->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval wait = {.tv_sec = 20};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", b->path);
    const int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    if (tcp)
        assert_int_equal(connect(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
    else
        assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

void server_bed_send(int fd, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = send(fd, (const char *)data + at, len - at, MSG_NOSIGNAL);
        if (n < 0)
            return; /* it was closed: the answer shows */
        at += (size_t)n;
    }
}

void server_bed_ask(int fd, uint32_t type, const void *payload, size_t len)
{
    uint8_t head[SERVE_HEAD_LEN];
    serve_frame_put((struct serve_head){.len = (uint32_t)len, .type = type}, head);
    server_bed_send(fd, head, sizeof(head));
    server_bed_send(fd, payload, len);
}

static bool receive(int fd, void *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = recv(fd, (char *)out + at, len - at, 0);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

long server_bed_answer(int fd, uint32_t *type, char *out, size_t cap)
{
    uint8_t head[SERVE_HEAD_LEN], more;
    if (!receive(fd, head, sizeof(head)))
        return -1;
    const struct serve_head h = serve_frame_head(head);
    *type = h.type;
    assert_true(h.len < cap);
    if (!receive(fd, out, h.len))
        return -1;
    out[h.len] = '\0';
    assert_int_equal(recv(fd, &more, 1, 0), 0); /* one answer, then the end */
    return (long)h.len;
}

const char *server_bed_exchange(const struct server_bed *b, uint32_t type, const char *payload)
{
    static char out[65536];
    uint32_t got = 0;
    const int fd = server_bed_dial(b, false);
    server_bed_ask(fd, type, payload, strlen(payload));
    const long n = server_bed_answer(fd, &got, out, sizeof(out));
    (void)close(fd);
    return n < 0 ? "(closed)" : out;
}

void server_bed_alive(const struct server_bed *b)
{
    assert_string_equal(server_bed_exchange(b, SERVE_VERIFY, "echo"), "echo");
}
