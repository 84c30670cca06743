/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_user.c -- users and groups as containerd finds them in an image's files: loosely,
 * a number that is none being 0. */
#include <stdlib.h>
#include <string.h>

#include "measure/client_parts.h"

enum { ID_MAX = INT32_MAX };

void client_user_done(struct client_user *u)
{
    free(u->gids);
    *u = (struct client_user){.gids = NULL};
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next line that is not empty; false at the end. */
static bool next_line(struct measure_bytes *rest, struct measure_bytes *line)
{
    while (rest->len) {
        const uint8_t *end = memchr(rest->p, '\n', rest->len);
        struct measure_bytes at = {rest->p, end ? (size_t)(end - rest->p) : rest->len};
        *rest = (struct measure_bytes){rest->p + at.len + !!end, rest->len - at.len - !!end};
        while (at.len && is_space(at.p[0]))
            at = (struct measure_bytes){at.p + 1, at.len - 1};
        while (at.len && is_space(at.p[at.len - 1]))
            at.len--;
        *line = at;
        if (at.len)
            return true;
    }
    return false;
}

/* Part i between separators; empty when there are not so many. */
static struct measure_bytes part_of(struct measure_bytes text, char separator, size_t i)
{
    for (;; i--) {
        const uint8_t *end = text.len ? memchr(text.p, separator, text.len) : NULL;
        const size_t len = end ? (size_t)(end - text.p) : text.len;
        if (i == 0)
            return (struct measure_bytes){text.p, len};
        if (!end)
            return (struct measure_bytes){text.p, 0};
        text = (struct measure_bytes){end + 1, text.len - len - 1};
    }
}

/* Go's strconv.Atoi: false for what is no number; the nearest one for what is too large. */
static bool number_of(struct measure_bytes s, int64_t *out)
{
    const bool negative = s.len && s.p[0] == '-';
    uint64_t v = 0;
    *out = 0;
    if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
        s = (struct measure_bytes){s.p + 1, s.len - 1};
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (v < UINT64_MAX / 16)
            v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    const uint64_t max = (uint64_t)INT64_MAX + negative;
    v = v > max ? max : v;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static bool same(struct measure_bytes a, struct measure_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static uint32_t id_in(struct measure_bytes line, size_t part)
{
    int64_t id;
    (void)number_of(part_of(line, ':', part), &id);
    return (uint32_t)id;
}

struct user {
    struct measure_bytes name;
    uint32_t uid, gid;
};

/* The first user with that name or, where name is empty, that uid. */
static bool find_user(struct measure_bytes passwd, struct measure_bytes name, int64_t uid,
                      struct user *out)
{
    struct measure_bytes line;
    while (next_line(&passwd, &line)) {
        int64_t id;
        const struct measure_bytes its = part_of(line, ':', 0);
        (void)number_of(part_of(line, ':', 2), &id);
        if (name.p ? !same(its, name) : id != uid)
            continue;
        *out = (struct user){.name = its, .uid = (uint32_t)id, .gid = id_in(line, 3)};
        return true;
    }
    return false;
}

static bool find_group(struct measure_bytes group, struct measure_bytes name, uint32_t *gid)
{
    struct measure_bytes line;
    while (next_line(&group, &line))
        if (same(part_of(line, ':', 0), name)) {
            *gid = id_in(line, 2);
            return true;
        }
    return false;
}

static bool lists(struct measure_bytes line, struct measure_bytes user)
{
    const struct measure_bytes list = part_of(line, ':', 3);
    size_t parts = 1;
    if (list.len == 0)
        return false;
    for (size_t i = 0; i < list.len; i++)
        parts += list.p[i] == ',';
    for (size_t i = 0; i < parts; i++)
        if (same(part_of(list, ',', i), user))
            return true;
    return false;
}

static int add_gid(struct client_user *u, uint32_t gid, struct cmc_err *err)
{
    if (u->gid_count == CLIENT_GIDS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d groups", CLIENT_GIDS_MAX);
    uint32_t *more = reallocarray(u->gids, u->gid_count + 1, sizeof(*more));
    if (!more)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for groups");
    u->gids = more;
    u->gids[u->gid_count++] = gid;
    return 0;
}

static int add_groups(struct client_user *u, struct measure_bytes group, struct measure_bytes user,
                      struct cmc_err *err)
{
    struct measure_bytes line;
    while (next_line(&group, &line)) {
        if (same(part_of(line, ':', 0), user) || !lists(line, user))
            continue;
        if (add_gid(u, id_in(line, 2), err) < 0)
            return -(int)err->code;
    }
    return 0;
}

/* The own group is one of the additional ones, and the first if it was not among them. */
static int add_own(struct client_user *u, struct cmc_err *err)
{
    for (size_t i = 0; i < u->gid_count; i++)
        if (u->gids[i] == u->gid)
            return 0;
    if (add_gid(u, u->gid, err) < 0)
        return -(int)err->code;
    memmove(u->gids + 1, u->gids, (u->gid_count - 1) * sizeof(*u->gids));
    u->gids[0] = u->gid;
    return 0;
}

static struct measure_bytes bytes_of(const char *text, size_t len)
{
    return (struct measure_bytes){(const uint8_t *)text, len};
}

static int fail_absent(const char *what, struct measure_bytes name, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_VERIFY,
                    "the image has no %s \"%.*s\": containerd would not make the container", what,
                    name.len < 60 ? (int)name.len : 60, (const char *)name.p);
}

/* One part: a name, or a number, whose group the image may tell. */
static int find_one(const struct measure_client_image *image, struct measure_bytes spec,
                    struct client_user *out, struct cmc_err *err)
{
    struct user user;
    int64_t v;
    if (number_of(spec, &v) && v >= 0 && v <= ID_MAX) {
        const bool known = find_user(image->passwd, (struct measure_bytes){NULL, 0}, v, &user);
        out->uid = (uint32_t)v;
        out->gid = known ? user.gid : 0;
        return 0;
    }
    if (!find_user(image->passwd, spec, 0, &user))
        return fail_absent("user", spec, err);
    out->uid = user.uid;
    out->gid = user.gid;
    return 0;
}

static int find_both(const struct measure_client_image *image, struct measure_bytes name,
                     struct measure_bytes group, struct client_user *out, struct cmc_err *err)
{
    struct user user;
    int64_t v;
    if (number_of(name, &v) && v >= 0 && v <= ID_MAX)
        out->uid = (uint32_t)v;
    else if (name.len == 0) /* taken for "not a name" and so for 0 */
        out->uid = 0;
    else if (find_user(image->passwd, name, 0, &user))
        out->uid = user.uid;
    else
        return fail_absent("user", name, err);
    if (number_of(group, &v) && v >= 0 && v <= ID_MAX)
        out->gid = (uint32_t)v;
    else if (group.len && !find_group(image->group, group, &out->gid))
        return fail_absent("group", group, err);
    return 0;
}

/* The groups of a uid, as the image names its user; of nobody when it does not. */
static int groups_of_uid(const struct measure_client_image *image, int64_t uid,
                         struct client_user *out, struct cmc_err *err)
{
    struct user user;
    if (!find_user(image->passwd, (struct measure_bytes){NULL, 0}, uid, &user))
        return 0;
    return add_groups(out, image->group, user.name, err);
}

/* Who it is, without groups: "", a part, or two. */
static int find_spec(const struct measure_client_image *image, const char *spec,
                     struct client_user *out, struct cmc_err *err)
{
    const char *colon = strchr(spec, ':');
    const size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
    *out = (struct client_user){.uid = 0};
    if (colon && strchr(colon + 1, ':'))
        return cmc_fail(err, CMC_E_VERIFY, "user \"%.60s\" has more than two parts", spec);
    if (colon)
        return find_both(image, bytes_of(spec, len), bytes_of(colon + 1, strlen(colon + 1)), out,
                         err);
    return len ? find_one(image, bytes_of(spec, len), out, err) : 0;
}

int client_user_find(const struct measure_client_image *image, const char *spec,
                     struct client_user *out, struct cmc_err *err)
{
    int r = find_spec(image, spec, out, err);
    if (r == 0)
        r = *spec ? groups_of_uid(image, out->uid, out, err)
                  : add_groups(out, image->group, bytes_of("root", 4), err);
    if (r == 0)
        r = add_own(out, err);
    if (r < 0)
        client_user_done(out);
    return r;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void sort_groups(struct client_user *u)
{
    size_t kept = 0;
    qsort(u->gids, u->gid_count, sizeof(*u->gids), by_number);
    for (size_t i = 0; i < u->gid_count; i++)
        if (i == 0 || u->gids[i] != u->gids[kept - 1])
            u->gids[kept++] = u->gids[i];
    u->gid_count = kept;
}

int client_user_find_cri(const struct measure_client_image *image, const char *asked,
                         struct client_user *out, struct cmc_err *err)
{
    const char *who = asked ? asked : "0";
    const struct measure_bytes name = bytes_of(who, strcspn(who, ":"));
    int64_t uid;
    int r = find_spec(image, asked ? asked : image->config->user, out, err);
    if (r == 0)
        r = number_of(name, &uid) ? groups_of_uid(image, uid, out, err)
                                  : add_groups(out, image->group, name, err);
    if (r == 0)
        r = add_own(out, err);
    if (r < 0)
        client_user_done(out);
    else
        sort_groups(out);
    return r;
}
