/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_doc.c -- memory of a document: aligned, zeroed, limited. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/doc.h"

static void memory_is_aligned_and_zeroed(void **state)
{
    meta_autodoc struct meta_doc *d = meta_doc_new();
    static const uint8_t zeros[300];
    struct cmc_err err = {0};
    (void)state;
    for (size_t n = 0; n < 300; n++) {
        void *p = NULL;
        assert_int_equal(meta_doc_alloc(d, n, 1, &p, &err), 0);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        assert_memory_equal(p, zeros, n);
        memset(p, 0xff, n); /* what comes next must not be this */
    }
}

static void texts_end_with_nul(void **state)
{
    meta_autodoc struct meta_doc *d = meta_doc_new();
    struct cmc_err err = {0};
    char *copy;
    (void)state;
    assert_int_equal(meta_doc_copy(d, "abc", 2, &copy, &err), 0);
    assert_string_equal(copy, "ab");
    assert_int_equal(meta_doc_copy(d, NULL, 0, &copy, &err), 0);
    assert_string_equal(copy, "");
}

static void memory_has_a_limit(void **state)
{
    meta_autodoc struct meta_doc *d = meta_doc_new();
    struct cmc_err err = {0};
    void *p = d;
    (void)state;
    assert_int_equal(meta_doc_alloc(d, SIZE_MAX / 2, 4, &p, &err), -CMC_E_LIMIT);
    assert_int_equal(meta_doc_alloc(d, SIZE_MAX / 16 + 2, 16, &p, &err),
                     -CMC_E_LIMIT); /* 2^64 + 16 */
    assert_int_equal(meta_doc_alloc(d, (size_t)META_MEMORY_MAX + 1, 1, &p, &err), -CMC_E_LIMIT);
    assert_int_equal(meta_doc_alloc(d, SIZE_MAX, 1, &p, &err), -CMC_E_LIMIT);
    assert_ptr_equal(p, d);
    for (size_t i = 0; i < 256; i++) /* a MiB each, and one that is not there */
        assert_int_equal(meta_doc_alloc(d, 1 << 20, 1, &p, &err), 0);
    assert_int_equal(meta_doc_alloc(d, 1, 1, &p, &err), -CMC_E_LIMIT);
    assert_non_null(strstr(err.msg, "256 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_zeroed),
        cmocka_unit_test(texts_end_with_nul),
        cmocka_unit_test(memory_has_a_limit),
    };
    return cmocka_run_group_tests_name("attest/meta/doc", tests, NULL, NULL);
}
