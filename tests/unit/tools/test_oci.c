/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_oci.c -- layouts on disk and in archives: what is read is what its digest
 * says, and every other byte is noticed. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/options.h"
#include "tests/lib/rows.h"
#include "tests/lib/tar_bed.h"
#include "tools/measure_bundle.h"
#include "tools/oci_store.h"

enum { MAX = 4 << 20, PATH = 256, ARGS = 12 };

static char top[] = "/tmp/cmc-test-oci-XXXXXX";

enum packing { PLAIN, GZIP, ZSTD };

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void put(const char *name, const struct cmc_buf *data)
{
    char path[PATH];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    cmc_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data->data, data->len), (ssize_t)data->len);
}

static void put_text(const char *name, const char *text)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MAX);
    cmc_put_text(&b, text);
    put(name, &b);
}

static void describe(const struct cmc_buf *b, struct measure_oci_descriptor *d)
{
    cmc_sha256(b->data, b->len, d->digest);
    cmc_hex(d->digest, CMC_SHA256_LEN, d->hex);
    d->size = b->len;
}

static void put_blob(const struct cmc_buf *b, struct measure_oci_descriptor *d)
{
    char name[PATH];
    describe(b, d);
    (void)snprintf(name, sizeof(name), "blobs/sha256/%s", d->hex);
    put(name, b);
}

static void pack_gzip(const struct cmc_buf *tar, struct cmc_buf *out)
{
    static uint8_t room[1 << 20];
    z_stream z = {.next_in = tar->data,
                  .avail_in = (uInt)tar->len,
                  .next_out = room,
                  .avail_out = sizeof(room)};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    cmc_put(out, room, z.total_out);
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static void pack_zstd(const struct cmc_buf *tar, struct cmc_buf *out)
{
    static uint8_t room[1 << 20];
    ZSTD_CCtx *z = ZSTD_createCCtx();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1)));
    const size_t n = ZSTD_compress2(z, room, sizeof(room), tar->data, tar->len);
    assert_false(ZSTD_isError(n));
    cmc_put(out, room, n);
    ZSTD_freeCCtx(z);
}

static void pack(const struct cmc_buf *tar, enum packing how, struct cmc_buf *out)
{
    if (how == GZIP)
        pack_gzip(tar, out);
    else if (how == ZSTD)
        pack_zstd(tar, out);
    else
        cmc_put(out, tar->data, tar->len);
}

struct made { /* an image of one layer */
    struct measure_oci_descriptor index, manifest, config, layer;
    uint8_t diff_id[CMC_SHA256_LEN];
};

static void make_image(enum packing how, struct made *m)
{
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(MAX), blob = cmc_buf_of(MAX),
                               text = cmc_buf_of(MAX);
    struct measure_oci_descriptor whole;
    tar_bed_put(&tar, &(struct tar_bed_member){.name = "a", .type = '0', .content = "hello"});
    tar_bed_end(&tar);
    describe(&tar, &whole);
    memcpy(m->diff_id, whole.digest, sizeof(m->diff_id));
    pack(&tar, how, &blob);
    put_blob(&blob, &m->layer);
    cmc_put_fmt(&text, "{\"config\":{\"Cmd\":[\"/a\"]},\"rootfs\":{\"diff_ids\":[\"sha256:%s\"]}}",
                whole.hex);
    put_blob(&text, &m->config);
    text.len = 0;
    cmc_put_fmt(&text,
                "{\"config\":{\"digest\":\"sha256:%s\",\"size\":%llu},\"layers\":[{\"digest\":"
                "\"sha256:%s\","
                "\"size\":%llu}]}",
                m->config.hex, (unsigned long long)m->config.size, m->layer.hex,
                (unsigned long long)m->layer.size);
    put_blob(&text, &m->manifest);
    text.len = 0;
    cmc_put_fmt(&text,
                "{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                "\"digest\":\"sha256:%s\",\"size\":%llu,\"annotations\":{"
                "\"org.opencontainers.image.ref.name\":\"1\"}}]}",
                m->manifest.hex, (unsigned long long)m->manifest.size);
    put("index.json", &text);
    put_text("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(top) && chdir(top) == 0 && mkdir("blobs", 0755) == 0 &&
                   mkdir("blobs/sha256", 0755) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static int read_layer(const struct oci_store *s, const struct made *m, struct cmc_err *err)
{
    CMC_CLEANUP(oci_layer_closep) struct oci_layer *l = NULL;
    CMC_CLEANUP(measure_untar_done) struct measure_untar t = {.left = 0};
    struct measure_untar_member e;
    if (oci_layer_open(s, &m->layer, &l, err) < 0)
        return -(int)err->code;
    const struct measure_source source = oci_layer_source(l);
    measure_untar_init(&t, &source);
    const int r = measure_untar_next(&t, &e, err);
    if (r < 0)
        return r;
    assert_string_equal((const char *)e.name.p, "a");
    return oci_layer_finish(l, m->diff_id, err);
}

static void every_packing(void **state)
{
    (void)state;
    for (int how = PLAIN; how <= ZSTD; how++) {
        CMC_CLEANUP(oci_store_closep) struct oci_store *s = NULL;
        cmc_autobuf struct cmc_buf json = cmc_buf_of(MAX);
        struct made m;
        struct cmc_err err = {0};
        make_image((enum packing)how, &m);
        assert_int_equal(oci_store_open(top, &s, &err), 0);
        assert_int_equal(oci_store_index(s, &json, &err), 0);
        json.len = 0;
        assert_int_equal(oci_store_json(s, &m.config, &json, &err), 0);
        assert_int_equal(json.len, m.config.size);
        if (read_layer(s, &m, &err) < 0)
            fail_msg("packing %d: %s", how, err.msg);
        m.diff_id[0] ^= 1;
        assert_int_equal(read_layer(s, &m, &err), -CMC_E_VERIFY);
        assert_non_null(strstr(err.msg, "rootfs.diff_ids"));
    }
}

static void flip(const struct measure_oci_descriptor *d, off_t at)
{
    char name[PATH];
    uint8_t byte;
    (void)snprintf(name, sizeof(name), "%s/blobs/sha256/%s", top, d->hex);
    cmc_autofd int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Any bit of a blob: refused, or not even an archive, and never passed over. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (int how = PLAIN; how <= ZSTD; how++) {
        CMC_CLEANUP(oci_store_closep) struct oci_store *s = NULL;
        cmc_autobuf struct cmc_buf json = cmc_buf_of(MAX);
        struct made m;
        struct cmc_err err = {0};
        make_image((enum packing)how, &m);
        assert_int_equal(oci_store_open(top, &s, &err), 0);
        for (uint64_t at = 0; at < m.layer.size; at += how == PLAIN ? 61 : 1) {
            flip(&m.layer, (off_t)at);
            if (at >= 1 || how != PLAIN) /* at 0 is the name, which read_layer() looks at */
                assert_true(read_layer(s, &m, &err) < 0);
            flip(&m.layer, (off_t)at);
        }
        assert_int_equal(read_layer(s, &m, &err), 0);
        flip(&m.config, 3);
        assert_int_equal(oci_store_json(s, &m.config, &json, &err), -CMC_E_VERIFY);
        flip(&m.config, 3);
        m.config.size++;
        json.len = 0;
        assert_int_equal(oci_store_json(s, &m.config, &json, &err), -CMC_E_VERIFY);
        m.layer.size++;
        assert_int_equal(read_layer(s, &m, &err), -CMC_E_VERIFY);
    }
}

static void put_file(struct cmc_buf *tar, const char *name, const char *as)
{
    char path[PATH];
    cmc_autobuf struct cmc_buf data = cmc_buf_of(MAX);
    struct cmc_err err;
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(cmc_buf_read(&data, fd, name, &err), 0);
    tar_bed_put(tar, &(struct tar_bed_member){
                         .name = as, .type = '0', .content = data.data, .size = data.len});
}

static void make_archive(const struct made *m)
{
    const struct measure_oci_descriptor *const blobs[] = {&m->manifest, &m->config, &m->layer};
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(MAX);
    put_file(&tar, "oci-layout", "index.json"); /* the last of a name counts */
    for (size_t i = 0; i < ROWS(blobs); i++) {
        char name[PATH], as[PATH + 2];
        (void)snprintf(name, sizeof(name), "blobs/sha256/%s", blobs[i]->hex);
        (void)snprintf(as, sizeof(as), "./%s", name);
        put_file(&tar, name, as);
    }
    put_file(&tar, "index.json", "index.json");
    put_file(&tar, "oci-layout", "./oci-layout");
    tar_bed_end(&tar);
    put("image.tar", &tar);
}

static void an_archive(void **state)
{
    (void)state;
    CMC_CLEANUP(oci_store_closep) struct oci_store *s = NULL;
    cmc_autobuf struct cmc_buf json = cmc_buf_of(MAX);
    struct made m;
    struct cmc_err err = {0};
    make_image(GZIP, &m);
    make_archive(&m);
    assert_int_equal(oci_store_open("image.tar", &s, &err), 0);
    assert_int_equal(oci_store_index(s, &json, &err), 0);
    assert_non_null(strstr((const char *)json.data, "manifests"));
    assert_int_equal(read_layer(s, &m, &err), 0);
    m.layer.hex[0] = m.layer.hex[0] == 'a' ? 'b' : 'a';
    assert_int_equal(read_layer(s, &m, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "in the archive"));
}

static void no_layouts(void **state)
{
    (void)state;
    struct oci_store *s = NULL;
    struct cmc_err err = {0};
    struct made m;
    make_image(PLAIN, &m);
    assert_int_equal(oci_store_open("absent", &s, &err), -CMC_E_SYS);
    assert_int_equal(oci_store_open("blobs", &s, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "blobs: no OCI layout"));
    assert_int_equal(oci_store_open("/dev/null", &s, &err), -CMC_E_FORMAT);
    assert_int_equal(oci_store_open("index.json", &s, &err), -CMC_E_FORMAT);
    put_text("oci-layout", "{\"imageLayoutVersion\":\"2\"}");
    assert_int_equal(oci_store_open(".", &s, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "version \"2\", not 1.0.0"));
    assert_int_equal(unlink("index.json"), 0);
    put_text("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_int_equal(oci_store_open(".", &s, &err), 0);
    cmc_autobuf struct cmc_buf json = cmc_buf_of(MAX);
    assert_int_equal(oci_store_index(s, &json, &err), -CMC_E_SYS);
    oci_store_close(s);
}

/* measure-bundle as a whole: options in, references out. */

static void silent(enum measure_bundle_note kind, const char *line)
{
    (void)kind;
    (void)line;
}

struct row {
    const char *name, *args[ARGS];
    int want;          /* 0 or -code */
    const char *found; /* in the references, or in the error */
};

#define IMAGE "--image", "image.tar:1", "--as", "ctr-1.6"
static struct row rows[] = {
    {"a tag", {IMAGE}, 0, "\"args\":[\"/a\"]"},
    {"a command", {IMAGE, "--", "-x", "y"}, 0, "\"args\":[\"-x\",\"y\"]"},
    {"a directory", {"--image", ".:1", "--as", "ctr-1.6"}, 0, "\"rootfsSha256\":\"8828"},
    {"no tag", {"--image", "image.tar", "--as", "ctr-1.6"}, 0, "\"rootfsSha256\":\"8828"},
    {"profile cmc", {IMAGE, "--profile", "cmc"}, 0, "\"cmc.profile\",\"value\":\"cmc\""},
    {"a pod", {IMAGE, "--as", "cri-1.6", "--image-name", "i:1"}, 0, "cri.image-name\":\"i:1\""},
    {"variables, twice",
     {IMAGE, "--env", "A=1", "--env", "B=2"},
     0,
     "{\"name\":\"B\",\"value\":\"2\"}"},
    {"a name", {IMAGE, "--name", "n"}, 0, "\"name\":\"n\""},
    {"another tag", {"--image", "image.tar:2", "--as", "ctr-1.6"}, -CMC_E_USAGE, "no image 2"},
    {"an empty tag", {"--image", "image.tar:", "--as", "ctr-1.6"}, -CMC_E_USAGE, "no tag behind"},
    {"no client", {"--image", "image.tar"}, -CMC_E_USAGE, "--image needs --as"},
    {"an unknown client",
     {"--image", "image.tar", "--as", "ctr"},
     -CMC_E_USAGE,
     "--image needs --as"},
    {"with a bundle's option", {IMAGE, "--rootfs", "."}, -CMC_E_USAGE, "goes with neither"},
    {"a platform that is none", {IMAGE, "--platform", "linux"}, -CMC_E_USAGE, "is not OS/ARCH"},
    {"another version of groups", {IMAGE, "--cgroup-version", "3"}, -CMC_E_USAGE, "takes 1 or 2"},
    {"a file that is too large", {IMAGE, "--file-max", "2"}, -CMC_E_LIMIT, "a: 5 bytes, at most 2"},
    {"no place for the listing", {IMAGE, "--listing", "/nowhere/x"}, -CMC_E_SYS, "--listing"},
};

static void run_row(void **state)
{
    static struct measure_bundle_options o;
    static char words[ARGS + 1][PATH];
    const struct row *r = *state;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(MAX);
    char *argv[ARGS + 2] = {words[0]};
    struct cmc_err err = {0};
    struct made m;
    int argc = 1;
    make_image(ZSTD, &m);
    make_archive(&m);
    for (; argc <= ARGS && r->args[argc - 1]; argc++) {
        (void)snprintf(words[argc], PATH, "%s", r->args[argc - 1]);
        argv[argc] = words[argc];
    }
    int rc = measure_bundle_options(argc, argv, &o, &err);
    if (rc == CMC_OPTIONS_RUN)
        rc = measure_bundle_run(&o, &out, silent, &err);
    cmc_put_u8(&out, 0);
    const char *got = rc < 0 ? err.msg : (const char *)out.data;
    if (rc != r->want || !strstr(got, r->found))
        fail_msg("%d: \"%s\" is not in \"%s\"", rc, r->found, got);
    if (rc < 0)
        assert_int_equal(out.len, 1);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4];
    size_t n = 0;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_packing);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_byte_counts);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_archive);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_layouts);
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = run_row, .initial_state = &rows[i]};
    return cmocka_run_group_tests_name("tools/oci", tests, set_up, tear_down);
}
