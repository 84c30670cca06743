/* SPDX-License-Identifier: Apache-2.0 */
/* shim/child.h -- what our children have in common: they die with us and inherit by list. */
#ifndef SHIM_CHILD_H
#define SHIM_CHILD_H
#include <stddef.h>
#include <sys/types.h>

/* In the proxy: signals that must not end a container. Children get the defaults back. */
void shim_child_ignore_signals(void);
/* fork(2) that also yields a pidfd. The child is in a process group of its own, gets SIGKILL
 * when we die (armed before anything can be lost: it checks that we still live), and has default
 * signals again. Returns like fork(2); -1 with errno. */
pid_t shim_child_fork(int *pidfd);
/* In the child: makes fds[i] descriptor i, for all i, and closes every other. */
void shim_child_begin(const int *fds, size_t count);
/* In the child: /dev/null, opened for both directions. */
int shim_child_null(void);
/* A borrowed text for execve(2), whose prototype lacks const. */
char *shim_child_text(const char *text);
#endif
