/* SPDX-License-Identifier: Apache-2.0 */
/* base/options.c -- one options parser for every program. */
#include "base/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 80, HELP_INDENT = 8 };

/* One option as the user wrote it: dashes, name, and what stands behind '='. */
struct given {
    const char *name;
    int name_len;      /* at most SHOWN_MAX + 1: longer than any real name */
    const char *value; /* NULL: none */
};

static struct given split(const char *token)
{
    const char *name = token + (token[1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    return (struct given){
        .name = name,
        .name_len = len > SHOWN_MAX ? SHOWN_MAX + 1 : (int)len,
        .value = name[len] ? name + len + 1 : NULL,
    };
}

static bool is_called(const struct given *g, const char *name)
{
    return strlen(name) == (size_t)g->name_len && memcmp(name, g->name, strlen(name)) == 0;
}

static int shown_len(const struct given *g)
{
    return g->name_len > SHOWN_MAX ? SHOWN_MAX : g->name_len;
}

static int fail_option(const struct given *g, const char *what, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_USAGE, "option --%.*s %s; --help describes it", shown_len(g),
                    g->name, what);
}

static int set_bool(const struct given *g, bool *to, struct cmc_err *err)
{
    if (!g->value || strcmp(g->value, "true") == 0)
        *to = true;
    else if (strcmp(g->value, "false") == 0)
        *to = false;
    else
        return fail_option(g, "takes =true, =false or nothing", err);
    return 0;
}

static int set_u64(const struct given *g, uint64_t *to, struct cmc_err *err)
{
    uint64_t v = 0;
    const char *p = g->value;
    do {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
            return fail_option(g, "takes a decimal number below 2^64", err);
    } while (*++p);
    *to = v;
    return 0;
}

static int add_text(const struct given *g, struct cmc_opt_list *to, struct cmc_err *err)
{
    if (to->count == CMC_OPT_LIST_MAX)
        return fail_option(g, "is given too often", err);
    to->at[to->count++] = g->value;
    return 0;
}

/* next: the argument behind this one, or NULL. Returns the arguments used, 1 or 2. */
static int set(const struct cmc_opt *opt, struct given g, const char *next, struct cmc_err *err)
{
    int used = 1;
    int rc = 0;
    if (opt->kind != CMC_OPT_BOOL && !g.value) {
        if (!next)
            return fail_option(&g, "needs a value", err);
        g.value = next;
        used = 2;
    }
    switch (opt->kind) {
    case CMC_OPT_BOOL:
        rc = set_bool(&g, opt->to, err);
        break;
    case CMC_OPT_TEXT:
        *(const char **)opt->to = g.value;
        break;
    case CMC_OPT_U64:
        rc = set_u64(&g, opt->to, err);
        break;
    case CMC_OPT_LIST:
        rc = add_text(&g, opt->to, err);
        break;
    }
    return rc < 0 ? rc : used;
}

static void print_lines(const char *text)
{
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        (void)printf("%*s%.*s\n", HELP_INDENT, "", (int)n, text);
    }
}

static int flush_out(struct cmc_err *err)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return cmc_fail(err, CMC_E_SYS, "write to standard output");
    return CMC_OPTIONS_SHOWN;
}

static int show_help(const struct cmc_options *o, struct cmc_err *err)
{
    (void)printf("Usage: %s %s\n\n%s\n\nOptions:\n", o->program, o->synopsis, o->about);
    for (size_t i = 0; i < o->count; i++) {
        const struct cmc_opt *opt = &o->opts[i];
        (void)printf("  --%s%s%s\n", opt->name, opt->arg ? " " : "", opt->arg ? opt->arg : "");
        print_lines(opt->help);
    }
    (void)printf("  --help\n");
    print_lines("print this text and exit");
    (void)printf("  --version\n");
    print_lines("print the version and exit");
    if (o->after)
        (void)printf("\n%s\n", o->after);
    return flush_out(err);
}

/* Returns the arguments used, 0 after --help or --version, or -code. */
static int take(const struct cmc_options *o, const char *token, const char *next,
                struct cmc_err *err)
{
    const struct given g = split(token);
    int shown;
    for (size_t i = 0; i < o->count; i++)
        if (is_called(&g, o->opts[i].name))
            return set(&o->opts[i], g, next, err);
    if (is_called(&g, "help") && !g.value) {
        shown = show_help(o, err);
    } else if (is_called(&g, "version") && !g.value) {
        (void)printf("%s %s\n", o->program, CMC_VERSION);
        shown = flush_out(err);
    } else {
        return cmc_fail(err, CMC_E_USAGE, "unknown option --%.*s; --help lists them", shown_len(&g),
                        g.name);
    }
    return shown < 0 ? shown : 0;
}

/* Moves n arguments at argv[at] before those of [first, at). */
static void move_before(char **argv, int first, int at, int n)
{
    char *moved[2] = {argv[at], argv[at + n - 1]};
    memmove(argv + first + n, argv + first, (size_t)(at - first) * sizeof(*argv));
    memcpy(argv + first, moved, (size_t)n * sizeof(*argv));
}

int cmc_options_parse(const struct cmc_options *o, int argc, char **argv, int *first,
                      struct cmc_err *err)
{
    int positional = argc > 0; /* [positional, at) are the positional arguments so far */
    for (int at = positional; at < argc;) {
        if (argv[at][0] != '-' || !argv[at][1]) { /* "-" alone names standard input */
            at++;
            continue;
        }
        bool end = strcmp(argv[at], "--") == 0;
        int used = end ? 1 : take(o, argv[at], argv[at + 1], err);
        if (used < 0)
            return used;
        if (used == 0)
            return CMC_OPTIONS_SHOWN;
        move_before(argv, positional, at, used);
        positional += used;
        at += used;
        if (end)
            break;
    }
    *first = positional;
    return CMC_OPTIONS_RUN;
}
