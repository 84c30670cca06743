/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_path.c -- one part after the other, as a kernel would with the tree as its root. */
#include "measure/image_path.h"

#include <string.h>

enum { DEPTH_MAX = MEASURE_IMAGE_PATH_MAX / 2 + 1 };

struct walk {
    const struct measure_image_view *view;
    struct cmc_buf todo, next;
    struct cmc_buf *path;
    uint32_t dirs[DEPTH_MAX + 1]; /* from the root to where the walk is; 0: nothing there */
    size_t depth;
    unsigned links;
    char type; /* of the last */
};

struct measure_bytes measure_image_part(struct measure_bytes *rest)
{
    while (rest->len && *rest->p == '/')
        *rest = (struct measure_bytes){rest->p + 1, rest->len - 1};
    const uint8_t *slash = rest->len ? memchr(rest->p, '/', rest->len) : NULL;
    const struct measure_bytes part = {rest->p, slash ? (size_t)(slash - rest->p) : rest->len};
    *rest = (struct measure_bytes){part.len ? rest->p + part.len : rest->p, rest->len - part.len};
    while (rest->len && *rest->p == '/')
        *rest = (struct measure_bytes){rest->p + 1, rest->len - 1};
    return part;
}

static void up(struct walk *w)
{
    const uint8_t *slash = w->path->len ? memrchr(w->path->data, '/', w->path->len) : NULL;
    w->path->len = slash ? (size_t)(slash - w->path->data) : 0;
    if (w->depth > 0)
        w->depth--;
    w->type = 'd';
}

static int down(struct walk *w, struct measure_bytes part, uint32_t id, char type,
                struct cmc_err *err)
{
    if (w->depth == DEPTH_MAX || w->path->len + part.len + 1 > MEASURE_IMAGE_PATH_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a path of more than %d bytes", MEASURE_IMAGE_PATH_MAX);
    if (w->path->len)
        cmc_put_u8(w->path, '/');
    cmc_put(w->path, part.p, part.len);
    w->dirs[++w->depth] = id;
    w->type = type;
    return cmc_buf_check(w->path, "a path", err);
}

/* The rest of the way begins at the link's target. */
static int follow(struct walk *w, struct measure_bytes target, struct measure_bytes rest,
                  struct cmc_err *err)
{
    if (++w->links > MEASURE_IMAGE_LINKS_MAX)
        return cmc_fail(err, CMC_E_VERIFY, "more than %d symbolic links on the way",
                        MEASURE_IMAGE_LINKS_MAX);
    w->next.len = 0;
    cmc_put(&w->next, target.p, target.len);
    cmc_put_u8(&w->next, '/');
    cmc_put(&w->next, rest.p, rest.len);
    if (cmc_buf_check(&w->next, "a path", err) < 0)
        return -(int)err->code;
    const struct cmc_buf done = w->todo;
    w->todo = w->next;
    w->next = done;
    while (target.len && *target.p == '/' && w->depth > 0)
        up(w);
    return 0;
}

static bool is(struct measure_bytes part, const char *text)
{
    return part.len == strlen(text) && memcmp(part.p, text, part.len) == 0;
}

/* A part that is a name; *rest: what is still to be done. */
static int enter(struct walk *w, struct measure_bytes part, struct measure_bytes *rest,
                 struct cmc_err *err)
{
    struct measure_image_seen seen = {.id = 0};
    const uint32_t dir = w->dirs[w->depth];
    if (dir && w->type != 'd')
        return cmc_fail(err, CMC_E_VERIFY, "\"%.*s\" on the way is no directory",
                        w->path->len < 80 ? (int)w->path->len : 80, (const char *)w->path->data);
    if (!dir || !w->view->look(w->view->tree, dir, part, &seen))
        return down(w, part, 0, 0, err);
    if (seen.type != 'l')
        return down(w, part, seen.id, seen.type, err);
    if (follow(w, seen.target, *rest, err) < 0)
        return -(int)err->code;
    *rest = (struct measure_bytes){w->todo.data, w->todo.len};
    return 0;
}

/* Takes one part off the rest; returns 0 at the end. */
static int step(struct walk *w, struct measure_bytes *rest, struct cmc_err *err)
{
    const struct measure_bytes part = measure_image_part(rest);
    if (part.len == 0)
        return 0;
    if (is(part, ".."))
        up(w);
    else if (!is(part, ".") && enter(w, part, rest, err) < 0)
        return -(int)err->code;
    return 1;
}

int measure_image_resolve(const struct measure_image_view *view, struct measure_bytes from,
                          struct cmc_buf *path, uint32_t *id, char *type, struct cmc_err *err)
{
    enum { TODO_MAX = 1 << 20 };
    struct walk w = {.view = view,
                     .todo = cmc_buf_of(TODO_MAX),
                     .next = cmc_buf_of(TODO_MAX),
                     .path = path,
                     .type = 'd'};
    struct measure_bytes rest = from;
    int r;
    w.dirs[0] = view->root;
    path->len = 0;
    do {
        r = step(&w, &rest, err);
    } while (r > 0);
    cmc_buf_done(&w.todo);
    cmc_buf_done(&w.next);
    if (r < 0)
        return r;
    *id = w.dirs[w.depth];
    *type = w.type;
    return 0;
}
