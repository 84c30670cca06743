/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/faulty_tpm.c -- hands commands on to swtpm, or answers them with a fault. */
#include "tests/lib/faulty_tpm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>
#include <tss2/tss2_tpm2_types.h>

#include "tests/lib/fake_tcti.h"

enum { HEADER = 10 };

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void answer_fault(uint32_t rc, uint8_t *rsp, size_t *len)
{
    static const uint8_t head[HEADER] = {0x80, 0x01, 0, 0, 0, HEADER};
    memcpy(rsp, head, sizeof(head));
    put_be32(rsp + 6, rc);
    *len = HEADER;
}

static TSS2_RC forward(const char *tcti, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
                       size_t *len)
{
    TSS2_TCTI_CONTEXT *real = NULL;
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &real);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    *len = FAKE_TCTI_BYTES;
    const TSS2_TCTI_CONTEXT_COMMON_V1 *line = (const TSS2_TCTI_CONTEXT_COMMON_V1 *)real;
    rc = line->transmit(real, cmd_len, cmd);
    if (rc == TSS2_RC_SUCCESS)
        rc = line->receive(real, len, rsp, TSS2_TCTI_TIMEOUT_BLOCK);
    Tss2_TctiLdr_Finalize(&real);
    return rc;
}

static TSS2_RC answer(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t *len)
{
    struct faulty_tpm *f = ctx;
    const bool meant = !f->code || (cmd_len >= HEADER && be32(cmd + 6) == f->code);
    const unsigned n = f->seen;
    f->seen += meant;
    if (meant && n >= f->skip && n - f->skip < f->hits) {
        answer_fault(f->rc, rsp, len);
        return TSS2_RC_SUCCESS;
    }
    TSS2_RC rc = forward(f->tpm.tcti, cmd, cmd_len, rsp, len);
    if (rc == TSS2_RC_SUCCESS && meant && f->edit) {
        f->edit(rsp, len);
        put_be32(rsp + 2, (uint32_t)*len);
    }
    return rc;
}

void faulty_tpm_use(struct faulty_tpm *f)
{
    fake_tcti_use(answer, f);
}

void faulty_tpm_fail(struct faulty_tpm *f, uint32_t code, unsigned skip, unsigned hits, uint32_t rc)
{
    faulty_tpm_heal(f);
    f->code = code;
    f->skip = skip;
    f->hits = hits;
    f->rc = rc;
}

void faulty_tpm_edit(struct faulty_tpm *f, uint32_t code,
                     void (*edit)(uint8_t *answer, size_t *len))
{
    faulty_tpm_heal(f);
    f->code = code;
    f->edit = edit;
}

void faulty_tpm_heal(struct faulty_tpm *f)
{
    f->code = 0;
    f->skip = f->hits = f->seen = 0;
    f->edit = NULL;
}
