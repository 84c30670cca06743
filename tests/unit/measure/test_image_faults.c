/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_image_faults.c -- measuring an image from its layers: each allocation
 * fails once, the source fails at each place, and the temporary file does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "measure/image.h"
#include "measure/oci_image.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"
#include "tests/lib/tar_bed.h"

enum { LAYERS = 2, TAR_MAX = 1 << 20, POISON = 77 };

#define ACL                                                                                        \
    "\2\0\0\0\1\0\7\0\0\0\0\0\2\0\5\0\xe8\3\0\0\4\0\5\0\0\0\0\0\x10\0\5\0\0\0\0\0\x20\0\1\0\0\0\0" \
    "\0"
#define CAP "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* Of everything some: links, devices, attributes, inherited ACLs, what the upper layer hides, and
 * parents that no member tells about. */
static const struct tar_bed_member lower[] = {
    {.name = "d",
     .type = '5',
     .mode = 0755,
     .attribute = "system.posix_acl_default",
     .value = ACL,
     .value_len = sizeof(ACL) - 1},
    {.name = "d/a",
     .type = '0',
     .content = "a",
     .attribute = "security.capability",
     .value = CAP,
     .value_len = sizeof(CAP) - 1},
    {.name = "d/b", .type = '1', .link = "d/a"},
    {.name = "d/e/f", .type = '0', .content = "f"},
    {.name = "n", .type = '3', .major = 1, .minor = 3},
    {.name = "way", .type = '2', .link = "d"},
    {.name = "gone", .type = '0', .content = "gone"},
};
static const struct tar_bed_member upper[] = {
    {.name = "way/c",
     .type = '0',
     .content = "c",
     .attribute = "user.x",
     .value = "1",
     .value_len = 1},
    {.name = ".wh.gone", .type = '0'},
    {.name = "d/e/.wh..wh..opq", .type = '0'},
    {.name = "d/e/g", .type = '0', .mode = 0600, .uid = 1, .gid = 2, .content = "g"},
};

static struct cmc_buf layer[LAYERS];
static struct measure_rootfs whole[2]; /* without a fault: exact, cmc */
static bool cmc;

static void put_layer(struct cmc_buf *out, const struct tar_bed_member *m, size_t count)
{
    *out = cmc_buf_of(TAR_MAX);
    for (size_t i = 0; i < count; i++)
        tar_bed_put(out, &m[i]);
    tar_bed_end(out);
}

/* A source that fails when it was asked for so many bytes. */
struct source {
    struct cmc_reader bytes;
    size_t left;
};

static int give(void *from, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    struct source *s = from;
    if (want > s->left)
        return cmc_fail(err, CMC_E_TPM, "the source failed"); /* a code that nothing else has */
    s->left -= want;
    *got = want < s->bytes.left ? want : s->bytes.left;
    if (*got)
        memcpy(to, cmc_read_bytes(&s->bytes, *got), *got);
    return 0;
}

static int add_layers(struct measure_image *m, size_t left, struct cmc_err *err)
{
    for (size_t i = 0; i < LAYERS; i++) {
        struct source s = {cmc_reader_of(layer[i].data, layer[i].len), left};
        if (measure_image_add(m, &(struct measure_source){&s, give}, err) < 0)
            return -(int)err->code;
        left = s.left;
    }
    return measure_image_merge(m, err);
}

static int collect(struct measure_image *m, int spool, size_t left, struct cmc_err *err)
{
    for (size_t i = 0; i < LAYERS; i++) {
        struct source s = {cmc_reader_of(layer[i].data, layer[i].len), left};
        if (measure_image_wants(m, i) &&
            measure_image_collect(m, i, &(struct measure_source){&s, give}, spool, err) < 0)
            return -(int)err->code;
        left = s.left;
    }
    return 0;
}

static int measure(size_t left, size_t left_again, struct measure_rootfs *out, struct cmc_err *err)
{
    static const struct measure_rootfs_opts opts;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(TAR_MAX), text = cmc_buf_of(64);
    if (measure_image_new(&opts, &m, err) < 0 || add_layers(m, left, err) < 0 ||
        measure_image_want(m, "/way/c", err) < 0)
        return -(int)err->code;
    if (cmc)
        measure_image_want_all(m);
    if (collect(m, spool, left_again, err) < 0)
        return -(int)err->code;
    const int found = measure_image_read(m, "way/c", spool, &text, err);
    assert_true(found < 0 ? text.len == 0 : found == 1 && text.len == 1 && text.data[0] == 'c');
    return found < 0 ? found : measure_image_digest(m, cmc, spool, cmc ? NULL : &listing, out, err);
}

static void assert_result(int rc, const struct measure_rootfs *got)
{
    assert_int_equal(got->entries, rc < 0 ? POISON : whole[cmc].entries);
    if (rc == 0)
        assert_memory_equal(got->digest, whole[cmc].digest, sizeof(got->digest));
}

static int without_memory(struct cmc_err *err)
{
    struct measure_rootfs got = {.entries = POISON};
    const int rc = measure(SIZE_MAX, SIZE_MAX, &got, err);
    assert_result(rc, &got);
    return rc;
}

static void each_allocation(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        cmc = i;
        fail_alloc_each(without_memory);
    }
}

/* At the end of each member's blocks, and in the middle of each; the first and the second time. */
static void each_place_of_the_source(void **state)
{
    const size_t all = layer[0].len + layer[1].len;
    (void)state;
    cmc = true;
    for (size_t left = 0; left < 2 * all; left += 256) {
        struct measure_rootfs got = {.entries = POISON};
        struct cmc_err err = {0};
        const bool again = left >= all;
        const int rc = measure(again ? SIZE_MAX : left, again ? left - all : SIZE_MAX, &got, &err);
        assert_result(rc, &got);
        if (rc < 0) {
            assert_int_equal(rc, -CMC_E_TPM);
            assert_non_null(strstr(err.msg, "the source failed"));
        }
    }
}

/* A layer that ends, or is another one, between any two members; cut inside, it is no archive. */
static void each_end_of_a_layer(void **state)
{
    const size_t len = layer[0].len;
    (void)state;
    cmc = true;
    for (size_t at = 0; at < len; at += 128) {
        struct measure_rootfs got = {.entries = POISON};
        struct cmc_err err = {0};
        layer[0].len = at;
        const int rc = measure(SIZE_MAX, SIZE_MAX, &got, &err);
        assert_true(rc == 0 || (err.msg[0] && got.entries == POISON));
        assert_true(rc == 0 || rc == -CMC_E_FORMAT || rc == -CMC_E_VERIFY);
        /* "way", "gone" and the end do not show; with less it is another image */
        if (rc == 0 && at < len - 2560)
            assert_memory_not_equal(got.digest, whole[1].digest, sizeof(got.digest));
    }
    layer[0].len = len;
}

/* The second time members are missing at its end. */
static void a_shorter_layer_the_second_time(void **state)
{
    static const struct measure_rootfs_opts opts;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf shorter = {0};
    (void)state;
    put_layer(&shorter, upper, 3);
    assert_int_equal(measure_image_new(&opts, &m, &err), 0);
    assert_int_equal(add_layers(m, SIZE_MAX, &err), 0);
    measure_image_want_all(m);
    struct source s = {cmc_reader_of(shorter.data, shorter.len), SIZE_MAX};
    assert_int_equal(measure_image_collect(m, 1, &(struct measure_source){&s, give}, spool, &err),
                     -CMC_E_VERIFY);
    assert_string_equal(err.msg, "layer 2 changed while it was read");
}

static void the_temporary_file(void **state)
{
    static const struct measure_rootfs_opts opts;
    static const struct {
        bool pipe; /* which has no place to begin at; else one that cannot be written */
        const char *says;
    } rows[] = {{false, "write to the temporary file"}, {true, "the temporary file"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
        int pipe_fd[2] = {-1, -1};
        assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
        cmc_autofd int in = pipe_fd[0], out = pipe_fd[1],
                       none = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct cmc_err err = {0};
        assert_true(in >= 0 && out >= 0 && none >= 0);
        assert_int_equal(measure_image_new(&opts, &m, &err), 0);
        assert_int_equal(add_layers(m, SIZE_MAX, &err), 0);
        measure_image_want_all(m);
        assert_int_equal(collect(m, rows[i].pipe ? out : none, SIZE_MAX, &err), -CMC_E_SYS);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
}

/* What was collected is gone when it is read. */
static void an_emptied_temporary_file(void **state)
{
    static const struct measure_rootfs_opts opts;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
    cmc_autobuf struct cmc_buf text = cmc_buf_of(64);
    struct measure_rootfs got = {.entries = POISON};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(measure_image_new(&opts, &m, &err), 0);
    assert_int_equal(add_layers(m, SIZE_MAX, &err), 0);
    measure_image_want_all(m);
    assert_int_equal(collect(m, spool, SIZE_MAX, &err), 0);
    assert_int_equal(ftruncate(spool, 0), 0);
    assert_int_equal(measure_image_read(m, "way/c", spool, &text, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "read the temporary file"));
    assert_int_equal(text.len, 0);
    assert_int_equal(measure_image_digest(m, true, spool, NULL, &got, &err), -CMC_E_SYS);
    assert_int_equal(got.entries, POISON);
}

/* ---- JSON of images ---------------------------------------------------------------------------
 */

#define D64        "\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define DESCRIPTOR "{\"mediaType\":\"x\",\"digest\":" D64 ",\"size\":7}"

static int choose(struct cmc_err *err)
{
    static const char index[] =
        "{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"digest\":" D64 ",\"size\":7,\"annotations\":{\"org.opencontainers.image.ref.name\":"
        "\"1\"}}]}";
    static const struct measure_oci_choice choice = {.os = "linux", .arch = "amd64", .tag = "1"};
    struct measure_oci_descriptor d = {.size = POISON};
    const int rc = measure_oci_choose(index, strlen(index), &choice, &d, err);
    assert_int_equal(d.size, rc < 0 ? POISON : 7);
    return rc;
}

static int manifest(struct cmc_err *err)
{
    static const char text[] = "{\"config\":" DESCRIPTOR ",\"layers\":[" DESCRIPTOR "]}";
    static struct measure_oci_manifest m;
    m.layers = POISON;
    const int rc = measure_oci_manifest(text, strlen(text), &m, err);
    assert_int_equal(m.layers, rc < 0 ? POISON : 1);
    return rc;
}

static int configuration(struct cmc_err *err)
{
    static const char text[] =
        "{\"config\":{\"Env\":[\"A=1\"]},\"rootfs\":{\"diff_ids\":[" D64 "]}}";
    static struct measure_oci_config c;
    const int rc = measure_oci_config(text, strlen(text), &c, err);
    if (rc == 0)
        assert_int_equal(c.layers, 1);
    measure_oci_config_done(&c);
    return rc;
}

static void json(void **state)
{
    (void)state;
    fail_alloc_each(choose);
    fail_alloc_each(manifest);
    fail_alloc_each(configuration);
}

static int set_up(void **state)
{
    (void)state;
    put_layer(&layer[0], lower, ROWS(lower));
    put_layer(&layer[1], upper, ROWS(upper));
    for (int i = 0; i < 2; i++) {
        struct cmc_err err = {0};
        cmc = i;
        if (measure(SIZE_MAX, SIZE_MAX, &whole[i], &err) < 0)
            fail_msg("%s", err.msg);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < LAYERS; i++)
        cmc_buf_done(&layer[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation),
        cmocka_unit_test(each_place_of_the_source),
        cmocka_unit_test(each_end_of_a_layer),
        cmocka_unit_test(a_shorter_layer_the_second_time),
        cmocka_unit_test(the_temporary_file),
        cmocka_unit_test(an_emptied_temporary_file),
        cmocka_unit_test(json),
    };
    return cmocka_run_group_tests_name("measure/image faults", tests, set_up, tear_down);
}
