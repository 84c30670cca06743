/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_ahead_ring.c -- what is asked for next, and never too much of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_ahead_parts.h"
#include "tests/lib/rows.h"

enum { FILES = MEASURE_AHEAD_FILES, AHEAD = MEASURE_AHEAD_WINDOWS - 1 };

/* Each before the next one, as a walk goes. */
static const char *const walked[] = {"",      "a",  "a/a", "a/b", "a/b/c", "a/b!",  "a/b.", "a/c",
                                     "a\x01", "a!", "a.b", "a0",  "ab",    "a\xff", "b"};

static void order_is_the_walks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(walked); i++)
        for (size_t k = 0; k < ROWS(walked); k++) {
            const int order = measure_ahead_order(walked[i], walked[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

static const struct {
    const char *dir, *pos;
    bool past;
} passed[] = {
    {"", "", false},      {"", "z/z", false},  {"a", "a", false},   {"a", "a/b", false},
    {"a", "a.b", true},   {"a", "ab", true},   {"a", "b", true},    {"a/b", "a/b/c", false},
    {"a/b", "a/c", true}, {"a/b", "a", false}, {"b", "a/z", false}, {"a.b", "a/b", false},
};

static void what_is_past(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(passed); i++)
        if (measure_ahead_is_past(passed[i].dir, passed[i].pos) != passed[i].past)
            fail_msg("\"%s\" with the reader at \"%s\"", passed[i].dir, passed[i].pos);
}

static void dirs_come_in_order(void **state)
{
    struct measure_ahead_dirs d = {.heap = NULL};
    struct measure_ahead_dir got;
    (void)state;
    for (size_t i = 0; i < ROWS(walked); i++)
        for (uint32_t root = 2; root-- > 0;)
            assert_true(measure_ahead_dirs_add(&d, root, walked[i * 7 % ROWS(walked)]));
    for (size_t i = 0; i < 2 * ROWS(walked); i++) {
        assert_true(measure_ahead_dirs_take(&d, &got));
        assert_string_equal(got.path, walked[i / 2]);
        assert_int_equal(got.root, i % 2);
        free(got.path);
    }
    assert_false(measure_ahead_dirs_take(&d, &got));
    assert_int_equal(d.text, 0);
    measure_ahead_dirs_done(&d);
}

static void dirs_are_bounded(void **state)
{
    struct measure_ahead_dirs d = {.heap = NULL};
    char path[PATH_MAX + 1];
    size_t n = 0;
    (void)state;
    memset(path, 'p', sizeof(path));
    path[PATH_MAX] = '\0';
    assert_false(measure_ahead_dirs_add(&d, 0, path)); /* no system call takes it */
    path[PATH_MAX - 1] = '\0';
    while (measure_ahead_dirs_add(&d, 0, path))
        n++;
    assert_int_equal(n, MEASURE_AHEAD_DIRS_TEXT / PATH_MAX);
    measure_ahead_dirs_done(&d);
    for (n = 0; measure_ahead_dirs_add(&d, 0, "x"); n++)
        ;
    assert_int_equal(n, MEASURE_AHEAD_DIRS);
    measure_ahead_dirs_done(&d);
}

static int new_ring(void **state)
{
    struct measure_ahead_ring *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    measure_ahead_ring_init(r);
    *state = r;
    return 0;
}

static int free_ring(void **state)
{
    measure_ahead_ring_done(*state);
    free(*state);
    return 0;
}

static void add(struct measure_ahead_ring *r, const char *dir, unsigned i, uint64_t size)
{
    char name[16];
    const struct measure_ahead_file f = {.ino = i * 7919 % 100003, .size = size, .root = i % 2};
    (void)snprintf(name, sizeof(name), "%06u", i);
    assert_true(measure_ahead_ring_has_room(r));
    measure_ahead_ring_add(r, dir, name, &f);
}

/* Adds files until there is no room. Returns how many. */
static unsigned fill(struct measure_ahead_ring *r, unsigned from, uint64_t size)
{
    unsigned i = from;
    while (measure_ahead_ring_has_room(r))
        add(r, "d", i++, size);
    return i - from;
}

/* Takes all there is; all are in the order of inodes within a window. Returns how many. */
static unsigned take_all(struct measure_ahead_ring *r, bool last)
{
    struct measure_ahead_taken t;
    const struct measure_ahead_window *of = NULL;
    const struct measure_ahead_file *before = NULL;
    unsigned n = 0;
    while (measure_ahead_ring_take(r, last, &t)) {
        assert_in_range(t.n, 1, MEASURE_AHEAD_HANDFUL);
        for (size_t i = 0; i < t.n; i++, n++) {
            if (of == t.window)
                assert_true(before->root < t.file[i]->root || before->ino < t.file[i]->ino);
            of = t.window;
            before = t.file[i];
        }
        t.window->users--;
    }
    return n;
}

static bool move(struct measure_ahead_ring *r, const char *dir, unsigned i)
{
    char pos[32];
    return measure_ahead_ring_move(r, pos, (size_t)snprintf(pos, sizeof(pos), "%s/%06u", dir, i));
}

static void ahead_is_bounded(void **state)
{
    struct measure_ahead_ring *r = *state;
    assert_int_equal(fill(r, 0, 1), AHEAD * FILES);
    assert_int_equal(take_all(r, true), AHEAD * FILES);
    assert_false(measure_ahead_ring_move(r, "c", 1));
    assert_int_equal(fill(r, 0, 1), 0);
    for (unsigned k = 0; k < 3 * AHEAD; k++) { /* a window entered is room for one */
        assert_true(move(r, "d", k * FILES));
        assert_false(move(r, "d", (k + 1) * FILES - 1));
        assert_int_equal(fill(r, (AHEAD + k) * FILES, 1), FILES);
        assert_int_equal(take_all(r, false), FILES);
    }
}

static void bytes_are_bounded(void **state)
{
    struct measure_ahead_ring *r = *state;
    assert_int_equal(fill(r, 0, UINT64_MAX), AHEAD); /* of a huge file not all is asked for */
    assert_true(move(r, "d", AHEAD - 1));
    assert_int_equal(fill(r, AHEAD, MEASURE_AHEAD_BYTES / 2 - 1), AHEAD * 3);
}

static void what_is_past_is_not_taken(void **state)
{
    struct measure_ahead_ring *r = *state;
    fill(r, 0, 1);
    assert_true(move(r, "d", FILES + FILES / 2));
    assert_int_equal(take_all(r, false), AHEAD * FILES - FILES - FILES / 2 - 1);
    assert_true(measure_ahead_ring_move(r, "e", 1));
    add(r, "d", 0, 1);
    assert_int_equal(take_all(r, true), 0);
}

/* When the reader may need them soon; else a full window is better. */
static void a_few_are_a_window(void **state)
{
    struct measure_ahead_ring *r = *state;
    unsigned i = 0;
    for (int k = 0; k < 2; k++) {
        for (unsigned n = 1; n < MEASURE_AHEAD_FEW; n++)
            add(r, "d", i++, 1);
        assert_int_equal(take_all(r, false), 0);
        add(r, "d", i++, 1);
        assert_int_equal(take_all(r, false), MEASURE_AHEAD_FEW);
    }
    for (unsigned n = 1; n < FILES; n++)
        add(r, "d", i++, 1);
    assert_int_equal(take_all(r, false), 0);
    add(r, "d", i++, 1);
    assert_int_equal(take_all(r, false), FILES);
    add(r, "d", i++, 1);
    assert_int_equal(take_all(r, false), 0);
    assert_int_equal(take_all(r, true), 1);
}

/* A window keeps its paths while somebody works with them. */
static void a_window_in_use_stays(void **state)
{
    struct measure_ahead_ring *r = *state;
    struct measure_ahead_taken t;
    const unsigned n = fill(r, 0, 1);
    assert_true(measure_ahead_ring_take(r, false, &t));
    const uint32_t place = t.file[0]->path;
    char path[32];
    (void)snprintf(path, sizeof(path), "%s", (const char *)t.window->text.data + place);
    assert_true(measure_ahead_ring_move(r, "e", 1));
    assert_int_equal(fill(r, n, 1), FILES);
    assert_string_equal((const char *)t.window->text.data + place, path);
    t.window->users--;
    assert_true(measure_ahead_ring_has_room(r));
}

static void long_paths_are_left_out(void **state)
{
    struct measure_ahead_ring *r = *state;
    const struct measure_ahead_file f = {.ino = 1, .size = 1};
    char dir[PATH_MAX];
    memset(dir, 'd', sizeof(dir));
    dir[PATH_MAX - 2] = '\0';
    measure_ahead_ring_add(r, dir, "x", &f);
    assert_int_equal(take_all(r, true), 0);
    assert_false(measure_ahead_ring_move(r, dir, PATH_MAX)); /* nor does the reader get there */
    dir[PATH_MAX - 3] = '\0';
    measure_ahead_ring_add(r, dir, "x", &f);
    assert_int_equal(take_all(r, true), 1);
    while (measure_ahead_ring_has_room(r)) /* paths alone fill windows, too */
        measure_ahead_ring_add(r, dir, "x", &f);
    for (size_t i = 0; i < MEASURE_AHEAD_WINDOWS; i++)
        assert_true(r->window[i].text.cap <= MEASURE_AHEAD_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_the_walks),
        cmocka_unit_test(what_is_past),
        cmocka_unit_test(dirs_come_in_order),
        cmocka_unit_test(dirs_are_bounded),
        cmocka_unit_test_setup_teardown(ahead_is_bounded, new_ring, free_ring),
        cmocka_unit_test_setup_teardown(bytes_are_bounded, new_ring, free_ring),
        cmocka_unit_test_setup_teardown(what_is_past_is_not_taken, new_ring, free_ring),
        cmocka_unit_test_setup_teardown(a_few_are_a_window, new_ring, free_ring),
        cmocka_unit_test_setup_teardown(a_window_in_use_stays, new_ring, free_ring),
        cmocka_unit_test_setup_teardown(long_paths_are_left_out, new_ring, free_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
