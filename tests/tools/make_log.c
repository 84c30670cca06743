/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/make_log.c -- one random log of either profile and what the C code says of it:
 * PREFIX.log, .json (CEL-JSON), .cbor (CEL-CBOR) and .txt (the replay's result and the firmware's
 * start value), for tests/oracle/eventlog.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "measure/cel.h"
#include "tests/tools/logs.h"

static uint64_t state;

static unsigned pick(unsigned below) /* xorshift: the same log for the same seed everywhere */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 11) % below;
}

static const char *text(void)
{
    static const char *const texts[] = {NULL,
                                        "",
                                        "nginx",
                                        "a name with spaces and \"quotes\"",
                                        "\x1b[31mred\n\r\t\x7f",
                                        "caf\xc3\xa9 \xe2\x80\xae evil \xf0\x9f\x90\xb3",
                                        "\xc2\x9b[31m and back\\slash"};
    return texts[pick(sizeof(texts) / sizeof(texts[0]))];
}

static void noise(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)pick(256);
}

static void vary_container(struct measure_event *ev)
{
    ev->container = pick(4) ? "c1" : "another-container";
    ev->pod = text();
    ev->name = text();
    ev->image = text();
    ev->sandbox = text();
    noise(ev->config, ev->has_config ? 32 : 0);
    noise(ev->raw_config, ev->has_config ? 32 : 0);
    noise(ev->rootfs, ev->has_rootfs ? 32 : 0);
    ev->exit_status = ev->has_exit ? (uint32_t)pick(256) << pick(24) : 0;
    ev->has_options = ev->has_options && pick(2);
    ev->has_listing = ev->has_listing && pick(2);
    memset(ev->options, 0, ev->has_options ? 0 : 32);
    memset(ev->listing, 0, ev->has_listing ? 0 : 32);
}

static void add_container_event(struct logs *l)
{
    static const enum measure_event_type types[] = {
        MEASURE_CONTAINER_CREATE, MEASURE_CONTAINER_DELETE, MEASURE_FAILED, MEASURE_UNMEASURED};
    static const enum measure_mark_how hows[] = {MEASURE_MARK_DONE,      MEASURE_MARK_DONE,
                                                 MEASURE_MARK_DONE,      MEASURE_MARK_FOUND,
                                                 MEASURE_MARK_RECOVERED, MEASURE_MARK_TWICE};
    struct measure_event ev =
        pick(3) ? logs_event(types[pick(4)]) : logs_least_event(types[pick(4)]);
    vary_container(&ev);
    const bool quiet = l->profile == MEASURE_PROFILE_CMC &&
                       (ev.type == MEASURE_CONTAINER_DELETE || ev.type == MEASURE_UNMEASURED);
    logs_intent(l, &ev);
    logs_mark(l, quiet ? MEASURE_MARK_RECOVERED : hows[pick(6)]);
}

static void add_lost(struct logs *l)
{
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    logs_intent(l, &ev);
    logs_mark(l, MEASURE_MARK_LOST);
    logs_break(l);
}

/* A frame that was cut: less than the first one has. */
static void add_torn(struct logs *l)
{
    const size_t most = l->bytes.len < 200 ? l->bytes.len : 200;
    const size_t n = 1 + pick((unsigned)most - 1);
    uint8_t part[200];
    memcpy(part, l->bytes.data, n);

    cmc_put(&l->bytes, part, n);
}

/* Elsewhere, at the start value, or where it should be: only the first is no more than a claim. */
static void add_break(struct logs *l)
{
    const unsigned where = pick(3);
    if (where == 0)
        logs_break(l);
    else
        logs_found(l, where == 1 ? &l->start : &l->pcr);
}

static void make(struct logs *l, unsigned events)
{
    if (pick(4))
        logs_put(l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    else
        logs_break(l);
    while (events--) {
        const unsigned what = pick(20);
        if (what == 0)
            add_break(l);
        else if (what == 1)
            logs_reset(l);
        else if (what == 2)
            add_lost(l);
        else if (what == 3)
            add_torn(l);
        else
            add_container_event(l);
    }
    if (pick(3) == 0) {
        struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
        logs_intent(l, &ev); /* left open */
    }
    if (pick(3) == 0)
        add_torn(l);
}

static int save(const char *prefix, const char *ext, const void *data, size_t len)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s.%s", prefix, ext);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        (void)fprintf(stderr, "make_log: cannot write %s\n", path);
        return -1;
    }
    return 0;
}

static void put_banks(struct cmc_buf *b, const char *prefix, const struct measure_banks *banks)
{
    for (size_t i = 0; i < banks->count; i++) {
        const struct measure_bank *bank = &banks->bank[i];
        cmc_put_fmt(b, "%s%s ", prefix, cmc_hash_name(bank->alg));
        cmc_put_hex(b, bank->value, cmc_hash_size(bank->alg));
        cmc_put_text(b, "\n");
    }
}

static void describe(struct cmc_buf *b, const struct logs *l, const struct measure_replay *r)
{
    cmc_put_fmt(b, "events %llu\nextended %llu\nsegments %llu\ntorn %zu\nopen %d\nclaimed %d\n",
                (unsigned long long)r->events, (unsigned long long)r->extended,
                (unsigned long long)r->segments, r->torn, r->open, r->claimed);
    put_banks(b, "", &r->last);
    if (l->starts.count > 1)
        put_banks(b, "start-", &l->starts.value[1]);
}

static int save_all(const struct logs *l, const char *prefix, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(64 << 20);
    cmc_autobuf struct cmc_buf cbor = cmc_buf_of(64 << 20);
    cmc_autobuf struct cmc_buf txt = cmc_buf_of(4096);
    const uint8_t *log = l->bytes.data;
    struct measure_replay r;
    int rc = measure_replay(log, l->bytes.len, &l->starts, NULL, NULL, &r, err);
    if (rc == 0)
        rc = measure_cel_export(log, l->bytes.len, &l->starts, MEASURE_CEL_JSON, &json, err);
    if (rc == 0)
        rc = measure_cel_export(log, l->bytes.len, &l->starts, MEASURE_CEL_CBOR, &cbor, err);
    if (rc < 0)
        return rc;
    describe(&txt, l, &r);
    if (save(prefix, "log", log, l->bytes.len) < 0 ||
        save(prefix, "json", json.data, json.len) < 0 ||
        save(prefix, "cbor", cbor.data, cbor.len) < 0 || save(prefix, "txt", txt.data, txt.len) < 0)
        return cmc_fail(err, CMC_E_SYS, "save");
    return 0;
}

int main(int argc, char **argv)
{
    static const size_t banks[] = {1, 2, 4};
    struct cmc_err err = {0};
    struct logs l;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: make_log SEED EVENTS PREFIX\n");
        return 2;
    }
    state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
    logs_init(&l, banks[pick(3)]);
    if (pick(3) == 0)
        l.profile = MEASURE_PROFILE_CMC;
    if (pick(3) == 0)
        logs_firmware(&l, (uint8_t)pick(256));
    make(&l, (unsigned)strtoul(argv[2], NULL, 10));
    const int rc = save_all(&l, argv[3], &err);
    if (rc < 0)
        (void)fprintf(stderr, "make_log: seed %s: %s\n", argv[1], err.msg);
    logs_done(&l);
    return rc < 0;
}
