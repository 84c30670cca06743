/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/time.c -- RFC 3339 times. */
#include <string.h>

#include "attest/meta/types.h"
#include "base/hex.h"

/* Reads digits where a pattern has '0', and its other characters as they are; the numbers between
 * those go to out. NULL: other text. */
static const char *scan(const char *text, const char *pattern, int *out)
{
    int *n = out;
    *n = 0;
    for (; *pattern; pattern++, text++) {
        if (*pattern == '0') {
            if (*text < '0' || *text > '9')
                return NULL;
            *n = *n * 10 + (*text - '0');
            continue;
        }
        if (*text != *pattern)
            return NULL;
        *++n = 0;
    }
    return text;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t day_number(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int m = 1; m < month; m++)
        days += days_of_month(year, m);
    const int64_t y = year - 1; /* whole years before this one; year 0 is a leap year */
    const int64_t leaps = year ? y / 4 - y / 100 + y / 400 + 1 : 0;
    return days + 365 * (int64_t)year + leaps - 719528;
}

/* "Z", "+01:00", "-01:00": seconds east of UTC; false: other text. */
static bool read_zone(const char *text, int64_t *out)
{
    int v[2];
    if (strcmp(text, "Z") == 0) {
        *out = 0;
        return true;
    }
    if (*text != '+' && *text != '-')
        return false;
    const char *end = scan(text + 1, "00:00", v);
    if (!end || *end || v[0] > 23 || v[1] > 59)
        return false;
    *out = ((int64_t)v[0] * 60 + v[1]) * (*text == '-' ? -60 : 60);
    return true;
}

static bool read_time(const char *text, int64_t *out)
{
    int v[6];
    int64_t zone;
    const char *p = scan(text, "0000-00-00T00:00:00", v);
    if (!p || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > days_of_month(v[0], v[1]) || v[3] > 23 ||
        v[4] > 59 || v[5] > 59)
        return false;
    if (*p == '.') {
        const size_t n = strspn(p + 1, "0123456789");
        if (n == 0 || n > 9)
            return false;
        p += 1 + n;
    }
    if (!read_zone(p, &zone))
        return false;
    *out = ((day_number(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 + v[5] - zone;
    return true;
}

int meta_time(const char *rfc3339, int64_t *out, struct cmc_err *err)
{
    if (read_time(rfc3339, out))
        return 0;
    cmc_autobuf struct cmc_buf shown = cmc_buf_of(256);
    cmc_put_safe(&shown, rfc3339, strlen(rfc3339), 40);
    return cmc_fail(err, CMC_E_FORMAT, "\"%.*s\" is no RFC 3339 time such as 2026-01-31T12:00:00Z",
                    (int)shown.len, (const char *)shown.data);
}
