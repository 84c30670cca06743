/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/config.c -- every key is known, or refused by name; keys of the Go CMC that do not
 * apply are refused with the reason. */
#include "attest/serve/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/serve/dial.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"

enum kind {
    TEXT,
    PATH,
    NAME,
    ADDR,
    TCP,
    DRIVER,
    CHOICE,
    PATHS,
    FILES,
    SECRETS,
    PCRS,
    NUMBER,
    MODE,
    BOOL,
    BANK,
    LEVEL
};

struct choice {
    const char *name;
    int value;
};
static const struct choice drivers[] = {{"tpm", 0}, {"sw", 0}, {NULL, 0}};
static const struct choice algs[] = {{"EC256", 0}, {"RSA2048", 0}, {NULL, 0}};
static const struct choice banks[] = {
    {"SHA256", CMC_ALG_SHA256}, {"SHA384", CMC_ALG_SHA384}, {"SHA512", CMC_ALG_SHA512}, {NULL, 0}};
static const struct choice levels[] = {{"error", CMC_LOG_ERROR},  {"warning", CMC_LOG_WARNING},
                                       {"warn", CMC_LOG_WARNING}, {"info", CMC_LOG_INFO},
                                       {"debug", CMC_LOG_DEBUG},  {NULL, 0}};

#define AT(member) offsetof(struct serve_config, member)

static const struct key {
    const char *name;
    enum kind kind;
    size_t at;
    const struct choice *choices;
} keys[] = {
    {"cmcAddr", ADDR, AT(addr), NULL},
    {"tcp", TCP, AT(tcp), NULL},
    {"socketGroup", NAME, AT(group), NULL},
    {"socketMode", MODE, AT(mode), NULL},
    {"metadata", PATHS, AT(metadata), NULL},
    {"rootCas", FILES, AT(roots), NULL},
    {"metadataCas", FILES, AT(metadata_roots), NULL},
    {"akCas", FILES, AT(ak_roots), NULL},
    {"crls", FILES, AT(crls), NULL},
    {"drivers", DRIVER, AT(driver), drivers},
    {"hashAlg", BANK, AT(bank), banks},
    {"tpmKeyAlg", CHOICE, AT(key_alg), algs},
    {"excludePcrs", PCRS, AT(exclude), NULL},
    {"pcr", NUMBER, AT(pcr), NULL},
    {"storage", PATH, AT(storage), NULL},
    {"peerCache", PATH, AT(peer_cache), NULL},
    {"host", NAME, AT(host), NULL},
    {"tcti", TEXT, AT(tcti), NULL},
    {"runtimeDir", PATH, AT(runtime_dir), NULL},
    {"stateDir", PATH, AT(state_dir), NULL},
    {"firmwareLog", PATH, AT(firmware_log), NULL},
    {"imaLog", PATH, AT(ima_log), NULL},
    {"recorderSocket", PATH, AT(recorder), NULL},
    {"redactionKey", PATH, AT(redaction_key), NULL},
    {"secrets", SECRETS, AT(secrets), NULL},
    {"allowSoftware", BOOL, AT(software), NULL},
    {"logLevel", LEVEL, AT(level), levels},
};

/* Keys of the Go CMC with one value that is what we do anyway. */
static const struct fixed {
    const char *name, *value; /* NULL: true */
    const char *why;
} fixed[] = {
    {"api", "socket", "there is no other API yet"},
    {"measurementLogs", NULL, "a value without its log proves nothing"},
    {"ctr", NULL, "containers are what is measured here"},
};

/* Keys of the Go CMC that do not apply. */
static const struct absent {
    const char *name, *why;
} absent[] = {
    {"ctrDriver", "containers are always recorded in the TPM"},
    {"ctrLog", "the log is in \"runtimeDir\""},
    {"cache", "metadata comes from files, there is nothing to cache"},
    {"allowSystemCerts", "whoever has a web server's certificate would vouch for containers"},
    {"policyEngine", "policies are not evaluated"},
    {"policyOverwrite", "policies are not evaluated"},
    {"vendorCache", "no driver needs certificates of a vendor"},
    {"provisionAuth", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"provisionToken", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"endorsementMode", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"endorsementAddr", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"enrollmentMode", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"enrollmentAddr", "keys are not enrolled over the network yet: see cmcd --create-key"},
    {"useOmsp", "revocation of manifests is by certificates: see \"crls\""},
    {"omspFormat", "revocation of manifests is by certificates: see \"crls\""},
    {"vmpl", "there is no driver for SEV-SNP"},
    {"logFile", "the log goes to standard error"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void *field(struct serve_config *c, const struct key *k)
{
    return (char *)c + k->at;
}

static int keep(char **to, const char *text, struct cmc_err *err)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    free(*to);
    *to = copy;
    return 0;
}

static void list_done(struct serve_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i]);
    free((void *)l->at);
    *l = (struct serve_list){0};
}

static bool is_plain(const struct cmc_json *v)
{
    return v->type == CMC_JSON_STRING && v->text_len > 0 && v->text_len <= SERVE_CONFIG_TEXT_MAX;
}

static int fail_text(const struct key *k, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be a text of 1 to %d bytes", k->name,
                    SERVE_CONFIG_TEXT_MAX);
}

/* A component "..": a path that says one thing and means another. */
static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

static int check_path(const struct key *k, const char *path, struct cmc_err *err)
{
    if (path[0] == '/' && !climbs(path))
        return 0;
    return cmc_fail(err, CMC_E_FORMAT,
                    "\"%s\" must be an absolute path without \"..\", not \"%.80s\"", k->name, path);
}

/* A name that ends up in a report, a certificate or a look-up: letters, digits, "-", "_" and ".".
 */
static int check_name(const struct key *k, const char *name, struct cmc_err *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (strlen(name) <= SERVE_HOST_MAX && name[strspn(name, plain)] == '\0')
        return 0;
    return cmc_fail(err, CMC_E_FORMAT, "\"%s\" is no name: \"%.80s\"", k->name, name);
}

static int set_addr(char **to, const struct key *k, const char *text, struct cmc_err *err)
{
    struct serve_addr addr;
    if (serve_addr_parse(text, &addr, err) < 0)
        return cmc_wrap(err, "\"%s\"", k->name);
    if (k->kind == ADDR && addr.tcp)
        return cmc_fail(err, CMC_E_USAGE,
                        "\"%s\" must be a Unix socket: on TCP nobody is authenticated; what to "
                        "serve there beside it is \"tcp\"",
                        k->name);
    if (k->kind == TCP && !addr.tcp)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be host:port, not \"%.80s\"", k->name,
                        text);
    if (!addr.tcp && check_path(k, addr.path, err) < 0)
        return -(int)err->code;
    return keep(to, addr.tcp ? text : addr.path, err);
}

static const struct choice *choose(const struct key *k, const struct cmc_json *v,
                                   struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf known = cmc_buf_of(128);
    for (const struct choice *c = k->choices; c->name; c++)
        if (v->type == CMC_JSON_STRING && strcmp(v->text, c->name) == 0)
            return c;
    for (const struct choice *c = k->choices; c->name; c++)
        cmc_put_fmt(&known, "%s\"%s\"", c == k->choices ? "" : ", ", c->name);
    cmc_put_u8(&known, '\0');
    (void)cmc_fail(err, CMC_E_USAGE, "\"%s\": expected one of %s", k->name,
                   known.bad ? "" : (const char *)known.data);
    return NULL;
}

static int set_text(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    if (!is_plain(v))
        return fail_text(k, err);
    if (k->kind == ADDR || k->kind == TCP)
        return set_addr(field(c, k), k, v->text, err);
    if ((k->kind == PATH && check_path(k, v->text, err) < 0) ||
        (k->kind == NAME && check_name(k, v->text, err) < 0))
        return -(int)err->code;
    return keep(field(c, k), v->text, err);
}

static int check_array(const struct key *k, const struct cmc_json *v, struct cmc_err *err)
{
    if (v->type != CMC_JSON_ARRAY || v->count > SERVE_CONFIG_LIST_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be an array of at most %d", k->name,
                        SERVE_CONFIG_LIST_MAX);
    return 0;
}

/* What is behind file:// of an element of "metadata", or the text itself. */
static int element(const struct key *k, const char *text, const char **out, struct cmc_err *err)
{
    const char *scheme = strstr(text, "://");
    *out = text;
    if (k->kind == SECRETS)
        return 0;
    if (k->kind == PATHS && strncmp(text, "file://", 7) == 0)
        *out = text + 7;
    else if (k->kind == PATHS && scheme)
        return cmc_fail(err, CMC_E_USAGE,
                        "\"%s\": %.80s: only file:// is read; fetch the rest into a directory",
                        k->name, text);
    return check_path(k, *out, err);
}

static int set_list(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    struct serve_list *list = field(c, k);
    if (check_array(k, v, err) < 0)
        return -(int)err->code;
    list_done(list);
    list->at = calloc(v->count + 1, sizeof(*list->at));
    if (!list->at)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (const struct cmc_json *e = v->child; e; e = e->next) {
        const char *text = NULL;
        if (!is_plain(e))
            return fail_text(k, err);
        if (element(k, e->text, &text, err) < 0 || keep(&list->at[list->count], text, err) < 0)
            return -(int)err->code;
        list->count++;
    }
    return 0;
}

static int set_driver(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                      struct cmc_err *err)
{
    if (v->type != CMC_JSON_ARRAY || v->count != 1)
        return cmc_fail(err, CMC_E_USAGE,
                        "\"%s\" must be an array of one: a report has one kind of evidence",
                        k->name);
    const struct choice *choice = choose(k, v->child, err);
    return choice ? keep(&c->driver, choice->name, err) : -(int)err->code;
}

static int fail_pcr(const struct key *k, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "\"%s\": a PCR is a whole number from 0 to 23", k->name);
}

static bool is_pcr(const struct cmc_json *v)
{
    return v->type == CMC_JSON_INT && !v->negative && v->magnitude < 24;
}

static int set_pcrs(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    if (check_array(k, v, err) < 0)
        return -(int)err->code;
    c->exclude = 0;
    for (const struct cmc_json *e = v->child; e; e = e->next) {
        if (!is_pcr(e))
            return fail_pcr(k, err);
        c->exclude |= 1U << e->magnitude;
    }
    return 0;
}

/* "0660", as people write modes. */
static int set_mode(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    char *end = NULL;
    const unsigned long mode = is_plain(v) ? strtoul(v->text, &end, 8) : 0;
    if (!is_plain(v) || v->text_len != 4 || *end || (mode & 0600) != 0600 || (mode & ~0666UL) != 0)
        return cmc_fail(err, CMC_E_FORMAT,
                        "\"%s\" must be a text such as \"0660\" (root and the group) or \"0666\" "
                        "(everybody)",
                        k->name);
    c->mode = (mode_t)mode;
    return 0;
}

static int set_choice(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                      struct cmc_err *err)
{
    const struct choice *choice = choose(k, v, err);
    if (!choice)
        return -(int)err->code;
    if (k->kind == CHOICE)
        return keep(field(c, k), choice->name, err);
    if (k->kind == BANK)
        c->bank = (uint16_t)choice->value;
    else
        c->level = (enum cmc_level)choice->value;
    return 0;
}

static int set_bool(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    if (v->type != CMC_JSON_TRUE && v->type != CMC_JSON_FALSE)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be true or false", k->name);
    *(bool *)field(c, k) = v->type == CMC_JSON_TRUE;
    return 0;
}

static int set_number(struct serve_config *c, const struct key *k, const struct cmc_json *v,
                      struct cmc_err *err)
{
    if (!is_pcr(v))
        return fail_pcr(k, err);
    *(uint32_t *)field(c, k) = (uint32_t)v->magnitude;
    return 0;
}

static int (*const setters[])(struct serve_config *, const struct key *, const struct cmc_json *,
                              struct cmc_err *) = {
    [TEXT] = set_text,  [PATH] = set_text,     [NAME] = set_text,     [ADDR] = set_text,
    [TCP] = set_text,   [DRIVER] = set_driver, [CHOICE] = set_choice, [PATHS] = set_list,
    [FILES] = set_list, [SECRETS] = set_list,  [PCRS] = set_pcrs,     [NUMBER] = set_number,
    [MODE] = set_mode,  [BOOL] = set_bool,     [BANK] = set_choice,   [LEVEL] = set_choice,
};

/* 1: it is none of these keys. */
static int check_foreign(const struct cmc_json *v, struct cmc_err *err)
{
    for (size_t i = 0; i < COUNT(absent); i++)
        if (strcmp(v->key, absent[i].name) == 0)
            return cmc_fail(err, CMC_E_USAGE, "\"%s\" does not apply: %s", v->key, absent[i].why);
    for (size_t i = 0; i < COUNT(fixed); i++) {
        const struct fixed *f = &fixed[i];
        if (strcmp(v->key, f->name) != 0)
            continue;
        if (f->value ? v->type == CMC_JSON_STRING && strcmp(v->text, f->value) == 0
                     : v->type == CMC_JSON_TRUE)
            return 0;
        return cmc_fail(err, CMC_E_USAGE, "\"%s\" can only be %s: %s", v->key,
                        f->value ? f->value : "true", f->why);
    }
    return 1;
}

static int set(struct serve_config *c, const struct cmc_json *v, struct cmc_err *err)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        if (strcmp(v->key, keys[i].name) == 0) {
            c->default_secrets = c->default_secrets && keys[i].kind != SECRETS;
            return setters[keys[i].kind](c, &keys[i], v, err);
        }
    const int rc = check_foreign(v, err);
    if (rc <= 0)
        return rc;
    return cmc_fail(err, CMC_E_FORMAT,
                    "unknown key \"%.80s\"; cmcd.json(5) lists the keys that exist", v->key);
}

static int set_paths(struct serve_config *c, const struct cmc_site *site, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(SERVE_CONFIG_TEXT_MAX + 32);
    cmc_put_fmt(&b, "%s/firmware-log", site->runtime_dir);
    cmc_put_u8(&b, '\0');
    if (cmc_buf_check(&b, "path", err) < 0 ||
        keep(&c->firmware_log, (const char *)b.data, err) < 0 ||
        keep(&c->runtime_dir, site->runtime_dir, err) < 0 ||
        keep(&c->state_dir, site->state_dir, err) < 0 || keep(&c->tcti, site->tcti, err) < 0)
        return -(int)err->code;
    return 0;
}

static int set_defaults(struct serve_config *c, const struct cmc_site *site, struct cmc_err *err)
{
    *c = (struct serve_config){.mode = 0660,
                               .bank = CMC_ALG_SHA256,
                               .pcr = site->pcr,
                               .exclude = 1U << 10, /* IMA extends it all the time */
                               .default_secrets = true,
                               .level = CMC_LOG_INFO};
    if (set_paths(c, site, err) < 0 || keep(&c->addr, SERVE_SOCKET, err) < 0 ||
        keep(&c->group, "cmc", err) < 0 || keep(&c->driver, "tpm", err) < 0 ||
        keep(&c->key_alg, "EC256", err) < 0 || keep(&c->storage, "/var/lib/cmcd", err) < 0 ||
        keep(&c->recorder, "/run/cmc-recorder.sock", err) < 0)
        return -(int)err->code;
    return 0;
}

void serve_config_done(struct serve_config *c)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (keys[i].kind <= CHOICE)
            free(*(char **)field(c, &keys[i]));
        else if (keys[i].kind <= SECRETS)
            list_done(field(c, &keys[i]));
    }
    *c = (struct serve_config){0};
}

static int fill(struct serve_config *c, const char *text, size_t len, const struct cmc_site *site,
                struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    if (set_defaults(c, site, err) < 0 || cmc_json_parse(text, len, &doc, &root, err) < 0)
        return -(int)err->code;
    if (root->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "must be one JSON object");
    for (const struct cmc_json *v = root->child; v; v = v->next)
        if (set(c, v, err) < 0)
            return -(int)err->code;
    if (c->exclude & (0xffU | 1U << c->pcr))
        return cmc_fail(err, CMC_E_USAGE,
                        "\"excludePcrs\": PCR 0 to 7 and %u, the register, must be quoted", c->pcr);
    return 0;
}

int serve_config_parse(const char *text, size_t len, const struct cmc_site *site,
                       struct serve_config *out, struct cmc_err *err)
{
    struct serve_config c = {0};
    const int rc = fill(&c, text, len, site, err);
    if (rc < 0)
        serve_config_done(&c);
    else
        *out = c;
    return rc;
}

int serve_config_load(const char *path, const struct cmc_site *site, struct serve_config *out,
                      struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(SERVE_CONFIG_MAX);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && strcmp(path, SERVE_CONFIG_PATH) == 0)
        return serve_config_parse("{}", 2, site, out, err);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "configuration %s", path);
    if (cmc_buf_read(&b, fd, "file", err) < 0 ||
        serve_config_parse(b.len ? (const char *)b.data : "", b.len, site, out, err) < 0)
        return cmc_wrap(err, "configuration %s", path);
    return 0;
}
