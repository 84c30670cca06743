/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_secret.c -- finds variables by the names that secrets have. */
#include "measure/config_secret.h"

#include <string.h>

#include "base/json.h"

static const char *const default_names[] = {"*PASSWORD*", "*SECRET*", "*TOKEN*", "*KEY*"};

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* Where a star is met, the text behind it is tried from each place, the last star first: enough,
 * since an earlier one can take no more than that. */
static bool matches(const char *pattern, const char *name, size_t len)
{
    const char *star = NULL;
    size_t at = 0, from = 0;
    while (at < len) {
        if (*pattern == '*') {
            star = pattern++;
            from = at;
        } else if (*pattern && upper(*pattern) == upper(name[at])) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star + 1;
            at = ++from;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool measure_names_match(const struct measure_names *n, const char *name, size_t len)
{
    const char *const *pattern = n->pattern ? n->pattern : default_names;
    const size_t count = n->pattern ? n->count : sizeof(default_names) / sizeof(default_names[0]);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++)
        found = matches(pattern[i], name, len);
    return found;
}

static bool in_env(const struct cmc_json *env, const struct measure_names *names)
{
    const struct cmc_json *n = env && env->type == CMC_JSON_ARRAY ? env->child : NULL;
    for (; n; n = n->next) {
        const char *equal = n->type == CMC_JSON_STRING ? strchr(n->text, '=') : NULL;
        if (equal && measure_names_match(names, n->text, (size_t)(equal - n->text)))
            return true;
    }
    return false;
}

/* hooks: {"prestart": [{"env": [...]}], ...}, whatever the members are called */
static bool in_hooks(const struct cmc_json *hooks, const struct measure_names *names)
{
    const struct cmc_json *kind = hooks && hooks->type == CMC_JSON_OBJECT ? hooks->child : NULL;
    for (; kind; kind = kind->next)
        for (const struct cmc_json *h = kind->type == CMC_JSON_ARRAY ? kind->child : NULL; h;
             h = h->next)
            if (in_env(cmc_json_member(h, "env"), names))
                return true;
    return false;
}

int measure_config_has_secret(const void *json, size_t len, const struct measure_names *names,
                              struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    if (cmc_json_parse(json, len, &doc, &root, err) < 0)
        return cmc_wrap(err, "configuration");
    if (root->type != CMC_JSON_OBJECT)
        return cmc_fail(err, CMC_E_FORMAT, "configuration: expected an object");
    return in_env(cmc_json_member(cmc_json_member(root, "process"), "env"), names) ||
           in_hooks(cmc_json_member(root, "hooks"), names);
}
