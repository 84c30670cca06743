/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_owed.c -- a container that no helper could record is recorded by a later
 * one. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/owed.h"
#include "tests/unit/shim/proxy_world.h"

static struct proxy_world world;

static int setup(void **state)
{
    (void)state;
    world_start(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return world_end(&world);
}

static void create(const char *id)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096), b = cmc_buf_of(1 << 16);
    const struct cmc_span body = world_create(&world, id, NULL, &payload);
    int fd = world_connect(&world);
    world_send(fd, 1, "Create", &body, 0);
    assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
}

/* How often a helper was asked to record the failure of id, once it is want times or 2 s over. */
static size_t asked(const char *id, size_t want)
{
    char line[64];
    size_t n = 0;
    (void)snprintf(line, sizeof(line), "job=3 ns=default id=%s ", id);
    for (int i = 0; i < 40 && n < want; i++) {
        (void)poll(NULL, 0, i ? 50 : 0);
        n = 0;
        for (const char *at = world_calls(&world); (at = strstr(at, line)); at++)
            n++;
    }
    return n;
}

/* Until the proxy has heard that the one it asked died too, it asks no other, and the queue has
 * another order. */
static void wait_for_failures(int want)
{
    static const char said[] = "failure still not recorded";
    char path[96], text[8192];
    (void)snprintf(path, sizeof(path), "%s/log", world.dir);
    for (int i = 0; i < 200; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
            (void)close(fd);
        int times = 0;
        for (const char *at = text; (at = strstr(at, said)); at++)
            times++;
        if (times >= want)
            return;
        (void)poll(NULL, 0, 50);
    }
    fail_msg("the log does not say %d times: %s", want, said);
}

/* Its own helper and the one after it die, as all do that meet it. */
static void test_next_result_tries_again(void **state)
{
    (void)state;
    create("crash-twice");
    assert_int_equal(asked("crash-twice", 1), 1);
    create("keep");
    assert_int_equal(asked("crash-twice", 2), 2);
    assert_non_null(strstr(world_calls(&world), "reason=recorded late: "));
    wait_for_failures(1);
}

/* Nor does one who could not record show that another can. */
static void test_only_a_recording_helps(void **state)
{
    (void)state;
    create("notrecorded");
    assert_int_equal(asked("crash-twice", 3), 2);
    assert_int_equal(asked("notrecorded", 1), 0);
    create("keep");
    assert_int_equal(asked("crash-twice", 3), 3);
    wait_for_failures(2);
    create("keep");
    assert_int_equal(asked("notrecorded", 1), 1);
}

/* Behind a real shim that has ended, a helper that hangs must not keep the proxy for ever. */
static void test_tries_end_soon_after_the_real_shim(void **state)
{
    static struct shim_proxy p; /* reaches what is owed, for the leak checker */
    const uint64_t now = shim_loop_now_ms();
    (void)state;
    shim_owed_note(&p, "c1", "no helper");
    p.owed_tried_ms = now;
    p.ended_ms = now - SHIM_OWED_LAST_MS + 1;
    assert_int_equal(shim_owed_tick(&p, now), now + 300);
    p.ended_ms--;
    assert_true(shim_owed_tick(&p, now) == UINT64_MAX);
    assert_true(shim_owed_tick(&p, now + 60000) == UINT64_MAX);
    assert_false(p.owed_busy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_result_tries_again),
        cmocka_unit_test(test_only_a_recording_helps),
        cmocka_unit_test(test_tries_end_soon_after_the_real_shim),
    };
    if (argc < 3)
        return 2;
    world_inner = argv[1];
    world_helper = argv[2];
    return cmocka_run_group_tests_name("shim/owed", tests, setup, teardown);
}
