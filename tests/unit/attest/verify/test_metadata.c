/* SPDX-License-Identifier: Apache-2.0 */
/* One row: signed items, and the first claim that is refused; or how many references hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/metadata_parts.h"
#include "tests/lib/meta_bed.h"
#include "tests/lib/rows.h"

enum { ITEMS_MAX = 5, OWN = 1, UNLISTED = 2, ABSENT = 4, TWICE = 8, UNSIGNED = 16, RAW = 32 };

#define SPAN(from, to) "\"validity\":{\"notBefore\":\"" from "\",\"notAfter\":\"" to "\"}"
#define VALID          SPAN("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
#define V1             "\"version\":\"2026-06-01T00:00:00Z\""
#define V2             "\"version\":\"2026-07-01T00:00:00Z\""
#define HASH           "1111111111111111111111111111111111111111111111111111111111111111"
#define COMPONENT(more, ta, index)                                                                 \
    "{\"type\":\"firmware\",\"name\":\"c\"," more                                                  \
    "\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"" HASH "\"}],\"properties\":["                 \
    "{\"name\":\"cmc.ta\",\"value\":\"" ta "\"},{\"name\":\"cmc.index\",\"value\":\"" index        \
    "\"}]}"
#define C COMPONENT("", "TPM", "4")
#define MANIFEST_WITH(name, base, components, rest)                                                \
    "{\"type\":\"Manifest\",\"name\":\"" name "\",\"baseLayers\":[" base "]," rest                 \
    ",\"sbom\":{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.7\",\"components\":[" components   \
    "]}}"
#define MANIFEST(name, base) MANIFEST_WITH(name, base, C, VALID "," V1 ",\"certLevel\":1")
#define ROOT                 MANIFEST("rtm", "\"rtm\"")
#define OS                   MANIFEST("os", "\"rtm\"")
#define APP                  MANIFEST("app", "\"os\"")
#define NAMES(manifest)                                                                            \
    "{\"type\":\"Manifest Description\",\"name\":\"d\",\"manifest\":\"" manifest "\"}"
#define IMAGE_WITH(descriptions, rest)                                                             \
    "{\"type\":\"Image "                                                                           \
    "Description\",\"name\":\"host\",\"location\":\"here\",\"descriptions\":[" descriptions        \
    "]," rest "}"
#define IMAGE(descriptions) IMAGE_WITH(descriptions, VALID "," V1)
#define IMAGE_ROOT          IMAGE(NAMES("rtm"))
#define IMAGE_OS            IMAGE(NAMES("rtm") "," NAMES("os"))

struct item {
    const char *payload; /* NULL: no more */
    enum bed_cert by[3]; /* 0: BED_SIGNER alone */
    int how;
};
/* by the signer; by these; otherwise than by being in the report and its list */
#define I(...)                                                                                     \
    {                                                                                              \
        .payload = (__VA_ARGS__)                                                                   \
    }
#define S(text, ...)                                                                               \
    {                                                                                              \
        .payload = (text), .by = { __VA_ARGS__ }                                                   \
    }
#define H(flags, ...)                                                                              \
    {                                                                                              \
        .payload = (__VA_ARGS__), .how = (flags)                                                   \
    }
struct row {
    const char *name;
    struct item item[ITEMS_MAX];
    const char *id, *words; /* of the refused claim; NULL: none */
    size_t references;      /* when nothing is refused */
};

static const struct row rows[] = {
    {"root", {I(ROOT), I(IMAGE_ROOT)}, NULL, NULL, 1},
    {"two layers", {I(OS), I(ROOT), I(IMAGE_OS)}, NULL, NULL, 2},
    {"three layers, in any order",
     {I(APP), I(IMAGE(NAMES("app") "," NAMES("os") "," NAMES("rtm"))), I(OS), I(ROOT)},
     NULL,
     NULL,
     3},
    {"names in another case", {I(ROOT), I(IMAGE(NAMES("RTM")))}, NULL, NULL, 1},
    {"two signatures", {S(ROOT, BED_SIGNER, BED_SECOND), I(IMAGE_ROOT)}, NULL, NULL, 1},
    {"own items alone", {H(OWN | UNLISTED, ROOT), H(OWN | UNLISTED, IMAGE_ROOT)}, NULL, NULL, 1},
    {"own items where the report has digests", {H(OWN, ROOT), I(IMAGE_ROOT)}, NULL, NULL, 1},
    {"an own listing is no item",
     {I(ROOT), I(IMAGE_ROOT), H(OWN | UNLISTED | RAW, "cmc-rootfs-listing 1\n")},
     NULL,
     NULL,
     1},
    {"an old own item that nobody needs",
     {I(ROOT), I(IMAGE_ROOT),
      H(OWN | UNLISTED,
        MANIFEST_WITH("app", "\"rtm\"", C, SPAN("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")))},
     NULL,
     NULL,
     1},
    {"an own manifest that no description names",
     {I(ROOT), I(IMAGE_ROOT), H(OWN | UNLISTED, OS)},
     NULL,
     NULL,
     1},
    {"the newest version counts",
     {I(ROOT), H(OWN | UNLISTED, MANIFEST_WITH("rtm", "\"rtm\"", C "," C, VALID "," V2)),
      I(IMAGE_ROOT)},
     NULL,
     NULL,
     2},
    {"the newest image description counts",
     {I(ROOT), I(IMAGE_WITH(NAMES("nothing"), VALID "," V1)),
      I(IMAGE_WITH(NAMES("rtm"), VALID "," V2))},
     NULL,
     NULL,
     1},
    {"the same item twice", {H(TWICE, ROOT), I(IMAGE_ROOT)}, NULL, NULL, 1},
    {"a company description",
     {I(ROOT), I(IMAGE_ROOT), I("{\"type\":\"Company Description\",\"name\":\"x\"," VALID "}")},
     NULL,
     NULL,
     1},
    {"anchors of others are left out",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C "," COMPONENT("", "SNP", "0"), VALID)), I(IMAGE_ROOT)},
     NULL,
     NULL,
     1},
    {"from the first to the last second",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z"))),
      I(IMAGE_ROOT)},
     NULL,
     NULL,
     1},

    {"two responses are no rivals",
     {I(ROOT), I(IMAGE_ROOT), I("{\"type\":\"OMSP Response\",\"name\":\"x\"," VALID "," V1 "}"),
      I("{\"type\":\"OMSP Response\",\"name\":\"y\"," VALID "," V1 "}")},
     NULL,
     NULL,
     1},

    /* empty lists are never success */
    {"nothing at all", {{NULL, {0}, 0}}, "metadata.manifests", "no manifest", 0},
    {"no manifest", {I(IMAGE(""))}, "metadata.manifests", "no manifest", 0},
    {"no signatures", {H(UNSIGNED, ROOT), I(IMAGE_ROOT)}, "metadata.signature", "signature", 0},
    {"no components",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", "", VALID)), I(IMAGE_ROOT)},
     "metadata.components",
     "no components",
     0},
    {"no base layer",
     {I(MANIFEST("rtm", "")), I(IMAGE_ROOT)},
     "metadata.root",
     "no root manifest",
     0},
    {"no description of the image", {I(ROOT)}, "metadata.description", "no image description", 0},
    {"no hash",
     {I(MANIFEST_WITH("rtm", "\"rtm\"",
                      "{\"type\":\"firmware\",\"name\":\"c\",\"hashes\":[],\"properties\":["
                      "{\"name\":\"cmc.ta\",\"value\":\"TPM\"},"
                      "{\"name\":\"cmc.index\",\"value\":\"4\"}]}",
                      VALID)),
      I(IMAGE_ROOT)},
     "metadata.component",
     "no hash",
     0},

    /* who signed */
    {"another root", {S(ROOT, BED_STRANGER), I(IMAGE_ROOT)}, "metadata.signature", "issuer", 0},
    {"a role of another kind", {S(ROOT, BED_AK), I(IMAGE_ROOT)}, "metadata.signature", "issuer", 0},
    {"an attestation key of the right root",
     {S(ROOT, BED_AK_META), I(IMAGE_ROOT)},
     "metadata.signature",
     "usage",
     0},
    {"an expired certificate",
     {S(ROOT, BED_OLD), I(IMAGE_ROOT)},
     "metadata.signature",
     "expired",
     0},
    {"a revoked certificate",
     {S(ROOT, BED_REVOKED), I(IMAGE_ROOT)},
     "metadata.signature",
     "revoked",
     0},
    {"one of two signers is a stranger",
     {S(ROOT, BED_SIGNER, BED_STRANGER), I(IMAGE_ROOT)},
     "metadata.signature",
     "issuer",
     0},
    {"a manifest that somebody else made",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, VALID ",\"developerCommonName\":\"Somebody Else\"")),
      I(IMAGE_ROOT)},
     "metadata.developer",
     "Somebody Else",
     0},

    /* what it is, and when */
    {"not JSON", {I("[]"), I(ROOT), I(IMAGE_ROOT)}, "metadata.format", "", 0},
    {"an unknown type",
     {I("{\"type\":\"Licence\",\"name\":\"x\"," VALID "}"), I(ROOT), I(IMAGE_ROOT)},
     "metadata.format",
     "Licence",
     0},
    {"a member twice",
     {I("{\"type\":\"Manifest\",\"type\":\"Manifest\"}"), I(ROOT), I(IMAGE_ROOT)},
     "metadata.format",
     "",
     0},
    {"expired",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"))),
      I(IMAGE_ROOT)},
     "metadata.expired",
     "2026-01-01T00:00:00Z",
     0},
    {"expired a second ago",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("2025-01-01T00:00:00Z", "2027-01-15T07:59:59Z"))),
      I(IMAGE_ROOT)},
     "metadata.expired",
     "",
     0},
    {"not yet valid",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("2027-01-15T08:00:01Z", "2028-01-01T00:00:00Z"))),
      I(IMAGE_ROOT)},
     "metadata.early",
     "not yet valid",
     0},
    {"without validity",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, V1)), I(IMAGE_ROOT)},
     "metadata.validity",
     "does not say",
     0},
    {"valid since nobody says when",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, "\"validity\":{\"notAfter\":\"2028-01-01T00:00:00Z\"}")),
      I(IMAGE_ROOT)},
     "metadata.validity",
     "does not say",
     0},
    {"valid until nobody says when",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C,
                      "\"validity\":{\"notBefore\":\"2026-01-01T00:00:00Z\"}")),
      I(IMAGE_ROOT)},
     "metadata.validity",
     "does not say",
     0},
    {"times that are none",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("yesterday", "2028-01-01T00:00:00Z"))),
      I(IMAGE_ROOT)},
     "metadata.time",
     "",
     0},
    {"an end that is no time",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, SPAN("2026-01-01T00:00:00Z", "later"))), I(IMAGE_ROOT)},
     "metadata.time",
     "later",
     0},
    {"a version that is no time",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", C, VALID ",\"version\":\"1.0\"")), I(IMAGE_ROOT)},
     "metadata.time",
     "",
     0},
    {"two of one version",
     {I(ROOT), I(MANIFEST_WITH("rtm", "\"rtm\"", C "," C, VALID "," V1)), I(IMAGE_ROOT)},
     "metadata.version",
     "two different items",
     0},
    {"the expired image description",
     {I(ROOT), I(IMAGE_WITH(NAMES("rtm"), SPAN("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")))},
     "metadata.expired",
     "",
     0},
    {"a manifest without a name",
     {I("{\"type\":\"Manifest\"," VALID "}"), I(ROOT), I(IMAGE_ROOT)},
     "metadata.name",
     "without a name",
     0},

    /* digests */
    {"listed and absent",
     {I(ROOT), I(IMAGE_ROOT), H(ABSENT, OS)},
     "metadata.missing",
     "nobody has",
     0},
    {"there and not listed",
     {I(ROOT), H(UNLISTED, IMAGE_ROOT)},
     "metadata.digest",
     "does not list",
     0},

    /* how they fit */
    {"a description of nothing", {I(ROOT), I(IMAGE_OS)}, "metadata.names", "\"os\"", 0},
    {"a manifest without description",
     {I(ROOT), I(OS), I(IMAGE_ROOT)},
     "metadata.names",
     "\"os\"",
     0},
    {"two descriptions of one",
     {I(ROOT), I(IMAGE(NAMES("rtm") "," NAMES("rtm")))},
     "metadata.names",
     "two descriptions",
     0},
    {"two roots",
     {I(ROOT), I(MANIFEST("os", "\"os\"")), I(IMAGE_OS)},
     "metadata.root",
     "more than one",
     0},
    {"a layer below that is absent",
     {I(ROOT), I(MANIFEST("os", "\"kernel\"")), I(IMAGE_OS)},
     "metadata.layers",
     "\"os\"",
     0},
    {"a cycle",
     {I(ROOT), I(MANIFEST("os", "\"app\"")), I(MANIFEST("app", "\"os\"")),
      I(IMAGE(NAMES("rtm") "," NAMES("os") "," NAMES("app")))},
     "metadata.layers",
     "cycle",
     0},
    {"a cycle and no root",
     {I(MANIFEST("os", "\"app\"")), I(MANIFEST("app", "\"os\"")),
      I(IMAGE(NAMES("os") "," NAMES("app")))},
     "metadata.root",
     "no root",
     0},
    {"rules that are none",
     {I(ROOT), I(IMAGE("{\"type\":\"Manifest Description\",\"name\":\"d\",\"manifest\":\"rtm\","
                       "\"ociRules\":{\"process\":\"free\"}}"))},
     "metadata.rules",
     "free",
     0},
    {"an unknown anchor",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", COMPONENT("", "tpm", "4"), VALID)), I(IMAGE_ROOT)},
     "metadata.component",
     "neither TPM nor SW",
     0},
    {"no anchor",
     {I(MANIFEST_WITH("rtm", "\"rtm\"",
                      "{\"type\":\"firmware\",\"name\":\"c\",\"hashes\":[{\"alg\":\"SHA-256\","
                      "\"content\":\"" HASH "\"}]}",
                      VALID)),
      I(IMAGE_ROOT)},
     "metadata.component",
     "no cmc.ta",
     0},
    {"a register that does not exist",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", COMPONENT("", "TPM", "24"), VALID)), I(IMAGE_ROOT)},
     "metadata.component",
     "0 to 23",
     0},
    {"a register without a number",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", COMPONENT("", "TPM", ""), VALID)), I(IMAGE_ROOT)},
     "metadata.component",
     "0 to 23",
     0},
    {"more than a number",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", COMPONENT("", "TPM", "4 "), VALID)), I(IMAGE_ROOT)},
     "metadata.component",
     "0 to 23",
     0},
    {"a register with zeros in front",
     {I(MANIFEST_WITH("rtm", "\"rtm\"", COMPONENT("", "TPM", "004"), VALID)), I(IMAGE_ROOT)},
     "metadata.component",
     "0 to 23",
     0},
};

struct set { /* what a row's items are for the loader */
    char *text[ITEMS_MAX];
    struct verify_item item[2 * ITEMS_MAX], own[ITEMS_MAX];
    uint8_t digest[ITEMS_MAX][CMC_SHA256_LEN];
    struct meta_bytes listed[ITEMS_MAX];
    size_t items, owns, digests;
};

static char *sign(const struct bed *b, const struct item *i)
{
    static const enum bed_cert nobody[] = {BED_CERTS};
    const enum bed_cert by[] = {i->by[0] ? i->by[0] : BED_SIGNER, i->by[1] ? i->by[1] : BED_CERTS,
                                BED_CERTS};
    if (i->how & RAW)
        return strdup(i->payload);
    return bed_sign(b, i->payload, i->how & UNSIGNED ? nobody : by);
}

static void prepare(const struct bed *b, const struct row *r, struct set *s)
{
    *s = (struct set){.items = 0};
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): run_row() frees the set */
    for (size_t k = 0; k < ITEMS_MAX && r->item[k].payload; k++) {
        const struct item *i = &r->item[k];
        s->text[k] = sign(b, i);
        const struct verify_item item = {(const uint8_t *)s->text[k], strlen(s->text[k])};
        cmc_sha256(item.data, item.len, s->digest[k]);
        if (!(i->how & UNLISTED))
            s->listed[s->digests++] =
                (struct meta_bytes){.data = s->digest[k], .len = CMC_SHA256_LEN};
        if (i->how & OWN)
            s->own[s->owns++] = item;
        else if (!(i->how & ABSENT))
            s->item[s->items++] = item;
        if (i->how & TWICE)
            s->item[s->items++] = item;
    }
}

/* What is refused of an item is the last thing that is said of it. */
static void nothing_behind_a_refusal(const struct verify_claim *c)
{
    for (; c; c = c->next) {
        nothing_behind_a_refusal(c->child);
        if (strcmp(c->id, "metadata.item") != 0)
            continue;
        for (const struct verify_claim *k = c->child; k; k = k->next)
            if (k->status == VERIFY_BAD && k->next)
                fail_msg("went on behind %s, to %s", k->id, k->next->id);
    }
}

static void run_row(void **state)
{
    const struct row *r = *state;
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct bed b = {0};
    struct set s;
    struct verify_metadata m;
    bed_open(&b, true);
    prepare(&b, r, &s);
    const struct verify_metadata_input in = {.trust = b.trust,
                                             .item = s.item,
                                             .item_count = s.items,
                                             .own = s.own,
                                             .own_count = s.owns,
                                             .digest = s.listed,
                                             .digest_count = s.digests};
    memset(&m, 0xa5, sizeof(m));
    const enum verify_status status = verify_metadata_load(&in, t, NULL, &m);
    bed_expect(verify_claim_top(t), r->id, r->words);
    nothing_behind_a_refusal(verify_claim_top(t));
    assert_int_equal(status, r->id ? VERIFY_BAD : VERIFY_GOOD);
    if (!r->id)
        assert_int_equal(m.reference_count, r->references);
    verify_metadata_done(&m);
    for (size_t i = 0; i < ITEMS_MAX; i++)
        free(s.text[i]);
    bed_close(&b);
}

static void load(const struct bed *b, const char *const payloads[], struct verify_tree *t,
                 struct verify_metadata *out)
{
    static const enum bed_cert by[] = {BED_SIGNER, BED_CERTS};
    char *text[4] = {0};
    struct verify_item item[4];
    size_t n = 0;
    for (; payloads[n]; n++) {
        text[n] = bed_sign(b, payloads[n], by);
        item[n] = (struct verify_item){(const uint8_t *)text[n], strlen(text[n])};
    }
    const struct verify_metadata_input in = {.trust = b->trust, .own = item, .own_count = n};
    assert_int_equal(verify_metadata_load(&in, t, NULL, out), VERIFY_GOOD);
    for (size_t i = 0; i < n; i++)
        free(text[i]);
}

#define DESCRIBED(manifest, rules)                                                                 \
    "{\"type\":\"Manifest Description\",\"name\":\"d\",\"manifest\":\"" manifest                   \
    "\",\"ociRules\":" rules "}"
#define PROFILE(profile, more)                                                                     \
    "{\"type\":\"application\",\"name\":\"p\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":"       \
    "\"" HASH                                                                                      \
    "\"}],\"properties\":[{\"name\":\"cmc.ta\",\"value\":\"TPM\"},{\"name\":\"cmc.index\","        \
    "\"value\":\"13\"},{\"name\":\"cmc.profile\",\"value\":\"" profile "\"}" more "]}"

/* Root first, rules of the description that names the manifest, and whether it must run. */
static void references_know_where_they_are_from(void **state)
{
    static const char *const payloads[] = {
        MANIFEST_WITH("app", "\"rtm\"",
                      COMPONENT("\"optional\":true,", "TPM", "13") "," PROFILE(
                          "exact", "") "," PROFILE("exact", ",{\"name\":\"cmc."
                                                            "mustRun\",\"value\":"
                                                            "\"true\"}"),
                      VALID ",\"certLevel\":3"),
        MANIFEST_WITH("rtm", "\"rtm\"", C "," COMPONENT("", "SW", "x"), VALID ",\"certLevel\":2"),
        IMAGE(NAMES("rtm") "," DESCRIBED("app", "{\"hostname\":\"modifiable\"}")), NULL};
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct bed b = {0};
    struct verify_metadata m;
    (void)state;
    bed_open(&b, false);
    load(&b, payloads, t, &m);
    assert_int_equal(m.manifest_count, 2);
    assert_string_equal(m.manifest[0].name, "rtm");
    assert_string_equal(m.manifest[1].name, "app");
    assert_string_equal(m.manifest[0].signer, "metadata signer");
    assert_int_equal(m.cert_level, 2);
    assert_int_equal(m.reference_count, 5);
    const struct verify_reference *r = m.reference;
    assert_true(r[0].tpm && !r[0].sw && r[0].index == 4 && r[0].must_run && !r[0].rules);
    assert_true(!r[1].tpm && r[1].sw && r[1].index == -1 && r[1].must_run);
    assert_true(r[2].tpm && r[2].index == 13 && !r[2].must_run && r[2].rules);
    assert_true(!r[3].must_run && r[3].manifest == &m.manifest[1]);
    assert_true(r[4].must_run);
    assert_int_equal(verify_metadata_level(&m, false, t, NULL), VERIFY_BAD);
    assert_int_equal(verify_metadata_level(&m, true, t, NULL), VERIFY_GOOD);
    m.cert_level = 1;
    assert_int_equal(verify_metadata_level(&m, false, t, NULL), VERIFY_GOOD);
    verify_metadata_done(&m);
    verify_metadata_done(&m); /* twice is fine */
    bed_close(&b);
}

/* What stands behind an item's end is not read: here it would make an item of it. */
static void own_files_that_are_no_items(void **state)
{
#define FILE(text, n)                                                                              \
    {                                                                                              \
        (const uint8_t *)(text), (n)                                                               \
    }
    static const struct verify_item own[] = {FILE("{", 0),
                                             FILE(" {", 1),
                                             FILE("\n\t {", 3),
                                             FILE("", 1),
                                             FILE("cmc-rootfs-listing 1\n", 21),
                                             FILE("{}", 2),
                                             FILE("\xd8\x62", 2)};
#undef FILE
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct bed b = {0};
    struct verify_metadata m;
    (void)state;
    bed_open(&b, false);
    const struct verify_metadata_input in = {.trust = b.trust, .own = own, .own_count = ROWS(own)};
    assert_int_equal(verify_metadata_load(&in, t, NULL, &m), VERIFY_BAD);
    assert_int_equal(m.result_count, 2);
    verify_metadata_done(&m);
    bed_close(&b);
}

/* One more of each is refused at once: nothing is there that could be read. */
static void limits(void **state)
{
    static const struct verify_metadata_input faults[] = {
        {.item_count = VERIFY_ITEMS_MAX + 1},
        {.own_count = VERIFY_ITEMS_MAX + 1},
        {.digest_count = VERIFY_DIGESTS_MAX + 1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(faults); i++) {
        CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
        struct verify_metadata m;
        assert_int_equal(verify_metadata_load(&faults[i], t, NULL, &m), VERIFY_BAD);
        bed_expect(verify_claim_top(t), "metadata.limit", "at most 8192, 8192 and 4096");
        assert_int_equal(m.result_count + m.manifest_count + m.reference_count, 0);
        verify_metadata_done(&m);
    }
}

static void components_have_a_limit(void **state)
{
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    const struct meta_item many = {.manifest.component_count = VERIFY_REFERENCES_MAX};
    const struct meta_item one = {.manifest.component_count = 1};
    const struct verify_manifest manifest[] = {{.item = &many, .name = "many"},
                                               {.item = &one, .name = "one"}};
    struct verify_metadata_store store = {.count = 0};
    struct verify_metadata m = {.manifest = manifest, .manifest_count = 2};
    const struct verify_loading l = {
        .t = t, .up = verify_claim_add(t, NULL, VERIFY_BAD, "metadata", "top"), .store = &store};
    (void)state;
    assert_true(verify_metadata_pool(&l, &m));
    bed_expect(verify_claim_top(t), "metadata.limit", "more than 131072 components");
    assert_null(m.reference);
    assert_int_equal(m.reference_count, 0);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(references_know_where_they_are_from),
        cmocka_unit_test(own_files_that_are_no_items),
        cmocka_unit_test(limits),
        cmocka_unit_test(components_have_a_limit),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct row *r = NULL;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer is what is copied */
        memcpy(&r, &(const struct row *){&rows[i]}, sizeof(r));
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, r};
    }
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("attest/verify/metadata", tests, NULL, NULL);
}
