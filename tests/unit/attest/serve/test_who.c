/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_who.c -- who asks, and the table of what they may. */
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/frame.h"
#include "attest/serve/who.h"
#include "tests/lib/rows.h"

enum { SOMEBODY = 65534, GROUP = 54321 };

static struct row {
    const char *name;
    uid_t uid;
    gid_t gid, other; /* 0: none */
    gid_t configured;
    bool root, trusted;
} rows[] = {
    {"root", 0, 0, 0, GROUP, true, true},
    {"root, no group is configured", 0, 0, 0, (gid_t)-1, true, true},
    {"somebody", SOMEBODY, SOMEBODY, 0, GROUP, false, false},
    {"of the group", SOMEBODY, GROUP, 0, GROUP, false, true},
    {"the group is one of several", SOMEBODY, SOMEBODY, GROUP, GROUP, false, true},
    {"of another group", SOMEBODY, SOMEBODY, GROUP + 1, GROUP, false, false},
    {"no group is configured", SOMEBODY, GROUP, GROUP, (gid_t)-1, false, false},
};

/* The kernel notes who makes a pair of sockets. */
static void check_row(void **state)
{
    const struct row *t = *state;
    int status = -1;
    if (geteuid() != 0)
        skip();
    const pid_t pid = fork();
    if (pid == 0) {
        int fd[2];
        struct serve_who who = {0};
        struct cmc_err err = {0};
        char name[64];
        if (setgroups(t->other ? 1 : 0, &t->other) < 0 || setgid(t->gid) < 0 ||
            setuid(t->uid) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
            serve_who_of(fd[0], false, t->configured, &who, &err) < 0)
            _exit(2);
        serve_who_name(&who, name, sizeof(name));
        _exit(who.root != t->root || who.trusted != t->trusted || who.tcp || who.uid != t->uid ||
              who.pid != getpid() || strncmp(name, "uid ", 4) != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void over_tcp(void **state)
{
    (void)state;
    struct serve_who who = {.root = true, .trusted = true};
    struct cmc_err err = {0};
    char name[64];
    assert_int_equal(serve_who_of(-1, true, 0, &who, &err), 0);
    assert_true(who.tcp && !who.root && !who.trusted);
    serve_who_name(&who, name, sizeof(name));
    assert_string_equal(name, "tcp");
    assert_int_equal(serve_who_of(-1, false, 0, &who, &err), -CMC_E_SYS);
}

static void table(void **state)
{
    (void)state;
    static const struct serve_who tcp = {.tcp = true}, other = {0}, group = {.trusted = true},
                                  root = {.root = true, .trusted = true};
    static const struct {
        uint32_t type;
        bool tcp, other, group;
    } t[] = {
        {SERVE_ATTEST, true, true, true},
        {SERVE_VERIFY, true, true, true},
        {SERVE_PEER_CACHE, false, true, true},
        {SERVE_MEASURE, false, false, false},
        {SERVE_UPDATE_METADATA, false, false, true},
        {SERVE_DETAIL, true, true, true},
    };
    for (size_t i = 0; i < ROWS(t); i++) {
        struct cmc_err err = {0};
        assert_int_equal(serve_who_may(&tcp, t[i].type, &err), t[i].tcp ? 0 : -CMC_E_VERIFY);
        assert_int_equal(serve_who_may(&other, t[i].type, &err), t[i].other ? 0 : -CMC_E_VERIFY);
        assert_int_equal(serve_who_may(&group, t[i].type, &err), t[i].group ? 0 : -CMC_E_VERIFY);
        assert_int_equal(serve_who_may(&root, t[i].type, &err), 0);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(over_tcp);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(table);
    return cmocka_run_group_tests_name("attest/serve/who", tests, NULL, NULL);
}
