/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_nodes.c -- groups, paths and memory of a tree. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "measure/listing.h"
#include "measure/rootfs_nodes.h"
#include "tests/lib/rows.h"

static unsigned threads_asked, threads_given;
static struct late { /* a thread that begins when another may be done */
    void *(*run)(void *);
    void *arg;
} late;
static bool are_late;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static void *run_late(void *arg)
{
    (void)arg;
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    return late.run(late.arg);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    if (threads_asked++ >= threads_given)
        return EAGAIN;
    if (!are_late)
        return __real_pthread_create(t, a, f, arg);
    late = (struct late){f, arg};
    return __real_pthread_create(t, a, run_late, NULL);
}

static struct measure_nodes tree(void)
{
    struct measure_nodes n;
    struct cmc_err err = {0};
    assert_int_equal(measure_nodes_init(&n, &err), 0);
    n.v[0].mode = 0755;
    return n;
}

static uint32_t add(struct measure_nodes *n, uint32_t parent, const char *name, char type)
{
    struct cmc_err err = {0};
    const uint32_t at = (uint32_t)n->text.len, i = (uint32_t)n->count;
    cmc_put(&n->text, name, strlen(name) + 1);
    assert_int_equal(measure_nodes_add(n, parent, at, type, &err), 0);
    struct measure_node *dir = &n->v[parent];
    if (dir->u.in.count++ == 0)
        dir->u.in.first = i;
    n->v[i].mode = 0600;
    return i;
}

static void seen(struct measure_nodes *n, uint32_t i, uint64_t dev, uint64_t ino)
{
    struct cmc_err err = {0};
    n->v[i].dev = dev;
    n->v[i].ino = ino;
    assert_int_equal(measure_nodes_seen(n, i, &err), 0);
}

/* Groups by device and inode, named by what was seen first; proved by listing and digest. */
static void groups_and_listing(void **state)
{
    (void)state;
    static const char want[] = "cmc-rootfs-listing 1\n"
                               "d 0755 0 0 /\n"
                               "d 0600 0 0 /a\n"
                               "p 0600 0 0 /a/x link=/a/x\n"
                               "p 0600 0 0 /a/y\n"
                               "p 0600 0 0 /b link=/a/x\n"
                               "d 0600 0 0 /c\n"
                               "p 0600 0 0 /d\n";
    struct measure_nodes n = tree();
    struct cmc_buf out = cmc_buf_of(4096);
    struct cmc_err err = {0};
    uint8_t by_nodes[CMC_SHA256_LEN], by_listing[CMC_SHA256_LEN];
    const uint32_t a = add(&n, 0, "a", 'd'), b = add(&n, 0, "b", 'p');
    (void)add(&n, 0, "c", 'd');
    const uint32_t d = add(&n, 0, "d", 'p');
    const uint32_t x = add(&n, a, "x", 'p'), y = add(&n, a, "y", 'p');
    seen(&n, x, 1, 100);
    seen(&n, y, 2, 100); /* another device */
    seen(&n, b, 1, 100);
    seen(&n, d, 1, 101);
    assert_int_equal(measure_nodes_list(&n, &out, &err), 0);
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.data, want, out.len);
    assert_int_equal(measure_nodes_digest(&n, 1, by_nodes, &err), 0);
    assert_int_equal(measure_listing_digest(out.data, out.len, by_listing, &err), 0);
    assert_memory_equal(by_nodes, by_listing, sizeof(by_nodes));
    cmc_buf_done(&out);
    out = cmc_buf_of(50);
    assert_int_equal(measure_nodes_list(&n, &out, &err), -CMC_E_LIMIT);
    cmc_buf_done(&out);
    measure_nodes_done(&n);
}

struct growth {
    struct measure_nodes *n;
    uint32_t entries; /* at most */
    uint32_t number;
};

static uint32_t some(struct growth *g, uint32_t below)
{
    g->number = g->number * 1664525 + 1013904223;
    return (g->number >> 16) % below;
}

static void put_names(struct growth *g, uint32_t dir, uint32_t count, uint32_t depth)
{
    g->n->v[dir].u.in.first = (uint32_t)g->n->count;
    for (uint32_t i = 0; i < count && g->n->count <= g->entries; i++) {
        char name[12];
        const bool is_dir = depth == 0 || (depth < 6 && some(g, 5) == 0);
        (void)snprintf(name, sizeof(name), "%06u", (unsigned)g->n->count);
        (void)add(g->n, dir, name, is_dir ? 'd' : 'p');
    }
}

/* As a walk does: all names of a directory, then one after the other what they stand for. Every
 * seventh entry is an earlier one by another name; directories may be empty. */
static void fill(struct growth *g, uint32_t dir, uint32_t count, uint32_t depth)
{
    const uint32_t first = (uint32_t)g->n->count;
    put_names(g, dir, count, depth);
    const uint32_t end = (uint32_t)g->n->count;
    for (uint32_t i = first; i < end; i++)
        if (g->n->v[i].type == 'd')
            fill(g, i, some(g, depth % 3 ? 12 : 200), depth + 1);
        else
            seen(g->n, i, 1, i % 7 ? i : i / 3);
}

/* Some directories are whole in a share of the entries, some reach into later shares. */
static struct measure_nodes large_tree(uint32_t entries)
{
    struct measure_nodes n = tree();
    struct growth g = {&n, entries, entries};
    fill(&g, 0, entries / 50, 0);
    return n;
}

/* The listing has a reader of its own, in one thread: both find the same. */
static void digest_by_threads(void **state)
{
    static const struct {
        uint32_t entries;
        unsigned threads, given, asked;
    } rows[] = {
        {40000, 1, 9, 0}, {40000, 2, 9, 1}, {40000, 3, 9, 2}, {40000, 64, 64, 3},
        {40000, 4, 0, 3}, {40000, 3, 1, 2}, {16000, 4, 9, 0}, {16400, 4, 9, 1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct measure_nodes n = large_tree(rows[i].entries);
        cmc_autobuf struct cmc_buf list = cmc_buf_of(32 << 20);
        struct cmc_err err = {0};
        uint8_t by_nodes[CMC_SHA256_LEN], by_listing[CMC_SHA256_LEN];
        assert_in_range(n.count, rows[i].entries, rows[i].entries + 1);
        assert_true(n.group_count > 1000);
        assert_int_equal(measure_nodes_list(&n, &list, &err), 0);
        assert_int_equal(measure_listing_digest(list.data, list.len, by_listing, &err), 0);
        threads_asked = 0;
        threads_given = rows[i].given;
        assert_int_equal(measure_nodes_digest(&n, rows[i].threads, by_nodes, &err), 0);
        assert_memory_equal(by_nodes, by_listing, sizeof(by_nodes));
        assert_int_equal(threads_asked, rows[i].asked);
        measure_nodes_done(&n);
    }
}

/* A directory whose last entries the other thread digests is not digested before they are. */
static void directory_in_two_shares(void **state)
{
    enum { N = 9000 };
    (void)state;
    are_late = true;
    threads_given = 1;
    for (uint32_t more = 0; more < 4; more++) { /* entries of the first directory beyond the half */
        struct measure_nodes n = tree();
        cmc_autobuf struct cmc_buf list = cmc_buf_of(8 << 20);
        struct cmc_err err = {0};
        uint8_t by_nodes[CMC_SHA256_LEN], by_listing[CMC_SHA256_LEN];
        const uint32_t a = add(&n, 0, "a", 'd'), b = add(&n, 0, "b", 'd');
        for (uint32_t i = 0; i < 2 * N; i++) {
            char name[12];
            (void)snprintf(name, sizeof(name), "%06u", (unsigned)i);
            (void)add(&n, i < N - 2 + more ? a : b, name, 'p');
        }
        assert_int_equal(measure_nodes_list(&n, &list, &err), 0);
        assert_int_equal(measure_listing_digest(list.data, list.len, by_listing, &err), 0);
        threads_asked = 0;
        assert_int_equal(measure_nodes_digest(&n, 2, by_nodes, &err), 0);
        assert_int_equal(threads_asked, 1);
        assert_memory_equal(by_nodes, by_listing, sizeof(by_nodes));
        measure_nodes_done(&n);
    }
    are_late = false;
}

static void no_digest_of_less_than_all(void **state)
{
    (void)state;
    struct measure_nodes n = tree();
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];
    const uint32_t a = add(&n, 0, "a", 'd');
    (void)add(&n, a, "b", 'd');
    n.v[a].u.in.first = a; /* itself */
    assert_int_equal(measure_nodes_digest(&n, 1, digest, &err), -CMC_E_FORMAT);
    measure_nodes_done(&n);
}

struct pieces {
    struct cmc_buf all;
    size_t count, largest, good; /* as many as good are taken */
};

static int take_piece(void *ctx, const void *text, size_t len, struct cmc_err *err)
{
    struct pieces *p = ctx;
    if (p->count == p->good)
        return cmc_fail(err, CMC_E_SYS, "no more");
    p->count++;
    p->largest = len > p->largest ? len : p->largest;
    cmc_put(&p->all, text, len);
    return 0;
}

/* Piece by piece it is what it is whole, and little of it is in memory: but for a line, 64 KiB. */
static void listing_in_pieces(void **state)
{
    enum { N = 10000, PIECE = 64 << 10, LINE = 32 };
    (void)state;
    struct measure_nodes n = tree();
    struct cmc_err err = {0};
    struct pieces p = {.all = cmc_buf_of(1 << 20), .good = SIZE_MAX};
    cmc_autobuf struct cmc_buf whole = cmc_buf_of(1 << 20);
    for (uint32_t i = 0; i < N; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "%05u", (unsigned)i);
        (void)add(&n, 0, name, 'p');
    }
    assert_int_equal(measure_nodes_list(&n, &whole, &err), 0);
    assert_int_equal(measure_nodes_write(&n, take_piece, &p, &err), 0);
    assert_int_equal(p.all.len, whole.len);
    assert_memory_equal(p.all.data, whole.data, whole.len);
    assert_true(whole.len > (size_t)2 * PIECE);
    assert_int_equal(p.count, whole.len / PIECE + 1);
    assert_in_range(p.largest, PIECE, PIECE + LINE);
    p.good = 1; /* and an error is the end of it */
    p.count = p.largest = p.all.len = 0;
    assert_int_equal(measure_nodes_write(&n, take_piece, &p, &err), -CMC_E_SYS);
    assert_string_equal(err.msg, "no more");
    assert_int_equal(p.all.len, p.largest);
    cmc_buf_done(&p.all);
    measure_nodes_done(&n);
}

static void paths(void **state)
{
    (void)state;
    struct measure_nodes n = tree();
    struct cmc_buf out = cmc_buf_of(64);
    const uint32_t a = add(&n, 0, "a", 'd'), b = add(&n, a, "bc", 'd'), c = add(&n, b, "d", 'p');
    cmc_put_text(&out, "x");
    measure_nodes_path(&n, 0, &out);
    measure_nodes_path(&n, c, &out);
    assert_int_equal(out.len, 9);
    assert_memory_equal(out.data, "x//a/bc/d", 9);
    cmc_buf_done(&out);
    out = cmc_buf_of(3);
    measure_nodes_path(&n, c, &out);
    assert_true(out.bad);
    cmc_buf_done(&out);
    measure_nodes_done(&n);
}

/* Another name of a file that was read; anything that is not the same in all ways is no twin. */
static void twins(void **state)
{
    static const struct {
        uint64_t dev, ino, size, changed;
        bool twin;
    } rows[] = {
        {1, 100, 7, 5000, true},  {2, 100, 7, 5000, false}, {1, 101, 7, 5000, false},
        {1, 100, 8, 5000, false}, {1, 100, 7, 5001, false},
    };
    (void)state;
    struct measure_nodes n = tree();
    const uint32_t first = add(&n, 0, "a", 'f'), fifo = add(&n, 0, "b", 'p');
    n.v[first].u.size = 7;
    n.v[first].changed = 5000;
    seen(&n, first, 1, 100);
    seen(&n, fifo, 1, 7);
    assert_int_equal(measure_nodes_twin(&n, first), 0); /* nothing was seen before it */
    for (size_t k = 0; k < ROWS(rows); k++) {
        const uint32_t i = add(&n, 0, "c", 'f');
        n.v[i].u.size = rows[k].size;
        n.v[i].changed = rows[k].changed;
        seen(&n, i, rows[k].dev, rows[k].ino);
        assert_int_equal(measure_nodes_twin(&n, i), rows[k].twin ? first : 0);
        assert_int_equal(measure_nodes_twin(&n, first), 0);
    }
    const uint32_t file = add(&n, 0, "d", 'f'), other = add(&n, 0, "e", 'p');
    seen(&n, file, 1, 7); /* it was a FIFO */
    assert_int_equal(measure_nodes_twin(&n, file), 0);
    n.v[other].u.size = 7;
    n.v[other].changed = 5000;
    seen(&n, other, 1, 100); /* it was a file */
    assert_int_equal(measure_nodes_twin(&n, other), 0);
    measure_nodes_done(&n);
}

/* The table of inodes grows many times and still finds each one. */
static void many_inodes(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct measure_nodes n = tree();
    for (uint32_t i = 0; i < 2 * N; i++)
        (void)add(&n, 0, "f", 'p');
    for (uint32_t i = 0; i < 2 * N; i++)
        seen(&n, 1 + i, i % N % 7, i % N / 7); /* seven devices number their inodes alike */
    assert_int_equal(n.group_count, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(n.v[1 + i].group, n.v[1 + N + i].group);
        assert_int_equal(n.groups[n.v[1 + i].group], 1 + i);
    }
    measure_nodes_done(&n);
}

static void entries_are_limited(void **state)
{
    (void)state;
    struct measure_nodes n = tree();
    struct cmc_err err = {0};
    n.count = n.cap =
        (size_t)MEASURE_ENTRIES_MAX + 1; /* as if: nothing is touched before the check */
    assert_int_equal(measure_nodes_add(&n, 0, 0, 'p', &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "more than 4194304 entries");
    measure_nodes_done(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_and_listing),
        cmocka_unit_test(digest_by_threads),
        cmocka_unit_test(directory_in_two_shares),
        cmocka_unit_test(no_digest_of_less_than_all),
        cmocka_unit_test(listing_in_pieces),
        cmocka_unit_test(paths),
        cmocka_unit_test(many_inodes),
        cmocka_unit_test(twins),
        cmocka_unit_test(entries_are_limited),
    };
    return cmocka_run_group_tests_name("measure/rootfs_nodes", tests, NULL, NULL);
}
