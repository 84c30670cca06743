/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/rows.h -- how many elements an array has. */
#ifndef TESTS_LIB_ROWS_H
#define TESTS_LIB_ROWS_H
#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#endif
