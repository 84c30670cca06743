/* SPDX-License-Identifier: Apache-2.0 */
/* record/ask.c -- one packet there, one back. */
#include "record/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/hex.h"

static int dial(const char *path, unsigned timeout_ms, struct cmc_err *err)
{
    const struct timeval wait = {.tv_sec = timeout_ms / 1000, /* both zero would be for ever */
                                 .tv_usec = timeout_ms ? timeout_ms % 1000 * 1000 : 1000};
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const size_t len = strlen(path);
    if (len >= sizeof(to.sun_path))
        return cmc_fail(err, CMC_E_USAGE, "recorder's socket: a path of %zu bytes, at most %zu",
                        len, sizeof(to.sun_path) - 1);
    memcpy(to.sun_path, path, len + 1);
    cmc_autofd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
        connect(fd, (const struct sockaddr *)(const void *)&to, sizeof(to)) < 0)
        return cmc_fail(err, CMC_E_SYS, "recorder's socket %s", path);
    return cmc_take_fd(&fd);
}

static int fail_refused(const struct record_answer *a, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4 * RECORD_WHY_MAX + 8);
    cmc_put_safe(&b, a->why, strlen(a->why), RECORD_WHY_MAX);
    cmc_put_u8(&b, '\0');
    return cmc_fail(err, CMC_E_VERIFY, "the recorder refuses: %s",
                    b.bad ? "" : (const char *)b.data);
}

static int receive(int fd, struct record_answer *out, struct cmc_err *err)
{
    uint8_t packet[RECORD_PACKET_MAX + 1];
    const ssize_t n = recv(fd, packet, sizeof(packet), 0);
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0)
        return cmc_fail(err, CMC_E_SYS, "recorder's socket: no answer");
    if (n > RECORD_PACKET_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "recorder's socket: an answer of more than %d bytes",
                        RECORD_PACKET_MAX);
    if (record_answer_decode(packet, (size_t)n, out, err) < 0)
        return cmc_wrap(err, "recorder's socket");
    return out->ok ? 0 : fail_refused(out, err);
}

/* Returns the connection. */
static int ask(const char *path, const struct record_request *r, unsigned timeout_ms,
               struct record_answer *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf packet = cmc_buf_of(RECORD_PACKET_MAX);
    if (record_request_encode(r, &packet, err) < 0)
        return -(int)err->code;
    cmc_autofd int fd = dial(path, timeout_ms, err);
    if (fd < 0)
        return -(int)err->code;
    /* Who refuses a client at once may have closed already: its answer is there to read. */
    if (send(fd, packet.data, packet.len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
        return cmc_fail(err, CMC_E_SYS, "recorder's socket: send");
    if (receive(fd, out, err) < 0)
        return -(int)err->code;
    return cmc_take_fd(&fd);
}

int record_ask_unmeasured(const char *path, const struct record_request *r, unsigned timeout_ms,
                          uint64_t *seq, struct cmc_err *err)
{
    struct record_answer answer = {0};
    cmc_autofd int fd = ask(path, r, timeout_ms, &answer, err);
    if (fd < 0)
        return -(int)err->code;
    *seq = answer.seq;
    return 0;
}

int record_ask_pause(const char *path, unsigned ms, unsigned timeout_ms, struct cmc_err *err)
{
    const struct record_request r = {.kind = RECORD_REQUEST_PAUSE, .number = ms};
    struct record_answer answer = {0};
    return ask(path, &r, timeout_ms, &answer, err);
}
