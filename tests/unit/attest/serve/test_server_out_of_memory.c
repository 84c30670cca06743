/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_server_out_of_memory.c -- each allocation of a server and of what
 * works for it fails once: that client may go away without an answer, the next one has its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"
#include "tests/unit/attest/serve/server_bed.h"

enum { MANY = 200 };

static struct row {
    const char *name;
    const char *payload, *answer;
    uint32_t type;
    bool tcp;
} rows[] = {
    {"an exchange", "echo", "echo", SERVE_VERIFY, false},
    {"over TCP", "echo", "echo", SERVE_VERIFY, true},
    {"with the TPM", "echo", "echo", SERVE_ATTEST, false},
    {"a worker that crashes", "crash", NULL, SERVE_VERIFY, false},
    {"another set", "x", "yes", SERVE_UPDATE_METADATA, false},
    {"a request that is refused", "x", NULL, 3, false},
};

/* The whole answer, an error in words, or the end of the connection. */
static void ask(const struct server_bed *b, const struct row *t, bool undisturbed)
{
    char out[4096] = "";
    uint32_t type = 77;
    const int fd = server_bed_dial(b, t->tcp);
    server_bed_ask(fd, t->type, t->payload, strlen(t->payload));
    const long len = server_bed_answer(fd, &type, out, sizeof(out) - 1);
    (void)close(fd);
    assert_true(len >= 0 || !undisturbed);
    if (len < 0)
        return;
    out[len] = '\0';
    if (type == SERVE_ERROR)
        assert_true(len > 0 && (!undisturbed || !t->answer));
    else if (t->answer)
        assert_string_equal(out, t->answer);
    else
        fail_msg("answered: %.100s", out);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct server_bed b;
    size_t n = 1;
    fail_alloc_in_children(0);
    server_bed_start(&b, NULL);
    server_bed_alive(&b); /* all that it needs by itself is there */
    b.shared->next = 3;
    for (bool reached = true; reached && n < MANY; n++) {
        fail_alloc_in_children(n);
        ask(&b, t, false);
        reached = fail_alloc_reached();
        server_bed_alive(&b);
    }
    assert_in_range(n, 3, MANY - 1); /* 2: nothing failed */
    ask(&b, t, true);
    server_bed_stop(&b);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/serve/server out of memory", tests, NULL, NULL);
}
