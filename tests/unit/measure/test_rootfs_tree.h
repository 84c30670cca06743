/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_tree.h -- a small tree in /tmp that is measured and removed. */
#ifndef TEST_ROOTFS_TREE_H
#define TEST_ROOTFS_TREE_H
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "measure/listing.h"
#include "measure/rootfs.h"
#include "tests/lib/rows.h"

struct tree {
    char path[64]; /* the folder around it, removed at the end */
    int fd;        /* the tree's root: path/root */
    struct measure_rootfs got;
    struct cmc_buf listing;
    struct cmc_err err;
};

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void begin(struct tree *t)
{
    *t = (struct tree){.path = "/tmp/cmc-test-rootfs-XXXXXX"};
    assert_non_null(mkdtemp(t->path));
    cmc_autofd int top = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(top, "root", 0755), 0);
    t->fd = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(t->fd >= 0);
}

static inline void end(struct tree *t)
{
    cmc_buf_done(&t->listing);
    cmc_closep(&t->fd);
    assert_int_equal(nftw(t->path, remove_one, 64, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int put(int dir, const char *name, const char *data)
{
    cmc_autofd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const ssize_t n = (ssize_t)strlen(data);
    return fd >= 0 && write(fd, data, (size_t)n) == n ? 0 : -1;
}

/* What is in a directory: open descriptors in /proc/self/fd, say. */
static inline int entries_of(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

static inline void fill(struct tree *t)
{
    assert_int_equal(put(t->fd, "file", "hello\n"), 0);
    assert_int_equal(put(t->fd, "linked", "x"), 0);
    assert_int_equal(linkat(t->fd, "linked", t->fd, "twin", 0), 0);
    assert_int_equal(mkdirat(t->fd, "dir", 0755), 0);
    assert_int_equal(put(t->fd, "dir/inner", ""), 0);
    assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
    assert_int_equal(symlinkat("file", t->fd, "sym"), 0);
    assert_int_equal(put(t->fd, "empty", ""), 0);
}

static inline int run(struct tree *t, const struct measure_rootfs_opts *given)
{
    struct measure_rootfs_opts opts = *given;
    cmc_buf_done(&t->listing);
    t->listing = cmc_buf_of(1 << 26);
    opts.listing = &t->listing;
    return measure_rootfs(t->fd, &opts, &t->got, &t->err);
}

/* By member: what is between them is nobody's. */
static inline void assert_same(const struct measure_rootfs *a, const struct measure_rootfs *b)
{
    assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
    assert_int_equal(a->entries, b->entries);
    assert_int_equal(a->files, b->files);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->known_files, b->known_files);
    assert_int_equal(a->known_bytes, b->known_bytes);
    assert_int_equal(a->guessed, b->guessed);
    assert_int_equal(a->leased, b->leased);
}

static inline void measure(struct tree *t)
{
    static const struct measure_rootfs_opts none = {0};
    uint8_t listed[CMC_SHA256_LEN];
    struct measure_rootfs alone;
    const int r = run(t, &none);
    if (r < 0)
        print_error("%s\n", t->err.msg);
    assert_int_equal(r, 0);
    assert_int_equal(measure_listing_digest(t->listing.data, t->listing.len, listed, &t->err), 0);
    assert_memory_equal(listed, t->got.digest, sizeof(listed));
    assert_int_equal(measure_rootfs(t->fd, &none, &alone, &t->err), 0);
    assert_memory_equal(alone.digest, t->got.digest, sizeof(listed));
}
enum { SKIPPED = 77 };

/* Runs job in a child, which may give up root or its mounts: 0 is well. Ends t. */
static inline void in_child(int (*job)(struct tree *t), struct tree *t)
{
    int status = 0;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(job(t));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    end(t);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The same on a filled tree. *state: the job. */
static inline void filled_in_child(void **state)
{
    int (*job)(struct tree *) = *(int (**)(struct tree *)) * state;
    struct tree t;
    begin(&t);
    fill(&t);
    in_child(job, &t);
}
#endif
