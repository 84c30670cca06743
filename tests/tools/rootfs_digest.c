/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/rootfs_digest.c -- prints the exact digest of directories, for the oracle tests.
 * rootfs_digest [-c|-l|-t] [-r] [-s] [-j THREADS] [-m INSIDE:OUTSIDE:COUNT] DIR...
 *                                        a digest each; -c: of profile cmc; -l: the listing
 *                                        instead; -t: the stamp instead; -r: rootless; -s:
 *                                        statistics; -j: threads, 0 for as it likes; -m: a range of
 * ids, of users and groups alike rootfs_digest -L FILE                  the digest of a listing
 * rootfs_digest -d FIRST SECOND          how two listings differ */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/hex.h"
#include "measure/listing.h"
#include "measure/rootfs.h"
#include "measure/rootfs_cmc.h"
#include "measure/rootfs_stamp.h"

static int fail(const char *what, const struct cmc_err *err)
{
    (void)fprintf(stderr, "rootfs_digest: %s: %s\n", what, err->msg);
    return -(int)err->code;
}

static void print_digest(const uint8_t digest[static CMC_SHA256_LEN])
{
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_hex(digest, CMC_SHA256_LEN, hex);
    (void)printf("%s\n", hex);
}

static void print_stats(const struct measure_rootfs *m, const struct timespec *from)
{
    struct timespec to = {0};
    struct rusage use;
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    (void)getrusage(RUSAGE_SELF, &use);
    const double s =
        (double)(to.tv_sec - from->tv_sec) + (double)(to.tv_nsec - from->tv_nsec) / 1e9;
    (void)fprintf(stderr,
                  "%llu entries, %llu files, %llu bytes, %.3f s, %.0f MB/s, %ld KiB at most\n",
                  (unsigned long long)m->entries, (unsigned long long)m->files,
                  (unsigned long long)m->bytes, s, (double)m->bytes / 1e6 / s, use.ru_maxrss);
}

struct options {
    bool cmc, list, rootless, stamp, stats;
    unsigned threads;
    struct measure_idmap map;
};

static int stamp(int fd, const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                 struct cmc_err *err)
{
    struct measure_rootfs_stamp got;
    if (measure_rootfs_stamp(fd, opts, &got, err) < 0)
        return -(int)err->code;
    *out = (struct measure_rootfs){.entries = got.entries};
    memcpy(out->digest, got.digest, sizeof(out->digest));
    return 0;
}

static int measure(const char *dir, const struct options *o)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf listing = cmc_buf_of(MEASURE_LISTING_MAX);
    const size_t maps = o->map.count ? 1 : 0;
    const struct measure_rootfs_opts opts = {.uids = &o->map,
                                             .gids = &o->map,
                                             .uid_maps = maps,
                                             .gid_maps = maps,
                                             .rootless = o->rootless,
                                             .threads = o->threads,
                                             .listing = o->list ? &listing : NULL};
    struct measure_rootfs got = {0};
    struct cmc_err err = {0};
    struct timespec from = {0};
    cmc_autofd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)cmc_fail(&err, CMC_E_SYS, "open");
        return fail(dir, &err);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    if ((o->cmc     ? measure_rootfs_cmc
         : o->stamp ? stamp
                    : measure_rootfs)(fd, &opts, &got, &err) < 0)
        return fail(dir, &err);
    if (o->stats)
        print_stats(&got, &from);
    if (o->list)
        (void)fwrite(listing.data, 1, listing.len, stdout);
    else
        print_digest(got.digest);
    return 0;
}

static int read_file(const char *path, struct cmc_buf *out)
{
    struct cmc_err err = {0};
    char buf[8192];
    ssize_t n = 0;
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
        cmc_put(out, buf, (size_t)n);
    if (fd < 0 || n < 0) {
        (void)cmc_fail(&err, CMC_E_SYS, "read");
        return fail(path, &err);
    }
    return cmc_buf_check(out, path, &err) < 0 ? fail(path, &err) : 0;
}

static int listing_digest(const char *path)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf text = cmc_buf_of(MEASURE_LISTING_MAX);
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    if (read_file(path, &text) < 0)
        return -1;
    if (measure_listing_digest(text.data, text.len, digest, &err) < 0)
        return fail(path, &err);
    print_digest(digest);
    return 0;
}

static int print_change(void *ctx, struct measure_bytes path, unsigned changes)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf line = cmc_buf_of(1 << 20);
    (void)ctx;
    cmc_put_safe(&line, path.p, path.len, 4096);
    cmc_put_u8(&line, ':');
    for (unsigned bit = 1; bit <= changes; bit <<= 1)
        if (changes & bit)
            cmc_put_fmt(&line, " %s", measure_change_name((enum measure_change)bit));
    (void)printf("%.*s\n", (int)line.len, (const char *)line.data);
    return 0;
}

static int diff(const char *first, const char *second)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf a = cmc_buf_of(MEASURE_LISTING_MAX);
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf b = cmc_buf_of(MEASURE_LISTING_MAX);
    struct cmc_err err = {0};
    if (read_file(first, &a) < 0 || read_file(second, &b) < 0)
        return -1;
    const int r =
        measure_listing_diff((struct measure_bytes){a.data, a.len},
                             (struct measure_bytes){b.data, b.len}, print_change, NULL, &err);
    return r < 0 ? fail("compare", &err) : 0;
}

static int read_map(const char *text, struct measure_idmap *map)
{
    uint32_t v[3] = {0};
    char *end = NULL;
    for (size_t i = 0; i < 3; i++, text = end + 1) {
        v[i] = (uint32_t)strtoul(text, &end, 10);
        if (end == text || *end != (i < 2 ? ':' : 0))
            return -1;
    }
    *map = (struct measure_idmap){.inside = v[0], .outside = v[1], .count = v[2]};
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int r = 0, opt;
    if (argc == 3 && strcmp(argv[1], "-L") == 0)
        return listing_digest(argv[2]) < 0;
    if (argc == 4 && strcmp(argv[1], "-d") == 0)
        return diff(argv[2], argv[3]) < 0;
    while ((opt = getopt(argc, argv, "cltrsj:m:")) != -1) {
        o.list |= opt == 'l';
        o.cmc |= opt == 'c';
        o.rootless |= opt == 'r';
        o.stamp |= opt == 't';
        o.stats |= opt == 's';
        if (opt == 'j')
            o.threads = (unsigned)strtoul(optarg, NULL, 10);
        if (opt == '?' || (opt == 'm' && read_map(optarg, &o.map) < 0))
            return 2;
    }
    for (; optind < argc && r == 0; optind++)
        r = measure(argv[optind], &o);
    return r < 0;
}
