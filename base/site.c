/* SPDX-License-Identifier: Apache-2.0 */
/* base/site.c -- /etc/cmc/shim.json: every key is known, every value has one type. */
#include "base/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/safe_open.h"

enum kind { CHOICE, PATH, TEXT, BOOL, U32, U64, BANKS };

static const char *const modes[] = {"audit", NULL};
static const char *const profiles[] = {"exact", "cmc", NULL};

static const struct key {
    const char *name;
    enum kind kind;
    size_t at;                  /* offset in struct cmc_site */
    uint64_t max;               /* U32, U64 */
    const char *const *choices; /* CHOICE: the values that exist; ends with NULL */
} keys[] = {
    {"mode", CHOICE, offsetof(struct cmc_site, mode), 0, modes},
    {"profile", CHOICE, offsetof(struct cmc_site, profile), 0, profiles},
    {"pcr", U32, offsetof(struct cmc_site, pcr), 23, NULL}, /* PC Client PTP: PCR 0..23 */
    {"insecure_pcr", BOOL, offsetof(struct cmc_site, insecure_pcr), 0, NULL},
    {"tcti", TEXT, offsetof(struct cmc_site, tcti), 0, NULL},
    {"runtime_dir", PATH, offsetof(struct cmc_site, runtime_dir), 0, NULL},
    {"state_dir", PATH, offsetof(struct cmc_site, state_dir), 0, NULL},
    {"inner_shim", PATH, offsetof(struct cmc_site, inner_shim), 0, NULL},
    {"helper", PATH, offsetof(struct cmc_site, helper), 0, NULL},
    {"log", PATH, offsetof(struct cmc_site, log), 0, NULL},
    {"redaction_key", PATH, offsetof(struct cmc_site, redaction_key), 0, NULL},
    {"keep_listing", BOOL, offsetof(struct cmc_site, keep_listing), 0, NULL},
    {"firmware_log", PATH, offsetof(struct cmc_site, firmware_log), 0, NULL},
    {"file_max", U64, offsetof(struct cmc_site, file_max), INT64_MAX, NULL},
    {"details_quota", U64, offsetof(struct cmc_site, details_quota), INT64_MAX, NULL},
    {"ignore_banks", BANKS, 0, 0, NULL},
};

/* TCG Algorithm Registry: digests that a TPM may have a bank of and that we cannot compute. */
static const struct bank {
    const char *name;
    uint16_t alg;
} foreign_banks[] = {
    {"sm3_256", 0x0012}, {"sha3_256", 0x0027}, {"sha3_384", 0x0028}, {"sha3_512", 0x0029}};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void *field(struct cmc_site *s, const struct key *k)
{
    return (char *)s + k->at;
}

static int keep_text(char **to, const char *text, struct cmc_err *err)
{
    char *copy = strdup(text);
    if (!copy)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    free(*to);
    *to = copy;
    return 0;
}

/* A component "..": a path that says one thing and means another. */
static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

static int check_choice(const struct key *k, const char *text, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf known = cmc_buf_of(128);
    for (const char *const *c = k->choices; *c; c++) {
        if (strcmp(text, *c) == 0)
            return 0;
        cmc_put_text(&known, c == k->choices ? "\"" : " or \"");
        cmc_put_text(&known, *c);
        cmc_put_text(&known, "\"");
    }
    cmc_put_u8(&known, '\0');
    return cmc_fail(err, CMC_E_USAGE, "%s \"%.80s\" does not exist yet; use %s", k->name, text,
                    known.bad ? "another" : (const char *)known.data);
}

static int set_text(struct cmc_site *s, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    if (v->type != CMC_JSON_STRING || v->text_len == 0 || v->text_len > CMC_SITE_TEXT_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be a text of 1 to %d bytes", k->name,
                        CMC_SITE_TEXT_MAX);
    if (k->kind == PATH && (v->text[0] != '/' || climbs(v->text)))
        return cmc_fail(err, CMC_E_FORMAT,
                        "\"%s\" must be an absolute path without \"..\", not \"%.80s\"", k->name,
                        v->text);
    if (k->kind == CHOICE && check_choice(k, v->text, err) < 0)
        return -(int)err->code;
    return keep_text(field(s, k), v->text, err);
}

static int set_bool(struct cmc_site *s, const struct key *k, const struct cmc_json *v,
                    struct cmc_err *err)
{
    bool *to = field(s, k);
    if (v->type != CMC_JSON_TRUE && v->type != CMC_JSON_FALSE)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be true or false", k->name);
    *to = v->type == CMC_JSON_TRUE;
    return 0;
}

static int set_number(struct cmc_site *s, const struct key *k, const struct cmc_json *v,
                      struct cmc_err *err)
{
    if (v->type != CMC_JSON_INT || v->negative || v->magnitude > k->max)
        return cmc_fail(err, CMC_E_FORMAT, "\"%s\" must be a whole number from 0 to %llu", k->name,
                        (unsigned long long)k->max);
    if (k->kind == U32)
        *(uint32_t *)field(s, k) = (uint32_t)v->magnitude;
    else
        *(uint64_t *)field(s, k) = v->magnitude;
    return 0;
}

static uint16_t foreign_bank(const struct cmc_json *v)
{
    for (size_t i = 0; v->type == CMC_JSON_STRING && i < COUNT(foreign_banks); i++)
        if (strcmp(v->text, foreign_banks[i].name) == 0)
            return foreign_banks[i].alg;
    return 0;
}

static int set_banks(struct cmc_site *s, const struct cmc_json *v, struct cmc_err *err)
{
    if (v->type != CMC_JSON_ARRAY)
        return cmc_fail(err, CMC_E_FORMAT, "\"ignore_banks\" must be an array of texts");
    s->ignore_count = 0;
    for (const struct cmc_json *e = v->child; e; e = e->next) {
        const uint16_t alg = foreign_bank(e);
        if (!alg)
            return cmc_fail(err, CMC_E_FORMAT,
                            "\"ignore_banks\" may hold \"sm3_256\", \"sha3_256\", \"sha3_384\" and "
                            "\"sha3_512\"; banks that can be computed are never ignored");
        for (size_t i = 0; i < s->ignore_count; i++)
            if (s->ignore_banks[i] == alg)
                return cmc_fail(err, CMC_E_FORMAT, "\"ignore_banks\" holds \"%s\" twice", e->text);
        s->ignore_banks[s->ignore_count++] = alg;
    }
    return 0;
}

_Static_assert(COUNT(foreign_banks) <= COUNT(((struct cmc_site *)NULL)->ignore_banks),
               "every foreign bank can be ignored");

static int set(struct cmc_site *s, const struct cmc_json *v, struct cmc_err *err)
{
    const struct key *k = keys;
    while (k < keys + COUNT(keys) && strcmp(k->name, v->key) != 0)
        k++;
    if (k == keys + COUNT(keys))
        return cmc_fail(err, CMC_E_FORMAT,
                        "unknown key \"%.80s\"; cmc-shim.json(5) lists the keys that exist",
                        v->key);
    switch (k->kind) {
    case CHOICE:
    case PATH:
    case TEXT:
        return set_text(s, k, v, err);
    case BOOL:
        return set_bool(s, k, v, err);
    case U32:
    case U64:
        return set_number(s, k, v, err);
    case BANKS:
        break;
    }
    return set_banks(s, v, err);
}

static int set_defaults(struct cmc_site *s, struct cmc_err *err)
{
    *s = (struct cmc_site){.pcr = 13, .details_quota = 256ULL << 20};
    if (keep_text(&s->mode, "audit", err) < 0 || keep_text(&s->profile, "exact", err) < 0 ||
        keep_text(&s->runtime_dir, "/run/cmc", err) < 0 ||
        keep_text(&s->state_dir, "/var/lib/cmc", err) < 0 ||
        keep_text(&s->firmware_log, "/sys/kernel/security/tpm0/binary_bios_measurements", err) < 0)
        return -(int)err->code;
    return 0;
}

void cmc_site_done(struct cmc_site *s)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        if (keys[i].kind <= TEXT)
            free(*(char **)field(s, &keys[i]));
    *s = (struct cmc_site){0};
}

static int fill(struct cmc_site *s, const char *text, size_t len, struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;

    if (set_defaults(s, err) < 0 || cmc_json_parse(text, len, &doc, &root, err) < 0)
        return -(int)err->code;
    if (root->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "must be one JSON object");
    for (const struct cmc_json *v = root->child; v; v = v->next)
        if (set(s, v, err) < 0)
            return -(int)err->code;
    if (s->redaction_key && strcmp(s->profile, "cmc") == 0)
        return cmc_fail(err, CMC_E_USAGE,
                        "profile cmc cannot redact: remove \"redaction_key\", or use profile "
                        "\"exact\"");
    return 0;
}

int cmc_site_parse(const char *text, size_t len, struct cmc_site *out, struct cmc_err *err)
{
    struct cmc_site s = {0};
    int rc = fill(&s, text, len, err);
    if (rc < 0)
        cmc_site_done(&s);
    else
        *out = s;
    return rc;
}

/* Opens below "/" or the current directory: no component may be a symlink. */
static int open_file(const char *path, struct cmc_err *err)
{
    cmc_autofd int top = -1;
    if (path[0] != '/')
        return cmc_open_trusted(AT_FDCWD, path, CMC_SITE_BYTES_MAX, err);
    top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return cmc_fail(err, CMC_E_SYS, "open /");
    return cmc_open_trusted(top, path + strspn(path, "/"), CMC_SITE_BYTES_MAX, err);
}

int cmc_site_load(const char *path, struct cmc_site *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_SITE_BYTES_MAX);
    cmc_autofd int fd = open_file(path, err);
    if (fd < 0 && err->sys_errno == ENOENT && strcmp(path, CMC_SITE_PATH) == 0) {
        *err = (struct cmc_err){0};
        return cmc_site_parse("{}", 2, out, err);
    }
    if (fd < 0 || cmc_buf_read(&b, fd, "file", err) < 0 ||
        cmc_site_parse(b.len ? (const char *)b.data : "", b.len, out, err) < 0)
        return cmc_wrap(err, "configuration %s", path);
    return 0;
}
