/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_oci_image.c -- what an image says about itself: the first byte says which
 * document it is, and for a configuration which client makes what of it. A configuration that is
 * made is one that can be measured. */
#include <stdlib.h>
#include <string.h>

#include "measure/client.h"
#include "measure/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 16 << 20 };

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_code(int rc, const struct cmc_err *err)
{
    check(rc == 0 || (rc < 0 && rc == -(int)err->code && err->msg[0]));
}

static void check_descriptor(const struct measure_oci_descriptor *d)
{
    check(strlen(d->hex) == sizeof(d->hex) - 1 &&
          strspn(d->hex, "0123456789abcdef") == sizeof(d->hex) - 1);
}

static void index_of(const char *text, size_t len, const char *tag)
{
    const struct measure_oci_choice c = {.tag = tag, .os = "linux", .arch = "amd64"};
    struct measure_oci_descriptor d;
    struct cmc_err err = {0};
    const int rc = measure_oci_choose(text, len, &c, &d, &err);
    check_code(rc, &err);
    if (rc == 0) {
        check_descriptor(&d);
        check(d.kind != MEASURE_OCI_OTHER);
    }
}

static void manifest_of(const char *text, size_t len)
{
    static struct measure_oci_manifest m;
    struct cmc_err err = {0};
    const int rc = measure_oci_manifest(text, len, &m, &err);
    check_code(rc, &err);
    for (size_t i = 0; rc == 0 && i < m.layers; i++)
        check_descriptor(&m.layer[i]);
}

/* Both profiles can measure what was made, or say why not. */
static void measure_made(const struct cmc_buf *made)
{
    const struct measure_config_opts exact = {.container_id = "id"};
    struct measure_config config;
    struct cmc_err err = {0};
    check(measure_config(made->data, made->len, &exact, &config, &err) == 0 ||
          err.code == CMC_E_LIMIT);
    if (err.code == 0)
        measure_config_done(&config);
}

/* passwd and group are the rest of the text behind the document's first two zero bytes. */
static void config_of(const char *text, size_t len, bool cri)
{
    static struct measure_oci_config c;
    const char *passwd = len ? memchr(text, 0, len) : NULL;
    const size_t json = passwd ? (size_t)(passwd - text) : len;
    struct measure_client_image image = {.config = &c};
    struct measure_client_opts *o = calloc(1, sizeof(*o));
    cmc_autobuf struct cmc_buf made = cmc_buf_of(OUT_MAX);
    struct cmc_err err = {0};
    check(o != NULL);
    *o = (struct measure_client_opts){.id = "id",
                                      .ns = "ns",
                                      .oci_version = "1",
                                      .pod = "p",
                                      .pod_ns = "n",
                                      .pod_uid = "u",
                                      .container = "c",
                                      .sandbox = "s",
                                      .sandbox_pid = "9",
                                      .root = "/r",
                                      .state = "/s",
                                      .image_name = "i",
                                      .cgroup_version = 2};
    int rc = measure_oci_config(text, json, &c, &err);
    check_code(rc, &err);
    if (rc == 0 && passwd) {
        image.passwd = (struct measure_bytes){(const uint8_t *)passwd + 1, len - json - 1};
        const uint8_t *group =
            image.passwd.len ? memchr(image.passwd.p, 0, image.passwd.len) : NULL;
        if (group) {
            const size_t at = (size_t)(group - image.passwd.p);
            image.group = (struct measure_bytes){group + 1, image.passwd.len - at - 1};
            image.passwd.len = at;
        }
    }
    if (rc == 0) {
        rc = (cri ? measure_client_cri : measure_client_ctr)(o, &image, &made, &err);
        check_code(rc, &err);
        if (rc == 0)
            measure_made(&made);
    }
    measure_oci_config_done(&c);
    free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    switch (data[0]) {
    case 'i':
        index_of(text, size - 1, NULL);
        break;
    case 't':
        index_of(text, size - 1, "1");
        break;
    case 'm':
        manifest_of(text, size - 1);
        break;
    case 'p':
        config_of(text, size - 1, true);
        break;
    default:
        config_of(text, size - 1, false);
    }
    return 0;
}
