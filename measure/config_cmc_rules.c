/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_rules.c -- what CMC changes in a configuration before it sorts it
 * (section 5 of docs/formats/cmc-config.md). */
#include <limits.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "measure/config_cmc_parts.h"

#define SETKEY         "libnetwork-setkey"
#define CONTROLLER     "<docker-network-controller-id>"
#define VOLUMES        "/var/lib/docker/volumes/"
#define VOLUME         "<docker-volume>"
#define KATA_MOUNTS    "/run/kata-containers/shared/containers/<container-id>-"
#define KATA_HASH      "<kata-mount-hash>"
#define HEX_DIGITS     "0123456789abcdef"
#define ANY_HEX_DIGITS HEX_DIGITS "ABCDEF"
#define LOWER          "abcdefghijklmnopqrstuvwxyz"

enum { CONTROLLER_LEN = 12, KATA_HASH_LEN = 16, SETKEY_ARGS = 4, PATH_SHOWN_MAX = 200 };

struct measure_place *measure_config_cmc_member(const struct measure_place *in, const char *name)
{
    for (struct measure_place *c = in && !in->nil ? in->child : NULL; c; c = c->next)
        if (c->name && strcmp(c->name, name) == 0)
            return c->nil ? NULL : c;
    return NULL;
}

/* text: a literal. */
static void set_text(struct measure_place *v, const char *text)
{
    v->text = text;
    v->text_len = strlen(text);
}

/* All of v's text is in set; none of it when it holds a NUL. */
static bool consists_of(const char *text, size_t len, const char *set)
{
    return strspn(text, set) == len;
}

/* Puts in front of an error which hook it is; whoever wrote the path may not steer a terminal. */
static int wrap_hook(const struct measure_place *path, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf shown = cmc_buf_of(PATH_MAX);
    cmc_put_safe(&shown, path->text, path->text_len, PATH_SHOWN_MAX);
    return cmc_wrap(err, "prestart hook %.*s", (int)shown.len, (const char *)shown.data);
}

static int resolve_path(struct measure_places *p, struct measure_place *hook,
                        const struct measure_config_cmc_opts *opts, struct cmc_err *err)
{
    char found[PATH_MAX] = "";
    struct measure_place *path = measure_config_cmc_member(hook, "path");

    if (!path || *path->text != '/' || strlen(path->text) != path->text_len)
        return cmc_fail(err, CMC_E_FORMAT, "a prestart hook without an absolute path");
    int rc = opts->resolve ? opts->resolve(opts->ctx, path->text, found, err)
                           : cmc_fail(err, CMC_E_USAGE,
                                      "its path is resolved on the host that runs the container, "
                                      "and is not known here");
    if (rc < 0)
        return wrap_hook(path, err);
    path->text_len = strlen(found);
    return measure_config_cmc_keep(p, found, path->text_len, &path->text, err);
}

/* Docker makes the id of its network controller anew at each start of the daemon. */
static void hide_controller(const struct measure_place *args)
{
    struct measure_place *arg = args ? args->child : NULL;
    if (!arg || args->count < SETKEY_ARGS || strcmp(arg->text, SETKEY) != 0 ||
        arg->text_len != strlen(SETKEY))
        return;
    arg = arg->next->next->next;
    if (arg->text_len == CONTROLLER_LEN && consists_of(arg->text, CONTROLLER_LEN, ANY_HEX_DIGITS))
        set_text(arg, CONTROLLER);
}

/* Whether text is what Kata appends to the container's id: 16 digits, "-" and a name. */
static bool kata_name(const char *text, size_t len)
{
    if (len < KATA_HASH_LEN + 2 || strspn(text, HEX_DIGITS) < KATA_HASH_LEN)
        return false;
    text += KATA_HASH_LEN;
    return text[0] == '-' && text[1] && strchr(LOWER, text[1]) &&
           consists_of(text, len - KATA_HASH_LEN, LOWER "0123456789-");
}

static int hide_mount(struct measure_places *p, struct measure_place *source, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf made = cmc_buf_of(CMC_JSON_BYTES_MAX);
    size_t prefix = strlen(KATA_MOUNTS);

    if (strncmp(source->text, VOLUMES, strlen(VOLUMES)) == 0) {
        set_text(source, VOLUME);
        return 0;
    }
    if (strncmp(source->text, KATA_MOUNTS, prefix) != 0 ||
        !kata_name(source->text + prefix, source->text_len - prefix))
        return 0;
    cmc_put_text(&made, KATA_MOUNTS KATA_HASH);
    cmc_put_text(&made, source->text + prefix + KATA_HASH_LEN);
    int rc = cmc_buf_check(&made, "source of a mount", err);
    if (rc < 0)
        return rc;
    source->text_len = made.len;
    return measure_config_cmc_keep(p, (const char *)made.data, made.len, &source->text, err);
}

/* The next of the elements that count, from *left of them. */
static struct measure_place *next_of(struct measure_place *at, size_t *left)
{
    return --*left ? at->next : NULL;
}

static struct measure_place *first_of(const struct measure_place *array, size_t *left)
{
    *left = array ? array->count : 0;
    return *left ? array->child : NULL;
}

int measure_config_cmc_rules(struct measure_places *p, const struct measure_config_cmc_opts *opts,
                             struct cmc_err *err)
{
    const struct measure_place *config = &p->root;
    struct measure_place *process = measure_config_cmc_member(config, "process");
    const struct measure_place *hooks =
        measure_config_cmc_member(measure_config_cmc_member(config, "hooks"), "prestart");
    size_t left;
    int rc = 0;

    for (struct measure_place *h = first_of(hooks, &left); h && rc == 0; h = next_of(h, &left)) {
        rc = resolve_path(p, h, opts, err);
        hide_controller(measure_config_cmc_member(h, "args"));
    }
    measure_config_cmc_forget(measure_config_cmc_member(config, "hostname"));
    measure_config_cmc_forget(measure_config_cmc_member(config, "annotations"));
    measure_config_cmc_forget(measure_config_cmc_member(config, "root"));
    measure_config_cmc_forget(measure_config_cmc_member(process, "terminal"));
    measure_config_cmc_forget(measure_config_cmc_member(process, "consoleSize"));
    const struct measure_place *mounts = measure_config_cmc_member(config, "mounts");
    for (struct measure_place *m = first_of(mounts, &left); m && rc == 0; m = next_of(m, &left)) {
        struct measure_place *source = measure_config_cmc_member(m, "source");
        rc = source ? hide_mount(p, source, err) : 0;
    }
    return rc;
}
