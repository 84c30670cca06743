/* SPDX-License-Identifier: Apache-2.0 */
/* measure/jcs.c -- numbers and the order of names of RFC 8785. */
#include "measure/jcs.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_MAX = 17,  /* always enough for a double */
    POINT_MAX = 21,   /* ECMAScript: the largest n without an exponent */
    POINT_MIN = -6,   /* and the smallest, exclusive */
    NUMBER_CAP = 32,  /* d.ddddddddddddddddde-324 */
    EXACT_DIGITS = 15 /* a normal double gives back any decimal of this length (DBL_DIG) */
};

struct decimal {
    char digits[NUMBER_CAP]; /* without zeros at either end */
    int k, n;                /* the value is 0.digits times 10^n */
};

/* text: d.ddde+xx, as printf writes it. */
static void parse(const char *text, struct decimal *out)
{
    const char *e = strchr(text, 'e');
    out->k = 0;
    for (const char *p = text; p < e; p++)
        if (*p != '.')
            out->digits[out->k++] = *p;
    while (out->k > 1 && out->digits[out->k - 1] == '0')
        out->k--;
    out->n = (int)strtol(e + 1, NULL, 10) + 1;
}

/* The decimal of as many digits that comes behind text's; false for one that would be longer. */
static bool next_up(char *text)
{
    for (char *p = strchr(text, 'e') - 1; p >= text; p--) {
        if (*p == '.')
            continue;
        if (*p < '9') {
            ++*p;
            return true;
        }
        *p = '0';
    }
    return false;
}

/* Whether count digits are enough for v, and which. Below a power of two doubles are closer to
 * one another than above it: where the nearest decimal is too far below v, the next one above may
 * still read back as v. */
static bool written_with(double v, int count, struct decimal *out)
{
    char text[NUMBER_CAP];
    (void)snprintf(text, sizeof(text), "%.*e", count - 1, v);
    if (strtod(text, NULL) != v && !(next_up(text) && strtod(text, NULL) == v))
        return false;
    parse(text, out);
    return true;
}

static void shortest(double v, struct decimal *out)
{
    int count = v < DBL_MIN ? 1 : EXACT_DIGITS;
    while (count < DIGITS_MAX && !written_with(v, count, out))
        count++;
    if (count == DIGITS_MAX)
        (void)written_with(v, count, out);
}

static void put_zeros(struct cmc_buf *b, int n)
{
    while (n-- > 0)
        cmc_put_u8(b, '0');
}

void measure_jcs_put_number(struct cmc_buf *b, double v)
{
    struct decimal d = {.k = 1, .n = 1};
    if (v == 0) { /* and -0 */
        cmc_put_u8(b, '0');
        return;
    }
    if (v < 0)
        cmc_put_u8(b, '-');
    shortest(v < 0 ? -v : v, &d);
    if (d.k <= d.n && d.n <= POINT_MAX) {
        cmc_put(b, d.digits, (size_t)d.k);
        put_zeros(b, d.n - d.k);
    } else if (0 < d.n && d.n <= POINT_MAX) {
        cmc_put_fmt(b, "%.*s.%.*s", d.n, d.digits, d.k - d.n, d.digits + d.n);
    } else if (POINT_MIN < d.n && d.n <= 0) {
        cmc_put_text(b, "0.");
        put_zeros(b, -d.n);
        cmc_put(b, d.digits, (size_t)d.k);
    } else {
        cmc_put_fmt(b, "%c%s%.*se%+d", d.digits[0], d.k > 1 ? "." : "", d.k - 1, d.digits + 1,
                    d.n - 1);
    }
}

/* Characters above U+FFFF are surrogates in UTF-16 and come before U+E000..U+FFFF: the one place
 * where the order of UTF-8 bytes differs. Such characters begin with f0..f4, these with ee, ef. */
int measure_jcs_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    for (size_t i = 0; i < n; i++) {
        uint8_t x = (uint8_t)a[i], y = (uint8_t)b[i];
        if (x == y)
            continue;
        bool swapped = x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0);
        return (x < y) != swapped ? -1 : 1;
    }
    return (a_len > b_len) - (a_len < b_len);
}
