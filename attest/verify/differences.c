/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/differences.c -- what differs between two configurations, without any secret. */
#include <string.h>

#include "attest/verify/exact_parts.h"
#include "measure/config_secret.h"

static const char variable[] = "process.env ", hooks[] = "hooks";

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* "process.env NAME", or "process.env NAME #2" for the second of that name. Hooks have variables
 * too, as whole texts in arrays: nothing of them is shown. */
static bool is_secret(const struct verify_policy *p, const char *path)
{
    const struct measure_names names = {.pattern = p->secrets, .count = p->secret_count};
    if (!begins_with(path, variable))
        return begins_with(path, hooks);
    const char *name = path + strlen(variable);
    const char *nth = strrchr(name, '#');
    return measure_names_match(&names, name, strlen(name)) ||
           (nth && nth > name && measure_names_match(&names, name, (size_t)(nth - name - 1)));
}

struct collector {
    const struct verify_compared *c;
    struct verify_difference *at; /* VERIFY_DIFFERENCES_MAX */
    size_t count;
};

static const char *shown(const struct collector *c, const char *path, const char *value,
                         const char *instead)
{
    if (!value)
        return NULL;
    return is_secret(c->c->policy, path) ? instead : verify_tree_text(c->c->tree, value);
}

static void collect(void *ctx, const char *path, const char *before, const char *after)
{
    struct collector *c = ctx;
    if (c->count++ < VERIFY_DIFFERENCES_MAX && c->at)
        c->at[c->count - 1] = (struct verify_difference){
            .path = verify_tree_text(c->c->tree, path),
            .before = shown(c, path, before, "a value that is not shown"),
            .after = shown(c, path, after, before ? "another one" : "a value that is not shown")};
}

static struct cmc_buf borrow(const struct meta_bytes *b)
{
    struct cmc_buf buf = {.len = b->len, .cap = b->len, .max = b->len};
    memcpy(&buf.data, &b->data, sizeof(buf.data)); /* it is only read */
    return buf;
}

int verify_differences_between(const struct verify_compared *x, struct verify_differences *out,
                               struct cmc_err *err)
{
    struct collector c = {.c = x};
    c.at = verify_tree_alloc(x->tree, VERIFY_DIFFERENCES_MAX + 1, sizeof(*c.at));
    const int rc = x->compare(x->reference, x->measured, collect, &c, err);
    if (rc < 0)
        return rc;
    if (c.count > VERIFY_DIFFERENCES_MAX && c.at) {
        c.at[VERIFY_DIFFERENCES_MAX].path =
            verify_tree_fmt(x->tree, "%zu more", c.count - VERIFY_DIFFERENCES_MAX);
        c.count = VERIFY_DIFFERENCES_MAX + 1;
    }
    *out = (struct verify_differences){.at = c.at, .count = c.at ? c.count : 0};
    return 0;
}

int verify_differences(const struct verify_exact *x, const struct meta_bytes *reference,
                       const struct meta_bytes *measured, struct verify_differences *out,
                       struct cmc_err *err)
{
    const struct cmc_buf a = borrow(reference), b = borrow(measured);
    return verify_differences_between(
        &(struct verify_compared){x->policy, x->tree, &a, &b, measure_config_diff}, out, err);
}
