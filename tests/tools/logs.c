/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/logs.c -- builds logs for tests. */
#include "tests/tools/logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc, const struct cmc_err *err)
{
    if (rc >= 0)
        return;
    (void)fprintf(stderr, "logs: %s\n", err->msg);
    abort();
}

void logs_init(struct logs *l, size_t banks)
{
    static const uint16_t one[] = {CMC_ALG_SHA256}, two[] = {CMC_ALG_SHA1, CMC_ALG_SHA256},
                          four[] = {CMC_ALG_SHA1, CMC_ALG_SHA256, CMC_ALG_SHA384, CMC_ALG_SHA512};
    const uint16_t *algs = banks == 1 ? one : banks == 2 ? two : four;
    *l = (struct logs){
        .bytes = cmc_buf_of(64 << 20), .reset_count = 7, .profile = MEASURE_PROFILE_EXACT};
    l->start.count = banks;
    for (size_t i = 0; i < banks; i++)
        l->start.bank[i].alg = algs[i];
    l->pcr = l->start;
    l->starts = measure_starts_zero(&l->start);
}

void logs_done(struct logs *l)
{
    cmc_buf_done(&l->bytes);
}

static void fill(uint8_t *out, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

void logs_firmware(struct logs *l, uint8_t byte)
{
    for (size_t i = 0; i < l->start.count; i++)
        fill(l->start.bank[i].value, cmc_hash_size(l->start.bank[i].alg), byte);
    l->pcr = l->start;
    l->starts.value[l->starts.count++] = l->start;
}

static bool is_register(enum measure_event_type type)
{
    return type == MEASURE_RECORDER_START || type == MEASURE_DISCONTINUITY;
}

struct measure_event logs_least_event(enum measure_event_type type)
{
    struct measure_event ev = {.type = type};
    if (is_register(type)) {
        ev.profile = MEASURE_PROFILE_EXACT;
        ev.pcr = 13;
        ev.reset_count = 7;
        ev.found = (struct measure_banks){.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    } else if (type == MEASURE_UNMEASURED) {
        ev.reason = "reported, not measured";
        ev.pid = 4711;
        ev.cgroup = "/system.slice/other.service";
    } else {
        ev.container = "web-1";
        ev.ns = "default";
    }
    if (type == MEASURE_DISCONTINUITY)
        ev.expected = ev.found;
    if (type == MEASURE_CONTAINER_CREATE) {
        ev.has_config = ev.has_rootfs = true;
        fill(ev.config, sizeof(ev.config), 0x10);
        fill(ev.raw_config, sizeof(ev.raw_config), 0x30);
        fill(ev.rootfs, sizeof(ev.rootfs), 0x50);
    }
    if (type == MEASURE_CONTAINER_CREATE || type == MEASURE_FAILED)
        ev.decision = MEASURE_DECISION_AUDIT;
    if (type == MEASURE_FAILED || type == MEASURE_DISCONTINUITY)
        ev.reason = type == MEASURE_FAILED ? "rootfs: bin/sh changed while it was read"
                                           : "the PCR holds another value";
    return ev;
}

static void add_programs(struct measure_event *ev)
{
    ev->program_count = 2;
    ev->programs[0] = (struct measure_program){.role = "runc", .path = "/usr/sbin/runc"};
    ev->programs[1] =
        (struct measure_program){.role = "inner-shim", .path = "/usr/bin/containerd-shim-runc-v2"};
    fill(ev->programs[0].sha256, 32, 0x80);
    fill(ev->programs[1].sha256, 32, 0xa0);
}

static void add_container(struct measure_event *ev)
{
    ev->sandbox = "pod-1";
    ev->pod = "web";
    ev->pod_ns = "prod";
    ev->pod_uid = "6f1c";
    ev->name = "nginx";
    ev->image = "docker.io/library/nginx:1.27";
    if (ev->type == MEASURE_CONTAINER_DELETE) {
        ev->has_exit = true;
        ev->exit_status = 137;
        return;
    }
    if (ev->type == MEASURE_UNMEASURED) {
        ev->container = "web-1";
        ev->ns = "default";
        return;
    }
    ev->has_config = ev->has_rootfs = ev->has_listing = ev->has_options = true;
    ev->terminal = true;
    fill(ev->listing, 32, 0x70);
    fill(ev->options, 32, 0x90);
    fill(ev->key_id, 8, 0x01);
    ev->checkpoint = "/var/lib/checkpoint";
    ev->parent_checkpoint = "/var/lib/parent";
}

struct measure_event logs_event(enum measure_event_type type)
{
    struct measure_event ev = logs_least_event(type);
    if (is_register(type)) {
        fill(ev.boot_id, sizeof(ev.boot_id), 0xb0);
        ev.restart_count = 3;
        ev.ignored_banks = "sm3_256";
    } else {
        add_container(&ev);
    }
    if (type != MEASURE_CONTAINER_DELETE && type != MEASURE_UNMEASURED)
        add_programs(&ev);
    return ev;
}

void logs_intent(struct logs *l, struct measure_event *ev)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf content = cmc_buf_of(MEASURE_EVENT_MAX);
    ev->seq = l->seq;
    if (is_register(ev->type)) {
        ev->reset_count = l->reset_count;
        ev->profile = l->profile;
    }
    must(measure_event_encode(ev, &content, &err), &err);
    struct measure_frame f = {.type = MEASURE_FRAME_INTENT,
                              .recnum = l->seq,
                              .pcr = 13,
                              .content = content.data,
                              .content_len = content.len};
    must(measure_replay_digests(l->profile, ev, &f, &l->start, &f.digests, &err), &err);
    must(measure_frame_encode(&f, &l->bytes, &err), &err);
}

static struct measure_banks last_digests(const struct logs *l)
{
    struct cmc_err err = {0};
    struct measure_frame f, last = {0};
    size_t at = 0, torn = 0;
    while (measure_frame_next(l->bytes.data, l->bytes.len, &at, &f, &torn, &err) == 1)
        if (f.type == MEASURE_FRAME_INTENT)
            last = f;
    return last.digests;
}

void logs_mark(struct logs *l, enum measure_mark_how how)
{
    struct cmc_err err = {0};
    const struct measure_banks d = last_digests(l);
    for (int i = how == MEASURE_MARK_LOST ? 0 : how == MEASURE_MARK_TWICE ? 2 : 1; i; i--)
        must(measure_replay_extend(&l->pcr, &d, &err), &err);
    const struct measure_frame mark = {
        .type = MEASURE_FRAME_MARK, .recnum = l->seq, .how = how, .values = l->pcr};
    must(measure_frame_encode(&mark, &l->bytes, &err), &err);
    l->seq++;
}

void logs_put(struct logs *l, enum measure_event_type type, enum measure_mark_how how)
{
    struct measure_event ev = logs_event(type);
    ev.found = is_register(type) ? l->pcr : ev.found;
    ev.expected = type == MEASURE_DISCONTINUITY ? l->pcr : ev.expected;
    logs_intent(l, &ev);
    logs_mark(l, how);
}

void logs_found(struct logs *l, const struct measure_banks *found)
{
    struct measure_event ev = logs_event(MEASURE_DISCONTINUITY);
    ev.expected = l->pcr;
    ev.found = l->pcr = *found;
    logs_intent(l, &ev);
    logs_mark(l, MEASURE_MARK_DONE);
}

void logs_break(struct logs *l)
{
    struct measure_banks strange = l->pcr;
    for (size_t i = 0; i < strange.count; i++)
        fill(strange.bank[i].value, cmc_hash_size(strange.bank[i].alg), (uint8_t)l->seq);
    logs_found(l, &strange);
}

void logs_reset(struct logs *l)
{
    l->reset_count++;
    l->pcr = l->start;
    logs_put(l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
}

void logs_usual(struct logs *l)
{
    logs_put(l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    logs_put(l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    logs_put(l, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    logs_put(l, MEASURE_FAILED, MEASURE_MARK_DONE);
    logs_put(l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
}

size_t logs_split(const struct logs *l, struct logs_record *out, size_t max)
{
    struct cmc_err err = {0};
    size_t at = 0, torn = 0, n = 0;
    while (n < max) {
        const int rc =
            measure_frame_next(l->bytes.data, l->bytes.len, &at, &out[n].frame, &torn, &err);
        must(rc, &err);
        if (rc == 0)
            break;
        if (out[n].frame.content_len)
            memcpy(out[n].content, out[n].frame.content, out[n].frame.content_len);
        n++;
    }
    return n;
}

void logs_join(const struct logs_record *records, size_t count, struct cmc_buf *out)
{
    struct cmc_err err = {0};
    for (size_t i = 0; i < count; i++) {
        struct measure_frame f = records[i].frame;
        f.content = records[i].content;
        must(measure_frame_encode(&f, out, &err), &err);
    }
}

void logs_forge(struct logs_record *records, size_t count, const struct measure_banks *start)
{
    struct cmc_err err = {0};
    struct measure_banks pcr = *start, d = *start;
    for (size_t i = 0; i < count; i++) {
        struct measure_frame *f = &records[i].frame;
        if (f->type == MEASURE_FRAME_INTENT) {
            struct measure_frame content = *f;
            content.content = records[i].content;
            must(measure_replay_digests(MEASURE_PROFILE_EXACT, NULL, &content, start, &d, &err),
                 &err);
            f->digests = d;
            continue;
        }
        must(measure_replay_extend(&pcr, &d, &err), &err);
        f->values = pcr;
    }
}
