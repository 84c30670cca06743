/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_walk.c -- directories that do not say what is in them, or that are
 * not right any more: what is opened for reading is a regular file. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static int says = -1; /* the type that directories give to all that is in them; -1: the right one */

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
ssize_t __real_getdents64(int fd, void *buf, size_t cap);
ssize_t __wrap_getdents64(int fd, void *buf, size_t cap);

ssize_t __wrap_getdents64(int fd, void *buf, size_t cap)
{
    const ssize_t got = __real_getdents64(fd, buf, cap);
    for (ssize_t at = 0; says >= 0 && at < got;) {
        struct dirent64 *d = (void *)((char *)buf + at);
        d->d_type = (unsigned char)says;
        at += d->d_reclen;
    }
    return got;
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static void a_directory_that_does_not_say(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    fill(&t);
    measure(&t);
    const struct measure_rootfs said = t.got;
    says = DT_UNKNOWN;
    measure(&t);
    says = -1;
    assert_same(&t.got, &said);
    end(&t);
}

static int make_fifo(int dir)
{
    return mkfifoat(dir, "thing", 0644);
}
static int make_link(int dir)
{
    return symlinkat("/etc/passwd", dir, "thing");
}
static int make_dir(int dir)
{
    return mkdirat(dir, "thing", 0755);
}
static int make_device(int dir)
{
    return mknodat(dir, "thing", S_IFCHR | 0644, makedev(1, 3));
}
static int make_device_of_nobody(int dir)
{
    return mknodat(dir, "thing", S_IFCHR | 0644, makedev(0, 77));
}
static int make_socket(int dir)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/thing", dir);
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (const struct sockaddr *)&a, sizeof(a));
}

/* Listed as a regular file, and another thing by the time that it is opened: nobody waits for a
 * FIFO's writer, nothing is left open. */
static void a_listing_that_is_not_right_any_more(void **state)
{
    static int (*const makers[])(int) = {make_fifo,   make_link,   make_dir,
                                         make_device, make_socket, make_device_of_nobody};
    static const char want[] = "/thing: changed: its type is another";
    static const struct measure_rootfs_opts none = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(makers); i++) {
        struct tree t;
        begin(&t);
        if (makers[i](t.fd) < 0) {
            assert_int_equal(errno, EPERM); /* a device, and this is not root */
            end(&t);
            continue;
        }
        const int before = entries_of("/proc/self/fd");
        says = DT_REG;
        const int r = measure_rootfs(t.fd, &none, &t.got, &t.err);
        says = -1;
        assert_int_equal(entries_of("/proc/self/fd"), before);
        if (r != -CMC_E_VERIFY || strncmp(t.err.msg, want, sizeof(want) - 1) != 0)
            fail_msg("maker %zu: %d %s", i, r, t.err.msg);
        end(&t);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_that_does_not_say),
        cmocka_unit_test(a_listing_that_is_not_right_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
