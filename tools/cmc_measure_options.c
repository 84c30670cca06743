/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_options.c -- what clients send as options, turned into what runc's shim
 * understands. Field numbers: containerd's api/types/runc/options, runtimeoptions and (up to
 * 1.7) runtime/linux/runctypes. */
#include "tools/cmc_measure_options.h"

#include <string.h>
#include <strings.h>

#include "tools/cmc_measure_toml.h"

#define RUNC_TYPE    "containerd.runc.v1.Options"
#define RUNTIME_TYPE "runtimeoptions.v1.Options"
#define CREATE_TYPE  "containerd.linux.runc.CreateOptions"

enum { SYSTEMD_CGROUP = 9, BINARY_NAME = 6, FIELD_LAST = 11 };

enum kind { FLAG, NUMBER, TEXT };

/* Fields of containerd.runc.v1.Options, by number; create: the same in CreateOptions. */
static const struct field {
    char name[16];
    enum kind kind;
    uint8_t create;
} fields[FIELD_LAST + 1] = {
    [1] = {"NoPivotRoot", FLAG, 1},    [2] = {"NoNewKeyring", FLAG, 8},
    [3] = {"ShimCgroup", TEXT, 9},     [4] = {"IoUid", NUMBER, 10},
    [5] = {"IoGid", NUMBER, 11},       [BINARY_NAME] = {"BinaryName", TEXT, 0},
    [7] = {"Root", TEXT, 0},           [8] = {"CriuPath", TEXT, 0},
    [9] = {"SystemdCgroup", FLAG, 0},  [10] = {"CriuImagePath", TEXT, 13},
    [11] = {"CriuWorkPath", TEXT, 12},
};

struct values { /* of one field each: numbers and flags, or owned bytes */
    uint64_t number[FIELD_LAST + 1];
    struct cmc_buf text[FIELD_LAST + 1];
    bool given[FIELD_LAST + 1];
};

static void values_done(struct values *v)
{
    for (size_t i = 0; i <= FIELD_LAST; i++)
        cmc_buf_done(&v->text[i]);
}

static bool is(const struct cmc_span *s, const char *text)
{
    return s->p && s->len == strlen(text) && memcmp(s->p, text, s->len) == 0;
}

static int fail_wire(const struct cmc_pb_field *f, const char *message, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "%s: field %u has wire type %u", message, f->number,
                    (unsigned)f->wire);
}

/* Fields first and up of a message: all length-delimited, all borrowed; the last of each counts.
 * out[i] is field i + 1. */
static int read_spans(const struct cmc_span *in, const char *message, struct cmc_span *out,
                      size_t count, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(in->p, in->len);
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&r, &f, err)) > 0) {
        if (f.number > count)
            continue;
        if (f.wire != CMC_PB_BYTES)
            return fail_wire(&f, message, err);
        out[f.number - 1] = f.bytes;
    }
    return more < 0 ? cmc_wrap(err, "%s", message) : 0;
}

/* Only what stands behind the last slash counts, as for containerd 1.7 and later; 1.6 refuses. */
static enum cmc_measure_options_kind kind_of(const struct cmc_span *type)
{
    const uint8_t *slash = type->len ? memrchr(type->p, '/', type->len) : NULL;
    struct cmc_span name = *type;
    if (slash)
        name = (struct cmc_span){slash + 1, (size_t)(type->p + type->len - slash - 1)};
    if (is(&name, RUNC_TYPE))
        return CMC_MEASURE_OPTIONS_RUNC;
    if (is(&name, RUNTIME_TYPE))
        return CMC_MEASURE_OPTIONS_RUNTIME;
    return is(&name, CREATE_TYPE) ? CMC_MEASURE_OPTIONS_CREATE : CMC_MEASURE_OPTIONS_OTHER;
}

int cmc_measure_options_parse(const struct cmc_span *any, struct cmc_measure_options *out,
                              struct cmc_err *err)
{
    struct cmc_span part[2] = {{NULL, 0}};    /* type_url, value */
    struct cmc_span runtime[3] = {{NULL, 0}}; /* type_url, config_path, config_body */
    struct cmc_measure_options o = {.kind = CMC_MEASURE_OPTIONS_NONE};
    if (any->p && any->len > 0) {
        if (read_spans(any, "options", part, 2, err) < 0)
            return -(int)err->code;
        o.kind = kind_of(&part[0]);
        o.value = part[1];
    }
    if (o.kind == CMC_MEASURE_OPTIONS_RUNTIME) {
        if (read_spans(&o.value, RUNTIME_TYPE, runtime, 3, err) < 0)
            return -(int)err->code;
        o.path = runtime[1].len ? runtime[1] : (struct cmc_span){NULL, 0};
        o.body = runtime[2];
        if (o.path.p && !cmc_pb_is_text(&o.path))
            return cmc_fail(err, CMC_E_FORMAT, "%s: config_path is not UTF-8", RUNTIME_TYPE);
    }
    *out = o;
    return 0;
}

static void set_text(struct values *v, size_t i, const void *bytes, size_t len)
{
    cmc_buf_done(&v->text[i]);
    v->text[i] = cmc_buf_of(CMC_MEASURE_TOML_TEXT_MAX);
    cmc_put(&v->text[i], bytes, len);
}

static int toml_field(const struct cmc_measure_toml *t, size_t i, struct values *v,
                      struct cmc_err *err)
{
    static const char *const wants[] = {"true or false", "a number from 0 to 4294967295", "a text"};
    static const enum cmc_measure_toml_kind kinds[] = {
        [FLAG] = CMC_MEASURE_TOML_BOOL,
        [NUMBER] = CMC_MEASURE_TOML_INT,
        [TEXT] = CMC_MEASURE_TOML_TEXT,
    };
    const struct field *f = &fields[i];
    if (v->given[i])
        return cmc_fail(err, CMC_E_FORMAT, "line %u: %s is given twice", t->line, t->key);
    if (t->kind != kinds[f->kind] ||
        (f->kind == NUMBER && (t->number < 0 || t->number > UINT32_MAX)))
        return cmc_fail(err, CMC_E_FORMAT, "line %u: %s must be %s", t->line, t->key,
                        wants[f->kind]);
    v->given[i] = true;
    if (f->kind == TEXT)
        set_text(v, i, t->text, strlen(t->text));
    else
        v->number[i] = f->kind == FLAG ? t->flag : (uint64_t)t->number;
    return 0;
}

static int read_toml(const struct cmc_span *toml, struct values *v, struct cmc_err *err)
{
    struct cmc_measure_toml t;
    int more;
    cmc_measure_toml_init(&t, toml->len ? (const char *)toml->p : "", toml->len);
    while ((more = cmc_measure_toml_next(&t, err)) > 0) {
        size_t i = 1;
        while (i <= FIELD_LAST && strcasecmp(fields[i].name, t.key) != 0)
            i++;
        if (i > FIELD_LAST)
            continue; /* as containerd does: other runtimes' keys may stand here too */
        if (strcmp(fields[i].name, t.key) != 0)
            return cmc_fail(err, CMC_E_FORMAT, "line %u: %s is spelt %s", t.line, t.key,
                            fields[i].name);
        if (toml_field(&t, i, v, err) < 0)
            return -(int)err->code;
    }
    return more;
}

static int create_field(const struct cmc_pb_field *f, struct values *v, struct cmc_err *err)
{
    size_t i = 1;
    while (i <= FIELD_LAST && fields[i].create != f->number)
        i++;
    if (i > FIELD_LAST)
        return 0; /* the other members are for checkpoints only */
    if (f->wire != (fields[i].kind == TEXT ? CMC_PB_BYTES : CMC_PB_VARINT))
        return fail_wire(f, CREATE_TYPE, err);
    if (fields[i].kind == TEXT && !cmc_pb_is_text(&f->bytes))
        return cmc_fail(err, CMC_E_FORMAT, "%s: field %u is not UTF-8", CREATE_TYPE, f->number);
    if (fields[i].kind == TEXT)
        set_text(v, i, f->bytes.p, f->bytes.len);
    else /* as Go's protobuf: a bool is any value but 0, a uint32 is the lower half */
        v->number[i] = fields[i].kind == FLAG ? f->value != 0 : (uint32_t)f->value;
    return 0;
}

static int read_create(const struct cmc_span *value, struct values *v, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(value->p, value->len);
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&r, &f, err)) > 0)
        if (create_field(&f, v, err) < 0)
            return -(int)err->code;
    return more < 0 ? cmc_wrap(err, "%s", CREATE_TYPE) : 0;
}

/* "x.slice:prefix:name": the form that runc's systemd driver wants, and nothing else. */
static bool wants_systemd(const char *path)
{
    const char *one = path ? strchr(path, ':') : NULL;
    const char *two = one ? strchr(one + 1, ':') : NULL;
    static const char slice[] = ".slice";
    const size_t n = sizeof(slice) - 1;
    return two && (size_t)(one - path) > n && memcmp(one - n, slice, n) == 0 && two > one + 1 &&
           two[1] && !strpbrk(two + 1, ":/") && !strchr(path, '/');
}

static int put_values(const struct values *v, struct cmc_buf *out, struct cmc_err *err)
{
    for (uint32_t i = 1; i <= FIELD_LAST; i++) {
        if (v->text[i].bad)
            return cmc_fail(err, CMC_E_LIMIT, "%s: more than %d bytes", fields[i].name,
                            CMC_MEASURE_TOML_TEXT_MAX);
        if (v->text[i].len)
            cmc_pb_put_bytes(out, i, v->text[i].data, v->text[i].len);
        else if (v->number[i])
            cmc_pb_put_uint(out, i, v->number[i]);
    }
    return cmc_buf_check(out, "options", err);
}

int cmc_measure_options_translate(const struct cmc_measure_options *o, const struct cmc_span *toml,
                                  const char *cgroups_path, enum cmc_helper_options *what,
                                  struct cmc_buf *any, struct cmc_err *err)
{
    CMC_CLEANUP(values_done) struct values v = {.number = {0}};
    cmc_autobuf struct cmc_buf value = cmc_buf_of(CMC_MEASURE_OPTIONS_MAX);
    int rc = 0;

    if (o->kind == CMC_MEASURE_OPTIONS_RUNC || o->kind == CMC_MEASURE_OPTIONS_OTHER) {
        *what = CMC_HELPER_OPTIONS_KEEP;
        return 0;
    }
    if (o->kind == CMC_MEASURE_OPTIONS_RUNTIME)
        rc = read_toml(toml, &v, err);
    else if (o->kind == CMC_MEASURE_OPTIONS_CREATE)
        rc = read_create(&o->value, &v, err);
    if (rc < 0 || put_values(&v, &value, err) < 0)
        return -(int)err->code;
    if (value.len == 0 && wants_systemd(cgroups_path))
        cmc_pb_put_uint(&value, SYSTEMD_CGROUP, 1);
    if (value.len == 0) {
        *what =
            o->kind == CMC_MEASURE_OPTIONS_NONE ? CMC_HELPER_OPTIONS_KEEP : CMC_HELPER_OPTIONS_DROP;
        return 0;
    }
    cmc_pb_put_bytes(any, 1, RUNC_TYPE, strlen(RUNC_TYPE));
    cmc_pb_put_bytes(any, 2, value.data, value.len);
    if (cmc_buf_check(&value, "options", err) < 0 || cmc_buf_check(any, "options", err) < 0)
        return -(int)err->code;
    *what = CMC_HELPER_OPTIONS_REPLACE;
    return 0;
}

/* The last binary_name of a containerd.runc.v1.Options, as it stands. */
static int find_binary(const struct cmc_span *options, struct cmc_span *name, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(options->p, options->len);
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&r, &f, err)) > 0) {
        if (f.number != BINARY_NAME)
            continue;
        if (f.wire != CMC_PB_BYTES)
            return fail_wire(&f, RUNC_TYPE, err);
        *name = f.bytes;
    }
    return more < 0 ? cmc_wrap(err, "%s", RUNC_TYPE) : 0;
}

int cmc_measure_options_binary(const struct cmc_span *any,
                               char out[static CMC_MEASURE_BINARY_MAX + 1], struct cmc_err *err)
{
    struct cmc_measure_options o = {.kind = CMC_MEASURE_OPTIONS_NONE};
    struct cmc_span name = {NULL, 0};
    if (cmc_measure_options_parse(any, &o, err) < 0)
        return -(int)err->code;
    if (o.kind == CMC_MEASURE_OPTIONS_RUNC && find_binary(&o.value, &name, err) < 0)
        return -(int)err->code;
    if (name.len == 0)
        name = (struct cmc_span){(const uint8_t *)"runc", strlen("runc")};
    if (name.len > CMC_MEASURE_BINARY_MAX || !cmc_pb_is_text(&name))
        return cmc_fail(err, CMC_E_FORMAT, "%s: binary_name is no text of at most %d bytes",
                        RUNC_TYPE, CMC_MEASURE_BINARY_MAX);
    memcpy(out, name.p, name.len);
    out[name.len] = '\0';
    return 0;
}
