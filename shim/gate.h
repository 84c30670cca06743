/* SPDX-License-Identifier: Apache-2.0 */
/* shim/gate.h -- Creates wait here until they are measured; nobody else waits with them. */
#ifndef SHIM_GATE_H
#define SHIM_GATE_H
#include "shim/link.h"

/* Holds a Create of l: starts the helper, then forwards it on a connection of its own, or
 * refuses it. Copies what it needs. */
void shim_gate_hold(struct shim_link *l, const struct shim_frame *f, const struct shim_request *r);
/* True while a Create of that stream of l is not answered. */
bool shim_gate_holds(const struct shim_link *l, uint32_t stream);
/* A Delete or Shutdown for that id: a Create that is not forwarded yet never will be. */
void shim_gate_cancel(struct shim_proxy *p, const struct cmc_span *id, const char *method);
/* True while somebody waits for a Create: the real shim may not know of that container yet. */
bool shim_gate_expects(const struct shim_proxy *p);
/* l is closed: its waiting Creates are never forwarded. */
void shim_gate_abandon(struct shim_link *l);
/* The real shim has deleted a container: recorded in the background. */
void shim_gate_deleted(struct shim_proxy *p, const char *id, uint32_t exit_status);
/* Answers Creates whose time is over. Returns when to look again, or UINT64_MAX. */
uint64_t shim_gate_tick(struct shim_proxy *p, uint64_t now_ms);
void shim_gate_sweep(struct shim_proxy *p);
#endif
