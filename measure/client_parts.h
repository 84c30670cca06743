/* SPDX-License-Identifier: Apache-2.0 */
/* measure/client_parts.h -- what clients of containerd have in common. */
#ifndef MEASURE_CLIENT_PARTS_H
#define MEASURE_CLIENT_PARTS_H
#include "measure/client.h"

struct client_texts { /* a growing list of borrowed texts; zeroed at its start */
    const char **at;  /* owned */
    size_t count, cap;
};
void client_texts_done(struct client_texts *t);
/* Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int client_texts_add(struct client_texts *t, const char *text, struct cmc_err *err);
CMC_MUST_CHECK int client_texts_add_oci(struct client_texts *t,
                                        const struct measure_oci_texts *from, struct cmc_err *err);
CMC_MUST_CHECK int client_texts_add_list(struct client_texts *t, const struct cmc_opt_list *from,
                                         struct cmc_err *err);
bool client_texts_has(const struct client_texts *t, const char *text);
void client_texts_remove(struct client_texts *t, const char *text);

/* Sets variables in env as containerd does: one that is there is replaced in its place, others are
 * appended, a name without "=" removes. */
CMC_MUST_CHECK int client_env_set(struct client_texts *env, const struct client_texts *with,
                                  struct cmc_err *err);

enum { CLIENT_GIDS_MAX = 65536 };
struct client_user {
    uint32_t uid, gid;
    uint32_t *gids; /* owned: additional ones */
    size_t gid_count;
};
void client_user_done(struct client_user *u);
/* "user", "uid", "user:group" and so on, as containerd's WithUser; then the groups of that uid, or
 * with spec "" those of root. Errors: -CMC_E_VERIFY (not in the image), -CMC_E_USAGE, -CMC_E_LIMIT.
 */
CMC_MUST_CHECK int client_user_find(const struct measure_client_image *image, const char *spec,
                                    struct client_user *out, struct cmc_err *err);

/* JSON writers: a member with a comma before it. */
void client_put_key(struct cmc_buf *b, const char *key);
void client_put_text(struct cmc_buf *b, const char *key, const char *text);
void client_put_texts(struct cmc_buf *b, const char *key, const struct client_texts *texts);
void client_put_user(struct cmc_buf *b, const struct client_user *u);
/* {"a":"b"} of "a=b" texts; the last of a name counts. */
void client_put_map(struct cmc_buf *b, const char *key, const struct client_texts *pairs);

/* "type=bind,src=/a,dst=/b,options=rbind:ro" as an object. Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int client_put_mount(struct cmc_buf *b, const char *spec, struct cmc_err *err);
#endif
