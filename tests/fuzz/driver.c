/* SPDX-License-Identifier: Apache-2.0 */
/* Replays every file of a corpus folder through the fuzz target. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    static uint8_t buf[1 << 20];
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir)
        return EXIT_FAILURE;
    unsigned n = 0;
    for (struct dirent *e; (e = readdir(dir)); n++) {
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
        if (len >= 0)
            (void)LLVMFuzzerTestOneInput(buf, (size_t)len);
        if (fd >= 0)
            close(fd);
    }
    printf("%u inputs replayed\n", n);
    return closedir(dir) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
