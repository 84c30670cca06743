/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/ossl.c -- libcrypto's errors and names, in our words. */
#include "attest/meta/ossl.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/hex.h"

enum { NAME_BYTES_MAX = 128 };

int meta_ossl_fail(struct cmc_err *err, enum cmc_code code, const char *fmt, ...)
{
    char what[256];
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    (void)cmc_fail(err, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return -(int)code;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is pem_password_cb */
int meta_ossl_no_pass(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

void meta_ossl_text(const ASN1_STRING *s, char out[static META_OSSL_NAME_CAP])
{
    /* out itself is the memory: a name is never lost for lack of any */
    struct cmc_buf b = {
        .data = (uint8_t *)out, .cap = META_OSSL_NAME_CAP - 1, .max = META_OSSL_NAME_CAP - 1};
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, s);
    if (n > 0)
        cmc_put_safe(&b, utf8, (size_t)n, NAME_BYTES_MAX);
    OPENSSL_free(utf8);
    out[b.len] = '\0';
}

void meta_ossl_name(const X509_NAME *name, char out[static META_OSSL_NAME_CAP])
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0)
        at = X509_NAME_entry_count(name) - 1;
    const X509_NAME_ENTRY *entry = at < 0 ? NULL : X509_NAME_get_entry(name, at);
    if (entry)
        meta_ossl_text(X509_NAME_ENTRY_get_data(entry), out);
    else
        (void)snprintf(out, META_OSSL_NAME_CAP, "no name");
}
