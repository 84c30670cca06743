/* SPDX-License-Identifier: Apache-2.0 */
/* record/logfile.c -- one frame, one write, one sync; space is found before the first byte. */
#include "record/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/dir.h"

enum { LOG_MODE = 0640 };

int record_log_open(int dirfd, struct record_log *out, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = record_dir_file(dirfd, "log", O_RDWR | O_APPEND | O_CREAT, LOG_MODE, err);
    if (fd < 0)
        return -(int)err->code;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat log");
    if (st.st_size > RECORD_LOG_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "log: %lld bytes, at most %d", (long long)st.st_size,
                        RECORD_LOG_MAX);
    *out = (struct record_log){.fd = cmc_take_fd(&fd), .size = (uint64_t)st.st_size};
    return 0;
}

void record_log_close(struct record_log *log)
{
    cmc_closep(&log->fd);
}

int record_log_read(const struct record_log *log, struct cmc_buf *out, struct cmc_err *err)
{
    struct cmc_buf b = cmc_buf_of(0);
    if (record_dir_read(log->fd, RECORD_LOG_MAX, "log", &b, err) < 0)
        return -(int)err->code;
    if (b.len != log->size) {
        cmc_buf_done(&b);
        return cmc_fail(err, CMC_E_VERIFY, "log: another size than a moment ago: who writes it?");
    }
    *out = b;
    return 0;
}

int record_log_room(const struct record_log *log, size_t need, enum record_log_use use,
                    struct cmc_err *err)
{
    const uint64_t want = need + (use == RECORD_LOG_KEEP ? RECORD_LOG_RESERVE : 0);
    if (log->size + want > RECORD_LOG_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "log: full, %d bytes: reboot to begin a new one",
                        RECORD_LOG_MAX);
    if (fallocate(log->fd, FALLOC_FL_KEEP_SIZE, (off_t)log->size, (off_t)want) == 0 ||
        errno == EOPNOTSUPP || errno == ENOSYS)
        return 0;
    if (errno == ENOSPC || errno == EDQUOT)
        return cmc_fail(err, CMC_E_LIMIT, "log: no space for %zu bytes, free some", need);
    return cmc_fail(err, CMC_E_SYS, "log: allocate %zu bytes", need);
}

int record_log_append(struct record_log *log, const void *data, size_t len, struct cmc_err *err)
{
    ssize_t n = write(log->fd, data, len); /* O_APPEND: no torn tail of others is overwritten */
    if (n > 0)
        log->size += (uint64_t)n;
    if (n >= 0 && (size_t)n < len)
        errno = ENOSPC; /* the usual reason; the next write would say which */
    if (n < 0 || (size_t)n < len)
        return cmc_fail(err, CMC_E_SYS, "append %zu bytes to log", len);
    if (fdatasync(log->fd) < 0) /* never retried: the kernel may have dropped the dirty pages */
        return cmc_fail(err, CMC_E_SYS, "sync log");
    return 0;
}
