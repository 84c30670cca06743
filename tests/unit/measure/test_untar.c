/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_untar.c -- headers field by field; what is refused, and with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tests/lib/tar_bed.h"

enum { TAR_MAX = 4 << 20, PATCHES = 3 };

struct patch { /* of the first header */
    size_t at;
    const char *bytes;
    size_t len; /* 0: strlen */
};

struct row {
    const char *name;
    struct tar_bed_member in;
    struct patch patch[PATCHES];
    const char *records; /* whole, before it */
    char special;        /* 'L' or 'K': text is its content */
    const char *text;
    const char *want;  /* what show() makes of the first member */
    const char *error; /* part of it */
};

static struct row rows[] = {
    {"a file",
     {.name = "a", .content = "hello", .uid = 5, .gid = 6, .mode = 04755},
     {{0}},
     NULL,
     0,
     NULL,
     "0 a mode 4755 5:6 size 5",
     NULL},
    {"no type is a file",
     {.name = "a", .type = 0},
     {{0}},
     NULL,
     0,
     NULL,
     "0 a mode 644 0:0 size 0",
     NULL},
    {"no type and a slash is a directory",
     {.name = "a/", .type = 0},
     {{0}},
     NULL,
     0,
     NULL,
     "5 a/ mode 644 0:0 size 0",
     NULL},
    {"a slash with a type is not",
     {.name = "a/", .type = '0'},
     {{0}},
     NULL,
     0,
     NULL,
     "0 a/ mode 644 0:0 size 0",
     NULL},
    {"a link",
     {.name = "l", .type = '2', .link = "to"},
     {{0}},
     NULL,
     0,
     NULL,
     "2 l -> to mode 644 0:0 size 0",
     NULL},
    {"a link has no content",
     {.name = "l", .type = '2', .link = "to", .size = 7},
     {{0}},
     NULL,
     0,
     NULL,
     "2 l -> to mode 644 0:0 size 0",
     NULL},
    {"a device",
     {.name = "c", .type = '3', .major = 4095, .minor = 1048575},
     {{0}},
     NULL,
     0,
     NULL,
     "3 c mode 644 0:0 size 0 4095:1048575",
     NULL},
    {"major too large",
     {.name = "c", .type = '3', .major = 4096},
     {{0}},
     NULL,
     0,
     NULL,
     NULL,
     "c: device 4096:0 does not exist"},
    {"minor too large",
     {.name = "b", .type = '4', .minor = 1048576},
     {{0}},
     NULL,
     0,
     NULL,
     NULL,
     "b: device 0:1048576"},
    {"a file's device does not count",
     {.name = "f", .type = '0', .major = 4096},
     {{0}},
     NULL,
     0,
     NULL,
     "0 f mode 644 0:0 size 0",
     NULL},
    {"a prefix",
     {.name = "a"},
     {{345, "dir/of", 0}},
     NULL,
     0,
     NULL,
     "0 dir/of/a mode 644 0:0 size 0",
     NULL},
    {"star's prefix is shorter",
     {.name = "a"},
     {{345, "dir", 0}, {476, "12345678901\0", 12}, {508, "tar\0", 4}},
     NULL,
     0,
     NULL,
     "0 dir/a mode 644 0:0 size 0",
     NULL},
    {"GNU has no prefix",
     {.name = "a"},
     {{257, "ustar  \0", 8}, {345, "00000000000", 11}},
     NULL,
     0,
     NULL,
     "0 a mode 644 0:0 size 0",
     NULL},
    {"GNU by an old Go has one",
     {.name = "a"},
     {{257, "ustar  \0", 8}, {345, "dir", 0}},
     NULL,
     0,
     NULL,
     "0 dir/a mode 644 0:0 size 0",
     NULL},
    {"no magic, no prefix, no devices",
     {.name = "c", .type = '3', .major = 9},
     {{257, "\0\0\0\0\0\0\0\0", 8}, {345, "dir", 0}},
     NULL,
     0,
     NULL,
     "3 c mode 644 0:0 size 0 0:0",
     NULL},
    {"a name of 100 bytes",
     {.name = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiii"
              "iiiiii"
              "jjjjjjjjjj"},
     {{0}},
     NULL,
     0,
     NULL,
     "0 aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiii"
     "jjjjjjjjjj mode 644 0:0 size 0",
     NULL},
    {"numbers with spaces",
     {.name = "a"},
     {{108, " 17 \0\0\0\0", 8}, {116, "21 \0zzzz", 8}},
     NULL,
     0,
     NULL,
     "0 a mode 644 15:17 size 0",
     NULL},
    {"numbers that are empty",
     {.name = "a"},
     {{108, "\0\0\0\0\0\0\0\0", 8}, {100, "        ", 8}},
     NULL,
     0,
     NULL,
     "0 a mode 0 0:0 size 0",
     NULL},
    {"binary numbers",
     {.name = "a"},
     {{108, "\x80\0\0\0\x12\x34\x56\x78", 8}},
     NULL,
     0,
     NULL,
     "0 a mode 644 305419896:0 size 0",
     NULL},
    {"a binary number beyond 63 bits",
     {.name = "a"},
     {{124, "\x80\0\0\x01\0\0\0\0\0\0\0\0", 12}},
     NULL,
     0,
     NULL,
     NULL,
     "a: a header with a number"},
    {"a negative binary number",
     {.name = "a"},
     {{108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8}},
     NULL,
     0,
     NULL,
     NULL,
     "a: owner"},
    {"a number that is none",
     {.name = "a"},
     {{108, "000008\0\0", 8}},
     NULL,
     0,
     NULL,
     NULL,
     "a: a header with a number that is none"},
    {"an owner of -1",
     {.name = "a"},
     {{108, "\x80\0\0\0\xff\xff\xff\xff", 8}},
     NULL,
     0,
     NULL,
     NULL,
     "a: owner 4294967295:0, below"},
    {"the largest owner",
     {.name = "a"},
     {{116, "\x80\0\0\0\xff\xff\xff\xfe", 8}},
     NULL,
     0,
     NULL,
     "0 a mode 644 0:4294967294 size 0",
     NULL},
    {"a type nobody unpacks",
     {.name = "a", .type = '7'},
     {{0}},
     NULL,
     0,
     NULL,
     NULL,
     "a: type 55; containerd unpacks"},
    {"GNU's sparse type", {.name = "a", .type = 'S'}, {{0}}, NULL, 0, NULL, NULL, "a: type 83"},
    {"records",
     {.name = "a", .type = '2'},
     {{0}},
     "12 path=n/m\n16 linkpath=l/l\n13 uid=70000\n11 gid=123\n5 x=\n",
     0,
     NULL,
     "2 n/m -> l/l mode 644 70000:123 size 0",
     NULL},
    {"records that are empty",
     {.name = "a", .uid = 3},
     {{0}},
     "8 path=\n7 uid=\n",
     0,
     NULL,
     "0 a mode 644 3:0 size 0",
     NULL},
    {"the last of two records",
     {.name = "a"},
     {{0}},
     "9 path=b\n9 path=c\n",
     0,
     NULL,
     "0 c mode 644 0:0 size 0",
     NULL},
    {"a long name",
     {.name = "short"},
     {{0}},
     NULL,
     'L',
     "long/name",
     "0 long/name mode 644 0:0 size 0",
     NULL},
    {"a long link",
     {.name = "l", .type = '2', .link = "short"},
     {{0}},
     NULL,
     'K',
     "long/link",
     "2 l -> long/link mode 644 0:0 size 0",
     NULL},
    {"a long name before a record",
     {.name = "short"},
     {{0}},
     "9 path=c\n",
     'L',
     "long",
     "0 long mode 644 0:0 size 0",
     NULL},
    {"a record too short",
     {.name = "a"},
     {{0}},
     "3 a=b\n",
     0,
     NULL,
     NULL,
     "extended header that is"},
    {"a record too long",
     {.name = "a"},
     {{0}},
     "99 a=b\n",
     0,
     NULL,
     NULL,
     "extended header that is"},
    {"a record without a key",
     {.name = "a"},
     {{0}},
     "5 =b\n",
     0,
     NULL,
     NULL,
     "extended header that"},
    {"a record without a value",
     {.name = "a"},
     {{0}},
     "5 ab\n",
     0,
     NULL,
     NULL,
     "extended header that"},
    {"a record without an end",
     {.name = "a"},
     {{0}},
     "6 a=bcc",
     0,
     NULL,
     NULL,
     "extended header that"},
    {"a length that is none",
     {.name = "a"},
     {{0}},
     "+6 a=b\n",
     0,
     NULL,
     NULL,
     "extended header that"},
    {"a uid that is none", {.name = "a"}, {{0}}, "8 uid=-\n", 0, NULL, NULL, "bad value of uid"},
    {"a size beyond files",
     {.name = "a"},
     {{0}},
     "28 size=9223372036854775808\n",
     0,
     NULL,
     NULL,
     "a size that no file has"},
    {"a sparse file",
     {.name = "a"},
     {{0}},
     "22 GNU.sparse.major=1\n",
     0,
     NULL,
     NULL,
     "a sparse file"},
    {"a wrong checksum",
     {.name = "a"},
     {{1000, "", 0}},
     NULL,
     0,
     NULL,
     NULL,
     "the checksum of a header is wrong"},
    {"a signed checksum",
     {.name = "\xff"},
     {{1001, "", 0}},
     NULL,
     0,
     NULL,
     "0 \xff mode 644 0:0 size 0",
     NULL},
};

/* Patches the header that begins at; 1000 breaks its checksum, 1001 adds signed bytes. */
static void patch(struct cmc_buf *tar, size_t at, const struct patch *p)
{
    uint8_t block[512];
    memcpy(block, tar->data + at, 512);
    for (size_t i = 0; i < PATCHES && p[i].bytes && p[i].at < 1000; i++)
        memcpy(block + p[i].at, p[i].bytes, p[i].len ? p[i].len : strlen(p[i].bytes));
    cmc_autobuf struct cmc_buf again = cmc_buf_of(512);
    tar_bed_block(&again, block);
    if (p[0].at == 1000)
        again.data[150] ^= 1;
    if (p[0].at == 1001) {
        char text[8];
        int sum = 8 * ' ';
        for (size_t i = 0; i < 512; i++)
            sum += i >= 148 && i < 156 ? 0 : (int8_t)again.data[i];
        (void)snprintf(text, sizeof(text), "%06o", (unsigned)sum);
        memcpy(again.data + 148, text, 7);
    }
    memcpy(tar->data + at, again.data, 512);
}

static void build(const struct row *r, struct cmc_buf *tar)
{
    if (r->records)
        tar_bed_put(tar, &(struct tar_bed_member){.name = "x", .type = 'x', .content = r->records});
    if (r->special) { /* what is behind its first zero byte does not count */
        char text[64] = "";
        memset(text, 'z', sizeof(text));
        memcpy(text, r->text, strlen(r->text) + 1);
        tar_bed_put(tar,
                    &(struct tar_bed_member){
                        .name = "x", .type = r->special, .content = text, .size = sizeof(text)});
    }
    const size_t at = tar->len;
    tar_bed_put(tar, &r->in);
    patch(tar, at, r->patch);
    tar_bed_put(tar, &(struct tar_bed_member){.name = "next", .type = '5'});
    tar_bed_end(tar);
}

static void show(const struct measure_untar_member *m, char *out, size_t cap)
{
    char link[128] = "", device[64] = "";
    if (m->type == '1' || m->type == '2')
        (void)snprintf(link, sizeof(link), " -> %s", (const char *)m->link.p);
    if (m->type == '3' || m->type == '4')
        (void)snprintf(device, sizeof(device), " %u:%u", m->major, m->minor);
    (void)snprintf(out, cap, "%c %s%s mode %o %u:%u size %llu%s", m->type, (const char *)m->name.p,
                   link, m->mode, m->uid, m->gid, (unsigned long long)m->size, device);
}

static void run_row(void **state)
{
    const struct row *r = *state;
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(TAR_MAX);
    CMC_CLEANUP(measure_untar_done) struct measure_untar t;
    struct tar_bed_source bytes;
    struct measure_untar_member m;
    struct cmc_err err = {0};
    char got[256];
    build(r, &tar);
    const struct measure_source source = tar_bed_source(&bytes, &tar);
    measure_untar_init(&t, &source);
    const int rc = measure_untar_next(&t, &m, &err);
    if (r->error) {
        assert_true(rc < 0);
        assert_int_equal(rc, -(int)err.code);
        if (!strstr(err.msg, r->error))
            fail_msg("\"%s\" is not in \"%s\"", r->error, err.msg);
        return;
    }
    if (rc != 1)
        fail_msg("%d: %s", rc, err.msg);
    show(&m, got, sizeof(got));
    assert_string_equal(got, r->want);
    assert_int_equal(measure_untar_next(&t, &m, &err), 1);
    assert_string_equal((const char *)m.name.p, "next");
    assert_int_equal(measure_untar_next(&t, &m, &err), 0);
}

/* Content comes whole, in parts, or is passed over; the end is what ends an archive. */
static void content_and_end(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(TAR_MAX);
    uint8_t large[1500], back[1600];
    struct cmc_err err = {0};
    memset(large, 'x', sizeof(large));
    tar_bed_put(&tar,
                &(struct tar_bed_member){.name = "a", .content = large, .size = sizeof(large)});
    tar_bed_put(&tar, &(struct tar_bed_member){.name = "b", .content = "bb"});
    const size_t whole = tar.len;
    tar_bed_end(&tar);
    for (size_t len = 0; len <= tar.len; len++) { /* cut anywhere */
        struct tar_bed_source bytes;
        const struct cmc_buf cut = {.data = tar.data, .len = len};
        const struct measure_source source = tar_bed_source(&bytes, &cut);
        CMC_CLEANUP(measure_untar_done) struct measure_untar t;
        struct measure_untar_member m;
        size_t got = 0, members = 0;
        int rc;
        measure_untar_init(&t, &source);
        while ((rc = measure_untar_next(&t, &m, &err)) > 0)
            if (++members == 1 && measure_untar_read(&t, back, 700, &got, &err) == 0)
                assert_memory_equal(back, large, got);
        const bool good = len == 0 || len == 2048 || len >= whole;
        if (len % 512 == 0 || len < 512 || len > whole)
            assert_int_equal(rc == 0, good && (len % 512 == 0 || len == 0));
        assert_true(rc <= 0);
    }
}

static void data_behind_the_end(void **state)
{
    (void)state;
    static const uint8_t zeros[512];
    cmc_autobuf struct cmc_buf tar = cmc_buf_of(TAR_MAX);
    CMC_CLEANUP(measure_untar_done) struct measure_untar t;
    struct tar_bed_source bytes;
    struct measure_untar_member m;
    struct cmc_err err = {0};
    cmc_put(&tar, zeros, sizeof(zeros));
    tar_bed_put(&tar, &(struct tar_bed_member){.name = "b", .content = "bb"});
    const struct measure_source source = tar_bed_source(&bytes, &tar);
    measure_untar_init(&t, &source);
    assert_int_equal(measure_untar_next(&t, &m, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "behind the archive's end"));
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){
            .name = rows[n].name, .test_func = run_row, .initial_state = &rows[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(content_and_end);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(data_behind_the_end);
    return cmocka_run_group_tests_name("measure/untar", tests, NULL, NULL);
}
