/* SPDX-License-Identifier: Apache-2.0 */
/* tests/bench/floor.c -- how long it takes to read and hash a tree, and nothing else: on all CPUs
 * the system calls that an exact measurement makes for each directory and file, and SHA-256 of the
 * content as fs-verity has it. No order, no names kept, no entries, no digest of the tree: all that
 * a measurement has besides. Prints files, bytes and seconds. Usage: bench_floor TREE */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "measure/cpus.h"
#include "measure/descriptors.h"
#include "measure/rootfs_batch.h"
#include "measure/rootfs_look.h"
#include "measure/thread.h"

enum { THREADS_MAX = 64, WORK_MAX = 1 << 20, FTW_FDS = 64, STACK = 512 << 10 };

/* What a thread takes at once: a piece of a file larger than a batch, or a directory with all
 * others. Pieces are first, so that all threads end together. */
struct work {
    char *path;
    uint64_t at, size; /* of the file; 0 for a directory */
};
static struct work pieces[WORK_MAX], dirs[WORK_MAX];
static size_t piece_count, dir_count;
static atomic_size_t next_piece, next_dir;

struct reader {
    pthread_t thread;
    struct measure_batch batch;
    uint8_t digest[MEASURE_BATCH_FILES][CMC_SHA256_LEN]; /* nobody asks for them */
    int fd[MEASURE_BATCH_FILES];                         /* to be closed together */
    size_t fds;
    uint64_t files, bytes;
    char names[256];
    alignas(struct dirent64) char dents[65536];
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_floor: %s: %s\n", what, why);
    exit(1);
}

static void require(int r, const char *what, const struct cmc_err *err)
{
    if (r < 0)
        die(what, err->msg);
}

static void keep(struct work *list, size_t *count, const char *path, uint64_t at, uint64_t size)
{
    char *copy = *count < WORK_MAX ? strdup(path) : NULL;
    if (!copy)
        die(path, "there is no room for that much work");
    list[(*count)++] = (struct work){copy, at, size};
}

static int find_work(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)at;
    if (type == FTW_D)
        keep(dirs, &dir_count, path, 0, 0);
    const uint64_t size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
    for (uint64_t k = 0; size > MEASURE_BATCH_BYTES && k < size; k += MEASURE_BATCH_BYTES)
        keep(pieces, &piece_count, path, k, size);
    return type == FTW_DNR || type == FTW_NS;
}

static uint64_t size_of(int fd)
{
    struct cmc_err err = {0};
    struct statx sx;
    require(measure_look(fd, "", &sx, &err), "look", &err);
    return sx.stx_size;
}

static void read_at(int fd, uint8_t *to, size_t len, size_t room, uint64_t at)
{
    if (pread(fd, to, room, (off_t)at) != (ssize_t)len)
        die("a file", "it is not as long as it was, or cannot be read");
}

static void add_piece(struct reader *r, const struct work *piece)
{
    uint8_t digest[CMC_SHA256_LEN];
    const uint64_t rest = piece->size - piece->at;
    const size_t len = rest < MEASURE_BATCH_BYTES ? (size_t)rest : MEASURE_BATCH_BYTES;
    const int fd = open(piece->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die(piece->path, strerror(errno));
    read_at(fd, measure_batch_room(&r->batch), len, len, piece->at);
    r->bytes += len;
    measure_batch_subtree(&r->batch, len, digest);
    (void)close(fd);
}

static void add_small(struct reader *r, int fd, size_t size)
{
    if (size) /* one byte more: has it grown? */
        read_at(fd, measure_batch_room(&r->batch), size, size + 1, 0);
    measure_batch_add(&r->batch, size, r->digest[r->batch.files]);
}

static void end_batch(struct reader *r)
{
    measure_batch_end(&r->batch);
    measure_descriptors_close(r->fd, r->fds);
    r->fds = 0;
}

static void add_file(struct reader *r, int dir, const char *name)
{
    struct cmc_err err = {0};
    const int fd =
        measure_look_open(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, MEASURE_LOOK_BENEATH, &err);
    require(fd, name, &err);
    const uint64_t size = size_of(fd), here = size > MEASURE_BATCH_BYTES ? 0 : size;
    if (!measure_batch_has_room(&r->batch, here) || r->fds == MEASURE_BATCH_FILES)
        end_batch(r);
    r->fd[r->fds++] = fd;
    add_small(r, fd, (size_t)here);
    (void)flistxattr(fd, r->names, sizeof(r->names));
    (void)size_of(fd);
    r->files++;
    r->bytes += here;
}

static void add_dir(struct reader *r, const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        die(path, strerror(errno));
    (void)size_of(fd);
    for (ssize_t n; (n = getdents64(fd, r->dents, sizeof(r->dents))) != 0;) {
        if (n < 0)
            die(path, strerror(errno));
        const struct dirent64 *d;
        for (ssize_t i = 0; i < n; i += d->d_reclen) {
            d = (const void *)(r->dents + i);
            if (d->d_type == DT_REG)
                add_file(r, fd, d->d_name);
        }
    }
    (void)flistxattr(fd, r->names, sizeof(r->names));
    (void)size_of(fd);
    (void)close(fd);
}

static void *read_some(void *arg)
{
    struct reader *r = arg;
    for (size_t i; (i = atomic_fetch_add(&next_piece, 1)) < piece_count;)
        add_piece(r, &pieces[i]);
    for (size_t i; (i = atomic_fetch_add(&next_dir, 1)) < dir_count;)
        add_dir(r, dirs[i].path);
    end_batch(r);
    return NULL;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_all(struct reader *each, unsigned threads)
{
    for (unsigned i = 1; i < threads; i++)
        if (!measure_thread_start(&each[i].thread, STACK, read_some, &each[i]))
            die("start a thread", strerror(errno));
    (void)read_some(&each[0]);
    for (unsigned i = 1; i < threads; i++)
        (void)pthread_join(each[i].thread, NULL);
}

int main(int argc, char **argv)
{
    uint64_t files = 0, bytes = 0;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_floor TREE\n");
        return 2;
    }
    if (nftw(argv[1], find_work, FTW_FDS, FTW_PHYS | FTW_MOUNT) != 0)
        die(argv[1], "not all of it can be listed");
    const unsigned cpus = measure_cpus(), threads = cpus < THREADS_MAX ? cpus : THREADS_MAX;
    struct reader *each = calloc(threads, sizeof(*each));
    if (!each)
        die("readers", "out of memory");
    measure_descriptors_reserve();
    const double begin = seconds();
    read_all(each, threads);
    const double took = seconds() - begin;
    for (unsigned i = 0; i < threads; i++) {
        files += each[i].files;
        bytes += each[i].bytes;
    }
    (void)printf("%llu %llu %.6f\n", (unsigned long long)files, (unsigned long long)bytes, took);
    return fflush(stdout) ? 1 : 0;
}
