/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc_sort.c -- which arrays CMC sorts, and by what
 * (section 6 of docs/formats/cmc-config.md). */
#include <string.h>

#include "measure/config_cmc_parts.h"
#include "measure/go_sort.h"

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int way = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return way ? way : (a_len > b_len) - (a_len < b_len);
}

/* Of two places of strings; NULL is an empty one. */
static int compare_texts(const struct measure_place *a, const struct measure_place *b)
{
    return compare_bytes(a ? a->text : "", a ? a->text_len : 0, b ? b->text : "",
                         b ? b->text_len : 0);
}

static int compare_members(const void *a, const void *b, const char *name)
{
    return compare_texts(measure_config_cmc_member(a, name), measure_config_cmc_member(b, name));
}

static bool less_text(const void *a, const void *b)
{
    return compare_texts(a, b) < 0;
}

static bool less_namespace(const void *a, const void *b)
{
    return compare_members(a, b, "type") < 0;
}

static bool less_mount(const void *a, const void *b)
{
    int way = compare_members(a, b, "source");
    return way ? way < 0 : compare_members(a, b, "destination") < 0;
}

static int64_t number(const void *device, const char *name)
{
    const struct measure_place *v = measure_config_cmc_member(device, name);
    if (!v)
        return -1;
    return v->negative ? (int64_t)(0 - v->magnitude) : (int64_t)v->magnitude;
}

static bool less_device(const void *a, const void *b)
{
    int way = compare_members(a, b, "type");
    if (way)
        return way < 0;
    int64_t x = number(a, "major"), y = number(b, "major");
    return x != y ? x < y : number(a, "minor") < number(b, "minor");
}

/* The bytes of names joined with commas, one after the other. */
struct joined {
    const struct measure_place *name; /* NULL: the end */
    size_t left, at;                  /* names from this one on; its byte */
};

static struct joined joined_of(const void *syscall)
{
    const struct measure_place *names = measure_config_cmc_member(syscall, "names");
    size_t n = names ? names->count : 0;
    return (struct joined){.name = n ? names->child : NULL, .left = n};
}

/* The next byte, or -1 at the end. */
static int next_byte(struct joined *j)
{
    if (!j->name)
        return -1;
    if (j->at < j->name->text_len)
        return (unsigned char)j->name->text[j->at++];
    j->at = 0;
    j->name = --j->left ? j->name->next : NULL;
    return j->name ? ',' : -1;
}

static bool less_syscall(const void *a, const void *b)
{
    struct joined x = joined_of(a), y = joined_of(b);
    for (;;) {
        int c = next_byte(&x), d = next_byte(&y);
        if (c != d)
            return c < d;
        if (c < 0)
            return compare_members(a, b, "action") < 0;
    }
}

/* Hidden elements are gone then: nothing is read any more. */
static void sort(struct measure_places *p, struct measure_place *array, measure_go_less_fn *less)
{
    size_t n = array ? array->count : 0;
    struct measure_place *at = n ? array->child : NULL;
    for (size_t i = 0; i < n; i++, at = at->next)
        p->order[i] = at;
    measure_go_sort(p->order, n, less);
    for (size_t i = 0; i < n; i++) {
        at = p->order[i];
        *(i ? &array->last->next : &array->child) = at;
        array->last = at;
        at->next = NULL;
    }
}

static void sort_members(struct measure_places *p, const struct measure_place *in,
                         const char *const *names)
{
    for (; *names; names++)
        sort(p, measure_config_cmc_member(in, *names), less_text);
}

static void sort_seccomp(struct measure_places *p, const struct measure_place *seccomp)
{
    static const char *const texts[] = {"architectures", "flags", NULL};
    struct measure_place *calls = measure_config_cmc_member(seccomp, "syscalls");
    struct measure_place *call = calls ? calls->child : NULL;

    sort_members(p, seccomp, texts);
    for (size_t i = 0; call && i < calls->count; i++, call = call->next)
        sort(p, measure_config_cmc_member(call, "names"), less_text);
    sort(p, calls, less_syscall);
}

void measure_config_cmc_sort(struct measure_places *p)
{
    static const char *const sets[] = {"bounding",  "effective", "inheritable",
                                       "permitted", "ambient",   NULL};
    static const char *const paths[] = {"maskedPaths", "readonlyPaths", NULL};
    const struct measure_place *process = measure_config_cmc_member(&p->root, "process");
    /* "linux" itself is a macro of gcc */
    const struct measure_place *host = measure_config_cmc_member(&p->root, "linux");

    sort(p, measure_config_cmc_member(process, "env"), less_text);
    sort_members(p, measure_config_cmc_member(process, "capabilities"), sets);
    sort(p, measure_config_cmc_member(&p->root, "mounts"), less_mount);
    sort_members(p, host, paths);
    sort(p, measure_config_cmc_member(host, "namespaces"), less_namespace);
    sort(p, measure_config_cmc_member(measure_config_cmc_member(host, "resources"), "devices"),
         less_device);
    sort_seccomp(p, measure_config_cmc_member(host, "seccomp"));
}
