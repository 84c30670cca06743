/* SPDX-License-Identifier: Apache-2.0 */
/* {"reference":…, "measured":…, "rules":…}: what is equal passes all rules that can be read; rules
 * only ever widen; a violation has a place, and comes again. */
#include <stdlib.h>
#include <string.h>

#include "attest/verify/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int judge(const struct cmc_json *ref, const struct cmc_json *got,
                 const struct cmc_json *rules)
{
    char path[VERIFY_RULES_PATH], again[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    const int rc = verify_rules_check(ref, got, rules, path, &err);
    must(rc == 0 || rc == -CMC_E_VERIFY || rc == -CMC_E_FORMAT || rc == -CMC_E_LIMIT);
    must((rc < 0) == (err.code != CMC_OK));
    must((rc == -CMC_E_VERIFY) == (path[0] == '$'));
    must(verify_rules_check(ref, got, rules, again, &err) == rc && strcmp(path, again) == 0);
    return rc;
}

/* A rule that is a text and asks for an array refuses another value, even an equal one. */
static bool has(const struct cmc_json *j, const char *word)
{
    if (j->type == CMC_JSON_STRING && strstr(j->text, word))
        return true;
    for (const struct cmc_json *c = j->child; c; c = c->next)
        if (has(c, word))
            return true;
    return false;
}

static bool shaped(const struct cmc_json *rule, const struct cmc_json *ref)
{
    if (rule->type != CMC_JSON_OBJECT && rule->type != CMC_JSON_ARRAY)
        return true;
    if (rule->type != ref->type)
        return false;
    const struct cmc_json *r = ref->child;
    for (const struct cmc_json *c = rule->child; c; c = c->next) {
        const struct cmc_json *m = rule->type == CMC_JSON_OBJECT ? cmc_json_member(ref, c->key) : r;
        if (m && !shaped(c, m))
            return false;
        r = r ? r->next : NULL;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    if (size > 1 << 14 || cmc_json_parse((const char *)data, size, &doc, &root, &err) < 0)
        return 0;
    const struct cmc_json *ref = cmc_json_member(root, "reference");
    const struct cmc_json *got = cmc_json_member(root, "measured");
    const struct cmc_json *rules = cmc_json_member(root, "rules");
    if (ref && got) {
        const int plain = judge(ref, got, NULL);
        must(judge(ref, ref, NULL) == 0 && judge(got, got, NULL) == 0);
        /* NOLINTNEXTLINE(readability-suspicious-call-argument): equality has no direction */
        must(plain == judge(got, ref, NULL));
        const int rc = rules ? judge(ref, got, rules) : 0;
        if (rules)
            must((verify_rules_read(rules, &err) == 0) == (rc == 0 || rc == -CMC_E_VERIFY) ||
                 rc == -CMC_E_LIMIT);
        if (rules && verify_rules_read(rules, &err) == 0 && shaped(rules, ref) &&
            !has(rules, "subset") && !has(rules, "replace"))
            must(judge(ref, ref, rules) == 0 || judge(ref, ref, rules) == -CMC_E_LIMIT);
    }
    cmc_json_free(doc);
    return 0;
}
