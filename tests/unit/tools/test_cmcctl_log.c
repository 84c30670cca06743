/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmcctl_log.c -- cmcctl log over a recorder's log, details and model TPM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/json.h"
#include "measure/config.h"
#include "measure/rootfs.h"
#include "record/details.h"
#include "tests/lib/recorder_ctl.h"
#include "tests/lib/rows.h"
#include "tools/cmcctl.h"

static void put_config(const char *json, struct measure_event *ev)
{
    const struct measure_config_opts how = {.container_id = ev->container};
    struct measure_config config;
    struct cmc_err err = {0};
    if (measure_config(json, strlen(json), &how, &config, &err) < 0)
        fail_msg("%s", err.msg);
    memcpy(ev->config, config.digest, sizeof(ev->config));
    ctl_put_details("config", ev->config, &config.detail);
    measure_config_done(&config);
}

/* A container with these two variables and a root file system of one file. */
static void create(const char *container, const char *value, const char *token, const char *file)
{
    char json[1024], dir[64], path[96];
    struct measure_event ev = ctl_event(container);
    struct measure_rootfs rootfs;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(1 << 20);
    const struct measure_rootfs_opts walk = {.listing = &listing};
    (void)snprintf(json, sizeof(json),
                   "{\"ociVersion\":\"1.0.2\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":"
                   "[\"sh\"],\"env\":[\"VAL=%s\",\"API_TOKEN=%s\"],\"cwd\":\"/\"},\"root\":"
                   "{\"path\":\"rootfs\"}}",
                   value, token);
    put_config(json, &ev);
    (void)snprintf(dir, sizeof(dir), "%s/rootfs", ctl_bed.dir);
    (void)snprintf(path, sizeof(path), "%s/motd", dir);
    (void)mkdir(dir, 0755);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(file, f);
    (void)fclose(f);
    cmc_autofd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (measure_rootfs(fd, &walk, &rootfs, &err) < 0)
        fail_msg("%s", err.msg);
    memcpy(ev.rootfs, rootfs.digest, sizeof(ev.rootfs));
    ev.has_listing = true;
    cmc_sha256(listing.data, listing.len, ev.listing);
    ctl_put_details("listing", ev.listing, &listing);
    ctl_record(ev);
}

static void agrees(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("#0 recorder-start");
    ctl_says("#1 container-create  default/web-1");
    ctl_says("sha1    TPM ");
    ctl_says("sha256  log ");
    ctl_says("AGREE: PCR 13 in the TPM holds what the log gives (events: 2, banks: 2)");
    ctl_does_not_say("not yet confirmed");
    assert_int_equal(ctl_run(NULL), CMCCTL_AGREE);
    ctl_says("NOT COMPARED");
}

static void foreign_extend_disagrees(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    fake_tpm_foreign(&ctl_bed.tpm, 13, 1);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    ctl_says("nothing above is vouched for");
    ctl_says("DISAGREE: PCR 13 in the TPM holds another value than the log gives");
    assert_int_equal(ctl_run(NULL), CMCCTL_AGREE); /* nobody asked the TPM */
    ctl_record(ctl_event("web-2"));
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("#2 discontinuity");
    ctl_says("vouches only for the events from #2 on");
}

static void change_log(long from_end, int flip, bool cut)
{
    FILE *f = fopen(ctl_log_path, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, -from_end, SEEK_END), 0);
    const long at = ftell(f);
    const int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    if (flip)
        (void)fputc(c ^ flip, f);
    (void)fclose(f);
    if (cut)
        assert_int_equal(truncate(ctl_log_path, at), 0);
}

static void changed_log_disagrees(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    ctl_record(ctl_event("web-2"));
    change_log(300, 1, false); /* in the last record: it is torn now, its mark has no record */
    assert_int_equal(ctl_run(NULL), CMCCTL_DISAGREE);
    ctl_says("record 2: has a mark, but no record is open");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    assert_int_equal(ctl_run("--export", "cel-json", NULL), CMCCTL_DISAGREE);
    ctl_does_not_say("recnum\":0");
}

static void open_record_is_explained(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    change_log(20, 0, true); /* the mark is torn */
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("(open)");
    ctl_says("event 1 is recorded but not yet confirmed");
    ctl_says("torn frames were skipped");
}

static void dropped_event_disagrees(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    struct stat st;
    assert_int_equal(stat(ctl_log_path, &st), 0);
    ctl_record(ctl_event("web-2"));
    assert_int_equal(truncate(ctl_log_path, st.st_size), 0); /* as if web-2 had never run */
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    ctl_does_not_say("web-2");
}

static void nothing_recorded(void **state)
{
    (void)state;
    assert_int_equal(ctl_run(NULL), CMCCTL_UNCHECKED);
    ctl_says("nothing was recorded in this boot");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    fake_tpm_foreign(&ctl_bed.tpm, 13, 1);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    ctl_says("PCR 13 was extended, but");
    assert_int_equal(ctl_run("--export", "cel-cbor", NULL), CMCCTL_UNCHECKED);
}

static void no_tpm_is_no_verdict(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    ctl_bed.tpm.gone = true;
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    ctl_says("COULD NOT CHECK");
    ctl_says("nothing above is vouched for");
    assert_int_equal(ctl_run(NULL), CMCCTL_AGREE);
}

static void differences_by_member_and_path(void **state)
{
    (void)state;
    create("web-1", "HELLO", "t0psecret", "one");
    create("web-1", "EVIL", "0thersecret", "two");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("since #1 config process.env VAL: \"HELLO\" -> \"EVIL\"");
    ctl_says("since #1 config process.env API_TOKEN: (withheld) -> (withheld)");
    ctl_says("since #1 rootfs /motd: content");
    ctl_says("its stored details give this digest");
    ctl_does_not_say("secret");
    assert_int_equal(ctl_run("--json", NULL), CMCCTL_AGREE);
    ctl_does_not_say("secret");
    create("web-1", "EVIL", "0thersecret", "two");
    assert_int_equal(ctl_run(NULL), CMCCTL_AGREE);
    ctl_says("since #2 same configuration, same root file system");
}

static const struct withheld {
    const char *env, *hooks; /* members of the second configuration */
    const char *says;
} withheld[] = {
    {"\"DB_PASSWD=hidden\"", "{}", "process.env DB_PASSWD: (nothing) -> (withheld)"},
    {"\"passphrase=hidden\"", "{}", "process.env passphrase: (nothing) -> (withheld)"},
    {"\"MY_CREDENTIALS=hidden\"", "{}", "process.env MY_CREDENTIALS: (nothing) -> (withheld)"},
    {"", "{\"prestart\":[{\"path\":\"/a\",\"env\":[\"A=shown\",\"B_TOKEN=hidden\"]}]}",
     "hooks.prestart[0].env[1]: (nothing) -> (withheld)"},
    {"", "{\"poststop\":[{\"path\":\"/b\",\"env\":[\"B_SECRET=hidden\"]}]}",
     "hooks.poststop: (nothing) -> (withheld)"},
    {"", "{\"prestart\":[{\"path\":\"/bin/keyctl\"}]}",
     "hooks.prestart[0].path: \"/a\" -> \"/bin/keyctl\""},
};

static void configured(const char *env, const char *hooks)
{
    char json[1024];
    struct measure_event ev = ctl_event("web-1");
    (void)snprintf(json, sizeof(json),
                   "{\"ociVersion\":\"1.0.2\",\"process\":{\"env\":[%s]},\"hooks\":%s}", env,
                   hooks);
    put_config(json, &ev);
    ctl_record(ev);
}

static void secrets_are_withheld(void **state)
{
    for (size_t i = 0; i < ROWS(withheld); i++) {
        (void)ctl_setup(state);
        configured("", "{\"prestart\":[{\"path\":\"/a\",\"env\":[\"A=shown\"]}]}");
        configured(withheld[i].env, withheld[i].hooks);
        assert_int_equal(ctl_run(NULL), CMCCTL_AGREE);
        ctl_says(withheld[i].says);
        ctl_does_not_say("hidden");
        (void)ctl_teardown(state);
    }
}

static void detail_path(const char *kind, const uint8_t *digest, char path[static 256])
{
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_hex(digest, CMC_SHA256_LEN, hex);
    (void)snprintf(path, 256, "%s/%s-%s", ctl_details, kind, hex);
}

static void damage(const char *kind, const uint8_t *digest, const char *from, const char *to)
{
    char path[256], text[4096];
    detail_path(kind, digest, path);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    const size_t n = fread(text, 1, sizeof(text), f);
    char *at = memmem(text, n, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    rewind(f);
    (void)fwrite(text, 1, n, f);
    (void)fclose(f);
}

/* The digests of the event that was recorded last, as --json shows them. */
static void last_digest(const char *member, uint8_t digest[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root, *e;
    (void)ctl_run("--json", NULL);
    if (cmc_json_parse(ctl_out, strlen(ctl_out), &doc, &root, &err) < 0)
        fail_msg("%s", err.msg);
    for (e = cmc_json_member(root, "events")->child; e->next; e = e->next)
        ;
    const char *hex = cmc_json_text(cmc_json_member(e, "event"), member);
    assert_non_null(hex);
    assert_int_equal(cmc_unhex(hex, strlen(hex), digest, CMC_SHA256_LEN, &err), 0);
}

static void tampered_details_are_not_shown(void **state)
{
    (void)state;
    uint8_t digest[CMC_SHA256_LEN];
    create("web-1", "HELLO", "a", "one");
    create("web-1", "EVIL", "a", "one");
    last_digest("config", digest);
    damage("config", digest, "EVIL", "GOOD");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE);
    ctl_says("TAMPERED");
    ctl_says("DISAGREE: stored details of event 2 are not what was measured");
    ctl_says("which members is not known");
    ctl_does_not_say("GOOD");
    assert_int_equal(ctl_run("--json", NULL), CMCCTL_DISAGREE);
    ctl_says("\"config_details\":\"tampered\"");
    ctl_does_not_say("GOOD");
}

static void tampered_listing_is_not_shown(void **state)
{
    (void)state;
    uint8_t digest[CMC_SHA256_LEN];
    create("web-1", "HELLO", "a", "one");
    create("web-1", "HELLO", "a", "two");
    last_digest("listing", digest);
    damage("listing", digest, "motd", "mate");
    assert_int_equal(ctl_run(NULL), CMCCTL_DISAGREE);
    ctl_says("TAMPERED");
    ctl_does_not_say("mate");
}

static void unreadable_details_are_no_agreement(void **state)
{
    (void)state;
    uint8_t digest[CMC_SHA256_LEN];
    char path[256], aside[300];
    create("web-1", "HELLO", "a", "one");
    last_digest("listing", digest);
    detail_path("listing", digest, path);
    assert_int_equal(chmod(path, 0666), 0); /* anybody may have written it */
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    ctl_says("its stored details cannot be read");
    ctl_says("COULD NOT CHECK: stored details of event 1 cannot be read");
    assert_int_equal(ctl_run("--verify", "--container", "other", NULL), CMCCTL_AGREE);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    last_digest("config", digest);
    detail_path("config", digest, path);
    (void)snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE); /* not stored is no fault */
    assert_int_equal(symlink(aside, path), 0);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_UNCHECKED);
    create("web-1", "EVIL", "a", "two");
    last_digest("config", digest);
    damage("config", digest, "EVIL", "GOOD");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_DISAGREE); /* what disagrees comes first */
    ctl_says("DISAGREE: stored details of event 2 are not what was measured");
}

static void details_may_be_gone(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    struct measure_event ev = ctl_event("web-1");
    ev.config[0] = ev.rootfs[0] = 1;
    ctl_record(ev);
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE);
    ctl_says("no details stored");
    ctl_says("which members is not known");
    ctl_says("listings are not stored");
}

static void one_container(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    struct measure_event ev = ctl_event("db-1");
    ev.name = "database";
    ctl_record(ev);
    assert_int_equal(ctl_run("--container", "web-1", "--verify", NULL), CMCCTL_AGREE);
    ctl_says("web-1");
    ctl_does_not_say("db-1");
    ctl_says("events: 3"); /* the verdict is of the whole log */
    assert_int_equal(ctl_run("--container", "database", NULL), CMCCTL_AGREE);
    ctl_says("#2 container-create  default/db-1");
    ctl_does_not_say("web-1");
}

static void untrusted_text_is_escaped(void **state)
{
    (void)state;
    struct measure_event ev = ctl_event("\x1b[2Jgone");
    ev.image = "a\nAGREE: all is well";
    ev.name = "\xc2\x9b\xe2\x80\xae";
    ctl_record(ev);
    static const char *const forms[] = {NULL, "--json", "--wide"};
    for (size_t i = 0; i < ROWS(forms); i++) {
        assert_int_equal(ctl_run(forms[i], NULL), CMCCTL_AGREE);
        for (const char *p = ctl_out; *p; p++)
            assert_true(*p == '\n' || ((uint8_t)*p >= 0x20 && (uint8_t)*p < 0x7f));
        ctl_does_not_say("\nAGREE: all is well");
    }
}

static void json_has_its_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "version", "verdict",  "reason",   "pcr",  "replayed", "log_values", "tpm_values",
        "profile", "extended", "segments", "torn", "open",     "events"};
    struct cmc_err err = {0};
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    create("web-1", "HELLO", "a", "one");
    assert_int_equal(ctl_run("--json", "--verify", NULL), CMCCTL_AGREE);
    if (cmc_json_parse(ctl_out, strlen(ctl_out), &doc, &root, &err) < 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < ROWS(keys); i++)
        assert_non_null(cmc_json_member(root, keys[i]));
    assert_int_equal(root->count, ROWS(keys));
    assert_string_equal(cmc_json_text(root, "verdict"), "agree");
    assert_int_equal(cmc_json_member(root, "events")->count, 2);
}

static void color_is_asked_for(void **state)
{
    (void)state;
    ctl_record(ctl_event("web-1"));
    assert_int_equal(ctl_run("--color", "always", "--verify", NULL), CMCCTL_AGREE);
    ctl_says("\x1b[1;32mAGREE\x1b[0m");
    assert_int_equal(ctl_run("--verify", NULL), CMCCTL_AGREE); /* not a terminal */
    ctl_does_not_say("\x1b");
}

static const char *const usage[][3] = {
    {"--nonsense"},
    {"argument"},
    {"--export", "xml"},
    {"--color", "blue"},
    {"--follow", "--json"},
    {"--export=cel-json", "--follow"},
    {"--export=cel-json", "--container=x"},
    {"--export=cel-json", "--verify"},
    {"--export=cel-json", "--json"},
};

static void wrong_usage(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(usage); i++) {
        assert_int_equal(ctl_run(usage[i][0], usage[i][1], NULL), CMCCTL_USAGE);
        ctl_says("cmcctl log: ");
    }
}

/* Every option that --help names is in the command's part of the man page, and no other one. */
static void help_is_the_man_page(void **state)
{
    (void)state;
    static char man[1 << 16];
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/docs/man/cmcctl.1", TEST_SOURCE);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    man[fread(man, 1, sizeof(man) - 1, f)] = '\0';
    (void)fclose(f);
    const char *part = strstr(man, "\n.Ss cmcctl log\n");
    char *end = strstr(man, "\n.Ss Verdict of cmcctl log\n");
    assert_true(part && end && part < end);
    *end = '\0';
    assert_int_equal(ctl_run("--help", NULL), CMCCTL_AGREE);
    size_t in_help = 0, in_man = 0;
    for (char *p = ctl_out; (p = strstr(p, "\n  --")); in_help++) {
        char item[96];
        p += 5;
        (void)snprintf(item, sizeof(item), ".It Fl \\-%.*s", (int)strcspn(p, " \n"), p);
        if (!strstr(part, item))
            fail_msg("cmcctl.1 has no \"%s\"", item);
    }
    for (const char *p = part; (p = strstr(p, ".It Fl \\-")); p++)
        in_man++;
    assert_int_equal(in_help, in_man);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, ctl_setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(agrees),
        TEST(foreign_extend_disagrees),
        TEST(changed_log_disagrees),
        TEST(open_record_is_explained),
        TEST(dropped_event_disagrees),
        TEST(nothing_recorded),
        TEST(no_tpm_is_no_verdict),
        TEST(differences_by_member_and_path),
        cmocka_unit_test(secrets_are_withheld),
        TEST(unreadable_details_are_no_agreement),
        TEST(tampered_details_are_not_shown),
        TEST(tampered_listing_is_not_shown),
        TEST(details_may_be_gone),
        TEST(one_container),
        TEST(untrusted_text_is_escaped),
        TEST(json_has_its_keys),
        TEST(color_is_asked_for),
        TEST(wrong_usage),
        TEST(help_is_the_man_page),
    };
    return cmocka_run_group_tests_name("tools/cmcctl_log", tests, NULL, NULL);
}
