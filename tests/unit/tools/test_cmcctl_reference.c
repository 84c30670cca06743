/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_reference.c -- options, references gathered, and the manifest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/options.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl_reference.h"

enum { WORDS = 12, PAST = 1700000000 };

static int parse(const char *line, struct ctl_reference_options *out, struct cmc_err *err)
{
    static char text[1024];
    char *argv[WORDS + 1] = {0}, *save = NULL;
    int argc = 0;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *p = strtok_r(text, " ", &save); p && argc < WORDS; p = strtok_r(NULL, " ", &save))
        argv[argc++] = p;
    memset(out, 0x5a, sizeof(*out));
    return cmcctl_reference_options(argc, argv, out, err);
}

static void test_pcrs(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        uint32_t selected; /* 0: refused */
    } rows[] = {
        {"0", 1},         {"0-7", 0xff}, {"8,9,12-15", 0xf300},
        {"23", 1U << 23}, {"3-3", 8},    {"1,1", 2},
        {"", 0},          {",", 0},      {"-", 0},
        {"-7", 0},        {"7-", 0},     {"7-0", 0},
        {"0-", 0},        {"24", 0},     {"0-24", 0},
        {"100", 0},       {"1,", 0},     {",1", 0},
        {"1 2", 0},       {"0x1", 0},    {"1-2-3", 0},
        {"sha256:1", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char list[64];
        char *argv[] = {(char[]){"reference"}, (char[]){"--name=n"}, list, NULL};
        struct ctl_reference_options o = {.selected = 0x5a5a};
        struct cmc_err err = {0};
        (void)snprintf(list, sizeof(list), "--pcrs=%s", rows[i].list);
        const int rc = cmcctl_reference_options(3, argv, &o, &err);
        if (rc != (rows[i].selected ? CMC_OPTIONS_RUN : -CMC_E_USAGE))
            fail_msg("\"%s\": %d %s", rows[i].list, rc, err.msg);
        assert_int_equal(o.selected, rows[i].selected ? rows[i].selected : 0x5a5a);
    }
}

static void test_options_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"reference", "--name NAME"},
        {"reference --pcrs 0", "--name NAME"},
        {"reference --name n", "references of what?"},
        {"reference --name n --programs --from-log", "of which PCRs?"},
        {"reference --name n --pcrs 0 --from-log --from-values", "does not go"},
        {"reference --name n --pcrs 0 --bank md5", "--bank takes"},
        {"reference --name n --program /usr/sbin/runc", "--program /usr/sbin/runc: expected shim"},
        {"reference --name n --program =/usr/sbin/runc", "expected shim"},
        {"reference --name n --pcrs 0 --level 9", "--level takes"},
        {"reference --name n --pcrs 0 --days 0", "--days takes"},
        {"reference --name n --pcrs 0 --days 36501", "--days takes"},
        {"reference --name n --pcrs 0 --format xml", "--format takes"},
        {"reference --name n --pcrs 0 more", "no arguments"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ctl_reference_options o, before;
        struct cmc_err err = {0};
        memset(&before, 0x5a, sizeof(before));
        const int rc = parse(rows[i].line, &o, &err);
        if (rc != -CMC_E_USAGE || !strstr(err.msg, rows[i].says))
            fail_msg("%s: %d: %s", rows[i].line, rc, err.msg);
        assert_memory_equal(&o, &before, sizeof(o));
    }
}

static void test_programs_named(void **state)
{
    (void)state;
    static const struct cmc_opt_list good = {{"runc=/dev/null", "shim=/proc/self/exe"}, 2},
                                     bad = {{"runc=/no=such"}, 1};
    static const uint8_t empty[] = {0xe3, 0xb0, 0xc4, 0x42}; /* SHA-256 of nothing */
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    assert_int_equal(cmcctl_reference_files(&good, &all, &err), 0);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.component[0].name, "/dev/null");
    assert_string_equal(meta_component_property(&all.component[0], "cmc.program"), "runc");
    assert_null(meta_component_property(&all.component[0], "cmc.index"));
    assert_memory_equal(all.component[0].hash->content.data, empty, sizeof(empty));
    assert_string_equal(meta_component_property(&all.component[1], "cmc.program"), "shim");
    assert_memory_not_equal(all.component[1].hash->content.data, empty, sizeof(empty));
    assert_int_equal(cmcctl_reference_files(&bad, &all, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "open /no=such"));
    cmcctl_references_done(&all);
}

static void test_manifest(void **state)
{
    (void)state;
    const uint8_t digest[CMC_SHA256_LEN] = {0xab};
    const struct ctl_reference_options o = {
        .name = "n", .format = "json", .days = 1, .level = 3, .description = "d"};
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    struct meta_item item;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16);
    assert_int_equal(cmcctl_references_add(&all,
                                           &(struct ctl_reference){.type = "firmware",
                                                                   .name = "PCR Summary",
                                                                   .alg = CMC_ALG_SHA256,
                                                                   .digest = digest,
                                                                   .index = "7"},
                                           &err),
                     0);
    assert_int_equal(cmcctl_references_add(&all,
                                           &(struct ctl_reference){.type = "application",
                                                                   .name = "/p",
                                                                   .description = "x",
                                                                   .alg = CMC_ALG_SHA256,
                                                                   .digest = digest,
                                                                   .program = "shim",
                                                                   .optional = true},
                                           &err),
                     0);
    if (cmcctl_references_put(&all, &o, PAST, &out, &err) < 0)
        fail_msg("%s", err.msg);
    cmcctl_references_done(&all);
    if (meta_item_decode(out.data, out.len, &item, &err) < 0)
        fail_msg("%s in %.*s", err.msg, (int)out.len, (const char *)out.data);
    assert_int_equal(item.kind, META_MANIFEST);
    assert_string_equal(item.info.version, "2023-11-14T22:13:20Z");
    assert_string_equal(item.info.not_before, "2023-11-14T22:13:20Z");
    assert_string_equal(item.info.not_after, "2023-11-15T22:13:20Z");
    assert_string_equal(item.manifest.base_layers.at[0], "n");
    assert_int_equal(item.manifest.cert_level, 3);
    assert_int_equal(item.manifest.component_count, 2);
    const struct meta_component *c = item.manifest.component;
    assert_string_equal(c[0].name, "PCR Summary");
    assert_string_equal(meta_component_property(&c[0], "cmc.ta"), "TPM");
    assert_string_equal(meta_component_property(&c[0], "cmc.index"), "7");
    assert_memory_equal(meta_component_hash(&c[0], "SHA-256")->data, digest, sizeof(digest));
    assert_string_equal(meta_component_property(&c[1], "cmc.program"), "shim");
    assert_true(c[1].optional && !c[0].optional);
    meta_item_done(&item);
}

static void put_le32(struct cmc_buf *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        cmc_put_u8(b, (uint8_t)(v >> 8 * i));
}

static void put_ima(struct cmc_buf *b, uint32_t pcr, const char *name, const char *path)
{
    static const uint8_t digest[7 + 1 + 32] = "sha256:";
    const uint32_t path_len = (uint32_t)strlen(path) + 1;
    put_le32(b, pcr);
    cmc_put(b, digest + 8, 20);
    put_le32(b, (uint32_t)strlen(name));
    cmc_put_text(b, name);
    put_le32(b, (uint32_t)sizeof(digest) + 8 + path_len);
    put_le32(b, sizeof(digest));
    cmc_put(b, digest, sizeof(digest));
    put_le32(b, path_len);
    cmc_put(b, path, path_len);
}

static void test_ima(void **state)
{
    (void)state;
    struct ctl_references all = {0};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf log = cmc_buf_of(1 << 16);
    put_ima(&log, 10, "ima-ng", "/usr/bin/sh");
    const size_t first = log.len;
    put_ima(&log, 10, "ima-sig", "boot_aggregate");
    const size_t whole = log.len;
    if (cmcctl_reference_ima(log.data, log.len, &all, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.component[0].name, "sh");
    assert_string_equal(all.component[0].description, "/usr/bin/sh");
    assert_true(all.component[0].optional);
    assert_string_equal(meta_component_property(&all.component[0], "cmc.index"), "10");
    assert_string_equal(all.component[1].name, "boot_aggregate");
    /* the digest is that of the template's data */
    uint8_t want[CMC_SHA256_LEN];
    cmc_sha256(log.data + 4 + 20 + 4 + 6 + 4, 4 + 40 + 4 + 12, want);
    assert_memory_equal(all.component[0].hash->content.data, want, sizeof(want));
    cmcctl_references_done(&all);
    for (size_t len = 1; len < whole; len++) { /* truncated at every byte */
        uint8_t *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, log.data, len);
        const int rc = cmcctl_reference_ima(copy, len, &all, &err);
        assert_int_equal(rc, len == first ? 0 : -CMC_E_FORMAT);
        free(copy);
        cmcctl_references_done(&all);
    }
}

static void test_ima_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t pcr;
        const char *name, *path, *says;
    } rows[] = {
        {10, "ima", "/f", "template ima: only"},
        {11, "ima-ng", "/f", "PCR 11, expected 10"},
        {10, "", "/f", "name of 0 bytes"},
        {10, "ima-ng", "", "it names no file"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ctl_references all = {0};
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf log = cmc_buf_of(1 << 16);
        put_ima(&log, rows[i].pcr, rows[i].name, rows[i].path);
        assert_int_equal(cmcctl_reference_ima(log.data, log.len, &all, &err), -CMC_E_FORMAT);
        if (!strstr(err.msg, rows[i].says) || !strstr(err.msg, "IMA log: measurement 0"))
            fail_msg("row %zu: %s", i, err.msg);
        cmcctl_references_done(&all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcrs),     cmocka_unit_test(test_options_refused),
        cmocka_unit_test(test_manifest), cmocka_unit_test(test_programs_named),
        cmocka_unit_test(test_ima),      cmocka_unit_test(test_ima_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
