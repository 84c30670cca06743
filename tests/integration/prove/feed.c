/* SPDX-License-Identifier: Apache-2.0 */
/* tests/integration/prove/feed.c -- records containers with the details that cmc-measure stores.
 * feed SITE.json BUNDLE ID: one container-create; feed SITE.json BUNDLE ID COUNT RATE: COUNT of
 * them, RATE per second (who was held up catches up). A bundle has config.json and rootfs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/site.h"
#include "record/details.h"
#include "record/recorder.h"
#include "tools/cmc_measure_key.h"
#include "tools/cmc_measure_state.h"

enum { CONFIG_MAX = 4 << 20, PROGRAM_MAX = 64 << 20 };

static void die(const struct cmc_err *err)
{
    (void)fprintf(stderr, "feed: %s\n", err->msg);
    exit(3);
}

static void store(const struct cmc_site *site, const char *kind, const uint8_t *digest,
                  const struct cmc_buf *data)
{
    char dir[2048];
    struct cmc_err err = {0};
    (void)snprintf(dir, sizeof(dir), "%s/details", site->state_dir);
    if (record_details_put(dir, kind, digest, data->data, data->len, site->details_quota, &err) < 0)
        die(&err);
}

static void take_config(const struct cmc_site *site, struct cmc_measure_how *how, int bundle,
                        struct measure_event *ev)
{
    static uint8_t key[32];
    struct cmc_err err = {0};
    struct measure_config c;
    cmc_autobuf struct cmc_buf json = cmc_buf_of(CONFIG_MAX);
    cmc_autofd int fd = openat(bundle, "config.json", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || cmc_buf_read(&json, fd, "config.json", &err) < 0)
        die(&err);
    if (site->redaction_key) {
        cmc_autofd int key_fd = open(site->redaction_key, O_RDONLY | O_CLOEXEC);
        if (cmc_measure_key_read(key_fd, "key", key, &err) < 0)
            die(&err);
        how->redaction_key = key;
    }
    if (cmc_measure_state_config(how, &json, &c, &err) < 0)
        die(&err);
    measure_config_key_id(how->redaction_key, ev->key_id);
    memcpy(ev->config, c.digest, sizeof(ev->config));
    memcpy(ev->raw_config, c.raw_digest, sizeof(ev->raw_config));
    ev->has_config = true;
    ev->terminal = c.terminal;
    store(site, "config", ev->config, &c.detail);
    measure_config_done(&c);
}

static void take_rootfs(const struct cmc_site *site, const struct cmc_measure_how *how, int bundle,
                        struct measure_event *ev)
{
    const bool keep = site->keep_listing && how->profile == MEASURE_PROFILE_EXACT;
    struct cmc_err err = {0};
    struct measure_rootfs tree;
    struct cmc_measure_spec spec = {0};
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(CMC_MEASURE_LISTING_MAX);
    cmc_autofd int root = openat(bundle, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct cmc_measure_rootfs from = {.root = root};
    if (cmc_measure_state_rootfs(how, &spec, &from, keep ? &listing : NULL, &tree, &err) < 0)
        die(&err);
    memcpy(ev->rootfs, tree.digest, sizeof(ev->rootfs));
    ev->has_rootfs = true;
    if (!keep)
        return;
    cmc_sha256(listing.data, listing.len, ev->listing);
    ev->has_listing = true;
    store(site, "listing", ev->listing, &listing);
}

static void take_program(struct measure_program *p)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf file = cmc_buf_of(PROGRAM_MAX);
    cmc_autofd int fd = open(p->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* no digest of what is not there */
    if (cmc_buf_read(&file, fd, p->path, &err) < 0)
        die(&err);
    cmc_sha256(file.data, file.len, p->sha256);
}

static void add_ns(struct timespec *t, long ns)
{
    t->tv_nsec += ns;
    t->tv_sec += t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
}

static void record(const struct cmc_site *site, struct cmc_measure_how *how,
                   struct measure_event *ev, unsigned count, double rate)
{
    const struct record_config cfg = {.runtime_dir = site->runtime_dir,
                                      .tcti = site->tcti,
                                      .pcr = site->pcr,
                                      .firmware_log = site->firmware_log,
                                      .profile = how->profile};
    struct timespec due;
    struct cmc_err err = {0};
    struct record_receipt receipt;
    struct record *r = NULL;
    if (record_open(&cfg, &r, &err) < 0)
        die(&err);
    (void)clock_gettime(CLOCK_MONOTONIC, &due);
    for (unsigned i = 0; i < count; i++) {
        if (record_event(r, ev, &receipt, &err) < 0)
            die(&err);
        if (rate <= 0)
            continue;
        add_ns(&due, (long)(1e9 / rate));
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    record_close(r);
}

int main(int argc, char **argv)
{
    struct cmc_site site;
    struct cmc_err err = {0};
    if (argc < 4 || cmc_site_load(argv[1], &site, &err) < 0)
        die(&err);
    struct cmc_measure_how how = {.id = argv[3], .bundle = argv[2]};
    struct measure_event ev = {
        .type = MEASURE_CONTAINER_CREATE,
        .container = argv[3],
        .ns = "default",
        .image = "docker.io/library/example:1",
        .decision = MEASURE_DECISION_AUDIT,
        .program_count = 2,
        .programs = {{.role = "runc", .path = "/usr/sbin/runc"},
                     {.role = "inner-shim", .path = "/usr/bin/containerd-shim-runc-v2"}}};
    cmc_autofd int bundle = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cmc_measure_state_profile(site.profile, &how.profile, &err) < 0)
        die(&err);
    take_config(&site, &how, bundle, &ev);
    take_rootfs(&site, &how, bundle, &ev);
    for (size_t i = 0; i < ev.program_count; i++)
        take_program(&ev.programs[i]);
    record(&site, &how, &ev, argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1,
           argc > 5 ? strtod(argv[5], NULL) : 0);
    cmc_site_done(&site);
    return EXIT_SUCCESS;
}
