/* SPDX-License-Identifier: Apache-2.0 */
/* shim/bootstrap.c -- the dialects of containerd 1.6 to 2.x around `start`. */
#include "shim/bootstrap.h"

#include <string.h>

#include "base/json.h"

enum { ANY_TYPE_URL = 1, ANY_VALUE = 2 };
enum { PARAMS_ID = 1, PARAMS_NAMESPACE = 2, PARAMS_EXTENSIONS = 8, PARAMS_SOCKET_DIR = 9 };
enum { RESULT_VERSION = 1, RESULT_ADDRESS = 2, RESULT_PROTOCOL = 3 };

static bool equals(const struct cmc_span *s, const char *text)
{
    return s->p && s->len == strlen(text) && memcmp(s->p, text, s->len) == 0;
}

/* Collects the fields that we use, by number; false when these bytes are no such message. */
static bool fields(const struct cmc_span *in, struct cmc_span *out, size_t count)
{
    struct cmc_reader r = cmc_reader_of(in->p, in->len);
    struct cmc_pb_field f;
    struct cmc_err ignored;
    int more;
    while ((more = cmc_pb_next(&r, &f, &ignored)) > 0)
        if (f.number < count && f.wire == CMC_PB_BYTES)
            out[f.number] = f.bytes;
    return more == 0;
}

static void take_any(const struct cmc_span *any, struct shim_bootstrap *out)
{
    struct cmc_span got[ANY_VALUE + 1] = {{NULL, 0}};
    if (!fields(any, got, ANY_VALUE + 1) || !got[ANY_TYPE_URL].p)
        return;
    out->type_url = got[ANY_TYPE_URL];
    out->options = got[ANY_VALUE];
}

static int take_params(const struct cmc_span *got, struct shim_bootstrap *out, struct cmc_err *err)
{
    const struct cmc_span *dir = &got[PARAMS_SOCKET_DIR];
    struct cmc_span any[2] = {{NULL, 0}}; /* an extension is {1: Any} */
    if (dir->len > SHIM_SOCKET_DIR_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "socket_dir: %zu bytes, at most %d", dir->len,
                        SHIM_SOCKET_DIR_MAX);
    if (dir->len && (dir->p[0] != '/' || !cmc_pb_is_text(dir)))
        return cmc_fail(err, CMC_E_FORMAT, "socket_dir is not an absolute path");
    out->params = true;
    if (dir->len)
        out->socket_dir = *dir;
    if (got[PARAMS_EXTENSIONS].p && fields(&got[PARAMS_EXTENSIONS], any, 2) && any[1].p)
        take_any(&any[1], out);
    return 0;
}

int shim_bootstrap_parse(const uint8_t *in, size_t len, const char *id, const char *ns,
                         struct shim_bootstrap *out, struct cmc_err *err)
{
    const struct cmc_span whole = {in, len};
    struct cmc_span got[PARAMS_SOCKET_DIR + 1] = {{NULL, 0}};
    struct shim_bootstrap b = {.params = false};
    bool readable = fields(&whole, got, PARAMS_SOCKET_DIR + 1);

    if (readable && *id && equals(&got[PARAMS_ID], id) && equals(&got[PARAMS_NAMESPACE], ns)) {
        if (take_params(got, &b, err) < 0)
            return -(int)err->code;
    } else if (readable) {
        take_any(&whole, &b);
    }
    *out = b;
    return 0;
}

struct cmc_span shim_bootstrap_cgroup(const struct shim_bootstrap *in)
{
    enum { RUNC_CGROUP = 3, CREATE_CGROUP = 9 };
    struct cmc_span got[CREATE_CGROUP + 1] = {{NULL, 0}};
    if (!in->options.p || !fields(&in->options, got, CREATE_CGROUP + 1))
        return (struct cmc_span){NULL, 0};
    if (equals(&in->type_url, "containerd.runc.v1.Options"))
        return got[RUNC_CGROUP];
    if (equals(&in->type_url, "containerd.linux.runc.CreateOptions"))
        return got[CREATE_CGROUP];
    return (struct cmc_span){NULL, 0};
}

bool shim_bootstrap_options_known(const struct cmc_span *type_url)
{
    return equals(type_url, "containerd.runc.v1.Options");
}

void shim_bootstrap_answer(bool params, unsigned version, const char *address, struct cmc_buf *out)
{
    if (params) {
        cmc_pb_put_uint(out, RESULT_VERSION, version);
        cmc_pb_put_bytes(out, RESULT_ADDRESS, address, strlen(address));
        cmc_pb_put_bytes(out, RESULT_PROTOCOL, "ttrpc", strlen("ttrpc"));
    } else if (version >= 3) {
        cmc_put_fmt(out, "{\"version\":%u,\"address\":", version);
        cmc_put_json_text(out, address, strlen(address));
        cmc_put_text(out, ",\"protocol\":\"ttrpc\"}");
    } else {
        cmc_put_text(out, address);
    }
}
