/* SPDX-License-Identifier: Apache-2.0 */
/* base/task.c -- CreateTaskRequest: read as containerd's Go code reads it, options replaced. */
#include "base/task.h"

enum { FIELD_MOUNT = 3, FIELD_TERMINAL = 4, FIELD_OPTIONS = 10 };

static int wrong_type(const struct cmc_pb_field *f, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "field %u has wire type %u", f->number, (unsigned)f->wire);
}

static int text(const struct cmc_pb_field *f, struct cmc_span *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_BYTES)
        return wrong_type(f, err);
    if (f->bytes.len > CMC_TASK_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "field %u: %zu bytes, at most %d", f->number,
                        f->bytes.len, CMC_TASK_TEXT_MAX);
    if (!cmc_pb_is_text(&f->bytes))
        return cmc_fail(err, CMC_E_FORMAT, "field %u: not UTF-8, or a NUL in it", f->number);
    *out = f->bytes;
    return 0;
}

static int mount_option(const struct cmc_pb_field *f, struct cmc_task_create *out,
                        struct cmc_err *err)
{
    if (out->option_total == CMC_TASK_MOUNT_OPTIONS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d mount options", CMC_TASK_MOUNT_OPTIONS_MAX);
    if (text(f, &out->options_text[out->option_total], err) < 0)
        return -(int)err->code;
    out->option_total++;
    return 0;
}

static int mount_field(const struct cmc_pb_field *f, struct cmc_task_mount *m,
                       struct cmc_task_create *out, struct cmc_err *err)
{
    switch (f->number) {
    case 1:
        return text(f, &m->type, err);
    case 2:
        return text(f, &m->source, err);
    case 3:
        return text(f, &m->target, err);
    case 4:
        return mount_option(f, out, err);
    default:
        return 0;
    }
}

static int mount(const struct cmc_pb_field *f, struct cmc_task_create *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_BYTES)
        return wrong_type(f, err);
    if (out->mount_count == CMC_TASK_MOUNTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d mounts", CMC_TASK_MOUNTS_MAX);

    struct cmc_task_mount m = {.option_first = out->option_total};
    struct cmc_reader r = cmc_reader_of(f->bytes.p, f->bytes.len);
    struct cmc_pb_field inner;
    int more;
    while ((more = cmc_pb_next(&r, &inner, err)) > 0)
        if (mount_field(&inner, &m, out, err) < 0)
            return cmc_wrap(err, "mount %zu", out->mount_count);
    if (more < 0)
        return cmc_wrap(err, "mount %zu", out->mount_count);
    m.option_count = out->option_total - m.option_first;
    out->mounts[out->mount_count++] = m;
    return 0;
}

static int options(const struct cmc_pb_field *f, struct cmc_task_create *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_BYTES)
        return wrong_type(f, err);
    if (out->options.p) /* a second one is merged by the real shim: we could disagree with it */
        return cmc_fail(err, CMC_E_FORMAT, "options are given twice");
    out->options = f->bytes;
    return 0;
}

static int terminal(const struct cmc_pb_field *f, struct cmc_task_create *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_VARINT)
        return wrong_type(f, err);
    out->terminal = f->value != 0;
    return 0;
}

static int create_field(const struct cmc_pb_field *f, struct cmc_task_create *out,
                        struct cmc_err *err)
{
    struct cmc_span *const texts[] = {
        [1] = &out->id,
        [2] = &out->bundle,
        [5] = &out->stdin_path,
        [6] = &out->stdout_path,
        [7] = &out->stderr_path,
        [8] = &out->checkpoint,
        [9] = &out->parent_checkpoint,
    };
    if (f->number < sizeof(texts) / sizeof(texts[0]) && texts[f->number])
        return text(f, texts[f->number], err);
    if (f->number == FIELD_MOUNT)
        return mount(f, out, err);
    if (f->number == FIELD_TERMINAL)
        return terminal(f, out, err);
    return f->number == FIELD_OPTIONS ? options(f, out, err) : 0;
}

int cmc_task_create_parse(const uint8_t *data, size_t len, struct cmc_task_create *out,
                          struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(data, len);
    struct cmc_pb_field f;
    int more;

    *out = (struct cmc_task_create){.mount_count = 0};
    while ((more = cmc_pb_next(&r, &f, err)) > 0)
        if (create_field(&f, out, err) < 0)
            return cmc_wrap(err, "CreateTaskRequest");
    return more < 0 ? cmc_wrap(err, "CreateTaskRequest") : 0;
}

int cmc_task_create_set_options(const uint8_t *data, size_t len, const struct cmc_span *any,
                                struct cmc_buf *out, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(data, len);
    struct cmc_pb_field f;
    int more;

    while ((more = cmc_pb_next(&r, &f, err)) > 0) {
        if (f.number != FIELD_OPTIONS) {
            cmc_put(out, f.whole.p, f.whole.len);
        } else if (any) {
            cmc_pb_put_bytes(out, FIELD_OPTIONS, any->p, any->len);
            any = NULL;
        }
    }
    if (more < 0)
        return cmc_wrap(err, "CreateTaskRequest");
    if (any)
        cmc_pb_put_bytes(out, FIELD_OPTIONS, any->p, any->len);
    return cmc_buf_check(out, "CreateTaskRequest", err);
}
