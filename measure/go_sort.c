/* SPDX-License-Identifier: Apache-2.0 */
/* measure/go_sort.c -- a pattern-defeating quicksort, step for step the one of
 * docs/formats/cmc-config.md, section 6.1: the order of equal keys is part of the digest. */
#include "measure/go_sort.h"

#include <stdint.h>

enum { INSERTION_MAX = 12, MEDIANS_MIN = 50, PIVOT_SWAPS_MAX = 12, NEARLY_STEPS = 5 };

enum hint { UNKNOWN, ASCENDING, DESCENDING };

struct sorter {
    void **items;
    measure_go_less_fn *less;
};

static bool less(const struct sorter *s, size_t i, size_t j)
{
    return s->less(s->items[i], s->items[j]);
}

static void swap(struct sorter *s, size_t i, size_t j)
{
    void *item = s->items[i];
    s->items[i] = s->items[j];
    s->items[j] = item;
}

static unsigned bits(uint64_t x)
{
    unsigned n = 0;
    for (; x; x >>= 1)
        n++;
    return n;
}

static void insertion(struct sorter *s, size_t a, size_t b)
{
    for (size_t i = a + 1; i < b; i++)
        for (size_t j = i; j > a && less(s, j, j - 1); j--)
            swap(s, j, j - 1);
}

static void sift(struct sorter *s, size_t root, size_t n, size_t first)
{
    for (;;) {
        size_t c = 2 * root + 1;
        if (c >= n)
            return;
        if (c + 1 < n && less(s, first + c, first + c + 1))
            c++;
        if (!less(s, first + root, first + c))
            return;
        swap(s, first + root, first + c);
        root = c;
    }
}

static void heap(struct sorter *s, size_t a, size_t b)
{
    size_t n = b - a;
    for (size_t i = (n - 1) / 2 + 1; i-- > 0;)
        sift(s, i, n, a);
    for (size_t i = n; i-- > 0;) {
        swap(s, a, a + i);
        sift(s, 0, i, a);
    }
}

static void exchange(size_t *x, size_t *y, size_t *count)
{
    size_t old = *x;
    *x = *y;
    *y = old;
    ++*count;
}

static size_t median(const struct sorter *s, const size_t at[static 3], size_t *count)
{
    size_t x = at[0], y = at[1], z = at[2];
    if (less(s, y, x))
        exchange(&x, &y, count);
    if (less(s, z, y))
        exchange(&y, &z, count);
    if (less(s, y, x))
        exchange(&x, &y, count);
    return y;
}

/* Where the pivot of [a, b) is; b - a > INSERTION_MAX. */
static size_t pivot(const struct sorter *s, size_t a, size_t b, enum hint *hint)
{
    size_t quarter = (b - a) / 4, count = 0;
    size_t at[] = {a + quarter, a + quarter * 2, a + quarter * 3};

    for (size_t i = 0; i < 3 && b - a >= MEDIANS_MIN; i++)
        at[i] = median(s, (const size_t[]){at[i] - 1, at[i], at[i] + 1}, &count);
    size_t p = median(s, at, &count);
    *hint = count == 0 ? ASCENDING : count == PIVOT_SWAPS_MAX ? DESCENDING : UNKNOWN;
    return p;
}

/* Two neighbours are in the wrong order: takes the smaller one down, the larger one up. Nothing in
 * front of the range is larger, so the way down ends in it. */
static void settle(struct sorter *s, size_t a, size_t b, size_t i)
{
    swap(s, i, i - 1);
    if (i - a >= 2)
        for (size_t j = i - 1; j >= 1 && less(s, j, j - 1); j--)
            swap(s, j, j - 1);
    if (b - i >= 2)
        for (size_t j = i + 1; j < b && less(s, j, j - 1); j++)
            swap(s, j, j - 1);
}

/* Whether a few steps have sorted [a, b). */
static bool nearly(struct sorter *s, size_t a, size_t b)
{
    size_t i = a + 1;
    for (int step = 0; step < NEARLY_STEPS; step++) {
        while (i < b && !less(s, i, i - 1))
            i++;
        if (i == b)
            return true;
        if (b - a < MEDIANS_MIN)
            return false;
        settle(s, a, b, i);
    }
    return false;
}

/* Moves what is smaller than p in front of it, the rest behind; returns where p then is. */
static size_t split(struct sorter *s, size_t a, size_t b, size_t p, bool *partitioned)
{
    size_t i = a + 1, j = b - 1;
    *partitioned = true;
    swap(s, a, p);
    for (;;) {
        while (i <= j && less(s, i, a))
            i++;
        while (i <= j && !less(s, j, a))
            j--;
        if (i > j)
            break;
        *partitioned = false;
        swap(s, i++, j--);
    }
    swap(s, j, a);
    return j;
}

/* Moves what equals p to the front; returns where the larger ones begin. */
static size_t split_equal(struct sorter *s, size_t a, size_t b, size_t p)
{
    size_t i = a + 1, j = b - 1;
    swap(s, a, p);
    for (;;) {
        while (i <= j && !less(s, a, i))
            i++;
        while (i <= j && less(s, a, j))
            j--;
        if (i > j)
            return i;
        swap(s, i++, j--);
    }
}

/* Breaks patterns that make bad pivots; b - a > INSERTION_MAX. */
static void scatter(struct sorter *s, size_t a, size_t b)
{
    size_t n = b - a, middle = a + n / 4 * 2;
    uint64_t r = n, mask = ((uint64_t)1 << bits(n)) - 1;
    for (size_t k = middle - 1; k <= middle + 1; k++) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        size_t o = (size_t)(r & mask);
        swap(s, k, a + (o >= n ? o - n : o));
    }
}

static void reverse(struct sorter *s, size_t a, size_t b)
{
    for (; b - a > 1; a++, b--)
        swap(s, a, b - 1);
}

static size_t choose(struct sorter *s, size_t a, size_t b, bool *ascending)
{
    enum hint hint;
    size_t p = pivot(s, a, b, &hint);
    *ascending = hint != UNKNOWN;
    if (hint != DESCENDING)
        return p;
    reverse(s, a, b);
    return (b - 1) - (p - a);
}

static void pattern(struct sorter *s, size_t a, size_t b, unsigned limit);

/* One round on [*a, *b), which is too long for insertion. Returns true when it is sorted. */
static bool narrow(struct sorter *s, size_t *a, size_t *b, unsigned limit, bool *good)
{
    bool ascending;
    size_t n = *b - *a, p = choose(s, *a, *b, &ascending);

    if (good[0] && good[1] && ascending && nearly(s, *a, *b))
        return true;
    if (*a > 0 && !less(s, *a - 1, p)) {
        *a = split_equal(s, *a, *b, p);
        return false;
    }
    size_t m = split(s, *a, *b, p, &good[1]);
    if (m - *a < *b - m) {
        good[0] = m - *a >= n / 8;
        pattern(s, *a, m, limit);
        *a = m + 1;
    } else {
        good[0] = *b - m >= n / 8;
        pattern(s, m + 1, *b, limit);
        *b = m;
    }
    return false;
}

/* Recurses into the shorter part alone: as deep as n has bits. */
static void pattern(struct sorter *s, size_t a, size_t b, unsigned limit)
{
    bool good[] = {true, true}; /* balanced, partitioned */
    for (;;) {
        if (b - a <= INSERTION_MAX) {
            insertion(s, a, b);
            return;
        }
        if (limit == 0) {
            heap(s, a, b);
            return;
        }
        if (!good[0]) {
            scatter(s, a, b);
            limit--;
        }
        if (narrow(s, &a, &b, limit, good))
            return;
    }
}

void measure_go_sort(void **items, size_t n, measure_go_less_fn *less_fn)
{
    struct sorter s = {.items = items, .less = less_fn};
    pattern(&s, 0, n, bits(n));
}
