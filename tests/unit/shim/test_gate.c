/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_gate.c -- what the real shim sees of a Create, and what its caller hears. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/task.h"
#include "shim/loop.h"
#include "tests/unit/shim/proxy_world.h"
#include "tests/unit/shim/vectors.h"

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

/* Creates id and returns the Request that reached the real shim. b keeps its bytes. */
static struct shim_request forwarded(const char *id, const char *any, uint64_t timeout_ns,
                                     struct cmc_buf *b)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096);
    const struct cmc_span create = world_create(&world, id, any, &payload);
    struct shim_request q = {.timeout_ns = -1};
    struct cmc_err err;
    int fd = world_connect(&world);
    world_send(fd, 7, "Create", &create, timeout_ns);
    const struct shim_response r = world_answer(fd, 7, b);
    assert_int_equal(r.status, SHIM_STATUS_OK);
    assert_int_equal(shim_ttrpc_request(r.payload.p, r.payload.len, &q, &err), 0);
    assert_int_equal(close(fd), 0);
    return q;
}

static void options_are(const struct shim_request *q, const char *want, size_t len)
{
    static struct cmc_task_create c;
    struct cmc_err err;
    assert_int_equal(cmc_task_create_parse(q->payload.p, q->payload.len, &c, &err), 0);
    assert_int_equal(c.options.len, len);
    if (len)
        assert_memory_equal(c.options.p, want, len);
    assert_int_equal(!c.options.p, !want);
}

static void test_options(void **state)
{
    (void)state;
    static const char replaced[] = "\x0a\x1a"
                                   "containerd.runc.v1.Options"
                                   "\x12\x1b\x3a\x19"
                                   "/run/cmc-world/other-root";
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    struct shim_request q = forwarded("keep", "any", 0, &b);
    options_are(&q, "any", 3);
    q = forwarded("drop", "any", 0, &b);
    options_are(&q, NULL, 0);
    q = forwarded("replace", "any", 0, &b);
    options_are(&q, replaced, sizeof(replaced) - 1);
    q = forwarded("replace", NULL, 0, &b); /* also where there were none */
    options_are(&q, replaced, sizeof(replaced) - 1);
}

static void test_time_is_taken_off(void **state)
{
    (void)state;
    const int64_t second = 1000000000;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    assert_int_equal(forwarded("none", NULL, 0, &b).timeout_ns, 0);
    int64_t left = forwarded("slow-400", NULL, (uint64_t)(10 * second), &b).timeout_ns;
    assert_true(left > 5 * second && left <= 10 * second - 2 * second / 5);
}

static struct shim_response create(const char *id, uint64_t timeout_ns, struct cmc_buf *b)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096);
    const struct cmc_span body = world_create(&world, id, NULL, &payload);
    int fd = world_connect(&world);
    world_send(fd, 9, "Create", &body, timeout_ns);
    const struct shim_response r = world_answer(fd, 9, b);
    assert_int_equal(close(fd), 0);
    return r;
}

static void test_refused(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    const struct shim_response r = create("refuse", 0, &b);
    assert_int_equal(r.status, SHIM_STATUS_REFUSED);
    assert_true(equals(&r.message, "cmc: not this one"));
}

static void test_deadlines(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    uint64_t begin = shim_loop_now_ms();
    assert_int_equal(create("slow-3000", 200000000, &b).status, SHIM_STATUS_DEADLINE);
    assert_true(shim_loop_now_ms() - begin >= 190 && shim_loop_now_ms() - begin < 2000);
    assert_int_equal(create("late", (uint64_t)-1, &b).status, SHIM_STATUS_DEADLINE); /* negative */
}

/* Delete and Shutdown of an id end its waiting Create, those of another id do not. */
static void test_cancelled(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096), b = cmc_buf_of(1 << 16);
    const struct cmc_span body = world_create(&world, "slow-1500", NULL, &payload);
    const struct cmc_span other = {(const uint8_t *)"\x0a\x05other", 7};
    const struct cmc_span exec = {(const uint8_t *)"\x0a\x09slow-1500\x12\x01x", 14};
    const struct cmc_span own = {(const uint8_t *)"\x0a\x09slow-1500", 11};
    int fd = world_connect(&world);
    world_send(fd, 1, "Create", &body, 0);
    world_send(fd, 3, "Delete", &other, 0);
    assert_int_equal(world_answer(fd, 3, &b).status, SHIM_STATUS_OK);
    world_send(fd, 5, "Delete", &exec, 0); /* of a process in it */
    assert_int_equal(world_answer(fd, 5, &b).status, SHIM_STATUS_OK);
    world_send(fd, 7, "Delete", &own, 0);
    assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_CANCELLED);
    assert_int_equal(world_answer(fd, 7, &b).status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
}

/* The real shim behind it would leave, and the Create with it. */
static void test_shutdown_of_another(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096), b = cmc_buf_of(1 << 16);
    const struct cmc_span body = world_create(&world, "slow-400", NULL, &payload);
    const struct cmc_span other = {(const uint8_t *)"\x0a\x05other", 7};
    int fd = world_connect(&world), second = world_connect(&world);
    world_send(fd, 1, "Create", &body, 0);
    world_send(fd, 3, "State", &other, 0); /* answered: the Create is held by now */
    assert_int_equal(world_answer(fd, 3, &b).status, SHIM_STATUS_OK);
    world_send(second, 1, "Shutdown", &other, 0);
    const struct shim_response r = world_answer(second, 1, &b);
    assert_int_equal(r.status, SHIM_STATUS_OK);
    assert_int_equal(r.payload.len, 0);
    assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(second), 0);
}

static void test_deletes_are_recorded(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    const struct cmc_span gone = {(const uint8_t *)"\x0a\x04gone", 6};
    const struct cmc_span exec = {(const uint8_t *)"\x0a\x04proc\x12\x01x", 9};
    int fd = world_connect(&world);
    world_send(fd, 1, "Delete", &exec, 0);
    (void)world_answer(fd, 1, &b);
    world_send(fd, 3, "Delete", &gone, 0);
    (void)world_answer(fd, 3, &b);
    for (int i = 0; i < 500 && !strstr(world_calls(&world), "id=gone"); i++)
        (void)poll(NULL, 0, 10);
    assert_non_null(strstr(world_calls(&world), "job=2 ns=default id=gone group=first status=9 "));
    assert_null(strstr(world_calls(&world), "id=proc"));
    assert_int_equal(close(fd), 0);
}

static void test_unreadable_is_forwarded_unchanged(void **state)
{
    (void)state;
    static const uint8_t odd[] = "\x0a\x03odd\x12\x04/run\x52\x00\x52\x00"; /* options twice */
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
    const struct cmc_span body = {odd, sizeof(odd) - 1};
    struct shim_request q;
    struct cmc_err err;
    int fd = world_connect(&world);
    world_send(fd, 1, "Create", &body, 0);
    const struct shim_response r = world_answer(fd, 1, &b);
    assert_int_equal(shim_ttrpc_request(r.payload.p, r.payload.len, &q, &err), 0);
    assert_int_equal(q.payload.len, body.len);
    assert_memory_equal(q.payload.p, odd, body.len);
    assert_non_null(strstr(world_calls(&world), "job=3 ns=default id=odd "));
    assert_null(strstr(world_calls(&world), "job=1 ns=default id=odd "));
    assert_int_equal(close(fd), 0);
}

/* Sends a Create whose metadata has that entry; the whole Request must arrive. */
static void create_with_metadata(const char *id, const char *key, const char *value)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096), entry = cmc_buf_of(4096),
                               data = cmc_buf_of(4096), frame = cmc_buf_of(8192),
                               b = cmc_buf_of(1 << 16);
    const struct cmc_span body = world_create(&world, id, NULL, &payload);
    cmc_pb_put_bytes(&entry, 1, key, strlen(key));
    cmc_pb_put_bytes(&entry, 2, value, strlen(value));
    cmc_pb_put_bytes(&data, 1, "containerd.task.v2.Task", 23);
    cmc_pb_put_bytes(&data, 2, "Create", 6);
    cmc_pb_put_bytes(&data, 3, body.p, body.len);
    cmc_pb_put_bytes(&data, 5, entry.data, entry.len);
    cmc_put_be32(&frame, (uint32_t)data.len);
    cmc_put_be32(&frame, 1);
    cmc_put_be16(&frame, SHIM_TTRPC_REQUEST << 8);
    cmc_put(&frame, data.data, data.len);
    int fd = world_connect(&world);
    assert_int_equal(write(fd, frame.data, frame.len), (ssize_t)frame.len);
    const struct shim_response r = world_answer(fd, 1, &b);
    assert_int_equal(r.status, SHIM_STATUS_OK);
    assert_int_equal(r.payload.len, data.len);
    assert_memory_equal(r.payload.p, data.data, data.len);
    assert_int_equal(close(fd), 0);
}

static void test_foreign_namespace_is_a_failure(void **state)
{
    (void)state;
    create_with_metadata("own-ns", "containerd-namespace-ttrpc", "default");
    assert_non_null(strstr(world_calls(&world), "job=1 ns=default id=own-ns "));
    create_with_metadata("other-key", "traceparent", "k8s.io");
    assert_non_null(strstr(world_calls(&world), "job=1 ns=default id=other-key "));
    create_with_metadata("other-ns", "Containerd-Namespace-ttrpc", "k8s\x1b.io");
    assert_null(strstr(world_calls(&world), "job=1 ns=default id=other-ns "));
    const char *call = strstr(world_calls(&world), "job=3 ns=default id=other-ns ");
    assert_non_null(call);
    assert_non_null(strstr(call, "the request names namespace k8s\\x1b.io, this shim has default"));
}

static void put_config(const char *bundle, const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/config.json", bundle);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "{\"io.kubernetes.cri.container-name\":\"%s\"}", name) > 0);
    assert_int_equal(close(fd), 0);
}

static enum shim_status create_in(const char *bundle, struct cmc_buf *b)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096);
    cmc_pb_put_bytes(&payload, 1, "c", 1);
    cmc_pb_put_bytes(&payload, 2, bundle, strlen(bundle));
    const struct cmc_span create = {payload.data, payload.len};
    int fd = world_connect(&world);
    world_send(fd, 1, "Create", &create, 0);
    const struct shim_response r = world_answer(fd, 1, b);
    assert_int_equal(close(fd), 0);
    return (enum shim_status)r.status;
}

/* Bundles that no helper gets to see: the real shim would take them all the same. */
static void test_dry_run_in_a_bundle_that_is_refused(void **state)
{
    static const struct {
        const char *path, *name; /* of the container */
        enum shim_status want;
    } rows[] = {
        {"b/link", "CMC_GENERATE_APP_MANIFEST", SHIM_STATUS_REFUSED},
        {"b/link", "web", SHIM_STATUS_OK},
        {"b/../b", "CMC_GENERATE_APP_MANIFEST", SHIM_STATUS_REFUSED},
        {"b/../b", "web", SHIM_STATUS_OK},
        {"nothing", "CMC_GENERATE_APP_MANIFEST", SHIM_STATUS_OK}, /* nor can it start */
    };
    char real[96], path[128];
    (void)state;
    (void)snprintf(real, sizeof(real), "%s/b", world.dir);
    (void)snprintf(path, sizeof(path), "%s/link", real);
    assert_int_equal(mkdir(real, 0700), 0);
    assert_int_equal(symlink(".", path), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 16);
        put_config(real, rows[i].name);
        (void)snprintf(path, sizeof(path), "%s/%s", world.dir, rows[i].path);
        assert_int_equal(create_in(path, &b), rows[i].want);
        assert_int_equal(memmem(b.data, b.len, "dry run failed: ", 16) != NULL,
                         rows[i].want == SHIM_STATUS_REFUSED);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", real, i ? "link" : "config.json");
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(real), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_time_is_taken_off),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_shutdown_of_another),
        cmocka_unit_test(test_deletes_are_recorded),
        cmocka_unit_test(test_foreign_namespace_is_a_failure),
        cmocka_unit_test(test_unreadable_is_forwarded_unchanged),
        cmocka_unit_test(test_dry_run_in_a_bundle_that_is_refused),
    };
    if (argc < 3)
        return 2;
    world_inner = argv[1];
    world_helper = argv[2];
    return cmocka_run_group_tests_name("shim/gate", tests, setup, teardown);
}
