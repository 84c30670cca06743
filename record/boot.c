/* SPDX-License-Identifier: Apache-2.0 */
/* record/boot.c -- reads the boot id: 32 hexadecimal digits with hyphens between them. */
#include "record/boot.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"

enum { UUID_TEXT = 36 };

#define PATH "/proc/sys/kernel/random/boot_id"

int record_boot_id(uint8_t out[static RECORD_BOOT_ID_LEN], struct cmc_err *err)
{
    char text[UUID_TEXT], digits[2 * RECORD_BOOT_ID_LEN];
    size_t n = 0;
    cmc_autofd int fd = open(PATH, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof(text)) != (ssize_t)sizeof(text))
        return cmc_fail(err, CMC_E_SYS, "read " PATH);
    for (size_t i = 0; i < sizeof(text) && n < sizeof(digits); i++)
        if (text[i] != '-')
            digits[n++] = text[i];
    return cmc_unhex(digits, n, out, RECORD_BOOT_ID_LEN, err);
}
