/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_mounts.c -- one row, the mounts of one Create. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tools/cmc_measure_mounts.h"

enum { OPTIONS = 8 };

struct row {
    const char *name, *type, *source, *target;
    const char *options[OPTIONS];
    int want;         /* enum cmc_measure_mounts_kind, or -code */
    const char *show; /* layers joined by blanks and the options passed on, or the error */
};

#define LOWER "lowerdir=/b:/c"

static struct row rows[] = {
    {"as 1.6 sends it",
     "overlay",
     "overlay",
     NULL,
     {"index=off", "workdir=/w", "upperdir=/a", LOWER},
     CMC_MEASURE_OVERLAY,
     "/a /b /c |"},
    {"as 2.x sends it",
     "overlay",
     "overlay",
     NULL,
     {"workdir=/w", LOWER, "upperdir=/a", "index=off"},
     CMC_MEASURE_OVERLAY,
     "/a /b /c |"},
    {"a lone lower", "overlay", "overlay", NULL, {"lowerdir=/b"}, CMC_MEASURE_OVERLAY, "/b |"},
    {"what has a meaning is passed on",
     "overlay",
     "overlay",
     NULL,
     {"userxattr", "redirect_dir=follow", "metacopy=on", LOWER},
     CMC_MEASURE_OVERLAY,
     "/b /c |,userxattr,redirect_dir=follow,metacopy=on"},
    {"what has none is not",
     "overlay",
     "overlay",
     NULL,
     {"volatile", "xino=on", "context=\"a:b,c\"", "ro", "noatime", "index=on", LOWER},
     CMC_MEASURE_OVERLAY,
     "/b /c |"},
    {"ids that are changed",
     "overlay",
     "overlay",
     NULL,
     {"uidmap=0:100000:65536", "gidmap=5:4294967295:1", LOWER},
     CMC_MEASURE_OVERLAY,
     "/b /c | uid 0:100000:65536 gid 5:4294967295:1"},
    {"a uidmap alone",
     "overlay",
     "overlay",
     NULL,
     {"uidmap=0:1:2", LOWER},
     -CMC_E_FORMAT,
     "overlay: uidmap or gidmap without the other"},
    {"two uidmaps",
     "overlay",
     "overlay",
     NULL,
     {"uidmap=0:1:2", "uidmap=0:1:2", LOWER},
     -CMC_E_FORMAT,
     "overlay: uidmap or gidmap is given twice"},
    {"a map of two ranges",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:1:2,5:6:7", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:1:2,5:6:7\" cannot be measured"},
    {"a map of two numbers",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:1", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:1\" cannot be measured"},
    {"a map of nothing",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:1:0", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:1:0\" cannot be measured"},
    {"a map with a sign",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:-1:1", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:-1:1\" cannot be measured"},
    {"a map above 32 bits",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:4294967296:1", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:4294967296:1\" cannot be measured"},
    {"a map over the end",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:4294967295:2", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:4294967295:2\" cannot be measured"},
    {"a map with more",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0:1:2 ", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0:1:2 \" cannot be measured"},
    {"a map without a number",
     "overlay",
     "overlay",
     NULL,
     {"gidmap=0::2", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"gidmap=0::2\" cannot be measured"},
    {"an unknown value",
     "overlay",
     "overlay",
     NULL,
     {"metacopy=maybe", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"metacopy=maybe\" cannot be measured"},
    {"an empty option",
     "overlay",
     "overlay",
     NULL,
     {"", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"\" cannot be measured"},
    {"no lower",
     "overlay",
     "overlay",
     NULL,
     {"upperdir=/a"},
     -CMC_E_FORMAT,
     "overlay: no lowerdir"},
    {"an empty lower",
     "overlay",
     "overlay",
     NULL,
     {"lowerdir="},
     -CMC_E_FORMAT,
     "overlay: layer \"\" is not an absolute path"},
    {"an empty upper",
     "overlay",
     "overlay",
     NULL,
     {"upperdir=", LOWER},
     -CMC_E_FORMAT,
     "overlay: layer \"\" is not an absolute path"},
    {"a relative lower",
     "overlay",
     "overlay",
     NULL,
     {"lowerdir=/b:c"},
     -CMC_E_FORMAT,
     "overlay: layer \"c\" is not an absolute path"},
    {"a data layer",
     "overlay",
     "overlay",
     NULL,
     {"lowerdir=/b::/c"},
     -CMC_E_FORMAT,
     "overlay: layer \"\" is not an absolute path"},
    {"an escape",
     "overlay",
     "overlay",
     NULL,
     {"lowerdir=/b\\:/c"},
     -CMC_E_FORMAT,
     "overlay: layer \"/b\\\" holds a comma or a backslash"},
    {"a comma",
     "overlay",
     "overlay",
     NULL,
     {"lowerdir=/b,userxattr"},
     -CMC_E_FORMAT,
     "overlay: layer \"/b,userxattr\" holds a comma or a backslash"},
    {"lowers hidden behind a comma",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "workdir=/w,lowerdir=/e"},
     -CMC_E_FORMAT,
     "overlay mount with the option \"workdir=/w,lowerdir=/e\" cannot be measured"},
    {"an upper hidden behind a comma",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "index=off,upperdir=/e"},
     -CMC_E_FORMAT,
     "overlay mount with the option \"index=off,upperdir=/e\" cannot be measured"},
    {"a backslash that joins two options",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "workdir=/w\\", "upperdir=/a"},
     -CMC_E_FORMAT,
     "overlay mount with the option \"workdir=/w\\\" cannot be measured"},
    {"a label without quotes",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "context=a,lowerdir=/e"},
     -CMC_E_FORMAT,
     "overlay mount with the option \"context=a,lowerdir=/e\" cannot be measured"},
    {"a label whose quotes end early",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "context=\"a\",lowerdir=/e,\"\""},
     -CMC_E_FORMAT,
     "overlay mount with the option \"context=\"a\",lowerdir=/e,\"\"\" cannot be measured"},
    {"a label with half a quote",
     "overlay",
     "overlay",
     NULL,
     {LOWER, "context=\"a,b"},
     -CMC_E_FORMAT,
     "overlay mount with the option \"context=\"a,b\" cannot be measured"},
    {"lowers twice",
     "overlay",
     "overlay",
     NULL,
     {LOWER, LOWER},
     -CMC_E_FORMAT,
     "overlay: lowerdir is given twice"},
    {"uppers twice",
     "overlay",
     "overlay",
     NULL,
     {"upperdir=/a", "upperdir=/a", LOWER},
     -CMC_E_FORMAT,
     "overlay: upperdir is given twice"},
    {"the native snapshotter", "bind", "/n", NULL, {"rbind", "rw"}, CMC_MEASURE_BIND_TREE, "/n"},
    {"a view", "bind", "/n", NULL, {"ro", "rbind"}, CMC_MEASURE_BIND_TREE, "/n"},
    {"not recursive", "bind", "/n", NULL, {"bind"}, CMC_MEASURE_BIND, "/n"},
    {"both", "bind", "/n", NULL, {"rbind", "bind"}, CMC_MEASURE_BIND_TREE, "/n"},
    {"the kernel binds whatever the type", "overlay", "/n", NULL, {"bind"}, CMC_MEASURE_BIND, "/n"},
    {"a program mounts fuse, whatever the options",
     "fuse.x",
     "/n",
     NULL,
     {"bind"},
     -CMC_E_FORMAT,
     "mount of type \"fuse.x\" cannot be measured"},
    {"nor fuse3",
     "fuse3.x",
     "/n",
     NULL,
     {"rbind"},
     -CMC_E_FORMAT,
     "mount of type \"fuse3.x\" cannot be measured"},
    {"a bind with layers",
     "overlay",
     "/n",
     NULL,
     {"bind", LOWER},
     -CMC_E_FORMAT,
     "overlay mount with the option \"lowerdir=/b:/c\" cannot be measured"},
    {"a bind that does not say so",
     "bind",
     "/n",
     NULL,
     {"ro"},
     -CMC_E_FORMAT,
     "mount of type \"bind\" cannot be measured"},
    {"a bind with id maps",
     "bind",
     "/n",
     NULL,
     {"rbind", "uidmap=0:1:2"},
     -CMC_E_FORMAT,
     "bind mount with the option \"uidmap=0:1:2\" cannot be measured"},
    {"a bind of nothing",
     "bind",
     "",
     NULL,
     {"rbind"},
     -CMC_E_FORMAT,
     "bind: source \"\" is not an absolute path"},
    {"another type",
     "erofs",
     "/dev/loop0",
     NULL,
     {"ro"},
     -CMC_E_FORMAT,
     "mount of type \"erofs\" cannot be measured"},
    {"no type", "", "/n", NULL, {NULL}, -CMC_E_FORMAT, "mount of type \"\" cannot be measured"},
    {"below the root",
     "bind",
     "/n",
     "sub",
     {"rbind"},
     -CMC_E_FORMAT,
     "mount on \"sub\" below the root cannot be measured"},
};

static struct cmc_span span(const char *text)
{
    return (struct cmc_span){(const uint8_t *)text, text ? strlen(text) : 0};
}

static void show(const struct cmc_measure_mounts *m, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    if (m->kind == CMC_MEASURE_BIND || m->kind == CMC_MEASURE_BIND_TREE)
        (void)snprintf(out, cap, "%.*s", (int)m->source.len, (const char *)m->source.p);
    for (size_t i = 0; i < m->layer_count; i++)
        n += (size_t)snprintf(out + n, cap - n, "%.*s ", (int)m->layers[i].len,
                              (const char *)m->layers[i].p);
    if (m->kind == CMC_MEASURE_OVERLAY)
        n += (size_t)snprintf(out + n, cap - n, "|%s", m->options);
    if (m->uids.count)
        (void)snprintf(out + n, cap - n, " uid %u:%u:%u gid %u:%u:%u", m->uids.inside,
                       m->uids.outside, m->uids.count, m->gids.inside, m->gids.outside,
                       m->gids.count);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    static struct cmc_task_create c;
    static struct cmc_measure_mounts m;
    char got[256];
    struct cmc_err err = {0};
    c = (struct cmc_task_create){.mount_count = 1};
    c.mounts[0].type = span(t->type);
    c.mounts[0].source = span(t->source);
    c.mounts[0].target = span(t->target);
    for (size_t i = 0; i < OPTIONS && t->options[i]; i++)
        c.options_text[c.mounts[0].option_count++] = span(t->options[i]);
    c.option_total = c.mounts[0].option_count;

    int rc = cmc_measure_mounts_plan(&c, &m, &err);
    assert_int_equal(rc, t->want < 0 ? t->want : 0);
    if (rc == 0) {
        assert_int_equal(m.kind, t->want);
        show(&m, got, sizeof(got));
    }
    assert_string_equal(rc == 0 ? got : err.msg, t->show);
}

static struct chain {
    const char *name;
    struct measure_idmap disk, maps[3];
    size_t count;
    struct measure_idmap want[3];
    size_t want_count;
} chains[] = {
    {"the same range twice", {0, 100000, 65536}, {{0, 100000, 65536}}, 1, {{0, 0, 65536}}, 1},
    {"ids as they are", {0}, {{0, 100000, 10}}, 1, {{0, 100000, 10}}, 1},
    {"ids as they are, no maps", {0}, {{0}}, 0, {{0}}, 0},
    {"no user namespace", {5, 1000, 10}, {{0}}, 0, {{1000, 5, 10}}, 1},
    {"a part", {0, 1000, 100}, {{0, 1010, 20}}, 1, {{0, 10, 20}}, 1},
    {"more than there is", {7, 1000, 10}, {{50, 900, 200}}, 1, {{150, 7, 10}}, 1},
    {"one of three", {0, 1000, 10}, {{0, 0, 1}, {1, 1000, 5}, {6, 2000, 5}}, 3, {{1, 0, 5}}, 1},
    {"to the last id", {0, 4294967295, 1}, {{9, 4294967290, 6}}, 1, {{14, 0, 1}}, 1},
    {"none", {0, 1000, 10}, {{0, 1010, 20}, {30, 0, 1000}}, 2, {{0}}, 0},
    {"an empty range", {0, 1000, 10}, {{0, 1000, 0}}, 1, {{0}}, 0},
};

static void run_chain(void **state)
{
    const struct chain *t = *state;
    struct measure_idmap maps[3];
    struct cmc_err err = {0};
    size_t count = t->count;
    memcpy(maps, t->maps, sizeof(maps));
    const int rc = cmc_measure_mounts_compose(&t->disk, maps, &count, &err);
    if (t->disk.count && t->want_count == 0) {
        assert_int_equal(rc, -CMC_E_FORMAT);
        assert_int_equal(count, t->count);
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(count, t->want_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(maps[i].inside, t->want[i].inside);
        assert_int_equal(maps[i].outside, t->want[i].outside);
        assert_int_equal(maps[i].count, t->want[i].count);
    }
}

static void how_many_mounts(void **state)
{
    static struct cmc_task_create c;
    static struct cmc_measure_mounts m;
    struct cmc_err err = {0};
    (void)state;
    c.mount_count = 0;
    assert_int_equal(cmc_measure_mounts_plan(&c, &m, &err), 0);
    assert_int_equal(m.kind, CMC_MEASURE_ROOT_PATH);
    c.mount_count = 2;
    assert_int_equal(cmc_measure_mounts_plan(&c, &m, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "2 mounts cannot be measured, only one");
}

/* The upper counts, as it is read like a lower. */
static void how_many_layers(void **state)
{
    static struct cmc_task_create c;
    static struct cmc_measure_mounts m;
    static char lowers[3 * CMC_MEASURE_LAYERS_MAX + 32] = "lowerdir=/l";
    (void)state;
    for (size_t n = 1; n < CMC_MEASURE_LAYERS_MAX; n++)
        (void)memcpy(lowers + strlen(lowers), ":/l", 4);
    for (size_t uppers = 0; uppers < 2; uppers++) {
        struct cmc_err err = {0};
        c = (struct cmc_task_create){.mount_count = 1};
        c.mounts[0].type = span("overlay");
        c.mounts[0].option_count = 1 + uppers;
        c.options_text[0] = span(lowers);
        c.options_text[1] = span("upperdir=/u");
        assert_int_equal(cmc_measure_mounts_plan(&c, &m, &err), uppers ? -CMC_E_LIMIT : 0);
        if (uppers)
            assert_non_null(strstr(err.msg, "more than 500 layers"));
        else
            assert_int_equal(m.layer_count, CMC_MEASURE_LAYERS_MAX);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + ROWS(chains) + 2] = {
        cmocka_unit_test(how_many_mounts),
        cmocka_unit_test(how_many_layers),
    };
    size_t n = 2;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(chains); i++)
        tests[n++] = (struct CMUnitTest){chains[i].name, run_chain, NULL, NULL, &chains[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_mounts", tests, NULL, NULL);
}
