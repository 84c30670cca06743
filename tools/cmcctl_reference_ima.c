/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_reference_ima.c -- references from the kernel's list of measurements
 * (Documentation/security/IMA-templates.rst, binary_runtime_measurements). */
#include <stdio.h>
#include <string.h>

#include "tools/cmcctl_reference.h"

enum { SHA1_LEN = 20, TEMPLATE_NAME_MAX = 255, DATA_MAX = 1 << 16, IMA_PCR = 10 };

static uint32_t le32(struct cmc_reader *r)
{
    const uint8_t *p = cmc_read_bytes(r, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
             : 0;
}

/* The path in the data of a template that begins with d-ng and n-ng, as ima-ng and ima-sig do. */
static int find_path(const uint8_t *data, size_t len, char out[static CTL_REFERENCE_TEXT_MAX],
                     struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(data, len);
    (void)cmc_read_bytes(&r, le32(&r));
    const uint32_t path_len = le32(&r);
    const uint8_t *path = cmc_read_bytes(&r, path_len);
    if (!path || path_len < 2 || path[path_len - 1] || memchr(path, 0, path_len - 1))
        return cmc_fail(err, CMC_E_FORMAT, "it names no file");
    if (path_len > CTL_REFERENCE_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "the path has %u bytes, at most %d", path_len,
                        CTL_REFERENCE_TEXT_MAX);
    memcpy(out, path, path_len);
    return 0;
}

static int add(struct ctl_references *all, unsigned pcr, const uint8_t *data, size_t len,
               struct cmc_err *err)
{
    char path[CTL_REFERENCE_TEXT_MAX], index[16];
    uint8_t digest[CMC_SHA256_LEN];
    if (find_path(data, len, path, err) < 0)
        return -(int)err->code;
    const char *slash = strrchr(path, '/');
    (void)snprintf(index, sizeof(index), "%u", pcr);
    cmc_sha256(data, len, digest);
    return cmcctl_references_add(all,
                                 &(struct ctl_reference){.type = "application",
                                                         .name = slash ? slash + 1 : path,
                                                         .description = path,
                                                         .alg = CMC_ALG_SHA256,
                                                         .digest = digest,
                                                         .index = index,
                                                         .optional = true},
                                 err);
}

/* One measurement: u32 pcr, template digest, u32 length, template's name, u32 length, data. */
static int read_one(struct cmc_reader *r, struct ctl_references *all, struct cmc_err *err)
{
    const uint32_t pcr = le32(r);
    (void)cmc_read_bytes(r, SHA1_LEN);
    const uint32_t name_len = le32(r);
    if (!r->bad && (name_len < 1 || name_len > TEMPLATE_NAME_MAX))
        return cmc_fail(err, CMC_E_FORMAT, "a template's name of %u bytes", name_len);
    const uint8_t *name = cmc_read_bytes(r, name_len);
    if (name && name_len == 3 && memcmp(name, "ima", 3) == 0)
        return cmc_fail(err, CMC_E_FORMAT, "template ima: only ima-ng and ima-sig can be read");
    const uint32_t len = le32(r);
    if (!r->bad && len > DATA_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "%u bytes of data, at most %d", len, DATA_MAX);
    const uint8_t *data = cmc_read_bytes(r, len);
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "cut short");
    if (pcr != IMA_PCR)
        return cmc_fail(err, CMC_E_FORMAT, "PCR %u, expected %d", pcr, IMA_PCR);
    return add(all, pcr, data, len, err);
}

int cmcctl_reference_ima(const uint8_t *bytes, size_t len, struct ctl_references *all,
                         struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(bytes, len);
    for (size_t number = 0; r.left; number++)
        if (read_one(&r, all, err) < 0)
            return cmc_wrap(err, "IMA log: measurement %zu", number);
    return 0;
}
