/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_key.c -- reads the redaction key. */
#include "tools/cmc_measure_key.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cmc_measure_key_read(int fd, const char *name, uint8_t key[static CMC_MEASURE_KEY_LEN],
                         struct cmc_err *err)
{
    struct stat st;
    uint8_t got[CMC_MEASURE_KEY_LEN + 1];
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %.300s", name);
    if ((st.st_mode & 077) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "%.300s: mode %04o, need 0600: others read the key",
                        name, st.st_mode & 07777U);
    const ssize_t n = read(fd, got, sizeof(got)); /* a regular file: all or the end of it */
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read %.300s", name);
    if (n == CMC_MEASURE_KEY_LEN)
        memcpy(key, got, CMC_MEASURE_KEY_LEN);
    explicit_bzero(got, sizeof(got));
    if (n != CMC_MEASURE_KEY_LEN)
        return cmc_fail(err, CMC_E_FORMAT, "%.300s: %lld bytes, need %d", name,
                        (long long)st.st_size, CMC_MEASURE_KEY_LEN);
    return 0;
}
