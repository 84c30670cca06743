/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_config.c -- one row, one configuration. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/config.h"
#include "base/hash.h"
#include "tests/lib/rows.h"

static const struct cmc_site site = {.pcr = 14,
                                     .runtime_dir = (char[]){"/r"},
                                     .state_dir = (char[]){"/s"},
                                     .tcti = (char[]){"swtpm"}};

static void defaults(void **state)
{
    (void)state;
    struct serve_config c;
    struct cmc_err err = {0};
    assert_int_equal(serve_config_parse("{}", 2, &site, &c, &err), 0);
    assert_string_equal(c.addr, "/run/cmcd/cmcd.sock");
    assert_string_equal(c.group, "cmc");
    assert_int_equal(c.mode, 0660);
    assert_null(c.tcp);
    assert_null(c.host);
    assert_null(c.peer_cache);
    assert_null(c.ima_log);
    assert_null(c.redaction_key);
    assert_string_equal(c.driver, "tpm");
    assert_string_equal(c.storage, "/var/lib/cmcd");
    assert_string_equal(c.key_alg, "EC256");
    assert_string_equal(c.recorder, "/run/cmc-recorder.sock");
    assert_string_equal(c.firmware_log, "/r/firmware-log");
    assert_string_equal(c.runtime_dir, "/r"); /* of the recorder's settings */
    assert_string_equal(c.state_dir, "/s");
    assert_string_equal(c.tcti, "swtpm");
    assert_int_equal(c.pcr, 14);
    assert_int_equal(c.exclude, 1 << 10);
    assert_int_equal(c.bank, CMC_ALG_SHA256);
    assert_int_equal(c.level, CMC_LOG_INFO);
    assert_true(c.default_secrets && !c.software);
    assert_int_equal(c.metadata.count + c.roots.count + c.metadata_roots.count, 0);
    serve_config_done(&c);
}

static const char all[] =
    "{\"cmcAddr\":\"unix:///x/s\",\"tcp\":\"127.0.0.1:9955\",\"socketGroup\":\"g\","
    "\"socketMode\":\"0666\",\"metadata\":[\"file:///m\",\"/n\"],\"rootCas\":[\"/a\"],"
    "\"metadataCas\":[\"/b\",\"/c\"],\"akCas\":[\"/d\"],\"crls\":[\"/e\"],\"drivers\":[\"sw\"],"
    "\"hashAlg\":\"SHA384\",\"tpmKeyAlg\":\"RSA2048\",\"excludePcrs\":[8,9],\"pcr\":15,"
    "\"storage\":\"/st\",\"peerCache\":\"/p\",\"host\":\"h.example\",\"tcti\":\"device:/dev/t\","
    "\"runtimeDir\":\"/rt\",\"stateDir\":\"/sd\",\"firmwareLog\":\"/f\",\"imaLog\":\"/i\","
    "\"recorderSocket\":\"/rs\",\"redactionKey\":\"/k\",\"secrets\":[],\"allowSoftware\":true,"
    "\"logLevel\":\"debug\",\"api\":\"socket\",\"ctr\":true,\"measurementLogs\":true}";

static void every_key(void **state)
{
    (void)state;
    struct serve_config c;
    struct cmc_err err = {0};
    if (serve_config_parse(all, strlen(all), &site, &c, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(c.addr, "/x/s");
    assert_string_equal(c.tcp, "127.0.0.1:9955");
    assert_int_equal(c.mode, 0666);
    assert_int_equal(c.metadata.count, 2);
    assert_string_equal(c.metadata.at[0], "/m");
    assert_string_equal(c.metadata.at[1], "/n");
    assert_string_equal(c.metadata_roots.at[1], "/c");
    assert_string_equal(c.crls.at[0], "/e");
    assert_string_equal(c.driver, "sw");
    assert_int_equal(c.bank, CMC_ALG_SHA384);
    assert_int_equal(c.exclude, 0x300);
    assert_int_equal(c.pcr, 15);
    assert_string_equal(c.recorder, "/rs");
    assert_true(!c.default_secrets && c.secrets.count == 0 && c.software);
    assert_int_equal(c.level, CMC_LOG_DEBUG);
    serve_config_done(&c);
}

static struct row {
    const char *name, *in;
    int want;
    const char *says;
} rows[] = {
    {"nothing", "", -CMC_E_FORMAT, NULL},
    {"no object", "[]", -CMC_E_FORMAT, "must be one JSON object"},
    {"a key twice", "{\"host\":\"a\",\"host\":\"a\"}", -CMC_E_FORMAT, "host"},
    {"an unknown key", "{\"Host\":\"a\"}", -CMC_E_FORMAT,
     "unknown key \"Host\"; cmcd.json(5) lists the keys that exist"},
    {"a relative socket", "{\"cmcAddr\":\"s\"}", -CMC_E_USAGE, "\"cmcAddr\": address s"},
    {"a socket that climbs", "{\"cmcAddr\":\"unix:///a/../s\"}", -CMC_E_FORMAT, "without \"..\""},
    {"a path that ends in two dots", "{\"storage\":\"/a/..\"}", -CMC_E_FORMAT, "without \"..\""},
    {"a path with two dots in a name", "{\"storage\":\"/a/..b/c..\"}", 0, NULL},
    {"TCP as the only socket", "{\"cmcAddr\":\"127.0.0.1:1\"}", -CMC_E_USAGE,
     "on TCP nobody is authenticated"},
    {"a Unix socket as TCP", "{\"tcp\":\"/s\"}", -CMC_E_FORMAT, "must be host:port, not \"/s\""},
    {"a port that is none", "{\"tcp\":\"h:x\"}", -CMC_E_USAGE, "give host:port"},
    {"a group with a slash", "{\"socketGroup\":\"a/b\"}", -CMC_E_FORMAT,
     "\"socketGroup\" is no name"},
    {"an empty host", "{\"host\":\"\"}", -CMC_E_FORMAT, "\"host\" must be a text"},
    {"a host with a line break", "{\"host\":\"a\\nb\"}", -CMC_E_FORMAT, "is no name"},
    {"a mode as number", "{\"socketMode\":660}", -CMC_E_FORMAT, "\"0660\""},
    {"a mode that shuts us out", "{\"socketMode\":\"0060\"}", -CMC_E_FORMAT, "\"0660\""},
    {"a mode with execution", "{\"socketMode\":\"0777\"}", -CMC_E_FORMAT, "\"0660\""},
    {"a mode that is none", "{\"socketMode\":\"066x\"}", -CMC_E_FORMAT, "\"0660\""},
    {"metadata by http", "{\"metadata\":[\"https://h/\"]}", -CMC_E_USAGE, "only file:// is read"},
    {"metadata by blob", "{\"metadata\":[\"blob:///b\"]}", -CMC_E_USAGE, "only file:// is read"},
    {"metadata as text", "{\"metadata\":\"/m\"}", -CMC_E_FORMAT, "\"metadata\" must be an array"},
    {"metadata that climbs", "{\"metadata\":[\"/a/../b\"]}", -CMC_E_FORMAT, "absolute path"},
    {"a root that is no path", "{\"rootCas\":[\"ca.pem\"]}", -CMC_E_FORMAT, "absolute path"},
    {"a root that is no text", "{\"rootCas\":[1]}", -CMC_E_FORMAT, "must be a text"},
    {"no driver", "{\"drivers\":[]}", -CMC_E_USAGE, "an array of one"},
    {"two drivers", "{\"drivers\":[\"tpm\",\"sw\"]}", -CMC_E_USAGE, "an array of one"},
    {"a driver of the Go CMC", "{\"drivers\":[\"snp\"]}", -CMC_E_USAGE,
     "\"drivers\": expected one of \"tpm\", \"sw\""},
    {"SHA-1", "{\"hashAlg\":\"SHA1\"}", -CMC_E_USAGE, "\"hashAlg\": expected one of"},
    {"an unknown key algorithm", "{\"tpmKeyAlg\":\"EC384\"}", -CMC_E_USAGE, "\"tpmKeyAlg\""},
    {"PCR 24", "{\"pcr\":24}", -CMC_E_FORMAT, "from 0 to 23"},
    {"PCR 24 excluded", "{\"excludePcrs\":[24]}", -CMC_E_FORMAT, "from 0 to 23"},
    {"PCR 0 excluded", "{\"excludePcrs\":[0]}", -CMC_E_USAGE, "must be quoted"},
    {"the register excluded", "{\"excludePcrs\":[14]}", -CMC_E_USAGE, "PCR 0 to 7 and 14"},
    {"another register", "{\"excludePcrs\":[14],\"pcr\":13}", 0, NULL},
    {"gRPC", "{\"api\":\"grpc\"}", -CMC_E_USAGE, "\"api\" can only be socket"},
    {"summaries", "{\"measurementLogs\":false}", -CMC_E_USAGE, "proves nothing"},
    {"no containers", "{\"ctr\":false}", -CMC_E_USAGE, "\"ctr\" can only be true"},
    {"a software anchor", "{\"ctrDriver\":\"sw\"}", -CMC_E_USAGE, "\"ctrDriver\" does not apply"},
    {"everybody's roots", "{\"allowSystemCerts\":true}", -CMC_E_USAGE, "does not apply"},
    {"policies", "{\"policyEngine\":\"js\"}", -CMC_E_USAGE, "policies are not evaluated"},
    {"enrolment", "{\"enrollmentAddr\":\"https://e\"}", -CMC_E_USAGE, "cmcd --create-key"},
    {"OMSP", "{\"useOmsp\":false}", -CMC_E_USAGE, "\"crls\""},
    {"a log file", "{\"logFile\":\"/l\"}", -CMC_E_USAGE, "standard error"},
    {"a cache", "{\"cache\":\"/c\"}", -CMC_E_USAGE, "nothing to cache"},
    {"a level that is none", "{\"logLevel\":\"trace\"}", -CMC_E_USAGE, "\"logLevel\""},
    {"a bool as text", "{\"allowSoftware\":\"yes\"}", -CMC_E_FORMAT, "true or false"},
    {"a directory that is no path", "{\"storage\":\"s\"}", -CMC_E_FORMAT, "absolute path"},
    {"secrets that are no texts", "{\"secrets\":[\"\"]}", -CMC_E_FORMAT, "must be a text"},
};

static void check_row(void **state)
{
    const struct row *t = *state;
    struct serve_config c = {.pcr = 77};
    struct cmc_err err = {0};
    assert_int_equal(serve_config_parse(t->in, strlen(t->in), &site, &c, &err), t->want);
    if (t->says && !strstr(err.msg, t->says))
        fail_msg("%s", err.msg);
    if (t->want < 0)
        assert_int_equal(c.pcr, 77);
    else
        serve_config_done(&c);
}

static void files(void **state)
{
    (void)state;
    char path[] = "/tmp/cmc-config-XXXXXX";
    struct serve_config c;
    struct cmc_err err = {0};
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "{\"pcr\":9}", 9) == 9);
    assert_int_equal(serve_config_load(path, &site, &c, &err), 0);
    assert_int_equal(c.pcr, 9);
    serve_config_done(&c);
    assert_true(pwrite(fd, "{\"pxr\":9}", 9, 0) == 9);
    assert_int_equal(serve_config_load(path, &site, &c, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(ftruncate(fd, SERVE_CONFIG_MAX + 1), 0);
    assert_int_equal(serve_config_load(path, &site, &c, &err), -CMC_E_LIMIT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(serve_config_load(path, &site, &c, &err), -CMC_E_SYS);
    (void)close(fd);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3];
    size_t n = 0;
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(defaults);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_key);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(files);
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/serve/config", tests, NULL, NULL);
}
