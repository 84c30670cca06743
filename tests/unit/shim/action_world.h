/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/action_world.h -- runs an action of the shim in a child, in a bundle of its own.
 * Include after cmocka.h. fake_inner comes as an argument of main(). */
#ifndef TESTS_SHIM_ACTION_WORLD_H
#define TESTS_SHIM_ACTION_WORLD_H
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/actions.h"
#include "tests/unit/shim/vectors.h"

static const char *fake_inner; /* set by main() */
static char dir[64], socket_dir[80], script[80];

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/cmc-s-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(socket_dir, sizeof(socket_dir), "%s/s", dir);
    (void)snprintf(script, sizeof(script), "%s/inner", dir);
    FILE *f = fopen(script, "w");
    return !f || fputs("#!/bin/sh\necho \"$*\"\ncat\npwd\n", f) < 0 || fclose(f) ||
           chmod(script, 0755);
}

static inline int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"inner", "address", "cmc-shim.pid", "out", "in", "runtime"};
    char path[128];
    for (size_t i = 0; i < ROWS(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(socket_dir);
    return rmdir(dir);
}

typedef int action(const struct shim_args *, const struct cmc_site *, struct cmc_err *);

/* Runs act in a child, in dir, with in on stdin; its stdout is in out. Returns its exit status: 0,
 * -code, or what the program that it became says. */
static inline int run(action *act, const char *inner, const struct cmc_buf *in, struct cmc_buf *out)
{
    int status = 0;
    char buf[4096];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {(char[]){"shim"}, (char[]){"-id"}, (char[]){"c1"}, (char[]){"act"}, NULL};
        const struct shim_args a = {.ns = "default",
                                    .id = "c1",
                                    .address = "/c.sock",
                                    .publish_binary = "",
                                    .bundle = "",
                                    .config = "/none",
                                    .argv = argv};
        struct cmc_site site = {.inner_shim = strdup(inner),
                                .helper = strdup("/bin/true"), /* of root; judged, not run */
                                .runtime_dir = strdup("/nowhere/cmc")};
        struct cmc_err err = {.code = CMC_OK};
        if (chdir(dir) < 0)
            _exit(40);
        int fd = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (write(fd, in->data, in->len) != (ssize_t)in->len || lseek(fd, 0, SEEK_SET) < 0)
            _exit(41);
        (void)dup2(fd, 0);
        (void)dup2(open("out", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), 1);
        int rc = act(&a, &site, &err);
        if (rc < 0)
            (void)dprintf(1, "%s", err.msg);
        _exit(-rc);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)snprintf(buf, sizeof(buf), "%s/out", dir);
    int fd = open(buf, O_RDONLY);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    assert_true(n >= 0);
    assert_int_equal(close(fd), 0);
    out->len = 0;
    cmc_put(out, buf, (size_t)n);
    cmc_put_u8(out, 0); /* as a text, too */
    out->len--;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
