/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/item.c -- the payloads of signed items: manifests and descriptions. */
#include <string.h>

#include "attest/meta/doc.h"

#define AT(member)       .at = offsetof(struct meta_item, member)
#define COUNT_AT(member) .count_at = offsetof(struct meta_item, member)

/* Groups lie in struct meta_item itself; so does MetaInfo, which each type begins with. */
static const struct meta_field validity_fields[] = {
    {"notBefore", 0, META_TEXT, META_ALWAYS, AT(info.not_before)},
    {"notAfter", 1, META_TEXT, META_ALWAYS, AT(info.not_after)},
};
static const struct meta_record validity_record = {
    .name = "validity", .size = sizeof(struct meta_item), META_FIELDS(validity_fields)};

static const struct meta_field sbom_fields[] = {
    {"bomFormat", 0, META_CONST, META_MUST, .only = "CycloneDX"},
    {"specVersion", 1, META_TEXT, META_ALWAYS, AT(manifest.spec_version)},
    {"version", 2, META_INT, META_MAY, AT(manifest.sbom_version)},
    {"components", 3, META_LIST, META_MAY, AT(manifest.component),
     COUNT_AT(manifest.component_count), .of = &meta_component_record},
};
static const struct meta_record sbom_record = {
    .name = "an SBOM", .size = sizeof(struct meta_item), META_FIELDS(sbom_fields)};

static const struct meta_field rule_fields[] = {
    {"type", 0, META_TEXT, META_MUST, .at = offsetof(struct meta_description, type),
     .only = "Manifest Description"},
    {"name", 1, META_TEXT, META_ALWAYS, .at = offsetof(struct meta_description, name)},
    {"description", 2, META_TEXT, META_MAY, .at = offsetof(struct meta_description, description)},
    {"manifest", 3, META_TEXT, META_MAY, .at = offsetof(struct meta_description, manifest)},
    {"ociRules", 4, META_TREE, META_MAY, .at = offsetof(struct meta_description, oci_rules)},
};
static const struct meta_record description_record = {.name = "a description of a manifest",
                                                      .size = sizeof(struct meta_description),
                                                      META_FIELDS(rule_fields)};

#define INFO(of_type)                                                                              \
    {"type", 0, META_TEXT, META_MUST, AT(info.type), .only = (of_type)},                           \
        {"name", 1, META_TEXT, META_MAY, AT(info.name)},                                           \
        {"version", 2, META_TEXT, META_MAY, AT(info.version)},                                     \
        {"validity", 3, META_INSIDE, META_MAY, .of = &validity_record},                            \
    {                                                                                              \
        "description", 4, META_TEXT, META_MAY, AT(info.description)                                \
    }

static const struct meta_field manifest_fields[] = {
    INFO("Manifest"),
    {"sbom", 10, META_INSIDE, META_MAY, .of = &sbom_record},
    {"developerCommonName", 11, META_TEXT, META_MAY, AT(manifest.developer)},
    {"baseLayers", 12, META_TEXTS, META_ALWAYS, AT(manifest.base_layers), .max = 256},
    {"certLevel", 13, META_INT, META_ALWAYS, AT(manifest.cert_level)},
    {"caFingerprints", 14, META_TEXTS, META_ALWAYS, AT(manifest.ca_fingerprints), .max = 256},
    {"snpPolicy", 15, META_TREE, META_MAY, AT(manifest.snp_policy)},
    {"tdxPolicy", 16, META_TREE, META_MAY, AT(manifest.tdx_policy)},
    {"sgxPolicy", 17, META_TREE, META_MAY, AT(manifest.sgx_policy)},
    {"details", 18, META_TREE, META_MAY, AT(manifest.details)},
    {"omspServer", 20, META_TEXT, META_MAY, AT(manifest.omsp_server)},
};
/* In CBOR location has the key that omspServer has in a manifest: the type decides. */
static const struct meta_field image_fields[] = {
    INFO("Image Description"),
    {"location", 20, META_TEXT, META_ALWAYS, AT(location)},
    {"descriptions", 21, META_LIST, META_ALWAYS, AT(description), COUNT_AT(description_count),
     .of = &description_record, .max = 4096},
};
static const struct meta_field company_fields[] = {INFO("Company Description")};
static const struct meta_field omsp_fields[] = {INFO("OMSP Response")};

static const struct meta_record records[] = {
    [META_MANIFEST] = {.name = "a manifest",
                       .size = sizeof(struct meta_item),
                       META_FIELDS(manifest_fields)},
    [META_IMAGE_DESCRIPTION] = {.name = "an image description",
                                .size = sizeof(struct meta_item),
                                META_FIELDS(image_fields)},
    [META_COMPANY_DESCRIPTION] = {.name = "a company description",
                                  .size = sizeof(struct meta_item),
                                  META_FIELDS(company_fields)},
    [META_OMSP_RESPONSE] = {.name = "an OMSP response",
                            .size = sizeof(struct meta_item),
                            META_FIELDS(omsp_fields)},
};

/* What says which of the tables holds; the rest is passed over. */
static const struct meta_field type_fields[] = {
    {"type", 0, META_TEXT, META_MUST, AT(info.type),
     .only = "Manifest|Image Description|Company Description|OMSP Response"},
};
static const struct meta_record type_record = {
    .name = "an item of metadata", .size = sizeof(struct meta_item), META_FIELDS(type_fields)};

static enum meta_kind kind_of(const char *type)
{
    int kind = META_MANIFEST;
    while (strcmp(records[kind].field[0].only, type) != 0)
        kind++;
    return (enum meta_kind)kind;
}

int meta_item_decode(const void *data, size_t len, struct meta_item *out, struct cmc_err *err)
{
    struct meta_item item = {0};
    meta_autodoc struct meta_doc *first = NULL;
    int rc = meta_codec_decode(&type_record, data, len, &item, &first, err);
    if (rc < 0)
        return rc;
    const enum meta_kind kind = kind_of(item.info.type);
    item = (struct meta_item){0};
    rc = meta_codec_decode(&records[kind], data, len, &item, &item.doc, err);
    if (rc < 0)
        return rc;
    item.kind = kind;
    *out = item;
    return 0;
}

int meta_item_encode(const struct meta_item *item, enum meta_encoding encoding, struct cmc_buf *out,
                     struct cmc_err *err)
{
    struct meta_item copy = *item;
    if (item->kind < META_MANIFEST || item->kind > META_OMSP_RESPONSE)
        return cmc_fail(err, CMC_E_USAGE, "an item of kind %d", (int)item->kind);
    copy.info.type = records[item->kind].field[0].only;
    return meta_codec_encode(&records[item->kind], &copy, encoding, out, err);
}

void meta_item_done(struct meta_item *item)
{
    meta_doc_free(item->doc);
    *item = (struct meta_item){0};
}
