/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_image.c -- layers in, the tree that a container sees out; the same cases
 * and more are held against containerd by tests/integration/image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/image.h"
#include "measure/listing.h"
#include "tests/lib/rows.h"
#include "tests/lib/tar_bed.h"

enum { TAR_MAX = 1 << 20, LAYERS = 3, MEMBERS = 7, SHOWN = 1024 };

#define F(path)                                                                                    \
    {                                                                                              \
        .name = (path), .type = '0'                                                                \
    }
#define D(path)                                                                                    \
    {                                                                                              \
        .name = (path), .type = '5', .mode = 0755                                                  \
    }
#define L(path, to)                                                                                \
    {                                                                                              \
        .name = (path), .type = '2', .link = (to)                                                  \
    }
#define H(path, to)                                                                                \
    {                                                                                              \
        .name = (path), .type = '1', .link = (to)                                                  \
    }
#define X(path, t, a, v)                                                                           \
    {                                                                                              \
        .name = (path), .type = (t), .mode = 0640, .attribute = (a), .value = (v),                 \
        .value_len = sizeof(v) - 1                                                                 \
    }
#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define CAP     "security.capability"
#define CAP_V2  "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAP_V3  "\1\0\0\3\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define NAMED                                                                                      \
    "\2\0\0\0\1\0\7\0\0\0\0\0\2\0\5\0\xe8\3\0\0\4\0\5\0\0\0\0\0\x10\0\5\0\0\0\0\0\x20\0\1\0\0\0\0" \
    "\0"
#define PLAIN "\2\0\0\0\1\0\6\0\0\0\0\0\4\0\4\0\0\0\0\0\x20\0\0\0\0\0\0\0"

struct row {
    const char *name;
    struct tar_bed_member layer[LAYERS][MEMBERS];
    const char *want;  /* "f0644 0:0 /a;..." with attributes' names; NULL: refused */
    const char *error; /* part of it */
};

static struct row rows[] = {
    {"nothing", {{{0}}}, "", NULL},
    {"parents that are not listed",
     {{F("a/b/c")}},
     "d0755 0:0 /a;d0755 0:0 /a/b;f0644 0:0 /a/b/c;",
     NULL},
    {"parents of the layer below",
     {{{.name = "a", .type = '5', .mode = 0711, .uid = 3, .gid = 4}}, {F("a/b")}},
     "d0711 3:4 /a;f0644 0:0 /a/b;",
     NULL},
    {"parents through links of both",
     {{{.name = "usr", .type = '5', .mode = 0700}, L("lib", "usr")}, {F("lib/x")}},
     "d0700 0:0 /lib;f0644 0:0 /lib/x;d0700 0:0 /usr;",
     NULL},
    {"a link that leads out",
     {{L("out", "../../etc"), F("out/x")}},
     "d0755 0:0 /etc;f0644 0:0 /etc/x;l0777 0:0 /out;",
     NULL},
    {"whiteout", {{F("a"), F("b")}, {F(".wh.a"), F(".wh.c")}}, "f0644 0:0 /b;", NULL},
    {"removed and made again",
     {{D("d"), F("d/a")}, {F(".wh.d")}, {D("d"), F("d/b")}},
     "d0755 0:0 /d;f0644 0:0 /d/b;",
     NULL},
    {"opaque",
     {{D("d"), F("d/a")}, {D("d"), F("d/b"), F("d/.wh..wh..opq")}},
     "d0755 0:0 /d;f0644 0:0 /d/b;",
     NULL},
    {"opaque root does nothing", {{F("a")}, {F(".wh..wh..opq")}}, "f0644 0:0 /a;", NULL},
    {"opaque in the first layer",
     {{F("d/x/y"), D("d/z"), F("d/z/w/v"), F("d/.wh..wh..opq"), F("d/q")}},
     "d0755 0:0 /d;f0644 0:0 /d/q;d0755 0:0 /d/z;",
     NULL},
    {"whiteout in the first layer", {{F("a"), F(".wh.a"), F(".wh.b")}}, "", NULL},
    {"hidden by an opaque one, but not its mode",
     {{{.name = "d", .type = '5', .mode = 0700}, F("d/a")},
      {D("d"), F("d/.wh..wh..opq")},
      {F("d/e/b")}},
     "d0755 0:0 /d;d0755 0:0 /d/e;f0644 0:0 /d/e/b;",
     NULL},
    {"file over directory, directory over file",
     {{D("a"), F("a/x"), F("b")}, {F("a"), F("b/y")}},
     "f0644 0:0 /a;d0755 0:0 /b;f0644 0:0 /b/y;",
     NULL},
    {"directory over link",
     {{D("e"), L("d", "e"), F("e/x")}, {D("d"), F("d/y")}},
     "d0755 0:0 /d;f0644 0:0 /d/y;d0755 0:0 /e;f0644 0:0 /e/x;",
     NULL},
    {"the same name twice",
     {{F("a"), {.name = "a", .type = '5', .mode = 0700}, F("a/x"), F("a")}},
     "f0644 0:0 /a;",
     NULL},
    {"names to be cleaned",
     {{D("./"), F("./a"), F("/b"), F("x/../c"), F("../../d"), D("..")}},
     "f0644 0:0 /a;f0644 0:0 /b;f0644 0:0 /c;f0644 0:0 /d;",
     NULL},
    {"hard links share what is set last",
     {{F("a"), {.name = "b", .type = '1', .link = "a", .mode = 0600, .uid = 7}}},
     "f0600 7:0 /a =/a;f0600 7:0 /b =/a;",
     NULL},
    {"hard links, one replaced above",
     {{F("a"), H("b", "a"), H("c", "/a")}, {F("a")}},
     "f0644 0:0 /a;f0644 0:0 /b =/b;f0644 0:0 /c =/b;",
     NULL},
    {"a hard link to a link",
     {{L("l", "/x"), H("m", "l")}},
     "l0777 0:0 /l =/l;l0777 0:0 /m =/l;",
     NULL},
    {"devices",
     {{{.name = "n", .type = '3', .major = 1, .minor = 3},
       {.name = "p", .type = '6'},
       {.name = "b", .type = '4', .major = 8}}},
     "b0644 0:0 /b;c0644 0:0 /n;p0644 0:0 /p;",
     NULL},
    {"a device that removes",
     {{F("a"), F("b")}, {{.name = "a", .type = '3'}}},
     "f0644 0:0 /b;",
     NULL},
    {"order of walking",
     {{F("a-b"), F("a/x"), F("a.b"), F("aa")}},
     "d0755 0:0 /a;f0644 0:0 /a/x;f0644 0:0 /a-b;f0644 0:0 /a.b;f0644 0:0 /aa;",
     NULL},
    {"a capability", {{X("a", '0', CAP, CAP_V2)}}, "f0640 0:0 /a security.capability:20;", NULL},
    {"a capability of root",
     {{X("a", '0', CAP, CAP_V3)}},
     "f0640 0:0 /a security.capability:20;",
     NULL},
    {"a hard link takes the capability away",
     {{X("a", '0', CAP, CAP_V2), H("b", "a")}},
     "f0644 0:0 /a =/a;f0644 0:0 /b =/a;",
     NULL},
    {"attributes",
     {{X("a", '0', "user.x", "1"), X("b", '2', "user.x", "1"), X("c", '5', "user.overlay.x", "1"),
       X("d", '6', "user.x", "1"), X("e", '0', "trusted.x", "1")}},
     NULL,
     "b: a link to 0 bytes"},
    {"attributes that are kept and not",
     {{X("a", '0', "user.x", "1"), X("c", '5', "user.overlay.x", "1"), X("d", '6', "user.x", "1"),
       X("e", '0', "trusted.x", "1"), X("f", '5', "user.y", "")}},
     "f0640 0:0 /a user.x:1;d0640 0:0 /c;p0640 0:0 /d;f0640 0:0 /e;d0640 0:0 /f user.y:0;",
     NULL},
    {"attributes of a parent that is not listed",
     {{X("a", '5', "user.x", "1")}, {F("a/b")}},
     "d0640 0:0 /a user.x:1;f0644 0:0 /a/b;",
     NULL},
    {"attributes of the topmost directory",
     {{X("a", '5', "user.x", "1")}, {X("a", '5', "user.y", "2")}},
     "d0640 0:0 /a user.y:1;",
     NULL},
    {"an ACL", {{X("a", '0', ACCESS, NAMED)}}, "f0640 0:0 /a " ACCESS ":44;", NULL},
    {"an ACL that a mode says", {{X("a", '0', ACCESS, PLAIN)}}, "f0640 0:0 /a;", NULL},
    {"an ACL taken back",
     {{X("a", '0', ACCESS, NAMED), X("b", '1', ACCESS, "")}},
     NULL,
     "b: a hard link to no file"},
    {"a default ACL is inherited",
     {{X("d", '5', DEFAULT, NAMED), F("d/f"), D("d/g"), L("d/l", "f")}},
     "d0640 0:0 /d " DEFAULT ":44;f0644 0:0 /d/f " ACCESS ":44;d0755 0:0 /d/g " ACCESS
     ":44 " DEFAULT ":44;l0777 0:0 /d/l;",
     NULL},
    {"a default ACL of three",
     {{X("d", '5', DEFAULT, PLAIN), F("d/f"), D("d/g")}},
     "d0640 0:0 /d " DEFAULT ":28;f0644 0:0 /d/f;d0755 0:0 /d/g " DEFAULT ":28;",
     NULL},
    {"hard link to nothing", {{H("b", "a")}}, NULL, "b: a hard link to no file of the same layer"},
    {"hard link to the layer below", {{F("a")}, {H("b", "a")}}, NULL, "b: a hard link to no file"},
    {"hard link to a directory", {{D("a"), H("b", "a")}}, NULL, "b: a hard link to no file"},
    {"hard link to itself", {{F("a"), H("a", "a")}}, NULL, "a: a hard link to no file"},
    {"a file in the way", {{F("a"), F("a/b")}}, NULL, "a/b: what should hold it"},
    {"a file below in the way", {{F("a")}, {F("a/b/c")}}, NULL, "in layer 1: \"a\" on the way"},
    {"a circle", {{L("a", "b"), L("b", "a"), F("a/x")}}, NULL, "a/x: more than 255"},
    {"whiteout of nothing", {{F(".wh.")}}, NULL, ".wh.: it removes no name"},
    {"whiteout of the parent", {{F("d/.wh...")}}, NULL, "it removes no name"},
    {"whiteout of what came before", {{F("z")}, {F("a"), F(".wh.a")}}, NULL, "has brought"},
    {"a capability that is none",
     {{X("a", '0', CAP, "zz")}},
     NULL,
     "a: security.capability: 2 bytes"},
    {"an ACL that is none", {{X("a", '0', ACCESS, "zz")}}, NULL, "2 bytes are no ACL"},
    {"an ACL of another version",
     {{X("a", '0', ACCESS, "\3\0\0\0\1\0\6\0\0\0\0\0")}},
     NULL,
     "Linux does not take this ACL"},
    {"an ACL without others",
     {{X("a", '0', ACCESS, "\2\0\0\0\1\0\6\0\0\0\0\0\4\0\4\0\0\0\0\0")}},
     NULL,
     "Linux does not take this ACL"},
    {"a default ACL of a file", {{X("a", '0', DEFAULT, PLAIN)}}, NULL, "on what is no directory"},
    {"user. alone", {{X("a", '0', "user.", "1")}}, NULL, "Linux does not take this attribute"},
};

static void build(const struct tar_bed_member *members, struct cmc_buf *tar)
{
    for (size_t i = 0; i < MEMBERS && members[i].name; i++)
        tar_bed_put(tar, &members[i]);
    tar_bed_end(tar);
}

static int load(const struct row *r, struct measure_image *m, struct cmc_err *err)
{
    for (size_t i = 0; i < LAYERS; i++) {
        cmc_autobuf struct cmc_buf tar = cmc_buf_of(TAR_MAX);
        struct tar_bed_source bytes;
        build(r->layer[i], &tar);
        const struct measure_source source = tar_bed_source(&bytes, &tar);
        if (measure_image_add(m, &source, err) < 0)
            return -(int)err->code;
    }
    return measure_image_merge(m, err);
}

/* The listing without contents: what a row wants to see. */
static void show(const struct cmc_buf *text, struct cmc_buf *out)
{
    CMC_CLEANUP(measure_listing_done) struct measure_listing l;
    struct cmc_err err;
    assert_int_equal(measure_listing_open(&l, text->data, text->len, &err), 0);
    for (bool root = true; measure_listing_next(&l, &err) == 1; root = false) {
        if (root)
            continue;
        cmc_put_fmt(out, "%c%04o %u:%u %.*s", l.e.type, l.e.mode, l.e.uid, l.e.gid, (int)l.path.len,
                    (const char *)l.path.p);
        if (l.link.len)
            cmc_put_fmt(out, " =%.*s", (int)l.link.len, (const char *)l.link.p);
        struct cmc_reader r = cmc_reader_of(l.e.xattrs.p, l.e.xattrs.len);
        for (uint32_t n = cmc_read_be32(&r); n > 0; n--) {
            const size_t len = cmc_read_be16(&r);
            const uint8_t *name = cmc_read_bytes(&r, len);
            const size_t size = cmc_read_be32(&r);
            cmc_put_fmt(out, " %.*s:%zu", (int)len, (const char *)name, size);
            (void)cmc_read_bytes(&r, size);
        }
        cmc_put_u8(out, ';');
    }
    cmc_put_u8(out, 0);
}

static void run_row(void **state)
{
    static const struct measure_rootfs_opts opts;
    const struct row *r = *state;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(TAR_MAX), shown = cmc_buf_of(TAR_MAX);
    struct measure_rootfs tree;
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    assert_int_equal(measure_image_new(&opts, &m, &err), 0);
    const int rc = load(r, m, &err);
    if (!r->want) {
        assert_int_equal(rc, -CMC_E_VERIFY);
        if (!strstr(err.msg, r->error))
            fail_msg("\"%s\" is not in \"%s\"", r->error, err.msg);
        return;
    }
    if (rc < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(measure_image_digest(m, false, -1, &listing, &tree, &err), 0);
    assert_int_equal(measure_listing_digest(listing.data, listing.len, digest, &err), 0);
    assert_memory_equal(digest, tree.digest, sizeof(digest));
    show(&listing, &shown);
    assert_string_equal((const char *)shown.data, r->want);
}

static void expect_digest(const struct measure_rootfs *tree, const char *want)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_hex(tree->digest, CMC_SHA256_LEN, hex);
    assert_string_equal(hex, want);
}

/* The example of docs/formats/image-references.md, and its contents. */
static const struct row example = {
    "",
    {{D("d"), {.name = "d/a", .type = '0', .content = "a"}},
     {{.name = "d/b", .type = '0', .mode = 0600, .uid = 1, .gid = 2, .content = "b"},
      F("d/.wh.a"),
      L("way", "d/b"),
      L("loop", "loop")}},
    "",
    NULL};

static int collect(const struct row *r, struct measure_image *m, int spool, struct cmc_err *err)
{
    for (size_t i = 0; i < LAYERS; i++) {
        cmc_autobuf struct cmc_buf tar = cmc_buf_of(TAR_MAX);
        struct tar_bed_source bytes;
        build(r->layer[i], &tar);
        const struct measure_source source = tar_bed_source(&bytes, &tar);
        if (measure_image_wants(m, i) && measure_image_collect(m, i, &source, spool, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static void contents(void **state)
{
    (void)state;
    static const struct measure_rootfs_opts opts;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
    cmc_autobuf struct cmc_buf text = cmc_buf_of(64);
    struct cmc_err err = {0};
    assert_int_equal(measure_image_new(&opts, &m, &err), 0);
    assert_int_equal(load(&example, m, &err), 0);
    assert_false(measure_image_wants(m, 0) || measure_image_wants(m, 1));
    assert_int_equal(measure_image_want(m, "/nothing/here", &err), 0);
    assert_int_equal(measure_image_want(m, "/d", &err), 0);
    assert_int_equal(measure_image_want(m, "loop/x", &err), -CMC_E_VERIFY);
    assert_false(measure_image_wants(m, 0) || measure_image_wants(m, 1));
    assert_int_equal(measure_image_want(m, "/way", &err), 0);
    assert_false(measure_image_wants(m, 0));
    assert_true(measure_image_wants(m, 1));
    assert_int_equal(collect(&example, m, spool, &err), 0);
    assert_int_equal(measure_image_read(m, "/d/b", spool, &text, &err), 1);
    assert_int_equal(measure_image_read(m, "way", spool, &text, &err), 1);
    assert_int_equal(text.len, 2);
    assert_memory_equal(text.data, "bb", 2);
    assert_int_equal(measure_image_read(m, "/d/a", spool, &text, &err), 0);
    assert_int_equal(measure_image_read(m, "/d", spool, &text, &err), -CMC_E_VERIFY);
}

/* Both digests of the tree without the two links. */
static void worked_example(void **state)
{
    (void)state;
    static const struct measure_rootfs_opts opts;
    struct row r = example;
    struct measure_rootfs tree;
    struct cmc_err err = {0};
    r.layer[1][2].name = NULL;
    for (int cmc = 0; cmc < 2; cmc++) {
        CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
        cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(measure_image_new(&opts, &m, &err), 0);
        assert_int_equal(load(&r, m, &err), 0);
        measure_image_want_all(m);
        assert_int_equal(collect(&r, m, spool, &err), 0);
        assert_int_equal(measure_image_digest(m, cmc, spool, NULL, &tree, &err), 0);
        assert_int_equal(tree.entries, 2);
        assert_int_equal(tree.files, 1);
        assert_int_equal(tree.bytes, 1);
        expect_digest(&tree,
                      cmc ? "4c6fb619e5d2a974ce790e9bd7b5270d02b747849ba3098f084854b2174b5dcd"
                          : "f20bd2366f0fbedf01a4beccea4081fd0b570f64db6b4b51e9ffa6634fde1ea1");
    }
}

/* A layer that is another one the second time. */
static void changed_meanwhile(void **state)
{
    (void)state;
    static const struct measure_rootfs_opts opts;
    struct row r = example;
    CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
    cmc_autofd int spool = memfd_create("test", MFD_CLOEXEC);
    struct cmc_err err = {0};
    assert_int_equal(measure_image_new(&opts, &m, &err), 0);
    assert_int_equal(load(&r, m, &err), 0);
    measure_image_want_all(m);
    r.layer[1][0].content = "bb";
    assert_int_equal(collect(&r, m, spool, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "layer 2 changed"));
}

static void file_max(void **state)
{
    (void)state;
    const struct measure_rootfs_opts small = {.file_max = 1}, none = {.file_max = 0};
    struct row r = example;
    struct cmc_err err = {0};
    r.layer[0][1].content = "aa";
    for (int i = 0; i < 2; i++) {
        CMC_CLEANUP(measure_image_freep) struct measure_image *m = NULL;
        assert_int_equal(measure_image_new(i ? &none : &small, &m, &err), 0);
        assert_int_equal(load(&r, m, &err), i ? 0 : -CMC_E_LIMIT);
    }
    assert_non_null(strstr(err.msg, "d/a: 2 bytes, at most 1"));
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){
            .name = rows[n].name, .test_func = run_row, .initial_state = &rows[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(contents);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(worked_example);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(changed_meanwhile);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(file_max);
    return cmocka_run_group_tests_name("measure/image", tests, NULL, NULL);
}
