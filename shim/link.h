/* SPDX-License-Identifier: Apache-2.0 */
/* shim/link.h -- one connection of containerd and its twin to the real shim. */
#ifndef SHIM_LINK_H
#define SHIM_LINK_H
#include "shim/end.h"
#include "shim/proxy.h"
#include "shim/ttrpc.h"

/* How a link ends. front.eof alone is a half-closed peer, which still reads: the end is passed
 * on to the real shim. front.hup is a peer that is gone: what it sent is still delivered, its held
 * Creates are dropped, then all is closed. back.eof: what the real shim said is delivered, then
 * all is closed, except that held Creates of a half-closed peer are still answered. A frame cut
 * off by the end closes at once. */
struct shim_link {
    struct shim_link *next;
    struct shim_proxy *proxy;
    struct shim_end front, back;
    struct shim_delete *deletes; /* Delete requests that are not answered yet */
    size_t delete_count;
    size_t held; /* Creates that wait for this link */
    bool told;   /* the real shim knows that no more comes */
    bool busy;   /* frames of it are being handled */
};

/* Takes front, an accepted non-blocking socket, and back, its twin to the real shim; closes both
 * when it fails. Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int shim_link_new(struct shim_proxy *p, int front, int back, struct cmc_err *err);
/* Puts whole frames into the answers to containerd. */
void shim_link_answer(struct shim_link *l, const void *frames, size_t len);
/* A held Create of this link is answered or dropped. */
void shim_link_release(struct shim_link *l);
void shim_link_close(struct shim_link *l);
/* The real shim has ended: takes what it left in the sockets. */
void shim_link_finish(struct shim_link *l);
void shim_link_sweep(struct shim_proxy *p);
#endif
