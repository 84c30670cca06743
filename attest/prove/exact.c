/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/exact.c -- a report of profile exact (docs/formats/report.md). */
#include "attest/meta/exact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "attest/prove/parts.h"

enum {
    DETAILS_BYTES = 24 << 20, /* together, when all else leaves as much */
    REST_BYTES = 1 << 20,     /* of a report, at most: names, digests, evidence, lengths */
    BOOT_LOG_MAX = 8 << 20,
    BOOT_LOGS = 2
};

/* All that a report points at. */
struct report {
    struct prove_log log;
    struct prove_evidence e;
    struct meta_exact_pcr pcr[TPM_PCRS];
    size_t pcr_count;
    struct prove_items items;
    struct meta_bytes *digest, *item; /* owned arrays */
    size_t item_count;
    struct prove_details details;
    struct meta_exact_part boot_log[BOOT_LOGS];
    struct cmc_buf boot_data[BOOT_LOGS]; /* owned */
    size_t boot_count;
};

static void report_done(struct report *r)
{
    prove_log_done(&r->log);
    prove_items_done(&r->items);
    prove_details_done(&r->details);
    free(r->digest);
    free(r->item);
    for (size_t i = 0; i < BOOT_LOGS; i++)
        cmc_buf_done(&r->boot_data[i]);
}

static void set_pcrs(struct report *r)
{
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (r->e.ask.pcrs & 1u << i)
            r->pcr[r->pcr_count++] = (struct meta_exact_pcr){
                .bank = r->e.ask.bank,
                .index = i,
                .value = {.data = r->e.quote.value[i], .len = cmc_hash_size(r->e.ask.bank)}};
}

static int set_items(struct report *r, const struct prove_request *q, struct cmc_err *err)
{
    if (prove_items_of(q, &r->items, err) < 0)
        return -(int)err->code;
    r->digest = calloc(r->items.count + 1, sizeof(*r->digest));
    r->item = calloc(r->items.count + 1, sizeof(*r->item));
    if (!r->digest || !r->item)
        return cmc_fail(err, CMC_E_LIMIT, "metadata: out of memory");
    for (size_t i = 0; i < r->items.count; i++) {
        const struct prove_listed *l = &r->items.at[i];
        r->digest[i] = (struct meta_bytes){.data = l->digest, .len = sizeof(l->digest)};
        if (!l->cached)
            r->item[r->item_count++] = l->data;
    }
    return 0;
}

/* A boot log that cannot be read is left out: verifiers then miss what it would have shown. A lack
 * of memory is an error: the next report would have it. */
static int add_boot_log(struct report *r, const char *kind, const char *path, struct cmc_err *err)
{
    struct cmc_err ignored = {0};
    struct cmc_buf *b = &r->boot_data[r->boot_count];
    cmc_autofd int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    *b = cmc_buf_of(BOOT_LOG_MAX);
    errno = 0;
    if (fd < 0 || cmc_buf_read(b, fd, kind, &ignored) < 0 || b->len == 0) {
        cmc_buf_done(b);
        return errno == ENOMEM ? cmc_fail(err, CMC_E_LIMIT, "boot log %s: out of memory", kind) : 0;
    }
    r->boot_log[r->boot_count++] =
        (struct meta_exact_part){.kind = kind, .data = {.data = b->data, .len = b->len}};
    return 0;
}

/* What all else leaves: a long log would have no report at all otherwise. */
static size_t details_room(const struct report *r, bool json)
{
    const size_t all = json ? META_EXACT_MAX / 4 * 3 : META_EXACT_MAX; /* base64 */
    size_t used = REST_BYTES + r->log.bytes.len;
    for (size_t i = 0; i < r->item_count; i++)
        used += r->item[i].len;
    for (size_t i = 0; i < r->boot_count; i++)
        used += r->boot_data[i].len;
    const size_t left = used < all ? all - used : 0;
    return left < DETAILS_BYTES ? left : DETAILS_BYTES;
}

static struct meta_bytes bytes_of(const struct tpm_blob *b)
{
    return (struct meta_bytes){.data = b->data, .len = b->len};
}

static int encode(const struct prove *p, const struct report *r, bool json, struct cmc_buf *out,
                  struct cmc_err *err)
{
    const struct meta_exact x = {
        .name = p->cfg.host,
        .kind = p->driver->kind,
        .attest = bytes_of(&r->e.quote.attest),
        .signature = bytes_of(&r->e.quote.signature),
        .cert = p->chain.cert,
        .cert_count = p->chain.count,
        .pcr = r->pcr,
        .pcr_count = r->pcr_count,
        .log = {.data = r->log.bytes.data, .len = r->log.bytes.len},
        .detail = r->details.part,
        .detail_count = r->details.count,
        .boot_log = r->boot_log,
        .boot_log_count = r->boot_count,
        .digest = r->digest,
        .digest_count = r->items.count,
        .item = r->item,
        .item_count = r->item_count,
    };
    return meta_exact_encode(&x, json ? META_JSON : META_CBOR, out, err);
}

static int make(struct prove *p, const struct prove_request *q, struct report *r,
                struct cmc_buf *out, struct cmc_err *err)
{
    uint8_t nonce[CMC_SHA256_LEN];
    meta_exact_qualify(q->nonce, q->nonce_len, nonce);
    if (prove_evidence_exact(p, nonce, &r->e, &r->log, err) < 0 || set_items(r, q, err) < 0)
        return -(int)err->code;
    set_pcrs(r);
    if (add_boot_log(r, "tcg", p->cfg.tcg_log, err) < 0 ||
        add_boot_log(r, "ima", p->cfg.ima_log, err) < 0)
        return -(int)err->code;
    if (q->details && prove_details_of(p, &r->log, details_room(r, q->json), &r->details, err) < 0)
        return -(int)err->code;
    return encode(p, r, q->json, out, err);
}

int prove_exact(struct prove *p, const struct prove_request *q, struct cmc_buf *out,
                struct cmc_err *err)
{
    struct report r = {0};
    int rc = make(p, q, &r, out, err);
    report_done(&r);
    return rc;
}
