/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_layers.c -- small stacks of layers, marked as an unprivileged
 * overlay marks them: what the walk meets, from which layer, and what it leaves to a mount. The
 * kernel itself is asked by tests/integration/layers. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "measure/rootfs_layers.h"

static int flags_there, flags_error; /* what every directory has; instead: that errno */

/* NOLINTNEXTLINE(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names it */
int __wrap_ioctl(int fd, unsigned long request, int *flags);
int __wrap_ioctl(int fd, unsigned long request, int *flags)
{
    (void)fd;
    assert_int_equal(request, FS_IOC_GETFLAGS);
    *flags = flags_there;
    errno = flags_error;
    return flags_error ? -1 : 0;
}

enum { LAYERS = 4, STEPS = 13 };

struct bed {
    struct tree t; /* its root holds the layers */
    int fds[MEASURE_LAYERS_MAX];
    struct measure_layers layers;
};

static void begin_layers(struct bed *b, size_t count)
{
    begin(&b->t);
    b->layers = (struct measure_layers){
        .fds = b->fds, .count = count, .userxattr = true, .redirects = true};
    for (size_t i = 0; i < count; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "%zu", i);
        assert_int_equal(mkdirat(b->t.fd, name, 0755), 0);
        b->fds[i] = openat(b->t.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(b->fds[i] >= 0);
    }
}

static void end_layers(struct bed *b)
{
    for (size_t i = 0; i < b->layers.count; i++)
        cmc_closep(&b->fds[i]);
    end(&b->t);
}

static void mark(int dir, const char *path, const char *key, const char *value)
{
    char name[64];
    cmc_autofd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(name, sizeof(name), "user.overlay.%s", key);
    if (fsetxattr(fd, name, value, strlen(value), 0) != 0)
        skip(); /* a file system without */
}

/* "1 f path": a file in layer 1. d: a directory; w: a whiteout; l: a link; n: one more name,
 * "old new"; m: a mark, "path key value". */
static void take_step(const struct bed *b, const char *step)
{
    char words[128], *rest = words;
    (void)snprintf(words, sizeof(words), "%s", step);
    const int dir = b->fds[words[0] - '0'];
    rest += 4;
    const char *path = strsep(&rest, " ");
    switch (words[2]) {
    case 'f':
        assert_int_equal(put(dir, path, step), 0);
        return;
    case 'd':
        assert_int_equal(mkdirat(dir, path, 0755), 0);
        return;
    case 'w':
        if (mknodat(dir, path, S_IFCHR, 0) != 0)
            skip();
        return;
    case 'l':
        assert_int_equal(symlinkat("target", dir, path), 0);
        return;
    case 'n':
        assert_int_equal(linkat(b->fds[0], path, dir, rest, 0), 0);
        return;
    default:
        assert_int_equal(words[2], 'm');
        const char *key = strsep(&rest, " ");
        mark(dir, path, key, rest ? rest : "");
    }
}

/* A form that writes down what it meets. */
struct notes {
    char text[1024];
    size_t depth;
    int (*act)(void);
};

static void note(struct notes *n, const struct measure_walk_entry *e)
{
    const size_t len = strlen(n->text);
    (void)snprintf(n->text + len, sizeof(n->text) - len, "%.*s%s:%u ", (int)e->path.len,
                   (const char *)e->path.p, S_ISDIR(e->sx->stx_mode) ? "/" : "", e->layer);
}

static int note_dir(void *ctx, const struct measure_walk_entry *e,
                    const struct measure_walk_names *names, struct cmc_err *err)
{
    struct notes *n = ctx;
    (void)err;
    for (size_t i = 1; i < names->count; i++)
        assert_true(strcmp(names->text + names->at[i - 1], names->text + names->at[i]) < 0);
    note(n, e);
    n->depth++;
    return 0;
}

static int note_other(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err)
{
    (void)err;
    note(ctx, e);
    return 0;
}

static int note_end(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err)
{
    struct notes *n = ctx;
    assert_int_equal(measure_look_same(fd, facts, err), 0);
    n->depth--;
    return 0;
}

static int walk_noting(const struct bed *b, struct notes *n, struct cmc_err *err)
{
    static const struct measure_walk form = {
        .enter = note_dir, .visit = note_other, .leave = note_end};
    static const struct measure_rootfs_opts opts = {0};
    struct measure_meter meter = {.opts = &opts};
    return measure_layers_walk(&b->layers, &form, n, &meter, err);
}

struct shown {
    const char *name;
    const char *steps[STEPS];
    const char *seen;
};

static struct shown shows[] = {
    {"nothing", {NULL}, "/:0 "},
    {"names of all layers", {"0 f b", "1 f c", "3 f a"}, "/:0 /a:3 /b:0 /c:1 "},
    {"the topmost file", {"2 f a", "1 f a", "3 f a"}, "/:0 /a:1 "},
    {"a whiteout", {"1 w a", "2 f a"}, "/:0 "},
    {"a whiteout of nothing", {"0 w a"}, "/:0 "},
    {"a whiteout of a directory", {"1 w a", "2 d a", "2 f a/b"}, "/:0 "},
    {"a whiteout below what it hides", {"0 f a", "1 w a"}, "/:0 /a:0 "},
    {"directories are one",
     {"1 d a", "1 f a/x", "2 d a", "2 f a/x", "2 f a/y", "3 d a", "3 f a/z"},
     "/:0 /a/:1 /a/x:1 /a/y:2 /a/z:3 "},
    {"a file over a directory", {"0 f a", "1 d a", "1 f a/b"}, "/:0 /a:0 "},
    {"a directory over a file", {"0 d a", "1 f a"}, "/:0 /a/:0 "},
    {"a file between directories", {"0 d a", "1 f a", "2 d a", "2 f a/b"}, "/:0 /a/:0 "},
    {"a link between directories", {"0 d a", "1 l a", "2 d a", "2 f a/b"}, "/:0 /a/:0 "},
    {"a whiteout between directories", {"0 d a", "1 w a", "2 d a", "2 f a/b"}, "/:0 /a/:0 "},
    {"an opaque directory",
     {"0 d a", "1 d a", "1 f a/b", "1 m a opaque y", "2 d a", "2 f a/c"},
     "/:0 /a/:0 /a/b:1 "},
    {"an opaque one on top", {"0 d a", "0 m a opaque y", "1 d a", "1 f a/c"}, "/:0 /a/:0 "},
    {"opaque layers", {"0 m . opaque y", "1 m . opaque y", "2 f a"}, "/:0 /a:2 "},
    {"a whiteout in a merged directory", {"0 d a", "0 w a/b", "1 d a", "1 f a/b"}, "/:0 /a/:0 "},
    {"a whiteout where one was copied up", {"1 d a", "1 w a/b", "1 m a origin"}, "/:0 /a/:1 "},
    {"names before their extensions",
     {"0 d a", "0 f a/z", "1 f a-", "1 f a.b", "1 d a", "1 f a/-"},
     "/:0 /a/:0 /a/-:1 /a/z:0 /a-:1 /a.b:1 "},
    {"traces of mounts",
     {"0 d a", "0 m a impure y", "0 m a nlink U+1", "0 m . uuid x", "0 m a overlay.opaque y",
      "1 d a", "1 f a/b"},
     "/:0 /a/:0 /a/b:1 "},
    {"a directory by another name",
     {"0 d a", "0 m a redirect b", "1 d b", "1 f b/x", "1 d a", "1 f a/no", "2 d b", "2 f b/y"},
     "/:0 /a/:0 /a/x:1 /a/y:2 /b/:1 /b/x:1 /b/y:2 "},
    {"by another name, and by another below",
     {"0 d a", "0 m a redirect b", "1 d b", "1 m b redirect c", "1 f b/x", "2 d c", "2 f c/y",
      "2 d b", "2 f b/no", "0 w b", "0 w c"},
     "/:0 /a/:0 /a/x:1 /a/y:2 "},
    {"by a path",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "1 d d", "1 d d/e", "1 f d/e/x"},
     "/:0 /a/:0 /a/x:1 "},
    {"further in, by a path",
     {"0 d a", "0 m a redirect /d", "0 w d", "1 d d", "1 d d/e", "1 f d/e/x", "2 d d", "2 d d/e",
      "2 f d/e/y"},
     "/:0 /a/:0 /a/e/:1 /a/e/x:1 /a/e/y:2 "},
    {"a path that is redirected on the way",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "0 w f", "1 d d", "1 m d redirect f", "1 d d/e",
      "2 d f", "2 d f/e", "2 f f/e/x"},
     "/:0 /a/:0 /a/x:2 "},
    {"an opaque directory on the way",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "1 d d", "1 m d opaque y", "1 d d/e", "1 f d/e/x",
      "2 d d", "2 d d/e", "2 f d/e/no"},
     "/:0 /a/:0 /a/x:1 "},
    {"a path that starts anew below an opaque directory on the way",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "1 d d", "1 m d opaque y", "1 d d/e",
      "1 m d/e redirect /f", "1 f d/e/x", "2 d f", "2 f f/y", "0 w f"},
     "/:0 /a/:0 /a/x:1 /a/y:2 "},
    {"a name that becomes a path",
     {"0 d a", "0 m a redirect b", "0 w b", "0 w d", "1 d b", "1 m b redirect /d", "1 d d",
      "1 f d/no", "2 d d", "2 f d/x", "2 d b", "2 f b/no"},
     "/:0 /a/:0 /a/x:2 "},
    {"a whiteout on the way",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "1 w d", "2 d d", "2 d d/e", "2 f d/e/no"},
     "/:0 /a/:0 "},
    {"a path that a layer has a part of",
     {"0 d a", "0 m a redirect /d/e", "0 w d", "1 d d", "2 d d", "2 d d/e", "2 f d/e/x"},
     "/:0 /a/:0 /a/x:2 "},
    {"to nothing", {"0 d a", "0 m a redirect b", "1 d a", "1 f a/no"}, "/:0 /a/:0 "},
    {"an opaque one has no other name",
     {"0 d a", "0 m a redirect b", "0 m a opaque y", "1 d b", "1 f b/x"},
     "/:0 /a/:0 /b/:1 /b/x:1 "},
    {"at the bottom", {"3 d a", "3 m a redirect b", "3 d b"}, "/:0 /a/:3 /b/:3 "},
    {"of a layer", {"1 m . redirect b", "2 f a"}, "/:0 /a:2 "},
};

static void run_shown(void **state)
{
    const struct shown *row = *state;
    struct bed b;
    struct notes n = {.depth = 0};
    begin_layers(&b, LAYERS);
    for (size_t i = 0; i < STEPS && row->steps[i]; i++)
        take_step(&b, row->steps[i]);
    const int r = walk_noting(&b, &n, &b.t.err);
    if (r < 0)
        print_error("%s\n", b.t.err.msg);
    assert_int_equal(r, 0);
    assert_string_equal(n.text, row->seen);
    assert_int_equal(n.depth, 0);
    end_layers(&b);
}

static struct left {
    const char *name;
    const char *steps[STEPS];
    const char *error;
} left_to_the_kernel[] = {
    {"a lone whiteout",
     {"1 d a", "1 w a/b"},
     "/a: not read as layers: a whiteout in a directory of one layer"},
    {"a whiteout below an opaque one",
     {"0 d a", "0 m a opaque y", "0 w a/b", "1 d a"},
     "/a: not read as layers: a whiteout in a directory of one layer"},
    {"opaque is x",
     {"0 d a", "0 m a opaque x"},
     "/a: not read as layers: the attribute user.overlay.opaque"},
    {"opaque is more than y",
     {"0 d a", "0 m a opaque yes"},
     "/a: not read as layers: the attribute user.overlay.opaque"},
    {"an unknown mark",
     {"0 d a", "1 d a", "1 m a new y"},
     "/a: not read as layers: the attribute user.overlay.new"},
    {"a layer's unknown mark",
     {"2 m . new y"},
     "/: layer 2: not read as layers: the attribute user.overlay.new"},
    {"a redirect to its parent",
     {"0 d a", "0 m a redirect .."},
     "/a: not read as layers: a redirect to no path"},
    {"a file in another layer",
     {"0 f a", "0 m a metacopy"},
     "/a: not read as layers: the attribute user.overlay.metacopy"},
    {"a file that is a whiteout",
     {"0 f a", "0 m a whiteout"},
     "/a: not read as layers: the attribute user.overlay.whiteout"},
};

static int measure_layers(struct bed *b)
{
    static const struct measure_rootfs_opts none = {0};
    return measure_rootfs_layers(&b->layers, &none, &b->t.got, &b->t.err);
}

static void run_left(void **state)
{
    const struct left *row = *state;
    struct bed b;
    uint8_t poison[sizeof(b.t.got)];
    begin_layers(&b, LAYERS);
    for (size_t i = 0; i < STEPS && row->steps[i]; i++)
        take_step(&b, row->steps[i]);
    memset(&b.t.got, 0xa5, sizeof(poison));
    memset(poison, 0xa5, sizeof(poison));
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, row->error);
    assert_memory_equal(&b.t.got, poison, sizeof(poison));
    end_layers(&b);
}

static void redirects_that_no_mount_follows(void **state)
{
    (void)state;
    struct bed b;
    begin_layers(&b, LAYERS);
    b.layers.redirects = false;
    take_step(&b, "0 d a");
    take_step(&b, "0 m a redirect b");
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, "/a: not read as layers: a redirect that is not followed");
    end_layers(&b);
}

static void marks_of_the_other_prefix(void **state)
{
    (void)state;
    struct bed b;
    struct notes n = {.depth = 0};
    begin_layers(&b, 2);
    take_step(&b, "0 d a");
    take_step(&b, "0 m a opaque y");
    take_step(&b, "0 m a new y");
    take_step(&b, "1 d a");
    take_step(&b, "1 f a/b");
    b.layers.userxattr = false;
    if (geteuid() != 0) {
        end_layers(&b);
        skip();
    }
    assert_int_equal(walk_noting(&b, &n, &b.t.err), 0);
    assert_string_equal(n.text, "/:0 /a/:0 /a/b:1 ");
    end_layers(&b);
}

static void directories_with_rules_of_their_own(void **state)
{
    static const struct {
        int flags, error, result;
    } rows[] = {
        {0, 0, 0},
        {FS_NOATIME_FL | FS_EXTENT_FL, 0, 0},
        {FS_CASEFOLD_FL, 0, -CMC_E_FORMAT},
        {FS_ENCRYPT_FL, 0, -CMC_E_FORMAT},
        {FS_CASEFOLD_FL, ENOTTY, 0},
        {FS_CASEFOLD_FL, EOPNOTSUPP, 0},
        {0, EIO, -CMC_E_SYS},
    };
    struct bed b;
    (void)state;
    begin_layers(&b, 2);
    for (size_t i = 0; i < ROWS(rows); i++) {
        flags_there = rows[i].flags;
        flags_error = rows[i].error;
        assert_int_equal(measure_layers(&b), rows[i].result);
    }
    flags_there = flags_error = 0;
    end_layers(&b);
}

static void not_a_stack(void **state)
{
    (void)state;
    struct bed b;
    begin_layers(&b, 3);
    b.layers.count = 1;
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, MEASURE_LAYERS_NOT "1 of them");
    b.layers.count = MEASURE_LAYERS_MAX + 1;
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    b.layers.count = 2;
    cmc_closep(&b.fds[1]);
    b.fds[1] = openat(b.t.fd, "0", O_PATH | O_CLOEXEC);
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, MEASURE_LAYERS_NOT "one layer twice");
    cmc_closep(&b.fds[1]);
    take_step(&b, "0 d in");
    b.fds[1] = openat(b.fds[0], "in", O_PATH | O_CLOEXEC);
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, "/in: " MEASURE_LAYERS_NOT "a layer within a layer");
    cmc_closep(&b.fds[1]);
    b.fds[1] = open("/proc", O_PATH | O_CLOEXEC);
    assert_int_equal(measure_layers(&b), -CMC_E_FORMAT);
    assert_string_equal(b.t.err.msg, "layer 1: " MEASURE_LAYERS_NOT "a file system of type 9fa0");
    b.layers.count = 3;
    end_layers(&b);
}

static void hard_links_across_layers(void **state)
{
    (void)state;
    struct bed b;
    begin_layers(&b, 3);
    take_step(&b, "0 f a");
    take_step(&b, "1 n a b");
    take_step(&b, "2 n a hidden");
    take_step(&b, "1 w hidden");
    take_step(&b, "2 f c");
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(1 << 16);
    const struct measure_rootfs_opts opts = {.listing = &listing};
    assert_int_equal(measure_rootfs_layers(&b.layers, &opts, &b.t.got, &b.t.err), 0);
    cmc_put_u8(&listing, 0);
    assert_non_null(strstr((char *)listing.data, " /a size=5 "));
    assert_non_null(strstr((char *)listing.data, " /b size=5 "));
    assert_null(strstr((char *)listing.data, "hidden"));
    size_t links = 0;
    for (const char *at = (char *)listing.data; (at = strstr(at, " link=/a")); at++)
        links++;
    assert_int_equal(links, 2);
    assert_int_equal(b.t.got.entries, 3);
    end_layers(&b);
}

enum { MANY = 30, DEEP = 150 };

/* Directories called name, one in the other, and a file at the end. half: NULL, or gets the one
 * halfway. */
static void dig(int dir, const char *name, int *half)
{
    cmc_autofd int at = dup(dir);
    for (int deep = 0; deep < DEEP; deep++) {
        assert_int_equal(mkdirat(at, name, 0755), 0);
        int next = openat(at, name, O_RDONLY | O_CLOEXEC);
        cmc_closep(&at);
        at = next;
        if (half && deep == DEEP / 2)
            *half = dup(at);
    }
    assert_int_equal(put(at, "end", ""), 0);
}

/* The same in each layer, with a file of its own halfway, from where it goes down again. */
static void dig_twice(int layer, int number)
{
    char name[24];
    cmc_autofd int half = -1;
    dig(layer, "d", &half);
    dig(half, "e", NULL);
    (void)snprintf(name, sizeof(name), "%d", number);
    assert_int_equal(put(half, name, ""), 0);
}

static void many_layers_deep(void **state)
{
    struct bed b;
    struct rlimit before, few;
    (void)state;
    begin_layers(&b, MANY);
    for (int i = 0; i < MANY; i++)
        dig_twice(b.fds[i], i);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 16 + 64 + 3 * MANY; /* ours, and what the walk says */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int r = measure_layers(&b);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (r < 0)
        print_error("%s\n", b.t.err.msg);
    assert_int_equal(r, 0);
    assert_int_equal(b.t.got.entries, 2 * (DEEP + 1) + MANY);
    end_layers(&b);
}

static void redirected_and_deep(void **state)
{
    (void)state;
    struct bed b;
    begin_layers(&b, 2);
    take_step(&b, "0 d a");
    take_step(&b, "0 m a redirect /y/z");
    take_step(&b, "0 w y");
    take_step(&b, "1 d y");
    take_step(&b, "1 d y/z");
    cmc_autofd int a = openat(b.fds[0], "a", O_RDONLY | O_CLOEXEC);
    cmc_autofd int z = openat(b.fds[1], "y/z", O_RDONLY | O_CLOEXEC);
    dig(a, "d", NULL);
    dig(z, "d", NULL);
    assert_int_equal(measure_layers(&b), 0);
    assert_int_equal(b.t.got.entries, 1 + DEEP + 1);
    end_layers(&b);
}

struct meddler {
    const struct bed *bed;
    const char *step;
    bool done, keeps; /* keeps: descriptors, until the walk is over */
    int fds[STEPS];
    size_t kept;
};

static int keep(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err)
{
    struct meddler *m = ctx;
    (void)facts;
    (void)err;
    m->fds[m->kept++] = fd;
    return m->keeps ? MEASURE_WALK_KEPT : 0;
}

static int meddle(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err)
{
    struct meddler *m = ctx;
    if (!m->done)
        take_step(m->bed, m->step);
    m->done = true;
    return keep(m, e->fd, NULL, err);
}

static int pass(void *ctx, const struct measure_walk_entry *e,
                const struct measure_walk_names *names, struct cmc_err *err)
{
    (void)ctx;
    (void)e;
    (void)names;
    (void)err;
    return 0;
}

/* A directory that the form keeps is the form's to look at, others of its name are not. */
static void changed_meanwhile(void **state)
{
    static const struct measure_walk form = {.enter = pass, .visit = meddle, .leave = keep};
    static const struct measure_rootfs_opts opts = {0};
    static const char *const steps[] = {"0 f d/new", "1 f d/new", "2 f d/new", "3 f new"};
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(steps); i++) {
        struct bed b;
        struct meddler m = {.bed = &b, .step = steps[i / 2], .keeps = i % 2 == 1};
        struct measure_meter meter = {.opts = &opts};
        begin_layers(&b, LAYERS);
        take_step(&b, "0 d d");
        take_step(&b, "1 d d");
        take_step(&b, "2 d d");
        take_step(&b, "2 f d/f");
        const int r = measure_layers_walk(&b.layers, &form, &m, &meter, &b.t.err);
        assert_int_equal(r, i == 1 ? 0 : -CMC_E_VERIFY);
        if (r < 0)
            assert_string_equal(b.t.err.msg,
                                i < 6 ? "/d: changed while it was measured; measure a tree at rest"
                                      : "/: changed while it was measured; measure a tree at rest");
        while (m.keeps && m.kept > 0) /* open still */
            assert_int_equal(close(m.fds[--m.kept]), 0);
        end_layers(&b);
    }
}

/* Without the right to see trusted attributes: they would look as if there were none. */
static int walk_without_privilege(struct tree *t)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    static const struct measure_rootfs_opts opts = {0};
    cmc_autofd int other = openat(t->fd, "..", O_PATH | O_CLOEXEC);
    const int fds[] = {t->fd, other};
    const struct measure_layers layers = {.fds = fds, .count = 2};
    if (syscall(SYS_capset, &head, none) != 0)
        return 1;
    return measure_rootfs_layers(&layers, &opts, &t->got, &t->err) == -CMC_E_FORMAT &&
                   strstr(t->err.msg, "CAP_SYS_ADMIN")
               ? 0
               : 2;
}

static void needs_the_right_to_see(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    in_child(walk_without_privilege, &t);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(shows) + ROWS(left_to_the_kernel) + 16];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(shows); i++)
        tests[n++] = (struct CMUnitTest){shows[i].name, run_shown, NULL, NULL, &shows[i]};
    for (size_t i = 0; i < ROWS(left_to_the_kernel); i++)
        tests[n++] = (struct CMUnitTest){left_to_the_kernel[i].name, run_left, NULL, NULL,
                                         &left_to_the_kernel[i]};
    const struct CMUnitTest others[] = {
        cmocka_unit_test(redirects_that_no_mount_follows),
        cmocka_unit_test(marks_of_the_other_prefix),
        cmocka_unit_test(directories_with_rules_of_their_own),
        cmocka_unit_test(not_a_stack),
        cmocka_unit_test(hard_links_across_layers),
        cmocka_unit_test(many_layers_deep),
        cmocka_unit_test(redirected_and_deep),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(needs_the_right_to_see),
    };
    memcpy(&tests[n], others, sizeof(others));
    n += ROWS(others);
    return _cmocka_run_group_tests("rootfs_layers", tests, n, NULL, NULL);
}
