/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_flight.h -- a tree on a disk that is measured through the
 * cache, and how often it was read. */
#ifndef TEST_CMC_MEASURE_FLIGHT_H
#define TEST_CMC_MEASURE_FLIGHT_H
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmc_measure_flight.h"

enum { STEP_MS = 20, REST_MS = 130 };

static struct {
    char dir[40], layer[64], runtime[64];
    int layer_fd;
    struct measure_rootfs_opts opts;
    struct cmc_measure_flight flight;
    bool fails, mounted, lost; /* the walk; it is no layer's; its listing is not stored any more */
    int walk_ms;
    int *walks; /* shared between processes: begun, done */
} w;

/* Takes its time before it reads. */
static inline int walk(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                       struct cmc_measure_walked *out, struct cmc_err *err)
{
    struct measure_rootfs got;
    struct measure_rootfs_opts opts = w.opts;
    assert_true(ctx == &w);
    __atomic_add_fetch(&w.walks[0], 1, __ATOMIC_SEQ_CST);
    opts.lease = true;
    opts.stamp = &out->stamp;
    if (measure_rootfs(w.layer_fd, &opts, &got, err) < 0)
        return -(int)err->code;
    for (int ms = 0; ms < w.walk_ms; ms += STEP_MS) {
        if (progress(progress_ctx, (uint64_t)ms, 0) < 0)
            return cmc_fail(err, CMC_E_SYS, "cancelled");
        (void)poll(NULL, 0, STEP_MS);
    }
    if (w.fails)
        return cmc_fail(err, CMC_E_VERIFY, "cannot be measured");
    memcpy(out->tree.rootfs, got.digest, CMC_SHA256_LEN);
    out->leased = got.leased && !w.mounted;
    out->tree.has_listing = w.flight.keep_listing;
    memset(out->tree.listing, out->tree.has_listing ? 7 : 0, sizeof(out->tree.listing));
    __atomic_add_fetch(&w.walks[1], 1, __ATOMIC_SEQ_CST);
    return 0;
}

static inline int look(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                       struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    (void)progress;
    (void)progress_ctx;
    assert_true(ctx == &w);
    return measure_rootfs_stamp(w.layer_fd, &w.opts, out, err);
}

static inline bool has_listing(void *ctx, const uint8_t digest[static CMC_SHA256_LEN])
{
    assert_true(ctx == &w && digest[0] == 7);
    return !w.lost;
}

static inline int put(const char *name, const char *text)
{
    cmc_autofd int fd = openat(w.layer_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static inline void rest(void)
{
    (void)poll(NULL, 0, REST_MS); /* until all times are old enough */
}

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(w.dir, sizeof(w.dir), "/var/tmp/cmc-flight-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.runtime, sizeof(w.runtime), "%s/run", w.dir);
    (void)snprintf(w.layer, sizeof(w.layer), "%s/layer", w.dir);
    w.walks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(w.walks, MAP_FAILED);
    w.flight = (struct cmc_measure_flight){
        .runtime_dir = w.runtime,
        .form = "exact 1",
        .task = "t",
        .log = open("/dev/null", O_WRONLY | O_CLOEXEC),
        .opts = &w.opts,
        .kind = CMC_MEASURE_BIND,
        .options = "",
        .layers = &w.layer_fd,
        .layer_count = 1,
        .walk = walk,
        .look = look,
        .has_listing = has_listing,
        .ctx = &w,
    };
    assert_ptr_not_equal(signal(SIGIO, SIG_IGN), SIG_ERR);
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void remove_all(const char *path)
{
    if (access(path, F_OK) == 0)
        assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int teardown(void **state)
{
    (void)state;
    (void)close(w.flight.log);
    remove_all(w.dir);
    return 0;
}

/* Each case begins with nothing kept, and a tree at rest. */
static inline int begin(void **state)
{
    (void)state;
    remove_all(w.runtime);
    remove_all(w.layer);
    assert_int_equal(mkdir(w.layer, 0755) | mkdir(w.runtime, 0700), 0);
    w.layer_fd = open(w.layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(w.layer_fd >= 0);
    assert_int_equal(put("file", "hello") | put("other", "world"), 0);
    assert_int_equal(mkdirat(w.layer_fd, "dir", 0755), 0);
    assert_int_equal(put("dir/inner", "x") | symlinkat("file", w.layer_fd, "sym"), 0);
    rest();
    w.walks[0] = w.walks[1] = w.walk_ms = 0;
    w.fails = w.mounted = w.lost = w.flight.keep_listing = false;
    w.flight.runtime_dir = w.runtime;
    return 0;
}

static inline int finish(void **state)
{
    (void)state;
    cmc_closep(&w.layer_fd);
    return 0;
}

static inline int run(struct cmc_measure_tree *out, enum cmc_measure_source *source)
{
    struct cmc_err err;
    return cmc_measure_flight_run(&w.flight, out, source, &err);
}

static inline void fresh(uint8_t digest[static CMC_SHA256_LEN])
{
    struct measure_rootfs got;
    struct cmc_err err;
    assert_int_equal(measure_rootfs(w.layer_fd, &w.opts, &got, &err), 0);
    memcpy(digest, got.digest, CMC_SHA256_LEN);
}

/* The digest is the one of the tree as it is, wherever it came from. */
static inline enum cmc_measure_source says_the_truth(void)
{
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    uint8_t want[CMC_SHA256_LEN];
    memset(&tree, 0x5a, sizeof(tree));
    assert_int_equal(run(&tree, &source), 0);
    fresh(want);
    assert_memory_equal(tree.rootfs, want, sizeof(want));
    assert_int_equal(tree.has_listing, w.flight.keep_listing);
    return source;
}

static inline void from(enum cmc_measure_source want)
{
    assert_int_equal(says_the_truth(), want);
}

static inline void on_a_disk(void)
{
    struct cmc_measure_tree tree;
    enum cmc_measure_source source;
    assert_int_equal(run(&tree, &source), 0);
    if (run(&tree, &source) == 0 && source == CMC_MEASURE_OWN)
        skip();
    remove_all(w.runtime);
    assert_int_equal(mkdir(w.runtime, 0700), 0);
    w.walks[0] = w.walks[1] = 0;
}
#endif
