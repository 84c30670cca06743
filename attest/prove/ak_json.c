/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/ak_json.c -- tpm_ak_encrypted.json: the key as the TPM gave it out, in the form that
 * go-attestation keeps keys in, with one member of our own. */
#include <string.h>

#include "attest/prove/parts.h"
#include "base/hex.h"
#include "base/json.h"

enum { ENCRYPTED = 2, TPM_2_0 = 2 }; /* KeyEncoding, TPMVersion */

static const struct part {
    const char *name;
    size_t at; /* in struct tpm_ak */
} parts[] = {
    {"Public", offsetof(struct tpm_ak, pub)},
    {"CreateData", offsetof(struct tpm_ak, creation)},
    {"CreateAttestation", offsetof(struct tpm_ak, attest)},
    {"CreateSignature", offsetof(struct tpm_ak, signature)},
    {"KeyBlob", offsetof(struct tpm_ak, priv)},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

int prove_ak_put_json(const struct tpm_ak *ak, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_put_fmt(out, "{\"KeyEncoding\":%d,\"TPMVersion\":%d,\"Name\":\"\"", ENCRYPTED, TPM_2_0);
    for (size_t i = 0; i < PARTS; i++) {
        const struct tpm_blob *b = (const void *)((const char *)ak + parts[i].at);
        cmc_put_fmt(out, ",\"%s\":\"", parts[i].name);
        cmc_put_base64(out, b->data, b->len);
        cmc_put_u8(out, '"');
    }
    cmc_put_fmt(out, ",\"PersistentHandle\":%u}\n", ak->handle);
    return cmc_buf_check(out, "attestation key", err);
}

static int take_part(const struct cmc_json *root, const char *name, struct tpm_blob *out,
                     struct cmc_err *err)
{
    const struct cmc_json *n = cmc_json_member(root, name);
    if (!n || n->type != CMC_JSON_STRING)
        return cmc_fail(err, CMC_E_FORMAT, "$.%s: expected a string", name);
    if (cmc_unbase64_max(n->text_len) > sizeof(out->data))
        return cmc_fail(err, CMC_E_LIMIT, "$.%s: %zu digits are too long", name, n->text_len);
    if (cmc_unbase64(n->text, n->text_len, CMC_BASE64, out->data, &out->len, err) < 0)
        return cmc_wrap(err, "$.%s", name);
    return 0;
}

/* The number of a member, 0 where it is absent. */
static int take_number(const struct cmc_json *root, const char *name, uint32_t *out,
                       struct cmc_err *err)
{
    const struct cmc_json *n = cmc_json_member(root, name);
    *out = 0;
    if (!n)
        return 0;
    if (n->type != CMC_JSON_INT || n->negative || n->magnitude > UINT32_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "$.%s: expected a number of 32 bits", name);
    *out = (uint32_t)n->magnitude;
    return 0;
}

static int check_handle(uint32_t h, struct cmc_err *err)
{
    if (h && (h < TPM_AK_FIRST || h > TPM_AK_LAST))
        return cmc_fail(err, CMC_E_FORMAT, "$.PersistentHandle: 0x%08x: expected 0x%08x to 0x%08x",
                        h, TPM_AK_FIRST, TPM_AK_LAST);
    return 0;
}

int prove_ak_parse(const void *json, size_t len, struct tpm_ak *out, struct cmc_err *err)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root;
    struct tpm_ak ak = {0};
    uint32_t encoding, version;
    if (cmc_json_parse(json, len, &doc, &root, err) < 0 ||
        take_number(root, "KeyEncoding", &encoding, err) < 0 ||
        take_number(root, "TPMVersion", &version, err) < 0)
        return -(int)err->code;
    if (encoding != ENCRYPTED || version != TPM_2_0)
        return cmc_fail(err, CMC_E_FORMAT, "KeyEncoding %u, TPMVersion %u: expected %d and %d",
                        encoding, version, ENCRYPTED, TPM_2_0);
    for (size_t i = 0; i < PARTS; i++)
        if (take_part(root, parts[i].name, (void *)((char *)&ak + parts[i].at), err) < 0)
            return -(int)err->code;
    if (take_number(root, "PersistentHandle", &ak.handle, err) < 0 ||
        check_handle(ak.handle, err) < 0)
        return -(int)err->code;
    *out = ak;
    return 0;
}
