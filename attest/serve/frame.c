/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/frame.c -- length and type in front of each payload. */
#include "attest/serve/frame.h"

#include "base/buf.h"

static const struct kind {
    const char *name;
    uint32_t max; /* bytes of a request; 0: not offered */
} kinds[] = {
    [SERVE_ERROR] = {"Error", 0},
    [SERVE_ATTEST] = {"Attest", SERVE_EVENT_MAX},
    [SERVE_VERIFY] = {"Verify", SERVE_REQUEST_MAX},
    [3] = {"TLSCreate", 0},
    [4] = {"TLSSign", 0},
    [5] = {"TLSCert", 0},
    [SERVE_PEER_CACHE] = {"PeerCache", SERVE_SMALL_MAX},
    [SERVE_MEASURE] = {"Measure", SERVE_EVENT_MAX},
    [8] = {"UpdateCerts", 0},
    [SERVE_UPDATE_METADATA] = {"UpdateMetadata", SERVE_SMALL_MAX},
    [SERVE_DETAIL] = {"Detail", SERVE_SMALL_MAX},
};

void serve_frame_put(struct serve_head head, uint8_t out[static SERVE_HEAD_LEN])
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(head.len >> (24 - 8 * i));
        out[4 + i] = (uint8_t)(head.type >> (24 - 8 * i));
    }
}

struct serve_head serve_frame_head(const uint8_t in[static SERVE_HEAD_LEN])
{
    struct cmc_reader r = cmc_reader_of(in, SERVE_HEAD_LEN);
    const uint32_t len = cmc_read_be32(&r);
    return (struct serve_head){.len = len, .type = cmc_read_be32(&r)};
}

static const struct kind *kind_of(uint32_t type)
{
    if (type >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[type].name)
        return NULL;
    return &kinds[type];
}

const char *serve_frame_name(uint32_t type)
{
    const struct kind *k = kind_of(type);
    return k ? k->name : NULL;
}

int serve_frame_check(struct serve_head head, struct cmc_err *err)
{
    const struct kind *k = kind_of(head.type);
    if (!k)
        return cmc_fail(err, CMC_E_USAGE, "request type %u is unknown", head.type);
    if (!k->max)
        return cmc_fail(err, CMC_E_USAGE, "%s (type %u) is not offered", k->name, head.type);
    if (!head.len)
        return cmc_fail(err, CMC_E_FORMAT, "%s: the payload is empty", k->name);
    if (head.len > k->max)
        return cmc_fail(err, CMC_E_LIMIT, "%s: %u bytes, at most %u", k->name, head.len, k->max);
    return 0;
}
