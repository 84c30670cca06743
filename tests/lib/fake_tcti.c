/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_tcti.c -- a TCTI that hands each command to a function. */
#include "tests/lib/fake_tcti.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_tcti.h>

static fake_tcti_fn *answer;
static void *answer_ctx;

struct fake {
    TSS2_TCTI_CONTEXT_COMMON_V1 common; /* first: tss2 sees only this */
    uint8_t cmd[FAKE_TCTI_BYTES];
    size_t cmd_len;
    uint8_t rsp[FAKE_TCTI_BYTES];
    size_t rsp_len;
};

void fake_tcti_use(fake_tcti_fn *who, void *ctx)
{
    answer = who;
    answer_ctx = ctx;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command)
{
    struct fake *f = (struct fake *)tcti;
    if (size > sizeof(f->cmd))
        return TSS2_TCTI_RC_BAD_VALUE;
    memcpy(f->cmd, command, size);
    f->cmd_len = size;
    f->rsp_len = 0;
    return TSS2_RC_SUCCESS;
}

/* May be called in steps (first the header, or NULL to learn the size): the whole answer is made
 * once, and given out in the end. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *response, int32_t timeout)
{
    struct fake *f = (struct fake *)tcti;
    (void)timeout;
    if (f->rsp_len == 0) {
        TSS2_RC rc = answer(answer_ctx, f->cmd, f->cmd_len, f->rsp, &f->rsp_len);
        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    if (response && f->rsp_len > *size)
        return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    *size = f->rsp_len;
    if (response)
        memcpy(response, f->rsp, f->rsp_len);
    return TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti;
}

/* The linker's --wrap names them; nothing else calls them.
 * NOLINTBEGIN(bugprone-reserved-identifier): the names are its choice */
TSS2_RC __real_Tss2_TctiLdr_Initialize(const char *conf, TSS2_TCTI_CONTEXT **tcti);
TSS2_RC __wrap_Tss2_TctiLdr_Initialize(const char *conf, TSS2_TCTI_CONTEXT **tcti);
void __real_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **tcti);
void __wrap_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **tcti);

/* NOLINTEND(bugprone-reserved-identifier) */

static struct fake *ours[64]; /* contexts that we made and did not free yet */

static struct fake **find(const void *tcti)
{
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ours[i] == tcti)
            return &ours[i];
    return NULL;
}

TSS2_RC __wrap_Tss2_TctiLdr_Initialize(const char *conf, TSS2_TCTI_CONTEXT **tcti)
{
    if (strcmp(conf, "fake") != 0)
        return __real_Tss2_TctiLdr_Initialize(conf, tcti);
    struct fake *f = calloc(1, sizeof(*f));
    struct fake **slot = find(NULL);
    if (!f || !slot)
        abort();
    f->common = (TSS2_TCTI_CONTEXT_COMMON_V1){.magic = 0x66616b6500000000, /* "fake" */
                                              .version = 1,
                                              .transmit = transmit,
                                              .receive = receive,
                                              .finalize = finalize};
    *slot = f;
    *tcti = (TSS2_TCTI_CONTEXT *)f;
    return TSS2_RC_SUCCESS;
}

void __wrap_Tss2_TctiLdr_Finalize(TSS2_TCTI_CONTEXT **tcti)
{
    struct fake **slot = *tcti ? find(*tcti) : NULL;
    if (!slot) {
        __real_Tss2_TctiLdr_Finalize(tcti);
        return;
    }
    free(*slot);
    *slot = NULL;
    *tcti = NULL;
}
