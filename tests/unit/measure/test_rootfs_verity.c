/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_verity.c -- which of the kernel's digests is ours. The kernel
 * itself is played here: few have fs-verity (tests/integration/measure asks one that does). */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <linux/fsverity.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "measure/fsverity.h"
#include "measure/rootfs_verity.h"

static struct {
    long magic;
    int calls;
    bool no_metadata, no_digest;
    int read; /* what reading the descriptor returns */
    uint8_t descriptor[MEASURE_FSVERITY_DESCRIPTOR];
    uint16_t algorithm, size;
    uint8_t digest[64];
} kernel;

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_fstatfs(int fd, struct statfs *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

int __wrap_fstatfs(int fd, struct statfs *out)
{
    assert_int_equal(fd, 7);
    out->f_type = kernel.magic;
    return kernel.magic ? 0 : -1;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
    assert_int_equal(fd, 7);
    kernel.calls++;
    if (request == FS_IOC_READ_VERITY_METADATA) {
        const struct fsverity_read_metadata_arg *a = arg;
        assert_int_equal(a->metadata_type, FS_VERITY_METADATA_TYPE_DESCRIPTOR);
        assert_true(a->offset == 0 && a->length == sizeof(kernel.descriptor));
        if (kernel.no_metadata)
            return -1;
        memcpy((void *)(uintptr_t)a->buf_ptr, kernel.descriptor, sizeof(kernel.descriptor));
        return kernel.read;
    }
    struct fsverity_digest *d = arg;
    assert_int_equal(request, FS_IOC_MEASURE_VERITY);
    if (kernel.no_digest || d->digest_size < kernel.size)
        return -1;
    d->digest_algorithm = kernel.algorithm;
    d->digest_size = kernel.size;
    memcpy(d->digest, kernel.digest, kernel.size);
    return 0;
}

static const char text[] = "hello\n";
enum { SIZE = sizeof(text) - 1 };
static uint8_t ours[CMC_SHA256_LEN];

static int begin_kernel(void **state)
{
    struct measure_fsverity *v = malloc(sizeof(*v));
    uint8_t root[CMC_SHA256_LEN], block[MEASURE_FSVERITY_BLOCK] = {0};
    (void)state;
    assert_non_null(v);
    memcpy(block, text, SIZE);
    cmc_sha256(block, sizeof(block), root);
    measure_fsverity_init(v);
    measure_fsverity_start(v);
    measure_fsverity_add(v, text, SIZE);
    measure_fsverity_end(v, SIZE, ours);
    free(v);
    memset(&kernel, 0, sizeof(kernel));
    kernel.magic = EXT4_SUPER_MAGIC;
    kernel.read = sizeof(kernel.descriptor);
    kernel.algorithm = FS_VERITY_HASH_ALG_SHA256;
    kernel.size = CMC_SHA256_LEN;
    measure_fsverity_describe(SIZE, root, kernel.descriptor);
    memcpy(kernel.digest, ours, sizeof(ours));
    return 0;
}

static void told(bool want)
{
    uint8_t got[CMC_SHA256_LEN], poison[CMC_SHA256_LEN];
    memset(got, 0x5a, sizeof(got));
    memset(poison, 0x5a, sizeof(poison));
    assert_int_equal(measure_verity_digest(7, SIZE, got), want);
    assert_memory_equal(got, want ? ours : poison, sizeof(got));
}

/* The kernel hashes what changed, too. */
static void hash_again(void)
{
    cmc_sha256(kernel.descriptor, sizeof(kernel.descriptor), kernel.digest);
}

static void ours_it_is(void **state)
{
    static const long magic[] = {EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};
    for (size_t i = 0; i < ROWS(magic); i++) {
        assert_int_equal(begin_kernel(state), 0);
        kernel.magic = magic[i];
        told(true);
        assert_int_equal(kernel.calls, 2);
        kernel.descriptor[4] = 9; /* bytes of a signature, which does not count */
        told(true);
    }
}

static void a_file_system_that_only_says_so(void **state)
{
    static const long magic[] = {0, TMPFS_MAGIC, 0x65735546 /* FUSE */, OVERLAYFS_SUPER_MAGIC};
    for (size_t i = 0; i < ROWS(magic); i++) {
        assert_int_equal(begin_kernel(state), 0);
        kernel.magic = magic[i];
        told(false);
        assert_int_equal(kernel.calls, 0);
    }
}

static void no_answer(void **state)
{
    kernel.no_metadata = true;
    told(false);
    assert_int_equal(begin_kernel(state), 0);
    kernel.no_digest = true;
    told(false);
    assert_int_equal(begin_kernel(state), 0);
    kernel.read--;
    told(false);
}

static const struct {
    const char *name;
    int at;
} members[] = {
    {"version", 0}, {"algorithm", 1},    {"block size", 2}, {"size of the salt", 3},
    {"size", 8},    {"size's end", 15},  {"root hash", 16}, {"the root hash's other half", 48},
    {"salt", 80},   {"salt's end", 111}, {"reserved", 112}, {"reserved, the end", 255},
};

/* Under a digest that fits it, and under one that does not. */
static void another_descriptor(void **state)
{
    for (size_t i = 0; i < ROWS(members); i++) {
        assert_int_equal(begin_kernel(state), 0);
        kernel.descriptor[members[i].at] ^= 1;
        told(false);
        hash_again();
        if (members[i].at >= 16 && members[i].at < 48)
            memcpy(ours, kernel.digest, sizeof(ours)); /* another content of that size */
        told(members[i].at >= 16 && members[i].at < 48);
    }
}

static void another_digest(void **state)
{
    kernel.algorithm = FS_VERITY_HASH_ALG_SHA512;
    told(false);
    assert_int_equal(begin_kernel(state), 0);
    kernel.size = 64;
    told(false);
    assert_int_equal(begin_kernel(state), 0);
    kernel.size = 16;
    told(false);
    assert_int_equal(begin_kernel(state), 0);
    kernel.digest[31] ^= 1;
    told(false);
}

static void who_says_that_it_is_on(void **state)
{
    (void)state;
    struct statx sx = {.stx_attributes = STATX_ATTR_VERITY};
    assert_false(measure_verity_is_on(&sx));
    sx.stx_attributes_mask = STATX_ATTR_VERITY;
    assert_true(measure_verity_is_on(&sx));
    sx.stx_attributes = STATX_ATTR_IMMUTABLE;
    assert_false(measure_verity_is_on(&sx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ours_it_is, begin_kernel),
        cmocka_unit_test_setup(a_file_system_that_only_says_so, begin_kernel),
        cmocka_unit_test_setup(no_answer, begin_kernel),
        cmocka_unit_test_setup(another_descriptor, begin_kernel),
        cmocka_unit_test_setup(another_digest, begin_kernel),
        cmocka_unit_test(who_says_that_it_is_on),
    };
    return cmocka_run_group_tests_name("measure/rootfs_verity", tests, NULL, NULL);
}
