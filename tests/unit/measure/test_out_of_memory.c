/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_out_of_memory.c -- each allocation of measure/ fails once: an error, no
 * crash, no leak, outputs as before. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include "measure/cel.h"
#include "measure/config_cmc.h"
#include "measure/reference.h"
#include "measure/rootfs_cmc.h"
#include "measure/rootfs_layers.h"
#include "measure/rootfs_stamp.h"
#include "tests/lib/fail_alloc.h"
#include "tests/tools/logs.h"

static const uint8_t key[32] = {1, 2, 3};
static char json[1 << 16]; /* a real config.json */
static size_t json_len;
static struct measure_config config;    /* of it */
static struct measure_config normal[2]; /* normal forms of it and of another container's */
static struct logs logs;
static struct tree tree;

/* ---- configurations ---------------------------------------------------------------------------
 */

static int digest_config(struct cmc_err *err)
{
    static const struct measure_config_opts opts = {"runc", "/bundle", key};
    struct measure_config c, poison;
    memset(&poison, 0xaa, sizeof(poison));
    c = poison;
    const int rc = measure_config(json, json_len, &opts, &c, err);
    if (rc < 0)
        assert_memory_equal(&c, &poison, sizeof(c));
    else
        measure_config_done(&c);
    return rc;
}

static int digest_detail(struct cmc_err *err)
{
    uint8_t got[CMC_SHA256_LEN] = {7};
    const int rc =
        measure_config_detail_digest(config.detail.data, config.detail.len, key, got, err);
    assert_int_equal(got[0], rc < 0 ? 7 : config.digest[0]);
    return rc;
}

static int withhold(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    return measure_config_detail_withhold(config.detail.data, config.detail.len, key, &out, err);
}

static void count_change(void *ctx, const char *path, const char *before, const char *after)
{
    (void)path;
    (void)before;
    (void)after;
    ++*(unsigned *)ctx;
}

static int compare_details(struct cmc_err *err)
{
    static char other[] = "{\"process\":{\"args\":[\"a\"],\"env\":[{\"name\":\"PATH\",\"value\":"
                          "\"x\"},{\"name\":\"PATH\",\"value\":\"y\"}]}}";
    const struct cmc_buf b = {.data = (uint8_t *)other, .len = sizeof(other) - 1};
    unsigned changes = 0;
    const int rc = measure_config_diff(&config.detail, &b, count_change, &changes, err);
    assert_true(rc < 0 || changes > 0);
    return rc;
}

static int digest_config_cmc(struct cmc_err *err)
{
    static const struct measure_config_cmc_opts opts = {.container_id = "runc"};
    struct measure_config c, poison;
    memset(&poison, 0xaa, sizeof(poison));
    c = poison;
    const int rc = measure_config_cmc(json, json_len, &opts, &c, err);
    if (rc < 0)
        assert_memory_equal(&c, &poison, sizeof(c));
    else
        measure_config_done(&c);
    return rc;
}

static int compare_normal_forms(struct cmc_err *err)
{
    unsigned changes = 0;
    const int rc =
        measure_config_cmc_diff(&normal[0].detail, &normal[1].detail, count_change, &changes, err);
    assert_true(rc < 0 || changes > 0);
    return rc;
}

static int put_references(struct cmc_err *err)
{
    const struct measure_reference one = {.profile = MEASURE_PROFILE_EXACT,
                                          .name = "web",
                                          .pcr = 13,
                                          .config = &config,
                                          .rootfs = key,
                                          .redaction_key = key};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc = measure_references_put(&out, &one, 1, err);
    assert_true(rc == 0 ? out.len > 0 : out.len == 0);
    return rc;
}

/* ---- the log -----------------------------------------------------------------------------------
 */

static int encode_event(struct cmc_err *err)
{
    const struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(MEASURE_EVENT_MAX);
    const int rc = measure_event_encode(&ev, &out, err);
    assert_true(rc == 0 ? out.len > 0 : out.len == 0);
    return rc;
}

static int decode_event(struct cmc_err *err)
{
    static struct logs_record records[16];
    struct measure_event ev, poison;
    char *const untouched = (char *)records, *storage = untouched;
    const size_t n = logs_split(&logs, records, ROWS(records));
    assert_true(n > 2);
    memset(&poison, 0xaa, sizeof(poison));
    ev = poison;
    const int rc =
        measure_event_decode(records[2].content, records[2].frame.content_len, &ev, &storage, err);
    if (rc < 0) {
        assert_memory_equal(&ev, &poison, sizeof(ev));
        assert_ptr_equal(storage, untouched);
        return rc;
    }
    free(storage);
    return 0;
}

static int encode_frame(struct cmc_err *err)
{
    const struct measure_frame mark = {
        .type = MEASURE_FRAME_MARK, .recnum = 1, .how = MEASURE_MARK_DONE, .values = logs.pcr};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(MEASURE_FRAME_MAX);
    const int rc = measure_frame_encode(&mark, &out, err);
    assert_true(rc == 0 ? out.len > 0 : out.len == 0);
    return rc;
}

static int replay(struct cmc_err *err)
{
    struct measure_replay r = {.events = 77};
    const int rc =
        measure_replay(logs.bytes.data, logs.bytes.len, &logs.starts, NULL, NULL, &r, err);
    assert_int_equal(r.events, rc < 0 ? 77 : 5);
    return rc;
}

static int export(enum measure_cel_format format, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc =
        measure_cel_export(logs.bytes.data, logs.bytes.len, &logs.starts, format, &out, err);
    assert_true(rc == 0 ? out.len > 0 : out.len == 0);
    return rc;
}

static int export_json(struct cmc_err *err)
{
    return export(MEASURE_CEL_JSON, err);
}

static int export_cbor(struct cmc_err *err)
{
    return export(MEASURE_CEL_CBOR, err);
}

/* ---- trees -------------------------------------------------------------------------------------
 */

/* More threads are started when there is memory, and not missed else. */
static int digest_tree(struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(1 << 20);
    const struct measure_rootfs_opts opts = {.listing = &listing, .threads = 1};
    struct measure_rootfs got = {.entries = 77};
    const int rc = measure_rootfs(tree.fd, &opts, &got, err);
    assert_int_equal(got.entries, rc < 0 ? 77 : tree.got.entries);
    return rc;
}

/* The tree above a directory that has one of its directories, empty: merged, nothing changes. */
static int digest_layers(struct cmc_err *err)
{
    cmc_autofd int below = openat(tree.fd, "../below", O_PATH | O_CLOEXEC);
    const int fds[] = {tree.fd, below};
    const struct measure_layers layers = {.fds = fds, .count = 2, .userxattr = true};
    const struct measure_rootfs_opts opts = {.threads = 1};
    struct measure_rootfs got = {.entries = 77};
    const int rc = measure_rootfs_layers(&layers, &opts, &got, err);
    assert_int_equal(got.entries, rc < 0 ? 77 : tree.got.entries);
    if (rc == 0)
        assert_memory_equal(got.digest, tree.got.digest, sizeof(got.digest));
    return rc;
}

static int digest_tree_cmc(struct cmc_err *err)
{
    const struct measure_rootfs_opts opts = {.threads = 1};
    struct measure_rootfs got = {.entries = 77};
    const int rc = measure_rootfs_cmc(tree.fd, &opts, &got, err);
    assert_true(rc == 0 ? got.entries != 77 : got.entries == 77);
    return rc;
}

static int stamp_tree(struct cmc_err *err)
{
    const struct measure_rootfs_opts opts = {0};
    struct measure_rootfs_stamp got = {.entries = 77};
    const int rc = measure_rootfs_stamp(tree.fd, &opts, &got, err);
    assert_int_equal(got.entries, rc < 0 ? 77 : tree.got.entries);
    return rc;
}

static int digest_listing(struct cmc_err *err)
{
    uint8_t got[CMC_SHA256_LEN], poison[CMC_SHA256_LEN];
    memset(poison, 0xaa, sizeof(poison));
    memcpy(got, poison, sizeof(got));
    const int rc = measure_listing_digest(tree.listing.data, tree.listing.len, got, err);
    assert_memory_equal(got, rc < 0 ? poison : tree.got.digest, sizeof(got));
    return rc;
}

static int no_change(void *ctx, struct measure_bytes path, unsigned changes)
{
    (void)ctx;
    (void)path;
    (void)changes;
    return -77;
}

static int compare_listings(struct cmc_err *err)
{
    const struct measure_bytes text = {tree.listing.data, tree.listing.len};
    return measure_listing_diff(text, text, no_change, NULL, err);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static struct row {
    const char *name;
    fail_alloc_call *call;
} rows[] = {
    {"a configuration is digested", digest_config},
    {"a detail is digested", digest_detail},
    {"values of a detail are withheld", withhold},
    {"details are compared", compare_details},
    {"a configuration is digested as CMC does", digest_config_cmc},
    {"normal forms are compared", compare_normal_forms},
    {"references are written", put_references},
    {"an event is encoded", encode_event},
    {"an event is decoded", decode_event},
    {"a frame is encoded", encode_frame},
    {"a log is replayed", replay},
    {"a log is exported as JSON", export_json},
    {"a log is exported as CBOR", export_cbor},
    {"a tree is digested", digest_tree},
    {"layers are digested", digest_layers},
    {"a tree is digested as CMC does", digest_tree_cmc},
    {"a tree is stamped", stamp_tree},
    {"a listing is digested", digest_listing},
    {"listings are compared", compare_listings},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    fail_alloc_each(t->call);
}

/* 400 names in one directory: more than any array here begins with. */
static void fill_tree(void)
{
    char name[32];
    begin(&tree);
    fill(&tree);
    assert_int_equal(mkdirat(tree.fd, "../below", 0755) | mkdirat(tree.fd, "../below/dir", 0755),
                     0);
    for (int i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof(name), i % 2 ? "dir/f%d" : "dir/d%d", i);
        assert_int_equal(i % 2 ? put(tree.fd, name, "x") : mkdirat(tree.fd, name, 0700), 0);
    }
    for (int i = 0; i < 60; i++) { /* groups of hard links */
        char other[32];
        (void)snprintf(name, sizeof(name), "dir/f%d", 2 * i + 1);
        (void)snprintf(other, sizeof(other), "dir/l%d", i);
        assert_int_equal(linkat(tree.fd, name, tree.fd, other, 0), 0);
    }
    measure(&tree);
}

static void load_configs(void)
{
    static const struct measure_config_opts opts = {"runc", "/bundle", key};
    static const struct measure_config_cmc_opts cmc = {.container_id = "runc"};
    static const char other[] = "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"a\"]}}";
    struct cmc_err err;
    FILE *f = fopen(TEST_VECTORS "/config/real/runc-spec.json", "re");
    assert_non_null(f);
    json_len = fread(json, 1, sizeof(json), f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(measure_config(json, json_len, &opts, &config, &err), 0);
    assert_int_equal(measure_config_cmc(json, json_len, &cmc, &normal[0], &err), 0);
    assert_int_equal(measure_config_cmc(other, sizeof(other) - 1, &cmc, &normal[1], &err), 0);
}

static int setup(void **state)
{
    (void)state;
    load_configs();
    logs_init(&logs, 2);
    logs_usual(&logs);
    fill_tree();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    measure_config_done(&config);
    measure_config_done(&normal[0]);
    measure_config_done(&normal[1]);
    logs_done(&logs);
    end(&tree);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("measure/out of memory", tests, setup, teardown);
}
