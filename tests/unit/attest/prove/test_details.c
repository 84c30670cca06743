/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_details.c -- what of configurations and listings is shown, and what
 * stays here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "measure/config_secret.h"
#include "measure/listing.h"
#include "record/details.h"
#include "tests/unit/attest/prove/bed.h"

#define CONFIG                                                                                     \
    "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/"                                           \
    "\",\"args\":[\"sh\"],\"env\":[\"VAL=HELLO\","                                                 \
    "\"DB_PASSWORD=canary\"]},\"root\":{\"path\":\"rootfs\"}}"
#define PLAIN                                                                                      \
    "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/"                                           \
    "\",\"args\":[\"sh\"],\"env\":[\"VAL=HELLO\"]},"                                               \
    "\"root\":{\"path\":\"rootfs\"}}"

static struct bed bed;
static const uint8_t key[32] = {1};

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    return 0;
}

static int set_up_cmc(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_CMC);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bed_done(&bed);
    return 0;
}

/* The detail of a digest, as text; NULL: none is given. */
static const char *ask(const char *kind, const uint8_t *digest)
{
    static char text[8192];
    struct cmc_err err = {0};
    struct prove *p = bed_open(&bed);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(sizeof(text) - 1);
    bed_write(&bed);
    const int rc = prove_detail(p, kind, digest, &out, &err);
    if (rc < 0)
        fail_msg("%s", err.msg);
    prove_close(p);
    assert_true(rc == 1 || out.len == 0);
    if (out.len)
        memcpy(text, out.data, out.len);
    text[out.len] = '\0';
    return rc ? text : NULL;
}

static void secrets_are_withheld(void **state)
{
    uint8_t digest[CMC_SHA256_LEN], again[CMC_SHA256_LEN];
    static const char *const hello[] = {"val"};
    struct cmc_err err = {0};
    (void)state;
    bed_create(&bed, CONFIG, NULL, digest);
    const char *text = ask("config", digest);
    assert_non_null(text);
    assert_null(strstr(text, "canary"));
    assert_non_null(strstr(text, "HELLO"));
    assert_int_equal(measure_config_detail_digest(text, strlen(text), NULL, again, &err), 0);
    assert_memory_equal(digest, again, sizeof(again));
    bed.cfg.secrets = hello; /* another list, and only that */
    bed.cfg.secret_count = 1;
    text = ask("config", digest);
    assert_non_null(strstr(text, "canary"));
    assert_null(strstr(text, "HELLO"));
}

/* Without the key no commitment can be made: nothing is shown. With it all are. */
static void a_redaction_key_withholds_all(void **state)
{
    static const uint8_t other[32] = {2};
    uint8_t digest[CMC_SHA256_LEN];
    (void)state;
    bed_create(&bed, PLAIN, key, digest);
    assert_null(ask("config", digest));
    bed.cfg.redaction_key = other;
    assert_null(ask("config", digest));
    bed.cfg.redaction_key = key;
    const char *text = ask("config", digest);
    assert_non_null(text);
    assert_null(strstr(text, "HELLO"));
    assert_non_null(strstr(text, "commitment"));
}

static void store(const char *kind, const uint8_t *digest, const void *data, size_t len)
{
    char dir[64];
    struct cmc_err err = {0};
    (void)snprintf(dir, sizeof(dir), "%s/details", bed.state);
    if (record_details_put(dir, kind, digest, data, len, 1 << 20, &err) < 0)
        fail_msg("%s", err.msg);
}

/* What does not give the digest is not what was measured. */
static void other_details_are_not_shown(void **state)
{
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    (void)state;
    ev.config[0] ^= 1;
    bed_put(&bed, &ev);
    assert_null(ask("config", ev.config)); /* none is stored */
    store("config", ev.config, "{}", 2);
    assert_null(ask("config", ev.config));
    ev.config[0] ^= 2;
    assert_null(ask("config", ev.config)); /* no such event */
}

static void a_hooks_secret_hides_all(void **state)
{
    static const char hook[] =
        "{\"ociVersion\":\"1.0.2\",\"hooks\":{\"poststop\":[{\"path\":\"/x\",\"env\":[\"A_TOKEN="
        "canary\"]}]},\"root\":{\"path\":\"rootfs\"}}";
    uint8_t digest[CMC_SHA256_LEN];
    (void)state;
    bed_create(&bed, hook, NULL, digest);
    assert_null(ask("config", digest));
}

static void profile_cmc_shows_all_or_nothing(void **state)
{
    uint8_t digest[CMC_SHA256_LEN], plain[CMC_SHA256_LEN], again[CMC_SHA256_LEN];
    (void)state;
    bed_create(&bed, CONFIG, NULL, digest);
    bed_create(&bed, PLAIN, NULL, plain);
    assert_null(ask("config", digest));
    const char *text = ask("config", plain);
    assert_non_null(text);
    cmc_sha256(text, strlen(text), again);
    assert_memory_equal(plain, again, sizeof(again));
}

static void listings(void **state)
{
    const struct measure_entry root = {.type = 'd', .mode = 0755, .xattrs = measure_no_xattrs};
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf text = cmc_buf_of(4096);
    (void)state;
    measure_listing_begin(&text);
    measure_listing_put(&text, &root, (struct measure_bytes){(const uint8_t *)"/", 1},
                        (struct measure_bytes){0});
    if (measure_listing_digest(text.data, text.len, ev.rootfs, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_sha256(text.data, text.len, ev.listing);
    ev.has_listing = true;
    bed_put(&bed, &ev);
    assert_null(ask("tree", ev.rootfs)); /* not stored */
    store("listing", ev.listing, text.data, text.len);
    const char *got = ask("tree", ev.rootfs);
    assert_non_null(got);
    assert_memory_equal(got, text.data, text.len);
    assert_null(ask("tree", ev.listing)); /* the root's digest is asked for */
    /* the listing of another tree below the same name */
    ev.rootfs[0] ^= 1;
    bed_put(&bed, &ev);
    assert_null(ask("tree", ev.rootfs));
}

static void kinds(void **state)
{
    static const uint8_t digest[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    struct prove *p = bed_open(&bed);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(64);
    (void)state;
    assert_int_equal(prove_detail(p, "listing", digest, &out, &err), -CMC_E_USAGE);
    assert_int_equal(prove_detail(p, "tree", digest, &out, &err), 0);
    prove_close(p);
}

enum { CONTAINERS = 30 };

/* Each once, the latest first, until there is no room. */
static void details_of_a_log(void **state)
{
    uint8_t digest[CONTAINERS][CMC_SHA256_LEN];
    char config[512];
    struct prove_log log = {0};
    struct prove_details d;
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < CONTAINERS; i++) {
        (void)snprintf(config, sizeof(config), "{\"ociVersion\":\"1.0.2\",\"hostname\":\"h%02zu\"}",
                       i);
        bed_create(&bed, config, NULL, digest[i]);
        if (i % 3 == 0)
            bed_create(&bed, config, NULL, digest[i]);
    }
    struct prove *p = bed_open(&bed);
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, &err), 0);
    assert_int_equal(prove_details_of(p, &log, 1 << 20, &d, &err), 0);
    assert_int_equal(d.count, CONTAINERS);
    for (size_t i = 0; i < d.count; i++) {
        assert_string_equal(d.part[i].kind, "config");
        assert_memory_equal(d.part[i].digest.data, digest[CONTAINERS - 1 - i], CMC_SHA256_LEN);
    }
    const size_t one = d.part[0].data.len;
    prove_details_done(&d);
    assert_int_equal(prove_details_of(p, &log, 3 * one + 1, &d, &err), 0);
    assert_int_equal(d.count, 3);
    assert_memory_equal(d.part[2].digest.data, digest[CONTAINERS - 3], CMC_SHA256_LEN);
    prove_details_done(&d);
    prove_log_done(&log);
    prove_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(secrets_are_withheld, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_redaction_key_withholds_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_details_are_not_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hooks_secret_hides_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(profile_cmc_shows_all_or_nothing, set_up_cmc, tear_down),
        cmocka_unit_test_setup_teardown(listings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(details_of_a_log, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
