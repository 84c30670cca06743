/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_tar.c -- headers about every limit of the form; their digests are
 * those of the oracle (tests/oracle/cmc_rootfs.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/rootfs_tar.h"
#include "tests/lib/rows.h"

struct row {
    const char *title;
    const char *name, *link; /* c{n} is c n times */
    char type;               /* 0: a regular file */
    uint32_t mode, uid, gid, major, minor;
    uint64_t size;
    size_t capability, len;
    const char *digest; /* of the headers, its first 8 bytes */
};

static struct row rows[] = {
    {"a short name", .name = "a", .mode = 0644, .size = 3U, .len = 512,
     .digest = "d2e6aa10ece31929"},
    {"a name of 100 bytes", .name = "n{100}", .mode = 0644, .len = 512,
     .digest = "54de308c6e4119e5"},
    {"101 bytes without a slash", .name = "n{101}", .mode = 0644, .len = 1536,
     .digest = "5799a384e0ea5d49"},
    {"a prefix of 155 bytes", .name = "p{155}/n{100}", .mode = 0644, .len = 512,
     .digest = "08b0763a11d5a0a9"},
    {"the second slash is too late", .name = "p{70}/q{90}/n{95}", .mode = 0644, .len = 1536,
     .digest = "3f9a9f6853edb0b4"},
    {"a prefix of 156 bytes", .name = "p{156}/n{99}", .mode = 0644, .len = 1536,
     .digest = "6da3121e8b2a6ca6"},
    {"a name of 101 bytes behind a prefix", .name = "p{155}/n{101}", .mode = 0644, .len = 1536,
     .digest = "8f5ba2c03f63f663"},
    {"the last slash before byte 156 counts", .name = "p{50}/q{50}/r{52}/n{60}", .mode = 0644,
     .len = 512, .digest = "659cdc27d0ba7ff4"},
    {"a slash at byte 156 is too late", .name = "p{50}/q{104}r/n{20}/m{40}", .mode = 0644,
     .len = 1536, .digest = "ae50caa7233cd5cd"},
    {"a directory of 99 bytes", .name = "d{99}/", .type = '5', .mode = 0755, .len = 512,
     .digest = "ec8e0a8d371ca485"},
    {"a directory of 100 bytes", .name = "d{100}/", .type = '5', .mode = 0755, .len = 1536,
     .digest = "5eae3eb1fa0bdbc6"},
    {"a directory that splits", .name = "p/d{99}/", .type = '5', .mode = 0755, .len = 512,
     .digest = "eebce2a2d3b60ead"},
    {"a directory behind a prefix of 155", .name = "p{155}/d{99}/", .type = '5', .mode = 0755,
     .len = 512, .digest = "13529d75fbeff50d"},
    {"not ASCII", .name = "caf\xc3\xa9", .mode = 0644, .len = 1536, .digest = "07988abaa9078d4a"},
    {"not UTF-8",
     .name = "a\xff"
             "b\xe2\x82",
     .mode = 0644, .len = 1536, .digest = "84f84fb8a709c652"},
    {"not ASCII and long", .name = "p{60}/\xc3\xa9{60}/x", .mode = 0644, .len = 1536,
     .digest = "499b30d0805d96c0"},
    {"control characters are plain", .name = "\x01\x1f\x7f", .mode = 0644, .len = 512,
     .digest = "f17b040a64465020"},
    {"nothing of the name is ASCII", .name = "\xc3\xa9/", .type = '5', .mode = 0755, .len = 1536,
     .digest = "93a4ba6a032d72b1"},
    {"cut behind a slash", .name = "a{99}/b{101}", .mode = 0644, .len = 1536,
     .digest = "ee948657465613d9"},
    {"cut behind two slashes, of which one goes", .name = "a{98}/\xc3\xa9/b{101}", .mode = 0644,
     .len = 1536, .digest = "64a57b054355cef9"},
    {"nothing but slashes", .name = "\xff/\xff/\xff/\xff{110}/\xff", .mode = 0644, .len = 1536,
     .digest = "cdc430696ee75786"},
    {"cut in a folder for records", .name = "p{95}/q{101}", .mode = 0644, .len = 1536,
     .digest = "d5f43494d8ef3f7e"},
    {"a folder for records that ends in slashes", .name = "p{86}/\xff/\xff/", .type = '5',
     .mode = 0644, .len = 1536, .digest = "18adeffa2f853549"},
    {"a link of 100 bytes", .name = "s", .link = "t{100}", .type = '2', .mode = 0777, .len = 512,
     .digest = "5c8ea327512f0b7c"},
    {"a link of 101 bytes", .name = "s", .link = "t{101}", .type = '2', .mode = 0777, .len = 1536,
     .digest = "1bb829ec3b6b5e3a"},
    {"a link that is not ASCII", .name = "s", .link = "\xe2\x82\xac", .type = '2', .mode = 0777,
     .len = 1536, .digest = "5862e3007dc51d95"},
    {"a link cut behind a slash", .name = "s", .link = "t{99}/u", .type = '2', .mode = 0777,
     .len = 1536, .digest = "3d26af8aaf87473c"},
    {"another name", .name = "twin", .link = "first", .type = '1', .mode = 0600, .uid = 5U,
     .len = 512, .digest = "c2956b77162c51c0"},
    {"another name with a capability", .name = "twin", .link = "f{130}", .type = '1', .mode = 0755,
     .capability = 20, .len = 1536, .digest = "16bebb18279d5358"},
    {"the largest ids of a header", .name = "a", .mode = 0644, .uid = 2097151U, .gid = 2097151U,
     .len = 512, .digest = "469a5b49e99a8607"},
    {"a uid above", .name = "a", .mode = 0644, .uid = 2097152U, .len = 1536,
     .digest = "700b65d26247368a"},
    {"a gid above", .name = "a", .mode = 0644, .gid = 4294967295U, .len = 1536,
     .digest = "0e1dabedbe8dcade"},
    {"the largest size of a header", .name = "a", .mode = 0644, .size = 8589934591U, .len = 512,
     .digest = "0b5f90874b27b051"},
    {"a size above", .name = "a", .mode = 0644, .size = 8589934592U, .len = 1536,
     .digest = "41f30ce7be647dff"},
    {"the largest size", .name = "a", .mode = 0644, .size = 18446744073709551615U, .len = 1536,
     .digest = "79d60aed1129f271"},
    {"a path of 101 bytes beside a record", .name = "p{50}/n{50}", .mode = 0644, .uid = 2097152U,
     .len = 1536, .digest = "fe873f193a3586dd"},
    {"a character device", .name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3,
     .len = 512, .digest = "486a61edf2079561"},
    {"a block device of the largest numbers", .name = "disk", .type = '4', .mode = 0660,
     .major = 4095, .minor = 1048575, .len = 512, .digest = "2ec869d972032c95"},
    {"a FIFO", .name = "pipe", .type = '6', .mode = 07777, .len = 512,
     .digest = "d6f723707382132e"},
    {"a capability", .name = "ping", .mode = 0755, .capability = 20, .len = 1536,
     .digest = "aeece7695bb74cee"},
    {"the largest capability", .name = "ping", .mode = 0644, .capability = 256, .len = 1536,
     .digest = "ce705abf539191c0"},
    {"everything at once", .name = "p{90}/\xc3\xa9{20}/n{200}", .mode = 04755, .uid = 2097152U,
     .gid = 2097153U, .size = 8589934592U, .capability = 24, .len = 1536,
     .digest = "4d8904223c9858ce"},
    {"a record about a power of ten: 89", .name = "\xffn{89}", .mode = 0644, .len = 1536,
     .digest = "081cf0c1088ccc9f"},
    {"a record about a power of ten: 90", .name = "\xffn{90}", .mode = 0644, .len = 1536,
     .digest = "be1582ed2503905f"},
    {"a record about a power of ten: 91", .name = "\xffn{91}", .mode = 0644, .len = 1536,
     .digest = "b4d5b821fa591c5f"},
    {"a record about a power of ten: 92", .name = "\xffn{92}", .mode = 0644, .len = 1536,
     .digest = "3c027be39387d647"},
    {"a record about a power of ten: 93", .name = "\xffn{93}", .mode = 0644, .len = 1536,
     .digest = "06661787dd798b02"},
    {"a record about a power of ten: 986", .name = "\xffn{986}", .mode = 0644, .len = 2048,
     .digest = "0699672df5dd18b4"},
    {"a record about a power of ten: 987", .name = "\xffn{987}", .mode = 0644, .len = 2048,
     .digest = "648a9f37226773b3"},
    {"a record about a power of ten: 988", .name = "\xffn{988}", .mode = 0644, .len = 2048,
     .digest = "66b30e48b51d661a"},
    {"a record about a power of ten: 989", .name = "\xffn{989}", .mode = 0644, .len = 2048,
     .digest = "4adf8d794adeeb9d"},
    {"a record about a power of ten: 990", .name = "\xffn{990}", .mode = 0644, .len = 2048,
     .digest = "f0feadc34d6a22d8"},
    {"a record about a power of ten: 991", .name = "\xffn{991}", .mode = 0644, .len = 2048,
     .digest = "704ae470f3340841"},
    {"the longest texts", .name = "p{4095}", .link = "t{4095}", .type = '2', .mode = 0777,
     .len = 9728, .digest = "baa496e4ffc88408"},
};

static void expand(const char *pattern, struct cmc_buf *out)
{
    *out = cmc_buf_of(8192);
    for (const char *c = pattern; c && *c; c++) {
        char *end = NULL;
        const bool many = c[1] == '{';
        const unsigned long n = many ? strtoul(c + 2, &end, 10) : 1;
        for (unsigned long i = 0; i < n; i++)
            cmc_put(out, c, 1);
        c = many ? end : c;
    }
    assert_false(out->bad);
}

static struct measure_bytes bytes_of(const struct cmc_buf *b)
{
    return (struct measure_bytes){b->data, b->len};
}

static void run_row(void **state)
{
    const struct row *row = *state;
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf name = {0};
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf link = {0};
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf out = cmc_buf_of(MEASURE_TAR_HEADERS_MAX + 1);
    uint8_t capability[256], digest[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    struct cmc_err err = {0};
    for (size_t i = 0; i < sizeof(capability); i++)
        capability[i] = (uint8_t)(i * 7);
    expand(row->name, &name);
    expand(row->link, &link);
    const struct measure_tar_entry e = {.name = bytes_of(&name),
                                        .link = bytes_of(&link),
                                        .type = (char)(row->type ? row->type : '0'),
                                        .mode = row->mode,
                                        .uid = row->uid,
                                        .gid = row->gid,
                                        .major = row->major,
                                        .minor = row->minor,
                                        .size = row->size,
                                        .capability = {capability, row->capability}};
    cmc_put_u8(&out, 'x'); /* is kept */
    assert_int_equal(measure_tar_header(&e, &out, &err), 0);
    assert_int_equal(out.len - 1, row->len);
    assert_int_equal(out.data[0], 'x');
    cmc_sha256(out.data + 1, out.len - 1, digest);
    cmc_hex(digest, sizeof(digest), hex);
    hex[16] = 0;
    assert_string_equal(hex, row->digest);
}

#define TEXT(s)                                                                                    \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }
static const uint8_t many[5000] = {[0 ... 4999] = 'x'};

static struct fault {
    const char *title;
    struct measure_tar_entry e;
    enum cmc_code code;
} faults[] = {
    {"no name", {.type = '0'}, CMC_E_FORMAT},
    {"a zero byte in a name", {.name = TEXT("a\0b"), .type = '0'}, CMC_E_FORMAT},
    {"a name of 4,096 bytes", {.name = {many, 4096}, .type = '0'}, CMC_E_LIMIT},
    {"a file that ends in a slash", {.name = TEXT("a/"), .type = '0'}, CMC_E_FORMAT},
    {"a directory that does not", {.name = TEXT("a"), .type = '5'}, CMC_E_FORMAT},
    {"a target of 4,096 bytes",
     {.name = TEXT("a"), .link = {many, 4096}, .type = '2'},
     CMC_E_LIMIT},
    {"a zero byte in a target", {.name = TEXT("a"), .link = TEXT("\0"), .type = '2'}, CMC_E_FORMAT},
    {"a link without a target", {.name = TEXT("a"), .type = '2'}, CMC_E_FORMAT},
    {"a hard link without a name", {.name = TEXT("a"), .type = '1'}, CMC_E_FORMAT},
    {"a file with a target", {.name = TEXT("a"), .link = TEXT("b"), .type = '0'}, CMC_E_FORMAT},
    {"type 7", {.name = TEXT("a"), .type = '7'}, CMC_E_FORMAT},
    {"type /", {.name = TEXT("a"), .type = '/'}, CMC_E_FORMAT},
    {"a FIFO with a size", {.name = TEXT("a"), .type = '6', .size = 1}, CMC_E_FORMAT},
    {"a mode of 13 bits", {.name = TEXT("a"), .type = '0', .mode = 010000}, CMC_E_LIMIT},
    {"a major of 22 bits", {.name = TEXT("a"), .type = '3', .major = 010000000}, CMC_E_LIMIT},
    {"a minor of 22 bits", {.name = TEXT("a"), .type = '4', .minor = 010000000}, CMC_E_LIMIT},
    {"a capability of 257 bytes",
     {.name = TEXT("a"), .type = '0', .capability = {many, 257}},
     CMC_E_LIMIT},
};

static void run_fault(void **state)
{
    const struct fault *row = *state;
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf out = cmc_buf_of(MEASURE_TAR_HEADERS_MAX);
    struct cmc_err err = {0};
    cmc_put_u8(&out, 'x');
    assert_int_equal(measure_tar_header(&row->e, &out, &err), -(int)row->code);
    assert_int_equal(err.code, row->code);
    assert_int_equal(out.len, 1);
}

static void no_room_leaves_the_output_alone(void **state)
{
    (void)state;
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf out = cmc_buf_of(1535);
    const struct measure_tar_entry e = {.name = TEXT("\xff"), .type = '0'};
    struct cmc_err err = {0};
    assert_int_equal(measure_tar_header(&e, &out, &err), -CMC_E_LIMIT);
    assert_int_equal(out.len, 0);
}

static void padding_fills_a_block(void **state)
{
    (void)state;
    assert_int_equal(measure_tar_padding(0), 0);
    assert_int_equal(measure_tar_padding(1), 511);
    assert_int_equal(measure_tar_padding(512), 0);
    assert_int_equal(measure_tar_padding(UINT64_MAX), 1);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows) + ROWS(faults) + 2];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].title, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(faults); i++)
        tests[n++] = (struct CMUnitTest){faults[i].title, run_fault, NULL, NULL, &faults[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_room_leaves_the_output_alone);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(padding_fills_a_block);
    return _cmocka_run_group_tests("measure/rootfs_tar", tests, n, NULL, NULL);
}
