/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/component.c -- components: what an event measured, or what a reference allows. */
#include <string.h>
#include <strings.h>

#include "attest/meta/codec.h"

#define AT(type, member) .at = offsetof(struct type, member)

static const struct meta_field hash_fields[] = {
    {"alg", 0, META_TEXT, META_MUST, AT(meta_hash, alg)},
    {"content", 1, META_HEX, META_MUST, AT(meta_hash, content), .max = 64},
};
static const struct meta_record hash_record = {
    .name = "a hash", .size = sizeof(struct meta_hash), META_FIELDS(hash_fields)};

static const struct meta_field property_fields[] = {
    {"name", 0, META_TEXT, META_MUST, AT(meta_property, name)},
    {"value", 1, META_TEXT, META_ALWAYS, AT(meta_property, value)},
};
static const struct meta_record property_record = {
    .name = "a property", .size = sizeof(struct meta_property), META_FIELDS(property_fields)};

static const struct meta_field ctr_fields[] = {
    {"configSha256", 0, META_HEX, META_ALWAYS, AT(meta_ctr, config), .max = 32},
    {"rootfsSha256", 1, META_HEX, META_ALWAYS, AT(meta_ctr, rootfs), .max = 32},
    {"ociSpec", META_TEXT_KEY, META_TREE, META_ALWAYS, AT(meta_ctr, oci_spec)},
};
static const struct meta_record ctr_record = {
    .name = "ctrData", .size = sizeof(struct meta_ctr), META_FIELDS(ctr_fields)};

static const struct meta_field component_fields[] = {
    {"type", 0, META_TEXT, META_ALWAYS, AT(meta_component, type)},
    {"name", 1, META_TEXT, META_ALWAYS, AT(meta_component, name)},
    {"hashes", 2, META_LIST, META_ALWAYS, AT(meta_component, hash),
     offsetof(struct meta_component, hash_count), &hash_record, .max = 16},
    {"version", 3, META_TEXT, META_MAY, AT(meta_component, version)},
    {"optional", 4, META_BOOL, META_MAY, AT(meta_component, optional)},
    {"description", 5, META_TEXT, META_MAY, AT(meta_component, description)},
    {"properties", 6, META_LIST, META_MAY, AT(meta_component, property),
     offsetof(struct meta_component, property_count), &property_record, .max = 256},
    {"eventdata", 7, META_TREE, META_MAY, AT(meta_component, event_data)},
    {"ctrData", 8, META_RECORD, META_MAY, AT(meta_component, ctr), .of = &ctr_record},
    {"intelCollateral", 9, META_TREE, META_MAY, AT(meta_component, intel)},
    {"purl", 10, META_TEXT, META_MAY, AT(meta_component, purl)},
};
const struct meta_record meta_component_record = {
    .name = "a component", .size = sizeof(struct meta_component), META_FIELDS(component_fields)};

static const struct meta_field artifact_fields[] = {
    {"type", 0, META_TEXT, META_ALWAYS, AT(meta_artifact, type)},
    {"index", 1, META_INT, META_ALWAYS, AT(meta_artifact, index)},
    {"events", 2, META_LIST, META_MAY, AT(meta_artifact, event),
     offsetof(struct meta_artifact, event_count), &meta_component_record},
};
const struct meta_record meta_artifact_record = {.name = "an artifact",
                                                 .size = sizeof(struct meta_artifact),
                                                 META_FIELDS(artifact_fields),
                                                 .max = META_DOCUMENT_MAX};

static const struct meta_field components_fields[] = {
    {"components", 0, META_LIST, META_MUST, AT(meta_components, at),
     offsetof(struct meta_components, count), &meta_component_record},
};
static const struct meta_record components_record = {.name = "an array of components",
                                                     .size = sizeof(struct meta_components),
                                                     META_FIELDS(components_fields),
                                                     .max = META_DOCUMENT_MAX,
                                                     .bare = true};

const char *meta_component_property(const struct meta_component *c, const char *name)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (strcmp(c->property[i].name, name) == 0)
            return c->property[i].value;
    return NULL;
}

const struct meta_bytes *meta_component_hash(const struct meta_component *c, const char *alg)
{
    for (size_t i = 0; i < c->hash_count; i++)
        if (strcasecmp(c->hash[i].alg, alg) == 0)
            return &c->hash[i].content;
    return NULL;
}

int meta_components_decode(const void *data, size_t len, struct meta_components *out,
                           struct cmc_err *err)
{
    struct meta_components c = {0};
    int rc = meta_codec_decode(&components_record, data, len, &c, &c.doc, err);
    if (rc == 0)
        *out = c;
    return rc;
}

int meta_components_encode(const struct meta_components *c, enum meta_encoding encoding,
                           struct cmc_buf *out, struct cmc_err *err)
{
    return meta_codec_encode(&components_record, c, encoding, out, err);
}

void meta_components_done(struct meta_components *c)
{
    meta_doc_free(c->doc);
    *c = (struct meta_components){0};
}

int meta_artifact_decode(const void *data, size_t len, struct meta_artifact *out,
                         struct meta_doc **doc, struct cmc_err *err)
{
    return meta_codec_decode(&meta_artifact_record, data, len, out, doc, err);
}

int meta_artifact_encode(const struct meta_artifact *a, enum meta_encoding encoding,
                         struct cmc_buf *out, struct cmc_err *err)
{
    return meta_codec_encode(&meta_artifact_record, a, encoding, out, err);
}
