/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_ctl.c -- one test, one recorder, and cmcctl's eyes on it. */
#include "tests/lib/recorder_ctl.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/details.h"
#include "tools/cmcctl.h"

struct bed ctl_bed;
char ctl_log_path[128], ctl_details[128];
char ctl_out[1 << 20];

int ctl_setup(void **state)
{
    (void)state;
    bed_init(&ctl_bed, 2);
    (void)snprintf(ctl_log_path, sizeof(ctl_log_path), "%s/log", ctl_bed.runtime);
    (void)snprintf(ctl_details, sizeof(ctl_details), "%s/details", ctl_bed.dir);
    return 0;
}

int ctl_teardown(void **state)
{
    (void)state;
    bed_done(&ctl_bed);
    return 0;
}

int ctl_run(const char *first, ...)
{
    char *argv[16] = {strdup("log"),       strdup("--log"),     strdup(ctl_log_path),
                      strdup("--details"), strdup(ctl_details), strdup("--tcti"),
                      strdup("fake")};
    int argc = 7;
    va_list ap;
    va_start(ap, first);
    for (const char *a = first; a && argc < 15; a = va_arg(ap, const char *))
        argv[argc++] = strdup(a);
    va_end(ap);
    char path[] = "/tmp/cmc-ctl-XXXXXX";
    const int fd = mkostemp(path, O_CLOEXEC), old = dup(STDOUT_FILENO),
              old_err = dup(STDERR_FILENO);
    assert_true(fd >= 0 && old >= 0 && old_err >= 0);
    (void)unlink(path);
    (void)fflush(stdout);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    const int status = cmcctl_log(argc, argv);
    (void)fflush(stdout);
    (void)dup2(old, STDOUT_FILENO);
    (void)dup2(old_err, STDERR_FILENO);
    const ssize_t n = pread(fd, ctl_out, sizeof(ctl_out) - 1, 0);
    assert_true(n >= 0);
    ctl_out[n] = '\0';
    (void)close(fd);
    (void)close(old);
    (void)close(old_err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

void ctl_says(const char *text)
{
    if (!strstr(ctl_out, text))
        fail_msg("no \"%s\" in:\n%s", text, ctl_out);
}

void ctl_does_not_say(const char *text)
{
    if (strstr(ctl_out, text))
        fail_msg("\"%s\" in:\n%s", text, ctl_out);
}

void ctl_record(struct measure_event ev)
{
    struct record *r = NULL;
    struct record_receipt receipt;
    struct cmc_err err = {0};
    if (record_open(&ctl_bed.table.cfg, &r, &err) < 0 || record_event(r, &ev, &receipt, &err) < 0)
        fail_msg("%s", err.msg);
    record_close(r);
}

struct measure_event ctl_event(const char *container)
{
    return (struct measure_event){.type = MEASURE_CONTAINER_CREATE,
                                  .container = container,
                                  .ns = "default",
                                  .has_config = true,
                                  .has_rootfs = true,
                                  .decision = MEASURE_DECISION_AUDIT};
}

void ctl_put_details(const char *kind, const uint8_t *digest, const struct cmc_buf *data)
{
    struct cmc_err err = {0};
    if (record_details_put(ctl_details, kind, digest, data->data, data->len, 1 << 20, &err) < 0)
        fail_msg("%s", err.msg);
}
