/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote_key.c -- whose key it is: its chain, what it is in, which host it is of. */
#include <string.h>
#include <strings.h>

#include "attest/verify/quote_parts.h"
#include "base/hex.h"

enum verify_key_kind verify_key_kind(const struct meta_key *k)
{
    const char *model = meta_key_tpm_model(k);
    if (!model && !meta_key_tpm_manufacturer(k))
        return VERIFY_KEY_SOFTWARE;
    /* Who certifies a software TPM's key has to say so: swtpm's own certificates do. */
    return model && strcasestr(model, "swtpm") ? VERIFY_KEY_SOFTWARE_TPM : VERIFY_KEY_TPM;
}

const char *verify_key_words(const struct meta_key *k, struct verify_tree *t)
{
    const char *maker = meta_key_tpm_manufacturer(k), *model = meta_key_tpm_model(k);
    switch (verify_key_kind(k)) {
    case VERIFY_KEY_SOFTWARE:
        return "software key";
    case VERIFY_KEY_SOFTWARE_TPM:
        return "software TPM (swtpm)";
    case VERIFY_KEY_TPM:
    default:
        return verify_tree_fmt(t, "TPM (%s%s%s)", maker ? maker : "", maker && model ? " " : "",
                               model ? model : "");
    }
}

static bool check_chain(const struct verify_evidence *e, const struct verify_policy *policy,
                        struct verify_quote *q, struct verify_tree *t, struct verify_claim *up)
{
    struct meta_der chain[META_CERTS_MAX];
    struct cmc_err err = {0};
    if (e->cert_count > META_CERTS_MAX) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "key.chain",
                               "%zu certificates: a chain has at most %d", e->cert_count,
                               META_CERTS_MAX);
        return false;
    }
    for (size_t i = 0; i < e->cert_count; i++)
        chain[i] = (struct meta_der){.data = e->cert[i].data, .len = e->cert[i].len};
    const int rc = meta_trust_verify(policy->trust, e->role, chain, e->cert_count, &q->key, &err);
    if (rc < 0) {
        (void)verify_claim_result(t, up, "key.chain", rc, &err, "the key's certificate");
        return false;
    }
    (void)verify_claim_add(t, up, VERIFY_GOOD, "key.chain",
                           "certificate \"%s\" leads to a root for attestation keys",
                           meta_key_subject(q->key));
    return true;
}

/* meta_trust_verify() has seen to it that software's certificates pass in no other role. */
static bool check_kind(const struct verify_policy *policy, const struct meta_key *k,
                       struct verify_tree *t, struct verify_claim *up)
{
    const bool good = policy->software || verify_key_kind(k) != VERIFY_KEY_SOFTWARE;
    (void)verify_claim_add(t, up, good ? VERIFY_GOOD : VERIFY_BAD, "key.kind",
                           good ? "evidence of a %s"
                                : "evidence of a %s: software alone is not accepted",
                           verify_key_words(k, t));
    return good;
}

static const char *hosts(const struct meta_key *k, struct verify_tree *t)
{
    const char *first = meta_key_host(k, 0);
    return !first                ? "no host"
           : meta_key_host(k, 1) ? verify_tree_fmt(t, "%s and others", first)
                                 : first;
}

static void check_host(const struct verify_policy *policy, const struct meta_key *k,
                       struct verify_tree *t, struct verify_claim *up)
{
    if (!policy->host)
        (void)verify_claim_add(t, up, VERIFY_NOTE, "key.host",
                               "the certificate names %s; no host was asked for", hosts(k, t));
    else if (meta_key_names(k, policy->host))
        (void)verify_claim_add(t, up, VERIFY_GOOD, "key.host", "the certificate names %s",
                               policy->host);
    else
        (void)verify_claim_add(t, up, VERIFY_BAD, "key.host",
                               "genuine report of another host: the certificate names %s, "
                               "expected %s",
                               hosts(k, t), policy->host);
}

static void check_pin(const struct verify_policy *policy, const struct meta_key *k,
                      struct verify_tree *t, struct verify_claim *up)
{
    const uint8_t *spki = meta_key_spki(k);
    if (!policy->ak)
        return;
    const bool same = memcmp(policy->ak, spki, CMC_SHA256_LEN) == 0;
    (void)verify_claim_add(t, up, same ? VERIFY_GOOD : VERIFY_BAD, "key.pinned",
                           same ? "the key is the expected one: SHA-256 %s"
                                : "genuine report of another key: SHA-256 %s",
                           verify_tree_hex(t, spki, CMC_SHA256_LEN));
}

bool verify_quote_key_check(const struct verify_evidence *e, const struct verify_policy *policy,
                            struct verify_quote *q, struct verify_tree *t, struct verify_claim *up)
{
    if (!check_chain(e, policy, q, t, up) || !check_kind(policy, q->key, t, up))
        return false;
    check_host(policy, q->key, t, up);
    check_pin(policy, q->key, t, up);
    return true;
}
